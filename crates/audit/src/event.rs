//! What a caller reports: who did what to which study, why, and how it ended. An [`Event`] becomes a leaf when
//! the log adds its number and its times. Nothing in an event names a patient: references are keyed
//! pseudonyms, and what must be said about a person goes, already sealed, into [`SealedDetail`].

use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use yingdun_model::{
    Action, ActorId, ActorKind, InstanceRef, InstitutionId, PatientRef, PurposeOfUse, Role, StudyRef,
    word_enum,
};

/// One thing that happened, as the room that did it reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What kind of thing happened.
    pub kind: EventKind,
    /// How it ended.
    pub outcome: Outcome,
    /// The institution to which the leaf belongs (promise I12).
    pub institution: InstitutionId,
    /// The account that acted, or claimed to be the one that acts.
    pub actor: ActorId,
    /// What kind of thing acted.
    pub actor_kind: ActorKind,
    /// The role that the session had activated; none before a session exists.
    pub role: Option<Role>,
    /// Why the actor acts, where a purpose was stated.
    pub purpose: Option<PurposeOfUse>,
    /// The action on the archive that was asked for; none for log-ins, associations and life-cycle events.
    pub action: Option<Action>,
    /// The patient concerned, as a keyed pseudonym.
    pub patient: Option<PatientRef>,
    /// The study concerned, as a keyed pseudonym.
    pub study: Option<StudyRef>,
    /// The instance concerned, as a keyed pseudonym, where the event is about one instance only.
    pub instance: Option<InstanceRef>,
    /// SHA-256 of the policy set that decided.
    pub policy_set: Option<[u8; 32]>,
    /// Why it ended so, as a stable code for machines and reports.
    pub reason: ReasonCode,
    /// How much: instances, bytes, rows, …
    pub counts: Counts,
    /// SHA-256 of the file that left, where the leaf is about one that was made here.
    pub content: Option<[u8; 32]>,
    /// Personal detail, sealed by the caller. It is stored beside the leaf and can be destroyed without
    /// touching the leaf, which holds its SHA-256.
    pub detail: Option<SealedDetail>,
}

impl Event {
    /// An event of the archive itself (start, stop, repair, recovery): actor `archive`, no session.
    #[must_use]
    pub fn of_system(
        institution: InstitutionId,
        actor: ActorId,
        kind: EventKind,
        outcome: Outcome,
        reason: ReasonCode,
    ) -> Self {
        Self {
            kind,
            outcome,
            institution,
            actor,
            actor_kind: ActorKind::System,
            role: Some(Role::System),
            purpose: Some(PurposeOfUse::HealthcareOperations),
            action: None,
            patient: None,
            study: None,
            instance: None,
            policy_set: None,
            reason,
            counts: Counts::new(),
            content: None,
            detail: None,
        }
    }
}

word_enum! {
    /// What kind of thing happened.
    EventKind, "kind of event" {
        /// A decision that opens content. These are the leaves that promise I1 counts against key unwraps.
        Access => "access",
        /// The closing count of an access: how many frames and bytes left under it.
        AccessClosed => "access-closed",
        /// A search or a list.
        Query => "query",
        /// Instances were stored, or refused at the door.
        Stored => "stored",
        /// Storage commitment was given for a list of instances, or denied for some of them.
        Commitment => "commitment",
        /// A log-in, token or invitation was accepted or refused.
        Authentication => "authentication",
        /// A DICOM association was accepted, rejected or released.
        Association => "association",
        /// People, devices, roles, care relations, policies or key-encryption keys were changed.
        Administration => "administration",
        /// The archive started, stopped, or is alive.
        System => "system",
        /// A bad replica was found, bypassed or repaired.
        Repair => "repair",
        /// State was rebuilt from what is stored.
        Recovery => "recovery",
        /// A marked copy of a picture was permitted, or left: a capture or a print; or a file of a list of the console.
        Copied => "copied",
        /// What a browser told of itself: a key, a print, a window that lost focus.
        Signal => "signal",
    }
}

word_enum! {
    /// How it ended.
    Outcome, "outcome" {
        /// A decision said yes.
        Permitted => "permitted",
        /// A decision said no.
        Refused => "refused",
        /// The work was done.
        Succeeded => "succeeded",
        /// The work was permitted and yet not done.
        Failed => "failed",
    }
}

/// Why an event ended as it did: 1 to 40 lower-case letters, digits and inner hyphens, e.g. `care-relation`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ReasonCode(Cow<'static, str>);

impl ReasonCode {
    /// The longest code, in bytes; part of the budget of a leaf.
    pub const BYTES_MAX: usize = 40;

    /// A code written in the program text. Use it in a `const`, so that a wrong code does not compile.
    ///
    /// # Panics
    /// When the code is not 1 to 40 lower-case letters, digits and inner hyphens.
    #[must_use]
    pub const fn new(code: &'static str) -> Self {
        assert!(is_code(code.as_bytes(), Self::BYTES_MAX), "a reason code has 1 to 40 of a-z, 0-9, -");
        Self(Cow::Borrowed(code))
    }

    /// A code that comes from data, e.g. the identifier of a policy; none when it is not a legal code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        is_code(code.as_bytes(), Self::BYTES_MAX).then(|| Self(Cow::Owned(code.to_owned())))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ReasonCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a reason code"))
    }
}

/// How much: at most four named numbers, e.g. `instances: 300`. Written in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Cow<'static, str>, u64>);

impl Counts {
    /// The most numbers in one leaf; part of the budget of a leaf.
    pub const ENTRIES_MAX: usize = 4;
    /// The longest name of a number, in bytes; part of the budget of a leaf.
    pub const NAME_BYTES_MAX: usize = 16;

    /// No numbers.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// These numbers and one more; the same name again replaces the number.
    ///
    /// # Panics
    /// When the name is not 1 to 16 lower-case letters, digits and inner hyphens, or when it would be the
    /// fifth: both are mistakes in the program text, never in data.
    #[must_use]
    pub fn with(mut self, name: &'static str, count: u64) -> Self {
        assert!(is_code(name.as_bytes(), Self::NAME_BYTES_MAX), "a count name has 1 to 16 of a-z, 0-9, -");
        self.0.insert(Cow::Borrowed(name), count);
        assert!(self.0.len() <= Self::ENTRIES_MAX, "an event has at most four counts");
        self
    }

    /// The number under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// Names and numbers, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_ref(), *count))
    }

    /// Whether there are no numbers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = BTreeMap::<Cow<'static, str>, u64>::deserialize(deserializer)?;
        let legal = counts.len() <= Self::ENTRIES_MAX
            && counts.keys().all(|name| is_code(name.as_bytes(), Self::NAME_BYTES_MAX));
        if legal { Ok(Self(counts)) } else { Err(serde::de::Error::custom("not a legal set of counts")) }
    }
}

/// Ciphertext that belongs to a leaf: what had to be said about a person (a name that was searched for, an
/// address, a free-text reason), sealed by the caller under a key that can be destroyed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedDetail(Vec<u8>);

/// The ciphertext is empty or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed detail has 1 to {max} bytes, this one has {got}", max = SealedDetail::BYTES_MAX)]
pub struct SealedDetailError {
    /// The length that came, in bytes.
    pub got: usize,
}

impl SealedDetail {
    /// The longest ciphertext, in bytes: room for one screen of text, small enough that 256 of them (one
    /// bundle, one call) stay in memory.
    pub const BYTES_MAX: usize = 8192;

    /// Takes ciphertext. The log cannot know whether it is sealed; the name is a promise of the caller.
    ///
    /// # Errors
    /// [`SealedDetailError`] when it is empty or longer than [`Self::BYTES_MAX`].
    pub fn from_ciphertext(ciphertext: Vec<u8>) -> Result<Self, SealedDetailError> {
        if ciphertext.is_empty() || ciphertext.len() > Self::BYTES_MAX {
            return Err(SealedDetailError { got: ciphertext.len() });
        }
        Ok(Self(ciphertext))
    }

    /// The ciphertext.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedDetail({} bytes)", self.0.len())
    }
}

const fn is_code(text: &[u8], bytes_max: usize) -> bool {
    if text.len() > bytes_max {
        return false;
    }
    let mut previous = b'-';
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        let legal = byte.is_ascii_lowercase() || byte.is_ascii_digit() || (*byte == b'-' && previous != b'-');
        if !legal {
            return false;
        }
        previous = *byte;
        rest = tail;
    }
    previous != b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_lower_case_words_with_inner_hyphens() {
        for legal in ["care-relation", "a", "x1", &"r".repeat(40)] {
            assert!(ReasonCode::parse(legal).is_some(), "{legal}");
        }
        for wrong in ["", "-a", "a-", "a--b", "A", "a b", "a\"", "原因", &"r".repeat(41)] {
            assert!(ReasonCode::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_detail_is_neither_empty_nor_unbounded_and_never_printed() {
        assert!(SealedDetail::from_ciphertext(vec![]).is_err());
        assert!(SealedDetail::from_ciphertext(vec![0; SealedDetail::BYTES_MAX + 1]).is_err());
        let detail = SealedDetail::from_ciphertext(b"sealed".to_vec()).unwrap();
        assert_eq!(format!("{detail:?}"), "SealedDetail(6 bytes)");
    }

    #[test]
    fn counts_read_back_sorted_and_bounded() {
        let counts = Counts::new().with("rows", 2).with("bytes", 1);
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(text, r#"{"bytes":1,"rows":2}"#);
        assert_eq!(serde_json::from_str::<Counts>(&text).unwrap(), counts);
        assert!(serde_json::from_str::<Counts>(r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#).is_err());
        assert!(serde_json::from_str::<Counts>(r#"{"A":1}"#).is_err());
    }
}
