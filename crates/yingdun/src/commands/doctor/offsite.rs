//! Off-site replicas: whether they can be reached, whose they are, and with what they are lost.

use super::cluster::Member;
use super::{error, note, warning};
use crate::config::{Config, Finding, Offsite, OffsiteUrl};
use std::os::unix::fs::MetadataExt;

const OPTION: &str = "storage.offsite";

pub(super) fn offsite(config: &Config) -> Vec<(Member, Finding)> {
    if config.storage.offsite.is_empty() {
        let cause = "there is no copy in another building".to_owned();
        let remedy = "add a [[storage.offsite]] section, or copy the packs elsewhere yourself";
        return vec![(Member::Node, note(OPTION, cause, remedy))];
    }
    let of = |offsite: &Offsite| {
        let member = Member::OffsiteReplica(offsite.label.clone());
        one(config, offsite).into_iter().map(move |finding| (member.clone(), finding))
    };
    config.storage.offsite.iter().flat_map(of).collect()
}

fn one(config: &Config, offsite: &Offsite) -> Vec<Finding> {
    let OffsiteUrl::Directory(directory) = &offsite.url;
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
