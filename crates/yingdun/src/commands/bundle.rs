//! `audit bundle` and `audit verify-bundle`: evidence that leaves the house, and its check without the house.

use super::{CommandError, Verdict};
use crate::config::witness_policy;
use crate::evidence::{self, Answer, BUNDLE_BYTES_MAX};
use crate::output::Output;
use crate::process::private::write_new;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use yingdun_audit::render::rfc3339;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::{Clock, SystemClock, Timestamp};

/// The file of people who work on the archive alone: a bundle says who looked at whom.
const MODE: u32 = 0o600;

/// Says that the file of a bundle may be made.
pub(super) fn is_free(out: &Path) -> Result<(), CommandError> {
    match out.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(CommandError::Usage(format!(
            "`{}` is there already; a bundle is written into a new file",
            out.display()
        ))),
        Err(cause) => Err(CommandError::File { path: out.to_owned(), cause }),
    }
}

/// Writes the bundle that an archive answered with.
pub(super) fn write(answer: Value, out: &Path, output: Output) -> Result<Verdict, CommandError> {
    let answer: Answer = serde_json::from_value(answer)
        .map_err(|error| CommandError::Evidence(format!("the archive's answer is none: {error}")))?;
    let (leaves, next) = (answer.len(), answer.next().map(ToOwned::to_owned));
    let files = answer.into_files(SystemClock.now()).map_err(CommandError::Evidence)?;
    let packed = evidence::pack(&files).map_err(CommandError::Evidence)?;
    write_new(out, &packed, MODE).map_err(|cause| CommandError::File { path: out.to_owned(), cause })?;
    let digest = hex::encode(sha256(&packed));
    let document = json!({
        "file": out, "bytes": packed.len(), "sha256": digest, "leaves": leaves, "next": next,
        "is_cut_off": next.is_some(),
    });
    output.say(&document, |language| {
        let written = language.bundle_written(out.display(), leaves, &digest);
        match &next {
            Some(next) => format!("{written}\n{}", language.bundle_cut_off(next)),
            None => written,
        }
    })?;
    Ok(Verdict::Good)
}

/// Verifies a bundle by the public key of the log.
pub(super) fn verify(
    path: &Path,
    key: &NoteVerifier,
    witness_policy_file: Option<&Path>,
    output: Output,
) -> Result<Verdict, CommandError> {
    let policy = witness_policy_file.map(witness_policy).transpose()?;
    if policy.as_ref().is_some_and(|policy| !policy.is_for(key)) {
        return Err(CommandError::Usage(
            "the witness policy names other logs than the one whose key is given".to_owned(),
        ));
    }
    let fail = |cause| CommandError::File { path: path.to_owned(), cause };
    let mut packed = Vec::new();
    File::open(path).map_err(fail)?.take(BUNDLE_BYTES_MAX + 1).read_to_end(&mut packed).map_err(fail)?;
    let found = if packed.len() as u64 > BUNDLE_BYTES_MAX {
        Err("it is longer than any bundle".to_owned())
    } else {
        evidence::unpack(&packed)
    };
    let found = match found {
        Ok(files) => evidence::verify(&files, key, policy.as_ref()),
        Err(why) => evidence::Verified { bad: vec![why], ..evidence::Verified::default() },
    };
    let good = found.bad.is_empty();
    let seen_at = found
        .quorum
        .map(|quorum| Timestamp::from_ms(i64::try_from(quorum.time_s).unwrap_or(0).saturating_mul(1000)));
    let document = json!({
        "ok": good,
        "bad": found.bad,
        "leaves": found.leaves,
        "size": found.size,
        "root": hex::encode(found.root),
        "is_cut_off": found.is_cut_off,
        "witnessed_size": found.witnessed_size,
        "witnessed_at_ms": seen_at,
    });
    output.say(&document, |language| {
        if !good {
            return language.bundle_bad(found.bad.join("\n  "));
        }
        let mut lines = vec![language.bundle_verified(found.leaves, found.size, hex::encode(found.root))];
        if let (Some(quorum), Some(at)) = (found.quorum, seen_at) {
            lines.push(language.bundle_witnessed(quorum.size, rfc3339(at)));
        }
        if found.is_cut_off {
            lines.push(language.bundle_more());
        }
        lines.push(language.bundle_proves());
        lines.join("\n")
    })?;
    Ok(Verdict::of(good))
}
