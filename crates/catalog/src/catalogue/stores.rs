//! From which stores of packs a catalogue is filled. A place in packs means something in its store only, so every row names
//! the store by a number, and the number stands for the random name that is in the packs.

use crate::{CatalogError, Database, Statement};
use yingdun_model::StoreNumber;

/// How often it is looked again when others entered their stores at the same moment.
const ENTER_TRIES: usize = 100;

/// Whether a catalogue is filled from this store already, or from none yet: then from this one now. A store that nobody has entered
/// may be the folders of disks that are not mounted.
///
/// # Errors
/// As [`Database::execute`].
pub async fn is_known(database: &Database, id: &[u8; 16]) -> Result<bool, CatalogError> {
    let count = "SELECT count(*) FROM pack_store";
    let rows = database.query(Statement::new(count, vec![])).await?;
    if rows.first().map(|row| row.get_i64(0)).transpose()? == Some(0) {
        database.execute(vec![insert(StoreNumber::FIRST, id, " ON CONFLICT DO NOTHING")]).await?;
    }
    Ok(find(database, id).await?.is_some())
}

/// The number of a store in this catalogue. One that comes for the first time takes the next.
///
/// # Errors
/// As [`Database::execute`]; [`CatalogError::Busy`] when others were faster each time.
pub async fn enter(database: &Database, id: &[u8; 16]) -> Result<StoreNumber, CatalogError> {
    for _ in 0..ENTER_TRIES {
        if let Some(number) = find(database, id).await? {
            return Ok(number);
        }
        let highest = "SELECT COALESCE(max(number), 0) FROM pack_store";
        let rows = database.query(Statement::new(highest, vec![])).await?;
        let highest: u32 = rows.first().map(|row| row.get_number(0)).transpose()?.unwrap_or(0);
        let next = number(highest.saturating_add(1))?;
        match database.execute(vec![insert(next, id, "")]).await {
            // Also when the answer is lost: it is found above then.
            Ok(_) | Err(CatalogError::Constraint(_) | CatalogError::Unconfirmed(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(CatalogError::Busy("many stores come to the catalogue at once".to_owned()))
}

/// Whether a catalogue is filled from several stores.
///
/// # Errors
/// As [`Database::query`].
pub async fn several(database: &Database) -> Result<bool, CatalogError> {
    let rows = database.query(Statement::new("SELECT count(*) FROM pack_store", vec![])).await?;
    Ok(rows.first().map(|row| row.get_i64(0)).transpose()?.is_some_and(|stores| stores > 1))
}

/// The number of a store in this catalogue; none for one that was never entered.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(database: &Database, id: &[u8; 16]) -> Result<Option<StoreNumber>, CatalogError> {
    let select = "SELECT number FROM pack_store WHERE id = $1";
    let rows = database.query(Statement::new(select, vec![id.into()])).await?;
    rows.first().map(|row| number(row.get_number(0)?)).transpose()
}

fn insert(store: StoreNumber, id: &[u8; 16], on_conflict: &'static str) -> Statement {
    let mut sql = crate::StatementBuilder::new();
    sql.push("INSERT INTO pack_store (store, id, number) VALUES (").bind(name(store)).push(", ").bind(id);
    sql.push(", ").bind(store.get()).push(")").push(on_conflict);
    sql.finish()
}

fn number(number: u32) -> Result<StoreNumber, CatalogError> {
    StoreNumber::new(number)
        .ok_or_else(|| CatalogError::Corrupt("the number of a store is from 1, 0 came".to_owned()))
}

/// The name of a store as a key of tables: that of the first is older than the numbers.
pub(super) fn name(store: StoreNumber) -> String {
    match store {
        StoreNumber::FIRST => "packs".to_owned(),
        other => format!("packs-{other}"),
    }
}
