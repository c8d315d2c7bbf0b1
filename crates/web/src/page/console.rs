//! The console: one page, and the files that it loads. The page shows nothing by itself; what it shows it asks for like any program, in the
//! session of its browser.

use super::html::page;
use super::sign_in;
use crate::http::problem::{Kind, Problem};
use crate::http::{answer, compress};
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, LINK, VARY,
};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use yingdun_access::Stage;
use yingdun_crypto::random;

/// Where the console is.
const CONSOLE: &str = "/console/";

/// What a browser may do for a page that it shows (W3C Permissions Policy): nothing of this is needed, so nothing of it can be abused.
const PERMISSIONS: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), serial=(), usb=()";

/// Files have a digest in their name, so they never change.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Home: the console for who is signed in; the studies without scripts where the console is not built in.
pub(crate) async fn home(call: Call) -> Result<Response<Body>, Problem> {
    match (&call.identity, yingdun_console::is_built()) {
        (Some(_), true) => Ok(answer::see_other(CONSOLE)),
        _ => super::studies::list(call).await,
    }
}

/// The page of the console, at whatever of its addresses; without a session, the sign-in form.
pub(crate) async fn index(call: &Call) -> Result<Response<Body>, Problem> {
    match call.identity.as_ref().map(yingdun_access::Session::stage) {
        None => return sign_in::show(call).await,
        Some(Stage::Prove | Stage::Enrol) => return Ok(answer::see_other("/second-factor")),
        Some(Stage::Whole) => {}
    }
    let nonce = STANDARD.encode(random::array::<16>());
    let Some(text) = yingdun_console::page(&nonce) else { return Ok(not_built()) };
    let mut response = answer::with_body(StatusCode::OK, "text/html; charset=utf-8", text);
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; img-src 'self' blob: data:; \
         connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(ahead) = loads_ahead(call.in_path("path").unwrap_or_default()) {
        headers.insert(LINK, ahead);
    }
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    Ok(response)
}

/// A file that the page loads. It tells nothing, so it is anybody's.
pub(crate) fn file(call: &Call) -> Result<Response<Body>, Problem> {
    let name = format!("assets/{}", call.in_path("file").unwrap_or_default());
    let file = yingdun_console::file(&name).ok_or_else(|| Problem::new(Kind::NotFound))?;
    let brotli = file.brotli.filter(|_| compress::takes(&call.headers, "br"));
    let mut response = answer::with_body(StatusCode::OK, file.media_type(), brotli.unwrap_or(file.bytes));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, FOR_EVER);
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    if brotli.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    Ok(response)
}

// === helpers ===

/// The module of the viewer, where a study is opened by its address: a browser fetches it while it still reads the page (RFC 8288, HTML
/// §4.6.8.18). It is by far the largest part of the console; to have it compiled as well (`modulepreload`) would hold up the first pictures.
fn loads_ahead(place: &str) -> Option<HeaderValue> {
    let workspace = yingdun_console::part("Workspace").filter(|_| place.starts_with("viewer/"))?;
    HeaderValue::from_str(&format!("<{CONSOLE}{}>; rel=preload; as=script; crossorigin", workspace.name)).ok()
}

fn not_built() -> Response<Body> {
    let main = "<p>本程序未包含控制台。请用 <code>script/console build</code> 构建控制台后重新编译，或使用下列页面。<br><small lang=\"en\">The \
                console is not built into this program. Run <code>script/console build</code> and build it again, or use these \
                pages.</small></p><p><a href=\"/studies\">检查 Studies</a> · <a href=\"/sessions\">会话 Sessions</a> · \
                <a href=\"/second-factor\">第二因素 Second factor</a></p>";
    page(StatusCode::OK, "控制台", "Console", main)
}
