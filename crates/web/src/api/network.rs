//! Calls to registered devices that somebody asks for.

use super::accounts::ae_title;
use super::problems::of_refusal;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;

/// Seconds after which a client may try again when too many devices are tried at once: a test takes less than a minute.
const ECHO_RETRY_SECONDS: u32 = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EchoBody {
    called_ae: String,
}

/// Tries whether a device can be reached where its record says. What goes wrong there is the answer, not a refusal.
pub(crate) async fn echo(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let EchoBody { called_ae } = json_of(body).await?;
    let title = ae_title(call.in_path("ae_title").unwrap_or_default())?;
    let found = call.service.access.device_to_verify(call.session()?, &title, &ae_title(&called_ae)?).await;
    let device = found
        .map_err(|refused| of_refusal(&refused))?
        .ok_or_else(|| Problem::new(Kind::NotFound).expected("a device of this institution"))?;
    if device.disabled || device.destination.is_none() {
        return Err(Problem::new(Kind::Conflict)
            .expected("a device that is enabled and has a destination")
            .remedy("set in its record where it takes calls: destination host:port"));
    }
    let _turn = call.service.echoes.try_acquire().map_err(|_| {
        Problem::new(Kind::TooMany).expected("fewer tests at once").retry_after(ECHO_RETRY_SECONDS)
    })?;
    Ok(answer::json(StatusCode::OK, &call.service.hooks.network.echo(device).await))
}
