//! What other nodes of the installation are given: sealed bytes of records in the packs here, whether records are whole, and the
//! wrapped key of the epoch that this node has and the other one lacks.
//!
//! Nothing is decided and nothing opened: who asked for the image was asked there, the leaf is in that node's log, and what
//! leaves here is what a thief of the disks would have. So these are the only readings without a session. That a node was given an epoch is a
//! leaf here, because with it and the root key its file opens what this one opens.

use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use yingdun_access::session_leaf;
use yingdun_audit::{Counts, Event, Outcome, ReasonCode};
use yingdun_catalog::catalogue::nodes::{self, NodeDoor};
use yingdun_model::{Action, StoreNumber};
use yingdun_storage::{Location, PACK_READ_BYTES_MAX, ReadError, Store, StoreLocation};

/// Checks of whole records for other nodes at once: each reads a record on several disks.
pub(crate) const CHECKS_MAX: usize = 4;

/// The leaf that another node was given the key of an epoch.
const EPOCH_GIVEN: ReasonCode = ReasonCode::new("epoch-given");

/// Why a span of a record is not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// What was asked for is no part of a record that was acknowledged here.
    #[error("expected up to {PACK_READ_BYTES_MAX} bytes of a record that is stored here, another place came")]
    NotHere,
    /// The copy cannot be read; the next one may.
    #[error(transparent)]
    Unreadable(ReadError),
}

/// Whether a certificate is that of another node. Revoked is who is taken out of the table.
pub(crate) async fn is_node(core: &Core, certificate_sha256: &[u8; 32]) -> Result<bool, Unavailable> {
    Ok(node_of(core, certificate_sha256).await?.is_some())
}

/// The wrapped key of an epoch that the database of keys uses, for the node with a certificate; nothing where the file here lacks it. The
/// leaf is durable before.
pub(crate) async fn epoch(
    core: &Core,
    certificate_sha256: &[u8; 32],
    epoch: u64,
) -> Result<Option<Vec<u8>>, Unavailable> {
    let Some(to) = node_of(core, certificate_sha256).await? else { return Ok(None) };
    let given = core.keys.give_epoch(epoch).await.map_err(|error| Unavailable::new("keys", error))?;
    let Some(wrapped) = given else { return Ok(None) };
    let leaf = session_leaf(&core.access.system_session(), EPOCH_GIVEN);
    let counts = Counts::new().with("epoch", epoch).with("store", to.get().into());
    let (action, outcome) = (Some(Action::ManageKeys), Outcome::Succeeded);
    core.append_leaf(Event { action, outcome, counts, ..leaf }).await?;
    Ok(Some(wrapped))
}

/// The store of the other node that has this certificate.
async fn node_of(core: &Core, certificate_sha256: &[u8; 32]) -> Result<Option<StoreNumber>, Unavailable> {
    Ok(asking(core, certificate_sha256).await?.map(|(store, _)| store))
}

/// The same, with the name of its audit log.
pub(crate) async fn asking(
    core: &Core,
    certificate_sha256: &[u8; 32],
) -> Result<Option<(StoreNumber, Option<String>)>, Unavailable> {
    // Who asks no others is none of them.
    if core.nodes.is_none() {
        return Ok(None);
    }
    let own = core.catalogue.store_number();
    let nodes = nodes::all(core.catalogue.database()).await.map_err(unavailable)?;
    let shows = |door: &NodeDoor| door.certificate_sha256 == *certificate_sha256;
    let mut others = nodes.into_iter().filter(|node| node.store != own);
    let asks = others.find(|node| node.said.door.as_ref().is_some_and(shows));
    Ok(asks.map(|node| (node.store, node.said.log)))
}

/// A range of a record from one of its copies, counted from 0; nothing when there are fewer.
pub(crate) async fn span(
    core: &Arc<Core>,
    place: &StoreLocation,
    range: Range<u64>,
    copy: usize,
) -> Result<Option<Bytes>, SpanError> {
    let location = &own(core, place).await?;
    let bytes = range.end.checked_sub(range.start).ok_or(SpanError::NotHere)?;
    if range.end > location.record_bytes() || bytes > PACK_READ_BYTES_MAX {
        return Err(SpanError::NotHere);
    }
    let replicas = core.store.replicas_for(location);
    if copy > 0 {
        doubt(core, *location);
    }
    let far = std::iter::once_with(|| core.store.offsite_for(location)).flatten();
    let Some(replica) = replicas.into_iter().chain(far).nth(copy) else { return Ok(None) };
    let read = core.store.read(location, range, replica).await;
    read.map(Some).map_err(|error| {
        core.store.report_bad(location, replica, "the range cannot be read");
        SpanError::Unreadable(error)
    })
}

/// Whether a record is whole on so many replicas as an acknowledgement needs.
pub(crate) async fn is_sound(core: &Core, place: &StoreLocation) -> Result<bool, SpanError> {
    let location = &own(core, place).await?;
    // Never closed.
    let _turn = core.checks.acquire().await;
    Ok(is_vouched(&core.store, location).await && core.store.is_held(location).await)
}

/// Where a record that is acknowledged here lies now. Who asks may have its place from before its pack was rewritten. What others say of it
/// is not believed.
async fn own(core: &Core, place: &StoreLocation) -> Result<Location, SpanError> {
    let StoreLocation { store, location } = place;
    if *store != core.catalogue.store_number() {
        return Err(SpanError::NotHere);
    }
    let now = core.store.lies_at(location).await.ok_or(SpanError::NotHere)?;
    let held = core.store.pack_extent(now.pack).map_or(0, |extent| extent.bytes);
    let end = now.offset.checked_add(now.record_bytes());
    if end.is_some_and(|end| end <= held) && now.record_bytes() == location.record_bytes() {
        Ok(now)
    } else {
        Err(SpanError::NotHere)
    }
}

/// Looks at the copies of a record of which another node could not open one. A doubt that comes while others are looked into is
/// dropped; the next reader has it again.
fn doubt(core: &Arc<Core>, location: Location) {
    let Ok(turn) = Arc::clone(&core.checks).try_acquire_owned() else { return };
    let store = core.store.clone();
    tokio::spawn(async move {
        if is_vouched(&store, &location).await {
            store.sound_copies(&location).await;
        }
        drop(turn);
    });
}

/// Whether one copy at least is what a place says. Only then may the others be called bad: a place that somebody made up fits none of
/// them.
async fn is_vouched(store: &Store, location: &Location) -> bool {
    for replica in store.replicas_for(location) {
        if store.verify_record(location, replica).await.is_ok() {
            return true;
        }
    }
    false
}
