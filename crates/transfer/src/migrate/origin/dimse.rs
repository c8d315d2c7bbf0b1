//! An archive that speaks DIMSE: lists by C-FIND, and objects by C-GET, or by C-MOVE to this archive.
//!
//! A C-GET brings objects here, where they are hashed and stored like those of a DICOMweb server. A C-MOVE makes the source send
//! them to the DICOM node of this archive, which takes them because the source is one of its devices; then names are compared,
//! and that each object can be read.

use super::window::{End, crawl};
use super::{Fetched, SeriesListing, Unfetched};
use crate::TransferError;
use crate::migrate::listing::{Dates, Gaps, Listed};
use crate::migrate::passing::Piece;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Tag, Vr, part10, tags};
use yingdun_dimse::association::{Proposals, ProposalsError};
use yingdun_dimse::message::Status;
use yingdun_dimse::query::{Model, Root, Verb};
use yingdun_dimse::scp::{Failure, FailureKind, Incoming, Object};
use yingdun_dimse::scu::{Answer, Destination, Retrieved, Scu, ScuError, Settings};
use yingdun_model::{AeTitle, Uid};

/// How long the source may say nothing: studies are read from slow disks and tapes, and some report no progress.
const SILENCE_MAX: Duration = Duration::from_secs(600);

/// Rows of one answer that are kept; a source that has more is asked by shorter spans.
const ROWS_MAX: usize = 100_000;

/// Series and instances of one study.
const INSTANCES_MAX: usize = 200_000;

/// How objects are brought here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retrieval {
    /// C-GET: over the association that asks for them.
    Get,
    /// C-MOVE: to the title under which the source knows this archive.
    Move(AeTitle),
}

/// A DICOM node from which studies are taken.
pub struct Node {
    destination: Destination,
    settings: Settings,
    retrieval: Retrieval,
}

/// The rows of an answer, and its end.
struct Rows<T> {
    rows: Vec<T>,
    answer: Answer,
    /// There were more than are kept.
    cut: bool,
}

impl Node {
    /// Looks what the node offers. Without a word about the retrieval it is C-GET where that is offered, otherwise C-MOVE to
    /// the title, if there is one.
    ///
    /// # Errors
    /// [`TransferError::Peer`] when it cannot be reached, or offers neither queries nor a retrieval that can be used.
    pub async fn connect(
        destination: Destination,
        mut settings: Settings,
        retrieval: Option<Retrieval>,
        title: Option<AeTitle>,
    ) -> Result<Self, TransferError> {
        settings.timeouts.response = SILENCE_MAX;
        settings.timeouts.idle = SILENCE_MAX;
        let mut proposals = Proposals::new();
        for verb in [Verb::Find, Verb::Get, Verb::Move] {
            proposals.add_model(Model { root: Root::Study, verb }).map_err(full)?;
        }
        let scu = Scu::connect(&destination, &settings, &proposals).await?;
        let offers = |verb| scu.offers(Model { root: Root::Study, verb });
        let chosen = match (retrieval, title) {
            _ if !offers(Verb::Find) => Err(TransferError::NoQuery),
            (Some(Retrieval::Get) | None, _) if offers(Verb::Get) => Ok(Retrieval::Get),
            (Some(Retrieval::Move(title)), _) | (None, Some(title)) if offers(Verb::Move) => {
                Ok(Retrieval::Move(title))
            }
            _ => Err(TransferError::NoRetrieval),
        };
        scu.release().await?;
        Ok(Self { destination, settings, retrieval: chosen? })
    }

    /// How objects are brought here.
    #[must_use]
    pub const fn retrieval(&self) -> &Retrieval {
        &self.retrieval
    }

    pub(super) const fn sends_elsewhere(&self) -> bool {
        matches!(self.retrieval, Retrieval::Move(_))
    }

    /// All studies, asked for by spans of time where one answer does not tell them all.
    pub(super) async fn studies(
        &self,
        dates: &Dates,
        rows_max: usize,
        sink: &mut dyn FnMut(&[Listed]) -> Result<(), TransferError>,
    ) -> Result<Gaps, TransferError> {
        let mut scu = self.call(Verb::Find).await?;
        let gaps = crawl(dates, rows_max, sink, async |window, listing| {
            let (date, time) = window.keys();
            let identifier = identifier(
                "STUDY",
                &[
                    (tags::STUDY_DATE, Vr::DA, &date),
                    (tags::STUDY_TIME, Vr::TM, &time),
                    (tags::STUDY_INSTANCE_UID, Vr::UI, ""),
                    (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, Vr::IS, ""),
                ],
            );
            let Rows { rows, answer, cut } = ask(&mut scu, &identifier, ROWS_MAX, |row| {
                let instances = text(row, tags::NUMBER_OF_STUDY_RELATED_INSTANCES);
                let instances = instances.and_then(|number| number.parse().ok());
                Some(Listed { study: text(row, tags::STUDY_INSTANCE_UID)?, instances })
            })
            .await?;
            listing.tell(rows)?;
            let complete = answer.status == Status::SUCCESS && !cut;
            Ok(if complete { End::All } else { End::Some(words(&answer)) })
        })
        .await?;
        scu.release().await?;
        Ok(gaps)
    }

    /// The instances of a study, series by series.
    pub(super) async fn instances(&self, study: &str) -> Result<Vec<SeriesListing>, TransferError> {
        let mut scu = self.call(Verb::Find).await?;
        let asked = identifier(
            "SERIES",
            &[(tags::STUDY_INSTANCE_UID, Vr::UI, study), (tags::SERIES_INSTANCE_UID, Vr::UI, "")],
        );
        let series =
            all(ask(&mut scu, &asked, INSTANCES_MAX, |row| text(row, tags::SERIES_INSTANCE_UID)).await?)?;
        let mut found = Vec::with_capacity(series.len());
        for series in BTreeSet::from_iter(series) {
            let asked = identifier(
                "IMAGE",
                &[
                    (tags::STUDY_INSTANCE_UID, Vr::UI, study),
                    (tags::SERIES_INSTANCE_UID, Vr::UI, &series),
                    (tags::SOP_INSTANCE_UID, Vr::UI, ""),
                    (tags::SOP_CLASS_UID, Vr::UI, ""),
                ],
            );
            let rows = ask(&mut scu, &asked, INSTANCES_MAX, |row| {
                Some((text(row, tags::SOP_INSTANCE_UID)?, row.uid(tags::SOP_CLASS_UID)))
            });
            let (mut instances, mut classes) = (BTreeSet::new(), BTreeSet::new());
            for (instance, class) in all(rows.await?)? {
                instances.insert(instance);
                classes.extend(class);
            }
            found.push(SeriesListing { series, instances, classes });
        }
        scu.release().await?;
        Ok(found)
    }

    /// Fetches a series, or has it sent.
    ///
    /// # Errors
    /// Why not.
    pub(super) async fn fetch(
        &self,
        study: &str,
        series: &SeriesListing,
        out: &mpsc::Sender<Piece>,
    ) -> Result<Fetched, Unfetched> {
        let asked = identifier(
            "SERIES",
            &[(tags::STUDY_INSTANCE_UID, Vr::UI, study), (tags::SERIES_INSTANCE_UID, Vr::UI, &series.series)],
        );
        let (retrieved, fetched) = match &self.retrieval {
            Retrieval::Get => tokio::select! {
                retrieved = self.get(&asked, &series.classes, out) => (retrieved, Fetched::Here),
                // The source would go on to send what nobody takes.
                () = out.closed() => {
                    return Err(Unfetched::Later("nobody takes the objects any more".to_owned()));
                }
            },
            Retrieval::Move(title) => (self.move_to(&asked, title).await, Fetched::Elsewhere),
        };
        let retrieved = retrieved.map_err(|error| match error {
            ScuError::NotOffered => Unfetched::Never(error.to_string()),
            error => Unfetched::Later(error.to_string()),
        });
        let answer = retrieved?.answer;
        match answer.status {
            // Those that failed are missing, and are named one by one after a comparison.
            Status::SUCCESS | Status::SOME_FAILED => Ok(fetched),
            Status::MOVE_DESTINATION_UNKNOWN | Status::SOP_CLASS_NOT_SUPPORTED | Status::NOT_AUTHORISED => {
                Err(Unfetched::Never(words(&answer)))
            }
            _ => Err(Unfetched::Later(words(&answer))),
        }
    }

    async fn get(
        &self,
        asked: &DataSet,
        classes: &BTreeSet<Uid>,
        out: &mpsc::Sender<Piece>,
    ) -> Result<Retrieved, ScuError> {
        let proposals = Proposals::study_get(classes).map_err(|_| ScuError::NotOffered)?;
        let mut scu = Scu::connect(&self.destination, &self.settings, &proposals).await?;
        let take = |object: Object| async move {
            let Object { sop_class, sop_instance, transfer_syntax } = object;
            let passing = Passing(out.clone());
            passing.send(Piece::Begin).await?;
            let header = part10::write_header(&sop_class, &sop_instance, &transfer_syntax, None);
            passing.send(Piece::Bytes(header.into())).await?;
            Ok(passing)
        };
        let retrieved = scu.get(Root::Study, asked, take, |_| ()).await?;
        scu.release().await?;
        Ok(retrieved)
    }

    async fn move_to(&self, asked: &DataSet, title: &AeTitle) -> Result<Retrieved, ScuError> {
        let mut proposals = Proposals::new();
        proposals
            .add_model(Model { root: Root::Study, verb: Verb::Move })
            .map_err(|_| ScuError::NotOffered)?;
        let mut scu = Scu::connect(&self.destination, &self.settings, &proposals).await?;
        let retrieved = scu.move_to(Root::Study, asked, title, |_| ()).await?;
        scu.release().await?;
        Ok(retrieved)
    }

    async fn call(&self, verb: Verb) -> Result<Scu, TransferError> {
        let mut proposals = Proposals::new();
        proposals.add_model(Model { root: Root::Study, verb }).map_err(full)?;
        Ok(Scu::connect(&self.destination, &self.settings, &proposals).await?)
    }
}

/// An object of a C-GET on its way through.
struct Passing(mpsc::Sender<Piece>);

impl Passing {
    async fn send(&self, piece: Piece) -> Result<(), Failure> {
        let gone = |_| Failure::new(FailureKind::OutOfResources, "the migration has ended");
        self.0.send(piece).await.map_err(gone)
    }
}

impl Incoming for Passing {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.send(Piece::Bytes(bytes)).await
    }

    async fn finish(self) -> Result<(), Failure> {
        Ok(())
    }
}

// === helpers ===

/// A question, and what of each row is kept.
async fn ask<T>(
    scu: &mut Scu,
    identifier: &DataSet,
    rows_max: usize,
    mut read: impl FnMut(&DataSet) -> Option<T>,
) -> Result<Rows<T>, TransferError> {
    let (mut rows, mut cut, mut nameless) = (Vec::new(), false, false);
    let take = |row: DataSet| match read(&row) {
        _ if rows.len() >= rows_max => cut = true,
        Some(row) => rows.push(row),
        None => nameless = true,
    };
    let answer = scu.find(Root::Study, identifier, take).await?;
    // A row that is left out would be something that nobody misses.
    if nameless {
        return Err(TransferError::Unexpected("a row without its identifier"));
    }
    Ok(Rows { rows, answer, cut })
}

/// The rows of an answer that has to be complete.
fn all<T>(rows: Rows<T>) -> Result<Vec<T>, TransferError> {
    let Rows { rows, answer, cut } = rows;
    if cut || answer.status != Status::SUCCESS {
        return Err(TransferError::NotAnswered(words(&answer)));
    }
    Ok(rows)
}

fn identifier(level: &str, keys: &[(Tag, Vr, &str)]) -> DataSet {
    let mut set = DataSet::new();
    set.put_text(tags::QUERY_RETRIEVE_LEVEL, Vr::CS, level);
    for (tag, vr, value) in keys {
        set.put_text(*tag, *vr, value);
    }
    set
}

fn text(row: &DataSet, tag: Tag) -> Option<String> {
    let text = row.first_text(tag, &row.character_sets())?;
    Some(text.trim().trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
}

fn words(answer: &Answer) -> String {
    let comment = answer.comment.as_ref().map(|comment| format!(": {comment}")).unwrap_or_default();
    format!("{}{comment}", answer.status)
}

/// Three models fit one association.
fn full(_: ProposalsError) -> TransferError {
    TransferError::NoQuery
}
