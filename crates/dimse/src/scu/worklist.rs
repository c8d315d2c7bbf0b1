//! C-FIND on the modality worklist of a peer (PS3.4 annex K): what is to be done there.

use super::{Answer, Scu, ScuError};
use crate::association::{Proposals, ProposalsError};
use crate::scp::MODALITY_WORKLIST;
use yingdun_dicom::data_set::DataSet;

impl Proposals {
    /// What a worklist is asked with: its SOP class in both native little-endian syntaxes.
    ///
    /// # Errors
    /// [`ProposalsError`] never, as two proposals always fit.
    pub fn worklist() -> Result<Self, ProposalsError> {
        Self::normalized(MODALITY_WORKLIST)
    }
}

impl Scu {
    /// C-FIND on the worklist: asks, and hands over every scheduled step as it comes, in the character set that it declares. A
    /// status that is not success is an [`Answer`], not an error: the association goes on.
    ///
    /// # Errors
    /// [`ScuError::NotOffered`] before anything is sent. Any other error ends the association.
    pub async fn find_steps(
        &mut self,
        identifier: &DataSet,
        found: impl FnMut(DataSet),
    ) -> Result<Answer, ScuError> {
        self.find_in(MODALITY_WORKLIST, identifier, found).await
    }
}
