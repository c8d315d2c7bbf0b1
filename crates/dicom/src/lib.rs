//! What DICOM says: data sets, character sets, JSON model, transfer syntaxes, person names.
