//! Where a record lies, and the order of places.

use super::format::{RECORD_HEADER_BYTES, padded, take};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A place in the order in which a scan meets records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackPosition {
    /// The pack.
    pub pack: u64,
    /// The offset in the pack, in bytes.
    pub offset: u64,
}

impl PackPosition {
    /// Before everything.
    pub const START: Self = Self { pack: 0, offset: 0 };
}

/// The order of the parts behind the record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layout {
    /// Descriptor, metadata, object: a scan finds header and descriptor in one read.
    DescriptorFirst,
    /// Object, descriptor, metadata: for streamed objects, whose descriptor is known only at the end.
    ObjectFirst,
}

/// Where a record lies: the same pack and offset on every replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The pack; below 2^63, so it fits a signed SQL integer.
    pub pack: u64,
    /// Offset of the record header in the pack, in bytes.
    pub offset: u64,
    /// Bytes of the sealed descriptor.
    pub descriptor_bytes: u64,
    /// Bytes of the sealed metadata.
    pub metadata_bytes: u64,
    /// Bytes of the sealed object.
    pub object_bytes: u64,
    /// The order of the parts.
    pub layout: Layout,
    /// BLAKE3 of the parts and the plain header.
    pub digest: [u8; 32],
}

/// The bytes are not an encoded location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected five numbers, a layout of 0 or 1 and a digest, {bytes} other bytes came")]
pub struct LocationError {
    /// Bytes that came.
    pub bytes: usize,
}

impl Location {
    /// Bytes of the whole record on disk, header and padding included.
    #[must_use]
    pub const fn record_bytes(&self) -> u64 {
        padded(RECORD_HEADER_BYTES + self.descriptor_bytes + self.metadata_bytes + self.object_bytes)
    }

    /// The descriptor, as a range inside the record.
    #[must_use]
    pub const fn descriptor_range(&self) -> Range<u64> {
        let start = match self.layout {
            Layout::DescriptorFirst => RECORD_HEADER_BYTES,
            Layout::ObjectFirst => RECORD_HEADER_BYTES + self.object_bytes,
        };
        start..start + self.descriptor_bytes
    }

    /// The metadata, as a range inside the record.
    #[must_use]
    pub const fn metadata_range(&self) -> Range<u64> {
        let start = self.descriptor_range().end;
        start..start + self.metadata_bytes
    }

    /// The object, as a range inside the record.
    #[must_use]
    pub const fn object_range(&self) -> Range<u64> {
        let start = match self.layout {
            Layout::DescriptorFirst => self.metadata_range().end,
            Layout::ObjectFirst => RECORD_HEADER_BYTES,
        };
        start..start + self.object_bytes
    }

    /// The place of the record in scan order.
    #[must_use]
    pub const fn position(&self) -> PackPosition {
        PackPosition { pack: self.pack, offset: self.offset }
    }

    /// The first byte after the record in its pack.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset + self.record_bytes()
    }

    /// Encodes the location for [`StoreLocation`](super::StoreLocation): of each number its length and its bytes without
    /// leading zeros. So the encoded places are in the order of places.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::ENCODED_BYTES_MAX);
        for number in [self.pack, self.offset, self.descriptor_bytes, self.metadata_bytes, self.object_bytes]
        {
            let significant = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0);
            let start = bytes.len();
            bytes.push(0);
            bytes.extend(significant);
            let length = bytes.len() - start - 1;
            if let (Some(place), Ok(length)) = (bytes.get_mut(start), u8::try_from(length)) {
                *place = length;
            }
        }
        bytes.push(self.layout.code());
        bytes.extend_from_slice(&self.digest);
        bytes
    }

    /// The most bytes of [`Self::to_bytes`].
    const ENCODED_BYTES_MAX: usize = 5 * 9 + 1 + 32;

    /// Decodes [`Self::to_bytes`].
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, LocationError> {
        let wrong = LocationError { bytes: bytes.len() };
        let mut rest = bytes;
        let mut number = || {
            let [length] = take::<1>(&mut rest)?;
            let (significant, others) = rest.split_at_checked(length.into())?;
            rest = others;
            let shift = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            // A leading zero would be a second way to write a number.
            (significant.len() <= 8 && significant.first() != Some(&0))
                .then(|| significant.iter().fold(0, shift))
        };
        let mut number = || number().ok_or(wrong);
        let (pack, offset, descriptor_bytes) = (number()?, number()?, number()?);
        let (metadata_bytes, object_bytes) = (number()?, number()?);
        let [code] = take::<1>(&mut rest).ok_or(wrong)?;
        let layout = Layout::from_code(code).ok_or(wrong)?;
        let digest = take::<32>(&mut rest).ok_or(wrong)?;
        if !rest.is_empty() {
            return Err(wrong);
        }
        let location = Self { pack, offset, descriptor_bytes, metadata_bytes, object_bytes, layout, digest };
        if super::format::lengths_allowed(descriptor_bytes, metadata_bytes, object_bytes) {
            Ok(location)
        } else {
            Err(wrong)
        }
    }
}

impl Layout {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::DescriptorFirst => 0,
            Self::ObjectFirst => 1,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::DescriptorFirst),
            1 => Some(Self::ObjectFirst),
            _ => None,
        }
    }
}
