//! How far an audit log is witnessed, by whom and when: from the cosigned checkpoint beside it, and from the witnesses themselves.

use crate::messages::Language;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::path::Path;
use yingdun_audit::{Policy, Quorum, Sighting, Witness, read_witnessed};
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::{Clock, SystemClock};
use yingdun_witness::Asker;

use super::witness::at;

/// What was found under a policy.
pub(super) struct Witnessed {
    policy: Policy,
    /// Checkpoints that the log has signed and witnesses have seen: it must continue each.
    pub(super) notes: Vec<String>,
    /// The newest of each witness.
    sightings: Vec<Sighting>,
    /// Witnesses that were asked and said nothing that can be used.
    pub(super) silent: Vec<(String, String)>,
    /// The cosigned checkpoint beside the log is none.
    pub(super) bad: Option<String>,
    pub(super) quorum: Option<Quorum>,
}

impl Witnessed {
    /// Reads what lies beside the log, and asks the witnesses where a client is given. To be done before the log is read: it may
    /// only grow in between.
    pub(super) async fn find(
        directory: &Path,
        log: &NoteVerifier,
        policy: Policy,
        asker: Option<&Asker>,
    ) -> Self {
        let mut found = Self {
            policy,
            notes: Vec::new(),
            sightings: Vec::new(),
            silent: Vec::new(),
            bad: None,
            quorum: None,
        };
        match read_witnessed(directory) {
            Ok(None) => {}
            Ok(Some(note)) => match found.policy.sightings(log, &note) {
                Ok(seen) => found.add(note, seen),
                Err(why) => found.bad = Some(why),
            },
            Err(error) => found.bad = Some(error.to_string()),
        }
        if let Some(asker) = asker {
            found.ask(log, asker).await;
        }
        found.quorum = found.policy.quorum(&found.sightings);
        found
    }

    async fn ask(&mut self, log: &NoteVerifier, asker: &Asker) {
        let calls = self.policy.witnesses().iter().map(|witness| async {
            match &witness.url {
                Some(url) => asker.newest(url, log.name()).await.map_err(|error| error.to_string()),
                None => Err("the policy has no address of it".to_owned()),
            }
        });
        let answers = join_all(calls).await;
        for (place, answer) in answers.into_iter().enumerate() {
            let answer =
                answer.and_then(|note| note.ok_or_else(|| "it has cosigned nothing of this log".to_owned()));
            let seen = answer.and_then(|note| {
                let seen = self.policy.sightings(log, &note)?;
                let own: Vec<Sighting> = seen.into_iter().filter(|seen| seen.witness == place).collect();
                if own.is_empty() {
                    Err("what it gives is not cosigned by it".to_owned())
                } else {
                    Ok((note, own))
                }
            });
            match seen {
                Ok((note, seen)) => self.add(note, seen),
                Err(why) => {
                    let name = self.policy.witnesses().get(place).map(|witness| witness.name.clone());
                    self.silent.push((name.unwrap_or_default(), why));
                }
            }
        }
    }

    fn add(&mut self, note: String, seen: Vec<Sighting>) {
        self.notes.push(note);
        for sighting in seen {
            let key = |sighting: &Sighting| (sighting.size, sighting.time_s);
            match self.sightings.iter_mut().find(|known| known.witness == sighting.witness) {
                Some(known) if key(known) < key(&sighting) => *known = sighting,
                Some(_) => {}
                None => self.sightings.push(sighting),
            }
        }
    }

    /// Whether enough witnesses have seen the log, and not longer ago than asked.
    pub(super) fn is_ok(&self, within_minutes: Option<u32>) -> bool {
        self.bad.is_none() && self.quorum.is_some_and(|quorum| recent(quorum, within_minutes))
    }

    pub(super) fn described(&self, log_size: u64, within_minutes: Option<u32>) -> Value {
        let by: Vec<Value> = self
            .named()
            .map(|(name, seen)| json!({"name": name, "size": seen.size, "time_s": seen.time_s}))
            .collect();
        let silent: Vec<Value> =
            self.silent.iter().map(|(name, why)| json!({"name": name, "why": why})).collect();
        json!({
            "ok": self.is_ok(within_minutes),
            "size": self.quorum.map(|quorum| quorum.size),
            "time_s": self.quorum.map(|quorum| quorum.time_s),
            "later": self.quorum.map(|quorum| log_size.saturating_sub(quorum.size)),
            "witnesses": by,
            "silent": silent,
            "bad": self.bad,
        })
    }

    pub(super) fn said(&self, language: Language, log_size: u64, within_minutes: Option<u32>) -> String {
        let mut lines = Vec::new();
        lines.extend(self.bad.as_ref().map(|why| language.audit_not_witnessed(why)));
        match (self.quorum, within_minutes) {
            (Some(quorum), Some(minutes)) if !recent(quorum, within_minutes) => {
                lines.push(language.audit_witnessed_long_ago(at(quorum.time_s), minutes));
            }
            (Some(quorum), _) => {
                let later = log_size.saturating_sub(quorum.size);
                lines.push(language.audit_witnessed(quorum.size, at(quorum.time_s), later));
            }
            (None, _) => lines.push(language.audit_unwitnessed()),
        }
        lines.extend(
            self.named().map(|(name, seen)| language.audit_sighting(name, seen.size, at(seen.time_s))),
        );
        lines.extend(self.silent.iter().map(|(name, why)| language.audit_silent(name, why)));
        lines.join("\n")
    }

    fn named(&self) -> impl Iterator<Item = (&str, &Sighting)> {
        self.sightings.iter().filter_map(|seen| {
            let Witness { name, .. } = self.policy.witnesses().get(seen.witness)?;
            Some((name.as_str(), seen))
        })
    }
}

fn recent(quorum: Quorum, within_minutes: Option<u32>) -> bool {
    let now_s = u64::try_from(SystemClock.now().as_ms() / 1000).unwrap_or(0);
    within_minutes.is_none_or(|minutes| quorum.time_s.saturating_add(u64::from(minutes) * 60) >= now_s)
}
