//! The work between request and report, in the background: transactions that are due are verified, a few at a time.

use super::verify::verify;
use super::{Failures, SopReference, decode, encode, leaf, pause, report};
use crate::background::Turns;
use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use std::sync::Arc;
use std::time::Duration;
use yingdun_audit::{Outcome, ReasonCode};
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::commitment_requests;
use yingdun_catalog::catalogue::commitments::{self, Commitment, CommitmentState};
use yingdun_model::Timestamp;

/// Transactions that are verified at once: enough that a large one does not hold up all others, few enough that
/// reading for them leaves the disks to everybody else.
const VERIFIED_AT_ONCE: u32 = 4;

/// How long to sleep when nothing is due. Requests wake the work; what was put off is due after seconds.
const LOOK: Duration = Duration::from_secs(2);

/// How long a peer that waits on its association is left to it before its report goes another way: longer than an
/// answer takes on any network, shorter than the patience of a person.
const SAME_ASSOCIATION: Duration = Duration::from_secs(15);

/// How long transactions that have ended are known, so that the same request is recognised.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often those that are older are deleted.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

const COMMITTED: ReasonCode = ReasonCode::new("storage-committed");
const NOT_COMMITTED: ReasonCode = ReasonCode::new("storage-not-committed");

/// Verifies as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    let mut forget_at = None;
    loop {
        let Some(core) = turns.next() else { return };
        let now = core.clock.now();
        if forget_at.is_none_or(|at| at <= now) {
            forget_at = Some(now.after(FORGET_EVERY));
            forget(&core, now).await;
        }
        let more = match verify_due(&core).await {
            Ok(verified) => verified == VERIFIED_AT_ONCE as usize,
            Err(error) => {
                tracing::warn!(%error, "storage commitments wait");
                false
            }
        };
        if !more {
            // A time-out is no error: what was put off may be due meanwhile. The archive may close meanwhile, too.
            let commitments = Arc::clone(&core.commitments);
            drop(core);
            tokio::select! {
                () = turns.pause(LOOK) => {}
                () = commitments.requested.notified() => {}
            }
        }
    }
}

async fn forget(core: &Core, now: Timestamp) {
    let before = Timestamp::from_ms(now.as_ms().saturating_sub(KEPT.as_millis() as i64));
    let old = vec![commitments::forget_ended(before), commitment_requests::forget_ended(before)];
    let forgotten = core.catalogue.database().execute(old).await;
    if let Err(error) = forgotten {
        tracing::warn!(%error, "old storage commitments were not deleted");
    }
}

/// Verifies what is due and says how many transactions that were.
async fn verify_due(core: &Arc<Core>) -> Result<usize, Unavailable> {
    let database = core.catalogue.database();
    let due = commitments::due(database, CommitmentState::Requested, core.clock.now(), VERIFIED_AT_ONCE);
    let due = due.await.map_err(unavailable)?;
    let transactions = due.len();
    futures_util::future::join_all(due.into_iter().map(|transaction| async move {
        if let Err(error) = verify_transaction(core, &transaction).await {
            tracing::warn!(%error, peer = %transaction.key.peer, "a storage commitment is put off");
            let attempts = transaction.attempts.saturating_add(1);
            let until = core.clock.now().after(pause(attempts));
            let put_off = commitments::put_off(&transaction.key, CommitmentState::Requested, attempts, until);
            if let Err(error) = core.catalogue.database().execute(vec![put_off]).await {
                tracing::warn!(%error, "a storage commitment could not be put off");
            }
        }
    }))
    .await;
    Ok(transactions)
}

/// Verifies every instance, writes the leaf, keeps the result, and hands it to whoever waits.
async fn verify_transaction(core: &Arc<Core>, transaction: &Commitment) -> Result<(), Unavailable> {
    let key = &transaction.key;
    let keys = core.institution_keys(&key.institution).await?;
    let session = core.access.system_session();
    let references: Vec<SopReference> = decode(&transaction.requested)?;
    let mut failures = Failures::new();
    for (place, reference) in (0..).zip(&references) {
        if let Err(failure) = verify(core, &keys, &session, reference).await? {
            failures.push((place, failure));
        }
    }
    let (all, failed) = (references.len() as u64, failures.len() as u64);
    let (outcome, reason) =
        if failed == 0 { (Outcome::Succeeded, COMMITTED) } else { (Outcome::Failed, NOT_COMMITTED) };
    core.append_leaf(leaf(core, outcome, reason, all, failed)).await?;
    count(all, failed);

    let result = encode(&failures)?;
    let waiting = core.commitments.waiting().remove(key).filter(|waiting| !waiting.is_closed());
    let now = core.clock.now();
    let due = if waiting.is_some() { now.after(SAME_ASSOCIATION) } else { now };
    match core.catalogue.database().execute(vec![commitments::verified(key, result, due)]).await {
        Ok(_) => {}
        // Somebody else verified it: two nodes on one database.
        Err(CatalogError::UnexpectedRows { .. }) => return Ok(()),
        Err(error) => return Err(unavailable(error)),
    }
    match waiting {
        // Whoever hangs up at this moment is told on another association, when that is due.
        Some(waiting) => drop(waiting.send(report(key.clone(), references, &failures, 0))),
        None => core.commitments.verified.notify_one(),
    }
    Ok(())
}

fn count(all: u64, failed: u64) {
    for (outcome, references) in [("committed", all - failed), ("failed", failed)] {
        metrics::counter!("yingdun_commitment_references_total", "outcome" => outcome).increment(references);
    }
}
