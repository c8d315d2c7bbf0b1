//! Two PostgreSQL servers of a test's own: a primary and a standby that it waits for. Either can be killed, frozen,
//! promoted and started again. Reached by Unix sockets only.

use crate::postgres::{START_MAX, USER, as_server_user, complain, programs};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The only database of the pair.
const NAME: &str = "pair";

/// Waits for the end of the test process, then stops both servers, frozen or not, and removes everything.
const LIFE: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
for side in a b; do
    pid=$(head -1 "$1/$side/postmaster.pid" 2>/dev/null) || continue
    kill -CONT $pid $(pgrep -P $pid) 2>/dev/null
    kill -QUIT $pid
    while kill -0 $pid 2>/dev/null; do sleep 0.05; done
done
rm -rf "$1"
"#;

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first primary.
    A,
    /// The first standby.
    B,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    const fn port(self) -> &'static str {
        match self {
            Self::A => "5432",
            Self::B => "5433",
        }
    }
}

/// A primary, [`Side::A`], that acknowledges no commit before its standby, [`Side::B`], has it too. Both end with the test.
#[derive(Debug)]
pub struct PostgresPair {
    programs: PathBuf,
    directory: PathBuf,
    life: Child,
}

/// Starts a pair; `None` when PostgreSQL is not installed, after saying so.
///
/// # Panics
/// When PostgreSQL is missing and `YINGDUN_REQUIRE_POSTGRES=1`; when it is installed and does not start.
#[must_use]
#[expect(clippy::panic, reason = "a test cannot go on without its servers")]
pub fn postgres_pair() -> Option<PostgresPair> {
    let Some(programs) = programs() else {
        complain();
        return None;
    };
    let directory = match tempfile::Builder::new().prefix("yingdun-postgres-pair-").tempdir() {
        Ok(directory) => directory.keep(),
        Err(error) => panic!("cannot make a temporary directory: {error}"),
    };
    let life = as_server_user(&directory).and_then(|mut command| {
        let command = command.arg("sh").args(["-c", LIFE, "pair-life"]).arg(&directory);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir(&directory).spawn().map_err(|error| error.to_string())
    });
    let life = life.unwrap_or_else(|why| panic!("a shell does not start: {why}"));
    let pair = PostgresPair { programs, directory, life };
    pair.set_up();
    Some(pair)
}

impl PostgresPair {
    /// The connection string that names both servers, the first primary first.
    #[must_use]
    pub fn address(&self) -> String {
        let folder = self.directory.display();
        let ports = [Side::A, Side::B].map(Side::port).join(",");
        format!("host={folder},{folder} port={ports} user={USER} dbname={NAME}")
    }

    /// Kills a server without warning (SIGKILL), and waits until nothing of it is left.
    pub fn kill(&self, side: Side) {
        let processes = self.processes(side);
        self.signal("-KILL", &processes);
        self.wait("a killed server is gone", || {
            processes.iter().all(|process| !Path::new(&format!("/proc/{process}")).exists())
        });
    }

    /// Lets a server stand still (SIGSTOP): its connections stay open and answer nothing.
    pub fn freeze(&self, side: Side) {
        self.signal("-STOP", &self.processes(side));
    }

    /// Lets it go on.
    pub fn thaw(&self, side: Side) {
        self.signal("-CONT", &self.processes(side));
    }

    /// Makes a standby the primary.
    pub fn promote(&self, side: Side) {
        self.run("pg_ctl", &["promote", "-w", "-s", "-D", side.name()]);
    }

    /// Starts a server on what it left.
    pub fn start(&self, side: Side) {
        let options = format!(
            "-c port={} -c unix_socket_directories={} -c listen_addresses= -c fsync=off -c full_page_writes=off \
             -c shared_buffers=32MB -c cluster_name={} -c wal_retrieve_retry_interval=100",
            side.port(),
            self.directory.display(),
            side.name()
        );
        self.run("pg_ctl", &["start", "-w", "-s", "-D", side.name(), "-l", "log", "-o", &options]);
    }

    /// What a server answers to a statement, one line per row; empty when it is not there or refuses.
    #[must_use]
    pub fn sql(&self, side: Side, statement: &str) -> String {
        let mut psql = self.command("psql");
        let folder = self.directory.display().to_string();
        psql.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-h",
            &folder,
            "-p",
            side.port(),
            "-U",
            USER,
            "-d",
            NAME,
            "-c",
            statement,
        ]);
        let answer = psql.stderr(Stdio::null()).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&answer).trim().to_owned()
    }

    /// Waits until something is true.
    ///
    /// # Panics
    /// When it is not within a minute.
    pub fn wait(&self, what: &str, is_true: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_true() {
            let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(started.elapsed() < START_MAX, "{what}: not within {} s\n{}", START_MAX.as_secs(), log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn set_up(&self) {
        let folder = self.directory.display().to_string();
        self.run("initdb", &["-D", "a", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        self.start(Side::A);
        self.run("createdb", &["-h", &folder, "-p", Side::A.port(), "-U", USER, NAME]);
        let source = ["-h", &folder, "-p", Side::A.port(), "-U", USER];
        let copy = ["-D", "b", "-R", "-X", "stream", "-c", "fast", "--no-sync"];
        self.run("pg_basebackup", &[&source[..], &copy[..]].concat());
        self.start(Side::B);
        // Not before the copy was made: the standby has nobody to wait for when it is promoted.
        for statement in ["ALTER SYSTEM SET synchronous_standby_names = 'b'", "SELECT pg_reload_conf()"] {
            let _ = self.sql(Side::A, statement);
        }
        self.wait("the standby is waited for", || {
            self.sql(Side::A, "SELECT sync_state FROM pg_stat_replication") == "sync"
        });
    }

    /// The server and everything that it started.
    fn processes(&self, side: Side) -> Vec<String> {
        let file = self.directory.join(side.name()).join("postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let Some(server) = text.lines().next() else { return Vec::new() };
        let children = Command::new("pgrep").args(["-P", server]).output().map(|output| output.stdout);
        let children = String::from_utf8_lossy(&children.unwrap_or_default()).into_owned();
        std::iter::once(server).chain(children.lines()).map(str::to_owned).collect()
    }

    fn signal(&self, signal: &str, processes: &[String]) {
        let _ = self.command("kill").arg(signal).args(processes).stderr(Stdio::null()).status();
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = self.command(program);
        let status = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?} failed\n{}", log());
    }

    /// A command that runs as the account of the servers, in the folder of the pair.
    #[expect(clippy::panic, reason = "a test cannot go on without its servers")]
    fn command(&self, program: &str) -> Command {
        let ours = self.programs.join(program);
        let mut command = match as_server_user(&self.directory) {
            Ok(command) => command,
            Err(why) => panic!("{program} cannot be run: {why}"),
        };
        command.arg(if ours.exists() { ours } else { PathBuf::from(program) }).current_dir(&self.directory);
        command
    }
}

impl Drop for PostgresPair {
    fn drop(&mut self) {
        drop(self.life.stdin.take());
        drop(self.life.wait());
    }
}
