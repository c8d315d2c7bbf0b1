//! What is left of a data set for a reader who is not to learn whom it is of: rules per attribute, applied to the DICOM JSON
//! model. Pure functions; who is such a reader is decided elsewhere.
//!
//! An attribute is treated as its own rule says, else as the rule of its class, at whatever depth it stands. What no rule can
//! judge does not pass at all: private attributes, and binary values that no picture needs.

use crate::person_name::initial;
use crate::{AttributePath, Tag, Vr, dictionary, tags};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::str::FromStr;

/// What becomes of an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// It passes as it is.
    #[default]
    Keep,
    /// Of a name, the first letter of family, given and middle name.
    Initials,
    /// The same stand-in for the same value, from which the value cannot be found without the key.
    Pseudonym,
    /// The attribute without a value.
    Remove,
}

impl Treatment {
    /// Every treatment.
    pub const ALL: [Self; 4] = [Self::Keep, Self::Initials, Self::Pseudonym, Self::Remove];

    /// The word in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Initials => "initials",
            Self::Pseudonym => "pseudonym",
            Self::Remove => "remove",
        }
    }
}

/// The word is none of the treatments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a treatment is `keep`, `initials`, `pseudonym` or `remove`")]
pub struct UnknownTreatment;

impl FromStr for Treatment {
    type Err = UnknownTreatment;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|treatment| treatment.as_str() == word).ok_or(UnknownTreatment)
    }
}

/// Why there can be no such rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// The keyword is none of the standard.
    #[error("`{0}` is no keyword of a standard attribute")]
    UnknownKeyword(String),
    /// Without it nothing can be found or shown.
    #[error("`{0}` is needed to find or to show what is stored, and cannot be masked")]
    Needed(String),
    /// The value representation does not allow the treatment.
    #[error("`{0}` cannot be treated by `{1}`: names have initials, and texts pseudonyms")]
    Unfit(String, &'static str),
}

/// What becomes of the attributes of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskRules {
    /// Every attribute that is the name of a person (PN).
    names: Treatment,
    /// Those of [`IDENTIFIERS`].
    identifiers: Treatment,
    /// Those of [`CONTACTS`].
    contacts: Treatment,
    attributes: BTreeMap<Tag, Treatment>,
}

impl MaskRules {
    /// Rules for classes of attributes: names of persons; identifiers of patients, visits and orders; telephone numbers and
    /// addresses.
    ///
    /// # Errors
    /// [`MaskError::Unfit`]: only names have initials.
    pub fn new(names: Treatment, identifiers: Treatment, contacts: Treatment) -> Result<Self, MaskError> {
        for (class, treatment) in [("identifiers", identifiers), ("contacts", contacts)] {
            if treatment == Treatment::Initials {
                return Err(MaskError::Unfit(class.to_owned(), treatment.as_str()));
            }
        }
        Ok(Self { names, identifiers, contacts, attributes: BTreeMap::new() })
    }

    /// The same with a rule for one attribute, which comes before that of its class.
    ///
    /// # Errors
    /// [`MaskError`].
    pub fn with(mut self, keyword: &str, treatment: Treatment) -> Result<Self, MaskError> {
        let tag = dictionary::tag_of_keyword(keyword)
            .ok_or_else(|| MaskError::UnknownKeyword(keyword.to_owned()))?;
        let vr = dictionary::vr_of(tag).unwrap_or(Vr::UN);
        if is_needed(tag, vr) {
            return Err(MaskError::Needed(keyword.to_owned()));
        }
        let fits = match treatment {
            Treatment::Keep | Treatment::Remove => true,
            Treatment::Initials => vr == Vr::PN,
            Treatment::Pseudonym => takes_pseudonym(vr),
        };
        if !fits {
            return Err(MaskError::Unfit(keyword.to_owned(), treatment.as_str()));
        }
        self.attributes.insert(tag, treatment);
        Ok(self)
    }

    /// Whether anything is treated at all.
    #[must_use]
    pub fn masks(&self) -> bool {
        let mut all = self.attributes.values().chain([&self.names, &self.identifiers, &self.contacts]);
        all.any(|treatment| *treatment != Treatment::Keep)
    }

    /// What becomes of an attribute. Whoever wrote it, `vr` counts as well: a name is a name.
    #[must_use]
    pub fn of(&self, tag: Tag, vr: Vr) -> Treatment {
        if let Some(own) = self.attributes.get(&tag) {
            return *own;
        }
        if vr == Vr::PN || dictionary::vr_of(tag) == Some(Vr::PN) {
            return self.names;
        }
        if IDENTIFIERS.contains(&tag) {
            self.identifiers
        } else if CONTACTS.contains(&tag) {
            self.contacts
        } else {
            Treatment::Keep
        }
    }

    /// Whether an attribute, or the sequence that it stands in, does not pass as it is: then it is no key of a search either,
    /// or the answer would tell what the row does not.
    #[must_use]
    pub fn hides(&self, path: AttributePath) -> bool {
        let hidden = |tag: Tag| {
            tag.is_private() || self.of(tag, dictionary::vr_of(tag).unwrap_or(Vr::UN)) != Treatment::Keep
        };
        hidden(path.tag) || path.sequence.is_some_and(hidden)
    }

    /// Treats a data set and what stands in its sequences. `pseudonym` gives the stand-in for a value of an attribute, of at
    /// most 16 characters, which is what the shortest texts hold (SH).
    pub fn apply(&self, data_set: &mut Map<String, Value>, pseudonym: &dyn Fn(Tag, &str) -> String) {
        data_set.retain(|name, _| Tag::from_hex(name).is_ok_and(|tag| !tag.is_private()));
        for (name, attribute) in data_set.iter_mut() {
            let Ok(tag) = Tag::from_hex(name) else { continue };
            let vr = vr_in(attribute);
            match self.of(tag, vr) {
                Treatment::Keep if vr == Vr::SQ => {
                    items(attribute).for_each(|item| self.apply(item, pseudonym));
                }
                Treatment::Keep => {
                    if has_binary(attribute) && !pictures_need(tag, vr) {
                        *attribute = empty(vr);
                    }
                }
                Treatment::Remove => *attribute = empty(vr),
                treatment => *attribute = treated(tag, vr, attribute, treatment, pseudonym),
            }
        }
    }
}

/// Whether a binary value of an object may leave by itself, by its path in the metadata: pixels of the object itself.
#[must_use]
pub fn is_path_of_pixels(path: &str) -> bool {
    Tag::from_hex(path).is_ok_and(dictionary::is_pixel_data)
}

// === helpers ===

/// Identifiers of patients, visits, orders and what belongs to them, and the sequences that hold nothing else.
const IDENTIFIERS: &[Tag] = &[
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ACCESSION_NUMBER,
    tags::STUDY_ID,
    Tag(0x0010, 0x0024), // IssuerOfPatientIDQualifiersSequence
    Tag(0x0010, 0x0050), // PatientInsurancePlanCodeSequence
    Tag(0x0010, 0x1000), // OtherPatientIDs
    Tag(0x0010, 0x1002), // OtherPatientIDsSequence
    Tag(0x0010, 0x1050), // InsurancePlanIdentification
    Tag(0x0010, 0x1090), // MedicalRecordLocator
    Tag(0x0010, 0x1100), // ReferencedPatientPhotoSequence
    Tag(0x0012, 0x0040), // ClinicalTrialSubjectID
    Tag(0x0012, 0x0042), // ClinicalTrialSubjectReadingID
    Tag(0x0032, 0x0012), // StudyIDIssuer
    Tag(0x0038, 0x0010), // AdmissionID
    Tag(0x0038, 0x0060), // ServiceEpisodeID
    Tag(0x0038, 0x0011), // IssuerOfAdmissionID
    Tag(0x0038, 0x0014), // IssuerOfAdmissionIDSequence
    Tag(0x0040, 0x0009), // ScheduledProcedureStepID
    Tag(0x0040, 0x0253), // PerformedProcedureStepID
    Tag(0x0040, 0x1001), // RequestedProcedureID
    Tag(0x0040, 0x2016), // PlacerOrderNumberImagingServiceRequest
    Tag(0x0040, 0x2017), // FillerOrderNumberImagingServiceRequest
];

/// Telephone numbers and addresses.
const CONTACTS: &[Tag] = &[
    Tag(0x0008, 0x0092), // ReferringPhysicianAddress
    Tag(0x0008, 0x0094), // ReferringPhysicianTelephoneNumbers
    Tag(0x0010, 0x1040), // PatientAddress
    Tag(0x0010, 0x2154), // PatientTelephoneNumbers
    Tag(0x0010, 0x2155), // PatientTelecomInformation
    Tag(0x0010, 0x2299), // ResponsibleOrganization
    Tag(0x0038, 0x0400), // PatientInstitutionResidence
    Tag(0x0040, 0x1102), // PersonAddress
    Tag(0x0040, 0x1103), // PersonTelephoneNumbers
    Tag(0x0040, 0x1104), // PersonTelecomInformation
    Tag(0x0040, 0x2010), // OrderCallbackPhoneNumber
    Tag(0x0040, 0x2011), // OrderCallbackTelecomInformation
];

/// What doors and viewers stand on: UIDs, character set, pixels and how they are laid out.
const fn is_needed(tag: Tag, vr: Vr) -> bool {
    matches!(vr, Vr::UI)
        || matches!(tag.group(), 0x0002 | 0x0028 | 0x7fe0)
        || matches!(
            (tag.group(), tag.element()),
            (0x0008, 0x0005 | 0x0056 | 0x0060 | 0x0061) | (0x0020, 0x0011 | 0x0013)
        )
}

const fn takes_pseudonym(vr: Vr) -> bool {
    matches!(vr, Vr::PN | Vr::LO | Vr::SH | Vr::LT | Vr::ST | Vr::UT | Vr::UC)
}

/// Binary values by which a picture is shown: look-up tables and profiles, waveforms, overlays, pixels, surfaces.
const fn pictures_need(tag: Tag, vr: Vr) -> bool {
    !matches!(vr, Vr::UN)
        && (matches!(tag.group(), 0x0028 | 0x5400 | 0x0066 | 0x7fe0) || tag.group() & 0xff00 == 0x6000)
}

fn vr_in(attribute: &Value) -> Vr {
    let letters = attribute.get("vr").and_then(Value::as_str).and_then(|vr| vr.as_bytes().try_into().ok());
    letters.and_then(Vr::from_letters).unwrap_or(Vr::UN)
}

fn has_binary(attribute: &Value) -> bool {
    ["InlineBinary", "BulkDataURI"].iter().any(|name| attribute.get(name).is_some())
}

fn items(attribute: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let values = attribute.get_mut("Value").and_then(Value::as_array_mut);
    values.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn empty(vr: Vr) -> Value {
    json!({ "vr": vr.to_string() })
}

/// The values of a name or a text, each treated; nothing of what is neither.
fn treated(
    tag: Tag,
    vr: Vr,
    attribute: &Value,
    treatment: Treatment,
    pseudonym: &dyn Fn(Tag, &str) -> String,
) -> Value {
    let values = attribute.get("Value").and_then(Value::as_array);
    let Some(values) = values.filter(|_| takes_pseudonym(vr)) else { return empty(vr) };
    let values: Vec<Value> = values.iter().map(|value| one(tag, vr, value, treatment, pseudonym)).collect();
    if values.iter().all(Value::is_null) {
        return empty(vr);
    }
    json!({ "vr": vr.to_string(), "Value": values })
}

fn one(
    tag: Tag,
    vr: Vr,
    value: &Value,
    treatment: Treatment,
    pseudonym: &dyn Fn(Tag, &str) -> String,
) -> Value {
    let group = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let groups = ["Alphabetic", "Ideographic", "Phonetic"].map(group);
    let plain = match value {
        Value::String(text) => text.trim().to_owned(),
        _ if vr == Vr::PN => groups.join("=").trim_end_matches('=').to_owned(),
        _ => String::new(),
    };
    let text = match treatment {
        _ if plain.is_empty() => return Value::Null,
        Treatment::Pseudonym => pseudonym(tag, &plain),
        // Of a value that no reader of names has taken apart, the first group.
        Treatment::Initials if vr == Vr::PN => {
            let named = plain.split('=').find(|group| !group.is_empty()).unwrap_or_default();
            initials(named)
        }
        Treatment::Initials | Treatment::Keep | Treatment::Remove => return Value::Null,
    };
    if vr == Vr::PN { json!({ "Alphabetic": text }) } else { Value::from(text) }
}

/// `Wang^Xiaodong^^Dr` becomes `W^X`, `王^小东` too.
fn initials(name: &str) -> String {
    let parts = name
        .split('^')
        .take(3)
        .map(|part| part.trim().chars().next().map_or_else(String::new, |first| initial(first).to_string()));
    let letters: Vec<String> = parts.collect();
    letters.join("^").trim_end_matches('^').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strict() -> MaskRules {
        let rules = MaskRules::new(Treatment::Initials, Treatment::Pseudonym, Treatment::Remove).unwrap();
        rules.with("PatientBirthDate", Treatment::Remove).unwrap()
    }

    fn masked(rules: &MaskRules, mut document: Value) -> Value {
        let pseudonym = |tag: Tag, text: &str| format!("P{:04x}{}", tag.element(), text.len());
        rules.apply(document.as_object_mut().unwrap(), &pseudonym);
        document
    }

    #[test]
    fn names_have_initials_identifiers_stand_ins_and_contacts_nothing() {
        let out = masked(
            &strict(),
            json!({
                "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Wang^Xiaodong^^Dr", "Ideographic": "王^小东" }] },
                "00100020": { "vr": "LO", "Value": ["4711"] },
                "00102154": { "vr": "SH", "Value": ["13800138000"] },
                "00100030": { "vr": "DA", "Value": ["19700101"] },
                "00080060": { "vr": "CS", "Value": ["CT"] },
            }),
        );
        assert_eq!(out["00100010"], json!({ "vr": "PN", "Value": [{ "Alphabetic": "W^X" }] }));
        assert_eq!(out["00100020"], json!({ "vr": "LO", "Value": ["P00204"] }));
        assert_eq!(out["00102154"], json!({ "vr": "SH" }));
        assert_eq!(out["00100030"], json!({ "vr": "DA" }));
        assert_eq!(out["00080060"]["Value"][0], "CT");
    }

    #[test]
    fn what_stands_in_sequences_is_treated_and_what_nobody_can_judge_does_not_pass() {
        let out = masked(
            &strict(),
            json!({
                "00400275": { "vr": "SQ", "Value": [{ "00401001": { "vr": "SH", "Value": ["R1"] },
                    "00091002": { "vr": "LO", "Value": ["secret"] } }, {}] },
                "00101002": { "vr": "SQ", "Value": [{ "00100020": { "vr": "LO", "Value": ["4711"] } }] },
                "00091001": { "vr": "UN", "InlineBinary": "c2VjcmV0" },
                "00420011": { "vr": "OB", "BulkDataURI": "x" },
                "00102000": { "vr": "UN", "InlineBinary": "c2VjcmV0" },
                "00281201": { "vr": "OW", "InlineBinary": "AAAA" },
                "7FE00010": { "vr": "OW", "BulkDataURI": "y" },
            }),
        );
        assert_eq!(
            out,
            json!({
                "00400275": { "vr": "SQ", "Value": [{ "00401001": { "vr": "SH", "Value": ["P10012"] } }, {}] },
                "00101002": { "vr": "SQ" },
                "00420011": { "vr": "OB" },
                "00102000": { "vr": "UN" },
                "00281201": { "vr": "OW", "InlineBinary": "AAAA" },
                "7FE00010": { "vr": "OW", "BulkDataURI": "y" },
            })
        );
    }

    #[test]
    fn a_name_in_another_value_representation_is_still_a_name() {
        let out = masked(
            &strict(),
            json!({
                "00100010": { "vr": "LO", "Value": ["Wang"] },
                "0040A123": { "vr": "PN", "Value": [null, { "Ideographic": "王小东" }] },
                "00081060": { "vr": "UN", "InlineBinary": "c2VjcmV0" },
            }),
        );
        assert_eq!(out["00100010"], json!({ "vr": "LO" }));
        assert_eq!(out["0040A123"], json!({ "vr": "PN", "Value": [null, { "Alphabetic": "W" }] }));
        assert_eq!(out["00081060"], json!({ "vr": "UN" }));
    }

    #[test]
    fn rules_that_cannot_be_are_refused() {
        let with = |keyword, treatment| MaskRules::default().with(keyword, treatment).unwrap_err();
        assert_eq!(with("PatientNom", Treatment::Remove), MaskError::UnknownKeyword("PatientNom".into()));
        for needed in ["StudyInstanceUID", "SpecificCharacterSet", "Rows", "Modality", "PixelData"] {
            assert_eq!(with(needed, Treatment::Remove), MaskError::Needed(needed.into()));
        }
        assert_eq!(with("PatientID", Treatment::Initials), MaskError::Unfit("PatientID".into(), "initials"));
        let date = with("PatientBirthDate", Treatment::Pseudonym);
        assert_eq!(date, MaskError::Unfit("PatientBirthDate".into(), "pseudonym"));
        assert!(MaskRules::new(Treatment::Keep, Treatment::Initials, Treatment::Keep).is_err());
        assert!(!MaskRules::default().masks() && strict().masks());
    }

    #[test]
    fn what_is_hidden_is_no_key_and_a_rule_of_its_own_comes_before_the_class() {
        let rules = strict().with("AccessionNumber", Treatment::Keep).unwrap();
        for hidden in [tags::PATIENT_NAME, tags::PATIENT_ID, tags::PATIENT_BIRTH_DATE, Tag(0x0009, 0x1001)] {
            assert!(rules.hides(hidden.into()), "{hidden}");
        }
        for open in [tags::STUDY_DATE, tags::ACCESSION_NUMBER, tags::STUDY_INSTANCE_UID] {
            assert!(!rules.hides(open.into()), "{open}");
        }
        assert!(!MaskRules::default().hides(tags::PATIENT_NAME.into()));
    }

    #[test]
    fn the_classes_hold_what_the_dictionary_knows() {
        for tag in IDENTIFIERS.iter().chain(CONTACTS) {
            assert!(dictionary::vr_of(*tag).is_some(), "{tag}");
        }
        assert!(is_path_of_pixels("7FE00010") && !is_path_of_pixels("00420011"));
        assert!(!is_path_of_pixels("00880200/0/7FE00010"));
    }

    proptest! {
        /// Whatever the name and however deep it stands, no more than letters of it are left.
        #[test]
        fn no_name_and_no_identifier_comes_through(
            name in "[a-z]{4,12}", given in "[a-z]{4,12}", id in "[a-z0-9]{6,16}", depth in 0_usize..6,
        ) {
            let mut document = json!({
                "00100010": { "vr": "PN", "Value": [{ "Alphabetic": format!("{name}^{given}") }] },
                "00100020": { "vr": "LO", "Value": [id] },
                "00104000": { "vr": "LT", "Value": ["kept"] },
            });
            for _ in 0..depth {
                document = json!({ "00081140": { "vr": "SQ", "Value": [document] } });
            }
            let out = masked(&strict(), document).to_string();
            prop_assert!(!out.contains(&name) && !out.contains(&given) && !out.contains(&id), "{out}");
            prop_assert!(out.contains("kept"));
        }
    }
}
