//! What has to be known of off-site replicas after a restart, kept on the replicas: that a place was the store's before,
//! so that an empty one is not taken for it; since when it lags; what was on its way; how far it was checked.
//!
//! ```text
//! line per place: label, ms since which it lags + 1 (0: not), pack on its way + 1 (0: none), note of the check
//! last line:      BLAKE3 of the lines before
//! ```
//!
//! All in hexadecimal. A note that does not verify is no note.

use crate::ReplicaState;
use crate::replica::{Backend, Note as NoteName};
use crate::store::scrub::Note;
use crate::store::shared::Shared;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use yingdun_model::Timestamp;

/// What is remembered of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Since when something acknowledged has been missing there.
    pub(super) behind_since: Option<Timestamp>,
    /// The pack that was being sent: it may lie there and not be what was sent.
    pub(super) sending: Option<u64>,
    /// How far it was checked.
    pub(super) note: Note,
}

/// What is remembered of all places, by label.
#[derive(Debug, Default)]
pub(crate) struct Memories(Mutex<BTreeMap<String, Memory>>);

impl Memories {
    /// Takes up what the replicas remember.
    pub(crate) fn recall(backends: &[Arc<dyn Backend>]) -> Self {
        let note = |backend: &Arc<dyn Backend>| backend.note(NoteName::Offsite).ok().flatten();
        let recalled = backends.iter().find_map(|backend| decode(&note(backend)?));
        Self(Mutex::new(recalled.unwrap_or_default()))
    }

    pub(super) fn of(&self, label: &str) -> Option<Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(label).cloned()
    }

    /// Remembers, or forgets, and writes it down where that is possible. Where it is not, a restart knows less; that
    /// is all.
    pub(super) fn set(&self, shared: &Shared, label: &str, memory: Option<Memory>) {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match memory {
            Some(memory) => memories.insert(label.to_owned(), memory.clone()) != Some(memory),
            None => memories.remove(label).is_some(),
        };
        if !changed {
            return;
        }
        let bytes = encode(&memories);
        for (index, backend) in shared.backends.iter().enumerate() {
            let ready = shared
                .state()
                .replicas
                .get(index)
                .is_some_and(|replica| replica.state == ReplicaState::Ready);
            if ready && let Err(error) = backend.set_note(NoteName::Offsite, &bytes) {
                tracing::warn!(replica = %shared.label(index), %error, "what is known of off-site replicas could not be kept");
            }
        }
    }
}

fn encode(memories: &BTreeMap<String, Memory>) -> Vec<u8> {
    let mut text = String::new();
    for (label, memory) in memories {
        let behind = memory.behind_since.map_or(0, |since| since.as_ms().saturating_add(1));
        let sending = memory.sending.map_or(0, |pack| pack.saturating_add(1));
        let note = hex::encode(memory.note.encode());
        text.push_str(&format!("{} {behind:x} {sending:x} {note}\n", hex::encode(label)));
    }
    let digest = blake3::hash(text.as_bytes()).to_hex();
    text.push_str(&digest);
    text.push('\n');
    text.into_bytes()
}

fn decode(bytes: &[u8]) -> Option<BTreeMap<String, Memory>> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (lines, digest) = match text.rsplit_once('\n') {
        Some((lines, digest)) => (format!("{lines}\n"), digest),
        None => (String::new(), text),
    };
    if blake3::hash(lines.as_bytes()).to_hex().as_str() != digest {
        return None;
    }
    lines.lines().map(decode_line).collect()
}

fn decode_line(line: &str) -> Option<(String, Memory)> {
    let mut fields = line.split(' ');
    let label = String::from_utf8(hex::decode(fields.next()?).ok()?).ok()?;
    let behind = i64::from_str_radix(fields.next()?, 16).ok()?;
    let sending = u64::from_str_radix(fields.next()?, 16).ok()?;
    let note = Note::decode(&hex::decode(fields.next()?).ok()?)?;
    let memory = Memory {
        behind_since: behind.checked_sub(1).filter(|ms| *ms >= 0).map(Timestamp::from_ms),
        sending: sending.checked_sub(1),
        note,
    };
    Some((label, memory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_read_back_and_any_flipped_bit_makes_them_none() {
        let mut note = Note::default();
        note.begin(Timestamp::from_ms(5), true);
        let lagging = Memory { behind_since: Some(Timestamp::from_ms(0)), sending: Some(7), note };
        let memories: BTreeMap<String, Memory> =
            [("远程".to_owned(), lagging), ("b c".to_owned(), Memory::default())].into();
        let good = encode(&memories);
        assert_eq!(decode(&good), Some(memories));
        assert_eq!(decode(&encode(&BTreeMap::new())), Some(BTreeMap::new()));
        assert_eq!(decode(b""), None);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bad), None, "bit {bit}");
        }
    }
}
