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

/// Puts a watermark at the beginning of a store that has none, or a damaged one, so that it is told from one that was taken away.
///
/// # Errors
/// As [`Database::execute`].
pub async fn begin(database: &Database, store: StoreNumber) -> Result<(), CatalogError> {
    let insert = "INSERT INTO pack_watermark (store, pack, pack_offset) VALUES ($1, 0, 0) \
         ON CONFLICT (store) DO UPDATE SET pack = 0, pack_offset = 0 \
         WHERE pack_watermark.pack < 0 OR pack_watermark.pack_offset < 0";
    database.execute(vec![Statement::new(insert, vec![stores::name(store).into()])]).await.map(drop)
}

/// Whether the catalogue is as far as a program has brought it. It is not when it was emptied meanwhile, or an older copy brought back.
///
/// # Errors
/// As [`Database::query`].
pub async fn reaches(database: &Database, known: &Watermark) -> Result<bool, CatalogError> {
    let there = watermark(database, known.store).await?;
    Ok(there.is_some_and(|there| (there.pack, there.offset) >= (known.pack, known.offset)))
}

/// The same as [`advance()`], for a program that knows how far the catalogue is: the transaction fails with
/// [`CatalogError::UnexpectedRows`] where it is not.
pub(super) fn go_on(to: &Watermark, known: &Watermark) -> Result<Statement, CatalogError> {
    let update = "UPDATE pack_watermark \
         SET pack = CASE WHEN (pack, pack_offset) < ($1, $2) THEN $3 ELSE pack END, \
         pack_offset = CASE WHEN (pack, pack_offset) < ($4, $5) THEN $6 ELSE pack_offset END \
         WHERE store = $7 AND (pack, pack_offset) >= ($8, $9)";
    let (pack, offset) = (signed(to.pack)?, signed(to.offset)?);
    let (from_pack, from_offset) = (signed(known.pack)?, signed(known.offset)?);
    let values = vec![
        pack.into(),
        offset.into(),
        pack.into(),
        pack.into(),
        offset.into(),
        offset.into(),
        stores::name(to.store).into(),
        from_pack.into(),
        from_offset.into(),
    ];
    Ok(Statement::new(update, values).expecting(1))
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
