//! Questions to the catalogue. It is small, because callgrind counts its filling too, fifty times slower than life;
//! how long the same takes among 100,000 instances is what `crates/catalog/benches` measures.

use crate::{Operation, Outcome};
use std::hint::black_box;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use yingdun_catalog::catalogue::{
    self, Batch, Date, InstanceFacts, Page, SeriesFacts, StudyChange, StudyFacts, StudyFilter, StudyTerms,
    Visibility, instances, studies,
};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

/// Studies of one series with one instance.
const STUDIES: u64 = 1000;
/// Tokens that studies share, as many have one family name: the search finds fifty.
const NAMES: u64 = 20;

/// A filled catalogue and what keeps it going.
struct Filled {
    runtime: Runtime,
    database: Database,
    institution: InstitutionId,
    /// Where the database lies: removed when this is dropped.
    _folder: TempDir,
}

/// References and tokens are keyed hashes: spread over the whole range.
fn spread(number: u64) -> [u8; 16] {
    u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

fn filled() -> Outcome<Filled> {
    let (runtime, folder) = (Builder::new_current_thread().build()?, tempfile::tempdir()?);
    let institution = InstitutionId::new("renmin")?;
    let path = folder.path().join("catalogue.sqlite");
    let database = runtime.block_on(Database::open_sqlite(path, DatabaseKind::Catalogue))?;
    let mut batch = Batch::default();
    for number in 0..STUDIES {
        add_study(&mut batch, &institution, number)?;
    }
    runtime.block_on(catalogue::apply(&database, &batch, None))?;
    Ok(Filled { runtime, database, institution, _folder: folder })
}

fn add_study(batch: &mut Batch, institution: &InstitutionId, number: u64) -> Outcome<()> {
    let (study, series) = (StudyRef::from_bytes(spread(number)), SeriesRef::from_bytes(spread(number)));
    let day = u32::try_from(number)?;
    let uid = Uid::new(&format!("1.2.826.0.1.{number}"))?;
    let now = StudyFacts {
        institution: institution.clone(),
        patient: PatientRef::from_bytes(spread(number)),
        uid: uid.clone(),
        grade: Grade::L4,
        received: Timestamp::from_ms(0),
        patient_conflict: false,
        terms: StudyTerms {
            time: None,
            date: Date::new(2020 + day % 5, 1 + day % 12, 1 + day % 28),
            tokens: vec![spread(number % NAMES)],
            modalities: vec!["CT".to_owned()],
            accession: None,
        },
        sealed: vec![7; 300],
    };
    batch.studies.insert(study, StudyChange { now, was: None, over: None });
    let series_facts = SeriesFacts {
        institution: institution.clone(),
        study,
        uid: uid.clone(),
        modality: "CT".to_owned(),
        number: Some(1),
        performed_date: None,
        performed_time: None,
        received: Timestamp::from_ms(0),
        sealed: vec![7; 150],
    };
    batch.series.insert(series, series_facts);
    batch.instances.push(InstanceFacts {
        institution: institution.clone(),
        study,
        series,
        reference: InstanceRef::from_bytes(spread(number)),
        version: 1,
        sop_instance: uid,
        sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2")?,
        transfer_syntax: Uid::new("1.2.840.10008.1.2.1")?,
        number: Some(1),
        rows: Some(512),
        columns: Some(512),
        bits_allocated: Some(16),
        frames: None,
        received: Timestamp::from_ms(0),
        object_bytes: 525_000,
        location: number.to_be_bytes().to_vec(),
        sealed: Some(vec![7; 200]),
    });
    Ok(())
}

pub(crate) fn search() -> Outcome<Operation> {
    let filled = filled()?;
    let mut filter = StudyFilter::all(filled.institution.clone(), Visibility::Institution);
    filter.tokens = vec![vec![spread(7)]];
    Ok(Box::new(move || {
        let Filled { runtime, database, .. } = &filled;
        let found = runtime.block_on(studies::search(database, black_box(&filter), Page::first(100)))?;
        if found.len() as u64 == STUDIES / NAMES {
            Ok(())
        } else {
            Err("not all of a name were found".into())
        }
    }))
}

pub(crate) fn look_up() -> Outcome<Operation> {
    let filled = filled()?;
    let instance = InstanceRef::from_bytes(spread(7));
    Ok(Box::new(move || {
        let Filled { runtime, database, institution, .. } = &filled;
        let found = runtime.block_on(instances::latest(database, institution, black_box(instance)))?;
        found.map(drop).ok_or_else(|| "the instance was not found".into())
    }))
}
