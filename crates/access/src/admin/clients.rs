//! Service clients: registered without scopes; the security administrator grants those.

use super::{AdminError, Change, ChangeDetail};
use crate::access::Access;
use crate::session::Session;
use crate::sign_in::Token;
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_catalog::identity::sessions;
use yingdun_model::{Action, ActorId, ActorKind, Secret};

/// The most redirect URIs of one client: one per deployment of a program.
pub(super) const REDIRECT_URIS_MAX: usize = 8;
/// The longest redirect URI, in bytes.
const REDIRECT_URI_BYTES_MAX: usize = 512;

/// A service client to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClient {
    /// Its identifier, unique over all institutions.
    pub client_id: ActorId,
    /// Whether it gets a secret. A program in a browser cannot keep one (RFC 6749 §2.1) and is `false`.
    pub confidential: bool,
    /// Where authorization codes may be sent.
    pub redirect_uris: Vec<String>,
}

/// The secret of a client that was just registered. It is shown once; only its SHA-256 is kept.
#[derive(Debug)]
pub struct NewClientSecret(pub Option<Secret<String>>);

impl Access {
    /// Registers a service client without any scope.
    ///
    /// # Errors
    /// [`AdminError::AlreadyExists`], [`AdminError::RedirectUri`].
    pub async fn create_client(
        &self,
        officer: &Session,
        new: &NewClient,
    ) -> Result<NewClientSecret, AdminError> {
        if new.redirect_uris.len() > REDIRECT_URIS_MAX || !new.redirect_uris.iter().all(|uri| is_safe(uri)) {
            return Err(AdminError::RedirectUri);
        }
        let token = new.confidential.then(Token::generate);
        let row = Client {
            client_id: new.client_id.clone(),
            institution: officer.institution().clone(),
            secret_hash: token.as_ref().map(|token| token.hash),
            redirect_uris: new.redirect_uris.join("\n"),
            scopes: String::new(),
            disabled: false,
            demands: String::new(),
        };
        let change = Change {
            action: Action::ManageAccounts,
            code: "create-client",
            detail: ChangeDetail::of(&new.client_id),
        };
        let insert = clients::insert(&row, self.inner.clock.now(), officer.actor());
        self.change(officer, change, vec![insert]).await?;
        Ok(NewClientSecret(token.map(|token| token.secret)))
    }

    /// Disables a client and ends its sessions, or enables it again.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown client.
    pub async fn set_client_disabled(
        &self,
        officer: &Session,
        client_id: &ActorId,
        disabled: bool,
    ) -> Result<(), AdminError> {
        let institution = officer.institution();
        let code = if disabled { "disable-client" } else { "enable-client" };
        let change = Change { action: Action::ManageAccounts, code, detail: ChangeDetail::of(client_id) };
        let mut statements = vec![clients::set_disabled(institution, client_id, disabled)];
        if disabled {
            let now = self.inner.clock.now();
            statements.push(sessions::revoke_actor(institution, client_id, ActorKind::Service, now));
        }
        self.change(officer, change, statements).await.map(|_| ())
    }

    /// Every client of the officer's institution.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn clients(&self, officer: &Session) -> Result<Vec<Client>, AdminError> {
        self.may_read_accounts(officer).await?;
        clients::list(&self.inner.identity, officer.institution()).await.map_err(AdminError::Unavailable)
    }
}

/// HTTPS anywhere, or HTTP on this machine (RFC 8252 §7.3), without fragment (RFC 6749 §3.1.2), printable ASCII.
fn is_safe(uri: &str) -> bool {
    let host_follows = |scheme: &str| uri.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty());
    let loopback = ["http://127.0.0.1", "http://[::1]"].iter().any(|origin| {
        uri.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    uri.len() <= REDIRECT_URI_BYTES_MAX
        && uri.bytes().all(|byte| byte.is_ascii_graphic())
        && !uri.contains('#')
        && !uri.contains('@')
        && (host_follows("https://") || loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sent_over_https_or_within_the_machine_only() {
        for safe in
            ["https://viewer.example/cb", "http://127.0.0.1:9000/cb", "http://[::1]/", "http://127.0.0.1"]
        {
            assert!(is_safe(safe), "{safe}");
        }
        for unsafe_uri in [
            "http://viewer.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/",
            "https://",
            "https://a.example/#fragment",
            "https://a.example/\nhttps://b.example",
            "javascript:alert(1)",
        ] {
            assert!(!is_safe(unsafe_uri), "{unsafe_uri}");
        }
    }
}
