//! Stage eight: the log verifies, there is a leaf for every key that was unwrapped, and a changed byte is named.

use super::board::Shown;
use super::house::House;
use super::search::list;
use super::{DemoError, expect};
use crate::messages::Language;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use yingdun_audit::verify::{Bad, verify_directory};
use yingdun_audit::{EventKind, Filter, Log, Outcome};
use yingdun_crypto::sign::NoteVerifier;

/// Verifies, counts, and tampers with a copy.
pub(super) async fn audit(house: &House, folder: &Path, language: Language) -> Result<Shown, DemoError> {
    let log = house.system.audit();
    let verifier = log.verifier().clone();
    log.checkpoint().await?;
    let directory = log.dir().to_owned();
    let whole = {
        let (directory, verifier) = (directory.clone(), verifier.clone());
        blocking(move || Ok(verify_directory(&directory, &verifier)?)).await?
    };
    let bad = whole.first_bad.as_ref().map(ToString::to_string);
    expect(bad.is_none(), || format!("the log does not verify: {}", bad.unwrap_or_default()))?;

    let (accesses, unwraps) = (permitted_accesses(log).await?, house.system.archive().key_unwraps());
    expect(accesses == unwraps && unwraps > 0, || {
        format!("{unwraps} keys were unwrapped and {accesses} accesses are on the ledger")
    })?;

    let copy = folder.join("tampered-copy");
    let named = blocking(move || {
        let named = tamper(&directory, &copy, &verifier);
        std::fs::remove_dir_all(&copy)?;
        named
    })
    .await?;

    let figures = json!({
        "size": whole.size,
        "root": hex::encode(whole.root),
        "leaves_checked": whole.leaves_checked,
        "key_unwraps": unwraps,
        "access_leaves": accesses,
        "tampering_named": named,
    });
    // The sentence of the verifier ends with what the leaf says; its beginning names it.
    let short = named.split(';').next().unwrap_or_default();
    let detail = language.demo_audited(whole.size, accesses, unwraps, short);
    Ok(Shown { figures, detail })
}

/// Decisions that open content: to store into a study, to view it, to recover it.
async fn permitted_accesses(log: &Log) -> Result<u64, DemoError> {
    let reader = log.reader();
    blocking(move || {
        let accesses =
            Filter { kinds: vec![EventKind::Access], outcome: Some(Outcome::Permitted), ..Filter::default() };
        Ok(reader.search(accesses).try_fold(0, |count, found| found.map(|_| count + 1))?)
    })
    .await
}

/// Copies the log, flips one bit in the middle of its leaves, and returns what the verifier says.
fn tamper(log: &Path, copy: &Path, verifier: &NoteVerifier) -> Result<String, DemoError> {
    copy_folder(log, copy)?;
    let mut leaves = Vec::new();
    list(&copy.join("tile").join("entries"), &mut leaves)?;
    let largest = leaves
        .into_iter()
        .max_by_key(|path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len()))
        .ok_or_else(|| DemoError::NotSo("the log has no leaves".into()))?;
    let mut bytes = std::fs::read(&largest)?;
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    std::fs::write(&largest, bytes)?;
    match verify_directory(copy, verifier)?.first_bad {
        Some(bad @ (Bad::Record { .. } | Bad::Records { .. })) => Ok(bad.to_string()),
        Some(other) => Err(DemoError::NotSo(format!("the verifier names something else: {other}"))),
        None => Err(DemoError::NotSo("the verifier did not notice a changed byte".into())),
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            std::fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DemoError> + Send + 'static,
) -> Result<T, DemoError> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
