//! Three officers, a device, a doctor: the whole way from three links to an image on the ledger, by commands alone.

use crate::support::{Installation, Served, json, run, text, yingdun};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use yingdun_dicom::synthetic::{Kind, Study};

/// Commands against a serving archive.
struct Desk {
    installation: Installation,
    served: Served,
    password_file: PathBuf,
}

impl Desk {
    fn open() -> Self {
        let installation = Installation::make();
        let served = installation.serve();
        let password_file = installation.folder.path().join("password");
        std::fs::write(&password_file, "correct horse battery staple\n").unwrap();
        Self { installation, served, password_file }
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = yingdun(arguments);
        command.env("YINGDUN_SERVER", self.served.web());
        command.env("YINGDUN_CA_FILE", self.installation.path("pki/ca.pem"));
        command.arg("--json").output().unwrap()
    }

    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Accepts an invitation, signs in, and returns the token file.
    fn enter(&self, link: &str, name: &str) -> String {
        let password = self.password_file.to_str().unwrap();
        self.done(&["invitation", "accept", link, "--password-file", password]);
        let token = self.installation.folder.path().join(format!("token-{name}"));
        let token = token.to_str().unwrap().to_owned();
        self.done(&["login", name, "--password-file", password, "--token-file", &token]);
        token
    }

    fn officer(&self, role: &str, name: &str) -> String {
        self.enter(&self.installation.invitation(role), name)
    }
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn officers_let_a_device_and_a_doctor_in_and_none_of_them_does_anothers_work() {
    let desk = Desk::open();
    let system = desk.officer("system-administrator", "system-admin");
    let security = desk.officer("security-administrator", "security-admin");
    let audit = desk.officer("audit-administrator", "audit-admin");

    // Accounts are the work of one officer, rights that of another, the log that of the third.
    let invited = desk.done(&["person", "add", "dr.lin", "--token-file", &system]);
    let doctor = desk.ask(&["person", "add", "dr.wu", "--token-file", &security]);
    assert_eq!(doctor.status.code(), Some(1));
    assert!(text(&doctor.stderr).contains("403"), "{}", text(&doctor.stderr));
    assert!(!desk.ask(&["role", "grant", "dr.lin", "chief", "--token-file", &system]).status.success());
    assert!(!desk.ask(&["audit", "tail", "--token-file", &system]).status.success());
    desk.done(&["role", "grant", "dr.lin", "clinician", "--token-file", &security]);
    desk.enter(invited["link"].as_str().unwrap(), "dr.lin");

    // A device is its title and its certificate together.
    let directory = desk.installation.path("");
    let issued = json(["certificate", "issue", "CT01", "--directory", shown(&directory), "--json"]);
    let (certificate, key) =
        (issued["certificate_file"].as_str().unwrap(), issued["private_key_file"].as_str().unwrap());
    let address = format!("YINGDUN@{}", desk.served.ready["dicom_tls"].as_str().unwrap());
    let ca = desk.installation.path("pki/ca.pem");
    let proofs = ["--ca-file", shown(&ca), "--certificate-file", certificate, "--private-key-file", key];
    let calling = |verb: &str, more: &[&str], title: &str| {
        let arguments = [&[verb, &address][..], more, &["--calling", title], &proofs].concat();
        desk.ask(&arguments)
    };
    let turned_away = calling("echo", &[], "CT01");
    assert_eq!(turned_away.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&turned_away.stdout).unwrap();
    assert_eq!(report["fault"]["cause"], "calling-ae-unknown", "{report}");
    let add = ["device", "add", "CT01", "--certificate-file", certificate, "--address", "127.0.0.1"];
    desk.done(&[&add[..], &["--token-file", &system]].concat());
    assert!(calling("echo", &[], "CT01").status.success());
    assert!(!calling("echo", &[], "CT02").status.success());

    // One file is stored, one is none: the command says which, and the log has a leaf.
    let study = Study::new(20, Kind::Sr);
    let files = desk.installation.folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("report.dcm"), study.instance(0).to_file()).unwrap();
    std::fs::write(files.join("readme.txt"), "not an image").unwrap();
    let sent = calling("store", &[shown(&files)], "CT01");
    assert_eq!(sent.status.code(), Some(1));
    let sent: Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!((&sent["stored"], &sent["total"]), (&Value::from(1), &Value::from(2)), "{sent}");
    assert!(sent["failed"][0]["file"].as_str().unwrap().ends_with("readme.txt"));
    let uid = study.study.to_string();
    let leaves = desk.done(&["audit", "search", "--study", &uid, "--kind", "stored", "--token-file", &audit]);
    assert_eq!((&leaves["count"], &leaves["count_is_exact"]), (&Value::from(1), &Value::from(true)));
    let leaves = &leaves["leaves"];
    assert_eq!(leaves.as_array().unwrap().len(), 1, "{leaves}");

    // A care relation names the patient in a file, never on the command line.
    let patient = desk.installation.folder.path().join("patient");
    std::fs::write(&patient, format!("{}\n", study.patient.id)).unwrap();
    let care = ["care-relation", "add", "dr.lin", "--patient-id-file", shown(&patient)];
    desk.done(&[&care[..], &["--token-file", &security]].concat());

    // A disabled device is out at once.
    desk.done(&["device", "disable", "CT01", "--token-file", &system]);
    assert!(!calling("echo", &[], "CT01").status.success());

    // The log of the program knows nobody.
    let index = leaves[0]["index"].to_string();
    let folder = desk.installation.path("");
    let public_key = desk.installation.path("audit.vkey");
    let (status, log) = desk.served.stop();
    assert_eq!(status, Some(0));
    for personal in [study.patient.id.as_str(), study.patient.name.split(['^', '=']).next().unwrap()] {
        assert!(!log.contains(personal), "the program log names a patient");
    }

    // Offline, the leaf has a proof.
    let log = folder.join("audit");
    let proof = run(["audit", "prove", shown(&log), &index, "--public-key", shown(&public_key)]);
    assert!(text(&proof.stdout).starts_with("c2sp.org/tlog-proof@v1\n"), "{}", text(&proof.stderr));
}

#[test]
fn an_invitation_works_once_and_a_wrong_password_tells_nothing() {
    let desk = Desk::open();
    desk.officer("audit-administrator", "audit-admin");
    let password = desk.password_file.to_str().unwrap();
    let link = desk.installation.invitation("audit-administrator");
    assert!(!desk.ask(&["invitation", "accept", &link, "--password-file", password]).status.success());
    std::fs::write(&desk.password_file, "another password\n").unwrap();
    let token = desk.installation.folder.path().join("token");
    let answers = ["audit-admin", "nobody"].map(|name| {
        let login = ["login", name, "--password-file", password, "--token-file", shown(&token)];
        let output = desk.ask(&login);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    });
    assert_eq!(answers[0], answers[1]);
    assert!(!token.exists());
}
