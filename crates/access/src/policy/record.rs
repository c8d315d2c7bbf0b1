//! A version as people read it, and what is sealed in its rows.

use super::said::Said;
use super::state::{self, PolicyState};
use super::{PolicyChangeError, hex};
use crate::access::Access;
use crate::session::Session;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use yingdun_catalog::identity::policies::{self, ActivationRow, ApprovalRow, VersionRow};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::{Context, Sealed, SealingKey};
use yingdun_model::{ActorId, InstitutionId, Role, Timestamp};

/// A version of the rules of the institution.
#[derive(Clone, Debug)]
pub struct PolicyRecord {
    /// Its number.
    pub version: u64,
    /// How it stands.
    pub state: PolicyState,
    /// SHA-256 of its text: what is approved.
    pub digest: [u8; 32],
    /// Its text; none where it cannot be opened, and then nothing comes of it.
    pub text: Option<String>,
    /// What who proposed it said about it.
    pub words: Option<String>,
    /// Of which version it is a copy.
    pub copy_of: Option<u64>,
    /// By whom it was proposed.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// Who approved it.
    pub approvals: Vec<PolicyApproval>,
    /// When it was put into force for the first time.
    pub activated: Option<Timestamp>,
    /// Who rejected or withdrew it, and when.
    pub closed: Option<(ActorId, Timestamp)>,
}

/// What one person said for a version.
#[derive(Clone, Debug)]
pub struct PolicyApproval {
    /// In which office.
    pub office: Role,
    /// Who.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// Whether it counts no more, as who gave it was disabled or lost the office since: another one approves it anew.
    pub has_lapsed: bool,
}

/// What is in force at this node.
#[derive(Clone, Debug)]
pub struct PolicyInForce {
    /// SHA-256 of the whole set, as it stands in leaves.
    pub policy_set: [u8; 32],
    /// The version of the rules of the institution; 0 for none.
    pub version: u64,
    /// The number of the activation; 0 for none.
    pub activation: u64,
    /// Until when those are suspended which are in force otherwise.
    pub suspended_until: Option<Timestamp>,
    /// Whether the rules in force cannot be read, so that nothing is open but the way back.
    pub is_locked: bool,
    /// Suspensions at which nobody else has looked yet: number, by whom, when, and why.
    pub to_review: Vec<(u64, ActorId, Timestamp, Option<String>)>,
}

/// Versions, the newest first, and what is in force.
#[derive(Clone, Debug)]
pub struct PolicyOverview {
    /// What is in force.
    pub in_force: PolicyInForce,
    /// The versions.
    pub versions: Vec<PolicyRecord>,
}

/// What is sealed of a version: its text, and what is judged by its row.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedVersion {
    pub(super) by: ActorId,
    pub(super) at: Timestamp,
    pub(super) base: u64,
    pub(super) text: String,
    pub(super) words: String,
    pub(super) copy_of: Option<u64>,
}

/// What is sealed of an approval: all that its row says.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedApproval {
    pub(super) by: ActorId,
    pub(super) digest: String,
    pub(super) at: Timestamp,
}

/// What is sealed of an activation: all that its row says, and why.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedActivation {
    pub(super) by: ActorId,
    pub(super) version: u64,
    pub(super) digest: String,
    pub(super) until: Option<Timestamp>,
    pub(super) at: Timestamp,
    pub(super) words: String,
}

impl SealedVersion {
    pub(super) fn seal(&self, key: &SealingKey, institution: &InstitutionId, version: u64) -> Vec<u8> {
        sealed(key, &context("version", institution, version, ""), self)
    }
}

impl SealedApproval {
    pub(super) fn seal(
        &self,
        key: &SealingKey,
        institution: &InstitutionId,
        version: u64,
        office: Role,
    ) -> Vec<u8> {
        sealed(key, &context("approval", institution, version, office.as_str()), self)
    }
}

impl SealedActivation {
    pub(super) fn seal(&self, key: &SealingKey, institution: &InstitutionId, number: u64) -> Vec<u8> {
        sealed(key, &context("activation", institution, number, ""), self)
    }

    /// What is sealed in a row, if the row says the same.
    pub(super) fn of(key: &SealingKey, institution: &InstitutionId, row: &ActivationRow) -> Option<Self> {
        let said: Self = opened(key, &context("activation", institution, row.number, ""), &row.sealed)?;
        let says = (&said.by, said.version, said.until, said.at);
        (says == (&row.by, row.version, row.until, row.at)).then_some(said)
    }
}

impl Access {
    /// A version with what is sealed in it.
    pub(super) async fn read_version(
        &self,
        session: &Session,
        version: u64,
    ) -> Result<(VersionRow, SealedVersion), PolicyChangeError> {
        let row = policies::version(&self.inner.identity, session.institution(), version).await?;
        let row = row.ok_or(PolicyChangeError::NotFound)?;
        let content = self.opened_version(session, &row)?;
        Ok((row, content))
    }

    pub(super) fn opened_version(
        &self,
        session: &Session,
        row: &VersionRow,
    ) -> Result<SealedVersion, PolicyChangeError> {
        open_version(&self.inner.identity_key, session.institution(), row)
            .ok_or(PolicyChangeError::State("its text cannot be opened: somebody changed its row"))
    }

    /// Whether an approval is what its person wrote, for this text.
    pub(super) fn is_sound(&self, session: &Session, row: &VersionRow, approval: &ApprovalRow) -> bool {
        let context = context("approval", session.institution(), row.version, approval.office.as_str());
        let said: Option<SealedApproval> = opened(&self.inner.identity_key, &context, &approval.sealed);
        said.is_some_and(|said| {
            said.by == approval.by && said.at == approval.at && said.digest == hex(&row.digest)
        })
    }

    pub(super) async fn policy_record(
        &self,
        session: &Session,
        row: VersionRow,
    ) -> Result<PolicyRecord, PolicyChangeError> {
        let (identity, institution) = (&self.inner.identity, session.institution());
        let mut approvals = self.said_for(session, &row).await?;
        approvals.retain(|said| self.is_sound(session, &row, &said.row));
        let newest = policies::activations(identity, institution, 1).await?;
        let lasting = policies::lasting(identity, institution).await?;
        let now = self.inner.clock.now();
        let state = state::of(&row, &approvals, newest.first(), lasting.as_ref(), now);
        let content = open_version(&self.inner.identity_key, institution, &row);
        let (text, words, copy_of) = content
            .map_or((None, None, None), |content| (Some(content.text), Some(content.words), content.copy_of));
        let approvals = approvals
            .into_iter()
            .map(|Said { row: ApprovalRow { office, by, at, .. }, has_lapsed }| PolicyApproval {
                office,
                by,
                at,
                has_lapsed,
            })
            .collect();
        Ok(PolicyRecord {
            version: row.version,
            state,
            digest: row.digest,
            text,
            words,
            copy_of,
            by: row.by,
            at: row.at,
            approvals,
            activated: row.activated,
            closed: row.closed.map(|(_, by, at)| (by, at)),
        })
    }

    pub(super) async fn policy_in_force(
        &self,
        session: &Session,
    ) -> Result<PolicyInForce, PolicyChangeError> {
        const REVIEWS_MAX: u32 = 100;
        let (identity, institution) = (&self.inner.identity, session.institution());
        let key = &self.inner.identity_key;
        let rows = policies::activations(identity, institution, REVIEWS_MAX).await?;
        let waiting = rows.iter().filter(|row| row.until.is_some() && row.reviewed.is_none());
        let to_review = waiting
            .map(|row| {
                let words = SealedActivation::of(key, institution, row).map(|said| said.words);
                (row.number, row.by.clone(), row.at, words)
            })
            .collect();
        let applied = self.inner.policies.applied();
        Ok(PolicyInForce {
            policy_set: *self.inner.policies.now().digest(),
            version: applied.version,
            activation: applied.activation,
            suspended_until: applied.until,
            is_locked: applied.is_locked,
            to_review,
        })
    }
}

/// What is sealed of a version, if its row says the same.
pub(super) fn open_version(
    key: &SealingKey,
    institution: &InstitutionId,
    row: &VersionRow,
) -> Option<SealedVersion> {
    let context = context("version", institution, row.version, "");
    let content: SealedVersion = opened(key, &context, &row.sealed)?;
    let says = (&content.by, content.at, content.base, sha256(content.text.as_bytes()));
    (says == (&row.by, row.at, row.base, row.digest)).then_some(content)
}

// === helpers ===

/// What is sealed is bound to its row: moved to another one it does not open.
fn context(what: &'static str, institution: &InstitutionId, number: u64, office: &str) -> Context {
    Context::new("yingdun/policy/v1")
        .field(what)
        .field(institution.as_str())
        .field(number.to_string())
        .field(office)
}

fn sealed<T: Serialize>(key: &SealingKey, context: &Context, value: &T) -> Vec<u8> {
    // What cannot be sealed is not written: an empty column opens as nothing, and nothing comes of its row.
    Sealed::seal(key, context, value).map(Sealed::into_bytes).unwrap_or_default()
}

fn opened<T: DeserializeOwned>(key: &SealingKey, context: &Context, bytes: &[u8]) -> Option<T> {
    Sealed::<T>::from_bytes(bytes.to_vec()).open(key, context).ok()
}
