//! `doctor`: judges the machine around a configuration. Reads only, and may run beside a serving archive.

mod cluster;
mod complete;
mod directories;
mod feed;
mod keys;
mod nodes;
mod offsite;
mod replicas;
mod syslog;
mod witnesses;

use self::cluster::Member;
use self::complete::{LogFacts, facts_of, late};
use self::keys::{Looked, RootFacts, SuiteInUse};
use self::replicas::{replicas, scrub};
use super::check_config::{verdict, words};
use super::{CommandError, Verdict};
use crate::config::{self, Config, DatabaseUrl, Finding, Severity};
use crate::output::Output;
use crate::wiring::{self, read_certificate};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;
use yingdun_audit::render::rfc3339;
use yingdun_audit::verify::verify_trees;
use yingdun_audit::{Reader, Tree};
use yingdun_catalog::{Database, DatabaseKind, Inspected};
use yingdun_crypto::sign::NoteVerifier;
use yingdun_crypto::{KeyMemory, SealingKey, key_memory};
use yingdun_model::{Clock, SystemClock, Timestamp};

/// How long before its end a certificate is worth a warning: time enough to order and install another one.
const EXPIRY_NOTICE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How far the newest leaf may lie in the future before the clock is called wrong: more than any drift that NTP
/// leaves.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// A clock before this moment, the first day of 2026, was never set.
const CLOCK_MIN: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Check {
    Configuration,
    Replicas,
    Offsite,
    Scrub,
    Certificates,
    RootKey,
    Memory,
    Databases,
    DatabaseServers,
    Nodes,
    EventStream,
    Directories,
    Witnesses,
    AuditLog,
    Syslog,
    Ports,
    Clock,
}

#[derive(Serialize)]
struct Diagnosis {
    check: Check,
    #[serde(flatten)]
    finding: Finding,
}

#[derive(Default, Serialize)]
struct Report {
    checks: Vec<Check>,
    findings: Vec<Diagnosis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_key: Option<RootFacts>,
    suites: Vec<SuiteInUse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_log: Option<LogFacts>,
    /// The same findings by those whom they are about.
    #[serde(skip)]
    members: BTreeMap<Member, Vec<Finding>>,
}

impl Report {
    /// Takes what is to be said of this machine.
    fn add(&mut self, check: Check, findings: Vec<Finding>) {
        self.add_of_members(check, findings.into_iter().map(|finding| (Member::Node, finding)));
    }

    fn add_of_members(&mut self, check: Check, findings: impl IntoIterator<Item = (Member, Finding)>) {
        self.checks.push(check);
        for (member, finding) in findings {
            self.members.entry(member).or_default().push(finding.clone());
            self.findings.push(Diagnosis { check, finding });
        }
    }
}

/// Looks at everything, and says causes and remedies; bad when one of them is an error. With `by_member`, it is shown by those whom it is
/// about.
pub(super) async fn doctor(path: &Path, by_member: bool, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(path)?;
    let mut report = Report::default();
    report.add(Check::Configuration, config::check(&config));
    report.add(Check::Replicas, replicas(&config));
    // Those of which there is nothing to say are there as well.
    for offsite in &config.storage.offsite {
        report.members.entry(Member::OffsiteReplica(offsite.label.clone())).or_default();
    }
    report.add_of_members(Check::Offsite, offsite::offsite(&config).await);
    report.add(Check::Scrub, scrub(&config, SystemClock.now()));
    report.add(Check::Certificates, certificates(&config));
    report.add(Check::Databases, databases(&config).await);
    let servers = wiring::database_servers(&config).await.into_iter();
    let servers = servers.map(|(server, finding)| (Member::DatabaseServer(server), finding));
    report.add_of_members(Check::DatabaseServers, servers);
    report.add_of_members(Check::Nodes, nodes::nodes(&config).await);
    report.add_of_members(Check::EventStream, feed::feed(&config).await);
    report.add(Check::Directories, directories::directories(&config).await);
    let Looked { findings, verifiers, logs, suites, root_key } = keys::keys(&config, path).await;
    report.add(Check::RootKey, findings);
    report.add(Check::Memory, memory());
    report.suites = suites;
    report.root_key = Some(root_key);
    let signs = verifiers.iter().flatten().find(|verifier| Tree::of(verifier) == Tree::Sha256);
    let (mut seen_by, seen) = witnesses::witnesses(&config, signs, logs.len()).await;
    seen_by.extend(witnesses::of_others(&config, &logs));
    report.add(Check::Witnesses, seen_by);
    let (mut log, facts) = audit_log(&config, verifiers, seen).await;
    let newest = facts.map(|facts| facts.newest);
    if let Some(facts) = &facts
        && serves(&config).await
    {
        log.extend(late(facts, SystemClock.now()));
    }
    report.audit_log = facts;
    report.add(Check::AuditLog, log);
    report.add(Check::Syslog, syslog::syslog(&config).await);
    report.add(Check::Ports, ports(&config).await);
    report.add(Check::Clock, clock(newest));
    if by_member {
        return cluster::show(&config, report, output).await;
    }
    let findings: Vec<Finding> = report.findings.iter().map(|d| d.finding.clone()).collect();
    output.say(&report, |language| {
        let mut lines: Vec<String> = report
            .checks
            .iter()
            .filter(|check| report.findings.iter().all(|diagnosis| diagnosis.check != **check))
            .map(|check| language.check_passed(check.as_str()))
            .collect();
        if !findings.is_empty() {
            lines.push(words(language, &findings));
        }
        lines
            .extend(report.audit_log.iter().map(|log| language.oldest_leaf(rfc3339(log.oldest), log.leaves)));
        lines.extend(report.root_key.iter().map(|root| match (root.shares_needed, root.shares) {
            (Some(needed), Some(shares)) => language.root_kept_by_shares(root.kept_by, needed, shares),
            _ => language.root_kept_by(root.kept_by),
        }));
        lines.extend(report.suites.iter().map(
            |SuiteInUse { grade, suite, new_studies }| match new_studies {
                true => language.suite_of_new_studies(grade, suite),
                false => language.suite_of_older_studies(grade, suite),
            },
        ));
        lines.join("\n")
    })?;
    Ok(verdict(&findings))
}

impl Check {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Replicas => "replicas",
            Self::Offsite => "offsite",
            Self::Scrub => "scrub",
            Self::Certificates => "certificates",
            Self::RootKey => "root-key",
            Self::Memory => "memory",
            Self::Databases => "databases",
            Self::DatabaseServers => "database-servers",
            Self::Nodes => "nodes",
            Self::EventStream => "event-stream",
            Self::Directories => "directories",
            Self::Witnesses => "witnesses",
            Self::AuditLog => "audit-log",
            Self::Syslog => "syslog",
            Self::Ports => "ports",
            Self::Clock => "clock",
        }
    }
}

// === checks, in the order in which they are made ===

fn certificates(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now = SystemClock.now();
    let mut files = vec![
        ("web.certificate_file", &config.web.certificate_file),
        ("dicom.certificate_file", &config.dicom.certificate_file),
        ("dicom.client_ca_file", &config.dicom.client_ca_file),
    ];
    files.dedup_by_key(|(_, path)| *path);
    for (option, path) in files {
        let facts = match read_certificate(path) {
            Ok(Some(facts)) => facts,
            Ok(None) => {
                findings.push(error(option, "no certificate can be read from it".into(), "name a PEM file"));
                continue;
            }
            // The configuration check has said that it is not there.
            Err(_) => continue,
        };
        let (from, until) = (Timestamp::from_ms(facts.not_before_ms), Timestamp::from_ms(facts.not_after_ms));
        if until <= now {
            findings.push(error(
                option,
                format!("the certificate of `{}` has expired", facts.subject),
                "install a new one and restart",
            ));
        } else if until <= now.after(EXPIRY_NOTICE) {
            findings.push(warning(
                option,
                format!("the certificate of `{}` expires within 30 days", facts.subject),
                "install a new one before",
            ));
        }
        if now < from {
            findings.push(error(
                option,
                format!("the certificate of `{}` is not valid yet", facts.subject),
                "set the clock of this machine",
            ));
        }
        let host = config.web.public_url.as_deref().and_then(host_of);
        if option == "web.certificate_file"
            && let Some(host) = host
            && !facts.names.iter().any(|name| name.eq_ignore_ascii_case(host))
        {
            findings.push(error(
                option,
                format!("the certificate is not valid for `{host}`, the host of web.public_url"),
                "issue one for this name, or correct web.public_url",
            ));
        }
    }
    findings
}

async fn databases(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (option, url, kind) in [
        ("catalogue.database", &config.catalogue.database, DatabaseKind::Catalogue),
        ("keys.database", &config.keys.database, DatabaseKind::Keys),
        ("identity.database", &config.identity.database, DatabaseKind::Identity),
    ] {
        match look_into(url, kind).await {
            Ok(Inspected { pending_steps: 0, .. }) => {}
            Ok(Inspected { pending_steps, .. }) => findings.push(warning(
                option,
                format!("its schema is behind this program by {pending_steps} step(s)"),
                "make a copy of it; the next start of the archive brings it up to date",
            )),
            Err(cause) => findings.push(error(
                option,
                cause,
                "restore it from a copy; start the database server; the catalogue alone can also be rebuilt",
            )),
        }
    }
    findings
}

/// Whether keys stay out of the swap area.
fn memory() -> Vec<Finding> {
    // One key at least has a place then, also where the root key waits for its shares.
    let _key = SealingKey::generate();
    let KeyMemory { bytes, locked_bytes } = key_memory();
    // The first line is a heading.
    let swaps = std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1);
    memory_finding(locked_bytes >= bytes, swaps).into_iter().collect()
}

fn memory_finding(locked: bool, swaps: bool) -> Option<Finding> {
    let cause = "keys cannot be locked in memory by this account (RLIMIT_MEMLOCK)";
    match (locked, swaps) {
        (true, _) => None,
        (false, true) => {
            let remedy = "set LimitMEMLOCK=8M in the unit, or turn swap off or encrypt it; then look as the service's account";
            Some(warning("memory", format!("{cause}, so the swap area may get them"), remedy))
        }
        (false, false) => {
            let remedy = "nothing as long as no swap is turned on; LimitMEMLOCK=8M in the unit to be sure";
            Some(note("memory", format!("{cause}; no swap is on"), remedy))
        }
    }
}

/// The log must continue the checkpoints that others have seen. Also gives what its leaves say of it.
async fn audit_log(
    config: &Config,
    verifiers: Option<Vec<NoteVerifier>>,
    seen: Vec<String>,
) -> (Vec<Finding>, Option<LogFacts>) {
    const REMEDY: &str =
        "keep the folder as evidence, compare it with a copy, and call whoever watches the audit";
    let Some(verifiers) = verifiers else {
        let cause = "not verified, because the key that signs it is not open".to_owned();
        let remedy = "look at the root key first, or use `yingdun audit verify` with the public key";
        return (vec![warning("audit.directory", cause, remedy)], None);
    };
    let directory = config.audit.directory.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        let reports = verify_trees(&directory, &verifiers, &seen).map_err(|error| error.to_string())?;
        let newest = verifiers.first().map(|verifier| Reader::of_directory(&directory, verifier));
        let newest = newest.and_then(Result::ok).and_then(|reader| facts_of(&reader).ok().flatten());
        let bad = reports
            .into_iter()
            .find_map(|report| Some(format!("{} tree: {}", report.tree, report.first_bad?)));
        Ok((bad, newest))
    });
    match looked.await.unwrap_or_else(|error| Err(error.to_string())) {
        Ok((None, newest)) if !config.audit.sm3_tree && sm3_folder(config).exists() => {
            let cause = "the log has an SM3 tree, which the configuration does not ask for".to_owned();
            let remedy = "set audit.sm3_tree = true; the archive does not start without it";
            (vec![error("audit.sm3_tree", cause, remedy)], newest)
        }
        Ok((None, newest)) => (Vec::new(), newest),
        Ok((Some(bad), newest)) => (vec![error("audit.directory", bad, REMEDY)], newest),
        Err(cause) => (vec![error("audit.directory", cause, REMEDY)], None),
    }
}

fn sm3_folder(config: &Config) -> PathBuf {
    config.audit.directory.join("sm3")
}

async fn ports(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let served = serves(config).await;
    for (option, address) in [
        ("web.listen", Some(config.web.listen)),
        ("dicom.tls_listen", config.dicom.tls_listen),
        ("dicom.plain_listen", config.dicom.plain_listen),
    ] {
        let Some(address) = address else { continue };
        match TcpListener::bind(address) {
            Ok(_) => {}
            Err(cause) if cause.kind() == ErrorKind::AddrInUse && served => {}
            Err(cause) => findings.push(error(
                option,
                format!("{address} cannot be bound: {cause}"),
                "stop what listens there, or choose another port; ports below 1024 need CAP_NET_BIND_SERVICE",
            )),
        }
    }
    findings
}

fn clock(newest_leaf: Option<Timestamp>) -> Vec<Finding> {
    let now = SystemClock.now();
    let wrong = |cause: &str| vec![error("clock", cause.into(), "set the clock and keep it with NTP")];
    if now < CLOCK_MIN {
        return wrong("the clock of this machine was never set");
    }
    if newest_leaf.is_some_and(|leaf| leaf > now.after(CLOCK_TOLERANCE)) {
        return wrong("the newest leaf of the audit log was written in the future of this clock");
    }
    Vec::new()
}

// === helpers ===

/// Whether an archive with the certificate of this configuration answers on its web address.
async fn serves(config: &Config) -> bool {
    const ASK_TIME_MAX: Duration = Duration::from_secs(3);
    let address = reachable(config.web.listen);
    // Any certificate is taken: the question is who holds the port, and no secret is sent.
    let client =
        reqwest::Client::builder().tls_danger_accept_invalid_certs(true).timeout(ASK_TIME_MAX).build();
    let Ok(client) = client else { return false };
    let Ok(answer) = client.get(format!("https://{address}/health/live")).send().await else { return false };
    answer.text().await.is_ok_and(|text| text.contains("\"live\""))
}

/// An address that stands for all addresses is reached through loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(any) if any.ip().is_unspecified() => ([127, 0, 0, 1], any.port()).into(),
        SocketAddr::V6(any) if any.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, any.port()).into()
        }
        other => other,
    }
}

async fn look_into(url: &DatabaseUrl, kind: DatabaseKind) -> Result<Inspected, String> {
    let looked = match url {
        DatabaseUrl::Sqlite(path) if !path.is_file() => {
            return Err(format!("there is no database at `{}`", path.display()));
        }
        DatabaseUrl::Sqlite(path) => Database::inspect_sqlite(path, kind).await,
        DatabaseUrl::Postgres(address) => Database::inspect_postgres(address, kind).await,
    };
    looked.map_err(|error| error.to_string())
}

fn host_of(url: &str) -> Option<&str> {
    let authority = url.strip_prefix("https://")?.split('/').next()?;
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    }
}

const fn note(option: &'static str, cause: String, remedy: &'static str) -> Finding {
    Finding { severity: Severity::Note, option, cause, remedy }
}

const fn error(option: &'static str, cause: String, remedy: &'static str) -> Finding {
    Finding { severity: Severity::Error, option, cause, remedy }
}

const fn warning(option: &'static str, cause: String, remedy: &'static str) -> Finding {
    Finding { severity: Severity::Warning, option, cause, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_found_with_and_without_port_and_brackets() {
        for (url, host) in [
            ("https://archive.example:8443", "archive.example"),
            ("https://archive.example", "archive.example"),
            ("https://[::1]:8443", "::1"),
        ] {
            assert_eq!(host_of(url), Some(host));
        }
        assert_eq!(host_of("http://archive.example"), None);
    }

    #[test]
    fn keys_that_cannot_be_locked_are_a_warning_where_there_is_a_swap_area() {
        let severity = |locked, swaps| memory_finding(locked, swaps).map(|finding| finding.severity);
        assert_eq!([severity(true, true), severity(true, false)], [None, None]);
        assert_eq!(severity(false, false), Some(Severity::Note));
        assert_eq!(severity(false, true), Some(Severity::Warning));
    }

    #[test]
    fn a_clock_behind_the_newest_leaf_is_wrong() {
        assert!(clock(None).is_empty());
        assert_eq!(clock(Some(SystemClock.now().after(Duration::from_secs(3600)))).len(), 1);
    }
}
