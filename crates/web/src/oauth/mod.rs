//! OAuth 2: client credentials for programs, authorization code with PKCE for people (RFC 6749, 7636, 9700),
//! revocation (RFC 7009), introspection (RFC 7662) and metadata (RFC 8414). Tokens, codes and their rules are made in `yingdun-access`;
//! this room speaks the protocol.

pub(crate) mod authorize;
pub(crate) mod introspect;
pub(crate) mod metadata;
mod refusal;
pub(crate) mod token;
