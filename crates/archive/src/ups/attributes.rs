//! What the attributes of a workitem have to be (PS3.4 table CC.2.5-3), as a table, and its three readings: at creation,
//! at an update, and in a final state.

use super::WorkitemError;
use serde_json::{Map, Value, json};
use yingdun_dicom::{Tag, Vr, dictionary, tags};
use yingdun_model::WorkitemState;

/// SOP class of every workitem, UPS Push (PS3.4 §CC.3.1).
pub(super) const UPS_PUSH: &str = "1.2.840.10008.5.1.4.34.6.1";

/// Worklist Label (0074,1202) of a workitem that names none: the provider has to have one.
const WORKLIST_LABEL: &str = "WORKLIST";

/// What a creator has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Creation {
    /// A value.
    Value,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A value or none; none is filled in.
    Filled,
    /// Nothing yet: it is told later.
    Later,
    /// Nothing: the provider says it.
    Ours,
}

/// Whether an update may touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Update {
    Allowed,
    Refused,
}

/// What has to be there before a final state (column F).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Final {
    /// Nothing (O).
    Free,
    /// A value (R).
    Required,
    /// A value, when the step was performed to its end (P).
    Performed,
    /// As before, where the value may be an empty sequence (P of type 2).
    PerformedPresent,
    /// A value, when it was cancelled (X).
    Canceled,
}

struct Row {
    path: &'static [Tag],
    creation: Creation,
    update: Update,
    last: Final,
}

const fn row(path: &'static [Tag], creation: Creation, update: Update, last: Final) -> Row {
    Row { path, creation, update, last }
}

const PROGRESS: Tag = tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE;
const PERFORMED: Tag = tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE;

const PRIORITIES: &[&str] = &["HIGH", "MEDIUM", "LOW"];
const READINESS: &[&str] = &["INCOMPLETE", "UNAVAILABLE", "READY"];
const SCHEDULED: &[&str] = &["SCHEDULED"];

const TABLE: &[Row] = {
    use Creation::{Filled, Later, Ours, Word};
    use Final::{Canceled, Free, Performed, PerformedPresent, Required};
    use Update::{Allowed, Refused};
    &[
        row(&[tags::SOP_CLASS_UID], Ours, Refused, Required),
        row(&[tags::SOP_INSTANCE_UID], Ours, Refused, Required),
        row(&[tags::TRANSACTION_UID], Later, Refused, Free),
        row(&[tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], Word(PRIORITIES), Allowed, Required),
        row(&[tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME], Ours, Refused, Required),
        row(&[tags::PROCEDURE_STEP_LABEL], Creation::Value, Allowed, Required),
        row(&[tags::WORKLIST_LABEL], Filled, Allowed, Required),
        row(&[tags::SCHEDULED_PROCESSING_PARAMETERS_SEQUENCE], Filled, Allowed, Free),
        row(&[tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE], Filled, Allowed, Free),
        row(&[tags::SCHEDULED_STATION_CLASS_CODE_SEQUENCE], Filled, Allowed, Free),
        row(&[tags::SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE], Filled, Allowed, Free),
        row(&[tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME], Creation::Value, Allowed, Required),
        row(&[tags::SCHEDULED_WORKITEM_CODE_SEQUENCE], Filled, Allowed, Free),
        row(&[tags::INPUT_READINESS_STATE], Word(READINESS), Allowed, Required),
        row(&[tags::INPUT_INFORMATION_SEQUENCE], Filled, Allowed, Free),
        row(&[tags::PATIENT_NAME], Filled, Refused, Free),
        row(&[tags::PATIENT_ID], Filled, Refused, Free),
        row(&[tags::PATIENT_BIRTH_DATE], Filled, Refused, Free),
        row(&[tags::PATIENT_SEX], Filled, Refused, Free),
        row(&[tags::ADMISSION_ID], Filled, Refused, Free),
        row(&[tags::ADMITTING_DIAGNOSES_DESCRIPTION], Filled, Refused, Free),
        row(&[tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE], Filled, Refused, Free),
        row(&[tags::REFERENCED_REQUEST_SEQUENCE], Filled, Refused, Free),
        row(&[tags::PROCEDURE_STEP_STATE], Word(SCHEDULED), Refused, Required),
        row(&[PROGRESS], Later, Allowed, Canceled),
        row(&[PROGRESS, tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME], Later, Allowed, Canceled),
        row(&[PROGRESS, tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE], Later, Allowed, Canceled),
        row(&[PERFORMED], Later, Allowed, Performed),
        row(&[PERFORMED, tags::PERFORMED_STATION_NAME_CODE_SEQUENCE], Later, Allowed, PerformedPresent),
        row(&[PERFORMED, tags::PERFORMED_WORKITEM_CODE_SEQUENCE], Later, Allowed, Performed),
        row(&[PERFORMED, tags::PERFORMED_PROCEDURE_STEP_START_DATE_TIME], Later, Allowed, Performed),
        row(&[PERFORMED, tags::PERFORMED_PROCEDURE_STEP_END_DATE_TIME], Later, Allowed, Performed),
        row(&[PERFORMED, tags::OUTPUT_INFORMATION_SEQUENCE], Later, Allowed, PerformedPresent),
    ]
};

/// Attributes of a search when nothing else is said: what a person needs to choose a workitem.
pub(super) const SEARCH_DEFAULT: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_INSTANCE_UID,
    tags::ADMISSION_ID,
    tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME,
    tags::EXPECTED_COMPLETION_DATE_TIME,
    tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME,
    tags::SCHEDULED_WORKITEM_CODE_SEQUENCE,
    tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE,
    tags::SCHEDULED_STATION_CLASS_CODE_SEQUENCE,
    tags::SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE,
    tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE,
    tags::INPUT_READINESS_STATE,
    tags::REFERENCED_REQUEST_SEQUENCE,
    tags::PROCEDURE_STEP_STATE,
    PROGRESS,
    tags::SCHEDULED_PROCEDURE_STEP_PRIORITY,
    tags::WORKLIST_LABEL,
    tags::PROCEDURE_STEP_LABEL,
];

/// Checks what a creator says, and fills in what it leaves open. Tells whether more than the standard lets it leave open
/// was filled in.
pub(super) fn complete(attributes: &mut Map<String, Value>) -> Result<bool, WorkitemError> {
    let mut modified = false;
    for Row { path, creation, .. } in TABLE {
        let [tag] = path else { continue };
        let has_value = has_value(attributes, *tag);
        match creation {
            Creation::Value if !has_value => return Err(missing(&[*tag])),
            Creation::Word(words) => {
                let word = word(attributes, *tag).ok_or_else(|| missing(&[*tag]))?;
                if !words.contains(&word) {
                    return Err(invalid(*tag, &format!("must be one of {}", words.join(", "))));
                }
            }
            Creation::Later if has_value => return Err(invalid(*tag, "must be empty at creation")),
            Creation::Later | Creation::Filled if !attributes.contains_key(&tag.to_hex()) => {
                put(attributes, *tag, Vec::new());
                modified |= *creation == Creation::Filled;
            }
            Creation::Value | Creation::Filled | Creation::Later | Creation::Ours => {}
        }
    }
    // The lock is kept apart from the attributes, so that no answer can show it.
    attributes.remove(&tags::TRANSACTION_UID.to_hex());
    if !has_value(attributes, tags::WORKLIST_LABEL) {
        put(attributes, tags::WORKLIST_LABEL, vec![WORKLIST_LABEL.into()]);
        modified = true;
    }
    Ok(modified)
}

/// Checks that an update touches nothing that it may not, and empties nothing that needs a value.
pub(super) fn check_update(changes: &Map<String, Value>) -> Result<(), WorkitemError> {
    for Row { path, creation, update, .. } in TABLE {
        let [tag] = path else { continue };
        if !changes.contains_key(&tag.to_hex()) {
            continue;
        }
        if *update == Update::Refused {
            return Err(invalid(*tag, "cannot be changed by an update"));
        }
        match creation {
            Creation::Word(words) if word(changes, *tag).is_none_or(|word| !words.contains(&word)) => {
                return Err(invalid(*tag, &format!("must be one of {}", words.join(", "))));
            }
            Creation::Value if !has_value(changes, *tag) => return Err(missing(&[*tag])),
            Creation::Value | Creation::Word(_) | Creation::Filled | Creation::Later | Creation::Ours => {}
        }
    }
    Ok(())
}

/// Checks that a workitem may end in this state (C304).
pub(super) fn check_final(
    attributes: &Map<String, Value>,
    state: WorkitemState,
) -> Result<(), WorkitemError> {
    for Row { path, last, .. } in TABLE {
        let (applies, empty_allowed) = match last {
            Final::Free => (false, false),
            Final::Required => (true, false),
            Final::Performed => (state == WorkitemState::Completed, false),
            Final::PerformedPresent => (state == WorkitemState::Completed, true),
            Final::Canceled => (state == WorkitemState::Canceled, false),
        };
        if applies && !holds(attributes, path, empty_allowed) {
            return Err(WorkitemError::NotFinal(name_of(path)));
        }
    }
    Ok(())
}

/// Puts an attribute, with the value representation of the dictionary.
pub(super) fn put(attributes: &mut Map<String, Value>, tag: Tag, values: Vec<Value>) {
    let vr = dictionary::vr_of(tag).unwrap_or(Vr::UN).as_str();
    let attribute = if values.is_empty() { json!({"vr": vr}) } else { json!({"vr": vr, "Value": values}) };
    attributes.insert(tag.to_hex(), attribute);
}

/// The values of an attribute.
pub(super) fn values(attributes: &Map<String, Value>, tag: Tag) -> &[Value] {
    let values = attributes.get(&tag.to_hex()).and_then(|attribute| attribute.get("Value"));
    values.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The first value of an attribute of words.
pub(super) fn word(attributes: &Map<String, Value>, tag: Tag) -> Option<&str> {
    values(attributes, tag).first()?.as_str().map(str::trim).filter(|word| !word.is_empty())
}

/// Whether an attribute has a value.
pub(super) fn has_value(attributes: &Map<String, Value>, tag: Tag) -> bool {
    let is_value = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => true,
    };
    values(attributes, tag).iter().any(is_value)
}

// === helpers ===

/// Whether an attribute has a value along a path, in every item on the way.
fn holds(attributes: &Map<String, Value>, path: &[Tag], empty_allowed: bool) -> bool {
    match path {
        [] => true,
        [tag] if empty_allowed => attributes.contains_key(&tag.to_hex()),
        [tag] => has_value(attributes, *tag),
        [sequence, rest @ ..] => {
            let items = values(attributes, *sequence);
            !items.is_empty()
                && items
                    .iter()
                    .all(|item| item.as_object().is_some_and(|item| holds(item, rest, empty_allowed)))
        }
    }
}

fn name_of(path: &[Tag]) -> String {
    let names: Vec<String> = path
        .iter()
        .map(|tag| format!("{} ({})", dictionary::keyword_of(*tag).unwrap_or_default(), tag.to_hex()))
        .collect();
    names.join(" > ")
}

fn missing(path: &[Tag]) -> WorkitemError {
    WorkitemError::Invalid(format!("expected a value of {}, found none", name_of(path)))
}

fn invalid(tag: Tag, what: &str) -> WorkitemError {
    WorkitemError::Invalid(format!("{} {what}", name_of(&[tag])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduled() -> Map<String, Value> {
        let mut attributes = Map::new();
        for (tag, value) in [
            (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "MEDIUM"),
            (tags::PROCEDURE_STEP_LABEL, "read"),
            (tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260301"),
            (tags::INPUT_READINESS_STATE, "READY"),
            (tags::PROCEDURE_STEP_STATE, "SCHEDULED"),
        ] {
            put(&mut attributes, tag, vec![value.into()]);
        }
        attributes
    }

    /// A workitem as it is before a final state, with all that completion needs.
    fn performed() -> Map<String, Value> {
        let mut attributes = scheduled();
        complete(&mut attributes).unwrap();
        for tag in [
            tags::SOP_CLASS_UID,
            tags::SOP_INSTANCE_UID,
            tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME,
        ] {
            put(&mut attributes, tag, vec!["1".into()]);
        }
        let mut item = Map::new();
        put(&mut item, tags::PERFORMED_STATION_NAME_CODE_SEQUENCE, Vec::new());
        put(&mut item, tags::OUTPUT_INFORMATION_SEQUENCE, Vec::new());
        put(&mut item, tags::PERFORMED_WORKITEM_CODE_SEQUENCE, vec![json!({"00080100": {"vr": "SH"}})]);
        put(&mut item, tags::PERFORMED_PROCEDURE_STEP_START_DATE_TIME, vec!["20260301".into()]);
        put(&mut item, tags::PERFORMED_PROCEDURE_STEP_END_DATE_TIME, vec!["20260301".into()]);
        put(&mut attributes, PERFORMED, vec![Value::Object(item)]);
        attributes
    }

    #[test]
    fn what_a_creator_leaves_open_is_filled_in_and_what_it_must_say_is_demanded() {
        let mut attributes = scheduled();
        assert!(complete(&mut attributes).unwrap(), "something was filled in");
        assert_eq!(word(&attributes, tags::WORKLIST_LABEL), Some(WORKLIST_LABEL));
        assert!(attributes.contains_key(&tags::PATIENT_ID.to_hex()));
        assert!(!attributes.contains_key(&tags::TRANSACTION_UID.to_hex()));
        assert!(!complete(&mut attributes).unwrap(), "nothing is left open");
        for tag in scheduled().keys() {
            let mut without = scheduled();
            without.remove(tag);
            assert!(matches!(complete(&mut without), Err(WorkitemError::Invalid(_))), "{tag}");
        }
        for (tag, wrong) in [
            (tags::PROCEDURE_STEP_STATE, "IN PROGRESS"),
            (tags::INPUT_READINESS_STATE, "PERHAPS"),
            (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "STAT"),
            (tags::TRANSACTION_UID, "1.2.3"),
        ] {
            let mut attributes = scheduled();
            put(&mut attributes, tag, vec![wrong.into()]);
            assert!(matches!(complete(&mut attributes), Err(WorkitemError::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn a_patient_a_state_and_a_lock_are_not_updated() {
        for tag in
            [tags::PATIENT_ID, tags::PROCEDURE_STEP_STATE, tags::TRANSACTION_UID, tags::SOP_INSTANCE_UID]
        {
            let mut changes = Map::new();
            put(&mut changes, tag, vec!["1".into()]);
            assert!(check_update(&changes).is_err(), "{}", tag.to_hex());
        }
        let mut changes = Map::new();
        put(&mut changes, tags::PROCEDURE_STEP_LABEL, Vec::new());
        assert!(check_update(&changes).is_err(), "a label is demanded");
        put(&mut changes, tags::PROCEDURE_STEP_LABEL, vec!["again".into()]);
        assert!(check_update(&changes).is_ok());
    }

    #[test]
    fn each_final_state_demands_its_own_attributes() {
        use WorkitemState::{Canceled, Completed};
        let done = performed();
        check_final(&done, Completed).unwrap();
        assert!(matches!(check_final(&done, Canceled), Err(WorkitemError::NotFinal(_))));

        let Value::Object(item) = values(&done, PERFORMED)[0].clone() else { panic!("an item") };
        for tag in item.keys() {
            let (mut without, mut item) = (done.clone(), item.clone());
            item.remove(tag);
            put(&mut without, PERFORMED, vec![Value::Object(item)]);
            assert!(check_final(&without, Completed).is_err(), "{tag}");
        }

        let mut cancelled = done.clone();
        let mut progress = Map::new();
        put(&mut progress, tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME, vec!["20260301".into()]);
        put(
            &mut progress,
            tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE,
            vec![json!({"00080100": {"vr": "SH", "Value": ["110513"]}})],
        );
        put(&mut cancelled, PROGRESS, vec![Value::Object(progress)]);
        put(&mut cancelled, PERFORMED, Vec::new());
        check_final(&cancelled, Canceled).unwrap();
        assert!(check_final(&cancelled, Completed).is_err());
    }
}
