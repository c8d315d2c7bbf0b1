//! Tells devices which studies can be retrieved, when they have come to rest (PS3.4 annex R): a worker that calls those whose
//! records say that they want to be told.
//!
//! A device that answers is checked like one that calls, see [`ArchiveDoor`]; then events and instances are asked for with its
//! own session. So it is told of what it may see, and what left for it is on the ledger as a search of it. A study may be told
//! of twice, after a connection that was lost, and never not: how far a device is, is kept by the archive.

use crate::archive_door::{ArchiveDoor, Caller, move_target};
use crate::association::Proposals;
use crate::availability::Notification;
use crate::commitment::Reference;
use crate::message::Status;
use crate::scp::{Refusal, Service};
use crate::scu::{Scu, ScuError};
use rustls::ClientConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use yingdun_access::{Access, AssociationEnd, MoveDestination};
use yingdun_archive::{
    Archive, AvailabilityTurn, EventsRequest, FindError, FindRequest, FoundRow, Include, Level, ToldDevice,
    Unavailable,
};
use yingdun_dicom::query::Matching;
use yingdun_dicom::{Tag, tags};
use yingdun_model::{AeTitle, InstitutionId, Uid};

/// How often it is looked whether there is something to tell: a rest of a study takes longer.
const LOOK: Duration = Duration::from_secs(2);

/// Events that are asked for at a time.
const EVENTS_AT_ONCE: u32 = 16;

/// Instances of one notification: half a megabyte. More are told in several.
const INSTANCES_AT_ONCE: usize = 2_000;

/// Times that a device may refuse an event before it is passed over: what it cannot take now for a reason of its own it takes
/// within the day that they last.
const REFUSALS_MAX: u32 = 30;

/// Calls devices with what can be retrieved.
pub struct Notifier {
    institution: InstitutionId,
    access: Access,
    archive: Archive,
    door: ArchiveDoor,
    tls: Option<Arc<ClientConfig>>,
}

/// Why a device was not told.
#[derive(Debug, thiserror::Error)]
enum NotTold {
    #[error("the device wants TLS, and this archive has no certificate for DICOM")]
    NoTls,
    #[error("the certificate or address of whoever answers is not that of the record ({0:?})")]
    NotTheDevice(Refusal),
    #[error("{0}")]
    Scu(#[from] ScuError),
    #[error("what it may be told cannot be read: {0}")]
    Find(#[from] FindError),
    #[error("how far it was told cannot be kept: {0}")]
    Kept(Unavailable),
    #[error("the device answered {0}")]
    Refused(Status),
}

impl Notifier {
    /// A notifier. Without `tls` only devices are called that are spelled out as plain.
    #[must_use]
    pub const fn new(
        institution: InstitutionId,
        access: Access,
        archive: Archive,
        door: ArchiveDoor,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        Self { institution, access, archive, door, tls }
    }

    /// Works until `stop`. A call that is under way then is broken off, and what it did not tell is told after the next start.
    pub async fn run(self, stop: CancellationToken) {
        let work = async {
            loop {
                tokio::time::sleep(LOOK).await;
                self.round().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Tells each device what there is for it now. They are called beside each other, so that one that hangs holds up its own
    /// news only, and the next round.
    async fn round(&self) {
        let devices = match self.access.devices_to_tell().await {
            Ok(devices) => devices,
            Err(error) => return tracing::warn!(%error, "availability notifications wait"),
        };
        let wanted: BTreeMap<ToldDevice, MoveDestination> = devices
            .into_iter()
            .map(|(ae_title, at)| {
                let (institution, called_ae) = (self.institution.clone(), at.calling.clone());
                (ToldDevice { institution, ae_title, called_ae }, at)
            })
            .collect();
        let names: BTreeSet<ToldDevice> = wanted.keys().cloned().collect();
        let turns = match self.archive.availability_turns(&self.institution, &names).await {
            Ok(turns) => turns,
            Err(error) => return tracing::warn!(%error, "availability notifications wait"),
        };
        let calls = turns.iter().filter_map(|turn| Some((turn, wanted.get(&turn.device)?)));
        futures_util::future::join_all(calls.map(|(turn, at)| self.turn(turn, at))).await;
    }

    async fn turn(&self, turn: &AvailabilityTurn, at: &MoveDestination) {
        let outcome = self.tell(turn, at).await;
        let word = if outcome.is_ok() { "told" } else { "failed" };
        metrics::counter!("yingdun_availability_turns_total", "outcome" => word).increment(1);
        let Err(why) = outcome else { return };
        tracing::warn!(device = %turn.device.ae_title, %why, "a device was not told of studies");
        if let Err(error) = self.archive.availability_not_told(turn).await {
            tracing::warn!(%error, "what became of an availability notification was not kept");
        }
    }

    /// Tells all that there is for one device over one association.
    async fn tell(&self, turn: &AvailabilityTurn, at: &MoveDestination) -> Result<(), NotTold> {
        let target =
            move_target(&turn.device.ae_title, at.clone(), self.tls.as_ref()).ok_or(NotTold::NoTls)?;
        let proposals = Proposals::availability().map_err(|_| ScuError::NoAvailability)?;
        let mut scu = Scu::connect(&target.destination, &target.settings, &proposals).await?;
        let ToldDevice { ae_title, called_ae, .. } = &turn.device;
        let told = match self.door.admit_reached(ae_title, called_ae, scu.reached().cloned()).await {
            Ok(caller) => {
                let told = self.tell_all(turn, &caller, &mut scu).await;
                self.door
                    .leave(
                        caller,
                        AssociationEnd {
                            released: matches!(told, Ok(()) | Err(NotTold::Refused(_))),
                            ..AssociationEnd::default()
                        },
                    )
                    .await;
                told
            }
            Err(refusal) => Err(NotTold::NotTheDevice(refusal)),
        };
        match &told {
            // It was answered, whatever becomes of the association.
            Ok(()) | Err(NotTold::Refused(_)) => drop(scu.release().await),
            Err(_) => scu.abort().await,
        }
        told
    }

    async fn tell_all(&self, turn: &AvailabilityTurn, caller: &Caller, scu: &mut Scu) -> Result<(), NotTold> {
        let (mut after, mut attempts) = (turn.after, turn.attempts);
        loop {
            let request = EventsRequest { after, limit: EVENTS_AT_ONCE, wait: Duration::ZERO };
            let found = self.archive.events(caller.device(), request).await?;
            for event in &found.events {
                match self.tell_study(&event.uid, caller, scu, &turn.device.called_ae).await {
                    Err(NotTold::Refused(status)) if attempts >= REFUSALS_MAX => {
                        let device = &turn.device.ae_title;
                        tracing::warn!(%device, %status, event = event.sequence, "a notification is given up");
                    }
                    told => told?,
                }
                attempts = 0;
                self.archive.availability_told(&turn.device, event.sequence).await.map_err(NotTold::Kept)?;
            }
            if found.next == after {
                return Ok(());
            }
            after = found.next;
            // Those behind the last one that it may see are none of its business.
            self.archive.availability_told(&turn.device, after).await.map_err(NotTold::Kept)?;
        }
    }

    /// Tells the instances of a study that are here now.
    async fn tell_study(
        &self,
        study: &Uid,
        caller: &Caller,
        scu: &mut Scu,
        retrieve: &AeTitle,
    ) -> Result<(), NotTold> {
        let request = FindRequest {
            level: Level::Instance,
            study: Some(study.clone()),
            series: None,
            keys: Vec::new(),
            matching: Matching::default(),
            include: Include::Tags(vec![tags::SERIES_INSTANCE_UID, tags::SOP_CLASS_UID]),
            offset: 0,
            limit: u32::MAX,
        };
        let mut search = self.archive.search(caller.device(), request).await?;
        let (mut waiting, mut count) = (BTreeMap::<Uid, Vec<Reference>>::new(), 0);
        loop {
            let rows = search.next_page().await?;
            let is_last = rows.is_empty();
            for (series, reference) in rows.iter().filter_map(reference) {
                waiting.entry(series).or_default().push(reference);
                count += 1;
            }
            if count >= INSTANCES_AT_ONCE || (is_last && count > 0) {
                let series = std::mem::take(&mut waiting);
                count = 0;
                let notification = Notification { study: study.clone(), series };
                let answer = scu.tell_availability(&notification, retrieve).await?;
                if !answer.status.is_stored() {
                    return Err(NotTold::Refused(answer.status));
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

// === helpers ===

/// An instance and its series, as a search shows it.
fn reference(row: &FoundRow) -> Option<(Uid, Reference)> {
    let uid = |tag: Tag| Uid::new(row.get(&tag.to_hex())?.get("Value")?.get(0)?.as_str()?).ok();
    let reference =
        Reference { sop_class: uid(tags::SOP_CLASS_UID)?, sop_instance: uid(tags::SOP_INSTANCE_UID)? };
    Some((uid(tags::SERIES_INSTANCE_UID)?, reference))
}
