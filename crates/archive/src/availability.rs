//! Devices that are told of studies which have come to rest (PS3.4 annex R, instance availability notification): how far each
//! has been told is a number in the events of studies. What it may be told is asked of [`events`](crate::events) and
//! [`find`](crate::find) with its own session, like everything that a device asks.

use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_catalog::catalogue::availability::{self, Told};
use yingdun_model::InstitutionId;

pub use yingdun_catalog::catalogue::availability::ToldDevice;

/// The pause after a first failure; doubled up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// A device that has something to be told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityTurn {
    /// Which.
    pub device: ToldDevice,
    /// The last event that it was told of.
    pub after: u64,
    /// How often it could not be told of the next one.
    pub attempts: u32,
}

/// Those of the devices that are to be told, of which there is something to tell now. One that is new among them is told of
/// what comes from now on; one that is none of them any more is forgotten.
pub(crate) async fn turns(
    core: &Core,
    institution: &InstitutionId,
    wanted: &BTreeSet<ToldDevice>,
) -> Result<Vec<AvailabilityTurn>, Unavailable> {
    let database = core.catalogue.database();
    let known = availability::all(database, institution).await.map_err(unavailable)?;
    let newest = availability::newest(database, institution).await.map_err(unavailable)?;
    let now = core.clock.now();
    let is_known = |device: &&ToldDevice| known.iter().any(|told| told.device == **device);
    let begin = wanted.iter().filter(|device| !is_known(device));
    let begin = begin.map(|device| availability::begin(device, newest, now));
    let gone = known.iter().filter(|told| !wanted.contains(&told.device));
    let changes: Vec<_> = begin.chain(gone.map(|told| availability::end(&told.device))).collect();
    if !changes.is_empty() {
        database.execute(changes).await.map_err(unavailable)?;
    }
    let is_due = |told: &Told| wanted.contains(&told.device) && told.sequence < newest && told.due <= now;
    let due = known.into_iter().filter(is_due);
    Ok(due
        .map(|Told { device, sequence, attempts, .. }| AvailabilityTurn { device, after: sequence, attempts })
        .collect())
}

/// Keeps that a device was told of events up to one.
pub(crate) async fn told(core: &Core, device: &ToldDevice, sequence: u64) -> Result<(), Unavailable> {
    let change = availability::advance(device, sequence);
    core.catalogue.database().execute(vec![change]).await.map(drop).map_err(unavailable)
}

/// Keeps that a device could not be told, and when it is tried again.
pub(crate) async fn not_told(core: &Core, turn: &AvailabilityTurn) -> Result<(), Unavailable> {
    let attempts = turn.attempts.saturating_add(1);
    let change = availability::put_off(&turn.device, attempts, core.clock.now().after(pause(attempts)));
    core.catalogue.database().execute(vec![change]).await.map(drop).map_err(unavailable)
}

// === helpers ===

/// The pause after so many failures in a row.
fn pause(attempts: u32) -> Duration {
    PAUSE.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX)).min(PAUSE_MAX)
}
