//! Judgements on failure domains: whether what is asked of them can be had, and what their names hide.

use super::Storage;
use super::finding::{Finding, Severity};
use std::collections::BTreeSet;

const OPTION: &str = "storage.write_domains";

pub(super) fn check(storage: &Storage) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, option, cause: String, remedy| {
        findings.push(Finding { severity, option, cause, remedy });
    };
    let names = names(storage);
    let wanted = storage.write_domains();
    if wanted == 0 || wanted > storage.write_quorum {
        say(
            Severity::Error,
            OPTION,
            format!("{} copies cannot lie in {wanted} failure domains", storage.write_quorum),
            "choose 1 to storage.write_quorum: 2 copies lie in 2 failure domains at most",
        );
    } else if wanted > names.len() {
        let listed = names.iter().copied().collect::<Vec<_>>().join(", ");
        say(
            Severity::Error,
            OPTION,
            format!(
                "images are to lie in {wanted} failure domains, and the replicas lie in {}: {listed}",
                names.len()
            ),
            "put a replica into another failure domain, or ask for fewer",
        );
    } else if wanted > 1 && wanted == names.len() {
        say(
            Severity::Note,
            OPTION,
            format!("all {wanted} failure domains are needed: while one is lost, no image is acknowledged"),
            "nothing when that is what you want; with a replica in one domain more, writing goes on",
        );
    }
    if wanted <= 1 && names.len() < storage.replicas.len() {
        say(
            Severity::Warning,
            "storage.replicas",
            "two replicas share a failure domain".into(),
            "put them where they do not fail together, or set storage.write_domains so that an image lies in several",
        );
    }
    let plain: BTreeSet<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    if plain.len() < names.len() || plain.contains("") {
        say(
            if wanted > 1 { Severity::Error } else { Severity::Warning },
            "storage.replicas",
            "names of failure domains are empty, or differ in case or spaces only and count as two".into(),
            "write one domain in one way",
        );
    }
    findings
}

/// The failure domains of the replicas.
fn names(storage: &Storage) -> BTreeSet<&str> {
    storage.replicas.iter().map(|replica| replica.failure_domain.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, TemplateValues, render};

    /// What is said of three replicas in these domains with a write quorum of 2.
    fn said(domains: [&str; 3], wanted: Option<usize>) -> Vec<(Severity, &'static str)> {
        let config: Config = toml::from_str(&render(&TemplateValues::example())).unwrap();
        let mut storage = config.storage;
        storage.write_domains = wanted;
        storage.replicas.iter_mut().zip(domains).for_each(|(replica, of)| replica.failure_domain = of.into());
        check(&storage).into_iter().map(|finding| (finding.severity, finding.option)).collect()
    }

    #[test]
    fn what_failure_domains_cannot_give_is_an_error() {
        let apart = ["north", "south", "east"];
        assert_eq!(said(apart, None), []);
        assert_eq!(said(apart, Some(2)), []);
        assert_eq!(said(apart, Some(3)), [(Severity::Error, OPTION)], "two copies lie in two at most");
        assert_eq!(said(apart, Some(0)), [(Severity::Error, OPTION)]);
        assert_eq!(said(["north"; 3], Some(2)), [(Severity::Error, OPTION)]);
    }

    #[test]
    fn a_domain_that_writes_cannot_do_without_is_told() {
        assert_eq!(said(["north", "north", "south"], Some(2)), [(Severity::Note, OPTION)]);
        let shared = (Severity::Warning, "storage.replicas");
        assert_eq!(said(["north", "north", "south"], None), [shared]);
    }

    #[test]
    fn a_domain_that_is_written_in_two_ways_does_not_pass_for_two() {
        let names = (Severity::Error, "storage.replicas");
        assert_eq!(said(["Room 1", "room 1", "south"], Some(2)), [names]);
        assert_eq!(said(["north", "north ", "south"], None), [(Severity::Warning, "storage.replicas")]);
        assert_eq!(said(["", "north", "south"], Some(2)), [names]);
    }
}
