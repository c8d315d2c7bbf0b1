//! What subscribers are told of changes to workitems (PS3.4 §CC.2.4): reports that every node reads.
//!
//! ```text
//!  change ─► turn: the roster of the institution is locked ─► row ─► reports, numbered for each subscriber ─► commit, bell
//!                                                                        │
//!  channel of a subscriber, at whatever node ◄── those behind its number ┘
//! ```
//!
//! Reports are written in the transaction that makes the change, so there is none without the other. It takes the *turn* of its
//! institution first, a row that stays locked until it ends; so numbers are visible in their order, without a gap: who has
//! read up to one has missed nothing below it, and a number that is missing was cleaned away. The turn counts the changes of
//! subscriptions, and whoever prepared something from the subscribers as they were goes on only when they still are the same.
//!
//! What a report says is sealed by the room above.

use crate::{CatalogError, Database, Row, Statement, StatementBuilder, Value};
use yingdun_model::{AeTitle, InstitutionId, Timestamp, WorkitemRef};

/// Reports that are kept for one subscriber: a busy hour of a large hospital, a megabyte at most. The oldest make room.
pub const REPORTS_MAX: u32 = 1_000;

/// How often subscriptions of an institution have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roster(i64);

/// Whom reports are for.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// Whoever is subscribed to a workitem when the transaction comes to it.
    SubscribersOf(WorkitemRef),
    /// One subscriber.
    Title(&'a AeTitle),
}

/// What waits for a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The number of the channel that is open; 0 for none.
    pub channel: i64,
    /// The number of the last report.
    pub last: u64,
    /// The next reports, sealed, each with its number.
    pub reports: Vec<(u64, Vec<u8>)>,
}

/// The subscriptions of an institution as they are now.
///
/// # Errors
/// As [`Database::query`].
pub async fn roster(database: &Database, institution: &InstitutionId) -> Result<Roster, CatalogError> {
    let select = "SELECT revision FROM ups_roster WHERE institution = $1";
    let rows = database.look_up(Statement::new(select, vec![institution.into()])).await?;
    rows.first().map_or(Ok(Roster(0)), |row| row.get_i64(0).map(Roster))
}

/// Takes the turn of an institution: the first statement of a transaction that tells subscribers.
#[must_use]
pub fn turn(institution: &InstitutionId) -> Statement {
    let lock = "INSERT INTO ups_roster (institution, revision) VALUES ($1, 0) \
         ON CONFLICT (institution) DO UPDATE SET revision = ups_roster.revision";
    Statement::new(lock, vec![institution.into()])
}

/// Takes the turn of an institution for what was prepared from a roster. It fails with [`CatalogError::UnexpectedRows`], as
/// statement 0, when that has changed.
#[must_use]
pub fn turn_at(institution: &InstitutionId, roster: Roster) -> Statement {
    let lock = "INSERT INTO ups_roster (institution, revision) VALUES ($1, 0) \
         ON CONFLICT (institution) DO UPDATE SET revision = ups_roster.revision WHERE ups_roster.revision = $2";
    Statement::new(lock, vec![institution.into(), Value::Int(roster.0)]).expecting(1)
}

/// As [`turn_at`], for a transaction that changes the roster.
#[must_use]
pub fn turn_changing(institution: &InstitutionId, roster: Roster) -> Statement {
    let lock = "INSERT INTO ups_roster (institution, revision) VALUES ($1, 1) \
         ON CONFLICT (institution) DO UPDATE SET revision = ups_roster.revision + 1 WHERE ups_roster.revision = $2";
    Statement::new(lock, vec![institution.into(), Value::Int(roster.0)]).expecting(1)
}

/// Takes the turns of all institutions for a transaction that changes their rosters.
#[must_use]
pub fn turns_changing_all() -> Statement {
    Statement::new("UPDATE ups_roster SET revision = revision + 1", Vec::new())
}

/// The changes that tell an audience of an institution, behind the turn of which they stand. What is more than
/// [`REPORTS_MAX`] for one subscriber goes.
#[must_use]
pub fn tell(
    institution: &InstitutionId,
    audience: Audience<'_>,
    reports: Vec<Vec<u8>>,
    now: Timestamp,
) -> Vec<Statement> {
    let count = reports.len();
    if count == 0 {
        return Vec::new();
    }
    let number = |from_end: usize| Value::Int(i64::try_from(from_end).unwrap_or(i64::MAX));
    let mut advance = StatementBuilder::new();
    advance.push("UPDATE ups_subscriber SET reports = reports + ").bind(number(count));
    push_audience(advance.push(" WHERE "), "institution", "ae_title", institution, audience);
    let mut statements = vec![advance.finish()];
    for (position, sealed) in reports.into_iter().enumerate() {
        let from_end = count - 1 - position;
        let mut insert = StatementBuilder::new();
        insert.push("INSERT INTO ups_report (institution, ae_title, number, told_ms, sealed) ");
        insert.push("SELECT u.institution, u.ae_title, u.reports - ").bind(number(from_end));
        insert.push(", CAST(").bind(now).push(" AS BIGINT), ").bind(sealed);
        insert.push(" FROM ups_subscriber u WHERE ");
        push_audience(&mut insert, "u.institution", "u.ae_title", institution, audience);
        statements.push(insert.finish());
        // Numbers have no gap: for each that comes, one falls out.
        let mut trim = StatementBuilder::new();
        trim.push("DELETE FROM ups_report WHERE institution = ").bind(institution);
        trim.push(" AND (ae_title, number) IN (SELECT u.ae_title, u.reports - ");
        trim.bind(number(from_end + REPORTS_MAX as usize)).push(" FROM ups_subscriber u WHERE ");
        push_audience(&mut trim, "u.institution", "u.ae_title", institution, audience);
        trim.push(")");
        statements.push(trim.finish());
    }
    statements
}

/// The change that makes a channel the one of a title. It fails with [`CatalogError::UnexpectedRows`] when the title is not this
/// owner's.
#[must_use]
pub fn open(institution: &InstitutionId, title: &AeTitle, owner: &str, channel: i64) -> Statement {
    let update =
        "UPDATE ups_subscriber SET channel = $4 WHERE institution = $1 AND ae_title = $2 AND owner = $3";
    let values = vec![institution.into(), title.as_str().into(), owner.into(), Value::Int(channel)];
    Statement::new(update, values).expecting(1)
}

/// What waits for a subscriber behind a number, in one look; nothing where there is no such subscriber.
///
/// # Errors
/// As [`Database::query`].
pub async fn after(
    database: &Database,
    institution: &InstitutionId,
    title: &AeTitle,
    number: u64,
    limit: u32,
) -> Result<Option<Waiting>, CatalogError> {
    let rows = database.look_up(select(institution, title, number, limit)).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let report = |row: &Row| match row.opt_number(2)? {
        Some(number) => Ok(Some((number, row.get_bytes(3)?.to_vec()))),
        // A subscriber without reports.
        None => Ok(None),
    };
    Ok(Some(Waiting {
        channel: first.get_i64(0)?,
        last: first.get_number(1)?,
        reports: rows
            .iter()
            .filter_map(|row| report(row).transpose())
            .collect::<Result<_, CatalogError>>()?,
    }))
}

/// The change that forgets what was told before a moment.
#[must_use]
pub fn forget(before: Timestamp) -> Statement {
    Statement::new("DELETE FROM ups_report WHERE told_ms < $1", vec![before.into()])
}

// === statements ===

/// The statement behind [`after`].
pub(super) fn select(institution: &InstitutionId, title: &AeTitle, number: u64, limit: u32) -> Statement {
    let mut select = StatementBuilder::new();
    select.push(
        "SELECT u.channel, u.reports, r.number, r.sealed FROM ups_subscriber u LEFT JOIN ups_report r ",
    );
    select.push("ON r.institution = u.institution AND r.ae_title = u.ae_title AND r.number > ");
    select.bind(i64::try_from(number).unwrap_or(i64::MAX)).push(" WHERE u.institution = ").bind(institution);
    select.push(" AND u.ae_title = ").bind(title.as_str()).push(" ORDER BY r.number LIMIT ").bind(limit);
    select.finish()
}

fn push_audience(
    sql: &mut StatementBuilder,
    institution_column: &'static str,
    title_column: &'static str,
    institution: &InstitutionId,
    audience: Audience<'_>,
) {
    sql.push(institution_column).push(" = ").bind(institution).push(" AND ").push(title_column);
    match audience {
        Audience::Title(title) => {
            sql.push(" = ").bind(title.as_str());
        }
        Audience::SubscribersOf(workitem) => {
            sql.push(" IN (SELECT s.ae_title FROM ups_subscription s WHERE s.workitem_ref = ");
            sql.bind(workitem).push(")");
        }
    }
}
