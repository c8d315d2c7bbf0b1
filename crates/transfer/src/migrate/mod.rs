//! Migration: studies of another archive, over DICOMweb or DIMSE, into this one.
//!
//! ```text
//!  origin: list of studies ─► folder: what there is ─► study: one after the other, series by series ─► folder: what became of it
//!                                                       origin ──► hash ──► STOW-RS
//!                                                       archive ─► hash ──► the same?
//! ```
//!
//! The list is fetched once and kept, so that a migration that is interrupted goes on with the same one. A study counts as
//! moved when every instance that the source listed was received, was stored, and came back from this archive with the same
//! SHA-256 of its data set; or, where the source sends objects to this archive itself, when every one of them can be read here.

mod folder;
mod listing;
mod origin;
mod passing;
mod report;
mod study;
mod throttle;

pub use folder::Folder;
pub use listing::{Dates, Gaps};
pub use origin::{Credentials, Node, Origin, Remote, Retrieval};
pub use report::{Counts, SeriesCount, StudyReport, Summary};

use crate::TransferError;
use crate::meter::Meter;
use crate::store::Store;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use listing::Listed;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use study::Mover;
use throttle::Throttle;

/// Which studies are migrated, and how they are listed.
#[derive(Clone, Debug)]
pub struct Which {
    /// Of these days.
    pub dates: Dates,
    /// A question that gets this many studies is asked again by shorter spans of time: many sources stop at a limit and do not
    /// say so.
    pub rows_max: usize,
}

/// How a migration is done.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Which studies.
    pub which: Which,
    /// Compare what is here with the source, and store nothing.
    pub verify_only: bool,
    /// Studies that are moved at the same time.
    pub connections: usize,
    /// Bytes that the source is asked for in a second, all connections together.
    pub bytes_per_second: Option<f64>,
}

/// What a source has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Studies.
    pub studies: u64,
    /// Instances of those for which the source tells their number.
    pub instances: u64,
    /// Studies for which it does not.
    pub uncounted: u64,
    /// What the list may lack.
    pub gaps: Gaps,
}

/// How a migration ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the studies that were worked on, now or before.
    pub summary: Summary,
    /// Studies that are not here as they are there.
    pub left: usize,
    /// What the list may lack.
    pub gaps: Gaps,
}

/// Says what there is, and moves nothing.
///
/// # Errors
/// [`TransferError`] when the source does not answer.
pub async fn estimate(origin: &Origin, which: &Which) -> Result<Estimate, TransferError> {
    let mut estimate = Estimate::default();
    let mut count = |studies: &[Listed]| {
        for Listed { instances, .. } in studies {
            estimate.studies += 1;
            estimate.instances += instances.unwrap_or_default();
            estimate.uncounted += u64::from(instances.is_none());
        }
        Ok(())
    };
    let gaps = origin.studies(&which.dates, which.rows_max, &mut count).await?;
    Ok(Estimate { gaps, ..estimate })
}

/// Moves every study that is left according to the folder, and compares it. It begins no other study once `stop` is set.
///
/// # Errors
/// [`TransferError`] when the migration cannot go on; the folder knows how far it came.
pub async fn run(
    folder: &Folder,
    origin: Origin,
    store: Store,
    manner: &Manner,
    meter: &Arc<Meter>,
    stop: &AtomicBool,
) -> Result<Outcome, TransferError> {
    if !folder.is_listed()? {
        let Which { dates, rows_max } = &manner.which;
        let gaps = origin.studies(dates, *rows_max, &mut |studies| folder.list(studies)).await?;
        folder.listed(&gaps)?;
    }
    for study in folder.left()? {
        meter.found(study?.instances.unwrap_or_default(), 0);
    }
    meter.all_found();
    let mover = Mover {
        origin,
        store,
        meter: Arc::clone(meter),
        throttle: Throttle::new(manner.bytes_per_second),
        verify_only: manner.verify_only,
    };
    stream::iter(folder.left()?)
        .take_while(|_| std::future::ready(!stop.load(Ordering::Relaxed)))
        .map(|study| async { mover.study(&study?.study).await })
        .buffer_unordered(manner.connections)
        .try_for_each(|report| std::future::ready(folder.report(&report)))
        .await?;
    let gaps = folder.gaps()?;
    Ok(Outcome { summary: Summary::of(folder.reports()?), left: folder.left()?.count(), gaps })
}
