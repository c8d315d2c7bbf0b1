//! What `doctor` says of the replicas: whether they can be used, are enough, lie apart, and were checked.

use super::{error, note, warning};
use crate::config::{Config, Finding, Replica, Storage};
use crate::installation::rfc3339;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;
use yingdun_model::Timestamp;
use yingdun_storage::{RealDisk, ScrubPass, last_scrub};

/// Whether each replica can be used, whether those that can are enough, and which are lost together.
pub(super) fn replicas(config: &Config) -> Vec<Finding> {
    const OPTION: &str = "storage.replicas";
    let mut findings = Vec::new();
    let mut devices: BTreeMap<u64, Vec<&Replica>> = BTreeMap::new();
    let mut usable = Vec::new();
    for replica in &config.storage.replicas {
        let (label, directory) = (replica.label.as_str(), &replica.directory);
        let metadata = match directory.metadata() {
            Ok(metadata) if metadata.is_dir() => metadata,
            Ok(_) => {
                findings.push(error(OPTION, format!("replica `{label}` is not a folder"), "name a folder"));
                continue;
            }
            Err(cause) => {
                findings.push(error(
                    OPTION,
                    format!("replica `{label}` at `{}` cannot be reached: {cause}", directory.display()),
                    "mount its disk; an empty new disk is filled from the other replicas",
                ));
                continue;
            }
        };
        devices.entry(metadata.dev()).or_default().push(replica);
        if metadata.mode() & 0o077 != 0 {
            findings.push(warning(
                OPTION,
                format!("replica `{label}` can be read by other accounts"),
                "chmod 700 its folder; what it holds is sealed, and still nobody else's business",
            ));
        }
        let writable =
            rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
        if writable.is_err() {
            findings.push(error(
                OPTION,
                format!("this account may not write to replica `{label}`"),
                "give the folder to the account that runs yingdun",
            ));
        }
        let free = rustix::fs::statvfs(directory).map(|space| space.f_bavail.saturating_mul(space.f_frsize));
        let is_full = free.is_ok_and(|free| free <= config.storage.reserve_bytes);
        if is_full {
            findings.push(error(
                OPTION,
                format!("replica `{label}` has no room beyond the reserve"),
                "free space on its disk, move it to a larger one, or lower storage.reserve_bytes",
            ));
        }
        if writable.is_ok() && !is_full {
            usable.push(replica);
        }
    }
    for together in devices.values().filter(|together| together.len() > 1) {
        let labels: Vec<&str> = together.iter().map(|replica| replica.label.as_str()).collect();
        let domains: BTreeSet<&str> = domains_of(together.iter().copied());
        let mut cause = format!("replicas {} lie on one disk and are lost together", labels.join(", "));
        if config.storage.write_domains() > 1 && domains.len() > 1 {
            cause += ", though their failure domains count as several";
        }
        findings.push(warning(OPTION, cause, "put each replica on a disk of its own"));
    }
    findings.extend(quorum(&config.storage, &usable));
    findings
}

/// Whether the replicas that can be written are enough for an image, and lie in enough failure domains.
fn quorum(storage: &Storage, usable: &[&Replica]) -> Option<Finding> {
    const REMEDY: &str = "bring back a replica that is missing (mount its disk, make room), or put one elsewhere; until then no image is acknowledged";
    if usable.len() < storage.write_quorum {
        let cause = format!("{} replicas must take an image, and {} can", storage.write_quorum, usable.len());
        return Some(error("storage.write_quorum", cause, REMEDY));
    }
    let (all, left) = (domains_of(&storage.replicas), domains_of(usable.iter().copied()));
    if left.len() >= storage.write_domains() {
        return None;
    }
    let missing: Vec<&str> = all.difference(&left).copied().collect();
    let cause = format!(
        "an image must lie in {} failure domains, and replicas can be written in {}: none can in {}",
        storage.write_domains(),
        left.len(),
        missing.join(", ")
    );
    Some(error("storage.write_domains", cause, REMEDY))
}

fn domains_of<'a>(replicas: impl IntoIterator<Item = &'a Replica>) -> BTreeSet<&'a str> {
    replicas.into_iter().map(|replica| replica.failure_domain.as_str()).collect()
}

/// When every byte of each replica was read last, and what came of it.
pub(super) fn scrub(config: &Config, now: Timestamp) -> Vec<Finding> {
    let replicas = config.storage.replicas.iter().map(|replica| {
        // A folder that cannot be reached was told before.
        let last = last_scrub(&RealDisk, &replica.directory).ok().flatten();
        scrub_finding(&replica.label, last, config.storage.scrub_interval(), now)
    });
    replicas.collect()
}

fn scrub_finding(label: &str, last: Option<ScrubPass>, interval: Duration, now: Timestamp) -> Finding {
    const OPTION: &str = "storage.replicas";
    let Some(last) = last else {
        let cause = format!("replica `{label}` was never checked in full");
        return note(OPTION, cause, "nothing in the first days; `yingdun scrub --now` begins at once");
    };
    let ended = Timestamp::from_ms(last.ended_ms);
    let ScrubPass { records, found, lost, .. } = last;
    let cause = format!(
        "replica `{label}` was last checked in full at {}: {records} records, {found} faults found, {lost} whole nowhere",
        rfc3339(ended)
    );
    if lost > 0 {
        let remedy = "look for a copy of these packs (leaves `record-lost`), put it in their place, and run `yingdun scrub --now`";
        error(OPTION, cause, remedy)
    } else if ended.after(interval) < now {
        warning(OPTION, cause, "keep the archive running, or its disks are too slow for storage.scrub_days")
    } else {
        note(OPTION, cause, "nothing; faults that were found are repaired from other replicas")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;

    #[test]
    fn a_replica_that_was_not_checked_in_time_or_lost_something_is_told() {
        let day = Duration::from_secs(24 * 3600);
        let pass = ScrubPass { begun_ms: 0, ended_ms: 1000, bytes: 9, records: 3, found: 1, lost: 0 };
        let severity = |last, now| scrub_finding("a", last, day, now).severity;
        let (soon, late) = (Timestamp::from_ms(2000), Timestamp::from_ms(1001).after(day));
        assert_eq!(severity(None, soon), Severity::Note);
        assert_eq!(severity(Some(pass), soon), Severity::Note);
        assert_eq!(severity(Some(pass), late), Severity::Warning);
        assert_eq!(severity(Some(ScrubPass { lost: 1, ..pass }), soon), Severity::Error);
    }
}
