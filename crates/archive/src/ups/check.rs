//! Whether an object of JSON is a data set of the DICOM JSON model (PS3.18 annex F) that a workitem may hold: known value
//! representations, values of their kind, no deeper and no longer than a bound. Nothing is repaired.

use super::WorkitemError;
use serde_json::{Map, Value};
use yingdun_dicom::{Tag, Vr, dictionary};
use yingdun_model::Uid;

/// Bytes of a workitem as JSON: some hundred references of inputs and outputs.
pub const WORKITEM_BYTES_MAX: usize = 128 << 10;

/// Sequences within sequences. The deepest path of the workitem's own modules has five.
const DEPTH_MAX: usize = 8;

/// Checks a data set.
pub(super) fn check(attributes: &Map<String, Value>) -> Result<(), WorkitemError> {
    let bytes = serde_json::to_vec(attributes).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > WORKITEM_BYTES_MAX {
        return Err(wrong(format!(
            "a workitem has at most {WORKITEM_BYTES_MAX} bytes, this one has {bytes}"
        )));
    }
    data_set(attributes, DEPTH_MAX)
}

// === helpers ===

fn data_set(attributes: &Map<String, Value>, depth: usize) -> Result<(), WorkitemError> {
    for (name, attribute) in attributes {
        let Some(tag) = Tag::from_hex(name).ok().filter(|tag| tag.to_hex() == *name) else {
            let shown: String = name.chars().take(16).collect();
            return Err(wrong(format!(
                "expected attributes by eight hexadecimal digits in capitals, got `{shown}`"
            )));
        };
        let refuse = |what: &str| Err(wrong(format!("{}: {what}", tag.to_hex())));
        if tag.0 < 8 || tag.is_group_length() {
            return refuse("this group has no place in a data set");
        }
        let Some(attribute) = attribute.as_object() else {
            return refuse("expected an object with `vr`");
        };
        if attribute.keys().any(|key| !matches!(key.as_str(), "vr" | "Value" | "InlineBinary")) {
            return refuse("expected `vr` with `Value` or `InlineBinary` only");
        }
        let letters = attribute.get("vr").and_then(Value::as_str).map(str::as_bytes);
        let Some(vr) = letters.and_then(|vr| vr.try_into().ok()).and_then(Vr::from_letters) else {
            return refuse("expected a value representation of two letters");
        };
        if dictionary::vr_of(tag).is_some_and(|known| !fits(known, vr)) {
            return refuse("the value representation is not that of the dictionary");
        }
        let values = match (attribute.get("Value"), attribute.get("InlineBinary")) {
            (None, None) => continue,
            (None, Some(Value::String(_))) if vr.is_binary() => continue,
            (Some(Value::Array(values)), None) if !vr.is_binary() => values,
            _ => return refuse("the values are not of the kind that the value representation has"),
        };
        for value in values {
            match value {
                Value::Object(item) if vr == Vr::SQ && depth > 0 => data_set(item, depth - 1)?,
                Value::Object(_) if vr == Vr::SQ => return refuse("sequences are nested too deeply"),
                value if is_legal(vr, value) => {}
                _ => return refuse("a value is not of the kind that the value representation has"),
            }
        }
    }
    Ok(())
}

/// Whether a value representation is that of the dictionary, or one between which the dictionary leaves a choice.
fn fits(known: Vr, vr: Vr) -> bool {
    known == vr
        || (known == Vr::US && vr == Vr::SS)
        || (known == Vr::OW && matches!(vr, Vr::OB | Vr::US | Vr::SS))
}

fn is_legal(vr: Vr, value: &Value) -> bool {
    match (vr, value) {
        (Vr::SQ, _) => false,
        (_, Value::Null) => true,
        (Vr::PN, Value::Object(name)) => name.iter().all(|(group, text)| {
            matches!(group.as_str(), "Alphabetic" | "Ideographic" | "Phonetic") && text.is_string()
        }),
        (Vr::PN, _) => false,
        (Vr::AT, Value::String(text)) => Tag::from_hex(text).is_ok(),
        (Vr::UI, Value::String(text)) => text.is_empty() || Uid::new(text).is_ok(),
        (Vr::IS | Vr::DS, Value::Number(_)) => true,
        (Vr::DA | Vr::TM | Vr::DT, Value::String(text)) => {
            text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.: ".contains(&byte)) && text.len() <= 26
        }
        (_, Value::String(text)) if vr.is_text() => {
            characters_max(vr).is_none_or(|most| text.chars().count() <= most)
                && (vr.is_single_text() || !text.contains('\\'))
        }
        (_, Value::Number(_)) => !vr.is_text() && !vr.is_binary() && vr != Vr::AT,
        (Vr::FL | Vr::FD, Value::String(text)) => text.parse::<f64>().is_ok(),
        _ => false,
    }
}

/// Characters of one value (PS3.5 table 6.2-1), where the workitem's attributes have a bound.
const fn characters_max(vr: Vr) -> Option<usize> {
    match vr {
        Vr::AE | Vr::CS | Vr::SH => Some(16),
        Vr::LO => Some(64),
        Vr::ST => Some(1024),
        Vr::LT => Some(10_240),
        _ => None,
    }
}

fn wrong(what: String) -> WorkitemError {
    WorkitemError::Invalid(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn checked(value: Value) -> Result<(), WorkitemError> {
        check(value.as_object().unwrap())
    }

    #[test]
    fn a_data_set_of_the_json_model_is_taken() {
        checked(json!({
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^Fang", "Ideographic": "王^芳"}]},
            "00404005": {"vr": "DT", "Value": ["20260301083000.5+0800"]},
            "00404021": {"vr": "SQ", "Value": [{"0020000D": {"vr": "UI", "Value": ["1.2"]}}]},
            "00741204": {"vr": "LO"},
            "00091001": {"vr": "LO", "Value": ["private"]},
        }))
        .unwrap();
    }

    #[test]
    fn what_is_no_data_set_is_refused() {
        let mut deep = json!({});
        for _ in 0..=DEPTH_MAX {
            deep = json!({"00404021": {"vr": "SQ", "Value": [deep]}});
        }
        for wrong in [
            json!({"PatientID": {"vr": "LO"}}),
            json!({"0020000d": {"vr": "UI"}}),
            json!({"00100020": "4711"}),
            json!({"00100020": {"Value": ["4711"]}}),
            json!({"00100020": {"vr": "SH", "Value": ["4711"]}}),
            json!({"00100020": {"vr": "XX", "Value": ["4711"]}}),
            json!({"00100020": {"vr": "LO", "Value": "4711"}}),
            json!({"00100020": {"vr": "LO", "Value": [4711]}}),
            json!({"00100020": {"vr": "LO", "Value": [{"a": 1}]}}),
            json!({"00100020": {"vr": "LO", "Value": ["x".repeat(65)]}}),
            json!({"00100020": {"vr": "LO", "BulkDataURI": "http://elsewhere"}}),
            json!({"00100010": {"vr": "PN", "Value": ["Wang^Fang"]}}),
            json!({"00404005": {"vr": "DT", "Value": ["tomorrow"]}}),
            json!({"0020000D": {"vr": "UI", "Value": ["../../etc"]}}),
            json!({"00404021": {"vr": "SQ", "Value": ["no item"]}}),
            json!({"00000002": {"vr": "UI", "Value": ["1.2"]}}),
            json!({"00020010": {"vr": "UI", "Value": ["1.2"]}}),
            json!({"00741204": {"vr": "LO", "Value": vec!["x".repeat(64); 4000]}}),
            deep,
        ] {
            let shown = wrong.to_string().chars().take(80).collect::<String>();
            assert!(matches!(checked(wrong), Err(WorkitemError::Invalid(_))), "{shown}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|n| json!(n)),
            "[A-Z0-9.]{0,8}".prop_map(Value::String),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            let name = prop_oneof![
                Just("vr".to_owned()),
                Just("Value".to_owned()),
                Just("00404021".to_owned()),
                Just("00100020".to_owned()),
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map(name, inner, 0..4)
                    .prop_map(|object| Value::Object(object.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_taken_or_refused_and_what_is_taken_reads_as_a_data_set(value in any_json()) {
            if let Some(object) = value.as_object().filter(|object| check(object).is_ok()) {
                let set = yingdun_dicom::from_json::data_set(object);
                prop_assert_eq!(set.elements().len(), object.len());
            }
        }
    }
}
