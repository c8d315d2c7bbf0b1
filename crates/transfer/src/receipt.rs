//! Reads the answer to STOW-RS (PS3.18 §10.5.3): what became of each part.

use serde_json::Value;

/// What became of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PartFate {
    New,
    Duplicate,
    Version,
    Failed { code: u16, comment: String },
}

/// Processing failure: a part of the archive did not answer. Another attempt may succeed.
pub(crate) const PROCESSING_FAILURE: u16 = 0x0110;
/// Out of resources: no space.
pub(crate) const OUT_OF_RESOURCES: u16 = 0xA700;

/// The fates of parts by their numbers from 1. `None` when the document is no answer of this archive.
pub(crate) fn read(document: &Value) -> Option<Vec<(usize, PartFate)>> {
    let mut fates = Vec::new();
    for list in ["00081199", "00081198", "0008119A"] {
        let items = document.get(list).and_then(|sequence| sequence.get("Value")).and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            let value = |tag: &str| item.get(tag)?.get("Value")?.get(0);
            let number = usize::try_from(value("00091001")?.as_u64()?).ok()?;
            let fate = if list == "00081199" {
                match value("00091002")?.as_str()? {
                    "NEW" => PartFate::New,
                    "DUPLICATE" => PartFate::Duplicate,
                    "VERSION" => PartFate::Version,
                    _ => return None,
                }
            } else {
                let comment = value("00000902").and_then(Value::as_str).unwrap_or_default().to_owned();
                PartFate::Failed { code: u16::try_from(value("00081197")?.as_u64()?).ok()?, comment }
            };
            fates.push((number, fate));
        }
    }
    (!fates.is_empty()).then_some(fates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_tells_the_fate_of_every_part_and_anything_else_is_none() {
        let item = |number: u64, more: Value| {
            let mut item = json!({"00091001": {"vr": "UL", "Value": [number]}});
            item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            item
        };
        let stored = item(2, json!({"00091002": {"vr": "CS", "Value": ["DUPLICATE"]}}));
        let failed = item(
            1,
            json!({"00081197": {"vr": "US", "Value": [0xA900]}, "00000902": {"vr": "LO", "Value": ["why"]}}),
        );
        let answer =
            json!({"00081199": {"vr": "SQ", "Value": [stored]}, "00081198": {"vr": "SQ", "Value": [failed]}});
        let failed = PartFate::Failed { code: 0xA900, comment: "why".into() };
        assert_eq!(read(&answer), Some(vec![(2, PartFate::Duplicate), (1, failed)]));
        for strange in [json!({}), json!([]), json!({"00081199": {"Value": [{}]}}), json!({"title": "no"})] {
            assert_eq!(read(&strange), None);
        }
    }
}
