//! The acceptor's side of making an association.

use super::{
    Association, AssociationError, Connection, Context, Timeouts, own_user_information, send_bytes_max,
};
use crate::pdu::{
    APPLICATION_CONTEXT, AbortSource, AnsweredContext, AssociateAc, AssociateRj, AssociateRq, ContextOutcome,
    ExtendedNegotiation, OperationsWindow, PROTOCOL_VERSION_1, Pdu, RejectReason, RoleSelection,
    UserInformation,
};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_model::{AeTitle, Uid};

/// A request that was read and is neither accepted nor rejected yet.
pub struct Pending<S> {
    connection: Connection<S>,
    timeouts: Timeouts,
    request: AssociateRq,
}

/// What this side agrees to beside presentation contexts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Roles, of those that were proposed.
    pub roles: Vec<RoleSelection>,
    /// Extended negotiation, of what was proposed.
    pub extended: Vec<ExtendedNegotiation>,
    /// How many operations may wait for their answers; without it one (PS3.7 §D.3.3.3).
    pub window: Option<OperationsWindow>,
    /// The answer to a user identity, where one is due.
    pub identity_response: Option<Bytes>,
}

/// The decision on one proposed context: the chosen transfer syntax, or why there is none.
pub type Answer = Result<Uid, ContextOutcome>;

impl<S: AsyncRead + AsyncWrite + Unpin> Pending<S> {
    /// Reads the request of a peer that has just connected. ARTIM is the bound for all of it.
    ///
    /// # Errors
    /// [`AssociationError`]; the connection has been closed, with an A-ABORT where the standard has one.
    pub async fn receive(
        mut connection: Connection<S>,
        timeouts: Timeouts,
    ) -> Result<Pending<S>, AssociationError> {
        let failure = match connection.read(timeouts.artim, timeouts.artim).await {
            Ok(Pdu::AssociateRq(request)) => return Ok(Pending { connection, timeouts, request }),
            // A peer that aborts before anything began gets no answer (PS3.8 table 9-10, AA-2).
            Ok(Pdu::Abort(abort)) => AssociationError::Aborted(abort.source),
            Ok(other) => {
                AssociationError::Unexpected { expected: "a request for an association", came: other.kind() }
            }
            Err(error) => error,
        };
        match failure.abort_source() {
            Some(source) => connection.abort(source, timeouts.close).await,
            None => connection.close(timeouts.close).await,
        }
        Err(failure)
    }

    /// What the peer asks for.
    pub const fn request(&self) -> &AssociateRq {
        &self.request
    }

    /// The byte stream, for what its transport knows of the peer.
    pub const fn io(&self) -> &S {
        self.connection.io()
    }

    /// What makes a request unacceptable whoever sends it (PS3.8 §9.3.4): protocol version, application
    /// context, titles that are none.
    ///
    /// # Errors
    /// The reason to reject with.
    pub fn titles(&self) -> Result<(AeTitle, AeTitle), RejectReason> {
        if self.request.protocol_version & PROTOCOL_VERSION_1 == 0 {
            return Err(RejectReason::ProtocolVersionNotSupported);
        }
        if self.request.application_context.as_ref().map(Uid::as_str) != Some(APPLICATION_CONTEXT) {
            return Err(RejectReason::ApplicationContextNotSupported);
        }
        let called = self.request.called.title().map_err(|_| RejectReason::CalledAeNotRecognised)?;
        let calling = self.request.calling.title().map_err(|_| RejectReason::CallingAeNotRecognised)?;
        Ok((calling, called))
    }

    /// Accepts. `decide` is asked once for each proposed context; a second proposal under a number that was
    /// used is refused without asking.
    ///
    /// # Errors
    /// [`AssociationError`] when the answer cannot be sent or the peer's limits leave no room for data.
    pub async fn accept(
        mut self,
        calling: AeTitle,
        called: AeTitle,
        agreement: Agreement,
        mut decide: impl FnMut(&Uid, &[Uid]) -> Answer,
    ) -> Result<Association<S>, AssociationError> {
        let send_bytes_max = match send_bytes_max(&self.request.user) {
            Ok(max) => max,
            Err(error) => {
                self.connection.abort(AbortSource::InvalidParameter, self.timeouts.close).await;
                return Err(error);
            }
        };
        let mut agreed: Vec<Context> = Vec::new();
        let mut answers: Vec<AnsweredContext> = Vec::new();
        for proposal in &self.request.contexts {
            let answer = match &proposal.abstract_syntax {
                _ if answers.iter().any(|earlier| earlier.id == proposal.id) => {
                    Err(ContextOutcome::UserRejection)
                }
                None => Err(ContextOutcome::AbstractSyntaxNotSupported),
                Some(class) => decide(class, &proposal.transfer_syntaxes).map(|syntax| Context {
                    id: proposal.id,
                    abstract_syntax: class.clone(),
                    transfer_syntax: syntax,
                    requestor_is_scp: agreement.roles.iter().any(|role| role.sop_class == *class && role.scp),
                }),
            };
            answers.push(match &answer {
                Ok(context) => AnsweredContext {
                    id: proposal.id,
                    outcome: ContextOutcome::Accepted,
                    transfer_syntax: Some(context.transfer_syntax.clone()),
                },
                // The field must be there and is not tested (PS3.8 §9.3.3.2).
                Err(outcome) => AnsweredContext {
                    id: proposal.id,
                    outcome: *outcome,
                    transfer_syntax: proposal.transfer_syntaxes.first().cloned(),
                },
            });
            agreed.extend(answer.ok());
        }
        let acceptance = Pdu::AssociateAc(AssociateAc {
            protocol_version: PROTOCOL_VERSION_1,
            called: self.request.called,
            calling: self.request.calling,
            application_context: self.request.application_context,
            contexts: answers,
            user: UserInformation {
                roles: agreement.roles,
                extended: agreement.extended,
                operations_window: agreement.window,
                identity_response: agreement.identity_response,
                ..own_user_information()
            },
        });
        self.connection.write(&acceptance, self.timeouts.unit).await?;
        Ok(Association {
            connection: self.connection,
            timeouts: self.timeouts,
            contexts: agreed,
            calling,
            called,
            send_bytes_max,
            window: agreement.window.map_or(1, |window| window.invoked.max(1)),
            window_of_acceptor: agreement.window.map_or(1, |window| window.performed.max(1)),
            fragments: Vec::new().into_iter(),
        })
    }

    /// Rejects, and waits until the peer closes.
    ///
    /// # Errors
    /// [`AssociationError`] when the answer cannot be sent.
    pub async fn reject(mut self, rejection: AssociateRj) -> Result<(), AssociationError> {
        self.connection.write(&Pdu::AssociateRj(rejection), self.timeouts.unit).await?;
        self.connection.linger(self.timeouts.close).await;
        Ok(())
    }
}
