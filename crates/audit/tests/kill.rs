//! A process that appends is killed again and again; whatever it was told is durable must be there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code; helpers are not inside test functions")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{config, event, event_with_detail, sm3_verifier, verifier, with_sm3};
use yingdun_audit::verify::verify_trees;
use yingdun_audit::{Log, LogConfig, Reader};

const DIRECTORY_VARIABLE: &str = "YINGDUN_AUDIT_KILL_TEST_DIRECTORY";
const KILLS: u64 = 60;

/// Not a test of its own: this is what the child process of the next test runs. Appends until it is killed and
/// reports every receipt.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Ok(dir) = std::env::var(DIRECTORY_VARIABLE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let config = LogConfig { checkpoint_interval: Duration::from_millis(10), ..config(Path::new(&dir)) };
    let log = Log::open(with_sm3(config)).unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8_u64)
            .map(|task| {
                let log = log.clone();
                tokio::spawn(async move {
                    for n in 0.. {
                        let one = if n % 8 == task { event_with_detail(n) } else { event(n) };
                        let batch = vec![one; usize::try_from(1 + n % 20).unwrap()];
                        let receipts = log.append(batch).await.unwrap();
                        let mut report = String::new();
                        for receipt in receipts {
                            report += &format!("\nack {} {}", receipt.index(), hex(receipt.leaf_hash()));
                        }
                        report += "\nend\n";
                        std::io::stdout().lock().write_all(report.as_bytes()).unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_appends_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY_VARIABLE, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed at another moment each time: after so many acknowledgements.
        for line in lines.by_ref().map_while(Result::ok).take(10 + (round * 37 % 400) as usize) {
            acknowledged.extend(ack(&line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What the pipe still holds was acknowledged as well; its last line may be cut off.
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        if let Some((_, whole)) = rest.split_last() {
            acknowledged.extend(whole.iter().filter_map(|line| ack(line)));
        }

        for report in verify_trees(dir.path(), &[verifier(), sm3_verifier()], &[]).unwrap() {
            assert_eq!(report.first_bad, None, "round {round}, {} tree", report.tree);
        }
        let reader = Reader::of_directory(dir.path(), &verifier()).unwrap();
        let leaves = reader.read(0..u64::MAX).unwrap();
        for (index, hash) in &acknowledged {
            let found = leaves.get(usize::try_from(*index).unwrap()).map(|logged| hex(&logged.leaf_hash));
            assert_eq!(found.as_ref(), Some(hash), "round {round}: record {index} was acknowledged");
        }
    }
    assert!(acknowledged.len() as u64 > KILLS, "only {} acknowledgements", acknowledged.len());
    let mut indices: Vec<u64> = acknowledged.iter().map(|(index, _)| *index).collect();
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), acknowledged.len(), "no number was given twice");
}

fn ack(line: &str) -> Option<(u64, String)> {
    let (index, hash) = line.strip_prefix("ack ")?.split_once(' ')?;
    (hash.len() == 64).then(|| (index.parse().unwrap(), hash.to_owned()))
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
