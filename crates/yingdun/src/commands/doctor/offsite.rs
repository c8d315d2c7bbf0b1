//! Off-site replicas: whether they can be reached, with what they are lost, and what a bucket really does.

use super::cluster::Member;
use super::{error, note, warning};
use crate::config::{Config, Finding, Offsite, OffsiteUrl};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use yingdun_storage::{BucketProbe, Kept, OffsitePlace, probe_bucket};

const OPTION: &str = "storage.offsite";

/// Seconds by which clocks may differ before somebody is told; more is not a clock that is looked after.
const CLOCK_APART_SECONDS_MAX: i64 = 60;

pub(super) async fn offsite(config: &Config) -> Vec<(Member, Finding)> {
    if config.storage.offsite.is_empty() {
        let cause = "there is no copy in another building".to_owned();
        let remedy = "add a [[storage.offsite]] section, or copy the packs elsewhere yourself";
        return vec![(Member::Node, note(OPTION, cause, remedy))];
    }
    let mut findings = Vec::new();
    for offsite in &config.storage.offsite {
        let of_one = match &offsite.url {
            OffsiteUrl::Directory(directory) => folder(config, offsite, directory),
            OffsiteUrl::Bucket { .. } => bucket(offsite).await,
        };
        let member = Member::OffsiteReplica(offsite.label.clone());
        findings.extend(of_one.into_iter().map(|finding| (member.clone(), finding)));
    }
    findings
}

/// Tries out what the bucket does.
async fn bucket(offsite: &Offsite) -> Vec<Finding> {
    let label = &offsite.label;
    let place = match offsite.settings() {
        Ok(settings) => settings.place,
        Err((path, cause)) => {
            let cause = format!("off-site replica `{label}`: `{}`: {cause}", path.display());
            return vec![error(OPTION, cause, "name a file with access_key_id and secret_access_key")];
        }
    };
    let OffsitePlace::Bucket(place) = place else { return Vec::new() };
    // The store blocks its threads.
    let probed = tokio::task::spawn_blocking(move || probe_bucket(&place)).await;
    match probed.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Err(cause) => {
            let cause = format!("the bucket of off-site replica `{label}` does not do what it must: {cause}");
            let remedy = "check address, bucket and rights: put, get, list and delete objects, and with retain_days lock them";
            vec![error(OPTION, cause, remedy)]
        }
        Ok(probe) => judge(offsite, &probe),
    }
}

/// What to say of a bucket that was tried out.
fn judge(offsite: &Offsite, probe: &BucketProbe) -> Vec<Finding> {
    let label = &offsite.label;
    let mut findings = vec![match (probe.kept, offsite.retain_days) {
        (Kept::Locked, _) => note(
            OPTION,
            format!(
                "what is written to off-site replica `{label}` cannot be destroyed with its own keys (tried)"
            ),
            "nothing; where the bucket locks by a rule of its own, pieces of open packs stay as long too",
        ),
        (Kept::Versioned | Kept::Nothing, Some(_)) => error(
            OPTION,
            format!("off-site replica `{label}` takes locks, and does not keep to them (tried)"),
            "use a server with Object Lock, and forbid these keys to pass over it (BypassGovernanceRetention)",
        ),
        (Kept::Versioned, None) => warning(
            OPTION,
            format!(
                "off-site replica `{label}` keeps removed objects, but its keys can destroy those too (tried)"
            ),
            "set retain_days where the bucket has Object Lock, or forbid these keys to delete versions",
        ),
        (Kept::Nothing, None) => warning(
            OPTION,
            format!("who holds the keys of off-site replica `{label}` can destroy what is in it (tried)"),
            "use a bucket with Object Lock and set retain_days, or keep another copy out of reach",
        ),
    }];
    if !probe.listed_at_once {
        findings.push(warning(
            OPTION,
            format!("off-site replica `{label}` does not list at once what was written (tried)"),
            "nothing is lost by it; after a restart packs may be sent twice",
        ));
    }
    if let Some(seconds) = probe.clock_ahead_seconds.filter(|seconds| seconds.abs() > CLOCK_APART_SECONDS_MAX)
    {
        findings.push(warning(
            OPTION,
            format!("the clock of off-site replica `{label}` and this one are {} s apart", seconds.abs()),
            "set both by NTP: signatures are refused when they are 15 minutes apart, and locks end by its clock",
        ));
    }
    let overwrites = match probe.conditional_put {
        true => "refuses to overwrite when it is asked to",
        false => "overwrites although it is asked not to, on which nothing depends",
    };
    let left = probe.left_versions;
    findings.push(note(
        OPTION,
        format!("off-site replica `{label}` {overwrites}; {left} versions of probes are left there (tried)"),
        "nothing; what is locked is tidied away by a later doctor",
    ));
    findings
}

fn folder(config: &Config, offsite: &Offsite, directory: &Path) -> Vec<Finding> {
    let label = &offsite.label;
    let metadata = match directory.metadata() {
        Ok(metadata) => metadata,
        Err(cause) => {
            let cause =
                format!("off-site replica `{label}` at `{}` cannot be reached: {cause}", directory.display());
            return vec![error(OPTION, cause, "mount it; a new folder is made when the archive starts")];
        }
    };
    let mut findings = Vec::new();
    let device = |replica: &&crate::config::Replica| {
        replica.directory.metadata().is_ok_and(|other| other.dev() == metadata.dev())
    };
    if let Some(replica) = config.storage.replicas.iter().find(device) {
        findings.push(warning(
            OPTION,
            format!("off-site replica `{label}` lies on the disk of replica `{}`", replica.label),
            "put it into another building; here it is lost together with what it should protect",
        ));
    }
    let writable = rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    if writable.is_err() {
        findings.push(error(
            OPTION,
            format!("this account may not write to off-site replica `{label}`"),
            "give the folder to the account that runs yingdun",
        ));
    }
    findings
}
