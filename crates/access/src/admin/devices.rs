//! Devices. Registering one lets it store and echo, and nothing else: the security administrator grants more.

use super::{AdminError, Change, ChangeDetail};
use crate::access::Access;
use crate::device::DeviceRecord;
use crate::session::Session;
use yingdun_catalog::identity::devices;
use yingdun_model::Action;

impl Access {
    /// Registers a device of the officer's institution.
    ///
    /// # Errors
    /// [`AdminError::AlreadyExists`] when the pair of AE titles is taken, [`AdminError::NotFound`] when the record
    /// names another institution.
    pub async fn register_device(&self, officer: &Session, record: &DeviceRecord) -> Result<(), AdminError> {
        own(officer, record)?;
        let insert = devices::insert(&record.to_row(), self.inner.clock.now(), officer.actor());
        self.change(officer, change("register-device", record), vec![insert]).await.map(|_| ())
    }

    /// Changes certificate, addresses, plain access, destination or the disabled state of a device. Open associations
    /// notice it with their next decision. With another certificate, other addresses or other plain access it is
    /// another device for whoever granted it something: `store` stays, every other scope goes.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is no such device in the officer's institution.
    pub async fn update_device(&self, officer: &Session, record: &DeviceRecord) -> Result<(), AdminError> {
        own(officer, record)?;
        let update = devices::update(&record.to_row());
        self.change(officer, change("update-device", record), vec![update]).await.map(|_| ())
    }

    /// Every device of the officer's institution.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn devices(&self, officer: &Session) -> Result<Vec<DeviceRecord>, AdminError> {
        self.may_read_accounts(officer).await?;
        let rows = devices::list(&self.inner.identity, officer.institution()).await;
        let rows = rows.map_err(AdminError::Unavailable)?;
        rows.into_iter()
            .map(DeviceRecord::from_row)
            .collect::<Result<_, _>>()
            .map_err(AdminError::Unavailable)
    }
}

fn own(officer: &Session, record: &DeviceRecord) -> Result<(), AdminError> {
    if record.institution == *officer.institution() { Ok(()) } else { Err(AdminError::NotFound) }
}

fn change(code: &'static str, record: &DeviceRecord) -> Change {
    let detail = ChangeDetail::with(&record.ae_title, &record.called_ae);
    Change { action: Action::ManageAccounts, code, detail }
}
