//! Door: the DICOM node, SCP and SCU.
