//! Jobs: counted by whoever works on them, known after a restart and at other nodes, ended from anywhere, interrupted with their
//! process.

use crate::House;
use crate::house::Open;
use crate::nodes::two_nodes;
use crate::stop;
use std::time::Duration;
use yingdun_access::Session;
use yingdun_archive::{JOBS_RUNNING_MAX, JobCounts, JobError, JobFault, JobOrder, JobReport, RunningJob};
use yingdun_catalog::Statement;
use yingdun_model::{AeTitle, JobKind, JobState, Uid};

crate::on_both_engines! {
    a_job_is_known_to_its_owner_after_a_restart_with_all_that_it_said
    a_job_whose_process_is_gone_is_interrupted_with_what_it_had_counted
    what_stops_with_the_node_is_interrupted_unless_everything_was_tried
    jobs_at_work_are_bounded_and_one_that_is_let_go_makes_room
}

fn uid(text: &str) -> Uid {
    Uid::new(text).unwrap()
}

fn order() -> JobOrder {
    JobOrder {
        device: AeTitle::new("SECRETNAME").unwrap(),
        studies: vec![uid("1.2.840.1"), uid("1.2.840.2")],
        series: vec![],
        instances: vec![uid("1.2.840.3")],
    }
}

async fn begin(open: &Open, total: u64) -> RunningJob {
    open.archive.begin_job(&open.ris, JobKind::Store, order(), total).await.unwrap()
}

async fn find(open: &Open, session: &Session, job: &JobReport) -> Option<JobReport> {
    open.archive.job(session, &hex::encode(job.id)).await.unwrap()
}

async fn found(open: &Open, job: &JobReport) -> JobReport {
    find(open, &open.ris, job).await.unwrap()
}

/// Waits until a node says of a job what is expected.
async fn until(open: &Open, job: &JobReport, at_most: u64, said: impl Fn(&JobReport) -> bool) -> JobReport {
    let looked = tokio::time::timeout(Duration::from_secs(at_most), async {
        loop {
            let report = found(open, job).await;
            if said(&report) {
                break report;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    looked.await.unwrap()
}

async fn a_job_is_known_to_its_owner_after_a_restart_with_all_that_it_said(house: House) {
    let open = house.open().await;
    let job = begin(&open, 3).await;
    let begun = job.report();
    assert_eq!((begun.state, begun.order.clone(), begun.ended), (JobState::Running, order(), None));
    assert_eq!(found(&open, &begun).await, begun);
    assert_eq!(find(&open, &open.gateway, &begun).await, None, "it is somebody else's");
    assert_eq!(open.archive.cancel_job(&open.gateway, &hex::encode(begun.id)).await.unwrap(), None);
    assert_eq!(open.archive.job(&open.ris, "no id").await.unwrap(), None);
    job.done(false);
    job.done(true);
    job.failed(uid("1.2.840.3"), "the device answered A700".to_owned());
    // At once, before a row tells it.
    assert_eq!(
        found(&open, &begun).await.counts,
        JobCounts { total: 3, completed: 1, warning: 1, failed: 1 }
    );
    let fault = JobFault { expected: "a".to_owned(), came: "b".to_owned(), remedy: None };
    job.ended(Err(fault.clone()));
    let ended = found(&open, &begun).await;
    assert_eq!((ended.state, ended.fault.as_ref()), (JobState::Failed, Some(&fault)));
    assert_eq!(ended.failures, [(uid("1.2.840.3"), "the device answered A700".to_owned())]);
    drop(job);
    stop(open).await;

    let open = house.open().await;
    assert_eq!(found(&open, &begun).await, ended);
    assert_eq!(open.archive.jobs(&open.ris).await.unwrap(), [ended]);
    assert_eq!(open.archive.jobs(&open.gateway).await.unwrap(), []);
    let sealed = open.catalogue.query(Statement::new("SELECT sealed FROM job", vec![])).await.unwrap();
    let sealed = sealed[0].get_bytes(0).unwrap();
    for plain in [&b"SECRETNAME"[..], b"1.2.840", b"A700"] {
        assert!(!sealed.windows(plain.len()).any(|window| window == plain));
    }
    stop(open).await;
}

async fn a_job_whose_process_is_gone_is_interrupted_with_what_it_had_counted(house: House) {
    let open = house.open().await;
    let job = begin(&open, 3).await;
    let begun = job.report();
    job.done(false);
    job.failed(uid("1.2.840.3"), "no".to_owned());
    let told = async {
        let select = "SELECT completed + failed FROM job";
        while open.catalogue.query(Statement::new(select, vec![])).await.unwrap()[0].get_i64(0) != Ok(2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), told).await.is_ok(), "its row follows");
    // Nobody ends it.
    std::mem::forget(job);
    stop(open).await;
    let open = house.open().await;
    let after = found(&open, &begun).await;
    assert_eq!(after.state, JobState::Interrupted);
    assert_eq!(after.counts, JobCounts { total: 3, completed: 1, warning: 0, failed: 1 });
    assert_eq!(after.failures.len(), 1);
    assert_eq!(after.order, order(), "enough to ask again");
    assert!(after.ended.is_some() && after.fault.unwrap().remedy.unwrap().contains("send again"));
    // There is nothing to cancel.
    let same = open.archive.cancel_job(&open.ris, &hex::encode(begun.id)).await.unwrap().unwrap();
    assert_eq!((same.state, same.cancel_asked), (JobState::Interrupted, false));
    stop(open).await;
}

async fn what_stops_with_the_node_is_interrupted_unless_everything_was_tried(house: House) {
    let open = house.open().await;
    let [half, all, cancelled] = [begin(&open, 2).await, begin(&open, 1).await, begin(&open, 2).await];
    half.done(false);
    all.done(false);
    let asked = open.archive.cancel_job(&open.ris, &hex::encode(cancelled.report().id)).await.unwrap();
    assert!(asked.unwrap().cancel_asked && cancelled.stop().is_cancelled());
    assert!(!half.stop().is_cancelled());
    open.archive.stop_jobs();
    assert!(half.stop().is_cancelled());
    let late = begin(&open, 1).await;
    assert!(late.stop().is_cancelled(), "it begins at a node that stops");
    let jobs = [half, all, cancelled, late];
    jobs.iter().for_each(|job| job.ended(Ok(())));
    let reports = jobs.each_ref().map(RunningJob::report);
    drop(jobs);
    stop(open).await;
    let open = house.open().await;
    let mut states = Vec::new();
    for report in &reports {
        states.push(found(&open, report).await.state.as_str());
    }
    assert_eq!(states, ["interrupted", "completed", "cancelled", "interrupted"]);
    stop(open).await;
}

async fn jobs_at_work_are_bounded_and_one_that_is_let_go_makes_room(house: House) {
    let open = house.open().await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS_RUNNING_MAX {
        jobs.push(begin(&open, 1).await);
    }
    let refused = open.archive.begin_job(&open.ris, JobKind::Retrieve, order(), 0).await;
    assert!(matches!(refused, Err(JobError::TooMany)));
    let dropped = jobs.remove(0).report();
    assert_eq!(found(&open, &dropped).await.state, JobState::Interrupted, "nobody works on it");
    jobs.push(begin(&open, 1).await);
    assert_eq!(open.archive.jobs(&open.ris).await.unwrap().len(), JOBS_RUNNING_MAX + 1);
    stop(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_seen_and_cancelled_at_another_node_and_interrupted_there_when_its_own_is_not_heard_of() {
    let Some((_houses, [here, there])) = two_nodes().await else { return };
    let [job, lost] = [begin(&here, 2).await, begin(&here, 2).await];
    let begun = job.report();
    assert_eq!(found(&there, &begun).await, begun, "its row was there before the answer");
    job.done(false);
    until(&there, &begun, 30, |seen| seen.counts.completed == 1).await;
    assert_eq!(find(&there, &there.gateway, &begun).await, None);
    assert_eq!(there.archive.cancel_job(&there.gateway, &hex::encode(begun.id)).await.unwrap(), None);
    assert!(!job.stop().is_cancelled());
    let asked = there.archive.cancel_job(&there.ris, &hex::encode(begun.id)).await.unwrap().unwrap();
    assert_eq!((asked.state, asked.cancel_asked), (JobState::Running, true));
    let heard = tokio::time::timeout(Duration::from_secs(30), job.stop().cancelled_owned()).await;
    assert!(heard.is_ok(), "nobody told its worker");
    job.ended(Ok(()));
    let ended = until(&there, &begun, 30, |seen| seen.state != JobState::Running).await;
    assert_eq!((ended.state, ended.node), (JobState::Cancelled, begun.node));
    assert!(!lost.stop().is_cancelled());

    // Its node is gone, and says nothing of it.
    let report = lost.report();
    std::mem::forget(lost);
    stop(here).await;
    assert_eq!(found(&there, &report).await.state, JobState::Running, "it may be slow");
    let over = until(&there, &report, 120, |seen| seen.state != JobState::Running).await;
    assert_eq!((over.state, over.node), (JobState::Interrupted, report.node));
    stop(there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_taken_for_dead_ends_what_it_has_and_works_on_as_another() {
    let Some((_houses, [here, there])) = two_nodes().await else { return };
    let lost = begin(&here, 4).await;
    let report = lost.report();
    // As the other node would say it after a pause of this one.
    let take = "UPDATE job_worker SET process = store_name.id FROM (SELECT id FROM pack_store LIMIT 1) AS store_name";
    let end = "UPDATE job SET state = 'interrupted', ended_ms = began_ms";
    let changes = [take, end].map(|change| Statement::new(change, vec![])).into();
    there.catalogue.execute(changes).await.unwrap();
    lost.done(false);
    let noticed = tokio::time::timeout(Duration::from_secs(30), lost.stop().cancelled_owned()).await;
    assert!(noticed.is_ok(), "it goes on with what somebody may have asked for again");
    lost.done(false);
    lost.ended(Ok(()));
    let last = until(&there, &report, 30, |seen| seen.counts.completed == 2).await;
    assert_eq!(last.state, JobState::Interrupted, "with what was done after all");
    let again = begin(&here, 1).await;
    again.done(false);
    again.ended(Ok(()));
    until(&there, &again.report(), 30, |seen| seen.state == JobState::Completed).await;
    stop(here).await;
    stop(there).await;
}
