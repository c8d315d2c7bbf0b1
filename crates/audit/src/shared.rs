//! What the appenders, the commit thread, the integration thread and the readers of one open log share.

use crate::checkpoint::Checkpoints;
use crate::error::AuditError;
use crate::journal::Record;
use crate::journal::write::SpareSegment;
use crate::read::Reader;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How many bytes of durable records may wait for integration before appends wait too: about 100,000 usual
/// leaves, and the memory that a stuck disk may cost.
pub(crate) const TAIL_BYTES_MAX: usize = 64 << 20;

/// How long after a write that found no room, or a disk that failed, it is tried again: soon enough for people who wait, and seldom enough
/// not to take the last bytes from others all the time.
pub(crate) const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The state of one open log.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Woken when the integration thread has something to do.
    pub(crate) work: Condvar,
    /// Woken when the tail became shorter or the log failed.
    pub(crate) room: Condvar,
    head: watch::Sender<Head>,
}

/// What a checkpoint waiter sees.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) life: Life,
}

/// Where the log is in its life.
#[derive(Clone, Debug)]
pub(crate) enum Life {
    Open,
    Failed(Arc<str>),
    Closed,
}

/// What the mutex guards.
#[derive(Debug)]
pub(crate) struct State {
    /// Durable records that are not yet covered by the checkpoint, oldest first.
    pub(crate) tail: VecDeque<Arc<Record>>,
    pub(crate) tail_bytes: usize,
    /// When the oldest record of the tail became durable.
    pub(crate) tail_since: Option<Instant>,
    /// The number of durable records.
    pub(crate) durable: u64,
    /// Closed and open segments, oldest first, with the number of the first record of each.
    pub(crate) segments: VecDeque<(u64, PathBuf)>,
    /// A prepared segment; the integration thread makes the next one when it is taken.
    pub(crate) spare: Option<SpareSegment>,
    /// No segment could be had a moment ago, and what appenders are told; until then nobody tries again.
    pub(crate) none_until: Option<(Instant, AuditError)>,
    /// Somebody waits for a checkpoint of at least this size.
    pub(crate) wanted: u64,
    /// No more records will come.
    pub(crate) commits_ended: bool,
}

impl Shared {
    pub(crate) fn new(checkpoints: Checkpoints, first_segment: (u64, PathBuf)) -> Self {
        let state = State {
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_since: None,
            durable: checkpoints.sha256.size(),
            segments: VecDeque::from([first_segment]),
            spare: None,
            none_until: None,
            wanted: 0,
            commits_ended: false,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            room: Condvar::new(),
            head: watch::Sender::new(Head { checkpoints, life: Life::Open }),
        }
    }

    /// The state. A thread that panicked while holding it has failed the log already, see [`FailOnPanic`].
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checkpoints, and the records that they do not cover yet, at one moment.
    pub(crate) fn now(&self) -> (Checkpoints, Vec<Arc<Record>>) {
        let state = self.lock();
        let checkpoints = self.head().checkpoints.clone();
        (checkpoints, state.tail.iter().cloned().collect())
    }

    /// A view of everything that is durable now, through the SHA-256 tree.
    pub(crate) fn reader(&self, dir: &Path) -> Reader {
        let (checkpoints, tail) = self.now();
        Reader::new(dir, checkpoints.sha256, tail)
    }

    pub(crate) fn head(&self) -> watch::Ref<'_, Head> {
        self.head.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// An error when the log takes no more.
    pub(crate) fn check_open(&self) -> Result<(), AuditError> {
        self.head().life.check()
    }

    /// Remembers that no segment can be had, says so once, and gives what appenders are told who need one.
    pub(crate) fn note_none(&self, error: &AuditError, dir: &Path) -> AuditError {
        let mut state = self.lock();
        if state.none_until.is_none() {
            tracing::error!(%error, "the audit log cannot make its next segment; when the present one is full it waits until it can");
        }
        if !error.is_for_want_of_room() {
            metrics::gauge!("yingdun_audit_failed").set(1.0);
        }
        let refusal = error.refusal(dir);
        state.none_until = Some((Instant::now() + TRY_AGAIN_AFTER, refusal.clone()));
        refusal
    }

    /// Publishes new checkpoints.
    pub(crate) fn publish(&self, checkpoints: Checkpoints) {
        self.head.send_modify(|head| head.checkpoints = checkpoints);
    }

    /// Fails the log for the life of the process; the first failure stays.
    pub(crate) fn fail(&self, error: &AuditError) {
        self.end(Life::Failed(Arc::from(error.to_string())));
        tracing::error!(%error, "the audit log failed and accepts nothing until a restart");
        metrics::gauge!("yingdun_audit_failed").set(1.0);
    }

    /// Marks the end of an orderly shutdown.
    pub(crate) fn close(&self) {
        self.end(Life::Closed);
    }

    fn end(&self, life: Life) {
        self.head.send_if_modified(|head| {
            let was_open = matches!(head.life, Life::Open);
            if was_open {
                head.life = life;
            }
            was_open
        });
        let _state = self.lock();
        self.work.notify_all();
        self.room.notify_all();
    }
}

impl Life {
    pub(crate) fn check(&self) -> Result<(), AuditError> {
        match self {
            Self::Open => Ok(()),
            Self::Failed(why) => Err(AuditError::Failed { why: Arc::clone(why) }),
            Self::Closed => Err(AuditError::Closed),
        }
    }
}

/// Fails the log when the thread that holds this ends by a panic.
#[derive(Debug)]
pub(crate) struct FailOnPanic(pub(crate) Arc<Shared>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(&AuditError::Failed { why: Arc::from("a thread of the log panicked") });
        }
    }
}
