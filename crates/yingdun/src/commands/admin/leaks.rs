//! Whose picture a found one is.

use super::server::Server;
use crate::cli::LeakCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use yingdun_audit::render::rfc3339;
use yingdun_model::Timestamp;

/// The largest file that an archive takes.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Calls the routes of leaks.
pub(in crate::commands) async fn leak(command: LeakCommand, output: Output) -> Result<Verdict, CommandError> {
    let answer = match command {
        LeakCommand::Trace { file, study, series, instance, admin } => {
            let (media_type, picture) = picture_of(&file)?;
            let named = [("study_uid", Some(study)), ("series_uid", series), ("instance_uid", instance)];
            let query: Vec<(&str, String)> =
                named.into_iter().filter_map(|(name, uid)| Some((name, uid?))).collect();
            Server::of(&admin)?.send_file(&["leaks", "trace"], &query, media_type, picture).await?
        }
        LeakCommand::Mark { number, admin } => {
            let path = ["leaks", "marks", &number];
            Server::of(&admin)?.ask(Method::GET, &path, &[], None).await?
        }
    };
    let found = answer.get("attributed").and_then(Value::as_bool) == Some(true);
    output.say(&answer, |language| {
        let opening = answer.get("opening").filter(|opening| opening.is_object());
        let said = match opening {
            Some(opening) => {
                let text = |name: &str| opening.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
                let at = opening.get("time_ms").and_then(Value::as_i64).unwrap_or_default();
                let leaf = opening.get("index").and_then(Value::as_u64).unwrap_or_default();
                let at = rfc3339(Timestamp::from_ms(at));
                if text("kind") == "copied" {
                    language.leak_copied(text("actor"), text("role"), &at, leaf, text("log"))
                } else {
                    language.leak_attributed(text("actor"), text("role"), &at, leaf, text("log"))
                }
            }
            None => language.leak_of_nobody(),
        };
        let sureness = answer.get("sureness").and_then(Value::as_f64);
        let sure = sureness.map(|sureness| format!("\n{}", language.leak_sureness(sureness)));
        let missing = answer.get("logs_whole").and_then(Value::as_bool) == Some(false);
        let missing = missing.then(|| format!("\n{}", language.leak_logs_missing()));
        format!("{said}{}{}", sure.unwrap_or_default(), missing.unwrap_or_default())
    })?;
    Ok(if found { Verdict::Good } else { Verdict::Bad })
}

// === helpers ===

fn picture_of(path: &Path) -> Result<(&'static str, Vec<u8>), CommandError> {
    let fail = |cause| CommandError::File { path: path.to_owned(), cause };
    let mut picture = Vec::new();
    File::open(path).map_err(fail)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut picture).map_err(fail)?;
    if picture.len() as u64 > FILE_BYTES_MAX {
        return Err(CommandError::Usage(format!(
            "`{}` has more than {FILE_BYTES_MAX} bytes",
            path.display()
        )));
    }
    let media_type = if picture.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    Ok((media_type, picture))
}
