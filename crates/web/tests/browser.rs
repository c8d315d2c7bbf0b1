//! Viewers in a browser: scripts of another origin read answers where the configuration names their origin.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected stops right there"
)]

mod harness;

use harness::{Running, VIEWER};
use reqwest::Method;

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_a_configured_origin_may_ask_and_read_and_no_other() {
    let running = Running::start().await;
    let preflight = async |path: &str, origin: &str| {
        let asks = running.client.request(Method::OPTIONS, format!("{}{path}", running.origin));
        let asks = asks.header("origin", origin).header("access-control-request-method", "GET");
        asks.header("access-control-request-headers", "authorization").send().await.unwrap()
    };
    let allowed = preflight("/dicom-web/studies", VIEWER).await;
    assert_eq!(allowed.status(), 204);
    assert_eq!(allowed.headers()["access-control-allow-origin"], VIEWER);
    assert_eq!(allowed.headers()["vary"], "Origin");
    assert!(allowed.headers().get("access-control-allow-credentials").is_none(), "cookies stay at home");
    for (path, origin) in [
        ("/dicom-web/studies", "https://other.example"),
        ("/dicom-web/studies", "null"),
        ("/login", VIEWER),
        ("/api/v1/people", VIEWER),
    ] {
        let refused = preflight(path, origin).await;
        assert!(refused.headers().get("access-control-allow-origin").is_none(), "{path} {origin}");
    }

    // A refusal can be read by the script too: how else would it know that it has to sign in?
    let get = running.client.get(format!("{}/dicom-web/studies", running.origin));
    let answer = get.header("origin", VIEWER).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["access-control-allow-origin"], VIEWER);
    assert!(answer.headers()["access-control-expose-headers"].to_str().unwrap().contains("WWW-Authenticate"));
}
