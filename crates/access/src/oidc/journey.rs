//! From the first click to a session, by way of the provider.

use super::token::{Expected, IdToken};
use super::{OidcRules, OidcSetup, ProviderError, TokenFault};
use crate::access::Access;
use crate::directory::{Introduced, Source, Subject};
use crate::session::{Peer, SignIn};
use crate::sign_in::{Fault, NewSession, SignInError, SignedIn, Stage, Token};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_catalog::identity::sessions::{Bound, DirectoryProof, Factor};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::{Context, Sealed};
use yingdun_model::{ActorKind, Role, Secret, Timestamp};

/// How long somebody may take at the provider: to find the phone, or to have a password reset.
const JOURNEY: Duration = Duration::from_secs(15 * 60);
/// What browsers keep of one cookie is 4096 bytes with its name and attributes.
const COOKIE_BYTES_MAX: usize = 3800;
/// The longest code that is passed on.
const CODE_BYTES_MAX: usize = 4096;

/// A sign-in that begins: where the browser goes, and what it keeps.
#[derive(Debug)]
pub struct OidcBegun {
    /// The authorization endpoint of the provider.
    pub endpoint: String,
    /// The parameters of the request.
    pub parameters: Vec<(&'static str, String)>,
    /// What the browser keeps until it comes back, sealed.
    pub cookie: Secret<String>,
    /// For how long.
    pub lasts: Duration,
}

/// A sign-in that is under way, as the browser that began it brings it back.
#[derive(Serialize, Deserialize)]
pub struct OidcJourney {
    state: String,
    nonce: String,
    verifier: String,
    began_ms: i64,
    role: Option<Role>,
    /// Whether the person had to be authenticated anew.
    fresh: bool,
    carried: Vec<(String, String)>,
}

impl std::fmt::Debug for OidcJourney {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OidcJourney(…)")
    }
}

impl OidcJourney {
    /// Whether the person had to be authenticated anew.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// What was given along when it began.
    #[must_use]
    pub fn carried(&self) -> &[(String, String)] {
        &self.carried
    }
}

/// What the browser brings from the provider.
#[derive(Debug)]
pub struct OidcAnswer {
    /// Comes back unchanged.
    pub state: String,
    /// The code; none when the provider signed nobody in.
    pub code: Option<String>,
    /// Who answers (RFC 9207).
    pub issuer: Option<String>,
    /// Where the provider sent the browser.
    pub redirect_uri: String,
    /// The other end of the connection.
    pub peer: Peer,
    /// The program, as it calls itself.
    pub program: Option<String>,
}

impl Access {
    /// How people call a sign-in with the provider; none where there is no provider.
    #[must_use]
    pub fn oidc_label(&self) -> Option<&str> {
        self.inner.oidc.as_ref().map(|oidc| oidc.rules.label.as_str())
    }

    /// Begins a sign-in with the provider. With `fresh`, the person has to be authenticated anew there.
    ///
    /// # Errors
    /// [`SignInError::NoDirectory`] where none is configured, [`SignInError::DirectoryUnavailable`] when it does not answer,
    /// [`SignInError::Refused`] when more is given along than a browser keeps.
    pub async fn begin_oidc(
        &self,
        role: Option<Role>,
        fresh: bool,
        carried: Vec<(String, String)>,
        redirect_uri: &str,
    ) -> Result<OidcBegun, SignInError> {
        let OidcSetup { rules, provider } = self.inner.oidc.as_ref().ok_or(SignInError::NoDirectory)?;
        let metadata = provider.metadata().await.map_err(unavailable)?;
        let [state, nonce, verifier] = [(); 3].map(|()| Token::generate().secret.expose().clone());
        let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let scopes = std::iter::once("openid").chain(rules.scopes.iter().map(String::as_str));
        let mut parameters = vec![
            ("response_type", "code".to_owned()),
            ("client_id", rules.client_id.clone()),
            ("redirect_uri", redirect_uri.to_owned()),
            ("scope", scopes.collect::<Vec<_>>().join(" ")),
            ("state", state.clone()),
            ("nonce", nonce.clone()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
            // With it, the ID token has to say when the person was authenticated (Core §2).
            ("max_age", age_max(rules, fresh).as_secs().to_string()),
        ];
        if fresh {
            parameters.push(("prompt", "login".to_owned()));
        }
        let began_ms = self.inner.clock.now().as_ms();
        let journey = OidcJourney { state, nonce, verifier, began_ms, role, fresh, carried };
        let sealed = Sealed::seal(&self.inner.identity_key, &self.journey_context(), &journey);
        let cookie = sealed.map(|sealed| URL_SAFE_NO_PAD.encode(sealed.as_bytes()));
        let cookie = cookie.ok().filter(|cookie| cookie.len() <= COOKIE_BYTES_MAX);
        Ok(OidcBegun {
            endpoint: metadata.authorization_endpoint.clone(),
            parameters,
            cookie: Secret::new(cookie.ok_or(SignInError::Refused)?),
            lasts: JOURNEY,
        })
    }

    /// The sign-in that a browser began and brings back; none when it is not ours, or took too long.
    #[must_use]
    pub fn oidc_journey(&self, cookie: &str) -> Option<OidcJourney> {
        let bytes = Some(cookie).filter(|cookie| cookie.len() <= COOKIE_BYTES_MAX)?;
        let sealed = Sealed::<OidcJourney>::from_bytes(URL_SAFE_NO_PAD.decode(bytes).ok()?);
        let journey = sealed.open(&self.inner.identity_key, &self.journey_context()).ok()?;
        let (began, now) = (Timestamp::from_ms(journey.began_ms), self.inner.clock.now());
        (began <= now && now < began.after(JOURNEY)).then_some(journey)
    }

    /// Finishes a sign-in with what the provider answered. Without a journey it is refused, and written down.
    ///
    /// # Errors
    /// [`SignInError::Refused`], whatever was wrong: it is on the ledger; [`SignInError::DirectoryUnavailable`];
    /// [`SignInError::ChooseRole`] to somebody whom the provider has authenticated.
    pub async fn finish_oidc(
        &self,
        journey: Option<&OidcJourney>,
        answer: OidcAnswer,
    ) -> Result<SignedIn, SignInError> {
        let OidcSetup { rules, provider } = self.inner.oidc.as_ref().ok_or(SignInError::NoDirectory)?;
        let peer = answer.peer;
        // Digests are compared, so that the time of the comparison tells nothing of the state.
        let digest = |text: &str| sha256(text.as_bytes());
        let journey = journey.filter(|journey| digest(&journey.state) == digest(&answer.state));
        let Some(journey) = journey else {
            return Err(self.refuse_unknown(peer, Fault::ForeignAnswer).await);
        };
        let metadata = provider.metadata().await.map_err(unavailable)?;
        let named = answer.issuer.as_deref();
        let must_be_named = metadata.authorization_response_iss_parameter_supported;
        if named.is_some_and(|named| named != rules.issuer) || (must_be_named && named.is_none()) {
            return Err(self.refuse_unknown(peer, Fault::OtherProvider).await);
        }
        let code = answer.code.filter(|code| !code.is_empty() && code.len() <= CODE_BYTES_MAX);
        let Some(code) = code else { return Err(self.refuse_unknown(peer, Fault::ProviderSaidNo).await) };
        let verifier = Secret::new(journey.verifier.clone());
        let token = match provider.exchange(&code, &verifier, &answer.redirect_uri).await {
            Ok(token) => token,
            Err(ProviderError::Refused(_)) => {
                return Err(self.refuse_unknown(peer, Fault::ProviderSaidNo).await);
            }
            Err(away) => return Err(unavailable(away)),
        };
        let expected = Expected {
            issuer: &rules.issuer,
            client_id: &rules.client_id,
            nonce: &journey.nonce,
            age_max: age_of(rules, journey, self.inner.clock.now()),
            now: self.inner.clock.now(),
        };
        let token = match self.read_token(|keys| IdToken::read(token.expose(), keys, expected)).await? {
            Ok(token) => token,
            Err(fault) => return Err(self.refuse_unknown(peer, Fault::Token(fault)).await),
        };
        self.enter_from_provider(rules, journey, &token, peer, answer.program).await
    }

    /// Reads a token with the keys of the provider; once more with its keys of now when its key is not among them.
    pub(super) async fn read_token<T>(
        &self,
        read: impl Fn(&super::ProviderKeys) -> Result<T, TokenFault>,
    ) -> Result<Result<T, TokenFault>, SignInError> {
        let OidcSetup { provider, .. } = self.inner.oidc.as_ref().ok_or(SignInError::NoDirectory)?;
        let keys = provider.keys(false).await.map_err(unavailable)?;
        match read(&keys) {
            // Its keys have changed; or another key has the name of an old one.
            Err(TokenFault::UnknownKey | TokenFault::Signature) => {
                let keys = provider.keys(true).await.map_err(unavailable)?;
                Ok(read(&keys))
            }
            other => Ok(other),
        }
    }

    async fn enter_from_provider(
        &self,
        rules: &OidcRules,
        journey: &OidcJourney,
        token: &IdToken,
        peer: Peer,
        program: Option<String>,
    ) -> Result<SignedIn, SignInError> {
        let institution = &self.inner.institution;
        let subject = Subject { directory: rules.issuer.clone(), subject: token.subject.clone() };
        let subject_hash = subject.digest(Source::Oidc);
        let introduced = Introduced {
            source: Source::Oidc,
            subject,
            name: token.text(&rules.name_claim).map(str::to_owned),
            roles: mapped(rules, token),
            departments: None,
            provision: rules.provision,
        };
        let person = self.admit(&introduced, peer).await?;
        let role = self.role_from_elsewhere(&person, journey.role, peer).await?;
        // What a provider saw is no passkey of ours.
        let counts = proves_second_factor(rules, token) && !self.inner.rules.passkey_for.contains(&role);
        let proved = counts.then_some(token.authenticated);
        let stage = match proved {
            Some(_) => Stage::Whole,
            None => self.stage_after_password(institution, &person.actor, role).await?,
        };
        let session_hash = token
            .session
            .as_deref()
            .map(|session| Subject::session_digest(Source::Oidc, &rules.issuer, session));
        let new = NewSession {
            institution,
            actor: &person.actor,
            kind: ActorKind::Person,
            role,
            scopes: BTreeSet::new(),
            sign_in: SignIn::OpenIdConnect,
            code_hash: None,
            peer,
            stage,
            proved,
            proved_by: proved.map(|_| Factor::Provider),
            program: program.as_deref(),
            bound: Bound::default(),
            ends: None,
            demands: BTreeSet::new(),
            directory: Some(DirectoryProof {
                subject_hash,
                session_hash,
                authenticated: token.authenticated,
            }),
        };
        self.open_session(new, Vec::new()).await
    }

    /// What a journey is bound to: it opens here only.
    fn journey_context(&self) -> Context {
        Context::new("yingdun/oidc-journey/v1").field(self.inner.institution.as_str())
    }
}

pub(super) fn unavailable(error: ProviderError) -> SignInError {
    SignInError::DirectoryUnavailable(error.to_string())
}

// === helpers ===

/// The roles that the word of the provider gives.
fn mapped(rules: &OidcRules, token: &IdToken) -> BTreeSet<Role> {
    let Some(claim) = &rules.roles_claim else { return BTreeSet::new() };
    token.words(claim).into_iter().filter_map(|word| rules.roles.get(word).copied()).collect()
}

/// Whether the provider says, in the words that are configured for it, that a second factor was proved.
fn proves_second_factor(rules: &OidcRules, token: &IdToken) -> bool {
    let by_method = token.words("amr").into_iter().any(|word| rules.second_factor_amr.contains(word));
    by_method || token.text("acr").is_some_and(|word| rules.second_factor_acr.contains(word))
}

/// The longest time since the authentication that the provider is asked for.
fn age_max(rules: &OidcRules, fresh: bool) -> Duration {
    if fresh { Duration::ZERO } else { rules.age_max }
}

/// The longest time since the authentication that is accepted now: one that had to be fresh was made since the sign-in began.
fn age_of(rules: &OidcRules, journey: &OidcJourney, now: Timestamp) -> Duration {
    let under_way = u64::try_from(now.as_ms().saturating_sub(journey.began_ms)).unwrap_or(0);
    age_max(rules, journey.fresh) + Duration::from_millis(under_way)
}
