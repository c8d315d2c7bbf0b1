//! Taking records in: idempotent, counted once, newest version first, rebuilt alike.

use crate::on_both_engines;
use crate::records::{Stored, apply, instance, institution, patient, record, series, study, token};
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::remove::TermsRead;
use yingdun_catalog::catalogue::series::SeriesFilter;
use yingdun_catalog::catalogue::{
    self, Batch, Counts, Date, INSTANCES_PER_APPLY_MAX, Page, RowMark, StudyChange, StudyFilter, StudyTerms,
    Visibility, Watermark, care, counts, instances, sealed, series as series_search, studies, watermark,
    wipe,
};
use yingdun_catalog::{CatalogError, Database, Statement};
use yingdun_model::{ActorId, StoreNumber, StudyRef, Timestamp};

on_both_engines!(Catalogue:
    a_stored_instance_is_found_at_every_level,
    applied_twice_is_applied_once,
    instances_of_one_series_in_many_batches_are_counted_once_each,
    a_study_described_anew_is_found_by_what_it_says_now_and_by_nothing_else,
    what_is_described_anew_replaces_its_whole_row,
    the_sealed_columns_of_many_series_are_read_in_pages,
    studies_in_patient_conflict_are_listed_and_counted,
    the_newest_version_is_the_latest_in_whatever_order_versions_arrive,
    of_two_records_of_one_version_the_later_one_counts_in_whatever_order_they_come,
    the_watermark_moves_forward_only,
    a_batch_that_is_refused_leaves_nothing_behind,
    a_study_that_came_again_is_not_removed_with_a_key_that_it_had_before,
    a_study_that_is_described_anew_while_it_is_removed_leaves_no_search_term,
    batches_that_meet_count_right,
    a_rebuilt_catalogue_is_the_same_and_keeps_care_relations,
    institutions_do_not_see_each_other,
    a_study_of_many_pages_is_read_whole_and_in_order,
    an_instance_counts_in_the_series_of_its_newest_version_whichever_comes_first,
    instances_are_named_in_one_order_with_the_study_to_which_they_lead,
);

fn all() -> StudyFilter {
    StudyFilter::all(institution("renmin"), Visibility::Institution)
}

fn at(pack: u64, offset: u64) -> Watermark {
    Watermark { store: StoreNumber::FIRST, pack, offset }
}

async fn search(database: &Database, filter: &StudyFilter) -> Vec<studies::StudyRow> {
    studies::search(database, filter, Page::first(100)).await.unwrap()
}

async fn a_stored_instance_is_found_at_every_level(database: Database) {
    let stored = record(1, 10, 100, 1000);
    apply(&database, std::slice::from_ref(&stored), Some(at(1, 64))).await.unwrap();

    let found = search(&database, &all()).await;
    assert_eq!(found.len(), 1);
    let row = &found[0];
    assert_eq!((row.reference, row.patient, &row.uid), (study(10), patient(1), &stored.study_facts.uid));
    assert_eq!((row.date, row.time), (stored.study_facts.terms.date, stored.study_facts.terms.time));
    assert_eq!((row.grade, row.received), (stored.study_facts.grade, stored.study_facts.received));
    assert_eq!((row.series_count, row.instance_count), (1, 1));
    assert_eq!((&row.modalities, &row.sealed), (&vec!["CT".to_owned()], &stored.study_facts.sealed));

    let found = series_search::search(&database, &SeriesFilter::of(all()), Page::first(9)).await.unwrap();
    let row = &found[0];
    assert_eq!((row.reference, row.study, &row.uid), (series(100), study(10), &stored.series_facts.uid));
    assert_eq!((row.modality.as_str(), row.number, row.instance_count), ("CT", Some(100), 1));
    assert_eq!((row.performed_date, row.performed_time), (stored.series_facts.performed_date, None));
    assert_eq!(
        (&row.study_uid, row.patient, &row.sealed),
        (&stored.study_facts.uid, patient(1), &stored.series_facts.sealed)
    );

    let found = instances::of_study(&database, &institution("renmin"), study(10)).await.unwrap();
    let row = &found[0];
    assert_eq!((row.reference, row.version), (instance(1000), 1));
    assert_eq!((row.study, row.series), (study(10), series(100)));
    assert_eq!((&row.study_uid, &row.series_uid), (&stored.study_facts.uid, &stored.series_facts.uid));
    assert_eq!(
        (&row.sop_instance, &row.sop_class),
        (&stored.instance.sop_instance, &stored.instance.sop_class)
    );
    assert_eq!(
        (row.rows, row.columns, row.bits_allocated, row.frames),
        (Some(512), Some(512), Some(16), None)
    );
    assert_eq!((row.object_bytes, &row.location), (525_000, &stored.instance.location));
    assert_eq!((row.number, &row.sealed), (Some(1000), &None));
    assert_eq!(
        counts(&database, &institution("renmin")).await,
        Ok(Counts {
            patients: 1,
            studies: 1,
            series: 1,
            instances: 1,
            patient_conflicts: 0,
            accession_conflicts: 0
        })
    );
}

async fn applied_twice_is_applied_once(database: Database) {
    let batch: Vec<_> = (0..7).map(|i| record(1, 1, 1 + i % 2, i)).collect();
    for _ in 0..3 {
        apply(&database, &batch, None).await.unwrap();
    }
    // A batch may repeat itself, too.
    apply(&database, &[batch.clone(), batch].concat(), None).await.unwrap();
    assert_eq!(
        counts(&database, &institution("renmin")).await,
        Ok(Counts {
            patients: 1,
            studies: 1,
            series: 2,
            instances: 7,
            patient_conflicts: 0,
            accession_conflicts: 0
        })
    );
}

async fn instances_of_one_series_in_many_batches_are_counted_once_each(database: Database) {
    // Windows that overlap, as a replay behind an old watermark makes them.
    for start in (0..200).step_by(30) {
        let batch: Vec<_> = (start..start + 50).map(|i| record(1, 1, i % 3, i)).collect();
        apply(&database, &batch, None).await.unwrap();
    }
    let found = &search(&database, &all()).await[0];
    assert_eq!((found.series_count, found.instance_count), (3, 230));
}

async fn a_study_described_anew_is_found_by_what_it_says_now_and_by_nothing_else(database: Database) {
    apply(&database, &[record(1, 1, 1, 1)], None).await.unwrap();
    let mut was = record(1, 1, 1, 1).study_facts;
    was.terms.modalities = vec!["CT".to_owned()];
    let mut now = was.clone();
    now.terms.date = Date::parse("19990101");
    now.terms.tokens = vec![token("late")];
    now.terms.modalities = vec!["CT".to_owned(), "SR".to_owned()];
    now.sealed = vec![9];
    now.received = Timestamp::from_ms(0);
    now.patient_conflict = true;
    let mut batch = Batch::default();
    batch.studies.insert(
        study(1),
        StudyChange { now: now.clone(), was: Some(was.terms.clone()), over: Some(RowMark::of(&was.sealed)) },
    );
    batch.series.insert(series(2), record(1, 1, 2, 2).series_facts);
    batch.series.get_mut(&series(2)).unwrap().modality = "SR".to_owned();
    for _ in 0..2 {
        catalogue::apply(&database, &batch, None).await.unwrap();
        let terms = [
            (token("late"), "SR", true),
            (token("late"), "CT", true),
            (token("late"), "MR", false),
            (token("id1"), "SR", false),
        ];
        for (token, modality, found) in terms {
            let mut by_terms = all();
            by_terms.tokens = vec![vec![token]];
            by_terms.modalities = vec![vec![modality.to_owned()]];
            assert_eq!(search(&database, &by_terms).await.len(), usize::from(found), "{modality}");
        }
        let mut by_date = all();
        by_date.modalities = vec![vec!["CT".to_owned()]];
        by_date.date = Some(Date::parse("20240131").unwrap()..=Date::MAX);
        assert_eq!(search(&database, &by_date).await, [], "it is not found by its old date");
        let row = search(&database, &all()).await.remove(0);
        assert_eq!((row.date, &row.sealed, row.received), (now.terms.date, &vec![9], now.received));
        assert_eq!(
            (row.modalities, row.series_count, row.instance_count),
            (now.terms.modalities.clone(), 2, 1)
        );
    }
}

async fn what_is_described_anew_replaces_its_whole_row(database: Database) {
    let stored = record(1, 10, 100, 1000);
    apply(&database, std::slice::from_ref(&stored), None).await.unwrap();
    let right = search(&database, &all()).await;
    let series = async || series_search::search(&database, &SeriesFilter::of(all()), Page::first(9)).await;
    let right_series = series().await.unwrap();
    for damage in [
        "UPDATE study SET institution = 'Not One', study_uid = 'none', grade = 'L9', study_time = -2",
        "UPDATE study SET study_date = -1, received_ms = -1, patient_conflict = 9",
        "UPDATE series SET institution = 'Not One', series_uid = 'none', modality = '?', received_ms = -1",
        "UPDATE series SET series_number = -3, performed_date = 1, performed_time = -2",
        "UPDATE series SET study_ref = (SELECT instance_ref FROM instance)",
        "UPDATE study SET patient_ref = (SELECT instance_ref FROM instance)",
    ] {
        database.execute(vec![Statement::new(damage, vec![])]).await.unwrap();
        // Whoever fills the catalogue can read what was merged, whatever the other columns hold.
        assert_eq!(sealed::studies(&database, &[stored.study]).await.unwrap().len(), 1, "{damage}");
        sealed::series(&database, &[stored.study]).await.unwrap();
        apply(&database, std::slice::from_ref(&stored), None).await.unwrap();
        assert_eq!(search(&database, &all()).await, right, "{damage}");
        assert_eq!(series().await.unwrap(), right_series, "{damage}");
    }
}

async fn the_sealed_columns_of_many_series_are_read_in_pages(database: Database) {
    let stored: Vec<_> = (0..2500).map(|i| record(1, i % 2, i, i)).collect();
    for batch in stored.chunks(INSTANCES_PER_APPLY_MAX) {
        apply(&database, batch, None).await.unwrap();
    }
    let both = sealed::series(&database, &[study(0), study(1)]).await.unwrap();
    let references: BTreeSet<_> = both.iter().map(|series| series.reference).collect();
    assert_eq!((both.len(), references.len()), (2500, 2500));
    assert_eq!(sealed::series(&database, &[study(1)]).await.unwrap().len(), 1250);
    assert_eq!(sealed::studies(&database, &[study(1), study(7)]).await.unwrap().len(), 1);
}

async fn studies_in_patient_conflict_are_listed_and_counted(database: Database) {
    let mut records: Vec<Stored> = (0..9).map(|s| record(s, s, s, s)).collect();
    for marked in [2, 5] {
        records[marked].study_facts.patient_conflict = true;
    }
    records[7].study_facts.patient_conflict = true;
    records[7] = records[7].clone().in_institution(institution("xiehe"));
    apply(&database, &records, None).await.unwrap();
    let here = institution("renmin");
    let mut expected = [study(2), study(5)];
    expected.sort();
    let listed = studies::in_patient_conflict(&database, &here, 10).await.unwrap();
    assert_eq!(listed, expected);
    assert_eq!(studies::in_patient_conflict(&database, &here, 1).await.unwrap(), expected[..1]);
    assert_eq!(counts(&database, &here).await.unwrap().patient_conflicts, 2);
}

async fn the_newest_version_is_the_latest_in_whatever_order_versions_arrive(database: Database) {
    let version = |version: u32| {
        let mut record = record(1, 1, 1, 1);
        record.instance.version = version;
        record.instance.location = vec![u8::try_from(version).unwrap()];
        record
    };
    let here = institution("renmin");
    for (arrives, newest) in [(2, 2), (1, 2), (3, 3)] {
        apply(&database, &[version(arrives)], None).await.unwrap();
        let latest = instances::latest(&database, &here, instance(1)).await.unwrap().unwrap();
        assert_eq!((latest.version, latest.location), (newest, vec![u8::try_from(newest).unwrap()]));
        let listed = instances::of_study(&database, &here, study(1)).await.unwrap();
        assert_eq!(listed.iter().map(|row| row.version).collect::<Vec<_>>(), [newest]);
    }
    let all_versions = instances::versions(&database, &here, instance(1)).await.unwrap();
    assert_eq!(all_versions.iter().map(|row| row.version).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(counts(&database, &here).await.unwrap().instances, 1);
    assert_eq!(instances::latest(&database, &here, instance(2)).await, Ok(None));
}

async fn of_two_records_of_one_version_the_later_one_counts_in_whatever_order_they_come(database: Database) {
    let at = |place: u8| {
        let mut record = record(1, 1, 1, 1);
        record.instance.location = vec![place; 9];
        record.instance.object_bytes = u64::from(place);
        record
    };
    let here = institution("renmin");
    let batches = [vec![at(2)], vec![at(1)], vec![at(4), at(3)], vec![at(3), at(2)]];
    for (batch, counts_now) in batches.into_iter().zip([2, 2, 4, 4]) {
        apply(&database, &batch, None).await.unwrap();
        let latest = instances::latest(&database, &here, instance(1)).await.unwrap().unwrap();
        assert_eq!((latest.object_bytes, latest.location), (u64::from(counts_now), vec![counts_now; 9]));
    }
    assert_eq!(counts(&database, &here).await.unwrap().instances, 1);
}

async fn the_watermark_moves_forward_only(database: Database) {
    assert_eq!(watermark(&database, StoreNumber::FIRST).await, Ok(None));
    for (to, stands) in [(at(1, 500), at(1, 500)), (at(2, 10), at(2, 10)), (at(1, 900), at(2, 10))] {
        apply(&database, &[], Some(to)).await.unwrap();
        assert_eq!(watermark(&database, StoreNumber::FIRST).await, Ok(Some(stands)));
    }
    assert_eq!(watermark(&database, StoreNumber::new(2).unwrap()).await, Ok(None));
}

async fn a_batch_that_is_refused_leaves_nothing_behind(database: Database) {
    let mut impossible = record(1, 2, 2, 2);
    impossible.instance.object_bytes = u64::MAX;
    let refused = apply(&database, &[record(1, 1, 1, 1), impossible], Some(at(1, 1))).await;
    assert!(matches!(refused, Err(CatalogError::Misuse(_))), "{refused:?}");
    let too_many = vec![record(1, 1, 1, 1); INSTANCES_PER_APPLY_MAX + 1];
    assert!(matches!(apply(&database, &too_many, Some(at(1, 1))).await, Err(CatalogError::Misuse(_))));
    assert_eq!(counts(&database, &institution("renmin")).await, Ok(Counts::default()));
    assert_eq!(watermark(&database, StoreNumber::FIRST).await, Ok(None));
}

/// Of two nodes that clear the same destruction the slower one comes when the study is there again.
async fn a_study_that_came_again_is_not_removed_with_a_key_that_it_had_before(database: Database) {
    let (home, destroyed) = (institution("renmin"), study(10));
    let remove = async |made| {
        let made = Timestamp::from_ms(made);
        catalogue::remove::remove(&database, &home, destroyed, None, Some(made)).await.unwrap();
        catalogue::remove::present(&database, &[destroyed]).await.unwrap()
    };
    apply(&database, &[record(1, 10, 100, 1000)], Some(at(1, 64))).await.unwrap();
    assert_eq!(remove(5).await, []);
    apply(&database, &[record(1, 10, 100, 1000)], Some(at(1, 128))).await.unwrap();
    assert_eq!(remove(5).await, [destroyed]);
    assert_eq!(remove(6).await, [], "it goes with its own key");
}

/// One node destroys a study and reads by what it is found, while another one applies what describes it otherwise.
async fn a_study_that_is_described_anew_while_it_is_removed_leaves_no_search_term(database: Database) {
    let (home, gone) = (institution("renmin"), study(10));
    let described = |turn: u8| {
        let mut stored = record(1, 10, 100, 1000);
        stored.study_facts.terms.tokens = vec![token(&format!("word{turn}")), token("kept")];
        stored.study_facts.sealed = vec![turn; 20];
        stored
    };
    let apply_over = async |database: &Database, turn: u8| {
        let Stored { study, mut study_facts, series, series_facts, instance } = described(turn);
        study_facts.terms.modalities = vec!["CT".to_owned()];
        let was = described(turn - 1).study_facts;
        let over = Some(RowMark::of(&was.sealed));
        let was = Some(StudyTerms { modalities: vec!["CT".to_owned()], ..was.terms });
        let change = StudyChange { now: study_facts, was, over };
        let batch = Batch {
            studies: [(study, change)].into(),
            series: [(series, series_facts)].into(),
            instances: vec![instance],
            ..Batch::default()
        };
        catalogue::apply(database, &batch, None).await
    };
    let read = async |database: &Database| {
        let row = sealed::studies(database, &[gone]).await.unwrap().pop()?;
        let terms = described(row.sealed[0]).study_facts.terms;
        let terms = StudyTerms { modalities: vec!["CT".to_owned()], ..terms };
        Some(TermsRead { terms, mark: row.mark() })
    };
    let left = async || {
        let count = Statement::new("SELECT count(*) FROM search_term", vec![]);
        database.query(count).await.unwrap()[0].get_i64(0).unwrap()
    };
    for turn in 0..12_i64 {
        let made = Some(Timestamp::from_ms(turn));
        apply(&database, &[described(1)], None).await.unwrap();
        let old = read(&database).await.unwrap();
        apply_over(&database, 2).await.unwrap();
        let removed = catalogue::remove::remove(&database, &home, gone, Some(&old), made).await;
        assert_eq!(removed, Ok(false), "its terms are others by now");
        assert_eq!(catalogue::remove::present(&database, &[gone]).await.unwrap(), [gone]);
        // And with both at once.
        let beside = database.clone();
        let describes = async {
            for turn in 3..40 {
                // It is refused when the study is gone.
                if catalogue::remove::present(&beside, &[gone]).await.unwrap().is_empty()
                    || (apply_over(&beside, turn).await.is_err())
                {
                    break;
                }
            }
        };
        let removes = async {
            tokio::time::sleep(std::time::Duration::from_millis(turn.unsigned_abs() * 3)).await;
            loop {
                let read = read(&database).await;
                if catalogue::remove::remove(&database, &home, gone, read.as_ref(), made).await.unwrap() {
                    break;
                }
            }
        };
        tokio::join!(describes, removes);
        // On SQLite a study that another one described at that very moment is there again: it goes with its next key.
        let read = read(&database).await;
        assert_eq!(catalogue::remove::remove(&database, &home, gone, read.as_ref(), None).await, Ok(true));
        assert_eq!(left().await, 0, "turn {turn}");
    }
}

async fn batches_that_meet_count_right(database: Database) {
    // Sixteen writers bring overlapping parts of the same study at the same time.
    let tasks: Vec<_> = (0..16_u64)
        .map(|n| {
            let database = database.clone();
            let batch: Vec<Stored> = (n * 10..n * 10 + 40).map(|i| record(1, 1, i % 4, i)).collect();
            tokio::spawn(async move { apply(&database, &batch, Some(at(1, n + 1))).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let found = &search(&database, &all()).await[0];
    assert_eq!((found.series_count, found.instance_count), (4, 190));
    assert_eq!(watermark(&database, StoreNumber::FIRST).await, Ok(Some(at(1, 16))));
}

async fn a_rebuilt_catalogue_is_the_same_and_keeps_care_relations(database: Database) {
    let here = institution("renmin");
    let doctor = ActorId::new("dr.wang").unwrap();
    let relation = care::CareRelation {
        institution: here.clone(),
        actor: doctor.clone(),
        patient: patient(1),
        valid_from: Timestamp::from_ms(0),
        valid_until: Timestamp::from_ms(100),
        given_by: ActorId::new("officer").unwrap(),
    };
    database.execute(vec![care::give(&relation)]).await.unwrap();
    let batch: Vec<_> = (0..100).map(|i| record(i % 13 % 7, i % 13, i % 29 + 13 * (i % 13), i)).collect();
    apply(&database, &batch, Some(at(3, 3))).await.unwrap();
    let before = search(&database, &all()).await;
    assert_eq!(before.len(), 13);

    wipe(&database).await.unwrap();
    assert_eq!(search(&database, &all()).await, []);
    assert_eq!(watermark(&database, StoreNumber::FIRST).await, Ok(None));

    for part in batch.chunks(9) {
        apply(&database, part, Some(at(3, 3))).await.unwrap();
    }
    let mut after = search(&database, &all()).await;
    assert_eq!(after.len(), before.len());
    for (after, before) in after.iter_mut().zip(&before) {
        assert_eq!(after, before);
    }
    assert_eq!(care::of_actor(&here, &doctor, [patient(1)]).alone(&database).await, Ok(vec![relation]));
}

async fn institutions_do_not_see_each_other(database: Database) {
    let elsewhere = record(2, 2, 2, 2).in_institution(institution("xiehe"));
    apply(&database, &[record(1, 1, 1, 1), elsewhere], None).await.unwrap();
    let there = institution("xiehe");
    assert_eq!(
        search(&database, &all()).await.iter().map(|row| row.reference).collect::<Vec<_>>(),
        [study(1)]
    );
    // Not even when the other's references, tokens and modalities are named.
    let mut named = all();
    named.studies = vec![study(2)];
    assert_eq!(search(&database, &named).await, []);
    let mut named = all();
    named.tokens = vec![vec![token("id2")]];
    assert_eq!(search(&database, &named).await, []);
    assert_eq!(instances::latest(&database, &institution("renmin"), instance(2)).await, Ok(None));
    assert_eq!(instances::of_study(&database, &institution("renmin"), study(2)).await, Ok(vec![]));
    assert_eq!(counts(&database, &there).await.unwrap().studies, 1);
    assert!(instances::latest(&database, &there, instance(2)).await.unwrap().is_some());
}

async fn a_study_of_many_pages_is_read_whole_and_in_order(database: Database) {
    for start in (0..12_000).step_by(1000) {
        let batch: Vec<_> = (start..start + 1000).map(|i| record(1, 1, 1 + i % 3, 11_999 - i)).collect();
        apply(&database, &batch, None).await.unwrap();
    }
    let rows = instances::of_study(&database, &institution("renmin"), study(1)).await.unwrap();
    assert_eq!(rows.len(), 12_000);
    let order = |row: &instances::InstanceRow| (row.series_number, row.series, row.number, row.reference);
    assert!(rows.is_sorted_by(|a, b| order(a) < order(b)));
}

async fn an_instance_counts_in_the_series_of_its_newest_version_whichever_comes_first(database: Database) {
    // Nobody has the first version: its sender was told that it is not stored.
    let version = |version: u32, in_series: u64| {
        let mut record = record(1, 1, in_series, 1);
        record.instance.version = version;
        record
    };
    for (arrives, counted) in [
        (version(3, 2), [0, 1]),
        (version(2, 1), [0, 1]),
        (version(2, 1), [0, 1]),
        (version(4, 1), [1, 0]),
        (version(3, 2), [1, 0]),
    ] {
        apply(&database, &[arrives], None).await.unwrap();
        let found = series_search::search(&database, &SeriesFilter::of(all()), Page::first(9)).await.unwrap();
        let of = |wanted| {
            found.iter().find(|row| row.reference == series(wanted)).map_or(0, |row| row.instance_count)
        };
        assert_eq!([of(1), of(2)], counted);
        assert_eq!(search(&database, &all()).await[0].instance_count, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_merged_with_a_row_that_others_have_written_since_is_refused() {
    let Some(database) = crate::postgres(yingdun_catalog::DatabaseKind::Catalogue).await else { return };
    let describe = |sealed: u8, over: Option<u8>| {
        let mut now = record(1, 1, 1, 1).study_facts;
        now.sealed = vec![sealed; 40];
        let over = over.map(|over| RowMark::of(&[over; 40]));
        let change = StudyChange { now, was: None, over };
        let batch = Batch { studies: [(study(1), change)].into(), ..Batch::default() };
        let database = database.clone();
        async move { catalogue::apply(&database, &batch, None).await }
    };
    let refused = |outcome| matches!(outcome, Err(CatalogError::UnexpectedRows { .. }));
    assert!(refused(describe(1, Some(9)).await), "there is no row");
    assert_eq!(describe(1, None).await, Ok(()));
    assert_eq!(describe(1, None).await, Ok(()), "twice is once");
    assert!(refused(describe(2, None).await), "there is a row");
    assert_eq!(describe(2, Some(1)).await, Ok(()));
    assert!(refused(describe(3, Some(1)).await), "it is another one");
    assert_eq!(search(&database, &all()).await[0].sealed, [2; 40]);
}

async fn instances_are_named_in_one_order_with_the_study_to_which_they_lead(database: Database) {
    // More than one page of them, in two studies of two patients.
    let stored: Vec<Stored> =
        (0..1500).map(|n| record(1 + n / 1000, 10 + n / 1000, 100 + n / 1000, 1000 + n)).collect();
    for (number, batch) in (1..).zip(stored.chunks(1000)) {
        apply(&database, batch, Some(at(1, number * 64))).await.unwrap();
    }
    let (mut named, mut last) = (Vec::new(), None);
    loop {
        let page = catalogue::compare::instances_after(&database, last.as_ref()).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some(end.clone());
        named.extend(page);
    }
    let mut expected: Vec<_> =
        (0..1500).map(|n| (instance(1000 + n), study(10 + n / 1000), patient(1 + n / 1000))).collect();
    expected.sort_unstable_by_key(|(instance, ..)| *instance.as_bytes());
    let came: Vec<_> =
        named.iter().map(|row| (row.instance, row.found.unwrap().0, row.found.unwrap().1)).collect();
    assert_eq!(came, expected);

    let next = async |from: [u8; 16]| {
        let (institution, from) = (institution("renmin"), StudyRef::from_bytes(from));
        let found = catalogue::compare::study_from(&database, &institution, from).await;
        found.unwrap().map(|(study, _)| study)
    };
    let mut both = [study(10), study(11)];
    both.sort_unstable_by_key(|study| *study.as_bytes());
    assert_eq!(next([0; 16]).await, Some(both[0]));
    assert_eq!(next(*both[1].as_bytes()).await, Some(both[1]));
    assert_eq!(next([255; 16]).await, None);
}
