//! The nodes of an installation: each has a store of packs, and says where the others reach it and which certificate it shows
//! there. What stands here was said by whoever may write the catalogue, so it is never enough by itself: a certificate has to come from the
//! authority of the installation as well.

use crate::{CatalogError, Database, Row, Statement, Value};
use yingdun_model::StoreNumber;

/// Where a node is reached by the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDoor {
    /// `https://host:port`.
    pub address: String,
    /// SHA-256 over the DER form of the certificate that the node shows there, and when it asks others.
    pub certificate_sha256: [u8; 32],
}

/// A node that says something of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The number of its store.
    pub store: StoreNumber,
    /// The random name of its store, which is in its packs.
    pub id: [u8; 16],
    /// What it has said of itself.
    pub said: NodeNotice,
}

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeNotice {
    /// None for a node that others may not reach.
    pub door: Option<NodeDoor>,
    /// The origin of its audit log; none from programs that did not say so.
    pub log: Option<String>,
    /// The version of the program that it started last.
    pub program: Option<String>,
}

/// Says of the node with a store what it is and where it is reached, in place of what was said before.
///
/// # Errors
/// As [`Database::execute`].
pub async fn announce(
    database: &Database,
    store: StoreNumber,
    notice: &NodeNotice,
) -> Result<(), CatalogError> {
    let upsert = "INSERT INTO node (store, address, certificate_sha256, log, program) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (store) DO UPDATE SET address = excluded.address, certificate_sha256 = excluded.certificate_sha256, \
         log = excluded.log, program = excluded.program";
    let NodeNotice { door, log, program } = notice;
    let address: Value = door.as_ref().map(|door| door.address.as_str()).into();
    let certificate: Value = door.as_ref().map(|door| &door.certificate_sha256).into();
    let values =
        vec![store.get().into(), address, certificate, log.as_deref().into(), program.as_deref().into()];
    database.execute(vec![Statement::new(upsert, values)]).await.map(drop)
}

/// All nodes that have said something, by the numbers of their stores.
///
/// # Errors
/// As [`Database::query`].
pub async fn all(database: &Database) -> Result<Vec<Node>, CatalogError> {
    let select = "SELECT node.store, pack_store.id, node.address, node.certificate_sha256, node.log, node.program \
         FROM node JOIN pack_store ON pack_store.number = node.store ORDER BY node.store";
    database.query(Statement::new(select, vec![])).await?.iter().map(node_of).collect()
}

/// The number of every store from which the catalogue is filled, with its random name.
///
/// # Errors
/// As [`Database::query`].
pub async fn stores(database: &Database) -> Result<Vec<(StoreNumber, [u8; 16])>, CatalogError> {
    let rows = database.query(Statement::new("SELECT number, id FROM pack_store ORDER BY number", vec![]));
    rows.await?.iter().map(|row| Ok((number_of(row)?, row.get_array(1)?))).collect()
}

/// Takes back what the node with a store has said: it is gone, and its certificate that of nobody.
///
/// # Errors
/// As [`Database::execute`].
pub async fn withdraw(database: &Database, store: &[u8; 16]) -> Result<(), CatalogError> {
    let delete = "DELETE FROM node WHERE store IN (SELECT number FROM pack_store WHERE id = $1)";
    database.execute(vec![Statement::new(delete, vec![store.into()])]).await.map(drop)
}

fn number_of(row: &Row) -> Result<StoreNumber, CatalogError> {
    StoreNumber::new(row.get_number(0)?)
        .ok_or_else(|| CatalogError::Corrupt("the number of a store is from 1, 0 came".to_owned()))
}

fn node_of(row: &Row) -> Result<Node, CatalogError> {
    let store = number_of(row)?;
    let address = row.opt_text(2)?.map(str::to_owned);
    // Both are there or none.
    let door = address
        .map(|address| Ok::<_, CatalogError>(NodeDoor { address, certificate_sha256: row.get_array(3)? }))
        .transpose()?;
    let said = NodeNotice {
        door,
        log: row.opt_text(4)?.map(str::to_owned),
        program: row.opt_text(5)?.map(str::to_owned),
    };
    Ok(Node { store, id: row.get_array(1)?, said })
}
