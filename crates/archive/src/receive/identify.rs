//! What arrived: the attributes that place an object, held against what its sender declared. Pure functions.

use crate::error::IngestError;
use crate::layout::FileHeader;
use crate::request::Declared;
use yingdun_dicom::dictionary;
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::scan::{ScanError, Scanned, Scanner};

/// A complete, readable data set that is what its sender said.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) index: InstanceIndex,
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
    let index = InstanceIndex::from_data_set(&scanned.data_set)
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
    Ok(Arrived { index, scanned, data_set_bytes, data_set_sha256 })
}

/// Who the object is, as far as it has arrived; nothing until its identifying attributes have been read.
pub(super) fn early(declared: &Declared, scanner: &Scanner) -> Option<InstanceIndex> {
    let index = InstanceIndex::from_data_set(scanner.data_set()).ok()?;
    // The SOP Instance UID comes first, the Series Instance UID last; patient attributes stand between them.
    declared.sop_instance.as_ref().is_none_or(|declared| *declared == index.sop_instance).then_some(index)
}

pub(super) fn unreadable(error: ScanError) -> IngestError {
    IngestError::Invalid { reason: error.to_string() }
}
