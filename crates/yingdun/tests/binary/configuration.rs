//! Judgements: `check-config`, `doctor`, and what `serve` refuses.

use crate::support::{Installation, run, text};
use serde_json::Value;
use std::ffi::OsStr;

/// Runs a judging command; its exit status, and the options and severities of its findings.
fn judge(command: &str, installation: &Installation) -> (Option<i32>, Vec<(String, String)>) {
    let config = installation.config();
    let output = run([OsStr::new(command), OsStr::new("--config"), config.as_os_str(), OsStr::new("--json")]);
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON: {}", text(&output.stderr)));
    let findings = document["findings"].as_array().unwrap();
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    for finding in findings {
        assert!(!word(finding, "cause").is_empty() && !word(finding, "remedy").is_empty());
    }
    let found = findings.iter().map(|finding| (word(finding, "option"), word(finding, "severity"))).collect();
    (output.status.code(), found)
}

/// What is said of every installation whose officers need a password alone.
fn no_second_factor() -> (String, String) {
    pair("identity.require_second_factor_for", "warning")
}

fn pair(option: &str, severity: &str) -> (String, String) {
    (option.to_owned(), severity.to_owned())
}

#[test]
fn a_fresh_installation_has_no_errors() {
    let installation = Installation::make();
    // The first officers have no second factor yet, so none is demanded, and it says so.
    assert_eq!(judge("check-config", &installation), (Some(0), vec![no_second_factor()]));
    let (status, found) = judge("doctor", &installation);
    assert_eq!(status, Some(0), "{found:?}");
    assert!(found.iter().all(|(_, severity)| severity != "error"), "{found:?}");
    // Three folders in one temporary directory are one disk, and it says so.
    assert!(found.contains(&pair("storage.replicas", "warning")), "{found:?}");
}

#[test]
fn serve_refuses_dicom_without_tls_beyond_loopback() {
    let installation = Installation::make();
    installation.edit("# plain_listen = \"127.0.0.1:11112\"", "plain_listen = \"0.0.0.0:0\"");
    let (status, found) = judge("check-config", &installation);
    assert_eq!(status, Some(1));
    assert!(found.contains(&pair("dicom.plain_listen", "error")), "{found:?}");
    let config = installation.config();
    let served = run([OsStr::new("serve"), OsStr::new("--config"), config.as_os_str()]);
    assert_eq!(served.status.code(), Some(1));
    assert!(text(&served.stderr).contains("dicom.plain_listen"), "{}", text(&served.stderr));
    assert!(served.stdout.is_empty());
}

#[test]
fn a_misspelt_option_is_named_and_nothing_starts() {
    let installation = Installation::make();
    installation.edit("write_quorum", "write_qorum");
    for command in ["check-config", "serve", "doctor"] {
        let output = run([OsStr::new(command), OsStr::new("--config"), installation.config().as_os_str()]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(text(&output.stderr).contains("write_qorum"), "{command}: {}", text(&output.stderr));
    }
}

#[test]
fn a_key_file_that_others_can_read_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let installation = Installation::make();
    let key = installation.path("pki/server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (status, found) = judge("check-config", &installation);
    assert_eq!(status, Some(1));
    assert!(found.contains(&pair("web.private_key_file", "error")), "{found:?}");
}

#[test]
fn doctor_finds_a_wrong_passphrase_a_lost_replica_a_lost_database_and_a_changed_log() {
    let installation = Installation::make();
    std::fs::remove_dir_all(installation.path("replica-b")).unwrap();
    std::fs::remove_file(installation.path("db/identity.db")).unwrap();
    let (status, found) = judge("doctor", &installation);
    assert_eq!(status, Some(1));
    for expected in [pair("storage.replicas", "error"), pair("identity.database", "error")] {
        assert!(found.contains(&expected), "{found:?}");
    }

    let changed = Installation::make();
    let bundles = std::fs::read_dir(changed.path("audit/tile/entries/000.p")).unwrap();
    let leaves = bundles.map(|bundle| bundle.unwrap().path()).next().unwrap();
    let mut bytes = std::fs::read(&leaves).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&leaves, bytes).unwrap();
    let (status, found) = judge("doctor", &changed);
    assert_eq!(status, Some(1));
    assert!(found.contains(&pair("audit.directory", "error")), "{found:?}");

    std::fs::write(changed.path("keys/passphrase"), "not the passphrase at all\n").unwrap();
    let (_, found) = judge("doctor", &changed);
    assert!(found.contains(&pair("keys.root_file", "error")), "{found:?}");
}

#[test]
fn wrong_usage_has_an_exit_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["no-such-command"][..],
        &["init"],
        &["echo", "not-a-destination"],
        &["certificate", "issue", "../x", "--directory", folder.path().to_str().unwrap()],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_failure_domain_that_images_need_and_nobody_can_write_is_named() {
    let installation = Installation::make();
    installation.edit("# write_domains = 2", "write_domains = 2");
    installation.edit("failure_domain = \"disk-b\"", "failure_domain = \"disk-a\"");
    assert_eq!(
        judge("check-config", &installation),
        (Some(0), vec![pair("storage.write_domains", "note"), no_second_factor()]),
        "both are needed"
    );
    std::fs::remove_dir_all(installation.path("replica-b")).unwrap();
    let (_, found) = judge("doctor", &installation);
    assert!(!found.contains(&pair("storage.write_domains", "error")), "the other replica of it is there");

    std::fs::remove_dir_all(installation.path("replica-c")).unwrap();
    std::fs::create_dir(installation.path("replica-b")).unwrap();
    let config = installation.config();
    let doctor = run([OsStr::new("doctor"), OsStr::new("--config"), config.as_os_str()]);
    assert_eq!(doctor.status.code(), Some(1));
    let said = text(&doctor.stdout);
    assert!(said.contains("storage.write_domains") && said.contains("none can in disk-c"), "{said}");
    assert!(said.contains("replicas a, b lie on one disk"), "{said}");

    installation.edit("write_domains = 2", "write_domains = 3");
    assert!(judge("check-config", &installation).1.contains(&pair("storage.write_domains", "error")));
}
