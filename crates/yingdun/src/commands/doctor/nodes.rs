//! The other nodes of the installation: whether each serves, is reached from here, and knows this one.

use super::cluster::Member;
use super::{error, note, warning};
use crate::config::{Config, Finding};
use crate::wiring::{self, KnownNode};

const OPTION: &str = "node";

pub(super) async fn nodes(config: &Config) -> Vec<(Member, Finding)> {
    if config.node.is_none() {
        return Vec::new();
    }
    // A catalogue that does not open has been told of already.
    let Ok(known) = wiring::known_nodes(config).await else { return Vec::new() };
    let (own, others): (Vec<KnownNode>, Vec<KnownNode>) =
        known.into_iter().partition(|known| known.node.said.log.as_ref() == Some(&config.audit.origin));
    let mut findings = Vec::new();
    if own.is_empty() {
        let cause = "the catalogue does not know this node".to_owned();
        findings.push((Member::Node, error(OPTION, cause, "let it join: yingdun nodes join")));
    }
    for other in others {
        let (number, door) = (other.node.store, other.node.said.door.as_ref());
        let member = Member::OtherNode(match door {
            Some(door) => door.address.clone(),
            None => format!("node {number}"),
        });
        let reached = match door {
            Some(_) => wiring::reaches(config, number).await,
            None => Ok(()),
        };
        let of_one = judge(&other, &reached);
        findings.extend(of_one.into_iter().map(|finding| (member.clone(), finding)));
    }
    findings
}

/// What to say of a node, which was reached or not.
fn judge(other: &KnownNode, reached: &Result<(), String>) -> Vec<Finding> {
    let number = other.node.store;
    let mut findings = Vec::new();
    match (&other.served_by, &other.node.said.door, reached) {
        (None, _, _) => findings.push(warning(
            OPTION,
            format!("node {number} does not serve"),
            "start it; until then what lies in its packs is read from its copies alone (node.copies), or not at all",
        )),
        (Some(_), None, _) => findings.push(warning(
            OPTION,
            format!("node {number} serves, and has told no address"),
            "set the section [node] there, and start it anew",
        )),
        (Some(_), Some(_), Err(cause)) => findings.push(error(
            OPTION,
            format!("node {number} serves, and is not reached from here: {cause}"),
            "look at the network between both, at node.address there, and at the certificates of both (web.certificate_file, \
             node.ca_file)",
        )),
        (Some(process), Some(_), Ok(())) => {
            findings.push(note(OPTION, format!("node {number} serves ({process})"), "nothing"));
        }
    }
    let here = env!("CARGO_PKG_VERSION");
    match &other.node.said.program {
        Some(there) if there != here => findings.push(note(
            OPTION,
            format!("node {number} runs {there}, this program is {here}"),
            "bring all of them to one version; until then what the newer one adds is not used",
        )),
        _ => {}
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;
    use yingdun_catalog::catalogue::nodes::{Node, NodeDoor, NodeNotice};
    use yingdun_model::StoreNumber;

    #[test]
    fn a_node_is_well_when_it_serves_and_is_reached() {
        let door = || Some(NodeDoor { address: "https://b:8443".into(), certificate_sha256: [1; 32] });
        let known = |door, serves: bool, program: &str| KnownNode {
            node: Node {
                store: StoreNumber::FIRST,
                id: [1; 16],
                said: NodeNotice { door, log: None, program: Some(program.to_owned()) },
            },
            served_by: serves.then(|| "yingdun-b-7".to_owned()),
        };
        let here = env!("CARGO_PKG_VERSION");
        let worst = |known: KnownNode, reached: Result<(), String>| {
            judge(&known, &reached).into_iter().map(|finding| finding.severity).max()
        };
        assert_eq!(worst(known(door(), true, here), Ok(())), Some(Severity::Note));
        assert_eq!(worst(known(door(), true, here), Err("refused".into())), Some(Severity::Error));
        assert_eq!(worst(known(None, true, here), Ok(())), Some(Severity::Warning));
        assert_eq!(worst(known(door(), false, here), Err("silent".into())), Some(Severity::Warning));
        let newer = judge(&known(door(), true, "99.0.0"), &Ok(()));
        assert!(newer.iter().any(|finding| finding.cause.contains("99.0.0")), "{newer:?}");
    }
}
