//! A token and what is shown beside it: whether it is where it belongs.

use super::once::{REMEMBERED, Use};
use super::proof::{self, Expected, Proved};
use super::{ClientCertificate, Demand, parse_demands};
use crate::access::Access;
use crate::sign_in::{Fault, SignInError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use yingdun_catalog::identity::sessions::Standing;
use yingdun_crypto::digest::same;
use yingdun_crypto::{Context, Sealed};
use yingdun_model::Timestamp;

/// The longest value of ours that is looked at when it comes back.
const NONCE_BYTES_MAX: usize = 512;

/// By which scheme a token came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer` (RFC 6750), or a cookie.
    #[default]
    Bearer,
    /// `DPoP` (RFC 9449 §7.1).
    Dpop,
}

/// A proof of a key, and for which request it has to be.
#[derive(Clone, Copy)]
pub struct ShownProof<'a> {
    /// The proof as it came.
    pub jwt: &'a str,
    /// The method of the request.
    pub method: &'a str,
    /// The address of the request as programs reach it, without query.
    pub uri: &'a str,
}

/// What a program shows beside its token or its secret.
#[derive(Clone, Copy, Default)]
pub struct Presented<'a> {
    /// The certificate of the connection.
    pub certificate: Option<ClientCertificate>,
    /// A proof of a key.
    pub proof: Option<ShownProof<'a>>,
    /// How the token came.
    pub scheme: Scheme,
}

/// Why a token is not taken with what was shown.
pub(crate) enum Unfit {
    /// It is on the ledger, and the token is refused.
    Fault(Fault),
    /// It is on the ledger, and the proof is refused.
    BadProof(Fault),
    /// Not a fault: the program has to ask again with a value of ours.
    NonceNeeded,
    /// More was used than is remembered.
    Full,
}

/// A key that was proved, and what of the proof may come once.
pub(crate) struct JudgedKey {
    /// The thumbprint of the key.
    pub(crate) key: [u8; 32],
    once: [u8; 32],
}

impl Access {
    /// A value that proofs of keys have to carry from now on, for some minutes, at whatever node (RFC 9449 §8). It says when it was made, and
    /// nobody else makes one.
    #[must_use]
    pub fn proof_nonce(&self) -> Option<String> {
        let now = self.inner.clock.now().as_ms();
        let sealed = Sealed::seal(&self.inner.identity_key, &self.nonce_context(), &now).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed.as_bytes()))
    }

    /// Whether what is shown beside a token is what the token is bound to, and all that its account demands.
    pub(crate) async fn fits(
        &self,
        standing: &Standing,
        token: &str,
        presented: &Presented<'_>,
        now: Timestamp,
    ) -> Result<Result<(), Unfit>, SignInError> {
        let bound = &standing.session.bound;
        if let Some(bound) = &bound.certificate {
            let shown = presented.certificate.filter(|shown| shown.is_valid_at(now));
            if !shown.is_some_and(|shown| same(&shown.sha256, bound)) {
                return Ok(Err(Unfit::Fault(Fault::OtherCertificate)));
            }
        }
        if !meets_demands(standing) {
            return Ok(Err(Unfit::Fault(Fault::DemandNotMet)));
        }
        let (key, proof) = match (&bound.key, presented.scheme, presented.proof) {
            (None, Scheme::Bearer, _) => return Ok(Ok(())),
            (None, Scheme::Dpop, _) => return Ok(Err(Unfit::Fault(Fault::NotBoundToKey))),
            (Some(_), Scheme::Bearer, _) | (Some(_), Scheme::Dpop, None) => {
                return Ok(Err(Unfit::Fault(Fault::WithoutProof)));
            }
            (Some(key), Scheme::Dpop, Some(proof)) => (key, proof),
        };
        let account = standing.session.actor.as_str();
        let judged = match self.judge_key(proof, Some(token), now) {
            Ok(judged) => judged,
            Err(unfit) => return Ok(Err(unfit)),
        };
        if !same(&judged.key, key) {
            return Ok(Err(Unfit::Fault(Fault::OtherKey)));
        }
        self.spend_key(&judged, account, now).await
    }

    /// The key that a proof proves, for this request; nothing is written down of it yet.
    pub(crate) fn judge_key(
        &self,
        shown: ShownProof<'_>,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<JudgedKey, Unfit> {
        let expected = Expected { method: shown.method, uri: shown.uri, token, now };
        let Proved { key, once, nonce } =
            proof::judge(shown.jwt, expected).map_err(|fault| Unfit::BadProof(Fault::Proof(fault)))?;
        if !nonce.is_some_and(|nonce| self.is_fresh(&nonce, now)) {
            return Err(Unfit::NonceNeeded);
        }
        Ok(JudgedKey { key, once })
    }

    /// Uses a proof of an account, for this request and never again. Whoever has shown nothing but a proof has not come so far: a key is
    /// soon made, and every use is a row and a part of what the account may use.
    pub(crate) async fn spend_key(
        &self,
        judged: &JudgedKey,
        account: &str,
        now: Timestamp,
    ) -> Result<Result<(), Unfit>, SignInError> {
        // It could come again as long as the nonce is good, and no longer.
        let expires = now.after(REMEMBERED);
        let used = self.inner.once.spend(&self.inner.identity, account, &judged.once, expires, now).await;
        Ok(match used.map_err(SignInError::Unavailable)? {
            Use::First => Ok(()),
            Use::Again => Err(Unfit::BadProof(Fault::ReplayedProof)),
            Use::Full => Err(Unfit::Full),
        })
    }

    fn is_fresh(&self, nonce: &str, now: Timestamp) -> bool {
        if nonce.len() > NONCE_BYTES_MAX {
            return false;
        }
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(nonce) else { return false };
        let opened = Sealed::<i64>::from_bytes(bytes).open(&self.inner.identity_key, &self.nonce_context());
        opened.is_ok_and(|made| {
            let made = Timestamp::from_ms(made);
            // A node whose clock is ahead of ours by less than we allow anybody made it a moment ago.
            made <= now.after(crate::oidc::CLOCK_SKEW_MAX) && now < made.after(NONCE_LASTS)
        })
    }

    fn nonce_context(&self) -> Context {
        Context::new("yingdun/dpop-nonce/v1").field(self.inner.institution.as_str())
    }
}

/// Whether a token is bound to all that its account demands now.
pub(crate) fn meets_demands(standing: &Standing) -> bool {
    let bound = &standing.session.bound;
    let is_met = |demand: &Demand| match demand {
        Demand::Certificate => bound.certificate.is_some(),
        Demand::Dpop => bound.key.is_some(),
        // Looked at where the whole request is.
        Demand::Signature => true,
    };
    parse_demands(&standing.demands).is_ok_and(|demands| demands.iter().all(is_met))
}

/// How long a value of ours is taken. With the clock of another node a minute ahead, a proof that carries it could come again for as long
/// as is remembered, and not longer.
const NONCE_LASTS: std::time::Duration = std::time::Duration::from_secs(4 * 60);
