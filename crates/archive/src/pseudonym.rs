//! Keyed pseudonyms and search tokens of one institution. Pure functions over a key; nothing is looked up.

use std::fmt;
use yingdun_crypto::TokenKey;
use yingdun_model::{InstanceRef, PatientRef, SeriesRef, StudyRef, Uid};

/// The longest prefix of a value, in characters, that is searchable by token. Longer prefixes are narrowed by
/// this one and compared after unsealing.
pub(crate) const PREFIX_CHARACTERS_MAX: usize = 16;

/// What a search token stands for. The words are part of the stored tokens and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Searchable {
    PatientId,
    PatientName,
    AccessionNumber,
    StudyId,
    ReferringPhysician,
}

impl Searchable {
    const fn domain(self) -> &'static str {
        match self {
            Self::PatientId => "search/patient-id",
            Self::PatientName => "search/patient-name",
            Self::AccessionNumber => "search/accession-number",
            Self::StudyId => "search/study-id",
            Self::ReferringPhysician => "search/referring-physician",
        }
    }
}

/// The pseudonym key of one institution at work.
pub(crate) struct Pseudonyms(TokenKey);

impl Pseudonyms {
    pub(crate) const fn new(key: TokenKey) -> Self {
        Self(key)
    }

    /// A patient is an identifier within an issuer; two institutions' `1` are two patients. A study without a
    /// patient ID belongs to a patient of its own.
    pub(crate) fn patient(&self, issuer: &str, patient_id: &str, study: &Uid) -> PatientRef {
        if patient_id.is_empty() {
            PatientRef::from_bytes(self.0.token("patient-of-study", study.as_str()))
        } else {
            self.identified_patient(issuer, patient_id)
        }
    }

    /// A patient by issuer and identifier.
    pub(crate) fn identified_patient(&self, issuer: &str, patient_id: &str) -> PatientRef {
        PatientRef::from_bytes(self.0.token_of("patient", &[issuer.as_bytes(), patient_id.as_bytes()]))
    }

    /// The keyed form of a digest, for a catalogue column: tells whether two objects are the same, and tells a
    /// thief who knows an object nothing.
    pub(crate) fn evidence(&self, data_set_sha256: &[u8; 32]) -> [u8; 16] {
        self.0.token_of("evidence", &[data_set_sha256])
    }

    pub(crate) fn study(&self, study: &Uid) -> StudyRef {
        StudyRef::from_bytes(self.0.token("study", study.as_str()))
    }

    pub(crate) fn series(&self, study: &Uid, series: &Uid) -> SeriesRef {
        SeriesRef::from_bytes(
            self.0.token_of("series", &[study.as_str().as_bytes(), series.as_str().as_bytes()]),
        )
    }

    pub(crate) fn instance(&self, instance: &Uid) -> InstanceRef {
        InstanceRef::from_bytes(self.0.token("instance", instance.as_str()))
    }

    /// The token of a whole normalised value.
    pub(crate) fn exact(&self, what: Searchable, value: &str) -> [u8; 16] {
        self.0.token_of(what.domain(), &[b"=", value.as_bytes()])
    }

    /// The token of the beginning of a normalised value, at most [`PREFIX_CHARACTERS_MAX`] characters of it.
    pub(crate) fn prefix(&self, what: Searchable, beginning: &str) -> [u8; 16] {
        let end = beginning.char_indices().nth(PREFIX_CHARACTERS_MAX).map_or(beginning.len(), |(at, _)| at);
        let cut = beginning.get(..end).unwrap_or(beginning);
        self.0.token_of(what.domain(), &[b"^", cut.as_bytes()])
    }

    /// All tokens under which a normalised value is found: the value and each of its beginnings.
    pub(crate) fn all(&self, what: Searchable, value: &str) -> Vec<[u8; 16]> {
        if value.is_empty() {
            return Vec::new();
        }
        let ends = value.char_indices().skip(1).map(|(at, _)| at).chain([value.len()]);
        std::iter::once(self.exact(what, value))
            .chain(
                ends.take(PREFIX_CHARACTERS_MAX)
                    .filter_map(|end| value.get(..end))
                    .map(|beginning| self.prefix(what, beginning)),
            )
            .collect()
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::SealingKey;

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(TokenKey::from(&SealingKey::generate()))
    }

    #[test]
    fn every_beginning_of_a_value_finds_it_and_nothing_else_does() {
        let pseudonyms = pseudonyms();
        let tokens = pseudonyms.all(Searchable::PatientName, "王小明");
        assert_eq!(tokens.len(), 4);
        for beginning in ["王", "王小", "王小明"] {
            assert!(tokens.contains(&pseudonyms.prefix(Searchable::PatientName, beginning)), "{beginning}");
        }
        assert!(tokens.contains(&pseudonyms.exact(Searchable::PatientName, "王小明")));
        assert!(!tokens.contains(&pseudonyms.exact(Searchable::PatientName, "王小")));
        assert!(!tokens.contains(&pseudonyms.prefix(Searchable::PatientId, "王")));
    }

    #[test]
    fn long_beginnings_are_cut_alike_on_both_sides() {
        let pseudonyms = pseudonyms();
        let long = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        assert!(
            pseudonyms
                .all(Searchable::PatientId, long)
                .contains(&pseudonyms.prefix(Searchable::PatientId, long))
        );
    }

    #[test]
    fn studies_without_a_patient_id_do_not_share_a_patient() {
        let pseudonyms = pseudonyms();
        let (one, two) = (Uid::new("1.2.3").unwrap(), Uid::new("1.2.4").unwrap());
        assert_ne!(pseudonyms.patient("", "", &one), pseudonyms.patient("", "", &two));
        assert_eq!(pseudonyms.patient("", "7", &one), pseudonyms.patient("", "7", &two));
        assert_ne!(pseudonyms.patient("A", "7", &one), pseudonyms.patient("B", "7", &one));
    }
}
