//! Care relations: given, ended at once, and what a search shows because of them.

use crate::on_both_engines;
use crate::records::{apply, institution, patient, record, study, token};
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::{Page, StudyFilter, Visibility, care, studies};
use yingdun_model::{ActorId, PatientRef, StudyRef, Timestamp};

on_both_engines!(Catalogue:
    a_relation_holds_from_its_first_moment_until_its_last,
    ending_a_relation_ends_all_that_would_still_hold,
    two_relations_with_one_patient_list_a_study_once,
    relations_of_another_actor_or_institution_show_nothing,
);

fn doctor() -> ActorId {
    ActorId::new("王医生").unwrap()
}

fn relation(patient: PatientRef, from: i64, until: i64) -> care::CareRelation {
    care::CareRelation {
        institution: institution("renmin"),
        actor: doctor(),
        patient,
        valid_from: Timestamp::from_ms(from),
        valid_until: Timestamp::from_ms(until),
        given_by: ActorId::new("officer").unwrap(),
    }
}

async fn give(database: &Database, relation: care::CareRelation) {
    database.execute(vec![care::give(&relation)]).await.unwrap();
}

async fn seen_by(database: &Database, actor: ActorId, at: i64) -> Vec<StudyRef> {
    let visibility = Visibility::CareRelation { actor, at: Timestamp::from_ms(at) };
    let filter = StudyFilter::all(institution("renmin"), visibility);
    let mut found: Vec<StudyRef> = search(database, &filter).await;
    found.sort();
    found
}

async fn search(database: &Database, filter: &StudyFilter) -> Vec<StudyRef> {
    let rows = studies::search(database, filter, Page::first(100)).await.unwrap();
    rows.iter().map(|row| row.reference).collect()
}

async fn a_relation_holds_from_its_first_moment_until_its_last(database: Database) {
    apply(&database, &[record(1, 1, 1, 1), record(2, 2, 2, 2)], None).await.unwrap();
    give(&database, relation(patient(1), 100, 200)).await;
    for (at, seen) in [(99, false), (100, true), (199, true), (200, false)] {
        let expected = if seen { vec![study(1)] } else { vec![] };
        assert_eq!(seen_by(&database, doctor(), at).await, expected, "at {at}");
    }
}

async fn ending_a_relation_ends_all_that_would_still_hold(database: Database) {
    let here = institution("renmin");
    for (from, until) in [(0, 50), (40, 500), (300, 900)] {
        give(&database, relation(patient(1), from, until)).await;
    }
    give(&database, relation(patient(2), 0, 500)).await;
    let end = care::end(&here, &doctor(), patient(1), Timestamp::from_ms(100));
    assert_eq!(database.execute(vec![end]).await, Ok(vec![2]));
    let left = care::of_patient(&database, &here, patient(1)).await.unwrap();
    let until: Vec<i64> = left.iter().map(|relation| relation.valid_until.as_ms()).collect();
    assert_eq!(until, [50, 100, 100]);
    let both = care::of_actor(&here, &doctor(), [patient(1), patient(2), patient(3)])
        .alone(&database)
        .await
        .unwrap();
    assert_eq!(both.len(), 4);
    assert!(both.contains(&relation(patient(2), 0, 500)));
}

async fn two_relations_with_one_patient_list_a_study_once(database: Database) {
    apply(&database, &[record(1, 1, 1, 1), record(1, 3, 3, 3)], None).await.unwrap();
    give(&database, relation(patient(1), 0, 200)).await;
    give(&database, relation(patient(1), 50, 300)).await;
    let mut expected = vec![study(1), study(3)];
    expected.sort();
    assert_eq!(seen_by(&database, doctor(), 100).await, expected);
}

async fn relations_of_another_actor_or_institution_show_nothing(database: Database) {
    apply(&database, &[record(1, 1, 1, 1)], None).await.unwrap();
    let elsewhere = care::CareRelation { institution: institution("xiehe"), ..relation(patient(1), 0, 200) };
    give(&database, elsewhere).await;
    assert_eq!(seen_by(&database, doctor(), 100).await, []);

    give(&database, relation(patient(1), 0, 200)).await;
    assert_eq!(seen_by(&database, ActorId::new("dr.li").unwrap(), 100).await, []);
    assert_eq!(seen_by(&database, doctor(), 100).await, [study(1)]);

    let mut named = StudyFilter::all(institution("renmin"), Visibility::Nothing);
    named.studies = vec![study(1)];
    named.tokens = vec![vec![token("id1")]];
    assert_eq!(search(&database, &named).await, []);
}
