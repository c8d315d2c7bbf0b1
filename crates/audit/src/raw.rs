//! Leaves as they travel from one who keeps a log to one who follows it.

use crate::leaf::LEAF_BYTES_MAX;
use std::io::{self, Read};

/// A leaf and what lies beside it, as bytes: what one who follows a log is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawLeaf {
    /// The leaf, as it was hashed.
    pub leaf: Vec<u8>,
    /// The sealed detail; empty where there is none, or where it was destroyed.
    pub detail: Vec<u8>,
}

impl RawLeaf {
    /// Puts the record behind others: length of leaf and detail as big-endian `u16`, leaf, detail.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        for part in [&self.leaf, &self.detail] {
            out.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
        out.extend_from_slice(&self.leaf);
        out.extend_from_slice(&self.detail);
    }

    /// Reads a record; none at the end.
    ///
    /// # Errors
    /// When the source fails, ends within a record, or a length is out of bounds.
    pub fn read_from(source: &mut impl Read) -> io::Result<Option<Self>> {
        let mut lengths = [0; 4];
        let mut filled = 0;
        while let Some(rest) = lengths.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match source.read(rest)? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => filled += more,
            }
        }
        let [a, b, c, d] = lengths;
        let (leaf_bytes, detail_bytes) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        if usize::from(leaf_bytes) > LEAF_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a leaf is longer than any leaf may be"));
        }
        let (mut leaf, mut detail) = (vec![0; leaf_bytes.into()], vec![0; detail_bytes.into()]);
        source.read_exact(&mut leaf)?;
        source.read_exact(&mut detail)?;
        Ok(Some(Self { leaf, detail }))
    }
}
