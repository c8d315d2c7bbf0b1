//! Service clients: programs that sign in with a secret, and programs through which people sign in.

use super::people::actor;
use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// A service client as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client identifier, unique over all institutions.
    pub client_id: ActorId,
    /// Where it belongs.
    pub institution: InstitutionId,
    /// SHA-256 of its secret; none for a public client (RFC 6749 §2.1).
    pub secret_hash: Option<[u8; 32]>,
    /// Where authorization codes may be sent, one URI per line.
    pub redirect_uris: String,
    /// What was granted, words divided by blanks.
    pub scopes: String,
    /// Whether it is disabled.
    pub disabled: bool,
    /// What it has to show beside its token, words divided by blanks.
    pub demands: String,
}

const FIND: Sql = Sql::new(
    "SELECT client_id, institution, secret_hash, redirect_uris, scopes, disabled, demands \
     FROM service_client WHERE client_id = $1",
);
const LIST: Sql = Sql::new(
    "SELECT client_id, institution, secret_hash, redirect_uris, scopes, disabled, demands \
     FROM service_client WHERE institution = $1 ORDER BY client_id",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO service_client (client_id, institution, secret_hash, redirect_uris, scopes, disabled, created_ms, \
     created_by, demands) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
const SET_DEMANDS: Sql =
    Sql::new("UPDATE service_client SET demands = $1 WHERE institution = $2 AND client_id = $3");
const CONFIRM: Sql = Sql::new(
    "UPDATE service_client SET demands = demands WHERE client_id = $1 AND demands = $2 AND disabled = $3",
);
const CONFIRM_DEMANDS: Sql =
    Sql::new("UPDATE service_client SET demands = demands WHERE client_id = $1 AND demands = $2");
const SET_SCOPES: Sql =
    Sql::new("UPDATE service_client SET scopes = $1 WHERE institution = $2 AND client_id = $3");
const SET_DISABLED: Sql =
    Sql::new("UPDATE service_client SET disabled = $1 WHERE institution = $2 AND client_id = $3");

/// One client.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(database: &Database, client_id: &ActorId) -> Result<Option<Client>, CatalogError> {
    let rows = database.look_up(Statement::new(FIND, vec![client_id.into()])).await?;
    rows.first().map(read).transpose()
}

/// Every client of an institution, in the order of their identifiers.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(database: &Database, institution: &InstitutionId) -> Result<Vec<Client>, CatalogError> {
    database.query(Statement::new(LIST, vec![institution.into()])).await?.iter().map(read).collect()
}

/// Adds a client. A taken identifier is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(client: &Client, now: Timestamp, by: &ActorId) -> Statement {
    Statement::new(
        INSERT,
        vec![
            (&client.client_id).into(),
            (&client.institution).into(),
            client.secret_hash.into(),
            client.redirect_uris.as_str().into(),
            client.scopes.as_str().into(),
            client.disabled.into(),
            now.into(),
            by.into(),
            client.demands.as_str().into(),
        ],
    )
    .expecting(1)
}

/// Replaces what is granted to a client.
#[must_use]
pub fn set_scopes(institution: &InstitutionId, client_id: &ActorId, scopes: &str) -> Statement {
    Statement::new(SET_SCOPES, vec![scopes.into(), institution.into(), client_id.into()]).expecting(1)
}

/// Replaces what a client has to show beside its token.
#[must_use]
pub fn set_demands(institution: &InstitutionId, client_id: &ActorId, demands: &str) -> Statement {
    Statement::new(SET_DEMANDS, vec![demands.into(), institution.into(), client_id.into()]).expecting(1)
}

/// Changes nothing. The transaction fails with [`CatalogError::UnexpectedRows`] when the client was disabled, or other things are demanded of
/// it than were known.
#[must_use]
pub fn confirm(client: &Client) -> Statement {
    let known = vec![(&client.client_id).into(), client.demands.as_str().into(), false.into()];
    Statement::new(CONFIRM, known).expecting(1)
}

/// Changes nothing. The transaction fails with [`CatalogError::UnexpectedRows`] when other things are demanded of a client than were known.
#[must_use]
pub fn confirm_demands(client: &Client) -> Statement {
    let known = vec![(&client.client_id).into(), client.demands.as_str().into()];
    Statement::new(CONFIRM_DEMANDS, known).expecting(1)
}

/// Disables or enables a client.
#[must_use]
pub fn set_disabled(institution: &InstitutionId, client_id: &ActorId, disabled: bool) -> Statement {
    Statement::new(SET_DISABLED, vec![disabled.into(), institution.into(), client_id.into()]).expecting(1)
}

fn read(row: &Row) -> Result<Client, CatalogError> {
    Ok(Client {
        client_id: actor(row, 0)?,
        institution: row.get_checked(1)?,
        secret_hash: row.opt_bytes(2)?.map(|_| row.get_array(2)).transpose()?,
        redirect_uris: row.get_text(3)?.to_owned(),
        scopes: row.get_text(4)?.to_owned(),
        disabled: row.get_bool(5)?,
        demands: row.get_text(6)?.to_owned(),
    })
}
