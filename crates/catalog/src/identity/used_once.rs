//! What may come once only, on whatever node: digests over proofs of keys and nonces of signed requests, as long as they could come again.

use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::Timestamp;

const SPEND: Sql =
    Sql::new("INSERT INTO used_once (digest, expires_ms) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING");
const FORGET: Sql = Sql::new("DELETE FROM used_once WHERE expires_ms < $1");

/// Notes that something came. `false` when it came before.
///
/// # Errors
/// As [`Database::execute`].
pub async fn spend(
    database: &Database,
    digest: &[u8; 32],
    expires: Timestamp,
    forget_before: Option<Timestamp>,
) -> Result<bool, CatalogError> {
    let mut statements = vec![Statement::new(SPEND, vec![digest.into(), expires.into()])];
    statements.extend(forget_before.map(forget_expired));
    let changed = database.execute(statements).await?;
    Ok(changed.first() == Some(&1))
}

/// Deletes what cannot come again since a moment.
#[must_use]
pub fn forget_expired(before: Timestamp) -> Statement {
    Statement::new(FORGET, vec![before.into()])
}
