//! Which epochs the file of each node holds. The nodes are those that have an audit log here, by the name of that log: it is given once,
//! stands for one folder on one machine, and is known before anything is opened. One that has never said what its file holds is in the list
//! too, because nobody knows what it keeps.

use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{InstitutionId, Timestamp};

/// A node, and what it has said of its epoch file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochNode {
    /// Whose node it is.
    pub institution: InstitutionId,
    /// The name of its audit log.
    pub name: String,
    /// What its file holds; none for a node that has never said so.
    pub told: Option<ToldEpochs>,
    /// The random name of its store of packs, once it was opened.
    pub store: Option<[u8; 16]>,
    /// When an officer said that it is gone for good, and its disk destroyed.
    pub gone: Option<Timestamp>,
}

/// What the epoch file of a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldEpochs {
    /// The oldest epoch.
    pub oldest: u64,
    /// The newest one.
    pub newest: u64,
    /// The wrapped key by which the newest is recognised, also when it is over.
    pub proof: Vec<u8>,
}

impl EpochNode {
    /// Whether the node may still keep the key of an epoch before this one.
    #[must_use]
    pub fn keeps_before(&self, epoch: u64) -> bool {
        self.gone.is_none() && self.told.as_ref().is_none_or(|told| told.oldest < epoch)
    }
}

const ALL: Sql = Sql::new(
    "SELECT institution, origin FROM audit_log UNION SELECT institution, node FROM key_epoch_node ORDER BY 1, 2",
);
const TOLD: Sql =
    Sql::new("SELECT institution, node, oldest, newest, proof, store, gone_ms FROM key_epoch_node");
const ONE: Sql = Sql::new(
    "SELECT institution, node, oldest, newest, proof, store, gone_ms FROM key_epoch_node \
     WHERE institution = $1 AND node = $2",
);
const TELL: Sql = Sql::new(
    "INSERT INTO key_epoch_node (institution, node, oldest, newest, proof) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (institution, node) DO UPDATE SET oldest = excluded.oldest, newest = excluded.newest, \
     proof = excluded.proof",
);
const COME_BACK: Sql =
    Sql::new("UPDATE key_epoch_node SET gone_ms = NULL WHERE institution = $1 AND node = $2");
const TELL_STORE: Sql = Sql::new("UPDATE key_epoch_node SET store = $1 WHERE institution = $2 AND node = $3");
const FORGET: Sql = Sql::new(
    "INSERT INTO key_epoch_node (institution, node, gone_ms) VALUES ($1, $2, $3) \
     ON CONFLICT (institution, node) DO UPDATE SET gone_ms = excluded.gone_ms",
);

/// Every node, those that are gone included, by their names.
///
/// # Errors
/// As [`Database::query`].
pub async fn all(database: &Database) -> Result<Vec<EpochNode>, CatalogError> {
    let names = database.query(Statement::new(ALL, Vec::new())).await?;
    let told = database.query(Statement::new(TOLD, Vec::new())).await?;
    let told: Vec<EpochNode> = told.iter().map(node).collect::<Result<_, _>>()?;
    names
        .iter()
        .map(|row| {
            let (institution, name) = (row.get_checked(0)?, row.get_text(1)?.to_owned());
            let found = told.iter().find(|node| node.institution == institution && node.name == name);
            Ok(found.cloned().unwrap_or(EpochNode { institution, name, told: None, store: None, gone: None }))
        })
        .collect()
}

/// What a node has said.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    name: &str,
) -> Result<Option<EpochNode>, CatalogError> {
    let rows = database.query(Statement::new(ONE, vec![institution.into(), name.into()])).await?;
    rows.first().map(node).transpose()
}

/// Says what the epoch file of a node holds. One that was said to be gone stays so until it is started: [`come_back`].
#[must_use]
pub fn tell(institution: &InstitutionId, name: &str, told: &ToldEpochs) -> Statement {
    let ToldEpochs { oldest, newest, proof } = told;
    let epochs = [super::number(*oldest), super::number(*newest)];
    let mut values = vec![institution.into(), name.into()];
    values.extend(epochs);
    values.push(proof.as_slice().into());
    Statement::new(TELL, values).expecting(1)
}

/// Says that a node that has told what its file holds is there, also when it was said to be gone.
#[must_use]
pub fn come_back(institution: &InstitutionId, name: &str) -> Statement {
    Statement::new(COME_BACK, vec![institution.into(), name.into()]).expecting(1)
}

/// Says which store of packs a node has that has said what its file holds.
#[must_use]
pub fn tell_store(institution: &InstitutionId, name: &str, store: &[u8; 16]) -> Statement {
    Statement::new(TELL_STORE, vec![store.into(), institution.into(), name.into()])
}

/// Says that a node is gone for good.
#[must_use]
pub fn forget(institution: &InstitutionId, name: &str, now: Timestamp) -> Statement {
    Statement::new(FORGET, vec![institution.into(), name.into(), now.into()]).expecting(1)
}

fn node(row: &Row) -> Result<EpochNode, CatalogError> {
    // All three are there or none.
    let told = row
        .opt_bytes(4)?
        .map(|proof| {
            let proof = proof.to_vec();
            Ok::<_, CatalogError>(ToldEpochs {
                oldest: row.get_number(2)?,
                newest: row.get_number(3)?,
                proof,
            })
        })
        .transpose()?;
    let store = row.opt_bytes(5)?.map(<[u8; 16]>::try_from).transpose();
    let unfit = |_| CatalogError::Corrupt("the name of a store has 16 bytes, others came".to_owned());
    Ok(EpochNode {
        institution: row.get_checked(0)?,
        name: row.get_text(1)?.to_owned(),
        told,
        store: store.map_err(unfit)?,
        gone: row.opt_i64(6)?.map(Timestamp::from_ms),
    })
}
