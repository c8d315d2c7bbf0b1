//! A bundle as one zip file, and back, within bounds.

use super::Files;
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The most files of a bundle: two for each of a thousand leaves, and some more.
const FILES_MAX: usize = 2500;

/// The longest file of a bundle, in bytes: the report of a thousand leaves takes less than one.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The longest bundle, in bytes, packed and unpacked.
pub(crate) const BUNDLE_BYTES_MAX: u64 = 64 << 20;

/// One zip file. The same files give the same bytes.
///
/// # Errors
/// One sentence.
pub(crate) fn pack(files: &Files) -> Result<Vec<u8>, String> {
    let packing = |error: zip::result::ZipError| format!("the bundle cannot be packed: {error}");
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), options).map_err(packing)?;
        writer.write_all(bytes).map_err(|error| packing(error.into()))?;
    }
    Ok(writer.finish().map_err(packing)?.into_inner())
}

/// The files of a bundle, in memory: nothing is written, so no name can lead anywhere.
///
/// # Errors
/// One sentence: it is none, or larger than any.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Files, String> {
    let reading = |error: zip::result::ZipError| format!("it is no bundle: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(reading)?;
    if archive.len() > FILES_MAX {
        return Err(format!("a bundle has at most {FILES_MAX} files, this has {}", archive.len()));
    }
    let (mut files, mut left) = (Files::new(), BUNDLE_BYTES_MAX);
    for place in 0..archive.len() {
        let entry = archive.by_index(place).map_err(reading)?;
        let name = entry.name().map_err(reading)?.into_owned();
        let bytes_max = left.min(FILE_BYTES_MAX);
        let mut content = Vec::new();
        let read = entry.take(bytes_max + 1).read_to_end(&mut content);
        read.map_err(|error| format!("`{name}` cannot be unpacked: {error}"))?;
        if content.len() as u64 > bytes_max {
            return Err(format!("`{name}` is longer than any file of a bundle"));
        }
        left -= content.len() as u64;
        files.insert(name, content);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_what_is_too_much_does_not() {
        let files = Files::from([("a".to_owned(), b"1".to_vec()), ("leaves/b".to_owned(), vec![7; 9000])]);
        assert_eq!(unpack(&pack(&files).unwrap()).unwrap(), files);
        let long = FILE_BYTES_MAX as usize + 1;
        assert!(unpack(&pack(&Files::from([("a".to_owned(), vec![0; long])])).unwrap()).is_err());
        let many = (0..=FILES_MAX).map(|number| (number.to_string(), Vec::new())).collect();
        assert!(unpack(&pack(&many).unwrap()).is_err());
        assert!(unpack(b"rubbish").is_err());
    }
}
