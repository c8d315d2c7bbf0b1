//! `doctor --cluster`: everything that an archive stands on in one view, member by member, the healthy ones too.

use super::super::check_config::verdict;
use super::super::{CommandError, Verdict};
use super::{Report, error, note, reachable, serves};
use crate::config::{Config, Finding, Severity};
use crate::messages::Language;
use crate::output::Output;
use serde::Serialize;
use std::collections::BTreeMap;

/// Who a finding is about, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Member {
    /// This machine, its disks, keys, log and doors.
    Node,
    /// Another node of the installation, by its address.
    OtherNode(String),
    /// A PostgreSQL server.
    DatabaseServer(String),
    /// A NATS server.
    NatsServer(String),
    /// The stream on the NATS servers.
    EventStream(String),
    /// A copy of the packs elsewhere.
    OffsiteReplica(String),
}

#[derive(Serialize)]
struct View {
    healthy: bool,
    members: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    name: String,
    health: Health,
    findings: Vec<Finding>,
}

/// How a member is: as bad as the worst that is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Error,
}

/// Shows what was found, member by member; bad when one of the findings is an error.
pub(super) async fn show(config: &Config, report: Report, output: Output) -> Result<Verdict, CommandError> {
    let mut members = report.members;
    members.entry(Member::Node).or_default().push(door(config).await);
    let findings: Vec<Finding> = members.values().flatten().cloned().collect();
    let view = view(members);
    output.say(&view, |language| {
        view.members.iter().map(|member| member.words(language)).collect::<Vec<String>>().join("\n")
    })?;
    Ok(verdict(&findings))
}

impl Member {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Node | Self::OtherNode(_) => "node",
            Self::DatabaseServer(_) => "database-server",
            Self::NatsServer(_) => "nats-server",
            Self::EventStream(_) => "event-stream",
            Self::OffsiteReplica(_) => "offsite-replica",
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Node => rustix::system::uname().nodename().to_string_lossy().into_owned(),
            Self::OtherNode(name)
            | Self::DatabaseServer(name)
            | Self::NatsServer(name)
            | Self::EventStream(name)
            | Self::OffsiteReplica(name) => name.clone(),
        }
    }
}

impl Shown {
    fn words(&self, language: Language) -> String {
        let Self { kind, name, health, findings } = self;
        let mut lines = vec![match health {
            Health::Ok => language.member_well(kind, name),
            Health::Warning => language.member_at_risk(kind, name),
            Health::Error => language.member_unwell(kind, name),
        }];
        for Finding { severity, cause, remedy, .. } in findings {
            lines.push(match severity {
                Severity::Note => language.of_member(cause),
                Severity::Warning | Severity::Error => language.of_member_to_mend(cause, remedy),
            });
        }
        lines.join("\n")
    }
}

// === helpers ===

fn view(members: BTreeMap<Member, Vec<Finding>>) -> View {
    let members: Vec<Shown> = members
        .into_iter()
        .map(|(member, mut findings)| {
            // The worst first: it is what somebody looks for.
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            let health = match findings.first().map(|finding| finding.severity) {
                Some(Severity::Error) => Health::Error,
                Some(Severity::Warning) => Health::Warning,
                Some(Severity::Note) | None => Health::Ok,
            };
            Shown { kind: member.kind(), name: member.name(), health, findings }
        })
        .collect();
    View { healthy: members.iter().all(|member| member.health != Health::Error), members }
}

/// Whether the archive serves, as somebody sees it who connects.
async fn door(config: &Config) -> Finding {
    let address = reachable(config.web.listen);
    if address.port() == 0 {
        let cause = "the port is chosen at each start, so nobody knows here whether the archive serves";
        return note("web.listen", cause.to_owned(), "give web.listen a port");
    }
    match serves(config).await {
        true => note("web.listen", format!("the archive serves at https://{address}"), "nothing"),
        false => {
            let cause = format!("no archive serves at https://{address}");
            error("web.listen", cause, "start it (`yingdun serve`), and look into its log if it ends")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_shown_as_bad_as_the_worst_that_is_said_of_it() {
        let finding = |severity| Finding { severity, option: "x", cause: "c".into(), remedy: "r" };
        let shown = view(BTreeMap::from([
            (Member::OffsiteReplica("far".into()), vec![]),
            (Member::DatabaseServer("b".into()), vec![finding(Severity::Note), finding(Severity::Warning)]),
            (Member::NatsServer("a".into()), vec![finding(Severity::Note)]),
        ]));
        assert!(shown.healthy, "a warning is no failure");
        let healths: Vec<(&str, Health)> =
            shown.members.iter().map(|member| (member.kind, member.health)).collect();
        let expected = [
            ("database-server", Health::Warning),
            ("nats-server", Health::Ok),
            ("offsite-replica", Health::Ok),
        ];
        assert_eq!(healths, expected);
        let lost = view(BTreeMap::from([(Member::Node, vec![finding(Severity::Error)])]));
        assert!(!lost.healthy && lost.members[0].health == Health::Error);
    }
}
