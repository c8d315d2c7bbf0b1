//! Whose packs a catalogue is filled from. Places in packs mean nothing to another store: two that fill one catalogue would
//! each hide what the other has.

use crate::{CatalogError, Database, Statement};

/// The only store that there is.
const STORE: &str = "packs";

/// Binds the catalogue to a store when it is bound to none; says whether it is bound to this one.
///
/// # Errors
/// As [`Database::execute`].
pub async fn claim(database: &Database, id: &[u8]) -> Result<bool, CatalogError> {
    let insert = "INSERT INTO pack_store (store, id) VALUES ($1, $2) ON CONFLICT (store) DO NOTHING";
    database.execute(vec![Statement::new(insert, vec![STORE.into(), id.into()])]).await?;
    let select = "SELECT id FROM pack_store WHERE store = $1";
    let rows = database.query(Statement::new(select, vec![STORE.into()])).await?;
    Ok(rows.first().map(|row| row.get_bytes(0)).transpose()? == Some(id))
}
