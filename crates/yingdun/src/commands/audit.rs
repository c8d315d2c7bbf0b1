//! `audit`: the ledger online through a server, and offline from its files and its public key alone.

use super::stamped::StampedLog;
use super::witnessed::Witnessed;
use super::{CommandError, Verdict, admin, bundle, logs, policy, reconcile, render};
use crate::cli::{AuditCommand, WitnessedArgs};
use crate::config::witness_policy;
use crate::messages::Language;
use crate::output::{self, Output};
use crate::wiring;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use yingdun_audit::verify::{Report, verify_trees};
use yingdun_audit::{Reader, Tree};
use yingdun_crypto::sign::NoteVerifier;
use yingdun_timestamp::{Authority, TimeStampError};

/// Runs a command on the ledger.
pub(super) async fn audit(command: AuditCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        AuditCommand::Tail { count, admin } => admin::audit_tail(count, &admin, output).await,
        AuditCommand::Reviews { sample, admin } => admin::audit_reviews(sample, &admin, output).await,
        AuditCommand::Search {
            actor,
            device,
            action,
            patient,
            from_ms,
            until_ms,
            study,
            kind,
            outcome,
            limit,
            cursor,
            log,
            admin,
        } => {
            let conditions = [
                ("actor", actor),
                ("device", device),
                ("action", action),
                ("patient", patient),
                ("from_ms", from_ms.map(|time| time.to_string())),
                ("until_ms", until_ms.map(|time| time.to_string())),
                ("cursor", cursor),
                ("study_uid", study),
                ("kind", kind),
                ("outcome", outcome),
                ("limit", Some(limit.to_string())),
                ("log", log),
            ];
            admin::audit_search(&conditions, &admin, output).await
        }
        AuditCommand::Accesses { study, patient_id_file, issuer, limit, cursor, log, admin } => {
            let patient_id = patient_id_file.as_deref().map(admin::text_of).transpose()?;
            let mut body = json!({"limit": limit});
            if let Some(fields) = body.as_object_mut() {
                fields.extend(study.map(|study| ("study_uid".to_owned(), Value::from(study))));
                fields.extend(cursor.map(|cursor| ("cursor".to_owned(), Value::from(cursor))));
                fields.extend(log.map(|log| ("log".to_owned(), Value::from(log))));
                if let Some(patient_id) = patient_id {
                    fields.insert("patient_id".to_owned(), Value::from(patient_id.trim()));
                    fields.insert("issuer".to_owned(), Value::from(issuer));
                }
            }
            admin::audit_accesses(body, &admin, output).await
        }
        AuditCommand::Bundle {
            study_uid,
            patient_id_file,
            issuer,
            actor,
            from_ms,
            until_ms,
            limit,
            cursor,
            out,
            admin,
        } => {
            bundle::is_free(&out)?;
            let patient_id = patient_id_file.as_deref().map(admin::text_of).transpose()?;
            let body = json!({
                "study_uid": study_uid, "patient_id": patient_id.as_deref().map(str::trim), "issuer": issuer,
                "actor": actor, "from_ms": from_ms, "until_ms": until_ms, "limit": limit, "cursor": cursor,
            });
            let answer = admin::audit_bundle(body, &admin).await?;
            blocking(move || bundle::write(answer, &out, output)).await
        }
        AuditCommand::VerifyBundle { file, public_key, witness_policy } => {
            let verifier = read_public_key(&public_key)?;
            blocking(move || bundle::verify(&file, &verifier, witness_policy.as_deref(), output)).await
        }
        AuditCommand::Verify {
            directory,
            public_key,
            known_checkpoint,
            time_stamp_certificate,
            time_stamped_within,
            witnesses,
        } => {
            let verifiers =
                public_key.iter().map(|path| read_public_key(path)).collect::<Result<Vec<_>, _>>()?;
            let known = known_checkpoint.as_deref().map(read).transpose()?;
            let witnessed = witnessed(&directory, &verifiers, &witnesses).await?;
            let stamped = match time_stamp_certificate.as_slice() {
                [] => None,
                certificates => Some(stamped(&directory, &verifiers, certificates)?),
            };
            let within = Within { minutes: witnesses.witnessed_within, hours: time_stamped_within };
            blocking(move || verify(&directory, &verifiers, known, (witnessed, stamped), within, output))
                .await
        }
        AuditCommand::Logs(args) => logs::list(args, output).await,
        AuditCommand::Policy { witness, least } => policy::print(&witness, least, output),
        AuditCommand::Begin(args) => logs::begin(args, output).await,
        AuditCommand::Render { directory, public_key, form, from, count } => {
            let verifier = read_public_key(&public_key)?;
            blocking(move || render::render(&directory, &verifier, form, from, count).map(|()| Verdict::Good))
                .await
        }
        AuditCommand::Reconcile { directory, public_key, from, heartbeat_within } => {
            let verifier = read_public_key(&public_key)?;
            blocking(move || reconcile::reconcile(&directory, &verifier, from, heartbeat_within, output))
                .await
        }
        AuditCommand::Prove { directory, index, public_key } => {
            blocking(move || prove(&directory, index, &public_key, output)).await
        }
    }
}

/// How old what others say of the log may be.
#[derive(Clone, Copy, Debug)]
struct Within {
    /// Minutes since enough witnesses said so.
    minutes: Option<u32>,
    /// Hours that a leaf may have waited for its time-stamp.
    hours: Option<u32>,
}

fn verify(
    directory: &Path,
    verifiers: &[NoteVerifier],
    known: Option<String>,
    (witnessed, mut stamped): (Option<Witnessed>, Option<StampedLog>),
    within: Within,
    output: Output,
) -> Result<Verdict, CommandError> {
    let seen = witnessed.iter().flat_map(|witnessed| &witnessed.notes);
    let known: Vec<&str> = known
        .iter()
        .chain(seen)
        .chain(stamped.iter().flat_map(|stamped| &stamped.notes))
        .map(String::as_str)
        .collect();
    let reports = verify_trees(directory, verifiers, &known)?;
    let whole = reports.iter().all(Report::is_ok);
    if let Some(stamped) = stamped.as_mut().filter(|_| whole) {
        stamped.measure(directory)?;
    }
    let Within { minutes: within_minutes, hours } = within;
    let good = whole
        && stamped.as_ref().is_none_or(|stamped| stamped.is_ok(hours))
        && witnessed.as_ref().is_none_or(|witnessed| witnessed.is_ok(within_minutes));
    let size = reports.first().map_or(0, |report| report.size);
    let trees: Vec<Value> = reports.iter().map(described).collect();
    // The fields of the first tree stand outside too, for who asks for one alone.
    let mut document = trees.first().cloned().unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        let first_bad = trees.iter().map(|tree| &tree["first_bad"]).find(|bad| !bad.is_null());
        fields.insert("first_bad".to_owned(), first_bad.cloned().unwrap_or_default());
        fields.insert("ok".to_owned(), Value::from(good));
        let described = witnessed.as_ref().map(|witnessed| witnessed.described(size, within_minutes));
        fields.extend(described.map(|described| ("witnessed".to_owned(), described)));
        let described = stamped.as_ref().map(|stamped| stamped.described(size, hours));
        fields.extend(described.map(|described| ("time_stamped".to_owned(), described)));
        fields.insert("trees".to_owned(), Value::Array(trees));
    }
    output.say(&document, |language| {
        let mut lines: Vec<String> = reports.iter().map(|report| said(report, language)).collect();
        lines.extend(witnessed.as_ref().map(|witnessed| witnessed.said(language, size, within_minutes)));
        lines.extend(stamped.as_ref().map(|stamped| stamped.said(language, size)));
        lines.join("\n")
    })?;
    Ok(Verdict::of(good))
}

/// What the time-stamps beside a log say.
fn stamped(
    directory: &Path,
    verifiers: &[NoteVerifier],
    certificates: &[PathBuf],
) -> Result<StampedLog, CommandError> {
    let mut authorities = Vec::new();
    for path in certificates {
        authorities.push(Authority::from_pem(read(path)?.as_bytes()).map_err(TimeStampError::from)?);
    }
    let log = verifiers.iter().find(|verifier| Tree::of(verifier) == Tree::Sha256).ok_or_else(|| {
        CommandError::Usage("time-stamps are on the SHA-256 tree: give its public key, too".to_owned())
    })?;
    StampedLog::read(directory, log, &authorities)
}

/// What witnesses have seen, where a policy says whose word counts.
async fn witnessed(
    directory: &Path,
    verifiers: &[NoteVerifier],
    args: &WitnessedArgs,
) -> Result<Option<Witnessed>, CommandError> {
    let Some(path) = &args.witness_policy else { return Ok(None) };
    let policy = witness_policy(path)?;
    let log = verifiers.iter().find(|verifier| Tree::of(verifier) == Tree::Sha256);
    let log = log.filter(|log| policy.is_for(log)).ok_or_else(|| {
        let path = path.display();
        CommandError::Usage(format!(
            "the policy `{path}` names other logs than the one whose public key is given"
        ))
    })?;
    let asker = match args.ask_witnesses {
        true => Some(wiring::asker(args.witness_ca_file.as_deref())?),
        false => None,
    };
    Ok(Some(Witnessed::find(directory, log, policy, asker.as_ref()).await))
}

fn described(report: &Report) -> Value {
    json!({
        "tree": report.tree,
        "ok": report.is_ok(),
        "size": report.size,
        "root": hex::encode(report.root),
        "leaves_checked": report.leaves_checked,
        "tail_unsigned": report.tail_unsigned,
        "details_checked": report.details_checked,
        "details_removed": report.details_removed,
        "torn_tail": report.torn_tail,
        "clock_set_back": report.clock_set_back.map(|step| json!({"record": step.index, "by_ms": step.by_ms})),
        "first_bad": report.first_bad.as_ref().map(ToString::to_string),
    })
}

fn said(report: &Report, language: Language) -> String {
    let tree = match report.tree {
        Tree::Sha256 => "",
        Tree::Sm3 => "SM3: ",
    };
    let verified = language.audit_verified(report.size, report.leaves_checked, hex::encode(report.root));
    let verified = match report.clock_set_back {
        Some(step) => format!("{verified}\n{}", language.clock_was_set_back(step.index, step.by_ms)),
        None => verified,
    };
    match &report.first_bad {
        Some(bad) => format!("{tree}{}", language.audit_bad(bad.to_string())),
        None if report.tail_unsigned > 0 => {
            format!("{tree}{verified}\n{tree}{}", language.audit_tail(report.tail_unsigned))
        }
        None => format!("{tree}{verified}"),
    }
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
