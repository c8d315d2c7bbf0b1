//! Records that lie somewhere else now: their places change, and nothing else of a row does.

use crate::{CatalogError, Database, Statement};
use yingdun_model::{InstanceRef, StudyRef};

/// How many places one call takes: a transaction that others hardly wait for.
pub const RELOCATIONS_MAX: usize = 256;

/// A record that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The instance.
    pub instance: InstanceRef,
    /// Which version of it.
    pub version: u32,
    /// Its study.
    pub study: StudyRef,
    /// The encoded place where it lay.
    pub from: Vec<u8>,
    /// The encoded place where it lies now.
    pub to: Vec<u8>,
}

/// Gives instances, and studies whose newest record they are, their new places, in one durable transaction. A row that names another
/// place than the old one stays as it is, so what comes twice changes nothing the second time.
///
/// # Errors
/// [`CatalogError::Misuse`] over [`RELOCATIONS_MAX`]; the rest as [`Database::execute`]. On any error nothing was changed.
pub async fn relocate(database: &Database, records: &[Relocation]) -> Result<(), CatalogError> {
    const INSTANCE: &str =
        "UPDATE instance SET location = $1 WHERE instance_ref = $2 AND version = $3 AND location = $4";
    const ARRIVALS: [&str; 2] = [
        "UPDATE study_arrival SET location = $1 WHERE study_ref = $2 AND location = $3",
        "UPDATE study_arrival_beside SET location = $1 WHERE study_ref = $2 AND location = $3",
    ];
    if records.len() > RELOCATIONS_MAX {
        let came = records.len();
        let text = format!("at most {RELOCATIONS_MAX} records are moved at once, {came} came");
        return Err(CatalogError::Misuse(text));
    }
    // Instances before arrivals and each in the order of its key, as they are applied: so nobody waits for each other.
    let mut by_instance: Vec<&Relocation> = records.iter().collect();
    by_instance.sort_by_key(|record| (record.instance, record.version));
    let mut by_study: Vec<&Relocation> = records.iter().collect();
    by_study.sort_by_key(|record| record.study);
    let places = |record: &Relocation| (record.to.as_slice().into(), record.from.as_slice().into());
    let instance = |record: &Relocation| {
        let (to, from) = places(record);
        Statement::new(INSTANCE, vec![to, record.instance.into(), record.version.into(), from])
    };
    let arrival = |(sql, record): (&'static str, &Relocation)| {
        let (to, from) = places(record);
        Statement::new(sql, vec![to, record.study.into(), from])
    };
    let arrivals = ARRIVALS.into_iter().flat_map(|sql| by_study.iter().map(move |record| (sql, *record)));
    let statements: Vec<Statement> =
        by_instance.into_iter().map(instance).chain(arrivals.map(arrival)).collect();
    if statements.is_empty() {
        return Ok(());
    }
    database.execute(statements).await.map(drop)
}
