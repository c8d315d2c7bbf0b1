//! Devices: AE title, certificate, addresses and called AE title in one record.

use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{ActorId, AeTitle, InstitutionId, Timestamp};

/// A device as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The AE title that the device calls itself.
    pub ae_title: AeTitle,
    /// The AE title by which it must call us.
    pub called_ae: AeTitle,
    /// Where it belongs.
    pub institution: InstitutionId,
    /// SHA-256 of its certificate in DER; none for a device that can speak plain DICOM only.
    pub certificate_sha256: Option<[u8; 32]>,
    /// Its addresses, in the text form of the room above.
    pub addresses: String,
    /// Whether it may connect without TLS.
    pub plain_allowed: bool,
    /// Whether it is disabled.
    pub disabled: bool,
    /// What was granted, words divided by blanks. Written by [`set_scopes`] alone; a new device may `store`.
    pub scopes: String,
    /// Where it takes images, in the text form of the room above.
    pub destination: Option<String>,
    /// How it differs from other devices, in the text form of the room above.
    pub habits: String,
}

const COLUMNS_WHERE_AE: Sql = Sql::new(
    "SELECT ae_title, called_ae, institution, certificate_sha256, addresses, plain_allowed, disabled, \
     scopes, destination, habits FROM device WHERE ae_title = $1 ORDER BY called_ae",
);
const LIST: Sql = Sql::new(
    "SELECT ae_title, called_ae, institution, certificate_sha256, addresses, plain_allowed, disabled, \
     scopes, destination, habits FROM device WHERE institution = $1 ORDER BY ae_title, called_ae",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO device (ae_title, called_ae, institution, certificate_sha256, addresses, plain_allowed, disabled, \
     destination, habits, created_ms, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);
const UPDATE: Sql = Sql::new(
    "UPDATE device SET certificate_sha256 = $1, addresses = $2, plain_allowed = $3, disabled = $4, destination = $5, \
       habits = $6, scopes = CASE \
         WHEN certificate_sha256 IS NOT DISTINCT FROM $7 AND addresses = $8 AND plain_allowed = $9 THEN scopes \
         WHEN scopes LIKE '%store%' THEN 'store' ELSE '' END \
     WHERE ae_title = $10 AND called_ae = $11 AND institution = $12",
);
const SET_SCOPES: Sql =
    Sql::new("UPDATE device SET scopes = $1 WHERE ae_title = $2 AND called_ae = $3 AND institution = $4");

/// Every record of a calling AE title, one per called AE title.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_ae_title(database: &Database, ae_title: &AeTitle) -> Result<Vec<Device>, CatalogError> {
    let statement = Statement::new(COLUMNS_WHERE_AE, vec![ae_title.as_str().into()]);
    database.look_up(statement).await?.iter().map(read).collect()
}

/// Every device of an institution, in the order of the AE titles.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(database: &Database, institution: &InstitutionId) -> Result<Vec<Device>, CatalogError> {
    database.query(Statement::new(LIST, vec![institution.into()])).await?.iter().map(read).collect()
}

/// Adds a device. A taken pair of AE titles is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(device: &Device, now: Timestamp, by: &ActorId) -> Statement {
    Statement::new(
        INSERT,
        vec![
            device.ae_title.as_str().into(),
            device.called_ae.as_str().into(),
            (&device.institution).into(),
            device.certificate_sha256.into(),
            device.addresses.as_str().into(),
            device.plain_allowed.into(),
            device.disabled.into(),
            device.destination.as_deref().into(),
            device.habits.as_str().into(),
            now.into(),
            by.into(),
        ],
    )
    .expecting(1)
}

/// Changes what binds a device. Its AE titles and institution are its identity and stay. What was granted to the
/// holder of one certificate at some addresses was not granted to another: a device that is bound anew keeps `store`
/// and loses every other scope.
#[must_use]
pub fn update(device: &Device) -> Statement {
    Statement::new(
        UPDATE,
        vec![
            device.certificate_sha256.into(),
            device.addresses.as_str().into(),
            device.plain_allowed.into(),
            device.disabled.into(),
            device.destination.as_deref().into(),
            device.habits.as_str().into(),
            device.certificate_sha256.into(),
            device.addresses.as_str().into(),
            device.plain_allowed.into(),
            device.ae_title.as_str().into(),
            device.called_ae.as_str().into(),
            (&device.institution).into(),
        ],
    )
    .expecting(1)
}

/// Replaces what is granted to a device.
#[must_use]
pub fn set_scopes(
    institution: &InstitutionId,
    ae_title: &AeTitle,
    called_ae: &AeTitle,
    scopes: &str,
) -> Statement {
    let values = vec![scopes.into(), ae_title.as_str().into(), called_ae.as_str().into(), institution.into()];
    Statement::new(SET_SCOPES, values).expecting(1)
}

fn read(row: &Row) -> Result<Device, CatalogError> {
    Ok(Device {
        ae_title: row.get_checked(0)?,
        called_ae: row.get_checked(1)?,
        institution: row.get_checked(2)?,
        certificate_sha256: row.opt_bytes(3)?.map(|_| row.get_array(3)).transpose()?,
        addresses: row.get_text(4)?.to_owned(),
        plain_allowed: row.get_bool(5)?,
        disabled: row.get_bool(6)?,
        scopes: row.get_text(7)?.to_owned(),
        destination: row.opt_text(8)?.map(str::to_owned),
        habits: row.get_text(9)?.to_owned(),
    })
}
