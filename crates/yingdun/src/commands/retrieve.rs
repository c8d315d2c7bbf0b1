//! `find`, `get` and `move`: this program asks other DICOM nodes.

use super::scu::settings;
use super::{CommandError, Verdict};
use crate::cli::{FindArgs, GetArgs, IdentifierArgs, ModelArg, MoveArgs};
use crate::identifier;
use crate::output::Output;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use yingdun_dicom::{Tag, dictionary, part10, tags};
use yingdun_dimse::association::{Proposals, ProposalsError};
use yingdun_dimse::query::{Model, Root, Verb};
use yingdun_dimse::scp::{Failure, FailureKind, Incoming, Object};
use yingdun_dimse::scu::{COMMON_CLASSES, Retrieved, Scu};
use yingdun_model::Uid;

/// Asks, and says every match.
pub(super) async fn find(args: FindArgs, output: Output) -> Result<Verdict, CommandError> {
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    let taken = |row: DataSet| rows.extend(identifier::as_json(&row));
    let IdentifierArgs { calling, keys, .. } = &args.identifier;
    let (scu, answer) = if args.worklist {
        let asked = identifier::of_worklist(named(keys)).map_err(CommandError::Usage)?;
        let proposals = Proposals::worklist().map_err(|error| CommandError::Usage(error.to_string()))?;
        let mut scu = Scu::connect(&calling.destination, &settings(calling)?, &proposals).await?;
        let answer = scu.find_steps(&asked, taken).await?;
        (scu, answer)
    } else {
        let asked = identifier_of(&args.identifier)?;
        let mut scu = connect(&args.identifier, Verb::Find, &[], &[]).await?;
        let answer = scu.find(root(&args.identifier), &asked, taken).await?;
        (scu, answer)
    };
    scu.release().await?;
    let document = json!({"status": answer.status.0, "comment": answer.comment, "rows": rows});
    output.say(&document, |language| {
        let mut text: String = rows.iter().map(|row| line(row) + "\n").collect();
        text.push_str(&language.found(rows.len(), with_comment(&answer.status, answer.comment.as_deref())));
        text
    })?;
    Ok(Verdict::of(answer.status.0 == 0))
}

/// Fetches, and writes one file per object.
pub(super) async fn get(args: GetArgs, output: Output) -> Result<Verdict, CommandError> {
    let asked = identifier_of(&args.identifier)?;
    tokio::fs::create_dir_all(&args.directory)
        .await
        .map_err(|cause| CommandError::File { path: args.directory.clone(), cause })?;
    let mut scu = connect(&args.identifier, Verb::Get, &args.sop_class, &args.transfer_syntax).await?;
    let folder = args.directory;
    let take = |object| Kept::begin(&folder, object);
    let retrieved = scu.get(root(&args.identifier), &asked, take, |_| ()).await?;
    scu.release().await?;
    say(&retrieved, output)
}

/// Has objects sent elsewhere.
pub(super) async fn move_to(args: MoveArgs, output: Output) -> Result<Verdict, CommandError> {
    let asked = identifier_of(&args.identifier)?;
    let mut scu = connect(&args.identifier, Verb::Move, &[], &[]).await?;
    let retrieved = scu.move_to(root(&args.identifier), &asked, &args.to, |_| ()).await?;
    scu.release().await?;
    say(&retrieved, output)
}

/// A file that is being written: it has its name when it is whole.
struct Kept {
    file: File,
    unfinished: PathBuf,
    whole: PathBuf,
}

impl Kept {
    async fn begin(folder: &Path, object: Object) -> Result<Self, Failure> {
        // A UID is digits and dots: it leads nowhere else.
        let whole = folder.join(format!("{}.dcm", object.sop_instance));
        let unfinished = whole.with_extension("part");
        let mut file = File::create(&unfinished).await.map_err(no_room)?;
        let Object { sop_class, sop_instance, transfer_syntax } = object;
        let header = part10::write_header(&sop_class, &sop_instance, &transfer_syntax, None);
        file.write_all(&header).await.map_err(no_room)?;
        Ok(Self { file, unfinished, whole })
    }
}

impl Incoming for Kept {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.file.write_all(&bytes).await.map_err(no_room)
    }

    async fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().await.map_err(no_room)?;
        self.file.sync_all().await.map_err(no_room)?;
        tokio::fs::rename(&self.unfinished, &self.whole).await.map_err(no_room)
    }
}

// === helpers ===

async fn connect(
    args: &IdentifierArgs,
    verb: Verb,
    sop_classes: &[Uid],
    transfer_syntaxes: &[Uid],
) -> Result<Scu, CommandError> {
    let proposals = proposals(Model { root: root(args), verb }, sop_classes, transfer_syntaxes)
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    Ok(Scu::connect(&args.calling.destination, &settings(&args.calling)?, &proposals).await?)
}

fn proposals(
    model: Model,
    sop_classes: &[Uid],
    transfer_syntaxes: &[Uid],
) -> Result<Proposals, ProposalsError> {
    let mut proposals = Proposals::new();
    proposals.add_model(model)?;
    if model.verb != Verb::Get {
        return Ok(proposals);
    }
    let or = |own: &[Uid], usual: &[&str]| match own {
        [] => usual.iter().filter_map(|uid| Uid::new(uid).ok()).collect(),
        own => own.to_vec(),
    };
    for class in or(sop_classes, &COMMON_CLASSES) {
        for syntax in or(transfer_syntaxes, &[EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN]) {
            proposals.add_taken(class.clone(), syntax)?;
        }
    }
    Ok(proposals)
}

const fn root(args: &IdentifierArgs) -> Root {
    match args.model {
        ModelArg::Patient => Root::Patient,
        ModelArg::Study => Root::Study,
    }
}

fn identifier_of(args: &IdentifierArgs) -> Result<DataSet, CommandError> {
    identifier::of(&args.level.to_uppercase(), named(&args.keys)).map_err(CommandError::Usage)
}

/// Each key with what it is to match.
fn named(keys: &[String]) -> impl Iterator<Item = (&str, &str)> {
    keys.iter().map(|key| key.split_once('=').unwrap_or((key, "")))
}

/// A match for people: the keywords and values of what came.
pub(super) fn line(row: &Map<String, Value>) -> String {
    let shown = row.iter().filter_map(|(tag, attribute)| {
        let tag = Tag::from_hex(tag).ok().filter(|tag| *tag != tags::SPECIFIC_CHARACTER_SET)?;
        let values = attribute.get("Value").and_then(Value::as_array).into_iter().flatten();
        let values: Vec<String> = values.map(plain).collect();
        let name = dictionary::keyword_of(tag).map_or_else(|| tag.to_string(), str::to_owned);
        Some(format!("{name}={}", values.join("\\")))
    });
    shown.collect::<Vec<_>>().join("  ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // An item of a sequence, whose members are attributes; any other object is a name with its component groups.
        Value::Object(item) if item.keys().any(|key| Tag::from_hex(key).is_ok()) => {
            format!("({})", line(item))
        }
        Value::Object(name) => name.values().map(plain).collect::<Vec<_>>().join("="),
        other => other.to_string(),
    }
}

fn say(retrieved: &Retrieved, output: Output) -> Result<Verdict, CommandError> {
    let Retrieved { answer, counts, failed } = retrieved;
    let arrived = u32::from(counts.completed) + u32::from(counts.warning);
    let document = json!({
        "status": answer.status.0, "comment": answer.comment, "completed": counts.completed,
        "failed": counts.failed, "warning": counts.warning,
        "failed_instances": failed.iter().map(Uid::as_str).collect::<Vec<_>>(),
    });
    output.say(&document, |language| {
        let status = with_comment(&answer.status, answer.comment.as_deref());
        language.retrieved(arrived, counts.failed, status)
    })?;
    Ok(Verdict::of(answer.status.0 == 0))
}

fn with_comment(status: &impl std::fmt::Display, comment: Option<&str>) -> String {
    comment.map_or_else(|| status.to_string(), |comment| format!("{status}: {comment}"))
}

fn no_room(error: std::io::Error) -> Failure {
    Failure::new(FailureKind::OutOfResources, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_classes_are_storage_classes_and_fit_one_association() {
        for class in COMMON_CLASSES {
            assert!(dictionary::is_storage_sop_class(class), "{class}");
        }
        assert!(proposals(Model { root: Root::Study, verb: Verb::Get }, &[], &[]).is_ok());
    }
}
