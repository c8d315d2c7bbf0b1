//! Taking a request: decided, written down and kept before it is acknowledged.

use super::{
    COMMITMENT_REFERENCES_MAX, COMMITMENTS_OPEN_MAX, CommitmentError, CommitmentPending, CommitmentRequest,
    SopReference, decode, encode,
};
use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use tokio::sync::oneshot;
use yingdun_access::{Refusal, Resource, Session};
use yingdun_catalog::catalogue::commitments::{self, CommitmentKey, CommitmentState};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::Action;

/// Decides, and keeps the transaction. The same request again is the same transaction: one that is under way goes on,
/// one that has ended is verified anew.
pub(crate) async fn request(
    core: &Core,
    session: &Session,
    request: CommitmentRequest,
) -> Result<CommitmentPending, CommitmentError> {
    let here = Resource::Archive(session.institution().clone());
    let permit = core.access.authorise(session, Action::Commit, here).await.map_err(refused)?;
    let CommitmentRequest { peer, called, transaction, references } = request;
    if references.is_empty() || references.len() > COMMITMENT_REFERENCES_MAX {
        return Err(CommitmentError::References(references.len()));
    }
    let key = CommitmentKey { institution: permit.institution().clone(), peer, called, transaction };
    let statement = change_for(core, &key, references).await?;
    let (sender, receiver) = oneshot::channel();
    // Before the row: the work must find whoever waits.
    core.commitments.waiting().insert(key, sender);
    if let Some(statement) = statement {
        core.catalogue.database().execute(vec![statement]).await.map_err(not_kept)?;
    }
    core.commitments.requested.notify_one();
    Ok(CommitmentPending(receiver))
}

/// What has to change so that the transaction will be verified; nothing when it will be anyway.
async fn change_for(
    core: &Core,
    key: &CommitmentKey,
    references: Vec<SopReference>,
) -> Result<Option<Statement>, CommitmentError> {
    let (database, now) = (core.catalogue.database(), core.clock.now());
    match commitments::find(database, key).await.map_err(not_kept)? {
        Some(known) => {
            let before: Vec<SopReference> = decode(&known.requested).map_err(CommitmentError::Unavailable)?;
            if sorted(before) != sorted(references) {
                return Err(CommitmentError::TransactionUsed);
            }
            Ok((known.state != CommitmentState::Requested).then(|| commitments::begin_again(key, now)))
        }
        None => {
            let open = commitments::open_count(database, &key.institution, &key.peer).await;
            if open.map_err(not_kept)? >= COMMITMENTS_OPEN_MAX {
                return Err(CommitmentError::TooManyOpen);
            }
            let requested = encode(&references).map_err(CommitmentError::Unavailable)?;
            Ok(Some(commitments::insert(key, requested, now)))
        }
    }
}

fn sorted(mut references: Vec<SopReference>) -> Vec<SopReference> {
    references.sort_unstable();
    references
}

fn refused(refusal: Refusal) -> CommitmentError {
    match refusal.reason() {
        Some(reason) => CommitmentError::Refused { reason: reason.to_string() },
        None => CommitmentError::Unavailable(Unavailable::new("access", refusal)),
    }
}

fn not_kept(error: CatalogError) -> CommitmentError {
    CommitmentError::Unavailable(unavailable(error))
}
