//! The second tree, over SM3: the same leaves, the same size, its own key; built later where a log is older than it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code; helpers are not inside test functions"
)]

mod support;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;
use support::{
    ORIGIN, config, copy_directory, event, files, fill, sm3_verifier, unhurried, verifier, with_sm3,
};
use yingdun_audit::verify::{Report, VerifyError, verify_directory, verify_trees};
use yingdun_audit::{
    AuditError, Disk, Log, LogConfig, Reader, RealDisk, Tree, verify_consistency, verify_inclusion,
};
use yingdun_crypto::sign::{NoteVerifier, Sm2SigningKey};

const VERIFIER_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verify");

fn verify_both(dir: &Path) -> Vec<Report> {
    verify_trees(dir, &[sm3_verifier(), verifier()], &[]).unwrap()
}

/// Exit code and output of the independent verifier.
fn verify_in_python(dir: &Path, keys: &[NoteVerifier]) -> (i32, String) {
    let mut command = Command::new("python3");
    command.arg("-B").arg(format!("{VERIFIER_DIR}/verify_audit.py")).arg(dir);
    let output = command.args(keys.iter().map(ToString::to_string)).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn assert_clean(dir: &Path, size: u64) {
    let reports = verify_both(dir);
    let trees: Vec<_> = reports.iter().map(|report| (report.tree, report.size)).collect();
    assert_eq!(trees, [(Tree::Sha256, size), (Tree::Sm3, size)]);
    assert_ne!(reports[0].root, reports[1].root);
    for report in reports {
        assert_eq!((report.first_bad, report.leaves_checked), (None, size));
    }
    let (code, output) = verify_in_python(dir, &[verifier(), sm3_verifier()]);
    assert_eq!((code, output.matches(&format!("OK {size} signed records")).count()), (0, 2), "{output}");
}

/// Both verifiers call the pair of trees bad.
fn assert_bad(dir: &Path, what: &str) {
    set_at_rest(dir);
    assert!(verify_both(dir).iter().any(|report| !report.is_ok()), "{what}");
    let (code, output) = verify_in_python(dir, &[verifier(), sm3_verifier()]);
    assert_eq!(code, 1, "{what}: {output}");
}

/// Makes files look long finished, so that a verifier does not wait for a writer.
fn set_at_rest(dir: &Path) {
    for path in files(dir) {
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
}

async fn append(dir: &Path, from: u64, until: u64) {
    let log = Log::open(with_sm3(unhurried(dir))).unwrap();
    fill(&log, from, until).await;
    log.shutdown().await.unwrap();
}

#[tokio::test]
async fn both_trees_have_one_size_and_prove_every_leaf_under_their_own_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut heads = Vec::new();
    let mut size = 0;
    for step in [0, 1, 2, 253, 1, 300] {
        append(dir.path(), size, size + step).await;
        size += step;
        assert_clean(dir.path(), size);
        heads.push(Reader::of_directory(dir.path(), &sm3_verifier()).unwrap().checkpoint().clone());
    }
    let log = Log::open(with_sm3(unhurried(dir.path()))).unwrap();
    let (readers, verifiers) =
        ([log.reader(), log.reader_of(Tree::Sm3).unwrap()], [verifier(), sm3_verifier()]);
    for index in [0, 1, 255, 256, 300, size - 1] {
        let leaf = readers[0].leaf(index).unwrap().leaf.encode().unwrap();
        for (reader, (own, other)) in
            readers.iter().zip([(&verifiers[0], &verifiers[1]), (&verifiers[1], &verifiers[0])])
        {
            assert_eq!(reader.leaf(index).unwrap().leaf_hash, Tree::of(own).leaf_hash(&leaf));
            let proof = reader.prove_inclusion(index).unwrap();
            assert_eq!(verify_inclusion(&proof, &leaf, own).unwrap().0, index);
            assert!(verify_inclusion(&proof, &leaf, other).is_err());
            assert!(verify_inclusion(&proof, b"another leaf", own).is_err());
        }
    }
    for pair in heads.windows(2).filter(|pair| pair[0].size() > 0) {
        let path = readers[1].prove_consistency(pair[0].size(), pair[1].size()).unwrap();
        verify_consistency(&pair[0], &pair[1], &path).unwrap();
        assert!(verify_consistency(&log.latest_checkpoint(), &pair[1], &path).is_err(), "two trees");
    }
    fill(&log, size, size + 1).await;
    let proof = log.prove_inclusion(Tree::Sm3, size).await.unwrap();
    assert!(proof.starts_with("yingdun/sm3-tlog-proof@v1\nindex "), "{proof}");
    assert!(proof.contains(&format!("\n\n{ORIGIN}/sm3\n{}\n", size + 1)), "{proof}");
    log.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_log_without_the_tree_has_no_proofs_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, 1).await;
    assert!(matches!(log.prove_inclusion(Tree::Sm3, 0).await, Err(AuditError::NoTree { tree: Tree::Sm3 })));
    assert!(!verify_directory(dir.path(), &sm3_verifier()).unwrap().is_ok());
    assert!(Reader::of_directory(dir.path(), &sm3_verifier()).is_err());
    assert!(!dir.path().join("sm3").exists());
}

#[tokio::test]
async fn a_flip_of_any_bit_of_an_sm3_tile_and_of_any_byte_of_head_and_leaves_is_noticed_by_both() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), 0, 2).await;
    set_at_rest(dir.path());
    let mut ranges = Vec::new();
    for path in files(dir.path()) {
        let name = path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
        if name.starts_with("sm3/") || name.starts_with("tile/entries") || name.starts_with("detail/") {
            ranges.push((name, fs::metadata(&path).unwrap().len() as usize));
        }
    }
    assert!(ranges.iter().any(|(name, _)| name == "sm3/checkpoint") && ranges.len() >= 4, "{ranges:?}");
    let total: usize = ranges.iter().map(|(_, length)| length).sum();

    // The other verifier works on a copy meanwhile, with nothing but the SM2 key.
    let copy = tempfile::tempdir().unwrap();
    let answers = tempfile::NamedTempFile::new().unwrap();
    copy_directory(dir.path(), copy.path());
    let mut python = Command::new("python3")
        .arg("-B")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flip_every_byte.py"))
        .args([VERIFIER_DIR, copy.path().to_str().unwrap(), &sm3_verifier().to_string()])
        .stdin(Stdio::piped())
        .stdout(answers.reopen().unwrap())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    for (name, length) in &ranges {
        writeln!(stdin, "{name} 0 {length}").unwrap();
    }
    drop(stdin);

    let mut missed = Vec::new();
    for (name, length) in &ranges {
        let path = dir.path().join(name);
        let clean = fs::read(&path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let bits = if name.starts_with("sm3/tile") { 8 } else { 1 };
        for (offset, byte) in clean.iter().enumerate().take(*length) {
            for bit in 0..bits {
                file.write_all_at(&[byte ^ (1 << bit)], offset as u64).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
                if verify_directory(dir.path(), &sm3_verifier()).unwrap().is_ok() {
                    missed.push(format!("{name} {offset} {bit}"));
                }
            }
            file.write_all_at(&[*byte], offset as u64).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
    }
    assert!(missed.is_empty(), "missed: {missed:?}");
    assert_clean(dir.path(), 2);
    assert!(python.wait().unwrap().success());
    let output = fs::read_to_string(answers.path()).unwrap();
    assert_eq!(output.lines().count(), total);
    assert!(output.lines().all(|line| line.ends_with(" 1")), "{output}");
}

#[tokio::test]
async fn trees_that_do_not_belong_together_are_noticed_and_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), 0, 300).await;
    let old = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), old.path());
    append(dir.path(), 300, 700).await;
    let older = old.path().join("sm3/checkpoint");
    let newer = dir.path().join("sm3/checkpoint");

    type Attack<'a> = (&'static str, &'a Path, Box<dyn Fn(&Path) + 'a>);
    let flip = |path: PathBuf, at: usize| {
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let attacks: [Attack<'_>; 6] = [
        (
            "SM3 tree set back",
            dir.path(),
            Box::new(|dir| {
                fs::copy(&older, dir.join("sm3/checkpoint")).unwrap();
            }),
        ),
        (
            "SM3 tree ahead of the journal",
            old.path(),
            Box::new(|dir| {
                fs::copy(&newer, dir.join("sm3/checkpoint")).unwrap();
            }),
        ),
        ("partial tile", dir.path(), Box::new(|dir| flip(dir.join("sm3/tile/0/002.p/188"), 40))),
        ("upper tile", dir.path(), Box::new(|dir| flip(dir.join("sm3/tile/1/000.p/2"), 4))),
        ("signature", dir.path(), Box::new(|dir| flip(dir.join("sm3/checkpoint"), 120))),
        ("no tiles", dir.path(), Box::new(|dir| fs::remove_dir_all(dir.join("sm3/tile")).unwrap())),
    ];
    for (attack, from, act) in attacks {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(from, copy.path());
        act(copy.path());
        assert_bad(copy.path(), attack);
        assert!(Log::open(with_sm3(config(copy.path()))).is_err(), "{attack}");
    }

    let copy = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), copy.path());
    let refused = Log::open(config(copy.path())).map(drop).unwrap_err();
    assert!(matches!(refused, AuditError::Sm3Tree { .. }), "asked for no longer: {refused}");
    let other = LogConfig { sm3_signing_key: Some(Sm2SigningKey::generate()), ..config(copy.path()) };
    assert!(matches!(Log::open(other), Err(AuditError::Checkpoint { .. })), "another key");
    let log = Log::open(with_sm3(config(copy.path()))).unwrap();
    log.shutdown().await.unwrap();
    assert_clean(copy.path(), 700);
}

#[tokio::test]
async fn a_remembered_checkpoint_of_either_tree_shows_that_the_log_was_set_back() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), 0, 300).await;
    let old = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), old.path());
    append(dir.path(), 300, 310).await;
    set_at_rest(old.path());
    let keys = [verifier(), sm3_verifier()];
    for name in ["checkpoint", "sm3/checkpoint"] {
        let kept = fs::read_to_string(dir.path().join(name)).unwrap();
        let older = fs::read_to_string(old.path().join(name)).unwrap();
        let judged =
            |dir: &Path, note: &str| verify_trees(dir, &keys, &[note]).unwrap().iter().all(Report::is_ok);
        assert!(judged(dir.path(), &kept) && judged(dir.path(), &older), "{name}");
        assert!(!judged(old.path(), &kept), "{name}");
    }
    let foreign = verify_trees(dir.path(), &keys, &["no note"]);
    assert!(matches!(foreign, Err(VerifyError::KnownCheckpoint(_))));
}

/// A disk that fails for ever from the renaming of one file on.
#[derive(Debug)]
struct MockDiskThatStopsAt(PathBuf);

impl Disk for MockDiskThatStopsAt {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        // Not one that may pass: those are tried again for a minute.
        if to == self.0 { Err(io::ErrorKind::PermissionDenied.into()) } else { fs::rename(from, to) }
    }
}

#[tokio::test]
async fn a_process_that_ends_between_the_two_signatures_leaves_trees_that_still_belong_together() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), 0, 300).await;
    let disk = Arc::new(MockDiskThatStopsAt(dir.path().join("checkpoint")));
    // The journal is empty here, so the log opens without signing.
    let log = Log::open(LogConfig { disk, ..with_sm3(unhurried(dir.path())) }).unwrap();
    fill(&log, 300, 600).await;
    assert!(log.checkpoint().await.is_err());
    let copy = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), copy.path());
    set_at_rest(copy.path());
    let sizes: Vec<_> = verify_both(copy.path()).iter().map(|report| (report.size, report.is_ok())).collect();
    assert_eq!(sizes, [(300, true), (600, true)]);
    assert_eq!(verify_in_python(copy.path(), &[verifier(), sm3_verifier()]).0, 0);

    // With another record in the journal the root that was signed does not come out.
    let forged = tempfile::tempdir().unwrap();
    copy_directory(copy.path(), forged.path());
    fs::remove_dir_all(forged.path().join("journal")).unwrap();
    copy_directory(&other_journal().await, &forged.path().join("journal"));
    assert!(matches!(Log::open(with_sm3(config(forged.path()))), Err(AuditError::Sm3Tree { .. })));

    let log = Log::open(with_sm3(unhurried(copy.path()))).unwrap();
    assert_eq!((log.size(), log.latest_checkpoint().size()), (600, 600));
    fill(&log, 600, 610).await;
    log.shutdown().await.unwrap();
    assert_clean(copy.path(), 610);
}

/// The journal of a log that holds other records from 300 to 600.
async fn other_journal() -> PathBuf {
    let dir = tempfile::tempdir().unwrap().keep();
    append(&dir, 0, 300).await;
    let log = Log::open(with_sm3(unhurried(&dir))).unwrap();
    fill(&log, 1300, 1600).await;
    let journal = tempfile::tempdir().unwrap().keep();
    copy_directory(&dir.join("journal"), &journal);
    log.shutdown().await.unwrap();
    fs::remove_dir_all(dir).unwrap();
    journal
}

/// A disk that counts what is written and fails for ever after some of it.
#[derive(Debug)]
struct MockDiskWithWrites {
    left: AtomicUsize,
}

impl MockDiskWithWrites {
    fn new(left: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(left) })
    }
}

impl Disk for MockDiskWithWrites {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let enough = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        enough.map_err(|_| io::Error::from_raw_os_error(28))?;
        RealDisk.write_at(file, bytes, offset)
    }
}

#[tokio::test]
async fn a_log_that_is_older_than_its_sm2_key_gets_the_tree_when_it_is_opened_and_goes_on_where_it_was_killed()
 {
    const LEAVES: u64 = 40_000;
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, LEAVES).await;
    log.shutdown().await.unwrap();

    // Each attempt comes a little further; each takes up what the one before has signed.
    let plenty = 1_000_000;
    let attempt = |writes: usize| {
        let disk = MockDiskWithWrites::new(writes);
        let outcome = Log::open(LogConfig { disk: disk.clone(), ..with_sm3(unhurried(dir.path())) });
        (outcome, writes - disk.left.load(Ordering::Relaxed))
    };
    assert!(matches!(attempt(20).0, Err(AuditError::Io { .. })));
    assert!(!dir.path().join("sm3/building").exists(), "not one step was finished");
    assert!(matches!(attempt(80).0, Err(AuditError::Io { .. })));
    assert!(dir.path().join("sm3/building").exists() && !dir.path().join("sm3/checkpoint").exists());
    assert!(verify_directory(dir.path(), &sm3_verifier()).unwrap().first_bad.is_some(), "not the log's yet");

    // What was built, changed meanwhile, is not gone on with.
    let forged = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), forged.path());
    let tile = forged.path().join("sm3/tile/1/000.p/64");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[70] ^= 1;
    fs::write(&tile, bytes).unwrap();
    assert!(matches!(Log::open(with_sm3(config(forged.path()))), Err(AuditError::Sm3Tree { .. })));

    let (log, writes) = attempt(plenty);
    let log = log.unwrap();
    let tiles = usize::try_from(LEAVES / 256).unwrap();
    assert!(writes < tiles, "{writes} writes for {tiles} tiles: the first 64 were there");
    assert!(!dir.path().join("sm3/building").exists());
    fill(&log, LEAVES, LEAVES + 10).await;
    log.shutdown().await.unwrap();
    assert_clean(dir.path(), LEAVES + 10);
}

#[tokio::test]
async fn no_sm3_tree_is_made_of_leaves_that_were_changed() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    fill(&log, 0, 600).await;
    log.shutdown().await.unwrap();
    // The leaf and its hash, so that only the tile above remembers.
    let bundle = dir.path().join("tile/entries/001");
    let mut bytes = fs::read(&bundle).unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[length - 20] ^= 1;
    fs::write(&bundle, &bytes).unwrap();
    let tile = dir.path().join("tile/0/001");
    let mut hashes = fs::read(&tile).unwrap();
    hashes[..32].copy_from_slice(&Tree::Sha256.leaf_hash(&bytes[2..2 + length]));
    fs::write(&tile, hashes).unwrap();
    let refused = Log::open(with_sm3(config(dir.path()))).map(drop).unwrap_err();
    assert!(matches!(refused, AuditError::TilesMismatch { size: 600, .. }), "{refused}");
    assert!(!dir.path().join("sm3/checkpoint").exists());
}

#[tokio::test]
async fn nothing_is_signed_in_either_tree_when_an_sm3_tile_reads_back_differently() {
    #[derive(Debug)]
    struct MockDiskThatRots;
    impl Disk for MockDiskThatRots {
        fn sync_data(&self, file: &File) -> io::Result<()> {
            file.sync_data()?;
            let path = fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)))?;
            if path.to_string_lossy().contains("sm3/tile/0") {
                file.write_all_at(b"rot", 0)?;
            }
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let log =
        Log::open(LogConfig { disk: Arc::new(MockDiskThatRots), ..with_sm3(unhurried(dir.path())) }).unwrap();
    log.append_one(event(0)).await.unwrap();
    assert!(matches!(log.checkpoint().await, Err(AuditError::Failed { .. })));
    for verifier in [verifier(), sm3_verifier()] {
        assert_eq!(Reader::of_directory(dir.path(), &verifier).unwrap().checkpoint().size(), 0);
    }
}
