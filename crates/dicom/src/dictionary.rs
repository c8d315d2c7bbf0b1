//! The data dictionary and UID registry (DICOM PS3.6). Look-up only; the tables come from
//! `dicom-dictionary-std`, which is generated from the standard.

pub use crate::registry::STORAGE_SOP_CLASSES;
use crate::tag::{Tag, tags};
use crate::vr::Vr;
use dicom_core::dictionary::{DataDictionary, TagRange, UidDictionary, VirtualVr};
use dicom_dictionary_std::{StandardDataDictionary, StandardSopClassDictionary};

/// The value representation of a standard attribute, of a group length or of a private creator.
/// `None` for private and unknown attributes.
///
/// Where the dictionary leaves a choice (US or SS, OB or OW) the answer is the one that implicit data sets
/// need: US for numbers, OW for pixels and look-up tables (PS3.5 Annex A.1).
#[must_use]
pub fn vr_of(tag: Tag) -> Option<Vr> {
    // Repeating groups of the dictionary (60xx, 7Fxx) mean even groups only.
    if tag.is_private() {
        return match tag {
            Tag(_, 0) => Some(Vr::UL),
            creator if creator.is_private_creator() => Some(Vr::LO),
            _ => None,
        };
    }
    let entry = StandardDataDictionary.by_tag(dicom_core::Tag(tag.0, tag.1))?;
    match entry.vr {
        VirtualVr::Exact(vr) => Vr::from_letters(vr.to_string().as_bytes().try_into().ok()?),
        VirtualVr::Xs => Some(Vr::US),
        VirtualVr::Ox | VirtualVr::Px | VirtualVr::Lt => Some(Vr::OW),
        _ => None,
    }
}

/// Whether the dictionary says US or SS, to be decided by Pixel Representation (PS3.5 Annex A.1).
#[must_use]
pub fn follows_pixel_representation(tag: Tag) -> bool {
    StandardDataDictionary
        .by_tag(dicom_core::Tag(tag.0, tag.1))
        .is_some_and(|entry| entry.vr == VirtualVr::Xs)
}

/// The keyword of a standard attribute, e.g. `PatientName`.
#[must_use]
pub fn keyword_of(tag: Tag) -> Option<&'static str> {
    let entry = StandardDataDictionary.by_tag(dicom_core::Tag(tag.0, tag.1))?;
    matches!(entry.tag, TagRange::Single(_)).then_some(entry.alias)
}

/// The tag of a keyword, e.g. `PatientName`.
#[must_use]
pub fn tag_of_keyword(keyword: &str) -> Option<Tag> {
    let entry = StandardDataDictionary.by_name(keyword)?;
    match entry.tag {
        TagRange::Single(tag) => Some(Tag(tag.0, tag.1)),
        _ => None,
    }
}

/// Reads an attribute as DICOMweb names it: eight hexadecimal digits or a keyword (PS3.18 §8.3.4.1).
#[must_use]
pub fn tag_of_name(name: &str) -> Option<Tag> {
    Tag::from_hex(name).ok().or_else(|| tag_of_keyword(name))
}

/// The name of a SOP class, e.g. `CT Image Storage`.
#[must_use]
pub fn sop_class_name(uid: &str) -> Option<&'static str> {
    Some(StandardSopClassDictionary.by_uid(uid)?.name)
}

/// Whether the UID names a storage SOP class of the standard: what C-STORE and STOW-RS may carry.
#[must_use]
pub fn is_storage_sop_class(uid: &str) -> bool {
    StandardSopClassDictionary.by_uid(uid).is_some_and(|entry| is_storage_keyword(entry.alias))
}

/// Whether an attribute carries the pixels of an image (PS3.3 §C.7.6.3, C.7.6.24, C.7.6.25).
#[must_use]
pub const fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA)
}

// === helpers ===

/// A storage class is named `…Storage` or `…Storage<suffix>`; what commits, directs or prints is not one.
fn is_storage_keyword(keyword: &str) -> bool {
    keyword.contains("Storage")
        && !keyword.starts_with("StorageCommitment")
        && !keyword.starts_with("MediaStorage")
        && !keyword.contains("StorageManagement")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_tag_keyword_and_digits() {
        assert_eq!(vr_of(tags::PATIENT_NAME), Some(Vr::PN));
        assert_eq!(vr_of(Tag(0x0009, 0x0010)), Some(Vr::LO));
        assert_eq!(vr_of(Tag(0x0009, 0x1001)), None);
        assert_eq!(vr_of(Tag(0x7fd1, 0x0010)), Some(Vr::LO));
        assert_eq!(vr_of(Tag(0x6002, 0x3000)), Some(Vr::OW));
        assert_eq!(vr_of(Tag(0x0010, 0x0000)), Some(Vr::UL));
        assert_eq!(vr_of(tags::PIXEL_DATA), Some(Vr::OW));
        assert_eq!(keyword_of(tags::STUDY_INSTANCE_UID), Some("StudyInstanceUID"));
        assert_eq!(tag_of_name("StudyInstanceUID"), Some(tags::STUDY_INSTANCE_UID));
        assert_eq!(tag_of_name("0020000D"), Some(tags::STUDY_INSTANCE_UID));
        assert_eq!(tag_of_name("NoSuchThing"), None);
    }

    #[test]
    fn storage_classes_are_those_that_carry_instances() {
        assert!(is_storage_sop_class("1.2.840.10008.5.1.4.1.1.2"), "CT Image Storage");
        assert!(is_storage_sop_class("1.2.840.10008.5.1.4.1.1.104.1"), "Encapsulated PDF Storage");
        assert!(!is_storage_sop_class("1.2.840.10008.1.1"), "Verification");
        assert!(!is_storage_sop_class("1.2.840.10008.1.20.1"), "Storage Commitment Push Model");
        assert!(!is_storage_sop_class("1.2.840.10008.1.3.10"), "Media Storage Directory");
        assert!(!is_storage_sop_class("1.2.3"));
        assert!(STORAGE_SOP_CLASSES.len() > 150);
        for uid in STORAGE_SOP_CLASSES {
            assert!(is_storage_sop_class(uid), "{uid}");
        }
    }
}
