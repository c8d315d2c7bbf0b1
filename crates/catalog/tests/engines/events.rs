//! Studies at rest and shared accession numbers: told once per rest, in order, whatever is applied again.

use crate::on_both_engines;
use crate::records::{institution, record, study, token};
use std::collections::BTreeMap;
use yingdun_catalog::catalogue::events::{self, Arrival, FeedPosition};
use yingdun_catalog::catalogue::{self, Batch, StudyChange, StudyTerms, Token, accessions, counts, wipe};
use yingdun_catalog::{CatalogError, Database, Statement};
use yingdun_model::{StoreNumber, StudyRef, Timestamp};

on_both_engines!(Catalogue:
    a_rest_is_told_of_once_and_what_comes_later_rests_anew,
    a_record_that_is_applied_again_is_nothing_new,
    a_study_rests_when_it_rests_in_every_store_and_once,
    what_arrives_in_a_store_with_earlier_places_puts_the_rest_off,
    a_rest_that_several_tell_of_at_once_is_one_event,
    a_study_that_received_more_meanwhile_is_not_told_of,
    numbers_grow_and_are_never_given_twice,
    the_number_of_a_study_that_was_destroyed_is_not_given_again,
    a_feed_is_told_of_every_event_from_where_it_was_and_never_goes_back,
    a_wiped_catalogue_keeps_its_events_and_tells_of_them_when_it_is_filled,
    studies_that_share_an_accession_number_are_marked_as_long_as_they_do,
);

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

/// Takes in instance `i` of a study, which lies at place `i` and after which the study rests at a moment.
async fn arrive(database: &Database, s: u64, i: u64, rests: i64) {
    arrive_in(database, StoreNumber::FIRST, s, i, rests).await;
}

/// The same in one of several stores.
async fn arrive_in(database: &Database, store: StoreNumber, s: u64, i: u64, rests: i64) {
    let stored = record(1, s, s, i);
    let arrival = Arrival {
        institution: institution("renmin"),
        store,
        location: stored.instance.location.clone(),
        rests: at(rests),
    };
    let batch = Batch {
        studies: BTreeMap::from([(
            stored.study,
            StudyChange { now: stored.study_facts, was: None, over: None },
        )]),
        series: BTreeMap::from([(stored.series, stored.series_facts)]),
        instances: vec![stored.instance],
        arrivals: BTreeMap::from([(stored.study, arrival)]),
        ..Batch::default()
    };
    catalogue::apply(database, &batch, None).await.unwrap();
}

/// Tells of every rest that is due; gives the studies.
async fn tell(database: &Database, now: i64) -> Vec<StudyRef> {
    let due = events::due(database, at(now), 10).await.unwrap();
    for resting in &due {
        database.execute(events::rested(resting, at(now))).await.unwrap();
    }
    due.into_iter().map(|resting| resting.study).collect()
}

/// Numbers, studies and instances of the events behind a number.
async fn told(database: &Database, seen: u64) -> Vec<(u64, StudyRef, u64)> {
    let events = events::after(database, &institution("renmin"), seen, 10).await.unwrap();
    events.into_iter().map(|event| (event.sequence, event.study, event.instances)).collect()
}

async fn a_rest_is_told_of_once_and_what_comes_later_rests_anew(database: Database) {
    arrive(&database, 1, 1, 100).await;
    arrive(&database, 2, 2, 90).await;
    arrive(&database, 1, 3, 110).await;
    assert_eq!(tell(&database, 89).await, []);
    assert_eq!(tell(&database, 109).await, [study(2)], "another instance puts the rest off");
    assert_eq!(tell(&database, 110).await, [study(1)]);
    assert_eq!(tell(&database, 1000).await, []);
    assert_eq!(told(&database, 0).await, [(1, study(2), 1), (2, study(1), 2)]);

    arrive(&database, 2, 4, 2000).await;
    assert_eq!(tell(&database, 2000).await, [study(2)]);
    assert_eq!(told(&database, 2).await, [(3, study(2), 2)]);
    assert_eq!(events::after(&database, &institution("other"), 0, 10).await, Ok(vec![]));
}

async fn a_record_that_is_applied_again_is_nothing_new(database: Database) {
    arrive(&database, 1, 1, 100).await;
    arrive(&database, 1, 2, 110).await;
    tell(&database, 110).await;
    for again in [1, 2] {
        arrive(&database, 1, again, 200).await;
    }
    assert_eq!(tell(&database, 1000).await, []);
    assert_eq!(told(&database, 0).await, [(1, study(1), 2)]);
}

async fn a_study_rests_when_it_rests_in_every_store_and_once(database: Database) {
    let [one, two, three] = [1, 2, 3].map(|number| StoreNumber::new(number).unwrap());
    arrive_in(&database, one, 1, 1, 100).await;
    arrive_in(&database, two, 1, 2, 120).await;
    arrive_in(&database, three, 1, 3, 110).await;
    arrive_in(&database, two, 2, 4, 115).await;
    assert_eq!(tell(&database, 119).await, [study(2)]);
    assert_eq!(tell(&database, 120).await, [study(1)]);
    assert_eq!(tell(&database, 1000).await, [], "once, and not for each store");
    for (store, again) in [(one, 1), (two, 2), (three, 3)] {
        arrive_in(&database, store, 1, again, 200).await;
    }
    assert_eq!(tell(&database, 1000).await, [], "a replay is nothing new in any store");
    assert_eq!(told(&database, 0).await, [(1, study(2), 1), (2, study(1), 3)]);
    catalogue::remove::remove(&database, &institution("renmin"), study(1), None, None).await.unwrap();
    let left = "SELECT count(*) FROM study_arrival_beside";
    let left = database.query(Statement::new(left, vec![])).await.unwrap();
    assert_eq!(left[0].get_i64(0), Ok(1), "what was destroyed is gone from here too");
}

async fn what_arrives_in_a_store_with_earlier_places_puts_the_rest_off(database: Database) {
    let two = StoreNumber::new(2).unwrap();
    arrive_in(&database, two, 1, 9, 100).await;
    // Its place is before that in the other store.
    arrive(&database, 1, 1, 300).await;
    assert_eq!(tell(&database, 299).await, []);
    assert_eq!(tell(&database, 300).await, [study(1)]);
    arrive(&database, 1, 2, 500).await;
    assert_eq!(tell(&database, 500).await, [study(1)], "and rests anew");
    assert_eq!(told(&database, 0).await, [(1, study(1), 2), (2, study(1), 3)]);
}

async fn a_rest_that_several_tell_of_at_once_is_one_event(database: Database) {
    arrive(&database, 1, 1, 100).await;
    let due = events::due(&database, at(100), 10).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (database, changes) = (database.clone(), events::rested(&due[0], at(100)));
            tokio::spawn(async move { database.execute(changes).await })
        })
        .collect();
    let mut written = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => written += 1,
            Err(CatalogError::UnexpectedRows { .. } | CatalogError::Constraint(_)) => (),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(written, 1);
    assert_eq!(told(&database, 0).await, [(1, study(1), 1)]);
}

async fn a_study_that_received_more_meanwhile_is_not_told_of(database: Database) {
    arrive(&database, 1, 1, 100).await;
    let due = events::due(&database, at(100), 10).await.unwrap();
    arrive(&database, 1, 2, 200).await;
    let refused = database.execute(events::rested(&due[0], at(100))).await;
    assert!(matches!(refused, Err(CatalogError::UnexpectedRows { .. })), "{refused:?}");
    assert_eq!(told(&database, 0).await, []);
    assert_eq!(tell(&database, 200).await, [study(1)]);
}

async fn numbers_grow_and_are_never_given_twice(database: Database) {
    for s in 1..=3 {
        arrive(&database, s, s, 100).await;
        tell(&database, i64::try_from(s).unwrap() * 100).await;
    }
    // The newest stays, so that the next one has a higher number.
    database.execute(vec![events::forget(at(10_000))]).await.unwrap();
    assert_eq!(told(&database, 0).await, [(3, study(3), 1)]);
    arrive(&database, 4, 4, 20_000).await;
    tell(&database, 20_000).await;
    assert_eq!(told(&database, 0).await, [(3, study(3), 1), (4, study(4), 1)]);
}

async fn the_number_of_a_study_that_was_destroyed_is_not_given_again(database: Database) {
    for s in 1..=3 {
        arrive(&database, s, s, 100).await;
        tell(&database, i64::try_from(s).unwrap() * 100).await;
    }
    for s in [1, 3] {
        catalogue::remove::remove(&database, &institution("renmin"), study(s), None, None).await.unwrap();
    }
    assert_eq!(told(&database, 0).await, [(2, study(2), 1)]);
    arrive(&database, 4, 4, 400).await;
    tell(&database, 400).await;
    assert_eq!(told(&database, 0).await, [(2, study(2), 1), (4, study(4), 1)]);
    assert_eq!(fed(&database, "a").await, [(2, study(2)), (4, study(4))]);
}

/// What a feed has not been told.
async fn fed(database: &Database, feed: &str) -> Vec<(u64, StudyRef)> {
    let events = events::for_feed(database, &institution("renmin"), feed, 10).await.unwrap();
    events.into_iter().map(|event| (event.sequence, event.study)).collect()
}

async fn a_feed_is_told_of_every_event_from_where_it_was_and_never_goes_back(database: Database) {
    let position = async || events::feed_position(&database, &institution("renmin"), "a").await.unwrap();
    assert_eq!(position().await, FeedPosition::default());
    for s in 1..=3 {
        arrive(&database, s, s, 100).await;
        tell(&database, i64::try_from(s).unwrap() * 100).await;
    }
    let waiting = FeedPosition { position: 0, newest: 3, waiting_since: Some(at(100)) };
    assert_eq!(position().await, waiting);
    for (has, left) in [(2, 1), (1, 1), (3, 0)] {
        database.execute(vec![events::feed_has("a", has)]).await.unwrap();
        assert_eq!(fed(&database, "a").await.len(), left, "{has}");
    }
    assert_eq!(position().await, FeedPosition { position: 3, newest: 3, waiting_since: None });
    assert_eq!(
        fed(&database, "b").await,
        [(1, study(1)), (2, study(2)), (3, study(3))],
        "feeds know nothing of each other"
    );
    assert_eq!(events::for_feed(&database, &institution("other"), "a", 10).await, Ok(vec![]));
}

async fn a_wiped_catalogue_keeps_its_events_and_tells_of_them_when_it_is_filled(database: Database) {
    arrive(&database, 1, 1, 100).await;
    tell(&database, 100).await;
    let before = told(&database, 0).await;
    wipe(&database).await.unwrap();
    assert_eq!(told(&database, 0).await, [], "of what the catalogue does not know nothing can be decided");
    arrive(&database, 1, 1, 200).await;
    assert_eq!(tell(&database, 1000).await, []);
    assert_eq!(told(&database, 0).await, before);
}

/// Describes studies anew, each with the number that it has and the one that it had.
async fn number(database: &Database, changes: &[(u64, Option<Token>, Option<Token>)]) {
    let mut batch = Batch::default();
    for (s, was, now) in changes {
        let mut facts = record(1, *s, *s, *s).study_facts;
        let terms = |accession| StudyTerms { accession, ..facts.terms.clone() };
        let was = was.map(|was| terms(Some(was)));
        facts.terms = terms(*now);
        batch.studies.insert(study(*s), StudyChange { now: facts, was, over: None });
    }
    catalogue::apply(database, &batch, None).await.unwrap();
}

async fn studies_that_share_an_accession_number_are_marked_as_long_as_they_do(database: Database) {
    let here = institution("renmin");
    let (a, b) = (token("A1"), token("B1"));
    let shared = async || {
        let rows = accessions::shared(&database, &here, 10).await.unwrap();
        assert_eq!(counts(&database, &here).await.unwrap().accession_conflicts, rows.len() as u64);
        rows
    };
    let both = |token: Token, one: u64, other: u64| {
        let mut studies = [(token, study(one)), (token, study(other))];
        studies.sort_unstable();
        studies.to_vec()
    };
    number(&database, &[(1, None, Some(a)), (2, None, Some(b)), (3, None, None), (4, None, None)]).await;
    assert_eq!(shared().await, []);
    // In one batch and over several; twice is once.
    for _ in 0..2 {
        number(&database, &[(3, None, Some(a))]).await;
        assert_eq!(shared().await, both(a, 1, 3));
    }
    assert_eq!(accessions::shared(&database, &here, 1).await.unwrap().len(), 1);
    assert_eq!(accessions::shared(&database, &institution("other"), 10).await, Ok(vec![]));
    // A number that is corrected leaves the one and may meet another.
    number(&database, &[(3, Some(a), Some(b))]).await;
    assert_eq!(shared().await, both(b, 2, 3));
    number(&database, &[(3, Some(b), None)]).await;
    assert_eq!(shared().await, []);
    number(&database, &[(3, None, Some(a)), (4, None, Some(b))]).await;
    assert_eq!(shared().await.len(), 4);
    wipe(&database).await.unwrap();
    assert_eq!(shared().await, []);
}
