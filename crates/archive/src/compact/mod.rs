//! Compaction: the room of destroyed studies, given back.
//!
//! ```text
//!  destructions that are done ─► packs in which they lay ─► headers of their records ─► judge ─► dry run: said
//!                                                                                          │
//!                                            enough of it is dead: what lives is copied ◄─┤
//!                                                 └► places in the catalogue ─► leaf ─┐   │ nothing in it lives
//!       leaf before ─► removed off-site ─► removed on every replica ─► leaf after ◄───┴───┘
//! ```
//!
//! A record is dead when it belongs to a study of which the log says that it was destroyed, at a time when its pack
//! was full already. What is not known to be dead lives: records of studies without a key and without a destruction (their key may be
//! in another copy of the key database), records of other institutions and kinds, bytes that belong to no record.
//!
//! What lives is copied as it is, without a key, into a pack whose number lies right behind the old one; so the order of all records
//! stays, and a catalogue that is rebuilt has the same rows. A pack is removed when each record of it is dead, or is in such a pack
//! under the same digest. Design note "Packs and replicas" tells what a crash leaves at each step.
//!
//! A run is not kept: one that a crash broke off left each record in the old pack, the new one, or both. The next begins anew, and goes on
//! with the packs that it finds.

mod judge;
mod rewrite;
mod work;

pub(crate) use work::work;

use crate::error::Unavailable;
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use yingdun_model::word_enum;

/// Packs of which it is said why they stay: those that somebody can do something about. The others are counted.
const KEPT_TOLD_MAX: usize = 100;

/// Percent of dead bytes at which no pack is rewritten: of such a pack nothing lives.
const NEVER: u8 = 100;

/// Percent of dead bytes from which on a pack is rewritten unless somebody says otherwise: each byte that is copied gives one back.
pub const DEAD_PERCENT: u8 = 50;

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
    /// From how many percent of dead bytes on what lives in a pack is copied; at 100 never.
    pub dead_percent: u8,
    /// Packs of which that is so, or in which what lives was copied before.
    pub sparse_packs: u64,
    /// Bytes that their removal gives back: those of their dead records.
    pub sparse_packs_bytes: u64,
    /// Packs that were made of these.
    pub rewritten_packs: u64,
    /// Bytes that were copied into them.
    pub copied_bytes: u64,
    /// Packs that were removed, because nothing lived in them or what lives was copied.
    pub removed_packs: u64,
    /// Bytes of dead records in these.
    pub removed_bytes: u64,
    /// Packs that were to be removed or rewritten and could not be, the first hundred.
    pub kept: Vec<KeptPack>,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// Why it ended before it was through.
    pub failure: Option<String>,
}

/// A pack that stays although nothing in it lives, or little.
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
    /// The share is none.
    #[error("expected 1 to {most} percent of dead bytes from which on a pack is rewritten, {0} came", most = NEVER)]
    Percent(u8),
}

/// Who asks for compactions and who does them meet here.
#[derive(Debug)]
pub(crate) struct Compactor(Mutex<View>);

#[derive(Debug)]
struct View {
    told: Compaction,
    /// Asked for and not begun.
    wanted: Option<Asked>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    dry_run: bool,
    /// From how many percent of dead bytes on a pack is rewritten.
    dead_percent: u8,
}

impl Compactor {
    pub(crate) fn new(at_once: Option<u8>) -> Self {
        let told = Compaction::of(CompactionState::Resting, Asked { dry_run: false, dead_percent: NEVER });
        let wanted = at_once.map(|dead_percent| Asked { dry_run: false, dead_percent });
        Self(Mutex::new(View { told, wanted }))
    }

    /// Somebody asks for one.
    pub(crate) fn want(&self, dry_run: bool, dead_percent: u8) -> Result<Compaction, CompactionError> {
        if !(1..=NEVER).contains(&dead_percent) {
            return Err(CompactionError::Percent(dead_percent));
        }
        let mut view = self.view();
        if view.told.state == CompactionState::Running || view.wanted.is_some() {
            return Err(CompactionError::Running);
        }
        let asked = Asked { dry_run, dead_percent };
        view.wanted = Some(asked);
        // Whoever asks how far it is sees this one, and not the one before.
        view.told = Compaction::of(CompactionState::Running, asked);
        Ok(view.told.clone())
    }

    /// One is due, now or when the one that runs has ended.
    pub(crate) fn want_by_itself(&self, dead_percent: u8) {
        self.view().wanted = Some(Asked { dry_run: false, dead_percent });
    }

    pub(crate) fn status(&self) -> Compaction {
        self.view().told.clone()
    }

    fn take_wanted(&self) -> Option<Asked> {
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
    const fn of(state: CompactionState, asked: Asked) -> Self {
        Self {
            state,
            dry_run: asked.dry_run,
            begun_ms: None,
            ended_ms: None,
            packs_left: 0,
            packs_seen: 0,
            dead_bytes: 0,
            dead_packs: 0,
            dead_packs_bytes: 0,
            dead_percent: asked.dead_percent,
            sparse_packs: 0,
            sparse_packs_bytes: 0,
            rewritten_packs: 0,
            copied_bytes: 0,
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
