//! Registering a device with what was seen of it.

use super::WaitingDevice;
use super::list::{detail_of, seen_now};
use crate::access::Access;
use crate::admin::{AdminError, Change};
use crate::decision::Scope;
use crate::device::{AddressList, DeviceHabits, DeviceRecord, Endpoint};
use crate::session::Session;
use std::collections::BTreeSet;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::devices;
use yingdun_catalog::identity::waiting_devices::{self, AttemptId};
use yingdun_model::Action;

/// What an officer says beside what was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingApproval {
    /// From where it may call; from where it called, unless something else is said.
    pub addresses: Option<AddressList>,
    /// That it may go on without TLS, where it called without.
    pub plain_allowed: bool,
    /// Where it takes images that somebody asks us to send to it.
    pub destination: Option<Endpoint>,
}

impl Access {
    /// Registers a device that called in vain, with the titles and the certificate that were seen: what [`Self::register_device`] does, for who
    /// may do that. It waits no longer.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is no such row, [`AdminError::NotApprovable`] where registering would not let it in,
    /// [`AdminError::PlainNotSpelledOut`] where it called without TLS and that is not allowed in so many words.
    pub async fn approve_waiting_device(
        &self,
        officer: &Session,
        attempt: AttemptId,
        approval: WaitingApproval,
    ) -> Result<DeviceRecord, AdminError> {
        let (identity, institution) = (&self.inner.identity, officer.institution());
        let row = waiting_devices::find(identity, institution, attempt).await;
        let row = row.map_err(AdminError::Unavailable)?;
        let detail = detail_of(attempt, row.as_ref());
        let change = Change { action: Action::ManageAccounts, code: "approve-device", detail };
        let records = self.records(officer).await?;
        let now = self.inner.clock.now();
        let waiting = row.map(|row| seen_now(row, &records, now)).transpose();
        let record = match waiting.map_err(AdminError::Unavailable)?.flatten() {
            Some(waiting) => record_of(&waiting, approval, officer),
            None => Err(AdminError::NotFound),
        };
        // Who may not do this is told nothing of it.
        let (intent, detail) = self.intend(officer, change).await?;
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let nothing = CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 };
                let failed = self.carry_out::<()>(intent, detail, Err(nothing)).await;
                return Err(match failed {
                    Err(AdminError::NotFound) | Ok(()) => error,
                    Err(unrecorded) => unrecorded,
                });
            }
        };
        let statements = vec![
            devices::insert(&record.to_row(), now, officer.actor()),
            waiting_devices::forget(institution, attempt),
        ];
        self.carry_out(intent, detail, identity.execute(statements).await).await?;
        Ok(record)
    }
}

// === helpers ===

fn record_of(
    waiting: &WaitingDevice,
    approval: WaitingApproval,
    officer: &Session,
) -> Result<DeviceRecord, AdminError> {
    let (Some(calling), Some(called)) = (&waiting.calling, &waiting.called) else {
        return Err(AdminError::NotApprovable);
    };
    if !waiting.is_approvable() {
        return Err(AdminError::NotApprovable);
    }
    if !waiting.tls && !approval.plain_allowed {
        return Err(AdminError::PlainNotSpelledOut);
    }
    let certificate = waiting.certificate.as_ref().filter(|shown| shown.is_trusted);
    let seen = AddressList::of(waiting.address);
    Ok(DeviceRecord {
        ae_title: calling.clone(),
        called_ae: called.clone(),
        certificate_sha256: certificate.map(|shown| shown.sha256),
        addresses: approval.addresses.unwrap_or(seen),
        plain_allowed: !waiting.tls,
        disabled: false,
        institution: officer.institution().clone(),
        scopes: BTreeSet::from([Scope::Store]),
        destination: approval.destination,
        habits: DeviceHabits::default(),
    })
}
