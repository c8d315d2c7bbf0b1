//! Refusals in the words of OAuth 2 (RFC 6749 §5.2).

use crate::http::answer;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use yingdun_access::SignInError;

/// Why no token was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OAuthError {
    /// A parameter is missing, doubled or malformed.
    InvalidRequest,
    /// The client is unknown, disabled or has not proved itself.
    InvalidClient,
    /// The code or its verifier is not accepted.
    InvalidGrant,
    /// Another grant type than ours.
    UnsupportedGrantType,
    /// Another response type than `code`.
    UnsupportedResponseType,
    /// The proof of a key is not accepted (RFC 9449 §5).
    InvalidProof,
    /// The proof of a key does not carry a fresh value of ours (RFC 9449 §8).
    UseNonce,
    /// Accounts or audit do not answer.
    TemporarilyUnavailable,
}

impl OAuthError {
    /// The word of the protocol.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidProof => "invalid_dpop_proof",
            Self::UseNonce => "use_dpop_nonce",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::InvalidProof
            | Self::UseNonce => StatusCode::BAD_REQUEST,
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What a refused sign-in means for a token request; `refused` is the word for wrong credentials.
    pub(crate) fn of_sign_in(error: &SignInError, refused: Self) -> Self {
        match error {
            SignInError::Refused
            | SignInError::ChooseRole { .. }
            | SignInError::PasswordLength
            | SignInError::SecondFactorNeeded
            | SignInError::SecondFactorExists
            | SignInError::NoSecondFactor
            | SignInError::SecondFactorDamaged
            | SignInError::NameTaken
            | SignInError::Frozen
            | SignInError::PasswordElsewhere
            | SignInError::Passkey(_)
            | SignInError::NoDirectory => refused,
            SignInError::BadProof => Self::InvalidProof,
            SignInError::NonceNeeded => Self::UseNonce,
            SignInError::Busy
            | SignInError::TooManyProofs
            | SignInError::DirectoryUnavailable(_)
            | SignInError::AuditUnavailable(_)
            | SignInError::Unavailable(_) => {
                tracing::error!(%error, "a token could not be given");
                Self::TemporarilyUnavailable
            }
        }
    }

    /// The answer of the token endpoint.
    pub(crate) fn into_response(self, description: &str) -> Response<Body> {
        let body = json!({"error": self.as_str(), "error_description": description});
        let mut response = answer::json(self.status(), &body);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::InvalidClient => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"yingdun\""));
            }
            Self::TemporarilyUnavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::InvalidProof
            | Self::UseNonce => {}
        }
        response
    }
}
