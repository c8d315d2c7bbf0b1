//! From numbers to records and to the page `docs/benchmarks.md`.

mod page;
mod targets;

pub(crate) use page::{conditions, page, targets_table};

use crate::case::Measured;
use serde::Serialize;

/// One number with its comparison, as `--json` writes it.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'a> {
    case: &'a str,
    subject: &'a str,
    metric: &'a str,
    value: f64,
    unit: &'a str,
    /// The subject that the value is compared with: Orthanc for Yingdun's numbers.
    ratio_to: Option<&'static str>,
    /// The value divided by that of the other subject.
    ratio: Option<f64>,
}

/// Every number; one record for each peer that it is compared with.
pub(crate) fn records(measured: &Measured) -> Vec<Record<'_>> {
    records_beside(measured, YINGDUN, &PEERS, peer_case)
}

/// The same, where one subject is compared with others, whose case is told by that of the one.
pub(crate) fn records_beside<'a>(
    measured: &'a Measured,
    ours: &str,
    peers: &[&'static str],
    peer_case: impl Fn(&str) -> String,
) -> Vec<Record<'a>> {
    let mut records = Vec::new();
    for case in measured.cases() {
        for (key, value) in measured.of_case(case) {
            let record = Record {
                case,
                subject: key.subject,
                metric: key.metric,
                value,
                unit: unit(key.metric),
                ratio_to: None,
                ratio: None,
            };
            let compared: Vec<Record<'_>> = peers
                .iter()
                .copied()
                .filter(|_| key.subject == ours)
                .filter_map(|peer| {
                    let other = measured.median(&peer_case(case), peer, key.metric)?;
                    Some(Record { ratio_to: Some(peer), ratio: Some(value / other), ..record })
                })
                .collect();
            if compared.is_empty() { records.push(record) } else { records.extend(compared) }
        }
    }
    records
}

/// The subject that is compared.
const YINGDUN: &str = "yingdun";
/// With whom.
const PEERS: [&str; 2] = ["orthanc", "orthanc-tls"];

/// The case of the peers for a case of ours: they keep one copy.
fn peer_case(case: &str) -> String {
    case.replace("-3-replicas-", "-1-replica-")
}

/// The unit that a metric's name carries.
fn unit(metric: &str) -> &'static str {
    let ends = |end: &str| metric.ends_with(end);
    match metric {
        _ if ends("instances_per_s") => "instances/s",
        _ if ends("requests_per_s") => "requests/s",
        _ if ends("files_per_s") => "files/s",
        _ if ends("cpu_s_per_gb") => "s/GB",
        _ if ends("mb_per_s") => "MB/s",
        _ if ends("mb_per_mb_sent") => "MB/MB",
        _ if ends("_ms") => "ms",
        _ if ends("_mb") => "MB",
        _ => "1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_numbers_are_compared_with_each_peer_and_three_copies_with_their_one() {
        let mut measured = Measured::default();
        measured.add("ingest-1-replica-4-associations", "orthanc", "instances_per_s", 200.0);
        measured.add("ingest-3-replicas-4-associations", "yingdun", "instances_per_s", 500.0);
        let records = records(&measured);
        let ours: Vec<_> = records.iter().filter(|record| record.subject == "yingdun").collect();
        assert_eq!(ours.len(), 1);
        assert_eq!((ours[0].ratio_to, ours[0].ratio), (Some("orthanc"), Some(2.5)));
        assert_eq!(ours[0].unit, "instances/s");
    }
}
