//! How far devices that are told of studies (PS3.4 annex R) have been told: a number in the events of studies for each. It
//! survives [`wipe`](super::wipe), like the events.

use crate::{CatalogError, Database, Row, Statement, Value};
use yingdun_model::{AeTitle, InstitutionId, Timestamp};

/// A device, by the two titles of its record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToldDevice {
    /// Where it belongs.
    pub institution: InstitutionId,
    /// The title that it calls itself.
    pub ae_title: AeTitle,
    /// The title by which it knows us.
    pub called_ae: AeTitle,
}

/// How far one of them has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which device.
    pub device: ToldDevice,
    /// The last event that it was told of, or that is none of its business.
    pub sequence: u64,
    /// How often it could not be told of the next one.
    pub attempts: u32,
    /// When that is tried again.
    pub due: Timestamp,
}

/// All of them, in the order of their titles.
///
/// # Errors
/// As [`Database::query`].
pub async fn all(database: &Database, institution: &InstitutionId) -> Result<Vec<Told>, CatalogError> {
    let select = "SELECT institution, ae_title, called_ae, sequence, attempts, due_ms FROM availability_told \
         WHERE institution = $1 ORDER BY ae_title, called_ae";
    database.query(Statement::new(select, vec![institution.into()])).await?.iter().map(told_of).collect()
}

/// The highest number of an event of an institution; 0 without any.
///
/// # Errors
/// As [`Database::query`].
pub async fn newest(database: &Database, institution: &InstitutionId) -> Result<u64, CatalogError> {
    let select = "SELECT sequence FROM study_event WHERE institution = $1 ORDER BY sequence DESC LIMIT 1";
    let rows = database.query(Statement::new(select, vec![institution.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

/// The change from which on a device is told: of events behind this one. One that is told already goes on where it was.
#[must_use]
pub fn begin(device: &ToldDevice, sequence: u64, now: Timestamp) -> Statement {
    let insert = "INSERT INTO availability_told (institution, ae_title, called_ae, sequence, attempts, due_ms) \
         VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (institution, ae_title, called_ae) DO NOTHING";
    let mut values = key(device);
    values.extend([number(sequence), now.into()]);
    Statement::new(insert, values)
}

/// The change that a device was told of events up to one. It goes forward only.
#[must_use]
pub fn advance(device: &ToldDevice, sequence: u64) -> Statement {
    let update = "UPDATE availability_told SET sequence = $4, attempts = 0 \
         WHERE institution = $1 AND ae_title = $2 AND called_ae = $3 AND sequence < $4";
    let mut values = key(device);
    values.push(number(sequence));
    Statement::new(update, values)
}

/// The change that the next event is tried again at a moment, after so many attempts.
#[must_use]
pub fn put_off(device: &ToldDevice, attempts: u32, until: Timestamp) -> Statement {
    let update = "UPDATE availability_told SET attempts = $4, due_ms = $5 \
         WHERE institution = $1 AND ae_title = $2 AND called_ae = $3";
    let mut values = key(device);
    values.extend([attempts.into(), until.into()]);
    Statement::new(update, values)
}

/// The change by which a device is told nothing any more.
#[must_use]
pub fn end(device: &ToldDevice) -> Statement {
    let delete = "DELETE FROM availability_told WHERE institution = $1 AND ae_title = $2 AND called_ae = $3";
    Statement::new(delete, key(device))
}

// === helpers ===

fn key(device: &ToldDevice) -> Vec<Value> {
    vec![(&device.institution).into(), device.ae_title.as_str().into(), device.called_ae.as_str().into()]
}

fn number(sequence: u64) -> Value {
    i64::try_from(sequence).unwrap_or(i64::MAX).into()
}

fn told_of(row: &Row) -> Result<Told, CatalogError> {
    Ok(Told {
        device: ToldDevice {
            institution: row.get_checked(0)?,
            ae_title: row.get_checked(1)?,
            called_ae: row.get_checked(2)?,
        },
        sequence: row.get_number(3)?,
        attempts: u32::try_from(row.get_i64(4)?).unwrap_or(u32::MAX),
        due: row.get_timestamp(5)?,
    })
}
