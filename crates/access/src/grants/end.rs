//! Writing down that a grant is over. Nothing depends on it: a grant that is over opens nothing, whether this has run or not.

use super::give::of_grant;
use crate::access::Access;
use crate::admin::ChangeDetail;
use std::collections::HashSet;
use std::time::Duration;
use yingdun_audit::{AuditError, Outcome};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::grants;
use yingdun_model::GrantKind;

/// How long before its end the binding of a patient's account is looked at each second, and its running time is known. There are as many of
/// them as patients, and each lasts a year: whoever set the clock back would lengthen one by little.
const BINDING_WATCHED: Duration = Duration::from_secs(24 * 3600);

/// Why the end of grants was not written down.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EndError {
    /// The log does not accept it.
    #[error("the audit log does not accept the end of a grant")]
    Audit(#[from] AuditError),
    /// The rows cannot be read or written.
    #[error("grants cannot be read or written")]
    Rows(#[from] CatalogError),
}

impl Access {
    /// Writes down which grants are over, and learns the running time of the others. To be called every few seconds. Returns
    /// how many ended.
    ///
    /// # Errors
    /// [`EndError`]; what was not written down is, by the next call.
    pub async fn end_grants(&self) -> Result<u64, EndError> {
        let (now, running) = (self.inner.clock.now(), self.inner.clock.running());
        let (identity, institution) = (&self.inner.identity, &self.inner.institution);
        let session = self.system_session();
        let (mut living, mut ended) = (HashSet::new(), 0);
        for grant in grants::not_ended(identity, institution, now.after(BINDING_WATCHED)).await? {
            if self.inner.running_times.end(grant.number, grant.valid_until, now, running).is_some() {
                living.insert(grant.number);
                continue;
            }
            let code = match grant.kind {
                GrantKind::Given => "grant-ended",
                GrantKind::BreakGlass => "break-glass-ended",
                GrantKind::Consultation => "consultation-ended",
                GrantKind::OwnRecord => "patient-account-ended",
            };
            let mut leaf = of_grant(&session, &grant, code);
            leaf.outcome = Outcome::Succeeded;
            // The leaf first, as always: of several nodes that look at the same moment, more than one may write it.
            self.record(leaf, &ChangeDetail::with(&grant.actor, grant.number)).await?;
            let end = grants::end(institution, grant.number, now, None);
            ended += identity.execute(vec![end]).await?.iter().sum::<u64>();
        }
        self.inner.running_times.keep(|number| living.contains(&number));
        Ok(ended)
    }
}
