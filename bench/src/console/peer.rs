//! OHIF as its makers publish it, on one address with a way to the server that is measured. Its files lie in memory and come uncompressed over
//! plain HTTP, so that nothing but its own work is slow: no decompressing and no TLS for them. The reader's token is put into its requests on
//! the way, so it does not sign in.

use crate::failure::{Failure, Outcome, While};
use crate::load::http::{HttpClient, HttpTarget};
use crate::process::run;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// Which package, and what its bytes are.
const PIN: &str = include_str!("../../console/ohif.json");
/// Its configuration.
const CONFIG: &str = include_str!("../../console/ohif-config.js");
/// Where fetched peers are kept from run to run.
const KEPT: &str = "target/peers";
/// What below its address is the server's.
const DICOM_WEB: &str = "/dicom-web";

/// OHIF that can be opened.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Name and version.
    pub(super) version: String,
}

#[derive(Deserialize)]
struct Pin {
    name: String,
    version: String,
    integrity: String,
}

/// What npm says of a package that it fetched.
#[derive(Deserialize)]
struct Packed {
    filename: String,
    integrity: String,
}

impl Peer {
    /// Fetches it if it is not there, and serves it as long as this program runs.
    pub(super) async fn start(to: HttpTarget) -> Outcome<Self> {
        let pin: Pin = serde_json::from_str(PIN).or_fail("reading which OHIF is wanted")?;
        let folder = fetched(&pin)?;
        let mut files = HashMap::new();
        read(&folder, &folder, &mut files)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.or_fail("listening")?;
        let address = listener.local_addr().or_fail("listening")?;
        let shared = Arc::new(Shared { files, to, idle: Mutex::default() });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A browser waits for small answers.
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(&shared);
                let answer = service_fn(move |request| {
                    let shared = Arc::clone(&shared);
                    async move { Ok::<_, Infallible>(shared.answer(request).await) }
                });
                // Whoever closes a connection is a browser that ended.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Ok(Self { address, version: format!("{} {}", pin.name, pin.version) })
    }
}

// === helpers ===

struct Shared {
    files: HashMap<String, Bytes>,
    to: HttpTarget,
    /// Connections to the server that wait for the next request.
    idle: Mutex<Vec<HttpClient>>,
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path().starts_with(DICOM_WEB) {
            let path = request.uri().path_and_query().map_or(DICOM_WEB, |path| path.as_str()).to_owned();
            let accept = request
                .headers()
                .get(ACCEPT)
                .and_then(|accept| accept.to_str().ok())
                .unwrap_or("*/*")
                .to_owned();
            return match self.passed_on(&path, &accept).await {
                Ok(response) => response,
                Err(failure) => response(StatusCode::BAD_GATEWAY, "text/plain", failure.to_string().into()),
            };
        }
        let path = request.uri().path();
        if path == "/app-config.js" {
            return response(StatusCode::OK, "text/javascript", Bytes::from_static(CONFIG.as_bytes()));
        }
        // Every other address is its page, as its own server settings say.
        let (name, file) = match self.files.get(path) {
            Some(file) => (path, file),
            None => match self.files.get("/index.html") {
                Some(page) => ("/index.html", page),
                None => return response(StatusCode::NOT_FOUND, "text/plain", Bytes::new()),
            },
        };
        response(StatusCode::OK, media_type(name), file.clone())
    }

    async fn passed_on(&self, path: &str, accept: &str) -> Outcome<Response<Full<Bytes>>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut client = match idle {
            Some(client) => client,
            None => HttpClient::connect(&self.to).await?,
        };
        let (answer, body) = client.send(Method::GET, path, &[("accept", accept)], Bytes::new()).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Ok(response(answer.status(), kind.unwrap_or("application/octet-stream"), body))
    }
}

/// With what lets it share memory between its threads; its files are kept by the browser, what the server gives is not.
fn response(status: StatusCode, kind: &str, body: Bytes) -> Response<Full<Bytes>> {
    let keep =
        if kind.starts_with("multipart") || kind.contains("dicom") { "no-store" } else { "max-age=3600" };
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .header(CACHE_CONTROL, keep)
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-embedder-policy", "require-corp")
        .body(Full::new(body))
        .unwrap_or_default()
}

/// The folder of its files: fetched from npm's registry, compared with the pinned digest, kept for the next run.
fn fetched(pin: &Pin) -> Outcome<PathBuf> {
    let whole = Path::new(KEPT).join(format!("ohif-{}", pin.version));
    let dist = whole.join("package/dist");
    if dist.is_dir() {
        return Ok(dist);
    }
    fs::create_dir_all(KEPT).or_fail("making a folder")?;
    let scratch = tempfile::tempdir_in(KEPT).or_fail("making a folder")?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", "--json", "--pack-destination"]).arg(scratch.path());
    pack.arg(format!("{}@{}", pin.name, pin.version));
    eprintln!("fetching {} {}", pin.name, pin.version);
    let packed: Vec<Packed> = serde_json::from_str(&run(&mut pack)?).or_fail("reading what npm says")?;
    let packed = packed.first().or_fail("npm fetched nothing")?;
    if packed.integrity != pin.integrity {
        return Err(Failure::new(format!(
            "expected {} with {}, got {}",
            pin.name, pin.integrity, packed.integrity
        )));
    }
    let mut unpack = Command::new("tar");
    // A model for segmenting, which this part does not use.
    unpack.arg("-xzf").arg(scratch.path().join(&packed.filename)).arg("--exclude=*/ort");
    run(unpack.arg("-C").arg(scratch.path()))?;
    let made = scratch.keep();
    fs::rename(&made, &whole).or_fail("keeping what was fetched")?;
    Ok(dist)
}

fn read(folder: &Path, top: &Path, files: &mut HashMap<String, Bytes>) -> Outcome<()> {
    const WHAT: &str = "reading the files of a peer";
    for entry in fs::read_dir(folder).or_fail(WHAT)? {
        let path = entry.or_fail(WHAT)?.path();
        if path.is_dir() {
            read(&path, top, files)?;
        } else if let Ok(name) = path.strip_prefix(top) {
            files.insert(format!("/{}", name.display()), fs::read(&path).or_fail(WHAT)?.into());
        }
    }
    Ok(())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("json" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
