//! Performed procedure steps: begun, changed, over; the worklist follows, what they name is counted, each is on the ledger.

use crate::House;
use crate::house::Open;
use crate::worklist::{found, item};
use serde_json::{Value, json};
use yingdun_archive::{PerformedError, PerformedRequest, ReportFault, SeriesArrival, WorklistRequest};
use yingdun_audit::{Filter, Outcome};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_dicom::{Vr, from_json, tags};
use yingdun_model::{Action, AeTitle, PerformedState, StepState, Uid};

crate::on_both_engines! {
    the_worklist_follows_what_is_performed
    a_step_is_begun_once_changed_by_whoever_began_it_and_not_after_its_end
    of_changes_at_the_same_time_each_is_made_and_only_one_ends_the_step
    what_a_step_names_is_compared_with_what_has_arrived
    steps_survive_a_restart_and_lie_sealed
}

fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

fn uid(text: &str) -> Uid {
    Uid::new(text).unwrap()
}

fn set(attributes: &Value) -> DataSet {
    from_json::data_set(attributes.as_object().unwrap())
}

/// The report that step `number` of the study begins.
fn beginning(study: &str, number: u32) -> DataSet {
    set(&json!({
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^Fang"}]},
        "00100020": {"vr": "LO", "Value": [format!("P{number}")]},
        "00400241": {"vr": "AE", "Value": ["CT01"]},
        "00400244": {"vr": "DA", "Value": ["20260301"]},
        "00400245": {"vr": "TM", "Value": [format!("09{number:02}")]},
        "00400252": {"vr": "CS", "Value": ["IN PROGRESS"]},
        "00400253": {"vr": "SH", "Value": [format!("PPS{number}")]},
        "00400270": {"vr": "SQ", "Value": [{
            "0020000D": {"vr": "UI", "Value": [study]},
            "00400009": {"vr": "SH", "Value": [format!("SPS{number}")]},
        }]},
    }))
}

/// The report that a step is over, with the instances of one series.
fn end(state: PerformedState, series: &str, instances: &[&str]) -> DataSet {
    let items: Vec<Value> =
        instances.iter().map(|uid| json!({"00081155": {"vr": "UI", "Value": [uid]}})).collect();
    set(&json!({
        "00400250": {"vr": "DA", "Value": ["20260301"]},
        "00400251": {"vr": "TM", "Value": ["0945"]},
        "00400252": {"vr": "CS", "Value": [state.defined_term()]},
        "00400340": {"vr": "SQ", "Value": [{
            "00181030": {"vr": "LO", "Value": ["HEAD"]},
            "0020000E": {"vr": "UI", "Value": [series]},
            "00081140": {"vr": "SQ", "Value": items},
        }]},
    }))
}

/// The status that a modality sees of the only step of a patient; none when it is not told of it.
async fn told(open: &Open) -> Option<String> {
    let mut step = DataSet::new();
    step.put_text(tags::SCHEDULED_PROCEDURE_STEP_STATUS, Vr::CS, "");
    let mut asked = DataSet::new();
    asked.put_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, vec![step]);
    let answers = open.archive.find_steps(&open.ris, &Keys::read(&asked).unwrap()).await.unwrap();
    let utf8 = yingdun_dicom::charset::CharacterSets::utf8();
    answers.first().map(|set| {
        let step = &set.items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE)[0];
        step.text(tags::SCHEDULED_PROCEDURE_STEP_STATUS, &utf8).unwrap()
    })
}

async fn in_state(open: &Open, state: StepState) -> usize {
    let request = WorklistRequest { state, days: None, limit: 10 };
    open.archive.worklist(&open.ris, &request).await.unwrap().len()
}

async fn begin(open: &Open, instance: &str, study: &str, number: u32) {
    let report = beginning(study, number);
    open.archive.begin_performed_step(&open.ris, &title("CT01"), &uid(instance), &report).await.unwrap();
}

async fn change(open: &Open, instance: &str, report: &DataSet) -> Result<(), PerformedError> {
    let (reporter, instance) = (title("CT01"), uid(instance));
    open.archive.change_performed_step(&open.ris, &reporter, &instance, report).await.map(drop)
}

async fn the_worklist_follows_what_is_performed(house: House) {
    let open = house.open().await;
    let entry = item(1, "Wang^Fang", "CT01", "20260301");
    let step = open.archive.enter_step(&open.ris, entry.clone()).await.unwrap();
    assert_eq!(told(&open).await.as_deref(), Some("SCHEDULED"));

    // Begun with the wrong patient, given up, and begun again.
    begin(&open, "2.25.1", "1.2.1", 1).await;
    assert_eq!(told(&open).await.as_deref(), Some("STARTED"));
    open.archive.replace_step(&open.ris, step, entry.clone()).await.unwrap();
    assert_eq!(
        told(&open).await.as_deref(),
        Some("STARTED"),
        "what is begun stays so when it is described anew"
    );
    let mut wrong = end(PerformedState::Discontinued, "1.2.1.1", &[]);
    let mut reason = DataSet::new();
    reason.put_text(tags::CODE_VALUE, Vr::SH, "110514");
    reason.put_text(tags::CODING_SCHEME_DESIGNATOR, Vr::SH, "DCM");
    wrong.put_items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE, vec![reason]);
    change(&open, "2.25.1", &wrong).await.unwrap();
    assert_eq!(told(&open).await.as_deref(), Some("SCHEDULED"));

    begin(&open, "2.25.2", "1.2.1", 1).await;
    change(&open, "2.25.2", &end(PerformedState::Discontinued, "1.2.1.1", &[])).await.unwrap();
    assert_eq!((told(&open).await, in_state(&open, StepState::Discontinued).await), (None, 1));
    open.archive.replace_step(&open.ris, step, entry.clone()).await.unwrap();
    assert_eq!(told(&open).await.as_deref(), Some("SCHEDULED"));

    begin(&open, "2.25.3", "1.2.1", 1).await;
    change(&open, "2.25.3", &end(PerformedState::Completed, "1.2.1.1", &[])).await.unwrap();
    assert_eq!((told(&open).await, in_state(&open, StepState::Completed).await), (None, 1));
    open.archive.replace_step(&open.ris, step, entry).await.unwrap();
    assert_eq!(told(&open).await, None, "what is over is not performed twice");

    // What nobody scheduled is performed all the same.
    begin(&open, "2.25.4", "9.9", 9).await;
    assert_eq!(found(&open, &open.ris, &Keys::read(&DataSet::new()).unwrap()).await, [] as [&str; 0]);
}

async fn a_step_is_begun_once_changed_by_whoever_began_it_and_not_after_its_end(house: House) {
    let open = house.open().await;
    let archive = &open.archive;
    let (ours, instance) = (title("CT01"), uid("2.25.7"));
    let unknown = change(&open, "2.25.7", &end(PerformedState::Completed, "1.2.1.1", &[])).await;
    assert!(matches!(unknown, Err(PerformedError::NotFound)), "{unknown:?}");
    begin(&open, "2.25.7", "1.2.1", 1).await;
    let again = archive.begin_performed_step(&open.ris, &ours, &instance, &beginning("1.2.1", 1)).await;
    assert!(matches!(again, Err(PerformedError::Exists)), "{again:?}");
    let mut unfinished = beginning("1.2.1", 2);
    unfinished.put_text(tags::PERFORMED_PROCEDURE_STEP_STATUS, Vr::CS, "COMPLETED");
    let over = archive.begin_performed_step(&open.ris, &ours, &uid("2.25.8"), &unfinished).await;
    assert!(matches!(over, Err(PerformedError::Report(ReportFault::NotAllowed(_)))), "{over:?}");

    let done = end(PerformedState::Completed, "1.2.1.1", &[]);
    let other = archive.change_performed_step(&open.ris, &title("MR01"), &instance, &done).await;
    assert!(matches!(other, Err(PerformedError::OfAnother)), "{other:?}");
    let denied = archive.change_performed_step(&open.gateway, &ours, &instance, &done).await;
    assert!(matches!(denied, Err(PerformedError::Refused { .. })), "{denied:?}");
    let mut renamed = DataSet::new();
    renamed.put_text(tags::PATIENT_NAME, Vr::PN, "Somebody^Else");
    let kept = archive.change_performed_step(&open.ris, &ours, &instance, &renamed).await.unwrap();
    assert_eq!(kept, [tags::PATIENT_NAME]);
    change(&open, "2.25.7", &done).await.unwrap();
    for report in [&done, &end(PerformedState::Discontinued, "1.2.1.1", &[]), &DataSet::new()] {
        let late = change(&open, "2.25.7", report).await;
        assert!(matches!(late, Err(PerformedError::Ended)), "{late:?}");
    }
    let told = archive.performed_attributes(&open.ris, &instance).await.unwrap();
    let utf8 = yingdun_dicom::charset::CharacterSets::utf8();
    assert_eq!(told.text(tags::PERFORMED_PROCEDURE_STEP_STATUS, &utf8).as_deref(), Some("COMPLETED"));
    assert_eq!(told.text(tags::PATIENT_NAME, &utf8).as_deref(), Some("Wang^Fang"));
    let refused = archive.performed_attributes(&open.gateway, &instance).await;
    assert!(matches!(refused, Err(PerformedError::Refused { .. })), "{refused:?}");

    open.log.checkpoint().await.unwrap();
    let leaves: Vec<_> =
        open.log.reader().search(Filter::default()).map(|found| found.unwrap().leaf).collect();
    let reports = leaves.iter().filter(|leaf| leaf.action == Some(Action::ReportStep));
    let outcomes = |wanted| reports.clone().filter(|leaf| leaf.outcome == wanted).count();
    // Every report is a decision; begun, changed and completed are what became of three. Once it was there already, once it
    // was another device's, three times it was over.
    assert_eq!([Outcome::Permitted, Outcome::Refused].map(outcomes), [10, 1]);
    assert_eq!([Outcome::Succeeded, Outcome::Failed].map(outcomes), [3, 5]);
}

async fn of_changes_at_the_same_time_each_is_made_and_only_one_ends_the_step(house: House) {
    let open = house.open().await;
    begin(&open, "2.25.1", "1.2.1", 1).await;
    let texts = (0..5).map(async |number: u32| {
        let mut report = DataSet::new();
        report.put_text(yingdun_dicom::Tag(0x0041, 0x1000 + number as u16), Vr::LO, "here");
        change(&open, "2.25.1", &report).await
    });
    for changed in futures_util::future::join_all(texts).await {
        changed.unwrap();
    }
    let ends = [PerformedState::Completed, PerformedState::Discontinued, PerformedState::Completed];
    let ends = ends.map(async |state| change(&open, "2.25.1", &end(state, "1.2.1.1", &[])).await);
    let ended = futures_util::future::join_all(ends).await;
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1, "{ended:?}");
    assert!(ended.iter().all(|ended| matches!(ended, Ok(()) | Err(PerformedError::Ended))), "{ended:?}");
    let step = open.archive.performed_attributes(&open.ris, &uid("2.25.1")).await.unwrap();
    let made = step.elements().iter().filter(|element| element.tag.group() == 0x0041).count();
    assert_eq!(made, 5, "no change is lost");
}

async fn what_a_step_names_is_compared_with_what_has_arrived(house: House) {
    let open = house.open().await;
    let study = Study::new(5, Kind::Ct { slices: 3 });
    let other = Study::new(6, Kind::Ct { slices: 1 });
    let names: Vec<Uid> = (0..3).map(|number| study.instance(number).sop_instance).collect();
    let elsewhere = other.instance(0).sop_instance;
    begin(&open, "2.25.1", study.study.as_str(), 1).await;
    let mut named: Vec<&str> = names.iter().map(Uid::as_str).collect();
    named.extend([elsewhere.as_str(), "1.2.3.4.5"]);
    change(&open, "2.25.1", &end(PerformedState::Completed, study.series.as_str(), &named)).await.unwrap();
    let all = PerformedRequest { limit: 10, ..PerformedRequest::default() };
    let listed = open.archive.performed_steps(&open.ris, &all).await.unwrap();
    assert_eq!((listed.len(), listed[0].state), (1, PerformedState::Completed));
    assert!(!listed[0].attributes.contains_key("00400340"), "a list has no series");
    let arrived = async || {
        let (step, arrivals) = open.archive.performed_step(&open.ris, listed[0].reference).await.unwrap();
        assert!(step.attributes.contains_key("00400340"));
        arrivals
    };
    let series = Some(study.series.clone());
    let expected = |arrived| [SeriesArrival { series: series.clone(), referenced: 5, arrived }];
    assert_eq!(arrived().await, expected(0));
    open.store(&study.instance(0)).await.unwrap();
    open.store(&study.instance(2)).await.unwrap();
    open.store(&other.instance(0)).await.unwrap();
    assert_eq!(arrived().await, expected(2), "what is in another study is not told");
    let refused = open.archive.performed_step(&open.gateway, listed[0].reference).await;
    assert!(matches!(refused, Err(PerformedError::Refused { .. })), "{refused:?}");
}

async fn steps_survive_a_restart_and_lie_sealed(house: House) {
    let open = house.open().await;
    for number in 1..=3 {
        begin(&open, &format!("2.25.{number}"), "1.2.1", number).await;
    }
    open.log.checkpoint().await.unwrap();
    drop(open);
    let open = house.open().await;
    change(&open, "2.25.2", &end(PerformedState::Completed, "1.2.1.1", &[])).await.unwrap();
    let list = async |request| {
        let steps = open.archive.performed_steps(&open.ris, &request).await.unwrap();
        let number = |step: &yingdun_archive::PerformedStep| step.attributes["00100020"]["Value"][0].clone();
        (steps.iter().map(number).collect::<Vec<_>>(), steps.last().map(|step| step.reference))
    };
    let all = PerformedRequest { limit: 2, ..PerformedRequest::default() };
    let (first, after) = list(all.clone()).await;
    let (rest, _) = list(PerformedRequest { after, ..all.clone() }).await;
    assert_eq!((first, rest), (vec![json!("P3"), json!("P2")], vec![json!("P1")]));
    let completed = PerformedRequest { state: Some(PerformedState::Completed), ..all.clone() };
    assert_eq!(list(completed).await.0, ["P2"]);
    let of_study = |study: &str| PerformedRequest { study: Some(uid(study)), limit: 9, ..all.clone() };
    assert_eq!((list(of_study("1.2.1")).await.0.len(), list(of_study("1.2.2")).await.0.len()), (3, 0));
    let of_station =
        |station: &str| PerformedRequest { station: Some(station.into()), limit: 9, ..all.clone() };
    assert_eq!((list(of_station("CT01")).await.0.len(), list(of_station("MR01")).await.0.len()), (3, 0));
    let select = "SELECT sealed, sealed_series FROM performed_step";
    let rows = open.catalogue.query(yingdun_catalog::Statement::new(select, vec![])).await.unwrap();
    for column in rows.iter().flat_map(|row| [row.get_bytes(0).unwrap(), row.get_bytes(1).unwrap()]) {
        let plain = column.windows(4).any(|bytes| bytes == b"Wang" || bytes == b"1.2.");
        assert!(!plain, "no name and no identifier lies in the clear");
    }
}
