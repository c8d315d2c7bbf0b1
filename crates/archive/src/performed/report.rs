//! What a report of a modality must hold, and what it makes of a step (PS3.4 table F.7.2-1). Pure: no state, no peer.
//!
//! Of the attributes that the table demands, those are insisted upon without which a step cannot be recognised, followed
//! or compared (type 1). One of type 2 that is not there counts as empty, because so many modalities leave them out; and a step may be
//! discontinued without a series, because a refusal would leave it in progress for ever.

use crate::pseudonym::Pseudonyms;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::performed::PerformedLinks;
use yingdun_catalog::catalogue::{Date, TimeOfDay};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::{DataSet, Value as Kept};
use yingdun_dicom::{Tag, dictionary, from_json, json, tags};
use yingdun_model::{AeTitle, PatientRef, PerformedState, StepState, Uid};

/// Attributes of a step in the DICOM JSON model.
pub(super) type Attributes = Map<String, Value>;

/// Attributes of one step as JSON, without its series, in bytes: a thousand short texts.
const ATTRIBUTES_BYTES_MAX: usize = 64 << 10;

/// The series of one step as JSON, in bytes: some ten thousand references.
const SERIES_BYTES_MAX: usize = 4 << 20;

/// Scheduled steps that one performed step may perform. Groups of a handful are usual.
const SCHEDULED_MAX: usize = 64;

/// What a change cannot touch: the columns "not allowed" of PS3.4 table F.7.2-1.
const FIXED: [Tag; 24] = [
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    Tag(0x0008, 0x1120), // Referenced Patient Sequence
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    Tag(0x0010, 0x0024), // Issuer of Patient ID Qualifiers Sequence
    Tag(0x0010, 0x1002), // Other Patient IDs Sequence
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_ID,
    Tag(0x0038, 0x0010), // Admission ID
    Tag(0x0038, 0x0014), // Issuer of Admission ID Sequence
    Tag(0x0038, 0x0060), // Service Episode ID
    Tag(0x0038, 0x0062), // Service Episode Description
    Tag(0x0038, 0x0064), // Issuer of Service Episode ID Sequence
    tags::PERFORMED_STATION_AE_TITLE,
    tags::PERFORMED_STATION_NAME,
    tags::PERFORMED_LOCATION,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
];

/// "Incorrect worklist entry selected" (PS3.16 CID 9300).
const WRONG_WORKLIST_ENTRY: &str = "110514";

/// Why a report is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportFault {
    /// An attribute is not there.
    #[error("{}: missing", named(*.0))]
    Missing(Tag),
    /// An attribute has no value.
    #[error("{}: no value", named(*.0))]
    NoValue(Tag),
    /// An attribute has a value that it cannot have.
    #[error("{}: value not allowed", named(*.0))]
    NotAllowed(Tag),
    /// The data set cannot be kept.
    #[error("the attributes cannot be read")]
    Unreadable,
    /// More than is kept of one step.
    #[error("a step has at most {limit} {of}")]
    TooMuch {
        /// How much is kept.
        limit: usize,
        /// Of what.
        of: &'static str,
    },
}

/// A step that begins.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) attributes: Attributes,
    pub(super) links: PerformedLinks,
    pub(super) patient: Option<PatientRef>,
    pub(super) station: String,
    pub(super) modality: String,
    pub(super) start_date: Option<Date>,
    pub(super) start_time: Option<TimeOfDay>,
}

/// A step after a change.
#[derive(Debug, PartialEq)]
pub(super) struct Changed {
    pub(super) attributes: Attributes,
    pub(super) state: PerformedState,
    /// What was to be changed and cannot be.
    pub(super) kept: Vec<Tag>,
}

/// What was received, in the DICOM JSON model and UTF-8. Binary values too long for that model are left out.
pub(super) fn read(set: &DataSet) -> Result<Attributes, ReportFault> {
    if !is_whole(set) {
        return Err(ReportFault::TooMuch { limit: ATTRIBUTES_BYTES_MAX, of: "bytes of attributes" });
    }
    let document = json::with_base(&json::render(set).template, "");
    let mut attributes: Attributes =
        serde_json::from_slice(&document).map_err(|_| ReportFault::Unreadable)?;
    attributes.remove(&tags::SPECIFIC_CHARACTER_SET.to_hex());
    without_addresses(&mut attributes);
    Ok(attributes)
}

/// Checks a report that a step begins.
pub(super) fn begin(
    pseudonyms: &Pseudonyms,
    instance: &Uid,
    mut attributes: Attributes,
) -> Result<Begun, ReportFault> {
    attributes
        .insert(tags::SOP_INSTANCE_UID.to_hex(), json::attribute(yingdun_dicom::Vr::UI, instance.as_str()));
    let set = from_json::data_set(&attributes);
    let scheduled = set.items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE);
    if scheduled.is_empty() {
        required(&set, tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE)?;
        return Err(ReportFault::NoValue(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE));
    }
    if scheduled.len() > SCHEDULED_MAX {
        return Err(ReportFault::TooMuch { limit: SCHEDULED_MAX, of: "scheduled steps" });
    }
    let mut links = PerformedLinks::default();
    for item in scheduled {
        let study = uid(item, tags::STUDY_INSTANCE_UID)?;
        links.studies.insert(pseudonyms.study(&study));
        let id = text(item, tags::SCHEDULED_PROCEDURE_STEP_ID);
        if !id.is_empty() {
            links.scheduled.insert(pseudonyms.step(&study, &id));
        }
    }
    required(&set, tags::PERFORMED_PROCEDURE_STEP_ID)?;
    let station = required(&set, tags::PERFORMED_STATION_AE_TITLE)?;
    if AeTitle::new(&station).is_err() {
        return Err(ReportFault::NotAllowed(tags::PERFORMED_STATION_AE_TITLE));
    }
    let state = required(&set, tags::PERFORMED_PROCEDURE_STEP_STATUS)?;
    if PerformedState::of_defined_term(&state) != Some(PerformedState::InProgress) {
        return Err(ReportFault::NotAllowed(tags::PERFORMED_PROCEDURE_STEP_STATUS));
    }
    let patient_id = text(&set, tags::PATIENT_ID);
    let issuer = text(&set, tags::ISSUER_OF_PATIENT_ID);
    Ok(Begun {
        links,
        patient: (!patient_id.is_empty()).then(|| pseudonyms.identified_patient(&issuer, &patient_id)),
        station,
        modality: required(&set, tags::MODALITY)?,
        start_date: Some(date(&set, tags::PERFORMED_PROCEDURE_STEP_START_DATE)?),
        start_time: Some(time(&set, tags::PERFORMED_PROCEDURE_STEP_START_TIME)?),
        attributes: within_bounds(attributes)?,
    })
}

/// What a change makes of a step that is in progress. Attributes are replaced whole, sequences too (PS3.4 §F.7.2.2).
pub(super) fn change(before: &Attributes, changes: Attributes) -> Result<Changed, ReportFault> {
    let (mut attributes, mut kept) = (before.clone(), Vec::new());
    for (name, attribute) in changes {
        match FIXED.into_iter().find(|tag| tag.to_hex() == name) {
            None => drop(attributes.insert(name, attribute)),
            // Said again, or with no value, it is no wish to change it.
            Some(tag) => {
                let same =
                    attributes.get(&name).and_then(|before| before.get("Value")) == attribute.get("Value");
                if !same && attribute.get("Value").is_some() {
                    kept.push(tag);
                }
            }
        }
    }
    let set = from_json::data_set(&attributes);
    let state = required(&set, tags::PERFORMED_PROCEDURE_STEP_STATUS)?;
    let state = PerformedState::of_defined_term(&state)
        .ok_or(ReportFault::NotAllowed(tags::PERFORMED_PROCEDURE_STEP_STATUS))?;
    if state != PerformedState::InProgress {
        is_final(&set, state)?;
    }
    Ok(Changed { attributes: within_bounds(attributes)?, state, kept })
}

/// Where the scheduled steps go that a performed step in this state performs.
pub(super) fn scheduled_state(attributes: &Attributes, state: PerformedState) -> StepState {
    match state {
        PerformedState::InProgress => StepState::Started,
        PerformedState::Completed => StepState::Completed,
        // The patient still waits for what the wrong entry stands for.
        PerformedState::Discontinued if is_of_another_entry(attributes) => StepState::Scheduled,
        PerformedState::Discontinued => StepState::Discontinued,
    }
}

/// The series of a step, parted from what else is known of it.
pub(super) fn part_series(mut attributes: Attributes) -> (Attributes, Attributes) {
    let name = tags::PERFORMED_SERIES_SEQUENCE.to_hex();
    let series = attributes.remove(&name);
    (attributes, series.map(|series| (name, series)).into_iter().collect())
}

/// The series of a step, each with the instances that it names.
pub(super) fn series(attributes: &Attributes) -> Vec<(Option<Uid>, BTreeSet<Uid>)> {
    let set = from_json::data_set(attributes);
    let series = set.items(tags::PERFORMED_SERIES_SEQUENCE).iter().map(|series| {
        let instances = references(series).filter_map(|item| item.uid(tags::REFERENCED_SOP_INSTANCE_UID));
        (series.uid(tags::SERIES_INSTANCE_UID), instances.collect())
    });
    series.collect()
}

// === helpers ===

/// Whether every value was read: one that is too long is remembered by its place only.
fn is_whole(set: &DataSet) -> bool {
    set.elements().iter().all(|element| match &element.value {
        Kept::Bytes(_) => true,
        Kept::Items(items) => items.iter().all(is_whole),
        Kept::Extent { .. } => false,
    })
}

fn without_addresses(attributes: &mut Attributes) {
    attributes.retain(|_, attribute| attribute.get("BulkDataURI").is_none());
    let items = attributes.values_mut().filter_map(|attribute| attribute.get_mut("Value")?.as_array_mut());
    for item in items.flatten().filter_map(Value::as_object_mut) {
        without_addresses(item);
    }
}

/// What a step that is over must say (PS3.4 table F.7.2-1, final state).
fn is_final(set: &DataSet, state: PerformedState) -> Result<(), ReportFault> {
    date(set, tags::PERFORMED_PROCEDURE_STEP_END_DATE)?;
    time(set, tags::PERFORMED_PROCEDURE_STEP_END_TIME)?;
    let series = set.items(tags::PERFORMED_SERIES_SEQUENCE);
    if series.is_empty() && state == PerformedState::Completed {
        required(set, tags::PERFORMED_SERIES_SEQUENCE)?;
        return Err(ReportFault::NoValue(tags::PERFORMED_SERIES_SEQUENCE));
    }
    for series in series {
        uid(series, tags::SERIES_INSTANCE_UID)?;
        required(series, tags::PROTOCOL_NAME)?;
        for reference in references(series) {
            uid(reference, tags::REFERENCED_SOP_INSTANCE_UID)?;
        }
    }
    Ok(())
}

fn references(series: &DataSet) -> impl Iterator<Item = &DataSet> {
    let images = series.items(tags::REFERENCED_IMAGE_SEQUENCE);
    let others = series.items(tags::REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE);
    images.iter().chain(others)
}

fn is_of_another_entry(attributes: &Attributes) -> bool {
    let set = from_json::data_set(attributes);
    let reasons = set.items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE);
    reasons.iter().any(|reason| {
        text(reason, tags::CODE_VALUE) == WRONG_WORKLIST_ENTRY
            && text(reason, tags::CODING_SCHEME_DESIGNATOR) == "DCM"
    })
}

fn within_bounds(attributes: Attributes) -> Result<Attributes, ReportFault> {
    let bytes =
        |attributes: &Attributes| serde_json::to_vec(attributes).map_or(usize::MAX, |json| json.len());
    let (described, series) = part_series(attributes);
    if bytes(&described) > ATTRIBUTES_BYTES_MAX {
        return Err(ReportFault::TooMuch { limit: ATTRIBUTES_BYTES_MAX, of: "bytes of attributes" });
    }
    if bytes(&series) > SERIES_BYTES_MAX {
        return Err(ReportFault::TooMuch { limit: SERIES_BYTES_MAX, of: "bytes of series" });
    }
    Ok(described.into_iter().chain(series).collect())
}

fn required(set: &DataSet, tag: Tag) -> Result<String, ReportFault> {
    if set.get(tag).is_none() {
        return Err(ReportFault::Missing(tag));
    }
    Some(text(set, tag)).filter(|text| !text.is_empty()).ok_or(ReportFault::NoValue(tag))
}

fn uid(set: &DataSet, tag: Tag) -> Result<Uid, ReportFault> {
    required(set, tag)?;
    set.uid(tag).ok_or(ReportFault::NotAllowed(tag))
}

fn date(set: &DataSet, tag: Tag) -> Result<Date, ReportFault> {
    Date::parse(&required(set, tag)?).ok_or(ReportFault::NotAllowed(tag))
}

fn time(set: &DataSet, tag: Tag) -> Result<TimeOfDay, ReportFault> {
    TimeOfDay::parse(&required(set, tag)?).ok_or(ReportFault::NotAllowed(tag))
}

fn text(set: &DataSet, tag: Tag) -> String {
    set.text(tag, &CharacterSets::utf8()).unwrap_or_default()
}

fn named(tag: Tag) -> String {
    let keyword = dictionary::keyword_of(tag).unwrap_or_default();
    format!("{keyword} {tag}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use yingdun_crypto::{SealingKey, TokenKey};
    use yingdun_dicom::limits::Limits;
    use yingdun_dicom::{Vr, scan, transfer_syntax};

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(TokenKey::from(&SealingKey::generate()))
    }

    fn instance() -> Uid {
        Uid::new("2.25.1").unwrap()
    }

    /// All that a report of a beginning must hold.
    fn beginning() -> Attributes {
        let attributes = json!({
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00100020": {"vr": "LO", "Value": ["4711"]},
            "00400241": {"vr": "AE", "Value": ["CT01"]},
            "00400244": {"vr": "DA", "Value": ["20260301"]},
            "00400245": {"vr": "TM", "Value": ["0930"]},
            "00400252": {"vr": "CS", "Value": ["IN PROGRESS"]},
            "00400253": {"vr": "SH", "Value": ["PPS1"]},
            "00400270": {"vr": "SQ", "Value": [
                {"0020000D": {"vr": "UI", "Value": ["1.2.3"]}, "00400009": {"vr": "SH", "Value": ["SPS1"]}},
                {"0020000D": {"vr": "UI", "Value": ["1.2.3"]}},
            ]},
        });
        attributes.as_object().unwrap().clone()
    }

    /// All that the report of an end must hold.
    fn end(state: &str) -> Attributes {
        let attributes = json!({
            "00400250": {"vr": "DA", "Value": ["20260301"]},
            "00400251": {"vr": "TM", "Value": ["0945"]},
            "00400252": {"vr": "CS", "Value": [state]},
            "00400340": {"vr": "SQ", "Value": [{
                "00181030": {"vr": "LO", "Value": ["HEAD"]},
                "0020000E": {"vr": "UI", "Value": ["1.2.3.1"]},
                "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3.1.1"]}}]},
                "00400220": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3.1.2"]}}]},
            }]},
        });
        attributes.as_object().unwrap().clone()
    }

    fn without(mut attributes: Attributes, name: &str) -> Attributes {
        assert!(attributes.remove(name).is_some());
        attributes
    }

    fn with(mut attributes: Attributes, name: &str, attribute: Value) -> Attributes {
        attributes.insert(name.to_owned(), attribute);
        attributes
    }

    #[test]
    fn a_beginning_names_its_studies_and_the_scheduled_steps_that_have_an_identifier() {
        let pseudonyms = pseudonyms();
        let begun = begin(&pseudonyms, &instance(), beginning()).unwrap();
        let study = Uid::new("1.2.3").unwrap();
        assert_eq!(begun.links.studies, [pseudonyms.study(&study)].into());
        assert_eq!(begun.links.scheduled, [pseudonyms.step(&study, "SPS1")].into());
        assert_eq!(begun.patient, Some(pseudonyms.identified_patient("", "4711")));
        assert_eq!((begun.station.as_str(), begun.modality.as_str()), ("CT01", "CT"));
        assert_eq!(begun.attributes["00080018"]["Value"][0], "2.25.1");
    }

    #[test]
    fn a_beginning_without_what_it_must_say_is_refused_by_name() {
        let pseudonyms = pseudonyms();
        let refused = |attributes| begin(&pseudonyms, &instance(), attributes).unwrap_err();
        for name in ["00080060", "00400241", "00400244", "00400245", "00400252", "00400253", "00400270"] {
            let tag = Tag::from_hex(name).unwrap();
            assert_eq!(refused(without(beginning(), name)), ReportFault::Missing(tag));
            let empty = json!({"vr": beginning()[name]["vr"]});
            assert_eq!(refused(with(beginning(), name, empty)), ReportFault::NoValue(tag));
        }
        for (name, value) in [
            ("00400252", "COMPLETED"),
            ("00400252", "in progress"),
            ("00400244", "yesterday"),
            ("00400245", "noon"),
            ("00400241", "A title that is longer than sixteen"),
        ] {
            let attributes = with(beginning(), name, json!({"vr": "CS", "Value": [value]}));
            assert_eq!(refused(attributes), ReportFault::NotAllowed(Tag::from_hex(name).unwrap()), "{value}");
        }
        let no_study = json!({"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["SPS1"]}}]});
        let refused_for = refused(with(beginning(), "00400270", no_study));
        assert_eq!(refused_for, ReportFault::Missing(tags::STUDY_INSTANCE_UID));
        let many = vec![json!({"0020000D": {"vr": "UI", "Value": ["1.2.3"]}}); SCHEDULED_MAX + 1];
        let many = with(beginning(), "00400270", json!({"vr": "SQ", "Value": many}));
        assert!(matches!(refused(many), ReportFault::TooMuch { limit: SCHEDULED_MAX, .. }));
        let long = json!({"vr": "LT", "Value": ["x".repeat(ATTRIBUTES_BYTES_MAX)]});
        assert!(matches!(refused(with(beginning(), "00400280", long)), ReportFault::TooMuch { .. }));
    }

    #[test]
    fn an_end_says_when_and_what_and_nothing_less() {
        for state in ["COMPLETED", "DISCONTINUED"] {
            let ended = change(&beginning(), end(state)).unwrap();
            assert_eq!(ended.state.defined_term(), state);
            assert_eq!(ended.kept, []);
            for name in ["00400250", "00400251"] {
                let refused = change(&beginning(), without(end(state), name)).unwrap_err();
                assert_eq!(refused, ReportFault::Missing(Tag::from_hex(name).unwrap()), "{state}");
            }
        }
        let no_series = without(end("COMPLETED"), "00400340");
        assert_eq!(
            change(&beginning(), no_series),
            Err(ReportFault::Missing(tags::PERFORMED_SERIES_SEQUENCE))
        );
        assert!(change(&beginning(), without(end("DISCONTINUED"), "00400340")).is_ok());
        for name in ["0020000E", "00181030"] {
            let mut incomplete = end("COMPLETED");
            incomplete["00400340"]["Value"][0].as_object_mut().unwrap().remove(name);
            let refused = change(&beginning(), incomplete);
            assert_eq!(refused, Err(ReportFault::Missing(Tag::from_hex(name).unwrap())));
        }
        let mut nameless = end("COMPLETED");
        nameless["00400340"]["Value"][0]["00081140"]["Value"][0] = json!({});
        let refused = change(&beginning(), nameless);
        assert_eq!(refused, Err(ReportFault::Missing(tags::REFERENCED_SOP_INSTANCE_UID)));
        let other = change(&beginning(), end("PAUSED"));
        assert_eq!(other, Err(ReportFault::NotAllowed(tags::PERFORMED_PROCEDURE_STEP_STATUS)));
    }

    #[test]
    fn what_is_fixed_stays_and_is_named_unless_it_is_said_again() {
        let changes = json!({
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Somebody^Else"}]},
            "00100020": {"vr": "LO", "Value": ["4711"]},
            "00400253": {"vr": "SH"},
            "00400254": {"vr": "LO", "Value": ["head"]},
        });
        let changed = change(&beginning(), changes.as_object().unwrap().clone()).unwrap();
        assert_eq!(changed.kept, [tags::PATIENT_NAME]);
        assert_eq!(changed.state, PerformedState::InProgress);
        let expected = with(beginning(), "00400254", changes["00400254"].clone());
        assert_eq!(changed.attributes, expected);
    }

    #[test]
    fn a_sequence_is_replaced_whole_and_its_instances_are_counted_once() {
        let first = change(&beginning(), end("IN PROGRESS")).unwrap().attributes;
        let mut more = end("COMPLETED");
        let again = more["00400340"]["Value"][0]["00081140"]["Value"][0].clone();
        more["00400340"]["Value"][0]["00081140"]["Value"].as_array_mut().unwrap().push(again);
        let ended = change(&first, more).unwrap().attributes;
        let series = series(&ended);
        let uid = |text| Uid::new(text).unwrap();
        assert_eq!(series, [(Some(uid("1.2.3.1")), [uid("1.2.3.1.1"), uid("1.2.3.1.2")].into())]);
    }

    #[test]
    fn of_a_wrong_entry_the_scheduled_step_waits_again() {
        let reason = |scheme: &str| {
            json!({"vr": "SQ", "Value": [{
                "00080100": {"vr": "SH", "Value": [WRONG_WORKLIST_ENTRY]},
                "00080102": {"vr": "SH", "Value": [scheme]},
            }]})
        };
        for (state, scheme, expected) in [
            ("IN PROGRESS", "DCM", StepState::Started),
            ("COMPLETED", "DCM", StepState::Completed),
            ("DISCONTINUED", "DCM", StepState::Scheduled),
            ("DISCONTINUED", "99HOSPITAL", StepState::Discontinued),
        ] {
            let changes = with(end(state), "00400281", reason(scheme));
            let changed = change(&beginning(), changes).unwrap();
            assert_eq!(scheduled_state(&changed.attributes, changed.state), expected, "{state} {scheme}");
        }
    }

    #[test]
    fn texts_are_kept_in_utf8_and_what_is_too_long_is_not_kept() {
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "GB18030");
        set.put_bytes(tags::PATIENT_NAME, Vr::PN, vec![0xcd, 0xf5, 0x5e, 0xb7, 0xbc]);
        let mut item = DataSet::new();
        item.push(yingdun_dicom::data_set::Element {
            tag: Tag(0x0009, 0x1001),
            vr: Vr::OB,
            offset: 8,
            value: Kept::Bytes(vec![0; 5_000]),
        });
        set.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![item]);
        let attributes = read(&set).unwrap();
        assert_eq!(attributes["00100010"]["Value"][0]["Alphabetic"], "王^芳");
        assert_eq!(attributes["00400340"]["Value"], json!([{}]));
        assert!(!attributes.contains_key("00080005"));
        set.put(Tag(0x0040, 0x0280), Vr::LT, Kept::Extent { length: 70_000, encapsulated: false });
        assert!(matches!(read(&set), Err(ReportFault::TooMuch { .. })));
    }

    fn any_attribute() -> impl Strategy<Value = (String, Value)> {
        let names = beginning().into_iter().chain(end("COMPLETED")).map(|(name, _)| name);
        let name = prop_oneof![proptest::sample::select(names.collect::<Vec<_>>()), "[0-9A-F]{8}",];
        let value = prop_oneof![
            Just(json!({})),
            "[A-Z0-9. \\\\^王]{0,20}".prop_map(|text| json!({"vr": "LO", "Value": [text]})),
            Just(end("COMPLETED")["00400340"].clone()),
            Just(beginning()["00400270"].clone()),
            Just(json!({"vr": "SQ", "Value": [null, 3, {"vr": []}]})),
        ];
        (name, value)
    }

    proptest! {
        #[test]
        fn no_change_ends_a_step_without_an_end_or_touches_what_is_fixed(
            changes in proptest::collection::vec(any_attribute(), 0..12),
        ) {
            let before = beginning();
            if let Ok(changed) = change(&before, changes.into_iter().collect()) {
                let set = from_json::data_set(&changed.attributes);
                for tag in FIXED {
                    let name = tag.to_hex();
                    prop_assert_eq!(changed.attributes.get(&name), before.get(&name));
                }
                if changed.state != PerformedState::InProgress {
                    prop_assert!(date(&set, tags::PERFORMED_PROCEDURE_STEP_END_DATE).is_ok());
                }
                let (described, parted) = part_series(changed.attributes.clone());
                prop_assert!(parted.len() <= 1 && !described.contains_key("00400340"));
                prop_assert_eq!(described.into_iter().chain(parted).collect::<Attributes>(), changed.attributes);
            }
        }

        #[test]
        fn any_data_set_is_a_report_or_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let syntax = transfer_syntax::lookup(&Uid::new("1.2.840.10008.1.2").unwrap());
            if let Ok(scanned) = scan::scan(&bytes, syntax, Limits::message())
                && let Ok(attributes) = read(&scanned.data_set)
            {
                let _ = begin(&pseudonyms(), &instance(), attributes.clone());
                let _ = change(&beginning(), attributes);
            }
        }
    }
}
