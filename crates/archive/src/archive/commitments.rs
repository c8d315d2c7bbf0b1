//! Storage commitment, in both directions.

use super::Archive;
use crate::commit::{
    self, CommitmentError, CommitmentPending, CommitmentReport, CommitmentRequest, SopReference,
};
use crate::commit_elsewhere::{self, AnswerError, CommitmentAnswer, CommitmentElsewhere, CommitmentTurn};
use crate::error::Unavailable;
use yingdun_access::Session;
use yingdun_model::{AeTitle, Uid};

impl Archive {
    /// Takes a request for storage commitment (PS3.4 annex J). When this returns, the request survives a crash, and
    /// its report will be handed out: to the holder of what is returned, or by [`Self::due_commitment_reports`].
    ///
    /// # Errors
    /// [`CommitmentError`]; nothing was acknowledged.
    pub async fn request_commitment(
        &self,
        session: &Session,
        request: CommitmentRequest,
    ) -> Result<CommitmentPending, CommitmentError> {
        commit::request(&self.core, session, request).await
    }

    /// Reports of storage commitment that nobody waits for on an association, waiting for some when there are none.
    /// Say of each how it went with [`Self::commitment_reported`] or [`Self::commitment_not_reported`].
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn due_commitment_reports(&self) -> Result<Vec<CommitmentReport>, Unavailable> {
        commit::due_reports(&self.core).await
    }

    /// Says that a peer took its report: it is not sent again.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; the report will be sent again.
    pub async fn commitment_reported(&self, report: &CommitmentReport) -> Result<(), Unavailable> {
        commit::reported(&self.core, report).await
    }

    /// Says that the association on which a report was awaited has ended without it: it is due at once.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; the report is due a little later then.
    pub async fn commitment_peer_left(&self, report: &CommitmentReport) -> Result<(), Unavailable> {
        commit::due_now(&self.core, report).await
    }

    /// Says that a peer did not take its report: it is due again after a pause, and given up after many tries.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; the report stays due.
    pub async fn commitment_not_reported(&self, report: &CommitmentReport) -> Result<(), Unavailable> {
        commit::not_reported(&self.core, report).await
    }

    /// Asks a device whether it keeps these instances (PS3.4 annex J, as its user). When this returns, the question survives
    /// a crash, and is handed out by [`Self::due_commitment_requests`]. Whoever calls has opened each study for the asker, and
    /// let the device be called.
    ///
    /// # Errors
    /// [`CommitmentError`]; nothing is asked.
    pub async fn ask_commitment(
        &self,
        session: &Session,
        device: AeTitle,
        calling: AeTitle,
        references: Vec<SopReference>,
    ) -> Result<CommitmentElsewhere, CommitmentError> {
        commit_elsewhere::ask(&self.core, session, device, calling, references).await
    }

    /// A question of whoever asks, and what came of it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn commitment_asked(
        &self,
        session: &Session,
        transaction: Uid,
    ) -> Result<Option<CommitmentElsewhere>, Unavailable> {
        commit_elsewhere::find(&self.core, session, transaction).await
    }

    /// The questions of whoever asks, the newest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn commitments_asked(
        &self,
        session: &Session,
        limit: u32,
    ) -> Result<Vec<CommitmentElsewhere>, Unavailable> {
        commit_elsewhere::list(&self.core, session, limit).await
    }

    /// Questions to devices that are to be put, waiting for some when there are none. Say of each how it went with
    /// [`Self::commitment_taken`] or [`Self::commitment_not_taken`].
    ///
    /// # Errors
    /// [`Unavailable`]; they are handed out again later.
    pub async fn due_commitment_requests(&self) -> Result<Vec<CommitmentTurn>, Unavailable> {
        commit_elsewhere::due(&self.core).await
    }

    /// The device has taken a question and owes the answer.
    ///
    /// # Errors
    /// [`Unavailable`]; the question is put again.
    pub async fn commitment_taken(&self, turn: &CommitmentTurn) -> Result<(), Unavailable> {
        commit_elsewhere::taken(&self.core, turn).await
    }

    /// The device has not taken a question, and why, without personal data. It is put again later, unless that `is_final`.
    ///
    /// # Errors
    /// [`Unavailable`]; the question is put again.
    pub async fn commitment_not_taken(
        &self,
        turn: &CommitmentTurn,
        fault: &str,
        is_final: bool,
    ) -> Result<(), Unavailable> {
        commit_elsewhere::not_taken(&self.core, turn, fault, is_final).await
    }

    /// Takes the answer of a device to a question. When this returns, it survives a crash.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing was taken.
    pub async fn commitment_answered(
        &self,
        device: &Session,
        title: &AeTitle,
        answer: CommitmentAnswer,
    ) -> Result<(), AnswerError> {
        commit_elsewhere::answered(&self.core, device, title, answer).await
    }
}
