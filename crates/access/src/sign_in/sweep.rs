//! Forgetting what has expired.

use super::SignInError;
use crate::access::Access;
use yingdun_catalog::identity::{codes, directory_attempts, links, places, sessions};
use yingdun_model::Timestamp;

/// How long expired sessions, links and codes are kept, in milliseconds: a week, so that the ledger can say "expired"
/// or "used" instead of "unknown" while somebody may still ask.
const KEPT_MS: i64 = 7 * DAY_MS;
/// How long a place of sign-in is remembered after the last sign-in: longer than any leave.
const KNOWN_PLACE_MS: i64 = 180 * DAY_MS;
const DAY_MS: i64 = 24 * 3600 * 1000;

impl Access {
    /// Deletes the rows of sessions, one-time links and authorization codes that expired a week ago, and of places
    /// of sign-in that are not used any more, so that the identity database does not grow with use. Returns how
    /// many. What they were for stays in the audit log.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`]; nothing was deleted then.
    pub async fn forget_expired(&self) -> Result<u64, SignInError> {
        let now = self.inner.clock.now().as_ms();
        let ago = |ms| Timestamp::from_ms(now.saturating_sub(ms));
        let before = ago(KEPT_MS);
        let forget = vec![
            sessions::forget_expired(before),
            links::forget_expired(before),
            codes::forget_expired(before),
            places::forget_idle(before, ago(KNOWN_PLACE_MS)),
            directory_attempts::forget_before(before),
        ];
        let forgotten = self.inner.identity.execute(forget).await.map_err(SignInError::Unavailable)?;
        Ok(forgotten.iter().sum())
    }
}
