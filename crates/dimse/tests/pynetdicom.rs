//! Against pynetdicom, driven by a script beside this file. The interpreter comes from `YINGDUN_TEST_PYTHON`.

// A test may fail by panic; helpers outside of test functions as well.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used
)]

mod support;

use support::{CALLED, CALLING, Pki, Server, patient};
use tokio::process::Command;

/// An interpreter with pynetdicom; says so when there is none.
fn python() -> Option<String> {
    let python = std::env::var("YINGDUN_TEST_PYTHON").ok();
    if python.is_none() {
        eprintln!("SKIPPED: YINGDUN_TEST_PYTHON does not name an interpreter with pynetdicom");
    }
    python
}

async fn run(python: &str, server: &Server, arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pynetdicom_peer.py");
    let output = Command::new(python)
        .arg(script)
        .args([CALLING, CALLED, &server.port()])
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every file of pydicom that is an object: sent as it is, kept as it was.
async fn every_file_is_kept_bit_for_bit(server: Server, arguments: &[&str]) {
    let Some(python) = python() else { return };
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let mut all = vec!["store", folder];
    all.extend(arguments);
    let report = run(&python, &server, &all).await;
    let mut sent = 0;
    for line in report.lines() {
        // instance, status, file with the data set as it stood in the original
        let [instance, status, original] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not a line of the report: {line}")
        };
        assert_eq!(status, "0000", "{line}");
        let original = std::fs::read(original).unwrap();
        assert_eq!(server.kept(instance), Some(original), "{line}");
        sent += 1;
    }
    assert!(sent >= 30, "only {sent} files were sent");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_pydicom_is_kept_bit_for_bit_in_plain() {
    every_file_is_kept_bit_for_bit(Server::plain(patient()).await, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_pydicom_is_kept_bit_for_bit_over_tls() {
    let pki = Pki::new();
    let server = Server::tls(&pki, patient()).await;
    let files = [pki.path("ca.pem"), pki.path("device.pem"), pki.path("device.key")];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    every_file_is_kept_bit_for_bit(server, &files).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn negotiation_with_pynetdicom_refuses_what_is_not_here() {
    let Some(python) = python() else { return };
    let server = Server::plain(patient()).await;
    let report = run(&python, &server, &["negotiate"]).await;
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(
        lines,
        [
            "echo 0000",
            "accepted CT Image Storage JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])",
            "accepted Modality Performed Procedure Step SOP Class Explicit VR Little Endian",
            "accepted Patient Root Query/Retrieve Information Model - FIND Explicit VR Little Endian",
            "accepted Verification SOP Class Implicit VR Little Endian",
            "refused Modality Performed Procedure Step Notification SOP Class 3",
            "refused Unified Procedure Step - Event SOP Class 3",
        ]
    );
    server.finish().await;
}
