//! What a stream is set to, and whether what it acknowledges stays.

use crate::address::Names;
use serde::Deserialize;
use std::time::Duration;

/// Copies with which the loss of one server loses nothing: a majority of them is left.
const REPLICAS: u32 = 3;

/// The shortest duplicate window that does its work: what is sent again after a restart of the archive or of a server comes within it.
/// It is what servers set unless told otherwise.
const DUPLICATE_WINDOW_MIN: Duration = Duration::from_secs(120);

/// A stream, as a server describes it (`$JS.API.STREAM.INFO`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StreamInfo {
    pub(crate) config: StreamConfig,
    pub(crate) cluster: Option<StreamCluster>,
    pub(crate) state: StreamState,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct StreamConfig {
    subjects: Vec<String>,
    retention: String,
    storage: String,
    num_replicas: u32,
    /// In nanoseconds.
    duplicate_window: u64,
    no_ack: bool,
    sealed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct StreamCluster {
    leader: Option<String>,
    replicas: Vec<StreamPeer>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct StreamPeer {
    name: String,
    current: bool,
    offline: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct StreamState {
    messages: u64,
}

/// How much a remark weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth knowing.
    Note,
    /// What was acknowledged may be lost, or sent twice.
    Warning,
    /// Nothing can be published.
    Error,
}

/// What is to be said of a stream, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How much it weighs.
    pub weight: Weight,
    /// What is so.
    pub cause: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Judges a stream that is to take `subject`.
#[must_use]
pub fn judge(info: &StreamInfo, names: &Names, subject: &str) -> Vec<Remark> {
    let stream = names.stream();
    let mut remarks = Vec::new();
    let mut say = |weight, cause: String, remedy| remarks.push(Remark { weight, cause, remedy });
    let StreamInfo { config, cluster, state } = info;
    if !config.subjects.iter().any(|pattern| covers(pattern, subject)) {
        let cause = format!("stream `{stream}` does not take `{subject}`");
        say(Weight::Error, cause, "add the subject to the stream (`nats stream edit --subjects`)");
    }
    if config.no_ack || config.sealed {
        let cause = format!("stream `{stream}` acknowledges nothing: it is sealed, or set to no_ack");
        say(
            Weight::Error,
            cause,
            "make another stream; without acknowledgement nothing is known to be there",
        );
    }
    if config.storage != "file" {
        let cause = format!("stream `{stream}` is kept in memory: a restart of its servers empties it");
        say(Weight::Warning, cause, "make a stream with file storage; the storage of one cannot be changed");
    }
    if config.retention != "limits" {
        let cause = format!(
            "stream `{stream}` drops what its consumers have taken (retention `{}`)",
            config.retention
        );
        say(
            Weight::Warning,
            cause,
            "use retention `limits`, so that a subscriber that comes later finds what was told before",
        );
    }
    if config.num_replicas < REPLICAS {
        let cause = format!(
            "stream `{stream}` has {} of {REPLICAS} copies: it can be lost with one server",
            config.num_replicas
        );
        say(Weight::Warning, cause, "use three servers and `nats stream edit --replicas 3`");
    }
    let window = Duration::from_nanos(config.duplicate_window);
    if window < DUPLICATE_WINDOW_MIN {
        let cause = format!(
            "stream `{stream}` tells repetitions for {} s only: what is sent again after that is there twice",
            window.as_secs()
        );
        say(
            Weight::Warning,
            cause,
            "set its duplicate window to two minutes or more (`nats stream edit --dupe-window 2m`)",
        );
    }
    if let Some(StreamCluster { leader, replicas }) = cluster {
        if leader.as_ref().is_none_or(String::is_empty) {
            let cause = format!("stream `{stream}` has no leader: it takes nothing");
            say(Weight::Error, cause, "start the servers that are down; a majority elects a leader");
        }
        for peer in replicas.iter().filter(|peer| peer.offline || !peer.current) {
            let how = if peer.offline { "is offline" } else { "is behind" };
            let cause =
                format!("the copy of stream `{stream}` on `{}` {how}", crate::error::said(&peer.name));
            say(Weight::Warning, cause, "start that server, or wait until it has caught up");
        }
        if let Some(leader) = leader {
            let cause = format!(
                "stream `{stream}` is led by `{}`, {} copies, {} messages",
                crate::error::said(leader),
                config.num_replicas,
                state.messages
            );
            say(Weight::Note, cause, "nothing");
        }
    }
    remarks
}

// === helpers ===

/// Whether a pattern of subjects, with `*` for a word and `>` for all that follow, takes a subject.
fn covers(pattern: &str, subject: &str) -> bool {
    let mut words = subject.split('.');
    for part in pattern.split('.') {
        match (part, words.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => (),
            (part, Some(word)) if part == word => (),
            _ => return false,
        }
    }
    words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "yingdun.events.renmin.study-stable";

    /// As a server of version 2.9 describes it, shortened.
    fn info() -> serde_json::Value {
        serde_json::json!({
            "type": "io.nats.jetstream.api.v1.stream_info_response",
            "config": {"name": "YINGDUN", "subjects": ["yingdun.events.>"], "retention": "limits", "storage": "file",
                       "num_replicas": 3, "duplicate_window": 120_000_000_000u64, "discard": "old"},
            "state": {"messages": 7, "first_seq": 1, "last_seq": 7},
            "cluster": {"name": "c", "leader": "a", "replicas": [
                {"name": "b", "current": true, "active": 5}, {"name": "c", "current": true, "active": 5, "lag": 0}]},
        })
    }

    fn judged(change: impl FnOnce(&mut serde_json::Value)) -> Vec<(Weight, String)> {
        let mut info = info();
        change(&mut info);
        let info = serde_json::from_value(info).unwrap();
        let names = Names::new("YINGDUN", "yingdun.events").unwrap();
        let remarks = judge(&info, &names, SUBJECT).into_iter();
        remarks.map(|remark| (remark.weight, remark.cause)).collect()
    }

    #[test]
    fn a_stream_with_three_copies_on_disks_is_as_it_should_be() {
        let said = judged(|_| ());
        assert_eq!(said, [(Weight::Note, "stream `YINGDUN` is led by `a`, 3 copies, 7 messages".to_owned())]);
    }

    #[test]
    fn what_may_lose_or_repeat_messages_is_a_warning_and_what_takes_none_an_error() {
        type Change = (&'static str, serde_json::Value, Weight, &'static str);
        let changes: [Change; 9] = [
            ("/config/storage", "memory".into(), Weight::Warning, "in memory"),
            ("/config/retention", "workqueue".into(), Weight::Warning, "drops"),
            ("/config/num_replicas", 1.into(), Weight::Warning, "1 of 3 copies"),
            ("/config/duplicate_window", 30_000_000_000u64.into(), Weight::Warning, "for 30 s only"),
            ("/config/subjects", serde_json::json!(["other.>"]), Weight::Error, "does not take"),
            ("/cluster/leader", "".into(), Weight::Error, "no leader"),
            ("/cluster/replicas/0/current", false.into(), Weight::Warning, "on `b` is behind"),
            (
                "/cluster/replicas/1",
                serde_json::json!({"name": "c", "offline": true}),
                Weight::Warning,
                "on `c` is offline",
            ),
            ("/config", serde_json::json!({"no_ack": true}), Weight::Error, "acknowledges nothing"),
        ];
        for (place, value, weight, expected) in changes {
            let said = judged(|info| *info.pointer_mut(place).unwrap() = value);
            assert!(
                said.iter().any(|(w, cause)| *w == weight && cause.contains(expected)),
                "{place}: {said:?}"
            );
        }
    }

    #[test]
    fn patterns_of_subjects_cover_words() {
        for pattern in [SUBJECT, "yingdun.>", ">", "*.*.*.*", "yingdun.events.*.study-stable"] {
            assert!(covers(pattern, SUBJECT), "{pattern}");
        }
        for pattern in
            ["yingdun.events", "yingdun.*", "*.*.*", "*.*.*.*.*", "yingdun.events.renmin.study-stable.>", ""]
        {
            assert!(!covers(pattern, SUBJECT), "{pattern}");
        }
    }
}
