//! Compaction: the room of destroyed studies, given back.
//!
//! ```text
//!  destructions that are done ─► packs in which they lay ─► headers of their records ─► judge ─► dry run: said
//!                                                                                          │
//!       leaf before ─► removed off-site ─► removed on every replica ─► leaf after ◄────────┘ nothing in it lives
//! ```
//!
//! A pack is removed when every record of it belongs to a study of which the log says that it was destroyed, at a time when the pack
//! was full already. What is not known to be dead lives: records of studies without a key and without a destruction (their key may be
//! in another copy of the key database), records of other institutions and kinds, bytes that belong to no record. No record is ever
//! moved, so the places that the catalogue knows stay what they are, and a catalogue that is rebuilt has the same rows.
//!
//! A run is not kept: one that a crash broke off left each pack whole or gone, and the next begins anew.

mod judge;
mod work;

pub(crate) use work::work;

use crate::error::Unavailable;
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use yingdun_model::word_enum;

/// Packs of which it is said why they stay: those that somebody can do something about. The others are counted.
const KEPT_TOLD_MAX: usize = 100;

word_enum! {
    /// What the compaction does.
    CompactionState, "state of the compaction" {
        /// Nothing.
        Resting => "resting",
        /// It looks into packs, and removes what is dead unless it is a dry run.
        Running => "running",
    }
}

/// How far a compaction is, or what the last one found. Bytes are those on each replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compaction {
    /// What it does.
    pub state: CompactionState,
    /// Whether nothing is removed.
    pub dry_run: bool,
    /// When it began; none when there was none since the start.
    pub begun_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Packs that it still has to look at.
    pub packs_left: u64,
    /// Packs that it looked at: those in which a destroyed study lay.
    pub packs_seen: u64,
    /// Bytes of dead records in these packs.
    pub dead_bytes: u64,
    /// Packs in which nothing lives.
    pub dead_packs: u64,
    /// Bytes of these.
    pub dead_packs_bytes: u64,
    /// Packs that were removed.
    pub removed_packs: u64,
    /// Bytes of these.
    pub removed_bytes: u64,
    /// Packs in which nothing lives and that could not be removed, the first hundred.
    pub kept: Vec<KeptPack>,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// Why it ended before it was through.
    pub failure: Option<String>,
}

/// A pack that stays although nothing in it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptPack {
    /// The pack, 16 hexadecimal digits.
    pub pack: String,
    /// Why.
    pub why: String,
}

/// Why no compaction begins.
#[derive(Debug, thiserror::Error)]
pub enum CompactionError {
    /// One is running.
    #[error("a compaction is running; wait until it has ended")]
    Running,
}

/// Who asks for compactions and who does them meet here.
#[derive(Debug)]
pub(crate) struct Compactor(Mutex<View>);

#[derive(Debug)]
struct View {
    told: Compaction,
    /// Asked for and not begun: whether it is a dry run.
    wanted: Option<bool>,
}

impl Compactor {
    pub(crate) fn new(at_once: bool) -> Self {
        let told = Compaction::of(CompactionState::Resting, false);
        Self(Mutex::new(View { told, wanted: at_once.then_some(false) }))
    }

    /// Somebody asks for one.
    pub(crate) fn want(&self, dry_run: bool) -> Result<Compaction, CompactionError> {
        let mut view = self.view();
        if view.told.state == CompactionState::Running || view.wanted.is_some() {
            return Err(CompactionError::Running);
        }
        view.wanted = Some(dry_run);
        // Whoever asks how far it is sees this one, and not the one before.
        view.told = Compaction::of(CompactionState::Running, dry_run);
        Ok(view.told.clone())
    }

    /// One is due, now or when the one that runs has ended.
    pub(crate) fn want_by_itself(&self) {
        self.view().wanted = Some(false);
    }

    pub(crate) fn status(&self) -> Compaction {
        self.view().told.clone()
    }

    fn take_wanted(&self) -> Option<bool> {
        self.view().wanted.take()
    }

    fn tell(&self, told: &Compaction) {
        self.view().told.clone_from(told);
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Compaction {
    const fn of(state: CompactionState, dry_run: bool) -> Self {
        Self {
            state,
            dry_run,
            begun_ms: None,
            ended_ms: None,
            packs_left: 0,
            packs_seen: 0,
            dead_bytes: 0,
            dead_packs: 0,
            dead_packs_bytes: 0,
            removed_packs: 0,
            removed_bytes: 0,
            kept: Vec::new(),
            waits_for: None,
            failure: None,
        }
    }

    fn keep(&mut self, pack: u64, why: String) {
        if self.kept.len() < KEPT_TOLD_MAX {
            self.kept.push(KeptPack { pack: format!("{pack:016x}"), why });
        }
    }
}

/// A part of the archive that does not answer ends a run.
type Step<T> = Result<T, Unavailable>;
