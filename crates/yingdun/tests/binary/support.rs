//! Runs the binary and keeps what it says.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The binary, in English and without settings of the machine that runs the tests.
pub(crate) fn yingdun<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yingdun"));
    for name in ["YINGDUN_CONFIG", "YINGDUN_SERVER", "YINGDUN_CA_FILE", "YINGDUN_TOKEN", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8").args(arguments);
    command
}

/// Runs to the end.
pub(crate) fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Output {
    yingdun(arguments).output().unwrap()
}

/// Runs to a good end and reads its JSON.
pub(crate) fn json<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An installation in a folder of its own, with ports chosen at each start.
pub(crate) struct Installation {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) made: Value,
}

impl Installation {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("i");
        let made = json([
            OsStr::new("init"),
            OsStr::new("--directory"),
            directory.as_os_str(),
            OsStr::new("--institution"),
            OsStr::new("renmin"),
            OsStr::new("--web-listen=127.0.0.1:0"),
            OsStr::new("--dicom-tls-listen=127.0.0.1:0"),
            OsStr::new("--json"),
        ]);
        Self { folder, made }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("i").join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("yingdun.toml")
    }

    /// Changes the configuration file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let before = std::fs::read_to_string(self.config()).unwrap();
        let after = before.replace(from, to);
        assert_ne!(before, after, "`{from}` is not in the configuration");
        std::fs::write(self.config(), after).unwrap();
    }

    /// The one-time link of an officer.
    pub(crate) fn invitation(&self, role: &str) -> String {
        let invitations = self.made["invitations"].as_array().unwrap();
        let invitation = invitations.iter().find(|invitation| invitation["role"] == role).unwrap();
        invitation["url"].as_str().unwrap().to_owned()
    }

    pub(crate) fn serve(&self) -> Served {
        Served::start(yingdun([
            OsStr::new("serve"),
            OsStr::new("--config"),
            self.config().as_os_str(),
            OsStr::new("--json"),
        ]))
    }
}

/// A serving process. Killed when dropped.
pub(crate) struct Served {
    child: Child,
    said: BufReader<ChildStdout>,
    pub(crate) ready: Value,
}

impl Served {
    /// Starts a process and waits for its ready line.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut complaint = String::new();
            child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
            panic!("it did not become ready: {complaint}");
        }
        Self { child, said, ready: serde_json::from_str(&line).unwrap() }
    }

    /// Waits for one more line.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) fn web(&self) -> &str {
        self.ready["web"].as_str().unwrap()
    }

    /// Asks it to stop, and returns its exit status and its log.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks a path over HTTPS, trusting one authority.
pub(crate) fn get(served: &Served, ca_file: &Path, path: &str) -> (u16, String) {
    // Another test of this process may have done it before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ca = std::fs::read(ca_file).unwrap();
    let url = format!("{}{path}", served.web());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca).unwrap())
            .build()
            .unwrap();
        let answer = client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}
