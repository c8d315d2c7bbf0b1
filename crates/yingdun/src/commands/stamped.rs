//! How far an audit log is time-stamped, and when, by the stamps beside it.

use super::CommandError;
use crate::messages::Language;
use serde_json::{Value, json};
use std::path::Path;
use yingdun_audit::Checkpoint;
use yingdun_audit::render::rfc3339;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::Timestamp;
use yingdun_timestamp::{Authority, Kept, judge, kept};

/// What the stamps beside a log say.
pub(super) struct StampedLog {
    /// Checkpoints that were stamped: the log must continue each.
    pub(super) notes: Vec<String>,
    /// Size and moment of the stamp that covers most.
    newest: Option<(u64, Timestamp)>,
    /// The first stamp that is none.
    bad: Option<String>,
}

impl StampedLog {
    /// Reads and judges every stamp: one of the authorities must have signed it, because certificates end and stamps do not. To be done
    /// before the log is read: it may only grow in between.
    pub(super) fn read(
        directory: &Path,
        log: &NoteVerifier,
        authorities: &[Authority],
    ) -> Result<Self, CommandError> {
        let mut found = Self { notes: Vec::new(), newest: None, bad: None };
        for stamp in kept(directory)? {
            let Kept { checkpoint, answer, name } = stamp?;
            let judged = Checkpoint::verify(log, &checkpoint).and_then(|head| {
                let time = stamped_at(&answer, &checkpoint, authorities)?;
                Ok((head.size(), time))
            });
            match judged {
                Ok((size, time)) => {
                    found.notes.push(checkpoint);
                    found.newest = found.newest.filter(|(known, _)| *known >= size).or(Some((size, time)));
                }
                Err(why) => found.bad = found.bad.or(Some(format!("time-stamp {name}: {why}"))),
            }
        }
        Ok(found)
    }

    /// Whether there is a stamp, and none that is bad.
    pub(super) const fn is_ok(&self) -> bool {
        self.bad.is_none() && self.newest.is_some()
    }

    pub(super) fn described(&self, log_size: u64) -> Value {
        json!({
            "ok": self.is_ok(),
            "stamps": self.notes.len(),
            "size": self.newest.map(|(size, _)| size),
            "time_ms": self.newest.map(|(_, time)| time),
            "later": self.newest.map(|(size, _)| log_size.saturating_sub(size)),
            "bad": self.bad,
        })
    }

    pub(super) fn said(&self, language: Language, log_size: u64) -> String {
        match (&self.bad, self.newest) {
            (Some(bad), _) => language.audit_bad(bad.clone()),
            (None, Some((size, time))) => {
                language.audit_stamped(self.notes.len(), size, rfc3339(time), log_size.saturating_sub(size))
            }
            (None, None) => language.audit_not_stamped(),
        }
    }
}

// === helpers ===

/// When one of the authorities stamped a checkpoint; or what the last of them has against it.
fn stamped_at(answer: &[u8], checkpoint: &str, authorities: &[Authority]) -> Result<Timestamp, String> {
    let hash = sha256(checkpoint.as_bytes());
    let mut why = "no certificate of an authority is given".to_owned();
    for authority in authorities {
        match judge(answer, &hash, None, authority) {
            Ok(stamp) => return Ok(stamp.time),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}
