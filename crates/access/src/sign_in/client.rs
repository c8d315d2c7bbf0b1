//! Client credentials (RFC 6749 §4.4): a program signs in for itself, with a secret or with a registered certificate (RFC 8705).

use super::bearer::NewSession;
use super::token::hash_of;
use super::{Claim, Fault, SignInError, SignedIn, Stage};
use crate::access::Access;
use crate::decision::parse_scopes;
use crate::programs::{Demand, JudgedKey, Presented, Unfit, matching, parse_demands};
use crate::session::{Peer, SignIn};
use std::collections::BTreeSet;
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_catalog::identity::credentials::{self, Credential};
use yingdun_catalog::identity::sessions::Bound;
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{ActorId, ActorKind, Role, Secret, Timestamp};

/// How a program signs in.
#[derive(Clone, Copy)]
pub struct ClientSignIn<'a> {
    /// The client.
    pub client_id: &'a ActorId,
    /// Its secret, where it shows one.
    pub secret: Option<&'a Secret<String>>,
    /// The certificate of the connection, and a proof of a key, where it shows them.
    pub presented: Presented<'a>,
    /// The other end of the connection.
    pub peer: Peer,
}

/// A client that has proved who it is, and what its token is to be bound to.
pub(super) struct ProvedClient {
    pub(super) client: Client,
    pub(super) demands: BTreeSet<Demand>,
    pub(super) bound: Bound,
    /// When what it showed is over.
    pub(super) ends: Option<Timestamp>,
    /// That all this still holds when the session is written down.
    pub(super) confirm: Vec<Statement>,
    has_proved: bool,
    /// The proof of a key, which is not used yet.
    proof: Option<JudgedKey>,
}

impl Access {
    /// Signs a service client in with its secret alone.
    ///
    /// # Errors
    /// As [`Self::sign_client_in`].
    pub async fn client_credentials(
        &self,
        client_id: &ActorId,
        secret: &Secret<String>,
        peer: Peer,
    ) -> Result<SignedIn, SignInError> {
        let presented = Presented::default();
        self.sign_client_in(ClientSignIn { client_id, secret: Some(secret), presented, peer }).await
    }

    /// Signs a service client in, with its secret or with a registered certificate. The token is bound to a registered certificate of
    /// the connection and to the key of a proof, where they are shown.
    ///
    /// # Errors
    /// [`SignInError::Refused`] for an unknown, public or disabled client, a wrong secret, and one that does not show what is demanded of it,
    /// alike. [`SignInError::BadProof`] and [`SignInError::NonceNeeded`] as to a token.
    pub async fn sign_client_in(&self, shown: ClientSignIn<'_>) -> Result<SignedIn, SignInError> {
        let proved = self.prove_client(shown).await?;
        let client = &proved.client;
        if !proved.has_proved {
            return Err(self.refuse_client(client, shown.peer, Fault::PublicClient).await);
        }
        self.spend_proof(&proved, shown.peer).await?;
        let sign_in =
            if shown.secret.is_some() { SignIn::ClientCredentials } else { SignIn::ClientCertificate };
        let new = NewSession {
            institution: &client.institution,
            actor: &client.client_id,
            kind: ActorKind::Service,
            role: Role::Service,
            scopes: parse_scopes(&client.scopes),
            sign_in,
            code_hash: None,
            peer: shown.peer,
            stage: Stage::Whole,
            proved: None,
            proved_by: None,
            program: None,
            directory: None,
            bound: proved.bound,
            ends: proved.ends,
            demands: proved.demands.clone(),
        };
        match self.open_session(new, proved.confirm.clone()).await {
            // It was disabled, its certificate taken away or more demanded of it since it was looked at.
            Err(SignInError::Unavailable(CatalogError::UnexpectedRows { .. })) => {
                Err(self.refuse_client(client, shown.peer, Fault::DemandNotMet).await)
            }
            other => other,
        }
    }

    /// A client that is known, enabled, has proved its secret where it shows one or has no other proof, and shows what is demanded of it.
    pub(super) async fn prove_client(&self, shown: ClientSignIn<'_>) -> Result<ProvedClient, SignInError> {
        let ClientSignIn { client_id, secret, presented, peer } = shown;
        let now = self.inner.clock.now();
        let identity = &self.inner.identity;
        let client = clients::find(identity, client_id).await.map_err(SignInError::Unavailable)?;
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
        let registered = match presented.certificate {
            Some(_) => credentials::of_client(identity, client_id).await.map_err(SignInError::Unavailable)?,
            None => Vec::new(),
        };
        let known =
            presented.certificate.and_then(|shown| Some((shown, matching(&registered, &shown, now)?)));
        // Comparing hashes of 256 random bits leaks nothing through time that could be used.
        let secret_fits = secret.map(|secret| client.secret_hash == hash_of(secret.expose()));
        let fault = match (secret_fits, client.secret_hash) {
            (Some(false), Some(_)) => Some(Fault::WrongSecret),
            (None, Some(_)) if known.is_none() && presented.certificate.is_some() => {
                Some(Fault::UnknownCertificate)
            }
            (None, Some(_)) if known.is_none() => Some(Fault::WrongSecret),
            (Some(_) | None, _) if client.disabled => Some(Fault::AccountDisabled),
            (Some(_) | None, _) => None,
        };
        if let Some(fault) = fault {
            return Err(self.refuse_client(&client, peer, fault).await);
        }
        let Ok(demands) = parse_demands(&client.demands) else {
            return Err(self.refuse_client(&client, peer, Fault::DemandNotMet).await);
        };
        let lacks_certificate = demands.contains(&Demand::Certificate) && known.is_none();
        if lacks_certificate || (demands.contains(&Demand::Dpop) && presented.proof.is_none()) {
            return Err(self.refuse_client(&client, peer, Fault::DemandNotMet).await);
        }
        let proof = match presented.proof.map(|proof| self.judge_key(proof, None, now)) {
            Some(Ok(judged)) => Some(judged),
            Some(Err(unfit)) => return Err(self.refuse_unfit_client(&client, peer, unfit).await),
            None => None,
        };
        let mut confirm = vec![clients::confirm(&client)];
        confirm.extend(known.map(|(_, credential)| credentials::confirm(credential, now)));
        let bound = Bound {
            certificate: known.map(|(shown, _)| shown.sha256),
            key: proof.as_ref().map(|judged| judged.key),
            credential: known.map(|(_, credential): (_, &Credential)| credential.digest),
        };
        Ok(ProvedClient {
            has_proved: known.is_some() || (client.secret_hash.is_some() && secret_fits == Some(true)),
            ends: known.map(|(shown, credential)| shown.valid_until.min(credential.valid_until)),
            client,
            demands,
            bound,
            confirm,
            proof,
        })
    }

    /// Uses the proof of a key that a client has shown, when it has shown more than that: a secret, a certificate, a code.
    pub(super) async fn spend_proof(&self, proved: &ProvedClient, peer: Peer) -> Result<(), SignInError> {
        let (Some(judged), client) = (&proved.proof, &proved.client) else { return Ok(()) };
        let now = self.inner.clock.now();
        match self.spend_key(judged, client.client_id.as_str(), now).await? {
            Ok(()) => Ok(()),
            Err(unfit) => Err(self.refuse_unfit_client(client, peer, unfit).await),
        }
    }

    pub(super) async fn refuse_client(&self, client: &Client, peer: Peer, fault: Fault) -> SignInError {
        self.refuse_sign_in(claim_of(client, peer), fault).await
    }

    async fn refuse_unfit_client(&self, client: &Client, peer: Peer, unfit: Unfit) -> SignInError {
        self.refuse_unfit(claim_of(client, peer), unfit).await
    }
}

fn claim_of(client: &Client, peer: Peer) -> Claim<'_> {
    Claim {
        institution: &client.institution,
        actor: &client.client_id,
        kind: ActorKind::Service,
        role: Some(Role::Service),
        address: peer.address,
    }
}
