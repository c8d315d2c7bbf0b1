//! A record: the parts of one stored object, sealed by the caller, and the plain header that lets a scan find it
//! without any key.

pub(crate) mod format;
mod location;
mod place;

pub use location::{Layout, Location, LocationError, PackPosition};
pub use place::{StoreLocation, StorePosition};

use bytes::Bytes;
use yingdun_model::{InstitutionId, StudyRef};

/// What a record holds. Kinds that this version does not know are kept and scanned like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordKind(pub u8);

impl RecordKind {
    /// A DICOM instance.
    pub const INSTANCE: Self = Self(1);
}

/// The plain part of a record: enough to account for it and to find its key, nothing about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Whose record it is.
    pub institution: InstitutionId,
    /// The pseudonym of the study, which names the key.
    pub study: StudyRef,
    /// What it holds.
    pub kind: RecordKind,
}

/// A complete record. Every part was sealed by the caller; this crate sees ciphertext only.
#[derive(Clone, Debug)]
pub struct Record {
    /// The plain part.
    pub header: RecordHeader,
    /// Sealed: everything the catalogue row needs; read by every scan.
    pub descriptor: Bytes,
    /// Sealed: the metadata of the object (what DICOMweb `metadata` answers from).
    pub metadata: Bytes,
    /// Sealed: the object, in as many segments as the caller has; they are written without being joined.
    pub object: Vec<Bytes>,
}

/// A record as its plain header tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRecord {
    /// The plain part.
    pub header: RecordHeader,
    /// Where it lies.
    pub location: Location,
}

/// A record met by a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedRecord {
    /// Where it lies.
    pub location: Location,
    /// Its plain part.
    pub header: RecordHeader,
    /// Its sealed descriptor, checked against the digest in the header.
    pub descriptor: Bytes,
}
