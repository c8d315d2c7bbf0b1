//! What service clients are known by beside a secret, and what is demanded of them.
//!
//! Whoever adds a credential could become the client, and whoever lifts a demand makes a stolen token worth something again. So both take
//! every scope away, as another certificate does of a device: the security administrator grants anew, and nobody alone makes a program
//! that may do anything.

use super::{AdminError, Change, ChangeDetail};
use crate::access::Access;
use crate::programs::{Demand, demand_words, parse_demands};
use crate::session::Session;
use std::collections::BTreeSet;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::clients;
use yingdun_catalog::identity::credentials::{
    self, CREDENTIALS_MAX, Credential, CredentialKind, ExternalName,
};
use yingdun_catalog::identity::sessions;
use yingdun_model::{Action, ActorId, ActorKind, Timestamp};

/// A credential to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// What it is.
    pub kind: CredentialKind,
    /// SHA-256 over the certificate, the public key, or what another issuer calls the program.
    pub digest: [u8; 32],
    /// The public key by which signed requests are verified; nothing of the other kinds.
    pub public_key: Option<Vec<u8>>,
    /// What another issuer calls the program; nothing of the other kinds.
    pub external: Option<ExternalName>,
    /// From when on it is dead.
    pub valid_until: Timestamp,
}

impl Access {
    /// Registers a credential of a service client. Its scopes go.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown client, [`AdminError::AlreadyExists`] for a credential that it has, or what another issuer calls
    /// some client already,
    /// [`AdminError::TooManyCredentials`], [`AdminError::CredentialIsOver`].
    pub async fn add_credential(
        &self,
        officer: &Session,
        client_id: &ActorId,
        new: &NewCredential,
    ) -> Result<(), AdminError> {
        let now = self.inner.clock.now();
        if new.valid_until <= now {
            return Err(AdminError::CredentialIsOver);
        }
        let institution = officer.institution();
        let row = Credential {
            client_id: client_id.clone(),
            institution: institution.clone(),
            kind: new.kind,
            digest: new.digest,
            public_key: new.public_key.clone(),
            external: new.external.clone(),
            valid_until: new.valid_until,
        };
        let (intent, detail) = self.intend(officer, change("add-credential", client_id, named(&row))).await?;
        let there = credentials::of_client(&self.inner.identity, client_id).await;
        let is_full = there.as_ref().is_ok_and(|there| there.len() >= CREDENTIALS_MAX as usize);
        let outcome = match there {
            Ok(_) if is_full => Err(CatalogError::Constraint("more credentials than one client has".into())),
            Ok(_) => {
                let statements = vec![
                    credentials::insert(&row, now, officer.actor()),
                    clients::set_scopes(institution, client_id, ""),
                ];
                self.inner.identity.execute(statements).await
            }
            Err(error) => Err(error),
        };
        match self.carry_out(intent, detail, outcome).await {
            Err(AdminError::AlreadyExists) if is_full => Err(AdminError::TooManyCredentials),
            other => other.map(|_| ()),
        }
    }

    /// Takes a credential away. Sessions that rest on it end with it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the client has none with this digest.
    pub async fn remove_credential(
        &self,
        officer: &Session,
        client_id: &ActorId,
        kind: CredentialKind,
        digest: &[u8; 32],
    ) -> Result<(), AdminError> {
        let institution = officer.institution();
        let statements = vec![
            credentials::remove(institution, client_id, kind, digest),
            sessions::revoke_credential(institution, digest, self.inner.clock.now()),
        ];
        let what = format!("{} {}", kind.as_str(), hexadecimal(digest));
        self.change(officer, change("remove-credential", client_id, what), statements).await.map(|_| ())
    }

    /// Every credential of a client of the officer's institution.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn credentials(
        &self,
        officer: &Session,
        client_id: &ActorId,
    ) -> Result<Vec<Credential>, AdminError> {
        self.may_read_accounts(officer).await?;
        let found = clients::find(&self.inner.identity, client_id).await.map_err(AdminError::Unavailable)?;
        if found.is_none_or(|client| client.institution != *officer.institution()) {
            return Err(AdminError::NotFound);
        }
        credentials::of_client(&self.inner.identity, client_id).await.map_err(AdminError::Unavailable)
    }

    /// Replaces what is demanded of a service client, and ends its sessions. Where something is demanded no longer, its scopes go.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown client.
    pub async fn set_demands(
        &self,
        officer: &Session,
        client_id: &ActorId,
        demands: &BTreeSet<Demand>,
    ) -> Result<(), AdminError> {
        let words = demand_words(demands);
        let (intent, detail) = self.intend(officer, change("set-demands", client_id, words.clone())).await?;
        let (institution, now) = (officer.institution(), self.inner.clock.now());
        let outcome = match clients::find(&self.inner.identity, client_id).await {
            Ok(Some(client)) => {
                let mut statements = vec![
                    // What is loosened is what was there when it was read.
                    clients::confirm_demands(&client),
                    clients::set_demands(institution, client_id, &words),
                    sessions::revoke_actor(institution, client_id, ActorKind::Service, now),
                ];
                let is_stricter =
                    parse_demands(&client.demands).is_ok_and(|before| before.is_subset(demands));
                if !is_stricter {
                    statements.push(clients::set_scopes(institution, client_id, ""));
                }
                self.inner.identity.execute(statements).await
            }
            Ok(None) => Err(CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }),
            Err(error) => Err(error),
        };
        self.carry_out(intent, detail, outcome).await.map(|_| ())
    }
}

fn named(credential: &Credential) -> String {
    format!("{} {}", credential.kind.as_str(), hexadecimal(&credential.digest))
}

fn hexadecimal(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn change(code: &'static str, client_id: &ActorId, what: String) -> Change {
    Change { action: Action::ManageAccounts, code, detail: ChangeDetail::with(client_id, what) }
}
