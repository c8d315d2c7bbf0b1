//! How far the packs of a store have been applied: where the replay after a restart begins.

use super::moment::signed;
use super::stores;
use crate::{CatalogError, Database, Statement};
use yingdun_model::StoreNumber;

/// Every record of `store` before this position is in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The store.
    pub store: StoreNumber,
    /// The pack, below 2⁶³.
    pub pack: u64,
    /// The offset in the pack behind the last applied record, in bytes, below 2⁶³.
    pub offset: u64,
}

/// How far this store has been applied; `None` when nothing has been.
///
/// # Errors
/// As [`Database::query`].
pub async fn watermark(database: &Database, store: StoreNumber) -> Result<Option<Watermark>, CatalogError> {
    let select = "SELECT pack, pack_offset FROM pack_watermark WHERE store = $1";
    let rows = database.query(Statement::new(select, vec![stores::name(store).into()])).await?;
    rows.first()
        .map(|row| Ok(Watermark { store, pack: row.get_number(0)?, offset: row.get_number(1)? }))
        .transpose()
}

/// Moves the watermark forward, never back. It stands first in its transaction: the lock on its row makes
/// transactions of one store follow one another.
pub(super) fn advance(watermark: &Watermark) -> Result<Statement, CatalogError> {
    let upsert = "INSERT INTO pack_watermark (store, pack, pack_offset) VALUES ($1, $2, $3) \
         ON CONFLICT (store) DO UPDATE SET pack = excluded.pack, pack_offset = excluded.pack_offset \
         WHERE (excluded.pack, excluded.pack_offset) > (pack_watermark.pack, pack_watermark.pack_offset)";
    let values = vec![
        stores::name(watermark.store).into(),
        signed(watermark.pack)?.into(),
        signed(watermark.offset)?.into(),
    ];
    Ok(Statement::new(upsert, values))
}
