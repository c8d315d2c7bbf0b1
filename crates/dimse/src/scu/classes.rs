//! What a C-GET takes when nobody knows what will come.

/// What a C-GET takes unless something else is asked for: an association has room for 128 pairs of SOP class and transfer
/// syntax, and these are the classes of which archives are full.
pub const COMMON_CLASSES: [&str; 44] = [
    "1.2.840.10008.5.1.4.1.1.2",        // CT
    "1.2.840.10008.5.1.4.1.1.2.1",      // enhanced CT
    "1.2.840.10008.5.1.4.1.1.4",        // MR
    "1.2.840.10008.5.1.4.1.1.4.1",      // enhanced MR
    "1.2.840.10008.5.1.4.1.1.1",        // CR
    "1.2.840.10008.5.1.4.1.1.1.1",      // DX, for presentation
    "1.2.840.10008.5.1.4.1.1.1.1.1",    // DX, for processing
    "1.2.840.10008.5.1.4.1.1.1.2",      // mammography, for presentation
    "1.2.840.10008.5.1.4.1.1.1.2.1",    // mammography, for processing
    "1.2.840.10008.5.1.4.1.1.1.3",      // intra-oral, for presentation
    "1.2.840.10008.5.1.4.1.1.13.1.3",   // breast tomosynthesis
    "1.2.840.10008.5.1.4.1.1.6.1",      // ultrasound
    "1.2.840.10008.5.1.4.1.1.3.1",      // ultrasound, multi-frame
    "1.2.840.10008.5.1.4.1.1.7",        // secondary capture
    "1.2.840.10008.5.1.4.1.1.7.2",      // secondary capture, multi-frame byte
    "1.2.840.10008.5.1.4.1.1.7.3",      // secondary capture, multi-frame word
    "1.2.840.10008.5.1.4.1.1.7.4",      // secondary capture, multi-frame colour
    "1.2.840.10008.5.1.4.1.1.12.1",     // X-ray angiography
    "1.2.840.10008.5.1.4.1.1.12.1.1",   // enhanced X-ray angiography
    "1.2.840.10008.5.1.4.1.1.12.2",     // X-ray radiofluoroscopy
    "1.2.840.10008.5.1.4.1.1.20",       // nuclear medicine
    "1.2.840.10008.5.1.4.1.1.128",      // PET
    "1.2.840.10008.5.1.4.1.1.130",      // enhanced PET
    "1.2.840.10008.5.1.4.1.1.481.1",    // RT image
    "1.2.840.10008.5.1.4.1.1.481.2",    // RT dose
    "1.2.840.10008.5.1.4.1.1.481.3",    // RT structure set
    "1.2.840.10008.5.1.4.1.1.481.5",    // RT plan
    "1.2.840.10008.5.1.4.1.1.66.1",     // spatial registration
    "1.2.840.10008.5.1.4.1.1.66.4",     // segmentation
    "1.2.840.10008.5.1.4.1.1.11.1",     // greyscale presentation state
    "1.2.840.10008.5.1.4.1.1.11.2",     // colour presentation state
    "1.2.840.10008.5.1.4.1.1.88.11",    // basic text report
    "1.2.840.10008.5.1.4.1.1.88.22",    // enhanced report
    "1.2.840.10008.5.1.4.1.1.88.33",    // comprehensive report
    "1.2.840.10008.5.1.4.1.1.88.59",    // key object selection
    "1.2.840.10008.5.1.4.1.1.88.67",    // X-ray dose report
    "1.2.840.10008.5.1.4.1.1.104.1",    // encapsulated PDF
    "1.2.840.10008.5.1.4.1.1.77.1.1",   // endoscopy
    "1.2.840.10008.5.1.4.1.1.77.1.2",   // microscopy
    "1.2.840.10008.5.1.4.1.1.77.1.4",   // photography
    "1.2.840.10008.5.1.4.1.1.77.1.5.1", // ophthalmic photography, 8 bit
    "1.2.840.10008.5.1.4.1.1.77.1.5.4", // ophthalmic tomography
    "1.2.840.10008.5.1.4.1.1.77.1.6",   // whole-slide microscopy
    "1.2.840.10008.5.1.4.1.1.9.1.1",    // 12-lead ECG
];
