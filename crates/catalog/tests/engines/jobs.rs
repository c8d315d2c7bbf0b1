//! Jobs: seen by their owner only, told of by their worker, cancelled by whoever asks, interrupted when nobody works on them any
//! more, and bounded.

use crate::on_both_engines;
use yingdun_catalog::catalogue::jobs::{self, JobCounts, JobKey, JobRow, Pulse, Worker};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{InstitutionId, JobKind, JobState, StoreNumber, Timestamp};

on_both_engines!(Catalogue:
    a_job_is_its_owners_and_tells_how_far_it_is,
    a_wish_to_cancel_reaches_the_worker_and_only_while_the_job_runs,
    the_next_process_at_a_store_interrupts_what_the_one_before_was_at,
    a_count_that_has_moved_protects_its_worker_and_one_that_rests_does_not,
    a_worker_that_was_taken_for_dead_begins_nothing_and_still_says_how_its_job_ended,
    of_jobs_that_ended_the_oldest_make_room_and_old_ones_go,
);

const NOW: Timestamp = Timestamp::from_ms(1_000);
const LATER: Timestamp = Timestamp::from_ms(2_000);

fn institution() -> InstitutionId {
    crate::records::institution("renmin")
}

fn key(id: u8) -> JobKey {
    JobKey { institution: institution(), id: [id; 16] }
}

fn worker(store: u32, process: u8) -> Worker {
    Worker { store: StoreNumber::new(store).unwrap(), process: [process; 16] }
}

fn job(id: u8, worker: Worker) -> JobRow {
    JobRow {
        key: key(id),
        owner: "person/li".to_owned(),
        kind: JobKind::Store,
        state: JobState::Running,
        worker,
        cancel_asked: false,
        counts: JobCounts { total: 4, ..JobCounts::default() },
        began: Timestamp::from_ms(i64::from(id)),
        ended: None,
        sealed: vec![id; 40],
    }
}

/// A worker with one running job.
async fn begun(database: &Database, id: u8, worker: Worker) -> JobRow {
    jobs::register(database, &worker, NOW).await.unwrap();
    let job = job(id, worker);
    database.execute(jobs::begin(&job, 100)).await.unwrap();
    job
}

async fn found(database: &Database, id: u8) -> JobRow {
    jobs::find(database, &key(id), "person/li").await.unwrap().unwrap()
}

async fn a_job_is_its_owners_and_tells_how_far_it_is(database: Database) {
    let mut expected = begun(&database, 7, worker(1, 1)).await;
    assert_eq!(found(&database, 7).await, expected);
    assert_eq!(jobs::find(&database, &key(7), "person/wang").await, Ok(None));
    let elsewhere = JobKey { institution: crate::records::institution("xiehe"), ..key(7) };
    assert_eq!(jobs::find(&database, &elsewhere, "person/li").await, Ok(None));
    assert_eq!(jobs::of_owner(&database, &institution(), "person/wang", 9).await, Ok(vec![]));

    let counts = JobCounts { total: 4, completed: 1, warning: 1, failed: 0 };
    let told = jobs::progress(&key(7), &[1; 16], &counts, None);
    assert_eq!(database.execute(vec![told]).await, Ok(vec![1]));
    expected.counts = counts;
    assert_eq!(found(&database, 7).await, expected);
    // Of another process nothing is believed.
    let foreign = jobs::progress(&key(7), &[2; 16], &JobCounts::default(), Some(vec![]));
    assert_eq!(database.execute(vec![foreign]).await, Ok(vec![0]));

    expected.counts.failed = 2;
    expected.sealed = b"who failed".to_vec();
    let ended =
        jobs::end(&key(7), &[1; 16], JobState::Completed, &expected.counts, expected.sealed.clone(), LATER);
    assert_eq!(database.execute(vec![ended]).await, Ok(vec![1]));
    (expected.state, expected.ended) = (JobState::Completed, Some(LATER));
    assert_eq!(found(&database, 7).await, expected);
    assert_eq!(found(&database, 7).await.counts.remaining(), 0);
    // It is over.
    let late = jobs::progress(&key(7), &[1; 16], &JobCounts::default(), None);
    let again = jobs::end(&key(7), &[1; 16], JobState::Failed, &JobCounts::default(), vec![], NOW);
    assert_eq!(database.execute(vec![late, again]).await, Ok(vec![0, 0]));
    assert_eq!(jobs::of_owner(&database, &institution(), "person/li", 9).await, Ok(vec![expected]));
}

async fn a_wish_to_cancel_reaches_the_worker_and_only_while_the_job_runs(database: Database) {
    let worker = worker(1, 1);
    begun(&database, 7, worker).await;
    assert_eq!(jobs::cancels(&database, &worker).await, Ok(vec![]));
    let by = |owner| vec![jobs::ask_cancel(&key(7), owner)];
    assert_eq!(database.execute(by("person/wang")).await, Ok(vec![0]));
    assert_eq!(database.execute(by("person/li")).await, Ok(vec![1]));
    assert!(found(&database, 7).await.cancel_asked);
    assert_eq!(jobs::cancels(&database, &worker).await, Ok(vec![[7; 16]]));
    assert_eq!(jobs::cancels(&database, &self::worker(1, 2)).await, Ok(vec![]));
    let ended = jobs::end(&key(7), &[1; 16], JobState::Cancelled, &JobCounts::default(), vec![], LATER);
    database.execute(vec![ended]).await.unwrap();
    assert_eq!(jobs::cancels(&database, &worker).await, Ok(vec![]));
    assert_eq!(database.execute(by("person/li")).await, Ok(vec![0]));
}

async fn the_next_process_at_a_store_interrupts_what_the_one_before_was_at(database: Database) {
    begun(&database, 7, worker(1, 1)).await;
    begun(&database, 8, worker(2, 2)).await;
    assert_eq!(jobs::register(&database, &worker(1, 1), LATER).await, Ok(0), "it is the same");
    assert_eq!(jobs::register(&database, &worker(1, 3), LATER).await, Ok(1));
    let interrupted = found(&database, 7).await;
    assert_eq!((interrupted.state, interrupted.ended), (JobState::Interrupted, Some(LATER)));
    assert_eq!(found(&database, 8).await.state, JobState::Running, "that runs elsewhere");
}

async fn a_count_that_has_moved_protects_its_worker_and_one_that_rests_does_not(database: Database) {
    let (one, other) = (worker(1, 1), worker(2, 2));
    jobs::register(&database, &one, NOW).await.unwrap();
    assert_eq!(jobs::working(&database).await, Ok(vec![]), "it has nothing to do");
    begun(&database, 7, one).await;
    begun(&database, 8, other).await;
    let seen = jobs::working(&database).await.unwrap();
    assert_eq!(seen.iter().map(|pulse| pulse.worker).collect::<Vec<Worker>>(), [one, other]);
    database.execute(vec![jobs::beat(&one)]).await.unwrap();
    assert_eq!(jobs::interrupt(&database, &seen[0], LATER).await, Ok(0));
    assert_eq!(found(&database, 7).await.state, JobState::Running);
    let moved = Pulse { beats: seen[0].beats + 1, ..seen[0] };
    // Of two that take it for dead, one does it.
    let twice =
        tokio::join!(jobs::interrupt(&database, &moved, LATER), jobs::interrupt(&database, &moved, LATER));
    assert_eq!(twice.0.unwrap() + twice.1.unwrap(), 1);
    assert_eq!(found(&database, 7).await.state, JobState::Interrupted);
    assert_eq!(found(&database, 8).await.state, JobState::Running);
    assert_eq!(jobs::working(&database).await.unwrap().len(), 1);
}

async fn a_worker_that_was_taken_for_dead_begins_nothing_and_still_says_how_its_job_ended(
    database: Database,
) {
    let one = worker(1, 1);
    begun(&database, 7, one).await;
    let seen = jobs::working(&database).await.unwrap();
    assert_eq!(jobs::interrupt(&database, &seen[0], NOW).await, Ok(1));
    assert_eq!(database.execute(vec![jobs::beat(&one)]).await, Ok(vec![0]), "it notices");
    let refused = database.execute(jobs::begin(&job(8, one), 100)).await;
    assert!(matches!(refused, Err(CatalogError::UnexpectedRows { statement: 0, .. })), "{refused:?}");
    let counts = JobCounts { total: 4, completed: 3, ..JobCounts::default() };
    let told = jobs::progress(&key(7), &[1; 16], &counts, None);
    assert_eq!(database.execute(vec![told]).await, Ok(vec![0]), "it runs no more");
    let ended = jobs::end(&key(7), &[1; 16], JobState::Interrupted, &counts, vec![], LATER);
    assert_eq!(database.execute(vec![ended]).await, Ok(vec![1]));
    assert_eq!(found(&database, 7).await.counts, counts);
    // As another process it goes on.
    begun(&database, 8, worker(1, 5)).await;
    assert_eq!(found(&database, 8).await.state, JobState::Running);
}

async fn of_jobs_that_ended_the_oldest_make_room_and_old_ones_go(database: Database) {
    let one = worker(1, 1);
    jobs::register(&database, &one, NOW).await.unwrap();
    let end = |id: u8, ended| {
        vec![jobs::end(&key(id), &[1; 16], JobState::Completed, &JobCounts::default(), vec![], ended)]
    };
    for id in 1..=5 {
        database.execute(jobs::begin(&job(id, one), 2)).await.unwrap();
        if id != 1 {
            let ended = if id == 4 { NOW } else { LATER };
            database.execute(end(id, ended)).await.unwrap();
        }
    }
    let other = JobRow { owner: "person/wang".to_owned(), ..job(9, one) };
    database.execute(jobs::begin(&other, 2)).await.unwrap();
    let ids = async || -> Vec<u8> {
        let of_owner = jobs::of_owner(&database, &institution(), "person/li", 100).await.unwrap();
        of_owner.iter().map(|job| job.key.id[0]).collect()
    };
    // What runs is not among those that make room; the last one found two, and ended.
    assert_eq!(ids().await, [5, 4, 3, 1]);
    assert_eq!(database.execute(vec![jobs::forget_ended(LATER)]).await, Ok(vec![1]));
    assert_eq!(ids().await, [5, 3, 1]);
    assert_eq!(jobs::find(&database, &other.key, "person/wang").await.unwrap(), Some(other));
}
