//! What the log keeps of an event: one line of canonical JSON, the leaf of the Merkle tree.
//!
//! Canonical means: the fields of [`Leaf`] in the order of their declaration, absent fields left out, no white
//! space, the escapes of `serde_json` (`"`, `\` and control characters only), hexadecimal in lower case. A
//! text that reads as a leaf and is not written exactly so is refused, so every leaf has one spelling.

use crate::event::{Counts, Event, EventKind, Outcome, ReasonCode};
use serde::{Deserialize, Serialize};
use std::fmt;
use yingdun_crypto::digest::sha256;
use yingdun_model::{
    Action, ActorId, ActorKind, InstanceRef, InstitutionId, PatientRef, PurposeOfUse, Role, StudyRef,
    Timestamp,
};

/// The longest leaf, in bytes. The longest legal event needs less; tlog-tiles allows 65,535.
pub const LEAF_BYTES_MAX: usize = 1152;

/// The version of the leaf format. A reader refuses others by name instead of guessing.
pub const LEAF_VERSION: u8 = 1;

/// A leaf as read from the log. The order of the fields is the order on disk and must never change within a
/// version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The format version, [`LEAF_VERSION`].
    pub version: u8,
    /// The number of this leaf in the log, from 0: order comes from here, never from a clock (promise I7).
    pub sequence: u64,
    /// Wall time in milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: Timestamp,
    /// Nanoseconds since the log was opened, from a clock that never goes back.
    pub monotonic_ns: u64,
    /// Which opening of the log wrote this leaf.
    pub boot: BootId,
    /// Which node wrote it.
    pub node: NodeName,
    /// See [`Event::kind`].
    pub kind: EventKind,
    /// See [`Event::outcome`].
    pub outcome: Outcome,
    /// See [`Event::institution`].
    pub institution: InstitutionId,
    /// See [`Event::actor`].
    pub actor: ActorId,
    /// See [`Event::actor_kind`].
    pub actor_kind: ActorKind,
    /// See [`Event::role`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// See [`Event::purpose`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<PurposeOfUse>,
    /// See [`Event::action`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// See [`Event::patient`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientRef>,
    /// See [`Event::study`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudyRef>,
    /// See [`Event::instance`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceRef>,
    /// See [`Event::policy_set`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_set: Option<Digest>,
    /// See [`Event::reason`].
    pub reason: ReasonCode,
    /// See [`Event::counts`].
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub counts: Counts,
    /// See [`Event::content`]. Leaves that were written before there was one have none, and are spelt as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<Digest>,
    /// SHA-256 of the sealed detail that lies beside the leaf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail_sha256: Option<Digest>,
}

/// Why bytes are not a leaf, or an event cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// The leaf would be longer than the bound.
    #[error("a leaf has at most {LEAF_BYTES_MAX} bytes, this one has {got}")]
    TooLong {
        /// The length that came, in bytes.
        got: usize,
    },
    /// Another format version.
    #[error("leaf format version {got} is not known, expected {LEAF_VERSION}")]
    Version {
        /// The version that came.
        got: u8,
    },
    /// Not JSON with the fields of a leaf. The message never repeats the content.
    #[error("not the JSON of a leaf (column {column})")]
    Json {
        /// Where reading stopped, in bytes from 1.
        column: usize,
    },
    /// The JSON of a leaf, but not in its one spelling.
    #[error("the JSON of a leaf, but not in canonical form")]
    NotCanonical,
}

/// What the log adds to an event.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    pub(crate) sequence: u64,
    pub(crate) time_ms: Timestamp,
    pub(crate) monotonic_ns: u64,
    pub(crate) boot: BootId,
    pub(crate) node: NodeName,
}

impl Leaf {
    pub(crate) fn of_event(event: &Event, stamp: Stamp) -> Self {
        Self {
            version: LEAF_VERSION,
            sequence: stamp.sequence,
            time_ms: stamp.time_ms,
            monotonic_ns: stamp.monotonic_ns,
            boot: stamp.boot,
            node: stamp.node,
            kind: event.kind,
            outcome: event.outcome,
            institution: event.institution.clone(),
            actor: event.actor.clone(),
            actor_kind: event.actor_kind,
            role: event.role,
            purpose: event.purpose,
            action: event.action,
            patient: event.patient,
            study: event.study,
            instance: event.instance,
            policy_set: event.policy_set.map(Digest),
            reason: event.reason.clone(),
            counts: event.counts.clone(),
            content_sha256: event.content.map(Digest),
            detail_sha256: event.detail.as_ref().map(|detail| Digest(sha256(detail.as_bytes()))),
        }
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// [`LeafError::TooLong`] when the bound is broken.
    pub fn encode(&self) -> Result<Vec<u8>, LeafError> {
        let bytes = serde_json::to_vec(self).map_err(|error| LeafError::Json { column: error.column() })?;
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(LeafError::TooLong { got: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`LeafError`] says which rule is broken.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(LeafError::TooLong { got: bytes.len() });
        }
        let leaf: Self =
            serde_json::from_slice(bytes).map_err(|error| LeafError::Json { column: error.column() })?;
        if leaf.version != LEAF_VERSION {
            return Err(LeafError::Version { got: leaf.version });
        }
        if leaf.encode()? != bytes {
            return Err(LeafError::NotCanonical);
        }
        Ok(leaf)
    }
}

impl fmt::Display for Leaf {
    /// One line for people: when, who, what, how it ended. No personal data, because a leaf has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time_ms, actor, actor_kind, kind, outcome, reason, .. } = self;
        write!(f, "time {time_ms} ms, {actor_kind} {actor}, {kind} {outcome} ({reason})")
    }
}

/// Which opening of the log wrote a leaf: 8 random bytes, written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "HexText", into = "HexText")]
pub struct BootId(pub [u8; 8]);

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "HexText", into = "HexText")]
pub struct Digest(pub [u8; 32]);

/// The name of the node that writes a log: 1 to 24 lower-case letters, digits, dots and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

/// The text is not a node name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a node is named by 1 to 24 lower-case letters, digits, dots and hyphens")]
pub struct NodeNameError;

impl NodeName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`NodeNameError`] when the text breaks the alphabet or the length.
    pub fn new(text: &str) -> Result<Self, NodeNameError> {
        let legal = (1..=24).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        if legal { Ok(Self(text.to_owned())) } else { Err(NodeNameError) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeName {
    type Error = NodeNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes as lower-case hexadecimal text, the bridge between fixed arrays and JSON.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct HexText(String);

/// The text is not the right number of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the expected number of hexadecimal digits")]
struct HexTextError;

impl HexText {
    fn bytes<const N: usize>(&self) -> Result<[u8; N], HexTextError> {
        let mut bytes = [0_u8; N];
        hex::decode_to_slice(&self.0, &mut bytes).map_err(|_| HexTextError)?;
        Ok(bytes)
    }
}

impl TryFrom<HexText> for BootId {
    type Error = HexTextError;
    fn try_from(text: HexText) -> Result<Self, Self::Error> {
        text.bytes().map(Self)
    }
}

impl From<BootId> for HexText {
    fn from(id: BootId) -> Self {
        Self(hex::encode(id.0))
    }
}

impl TryFrom<HexText> for Digest {
    type Error = HexTextError;
    fn try_from(text: HexText) -> Result<Self, Self::Error> {
        text.bytes().map(Self)
    }
}

impl From<Digest> for HexText {
    fn from(digest: Digest) -> Self {
        Self(hex::encode(digest.0))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SealedDetail;
    use proptest::prelude::*;

    /// The event with the longest spelling that the types allow.
    fn longest() -> Event {
        Event {
            kind: EventKind::Authentication,
            outcome: Outcome::Succeeded,
            institution: InstitutionId::new(&"i".repeat(32)).unwrap(),
            actor: ActorId::new(&"\"".repeat(64)).unwrap(),
            actor_kind: ActorKind::Service,
            role: Some(Role::SecurityAdministrator),
            purpose: Some(PurposeOfUse::HealthcareOperations),
            action: Some(Action::ManageAccounts),
            patient: Some(PatientRef::from_bytes([1; 16])),
            study: Some(StudyRef::from_bytes([2; 16])),
            instance: Some(InstanceRef::from_bytes([3; 16])),
            policy_set: Some([4; 32]),
            reason: ReasonCode::parse(&"r".repeat(ReasonCode::BYTES_MAX)).unwrap(),
            counts: Counts::new()
                .with("aaaaaaaaaaaaaaaa", u64::MAX)
                .with("bbbbbbbbbbbbbbbb", u64::MAX)
                .with("cccccccccccccccc", u64::MAX)
                .with("dddddddddddddddd", u64::MAX),
            content: Some([6; 32]),
            detail: Some(SealedDetail::from_ciphertext(vec![9]).unwrap()),
        }
    }

    fn stamp(sequence: u64) -> Stamp {
        Stamp {
            sequence,
            time_ms: Timestamp::from_ms(9_999_999_999_999),
            monotonic_ns: u64::MAX,
            boot: BootId([7; 8]),
            node: NodeName::new(&"n".repeat(24)).unwrap(),
        }
    }

    #[test]
    fn the_longest_legal_event_fits_into_a_leaf() {
        let bytes = Leaf::of_event(&longest(), stamp(u64::MAX)).encode().unwrap();
        assert!(bytes.len() <= LEAF_BYTES_MAX, "{}", bytes.len());
    }

    #[test]
    fn another_spelling_of_the_same_leaf_is_refused() {
        let bytes = Leaf::of_event(&longest(), stamp(1)).encode().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(Leaf::decode(text.as_bytes()).is_ok());
        let blank = text.replacen(':', ": ", 1);
        assert_eq!(Leaf::decode(blank.as_bytes()), Err(LeafError::NotCanonical));
        let swapped = text.replacen("\"version\":1,\"sequence\":1,", "\"sequence\":1,\"version\":1,", 1);
        assert_eq!(Leaf::decode(swapped.as_bytes()), Err(LeafError::NotCanonical));
        let extra = text.replacen('{', "{\"x\":1,", 1);
        assert!(matches!(Leaf::decode(extra.as_bytes()), Err(LeafError::Json { .. })));
        let version = text.replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(Leaf::decode(version.as_bytes()), Err(LeafError::Version { got: 2 }));
    }

    proptest! {
        #[test]
        fn a_leaf_reads_back_from_its_bytes(sequence: u64, actor in "[^\\s\\p{C}]{1,16}", bits: u8, count: u64) {
            let mut event = longest();
            event.actor = ActorId::new(&actor).unwrap();
            if bits & 1 != 0 { event.role = None; }
            if bits & 2 != 0 { event.study = None; }
            if bits & 4 != 0 { event.counts = Counts::new().with("rows", count); }
            if bits & 8 != 0 { event.detail = None; }
            if bits & 16 != 0 { event.policy_set = None; }
            if bits & 32 != 0 { event.content = None; }
            let leaf = Leaf::of_event(&event, stamp(sequence));
            prop_assert_eq!(Leaf::decode(&leaf.encode().unwrap()).unwrap(), leaf);
        }

        #[test]
        fn no_bytes_make_the_reader_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            let _ = Leaf::decode(&bytes);
        }
    }
}
