//! Devices: their records, and what their habits make of an object.

use super::commitment;
use super::job::follow;
use super::server::Server;
use super::{AdminClientError, call, say, text_of};
use crate::cli::{AdminArgs, DeviceCommand, DeviceLevel, DeviceWay};
use crate::commands::retrieve;
use crate::commands::{CommandError, Verdict};
use crate::echo_report::EchoReport;
use crate::output::Output;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::path::Path;
use tokio::io::AsyncReadExt;
use yingdun_access::DeviceHabits;
use yingdun_dicom::coerce;
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::transfer_syntax;
use yingdun_dimse::scu::DicomFile;

/// Bytes of an object that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

pub(in crate::commands) async fn device(
    command: DeviceCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        DeviceCommand::Add { ae_title, called, certificate_file, address, plain, destination, admin } => {
            let certificate = certificate_file.as_deref().map(fingerprint).transpose()?;
            let body = json!({
                "ae_title": ae_title,
                "called_ae": called,
                "certificate_sha256": certificate,
                "addresses": address,
                "plain_allowed": plain,
                "destination": destination,
            });
            call(output, &admin, Method::POST, &["devices"], Some(body)).await
        }
        DeviceCommand::Grant { ae_title, scopes, called, admin } => {
            let body = json!({"called_ae": called, "scopes": scopes});
            call(output, &admin, Method::PUT, &["devices", &ae_title, "scopes"], Some(body)).await
        }
        DeviceCommand::List { admin } => call(output, &admin, Method::GET, &["devices"], None).await,
        DeviceCommand::Waiting { dismissed, admin } => {
            let query = [("dismissed", dismissed.to_string())];
            let answer = Server::of(&admin)?.ask(Method::GET, &["waiting-devices"], &query, None).await?;
            say(output, answer.get("waiting").unwrap_or(&Value::Null))
        }
        DeviceCommand::Approve { attempt, address, plain, destination, admin } => {
            let mut body = json!({"plain_allowed": plain, "destination": destination});
            if let (false, Some(fields)) = (address.is_empty(), body.as_object_mut()) {
                fields.insert("addresses".to_owned(), json!(address));
            }
            call(output, &admin, Method::POST, &["waiting-devices", &attempt], Some(body)).await
        }
        DeviceCommand::Dismiss { attempt, undo: true, admin, .. } => {
            let path = ["waiting-devices", &attempt, "dismissal"];
            call(output, &admin, Method::DELETE, &path, None).await
        }
        DeviceCommand::Dismiss { attempt, days, undo: false, admin } => {
            let path = ["waiting-devices", &attempt, "dismissal"];
            call(output, &admin, Method::PUT, &path, Some(json!({"days": days}))).await
        }
        DeviceCommand::Disable { ae_title, called, admin } => {
            let mut record = record(&admin, &ae_title, &called).await?;
            record.insert("disabled".into(), Value::Bool(true));
            call(output, &admin, Method::PUT, &["devices", &ae_title], Some(record.into())).await
        }
        DeviceCommand::Echo { ae_title, called, admin } => {
            let (path, body) = (["devices", &ae_title, "echo"], json!({"called_ae": called}));
            let answer = Server::of(&admin)?.ask(Method::POST, &path, &[], Some(body)).await?;
            let report: EchoReport = serde_json::from_value(answer)
                .map_err(|_| AdminClientError::Unexpected("no report of a connection test"))?;
            output.say(&report, |language| report.text(language))?;
            Ok(Verdict::of(report.is_good()))
        }
        DeviceCommand::Find { ae_title, level, keys, limit, admin } => {
            let level = match level {
                DeviceLevel::Study => "study",
                DeviceLevel::Series => "series",
                DeviceLevel::Instance => "instance",
            };
            let body = json!({"level": level, "keys": keys_of(&keys), "limit": limit});
            let path = ["devices", &ae_title, "find"];
            say_found(output, &Server::of(&admin)?.ask(Method::POST, &path, &[], Some(body)).await?)
        }
        DeviceCommand::Worklist { ae_title, keys, limit, admin } => {
            let body = json!({"keys": keys_of(&keys), "limit": limit});
            let path = ["devices", &ae_title, "worklist"];
            say_found(output, &Server::of(&admin)?.ask(Method::POST, &path, &[], Some(body)).await?)
        }
        DeviceCommand::Store { ae_title, studies, series, instance, wait, admin } => {
            let body = json!({"studies": studies, "series": series, "instances": instance});
            let server = Server::of(&admin)?;
            let job = server.ask(Method::POST, &["devices", &ae_title, "store"], &[], Some(body)).await?;
            follow(&server, job, wait, output).await
        }
        DeviceCommand::Commit { ae_title, studies, series, instance, wait, admin } => {
            let body = json!({"studies": studies, "series": series, "instances": instance});
            let server = Server::of(&admin)?;
            let asked = server.ask(Method::POST, &["devices", &ae_title, "commit"], &[], Some(body)).await?;
            commitment::follow(&server, asked, wait, output).await
        }
        DeviceCommand::Retrieve { ae_title, studies, by, wait, admin } => {
            let by = match by {
                DeviceWay::Move => "move",
                DeviceWay::Get => "get",
            };
            let (path, body) = (["devices", &ae_title, "retrieve"], json!({"studies": studies, "by": by}));
            let server = Server::of(&admin)?;
            let job = server.ask(Method::POST, &path, &[], Some(body)).await?;
            follow(&server, job, wait, output).await
        }
        DeviceCommand::Habits { ae_title, set: None, called, admin } => {
            let record = record(&admin, &ae_title, &called).await?;
            say(output, record.get("habits").unwrap_or(&Value::Null))
        }
        DeviceCommand::Habits { ae_title, set: Some(file), called, admin } => {
            let habits = habits_of(&file)?;
            let mut record = record(&admin, &ae_title, &called).await?;
            record.insert("habits".into(), json!(habits));
            call(output, &admin, Method::PUT, &["devices", &ae_title], Some(record.into())).await
        }
        DeviceCommand::Coerce { ae_title, dry_run, habits, called, admin } => {
            let habits = match habits {
                Some(file) => habits_of(&file)?,
                None => {
                    let record = record(&admin, &ae_title, &called).await?;
                    let habits = record.get("habits").cloned().unwrap_or_default();
                    serde_json::from_value(habits)
                        .map_err(|_| AdminClientError::Unexpected("habits that this program knows"))?
                }
            };
            say(output, &json!(preview(&dry_run, &habits).await?))
        }
    }
}

// === helpers ===

/// The record of a device, as it can be sent back.
async fn record(admin: &AdminArgs, ae_title: &str, called: &str) -> Result<Map<String, Value>, CommandError> {
    let devices = Server::of(admin)?.ask(Method::GET, &["devices"], &[], None).await?;
    let is_meant = |device: &&Value| {
        device.get("ae_title") == Some(&json!(ae_title)) && device.get("called_ae") == Some(&json!(called))
    };
    let found = devices.as_array().into_iter().flatten().find(is_meant).and_then(Value::as_object).cloned();
    let mut record = found.ok_or_else(|| AdminClientError::NoDevice {
        ae_title: ae_title.to_owned(),
        called: called.to_owned(),
    })?;
    record.remove("scopes");
    Ok(record)
}

/// Keys as they are asked for.
fn keys_of(keys: &[String]) -> Map<String, Value> {
    let keys = keys.iter().map(|key| key.split_once('=').unwrap_or((key, "")));
    keys.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// Rows as JSON, or a line per row for people.
fn say_found(output: Output, found: &Value) -> Result<Verdict, CommandError> {
    let rows: Vec<&Map<String, Value>> = found
        .get("rows")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    output.say(found, |language| {
        let mut text: String = rows.iter().map(|row| retrieve::line(row) + "\n").collect();
        text.push_str(&language.found_at_device(rows.len()));
        if found.get("more") == Some(&Value::Bool(true)) {
            text.push('\n');
            text.push_str(&language.found_more());
        }
        text
    })?;
    Ok(Verdict::Good)
}

fn habits_of(file: &Path) -> Result<DeviceHabits, CommandError> {
    DeviceHabits::from_text(&text_of(file)?).map_err(|error| CommandError::Usage(error.to_string()))
}

/// What the rules change of what is said of an object.
async fn preview(path: &Path, habits: &DeviceHabits) -> Result<Vec<coerce::Changed>, CommandError> {
    let wrong = |cause: &dyn std::fmt::Display| {
        CommandError::Usage(format!("`{}` is no object that can be stored: {cause}", path.display()))
    };
    let DicomFile { object, mut data_set } = DicomFile::open(path).await.map_err(|error| wrong(&error))?;
    let mut scanner = Scanner::new(transfer_syntax::lookup(&object.transfer_syntax), Limits::default());
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = data_set.read(&mut piece).await?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        scanner.feed(bytes).map_err(|error| wrong(&error))?;
    }
    let set = scanner.finish().map_err(|error| wrong(&error))?.data_set;
    let sets = set.character_sets().assuming(habits.character_set_in.as_deref());
    let mut index = InstanceIndex::from_data_set_in(&set, &sets).map_err(|error| wrong(&error))?;
    Ok(coerce::apply(&habits.coercions, &mut index))
}

fn fingerprint(path: &Path) -> Result<String, CommandError> {
    let facts = crate::wiring::read_certificate(path)?;
    facts
        .map(|facts| facts.sha256)
        .ok_or_else(|| CommandError::Usage(format!("`{}` holds no certificate", path.display())))
}
