//! A program that shows a token of another issuer (RFC 9068): from what the token says to a service client of ours, with each request.
//!
//! The first use of a token is a sign-in: a leaf, then a row under the digest of what is signed, bound to what the token names. From then on
//! it is a session like any other: revoked, disabled, limited and ended in the same places. That the token is still believed, and still tells
//! of the same client, is looked at with each request all the same.

use super::{Claim, Fault, SignInError, Stage};
use crate::access::Access;
use crate::decision::words;
use crate::external::{ExternalClaims, ExternalFault, Unverified};
use crate::ledger;
use crate::programs::{Demand, Presented, matching, parse_demands};
use crate::session::{Peer, Session, SignIn};
use yingdun_audit::complete::Act;
use yingdun_audit::{EventKind, Outcome};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_catalog::identity::credentials::{self, Credential, CredentialKind};
use yingdun_catalog::identity::sessions::{self, SessionRow, Standing};
use yingdun_model::{ActorKind, Role, Timestamp};

/// A client whom a believed token tells of.
struct Told {
    client: Client,
    credential: Credential,
    /// When the certificate is over that it has to show.
    ends: Option<Timestamp>,
}

impl Access {
    /// Whether a token could be one of another issuer: ours have no dots, and without issuers there are no others.
    pub(super) fn may_be_external(&self, token: &str) -> bool {
        !self.inner.token_issuers.is_empty() && token.contains('.')
    }

    /// The session of a token of another issuer. Only tokens in the header of a request come here: no cookie holds one.
    pub(super) async fn external_session(
        &self,
        token: &str,
        peer: Peer,
        presented: &Presented<'_>,
    ) -> Result<Session, SignInError> {
        let now = self.inner.clock.now();
        let claims = match self.believe(token, now).await? {
            Ok(claims) => claims,
            Err(fault) => return Err(self.refuse_unknown(peer, Fault::External(fault)).await),
        };
        let told = self.told_of(&claims, peer, presented, now).await?;
        let found = self.external_standing(&claims).await?;
        let is_first = found.is_none();
        let standing = match found {
            // Of another client: the token told of that one before its registration was changed, and its session ended with that.
            Some(found) if found.session.actor != told.client.client_id => {
                return Err(self.refuse_external(&told.client, peer, Fault::RevokedToken).await);
            }
            Some(found) => found,
            None => first_use(&claims, &told, now),
        };
        self.let_pass(&standing, token, peer, Some(presented), now).await?;
        if !is_first {
            return Ok(self.session_from(standing, peer));
        }
        let kept = Box::pin(self.keep_first_use(standing, &told, peer)).await?;
        if kept.session.revoked.is_some() {
            return Err(self.refuse_external(&told.client, peer, Fault::RevokedToken).await);
        }
        Ok(self.session_from(kept, peer))
    }

    /// What a token says, if it is believed; the keys of its issuer are asked for again where one is missing.
    async fn believe(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Result<ExternalClaims, ExternalFault>, SignInError> {
        let unverified = match Unverified::read(token) {
            Ok(unverified) => unverified,
            Err(fault) => return Ok(Err(fault)),
        };
        let named = unverified.issuer();
        let issuer =
            self.inner.token_issuers.iter().find(|issuer| Some(issuer.rules.issuer.as_str()) == named);
        let Some(issuer) = issuer else { return Ok(Err(ExternalFault::UnknownIssuer)) };
        for again in [false, true] {
            let keys = issuer.keys.keys(again).await;
            let keys = keys.map_err(|error| SignInError::DirectoryUnavailable(error.to_string()))?;
            let judged = unverified.judge(&keys, &issuer.rules, now);
            if judged != Err(ExternalFault::UnknownKey) {
                return Ok(judged);
            }
        }
        Ok(Err(ExternalFault::UnknownKey))
    }

    /// The service client that an administrator registered for what a token tells of, with what is demanded of it.
    async fn told_of(
        &self,
        claims: &ExternalClaims,
        peer: Peer,
        presented: &Presented<'_>,
        now: Timestamp,
    ) -> Result<Told, SignInError> {
        let identity = &self.inner.identity;
        let found =
            credentials::of_external(identity, &claims.name).await.map_err(SignInError::Unavailable)?;
        let lives = |credential: &Credential| {
            credential.kind == CredentialKind::ExternalToken
                && credential.institution == self.inner.institution
                && now < credential.valid_until
        };
        let unregistered = Fault::External(ExternalFault::Unregistered);
        let Some(credential) = found.filter(lives) else {
            return Err(self.refuse_unknown(peer, unregistered).await);
        };
        let client =
            clients::find(identity, &credential.client_id).await.map_err(SignInError::Unavailable)?;
        let Some(client) = client else { return Err(self.refuse_unknown(peer, unregistered).await) };
        let demands = parse_demands(&client.demands);
        let mut ends = None;
        if demands.is_ok_and(|demands| demands.contains(&Demand::Certificate)) {
            // A certificate that is demanded is one that was registered here, whichever the issuer names.
            let registered = credentials::of_client(identity, &client.client_id).await;
            let registered = registered.map_err(SignInError::Unavailable)?;
            let known =
                presented.certificate.and_then(|shown| Some((shown, matching(&registered, &shown, now)?)));
            let Some((shown, known)) = known else {
                return Err(self.refuse_external(&client, peer, Fault::DemandNotMet).await);
            };
            ends = Some(shown.valid_until.min(known.valid_until));
        }
        Ok(Told { client, credential, ends })
    }

    /// Writes the first use of a token down: the leaf, then the row, both once. Gives how the session stands then.
    async fn keep_first_use(
        &self,
        first: Standing,
        told: &Told,
        peer: Peer,
    ) -> Result<Standing, SignInError> {
        let _turn = self.inner.external_turn.lock().await;
        let hash = first.session.token_hash;
        let found =
            sessions::standing(&self.inner.identity, &hash).await.map_err(SignInError::Unavailable)?;
        if let Some(found) = found {
            return Ok(found);
        }
        let client = &told.client;
        let event = ledger::of_claim(
            EventKind::Authentication,
            Outcome::Permitted,
            &client.institution,
            &client.client_id,
            ActorKind::Service,
            Some(Role::Service),
            ledger::word(SignIn::ExternalToken.as_str()),
        );
        let begun = self.inner.tally.begin();
        self.inner.log.append_one(event).await.map_err(SignInError::AuditUnavailable)?;
        let statements = vec![
            // That all this still holds when the session is written down.
            clients::confirm(client),
            credentials::confirm(&told.credential, first.session.issued),
            sessions::insert(&first.session),
        ];
        match self.inner.identity.execute(statements).await {
            Ok(_) => {
                begun.done(Act::SignIn);
                Ok(first)
            }
            // Another node has seen it at the same time.
            Err(CatalogError::Constraint(_)) => {
                begun.done(Act::SignIn);
                let found = sessions::standing(&self.inner.identity, &hash).await;
                found.map_err(SignInError::Unavailable)?.ok_or(SignInError::Refused)
            }
            Err(CatalogError::UnexpectedRows { .. }) => {
                Err(self.refuse_external(client, peer, Fault::DemandNotMet).await)
            }
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }

    async fn external_standing(&self, claims: &ExternalClaims) -> Result<Option<Standing>, SignInError> {
        sessions::standing(&self.inner.identity, &claims.digest).await.map_err(SignInError::Unavailable)
    }

    async fn refuse_external(&self, client: &Client, peer: Peer, fault: Fault) -> SignInError {
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

// === helpers ===

/// How the session of a token stands that comes for the first time.
fn first_use(claims: &ExternalClaims, told: &Told, now: Timestamp) -> Standing {
    let Told { client, credential, ends } = told;
    let limit = words(&claims.scopes);
    let ends = ends.map_or(credential.valid_until, |ends| ends.min(credential.valid_until));
    Standing {
        disabled: client.disabled,
        role_held: true,
        scopes: sessions::within(&client.scopes, Some(&limit)),
        demands: client.demands.clone(),
        session: SessionRow {
            token_hash: claims.digest,
            institution: client.institution.clone(),
            actor: client.client_id.clone(),
            actor_kind: ActorKind::Service,
            role: Role::Service,
            sign_in: SignIn::ExternalToken.as_str().to_owned(),
            code_hash: None,
            issued: now,
            expires: claims.ends.min(ends),
            revoked: None,
            stage: Stage::Whole,
            proved: None,
            proved_by: None,
            last_used: Some(now),
            origin: None,
            directory: None,
            bound: sessions::Bound { credential: Some(credential.digest), ..claims.bound },
            scope_limit: Some(limit),
        },
    }
}
