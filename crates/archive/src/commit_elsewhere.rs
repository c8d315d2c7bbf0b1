//! Storage commitment that others are asked for (PS3.4 annex J, as its user): whether a device keeps what was sent to it.
//!
//! ```text
//!  who may open the studies ─► question: row durable ─► worker: N-ACTION, until the device takes it
//!                                                              │
//!        answer of each instance, durable, with its leaf ◄─ N-EVENT-REPORT, on that association or a new one
//! ```
//!
//! The state is a row from before the first call until a month after the end, so no restart forgets a question, and an answer
//! that comes late is recognised. What a device says counts only of what it was asked, once, and from itself: whoever
//! tells is authenticated as that device before. The word of another archive is kept as such; nothing here is deleted for it.

use crate::commit::{
    COMMITMENT_REFERENCES_MAX, COMMITMENTS_OPEN_MAX, CommitmentError, SopReference, decode, encode, pause,
};
use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use std::collections::HashMap;
use std::time::Duration;
use yingdun_access::{Session, session_leaf};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::commitment_requests::{
    self as requests, CommitmentQuestion, CommitmentRequestKey,
};
use yingdun_model::{Action, AeTitle, Timestamp, Uid};

pub use yingdun_catalog::catalogue::commitment_requests::CommitmentRequestState;

/// How often a question is put before it is given up: with the pauses between, about eight hours.
const ATTEMPTS_MAX: u32 = 16;

/// How long the answer of a device that took the question is waited for: an archive that verifies at night has answered by
/// then.
const ANSWER_WAIT: Duration = Duration::from_secs(3 * 24 * 3600);

/// For one attempt to put a question; a node that dies meanwhile leaves it to the others after that.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(300);

/// Questions that are handed out at once.
const TURNS_AT_ONCE: u32 = 8;

/// How long the worker sleeps when nothing is due: what was put off is due after some seconds at least.
const LOOK: Duration = Duration::from_secs(2);

const ANSWERED: ReasonCode = ReasonCode::new("commitment-answered");
const NOT_ANSWERED: ReasonCode = ReasonCode::new("commitment-not-answered");

/// A question as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentElsewhere {
    /// Transaction UID (0008,1195).
    pub transaction: Uid,
    /// The device.
    pub device: AeTitle,
    /// How far it has come.
    pub state: CommitmentRequestState,
    /// When it was asked for.
    pub began: Timestamp,
    /// Since when it is over.
    pub ended: Option<Timestamp>,
    /// Why it was not put, or was put off.
    pub fault: Option<String>,
    /// Each instance, and what the device says of it; nothing before it has answered.
    pub instances: Vec<(SopReference, Option<Verdict>)>,
}

/// What a device says of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps it.
    Committed,
    /// It does not: Failure Reason (0008,1197), PS3.3 §C.14.1.1.
    Failed(u16),
    /// Its answer does not name it.
    NotNamed,
}

/// A question that is to be put now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentTurn {
    /// Which.
    pub key: CommitmentRequestKey,
    /// The device.
    pub device: AeTitle,
    /// The title by which it knows us.
    pub calling: AeTitle,
    /// What it is asked for.
    pub references: Vec<SopReference>,
    attempts: u32,
}

/// What a device answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentAnswer {
    /// Transaction UID.
    pub transaction: Uid,
    /// What it keeps.
    pub committed: Vec<SopReference>,
    /// What it does not, with the Failure Reason of each.
    pub failed: Vec<(SopReference, u16)>,
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no such question to this device.
    #[error("this device was not asked for that transaction")]
    NotAsked,
    /// It has answered otherwise before.
    #[error("the transaction was answered otherwise before")]
    AnsweredOtherwise,
    /// A part of the archive does not answer. Nothing was taken.
    #[error("the archive cannot take an answer now: {0}")]
    Unavailable(Unavailable),
}

/// Keeps a question to a device. Whoever calls has let the asker open each study and call the device.
pub(crate) async fn ask(
    core: &Core,
    session: &Session,
    device: AeTitle,
    calling: AeTitle,
    references: Vec<SopReference>,
) -> Result<CommitmentElsewhere, CommitmentError> {
    if references.is_empty() || references.len() > COMMITMENT_REFERENCES_MAX {
        return Err(CommitmentError::References(references.len()));
    }
    let (database, owner, now) = (core.catalogue.database(), owner(session), core.clock.now());
    let open = requests::open_count(database, session.institution(), &owner).await.map_err(not_kept)?;
    if open >= COMMITMENTS_OPEN_MAX {
        return Err(CommitmentError::TooManyOpen);
    }
    let number = u128::from_be_bytes(yingdun_crypto::random::array());
    // A UID of its own, derived from a random number (PS3.5 §B.2).
    let transaction = Uid::new(&format!("2.25.{number}"))
        .map_err(|error| CommitmentError::Unavailable(Unavailable::new("catalogue", error)))?;
    let question = CommitmentQuestion {
        key: CommitmentRequestKey { institution: session.institution().clone(), transaction },
        device,
        calling,
        owner,
        requested: encode(&references).map_err(CommitmentError::Unavailable)?,
        state: CommitmentRequestState::Asking,
        result: None,
        fault: None,
        attempts: 0,
        began: now,
        due: now,
    };
    database.execute(vec![requests::insert(&question)]).await.map_err(not_kept)?;
    core.commitments.asked.notify_one();
    seen(question).map_err(CommitmentError::Unavailable)
}

/// A question of whoever asks. That of somebody else is none.
pub(crate) async fn find(
    core: &Core,
    session: &Session,
    transaction: Uid,
) -> Result<Option<CommitmentElsewhere>, Unavailable> {
    let key = CommitmentRequestKey { institution: session.institution().clone(), transaction };
    let found = requests::find(core.catalogue.database(), &key).await.map_err(unavailable)?;
    found.filter(|question| question.owner == owner(session)).map(seen).transpose()
}

/// The questions of whoever asks, the newest first.
pub(crate) async fn list(
    core: &Core,
    session: &Session,
    limit: u32,
) -> Result<Vec<CommitmentElsewhere>, Unavailable> {
    let (database, owner) = (core.catalogue.database(), owner(session));
    let found = requests::of_owner(database, session.institution(), &owner, limit).await;
    found.map_err(unavailable)?.into_iter().map(seen).collect()
}

/// Questions that are to be put now, after waiting for a while when there are none. Each is handed out once until its time is
/// over; say of each how it went.
pub(crate) async fn due(core: &Core) -> Result<Vec<CommitmentTurn>, Unavailable> {
    let due = claimed(core).await?;
    if !due.is_empty() {
        return Ok(due);
    }
    // A time-out is no error: what was put off may be due meanwhile.
    let _ = tokio::time::timeout(LOOK, core.commitments.asked.notified()).await;
    claimed(core).await
}

async fn claimed(core: &Core) -> Result<Vec<CommitmentTurn>, Unavailable> {
    let (database, now) = (core.catalogue.database(), core.clock.now());
    let late = requests::due(database, CommitmentRequestState::Waiting, now, TURNS_AT_ONCE);
    for question in late.await.map_err(unavailable)? {
        let fault = "the device took the question and did not answer it";
        give_up(
            core,
            &question.key,
            question.requested.as_slice(),
            CommitmentRequestState::Unanswered,
            fault,
        )
        .await?;
    }
    let due = requests::due(database, CommitmentRequestState::Asking, now, TURNS_AT_ONCE);
    let mut turns = Vec::new();
    for question in due.await.map_err(unavailable)? {
        let claim = requests::claim(&question, now.after(ATTEMPT_TIME_MAX));
        if database.execute(vec![claim]).await.map_err(unavailable)? != [1] {
            continue;
        }
        let references = decode(&question.requested)?;
        let CommitmentQuestion { key, device, calling, attempts, .. } = question;
        turns.push(CommitmentTurn { key, device, calling, references, attempts });
    }
    Ok(turns)
}

/// Keeps that a device has taken a question.
pub(crate) async fn taken(core: &Core, turn: &CommitmentTurn) -> Result<(), Unavailable> {
    let change = requests::acknowledged(&turn.key, core.clock.now().after(ANSWER_WAIT));
    core.catalogue.database().execute(vec![change]).await.map(drop).map_err(unavailable)
}

/// Keeps that a device did not take a question, and when it is put again; never, where that `is_final`.
pub(crate) async fn not_taken(
    core: &Core,
    turn: &CommitmentTurn,
    fault: &str,
    is_final: bool,
) -> Result<(), Unavailable> {
    let attempts = turn.attempts.saturating_add(1);
    if is_final || attempts >= ATTEMPTS_MAX {
        let requested = encode(&turn.references)?;
        return give_up(core, &turn.key, &requested, CommitmentRequestState::Failed, fault).await;
    }
    let change = requests::put_off(&turn.key, attempts, core.clock.now().after(pause(attempts)), fault);
    core.catalogue.database().execute(vec![change]).await.map(drop).map_err(unavailable)
}

/// Takes the answer of a device, whose session this is. The leaf is durable before it counts. The same again is the same.
pub(crate) async fn answered(
    core: &Core,
    device: &Session,
    title: &AeTitle,
    answer: CommitmentAnswer,
) -> Result<(), AnswerError> {
    let database = core.catalogue.database();
    let (institution, transaction) = (device.institution().clone(), answer.transaction.clone());
    let key = CommitmentRequestKey { institution, transaction };
    let kept = |error| AnswerError::Unavailable(unavailable(error));
    let found = requests::find(database, &key).await.map_err(kept)?;
    let question = found.filter(|question| question.device == *title).ok_or(AnswerError::NotAsked)?;
    let asked: Vec<SopReference> = decode(&question.requested).map_err(AnswerError::Unavailable)?;
    let verdicts = verdicts(&asked, &answer);
    let result = encode(&codes(&verdicts)).map_err(AnswerError::Unavailable)?;
    if let Some(before) = question.result {
        return if before == result { Ok(()) } else { Err(AnswerError::AnsweredOtherwise) };
    }
    let failed = verdicts.iter().filter(|verdict| **verdict != Verdict::Committed).count() as u64;
    let outcome = if failed == 0 { Outcome::Succeeded } else { Outcome::Failed };
    let leaf = leaf(device, outcome, ANSWERED, asked.len() as u64, failed);
    core.append_leaf(leaf).await.map_err(AnswerError::Unavailable)?;
    let change = requests::answered(&key, result, core.clock.now());
    database.execute(vec![change]).await.map(drop).map_err(kept)
}

// === helpers ===

fn not_kept(error: CatalogError) -> CommitmentError {
    CommitmentError::Unavailable(unavailable(error))
}

/// Whose a question is: the account, of whatever kind.
fn owner(session: &Session) -> String {
    format!("{}/{}", session.actor_kind(), session.actor())
}

async fn give_up(
    core: &Core,
    key: &CommitmentRequestKey,
    requested: &[u8],
    state: CommitmentRequestState,
    fault: &str,
) -> Result<(), Unavailable> {
    let references: Vec<SopReference> = decode(requested)?;
    let all = references.len() as u64;
    let leaf = leaf(&core.access.system_session(), Outcome::Failed, NOT_ANSWERED, all, all);
    core.append_leaf(leaf).await?;
    let change = requests::end(key, state, fault, core.clock.now());
    core.catalogue.database().execute(vec![change]).await.map(drop).map_err(unavailable)
}

fn leaf(session: &Session, outcome: Outcome, reason: ReasonCode, references: u64, failed: u64) -> Event {
    Event {
        kind: EventKind::Commitment,
        outcome,
        action: Some(Action::Commit),
        counts: Counts::new().with("references", references).with("failed", failed),
        ..session_leaf(session, reason)
    }
}

/// What an answer says of each instance that was asked for. What it says of others is nothing; of an instance that it both
/// keeps and does not keep, it does not.
fn verdicts(asked: &[SopReference], answer: &CommitmentAnswer) -> Vec<Verdict> {
    let committed = answer.committed.iter().map(|reference| (reference, Verdict::Committed));
    let failed = answer.failed.iter().map(|(reference, reason)| (reference, Verdict::Failed(*reason)));
    let said: HashMap<&SopReference, Verdict> = committed.chain(failed).collect();
    asked.iter().map(|reference| said.get(reference).copied().unwrap_or(Verdict::NotNamed)).collect()
}

/// What is not committed, by its place in the question; no reason where it was not named.
fn codes(verdicts: &[Verdict]) -> Vec<(u32, Option<u16>)> {
    let code = |verdict: &Verdict| match verdict {
        Verdict::Committed => None,
        Verdict::Failed(reason) => Some(Some(*reason)),
        Verdict::NotNamed => Some(None),
    };
    (0..).zip(verdicts).filter_map(|(place, verdict)| Some((place, code(verdict)?))).collect()
}

fn seen(question: CommitmentQuestion) -> Result<CommitmentElsewhere, Unavailable> {
    let references: Vec<SopReference> = decode(&question.requested)?;
    let failures: Option<Vec<(u32, Option<u16>)>> = question.result.as_deref().map(decode).transpose()?;
    let failures: Option<HashMap<u32, Option<u16>>> = failures.map(|failures| failures.into_iter().collect());
    let verdict = |place: u32| {
        failures.as_ref().map(|failures| match failures.get(&place) {
            None => Verdict::Committed,
            Some(Some(reason)) => Verdict::Failed(*reason),
            Some(None) => Verdict::NotNamed,
        })
    };
    let instances = (0..).zip(references).map(|(place, reference)| (reference, verdict(place))).collect();
    Ok(CommitmentElsewhere {
        transaction: question.key.transaction,
        device: question.device,
        state: question.state,
        began: question.began,
        ended: (!question.state.is_open()).then_some(question.due),
        fault: question.fault,
        instances,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_model::InstitutionId;

    fn reference(number: u32) -> SopReference {
        (Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(), Uid::new(&format!("1.2.{number}")).unwrap()).into()
    }

    #[test]
    fn an_answer_counts_of_what_was_asked_and_in_doubt_against_what_is_kept() {
        let other_class = SopReference { sop_class: Uid::new("1.2.3").unwrap(), ..reference(3) };
        let answer = CommitmentAnswer {
            transaction: Uid::new("2.25.1").unwrap(),
            committed: vec![reference(0), reference(1), other_class, reference(99)],
            failed: vec![(reference(1), 0x0110), (reference(2), 0x0112), (reference(98), 0x0112)],
        };
        let asked: Vec<SopReference> = (0..4).map(reference).collect();
        let [kept, both, failed, unnamed] = verdicts(&asked, &answer)[..] else { panic!("four") };
        assert_eq!((kept, both), (Verdict::Committed, Verdict::Failed(0x0110)));
        assert_eq!((failed, unnamed), (Verdict::Failed(0x0112), Verdict::NotNamed));
    }

    #[test]
    fn a_question_reads_back_from_its_row() {
        let verdicts = [Verdict::Committed, Verdict::Failed(0x0213), Verdict::NotNamed];
        let references: Vec<SopReference> = (0..3).map(reference).collect();
        let mut row = CommitmentQuestion {
            key: CommitmentRequestKey {
                institution: InstitutionId::new("renmin").unwrap(),
                transaction: Uid::new("2.25.1").unwrap(),
            },
            device: AeTitle::new("PACS2").unwrap(),
            calling: AeTitle::new("YINGDUN").unwrap(),
            owner: "person/wang".to_owned(),
            requested: encode(&references).unwrap(),
            state: CommitmentRequestState::Waiting,
            result: None,
            fault: None,
            attempts: 0,
            began: Timestamp::from_ms(1),
            due: Timestamp::from_ms(2),
        };
        let waiting = seen(row.clone()).unwrap();
        assert!(waiting.ended.is_none() && waiting.instances.iter().all(|(_, verdict)| verdict.is_none()));
        row.result = Some(encode(&codes(&verdicts)).unwrap());
        row.state = CommitmentRequestState::Answered;
        let answered = seen(row).unwrap();
        assert_eq!(answered.ended, Some(Timestamp::from_ms(2)));
        let said: Vec<Verdict> = answered.instances.into_iter().filter_map(|(_, verdict)| verdict).collect();
        assert_eq!(said, verdicts);
    }
}
