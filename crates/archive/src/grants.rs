//! Grants and maintenance sessions that are over are written down as such, cases of broken glass that wait for a review are counted, and what the monitor stopped
//! on other nodes is learnt, and which rules of the institution are in force. A grant ends
//! whether this runs or not: every decision compares its interval with the time.

use crate::background::Turns;
use crate::shared::Core;
use std::time::Duration;
use yingdun_model::BreakGlassReason;

/// How often it is looked: a leaf that says that a grant is over comes within this time.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Looks as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    // From the start, so that an alarm sees a zero before the first case and not a gap.
    for reason in BreakGlassReason::ALL {
        metrics::counter!("yingdun_break_glass_total", "reason" => reason.as_str()).increment(0);
    }
    for kind in [
        "monitor-limit",
        "monitor-step",
        "monitor-decoy",
        "monitor-two-places",
        "monitor-new-device",
        "maintenance-opened",
    ] {
        metrics::counter!("yingdun_monitor_alerts_total", "kind" => kind).increment(0);
    }
    for state in ["waiting", "overdue"] {
        metrics::gauge!("yingdun_break_glass_reviews", "state" => state).set(0.0);
    }
    metrics::gauge!("yingdun_policies_locked").set(0.0);
    loop {
        turns.pause(LOOK_INTERVAL).await;
        let Some(core) = turns.next() else { return };
        if let Err(error) = core.access.end_grants().await {
            tracing::warn!(%error, "the end of grants is written down later");
        }
        if let Err(error) = core.access.end_maintenance_sessions().await {
            tracing::warn!(%error, "the end of maintenance sessions is written down later");
        }
        match core.access.follow_stops().await {
            Ok(waiting) => metrics::gauge!("yingdun_monitor_alerts_waiting").set(waiting as f64),
            Err(error) => tracing::warn!(%error, "what other nodes stopped cannot be read"),
        }
        match core.access.follow_policies().await {
            Ok(readable) => metrics::gauge!("yingdun_policies_locked").set(if readable { 0.0 } else { 1.0 }),
            Err(error) => {
                tracing::warn!(%error, "which rules of the institution are in force cannot be read")
            }
        }
        match core.access.reviews_due().await {
            Ok(due) => {
                let count = |state: &'static str, number: u64| {
                    metrics::gauge!("yingdun_break_glass_reviews", "state" => state).set(number as f64);
                };
                count("waiting", due.waiting);
                count("overdue", due.overdue);
            }
            Err(error) => tracing::warn!(%error, "cases of broken glass cannot be counted"),
        }
    }
}
