//! The machine under the numbers: what it is, and its disk caches.

use crate::failure::{Outcome, While};
use crate::process::run;
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::Command;

/// What a reader needs to judge the numbers.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: f64,
    pub(crate) kernel: String,
    pub(crate) disk: String,
    pub(crate) commit: String,
    pub(crate) versions: Vec<String>,
    /// Seconds since 1970.
    pub(crate) started_s: u64,
    /// Load average of one minute when the run began: what else the machine did.
    pub(crate) load_at_start: f64,
    cpu_ticks_at_start: [u64; 2],
}

impl Machine {
    /// Looks at the machine and at the programs that are installed on it.
    pub(crate) fn look(work: &Path, binary: &Path) -> Outcome<Self> {
        let read = |path: &str| fs::read_to_string(path).or_fail(path);
        let cpu_info = read("/proc/cpuinfo")?;
        let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let memory = read("/proc/meminfo")?;
        let kibibytes = memory.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
        let load = read("/proc/loadavg")?;
        let git = |arguments: &[&str]| run(Command::new("git").args(arguments)).unwrap_or_default();
        let commit = git(&["rev-parse", "--short=12", "HEAD"]);
        let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", "crates", "Cargo.lock"]);
        let versions = [
            ("Yingdun", binary.as_os_str(), "--version"),
            ("Orthanc", "Orthanc".as_ref(), "--version"),
            ("DCMTK", "storescp".as_ref(), "--version"),
            ("nginx", "nginx".as_ref(), "-v"),
            ("dicom-rs", "dicom-storescp".as_ref(), "--version"),
        ]
        .into_iter()
        .map(|(name, program, argument)| {
            let output = Command::new(program).arg(argument).output();
            // nginx tells its version on standard error.
            let said = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            match said.lines().next() {
                Some(line) => format!("{name}: {}", line.trim_start_matches('$').trim()),
                None => format!("{name}: not installed"),
            }
        })
        .collect();
        Ok(Self {
            cpu: model.map_or_else(|| "unknown".into(), |(_, model)| model.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory_gb: (kibibytes * 1024.0 / 1e9).round(),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            disk: run(Command::new("findmnt").args(["-n", "-o", "SOURCE,FSTYPE,OPTIONS", "-T"]).arg(work))
                .unwrap_or_else(|_| "unknown".into())
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            commit: format!("{}{}", commit.trim(), if changed.is_empty() { "" } else { " with changes" }),
            versions,
            started_s: std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            load_at_start: load.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(f64::NAN),
            cpu_ticks_at_start: cpu_ticks()?,
        })
    }

    /// Share of CPU time that the hypervisor gave to others since the start, in percent.
    pub(crate) fn stolen_percent(&self) -> Outcome<f64> {
        let ([all, stolen], [all_before, stolen_before]) = (cpu_ticks()?, self.cpu_ticks_at_start);
        Ok((stolen - stolen_before) as f64 * 100.0 / (all - all_before).max(1) as f64)
    }
}

/// Writes everything to disk that is still in memory, so that one subject does not pay for another one.
pub(crate) fn settle() -> Outcome<()> {
    run(&mut Command::new("sync")).map(drop)
}

/// Whether the page cache can be dropped: root, and not in a container that forbids it.
pub(crate) fn can_drop_caches() -> bool {
    OpenOptions::new().write(true).open(DROP_CACHES).is_ok()
}

/// Writes everything to disk and drops the page cache.
pub(crate) fn drop_caches() -> Outcome<()> {
    settle()?;
    fs::write(DROP_CACHES, "3").or_fail("dropping the page cache")
}

const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";

/// All CPU ticks and the stolen ones (proc(5), /proc/stat).
fn cpu_ticks() -> Outcome<[u64; 2]> {
    let stat = fs::read_to_string("/proc/stat").or_fail("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    Ok([ticks.iter().take(8).sum(), ticks.get(7).copied().unwrap_or(0)])
}
