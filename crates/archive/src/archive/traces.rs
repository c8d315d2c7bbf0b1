//! Whose picture a found one is.

use super::Archive;
use crate::error::Unavailable;
use crate::trace::{self, MarkedOpening, TraceError, TraceRequest, Traced};
use yingdun_model::InstitutionId;
use yingdun_watermark::{FoundView, Number};

impl Archive {
    /// Lays a found picture over the frames of a study, and compares its mark with those of openings.
    ///
    /// # Errors
    /// [`TraceError`].
    pub async fn trace(
        &self,
        request: TraceRequest,
        found: FoundView,
        openings: &[MarkedOpening],
    ) -> Result<Traced, TraceError> {
        trace::trace(&self.core, request, found, openings).await
    }

    /// The number of the leaf that a mark leads to, in whichever log. [`Self::is_mark_of`] says whether it is that one.
    ///
    /// # Errors
    /// [`Unavailable`] when the key room does not answer.
    pub async fn leaf_of_mark(
        &self,
        institution: &InstitutionId,
        number: Number,
    ) -> Result<u64, Unavailable> {
        trace::leaf_of(&self.core, institution, number).await
    }

    /// Whether a mark was made for this opening.
    ///
    /// # Errors
    /// As [`Self::leaf_of_mark`].
    pub async fn is_mark_of(
        &self,
        institution: &InstitutionId,
        number: Number,
        opening: &MarkedOpening,
    ) -> Result<bool, Unavailable> {
        trace::is_of(&self.core, institution, number, opening).await
    }
}
