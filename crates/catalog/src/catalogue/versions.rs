//! Who may give a version of an instance: several nodes receive the same instance at once, and each version is one record.
//!
//! A version is claimed before its record is stored, and the claim goes in the transaction that takes the record into the
//! catalogue. So whoever asks for a version finds either the claim or the instance. What was claimed and never stored stays
//! claimed until its node starts anew: its record may still be found in a pack.

use crate::sql::filled_up;
use crate::{CatalogError, Database, Statement, StatementBuilder};
use std::collections::BTreeSet;
use yingdun_model::{InstanceRef, StoreNumber};

/// A version of an instance.
pub type Version = (InstanceRef, u32);

/// Claims versions for a store, and gives those that it may store: those that nobody else has claimed, and that are higher
/// than all that the catalogue has of their instance. What the store has claimed before is its own.
///
/// # Errors
/// As [`Database::execute`]; what was claimed then is found when it is asked for again.
pub async fn claim(
    database: &Database,
    store: StoreNumber,
    versions: &BTreeSet<Version>,
) -> Result<BTreeSet<Version>, CatalogError> {
    if versions.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut insert = StatementBuilder::new();
    insert.push("INSERT INTO version_claim (instance_ref, version, store) VALUES ");
    // In the order of the key, so that two that meet do not wait for each other.
    for (position, (instance, version)) in
        filled_up(versions.iter().copied().collect()).into_iter().enumerate()
    {
        insert.push(if position > 0 { ", (" } else { "(" });
        insert.bind(instance).push(", ").bind(version).push(", ").bind(store.get()).push(")");
    }
    insert.push(" ON CONFLICT (instance_ref, version) DO NOTHING");
    let instances = || versions.iter().map(|(instance, _)| *instance);
    // A statement of its own: it sees what was committed while the one before waited for a claim that went.
    database.execute(vec![insert.finish(), settle(store, instances())]).await?;

    let mut select = StatementBuilder::new();
    select.push("SELECT instance_ref, version FROM version_claim WHERE store = ").bind(store.get());
    select.push(" AND instance_ref IN ").bind_list(instances());
    let rows = database.query(select.finish()).await?;
    let own: Result<BTreeSet<Version>, CatalogError> =
        rows.iter().map(|row| Ok((row.get_reference(0)?, row.get_number(1)?))).collect();
    Ok(own?.intersection(versions).copied().collect())
}

/// The change that gives up every claim of a store: all that it has stored is in the catalogue.
#[must_use]
pub fn give_up(store: StoreNumber) -> Statement {
    Statement::new("DELETE FROM version_claim WHERE store = $1", vec![store.get().into()])
}

/// The change that gives up what the catalogue has, or has a higher version than: nobody is given that any more.
pub(super) fn settle(store: StoreNumber, instances: impl Iterator<Item = InstanceRef>) -> Statement {
    let mut delete = StatementBuilder::new();
    delete.push("DELETE FROM version_claim WHERE store = ").bind(store.get());
    delete.push(" AND instance_ref IN ").bind_list(instances);
    delete.push(
        " AND EXISTS (SELECT 1 FROM instance WHERE instance.instance_ref = version_claim.instance_ref ",
    );
    delete.push("AND instance.version >= version_claim.version)");
    delete.finish()
}
