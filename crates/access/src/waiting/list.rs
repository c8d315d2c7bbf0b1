//! The list for the system administrator. What each row says is the matter is asked anew: a device that was registered meanwhile waits no longer.

use super::keep::{is_dismissed, is_over};
use super::{AttemptCause, DISMISSED_DAYS_MAX, ShownCertificate};
use crate::access::{Access, Refusal};
use crate::admin::{AdminError, Change, ChangeDetail};
use crate::decision::Resource;
use crate::device::{DeviceRecord, PeerFacts, check};
use crate::session::Session;
use std::net::IpAddr;
use std::time::Duration;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::devices;
use yingdun_catalog::identity::waiting_devices::{self, AttemptId, WaitingRow};
use yingdun_model::{Action, ActorId, AeTitle, Timestamp};

const MS_PER_DAY: u64 = 24 * 3600 * 1000;

/// Who called in vain, how often, and what would be the matter now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDevice {
    /// What names it: it is of these titles, this address and this certificate, and never of others.
    pub attempt: AttemptId,
    /// The title that it calls itself; none where it did not come to an association.
    pub calling: Option<AeTitle>,
    /// The title that it called.
    pub called: Option<AeTitle>,
    /// From where.
    pub address: IpAddr,
    /// Whether it called the door over TLS.
    pub tls: bool,
    /// Why it would be turned away now; where it did not come to an association, why it was.
    pub cause: AttemptCause,
    /// What it showed.
    pub certificate: Option<ShownCertificate>,
    /// Whether a device is registered under its title, here or for another called title.
    pub is_known: bool,
    /// Whether it is a registered device by all that its record asks for, and only called another title.
    pub is_itself: bool,
    /// When it called first.
    pub first: Timestamp,
    /// When it called last.
    pub last: Timestamp,
    /// How often.
    pub attempts: u64,
    /// Until when it is dismissed, and by whom.
    pub dismissed: Option<(Timestamp, ActorId)>,
}

impl WaitingDevice {
    /// Whether registering it as it was seen would let it in. What a record says otherwise is changed in the record, and what TLS refuses no record
    /// mends. A title that is known is registered for another called title only where it is the known device that called: whoever has any
    /// certificate of the house could be the CT otherwise, in the archive and in its log.
    #[must_use]
    pub fn is_approvable(&self) -> bool {
        let is_proved = self.certificate.as_ref().is_some_and(|shown| shown.is_trusted);
        let is_new = match self.cause {
            AttemptCause::UnknownCalling => true,
            AttemptCause::UnknownCalled => self.is_itself,
            _ => false,
        };
        self.calling.is_some() && is_new && (is_proved || !self.tls)
    }
}

impl Access {
    /// Who called in vain, who called last first; with `dismissed` also those whom nobody wants to see.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn waiting_devices(
        &self,
        officer: &Session,
        dismissed: bool,
    ) -> Result<Vec<WaitingDevice>, AdminError> {
        self.may_manage_accounts(officer).await?;
        // What this node knows is told at once; what others know comes within a second.
        if self.has_attempts() {
            self.keep_attempts().await.map_err(AdminError::Unavailable)?;
        }
        let (identity, institution, now) =
            (&self.inner.identity, officer.institution(), self.inner.clock.now());
        let rows = waiting_devices::list(identity, institution).await.map_err(AdminError::Unavailable)?;
        let records = self.records(officer).await?;
        let mut waiting = Vec::new();
        for row in rows.into_iter().filter(|row| !is_over(row, now)) {
            if is_dismissed(&row, now) && !dismissed {
                continue;
            }
            waiting.extend(seen_now(row, &records, now).map_err(AdminError::Unavailable)?);
        }
        Ok(waiting)
    }

    /// Takes a row out of sight for some days, or brings it back. It goes on to be counted.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn dismiss_waiting_device(
        &self,
        officer: &Session,
        attempt: AttemptId,
        days: Option<u32>,
    ) -> Result<(), AdminError> {
        let (identity, institution) = (&self.inner.identity, officer.institution());
        let row = waiting_devices::find(identity, institution, attempt).await;
        let row = row.map_err(AdminError::Unavailable)?;
        let now = self.inner.clock.now();
        let until = days.map(|days| {
            let days = u64::from(days.clamp(1, DISMISSED_DAYS_MAX));
            now.after(Duration::from_millis(days * MS_PER_DAY))
        });
        let code = if until.is_some() { "dismiss-device" } else { "restore-device" };
        let detail = detail_of(attempt, row.as_ref());
        let change = Change { action: Action::ManageAccounts, code, detail };
        let by = officer.actor();
        let statement = waiting_devices::dismiss(institution, attempt, until.map(|until| (until, by)));
        self.change(officer, change, vec![statement]).await.map(drop)
    }

    /// Every record of the institution.
    pub(super) async fn records(&self, officer: &Session) -> Result<Vec<DeviceRecord>, AdminError> {
        let rows = devices::list(&self.inner.identity, officer.institution()).await;
        let rows = rows.map_err(AdminError::Unavailable)?;
        let records = rows.into_iter().map(DeviceRecord::from_row).collect::<Result<_, _>>();
        records.map_err(AdminError::Unavailable)
    }

    async fn may_manage_accounts(&self, officer: &Session) -> Result<(), AdminError> {
        let resource = Resource::Accounts(officer.institution().clone());
        let decision = self.decide(officer, Action::ManageAccounts, &resource).await?;
        if decision.permitted {
            return Ok(());
        }
        Err(Refusal::denied(decision.reason, officer.role()).into())
    }
}

// === helpers ===

/// What a leaf about a row is about.
pub(super) fn detail_of(attempt: AttemptId, row: Option<&WaitingRow>) -> ChangeDetail {
    let name: String = attempt.iter().map(|byte| format!("{byte:02x}")).collect();
    match row {
        Some(row) => {
            let title = row.calling.as_ref().map_or(name.as_str(), AeTitle::as_str);
            ChangeDetail::with(title, &row.address)
        }
        None => ChangeDetail::of(name),
    }
}

/// Whether a record would let it in if it had called the title of that record.
fn is_registered_but_for_the_called_title(records: &[DeviceRecord], facts: &PeerFacts) -> bool {
    records.iter().any(|record| {
        let facts = PeerFacts { called: record.called_ae.clone(), ..facts.clone() };
        check(std::slice::from_ref(record), &facts).is_ok()
    })
}

/// A row as it would be answered now; none where it would be let in.
pub(super) fn seen_now(
    row: WaitingRow,
    records: &[DeviceRecord],
    now: Timestamp,
) -> Result<Option<WaitingDevice>, CatalogError> {
    let corrupt = |what: &str| CatalogError::Corrupt(format!("a waiting device has an illegal {what}"));
    let address: IpAddr = row.address.parse().map_err(|_| corrupt("address"))?;
    let mut cause: AttemptCause = row.cause.parse().map_err(|_| corrupt("cause"))?;
    let mut is_itself = false;
    if let (Some(calling), Some(called)) = (&row.calling, &row.called) {
        let facts = PeerFacts {
            certificate_sha256: row.certificate.as_ref().map(|shown| shown.sha256),
            calling: calling.clone(),
            called: called.clone(),
            address,
            tls: row.tls,
        };
        match check(records, &facts) {
            Ok(_) => return Ok(None),
            Err(fault) => cause = fault.into(),
        }
        is_itself = is_registered_but_for_the_called_title(records, &facts);
    }
    let is_known = records.iter().any(|record| Some(&record.ae_title) == row.calling.as_ref());
    let is_dismissed = is_dismissed(&row, now);
    let certificate = row.certificate.map(|shown| ShownCertificate {
        sha256: shown.sha256,
        subject: shown.subject,
        issuer: shown.issuer,
        valid_until: shown.valid_until,
        is_trusted: shown.is_trusted,
    });
    Ok(Some(WaitingDevice {
        attempt: row.attempt,
        calling: row.calling,
        called: row.called,
        address,
        tls: row.tls,
        cause,
        certificate,
        is_known,
        is_itself,
        first: row.first,
        last: row.last,
        attempts: row.attempts,
        dismissed: row.dismissed_until.zip(row.dismissed_by).filter(|_| is_dismissed),
    }))
}
