//! The log of this process: opened once, appended to from everywhere, read while it grows.

use crate::checkpoint::Checkpoint;
use crate::commit::{Committer, Job, Request};
use crate::config::LogConfig;
use crate::error::AuditError;
use crate::event::Event;
use crate::index::{Count, Cursor, Index, IndexKey, IndexOptions, IndexState, Page, Sums, search_without};
use crate::integrate;
use crate::leaf::BootId;
use crate::open;
use crate::read::Reader;
use crate::receipt::Receipt;
use crate::search::Filter;
use crate::shared::{Life, Shared};
use crate::tree::{PerTree, Tree};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use yingdun_crypto::random;
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::{InstitutionId, Timestamp};

/// Appends that wait for the commit thread; more wait in their callers.
const REQUESTS_WAITING_MAX: usize = 1024;

/// An open log. Clones are the same log; when the last one is dropped, what is durable is still signed.
#[derive(Clone, Debug)]
pub struct Log {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
    verifiers: PerTree<NoteVerifier>,
    dir: Arc<Path>,
    index_key: IndexKey,
    index: Arc<OnceLock<Arc<Index>>>,
    /// The number of the first leaf that this opening writes.
    first: u64,
}

impl Log {
    /// The most events in one [`Log::append`]; with full details they fill most of a batch.
    pub const APPEND_EVENTS_MAX: usize = 256;

    /// Opens a log, or starts one in an empty directory: verifies checkpoint and right edge, replays the
    /// journal into tiles, signs, starts the two threads. Blocks on the disk.
    ///
    /// # Errors
    /// [`AuditError`] says what does not fit together. Nothing is repaired silently: only a batch that was cut
    /// off while it was written, and therefore never acknowledged, is dropped.
    pub fn open(config: LogConfig) -> Result<Self, AuditError> {
        let opened = open::open(&config)?;
        let index_key = IndexKey::of_log(&config.signing_key, &config.origin);
        let LogConfig { dir, node, clock, checkpoint_interval, .. } = config;
        let shared =
            Arc::new(Shared::new(opened.checkpoints, (opened.end, opened.segment.path().to_owned())));
        let first = opened.end;
        let (requests, receiver) = mpsc::channel(REQUESTS_WAITING_MAX);
        let committer = Committer {
            requests: receiver,
            shared: Arc::clone(&shared),
            maker: opened.maker.clone(),
            segment: opened.segment,
            next: opened.end,
            node,
            boot: BootId(random::array()),
            clock,
            opened: Instant::now(),
        };
        let for_integration = Arc::clone(&shared);
        spawn("audit-commit", &dir, move || committer.run())?;
        spawn("audit-integrate", &dir, move || {
            integrate::run(
                opened.integrator,
                &for_integration,
                &opened.maker,
                checkpoint_interval,
                opened.lock,
            );
        })?;
        Ok(Self {
            requests,
            shared,
            verifiers: opened.verifiers,
            dir: Arc::from(dir),
            index_key,
            index: Arc::default(),
            first,
        })
    }

    /// Appends events as consecutive leaves and returns once they are durable, all of them or none. An append
    /// whose future is dropped may still become durable.
    ///
    /// # Errors
    /// [`AuditError::EventCount`] and [`AuditError::Leaf`] concern this call only. [`AuditError::Failed`] is
    /// for ever: the caller must do nothing that needed the leaf.
    pub async fn append(&self, events: Vec<Event>) -> Result<Vec<Receipt>, AuditError> {
        if events.is_empty() || events.len() > Self::APPEND_EVENTS_MAX {
            return Err(AuditError::EventCount { got: events.len(), max: Self::APPEND_EVENTS_MAX });
        }
        self.shared.check_open()?;
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(Request::Append(Job { events, reply })).await;
        let answer = match sent {
            Ok(()) => answer.await.ok(),
            Err(_) => None,
        };
        answer.unwrap_or_else(|| self.shared.check_open().and(Err(AuditError::Closed)))
    }

    /// Appends one event and returns once it is durable.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub async fn append_one(&self, event: Event) -> Result<Receipt, AuditError> {
        self.append(vec![event]).await?.pop().ok_or(AuditError::Closed)
    }

    /// The number of durable leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.shared.lock().durable
    }

    /// The number of the first leaf that was written, or will be, since the log was opened.
    #[must_use]
    pub const fn first_of_boot(&self) -> u64 {
        self.first
    }

    /// What others need to verify the checkpoints of this log.
    #[must_use]
    pub const fn verifier(&self) -> &NoteVerifier {
        &self.verifiers.sha256
    }

    /// What others need to verify the checkpoints of a tree of this log.
    ///
    /// # Errors
    /// [`AuditError::NoTree`] when the log has no such tree.
    pub fn verifier_of(&self, tree: Tree) -> Result<&NoteVerifier, AuditError> {
        self.verifiers.of(tree).ok_or(AuditError::NoTree { tree })
    }

    /// The directory of the log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether appends are accepted.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), AuditError> {
        self.shared.check_open()
    }

    /// The newest signed checkpoint.
    #[must_use]
    pub fn latest_checkpoint(&self) -> Checkpoint {
        self.shared.head().checkpoints.sha256.clone()
    }

    /// Waits until what is durable now is in the tiles and signed, in every tree, and returns the checkpoint that covers it.
    ///
    /// # Errors
    /// [`AuditError::Failed`] or [`AuditError::Closed`].
    pub async fn checkpoint(&self) -> Result<Checkpoint, AuditError> {
        let mut heads = self.shared.subscribe();
        let wanted = {
            let mut state = self.shared.lock();
            state.wanted = state.wanted.max(state.durable);
            self.shared.work.notify_all();
            state.durable
        };
        let head = heads
            .wait_for(|head| head.checkpoints.sha256.size() >= wanted || head.life.check().is_err())
            .await
            .map_err(|_| AuditError::Closed)?;
        if head.checkpoints.sha256.size() < wanted {
            head.life.check()?;
        }
        Ok(head.checkpoints.sha256.clone())
    }

    /// A view of everything that is durable now, for reading, searching and proving. Its methods read files:
    /// call them where blocking is allowed.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.shared.reader(&self.dir)
    }

    /// Begins to keep an index beside the log (`index/`), for [`Self::search`]. Once; it ends with the log. Reads the log where the index
    /// is behind it, in threads of its own.
    ///
    /// # Errors
    /// [`AuditError`] when its folder cannot be read.
    pub fn start_index(&self, options: IndexOptions) -> Result<(), AuditError> {
        if self.index.get().is_none() {
            let index = Index::start(&self.dir, &self.shared, self.index_key.clone(), options)?;
            // Who was faster has the same.
            drop(self.index.set(index));
        }
        Ok(())
    }

    /// How far the index is; none where none is kept.
    #[must_use]
    pub fn index_state(&self) -> Option<IndexState> {
        self.index.get().map(|index| index.state(&self.reader()))
    }

    /// A page of the leaves that a filter wants, the newest first, whatever its `order` and `limit`; with the first page how many there are. Through the
    /// index where one is kept, else by reading. Reads files: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read, [`AuditError::OtherLog`] when another log gave the cursor.
    pub fn search(&self, filter: &Filter, cursor: Option<Cursor>, limit: usize) -> Result<Page, AuditError> {
        let reader = self.reader();
        match self.index.get() {
            Some(index) => index.search(&reader, filter, cursor, limit),
            None => search_without(&reader, filter, cursor, limit),
        }
    }

    /// How many accesses and refusals of an institution there were from a moment until another, in stretches of five minutes; none where no index is
    /// kept. A picture, and no evidence: it is as true as clocks were. Reads files: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub fn sums(
        &self,
        institution: &InstitutionId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Sums>, AuditError> {
        let Some(index) = self.index.get() else { return Ok(None) };
        index.sums(&self.reader(), institution, from, until).map(Some)
    }

    /// How many leaves with numbers of a range the index knows that a filter wants; none where no index is kept. What it does not know yet is
    /// read. For who compares it with the log.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub fn indexed(&self, filter: &Filter, range: Range<u64>) -> Result<Option<Count>, AuditError> {
        let Some(index) = self.index.get() else { return Ok(None) };
        index.count(&self.reader(), filter, range).map(Some)
    }

    /// The same view, and the head of the SM3 tree at that moment, where there is one: for who follows both trees.
    #[must_use]
    pub fn reader_with_sm3(&self) -> (Reader, Option<Checkpoint>) {
        let (checkpoints, tail) = self.shared.now();
        (Reader::new(&self.dir, checkpoints.sha256, tail), checkpoints.sm3)
    }

    /// The same view through a tree of this log.
    ///
    /// # Errors
    /// [`AuditError::NoTree`] when the log has no such tree.
    pub fn reader_of(&self, tree: Tree) -> Result<Reader, AuditError> {
        let (checkpoints, tail) = self.shared.now();
        let checkpoint = checkpoints.of(tree).ok_or(AuditError::NoTree { tree })?;
        Ok(Reader::new(&self.dir, checkpoint.clone(), tail))
    }

    /// The proof, as C2SP tlog-proof text (for SM3 under a first line of its own), that a leaf is in a tree of the log;
    /// waits for the checkpoint that covers it.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] when there is no such leaf, [`AuditError::NoTree`] when there is no such tree.
    pub async fn prove_inclusion(&self, tree: Tree, index: u64) -> Result<String, AuditError> {
        if self.latest_checkpoint().size() <= index {
            self.checkpoint().await?;
        }
        self.reader_of(tree)?.prove_inclusion(index)
    }

    /// Signs what is durable, ends both threads and releases the directory. Later appends answer
    /// [`AuditError::Closed`].
    ///
    /// # Errors
    /// [`AuditError::Failed`] when the log failed before or while it was closed.
    pub async fn shutdown(&self) -> Result<(), AuditError> {
        let mut heads = self.shared.subscribe();
        // An error means that the commit thread has ended already.
        drop(self.requests.send(Request::Stop).await);
        let head = heads.wait_for(|head| head.life.check().is_err()).await.map_err(|_| AuditError::Closed)?;
        match &head.life {
            Life::Failed(why) => Err(AuditError::Failed { why: Arc::clone(why) }),
            Life::Open | Life::Closed => Ok(()),
        }
    }
}

fn spawn(name: &str, dir: &Path, body: impl FnOnce() + Send + 'static) -> Result<(), AuditError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .map_err(|error| AuditError::io("cannot start the threads of", dir, error))
}
