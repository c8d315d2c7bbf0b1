//! Orthanc, configured with nothing but ports, folders, its DICOMweb plugin and, where asked for, TLS.
//!
//! DICOM over TLS is Orthanc's own. HTTPS is that of an nginx in front of it, as Orthanc's manual advises: the HTTPS
//! of Debian 12's package itself ends with a segmentation fault at the first request (its libcivetweb 1.15 calls a
//! function that OpenSSL 3 does not have).

use super::storescp::NO_DELAY;
use super::{CALLING, Environment, Running, destination, is_installed, settings};
use crate::failure::{Outcome, While};
use crate::load::http::HttpTarget;
use crate::load::sink::Sink;
use crate::load::store::DicomTarget;
use crate::pki::Pki;
use crate::process::{Server, free_address};
use rustls::ServerConfig;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use yingdun_dimse::scp::Transport;
use yingdun_dimse::tls::{Identity, Trust, server_config};

pub(super) const PROGRAM: &str = "Orthanc";
const NGINX: &str = "nginx";

/// The DICOMweb plugin of Debian's package.
const PLUGIN: &str = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so";

/// Whether files are synced to disk before an instance is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    /// As Orthanc does by default.
    Default,
    /// Not; only for loading, never while something is measured.
    Off,
}

pub(super) async fn start(
    environment: &Environment,
    folder: &Path,
    tls: bool,
    sync: Sync,
) -> Outcome<Running> {
    let (http, dicom) = (free_address()?, free_address()?);
    let storage = folder.join("storage");
    let pki = &environment.pki;
    let sink = Sink::listen(if tls { Transport::Tls(receiving(pki)?) } else { Transport::Plain }).await?;
    let mut config = json!({
        "Name": "benchmark",
        "StorageDirectory": storage,
        "IndexDirectory": storage,
        "Plugins": [PLUGIN],
        "HttpPort": http.port(),
        "DicomPort": dicom.port(),
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": false,
        "DicomModalities": {
            CALLING: {"AET": CALLING, "Host": "127.0.0.1", "Port": sink.port(), "UseDicomTls": tls},
        },
        "DicomWeb": {"Enable": true, "Root": "/dicom-web/", "Ssl": tls},
    });
    if let Some(options) = config.as_object_mut() {
        if tls {
            options.insert("DicomTlsEnabled".into(), json!(true));
            options.insert("DicomTlsCertificate".into(), json!(pki.certificate));
            options.insert("DicomTlsPrivateKey".into(), json!(pki.key));
            options.insert("DicomTlsTrustedCertificates".into(), json!(pki.authority));
        }
        if sync == Sync::Off {
            options.insert("SyncStorageArea".into(), json!(false));
        }
    }
    let path = folder.join("orthanc.json");
    fs::write(&path, config.to_string()).or_fail("configuring Orthanc")?;
    let mut command = Command::new(PROGRAM);
    command.arg(&path).env(NO_DELAY.0, NO_DELAY.1);
    let mut server = Server::start(&mut command, &folder.join("log"))?;
    server.wait_for(http)?;
    server.wait_for(dicom)?;
    let mut settings = settings()?;
    settings.tls = tls.then(|| pki.mutual.clone());
    let dicom = DicomTarget { destination: destination("ORTHANC", dicom.port())?, settings };
    let plain = HttpTarget { address: http, tls: None, bearer: None };
    let (http, helper) = match tls {
        false => (Some(plain), None),
        true if is_installed(NGINX) => {
            let (address, nginx) = start_nginx(environment, folder, http)?;
            (Some(HttpTarget { address, tls: Some(pki.https.clone()), bearer: None }), Some(nginx))
        }
        true => (None, None),
    };
    Ok(Running { server, helper, dicom, http, sink: Some(sink), client: None, storage })
}

/// How the destination of its C-MOVE takes connections.
fn receiving(pki: &Pki) -> Outcome<Arc<ServerConfig>> {
    const WHAT: &str = "setting up TLS";
    let read = |path: &Path| fs::read(path).or_fail(WHAT);
    let identity = Identity::from_pem(&read(&pki.certificate)?, &read(&pki.key)?).or_fail(WHAT)?;
    let trust = Trust::from_pem(&read(&pki.authority)?).or_fail(WHAT)?;
    server_config(identity, &trust).or_fail(WHAT)
}

/// Ends TLS in front of a plain server: one worker for each core, answers passed on as they come.
fn start_nginx(environment: &Environment, folder: &Path, to: SocketAddr) -> Outcome<(SocketAddr, Server)> {
    let address = free_address()?;
    let pki = &environment.pki;
    let config = format!(
        "daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
         events {{ worker_connections 256; }}
         http {{
           access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
           fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
           upstream orthanc {{ server {to}; keepalive 32; }}
           server {{
             listen {address} ssl; ssl_protocols TLSv1.2 TLSv1.3;
             ssl_certificate {certificate}; ssl_certificate_key {key};
             keepalive_requests 100000;
             location / {{
               proxy_pass http://orthanc; proxy_http_version 1.1; proxy_set_header Connection \"\";
               proxy_buffering off; proxy_buffer_size 256k; proxy_buffers 8 256k;
               proxy_busy_buffers_size 512k;
             }}
           }}
         }}",
        folder = folder.display(),
        certificate = pki.certificate.display(),
        key = pki.key.display(),
    );
    let path = folder.join("nginx.conf");
    fs::write(&path, config).or_fail("configuring nginx")?;
    let mut command = Command::new(NGINX);
    let mut server =
        Server::start(command.arg("-p").arg(folder).arg("-c").arg(&path), &folder.join("nginx-log"))?;
    server.wait_for(address)?;
    Ok((address, server))
}
