//! The DICOMweb part of the statement (PS3.18, PS3.2 §N.1.2), from the route table of the door.

use super::page::Page;
use yingdun_web::{Family, Place, Route, RouteId, limits};

/// Resources, parameters and media types of DICOMweb.
pub(super) fn write(page: &mut Page) {
    page.heading(2, "DICOMweb services");
    page.block(&format!(
        "Origin server over HTTPS (HTTP/1.1 and HTTP/2). Every request carries an OAuth 2 access token. Roots: {}. \
         A request that stores has at most {} GiB.",
        Family::DicomWeb.prefixes().iter().map(|root| format!("`{root}`")).collect::<Vec<_>>().join(", "),
        limits::STOW_BYTES_MAX >> 30,
    ));
    let routes: Vec<Route> = RouteId::ALL
        .iter()
        .map(|id| id.describe())
        .filter(|route| route.family == Family::DicomWeb)
        .collect();
    page.table(
        ["resource", "what", "query parameters", "media types of the body", "media types of the answer"],
        routes.iter().map(|route| {
            [
                format!("`{} {}`", route.method.as_str(), route.path),
                route.summary_en.to_owned(),
                parameters(route),
                listed(route.body.media_types()),
                listed(route.produces),
            ]
        }),
    );
}

fn parameters(route: &Route) -> String {
    let names: Vec<&str> =
        route.parameters.iter().filter(|of| of.place == Place::Query).map(|of| of.name).collect();
    listed(&names)
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
