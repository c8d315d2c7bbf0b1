//! Server processes: started in a folder of their own, looked at through /proc, ended with the benchmark.

use crate::failure::{Failure, Outcome, While};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same when the run has failed already.
const PATIENCE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// Clock ticks in a second that /proc/PID/stat counts in: the same on every Linux (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// A server. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Starts a program; its standard error goes to a file, its standard output too unless it is read.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Outcome<Self> {
        let what = format!("starting {}", command.get_program().display());
        let file = File::create(log).or_fail(&what)?;
        let output = file.try_clone().or_fail(&what)?;
        let child = command.stdin(Stdio::null()).stdout(output).stderr(file).spawn().or_fail(&what)?;
        Ok(Self { child })
    }

    /// Starts a program and waits for the first line of its standard output.
    pub(crate) fn start_and_read_line(command: &mut Command, log: &Path) -> Outcome<(Self, String)> {
        let what = format!("starting {}", command.get_program().display());
        let file = File::create(log).or_fail(&what)?;
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn().or_fail(&what)?;
        let output = child.stdout.take().or_fail(&what)?;
        let server = Self { child };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).or_fail(&what)?;
        if line.is_empty() {
            return Err(Failure::new(format!("{what}: it ended; see {}", log.display())));
        }
        Ok((server, line))
    }

    /// Waits until something listens.
    pub(crate) fn wait_for(&mut self, address: SocketAddr) -> Outcome<()> {
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::new(format!("the server for {address} ended: {status}")));
            }
            if started.elapsed() > PATIENCE {
                return Err(Failure::new(format!("nothing listens on {address}")));
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    /// CPU seconds, user and system, of the process and of children that it has waited for.
    pub(crate) fn cpu_s(&self) -> Outcome<f64> {
        let path = format!("/proc/{}/stat", self.child.id());
        Ok(Stat::of(self.child.id()).or_fail(path)?.cpu_s)
    }

    /// The largest resident set since the start or the last reset, in megabytes (10⁶).
    pub(crate) fn peak_rss_mb(&self) -> Outcome<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).or_fail(&path)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).or_fail(&path)?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().or_fail(&path)?;
        Ok(kibibytes * 1024.0 / 1e6)
    }

    /// Lets the peak of the resident set begin anew.
    pub(crate) fn reset_peak_rss(&self) -> Outcome<()> {
        let path = format!("/proc/{}/clear_refs", self.child.id());
        fs::write(&path, "5").or_fail(&path)
    }

    /// Asks the server to end, and waits until it did.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        if self.ends_within(PATIENCE)? { Ok(()) } else { Err(Failure::new("a server does not stop")) }
    }

    fn ends_within(&mut self, patience: Duration) -> Outcome<bool> {
        const WHAT: &str = "waiting for a server";
        if self.child.try_wait().or_fail(WHAT)?.is_some() {
            return Ok(true);
        }
        run(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()))?;
        let started = Instant::now();
        while self.child.try_wait().or_fail(WHAT)?.is_none() {
            if started.elapsed() > patience {
                return Ok(false);
            }
            sleep(PAUSE);
        }
        Ok(true)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Politely first: a server that is killed leaves its own children behind. Nobody is left to be told of
        // errors, and killing is harmless when it has ended.
        let _ = self.ends_within(PATIENCE_AFTER_FAILURE);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of a process of which only the number is known, and of its children, those that ended among them.
pub(crate) fn cpu_s_with_children(process: u32) -> Outcome<f64> {
    let own = Stat::of(process).or_fail(format!("/proc/{process}/stat"))?;
    let processes = fs::read_dir("/proc").or_fail("/proc")?;
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    // Who ended meanwhile is counted with the process that has waited for it.
    let children = numbers.filter_map(Stat::of).filter(|stat| stat.parent == process);
    Ok(own.cpu_s + children.map(|stat| stat.cpu_s).sum::<f64>())
}

/// What proc(5) tells of a process.
struct Stat {
    parent: u32,
    /// With the children that it has waited for.
    cpu_s: f64,
}

impl Stat {
    fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name in parentheses may hold spaces: fields are counted after it, from field 3.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        Some(Self { parent: fields.get(1)?.parse().ok()?, cpu_s: ticks as f64 / TICKS_PER_SECOND })
    }
}

/// Runs a program to its end and gives its standard output.
pub(crate) fn run(command: &mut Command) -> Outcome<String> {
    let what = format!("running {}", command.get_program().display());
    let output = command.stdin(Stdio::null()).output().or_fail(&what)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Failure::new(format!("{what}: {}: {}", output.status, words.trim())))
    }
}

/// A loopback address that nobody uses at the moment.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").or_fail("looking for a free port")?;
    listener.local_addr().or_fail("looking for a free port")
}
