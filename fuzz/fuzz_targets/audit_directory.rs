//! A whole log on disk with some bytes changed: the verifier tells, and never panics. The input is a list of
//! changes: which file, where, and the byte to put there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;
use tempfile::TempDir;
use yingdun_audit::verify::verify_trees;
use yingdun_audit::{Event, EventKind, Log, LogConfig, NodeName, Outcome, ReasonCode, Tree};
use yingdun_crypto::sign::{NoteVerifier, SigningKey, Sm2SigningKey};
use yingdun_model::{ActorId, InstitutionId, Secret};

const ORIGIN: &str = "example.org/log";

/// Leaves of one append, and appends: enough for one full tile of 256 and a partial one.
const LEAVES: usize = 100;
const APPENDS: usize = 3;

struct Written {
    folder: TempDir,
    files: Vec<PathBuf>,
    verifiers: [NoteVerifier; 2],
}

static LOG: LazyLock<Written> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = || SigningKey::from_seed(&Secret::new([7; 32]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(write(folder.path(), seed()));
    let mut files = Vec::new();
    list(folder.path(), &mut files);
    files.sort();
    let verifiers = [
        NoteVerifier::new(ORIGIN, seed().verifying_key()),
        NoteVerifier::new(&Tree::Sm3.origin(ORIGIN), sm2().verifying_key().clone()),
    ];
    Written { folder, files, verifiers: verifiers.map(|verifier| verifier.expect("a verifier")) }
});

fuzz_target!(|input: &[u8]| {
    let log = &*LOG;
    let mut undo = Vec::new();
    for change in input.chunks_exact(5).take(8) {
        let &[file, a, b, c, value] = change else { continue };
        let path = &log.files[usize::from(file) % log.files.len()];
        let original = fs::read(path).expect("a file of the log");
        if original.is_empty() {
            continue;
        }
        let mut changed = original.clone();
        let at = u32::from_be_bytes([0, a, b, c]) as usize % changed.len();
        changed[at] = value;
        put(path, &changed);
        undo.push((path, original));
    }
    let _ = verify_trees(log.folder.path(), &log.verifiers, &[]).expect("the folder is there");
    for (path, original) in undo.into_iter().rev() {
        put(path, &original);
    }
});

fn sm2() -> Sm2SigningKey {
    Sm2SigningKey::from_secret(&Secret::new([9; 32]))
}

/// Writes a file as if long ago: the verifier reads again what has just been written.
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a file of the log");
    let file = fs::File::options().write(true).open(path).expect("a file of the log");
    file.set_modified(SystemTime::UNIX_EPOCH).expect("a time");
}

async fn write(folder: &Path, key: SigningKey) {
    let node = NodeName::new("fuzz").expect("a name");
    let config = LogConfig::new(folder.to_owned(), ORIGIN, node, key);
    let log = Log::open(LogConfig { sm3_signing_key: Some(sm2()), ..config }).expect("a log");
    let event = Event::of_system(
        InstitutionId::new("fuzz").expect("a name"),
        ActorId::new("fuzz").expect("a name"),
        EventKind::System,
        Outcome::Succeeded,
        ReasonCode::new("fuzz"),
    );
    for _ in 0..APPENDS {
        log.append(vec![event.clone(); LEAVES]).await.expect("durable leaves");
    }
    log.checkpoint().await.expect("a checkpoint");
    log.shutdown().await.expect("a clean end");
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_none_or(|extension| extension != "lock") {
            files.push(path);
        }
    }
}
