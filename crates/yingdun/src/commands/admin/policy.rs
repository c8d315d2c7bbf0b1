//! Rules of the institution: each command is one call.

use super::server::Server;
use super::{ask, call, say, text_of};
use crate::cli::{AccessCommand, PolicyCommand};
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const POLICIES: &str = "policies";
/// Examples of leaves that are shown.
const EXAMPLES_MAX: usize = 20;

/// Calls the routes of rules.
pub(in crate::commands) async fn policy(
    command: PolicyCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        PolicyCommand::Check { file, admin } => {
            let body = json!({ "text": text_of(&file)? });
            call(output, &admin, Method::POST, &[POLICIES, "check"], Some(body)).await
        }
        PolicyCommand::Propose { file, reason, admin } => {
            let body = json!({ "text": text_of(&file)?, "reason": reason });
            call(output, &admin, Method::POST, &[POLICIES], Some(body)).await
        }
        PolicyCommand::Rollback { number, reason, admin } => {
            let body = json!({ "version": number, "reason": reason });
            call(output, &admin, Method::POST, &[POLICIES], Some(body)).await
        }
        PolicyCommand::List { admin } => call(output, &admin, Method::GET, &[POLICIES], None).await,
        PolicyCommand::Show { number, admin } => {
            call(output, &admin, Method::GET, &[POLICIES, &number.to_string()], None).await
        }
        PolicyCommand::Report { number, parts, admin } => {
            let server = Server::of(&admin)?;
            let version = number.to_string();
            let path = [POLICIES, &version, "comparison"];
            let comparison = server.ask(Method::GET, &path, &[], None).await?;
            let mut replay = Replay::default();
            let mut next: Option<String> = None;
            for _ in 0..parts {
                let query: Vec<_> = next.take().map(|cursor| ("cursor", cursor)).into_iter().collect();
                let part = server.ask(Method::GET, &[POLICIES, &version, "replay"], &query, None).await?;
                replay.add(&part);
                next = part.get("next").and_then(Value::as_str).map(str::to_owned);
                if next.is_none() {
                    break;
                }
            }
            say(output, &json!({ "comparison": comparison, "replay": replay.shown(next) }))
        }
        PolicyCommand::Approve { number, digest, admin } => {
            let path = [POLICIES, &number.to_string(), "approval"];
            call(output, &admin, Method::POST, &path, Some(json!({ "digest": digest }))).await
        }
        PolicyCommand::Reject { number, admin } => {
            call(output, &admin, Method::POST, &[POLICIES, &number.to_string(), "rejection"], None).await
        }
        PolicyCommand::Withdraw { number, admin } => {
            call(output, &admin, Method::DELETE, &[POLICIES, &number.to_string()], None).await
        }
        PolicyCommand::Activate { number, digest, admin } => {
            let path = [POLICIES, &number.to_string(), "activation"];
            call(output, &admin, Method::POST, &path, Some(json!({ "digest": digest }))).await
        }
        PolicyCommand::Suspend { minutes, reason, admin } => {
            let body = json!({ "minutes": minutes, "reason": reason });
            call(output, &admin, Method::POST, &[POLICIES, "suspension"], Some(body)).await
        }
        PolicyCommand::Review { activation, admin } => {
            let path = [POLICIES, "suspension", &activation.to_string(), "review"];
            call(output, &admin, Method::POST, &path, None).await
        }
    }
}

/// Calls the routes about rights.
pub(in crate::commands) async fn access(
    command: AccessCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        AccessCommand::Unused { days, admin } => {
            ask(&["rights", "unused"], &[("days", Some(days.to_string()))], &admin, output).await
        }
    }
}

// === helpers ===

/// The parts of a replay as one.
#[derive(Default)]
struct Replay {
    sums: BTreeMap<&'static str, u64>,
    changes: BTreeMap<(String, String), BTreeMap<&'static str, u64>>,
    examples: Vec<Value>,
    /// What is the same in every part, or said by the last one.
    last: Map<String, Value>,
}

impl Replay {
    fn add(&mut self, part: &Value) {
        let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64).unwrap_or(0);
        for name in ["leaves", "decisions", "unknown"] {
            *self.sums.entry(name).or_default() += number(part, name);
        }
        let rows = |name: &str| part.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        for change in rows("changes") {
            let word = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let sums = self.changes.entry((word("role"), word("action"))).or_default();
            for name in ["refused", "perhaps_refused", "perhaps_allowed"] {
                *sums.entry(name).or_default() += number(&change, name);
            }
        }
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(rows("examples").into_iter().take(room));
        for name in ["log", "logs", "from_ms", "reached_ms"] {
            if let Some(value) = part.get(name).filter(|value| !value.is_null()) {
                self.last.insert(name.to_owned(), value.clone());
            }
        }
    }

    fn shown(self, next: Option<String>) -> Value {
        let changes: Vec<Value> = self
            .changes
            .into_iter()
            .map(|((role, action), sums)| {
                let mut row = json!({ "role": role, "action": action });
                if let Some(fields) = row.as_object_mut() {
                    fields.extend(sums.into_iter().map(|(name, sum)| (name.to_owned(), json!(sum))));
                }
                row
            })
            .collect();
        let mut shown = self.last;
        shown.extend(self.sums.into_iter().map(|(name, sum)| (name.to_owned(), json!(sum))));
        shown.insert("changes".to_owned(), Value::Array(changes));
        shown.insert("examples".to_owned(), Value::Array(self.examples));
        // Where it ended early, and all that it says is of the time after `reached_ms`.
        shown.insert("next".to_owned(), json!(next));
        Value::Object(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_replay_are_added_up_and_the_last_one_says_how_far_it_came() {
        let part = |reached: i64, refused: u64| {
            json!({"log": "a", "from_ms": 1, "reached_ms": reached, "leaves": 10, "decisions": 4, "unknown": 1,
                "changes": [{"role": "chief", "action": "export", "refused": refused, "perhaps_refused": 0, "perhaps_allowed": 2}],
                "examples": [{"index": reached}], "next": "more"})
        };
        let mut replay = Replay::default();
        replay.add(&part(9, 3));
        replay.add(&part(5, 4));
        let shown = replay.shown(Some("more".to_owned()));
        assert_eq!(shown["leaves"], 20);
        assert_eq!(shown["reached_ms"], 5);
        assert_eq!(shown["next"], "more");
        let expected = json!([{"role": "chief", "action": "export", "refused": 7, "perhaps_refused": 0, "perhaps_allowed": 4}]);
        assert_eq!(shown["changes"], expected);
        assert_eq!(shown["examples"].as_array().map(Vec::len), Some(2));
    }
}
