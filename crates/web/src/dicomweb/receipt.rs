//! The answer to STOW-RS (PS3.18 §10.5.3 and Annex I): which instances are stored, which are not, and why.
//! Pure: from outcomes to status and DICOM JSON.
//!
//! The lists of the standard do not say which part of the request an item is about, nor whether an instance was there
//! already. Every item says both in private attributes (PS3.5 §7.8) of the creator [`PRIVATE_CREATOR`]: (0009,1001) the
//! number of the part from 1, and (0009,1002) for a stored one `NEW`, `DUPLICATE` or `VERSION`.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use yingdun_archive::{IngestError, StoredOutcome};
use yingdun_model::Uid;

/// Who defined the private attributes of an item.
const PRIVATE_CREATOR: &str = "YINGDUN STOW 1";

/// Why one instance was not stored (PS3.18 Table I.2-2 and PS3.7 Annex C).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// 0110H: a part of the archive failed.
    ProcessingFailure,
    /// 0122H: not a storage SOP class.
    ClassNotSupported,
    /// 0124H: the sender may not store this.
    NotAuthorized,
    /// A700H: no space.
    OutOfResources,
    /// A900H: the data set says something else than the request.
    Mismatch,
    /// C000H: the bytes are not a DICOM object that can be kept.
    CannotUnderstand,
    /// C001H: larger than the bound.
    TooLarge,
    /// C002H: the part has another media type.
    NotDicom,
}

impl Reason {
    const fn code(self) -> u16 {
        match self {
            Self::ProcessingFailure => 0x0110,
            Self::ClassNotSupported => 0x0122,
            Self::NotAuthorized => 0x0124,
            Self::OutOfResources => 0xA700,
            Self::Mismatch => 0xA900,
            Self::CannotUnderstand => 0xC000,
            Self::TooLarge => 0xC001,
            Self::NotDicom => 0xC002,
        }
    }

    /// The status of a request in which every instance failed for this reason.
    const fn status(self) -> StatusCode {
        match self {
            Self::ProcessingFailure => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotAuthorized => StatusCode::FORBIDDEN,
            Self::OutOfResources => StatusCode::INSUFFICIENT_STORAGE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotDicom => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ClassNotSupported | Self::Mismatch | Self::CannotUnderstand => StatusCode::CONFLICT,
        }
    }
}

impl From<&IngestError> for Reason {
    fn from(error: &IngestError) -> Self {
        match error {
            IngestError::OutOfSpace => Self::OutOfResources,
            IngestError::Refused { .. } => Self::NotAuthorized,
            IngestError::NotStorage { .. } => Self::ClassNotSupported,
            IngestError::Mismatch { .. } => Self::Mismatch,
            IngestError::Invalid { .. } => Self::CannotUnderstand,
            IngestError::TooLarge { .. } => Self::TooLarge,
            IngestError::Unavailable(_) => Self::ProcessingFailure,
        }
    }
}

/// What became of one part of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is durable.
    Stored {
        /// SOP class.
        class: Uid,
        /// SOP instance.
        instance: Uid,
        /// Its study.
        study: Uid,
        /// Where it can be retrieved.
        url: String,
        /// Whether it is new.
        outcome: StoredOutcome,
    },
    /// Nothing of it is kept.
    Failed {
        /// SOP class and SOP instance, where the part got as far as saying so.
        object: Option<(Uid, Uid)>,
        /// Why.
        reason: Reason,
        /// Why, in words: (0008,1196)-like comment for people, without personal values.
        comment: String,
    },
}

/// Status and body of the answer. `studies` is the address under which studies are retrieved.
pub(crate) fn answer(outcomes: &[Outcome], studies: &str) -> (StatusCode, Value) {
    let (mut referenced, mut failed, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let mut first_study: Option<&Uid> = None;
    let mut one_study = true;
    let mut reasons = Vec::new();
    for (part, outcome) in (1_u64..).zip(outcomes) {
        match outcome {
            Outcome::Stored { class, instance, study, url, outcome } => {
                one_study &= first_study.is_none_or(|first| first == study);
                first_study = Some(study);
                let mut item = object(class, instance);
                item.insert("00081190".into(), json!({"vr": "UR", "Value": [url]}));
                number(&mut item, part);
                item.insert("00091002".into(), json!({"vr": "CS", "Value": [word(*outcome)]}));
                referenced.push(Value::Object(item));
            }
            Outcome::Failed { object: known, reason, comment } => {
                reasons.push(*reason);
                let mut item =
                    known.as_ref().map_or_else(Map::new, |(class, instance)| object(class, instance));
                item.insert("00081197".into(), json!({"vr": "US", "Value": [reason.code()]}));
                // Error Comment: 64 characters of VR LO.
                let comment: String = comment.chars().take(64).collect();
                item.insert("00000902".into(), json!({"vr": "LO", "Value": [comment]}));
                number(&mut item, part);
                if known.is_some() {
                    failed.push(Value::Object(item))
                } else {
                    other.push(Value::Object(item))
                }
            }
        }
    }
    let status = match (referenced.is_empty(), reasons.first()) {
        (false, None) => StatusCode::OK,
        (false, Some(_)) => StatusCode::ACCEPTED,
        (true, Some(first)) if reasons.iter().all(|reason| reason == first) => first.status(),
        (true, _) => StatusCode::CONFLICT,
    };
    let mut body = Map::new();
    if let (Some(study), true) = (first_study, one_study) {
        body.insert("00081190".into(), json!({"vr": "UR", "Value": [format!("{studies}/{study}")]}));
    }
    for (tag, items) in [("00081198", failed), ("00081199", referenced), ("0008119A", other)] {
        if !items.is_empty() {
            body.insert(tag.into(), json!({"vr": "SQ", "Value": items}));
        }
    }
    (status, Value::Object(body))
}

/// Says which part of the request an item is about.
fn number(item: &mut Map<String, Value>, part: u64) {
    item.insert("00090010".into(), json!({"vr": "LO", "Value": [PRIVATE_CREATOR]}));
    item.insert("00091001".into(), json!({"vr": "UL", "Value": [part]}));
}

const fn word(outcome: StoredOutcome) -> &'static str {
    match outcome {
        StoredOutcome::New => "NEW",
        StoredOutcome::Duplicate => "DUPLICATE",
        StoredOutcome::NewVersion(_) => "VERSION",
    }
}

fn object(class: &Uid, instance: &Uid) -> Map<String, Value> {
    let mut item = Map::new();
    item.insert("00081150".into(), json!({"vr": "UI", "Value": [class.as_str()]}));
    item.insert("00081155".into(), json!({"vr": "UI", "Value": [instance.as_str()]}));
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn stored(study: &str) -> Outcome {
        Outcome::Stored {
            class: uid("1.2"),
            instance: uid("1.3"),
            study: uid(study),
            url: "https://a/i".into(),
            outcome: StoredOutcome::New,
        }
    }

    fn failed(reason: Reason) -> Outcome {
        Outcome::Failed { object: Some((uid("1.2"), uid("1.4"))), reason, comment: "why".into() }
    }

    #[test]
    fn all_stored_is_200_and_names_the_one_study() {
        let (status, body) = answer(&[stored("1.9"), stored("1.9")], "https://a/studies");
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["00081190"]["Value"][0], "https://a/studies/1.9");
        assert_eq!(body["00081199"]["Value"].as_array().unwrap().len(), 2);
        assert!(body.get("00081198").is_none());
        let (_, body) = answer(&[stored("1.9"), stored("1.8"), stored("1.8")], "https://a/studies");
        assert!(body.get("00081190").is_none(), "two studies have no one address");
    }

    #[test]
    fn some_stored_is_202_and_lists_both() {
        let (status, body) = answer(&[stored("1.9"), failed(Reason::Mismatch)], "");
        assert_eq!(status, StatusCode::ACCEPTED);
        assert_eq!(body["00081198"]["Value"][0]["00081197"]["Value"][0], 0xA900);
        assert_eq!(body["00081198"]["Value"][0]["00081155"]["Value"][0], "1.4");
    }

    #[test]
    fn none_stored_has_the_status_of_the_common_reason() {
        for (reason, status) in [
            (Reason::OutOfResources, 507),
            (Reason::TooLarge, 413),
            (Reason::NotDicom, 415),
            (Reason::Mismatch, 409),
            (Reason::CannotUnderstand, 409),
            (Reason::ClassNotSupported, 409),
            (Reason::NotAuthorized, 403),
            (Reason::ProcessingFailure, 503),
        ] {
            assert_eq!(answer(&[failed(reason), failed(reason)], "").0.as_u16(), status, "{reason:?}");
        }
        let mixed = [failed(Reason::OutOfResources), failed(Reason::Mismatch)];
        assert_eq!(answer(&mixed, "").0, StatusCode::CONFLICT);
    }

    #[test]
    fn every_item_says_which_part_it_is_and_whether_it_was_there() {
        let duplicate = match stored("1.9") {
            Outcome::Stored { class, instance, study, url, .. } => {
                Outcome::Stored { class, instance, study, url, outcome: StoredOutcome::Duplicate }
            }
            failed @ Outcome::Failed { .. } => failed,
        };
        let (_, body) = answer(&[stored("1.9"), failed(Reason::Mismatch), duplicate], "");
        let of = |list: &str, at: usize, tag: &str| body[list]["Value"][at][tag]["Value"][0].clone();
        assert_eq!((of("00081199", 0, "00091001"), of("00081199", 0, "00091002")), (1.into(), "NEW".into()));
        assert_eq!(of("00081198", 0, "00091001"), 2);
        assert_eq!(
            (of("00081199", 1, "00091001"), of("00081199", 1, "00091002")),
            (3.into(), "DUPLICATE".into())
        );
        assert_eq!(of("00081199", 1, "00090010"), PRIVATE_CREATOR);
    }

    #[test]
    fn a_part_that_never_said_what_it_is_stands_among_the_other_failures() {
        let unknown = Outcome::Failed { object: None, reason: Reason::NotDicom, comment: "x".repeat(100) };
        let (_, body) = answer(&[unknown], "");
        let item = &body["0008119A"]["Value"][0];
        assert_eq!(item["00000902"]["Value"][0].as_str().unwrap().len(), 64);
        assert!(item.get("00081155").is_none());
    }
}
