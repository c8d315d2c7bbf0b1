//! Looking after keys: what there is, the next version of a key-encryption key, and wrapping keys again under it.
//!
//! ```text
//!  old, or used too often, or an officer asks ─► rotate ─► keys left under the version before ─► job ─► nothing left
//!                                                                                                           │
//!                                       leaf before and after each step                   destroy that version
//! ```
//!
//! Everything here happens by itself too ([`work()`]); an officer who asks only makes it happen now. Whatever stands under a
//! version that wraps no more is wrapped again, unless an officer stopped that.

mod work;

pub(crate) use work::work;

use crate::error::Unavailable;
use crate::shared::Core;
use std::time::Duration;
use yingdun_access::{AdminError, KeyWork, Session};
use yingdun_audit::{Counts, Outcome};
use yingdun_catalog::catalogue::nodes;
use yingdun_keys::{EpochNode, KekStatus, KeyStoreStatus, KeysError, RewrapJob, RewrapStart, RewrapState};
use yingdun_model::Grade;

/// Why keys were left as they are.
#[derive(Debug, thiserror::Error)]
pub enum KeyCareError {
    /// Who asks may not, or it could not be written down.
    #[error(transparent)]
    Refused(#[from] AdminError),
    /// There is no key-encryption key of this grade yet: nothing was stored under it.
    #[error("nothing was stored under this grade, so it has no key-encryption key")]
    NoKek,
    /// There is no other node of this name.
    #[error("there is no other node of this name, or it is forgotten already")]
    NoNode,
    /// The node serves, so it is not gone.
    #[error("the node `{0}` serves at this moment")]
    NodeServes(String),
    /// Somebody else did it at the same time, or it is going on, or it is not.
    #[error("{0}")]
    Otherwise(KeysError),
    /// A part of the archive does not answer.
    #[error("the archive cannot look after its keys now: {0}")]
    Unavailable(Unavailable),
}

/// The keys of an institution, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// Patients, studies and key-encryption keys.
    pub keys: KeyStoreStatus,
    /// How old an active key-encryption key may get.
    pub rotate_after: Duration,
    /// The newest job that wraps keys again.
    pub rewrap: Option<RewrapJob>,
    /// The epoch under which key-encryption keys are wrapped.
    pub epoch: u64,
    /// What each node has told of its epoch file.
    pub nodes: Vec<EpochNode>,
}

/// A key-encryption key that was replaced, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The version before.
    pub before: KekStatus,
    /// The number of the version that wraps from now on.
    pub version: u32,
}

/// What wrapping again begins with, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrapOutlook {
    /// Whether it was begun or goes on; none when it was only asked what would be done.
    pub start: Option<RewrapStart>,
    /// Keys that are left to do.
    pub keys_left: u64,
    /// The versions that are destroyed when nothing is left under them. That cannot be undone.
    pub destroys: Vec<KekStatus>,
}

pub(crate) async fn report(core: &Core, session: &Session) -> Result<KeyReport, KeyCareError> {
    core.access.may_manage_keys(session).await?;
    let keys = core.keys.status(session.institution()).await.map_err(of_keys)?;
    let rewrap = core.keys.rewrap_job(session.institution()).await.map_err(of_keys)?;
    let (epoch, nodes) = core.keys.epoch_nodes().await.map_err(of_keys)?;
    Ok(KeyReport { keys, rotate_after: core.limits.rotate_keys_after, rewrap, epoch, nodes })
}

/// Forgets a node: first what others may give it, then that anybody waits for it.
pub(crate) async fn forget_node(
    core: &Core,
    session: &Session,
    name: &str,
    dry_run: bool,
) -> Result<EpochNode, KeyCareError> {
    if dry_run {
        core.access.may_manage_keys(session).await?;
        return core.keys.other_node(session.institution(), name).await.map_err(of_keys);
    }
    let work = core.access.intend_key_work(session, "forget-node", name).await?;
    let forgotten = forget(core, session, name).await;
    conclude(core, work, forgotten, Counts::new()).await
}

async fn forget(core: &Core, session: &Session, name: &str) -> Result<EpochNode, KeysError> {
    let node = core.keys.other_node(session.institution(), name).await?;
    if let Some(store) = &node.store {
        nodes::withdraw(core.catalogue.database(), store).await?;
    }
    core.keys.forget_node(session.institution(), name).await?;
    Ok(node)
}

/// Replaces the active key-encryption keys of one grade, or of all.
pub(crate) async fn rotate(
    core: &Core,
    session: &Session,
    grade: Option<Grade>,
    dry_run: bool,
) -> Result<Vec<Rotation>, KeyCareError> {
    let keys = core.keys.status(session.institution()).await.map_err(of_keys)?;
    let mut active = keys.keks;
    active.retain(|kek| kek.active && grade.is_none_or(|grade| kek.line.grade == grade));
    if dry_run || active.is_empty() {
        core.access.may_manage_keys(session).await?;
    }
    if active.is_empty() {
        return Err(KeyCareError::NoKek);
    }
    let mut rotations = Vec::with_capacity(active.len());
    for before in active {
        let version =
            if dry_run { before.version.saturating_add(1) } else { replace(core, session, &before).await? };
        rotations.push(Rotation { before, version });
    }
    Ok(rotations)
}

/// Begins to wrap keys again, or goes on with it.
pub(crate) async fn begin_rewrap(
    core: &Core,
    session: &Session,
    dry_run: bool,
) -> Result<RewrapOutlook, KeyCareError> {
    if dry_run {
        core.access.may_manage_keys(session).await?;
    }
    let keys = core.keys.status(session.institution()).await.map_err(of_keys)?;
    let keys_left = keys.keys_left();
    let destroys = keys.keks.into_iter().filter(|kek| !kek.active).collect();
    let start = if dry_run { None } else { Some(begin(core, session, keys_left).await?) };
    Ok(RewrapOutlook { start, keys_left, destroys })
}

/// Stops wrapping keys again until somebody begins it.
pub(crate) async fn stop_rewrap(core: &Core, session: &Session) -> Result<(), KeyCareError> {
    let work = core.access.intend_key_work(session, "stop-rewrap", session.institution()).await?;
    let stopped = core.keys.stop_rewrap(session.institution()).await;
    conclude(core, work, stopped, Counts::new()).await
}

// === helpers ===

/// Replaces one version. Its leaves name the version that it makes.
pub(crate) async fn replace(core: &Core, session: &Session, before: &KekStatus) -> Result<u32, KeyCareError> {
    let work = core.access.intend_key_work(session, "rotate-kek", name(before)).await?;
    let rotated = core.keys.rotate_kek(&before.line, before.version).await;
    if rotated.is_ok() {
        metrics::counter!("yingdun_kek_rotations_total").increment(1);
    }
    let version = before.version.saturating_add(1);
    let counts = Counts::new().with("version", version.into()).with("uses-before", before.uses);
    conclude(core, work, rotated, counts).await
}

pub(crate) async fn begin(
    core: &Core,
    session: &Session,
    keys_left: u64,
) -> Result<RewrapStart, KeyCareError> {
    let work = core.access.intend_key_work(session, "begin-rewrap", session.institution()).await?;
    let begun = core.keys.begin_rewrap(session.institution()).await;
    conclude(core, work, begun, Counts::new().with("keys", keys_left)).await
}

/// Writes the outcome down, and gives it.
async fn conclude<T>(
    core: &Core,
    work: KeyWork,
    outcome: Result<T, KeysError>,
    counts: Counts,
) -> Result<T, KeyCareError> {
    let word = if outcome.is_ok() { Outcome::Succeeded } else { Outcome::Failed };
    let recorded = core.access.conclude_key_work(work, word, counts).await;
    let value = outcome.map_err(of_keys)?;
    recorded?;
    Ok(value)
}

/// What an officer calls a version.
fn name(kek: &KekStatus) -> String {
    format!("{} {} version {}", kek.line.grade, kek.line.suite, kek.version)
}

/// Whether a job that is not asked for is to be begun: what is left is not yet in the hands of one, and nobody stopped it.
fn begins_by_itself(keys: &KeyStoreStatus, job: Option<&RewrapJob>) -> bool {
    let waits = job.is_none_or(|job| job.state == RewrapState::Done);
    waits && keys.keks.iter().any(|kek| !kek.active)
}

fn of_keys(error: KeysError) -> KeyCareError {
    match error {
        KeysError::KekNotActive { .. } | KeysError::KekInUse { .. } | KeysError::RewrapState { .. } => {
            KeyCareError::Otherwise(error)
        }
        KeysError::NoNode => KeyCareError::NoNode,
        KeysError::NodeServes { name } => KeyCareError::NodeServes(name),
        other => KeyCareError::Unavailable(Unavailable::new("keys", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_keys::{KEK_USES_ALARM, KekLine};
    use yingdun_model::{InstitutionId, Timestamp};

    fn kek(active: bool, keys: u64) -> KekStatus {
        let institution = InstitutionId::new("renmin").unwrap();
        KekStatus {
            line: KekLine { institution, grade: Grade::L4, suite: "cobblestone-256".to_owned() },
            version: 1,
            active,
            uses: keys,
            keys,
            created: Timestamp::from_ms(1000),
        }
    }

    fn job(state: RewrapState) -> RewrapJob {
        RewrapJob {
            state,
            begun: Timestamp::from_ms(0),
            keys_total: 1,
            keys_done: 0,
            worked_ms: 0,
            holder: [0; 16],
            held_until: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn a_version_is_due_at_its_age_or_when_it_was_used_too_often_and_a_retired_one_never() {
        let day = Duration::from_secs(86_400);
        let at = Timestamp::from_ms;
        assert!(!kek(true, 5).is_due(at(86_400_999), day));
        assert!(kek(true, 5).is_due(at(86_401_000), day));
        assert!(!kek(false, 5).is_due(at(i64::MAX), day));
        assert!(KekStatus { uses: KEK_USES_ALARM, ..kek(true, 5) }.is_due(at(1000), day));
    }

    #[test]
    fn what_is_left_is_wrapped_again_by_itself_unless_somebody_stopped_that() {
        let keys = |keks| KeyStoreStatus { patients: 1, studies: 1, keks };
        let rotated = keys(vec![kek(false, 2), kek(true, 0)]);
        assert_eq!(rotated.keys_left(), 2);
        assert!(begins_by_itself(&rotated, None));
        assert!(begins_by_itself(&rotated, Some(&job(RewrapState::Done))));
        assert!(!begins_by_itself(&rotated, Some(&job(RewrapState::Running))));
        assert!(!begins_by_itself(&rotated, Some(&job(RewrapState::Stopped))));
        assert!(!begins_by_itself(&keys(vec![kek(true, 2)]), None));
        // A crash after the last batch leaves a version that waits to be destroyed.
        assert!(begins_by_itself(&keys(vec![kek(false, 0), kek(true, 2)]), None));
    }
}
