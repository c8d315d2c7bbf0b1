//! Retrieve Capabilities (PS3.18 §8.9): what DICOMweb can do here, made of the route table.

use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::routes::wadl::{self, WADL};
use crate::routes::{Call, openapi};
use axum::body::Body;
use axum::http::{Response, StatusCode};

/// Describes the routes as WADL, or as OpenAPI for those who take JSON only.
pub(crate) fn describe(call: &Call) -> Result<Response<Body>, Problem> {
    const OFFERED: [&str; 2] = [WADL, "application/json"];
    let origin = &call.service.origin;
    match call.accept.choose(&OFFERED) {
        Some("application/json") => Ok(answer::json(StatusCode::OK, &openapi::document(origin))),
        Some(_) => Ok(answer::with_body(StatusCode::OK, WADL, wadl::document(origin))),
        None => Err(Problem::new(Kind::NotAcceptable)
            .expected(format!("Accept: {WADL} or application/json"))
            .available(OFFERED.map(str::to_owned))),
    }
}
