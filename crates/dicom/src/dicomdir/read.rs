//! Reads which files a DICOMDIR names. Media come from strangers: file IDs are taken as names and never as paths.

use crate::limits::Limits;
use crate::part10::{self, FileError, HeaderLook};
use crate::scan::{ScanError, scan};
use crate::tag::tags;
use crate::transfer_syntax;
use yingdun_model::Uid;

/// Components of a file ID (PS3.10 §8.2).
const COMPONENTS_MAX: usize = 8;

/// Characters of a component. The standard has 8 (PS3.10 §8.2); many programs write long names.
const COMPONENT_CHARS_MAX: usize = 255;

/// Why the files of a DICOMDIR are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The start is not one of a DICOM file.
    #[error("no DICOMDIR: {0}")]
    Header(#[from] FileError),
    /// The data set cannot be read, or is larger than its bounds.
    #[error("the DICOMDIR cannot be read: {0}")]
    Records(#[from] ScanError),
    /// It has no directory records that were kept.
    #[error("the DICOMDIR has no directory records, or too many")]
    NoRecords,
    /// A file ID would lead somewhere else.
    #[error("a file ID has 1 to {COMPONENTS_MAX} components that are plain names")]
    FileId,
}

/// The file IDs of all directory records, as components below the folder of the DICOMDIR. No component is empty, leads
/// upwards or holds a separator.
///
/// # Errors
/// [`DirectoryError`]; then nobody knows which files the medium has, and all of them should be looked at.
pub fn referenced_files(file: &[u8]) -> Result<Vec<Vec<String>>, DirectoryError> {
    let HeaderLook::Found(header) = part10::read_header(file, true)? else {
        return Err(DirectoryError::NoRecords);
    };
    // PS3.10 §8.6 wants Explicit VR Little Endian; a DICOMDIR without header is read as what it begins like.
    let data_set = file.get(header.data_set_offset..).unwrap_or_default();
    let sniffed = || Uid::new(part10::sniff(data_set)).ok();
    let syntax = header.transfer_syntax.or_else(sniffed).ok_or(DirectoryError::NoRecords)?;
    let scanned = scan(data_set, transfer_syntax::lookup(&syntax), Limits::default())?;
    let records = scanned.data_set.items(tags::DIRECTORY_RECORD_SEQUENCE);
    if records.is_empty() {
        return Err(DirectoryError::NoRecords);
    }
    let mut files = Vec::new();
    for record in records {
        if record.get(tags::REFERENCED_FILE_ID).is_none() {
            continue;
        }
        let Some(bytes) = record.bytes(tags::REFERENCED_FILE_ID) else {
            // Not kept: the medium has more records than fit in memory.
            return Err(DirectoryError::NoRecords);
        };
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_matches([' ', '\0']);
        if !text.is_empty() {
            files.push(components(text).ok_or(DirectoryError::FileId)?);
        }
    }
    Ok(files)
}

fn components(text: &str) -> Option<Vec<String>> {
    let components: Vec<String> =
        text.split('\\').map(|part| part.trim_matches([' ', '\0']).to_owned()).collect();
    let plain = |part: &String| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.chars().count() <= COMPONENT_CHARS_MAX
            && !part.contains(['/', '\0'])
    };
    (components.len() <= COMPONENTS_MAX && components.iter().all(plain)).then_some(components)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_set::DataSet;
    use crate::transfer_syntax::Encoding;
    use crate::vr::Vr;
    use crate::write;
    use proptest::prelude::*;

    fn directory(ids: &[&str]) -> Vec<u8> {
        let uid = |text: &str| Uid::new(text).unwrap();
        let mut file = part10::write_header(
            &uid("1.2.840.10008.1.3.10"),
            &uid("1.2.3"),
            &uid("1.2.840.10008.1.2.1"),
            None,
        );
        let records = ids
            .iter()
            .map(|id| {
                let mut record = DataSet::new();
                record.put_text(tags::REFERENCED_FILE_ID, Vr::CS, id);
                record
            })
            .chain([DataSet::new()]);
        let mut set = DataSet::new();
        set.put_items(tags::DIRECTORY_RECORD_SEQUENCE, records.collect());
        file.extend(write::data_set(&set, Encoding::ExplicitLe));
        file
    }

    #[test]
    fn referenced_files_are_named_by_their_components() {
        let files = referenced_files(&directory(&["DICOM\\ST1\\IM1", "IM2 "])).unwrap();
        assert_eq!(files, [vec!["DICOM", "ST1", "IM1"], vec!["IM2"]]);
    }

    #[test]
    fn a_file_id_that_leads_elsewhere_makes_the_directory_worthless() {
        for id in [
            "..\\etc\\passwd",
            "A\\..\\B",
            "A\\\\B",
            ".",
            "/etc/passwd",
            "A\\B/C",
            "1\\2\\3\\4\\5\\6\\7\\8\\9",
        ] {
            assert_eq!(referenced_files(&directory(&["OK", id])), Err(DirectoryError::FileId), "{id}");
        }
    }

    #[test]
    fn a_file_without_records_is_no_directory() {
        for bytes in [&b""[..], b"text that is long enough", &directory(&["A"])[..200]] {
            assert!(referenced_files(bytes).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_change_of_a_byte_is_read_or_refused_without_a_crash(at in 0_usize..600, byte: u8) {
            let mut file = directory(&["DICOM\\ST1\\IM1", "DICOM\\ST1\\IM2"]);
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
            for file in referenced_files(&file).unwrap_or_default() {
                prop_assert!(file.iter().all(|part| !part.contains('/') && part != ".." && !part.is_empty()));
            }
        }
    }
}
