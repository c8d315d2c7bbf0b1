//! The bytes of packs and records. Pure functions: values in, bytes out, and back; nothing here touches a disk.
//!
//! Numbers are little-endian. A pack is a header followed by records, each at a multiple of 8 bytes:
//!
//! ```text
//! pack header (72)     record header (224)                           parts
//!  0 magic YDPACK01      0 magic YDRECRD1     40 study            descriptor | metadata | object   (layout 0)
//!  8 version             8 version            56 institution      object | descriptor | metadata   (layout 1)
//! 10 zero               10 kind, 11 layout       (length, 32, 7 zero)   then zeros up to a multiple of 8
//! 16 pack               12 header bytes       96 BLAKE3(descriptor)
//! 24 store              16 descriptor bytes  128 pack, offset, store
//! 40 BLAKE3(0..40)      24 metadata bytes    160 BLAKE3(parts in file order | header 0..128)
//!                       32 object bytes      192 BLAKE3(header 0..192)
//! ```
//!
//! The record digest leaves the place out, so it can be computed before the place is known; the header digest
//! covers the place, so a record that was written to the wrong place, or copied from another store, does not
//! pass for the one that belongs there.

use super::{Layout, Location, RecordHeader, RecordKind};
use crate::config::{DESCRIPTOR_BYTES_MAX, METADATA_BYTES_MAX, OBJECT_BYTES_MAX};
use bytes::Bytes;
use yingdun_model::{InstitutionId, StudyRef};

/// Bytes of the pack header; the first record lies behind it.
pub(crate) const PACK_HEADER_BYTES: u64 = 72;
/// Bytes of the record header.
pub(crate) const RECORD_HEADER_BYTES: u64 = 224;
/// Records begin at multiples of this many bytes.
pub(crate) const ALIGN_BYTES: u64 = 8;
/// The first bytes of a record.
pub(crate) const RECORD_MAGIC: &[u8; 8] = b"YDRECRD1";

const PACK_MAGIC: &[u8; 8] = b"YDPACK01";
/// The part of a record header that the record digest covers: everything but the place and the digests.
const STABLE_BYTES: usize = 128;
const FORMAT_VERSION: u16 = 1;
const INSTITUTION_BYTES: usize = 32;
const ZEROS: [u8; 40] = [0; 40];

/// The identity of a store: random, the same on all its replicas.
pub(crate) type StoreId = [u8; 16];

/// `bytes` rounded up to the alignment of records.
pub(crate) const fn padded(bytes: u64) -> u64 {
    bytes.div_ceil(ALIGN_BYTES) * ALIGN_BYTES
}

/// Takes the first `N` bytes off a slice.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

/// Whether part lengths are within their bounds (and so cannot overflow a sum).
pub(crate) const fn lengths_allowed(descriptor: u64, metadata: u64, object: u64) -> bool {
    descriptor <= DESCRIPTOR_BYTES_MAX && metadata <= METADATA_BYTES_MAX && object <= OBJECT_BYTES_MAX
}

/// The header of a pack.
pub(crate) fn encode_pack_header(pack: u64, store: &StoreId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(72);
    bytes.extend_from_slice(PACK_MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 6]);
    bytes.extend_from_slice(&pack.to_le_bytes());
    bytes.extend_from_slice(store);
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    bytes
}

/// Pack number and store of a pack header, or nothing when any byte of it is wrong.
pub(crate) fn decode_pack_header(bytes: &[u8]) -> Option<(u64, StoreId)> {
    let mut rest = bytes.get(16..40)?;
    let pack = u64::from_le_bytes(take(&mut rest)?);
    let store = take(&mut rest)?;
    (encode_pack_header(pack, &store).as_slice() == bytes).then_some((pack, store))
}

/// A record header without its place: what can be known before the record is put into a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    stable: Vec<u8>,
    digest: [u8; 32],
    pub(crate) descriptor_bytes: u64,
    pub(crate) metadata_bytes: u64,
    pub(crate) object_bytes: u64,
    layout: Layout,
}

impl Sealed {
    /// Closes a record. `parts` has taken the parts in file order.
    pub(crate) fn new(
        header: &RecordHeader,
        layout: Layout,
        descriptor: &[u8],
        metadata_bytes: u64,
        object_bytes: u64,
        mut parts: blake3::Hasher,
    ) -> Self {
        let descriptor_bytes = descriptor.len() as u64;
        let institution = header.institution.as_str().as_bytes();
        let mut stable = Vec::with_capacity(STABLE_BYTES);
        stable.extend_from_slice(RECORD_MAGIC);
        stable.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        stable.push(header.kind.0);
        stable.push(layout.code());
        stable.extend_from_slice(&(RECORD_HEADER_BYTES as u32).to_le_bytes());
        for number in [descriptor_bytes, metadata_bytes, object_bytes] {
            stable.extend_from_slice(&number.to_le_bytes());
        }
        stable.extend_from_slice(header.study.as_bytes());
        stable.push(u8::try_from(institution.len()).unwrap_or(u8::MAX));
        stable.extend_from_slice(institution);
        // Institution names have at most 32 bytes: filled up to the end of the field and its 7 spare bytes.
        stable.extend(ZEROS.iter().take(INSTITUTION_BYTES + 7 - institution.len().min(INSTITUTION_BYTES)));
        stable.extend_from_slice(blake3::hash(descriptor).as_bytes());
        parts.update(&stable);
        Self {
            digest: *parts.finalize().as_bytes(),
            stable,
            descriptor_bytes,
            metadata_bytes,
            object_bytes,
            layout,
        }
    }

    /// Bytes the record will take in a pack.
    pub(crate) fn record_bytes(&self) -> u64 {
        padded(RECORD_HEADER_BYTES + self.descriptor_bytes + self.metadata_bytes + self.object_bytes)
    }

    /// Zeros that follow the parts.
    pub(crate) fn padding(&self) -> Bytes {
        let used = self.descriptor_bytes + self.metadata_bytes + self.object_bytes;
        Bytes::from_static(ZEROS.get(..(padded(used) - used) as usize).unwrap_or_default())
    }

    /// Puts the record into a place: its location and the bytes of its header.
    pub(crate) fn place(&self, pack: u64, offset: u64, store: &StoreId) -> (Location, Bytes) {
        let mut bytes = Vec::with_capacity(RECORD_HEADER_BYTES as usize);
        bytes.extend_from_slice(&self.stable);
        bytes.extend_from_slice(&pack.to_le_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(store);
        bytes.extend_from_slice(&self.digest);
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        let location = Location {
            pack,
            offset,
            descriptor_bytes: self.descriptor_bytes,
            metadata_bytes: self.metadata_bytes,
            object_bytes: self.object_bytes,
            layout: self.layout,
            digest: self.digest,
        };
        (location, Bytes::from(bytes))
    }
}

/// A record header that was read and whose own digest, place and lengths are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParsedHeader {
    pub(crate) location: Location,
    pub(crate) header: RecordHeader,
    pub(crate) descriptor_digest: [u8; 32],
    /// The whole header as it lies on disk.
    pub(crate) bytes: Vec<u8>,
}

impl ParsedHeader {
    /// The record digest that the header promises must come out when `parts` has taken the parts in file order.
    pub(crate) fn parts_match(&self, mut parts: blake3::Hasher) -> bool {
        parts.update(self.bytes.get(..STABLE_BYTES).unwrap_or_default());
        *parts.finalize().as_bytes() == self.location.digest
    }

    /// The header of the same record in another place. Its digest stays what it was.
    pub(crate) fn moved(&self, pack: u64, offset: u64, store: &StoreId) -> Self {
        let sealed = Sealed {
            stable: self.bytes.get(..STABLE_BYTES).unwrap_or_default().to_vec(),
            digest: self.location.digest,
            descriptor_bytes: self.location.descriptor_bytes,
            metadata_bytes: self.location.metadata_bytes,
            object_bytes: self.location.object_bytes,
            layout: self.location.layout,
        };
        let (location, bytes) = sealed.place(pack, offset, store);
        Self { location, bytes: bytes.to_vec(), ..self.clone() }
    }
}

/// Reads a record header that should lie at `offset` of `pack`; nothing when any bit of it is wrong.
pub(crate) fn decode_record_header(
    bytes: &[u8],
    pack: u64,
    offset: u64,
    store: &StoreId,
) -> Option<ParsedHeader> {
    let bytes = bytes.get(..RECORD_HEADER_BYTES as usize)?;
    if !bytes.starts_with(RECORD_MAGIC) {
        return None;
    }
    let (covered, own_digest) = bytes.split_at_checked(192)?;
    if blake3::hash(covered).as_bytes().as_slice() != own_digest {
        return None;
    }
    let mut rest = covered.get(8..)?;
    let version = u16::from_le_bytes(take(&mut rest)?);
    let [kind, layout] = take(&mut rest)?;
    let header_bytes = u32::from_le_bytes(take(&mut rest)?);
    let descriptor_bytes = u64::from_le_bytes(take(&mut rest)?);
    let metadata_bytes = u64::from_le_bytes(take(&mut rest)?);
    let object_bytes = u64::from_le_bytes(take(&mut rest)?);
    let study = StudyRef::from_bytes(take(&mut rest)?);
    let [institution_bytes] = take(&mut rest)?;
    let institution = take::<INSTITUTION_BYTES>(&mut rest)?;
    let _spare = take::<7>(&mut rest)?;
    let descriptor_digest = take(&mut rest)?;
    let place = (u64::from_le_bytes(take(&mut rest)?), u64::from_le_bytes(take(&mut rest)?));
    let owner: StoreId = take(&mut rest)?;
    let digest = take(&mut rest)?;
    let known = version == FORMAT_VERSION && u64::from(header_bytes) == RECORD_HEADER_BYTES;
    if !known || place != (pack, offset) || owner != *store {
        return None;
    }
    if !lengths_allowed(descriptor_bytes, metadata_bytes, object_bytes) {
        return None;
    }
    let institution = institution.get(..usize::from(institution_bytes))?;
    Some(ParsedHeader {
        location: Location {
            pack,
            offset,
            descriptor_bytes,
            metadata_bytes,
            object_bytes,
            layout: Layout::from_code(layout)?,
            digest,
        },
        header: RecordHeader {
            institution: InstitutionId::new(std::str::from_utf8(institution).ok()?).ok()?,
            study,
            kind: RecordKind(kind),
        },
        descriptor_digest,
        bytes: bytes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STORE: StoreId = [9; 16];

    fn header(institution: &str) -> RecordHeader {
        RecordHeader {
            institution: InstitutionId::new(institution).unwrap(),
            study: StudyRef::from_bytes([3; 16]),
            kind: RecordKind(200),
        }
    }

    fn parts(all: &[&[u8]]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        for part in all {
            hasher.update(part);
        }
        hasher
    }

    fn sealed(descriptor: &[u8], metadata: &[u8], object: &[u8]) -> Sealed {
        let hasher = parts(&[descriptor, metadata, object]);
        let (metadata, object) = (metadata.len() as u64, object.len() as u64);
        Sealed::new(&header("hospital-1"), Layout::DescriptorFirst, descriptor, metadata, object, hasher)
    }

    #[test]
    fn a_record_header_has_its_documented_length_and_reads_back() {
        for institution in ["a", "hospital-1", &"x".repeat(32)] {
            let record = Sealed::new(
                &header(institution),
                Layout::ObjectFirst,
                b"d",
                2,
                3,
                parts(&[b"ooo", b"d", b"mm"]),
            );
            let (location, bytes) = record.place(5, 72, &STORE);
            assert_eq!(bytes.len() as u64, RECORD_HEADER_BYTES);
            let parsed = decode_record_header(&bytes, 5, 72, &STORE).unwrap();
            assert_eq!((parsed.location, parsed.header.clone()), (location, header(institution)));
            assert!(parsed.parts_match(parts(&[b"ooo", b"d", b"mm"])));
            assert!(!parsed.parts_match(parts(&[b"oob", b"d", b"mm"])));
        }
    }

    #[test]
    fn any_flipped_bit_of_a_header_is_noticed() {
        let (_, good) = sealed(b"descriptor", b"m", b"object").place(5, 72, &STORE);
        let pack = encode_pack_header(5, &STORE);
        assert_eq!(decode_pack_header(&pack), Some((5, STORE)));
        assert_eq!(pack.len() as u64, PACK_HEADER_BYTES);
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_record_header(&bad, 5, 72, &STORE), None, "bit {bit}");
        }
        for bit in 0..pack.len() * 8 {
            let mut bad = pack.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_pack_header(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_record_in_the_wrong_place_is_no_record() {
        let (_, bytes) = sealed(b"d", b"m", b"o").place(5, 72, &STORE);
        assert!(decode_record_header(&bytes, 6, 72, &STORE).is_none());
        assert!(decode_record_header(&bytes, 5, 80, &STORE).is_none());
        assert!(decode_record_header(&bytes, 5, 72, &[8; 16]).is_none());
    }

    #[test]
    fn a_record_that_moved_is_the_same_record_in_another_place() {
        let (_, bytes) = sealed(b"descriptor", b"m", b"object").place(5, 72, &STORE);
        let first = decode_record_header(&bytes, 5, 72, &STORE).unwrap();
        let moved = first.moved(6, 80, &STORE);
        assert_eq!(decode_record_header(&moved.bytes, 6, 80, &STORE).as_ref(), Some(&moved));
        assert_eq!(moved.location, Location { pack: 6, offset: 80, ..first.location });
        assert!(moved.parts_match(parts(&[b"descriptor", b"m", b"object"])));
        assert_eq!(moved.moved(5, 72, &STORE), first);
    }

    #[test]
    fn lengths_over_their_bounds_are_no_record() {
        let wild = Sealed::new(&header("a"), Layout::DescriptorFirst, b"", u64::MAX - 8, 0, parts(&[]));
        let stable = Sealed { metadata_bytes: 0, ..wild };
        let (_, bytes) = stable.place(5, 72, &STORE);
        assert!(decode_record_header(&bytes, 5, 72, &STORE).is_none());
    }

    proptest! {
        #[test]
        fn parts_lie_one_after_the_other_inside_the_record(
            descriptor in 0..DESCRIPTOR_BYTES_MAX, metadata in 0..METADATA_BYTES_MAX, object in 0..OBJECT_BYTES_MAX,
            first: bool, offset in 0..1_u64 << 60, digest: [u8; 32],
        ) {
            let layout = if first { Layout::DescriptorFirst } else { Layout::ObjectFirst };
            let location = Location {
                pack: 1, offset, descriptor_bytes: descriptor, metadata_bytes: metadata, object_bytes: object, layout, digest,
            };
            let mut ranges = [location.descriptor_range(), location.metadata_range(), location.object_range()];
            prop_assert_eq!(ranges.clone().map(|range| range.end - range.start), [descriptor, metadata, object]);
            ranges.sort_by_key(|range| (range.start, range.end));
            prop_assert_eq!(ranges[0].start, RECORD_HEADER_BYTES);
            prop_assert_eq!((ranges[0].end, ranges[1].end), (ranges[1].start, ranges[2].start));
            prop_assert!((0..8).contains(&(location.record_bytes() - ranges[2].end)));
            prop_assert_eq!(Location::from_bytes(&location.to_bytes()), Ok(location));
            prop_assert!(Location::from_bytes(&[location.to_bytes(), vec![0]].concat()).is_err());
        }

        #[test]
        fn encoded_locations_are_in_the_order_of_places(
            one in (0..1_u64 << 40, 0..1_u64 << 40), other in (0..1_u64 << 40, 0..1_u64 << 40), digests: [[u8; 32]; 2],
            bits in (0..40_u32, 0..40_u32),
        ) {
            let place = |(pack, offset): (u64, u64), digest| Location {
                pack: pack >> bits.0, offset: offset >> bits.1, descriptor_bytes: 1, metadata_bytes: 1, object_bytes: 1,
                layout: Layout::DescriptorFirst, digest,
            };
            let (one, other) = (place(one, digests[0]), place(other, digests[1]));
            if one.position() != other.position() {
                let (place, encoded) = (one.position() < other.position(), one.to_bytes() < other.to_bytes());
                prop_assert_eq!(place, encoded);
            }
        }

        #[test]
        fn rubbish_never_becomes_a_record_or_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode_record_header(&bytes, 1, 72, &STORE).is_none());
            prop_assert!(decode_pack_header(&bytes).is_none());
            let _any_answer = Location::from_bytes(&bytes);
        }
    }
}
