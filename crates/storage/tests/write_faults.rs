//! The disk fails at any place at which a store writes: nothing acknowledged is lost, one fault on one of three replicas is
//! seen by no caller, a sync that failed is not tried again, and a full store goes on when space returns. The long version:
//! `script/soak --rig write-faults`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::write_faults::run;

/// The short version takes one place in so many.
const STEP: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_survives_a_fault_at_any_write() {
    let outcome = run(1, 1, STEP, false).await;
    assert!(outcome.is_perfect() && outcome.acknowledged > outcome.runs, "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_ignores_errors_is_caught() {
    let outcome = run(2, 1, 4 * STEP, true).await;
    assert!(outcome.lost + outcome.wrong > 0, "{outcome}");
}
