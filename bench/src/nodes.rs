//! Several nodes on one PostgreSQL against one, on the same machine: what they take and give together, and what that costs.
//!
//! ```text
//! studies (seeded) ─► three groups of clients ─► one node, or each group at a node of its own ─► a table in Markdown, --json
//! ```
//!
//! The clients are the same, and so is what lies on the disk in the end: each record is on the three replicas of its own node only.

use crate::case::{Measured, Size, retrieve};
use crate::data::{self, Images};
use crate::failure::{Failure, Outcome, While};
use crate::load::http::{Ask, HttpTarget, ask_all};
use crate::load::store::{DicomTarget, Sent, send, send_to};
use crate::machine::settle;
use crate::subject::Environment;
use crate::subject::nodes::{Node, Nodes, Shape};
use futures_util::future::try_join_all;
use std::fmt::Write;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Groups of clients: as many as there are nodes at most.
const GROUPS: usize = 3;

/// Associations, and later connections, of each group.
const CLIENTS_OF_A_GROUP: usize = 2;

/// Studies that each group sends to one node.
const STUDIES_OF_A_GROUP: usize = 2;

/// Studies whose instances go to every node.
const SPREAD_STUDIES: usize = 3;

/// How long what one node has acknowledged may take to be found at another one.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

/// How installations are called in tables and records.
const SHAPES: [(&str, Shape); 3] = [
    (ONE, Shape { nodes: 1, open: false }),
    ("yingdun-1-node-open", Shape { nodes: 1, open: true }),
    (SEVERAL, Shape { nodes: GROUPS, open: true }),
];

/// One node that is closed to others, with which is compared.
pub(crate) const ONE: &str = "yingdun-1-node";

/// What is compared with it.
pub(crate) const SEVERAL: &str = "yingdun-3-nodes";

const TO_ONE: &str = "nodes-ingest-each-study-to-one-node";
const TO_ALL: &str = "nodes-ingest-each-study-to-all-nodes";
const OF_OWN: &str = "nodes-wado-series-of-the-node-asked";
const OF_ANOTHER: &str = "nodes-wado-series-of-another-node";
const ALL_OF_IT: &str = "nodes-all-of-it";

/// The case with which a case is compared: nothing lies in another node where there is one.
pub(crate) fn compared_with(case: &str) -> String {
    if case == OF_ANOTHER { OF_OWN.to_owned() } else { case.to_owned() }
}

/// Measures all shapes in turn.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let studies = data::ct_studies((GROUPS * STUDIES_OF_A_GROUP + SPREAD_STUDIES) as u64, size.node_slices);
    let work = Work::divide(&studies, size)?;
    for round in 0..size.rounds {
        for (name, shape) in SHAPES.into_iter().cycle().skip(round).take(SHAPES.len()) {
            one(environment, name, shape, &work, measured).await?;
        }
    }
    Ok(())
}

/// The table, in Markdown.
pub(crate) fn table(measured: &Measured, size: Size) -> String {
    let mut table = format!(
        "{} studies of {} slices to one node each and {SPREAD_STUDIES} to all, from {} associations; the first read again by WADO-RS from as \
         many connections; medians of {} rounds.\n\n| | metric |",
        GROUPS * STUDIES_OF_A_GROUP,
        size.node_slices,
        GROUPS * CLIENTS_OF_A_GROUP,
        size.rounds
    );
    for (name, _) in SHAPES {
        let _ = write!(table, " {name} |");
    }
    let _ = writeln!(table, " overhead of 3 |\n|---|---|{}---:|", "---:|".repeat(SHAPES.len()));
    for case in [TO_ONE, TO_ALL, OF_OWN, OF_ANOTHER, ALL_OF_IT] {
        for metric in METRICS {
            let Some(several) = measured.median(case, SEVERAL, metric.name) else { continue };
            let one = measured.median(&compared_with(case), ONE, metric.name);
            let _ = write!(table, "| {case} | {} |", metric.name);
            for (name, _) in SHAPES {
                let cell = measured.median(case, name, metric.name);
                let _ = write!(table, " {} |", cell.map_or_else(String::new, |value| format!("{value:.2}")));
            }
            let overhead = one.map(|one| metric.overhead_percent(one, several));
            let _ = writeln!(
                table,
                " {} |",
                overhead.map_or_else(String::new, |percent| format!("{percent:+.1} %"))
            );
        }
    }
    table
}

/// Something that is measured of each case.
struct Metric {
    name: &'static str,
    /// Whether more of it is better.
    more_is_better: bool,
}

const METRICS: [Metric; 4] = [
    Metric { name: "mb_per_s", more_is_better: true },
    Metric { name: "cpu_s_per_gb", more_is_better: false },
    Metric { name: "rss_mb", more_is_better: false },
    Metric { name: "disk_mb_per_mb_sent", more_is_better: false },
];

impl Metric {
    /// What several cost over one, in percent of what one does: less throughput, or more of anything else.
    fn overhead_percent(&self, one: f64, several: f64) -> f64 {
        let more = several / one - 1.0;
        100.0 * if self.more_is_better { -more } else { more }
    }
}

/// What is sent, divided among the groups of clients.
struct Work {
    of_groups: Vec<Arc<Vec<Images>>>,
    spread: Arc<Vec<Images>>,
    /// How often each series is read.
    times: usize,
}

impl Work {
    fn divide(studies: &Arc<Vec<Images>>, size: Size) -> Outcome<Self> {
        let mut pieces = studies.chunks(STUDIES_OF_A_GROUP).map(<[Images]>::to_vec);
        let of_groups: Vec<_> = pieces.by_ref().take(GROUPS).map(Arc::new).collect();
        let spread = Arc::new(pieces.flatten().collect::<Vec<_>>());
        if of_groups.len() != GROUPS || spread.is_empty() {
            return Err(Failure::new("there are too few studies"));
        }
        Ok(Self { of_groups, spread, times: size.rounds })
    }
}

/// Everything with one installation.
async fn one(
    environment: &Environment,
    name: &'static str,
    shape: Shape,
    work: &Work,
    measured: &mut Measured,
) -> Outcome<()> {
    let folder = environment.work.join(name);
    fs::create_dir_all(&folder).or_fail("making a folder")?;
    let nodes = Nodes::start(environment, &folder, shape).await?;
    settle()?;

    let mut tell = |case: &str, done: Done| {
        measured.add(case, name, "mb_per_s", done.gb * 1e3 / done.seconds);
        measured.add(case, name, "cpu_s_per_gb", done.cpu_s / done.gb);
        eprintln!("{case:<48} {name:<20} {:>8.1} MB/s", done.gb * 1e3 / done.seconds);
    };
    let to_one = timed(&nodes, store_own(&nodes, &work.of_groups)).await?;
    let to_all = timed(&nodes, store_spread(&nodes, &work.spread)).await?;
    let sent_gb = to_one.gb + to_all.gb;
    tell(TO_ONE, to_one);
    tell(TO_ALL, to_all);

    wait_until_found(&nodes, &work.of_groups).await?;
    settle()?;
    tell(OF_OWN, timed(&nodes, read(&nodes, work, 0)).await?);
    if shape.nodes > 1 {
        tell(OF_ANOTHER, timed(&nodes, read(&nodes, work, 1)).await?);
    }
    measured.add(ALL_OF_IT, name, "rss_mb", nodes.peak_rss_mb()?);
    measured.add(ALL_OF_IT, name, "disk_mb_per_mb_sent", nodes.pack_bytes()? as f64 / 1e9 / sent_gb);
    nodes.stop()?;
    fs::remove_dir_all(folder).or_fail("removing a folder")?;
    settle()
}

/// What was done in which time.
struct Done {
    gb: f64,
    seconds: f64,
    /// Of all nodes and of PostgreSQL.
    cpu_s: f64,
}

/// Measures what gives the bytes that it has moved.
async fn timed(nodes: &Nodes, work: impl Future<Output = Outcome<u64>>) -> Outcome<Done> {
    let (cpu_s, started) = (nodes.cpu_s()?, Instant::now());
    let bytes = work.await?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Done { gb: bytes as f64 / 1e9, seconds, cpu_s: nodes.cpu_s()? - cpu_s })
}

/// Each group sends its studies to its node.
async fn store_own(nodes: &Nodes, of_groups: &[Arc<Vec<Images>>]) -> Outcome<u64> {
    let sending = of_groups.iter().enumerate().map(async |(group, studies)| {
        let target: &DicomTarget = &node_of(nodes, group)?.dicom;
        send(target, studies, CLIENTS_OF_A_GROUP).await
    });
    Ok(bytes(&try_join_all(sending).await?))
}

/// All associations take from the same studies, and send to a node each.
async fn store_spread(nodes: &Nodes, studies: &Arc<Vec<Images>>) -> Outcome<u64> {
    let targets: Vec<DicomTarget> = nodes.all().iter().map(|node| node.dicom.clone()).collect();
    Ok(bytes(&[send_to(&targets, studies, GROUPS * CLIENTS_OF_A_GROUP).await?]))
}

/// Each group reads the series that it has sent; at its own node, or at one that so many places behind it.
async fn read(nodes: &Nodes, work: &Work, behind: usize) -> Outcome<u64> {
    let reading = work.of_groups.iter().enumerate().map(async |(group, studies)| {
        let asks = studies.iter().cycle().take(studies.len() * work.times).map(|series| Ask {
            path: retrieve::series_path(series),
            accept: retrieve::INSTANCES,
            bytes_min: series.bytes(),
        });
        let target: &HttpTarget = &node_of(nodes, group + behind)?.http;
        ask_all(target, &Arc::new(asks.collect()), CLIENTS_OF_A_GROUP).await
    });
    Ok(try_join_all(reading).await?.iter().map(|load| load.bytes).sum())
}

/// Waits until every node finds every instance: one may miss for a moment what another one has acknowledged.
async fn wait_until_found(nodes: &Nodes, of_groups: &[Arc<Vec<Images>>]) -> Outcome<()> {
    let started = Instant::now();
    for node in nodes.all() {
        for series in of_groups.iter().flat_map(|studies| studies.iter()) {
            let path = format!("/dicom-web/studies?StudyInstanceUID={}", series.study);
            while instances(&retrieve::text(&node.http, &path).await?) != Some(series.images.len() as u64) {
                if started.elapsed() > FOUND_WITHIN {
                    return Err(Failure::new("a node does not find what another one has acknowledged"));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    Ok(())
}

/// Number of Study Related Instances of the only study of an answer.
fn instances(answer: &serde_json::Value) -> Option<u64> {
    answer.pointer("/0/00201208/Value/0")?.as_u64()
}

fn node_of(nodes: &Nodes, group: usize) -> Outcome<&Node> {
    let all = nodes.all();
    all.get(group % all.len()).or_fail("there is no node")
}

fn bytes(sent: &[Sent]) -> u64 {
    sent.iter().map(|sent| sent.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_throughput_and_more_processor_time_are_overhead() {
        let [throughput, cpu, ..] = METRICS;
        assert!((throughput.overhead_percent(100.0, 90.0) - 10.0).abs() < 1e-9);
        assert!((cpu.overhead_percent(10.0, 12.0) - 20.0).abs() < 1e-9);
        assert!(throughput.overhead_percent(100.0, 110.0) < 0.0);
    }

    #[test]
    fn every_group_has_studies_of_its_own_and_the_rest_go_to_all() {
        let studies = data::small_studies((GROUPS * STUDIES_OF_A_GROUP + SPREAD_STUDIES) as u64, 1);
        let work = Work::divide(&studies, Size::QUICK).unwrap();
        let mut uids: Vec<_> = work.of_groups.iter().chain([&work.spread]).flat_map(|s| s.iter()).collect();
        assert_eq!(uids.len(), studies.len());
        uids.dedup_by_key(|images| images.study.clone());
        assert_eq!((uids.len(), work.spread.len()), (studies.len(), SPREAD_STUDIES));
        assert!(Work::divide(&data::small_studies(2, 1), Size::QUICK).is_err());
    }

    #[test]
    fn what_lies_in_another_node_is_compared_with_what_lies_in_the_only_one() {
        let mut measured = Measured::default();
        measured.add(OF_OWN, ONE, "mb_per_s", 200.0);
        measured.add(OF_ANOTHER, SEVERAL, "mb_per_s", 150.0);
        let table = table(&measured, Size::QUICK);
        let row =
            table.lines().find(|line| line.starts_with("| nodes-wado-series-of-another-node |")).unwrap();
        assert!(row.ends_with("| 150.00 | +25.0 % |"), "{row}");
    }
}
