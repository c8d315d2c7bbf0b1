//! The words between the doors and the use cases: what is declared, asked and answered.

use bytes::Bytes;
use futures_util::Stream;
use std::pin::Pin;
use std::sync::Arc;
use yingdun_access::{DeviceHabits, Foreseen};
use yingdun_catalog::catalogue::instances::InstanceRow;
use yingdun_catalog::catalogue::{Date, StudyCursor};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::query::Matching;
use yingdun_dicom::{AttributePath, Tag, Vr};
use yingdun_model::{Action, Grade, Uid};

use crate::OpenError;

/// Verified plain bytes, in order. Ends after the first error.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, OpenError>> + Send + 'static>>;

/// Through which door an instance comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// C-STORE.
    Dimse,
    /// STOW-RS.
    Stow,
    /// The archive itself, of what somebody marks.
    KeyImages,
}

impl Door {
    /// As what storing through it is decided.
    pub(crate) const fn action(self) -> Action {
        match self {
            Self::Dimse | Self::Stow => Action::Store,
            Self::KeyImages => Action::MarkKeyImages,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Dimse => "dimse",
            Self::Stow => "stow",
            Self::KeyImages => "key-images",
        }
    }
}

/// What a sender says about an object before its first byte.
#[derive(Clone, Debug)]
pub struct Declared {
    /// How the data set is encoded.
    pub transfer_syntax: Uid,
    /// The SOP class of the command or file meta information, if there was one.
    pub sop_class: Option<Uid>,
    /// The SOP instance of the command or file meta information, if there was one.
    pub sop_instance: Option<Uid>,
    /// The study of the request address, if it named one: other studies are refused.
    pub study: Option<Uid>,
    /// The door.
    pub door: Door,
    /// How the device that sends it differs from others.
    pub habits: Arc<DeviceHabits>,
}

/// An instance that is durable on the write quorum, with its audit leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// SOP Class UID.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Study Instance UID.
    pub study: Uid,
    /// Series Instance UID.
    pub series: Uid,
    /// Whether it was new.
    pub outcome: StoredOutcome,
}

/// What storing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredOutcome {
    /// The first object with this SOP Instance UID.
    New,
    /// The same bytes were there already; nothing was written.
    Duplicate,
    /// Other bytes with this SOP Instance UID were there; both are kept and the newest is served.
    NewVersion(u32),
}

/// The level of a search (PS3.4 §C.3), from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Patients, as far as they have studies that the session may see.
    Patient,
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Instances.
    Instance,
}

/// Which attributes a search returns beside the required ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Include {
    /// The required ones.
    Default,
    /// Everything the catalogue knows at this level.
    All,
    /// These, where the catalogue knows them.
    Tags(Vec<Tag>),
}

/// A search.
#[derive(Clone, Debug)]
pub struct FindRequest {
    /// What to list.
    pub level: Level,
    /// Only within this study.
    pub study: Option<Uid>,
    /// Only within this series.
    pub series: Option<Uid>,
    /// Attributes to match and their matching values (PS3.4 §C.2.2.2): single value, list of UIDs, wildcard, range,
    /// sequence.
    pub keys: Vec<(AttributePath, String)>,
    /// How they are matched beyond what goes without saying.
    pub matching: Matching,
    /// What to return.
    pub include: Include,
    /// Rows to skip.
    pub offset: u32,
    /// Rows to return at most; at least 1.
    pub limit: u32,
}

/// What somebody types into one box, and what is chosen beside it. All of it holds together.
#[derive(Clone, Debug, Default)]
pub struct TypedSearch {
    /// Words in any order, each the beginning of a part of the patient's name, of a patient ID or an accession number; a modality; a date.
    pub text: String,
    /// A series of one of these modalities.
    pub modalities: Vec<String>,
    /// Studies of this day or later.
    pub from: Option<Date>,
    /// Studies of this day or earlier.
    pub until: Option<Date>,
    /// Only patients with whom the asker has a care relation.
    pub mine: bool,
    /// Rows to return at most; at least 1.
    pub limit: u32,
    /// Behind this study.
    pub after: Option<StudyCursor>,
}

/// What a word was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAs {
    /// The beginning of a part of the patient's name.
    PatientName,
    /// The beginning of a patient ID, or a whole one where it is long.
    PatientId,
    /// The same of an accession number.
    AccessionNumber,
    /// A modality.
    Modality,
}

impl ReadAs {
    /// Everything that a word can be taken for.
    pub const ALL: [Self; 4] = [Self::PatientName, Self::PatientId, Self::AccessionNumber, Self::Modality];

    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PatientName => "patient-name",
            Self::PatientId => "patient-id",
            Self::AccessionNumber => "accession-number",
            Self::Modality => "modality",
        }
    }
}

/// The newest studies that fit what was typed.
#[derive(Clone, Debug)]
pub struct FoundStudies {
    /// The studies.
    pub studies: Vec<FoundStudy>,
    /// Behind which study to go on; none at the end.
    pub next: Option<StudyCursor>,
    /// Whether all that fits was looked at, as far as this page goes. Where it was not, more words or letters find more.
    pub is_whole: bool,
    /// What each word that is no date was taken for, in their order.
    pub read_as: Vec<Vec<ReadAs>>,
}

/// A study that was found.
#[derive(Clone, Debug)]
pub struct FoundStudy {
    /// What describes it, treated by the rules of the asker's role.
    pub row: FoundRow,
    /// How sensitive it is.
    pub grade: Grade,
    /// Whether one of its instances names another patient.
    pub patient_conflict: bool,
    /// What would be said to its being opened now. It opens nothing: that is decided again.
    pub opens: Foreseen,
}

/// One match: a DICOM JSON data set (PS3.18 §F.2), without retrieve addresses.
pub type FoundRow = serde_json::Map<String, serde_json::Value>;

/// The answer to a search.
#[derive(Clone, Debug)]
pub struct Found {
    /// The matches.
    pub rows: Vec<FoundRow>,
    /// Whether there are more matches behind the last row.
    pub more: bool,
    /// Keys that restricted nothing, because the index does not know their attributes at this level. The asker has to
    /// be told (PS3.4 §C.4.1.1.4 status FF01H, PS3.18 §8.3.4).
    pub unmatched: Vec<AttributePath>,
}

/// One instance of an opened study.
#[derive(Clone, Debug)]
pub struct InstanceEntry {
    /// SOP Class UID.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Study Instance UID.
    pub study: Uid,
    /// Series Instance UID.
    pub series: Uid,
    /// How the data set is encoded, as sent.
    pub transfer_syntax: Uid,
    /// Frames; 1 for an object without pixels.
    pub number_of_frames: u32,
    /// Bytes of the data set as sent.
    pub data_set_bytes: u64,
    pub(crate) row: InstanceRow,
}

impl InstanceEntry {
    /// Whether the object says how many rows its picture has: it can be shown, as far as its coding is known.
    #[must_use]
    pub const fn is_image(&self) -> bool {
        self.row.rows.is_some()
    }

    /// What tells the bytes that are served now from those of any other instance and any other version of this one,
    /// and nothing else to anybody: a digest over the pseudonym of the instance and the number of the version.
    #[must_use]
    pub fn version_digest(&self) -> [u8; 32] {
        let mut digest = yingdun_crypto::digest::Sha256::new();
        digest.update(b"yingdun instance version");
        digest.update(self.row.reference.as_bytes());
        digest.update(&self.row.version.to_be_bytes());
        digest.finish()
    }
}

/// A value with an address of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkValue {
    /// Its path in the metadata: tags in hexadecimal and item indexes, separated by `/`.
    pub path: String,
    /// Frames in it, where it is encapsulated pixel data; 0 when their boundaries cannot be known.
    pub frames: Option<u32>,
}

/// One frame of pixel data.
pub struct Frame {
    /// `application/octet-stream` for native pixels, else the media type of the transfer syntax (PS3.18 §8.7.3).
    pub media_type: &'static str,
    /// Bytes of the frame.
    pub bytes: u64,
    /// The bytes, verified.
    pub stream: ByteStream,
}

/// One frame and what says how it looks.
pub struct ImageFrame {
    /// The elements before the pixels. At most 32 MiB.
    pub data_set: DataSet,
    /// The value representation of Pixel Data.
    pub pixel_data: Vr,
    /// How the frame is coded.
    pub transfer_syntax: Uid,
    /// The frame as stored, its fragments joined.
    pub bytes: Bytes,
    /// Bits of the first byte that belong to the frame before: not 0 for 1-bit images only.
    pub skip_bits: u8,
}
