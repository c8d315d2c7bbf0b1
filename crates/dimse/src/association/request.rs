//! The requestor's side of making an association.

use super::{
    Association, AssociationError, Connection, Context, OPERATIONS_MAX, Timeouts, own_user_information,
    send_bytes_max,
};
use crate::pdu::{
    APPLICATION_CONTEXT, AeField, AnsweredContext, AssociateRq, ContextOutcome, OperationsWindow,
    PRESENTATION_CONTEXTS_MAX, PROTOCOL_VERSION_1, Pdu, ProposedContext, RoleSelection, UserInformation,
};
use std::num::NonZeroU16;
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_model::{AeTitle, Uid};

/// One SOP class in one encoding. Each pair becomes a presentation context of its own, so that the encoding of
/// an object is never the peer's choice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// The SOP class.
    pub sop_class: Uid,
    /// The encoding.
    pub transfer_syntax: Uid,
}

/// What to propose: a set of at most [`PRESENTATION_CONTEXTS_MAX`] different proposals, and the SOP classes of which this
/// side is the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals {
    contexts: Vec<Proposal>,
    roles: Vec<RoleSelection>,
    /// Operations that are to be outstanding at once; none is one.
    window: Option<NonZeroU16>,
    /// Operations of the peer that may be outstanding at once; none is one.
    performed: Option<NonZeroU16>,
}

/// More proposals than one association can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an association has at most {PRESENTATION_CONTEXTS_MAX} presentation contexts; send the objects in several"
)]
pub struct ProposalsError;

impl Proposals {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { contexts: Vec::new(), roles: Vec::new(), window: None, performed: None }
    }

    /// Adds a pair, unless it is there already.
    ///
    /// # Errors
    /// [`ProposalsError`] when no number is left for it.
    pub fn add(&mut self, sop_class: Uid, transfer_syntax: Uid) -> Result<(), ProposalsError> {
        let proposal = Proposal { sop_class, transfer_syntax };
        if self.contexts.contains(&proposal) {
            return Ok(());
        }
        if self.contexts.len() == PRESENTATION_CONTEXTS_MAX {
            return Err(ProposalsError);
        }
        self.contexts.push(proposal);
        Ok(())
    }

    /// Whether a pair is there.
    #[must_use]
    pub fn contains(&self, sop_class: &Uid, transfer_syntax: &Uid) -> bool {
        let mut contexts = self.contexts.iter();
        contexts.any(|held| held.sop_class == *sop_class && held.transfer_syntax == *transfer_syntax)
    }

    /// How many pairs can be added.
    #[must_use]
    pub fn room(&self) -> usize {
        PRESENTATION_CONTEXTS_MAX - self.contexts.len()
    }

    /// Asks to be the provider of a SOP class and not its user (PS3.7 §D.3.3.4). A peer that accepts the class and
    /// says nothing about roles is taken to agree: many do not answer, and the message would fail at worst.
    pub fn provide(&mut self, sop_class: Uid) {
        let role = RoleSelection { sop_class, scu: false, scp: true };
        if !self.roles.contains(&role) {
            self.roles.push(role);
        }
    }

    /// Asks to have several operations without an answer at once, [`OPERATIONS_MAX`] at most (PS3.7 §D.3.3.3). A peer
    /// that says nothing about it takes one at a time.
    pub fn invoke(&mut self, operations: u16) {
        self.window = NonZeroU16::new(operations.min(OPERATIONS_MAX)).filter(|window| window.get() > 1);
    }

    /// Lets the peer have several operations without an answer at once, [`OPERATIONS_MAX`] at most (PS3.7 §D.3.3.3). They are
    /// answered in their order.
    pub fn perform(&mut self, operations: u16) {
        self.performed = NonZeroU16::new(operations.min(OPERATIONS_MAX)).filter(|window| window.get() > 1);
    }

    /// What is proposed about operations without an answer; nothing when it is one on each side.
    fn operations_window(&self) -> Option<OperationsWindow> {
        let or_one = |window: Option<NonZeroU16>| window.map_or(1, NonZeroU16::get);
        (self.window.is_some() || self.performed.is_some())
            .then(|| OperationsWindow { invoked: or_one(self.window), performed: or_one(self.performed) })
    }

    /// How many operations may be outstanding after this answer: what the peer grants of what was asked for.
    fn granted(&self, answer: Option<OperationsWindow>) -> u16 {
        let (Some(asked), Some(answer)) = (self.window, answer) else { return 1 };
        // 0 is no limit.
        NonZeroU16::new(answer.invoked).map_or(asked, |granted| granted.min(asked)).get()
    }

    /// Each proposal with its number: 1, 3, 5 and so on.
    fn numbered(&self) -> impl Iterator<Item = (u8, &Proposal)> {
        (1..=u8::MAX).step_by(2).zip(&self.contexts)
    }
}

/// Asks the peer for an association.
///
/// # Errors
/// [`AssociationError::Rejected`] with the peer's reason, or what else went wrong; the connection is closed.
pub async fn request<S: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<S>,
    timeouts: Timeouts,
    calling: AeTitle,
    called: AeTitle,
    proposals: &Proposals,
) -> Result<Association<S>, AssociationError> {
    match exchange(&mut connection, &timeouts, &calling, &called, proposals).await {
        Ok((contexts, send_bytes_max, window)) => Ok(Association {
            connection,
            timeouts,
            contexts,
            calling,
            called,
            send_bytes_max,
            window,
            window_of_acceptor: 1,
            fragments: Vec::new().into_iter(),
        }),
        Err(failure) => {
            match failure.abort_source() {
                Some(source) => connection.abort(source, timeouts.close).await,
                None => connection.close(timeouts.close).await,
            }
            Err(failure)
        }
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    connection: &mut Connection<S>,
    timeouts: &Timeouts,
    calling: &AeTitle,
    called: &AeTitle,
    proposals: &Proposals,
) -> Result<(Vec<Context>, usize, u16), AssociationError> {
    let contexts = proposals.numbered().map(|(id, proposal)| ProposedContext {
        id,
        abstract_syntax: Some(proposal.sop_class.clone()),
        transfer_syntaxes: vec![proposal.transfer_syntax.clone()],
    });
    let request = Pdu::AssociateRq(AssociateRq {
        protocol_version: PROTOCOL_VERSION_1,
        called: AeField::from(called),
        calling: AeField::from(calling),
        application_context: Uid::new(APPLICATION_CONTEXT).ok(),
        contexts: contexts.collect(),
        user: UserInformation {
            roles: proposals.roles.clone(),
            operations_window: proposals.operations_window(),
            ..own_user_information()
        },
    });
    connection.write(&request, timeouts.unit).await?;
    match connection.read(timeouts.artim, timeouts.unit).await? {
        Pdu::AssociateAc(acceptance) => Ok((
            agreed(proposals, &acceptance.contexts)?,
            send_bytes_max(&acceptance.user)?,
            proposals.granted(acceptance.user.operations_window),
        )),
        Pdu::AssociateRj(rejection) => Err(AssociationError::Rejected(rejection)),
        Pdu::Abort(abort) => Err(AssociationError::Aborted(abort.source)),
        other @ (Pdu::AssociateRq(_) | Pdu::Data(_) | Pdu::ReleaseRq | Pdu::ReleaseRp) => {
            Err(AssociationError::Unexpected {
                expected: "the answer to a request for an association",
                came: other.kind(),
            })
        }
    }
}

/// The proposals that were accepted. An acceptance of what was not proposed ends the association.
fn agreed(proposals: &Proposals, answers: &[AnsweredContext]) -> Result<Vec<Context>, AssociationError> {
    let is_provided = |class: &Uid| proposals.roles.iter().any(|role| role.sop_class == *class && role.scp);
    answers
        .iter()
        .filter(|answer| answer.outcome == ContextOutcome::Accepted)
        .map(|answer| {
            proposals
                .numbered()
                .find(|(id, proposal)| {
                    *id == answer.id && answer.transfer_syntax.as_ref() == Some(&proposal.transfer_syntax)
                })
                .map(|(id, proposal)| Context {
                    id,
                    abstract_syntax: proposal.sop_class.clone(),
                    transfer_syntax: proposal.transfer_syntax.clone(),
                    requestor_is_scp: is_provided(&proposal.sop_class),
                })
                .ok_or(AssociationError::UnknownContext(answer.id))
        })
        .collect()
}
