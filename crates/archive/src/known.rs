//! What the writer of the catalogue knows of the studies that are being filled: instances in, a batch out.
//!
//! Rows are merged here, in front of the catalogue, because their texts are sealed. What the writer does not know it reads
//! there first. What it knows is what the catalogue has unless another node has described the study since: the catalogue refuses
//! such a batch, and all is read anew.

use crate::description::{Description, OF_SERIES, OF_STUDY};
use crate::pseudonym::{InstitutionKeys, Pseudonyms};
use crate::rows::{self, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use yingdun_catalog::catalogue::remove::TermsRead;
use yingdun_catalog::catalogue::sealed::{self, SealedSeries, SealedStudy};
use yingdun_catalog::catalogue::{
    Batch, Date, RowMark, SeriesFacts, StudyChange, StudyFacts, StudyTerms, TimeOfDay,
};
use yingdun_catalog::{CatalogError, Database};
use yingdun_crypto::SealError;
use yingdun_dicom::index::InstanceIndex;
use yingdun_model::{Grade, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};
use yingdun_storage::{StoreLocation, StorePosition};

/// Descriptions that are kept between batches, of some two kilobytes each: those of the studies that all modalities
/// of a large hospital send at a time.
const KNOWN_MAX: usize = 4096;

/// A durable record on its way into the catalogue.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) number: u64,
    pub(crate) row: Row,
    pub(crate) location: StoreLocation,
    /// Which key of the study it is sealed under.
    pub(crate) key_made: Timestamp,
}

impl Waiting {
    /// The study and the key.
    pub(crate) const fn sealed_under(&self) -> (StudyRef, Timestamp) {
        (self.row.instance.study, self.key_made)
    }
}

/// Why a batch was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KnownError {
    #[error(transparent)]
    Catalogue(#[from] CatalogError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Studies and their series as the catalogue has them.
#[derive(Debug, Default)]
pub(crate) struct Known {
    studies: HashMap<StudyRef, Study>,
    /// Rows that do not open, until they are written anew.
    unreadable: HashMap<StudyRef, RowMark>,
}

#[derive(Debug)]
struct Study {
    /// Its key. With another one it is another study: what was known of this one was destroyed, perhaps by another node.
    key_made: Timestamp,
    keys: Arc<InstitutionKeys>,
    patient: PatientRef,
    uid: Uid,
    grade: Grade,
    received: Timestamp,
    patient_conflict: bool,
    description: Description,
    series: BTreeMap<SeriesRef, Series>,
    /// By what the catalogue finds it; none while it has no row that opens.
    terms: Option<StudyTerms>,
    /// Its row as it was read or written last; none while it has none.
    row: Option<RowMark>,
    changed: bool,
}

#[derive(Debug)]
struct Series {
    received: Timestamp,
    description: Description,
    changed: bool,
}

impl Known {
    /// Adds what waits and says what the catalogue is to be told. What it says must be applied before the next call.
    pub(crate) async fn take(
        &mut self,
        database: &Database,
        waiting: &[Waiting],
    ) -> Result<Batch, KnownError> {
        if self.studies.values().map(|study| 1 + study.series.len()).sum::<usize>() > KNOWN_MAX {
            *self = Self::default();
        }
        for waiting in waiting {
            let study = waiting.row.instance.study;
            if self.studies.get(&study).is_some_and(|known| known.key_made != waiting.key_made) {
                self.forget(study);
            }
        }
        self.read(database, waiting).await?;
        for waiting in waiting {
            self.add(&waiting.row, waiting.location.position(), waiting.key_made);
        }
        let touched: BTreeSet<StudyRef> = waiting.iter().map(|waiting| waiting.row.instance.study).collect();
        let mut batch = Batch {
            instances: waiting.iter().map(|waiting| waiting.row.instance.clone()).collect(),
            sealed_under: waiting.iter().map(Waiting::sealed_under).collect(),
            ..Batch::default()
        };
        for reference in touched {
            if let Some(study) = self.studies.get_mut(&reference) {
                study.tell(reference, &mut batch)?;
            }
        }
        Ok(batch)
    }

    /// Reads what the catalogue has of the studies that are not known.
    async fn read(&mut self, database: &Database, waiting: &[Waiting]) -> Result<(), KnownError> {
        let missing: BTreeMap<StudyRef, &Waiting> = waiting
            .iter()
            .map(|waiting| (waiting.row.instance.study, waiting))
            .filter(|(study, _)| !self.studies.contains_key(study))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let references: Vec<StudyRef> = missing.keys().copied().collect();
        for study in sealed::studies(database, &references).await? {
            let Some(waiting) = missing.get(&study.reference) else { continue };
            let (reference, mark) = (study.reference, study.mark());
            match Study::read(waiting, study) {
                Some(study) => drop(self.studies.insert(reference, study)),
                None => drop(self.unreadable.insert(reference, mark)),
            }
        }
        for series in sealed::series(database, &references).await? {
            if let Some(study) = self.studies.get_mut(&series.study) {
                study.series.extend(Series::read(&study.keys, series));
            }
        }
        for study in &references {
            if let Some(study) = self.studies.get_mut(study) {
                study.terms = Some(study.terms());
            }
        }
        Ok(())
    }

    /// Knows nothing of a study any more: it was destroyed.
    pub(crate) fn forget(&mut self, study: StudyRef) {
        self.studies.remove(&study);
        self.unreadable.remove(&study);
    }

    fn add(&mut self, row: &Row, at: StorePosition, key_made: Timestamp) {
        let facts = &row.instance;
        let study = self.studies.entry(facts.study).or_insert_with(|| Study {
            key_made,
            keys: Arc::clone(&row.keys),
            patient: row.patient,
            uid: row.index.study.clone(),
            grade: row.grade,
            received: facts.received,
            patient_conflict: false,
            description: Description::new(OF_STUDY, &row.index, at, row.identity),
            series: BTreeMap::new(),
            terms: None,
            row: self.unreadable.remove(&facts.study),
            changed: true,
        });
        study.changed |= study.description.add(OF_STUDY, &row.index, at, row.identity);
        study.changed |= lower(&mut study.received, facts.received);
        if row.identity.is_conflict() && !study.patient_conflict {
            study.patient_conflict = true;
            study.changed = true;
        }
        let series = study.series.entry(facts.series).or_insert_with(|| Series {
            received: facts.received,
            description: Description::new(OF_SERIES, &row.index, at, row.identity),
            changed: true,
        });
        series.changed |= series.description.add(OF_SERIES, &row.index, at, row.identity);
        series.changed |= lower(&mut series.received, facts.received);
        // Its modality is among the terms of the study.
        study.changed |= series.changed;
    }
}

impl Study {
    /// A study that the catalogue has, for a row of one of its instances; none when its texts do not open, and then it
    /// is described anew. Its row is written again in either case, because its plain columns may be damaged.
    fn read(waiting: &Waiting, study: SealedStudy) -> Option<Self> {
        let Waiting { row, key_made, .. } = waiting;
        let mark = study.mark();
        let SealedStudy { reference, received, patient_conflict, sealed } = study;
        let description = rows::open_study_column(&row.keys, reference, sealed)
            .inspect_err(|error| {
                tracing::error!(%error, "the row of a study does not open; it is written anew");
            })
            .ok()?;
        Some(Self {
            key_made: *key_made,
            keys: Arc::clone(&row.keys),
            patient: row.patient,
            uid: row.index.study.clone(),
            grade: row.grade,
            received,
            patient_conflict,
            description,
            series: BTreeMap::new(),
            terms: None,
            row: Some(mark),
            changed: true,
        })
    }

    fn terms(&self) -> StudyTerms {
        let series = self.series.values().map(|series| series.description.index());
        terms(&self.keys.pseudonyms, self.description.index(), series)
    }

    /// Adds what changed to a batch.
    fn tell(&mut self, reference: StudyRef, batch: &mut Batch) -> Result<(), SealError> {
        for (series, described) in &mut self.series {
            if described.changed {
                batch.series.insert(*series, described.facts(&self.keys, reference, *series)?);
                described.changed = false;
            }
        }
        if !self.changed {
            return Ok(());
        }
        let terms = self.terms();
        let now = StudyFacts {
            institution: self.keys.institution.clone(),
            patient: self.patient,
            uid: self.uid.clone(),
            grade: self.grade,
            received: self.received,
            patient_conflict: self.patient_conflict,
            terms: terms.clone(),
            sealed: rows::seal_study_column(&self.keys, reference, &self.description)?,
        };
        let over = self.row.replace(RowMark::of(&now.sealed));
        batch.studies.insert(reference, StudyChange { now, was: self.terms.replace(terms), over });
        self.changed = false;
        Ok(())
    }
}

impl Series {
    /// A series that the catalogue has, as [`Study::read`].
    fn read(keys: &InstitutionKeys, series: SealedSeries) -> Option<(SeriesRef, Self)> {
        let SealedSeries { reference, received, sealed, .. } = series;
        let description = rows::open_series_column(keys, reference, sealed)
            .inspect_err(|error| {
                tracing::error!(%error, "the row of a series does not open; it is written anew");
            })
            .ok()?;
        Some((reference, Self { received, description, changed: true }))
    }

    fn facts(
        &self,
        keys: &InstitutionKeys,
        study: StudyRef,
        reference: SeriesRef,
    ) -> Result<SeriesFacts, SealError> {
        let index = self.description.index();
        Ok(SeriesFacts {
            institution: keys.institution.clone(),
            study,
            uid: index.series.clone(),
            modality: index.modality.clone(),
            number: rows::small(index.series_number),
            performed_date: Date::parse(&index.performed_procedure_step_start_date),
            performed_time: TimeOfDay::parse(&index.performed_procedure_step_start_time),
            received: self.received,
            sealed: rows::seal_series_column(keys, reference, &self.description)?,
        })
    }
}

/// By what the catalogue finds a study, as its row says now; nothing when it has none, or its texts do not open.
pub(crate) async fn terms_of(
    database: &Database,
    keys: &InstitutionKeys,
    study: StudyRef,
) -> Result<Option<TermsRead>, CatalogError> {
    let Some(row) = sealed::studies(database, &[study]).await?.pop() else { return Ok(None) };
    let mark = row.mark();
    let Ok(description) = rows::open_study_column(keys, study, row.sealed) else { return Ok(None) };
    let mut series = Vec::new();
    for row in sealed::series(database, &[study]).await? {
        let Ok(described) = rows::open_series_column(keys, row.reference, row.sealed) else {
            return Ok(None);
        };
        series.push(described);
    }
    let terms = terms(&keys.pseudonyms, description.index(), series.iter().map(Description::index));
    Ok(Some(TermsRead { terms, mark }))
}

/// By what a study is found, from what is merged of it and of its series.
fn terms<'s>(
    pseudonyms: &Pseudonyms,
    index: &InstanceIndex,
    series: impl Iterator<Item = &'s InstanceIndex> + Clone,
) -> StudyTerms {
    let modalities: BTreeSet<&String> = series.clone().map(|index| &index.modality).collect();
    StudyTerms {
        date: Date::parse(&index.study_date),
        time: TimeOfDay::parse(&index.study_time),
        tokens: rows::tokens(pseudonyms, index, series),
        modalities: modalities.into_iter().cloned().collect(),
        accession: rows::accession(pseudonyms, index),
    }
}

fn lower(earliest: &mut Timestamp, other: Timestamp) -> bool {
    let earlier = other < *earliest;
    *earliest = other.min(*earliest);
    earlier
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::tests::{Says, at, index, says};
    use crate::descriptor::Descriptor;
    use crate::pseudonym::Pseudonyms;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use yingdun_catalog::catalogue::series::{self, SeriesFilter};
    use yingdun_catalog::catalogue::{Page, StudyFilter, Visibility, studies};
    use yingdun_catalog::{DatabaseKind, Statement, catalogue};
    use yingdun_crypto::{SealingKey, TokenKey};
    use yingdun_model::StoreNumber;
    use yingdun_model::{ActorId, InstitutionId};
    use yingdun_storage::{Layout, Location};

    fn keys() -> Arc<InstitutionKeys> {
        Arc::new(InstitutionKeys {
            institution: InstitutionId::new("renmin").unwrap(),
            pseudonyms: Pseudonyms::new(TokenKey::from(&SealingKey::generate())),
            index: SealingKey::generate(),
            marks: Arc::new(yingdun_watermark::MarkKey::from(&SealingKey::generate())),
        })
    }

    /// The record of an instance of a study of patient `A`.
    fn waiting(keys: &Arc<InstitutionKeys>, place: usize, says: &Says) -> Waiting {
        let index = index(place, says);
        let study = keys.pseudonyms.study(&index.study);
        let instance = keys.pseudonyms.instance(&index.sop_instance);
        let StorePosition { store, pack, offset } = at(place);
        let location = Location {
            pack,
            offset,
            descriptor_bytes: 1,
            metadata_bytes: 1,
            object_bytes: 1,
            layout: Layout::DescriptorFirst,
            digest: [0; 32],
        };
        let location = StoreLocation { store, location };
        let descriptor = Descriptor {
            patient: keys.pseudonyms.patient("", "A", &index.study),
            index,
            transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
            grade: Grade::L4,
            version: 1,
            // Clocks go back now and then: the moment does not follow the place.
            received: Timestamp::from_ms((place as i64 * 7) % 5),
            sender: ActorId::new("ct1").unwrap(),
            data_set_bytes: 1,
            data_set_sha256: [0; 32],
        };
        let row = rows::row(keys, study, instance, descriptor, &location);
        Waiting { number: 0, row, location, key_made: Timestamp::from_ms(1) }
    }

    /// Everything that the catalogue says of studies and series, opened.
    async fn read(keys: &InstitutionKeys, database: &Database) -> impl PartialEq + std::fmt::Debug {
        let filter = StudyFilter::all(keys.institution.clone(), Visibility::Institution);
        let mut studies = studies::search(database, &filter, Page::first(99)).await.unwrap();
        let mut descriptions = Vec::new();
        for row in &mut studies {
            let sealed = std::mem::take(&mut row.sealed);
            descriptions.push(rows::open_study_column(keys, row.reference, sealed).unwrap());
        }
        let mut series = series::search(database, &SeriesFilter::of(filter), Page::first(99)).await.unwrap();
        for row in &mut series {
            let sealed = std::mem::take(&mut row.sealed);
            descriptions.push(rows::open_series_column(keys, row.reference, sealed).unwrap());
        }
        let terms = "SELECT term, study_date FROM search_term ORDER BY term, study_date";
        let terms = database.query(Statement::new(terms, vec![])).await.unwrap();
        let terms: Vec<_> =
            terms.iter().map(|row| (row.get_i64(0).unwrap(), row.get_i64(1).unwrap())).collect();
        (studies, series, descriptions, terms)
    }

    async fn rows_do_not_depend_on_the_order_of_arrival(database: Database) {
        let keys = keys();
        let mut runner = TestRunner::default();
        let cases = prop::collection::vec(says(), 2..9).prop_flat_map(|says| {
            let order: Vec<usize> = (0..says.len()).collect();
            (Just(says), Just(order).prop_shuffle(), 1..5_usize, any::<bool>())
        });
        for _ in 0..60 {
            let (says, order, batch, forgets) = cases.new_tree(&mut runner).unwrap().current();
            let mut known = Known::default();
            for places in order.chunks(batch) {
                let waiting: Vec<_> =
                    places.iter().map(|place| waiting(&keys, *place, &says[*place])).collect();
                if forgets {
                    known = Known::default();
                }
                let batch = known.take(&database, &waiting).await.unwrap();
                catalogue::apply(&database, &batch, None).await.unwrap();
            }
            let live = read(&keys, &database).await;
            catalogue::wipe(&database).await.unwrap();

            let all: Vec<_> =
                says.iter().enumerate().map(|(place, says)| waiting(&keys, place, says)).collect();
            let batch = Known::default().take(&database, &all).await.unwrap();
            let conflict = says.iter().any(|says| !matches!(says.patient_id, "" | "A"));
            assert!(batch.studies.values().all(|study| study.now.patient_conflict == conflict));
            catalogue::apply(&database, &batch, None).await.unwrap();
            assert_eq!(live, read(&keys, &database).await, "{says:?} in the order {order:?}");
            catalogue::wipe(&database).await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rows_do_not_depend_on_the_order_of_arrival_on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.db");
        let database = Database::open_sqlite(path, DatabaseKind::Catalogue).await.unwrap();
        rows_do_not_depend_on_the_order_of_arrival(database).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rows_do_not_depend_on_the_order_of_arrival_on_postgresql() {
        let Some(server) = yingdun_testkit::postgres_database() else { return };
        let database = Database::open_postgres(server.address(), DatabaseKind::Catalogue).await.unwrap();
        rows_do_not_depend_on_the_order_of_arrival(database).await;
    }

    /// Fills the catalogue as the writer of a node does.
    async fn fill(database: &Database, batches: &[Vec<Waiting>]) {
        let mut known = Known::default();
        for waiting in batches {
            loop {
                let batch = known.take(database, waiting).await.unwrap();
                match catalogue::apply(database, &batch, None).await {
                    Ok(()) => break,
                    Err(CatalogError::UnexpectedRows { .. }) => known = Known::default(),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_two_nodes_say_of_a_study_at_once_is_what_a_rebuild_says() {
        let Some(server) = yingdun_testkit::postgres_database() else { return };
        let open = async || Database::open_postgres(server.address(), DatabaseKind::Catalogue).await.unwrap();
        let (one, other) = (open().await, open().await);
        let keys = keys();
        let mut runner = TestRunner::default();
        let cases = prop::collection::vec(says(), 6..14).prop_flat_map(|says| {
            let order: Vec<usize> = (0..says.len()).collect();
            (Just(says), Just(order).prop_shuffle(), 1..4_usize)
        });
        for _ in 0..40 {
            let (says, order, batch) = cases.new_tree(&mut runner).unwrap().current();
            // Each node has the places in its store.
            let [of_one, of_other] = [true, false].map(|first| {
                let places: Vec<usize> = order
                    .iter()
                    .copied()
                    .filter(|place| (at(*place).store == StoreNumber::FIRST) == first)
                    .collect();
                let batch_of = |places: &[usize]| -> Vec<Waiting> {
                    places.iter().map(|place| waiting(&keys, *place, &says[*place])).collect()
                };
                places.chunks(batch).map(batch_of).collect::<Vec<_>>()
            });
            tokio::join!(fill(&one, &of_one), fill(&other, &of_other));
            let live = read(&keys, &one).await;
            catalogue::wipe(&one).await.unwrap();

            fill(&other, &of_other).await;
            fill(&one, &of_one).await;
            assert_eq!(live, read(&keys, &one).await, "{says:?} in the order {order:?}");
            catalogue::wipe(&one).await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn instances_that_say_nothing_new_describe_nothing_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.db");
        let database = Database::open_sqlite(path, DatabaseKind::Catalogue).await.unwrap();
        let (keys, mut known) = (keys(), Known::default());
        let says = Says {
            patient_id: "A",
            name: "Wang",
            accession_number: "1",
            date: "20240131",
            modality: "CT",
            operator: "",
            series: 0,
        };
        // The places 5 and 10 have the same moment of arrival.
        let first = known.take(&database, &[waiting(&keys, 5, &says)]).await.unwrap();
        assert_eq!((first.studies.len(), first.series.len()), (1, 1));
        let second = known.take(&database, &[waiting(&keys, 10, &says)]).await.unwrap();
        assert_eq!((second.studies.len(), second.series.len(), second.instances.len()), (0, 0, 1));
    }
}
