//! Client credentials (RFC 6749 §4.4): a program signs in for itself.

use super::bearer::NewSession;
use super::token::hash_of;
use super::{Claim, Fault, SignInError, SignedIn, Stage};
use crate::access::Access;
use crate::decision::parse_scopes;
use crate::session::{Peer, SignIn};
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_model::{ActorId, ActorKind, Role, Secret};

impl Access {
    /// Signs a service client in with its secret.
    ///
    /// # Errors
    /// [`SignInError::Refused`] for an unknown, public or disabled client and a wrong secret alike.
    pub async fn client_credentials(
        &self,
        client_id: &ActorId,
        secret: &Secret<String>,
        peer: Peer,
    ) -> Result<SignedIn, SignInError> {
        let client = self.confidential_client(client_id, Some(secret), peer).await?;
        if client.secret_hash.is_none() {
            return Err(self.refuse_client(&client, peer, Fault::PublicClient).await);
        }
        let new = NewSession {
            institution: &client.institution,
            actor: &client.client_id,
            kind: ActorKind::Service,
            role: Role::Service,
            scopes: parse_scopes(&client.scopes),
            sign_in: SignIn::ClientCredentials,
            code_hash: None,
            peer,
            stage: Stage::Whole,
            proved: None,
            proved_by: None,
            program: None,
            directory: None,
        };
        self.open_session(new, Vec::new()).await
    }

    /// A client that is known, enabled, and has proved its secret where it has one.
    pub(super) async fn confidential_client(
        &self,
        client_id: &ActorId,
        secret: Option<&Secret<String>>,
        peer: Peer,
    ) -> Result<Client, SignInError> {
        let client =
            clients::find(&self.inner.identity, client_id).await.map_err(SignInError::Unavailable)?;
        let Some(client) = client else {
            let claim = Claim {
                institution: &self.inner.institution,
                actor: client_id,
                kind: ActorKind::Service,
                role: Some(Role::Service),
                address: peer.address,
            };
            return Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await);
        };
        // Comparing hashes of 256 random bits leaks nothing through time that could be used.
        let proved = match client.secret_hash {
            Some(hash) => secret.and_then(|secret| hash_of(secret.expose())) == Some(hash),
            None => true,
        };
        if !proved {
            return Err(self.refuse_client(&client, peer, Fault::WrongSecret).await);
        }
        if client.disabled {
            return Err(self.refuse_client(&client, peer, Fault::AccountDisabled).await);
        }
        Ok(client)
    }

    pub(super) async fn refuse_client(&self, client: &Client, peer: Peer, fault: Fault) -> SignInError {
        let claim = Claim {
            institution: &client.institution,
            actor: &client.client_id,
            kind: ActorKind::Service,
            role: Some(Role::Service),
            address: peer.address,
        };
        self.refuse_sign_in(claim, fault).await
    }
}
