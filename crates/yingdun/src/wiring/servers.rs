//! Whether the PostgreSQL servers keep what the archive promises on them: judged at the start and by `doctor`.
//!
//! The key row of a study exists nowhere but in the key database. What was acknowledged survives the loss of the primary
//! only when its commits wait for a standby.

use crate::config::{Config, DatabaseUrl, Finding, Severity};
use std::collections::BTreeMap;
use yingdun_catalog::{Follower, ServerReport, ServerState, database_servers as ask};

/// Judges the servers of every PostgreSQL database that the configuration names. Asks them, and changes nothing. Each finding comes with the
/// server that it is about.
pub(crate) async fn database_servers(config: &Config) -> Vec<(String, Finding)> {
    let mut findings = Vec::new();
    // Databases on the same servers are judged once, under the option that stands first.
    let mut judged: BTreeMap<Vec<String>, &'static str> = BTreeMap::new();
    for (option, url) in [
        ("keys.database", &config.keys.database),
        ("identity.database", &config.identity.database),
        ("catalogue.database", &config.catalogue.database),
    ] {
        let DatabaseUrl::Postgres(address) = url else { continue };
        // An address that cannot be read was told by whoever opens it.
        let Ok(reports) = ask(address).await else { continue };
        let names = reports.iter().map(|report| report.name.clone()).collect();
        if judged.insert(names, option).is_none() {
            findings.extend(judge(option, &reports));
        }
    }
    findings
}

/// What is to be said of the servers of one address.
fn judge(option: &'static str, reports: &[ServerReport]) -> Vec<(String, Finding)> {
    let mut findings = Vec::new();
    let mut say = |server: &str, severity, cause: String, remedy| {
        findings.push((server.to_owned(), Finding { severity, option, cause, remedy }));
    };
    const ALL: &str = "primary";
    let primaries: Vec<(&str, u32)> = reports
        .iter()
        .filter_map(|report| match &report.state {
            ServerState::Primary { timeline, .. } => Some((report.name.as_str(), *timeline)),
            ServerState::Standby { .. } | ServerState::Silent { .. } => None,
        })
        .collect();
    let newest = primaries.iter().map(|(_, timeline)| *timeline).max();
    if newest.is_none() {
        let cause =
            format!("none of {} server(s) is a primary: nothing can be written or read", reports.len());
        say(ALL, Severity::Error, cause, "start the primary, or promote a standby (`pg_ctl promote`)");
    }
    for ServerReport { name, state } in reports {
        match state {
            ServerState::Silent { why } => {
                let cause = format!("{name} does not answer: {why}");
                let remedy = "start it; if it was the primary and another one was promoted, make a standby of it first (pg_rewind)";
                say(name, Severity::Warning, cause, remedy);
            }
            ServerState::Primary { timeline, .. } if Some(*timeline) < newest => {
                let cause = format!(
                    "{name} takes writes on the old timeline {timeline}: it was the primary before another one was promoted"
                );
                let remedy = "stop it at once, and make a standby of it with pg_rewind; the archive does not write to it";
                say(name, Severity::Error, cause, remedy);
            }
            ServerState::Primary { timeline, read_only, forces_to_disk, waits_for, followers } => {
                if primaries.iter().any(|(other, theirs)| other != name && theirs == timeline) {
                    let cause = format!("{name} and another server both take writes on timeline {timeline}");
                    let remedy = "stop all but one at once, find out which of them the archive wrote to, and keep that one";
                    say(name, Severity::Error, cause, remedy);
                }
                if *read_only {
                    let cause =
                        format!("{name} is the primary and takes no writes (default_transaction_read_only)");
                    say(
                        name,
                        Severity::Error,
                        cause,
                        "ALTER SYSTEM RESET default_transaction_read_only, and reload it",
                    );
                }
                if !forces_to_disk {
                    let cause = format!("{name} does not force commits to its disk (fsync = off)");
                    let remedy =
                        "set fsync = on; a power cut may cost the keys of studies that were acknowledged";
                    say(name, Severity::Warning, cause, remedy);
                }
                waits(name, waits_for, followers, &mut say);
                let seen: Vec<String> = followers.iter().map(told).collect();
                let seen = if seen.is_empty() { "nobody follows".to_owned() } else { seen.join(", ") };
                let cause = format!("{name} is the primary, timeline {timeline}: {seen}");
                say(name, Severity::Note, cause, "nothing");
            }
            ServerState::Standby { timeline, receives, unapplied_bytes } => {
                if *receives {
                    let cause = format!(
                        "{name} is a standby, timeline {timeline}, and has {unapplied_bytes} bytes to apply"
                    );
                    say(name, Severity::Note, cause, "nothing");
                } else {
                    let cause = format!("{name} is a standby and follows nobody");
                    let remedy = "correct its primary_conninfo; after a promotion it may need pg_rewind or a new base backup";
                    say(name, Severity::Warning, cause, remedy);
                }
            }
        }
    }
    findings
}

/// Whether what a primary commits is anywhere else when it says so.
fn waits(
    name: &str,
    waits_for: &str,
    followers: &[Follower],
    say: &mut impl FnMut(&str, Severity, String, &'static str),
) {
    let hidden = followers.iter().any(|follower| follower.synchronous.is_none());
    if waits_for.is_empty() {
        let cause =
            format!("{name} waits for no standby before it confirms (synchronous_standby_names is empty)");
        let remedy = "set it to a standby that follows: else the loss of this server may cost the keys of studies that were \
                      acknowledged last, and with them their images";
        say(name, Severity::Warning, cause, remedy);
    } else if hidden {
        let cause = format!("{name} does not tell this account whether a standby follows");
        say(name, Severity::Warning, cause, "GRANT pg_monitor to the account of the archive");
    } else if !followers.iter().any(|follower| follower.synchronous == Some(true)) {
        let cause = format!("{name} waits for a standby ({waits_for}) and none follows: every write hangs");
        let remedy =
            "start the standby; or, if it is lost, empty synchronous_standby_names and make another one soon";
        say(name, Severity::Error, cause, remedy);
    }
}

fn told(follower: &Follower) -> String {
    let Follower { name, streams, synchronous, behind_bytes } = follower;
    let synchronous = if *synchronous == Some(true) { "waited for" } else { "not waited for" };
    let streams = if *streams == Some(true) { "streams" } else { "does not stream" };
    let behind = behind_bytes.map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string());
    format!("`{name}` {streams}, {synchronous}, {behind} bytes behind")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follower(synchronous: Option<bool>) -> Follower {
        Follower { name: "b".into(), streams: Some(true), synchronous, behind_bytes: Some(0) }
    }

    fn primary(name: &str, timeline: u32, waits_for: &str, followers: Vec<Follower>) -> ServerReport {
        let (read_only, forces_to_disk, waits_for) = (false, true, waits_for.to_owned());
        let state = ServerState::Primary { timeline, read_only, forces_to_disk, waits_for, followers };
        ServerReport { name: name.into(), state }
    }

    fn standby(name: &str, receives: bool) -> ServerReport {
        ServerReport {
            name: name.into(),
            state: ServerState::Standby { timeline: 1, receives, unapplied_bytes: 0 },
        }
    }

    fn worst(reports: &[ServerReport]) -> Option<(Severity, String)> {
        let findings = judge("keys.database", reports).into_iter().map(|(_, finding)| finding);
        findings.max_by_key(|finding| finding.severity).map(|finding| (finding.severity, finding.cause))
    }

    #[test]
    fn a_primary_whose_standby_is_waited_for_is_as_it_should_be() {
        let reports = [primary("a", 1, "b", vec![follower(Some(true))]), standby("b", true)];
        assert_eq!(worst(&reports).unwrap().0, Severity::Note);
    }

    #[test]
    fn a_primary_that_waits_for_nobody_is_a_warning_and_one_that_waits_in_vain_an_error() {
        let alone = worst(&[primary("a", 1, "", vec![])]).unwrap();
        assert!(alone.0 == Severity::Warning && alone.1.contains("synchronous_standby_names"), "{alone:?}");
        let asynchronous = worst(&[primary("a", 1, "", vec![follower(Some(false))])]).unwrap();
        assert_eq!(asynchronous.0, Severity::Warning);
        let in_vain = worst(&[primary("a", 1, "b", vec![])]).unwrap();
        assert!(in_vain.0 == Severity::Error && in_vain.1.contains("every write hangs"), "{in_vain:?}");
        let hidden = worst(&[primary("a", 1, "b", vec![follower(None)])]).unwrap();
        assert!(hidden.0 == Severity::Warning && hidden.1.contains("does not tell"), "{hidden:?}");
    }

    #[test]
    fn two_primaries_are_an_error_that_names_the_old_one() {
        let reports = [primary("a", 1, "b", vec![]), primary("b", 2, "", vec![])];
        let findings = judge("keys.database", &reports);
        let told: Vec<&str> = findings
            .iter()
            .map(|(_, finding)| finding)
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.cause.as_str())
            .collect();
        assert!(
            matches!(told[..], [one] if one.starts_with("a takes writes on the old timeline 1")),
            "{told:?}"
        );
        let same = worst(&[primary("a", 2, "b", vec![]), primary("b", 2, "a", vec![])]).unwrap();
        assert_eq!(same.0, Severity::Error);
    }

    #[test]
    fn servers_without_a_primary_and_standbys_without_a_source_are_told() {
        assert_eq!(worst(&[standby("a", false), standby("b", true)]).unwrap().0, Severity::Error);
        let silent = ServerReport { name: "a".into(), state: ServerState::Silent { why: "gone".into() } };
        let promoted = [silent, primary("b", 2, "", vec![])];
        let findings = judge("keys.database", &promoted);
        assert!(
            findings
                .iter()
                .any(|(server, finding)| server == "a" && finding.cause == "a does not answer: gone")
        );
    }
}
