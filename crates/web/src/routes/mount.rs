//! From the table to the router. The only place that mounts anything.

pub(crate) use super::gate::{check_address, check_fields};

use super::gate;
use super::{Method, RouteId, Service};
use crate::http::problem::{Kind, Problem};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::{MethodFilter, on};
use std::sync::Arc;

/// The router of every route in the table, under every prefix of its family.
pub(crate) fn router(service: &Arc<Service>) -> Router {
    let mut router = Router::new();
    for id in RouteId::ALL.iter().copied() {
        let route = id.describe();
        for prefix in route.family.prefixes() {
            let service = Arc::clone(service);
            let handler = move |request: Request<Body>| gate::pass(id, Arc::clone(&service), request);
            router = router.route(&format!("{prefix}{}", route.path), on(filter(route.method), handler));
        }
    }
    router
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed).into_response() })
        .fallback(|| async {
            Problem::new(Kind::NotFound)
                .remedy("see /api/openapi.json for the paths of this server")
                .into_response()
        })
}

const fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
        Method::Options => MethodFilter::OPTIONS,
    }
}
