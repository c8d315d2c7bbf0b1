//! Authorization code with PKCE (RFC 6749 §4.1, RFC 7636, method S256 only; RFC 9700 §2.1.1 demands it of all).

use super::bearer::NewSession;
use super::client::ClientSignIn;
use super::token::{Token, hash_of};
use super::{Claim, Fault, SignInError, SignedIn, Stage};
use crate::access::Access;
use crate::programs::Presented;
use crate::second_factor::claim_of;
use crate::session::{Peer, Proof, Session, SignIn};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::codes::{self, Code};
use yingdun_catalog::identity::{clients, sessions};
use yingdun_crypto::digest::sha256;
use yingdun_model::{ActorId, ActorKind, Secret};

/// How long a code lives: one redirect of a browser. RFC 6749 §4.1.2 recommends ten minutes at most.
const CODE: Duration = Duration::from_secs(60);
/// The lengths of a PKCE verifier (RFC 7636 §4.1).
const VERIFIER_CHARACTERS: std::ops::RangeInclusive<usize> = 43..=128;

/// What a client asks the person's browser for.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The client.
    pub client_id: ActorId,
    /// Where the code is to be sent; compared byte for byte with what is registered.
    pub redirect_uri: String,
    /// The PKCE challenge: base64url of SHA-256 of the verifier, 43 characters.
    pub challenge: String,
}

/// What a client gives for a token.
#[derive(Debug)]
pub struct CodeExchange {
    /// The client.
    pub client_id: ActorId,
    /// Its secret, where it has one.
    pub client_secret: Option<Secret<String>>,
    /// The code.
    pub code: Secret<String>,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    /// The PKCE verifier.
    pub verifier: Secret<String>,
    /// The other end of the connection.
    pub peer: Peer,
}

impl Access {
    /// Whether a client exists, is enabled and may get codes at this URI. A door asks before it shows a sign-in page
    /// or redirects anywhere (RFC 6749 §4.1.2.1: an unregistered URI is never redirected to).
    ///
    /// # Errors
    /// [`SignInError::Unavailable`] when the clients cannot be read.
    pub async fn accepts_redirect(
        &self,
        client_id: &ActorId,
        redirect_uri: &str,
    ) -> Result<bool, SignInError> {
        let client =
            clients::find(&self.inner.identity, client_id).await.map_err(SignInError::Unavailable)?;
        Ok(client.is_some_and(|client| {
            !client.disabled && client.redirect_uris.lines().any(|registered| registered == redirect_uri)
        }))
    }

    /// Gives a client a code in the name of a person who is signed in, with the role of that session.
    ///
    /// # Errors
    /// [`SignInError::Refused`] when the session is not a living one of a person, the client or its URI is not
    /// registered, or the challenge is malformed.
    pub async fn issue_code(
        &self,
        session: &Session,
        request: &CodeRequest,
    ) -> Result<Secret<String>, SignInError> {
        let now = self.inner.clock.now();
        let claim = claim_of(session);
        let Proof::Token(session_hash) = *session.proof() else { return Err(SignInError::Refused) };
        let standing = self.standing(session, now).await;
        let alive = matches!(standing, Ok(Ok(standing)) if !standing.principal.disabled);
        if session.actor_kind() != ActorKind::Person || !alive {
            return Err(self.refuse_sign_in(claim, Fault::RevokedToken).await);
        }
        if !self.accepts_redirect(&request.client_id, &request.redirect_uri).await? {
            return Err(self.refuse_sign_in(claim, Fault::ForeignCode).await);
        }
        let challenge = URL_SAFE_NO_PAD.decode(&request.challenge).ok().and_then(|hash| hash.try_into().ok());
        let Some(challenge) = challenge else {
            return Err(self.refuse_sign_in(claim, Fault::WrongVerifier).await);
        };
        let token = Token::generate();
        let code = Code {
            code_hash: token.hash,
            client_id: request.client_id.clone(),
            institution: session.institution().clone(),
            actor: session.actor().clone(),
            role: session.role(),
            redirect_uri: request.redirect_uri.clone(),
            challenge,
            session_hash,
            issued: now,
            expires: now.after(CODE),
            used: None,
        };
        self.inner.identity.execute(vec![codes::insert(&code)]).await.map_err(SignInError::Unavailable)?;
        Ok(token.secret)
    }

    /// Exchanges a code for a session. A code works once: the first exchange spends it, right or wrong, and a second
    /// one ends the sessions that came of it (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// [`SignInError::Refused`]; which check failed is on the ledger.
    pub async fn exchange_code(&self, exchange: CodeExchange) -> Result<SignedIn, SignInError> {
        self.exchange_code_with(exchange, &Presented::default()).await
    }

    /// As [`Self::exchange_code`], for a token that is bound to what the program shows.
    ///
    /// # Errors
    /// As [`Self::exchange_code`]; [`SignInError::BadProof`] and [`SignInError::NonceNeeded`] as to a token.
    pub async fn exchange_code_with(
        &self,
        exchange: CodeExchange,
        presented: &Presented<'_>,
    ) -> Result<SignedIn, SignInError> {
        let CodeExchange { client_id, client_secret, code, redirect_uri, verifier, peer } = exchange;
        let shown = ClientSignIn {
            client_id: &client_id,
            secret: client_secret.as_ref(),
            presented: *presented,
            peer,
        };
        let proved = self.prove_client(shown).await?;
        let client = &proved.client;
        let found = match hash_of(code.expose()) {
            Some(hash) => codes::find(&self.inner.identity, &hash).await.map_err(SignInError::Unavailable)?,
            None => None,
        };
        let Some(code) = found else {
            return Err(self.refuse_client(client, peer, Fault::UnknownCode).await);
        };
        let now = self.inner.clock.now();
        let claim = Claim {
            institution: &code.institution,
            actor: &code.actor,
            kind: ActorKind::Person,
            role: Some(code.role),
            address: peer.address,
        };
        // Another client cannot burn a code that it has only seen.
        if code.client_id != client.client_id || code.institution != client.institution {
            return Err(self.refuse_sign_in(claim, Fault::ForeignCode).await);
        }
        self.spend_proof(&proved, peer).await?;
        match self.inner.identity.execute(vec![codes::spend(&code.code_hash, now)]).await {
            Ok(_) => {}
            Err(CatalogError::UnexpectedRows { .. }) => {
                let end = vec![codes::void(&code.code_hash), sessions::revoke_code(&code.code_hash, now)];
                self.inner.identity.execute(end).await.map_err(SignInError::Unavailable)?;
                return Err(self.refuse_sign_in(claim, Fault::ReplayedCode).await);
            }
            Err(error) => return Err(SignInError::Unavailable(error)),
        }
        if code.expires <= now {
            return Err(self.refuse_sign_in(claim, Fault::ExpiredCode).await);
        }
        if code.redirect_uri != redirect_uri {
            return Err(self.refuse_sign_in(claim, Fault::ForeignCode).await);
        }
        let legal = VERIFIER_CHARACTERS.contains(&verifier.expose().len());
        if !legal || sha256(verifier.expose().as_bytes()) != code.challenge {
            return Err(self.refuse_sign_in(claim, Fault::WrongVerifier).await);
        }
        // The person may have signed out, or lost the role, since the code was given.
        let standing = sessions::standing(&self.inner.identity, &code.session_hash).await;
        let alive = standing.map_err(SignInError::Unavailable)?.filter(|standing| {
            standing.session.revoked.is_none()
                && standing.session.expires > now
                && self.inner.rules.stage_of(&standing.session) == Stage::Whole
                && standing.role_held
                && !standing.disabled
        });
        let Some(alive) = alive else {
            return Err(self.refuse_sign_in(claim, Fault::RevokedToken).await);
        };
        let new = NewSession {
            institution: &code.institution,
            actor: &code.actor,
            kind: ActorKind::Person,
            role: code.role,
            scopes: BTreeSet::new(),
            sign_in: SignIn::AuthorizationCode,
            code_hash: Some(code.code_hash),
            peer,
            stage: Stage::Whole,
            // What the person proved on our page counts for the program to which the page led.
            proved: alive.session.proved,
            proved_by: alive.session.proved_by,
            program: Some(client.client_id.as_str()),
            directory: alive.session.directory,
            bound: proved.bound,
            ends: proved.ends,
            // What is demanded of a program was asked for at this endpoint; the token is the person's.
            demands: BTreeSet::new(),
        };
        let mut also = vec![codes::confirm(&code.code_hash), sessions::confirm(&code.session_hash)];
        also.extend(proved.confirm.iter().cloned());
        match self.open_session(new, also).await {
            Err(SignInError::Unavailable(CatalogError::UnexpectedRows { .. })) => {
                Err(self.refuse_sign_in(claim, Fault::ReplayedCode).await)
            }
            other => other,
        }
    }
}
