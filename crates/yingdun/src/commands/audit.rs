//! `audit`: the ledger online through a server, and offline from its files and its public key alone.

use super::{CommandError, Verdict, admin};
use crate::cli::AuditCommand;
use crate::output::{self, Output};
use serde_json::json;
use std::path::{Path, PathBuf};
use yingdun_audit::Reader;
use yingdun_audit::verify::verify_directory_since;
use yingdun_crypto::sign::NoteVerifier;

/// Runs a command on the ledger.
pub(super) async fn audit(command: AuditCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        AuditCommand::Tail { count, admin } => admin::audit_tail(count, &admin, output).await,
        AuditCommand::Search { actor, study, kind, outcome, limit, admin } => {
            let conditions = [
                ("actor", actor),
                ("study_uid", study),
                ("kind", kind),
                ("outcome", outcome),
                ("limit", Some(limit.to_string())),
            ];
            admin::audit_search(&conditions, &admin, output).await
        }
        AuditCommand::Verify { directory, public_key, known_checkpoint } => {
            blocking(move || verify(&directory, &public_key, known_checkpoint.as_deref(), output)).await
        }
        AuditCommand::Prove { directory, index, public_key } => {
            blocking(move || prove(&directory, index, &public_key, output)).await
        }
    }
}

fn verify(
    directory: &Path,
    public_key: &Path,
    known_checkpoint: Option<&Path>,
    output: Output,
) -> Result<Verdict, CommandError> {
    let verifier = read_public_key(public_key)?;
    let known = known_checkpoint.map(read).transpose()?;
    let report = verify_directory_since(directory, &verifier, known.as_deref())?;
    let root = hex::encode(report.root);
    let first_bad = report.first_bad.as_ref().map(ToString::to_string);
    let document = json!({
        "ok": report.is_ok(),
        "size": report.size,
        "root": root,
        "leaves_checked": report.leaves_checked,
        "tail_unsigned": report.tail_unsigned,
        "details_checked": report.details_checked,
        "details_removed": report.details_removed,
        "torn_tail": report.torn_tail,
        "first_bad": first_bad,
    });
    output.say(&document, |language| match &first_bad {
        Some(bad) => language.audit_bad(bad),
        None if report.tail_unsigned > 0 => format!(
            "{}\n{}",
            language.audit_verified(report.size, report.leaves_checked, &root),
            language.audit_tail(report.tail_unsigned)
        ),
        None => language.audit_verified(report.size, report.leaves_checked, &root),
    })?;
    Ok(Verdict::of(report.is_ok()))
}

fn prove(directory: &Path, index: u64, public_key: &Path, output: Output) -> Result<Verdict, CommandError> {
    let verifier = read_public_key(public_key)?;
    let proof = Reader::of_directory(directory, &verifier)?.prove_inclusion(index)?;
    if output.is_json() {
        output.say(&json!({"index": index, "proof": proof}), |_| String::new())?;
    } else {
        // The text is the document: a line more would make another one of it.
        output::write(&proof)?;
    }
    Ok(Verdict::Good)
}

fn read_public_key(path: &Path) -> Result<NoteVerifier, CommandError> {
    NoteVerifier::parse(read(path)?.trim())
        .map_err(|cause| CommandError::PublicKey { path: path.to_owned(), cause })
}

fn read(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|cause| CommandError::File { path: PathBuf::from(path), cause })
}

async fn blocking(
    work: impl FnOnce() -> Result<Verdict, CommandError> + Send + 'static,
) -> Result<Verdict, CommandError> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
