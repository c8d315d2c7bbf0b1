//! A disk that fails for good: the log acknowledges nothing that is not there, and what it acknowledged before survives. One that fails and works
//! again: `passing_faults.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code; helpers are not inside test functions")]

mod support;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use support::{config, copy_directory, event, fill, sm3_verifier, unhurried, verifier, with_sm3};
use yingdun_audit::verify::verify_trees;
use yingdun_audit::{AuditError, Disk, Log, LogConfig, Reader};

/// What the mock disk does when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// No space left on the device, nothing written.
    Full,
    /// Half of the bytes are written, then an input/output error.
    HalfWritten,
    /// The write succeeds, the sync does not.
    SyncFails,
    /// A rename fails.
    RenameFails,
}

/// A disk that works until a countdown of fallible operations is over.
#[derive(Debug)]
struct MockDisk {
    fault: Fault,
    left: AtomicI64,
}

impl MockDisk {
    fn new(fault: Fault, operations: i64) -> Arc<Self> {
        Arc::new(Self { fault, left: AtomicI64::new(operations) })
    }

    fn fails(&self) -> bool {
        self.left.fetch_sub(1, Ordering::SeqCst) <= 0
    }
}

impl Disk for MockDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        match self.fault {
            Fault::Full if self.fails() => Err(io::Error::from_raw_os_error(28)),
            Fault::HalfWritten if self.fails() => {
                file.write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), offset)?;
                Err(io::Error::from_raw_os_error(5))
            }
            Fault::Full | Fault::HalfWritten | Fault::SyncFails | Fault::RenameFails => {
                file.write_all_at(bytes, offset)
            }
        }
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        if self.fault == Fault::SyncFails && self.fails() {
            return Err(io::Error::from_raw_os_error(5));
        }
        file.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.fault == Fault::RenameFails && self.fails() {
            return Err(io::Error::from_raw_os_error(5));
        }
        fs::rename(from, to)
    }
}

#[tokio::test]
async fn while_the_disk_fails_the_log_takes_nothing_and_keeps_what_it_acknowledged() {
    let mut failures = 0;
    for fault in [Fault::Full, Fault::HalfWritten, Fault::SyncFails, Fault::RenameFails] {
        for operations in [0, 1, 2, 3, 5, 8, 13, 17, 20, 24, 30, 40] {
            let dir = tempfile::tempdir().unwrap();
            // A few records are there before the disk begins to fail.
            let healthy = Log::open(with_sm3(config(dir.path()))).unwrap();
            fill(&healthy, 0, 5).await;
            healthy.shutdown().await.unwrap();

            let mut acknowledged = 5;
            let disk = MockDisk::new(fault, operations);
            let interval = Duration::from_millis(1);
            let failing = LogConfig { disk, checkpoint_interval: interval, ..config(dir.path()) };
            let opened = Log::open(with_sm3(failing));
            if let Ok(log) = opened {
                let mut failure = None;
                for n in 5..200 {
                    match log.append_one(event(n)).await {
                        Ok(receipt) => {
                            assert_eq!(receipt.index(), acknowledged);
                            acknowledged += 1;
                        }
                        Err(error) => {
                            failure = Some(error);
                            break;
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                if failure.is_some() {
                    failures += 1;
                    let refusal = if fault == Fault::Full {
                        matches!(failure, Some(AuditError::OutOfSpace { .. }))
                    } else {
                        matches!(failure, Some(AuditError::NotNow { .. }))
                    };
                    assert!(refusal, "{fault:?} {operations} {failure:?}");
                    for _ in 0..3 {
                        assert!(log.append_one(event(0)).await.is_err());
                    }
                    // What it could not sign before it ends, it leaves to the next start.
                    if let Err(error) = log.shutdown().await {
                        assert!(matches!(error, AuditError::Failed { .. }), "{error}");
                        let locked = Log::open(with_sm3(config(dir.path())));
                        assert!(matches!(locked, Err(AuditError::Locked { .. })));
                    }
                } else {
                    // The fault has not come yet, or comes now; either way nothing is written any more when this returns.
                    drop(log.shutdown().await);
                }
            }
            // Another process, later, on a disk that works.
            let copy = tempfile::tempdir().unwrap();
            copy_directory(dir.path(), copy.path());
            let again = Log::open(with_sm3(unhurried(copy.path())))
                .unwrap_or_else(|error| panic!("{fault:?} after {operations}: {error}"));
            assert!(again.size() >= acknowledged, "{fault:?} after {operations}");
            let leaves = again.reader().read(0..acknowledged).unwrap();
            assert!((0..).zip(&leaves).all(|(n, logged)| logged.leaf.counts.get("instances") == Some(n)));
            again.shutdown().await.unwrap();
            for verifier in [verifier(), sm3_verifier()] {
                assert_eq!(
                    Reader::of_directory(copy.path(), &verifier).unwrap().checkpoint().size(),
                    again.size()
                );
            }
        }
    }
    assert!(failures >= 20, "only {failures} of the faults hit an open log");
}

/// A disk with so much room for what makes files longer. What was written before can be written over.
#[derive(Debug)]
struct MockDiskWithRoom(AtomicI64);

impl Disk for MockDiskWithRoom {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        let longer = (offset + bytes.len() as u64).saturating_sub(file.metadata()?.len());
        if longer > 0 && self.0.fetch_sub(longer.cast_signed(), Ordering::SeqCst) < longer.cast_signed() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.write_all_at(bytes, offset)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_room_refuses_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(MockDiskWithRoom(AtomicI64::new(i64::MAX)));
    let interval = Duration::from_millis(1);
    let settings = LogConfig { disk: disk.clone(), checkpoint_interval: interval, ..config(dir.path()) };
    let log = Log::open(with_sm3(settings)).unwrap();
    fill(&log, 0, 300).await;
    disk.0.store(0, Ordering::SeqCst);
    let mut size = 300;
    let events = |size| (size..size + 256).map(event).collect::<Vec<_>>();
    // What has its room already takes some megabytes more.
    let refusal = loop {
        match log.append(events(size)).await {
            Ok(receipts) => {
                assert_eq!(receipts.first().unwrap().index(), size);
                size += 256;
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(refusal, AuditError::OutOfSpace { .. }), "{refusal}");
    assert_eq!((log.size(), log.check().is_ok()), (size, true), "what was refused is not there");

    disk.0.store(i64::MAX, Ordering::SeqCst);
    let begun = std::time::Instant::now();
    while log.append(events(size)).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not go on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(log.checkpoint().await.unwrap().size(), size + 256, "all of it is signed");
    log.shutdown().await.unwrap();
    drop(log);
    let again = Log::open(with_sm3(config(dir.path()))).unwrap();
    let leaves = again.reader().read(0..size + 256).unwrap();
    assert!((0..).zip(&leaves).all(|(n, logged)| logged.leaf.counts.get("instances") == Some(n)));
    for report in verify_trees(dir.path(), &[verifier(), sm3_verifier()], &[]).unwrap() {
        assert!(report.first_bad.is_none(), "a file that was cut off is left: {:?}", report.first_bad);
    }
}

#[tokio::test]
async fn somebody_who_removes_or_replaces_the_journal_is_noticed_before_the_next_receipt() {
    type Attack = (&'static str, fn(&Path));
    let attacks: [Attack; 4] = [
        ("removed", |segment| fs::remove_file(segment).unwrap()),
        ("replaced by a copy", |segment| {
            let bytes = fs::read(segment).unwrap();
            fs::remove_file(segment).unwrap();
            fs::write(segment, bytes).unwrap();
        }),
        ("linked elsewhere", |segment| fs::hard_link(segment, segment.with_extension("kept")).unwrap()),
        ("cut off", |segment| File::options().write(true).open(segment).unwrap().set_len(8192).unwrap()),
    ];
    for (attack, act) in attacks {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(unhurried(dir.path())).unwrap();
        log.append_one(event(0)).await.unwrap();
        act(&dir.path().join("journal/00000000000000000000.journal"));
        let outcome = log.append_one(event(1)).await;
        assert!(matches!(outcome, Err(AuditError::Failed { .. })), "{attack}: {outcome:?}");
        assert!(matches!(log.checkpoint().await, Err(AuditError::Failed { .. })), "{attack}");
    }
}

/// A disk on which a tile changes between writing and reading back.
#[derive(Debug)]
struct MockDiskThatRots;

impl Disk for MockDiskThatRots {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        let mut bytes = bytes.to_vec();
        let is_tile = bytes.len() == 32;
        if let (true, Some(byte)) = (is_tile, bytes.first_mut()) {
            *byte ^= 1;
        }
        file.write_all_at(&bytes, offset)
    }
}

#[tokio::test]
async fn nothing_is_signed_that_reads_back_differently() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(LogConfig { disk: Arc::new(MockDiskThatRots), ..config(dir.path()) }).unwrap();
    log.append_one(event(0)).await.unwrap();
    assert!(matches!(log.checkpoint().await, Err(AuditError::Failed { .. })));
    let reader = Reader::of_directory(dir.path(), &verifier()).unwrap();
    assert_eq!((reader.checkpoint().size(), reader.size()), (0, 1), "durable, and not signed");
}
