//! Objects in DICOM files, ready to be sent: the header is read, the data set is not.

use crate::scp::Object;
use std::io::{self, SeekFrom};
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use yingdun_dicom::part10::{self, FileHeader, HeaderLook};

/// Bytes of a file that are read at a time while its header is looked for.
const LOOK_BYTES: usize = 16 * 1024;

/// Bytes that the file is read in afterwards: one unit of P-DATA-TF, so that a unit costs one read.
const READ_BYTES: usize = crate::association::DATA_BYTES_MAX;

/// A DICOM file (PS3.10) whose file meta information has been read.
pub struct DicomFile {
    /// What the file says it holds.
    pub object: Object,
    /// The file, standing at the first byte of the data set.
    pub data_set: File,
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file does not begin like a DICOM file.
    #[error(transparent)]
    NotDicom(#[from] part10::FileError),
    /// The file does not say what it holds.
    #[error("expected {0} in the file meta information, found none")]
    Missing(&'static str),
}

impl DicomFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read, is not DICOM or has no file meta information.
    pub async fn open(path: &Path) -> Result<Self, FileError> {
        let mut data_set = File::open(path).await?;
        data_set.set_max_buf_size(READ_BYTES);
        let FileHeader { transfer_syntax, sop_class, sop_instance, data_set_offset, .. } =
            read_header(&mut data_set).await?;
        data_set.seek(SeekFrom::Start(data_set_offset as u64)).await?;
        let object = Object {
            sop_class: sop_class.ok_or(FileError::Missing("a Media Storage SOP Class UID"))?,
            sop_instance: sop_instance.ok_or(FileError::Missing("a Media Storage SOP Instance UID"))?,
            transfer_syntax: transfer_syntax.ok_or(FileError::Missing("a Transfer Syntax UID"))?,
        };
        Ok(Self { object, data_set })
    }
}

async fn read_header(file: &mut File) -> Result<FileHeader, FileError> {
    let mut start = Vec::new();
    loop {
        let read = (&mut *file).take(LOOK_BYTES as u64).read_to_end(&mut start).await?;
        if let HeaderLook::Found(header) = part10::read_header(&start, read == 0)? {
            return Ok(header);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_model::Uid;

    async fn open(bytes: &[u8]) -> Result<DicomFile, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.dcm");
        std::fs::write(&path, bytes).unwrap();
        DicomFile::open(&path).await
    }

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    #[tokio::test]
    async fn the_data_set_begins_where_the_header_ends() {
        let syntax = uid("1.2.840.10008.1.2.1");
        let mut bytes =
            part10::write_header(&uid("1.2.840.10008.5.1.4.1.1.7"), &uid("2.25.1"), &syntax, None);
        bytes.extend_from_slice(b"the data set");
        let mut file = open(&bytes).await.unwrap();
        assert_eq!(file.object.sop_instance, uid("2.25.1"));
        assert_eq!(file.object.transfer_syntax, syntax);
        let mut rest = Vec::new();
        file.data_set.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"the data set");
    }

    #[tokio::test]
    async fn what_is_not_a_dicom_file_is_named() {
        assert!(matches!(open(&[b'x'; 5000]).await, Err(FileError::NotDicom(_))));
        assert!(matches!(open(b"").await, Err(FileError::NotDicom(_) | FileError::Missing(_))));
    }
}
