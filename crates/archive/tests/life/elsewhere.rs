//! What another archive found is seen by whom our own policies would let see it.

use crate::House;
use serde_json::json;
use yingdun_access::Session;
use yingdun_archive::{FindError, FoundRow};
use yingdun_audit::{EventKind, Filter};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_dicom::tags;

crate::on_both_engines! {
    rows_from_elsewhere_are_decided_one_by_one_as_if_they_were_ours
}

fn row(study: &str, patient: Option<&str>) -> FoundRow {
    let mut row = json!({ "0020000D": {"vr": "UI", "Value": [study]}, "00080050": {"vr": "SH"} });
    if let Some(patient) = patient {
        row["00100020"] = json!({"vr": "LO", "Value": [patient]});
    }
    row.as_object().unwrap().clone()
}

async fn rows_from_elsewhere_are_decided_one_by_one_as_if_they_were_ours(house: House) {
    let open = house.open().await;
    let ours = Study::new(61, Kind::Sr);
    open.store(&ours.instance(0)).await.unwrap();
    let doctor = open.doctor_of("A").await;
    let technician = open.technician("tech").await;
    let rows = || {
        vec![
            row("1.2.1", Some("A")),
            row("1.2.2", Some("B")),
            row("1.2.3", None),
            // Ours, of another patient than the row says: what we know of it counts.
            row(ours.study.as_str(), Some("A")),
            row("not a UID", Some("A")),
        ]
    };
    let seen = async |session: &Session| {
        let search = open.archive.search_elsewhere(session).await?;
        let seen = search.seen(rows()).await?;
        let uid = |row: &FoundRow| row[&tags::STUDY_INSTANCE_UID.to_hex()]["Value"][0].clone();
        Ok::<Vec<_>, FindError>(seen.iter().map(uid).collect())
    };
    assert_eq!(seen(&doctor).await.unwrap(), ["1.2.1"], "whom the doctor treats");
    let all = ["1.2.1", "1.2.2", "1.2.3", ours.study.as_str()];
    assert_eq!(seen(&open.gateway).await.unwrap(), all, "who reads for the institution");
    assert_eq!(seen(&technician).await.unwrap(), [ours.study.as_str()], "what was received here today");
    assert_eq!(seen(&open.index).await.unwrap(), [] as [&str; 0], "who may search and not view");
    assert!(matches!(open.archive.search_elsewhere(&open.ris).await, Err(FindError::Refused { .. })));

    open.log.checkpoint().await.unwrap();
    let filter = Filter { kinds: vec![EventKind::Query], ..Filter::default() };
    let leaves = open.log.reader().search(filter).map(|found| found.unwrap().leaf);
    let counted: Vec<_> = leaves.filter_map(|leaf| leaf.counts.get("rows")).collect();
    assert!([1, 4, 1, 0].iter().all(|rows| counted.contains(rows)), "{counted:?}");
}
