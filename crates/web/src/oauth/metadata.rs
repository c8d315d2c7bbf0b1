//! What this authorization server can do (RFC 8414).

use crate::http::answer;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

/// The metadata document.
pub(crate) fn metadata(call: &Call) -> Response<Body> {
    let origin = &call.service.origin;
    let mut methods = vec!["client_secret_basic", "client_secret_post", "none"];
    if call.service.takes_certificates {
        methods.extend(["tls_client_auth", "self_signed_tls_client_auth"]);
    }
    answer::json(
        StatusCode::OK,
        &json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/oauth2/authorize"),
            "token_endpoint": format!("{origin}/oauth2/token"),
            "revocation_endpoint": format!("{origin}/oauth2/revoke"),
            "introspection_endpoint": format!("{origin}/oauth2/introspect"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": methods,
            "tls_client_certificate_bound_access_tokens": call.service.takes_certificates,
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "ui_locales_supported": ["zh-CN", "en"],
        }),
    )
}
