//! The commit thread: takes waiting appends, makes leaves of them, makes them durable in one batch, hands out
//! receipts. There is no timer: the batch is what came while the disk was busy with the one before, so a lone
//! appender waits for one sync and a crowd shares one.

use crate::error::AuditError;
use crate::event::Event;
use crate::journal::write::{OpenSegment, SegmentMaker};
use crate::journal::{BATCH_BODY_BYTES_MAX, BATCH_RECORDS_MAX, Record, body_bytes_max};
use crate::leaf::{BootId, Leaf, NodeName, Stamp};
use crate::receipt::Receipt;
use crate::shared::{FailOnPanic, Shared, TAIL_BYTES_MAX};
use crate::tree::Tree;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use yingdun_model::{Clock, Timestamp};

/// What the commit thread is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    Append(Job),
    Stop,
}

/// One call of `append`.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) events: Vec<Event>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Receipt>, AuditError>>,
}

impl Job {
    fn body_bytes_max(&self) -> usize {
        self.events
            .iter()
            .map(|event| body_bytes_max(event.detail.as_ref().map_or(0, |d| d.as_bytes().len())))
            .sum()
    }
}

/// The commit thread's own state.
#[derive(Debug)]
pub(crate) struct Committer {
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) maker: SegmentMaker,
    pub(crate) segment: OpenSegment,
    pub(crate) next: u64,
    pub(crate) node: NodeName,
    pub(crate) boot: BootId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) opened: Instant,
}

/// A job whose leaves are in the batch that is being written.
struct Pending {
    receipts: Vec<Receipt>,
    reply: oneshot::Sender<Result<Vec<Receipt>, AuditError>>,
}

impl Committer {
    /// Runs until the last appender is gone, a stop is asked for, or the log fails.
    pub(crate) fn run(mut self) {
        let _guard = FailOnPanic(Arc::clone(&self.shared));
        let mut held_back = None;
        while let Some(batch) = self.collect(&mut held_back) {
            if let Err(error) = self.commit(batch) {
                self.shared.fail(&error);
                break;
            }
        }
        // Appends that still wait are answered by their dropped reply channels.
        self.requests.close();
        self.shared.lock().commits_ended = true;
        self.shared.work.notify_all();
    }

    /// Waits for one job, then takes what else is waiting up to the bounds of a batch.
    fn collect(&mut self, held_back: &mut Option<Request>) -> Option<Vec<Job>> {
        let mut jobs = Vec::new();
        let (mut records, mut bytes) = (0, 0);
        loop {
            let request = match held_back.take() {
                Some(request) => request,
                None if jobs.is_empty() => self.requests.blocking_recv()?,
                None => match self.requests.try_recv() {
                    Ok(request) => request,
                    Err(_) => return Some(jobs),
                },
            };
            match request {
                Request::Stop if jobs.is_empty() => return None,
                Request::Stop => {
                    *held_back = Some(Request::Stop);
                    return Some(jobs);
                }
                Request::Append(job) => {
                    let job_bytes = job.body_bytes_max();
                    let fits = records + job.events.len() <= BATCH_RECORDS_MAX
                        && bytes + job_bytes <= BATCH_BODY_BYTES_MAX;
                    if !fits && !jobs.is_empty() {
                        *held_back = Some(Request::Append(job));
                        return Some(jobs);
                    }
                    records += job.events.len();
                    bytes += job_bytes;
                    jobs.push(job);
                }
            }
        }
    }

    fn commit(&mut self, jobs: Vec<Job>) -> Result<(), AuditError> {
        let started = Instant::now();
        self.wait_for_room()?;
        let time = self.clock.now();
        let mut records = Vec::new();
        let mut pending = Vec::new();
        for job in jobs {
            match self.records_of(job.events, self.next + records.len() as u64, time) {
                Ok((mut made, receipts)) => {
                    records.append(&mut made);
                    pending.push(Pending { receipts, reply: job.reply });
                }
                // One bad event is its caller's trouble and nobody else's.
                Err(error) => drop(job.reply.send(Err(error))),
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        let outcome = self.make_durable(&records);
        let count = records.len() as u64;
        if outcome.is_ok() {
            self.next += count;
            self.hand_to_integration(records);
            metrics::counter!("yingdun_audit_leaves_total").increment(count);
            metrics::histogram!("yingdun_audit_commit_seconds").record(started.elapsed().as_secs_f64());
        }
        let refused = match outcome {
            Err(error @ (AuditError::OutOfSpace { .. } | AuditError::NotNow { .. })) => Some(error),
            Err(error) if error.may_pass() => Some(error.refusal(self.maker.directory())),
            Err(error) => {
                self.shared.fail(&error);
                None
            }
            Ok(()) => None,
        };
        for Pending { receipts, reply } in pending {
            let answer = refused.clone().map_or_else(|| self.shared.check_open(), Err);
            // An appender that stopped waiting does not undo its leaf.
            drop(reply.send(answer.map(|()| receipts)));
        }
        self.shared.check_open()
    }

    fn records_of(
        &self,
        events: Vec<Event>,
        first: u64,
        time: Timestamp,
    ) -> Result<(Vec<Record>, Vec<Receipt>), AuditError> {
        let mut records = Vec::with_capacity(events.len());
        let mut receipts = Vec::with_capacity(events.len());
        for (offset, mut event) in events.into_iter().enumerate() {
            let index = first + offset as u64;
            let stamp = Stamp {
                sequence: index,
                time_ms: time,
                monotonic_ns: u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX),
                boot: self.boot,
                node: self.node.clone(),
            };
            let leaf = Leaf::of_event(&event, stamp)
                .encode()
                .map_err(|source| AuditError::Leaf { index: offset, source })?;
            let leaf_hash = Tree::Sha256.leaf_hash(&leaf);
            let detail = event.detail.take().map(|detail| detail.as_bytes().to_vec()).unwrap_or_default();
            receipts.push(Receipt::new(index, leaf_hash, time, event));
            records.push(Record { index, leaf, leaf_hash, detail });
        }
        Ok((records, receipts))
    }

    fn make_durable(&mut self, records: &[Record]) -> Result<(), AuditError> {
        let body_bytes = records.iter().map(Record::body_bytes).sum();
        if !self.segment.has_room_for(body_bytes) {
            self.begin_segment()?;
        }
        match self.segment.commit(records) {
            Err(error) if error.may_pass() => {
                // What the failed write or sync left in that file is unknown, and nobody asks it again. The same records, under the same
                // numbers, go into one whose syncs have not failed; it says where it goes on, so what is left in the old one does not count.
                tracing::error!(%error, "the disk of the audit log failed; the records go into a fresh segment");
                self.begin_segment()?;
                self.segment.commit(records)
            }
            outcome => outcome,
        }
    }

    /// Goes on in a new segment. After [`AuditError::OutOfSpace`] and [`AuditError::NotNow`] nothing has changed.
    fn begin_segment(&mut self) -> Result<(), AuditError> {
        let (spare, none_until) = {
            let mut state = self.shared.lock();
            (state.spare.take(), state.none_until.clone())
        };
        self.shared.work.notify_all();
        if let (None, Some((until, refusal))) = (&spare, none_until)
            && Instant::now() < until
        {
            return Err(refusal);
        }
        let begun = spare
            .map_or_else(|| self.maker.prepare(), Ok)
            .and_then(|spare| self.maker.start(spare, self.next, self.segment.chain()));
        match begun {
            Ok(segment) => {
                let mut state = self.shared.lock();
                state.none_until = None;
                metrics::gauge!("yingdun_audit_failed").set(0.0);
                // It may have taken the place of one that failed with its first batch.
                state.segments.retain(|(_, path)| path != segment.path());
                state.segments.push_back((self.next, segment.path().to_owned()));
                drop(state);
                self.segment = segment;
                Ok(())
            }
            Err(error) if error.may_pass() => Err(self.shared.note_none(&error, self.maker.directory())),
            Err(error) => Err(error),
        }
    }

    fn hand_to_integration(&self, records: Vec<Record>) {
        let mut state = self.shared.lock();
        let was_empty = state.tail.is_empty();
        for record in records {
            state.tail_bytes += record.body_bytes();
            state.tail.push_back(Arc::new(record));
        }
        state.durable = self.next;
        state.tail_since.get_or_insert_with(Instant::now);
        drop(state);
        if was_empty {
            self.shared.work.notify_all();
        }
    }

    /// Appends wait while integration is far behind, so that memory stays bounded.
    fn wait_for_room(&self) -> Result<(), AuditError> {
        let mut state = self.shared.lock();
        while state.tail_bytes > TAIL_BYTES_MAX {
            self.shared.check_open()?;
            state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.shared.check_open()
    }
}
