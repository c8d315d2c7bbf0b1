//! Where to call a device, for calls that the archive makes on its own.

use super::Endpoint;
use super::check::records;
use crate::access::{Access, Refusal};
use yingdun_model::{AeTitle, InstitutionId};

impl Access {
    /// Where a device of an institution listens. None for a device that is not registered under this pair of titles,
    /// is disabled, or has no destination: nobody is called whom the system administrator did not name.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when the records cannot be read.
    pub async fn destination(
        &self,
        institution: &InstitutionId,
        ae_title: &AeTitle,
        called_ae: &AeTitle,
    ) -> Result<Option<Endpoint>, Refusal> {
        let records = records(&self.inner.identity, ae_title).await.map_err(Refusal::FactsUnavailable)?;
        let mut fitting = records.into_iter().filter(|record| {
            record.institution == *institution && record.called_ae == *called_ae && !record.disabled
        });
        Ok(fitting.next().and_then(|record| record.destination))
    }
}
