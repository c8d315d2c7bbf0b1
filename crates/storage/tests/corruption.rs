//! Random corruptions over a store with three replicas: everything is found and put right while a good copy exists. The
//! long version: `script/soak --rig corruption`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::corruption::{Scrubber, run};
use tempfile::tempdir;

/// Faults of the short version.
const COUNT: u64 = 300;
/// Faults with which a scrub that believes too much is tried: it misses about every second one.
const COUNT_FOR_MOCKS: u64 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn every_corruption_is_found_and_repaired_while_a_good_copy_exists() {
    let folder = tempdir().unwrap();
    let outcome = run(1, COUNT, Scrubber::Real, folder.path()).await;
    assert!(outcome.is_perfect() && outcome.injected == COUNT, "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_that_trusts_lengths_is_caught_by_this_rig() {
    let folder = tempdir().unwrap();
    let outcome = run(2, COUNT_FOR_MOCKS, Scrubber::MockTrustsLengths, folder.path()).await;
    assert!(outcome.detected > 0 && outcome.detected < outcome.injected, "{outcome}");
    assert!(outcome.repaired < outcome.injected && outcome.wrong > 0, "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_that_trusts_dates_is_caught_by_this_rig() {
    let folder = tempdir().unwrap();
    let outcome = run(3, COUNT_FOR_MOCKS, Scrubber::MockTrustsDates, folder.path()).await;
    assert!(outcome.detected > 0 && outcome.detected < outcome.injected, "{outcome}");
    assert!(outcome.repaired < outcome.injected && outcome.wrong > 0, "{outcome}");
}
