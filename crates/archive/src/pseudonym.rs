//! The keys of one institution at work: keyed pseudonyms and search tokens. Pure functions over a key; nothing is looked up.

use std::fmt;
use std::sync::Arc;
use yingdun_crypto::{SealingKey, TokenKey};
use yingdun_dicom::Tag;
use yingdun_dicom::person_name::fold;
use yingdun_dicom::query::MatchValue;
use yingdun_model::{
    InstanceRef, InstitutionId, PatientRef, PerformedStepRef, SeriesRef, StepRef, StudyRef, Uid, WorkitemRef,
};
use yingdun_watermark::MarkKey;

/// Bytes of a stand-in: enough that no two of the millions of identifiers of a hospital share one, save by a rare chance.
const MASKED_BYTES: usize = 6;

/// The keys of an institution that open no image: for pseudonyms and tokens, for catalogue columns, and for marks in pictures.
pub(crate) struct InstitutionKeys {
    pub(crate) institution: InstitutionId,
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) index: SealingKey,
    pub(crate) marks: Arc<MarkKey>,
}

impl fmt::Debug for InstitutionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstitutionKeys({})", self.institution)
    }
}

/// The lengths, in characters, of the beginnings of names that have a token. A beginning of another length is narrowed by
/// the longest of these that it holds, and compared after unsealing. After six characters little is left to narrow, and
/// each length costs a row of the index per value.
const NAME_BEGINNINGS: &[usize] = &[1, 2, 3, 4, 5, 6, 8, 12];
/// The same of identifiers, of which hardly anybody asks for a beginning.
const IDENTIFIER_BEGINNINGS: &[usize] = &[1, 2, 4, 6, 8, 12];

/// What a search token stands for. The words are part of the stored tokens and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Searchable {
    PatientId,
    PatientName,
    AccessionNumber,
    StudyId,
    ReferringPhysician,
    /// A part of a name for fuzzy matching, by its beginnings.
    PatientNamePart,
    PatientBirthDate,
    ScheduledProcedureStepId,
    RequestedProcedureId,
}

impl Searchable {
    const fn domain(self) -> &'static str {
        match self {
            Self::PatientId => "search/patient-id",
            Self::PatientName => "search/patient-name",
            Self::AccessionNumber => "search/accession-number",
            Self::StudyId => "search/study-id",
            Self::ReferringPhysician => "search/referring-physician",
            Self::PatientNamePart => "search/patient-name-part",
            Self::PatientBirthDate => "search/patient-birth-date",
            Self::ScheduledProcedureStepId => "search/scheduled-procedure-step-id",
            Self::RequestedProcedureId => "search/requested-procedure-id",
        }
    }

    /// Whether a beginning of this many characters has a token of its own.
    pub(crate) fn is_indexed_prefix(self, characters: usize) -> bool {
        let lengths = match self {
            Self::PatientName | Self::ReferringPhysician | Self::PatientNamePart => NAME_BEGINNINGS,
            Self::PatientId
            | Self::AccessionNumber
            | Self::StudyId
            | Self::PatientBirthDate
            | Self::ScheduledProcedureStepId
            | Self::RequestedProcedureId => IDENTIFIER_BEGINNINGS,
        };
        lengths.contains(&characters)
    }

    /// Where the beginnings of a value that have tokens end, in bytes.
    fn ends(self, value: &str) -> impl Iterator<Item = usize> {
        let ends = value.char_indices().skip(1).map(|(at, _)| at).chain([value.len()]);
        ends.zip(1..).filter(move |(_, characters)| self.is_indexed_prefix(*characters)).map(|(end, _)| end)
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

    /// An accession number within its issuer; nothing where there is none.
    pub(crate) fn accession(&self, issuer: &str, number: &str) -> Option<[u8; 16]> {
        let (issuer, number) = (fold(issuer), fold(number));
        let token = || self.0.token_of("accession", &[issuer.as_bytes(), number.as_bytes()]);
        (!number.is_empty()).then(token)
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

    /// A scheduled procedure step is an identifier within a study.
    pub(crate) fn step(&self, study: &Uid, step_id: &str) -> StepRef {
        StepRef::from_bytes(
            self.0.token_of("procedure-step", &[study.as_str().as_bytes(), step_id.as_bytes()]),
        )
    }

    /// A performed procedure step, by its SOP Instance UID.
    pub(crate) fn performed_step(&self, instance: &Uid) -> PerformedStepRef {
        PerformedStepRef::from_bytes(self.0.token("performed-step", instance.as_str()))
    }

    /// A workitem of the unified worklist.
    pub(crate) fn workitem(&self, workitem: &Uid) -> WorkitemRef {
        WorkitemRef::from_bytes(self.0.token("workitem", workitem.as_str()))
    }

    /// The stand-in for a value of a masked attribute: the same for the same value, within this institution. Fourteen
    /// characters, which every text attribute holds.
    pub(crate) fn masked(&self, tag: Tag, text: &str) -> String {
        let token = self.0.token_of("masked", &[tag.to_hex().as_bytes(), text.as_bytes()]);
        let digits: String = token.iter().take(MASKED_BYTES).map(|byte| format!("{byte:02x}")).collect();
        format!("M-{digits}")
    }

    /// The code of a destruction, by which the other nodes know that one of them carried it out.
    pub(crate) fn destruction(&self, words: &[String]) -> [u8; 16] {
        let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
        self.0.token_of("destruction", &words)
    }

    /// The tokens of which whatever matches has one; nothing when a value has no beginning to search by.
    pub(crate) fn alternatives(&self, what: Searchable, value: &MatchValue) -> Option<Vec<[u8; 16]>> {
        let exact = |text: &str| self.exact(what, &fold(text));
        match value {
            MatchValue::Single(text) => Some(vec![exact(text)]),
            MatchValue::List(texts) => Some(texts.iter().map(|text| exact(text)).collect()),
            MatchValue::Wildcard(pattern) => {
                let beginning = fold(pattern.split(['*', '?']).next().unwrap_or_default());
                (!beginning.is_empty()).then(|| vec![self.prefix(what, &beginning)])
            }
            // Values that all have to be there are conditions of their own.
            MatchValue::Universal | MatchValue::Empty | MatchValue::All(_) | MatchValue::Range { .. } => None,
        }
    }

    /// The token of a beginning that every name has which a key asks for: up to the end of its first component, or its first
    /// wildcard.
    pub(crate) fn family_name(&self, asked: &MatchValue) -> Option<Vec<[u8; 16]>> {
        let (MatchValue::Single(name) | MatchValue::Wildcard(name)) = asked else { return None };
        let family = fold(name.split(['^', '=', '*', '?']).next().unwrap_or_default());
        (!family.is_empty()).then(|| vec![self.prefix(Searchable::PatientName, &family)])
    }

    /// The token of a whole normalised value.
    pub(crate) fn exact(&self, what: Searchable, value: &str) -> [u8; 16] {
        self.0.token_of(what.domain(), &[b"=", value.as_bytes()])
    }

    /// The token of the beginning of a normalised value, as far as beginnings of its length have one.
    pub(crate) fn prefix(&self, what: Searchable, beginning: &str) -> [u8; 16] {
        let cut = what.ends(beginning).last().and_then(|end| beginning.get(..end)).unwrap_or(beginning);
        self.0.token_of(what.domain(), &[b"^", cut.as_bytes()])
    }

    /// The tokens of the beginnings of a normalised value.
    pub(crate) fn prefixes(&self, what: Searchable, value: &str) -> impl Iterator<Item = [u8; 16]> {
        what.ends(value).filter_map(|end| value.get(..end)).map(move |beginning| self.prefix(what, beginning))
    }

    /// All tokens under which a normalised value is found: the value and its beginnings.
    pub(crate) fn all(&self, what: Searchable, value: &str) -> Vec<[u8; 16]> {
        if value.is_empty() {
            return Vec::new();
        }
        std::iter::once(self.exact(what, value)).chain(self.prefixes(what, value)).collect()
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
        let tokens = pseudonyms.all(Searchable::PatientId, long);
        for length in 1..=long.len() {
            let beginning = &long[..length];
            assert!(tokens.contains(&pseudonyms.prefix(Searchable::PatientId, beginning)), "{beginning}");
        }
        assert_eq!(tokens.len(), 1 + IDENTIFIER_BEGINNINGS.len());
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
