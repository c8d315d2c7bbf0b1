//! What searches find, who may find it, and what the ledger says of it.

use crate::house::{House, Open};
use crate::rows;
use serde_json::{Map, Value};
use std::time::Duration;
use yingdun_access::Session;
use yingdun_archive::{FindRequest, FoundRow, Include, Level};
use yingdun_audit::{EventKind, Filter, Leaf};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::query::Matching;
use yingdun_dicom::synthetic::Instance;
use yingdun_dicom::transfer_syntax::Encoding;
use yingdun_dicom::{AttributePath, Tag, UtcOffset, Vr, tags, write};
use yingdun_model::Uid;

crate::on_both_engines! {
    patients_are_listed_once_with_what_the_asker_may_see
    a_long_answer_leaves_page_by_page_under_one_leaf_and_is_counted
    names_match_by_their_parts_when_that_is_asked_for
    what_describes_a_study_or_series_is_matched_and_returned
    dates_and_times_are_one_range_or_two_and_asked_for_in_any_zone
    what_has_no_value_and_all_of_several_values_are_found_where_that_is_asked_for
}

const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);

/// An instance whose study, series and own UID end in these numbers.
fn instance(study: u32, number: u32, texts: &[(Tag, &str)]) -> Instance {
    encoded(&data_set(study, number, texts))
}

fn data_set(study: u32, number: u32, texts: &[(Tag, &str)]) -> DataSet {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    set.put_text(tags::SOP_CLASS_UID, Vr::UI, "1.2.840.10008.5.1.4.1.1.88.11");
    set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, &format!("1.2.826.0.2.{study}.1.{number}"));
    set.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, &format!("1.2.826.0.2.{study}"));
    set.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, &format!("1.2.826.0.2.{study}.1"));
    for (tag, text) in texts {
        set.put_text(*tag, yingdun_dicom::dictionary::vr_of(*tag).unwrap(), text);
    }
    set
}

fn encoded(set: &DataSet) -> Instance {
    Instance {
        sop_class: set.uid(tags::SOP_CLASS_UID).unwrap(),
        sop_instance: set.uid(tags::SOP_INSTANCE_UID).unwrap(),
        transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
        data_set: write::data_set(set, Encoding::ExplicitLe),
    }
}

fn request(level: Level, keys: &[(Tag, &str)]) -> FindRequest {
    FindRequest {
        level,
        study: None,
        series: None,
        keys: keys.iter().map(|(tag, value)| ((*tag).into(), (*value).to_owned())).collect(),
        matching: Matching::default(),
        include: Include::Default,
        offset: 0,
        limit: u32::MAX,
    }
}

fn value(row: &Map<String, Value>, tag: Tag) -> String {
    let value = &row[&tag.to_hex()]["Value"][0];
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Patient ID and the numbers of studies, series and instances of each row.
fn patients(rows: &[FoundRow]) -> Vec<[String; 4]> {
    let tags = [
        tags::PATIENT_ID,
        tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
        tags::NUMBER_OF_PATIENT_RELATED_SERIES,
        tags::NUMBER_OF_PATIENT_RELATED_INSTANCES,
    ];
    rows.iter().map(|row| tags.map(|tag| value(row, tag))).collect()
}

async fn patients_are_listed_once_with_what_the_asker_may_see(house: House) {
    let open = house.open().await;
    for (study, number, id, name, date) in [
        (1, 1, "A", "Wang^Hong", "20240101"),
        (1, 2, "A", "Wang^Hong", "20240101"),
        (2, 1, "A", "Wang^Hong", "20240301"),
        (3, 1, "B", "Li^Ming", "20240201"),
    ] {
        let texts = [(tags::PATIENT_ID, id), (tags::PATIENT_NAME, name), (tags::STUDY_DATE, date)];
        open.store(&instance(study, number, &texts)).await.unwrap();
    }
    let listed = async |session: &Session, keys: &[(Tag, &str)]| {
        patients(&rows(&open, session, Level::Patient, keys).await)
    };
    let (a, b) = (["A", "2", "2", "3"].map(str::to_owned), ["B", "1", "1", "1"].map(str::to_owned));
    assert_eq!(listed(&open.gateway, &[]).await, [a.clone(), b.clone()]);
    assert_eq!(listed(&open.gateway, &[(tags::PATIENT_NAME, "li*")]).await, [b]);
    // The second look: a wildcard in front.
    assert_eq!(listed(&open.gateway, &[(tags::PATIENT_NAME, "*hong")]).await, std::slice::from_ref(&a));
    // A patient is found by any study that fits, not only by the newest.
    assert_eq!(listed(&open.gateway, &[(tags::STUDY_DATE, "20240101")]).await, std::slice::from_ref(&a));
    let of_a = open.doctor_of("A").await;
    assert_eq!(listed(&of_a, &[]).await, [a]);
    assert_eq!(listed(&of_a, &[(tags::PATIENT_ID, "B")]).await, [] as [[String; 4]; 0]);

    let row = rows(&open, &open.gateway, Level::Patient, &[(tags::PATIENT_ID, "B")]).await.remove(0);
    assert_eq!(row[&tags::PATIENT_NAME.to_hex()]["Value"][0]["Alphabetic"], "Li^Ming");
    assert!(row.contains_key(&tags::PATIENT_SEX.to_hex()), "returned without a value");
    assert!(!row.contains_key(&tags::STUDY_INSTANCE_UID.to_hex()));
}

async fn a_long_answer_leaves_page_by_page_under_one_leaf_and_is_counted(house: House) {
    const INSTANCES: usize = 300;
    let open = house.open().await;
    let instances: Vec<Instance> =
        (0..300).map(|number| instance(1, number, &[(tags::PATIENT_ID, "A")])).collect();
    let stored = futures_util::future::join_all(instances.iter().map(|instance| open.store(instance))).await;
    assert!(stored.iter().all(Result::is_ok));

    let mut search = open.archive.search(&open.gateway, request(Level::Instance, &[])).await.unwrap();
    assert_eq!(queries(&open).await.len(), 0, "nothing left yet");
    let mut found = search.next_page().await.unwrap();
    let first = queries(&open).await;
    assert_eq!(said(&first[0]), ("answering".to_owned(), Some(found.len() as u64)));
    loop {
        let page = search.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    found.sort_by_key(|row| value(row, tags::SOP_INSTANCE_UID));
    found.dedup();
    assert_eq!(found.len(), INSTANCES);
    let leaves = queries(&open).await;
    assert_eq!(said(&leaves[1]), ("answer-closed".to_owned(), Some(INSTANCES as u64)));
    assert_eq!(leaves.len(), 2);

    // One who hangs up is counted too.
    let mut search = open.archive.search(&open.gateway, request(Level::Instance, &[])).await.unwrap();
    let given = search.next_page().await.unwrap().len();
    drop(search);
    for _ in 0..3000 {
        if queries(&open).await.len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(said(&queries(&open).await[3]), ("answer-closed".to_owned(), Some(given as u64)));

    // What fits on one page has one leaf, as a search for one page has.
    let short = FindRequest { offset: 295, ..request(Level::Instance, &[]) };
    let mut search = open.archive.search(&open.gateway, short).await.unwrap();
    assert_eq!(search.next_page().await.unwrap().len(), 5);
    assert!(search.next_page().await.unwrap().is_empty());
    assert_eq!(said(&queries(&open).await[4]), ("answered".to_owned(), Some(5)));
    assert_eq!(queries(&open).await.len(), 5);
}

/// The numbers of the studies that a search finds, in the order of the numbers.
async fn studies(open: &Open, matching: Matching, level: Level, keys: &[(Tag, &str)]) -> Vec<u32> {
    let request = FindRequest { matching, limit: 99, ..request(level, keys) };
    let rows = open.archive.find(&open.gateway, request).await.unwrap().rows;
    let number = |row: &FoundRow| {
        row[&tags::STUDY_INSTANCE_UID.to_hex()]["Value"][0].as_str()?.rsplit('.').next()?.parse().ok()
    };
    let mut numbers: Vec<u32> = rows.iter().map(|row| number(row).unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

async fn dates_and_times_are_one_range_or_two_and_asked_for_in_any_zone(house: House) {
    let open = house.open().await;
    for (study, date, time, zone) in [
        (1, "20260701", "090000", ""),
        (2, "20260701", "230000", ""),
        (3, "20260702", "020000", "+0800"),
        (4, "20260703", "", ""),
        (5, "20260701", "200000", "+0000"),
    ] {
        let texts = [
            (tags::STUDY_DATE, date),
            (tags::STUDY_TIME, time),
            (tags::SERIES_DATE, date),
            (tags::SERIES_TIME, time),
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, date),
            (tags::PERFORMED_PROCEDURE_STEP_START_TIME, time),
            (tags::TIMEZONE_OFFSET_FROM_UTC, zone),
        ];
        open.store(&instance(study, 1, &texts)).await.unwrap();
    }
    let combined = Matching { combined: true, ..Matching::default() };
    let pairs = [
        (Level::Study, tags::STUDY_DATE, tags::STUDY_TIME),
        (Level::Series, tags::STUDY_DATE, tags::STUDY_TIME),
        (Level::Instance, tags::STUDY_DATE, tags::STUDY_TIME),
        (Level::Series, tags::SERIES_DATE, tags::SERIES_TIME),
        (Level::Series, tags::PERFORMED_PROCEDURE_STEP_START_DATE, tags::PERFORMED_PROCEDURE_STEP_START_TIME),
    ];
    for (level, date, time) in pairs {
        let span = [(date, "20260701-20260703"), (time, "1000-2100")];
        assert_eq!(
            studies(&open, Matching::default(), level, &span).await,
            [5],
            "{level:?} {date}: each day"
        );
        assert_eq!(studies(&open, combined, level, &span).await, [2, 3, 4, 5], "{level:?} {date}: one range");
        // The institution is in China: its clocks, and those of the third study, are eight hours ahead.
        for (zone, day, found) in [
            ("+0800", "20260701", &[1, 2][..]),
            ("+0800", "20260702", &[3, 5]),
            ("+0000", "20260701", &[1, 2, 3, 5]),
            ("-1000", "20260630", &[1]),
            ("+0000", "20260703", &[4]),
        ] {
            let matching = Matching { zone: UtcOffset::parse(zone), ..Matching::default() };
            assert_eq!(
                studies(&open, matching, level, &[(date, day)]).await,
                found,
                "{level:?} {date} {day} {zone}"
            );
        }
        let utc = Matching { zone: UtcOffset::parse("+0000"), ..combined };
        let evening = [(date, "20260701-20260701"), (time, "1500-1800")];
        assert_eq!(studies(&open, utc, level, &evening).await, [2, 3], "{level:?} {date}");
    }
}

async fn what_has_no_value_and_all_of_several_values_are_found_where_that_is_asked_for(house: House) {
    let open = house.open().await;
    for (study, number, modality, id, physician, accession) in [
        (1, 1, "CT", "P1", "Chen^Li", "A1"),
        (2, 1, "CT", "", "", ""),
        (3, 1, "PT", "P3", "Chen^Li", "\"\""),
        (4, 1, "CT", "P4\\Q4", "Liu^Yang", "A1"),
    ] {
        let texts = [
            (tags::MODALITY, modality),
            (tags::PATIENT_ID, id.split('\\').next().unwrap()),
            (OTHER_PATIENT_IDS, id),
            (tags::REFERRING_PHYSICIAN_NAME, physician),
            (tags::ACCESSION_NUMBER, accession),
        ];
        open.store(&instance(study, number, &texts)).await.unwrap();
    }
    let mut second = data_set(1, 2, &[(tags::MODALITY, "PT"), (tags::PATIENT_ID, "P1")]);
    second.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, "1.2.826.0.2.1.2");
    open.store(&encoded(&second)).await.unwrap();

    let empty = Matching { empty: true, ..Matching::default() };
    for level in [Level::Study, Level::Series, Level::Instance] {
        for tag in
            [tags::PATIENT_ID, OTHER_PATIENT_IDS, tags::REFERRING_PHYSICIAN_NAME, tags::ACCESSION_NUMBER]
        {
            let mut found = studies(&open, empty, level, &[(tag, "\"\"")]).await;
            found.dedup();
            assert_eq!(found, [2], "{tag} at {level:?}");
        }
    }
    assert_eq!(studies(&open, empty, Level::Study, &[(tags::STUDY_DATE, "\"\"")]).await, [1, 2, 3, 4]);
    assert_eq!(studies(&open, empty, Level::Study, &[(tags::MODALITIES_IN_STUDY, "\"\"")]).await, [0; 0]);
    let literal =
        studies(&open, Matching::default(), Level::Study, &[(tags::ACCESSION_NUMBER, "\"\"")]).await;
    assert_eq!(literal, [3], "two quotation marks are a text unless more was agreed");

    let all = Matching { multiple: true, ..Matching::default() };
    for (tag, asked, one_of, all_of) in [
        (tags::MODALITIES_IN_STUDY, "PT\\CT", &[1, 2, 3, 4][..], &[1][..]),
        (OTHER_PATIENT_IDS, "Q4\\P4", &[4], &[4]),
        (OTHER_PATIENT_IDS, "P1\\P4", &[1, 4], &[]),
        (tags::PATIENT_ID, "P1\\P3", &[1, 3], &[]),
    ] {
        assert_eq!(
            studies(&open, Matching::default(), Level::Study, &[(tag, asked)]).await,
            one_of,
            "{asked}"
        );
        assert_eq!(studies(&open, all, Level::Study, &[(tag, asked)]).await, all_of, "all of {asked}");
    }
}

async fn names_match_by_their_parts_when_that_is_asked_for(house: House) {
    let open = house.open().await;
    for (study, name) in [(1, "Wang^XiaoDong=王^小东"), (2, "Li^Wang")] {
        open.store(&instance(study, 1, &[(tags::PATIENT_NAME, name)])).await.unwrap();
    }
    let found = async |level, name: &str, fuzzy| {
        let matching = Matching { fuzzy, ..Matching::default() };
        let request = FindRequest { matching, limit: 9, ..request(level, &[(tags::PATIENT_NAME, name)]) };
        open.archive.find(&open.gateway, request).await.unwrap().rows.len()
    };
    for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
        for (name, literal, fuzzy) in [
            ("Wang", 0, 2),
            ("xiaodong wang", 0, 1),
            ("wang*", 1, 2),
            ("小", 0, 1),
            ("wxd", 0, 1),
            ("xia wang*", 0, 1),
            ("ang", 0, 0),
        ] {
            assert_eq!(found(level, name, false).await, literal, "{name} at {level:?}");
            assert_eq!(found(level, name, true).await, fuzzy, "{name}, fuzzy, at {level:?}");
        }
    }
    let mut asked = request(Level::Study, &[(tags::KVP, "120"), (tags::PATIENT_NAME, "li*")]);
    asked.limit = 9;
    let found = open.archive.find(&open.gateway, asked).await.unwrap();
    assert_eq!((found.rows.len(), found.unmatched), (1, vec![tags::KVP.into()]));
}

async fn what_describes_a_study_or_series_is_matched_and_returned(house: House) {
    let open = house.open().await;
    let requests = |ids: &[(&str, &str)]| -> Vec<DataSet> {
        let item = |(requested, scheduled): &(&str, &str)| {
            let mut item = DataSet::new();
            item.put_text(tags::REQUESTED_PROCEDURE_ID, Vr::SH, requested);
            item.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, Vr::SH, scheduled);
            item
        };
        ids.iter().map(item).collect()
    };
    for (study, born, operator, ids) in [
        (1, "19700131", "Li^Na\\Wu^Bo", &[("R1", "S1"), ("R2", "S2")][..]),
        (2, "19700201", "Qian^Wei", &[("R3", "S1")]),
    ] {
        let texts = [
            (tags::PATIENT_BIRTH_DATE, born),
            (tags::OPERATORS_NAME, operator),
            (tags::BODY_PART_EXAMINED, "KNEE"),
            (tags::MODALITY, "SR"),
        ];
        let mut set = data_set(study, 1, &texts);
        set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, requests(ids));
        open.store(&encoded(&set)).await.unwrap();
    }
    let found = async |level, keys: &[(AttributePath, &str)]| {
        let keys = keys.iter().map(|(path, value)| (*path, (*value).to_owned())).collect();
        let request = FindRequest { keys, limit: 9, ..request(level, &[]) };
        let found = open.archive.find(&open.gateway, request).await.unwrap();
        assert_eq!(found.unmatched, []);
        let mut studies: Vec<String> =
            found.rows.iter().map(|row| value(row, tags::STUDY_INSTANCE_UID)).collect();
        studies.sort();
        studies.iter().map(|uid| uid.rsplit('.').next().unwrap().to_owned()).collect::<Vec<_>>().concat()
    };
    let requested = AttributePath::within(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID);
    let scheduled =
        AttributePath::within(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_ID);
    for level in [Level::Study, Level::Series, Level::Instance] {
        assert_eq!(found(level, &[(requested, "R2")]).await, "1");
        assert_eq!(found(level, &[(scheduled, "S1")]).await, "12");
        assert_eq!(found(level, &[(tags::PATIENT_BIRTH_DATE.into(), "19700131")]).await, "1");
        assert_eq!(found(level, &[(tags::PATIENT_BIRTH_DATE.into(), "1970-")]).await, "12");
    }
    for level in [Level::Series, Level::Instance] {
        assert_eq!(found(level, &[(requested, "R1"), (scheduled, "S2")]).await, "", "in one item");
        assert_eq!(found(level, &[(requested, "R2"), (scheduled, "S*")]).await, "1");
        assert_eq!(found(level, &[(tags::OPERATORS_NAME.into(), "wu*")]).await, "1", "any value");
        assert_eq!(found(level, &[(tags::BODY_PART_EXAMINED.into(), "KNEE")]).await, "12");
    }

    let asked = FindRequest {
        include: Include::Tags(vec![tags::OPERATORS_NAME, tags::PATIENT_BIRTH_DATE]),
        ..request(Level::Series, &[(tags::STUDY_INSTANCE_UID, "1.2.826.0.2.1")])
    };
    let row = open.archive.search(&open.gateway, asked).await.unwrap().next_page().await.unwrap().remove(0);
    assert_eq!(row[&tags::OPERATORS_NAME.to_hex()]["Value"][1]["Alphabetic"], "Wu^Bo");
    assert_eq!(value(&row, tags::PATIENT_BIRTH_DATE), "19700131");
    let items = &row[&tags::REQUEST_ATTRIBUTES_SEQUENCE.to_hex()];
    assert_eq!(items["Value"][1][&tags::REQUESTED_PROCEDURE_ID.to_hex()]["Value"][0], "R2");
    assert_eq!(items["Value"][0][&tags::SCHEDULED_PROCEDURE_STEP_ID.to_hex()]["Value"][0], "S1");
}

/// The leaves about searches, oldest first.
async fn queries(open: &Open) -> Vec<Leaf> {
    open.log.checkpoint().await.unwrap();
    let filter = Filter { kinds: vec![EventKind::Query], ..Filter::default() };
    let mut found: Vec<_> = open.log.reader().search(filter).map(Result::unwrap).collect();
    found.sort_by_key(|found| found.index);
    found.into_iter().map(|found| found.leaf).collect()
}

fn said(leaf: &Leaf) -> (String, Option<u64>) {
    (leaf.reason.to_string(), leaf.counts.get("rows"))
}
