//! Who is told of changes to workitems (PS3.4 §CC.2.3): subscribers by their AE title, and to which workitems.
//!
//! A global subscription is kept twice: as the scope of the subscriber, for workitems to come, and as one row for each
//! workitem that it covers, so that an event finds its subscribers by one key, and so that giving up the scope alone is
//! what the standard calls to suspend. A title belongs to whoever subscribed with it first, until nothing is
//! subscribed any more.

use crate::{CatalogError, Database, Row, Statement, StatementBuilder, Value};
use yingdun_model::{AeTitle, InstitutionId, WorkitemRef};

/// Which workitems to come a subscriber is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionScope {
    /// None.
    Specific,
    /// All.
    Global,
    /// Those that match its filter.
    Filtered,
}

impl SubscriptionScope {
    const ALL: [Self; 3] = [Self::Specific, Self::Global, Self::Filtered];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Specific => "specific",
            Self::Global => "global",
            Self::Filtered => "filtered",
        }
    }
}

impl std::str::FromStr for SubscriptionScope {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word).ok_or(())
    }
}

/// One subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Where.
    pub institution: InstitutionId,
    /// Its title.
    pub title: AeTitle,
    /// Whose title it is, in the words of the room above.
    pub owner: String,
    /// Of which workitems to come it is told.
    pub scope: SubscriptionScope,
    /// Whether these are locked against removal.
    pub deletion_lock: bool,
    /// The filter of its scope, sealed; empty where there is none.
    pub filter: Vec<u8>,
}

/// The change that keeps a subscriber with its scope. It fails with [`CatalogError::UnexpectedRows`] when the title is
/// another owner's.
#[must_use]
pub fn put(subscriber: &Subscriber) -> Statement {
    let upsert = "INSERT INTO ups_subscriber (institution, ae_title, owner, scope, deletion_lock, filter) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (institution, ae_title) DO UPDATE SET \
         scope = excluded.scope, deletion_lock = excluded.deletion_lock, filter = excluded.filter \
         WHERE ups_subscriber.owner = excluded.owner";
    let values = vec![
        (&subscriber.institution).into(),
        subscriber.title.as_str().into(),
        subscriber.owner.as_str().into(),
        subscriber.scope.as_str().into(),
        subscriber.deletion_lock.into(),
        subscriber.filter.as_slice().into(),
    ];
    Statement::new(upsert, values).expecting(1)
}

/// The change that subscribes a title to one workitem, whatever its scope.
#[must_use]
pub fn subscribe(
    institution: &InstitutionId,
    title: &AeTitle,
    workitem: WorkitemRef,
    deletion_lock: bool,
) -> Statement {
    let upsert = "INSERT INTO ups_subscription (institution, ae_title, workitem_ref, deletion_lock, specific) \
         VALUES ($1, $2, $3, $4, 1) ON CONFLICT (workitem_ref, ae_title) DO UPDATE SET \
         deletion_lock = excluded.deletion_lock, specific = 1";
    Statement::new(
        upsert,
        vec![institution.into(), title.as_str().into(), workitem.into(), deletion_lock.into()],
    )
}

/// The change that subscribes a title, through its scope, to every workitem that there is. What it said of one workitem
/// takes precedence (PS3.4 §CC.2.3).
#[must_use]
pub fn subscribe_to_all(institution: &InstitutionId, title: &AeTitle, deletion_lock: bool) -> Statement {
    let upsert = "INSERT INTO ups_subscription (institution, ae_title, workitem_ref, deletion_lock, specific) \
         SELECT w.institution, CAST($2 AS TEXT), w.workitem_ref, CAST($3 AS BIGINT), 0 FROM ups_workitem w \
         WHERE w.institution = $1 ON CONFLICT (workitem_ref, ae_title) DO UPDATE SET \
         deletion_lock = excluded.deletion_lock WHERE ups_subscription.specific = 0";
    Statement::new(upsert, vec![institution.into(), title.as_str().into(), deletion_lock.into()])
}

/// The change that subscribes a title, through its scope, to a workitem.
#[must_use]
pub fn subscribe_by_scope(
    institution: &InstitutionId,
    title: &AeTitle,
    workitem: WorkitemRef,
    deletion_lock: bool,
) -> Statement {
    let upsert = "INSERT INTO ups_subscription (institution, ae_title, workitem_ref, deletion_lock, specific) \
         VALUES ($1, $2, $3, $4, 0) ON CONFLICT (workitem_ref, ae_title) DO UPDATE SET \
         deletion_lock = excluded.deletion_lock WHERE ups_subscription.specific = 0";
    Statement::new(
        upsert,
        vec![institution.into(), title.as_str().into(), workitem.into(), deletion_lock.into()],
    )
}

/// The changes that end the subscription of a title to one workitem. They fail with
/// [`CatalogError::UnexpectedRows`] when there is none.
#[must_use]
pub fn unsubscribe(institution: &InstitutionId, title: &AeTitle, workitem: WorkitemRef) -> Vec<Statement> {
    let delete =
        "DELETE FROM ups_subscription WHERE institution = $1 AND ae_title = $2 AND workitem_ref = $3";
    let values = vec![institution.into(), title.as_str().into(), workitem.into()];
    std::iter::once(Statement::new(delete, values).expecting(1)).chain(release_unused()).collect()
}

/// The changes that end everything that a title is subscribed to, and release the title.
#[must_use]
pub fn unsubscribe_from_all(institution: &InstitutionId, title: &AeTitle) -> Vec<Statement> {
    let values = || -> Vec<Value> { vec![institution.into(), title.as_str().into()] };
    vec![
        Statement::new("DELETE FROM ups_subscription WHERE institution = $1 AND ae_title = $2", values()),
        Statement::new("DELETE FROM ups_report WHERE institution = $1 AND ae_title = $2", values()),
        Statement::new("DELETE FROM ups_subscriber WHERE institution = $1 AND ae_title = $2", values())
            .expecting(1),
    ]
}

/// The changes that end the scope of a title: it stays subscribed to the workitems that there are. They fail with
/// [`CatalogError::UnexpectedRows`] when it has none.
#[must_use]
pub fn suspend(institution: &InstitutionId, title: &AeTitle) -> Vec<Statement> {
    let update = "UPDATE ups_subscriber SET scope = 'specific', filter = $3 \
         WHERE institution = $1 AND ae_title = $2 AND scope <> 'specific'";
    let values = vec![institution.into(), title.as_str().into(), Vec::<u8>::new().into()];
    std::iter::once(Statement::new(update, values).expecting(1)).chain(release_unused()).collect()
}

/// The changes that release the titles with which nothing is subscribed, and remove what they were told.
#[must_use]
pub fn release_unused() -> [Statement; 2] {
    let subscribers = "DELETE FROM ups_subscriber WHERE scope = 'specific' AND NOT EXISTS \
         (SELECT 1 FROM ups_subscription s WHERE s.institution = ups_subscriber.institution \
         AND s.ae_title = ups_subscriber.ae_title)";
    let reports = "DELETE FROM ups_report WHERE NOT EXISTS (SELECT 1 FROM ups_subscriber u \
         WHERE u.institution = ups_report.institution AND u.ae_title = ups_report.ae_title)";
    [subscribers, reports].map(|delete| Statement::new(delete, Vec::new()))
}

/// All subscribers of an institution.
///
/// # Errors
/// As [`Database::query`].
pub async fn all(database: &Database, institution: &InstitutionId) -> Result<Vec<Subscriber>, CatalogError> {
    let select = "SELECT institution, ae_title, owner, scope, deletion_lock, filter FROM ups_subscriber \
         WHERE institution = $1 ORDER BY ae_title";
    database
        .query(Statement::new(select, vec![institution.into()]))
        .await?
        .iter()
        .map(subscriber_of)
        .collect()
}

/// The subscriber of a title.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    title: &AeTitle,
) -> Result<Option<Subscriber>, CatalogError> {
    let select = "SELECT institution, ae_title, owner, scope, deletion_lock, filter FROM ups_subscriber \
         WHERE institution = $1 AND ae_title = $2";
    let values = vec![institution.into(), title.as_str().into()];
    database.look_up(Statement::new(select, values)).await?.first().map(subscriber_of).transpose()
}

/// The titles that are subscribed to a workitem.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_workitem(database: &Database, workitem: WorkitemRef) -> Result<Vec<AeTitle>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push("SELECT ae_title FROM ups_subscription WHERE workitem_ref = ").bind(workitem);
    database.query(select.finish()).await?.iter().map(|row| row.get_checked(0)).collect()
}

// === helpers ===

fn subscriber_of(row: &Row) -> Result<Subscriber, CatalogError> {
    Ok(Subscriber {
        institution: row.get_checked(0)?,
        title: row.get_checked(1)?,
        owner: row.get_text(2)?.to_owned(),
        scope: row.get_word(3)?,
        deletion_lock: row.get_bool(4)?,
        filter: row.get_bytes(5)?.to_vec(),
    })
}
