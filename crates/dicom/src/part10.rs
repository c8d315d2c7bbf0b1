//! DICOM files (PS3.10 §7.1): preamble and File Meta Information before a data set.
//!
//! Reading accepts what exists: files without preamble, without meta, with a meta of wrong length. The
//! received preamble is never kept or written again, so a file that is also a program or a web page loses that
//! second nature here.

use crate::data_set::DataSet;
use crate::limits::Limits;
use crate::scan::{ScanError, scan};
use crate::tag::{Tag, tags};
use crate::transfer_syntax::{self, Encoding, TransferSyntax};
use crate::vr::Vr;
use crate::write;
use yingdun_model::{AeTitle, Uid};

/// Names this implementation in files and associations (PS3.7 §D.3.3.2): an OID derived from a UUID
/// (PS3.5 §B.2), so that no registration is claimed.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.281104183671936542718390563280177942101";

/// Names this version (PS3.7 §D.3.3.2), at most 16 characters.
pub const IMPLEMENTATION_VERSION_NAME: &str = "YINGDUN_1";

/// Longest File Meta Information read, bytes. It holds a dozen short values; private information may add some.
pub const META_BYTES_MAX: usize = 1 << 20;

/// What stands before the data set of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileHeader {
    /// Transfer Syntax UID (0002,0010), if there is one and it is legal.
    pub transfer_syntax: Option<Uid>,
    /// Media Storage SOP Class UID (0002,0002).
    pub sop_class: Option<Uid>,
    /// Media Storage SOP Instance UID (0002,0003).
    pub sop_instance: Option<Uid>,
    /// Whether the 128 bytes and `DICM` were there.
    pub preamble: bool,
    /// Whether the 128 bytes were other than zero: a sign of a file with a second nature.
    pub preamble_in_use: bool,
    /// Where the data set begins, bytes from the start of the file.
    pub data_set_offset: usize,
}

/// The outcome of a look at the start of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum HeaderLook {
    /// The header is not complete yet; come back with more bytes.
    NeedMore,
    /// The header.
    Found(FileHeader),
}

/// Why the start of a file is not one of DICOM.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Neither `DICM` nor a data element.
    #[error("neither a DICOM preamble nor a data element stands at the start")]
    NotDicom,
    /// The meta information cannot be read.
    #[error("the file meta information cannot be read: {0}")]
    Meta(#[source] ScanError),
    /// Beyond [`META_BYTES_MAX`].
    #[error("the file meta information is longer than {META_BYTES_MAX} bytes")]
    MetaTooLong,
}

/// Looks for the data set in the bytes of a file so far. `complete` says that no more bytes will come.
///
/// # Errors
/// [`FileError`] if this is not the start of a DICOM file.
pub fn read_header(bytes: &[u8], complete: bool) -> Result<HeaderLook, FileError> {
    if bytes.len() < PREAMBLE_BYTES + MAGIC.len() && !complete {
        return Ok(HeaderLook::NeedMore);
    }
    let preamble = bytes.get(PREAMBLE_BYTES..).is_some_and(|after| after.starts_with(MAGIC));
    let start = if preamble {
        PREAMBLE_BYTES + MAGIC.len()
    } else if bytes.starts_with(MAGIC) {
        MAGIC.len()
    } else {
        0
    };
    let meta = bytes.get(start..).unwrap_or_default();
    if start == 0 && !plausible(meta) {
        return Err(FileError::NotDicom);
    }
    let Some(length) = meta_length(meta, complete)? else { return Ok(HeaderLook::NeedMore) };
    let mut header = FileHeader {
        preamble,
        preamble_in_use: preamble && bytes.iter().take(PREAMBLE_BYTES).any(|byte| *byte != 0),
        data_set_offset: start + length,
        ..FileHeader::default()
    };
    if length > 0 {
        let syntax = TransferSyntax { encoding: Encoding::ExplicitLe, encapsulated: false, known: true };
        let scanned = scan(meta.get(..length).unwrap_or_default(), syntax, Limits::message())
            .map_err(FileError::Meta)?;
        header.transfer_syntax = scanned.data_set.uid(tags::TRANSFER_SYNTAX_UID);
        header.sop_class = scanned.data_set.uid(tags::MEDIA_STORAGE_SOP_CLASS_UID);
        header.sop_instance = scanned.data_set.uid(tags::MEDIA_STORAGE_SOP_INSTANCE_UID);
    }
    Ok(HeaderLook::Found(header))
}

/// The transfer syntax of a data set without File Meta Information, by its first element.
#[must_use]
pub fn sniff(data_set: &[u8]) -> &'static str {
    let Some(&[a, b, _, _, v, r]) = data_set.first_chunk::<6>() else {
        return transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN;
    };
    if Vr::from_letters([v, r]).is_none() {
        return transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN;
    }
    if u16::from_be_bytes([a, b]) < u16::from_le_bytes([a, b]) {
        transfer_syntax::EXPLICIT_VR_BIG_ENDIAN
    } else {
        transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN
    }
}

/// Writes what stands before a data set: 128 zero bytes, `DICM`, and File Meta Information of our own.
#[must_use]
pub fn write_header(
    sop_class: &Uid,
    sop_instance: &Uid,
    transfer_syntax: &Uid,
    source: Option<&AeTitle>,
) -> Vec<u8> {
    let mut meta = DataSet::new();
    meta.put_bytes(tags::FILE_META_VERSION, Vr::OB, vec![0, 1]);
    meta.put_text(tags::MEDIA_STORAGE_SOP_CLASS_UID, Vr::UI, sop_class.as_str());
    meta.put_text(tags::MEDIA_STORAGE_SOP_INSTANCE_UID, Vr::UI, sop_instance.as_str());
    meta.put_text(tags::TRANSFER_SYNTAX_UID, Vr::UI, transfer_syntax.as_str());
    meta.put_text(tags::IMPLEMENTATION_CLASS_UID, Vr::UI, IMPLEMENTATION_CLASS_UID);
    meta.put_text(tags::IMPLEMENTATION_VERSION_NAME, Vr::SH, IMPLEMENTATION_VERSION_NAME);
    if let Some(source) = source {
        meta.put_text(tags::SOURCE_APPLICATION_ENTITY_TITLE, Vr::AE, source.as_str());
    }
    let body = write::data_set(&meta, Encoding::ExplicitLe);
    let mut out = Vec::with_capacity(PREAMBLE_BYTES + MAGIC.len() + 12 + body.len());
    out.resize(PREAMBLE_BYTES, 0);
    out.extend_from_slice(MAGIC);
    write::element_header(tags::FILE_META_GROUP_LENGTH, Vr::UL, Some(4), Encoding::ExplicitLe, &mut out);
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&body);
    out
}

// === helpers ===

const PREAMBLE_BYTES: usize = 128;
const MAGIC: &[u8] = b"DICM";

/// Whether the bytes begin like a data set: a low group number in one of the byte orders.
fn plausible(bytes: &[u8]) -> bool {
    let Some(&[a, b, ..]) = bytes.first_chunk::<8>() else { return false };
    let group = u16::from_le_bytes([a, b]).min(u16::from_be_bytes([a, b]));
    (2..=0x00ff).contains(&group)
}

/// Bytes of the elements of group 0002 at the start. They are walked one by one, because the group length
/// element is missing or wrong in some files. `None` if more bytes are needed.
fn meta_length(bytes: &[u8], complete: bool) -> Result<Option<usize>, FileError> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(&[g0, g1, e0, e1, v, r, l0, l1]) = rest.first_chunk::<8>() else {
            return Ok(complete.then_some(at));
        };
        let tag = Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        if tag.group() != 2 {
            return Ok(Some(at));
        }
        let (header, length) = match Vr::from_letters([v, r]) {
            Some(vr) if vr.has_long_header() => {
                let Some(&[.., a, b, c, d]) = rest.first_chunk::<12>() else {
                    return Ok(complete.then_some(at));
                };
                (12, u32::from_le_bytes([a, b, c, d]))
            }
            Some(_) => (8, u32::from(u16::from_le_bytes([l0, l1]))),
            None => (8, u32::from_le_bytes([v, r, l0, l1])),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        at = at.saturating_add(header).saturating_add(length);
        if at > META_BYTES_MAX {
            return Err(FileError::MetaTooLong);
        }
        if at > bytes.len() {
            let remain = rest.len().saturating_sub(header) as u64;
            let offset = (at - header - length) as u64;
            let claimed = length as u64;
            return if complete {
                Err(FileError::Meta(ScanError::Overrun { tag, offset, claimed, remain }))
            } else {
                Ok(None)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn header(bytes: &[u8]) -> FileHeader {
        match read_header(bytes, true).unwrap() {
            HeaderLook::Found(header) => header,
            HeaderLook::NeedMore => panic!("incomplete"),
        }
    }

    fn sample() -> Vec<u8> {
        let source = AeTitle::new("CT01").unwrap();
        let class = uid("1.2.840.10008.5.1.4.1.1.2");
        let syntax = uid(transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN);
        let mut file = write_header(&class, &uid("1.2.3"), &syntax, Some(&source));
        file.extend_from_slice(b"\x08\0\x60\0CS\x02\0CT");
        file
    }

    #[test]
    fn what_is_written_reads_back_piece_by_piece() {
        let file = sample();
        let found = header(&file);
        assert_eq!(found.sop_instance, Some(uid("1.2.3")));
        assert_eq!(found.data_set_offset, file.len() - 10);
        assert!(found.preamble && !found.preamble_in_use);
        assert!(file[..128].iter().all(|byte| *byte == 0));
        for cut in 0..file.len() - 10 {
            assert_eq!(read_header(&file[..cut], false), Ok(HeaderLook::NeedMore), "{cut}");
        }
    }

    #[test]
    fn a_preamble_in_use_is_noticed() {
        let mut file = sample();
        file[..2].copy_from_slice(b"MZ");
        assert!(header(&file).preamble_in_use);
    }

    #[test]
    fn files_without_preamble_or_meta_are_read() {
        let bare = b"\x08\0\x60\0CS\x02\0CT";
        assert_eq!(header(bare).data_set_offset, 0);
        assert_eq!(sniff(bare), transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN);
        assert_eq!(sniff(b"\0\x08\0\x60CS\0\x02CT"), transfer_syntax::EXPLICIT_VR_BIG_ENDIAN);
        assert_eq!(sniff(b"\x08\0\x60\0\x02\0\0\0CT"), transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN);
        let file = sample();
        assert_eq!(header(&file[132..]).sop_instance, Some(uid("1.2.3")));
    }

    #[test]
    fn other_files_are_refused() {
        for other in [&b""[..], b"<html>", b"%PDF-1.7 and more", b"\x7fELF and more"] {
            assert_eq!(read_header(other, true), Err(FileError::NotDicom));
        }
        let mut huge = vec![0; 132];
        huge[128..].copy_from_slice(b"DICM");
        huge.extend_from_slice(b"\x02\0\x01\0OB\0\0\xff\xff\xff\xff");
        assert_eq!(read_header(&huge, false), Err(FileError::MetaTooLong));
    }
}
