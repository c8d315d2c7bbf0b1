//! What `check-config` says: judgements on a configuration that need no running server.

use super::finding::{Finding, Severity, is_origin, readable_by_others};
use super::{
    Config, DatabaseUrl, domains, gateway, identity, keys, nats, node, offsite, syslog, time_stamps,
    witnesses,
};
use std::collections::BTreeSet;

/// The longest rest before a study is said to be stable, in seconds: a day, after which nobody waits for it.
const STUDY_STABLE_AFTER_S_MAX: u32 = 86_400;

/// The longest time for reading everything again, in days: a quarter, after which damage on a second disk is likely.
const SCRUB_DAYS_MAX: u32 = 90;

/// Judges a configuration. The result is empty when there is nothing to say.
pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, option, cause: String, remedy| {
        findings.push(Finding { severity, option, cause, remedy });
    };

    let replicas = &config.storage.replicas;
    if replicas.is_empty() {
        say(
            Severity::Error,
            "storage.replicas",
            "there is no replica".into(),
            "add a [[storage.replicas]] section",
        );
    }
    if config.storage.write_quorum == 0 || config.storage.write_quorum > replicas.len() {
        say(
            Severity::Error,
            "storage.write_quorum",
            format!("{} of {} replicas cannot be a quorum", config.storage.write_quorum, replicas.len()),
            "choose more than half of the replicas, for example 2 of 3",
        );
    } else if replicas.len() > 1 && config.storage.write_quorum < 2 {
        say(
            Severity::Warning,
            "storage.write_quorum",
            "an image is acknowledged with one copy only".into(),
            "set 2: one broken disk then loses nothing that was acknowledged",
        );
    }
    if !(1..=STUDY_STABLE_AFTER_S_MAX).contains(&config.catalogue.study_stable_after_s) {
        say(
            Severity::Error,
            "catalogue.study_stable_after_s",
            format!(
                "{} is not between 1 and {STUDY_STABLE_AFTER_S_MAX}",
                config.catalogue.study_stable_after_s
            ),
            "set 60, or longer than modalities pause within a study",
        );
    }
    if !(1..=SCRUB_DAYS_MAX).contains(&config.storage.scrub_days) {
        say(
            Severity::Error,
            "storage.scrub_days",
            format!("{} is not between 1 and {SCRUB_DAYS_MAX}", config.storage.scrub_days),
            "set 7; longer only where the disks cannot be read as fast",
        );
    }
    if !(1..=100).contains(&config.storage.compact_dead_percent) {
        say(
            Severity::Error,
            "storage.compact_dead_percent",
            format!("{} is not between 1 and 100", config.storage.compact_dead_percent),
            "set 50; 100 where no pack is to be rewritten",
        );
    }
    if replicas.len() == 1 {
        say(
            Severity::Warning,
            "storage.replicas",
            "there is one copy of every image".into(),
            "add replicas on other disks",
        );
    }
    let directories: BTreeSet<_> = replicas.iter().map(|replica| &replica.directory).collect();
    if directories.len() < replicas.len() {
        say(
            Severity::Error,
            "storage.replicas",
            "two replicas are the same folder".into(),
            "give each replica a folder on a disk of its own",
        );
    }
    for finding in domains::check(&config.storage).into_iter().chain(offsite::check(&config.storage)) {
        say(finding.severity, finding.option, finding.cause, finding.remedy);
    }

    for finding in identity::check(&config.identity, config.web.public_url.as_deref()) {
        say(finding.severity, finding.option, finding.cause, finding.remedy);
    }

    for finding in gateway::check(&config.gateway) {
        say(finding.severity, finding.option, finding.cause, finding.remedy);
    }

    for finding in config.nats.iter().flat_map(nats::check) {
        say(finding.severity, finding.option, finding.cause, finding.remedy);
    }

    for finding in config.time_stamps.iter().flat_map(time_stamps::check) {
        say(finding.severity, finding.option, finding.cause, finding.remedy);
    }

    for finding in config.syslog.iter().flat_map(syslog::check) {
        say(finding.severity, finding.option, finding.cause, finding.remedy);
    }

    if let Some(plain) = config.dicom.plain_listen {
        if plain.ip().is_loopback() {
            say(
                Severity::Warning,
                "dicom.plain_listen",
                "DICOM without TLS is open on loopback".into(),
                "use tls_listen where the device can do TLS",
            );
        } else if config.dicom.plain_beyond_loopback {
            say(
                Severity::Warning,
                "dicom.plain_listen",
                format!("images cross the network unprotected at {plain}"),
                "use tls_listen, or keep this network segment to the modality and the archive alone",
            );
        } else {
            say(
                Severity::Error,
                "dicom.plain_listen",
                format!("{plain} is reachable from other machines and has no TLS"),
                "use tls_listen; for a modality that cannot do TLS, set dicom.plain_beyond_loopback = true",
            );
        }
    }
    if config.dicom.tls_listen.is_none() && config.dicom.plain_listen.is_none() {
        say(
            Severity::Note,
            "dicom",
            "no DICOM door is open".into(),
            "set dicom.tls_listen to receive from modalities",
        );
    }

    for (option, path) in [
        ("dicom.certificate_file", &config.dicom.certificate_file),
        ("dicom.private_key_file", &config.dicom.private_key_file),
        ("dicom.client_ca_file", &config.dicom.client_ca_file),
        ("web.certificate_file", &config.web.certificate_file),
        ("web.private_key_file", &config.web.private_key_file),
    ] {
        if !path.is_file() {
            say(
                Severity::Error,
                option,
                format!("there is no file `{}`", path.display()),
                "run `yingdun init`, or name an existing file",
            );
        }
    }
    if let Some(path) = config.web.client_ca_file.as_ref().filter(|path| !path.is_file()) {
        say(
            Severity::Error,
            "web.client_ca_file",
            format!("there is no file `{}`", path.display()),
            "name a PEM file with the authorities of programs",
        );
    }
    for (option, path) in [
        ("dicom.private_key_file", &config.dicom.private_key_file),
        ("web.private_key_file", &config.web.private_key_file),
        ("keys.epoch_file", &config.keys.epoch_file()),
    ] {
        if readable_by_others(path) {
            say(
                Severity::Error,
                option,
                format!("`{}` can be read by other accounts", path.display()),
                "chmod 600 it",
            );
        }
    }
    for (option, database) in [
        ("catalogue.database", &config.catalogue.database),
        ("keys.database", &config.keys.database),
        ("identity.database", &config.identity.database),
    ] {
        if matches!(database, DatabaseUrl::Postgres(url) if url.contains(':') && password_in(url)) {
            say(
                Severity::Warning,
                option,
                "the address holds a password".into(),
                "use the local socket with peer authentication, or a .pgpass file",
            );
        }
    }
    match &config.web.public_url {
        Some(url) if !url.starts_with("https://") || url.ends_with('/') => say(
            Severity::Error,
            "web.public_url",
            format!("`{url}` is not an https address without a slash at its end"),
            "write it as in https://archive.example:8443",
        ),
        None if !config.web.listen.ip().is_loopback() => say(
            Severity::Error,
            "web.public_url",
            format!("links cannot be made from the address {}", config.web.listen),
            "write the address that people use, as in https://archive.example:8443",
        ),
        Some(_) | None => {}
    }
    if let Some(origin) = config.web.cors_origins.iter().find(|origin| !is_origin(origin)) {
        say(
            Severity::Error,
            "web.cors_origins",
            format!("`{origin}` is not the origin of a web page"),
            "write each as a browser sends it, without a path: https://viewer.example",
        );
    }
    findings.extend(config.node.iter().flat_map(|of| node::check(of, config)));
    findings.extend(keys::check(&config.keys));
    findings.extend(witnesses::check(&config.audit));
    findings
}

/// Whether a URL has `user:password@` before its host.
fn password_in(url: &str) -> bool {
    url.split_once("://")
        .and_then(|(_, rest)| rest.split('/').next())
        .and_then(|authority| authority.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::super::{TemplateValues, render};
    use super::*;

    fn config(change: impl Fn(String) -> String) -> Config {
        toml::from_str(&change(render(&TemplateValues::example()))).unwrap()
    }

    fn options(config: &Config, severity: Severity) -> Vec<&'static str> {
        check(config).into_iter().filter(|finding| finding.severity == severity).map(|f| f.option).collect()
    }

    #[test]
    fn a_quorum_larger_than_the_replica_set_is_an_error() {
        let config = config(|text| text.replace("write_quorum = 2", "write_quorum = 4"));
        assert!(options(&config, Severity::Error).contains(&"storage.write_quorum"));
    }

    #[test]
    fn an_acknowledgement_after_one_copy_is_a_warning() {
        let config = config(|text| text.replace("write_quorum = 2", "write_quorum = 1"));
        assert!(options(&config, Severity::Warning).contains(&"storage.write_quorum"));
    }

    #[test]
    fn plain_dicom_beyond_loopback_is_refused_until_it_is_spelled_out_twice() {
        let plain = |text: String| {
            text.replace("# plain_listen = \"127.0.0.1:11112\"", "plain_listen = \"0.0.0.0:11112\"")
        };
        let once = config(plain);
        assert!(options(&once, Severity::Error).contains(&"dicom.plain_listen"));
        let twice = config(|text| plain(text).replace("# plain_beyond", "plain_beyond"));
        assert!(options(&twice, Severity::Warning).contains(&"dicom.plain_listen"));
        assert!(!options(&twice, Severity::Error).contains(&"dicom.plain_listen"));
    }

    #[test]
    fn an_address_for_people_must_be_https_and_must_exist_beyond_loopback() {
        let http = config(|text| text.replace("public_url = \"https", "public_url = \"http"));
        assert!(options(&http, Severity::Error).contains(&"web.public_url"));
        let unset = |listen: &str| {
            let text = render(&TemplateValues { public_url: None, ..TemplateValues::example() });
            let text = text.replace("listen = \"127.0.0.1:8443\"", &format!("listen = \"{listen}\""));
            options(&toml::from_str(&text).unwrap(), Severity::Error)
        };
        assert!(!unset("127.0.0.1:0").contains(&"web.public_url"));
        assert!(unset("0.0.0.0:8443").contains(&"web.public_url"));
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_an_error() {
        let with = |origin: &str| {
            let set = format!("cors_origins = [\"{origin}\"]");
            config(|text| text.replace("# cors_origins = [\"https://viewer.example\"]", &set))
        };
        for origin in ["*", "null", "viewer.example", "https://", "https://a.example/", "https://A.example"] {
            assert!(options(&with(origin), Severity::Error).contains(&"web.cors_origins"), "{origin}");
        }
        for origin in ["https://viewer.example", "http://127.0.0.1:3000", "https://[::1]:8443"] {
            assert!(!options(&with(origin), Severity::Error).contains(&"web.cors_origins"), "{origin}");
        }
    }

    #[test]
    fn a_password_in_a_database_address_is_seen() {
        assert!(password_in("postgres://u:p@127.0.0.1/db"));
        assert!(!password_in("postgres://u@127.0.0.1:5432/db"));
    }
}
