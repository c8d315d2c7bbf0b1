//! Devices that called in vain, until somebody registers or dismisses them.

use super::people::actor;
use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{ActorId, AeTitle, InstitutionId, Timestamp};

/// What names a row: a digest over what was seen of the caller.
pub type AttemptId = [u8; 16];

/// Rows that are read at most. The room above keeps far fewer; nodes that write at the same moment may pass its bound by a little.
const LIST_MAX: i64 = 4096;

/// A certificate as it was shown. Its names are texts of whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRow {
    /// SHA-256 over all of it (DER).
    pub sha256: [u8; 32],
    /// Whose it says that it is.
    pub subject: String,
    /// Who it says made it.
    pub issuer: String,
    /// From when on it is no longer good.
    pub valid_until: Timestamp,
    /// Whether TLS verified it: an authority of ours made it, and the caller holds its key.
    pub is_trusted: bool,
}

/// Who called in vain, how often, and what was last the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// What names it.
    pub attempt: AttemptId,
    /// The title that it calls itself; none where it did not come to an association.
    pub calling: Option<AeTitle>,
    /// The title that it called.
    pub called: Option<AeTitle>,
    /// From where, in the text form of addresses.
    pub address: String,
    /// Whether it called the door over TLS.
    pub tls: bool,
    /// Why it was turned away the last time, a word of the room above.
    pub cause: String,
    /// What it showed.
    pub certificate: Option<CertificateRow>,
    /// When it called first.
    pub first: Timestamp,
    /// When it called last.
    pub last: Timestamp,
    /// How often.
    pub attempts: u64,
    /// Until when nobody wants to see it.
    pub dismissed_until: Option<Timestamp>,
    /// Who said so.
    pub dismissed_by: Option<ActorId>,
}

const LIST: Sql = Sql::new(
    "SELECT attempt, calling_ae, called_ae, address, tls, cause, certificate_sha256, certificate_subject, certificate_issuer, \
       certificate_until_ms, certificate_trusted, first_ms, last_ms, attempts, dismissed_until_ms, dismissed_by \
     FROM waiting_device WHERE institution = $1 ORDER BY last_ms DESC, attempt LIMIT $2",
);
const FIND: Sql = Sql::new(
    "SELECT attempt, calling_ae, called_ae, address, tls, cause, certificate_sha256, certificate_subject, certificate_issuer, \
       certificate_until_ms, certificate_trusted, first_ms, last_ms, attempts, dismissed_until_ms, dismissed_by \
     FROM waiting_device WHERE institution = $1 AND attempt = $2",
);
/// What other nodes counted meanwhile is counted, too.
const NOTE: Sql = Sql::new(
    "INSERT INTO waiting_device (institution, attempt, calling_ae, called_ae, address, tls, cause, certificate_sha256, \
       certificate_subject, certificate_issuer, certificate_until_ms, certificate_trusted, first_ms, last_ms, attempts) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
     ON CONFLICT (institution, attempt) DO UPDATE SET cause = excluded.cause, last_ms = excluded.last_ms, \
       certificate_trusted = excluded.certificate_trusted, attempts = waiting_device.attempts + excluded.attempts",
);
const DISMISS: Sql = Sql::new(
    "UPDATE waiting_device SET dismissed_until_ms = $1, dismissed_by = $2 WHERE institution = $3 AND attempt = $4",
);
const FORGET: Sql = Sql::new("DELETE FROM waiting_device WHERE institution = $1 AND attempt = $2");

/// Every row of an institution, who called last first.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(database: &Database, institution: &InstitutionId) -> Result<Vec<WaitingRow>, CatalogError> {
    let statement = Statement::new(LIST, vec![institution.into(), LIST_MAX.into()]);
    database.query(statement).await?.iter().map(read).collect()
}

/// One of them.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    attempt: AttemptId,
) -> Result<Option<WaitingRow>, CatalogError> {
    let statement = Statement::new(FIND, vec![institution.into(), attempt.into()]);
    database.query(statement).await?.first().map(read).transpose()
}

/// Adds attempts to a row, and the row where there is none. `row.attempts` are those that are not counted yet. Whether it is dismissed stays.
#[must_use]
pub fn note(institution: &InstitutionId, row: &WaitingRow) -> Statement {
    let certificate = row.certificate.as_ref();
    Statement::new(
        NOTE,
        vec![
            institution.into(),
            row.attempt.into(),
            row.calling.as_ref().map(AeTitle::as_str).into(),
            row.called.as_ref().map(AeTitle::as_str).into(),
            row.address.as_str().into(),
            row.tls.into(),
            row.cause.as_str().into(),
            certificate.map(|of| of.sha256).into(),
            certificate.map(|of| of.subject.as_str()).into(),
            certificate.map(|of| of.issuer.as_str()).into(),
            certificate.map(|of| of.valid_until).into(),
            certificate.is_some_and(|of| of.is_trusted).into(),
            row.first.into(),
            row.last.into(),
            i64::try_from(row.attempts).unwrap_or(i64::MAX).into(),
        ],
    )
}

/// Dismisses a row until a moment, or brings it back.
#[must_use]
pub fn dismiss(
    institution: &InstitutionId,
    attempt: AttemptId,
    dismissed: Option<(Timestamp, &ActorId)>,
) -> Statement {
    let (until, by) = dismissed.unzip();
    Statement::new(DISMISS, vec![until.into(), by.into(), institution.into(), attempt.into()]).expecting(1)
}

/// Takes a row out of the list.
#[must_use]
pub fn forget(institution: &InstitutionId, attempt: AttemptId) -> Statement {
    Statement::new(FORGET, vec![institution.into(), attempt.into()])
}

fn read(row: &Row) -> Result<WaitingRow, CatalogError> {
    let title = |column| row.opt_text(column)?.map(|_| row.get_checked(column)).transpose();
    let certificate = match row.opt_bytes(6)? {
        Some(_) => Some(CertificateRow {
            sha256: row.get_array(6)?,
            subject: row.opt_text(7)?.unwrap_or_default().to_owned(),
            issuer: row.opt_text(8)?.unwrap_or_default().to_owned(),
            valid_until: row.get_timestamp(9)?,
            is_trusted: row.get_bool(10)?,
        }),
        None => None,
    };
    Ok(WaitingRow {
        attempt: row.get_array(0)?,
        calling: title(1)?,
        called: title(2)?,
        address: row.get_text(3)?.to_owned(),
        tls: row.get_bool(4)?,
        cause: row.get_text(5)?.to_owned(),
        certificate,
        first: row.get_timestamp(11)?,
        last: row.get_timestamp(12)?,
        attempts: row.get_number(13)?,
        dismissed_until: row.opt_i64(14)?.map(Timestamp::from_ms),
        dismissed_by: row.opt_text(15)?.map(|_| actor(row, 15)).transpose()?,
    })
}
