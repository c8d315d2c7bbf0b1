//! Studies that a device has, brought here: by C-MOVE, for which it calls back, or by C-GET over our own association. Objects
//! of a C-GET are received as if the device had sent them by C-STORE: it has to be who its record says, and its rights and
//! rules are those that count.

use super::network::{called, of_scu, refused};
use crate::identifier;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use yingdun_access::AssociationEnd;
use yingdun_dimse::archive_door::{ArchiveDoor, Arriving, Caller};
use yingdun_dimse::association::Proposals;
use yingdun_dimse::message::SubOperations;
use yingdun_dimse::query::{Root, Verb};
use yingdun_dimse::scp::{Failure, Incoming, MoveTarget, Object, Peer, Refusal, Service};
use yingdun_dimse::scu::{Reached, Retrieved, Scu};
use yingdun_model::Uid;
use yingdun_web::{CallFault, Counts, Sought, Told};

/// Why an object is missing that the device itself counts among those that failed.
const NOT_SENT: &str = "the device did not send it";

/// Objects of one retrieval that are remembered as missing, so that none is named twice: more cannot be counted in one
/// answer (PS3.7 §9.1.3.1).
const MISSING_MAX: usize = u16::MAX as usize;

type Tell = Box<dyn Fn(Told) + Send + Sync>;

/// Has the device send studies to the title by which it knows us.
pub(super) async fn by_move(
    target: &MoveTarget,
    studies: Vec<Sought>,
    stop: &CancellationToken,
    tell: &Tell,
) -> Result<(), CallFault> {
    let mut scu = tokio::select! {
        called = called(target, Verb::Move) => called?,
        () = stop.cancelled() => return Ok(()),
    };
    let mut over = Counts::default();
    for Sought { study, .. } in studies {
        let asked = question(&study)?;
        let progress = |counts| tell(Told::Counts(together(over, counts)));
        let moved = tokio::select! {
            moved = scu.move_to(Root::Study, &asked, &target.settings.calling, progress) => moved,
            // The peer notices that nobody is interested any more.
            () = stop.cancelled() => {
                scu.abort().await;
                return Ok(());
            }
        };
        let moved = moved.map_err(|error| of_scu(&error, target))?;
        over = together(over, moved.counts);
        tell(Told::Counts(over));
        for instance in moved.failed {
            tell(Told::Missing { instance, reason: NOT_SENT.to_owned() });
        }
        if !moved.answer.status.is_stored() {
            drop(scu.release().await);
            return Err(refused(&moved.answer));
        }
    }
    drop(scu.release().await);
    Ok(())
}

/// Fetches studies, each over an association in which its classes are agreed on.
pub(super) async fn by_get(
    target: &MoveTarget,
    door: &ArchiveDoor,
    studies: Vec<Sought>,
    stop: &CancellationToken,
    tell: &Tell,
) -> Result<(), CallFault> {
    let mut over = Counts::default();
    for study in studies {
        let got = tokio::select! {
            got = one_study(target, door, &study, over, tell) => got?,
            // What is on its way is hung up on; what has come stays.
            () = stop.cancelled() => return Ok(()),
        };
        over = got;
    }
    Ok(())
}

/// Fetches one study, and gives the counts of all up to it.
async fn one_study(
    target: &MoveTarget,
    door: &ArchiveDoor,
    study: &Sought,
    over: Counts,
    tell: &Tell,
) -> Result<Counts, CallFault> {
    let asked = question(&study.study)?;
    let proposals = Proposals::study_get(&study.classes).map_err(|_| CallFault::Device {
        expected: "a study of no more SOP classes than one association has room for".to_owned(),
        came: format!("{} SOP classes", study.classes.len()),
        remedy: "retrieve it by C-MOVE".to_owned(),
    })?;
    let connected = Scu::connect(&target.destination, &target.settings, &proposals).await;
    let mut scu = connected.map_err(|error| of_scu(&error, target))?;
    let caller = match admitted(door, target, scu.reached().cloned()).await {
        Ok(caller) => caller,
        Err(fault) => {
            scu.abort().await;
            return Err(fault);
        }
    };
    let tally = Tally::new(over);
    // Between two objects and in them: the counts are told as they change.
    let told = |tally: &Tally| tell(Told::Counts(tally.counts()));
    let take = |object: Object| {
        told(&tally);
        taken(door, &caller, object, tally.clone())
    };
    let progress = |counts: SubOperations| {
        tally.remain(counts.remaining.unwrap_or_default());
        told(&tally);
    };
    let got = scu.get(Root::Study, &asked, take, progress).await;
    let end = AssociationEnd { released: got.is_ok(), ..AssociationEnd::default() };
    door.leave(caller, end).await;
    let (counts, missing) = tally.over(got.as_ref().ok());
    tell(Told::Counts(counts));
    missing.into_iter().for_each(|(instance, reason)| tell(Told::Missing { instance, reason }));
    let got = match got {
        Ok(got) => got,
        Err(error) => {
            scu.abort().await;
            return Err(of_scu(&error, target));
        }
    };
    drop(scu.release().await);
    if got.answer.status.is_stored() { Ok(counts) } else { Err(refused(&got.answer)) }
}

async fn taken(
    door: &ArchiveDoor,
    caller: &Caller,
    object: Object,
    tally: Tally,
) -> Result<Counted, Failure> {
    let instance = object.sop_instance.clone();
    match door.receive(caller, object).await {
        Ok(object) => Ok(Counted { object, instance, tally }),
        Err(failure) => {
            tally.missed(instance, &failure.comment);
            Err(failure)
        }
    }
}

/// The device that answered our call, as its record is checked when it calls us.
async fn admitted(
    door: &ArchiveDoor,
    target: &MoveTarget,
    reached: Option<Reached>,
) -> Result<Caller, CallFault> {
    let admitted = match reached {
        Some(Reached { address, tls, certificate_sha256 }) => {
            let (calling, called) = (target.destination.ae_title.clone(), target.settings.calling.clone());
            let peer = Peer {
                calling,
                called,
                address,
                tls,
                certificate_sha256,
                certificate: None,
                is_caller: false,
                identity: None,
            };
            door.admit(&peer).await
        }
        None => Err(Refusal::NotTrusted),
    };
    admitted.map_err(|refusal| {
        let (came, remedy) = match refusal {
            Refusal::LocalLimitExceeded | Refusal::Unavailable => {
                ("the archive cannot decide or write it down now", "try again")
            }
            Refusal::CalledAeUnknown | Refusal::CallingAeUnknown | Refusal::NotTrusted => (
                "another certificate or address, or no TLS where the record wants it",
                "compare the record with what the device shows; the ledger says which of them it is",
            ),
        };
        CallFault::Device {
            expected: "a device that answers with the certificate and at an address of its record".to_owned(),
            came: came.to_owned(),
            remedy: remedy.to_owned(),
        }
    })
}

/// What becomes of the objects of one C-GET. Clones are the same.
#[derive(Clone)]
struct Tally(Arc<Mutex<State>>);

struct State {
    before: Counts,
    counts: Counts,
    missing: Vec<(Uid, String)>,
}

impl Tally {
    fn new(before: Counts) -> Self {
        Self(Arc::new(Mutex::new(State { before, counts: before, missing: Vec::new() })))
    }

    fn counts(&self) -> Counts {
        self.state().counts
    }

    fn remain(&self, remaining: u16) {
        self.state().counts.remaining = u64::from(remaining);
    }

    fn stored(&self) {
        self.state().counts.completed += 1;
    }

    fn missed(&self, instance: Uid, reason: &str) {
        let mut state = self.state();
        state.counts.failed += 1;
        if state.missing.len() < MISSING_MAX {
            state.missing.push((instance, reason.to_owned()));
        }
    }

    /// The end: what the device itself did not send is missing beside what was refused here.
    fn over(&self, got: Option<&Retrieved>) -> (Counts, Vec<(Uid, String)>) {
        let mut state = self.state();
        state.counts.remaining = 0;
        if let Some(got) = got {
            let known: BTreeSet<Uid> = state.missing.iter().map(|(instance, _)| instance.clone()).collect();
            let unknown = got.failed.iter().filter(|instance| !known.contains(instance)).cloned();
            let room = MISSING_MAX.saturating_sub(state.missing.len());
            let unsent: Vec<_> = unknown.take(room).map(|instance| (instance, NOT_SENT.to_owned())).collect();
            let failed_here = state.counts.failed - state.before.failed;
            let failed = u64::from(got.counts.failed).max(failed_here + unsent.len() as u64);
            state.counts.failed = state.before.failed + failed;
            state.missing.extend(unsent);
        }
        (state.counts, std::mem::take(&mut state.missing))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An object on its way in, whose end is counted.
struct Counted {
    object: Arriving,
    instance: Uid,
    tally: Tally,
}

impl Incoming for Counted {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        let written = self.object.write(bytes).await;
        if let Err(failure) = &written {
            // Nothing more of it is asked for.
            self.tally.missed(self.instance.clone(), &failure.comment);
        }
        written
    }

    async fn finish(self) -> Result<(), Failure> {
        let finished = self.object.finish().await;
        match &finished {
            Ok(()) => self.tally.stored(),
            Err(failure) => self.tally.missed(self.instance, &failure.comment),
        }
        finished
    }
}

// === helpers ===

fn question(study: &Uid) -> Result<yingdun_dicom::data_set::DataSet, CallFault> {
    identifier::of("STUDY", [("StudyInstanceUID", study.as_str())]).map_err(CallFault::Key)
}

/// The counts of studies that are over and of the one at hand.
fn together(over: Counts, at_hand: SubOperations) -> Counts {
    Counts {
        remaining: over.remaining + u64::from(at_hand.remaining.unwrap_or_default()),
        completed: over.completed + u64::from(at_hand.completed),
        warning: over.warning + u64::from(at_hand.warning),
        failed: over.failed + u64::from(at_hand.failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_dimse::message::Status;
    use yingdun_dimse::scu::Answer;

    fn uid(number: u32) -> Uid {
        Uid::new(&format!("1.2.{number}")).unwrap()
    }

    #[test]
    fn what_was_refused_here_and_what_was_not_sent_is_missing_once() {
        let before = Counts { completed: 5, failed: 2, ..Counts::default() };
        let tally = Tally::new(before);
        tally.remain(3);
        tally.stored();
        tally.missed(uid(1), "refused");
        assert_eq!(tally.counts(), Counts { remaining: 3, completed: 6, warning: 0, failed: 3 });
        let got = Retrieved {
            answer: Answer { status: Status::SOME_FAILED, comment: None },
            counts: SubOperations { failed: 3, completed: 1, warning: 0, remaining: None },
            failed: vec![uid(1), uid(2)],
        };
        let (counts, missing) = tally.over(Some(&got));
        assert_eq!(counts, Counts { remaining: 0, completed: 6, warning: 0, failed: 5 });
        assert_eq!(missing, [(uid(1), "refused".to_owned()), (uid(2), NOT_SENT.to_owned())]);
    }

    #[test]
    fn a_device_that_counts_less_than_was_refused_changes_nothing() {
        let tally = Tally::new(Counts::default());
        tally.missed(uid(1), "refused");
        let got = Retrieved {
            answer: Answer { status: Status::SUCCESS, comment: None },
            counts: SubOperations::default(),
            failed: Vec::new(),
        };
        assert_eq!(tally.over(Some(&got)).0.failed, 1);
        assert_eq!(Tally::new(Counts::default()).over(None).0, Counts::default());
    }
}
