//! What arrived: the attributes that place an object, held against what its sender declared. Pure functions.

use crate::error::IngestError;
use crate::layout::FileHeader;
use crate::request::Declared;
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::index::{IndexError, InstanceIndex};
use yingdun_dicom::scan::{ScanError, Scanned, Scanner};
use yingdun_dicom::{coerce, dictionary};

/// A complete, readable data set that is what its sender said.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) index: InstanceIndex,
    /// In which its texts are read.
    pub(super) sets: CharacterSets,
    pub(super) scanned: Scanned,
    pub(super) data_set_bytes: u64,
    pub(super) data_set_sha256: [u8; 32],
}

impl Arrived {
    /// What is written in front of it when it leaves.
    pub(super) fn header(&self, declared: &Declared) -> FileHeader {
        FileHeader {
            sop_class: self.index.sop_class.clone(),
            sop_instance: self.index.sop_instance.clone(),
            transfer_syntax: declared.transfer_syntax.clone(),
            data_set_bytes: self.data_set_bytes,
        }
    }
}

/// Judges a complete data set.
pub(super) fn identify(
    declared: &Declared,
    scanned: Scanned,
    data_set_sha256: [u8; 32],
    data_set_bytes: u64,
) -> Result<Arrived, IngestError> {
    let index = described(declared, &scanned.data_set)
        .map_err(|error| IngestError::Invalid { reason: error.to_string() })?;
    if !dictionary::is_storage_sop_class(index.sop_class.as_str()) {
        return Err(IngestError::NotStorage { sop_class: index.sop_class.to_string() });
    }
    for (what, declared, found) in [
        ("SOP class", &declared.sop_class, &index.sop_class),
        ("SOP instance", &declared.sop_instance, &index.sop_instance),
        ("study", &declared.study, &index.study),
    ] {
        if declared.as_ref().is_some_and(|declared| declared != found) {
            return Err(IngestError::Mismatch { what });
        }
    }
    let sets = character_sets(declared, &scanned.data_set);
    Ok(Arrived { index, sets, scanned, data_set_bytes, data_set_sha256 })
}

/// The character sets in which the texts of an object are read.
fn character_sets(declared: &Declared, set: &DataSet) -> CharacterSets {
    set.character_sets().assuming(declared.habits.character_set_in.as_deref())
}

/// What is said of an object: what it says itself, coerced by the rules for its sender. This is what its descriptor holds,
/// so that a catalogue that is rebuilt from the packs says the same whatever the rules are then.
fn described(declared: &Declared, set: &DataSet) -> Result<InstanceIndex, IndexError> {
    let mut index = InstanceIndex::from_data_set_in(set, &character_sets(declared, set))?;
    coerce::apply(&declared.habits.coercions, &mut index);
    Ok(index)
}

/// Who the object is, as far as it has arrived; nothing until its identifying attributes have been read.
pub(super) fn early(declared: &Declared, scanner: &Scanner) -> Option<InstanceIndex> {
    let index = described(declared, scanner.data_set()).ok()?;
    // The SOP Instance UID comes first, the Series Instance UID last; patient attributes stand between them.
    declared.sop_instance.as_ref().is_none_or(|declared| *declared == index.sop_instance).then_some(index)
}

pub(super) fn unreadable(error: ScanError) -> IngestError {
    IngestError::Invalid { reason: error.to_string() }
}
