//! A pack in a place, as a file that can only be read: whole, or from its pieces.

use super::{Inventory, Object, Place};
use crate::disk::DiskFile;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};

/// A small read fetches so much: the descriptor lies behind the header of its record, and a request to a bucket takes as
/// long for 64 KiB as for 200 bytes.
const FETCH_BYTES_MIN: usize = 64 * 1024;

/// A pack in a place. Nothing is asked of the place until something is read.
#[derive(Debug)]
pub(crate) struct PlaceFile {
    place: Arc<dyn Place>,
    /// Objects with the offset in the pack at which each ends.
    parts: Vec<(Object, u64)>,
    /// What was fetched last, with its offset.
    fetched: Mutex<(u64, Vec<u8>)>,
    /// How the place last failed to answer.
    trouble: Mutex<Option<io::Error>>,
}

impl PlaceFile {
    /// The pack as far as the place has it; nothing when it has none of it.
    pub(crate) fn of(place: &Arc<dyn Place>, inventory: &Inventory, pack: u64) -> Option<Self> {
        let parts = inventory.parts(pack);
        (!parts.is_empty()).then(|| Self {
            place: Arc::clone(place),
            parts,
            fetched: Mutex::default(),
            trouble: Mutex::default(),
        })
    }

    /// How far the pack is there.
    pub(crate) fn end(&self) -> u64 {
        self.parts.last().map_or(0, |(_, end)| *end)
    }

    /// For those who take what cannot be read for damaged: whether the place failed to answer since this was asked last, which says nothing
    /// about what it has.
    ///
    /// # Errors
    /// That of the place.
    pub(crate) fn trouble(&self) -> io::Result<()> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// Reads from the object that holds an offset, at most to its end.
    fn fetch(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        let mut begin = 0;
        for (object, end) in &self.parts {
            if offset < *end {
                let bytes = ((end - offset).min(bytes as u64)) as usize;
                return match self.place.read_at(*object, buffer, bytes, offset - begin) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        let same = io::Error::new(error.kind(), error.to_string());
                        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(same);
                        Err(error)
                    }
                    read => read,
                };
            }
            begin = *end;
        }
        Ok(0)
    }
}

impl DiskFile for PlaceFile {
    fn write_at(&self, _slices: &[IoSlice<'_>], _offset: u64) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn read_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        if bytes >= FETCH_BYTES_MIN {
            return self.fetch(buffer, bytes, offset);
        }
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let end = fetched.0 + fetched.1.len() as u64;
        if !(fetched.0..end).contains(&offset) {
            let mut fresh = Vec::new();
            self.fetch(&mut fresh, FETCH_BYTES_MIN, offset)?;
            *fetched = (offset, fresh);
        }
        let from = (offset - fetched.0) as usize;
        let rest = fetched.1.get(from..).unwrap_or_default();
        let read = rest.get(..bytes.min(rest.len())).unwrap_or_default();
        buffer.extend_from_slice(read);
        Ok(read.len())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn allocate(&self, _offset: u64, _bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn set_len(&self, _bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.end())
    }

    fn start_writeback(&self, _offset: u64, _bytes: u64) {}

    fn forget_cached(&self, _offset: u64, _bytes: u64) {
        *self.fetched.lock().unwrap_or_else(PoisonError::into_inner) = (0, Vec::new());
    }

    fn will_need(&self, _offset: u64, _bytes: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealDisk;
    use crate::disk::read_exact_at;
    use crate::replica::place::DirectoryPlace;

    #[test]
    fn a_pack_in_pieces_reads_like_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let place: Arc<dyn Place> =
            Arc::new(DirectoryPlace::new(Arc::new(RealDisk), folder.path().join("place")));
        place.prepare().unwrap();
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        let mut begin = 0;
        for end in [10, 70_000, 70_001, 200_000] {
            let piece = Object::Tail { pack: 3, from: begin as u64, to: end as u64 };
            place.put(piece, &&bytes[begin..end]).unwrap();
            begin = end;
        }
        let file = PlaceFile::of(&place, &Inventory::of(&place.list().unwrap()), 3).unwrap();
        assert_eq!(file.length().unwrap(), 200_000);
        for (offset, wanted) in [(0, 200_000), (5, 10), (69_999, 3), (100_000, 100_000), (7, 65_537)] {
            let mut read = Vec::new();
            read_exact_at(&file, &mut read, wanted, offset as u64).unwrap();
            assert_eq!(read, bytes[offset..offset + wanted]);
        }
        let mut past = Vec::new();
        assert!(read_exact_at(&file, &mut past, 1, 200_000).is_err());
        assert!(PlaceFile::of(&place, &Inventory::default(), 3).is_none());
    }
}
