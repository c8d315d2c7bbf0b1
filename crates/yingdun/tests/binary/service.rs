//! From nothing to a serving archive and back.

use crate::support::{Installation, Served, get, run, text, yingdun};
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

#[test]
fn an_installation_serves_reports_to_its_manager_and_stops_in_order() {
    let installation = Installation::make();
    let socket_path = installation.folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket_path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = yingdun([OsStr::new("serve"), OsStr::new("--json")]);
    command.arg("--config").arg(installation.config()).env("NOTIFY_SOCKET", &socket_path);
    let served = Served::start(command);

    assert_eq!(served.ready["ready"], true);
    assert!(served.web().starts_with("https://127.0.0.1:") && !served.web().ends_with(":0"));
    assert!(served.ready["dicom_tls"].is_string() && served.ready["dicom_plain"].is_null());
    let heard = || {
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        text(&buffer[..length])
    };
    assert_eq!(heard(), "READY=1");
    let ca = installation.path("pki/ca.pem");
    assert_eq!(get(&served, &ca, "/health/ready").0, 200);
    assert_eq!(get(&served, &ca, "/dicom-web/studies").0, 401);
    assert_eq!(get(&served, &ca, "/metrics").0, 401);

    let (status, log) = served.stop();
    assert_eq!(status, Some(0), "{log}");
    assert_eq!(heard(), "STOPPING=1");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["message"].is_string());
    }
    let (audit, key) = (installation.path("audit"), installation.path("audit.vkey"));
    let verified = run([
        OsStr::new("audit"),
        OsStr::new("verify"),
        audit.as_os_str(),
        OsStr::new("--public-key"),
        key.as_os_str(),
        OsStr::new("--json"),
    ]);
    let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["tail_unsigned"], 0, "a stop in order leaves nothing unsigned");
}

#[test]
fn secrets_of_an_installation_are_for_its_owner_and_it_is_never_overwritten() {
    let installation = Installation::make();
    for name in
        ["keys/root.key", "keys/passphrase", "pki/ca.key", "pki/server.key", "yingdun.toml", "db/keys.db"]
    {
        let mode = installation.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let root_key = std::fs::read(installation.path("keys/root.key")).unwrap();
    let again = run([OsStr::new("init"), OsStr::new("--directory"), installation.path("").as_os_str()]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("never overwritten"), "{}", text(&again.stderr));
    assert_eq!(std::fs::read(installation.path("keys/root.key")).unwrap(), root_key);
}

#[test]
fn a_dry_run_tells_what_it_would_make_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("i");
    let output =
        run([OsStr::new("init"), OsStr::new("--dry-run"), OsStr::new("--directory"), directory.as_os_str()]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("keys/root.key"));
    assert!(!directory.exists());
}

#[test]
fn two_archives_do_not_share_one_installation() {
    let installation = Installation::make();
    let first = installation.serve();
    let second = run([OsStr::new("serve"), OsStr::new("--config"), installation.config().as_os_str()]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another process"), "{}", text(&second.stderr));
    assert_eq!(get(&first, &installation.path("pki/ca.pem"), "/health/ready").0, 200);
}

#[test]
fn what_is_served_survives_a_kill_and_is_served_again() {
    let installation = Installation::make();
    drop(installation.serve());
    let served = installation.serve();
    assert_eq!(get(&served, &installation.path("pki/ca.pem"), "/health/ready").0, 200);
    assert_eq!(served.stop().0, Some(0));
}

#[test]
fn an_audit_log_that_is_gone_is_never_begun_anew() {
    let installation = Installation::make();
    std::fs::remove_dir_all(installation.path("audit")).unwrap();
    let refused = run([OsStr::new("serve"), OsStr::new("--config"), installation.config().as_os_str()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("there is no audit log"), "{}", text(&refused.stderr));
    assert!(!installation.path("audit/checkpoint").exists());
}

#[test]
fn up_makes_an_installation_once_and_serves_it_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("i");
    let up = || {
        let mut command =
            yingdun(["up", "--web-listen=127.0.0.1:0", "--dicom-tls-listen=127.0.0.1:0", "--json"]);
        command.arg("--directory").arg(&directory);
        command
    };
    // The first line is the installation, the second says that it is ready.
    let mut first = Served::start(up());
    assert_eq!(first.ready["invitations"].as_array().unwrap().len(), 3);
    assert_eq!(first.next()["ready"], true);
    assert_eq!(first.stop().0, Some(0));
    let root_key = std::fs::read(directory.join("keys/root.key")).unwrap();
    let second = Served::start(up());
    assert_eq!(second.ready["ready"], true);
    assert_eq!(get(&second, &directory.join("pki/ca.pem"), "/health/ready").0, 200);
    assert_eq!(std::fs::read(directory.join("keys/root.key")).unwrap(), root_key);
}

#[test]
fn a_passphrase_of_ones_own_is_used_and_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "four unlikely words together\n").unwrap();
    let mut permissions = passphrase.metadata().unwrap().permissions();
    permissions.set_mode(0o600);
    std::fs::set_permissions(&passphrase, permissions).unwrap();
    let directory = folder.path().join("i");
    let mut init = yingdun(["init", "--web-listen=127.0.0.1:0", "--dicom-tls-listen=127.0.0.1:0"]);
    init.arg("--directory").arg(&directory).arg("--passphrase-file").arg(&passphrase);
    assert!(init.status().unwrap().success());
    assert!(!directory.join("keys/passphrase").exists());
    let mut serve = yingdun(["serve", "--json"]);
    serve.arg("--config").arg(directory.join("yingdun.toml"));
    assert_eq!(Served::start(serve).stop().0, Some(0));
}
