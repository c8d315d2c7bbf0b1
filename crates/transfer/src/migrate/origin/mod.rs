//! Where studies come from: an archive of whatever make, over DICOMweb or DIMSE. It is a stranger: what it says is bounded, and
//! what it sends is judged by this archive like everything else.

mod dimse;
pub(super) mod web;
mod window;

pub use dimse::{Node, Retrieval};
pub use web::{Credentials, Remote};

use super::listing::{Dates, Gaps, Listed};
use super::passing::Piece;
use crate::{TransferError, with_causes};
use std::collections::BTreeSet;
use tokio::sync::mpsc;
use yingdun_model::Uid;

/// Studies of one list: no archive has more.
const STUDIES_MAX: usize = 20_000_000;

/// The archive from which studies are taken.
pub enum Origin {
    /// QIDO-RS and WADO-RS.
    Web(Remote),
    /// C-FIND, and C-GET or C-MOVE.
    Dimse(Node),
}

/// The instances of one series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SeriesListing {
    pub(super) series: String,
    pub(super) instances: BTreeSet<String>,
    /// Their SOP classes, as far as the source tells them.
    pub(super) classes: BTreeSet<Uid>,
}

/// Where the objects of a series went.
pub(super) enum Fetched {
    /// They came by here.
    Here,
    /// The source sent them to this archive itself.
    Elsewhere,
}

/// Why a series did not come, in words.
pub(super) enum Unfetched {
    /// It may come another time.
    Later(String),
    /// It will not.
    Never(String),
}

impl Origin {
    /// All studies, each once. A question that gets `rows_max` studies is asked again by shorter spans of time.
    pub(super) async fn studies(
        &self,
        dates: &Dates,
        rows_max: usize,
        sink: &mut dyn FnMut(&[Listed]) -> Result<(), TransferError>,
    ) -> Result<Gaps, TransferError> {
        match self {
            Self::Web(remote) => remote.studies(dates, rows_max, sink).await,
            Self::Dimse(node) => node.studies(dates, rows_max, sink).await,
        }
    }

    /// The instances of a study.
    pub(super) async fn series(&self, study: &str) -> Result<Vec<SeriesListing>, TransferError> {
        match self {
            Self::Web(remote) => remote.instances(study).await,
            Self::Dimse(node) => node.instances(study).await,
        }
    }

    /// Whether objects do not come by here.
    pub(super) const fn sends_elsewhere(&self) -> bool {
        match self {
            Self::Web(_) => false,
            Self::Dimse(node) => node.sends_elsewhere(),
        }
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
        match self {
            Self::Web(remote) => {
                let fetched = remote.series(study, &series.series).await;
                let mut parts = fetched.map_err(|error| Unfetched::Later(with_causes(&error)))?;
                web::forward(&mut parts, out).await.map_err(Unfetched::Later)?;
                Ok(Fetched::Here)
            }
            Self::Dimse(node) => node.fetch(study, series, out).await,
        }
    }
}
