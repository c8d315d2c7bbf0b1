//! What a C-GET takes, of known classes and when nobody knows what will come.

use crate::association::{Proposals, ProposalsError};
use crate::query::{Model, Root, Verb};
use std::collections::BTreeSet;
use yingdun_model::Uid;

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

/// Transfer syntaxes in which objects are taken, so that the source need not write them anew: the common ones first, because an
/// association has room for 128 pairs of class and syntax.
const SYNTAXES: [&str; 25] = [
    "1.2.840.10008.1.2.1",     // explicit VR little endian
    "1.2.840.10008.1.2",       // implicit VR little endian
    "1.2.840.10008.1.2.4.70",  // JPEG lossless, first-order prediction
    "1.2.840.10008.1.2.4.90",  // JPEG 2000 lossless
    "1.2.840.10008.1.2.4.50",  // JPEG baseline
    "1.2.840.10008.1.2.4.80",  // JPEG-LS lossless
    "1.2.840.10008.1.2.5",     // RLE
    "1.2.840.10008.1.2.4.91",  // JPEG 2000
    "1.2.840.10008.1.2.4.57",  // JPEG lossless
    "1.2.840.10008.1.2.4.51",  // JPEG extended
    "1.2.840.10008.1.2.4.81",  // JPEG-LS near-lossless
    "1.2.840.10008.1.2.2",     // explicit VR big endian
    "1.2.840.10008.1.2.1.99",  // deflated
    "1.2.840.10008.1.2.4.102", // MPEG-4
    "1.2.840.10008.1.2.4.103", // MPEG-4, Blu-ray
    "1.2.840.10008.1.2.4.100", // MPEG-2
    "1.2.840.10008.1.2.4.101", // MPEG-2, high level
    "1.2.840.10008.1.2.4.201", // HTJ2K lossless
    "1.2.840.10008.1.2.4.202", // HTJ2K lossless, RPCL
    "1.2.840.10008.1.2.4.203", // HTJ2K
    "1.2.840.10008.1.2.4.104", // MPEG-4, level 4.2
    "1.2.840.10008.1.2.4.105", // MPEG-4, level 4.2, 3D
    "1.2.840.10008.1.2.4.106", // MPEG-4, stereo
    "1.2.840.10008.1.2.4.107", // HEVC
    "1.2.840.10008.1.2.4.108", // HEVC, 10 bit
];

impl Proposals {
    /// A C-GET of the study root model that takes these classes, or the common ones where none is known: few of them in every
    /// transfer syntax, many in the common ones.
    ///
    /// # Errors
    /// [`ProposalsError`] for more classes than an association has presentation contexts.
    pub fn study_get(classes: &BTreeSet<Uid>) -> Result<Self, ProposalsError> {
        let mut proposals = Self::new();
        proposals.add_model(Model { root: Root::Study, verb: Verb::Get })?;
        let mut classes: Vec<Uid> = classes.iter().cloned().collect();
        if classes.is_empty() {
            classes = COMMON_CLASSES.iter().filter_map(|class| Uid::new(class).ok()).collect();
        }
        let each = (proposals.room() / classes.len()).max(1);
        for class in classes {
            for syntax in SYNTAXES.iter().filter_map(|syntax| Uid::new(syntax).ok()).take(each) {
                proposals.add_taken(class.clone(), syntax)?;
            }
        }
        Ok(proposals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retrieval_takes_few_classes_in_every_syntax_and_many_in_the_common_ones() {
        let uid = |text: &str| Uid::new(text).unwrap();
        let proposed = |classes: &[&str]| {
            let proposals = Proposals::study_get(&classes.iter().copied().map(uid).collect()).unwrap();
            move |class: &str, syntax: &str| proposals.contains(&uid(class), &uid(syntax))
        };
        let (ct, sr) = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.22");
        let few = proposed(&[ct, sr]);
        assert!(SYNTAXES.iter().all(|syntax| few(ct, syntax) && few(sr, syntax)));
        let unknown = proposed(&[]);
        assert!(unknown(ct, SYNTAXES[0]) && unknown(sr, SYNTAXES[1]) && !unknown(ct, SYNTAXES[5]));
        let many = (0..200).map(|number| uid(&format!("1.2.{number}"))).collect();
        assert!(Proposals::study_get(&many).is_err());
    }
}
