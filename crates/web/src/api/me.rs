//! What everybody may change about the own account.

use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::identity::of_sign_in;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use yingdun_access::SignInError;
use yingdun_model::Secret;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    present: String,
    new: String,
}

/// Sets a new password for the bearer of the token.
pub(crate) async fn change_password(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let PasswordBody { present, new } = json_of(body).await?;
    let (present, new) = (Secret::new(present), Secret::new(new));
    match call.service.access.change_password(call.session()?, present, new).await {
        Ok(()) => Ok(answer::empty(StatusCode::NO_CONTENT)),
        // The token is good: only the password is not.
        Err(SignInError::Refused) => Err(Problem::new(Kind::Forbidden)
            .expected("the present password of a person, and not too many failed attempts")
            .remedy("after several failures wait a quarter of an hour")),
        Err(other) => Err(of_sign_in(&other)),
    }
}
