//! What was planted, as a file of its own says it.

use serde::{Deserialize, Serialize};

/// An access, or a gapless range of accesses, that belongs to something planted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// One access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The first and the last access, where there are several without a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(u64, u64)>,
    /// Pseudonym of the person (of the account) who is named by the accesses.
    pub person: String,
    /// Name of the incident or of the look-alike, within its run.
    pub incident: String,
    /// Which type: a word of [`crate::AttackType`] or [`crate::LookAlike`].
    pub r#type: String,
    /// Whether it only looks like an attack.
    pub benign: bool,
}

impl Truth {
    /// First and last access.
    #[must_use]
    pub fn sequences(&self) -> std::ops::RangeInclusive<u64> {
        let (first, last) = self.range.or(self.sequence.map(|one| (one, one))).unwrap_or((1, 0));
        first..=last
    }

    /// Takes one more access, if it follows without a gap and belongs to the same.
    pub(crate) fn extend(&mut self, sequence: u64, person: &str, incident: &str) -> bool {
        let (first, last) = (*self.sequences().start(), *self.sequences().end());
        let follows = last + 1 == sequence && self.person == person && self.incident == incident;
        if follows {
            self.sequence = None;
            self.range = Some((first, sequence));
        }
        follows
    }
}
