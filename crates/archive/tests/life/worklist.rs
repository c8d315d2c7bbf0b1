//! The worklist: entered, found as modalities ask, described anew, cancelled; each on the ledger.

use crate::House;
use crate::house::{Open, institution};
use serde_json::{Map, Value, json};
use yingdun_access::Session;
use yingdun_archive::{WorklistError, WorklistRequest};
use yingdun_audit::{Filter, Outcome};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_dicom::{Tag, Vr, tags};
use yingdun_model::{Action, StepState};

crate::on_both_engines! {
    modalities_find_their_steps_by_station_day_patient_and_order
    a_step_is_entered_once_described_anew_and_cancelled
}

const STEPS: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;

pub(crate) fn item(number: u32, name: &str, station: &str, date: &str) -> Map<String, Value> {
    let step = json!({
        "00400001": {"vr": "AE", "Value": [station]},
        "00400002": {"vr": "DA", "Value": [date]},
        "00400003": {"vr": "TM", "Value": [format!("09{number:02}")]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00400009": {"vr": "SH", "Value": [format!("SPS{number}")]},
    });
    let item = json!({
        "00080050": {"vr": "SH", "Value": [format!("ACC{number}")]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": name, "Ideographic": "王^芳"}]},
        "00100020": {"vr": "LO", "Value": [format!("P{number}")]},
        "0020000D": {"vr": "UI", "Value": [format!("1.2.{number}")]},
        "00401001": {"vr": "SH", "Value": [format!("RP{number}")]},
        "00400100": {"vr": "SQ", "Value": [step]},
    });
    item.as_object().unwrap().clone()
}

/// An identifier: keys of the patient and order, and of the step.
fn asked(keys: &[(Tag, Vr, &str)], of_step: &[(Tag, Vr, &str)]) -> Keys {
    let put = |set: &mut DataSet, keys: &[(Tag, Vr, &str)]| {
        keys.iter().for_each(|(tag, vr, text)| set.put_text(*tag, *vr, text));
    };
    let (mut step, mut set) = (DataSet::new(), DataSet::new());
    step.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, Vr::SH, "");
    put(&mut step, of_step);
    set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    set.put_text(tags::PATIENT_ID, Vr::LO, "");
    put(&mut set, keys);
    set.put_items(STEPS, vec![step]);
    Keys::read(&set).unwrap()
}

pub(crate) async fn found(open: &Open, session: &Session, asked: &Keys) -> Vec<String> {
    let sets = yingdun_dicom::charset::CharacterSets::utf8();
    let found = open.archive.find_steps(session, asked).await.unwrap();
    found.iter().map(|set| set.text(tags::PATIENT_ID, &sets).unwrap()).collect()
}

async fn modalities_find_their_steps_by_station_day_patient_and_order(house: House) {
    let open = house.open().await;
    for (number, name, station, date) in [
        (1, "Wang^Fang", "CT01", "20260301"),
        (2, "Wang^Lei", "CT02", "20260301"),
        (3, "Li^Na", "CT01", "20260302"),
    ] {
        open.archive.enter_step(&open.ris, item(number, name, station, date)).await.unwrap();
    }
    let station = tags::SCHEDULED_STATION_AE_TITLE;
    let date = tags::SCHEDULED_PROCEDURE_STEP_START_DATE;
    for (keys, of_step, expected) in [
        (&[][..], &[][..], &["P1", "P2", "P3"][..]),
        (&[], &[(station, Vr::AE, "CT01")], &["P1", "P3"]),
        (&[], &[(date, Vr::DA, "20260301")], &["P1", "P2"]),
        (&[], &[(date, Vr::DA, "20260302-")], &["P3"]),
        (&[], &[(tags::MODALITY, Vr::CS, "MR")], &[]),
        (&[(tags::PATIENT_NAME, Vr::PN, "wang*")], &[(date, Vr::DA, "-20260301")], &["P1", "P2"]),
        (&[(tags::PATIENT_NAME, Vr::PN, "Wang^F?ng")], &[], &["P1"]),
        (&[(tags::PATIENT_NAME, Vr::PN, "王*")], &[(station, Vr::AE, "CT02")], &["P2"]),
        (&[(tags::PATIENT_NAME, Vr::PN, "*Na")], &[], &["P3"]),
        (&[(tags::PATIENT_ID, Vr::LO, "P2")], &[], &["P2"]),
        (&[(tags::ACCESSION_NUMBER, Vr::SH, "ACC3")], &[], &["P3"]),
        (&[(tags::REQUESTED_PROCEDURE_ID, Vr::SH, "RP1")], &[], &["P1"]),
    ] {
        let asked = asked(keys, of_step);
        assert_eq!(found(&open, &open.ris, &asked).await, expected, "{keys:?} {of_step:?}");
    }
    let refused = open.archive.find_steps(&open.gateway, &asked(&[], &[])).await;
    assert!(matches!(refused, Err(WorklistError::Refused { .. })));
}

async fn a_step_is_entered_once_described_anew_and_cancelled(house: House) {
    let open = house.open().await;
    let first = item(1, "Wang^Fang", "CT01", "20260301");
    let step = open.archive.enter_step(&open.ris, first.clone()).await.unwrap();
    let again = open.archive.enter_step(&open.ris, first.clone()).await;
    assert!(matches!(again, Err(WorklistError::Exists)), "{again:?}");

    let moved = item(1, "Wang^Fang", "CT02", "20260305");
    open.archive.replace_step(&open.ris, step, moved.clone()).await.unwrap();
    let other = open.archive.replace_step(&open.ris, step, item(2, "Li^Na", "CT01", "20260301")).await;
    assert!(matches!(other, Err(WorklistError::Item(_))), "{other:?}");
    let request = WorklistRequest { state: StepState::Scheduled, days: None, limit: 10 };
    let listed = open.archive.worklist(&open.ris, &request).await.unwrap();
    assert_eq!((listed.len(), listed[0].reference, &listed[0].attributes), (1, step, &moved));

    open.archive.cancel_step(&open.ris, step).await.unwrap();
    assert!(matches!(open.archive.cancel_step(&open.ris, step).await, Err(WorklistError::NotFound)));
    assert_eq!(open.archive.worklist(&open.ris, &request).await.unwrap(), []);
    let cancelled = WorklistRequest { state: StepState::Cancelled, ..request };
    assert_eq!(open.archive.worklist(&open.ris, &cancelled).await.unwrap().len(), 1);

    for wrong in ["00100020", "0020000D", "00401001", "00400100"] {
        let mut item = first.clone();
        item.remove(wrong);
        let refused = open.archive.enter_step(&open.ris, item).await;
        assert!(matches!(refused, Err(WorklistError::Item(_))), "without {wrong}: {refused:?}");
    }
    let refused = open.archive.enter_step(&open.gateway, first).await;
    assert!(matches!(refused, Err(WorklistError::Refused { .. })));

    open.log.checkpoint().await.unwrap();
    let leaves: Vec<_> =
        open.log.reader().search(Filter::default()).map(|found| found.unwrap().leaf).collect();
    let changes = leaves.iter().filter(|leaf| leaf.action == Some(Action::ManageWorklist));
    let outcomes = |wanted| changes.clone().filter(|leaf| leaf.outcome == wanted).count();
    // Entered, entered again, moved, moved to another, cancelled twice, four wrong ones, and one who may not.
    assert_eq!([Outcome::Permitted, Outcome::Refused].map(outcomes), [10, 1]);
    assert_eq!([Outcome::Succeeded, Outcome::Failed].map(outcomes), [3, 2]);
    let patient = open.archive.patient_reference(&institution(), "", "P1").await.unwrap();
    assert!(changes.clone().any(|leaf| leaf.patient == Some(patient)));
}
