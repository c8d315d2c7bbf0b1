//! A disk that fails and then works again: the log goes on by itself, in files whose writes and syncs have not failed, and everything that it
//! acknowledged is there. Also at the moment of the fault, when the machine would have stopped right then.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code; helpers are not inside test functions")]

mod support;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{config, copy_directory, event, sm3_verifier, verifier, with_sm3};
use yingdun_audit::verify::verify_trees;
use yingdun_audit::{AuditError, Disk, Log, LogConfig};

const VERIFIER_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verify");

/// Records of one log.
const RECORDS: u64 = 40;

/// How long the log may take to go on.
const GOES_ON_WITHIN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Half of the bytes are written, then an input/output error.
    HalfWritten,
    /// Something else is written, then an input/output error.
    Garbage,
    /// All of it is written, and the sync fails.
    SyncFails,
    /// A rename fails.
    RenameFails,
    /// Names are not made durable.
    NamesFail,
}

/// A disk that fails a number of times in a row, from some operation on, and watches that no file is used again that failed.
#[derive(Debug)]
struct MockDisk {
    fault: Fault,
    /// Operations until it fails, of those that can.
    left: AtomicI64,
    times: i64,
    /// Files that failed; held open, so that their numbers are not given to others.
    failed: Mutex<Vec<File>>,
    used_again: AtomicBool,
}

impl MockDisk {
    fn new(fault: Fault, times: i64) -> Arc<Self> {
        let (left, failed, used_again) = (AtomicI64::new(i64::MAX), Mutex::default(), AtomicBool::new(false));
        Arc::new(Self { fault, left, times, failed, used_again })
    }

    fn fails_after(&self, operations: i64) {
        self.left.store(operations, Ordering::SeqCst);
    }

    fn fails(&self, fault: Fault) -> bool {
        self.fault == fault && {
            let left = self.left.fetch_sub(1, Ordering::SeqCst);
            left <= 0 && left > -self.times
        }
    }

    fn has_failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    fn watch(&self, file: &File) {
        let number = file.metadata().unwrap().ino();
        if self.failed.lock().unwrap().iter().any(|failed| failed.metadata().unwrap().ino() == number) {
            self.used_again.store(true, Ordering::SeqCst);
        }
    }

    fn fail<T>(&self, file: &File) -> io::Result<T> {
        self.failed.lock().unwrap().push(file.try_clone().unwrap());
        Err(io::Error::from_raw_os_error(5))
    }
}

impl Disk for MockDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.watch(file);
        if self.fails(Fault::HalfWritten) {
            file.write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), offset)?;
            return self.fail(file);
        }
        if self.fails(Fault::Garbage) {
            file.write_all_at(&vec![0xa5; bytes.len()], offset)?;
            return self.fail(file);
        }
        file.write_all_at(bytes, offset)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.watch(file);
        if self.fails(Fault::SyncFails) { self.fail(file) } else { file.sync_data() }
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        if self.fails(Fault::NamesFail) {
            return Err(io::Error::from_raw_os_error(5));
        }
        File::open(directory)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.fails(Fault::RenameFails) {
            Err(io::Error::from_raw_os_error(5))
        } else {
            fs::rename(from, to)
        }
    }
}

/// Opens a log on a disk that is about to fail.
fn open(dir: &Path, disk: &Arc<MockDisk>, interval: Duration) -> Log {
    let disk = Arc::clone(disk) as Arc<dyn Disk>;
    Log::open(with_sm3(LogConfig { disk, checkpoint_interval: interval, ..config(dir) })).unwrap()
}

/// Opens what lies in a directory, and says how many records there are, each of them the right one.
async fn records(dir: &Path) -> u64 {
    let log = Log::open(with_sm3(config(dir))).unwrap();
    let leaves = log.reader().read(0..log.size()).unwrap();
    let count = leaves.len() as u64;
    assert!((0..).zip(&leaves).all(|(n, logged)| logged.leaf.counts.get("instances") == Some(n)));
    log.shutdown().await.unwrap();
    count
}

/// What the independent verifier says.
fn python_agrees(dir: &Path) {
    let mut command = Command::new("python3");
    command.arg("-B").arg(format!("{VERIFIER_DIR}/verify_audit.py")).arg(dir).arg(verifier().to_string());
    let said = command.output().unwrap();
    let words = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&words));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_costs_no_record_and_no_restart_and_no_file_that_failed_is_used_again() {
    let mut hit = 0;
    for (fault, times) in [
        (Fault::HalfWritten, 1),
        (Fault::HalfWritten, 2),
        (Fault::Garbage, 1),
        (Fault::Garbage, 2),
        (Fault::SyncFails, 1),
        (Fault::SyncFails, 2),
        (Fault::RenameFails, 1),
        (Fault::RenameFails, 2),
    ] {
        // Signed all the time, or nothing before it is asked for: then what lies there at one moment can be copied.
        for (operations, hurried) in [(0, true), (0, false), (1, true), (2, false), (5, true), (7, false)] {
            let what = format!("{fault:?} {times} times after {operations}, hurried: {hurried}");
            let (dir, stopped_here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let disk = MockDisk::new(fault, times);
            let interval = if hurried { Duration::from_millis(1) } else { Duration::from_secs(3600) };
            let log = open(dir.path(), &disk, interval);
            disk.fails_after(operations);
            let (mut size, mut copied, begun) = (0, hurried, Instant::now());
            while size < RECORDS {
                let is_taken = match log.append_one(event(size)).await {
                    Ok(receipt) => {
                        assert_eq!(receipt.index(), size, "{what}");
                        size += 1;
                        true
                    }
                    Err(AuditError::NotNow { .. }) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        false
                    }
                    Err(error) => panic!("{what}: {error}"),
                };
                assert!(begun.elapsed() < GOES_ON_WITHIN, "{what}: it does not go on");
                // Garbage is damage, until the next segment says that it does not count.
                if disk.has_failed() && !copied && (is_taken || fault != Fault::Garbage) {
                    copy_directory(dir.path(), stopped_here.path());
                    copied = true;
                    python_agrees(stopped_here.path());
                    let found = records(stopped_here.path()).await;
                    assert!((size..=size + 1).contains(&found), "{what}: {found} of {size}");
                }
            }
            hit += u32::from(disk.has_failed());
            assert_eq!(log.checkpoint().await.unwrap().size(), RECORDS, "{what}: all of it is signed");
            log.shutdown().await.unwrap();
            drop(log);
            assert!(!disk.used_again.load(Ordering::SeqCst), "{what}: a file that failed was used again");
            python_agrees(dir.path());
            for report in verify_trees(dir.path(), &[verifier(), sm3_verifier()], &[]).unwrap() {
                assert!(report.first_bad.is_none(), "{what}: {:?}", report.first_bad);
            }
            assert_eq!(records(dir.path()).await, RECORDS, "{what}");
        }
    }
    assert!(hit >= 30, "only {hit} of the faults were met");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_could_not_be_made_durable_end_the_log_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let disk = MockDisk::new(Fault::NamesFail, 1);
    let log = open(dir.path(), &disk, Duration::from_millis(1));
    log.append_one(event(0)).await.unwrap();
    disk.fails_after(0);
    let begun = Instant::now();
    let mut size = 1;
    let failed = loop {
        match log.append_one(event(size)).await {
            Ok(_) => size += 1,
            Err(error) => break error,
        }
        assert!(begun.elapsed() < GOES_ON_WITHIN, "it does not notice");
    };
    assert!(matches!(failed, AuditError::Failed { .. }), "{failed}");
    assert!(matches!(log.append_one(event(size)).await, Err(AuditError::Failed { .. })));
    let copy = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), copy.path());
    assert!(records(copy.path()).await >= size, "what was acknowledged is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_forgiven_only_where_the_next_segment_goes_on_there() {
    // A segment that was given up, with a whole batch at its end that nobody was told of, and its next one.
    let dir = tempfile::tempdir().unwrap();
    let disk = MockDisk::new(Fault::SyncFails, 1);
    let log = open(dir.path(), &disk, Duration::from_secs(3600));
    for n in 0..3 {
        log.append_one(event(n)).await.unwrap();
    }
    disk.fails_after(0);
    for n in 3..6 {
        log.append_one(event(n)).await.unwrap();
    }
    assert!(disk.has_failed());
    let journal = |number: u64| format!("journal/{number:020}.journal");
    let intact = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), intact.path());
    assert_eq!(records(intact.path()).await, 6);
    // The same without the one that goes on: the batch may stand, and then it is the end.
    let without = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), without.path());
    fs::remove_file(without.path().join(journal(3))).unwrap();
    assert_eq!(records(without.path()).await, 4);
    // A bit of an acknowledged batch before it is not forgiven by what comes after.
    let flipped = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), flipped.path());
    let first = File::options().read(true).write(true).open(flipped.path().join(journal(0))).unwrap();
    let mut byte = [0];
    first.read_exact_at(&mut byte, 2 * 4096 + 100).unwrap();
    first.write_all_at(&[byte[0] ^ 1], 2 * 4096 + 100).unwrap();
    let refused = Log::open(with_sm3(config(flipped.path()))).map(drop);
    assert!(matches!(refused, Err(AuditError::Journal { record: 1, .. })), "{refused:?}");
    drop(log.shutdown().await);
}
