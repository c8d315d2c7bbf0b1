//! What officers do with keys, destructions, legal holds and the room of what was destroyed.

use super::Archive;
use crate::compact::{Compaction, CompactionError};
use crate::destroy::{self, DestroyError, DestroyReason, DestructionRecord, RecordedStudy, StudiesOf};
use crate::hold::{self, HoldError, HoldReason, HoldRecord, ReleaseReason};
use crate::keys::{self, KeyCareError, KeyReport, RewrapOutlook, Rotation};
use yingdun_access::Session;
use yingdun_keys::EpochNode;
use yingdun_model::Grade;

impl Archive {
    /// The keys of the institution in numbers: versions of key-encryption keys, and how far wrapping again is.
    ///
    /// # Errors
    /// [`KeyCareError`].
    pub async fn key_report(&self, session: &Session) -> Result<KeyReport, KeyCareError> {
        keys::report(&self.core, session).await
    }

    /// Replaces the active key-encryption keys of one grade, or of all; with `dry_run` only says which. Keys under the
    /// versions before are wrapped again by themselves within minutes, or at once by [`Self::begin_rewrap`].
    ///
    /// # Errors
    /// [`KeyCareError`].
    pub async fn rotate_keks(
        &self,
        session: &Session,
        grade: Option<Grade>,
        dry_run: bool,
    ) -> Result<Vec<Rotation>, KeyCareError> {
        keys::rotate(&self.core, session, grade, dry_run).await
    }

    /// Says that a node is gone for good and its disk destroyed, or what that would mean: no destruction waits for it any more, and
    /// no other node gives it anything.
    ///
    /// # Errors
    /// [`KeyCareError`]; then nothing has changed.
    pub async fn forget_node(
        &self,
        session: &Session,
        name: &str,
        dry_run: bool,
    ) -> Result<EpochNode, KeyCareError> {
        keys::forget_node(&self.core, session, name, dry_run).await
    }

    /// Begins to wrap keys again that stand under retired versions, or goes on with it; with `dry_run` only says how many
    /// there are. It ends with the destruction of those versions, which cannot be undone.
    ///
    /// # Errors
    /// [`KeyCareError`], in particular when it is going on already.
    pub async fn begin_rewrap(
        &self,
        session: &Session,
        dry_run: bool,
    ) -> Result<RewrapOutlook, KeyCareError> {
        keys::begin_rewrap(&self.core, session, dry_run).await
    }

    /// Stops wrapping keys again until somebody begins it, also over restarts.
    ///
    /// # Errors
    /// [`KeyCareError`], in particular when it is not going on.
    pub async fn stop_rewrap(&self, session: &Session) -> Result<(), KeyCareError> {
        keys::stop_rewrap(&self.core, session).await
    }

    /// What a destruction would destroy. Changes nothing.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn plan_destruction(
        &self,
        session: &Session,
        target: &StudiesOf,
    ) -> Result<Vec<RecordedStudy>, DestroyError> {
        destroy::plan(&self.core, session, target).await
    }

    /// Asks for a destruction. Nothing is destroyed until another person approves it.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn request_destruction(
        &self,
        session: &Session,
        target: &StudiesOf,
        reason: DestroyReason,
    ) -> Result<DestructionRecord, DestroyError> {
        destroy::request(&self.core, session, target, reason).await
    }

    /// Approves what another person asked for. It is carried out by itself, within seconds, and cannot be undone.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn approve_destruction(
        &self,
        session: &Session,
        id: &str,
    ) -> Result<DestructionRecord, DestroyError> {
        destroy::approve(&self.core, session, id).await
    }

    /// Takes a request for destruction back that was not approved yet, or refuses it.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn withdraw_destruction(
        &self,
        session: &Session,
        id: &str,
    ) -> Result<DestructionRecord, DestroyError> {
        destroy::withdraw(&self.core, session, id).await
    }

    /// Destructions, the newest first: asked for, going on and done.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn destructions(&self, session: &Session) -> Result<Vec<DestructionRecord>, DestroyError> {
        destroy::list(&self.core, session).await
    }

    /// One destruction: how far it is, and its record when it is done.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub async fn destruction(&self, session: &Session, id: &str) -> Result<DestructionRecord, DestroyError> {
        destroy::find(&self.core, session, id).await
    }

    /// Places a legal hold: from here on no destruction of it is approved.
    ///
    /// # Errors
    /// [`HoldError`], in particular when a destruction of it was approved already.
    pub async fn place_hold(
        &self,
        session: &Session,
        target: &StudiesOf,
        reason: HoldReason,
    ) -> Result<HoldRecord, HoldError> {
        hold::place(&self.core, session, target, reason).await
    }

    /// Asks for the release of a legal hold. It stands until another person approves that.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn request_release(
        &self,
        session: &Session,
        id: &str,
        reason: ReleaseReason,
    ) -> Result<HoldRecord, HoldError> {
        hold::request_release(&self.core, session, id, reason).await
    }

    /// Approves the release that another person asked for.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn approve_release(&self, session: &Session, id: &str) -> Result<HoldRecord, HoldError> {
        hold::approve_release(&self.core, session, id).await
    }

    /// Takes a request for release back, or refuses it. The hold stands.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn withdraw_release(&self, session: &Session, id: &str) -> Result<HoldRecord, HoldError> {
        hold::withdraw_release(&self.core, session, id).await
    }

    /// Legal holds: those in force first, and of each the newest.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn holds(&self, session: &Session) -> Result<Vec<HoldRecord>, HoldError> {
        hold::list(&self.core, session).await
    }

    /// One legal hold.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn hold(&self, session: &Session, id: &str) -> Result<HoldRecord, HoldError> {
        hold::find(&self.core, session, id).await
    }

    /// Looks which packs hold nothing but records of destroyed studies, and removes them unless it is only to be said which. Where
    /// at least `dead_percent` of the bytes of a pack (1 to 100, what the configuration says where none is given) belong to such
    /// records, what lives is copied first. It goes on by itself; [`Self::compaction`] says how far it is.
    ///
    /// # Errors
    /// [`CompactionError`].
    pub fn begin_compaction(
        &self,
        dry_run: bool,
        dead_percent: Option<u8>,
    ) -> Result<Compaction, CompactionError> {
        let dead_percent = dead_percent.unwrap_or(self.core.limits.compact_dead_percent);
        self.core.compaction.want(dry_run, dead_percent)
    }

    /// How far the compaction of packs is, or what the last one found.
    #[must_use]
    pub fn compaction(&self) -> Compaction {
        self.core.compaction.status()
    }
}
