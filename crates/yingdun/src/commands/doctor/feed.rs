//! The stream of events: whether its servers answer, what the stream is set to, and how far behind it is.

use super::cluster::Member;
use super::{error, look_into, note, warning};
use crate::config::{Config, Finding, Severity};
use crate::wiring;
use yingdun_catalog::catalogue::events::feed_position;
use yingdun_catalog::{DatabaseKind, Inspected};
use yingdun_feed::{FeedConfig, NodeReport, Remark, Weight, inspect, judge};
use yingdun_model::{Clock, SystemClock};

const OPTION: &str = "nats.servers";

/// How long an event may wait for the stream before that is a warning, in milliseconds: longer than a server restarts and elects a leader.
const WAIT_MS_MAX: i64 = 5 * 60 * 1000;

/// What is to be said of each server, and of the stream; nothing where none is configured.
pub(super) async fn feed(config: &Config) -> Vec<(Member, Finding)> {
    let to = match wiring::feed(config) {
        Ok(Some(to)) => to,
        Ok(None) => return Vec::new(),
        Err(cause) => {
            let remedy = "name files with certificate, key and authority";
            return vec![(Member::Node, error("nats.certificate_file", cause.to_string(), remedy))];
        }
    };
    let reports = inspect(&to).await;
    let mut findings: Vec<(Member, Finding)> = reports.iter().map(server).collect();
    let stream = stream(config, &to, &reports).into_iter().chain(lag(config, &to).await);
    findings.extend(stream.map(|finding| (Member::EventStream(to.names.stream().to_owned()), finding)));
    findings
}

// === helpers ===

fn server(report: &NodeReport) -> (Member, Finding) {
    let finding = match &report.node {
        Ok(node) => finding(node.remark_on_sync()),
        Err(cause) => warning(OPTION, cause.to_string(), "start it, or correct its address or certificates"),
    };
    (Member::NatsServer(report.address.to_string()), finding)
}

/// The stream is the same wherever it is asked for.
fn stream(config: &Config, to: &FeedConfig, reports: &[NodeReport]) -> Vec<Finding> {
    let mut described = reports.iter().filter_map(|report| report.stream.as_ref());
    if let Some(info) = described.clone().find_map(|stream| stream.as_ref().ok()) {
        let subject = to.names.subject_of(&config.institution.id, "study-stable");
        return judge(info, &to.names, &subject).into_iter().map(finding).collect();
    }
    let cause = match described.next() {
        Some(Err(error)) => error.to_string(),
        Some(Ok(_)) | None => format!("none of {} server(s) answers: events wait", reports.len()),
    };
    let remedy =
        "start the servers; make the stream if it is missing; images are received and shown meanwhile";
    vec![error("nats.stream", cause, remedy)]
}

async fn lag(config: &Config, to: &FeedConfig) -> Option<Finding> {
    // What is wrong with the database was said among the databases.
    let Ok(Inspected { database, pending_steps: 0 }) =
        look_into(&config.catalogue.database, DatabaseKind::Catalogue).await
    else {
        return None;
    };
    let position = feed_position(&database, &config.institution.id, &to.names.feed()).await.ok()?;
    let Some(since) = position.waiting_since else {
        let cause = format!("the stream has every event, up to number {}", position.position);
        return Some(note(OPTION, cause, "nothing"));
    };
    let waited_ms = SystemClock.now().as_ms().saturating_sub(since.as_ms());
    let cause = format!(
        "the stream has events up to number {} of {}; the next one waits for {} s",
        position.position,
        position.newest,
        waited_ms / 1000
    );
    Some(match waited_ms > WAIT_MS_MAX {
        true => warning(OPTION, cause, "look at the servers and the stream; events are kept for 90 days"),
        false => note(OPTION, cause, "nothing as long as it goes down"),
    })
}

fn finding(Remark { weight, cause, remedy }: Remark) -> Finding {
    let severity = match weight {
        Weight::Note => Severity::Note,
        Weight::Warning => Severity::Warning,
        Weight::Error => Severity::Error,
    };
    Finding { severity, option: OPTION, cause, remedy }
}
