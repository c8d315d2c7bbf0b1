//! Destructions: what was asked for and how far it is; and the tombstones of the studies whose keys they deleted.

use super::KekLine;
use crate::{CatalogError, Database, Row, Sql, Statement, Value};
use yingdun_model::{Grade, InstitutionId, PatientRef, StudyRef, Timestamp};

/// A destruction as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destruction {
    /// Its name: 32 hexadecimal digits.
    pub id: String,
    /// How far it is; the words are those of whoever keeps it.
    pub state: String,
    /// What there is to say of it, as JSON.
    pub record: String,
}

/// What identifies the key of a study: a study that comes again after its destruction has another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyIdentity {
    /// Institution, grade and suite.
    pub line: KekLine,
    /// The study.
    pub study: StudyRef,
    /// Whose it is.
    pub patient: PatientRef,
    /// When the key was made. No two keys of one study are made in the same millisecond: between them lies a destruction.
    pub made: Timestamp,
}

/// A study whose key was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The study.
    pub study: StudyRef,
    /// When the deleted key was made.
    pub made: Timestamp,
    /// Whether what told of the study is deleted too. Until then no new key is made for it.
    pub cleared: bool,
}

const NEWEST: Sql = Sql::new(
    "SELECT id, state, record FROM destruction WHERE institution = $1 ORDER BY requested_ms DESC, id LIMIT $2",
);
const ONE: Sql = Sql::new("SELECT id, state, record FROM destruction WHERE institution = $1 AND id = $2");
const IN_STATES: Sql = Sql::new(
    "SELECT id, state, record FROM destruction WHERE institution = $1 AND state IN ($2, $3, $4) ORDER BY id",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO destruction (institution, id, state, record, requested_ms) VALUES ($1, $2, $3, $4, $5)",
);
const ADVANCE: Sql = Sql::new(
    "UPDATE destruction SET state = $1, record = $2 WHERE institution = $3 AND id = $4 AND state = $5",
);
const KEY_OF_STUDY: Sql = Sql::new(
    "SELECT grade, suite, study_ref, patient_ref, created_ms FROM study_key \
     WHERE institution = $1 AND study_ref = $2",
);
const KEYS_OF_PATIENT: Sql = Sql::new(
    "SELECT grade, suite, study_ref, patient_ref, created_ms FROM study_key \
     WHERE institution = $1 AND patient_ref = $2 ORDER BY study_ref LIMIT $3",
);
const HAS_BUT: Sql =
    Sql::new("SELECT 1 FROM study_key WHERE institution = $1 AND patient_ref = $2 AND grade <> $3 LIMIT 1");
const BURY: Sql = Sql::new(
    "INSERT INTO destroyed_study (institution, study_ref, made_ms, cleared) VALUES ($1, $2, $3, 0) \
     ON CONFLICT (institution, study_ref, made_ms) DO UPDATE SET cleared = 0",
);
const DELETE_STUDY_KEY: Sql =
    Sql::new("DELETE FROM study_key WHERE institution = $1 AND study_ref = $2 AND created_ms = $3");
const DELETE_PATIENT_KEYS: Sql = Sql::new(
    "DELETE FROM patient_key WHERE institution = $1 AND patient_ref = $2 AND NOT EXISTS ( \
     SELECT 1 FROM study_key WHERE study_key.institution = patient_key.institution \
     AND study_key.patient_ref = patient_key.patient_ref AND study_key.grade = patient_key.grade \
     AND study_key.suite = patient_key.suite)",
);
const CLEAR: Sql = Sql::new(
    "UPDATE destroyed_study SET cleared = 1 WHERE institution = $1 AND study_ref = $2 AND made_ms = $3",
);
const TOMBSTONES: Sql = Sql::new(
    "SELECT study_ref, made_ms, cleared FROM destroyed_study WHERE institution = $1 AND study_ref > $2 \
     ORDER BY study_ref, made_ms LIMIT $3",
);
const TOMBSTONES_OF: Sql = Sql::new(
    "SELECT study_ref, made_ms, cleared FROM destroyed_study WHERE institution = $1 AND study_ref = $2",
);
const MARK: Sql = Sql::new("SELECT leaf FROM destroyed_until WHERE institution = $1 AND log = $2");
const SET_MARK: Sql = Sql::new(
    "INSERT INTO destroyed_until (institution, log, leaf) VALUES ($1, $2, $3) \
     ON CONFLICT (institution, log) DO UPDATE SET leaf = excluded.leaf",
);
// Of which log the mark of older programs is, they did not say: it was the only one.
const MARK_FIRST: Sql = Sql::new(
    "INSERT INTO destroyed_until (institution, log, leaf) \
     SELECT institution, $1, leaf FROM destruction_mark WHERE institution = $2 \
     ON CONFLICT DO NOTHING",
);

// Destructions after which nothing tells of the studies any more, of which a store has not noted where they lie in its packs.
const NOT_NOTED: Sql = Sql::new(
    "SELECT id, state, record FROM destruction WHERE institution = $1 AND state IN ($2, $3) AND NOT EXISTS ( \
     SELECT 1 FROM destruction_remains WHERE destruction_remains.institution = destruction.institution \
     AND destruction_remains.destruction = destruction.id AND destruction_remains.store = $4) ORDER BY id LIMIT $5",
);
const NOTE_REMAINS: Sql = Sql::new(
    "INSERT INTO destruction_remains (institution, destruction, store, record) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (institution, destruction, store) DO UPDATE SET record = excluded.record",
);
const REMAINS: Sql = Sql::new(
    "SELECT destruction, record FROM destruction_remains WHERE institution = $1 AND store = $2 ORDER BY destruction",
);

/// At most `limit` destructions, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn newest(
    database: &Database,
    institution: &InstitutionId,
    limit: u32,
) -> Result<Vec<Destruction>, CatalogError> {
    let rows = database.query(Statement::new(NEWEST, vec![institution.into(), limit.into()])).await?;
    rows.iter().map(destruction).collect()
}

/// One destruction.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    id: &str,
) -> Result<Option<Destruction>, CatalogError> {
    let rows = database.query(Statement::new(ONE, vec![institution.into(), id.into()])).await?;
    rows.first().map(destruction).transpose()
}

/// Every destruction that is in one of these states.
///
/// # Errors
/// As [`Database::query`].
pub async fn in_states(
    database: &Database,
    institution: &InstitutionId,
    states: [&str; 3],
) -> Result<Vec<Destruction>, CatalogError> {
    let mut bound = vec![institution.into()];
    bound.extend(states.map(Value::from));
    database.query(Statement::new(IN_STATES, bound)).await?.iter().map(destruction).collect()
}

/// At most `limit` destructions in one of these states of which a store has not noted where their studies lie in its packs.
///
/// # Errors
/// As [`Database::query`].
pub async fn not_noted(
    database: &Database,
    institution: &InstitutionId,
    states: [&str; 2],
    store: &[u8; 16],
    limit: u32,
) -> Result<Vec<Destruction>, CatalogError> {
    let mut bound = vec![institution.into()];
    bound.extend(states.map(Value::from));
    bound.extend([store.into(), limit.into()]);
    database.query(Statement::new(NOT_NOTED, bound)).await?.iter().map(destruction).collect()
}

/// Notes where the studies of a destruction lie in the packs of a store; the words are those of whoever keeps it.
#[must_use]
pub fn note_remains(institution: &InstitutionId, id: &str, store: &[u8; 16], record: &str) -> Statement {
    Statement::new(NOTE_REMAINS, vec![institution.into(), id.into(), store.into(), record.into()])
        .expecting(1)
}

/// What a store has noted: the names of destructions, and where their studies lie in its packs.
///
/// # Errors
/// As [`Database::query`].
pub async fn remains(
    database: &Database,
    institution: &InstitutionId,
    store: &[u8; 16],
) -> Result<Vec<(String, String)>, CatalogError> {
    let rows = database.query(Statement::new(REMAINS, vec![institution.into(), store.into()])).await?;
    rows.iter().map(|row| Ok((row.get_text(0)?.to_owned(), row.get_text(1)?.to_owned()))).collect()
}

/// Keeps a new destruction.
#[must_use]
pub fn insert(institution: &InstitutionId, one: &Destruction, now: Timestamp) -> Statement {
    let Destruction { id, state, record } = one;
    let bound = [id, state, record].map(|text| Value::from(text.as_str()));
    let mut values = vec![institution.into()];
    values.extend(bound);
    values.push(now.into());
    Statement::new(INSERT, values).expecting(1)
}

/// Carries a destruction on. The transaction fails with [`CatalogError::UnexpectedRows`] when it is not in the state `from`.
#[must_use]
pub fn advance(institution: &InstitutionId, from: &str, to: &Destruction) -> Statement {
    let values = vec![
        to.state.as_str().into(),
        to.record.as_str().into(),
        institution.into(),
        to.id.as_str().into(),
        from.into(),
    ];
    Statement::new(ADVANCE, values).expecting(1)
}

/// The key of a study, without the key.
///
/// # Errors
/// As [`Database::query`].
pub async fn key_of_study(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
) -> Result<Option<KeyIdentity>, CatalogError> {
    let rows = database.look_up(Statement::new(KEY_OF_STUDY, vec![institution.into(), study.into()])).await?;
    rows.first().map(|row| identity(institution, row)).transpose()
}

/// The keys of at most `limit` studies of a patient, without the keys.
///
/// # Errors
/// As [`Database::query`].
pub async fn keys_of_patient(
    database: &Database,
    institution: &InstitutionId,
    patient: PatientRef,
    limit: u32,
) -> Result<Vec<KeyIdentity>, CatalogError> {
    let bound = vec![institution.into(), patient.into(), limit.into()];
    let rows = database.query(Statement::new(KEYS_OF_PATIENT, bound)).await?;
    rows.iter().map(|row| identity(institution, row)).collect()
}

/// Whether a patient has the key of a study of another grade than `but`.
///
/// # Errors
/// As [`Database::query`].
pub async fn has_keys_but(
    database: &Database,
    institution: &InstitutionId,
    patient: PatientRef,
    but: Grade,
) -> Result<bool, CatalogError> {
    let bound = vec![institution.into(), patient.into(), but.into()];
    Ok(!database.query(Statement::new(HAS_BUT, bound)).await?.is_empty())
}

/// The changes that delete the key of a study, and those of its patient under which no key is left, and put a tombstone. They do
/// nothing the second time.
#[must_use]
pub fn shred(key: &KeyIdentity) -> [Statement; 3] {
    let place = || vec![(&key.line.institution).into(), key.study.into(), key.made.into()];
    [
        Statement::new(BURY, place()),
        Statement::new(DELETE_STUDY_KEY, place()),
        Statement::new(DELETE_PATIENT_KEYS, vec![(&key.line.institution).into(), key.patient.into()]),
    ]
}

/// Says that nothing tells of a destroyed study any more: it may come again, under a new key.
#[must_use]
pub fn clear(institution: &InstitutionId, study: StudyRef, made: Timestamp) -> Statement {
    Statement::new(CLEAR, vec![institution.into(), study.into(), made.into()])
}

/// At most `limit` tombstones behind a study, in the order of studies.
///
/// # Errors
/// As [`Database::query`].
pub async fn tombstones(
    database: &Database,
    institution: &InstitutionId,
    behind: StudyRef,
    limit: u32,
) -> Result<Vec<Tombstone>, CatalogError> {
    let bound = vec![institution.into(), behind.into(), limit.into()];
    database.query(Statement::new(TOMBSTONES, bound)).await?.iter().map(tombstone).collect()
}

/// The tombstones of one study: one for each time that it was destroyed.
///
/// # Errors
/// As [`Database::query`].
pub async fn tombstones_of(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
) -> Result<Vec<Tombstone>, CatalogError> {
    let bound = vec![institution.into(), study.into()];
    database.look_up(Statement::new(TOMBSTONES_OF, bound)).await?.iter().map(tombstone).collect()
}

/// Up to which leaf of an audit log every destruction in it is known here.
///
/// # Errors
/// As [`Database::query`].
pub async fn mark(database: &Database, institution: &InstitutionId, log: &str) -> Result<u64, CatalogError> {
    let rows = database.query(Statement::new(MARK, vec![institution.into(), log.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

/// Says up to which leaf of an audit log every destruction in it is known here.
#[must_use]
pub fn set_mark(institution: &InstitutionId, log: &str, leaf: u64) -> Statement {
    Statement::new(SET_MARK, vec![institution.into(), log.into(), super::number(leaf)]).expecting(1)
}

/// Says that what was noted before there were several logs is of this one.
#[must_use]
pub fn mark_first(institution: &InstitutionId, log: &str) -> Statement {
    Statement::new(MARK_FIRST, vec![log.into(), institution.into()])
}

fn destruction(row: &Row) -> Result<Destruction, CatalogError> {
    Ok(Destruction {
        id: row.get_text(0)?.to_owned(),
        state: row.get_text(1)?.to_owned(),
        record: row.get_text(2)?.to_owned(),
    })
}

fn identity(institution: &InstitutionId, row: &Row) -> Result<KeyIdentity, CatalogError> {
    let line = KekLine {
        institution: institution.clone(),
        grade: row.get_word(0)?,
        suite: row.get_text(1)?.to_owned(),
    };
    Ok(KeyIdentity {
        line,
        study: row.get_reference(2)?,
        patient: row.get_reference(3)?,
        made: row.get_timestamp(4)?,
    })
}

fn tombstone(row: &Row) -> Result<Tombstone, CatalogError> {
    Ok(Tombstone { study: row.get_reference(0)?, made: row.get_timestamp(1)?, cleared: row.get_bool(2)? })
}
