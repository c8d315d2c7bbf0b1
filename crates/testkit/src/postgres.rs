//! A PostgreSQL server of the test process' own, in a temporary directory, reached by a Unix socket only.
//!
//! The server is started by a small shell that holds the other end of a pipe. When the test process ends, in
//! whatever way, the pipe closes; the shell then stops the server and removes its directory. So neither a failed
//! assertion nor a killed test leaves anything behind.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where Debian and Ubuntu put the server programs, one folder per major version.
const DEBIAN_PROGRAMS: &str = "/usr/lib/postgresql";
/// The superuser of the test server.
pub(crate) const USER: &str = "yingdun";
/// The account that runs the server when the tests run as root, which PostgreSQL refuses to.
const SYSTEM_USER: &str = "postgres";
/// How long a server may take to start on a loaded machine.
pub(crate) const START_MAX: Duration = Duration::from_secs(60);
/// Set to `1` where a missing PostgreSQL must fail the tests.
const REQUIRED: &str = "YINGDUN_REQUIRE_POSTGRES";

/// The server's life: make a cluster, serve until the pipe closes, clean up. Nothing is forced to the disk, since
/// nothing here must survive.
const LIFE: &str = r#"
trap '' INT TERM HUP
"$1/initdb" -D "$2/data" -U "$3" -A trust -E UTF8 --locale=C --no-sync --no-instructions >"$2/log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c max_connections=400 -c shared_buffers=64MB >>"$2/log" 2>&1 &
cat >/dev/null
kill -INT $!
wait $!
rm -rf "$2"
"#;

/// The life of a server whose cluster stays: as a hospital would run one on a machine that does other things too.
const LASTING_LIFE: &str = r#"
trap '' INT TERM HUP
[ -d "$2/data" ] || "$1/initdb" -D "$2/data" -U "$3" -A trust -E UTF8 --locale=C --no-instructions >"$2/log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=400 \
    -c shared_buffers=1GB -c max_wal_size=2GB \
    >>"$2/log" 2>&1 &
cat >/dev/null
kill -INT $!
wait $!
"#;

/// A server whose cluster lies in a folder of the caller's and stays there. It is stopped when this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    address: String,
    folder: PathBuf,
    life: Child,
}

impl PostgresServer {
    /// The connection string of its only database.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The number of the process whose children serve the connections; `None` when the server has ended.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        // Its first line (PostgreSQL, "Database File Layout").
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.life.stdin.take());
        drop(self.life.wait());
    }
}

/// Starts a server on the cluster in a folder, which is made if there is none; `None` when PostgreSQL is not installed.
///
/// # Panics
/// When PostgreSQL is installed and does not start.
#[must_use]
pub fn postgres_server(folder: &Path) -> Option<PostgresServer> {
    const NAME: &str = "lasting";
    let server = Server::start_life(programs()?, folder.to_owned(), LASTING_LIFE);
    // It is there when the cluster was.
    drop(server.client("createdb").args(["-U", USER, NAME]).stderr(Stdio::null()).status());
    let address = format!("host={} user={USER} dbname={NAME}", folder.display());
    Some(PostgresServer { address, folder: folder.to_owned(), life: server.life })
}

/// A fresh, empty database on the server of this test process.
#[derive(Debug)]
pub struct PostgresDatabase {
    address: String,
}

impl PostgresDatabase {
    /// The connection string.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Makes a fresh database, starting the server first if this test process has none yet.
///
/// Returns `None` when PostgreSQL is not installed, after saying so past the capture of test output.
///
/// # Panics
/// When PostgreSQL is missing and `YINGDUN_REQUIRE_POSTGRES=1`; when it is installed and does not start.
#[must_use]
pub fn postgres_database() -> Option<PostgresDatabase> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| programs().map(Server::start)).as_ref();
    let Some(server) = server else {
        complain();
        return None;
    };
    Some(server.create_database())
}

struct Server {
    programs: PathBuf,
    directory: PathBuf,
    /// Holds the pipe whose end ends the server.
    life: Child,
}

impl Server {
    #[expect(clippy::panic, reason = "a test cannot go on without its server")]
    fn start(programs: PathBuf) -> Self {
        match tempfile::Builder::new().prefix("yingdun-postgres-").tempdir() {
            Ok(directory) => Self::start_life(programs, directory.keep(), LIFE),
            Err(error) => panic!("cannot make a temporary directory: {error}"),
        }
    }

    #[expect(clippy::panic, reason = "a test cannot go on without its server")]
    fn start_life(programs: PathBuf, directory: PathBuf, life: &str) -> Self {
        match Self::try_start(&programs, directory, life) {
            Ok(server) => server,
            Err(why) => panic!("PostgreSQL in {} does not start: {why}", programs.display()),
        }
    }

    fn try_start(programs: &Path, directory: PathBuf, life: &str) -> Result<Self, String> {
        let mut command = as_server_user(&directory)?;
        let life = command
            .arg("sh")
            .args(["-c", life, "postgres-life"])
            .args([programs, &directory])
            .arg(USER)
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start a shell: {error}"))?;
        let server = Self { programs: programs.to_owned(), directory, life };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < START_MAX {
            let ready = self.client("pg_isready").arg("-q").status();
            if ready.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        Err(format!("not ready after {} s; its log says: {log}", START_MAX.as_secs()))
    }

    fn create_database(&self) -> PostgresDatabase {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let made = self.client("createdb").args(["-U", USER, &name]).status();
        assert!(made.is_ok_and(|status| status.success()), "createdb {name} failed");
        let directory = self.directory.display();
        PostgresDatabase { address: format!("host={directory} user={USER} dbname={name}") }
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.arg("-h").arg(&self.directory);
        command
    }
}

/// The folder of the newest installed version.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN_PROGRAMS)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            let programs = path.join("bin");
            programs.join("initdb").exists().then_some((version, programs))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs)
}

/// A command that runs as ourselves, or as the server's own account when we are root.
pub(crate) fn as_server_user(directory: &Path) -> Result<Command, String> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        return Ok(Command::new("env"));
    }
    let given = Command::new("chown").arg(SYSTEM_USER).arg(directory).status();
    if !given.is_ok_and(|status| status.success()) {
        return Err(format!("cannot give {} to the account `{SYSTEM_USER}`", directory.display()));
    }
    let mut command = Command::new("runuser");
    command.args(["-u", SYSTEM_USER, "--"]);
    Ok(command)
}

#[expect(clippy::panic, reason = "the caller has demanded PostgreSQL")]
pub(crate) fn complain() {
    let what = "PostgreSQL is not installed: a test of the PostgreSQL side was NOT run \
                (apt-get install postgresql)";
    if std::env::var(REQUIRED).is_ok_and(|value| value == "1") {
        panic!("{what}, and {REQUIRED}=1");
    }
    // Written past the print macros, whose output the test harness hides when a test passes.
    drop(writeln!(std::io::stderr(), "\n*** {what} ***\n"));
}
