//! Instances of one study that do not agree on what it is, and on whose it is.

use crate::house::{House, Open, institution};
use crate::{rows, stop};
use serde_json::{Map, Value};
use yingdun_archive::{Level, OpenError, StoredOutcome};
use yingdun_audit::{EventKind, Filter};
use yingdun_catalog::catalogue;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::synthetic::Instance;
use yingdun_dicom::transfer_syntax::Encoding;
use yingdun_dicom::{Tag, Vr, tags, write};
use yingdun_model::Uid;

crate::on_both_engines! {
    an_instance_of_another_patient_is_kept_and_flagged_and_shows_the_study_to_nobody_else
    rows_say_what_any_instance_says_whatever_the_order_of_arrival
}

pub(crate) const STUDY: &str = "1.2.826.0.1.77";

/// An instance of the one study here.
fn instance(number: u32, texts: &[(Tag, Vr, &str)]) -> Instance {
    let sop_class = "1.2.840.10008.5.1.4.1.1.88.11";
    let sop_instance = format!("{STUDY}.1.{number}");
    let mut set = DataSet::new();
    set.put_text(tags::SOP_CLASS_UID, Vr::UI, sop_class);
    set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, &sop_instance);
    set.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, STUDY);
    set.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, &format!("{STUDY}.1"));
    for (tag, vr, text) in texts {
        set.put_text(*tag, *vr, text);
    }
    Instance {
        sop_class: Uid::new(sop_class).unwrap(),
        sop_instance: Uid::new(&sop_instance).unwrap(),
        transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
        data_set: write::data_set(&set, Encoding::ExplicitLe),
    }
}

pub(crate) fn of_patient(number: u32, id: &str, name: &str, accession_number: &str) -> Instance {
    instance(
        number,
        &[
            (tags::PATIENT_ID, Vr::LO, id),
            (tags::PATIENT_NAME, Vr::PN, name),
            (tags::ACCESSION_NUMBER, Vr::SH, accession_number),
        ],
    )
}

fn text(row: &Map<String, Value>, tag: Tag) -> String {
    let value = &row[&tag.to_hex()]["Value"][0];
    value.get("Alphabetic").unwrap_or(value).as_str().unwrap_or_default().to_owned()
}

async fn an_instance_of_another_patient_is_kept_and_flagged_and_shows_the_study_to_nobody_else(house: House) {
    let open = house.open().await;
    let study = Uid::new(STUDY).unwrap();
    let instances = [
        of_patient(1, "A", "Wang^Hong", ""),
        of_patient(2, "B", "Li^Ming", "of-B"),
        of_patient(3, "A", "", "of-A"),
    ];
    for instance in &instances {
        assert_eq!(open.store(instance).await.unwrap().outcome, StoredOutcome::New);
    }
    for instance in &instances {
        assert!(open.read_back(&study, &instance.sop_instance).await.unwrap() == instance.data_set);
    }

    // One leaf says so, in pseudonyms.
    let patient = open.archive.patient_reference(&institution(), "", "A").await.unwrap();
    let reference = open.archive.study_reference(&institution(), &study).await.unwrap();
    open.log.checkpoint().await.unwrap();
    let filter = Filter { kinds: vec![EventKind::Stored], ..Filter::default() };
    let leaves: Vec<_> = open.log.reader().search(filter).map(|found| found.unwrap().leaf).collect();
    let flagged: Vec<_> =
        leaves.iter().filter(|leaf| leaf.reason.to_string() == "patient-conflict").collect();
    assert_eq!((leaves.len(), flagged.len()), (3, 1));
    assert_eq!((flagged[0].study, flagged[0].patient), (Some(reference), Some(patient)));

    // The doctor of A finds and opens it; the doctor of B neither.
    let (of_a, of_b) = (open.doctor_of("A").await, open.doctor_of("B").await);
    assert_eq!(rows(&open, &of_a, Level::Study, &[]).await.len(), 1);
    open.archive.open_study(&of_a, &study, of_a.purpose()).await.unwrap();
    for level in [Level::Study, Level::Series, Level::Instance] {
        assert!(rows(&open, &of_b, level, &[(tags::STUDY_INSTANCE_UID, STUDY)]).await.is_empty());
    }
    let refused = open.archive.open_study(&of_b, &study, of_b.purpose()).await;
    assert!(matches!(refused, Err(OpenError::NotFound)), "{refused:?}");

    // Nothing of B is in the rows, before and after a rebuild.
    let check = async |open: &Open| {
        let found = rows(open, &open.gateway, Level::Study, &[(tags::PATIENT_ID, "A")]).await;
        assert_eq!(found.len(), 1);
        assert_eq!(text(&found[0], tags::PATIENT_NAME), "Wang^Hong");
        assert_eq!(text(&found[0], tags::ACCESSION_NUMBER), "of-A");
        for (tag, value) in
            [(tags::PATIENT_ID, "B"), (tags::PATIENT_NAME, "Li*"), (tags::ACCESSION_NUMBER, "of-B")]
        {
            assert!(rows(open, &open.gateway, Level::Study, &[(tag, value)]).await.is_empty(), "{tag}");
        }
        assert_eq!(open.archive.patient_conflicts(&institution(), 9).await.unwrap(), [reference]);
        let counts = open.archive.counts(&institution()).await.unwrap();
        assert_eq!((counts.instances, counts.patients, counts.patient_conflicts), (3, 1, 1));
        found
    };
    let live = check(&open).await;
    assert_eq!(check(&rebuilt(&house, open).await).await, live);
}

async fn rows_say_what_any_instance_says_whatever_the_order_of_arrival(house: House) {
    let open = house.open().await;
    // All at once, so that they reach the catalogue in another order than the packs.
    let texts = |number: u32| match number % 4 {
        0 => vec![(tags::ACCESSION_NUMBER, Vr::SH, "77")],
        1 => vec![(tags::STUDY_DESCRIPTION, Vr::LO, "Chest"), (tags::STUDY_DATE, Vr::DA, "20240131")],
        2 => vec![(tags::STUDY_DESCRIPTION, Vr::LO, "Thorax"), (tags::SERIES_DESCRIPTION, Vr::LO, "Lung")],
        _ => vec![(tags::STUDY_DATE, Vr::DA, "20240201"), (tags::MODALITY, Vr::CS, "SR")],
    };
    let patient = [(tags::PATIENT_ID, Vr::LO, "A")];
    let instances: Vec<Instance> =
        (0..24).map(|number| instance(number, &[&patient[..], &texts(number)].concat())).collect();
    let stored = futures_util::future::join_all(instances.iter().map(|instance| open.store(instance))).await;
    assert!(stored.iter().all(Result::is_ok));

    let all = async |open: &Open| {
        let mut found = rows(open, &open.gateway, Level::Study, &[(tags::ACCESSION_NUMBER, "77")]).await;
        found.extend(rows(open, &open.gateway, Level::Series, &[(tags::MODALITY, "SR")]).await);
        let date = text(&found[0], tags::STUDY_DATE);
        let by_date =
            rows(open, &open.gateway, Level::Study, &[(tags::STUDY_DATE, &date), (tags::PATIENT_ID, "A")])
                .await;
        assert_eq!(by_date.len(), 1);
        found
    };
    let live = all(&open).await;
    assert_eq!(live.len(), 2);
    for tag in [tags::STUDY_DESCRIPTION, tags::STUDY_DATE, tags::PATIENT_ID] {
        assert!(!text(&live[0], tag).is_empty(), "{tag} is blank");
    }
    assert_eq!(text(&live[1], tags::SERIES_DESCRIPTION), "Lung");
    assert_eq!(all(&rebuilt(&house, open).await).await, live);
}

/// The same archive with a catalogue that was made anew from the packs.
async fn rebuilt(house: &House, open: Open) -> Open {
    let database = open.catalogue.clone();
    stop(open).await;
    catalogue::wipe(&database).await.unwrap();
    drop(database);
    let open = house.open().await;
    assert!(open.recovered.records > 0 && open.recovered.unreadable == 0);
    open
}
