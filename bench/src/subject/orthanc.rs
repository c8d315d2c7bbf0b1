//! Orthanc, configured with nothing but ports, folders, its DICOMweb plugin and, where asked for, TLS.

use super::{Environment, Running, destination, settings};
use crate::failure::{Outcome, While};
use crate::load::http::HttpTarget;
use crate::load::store::DicomTarget;
use crate::process::{Server, free_address};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;

pub(super) const PROGRAM: &str = "Orthanc";

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

pub(super) fn start(environment: &Environment, folder: &Path, tls: bool, sync: Sync) -> Outcome<Running> {
    let (http, dicom) = (free_address()?, free_address()?);
    let storage = folder.join("storage");
    let pki = &environment.pki;
    let mut config = json!({
        "Name": "benchmark",
        "StorageDirectory": storage,
        "IndexDirectory": storage,
        "Plugins": [PLUGIN],
        "HttpPort": http.port(),
        "DicomPort": dicom.port(),
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": false,
        "DicomWeb": {"Enable": true, "Root": "/dicom-web/", "Ssl": tls},
    });
    if let Some(options) = config.as_object_mut() {
        if tls {
            options.insert("SslEnabled".into(), json!(true));
            options.insert("SslCertificate".into(), json!(pki.both));
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
    let mut server = Server::start(Command::new(PROGRAM).arg(&path), &folder.join("log"))?;
    server.wait_for(http)?;
    server.wait_for(dicom)?;
    let mut settings = settings()?;
    settings.tls = tls.then(|| pki.mutual.clone());
    Ok(Running {
        server,
        dicom: DicomTarget { destination: destination("ORTHANC", dicom.port())?, settings },
        http: Some(HttpTarget { address: http, tls: tls.then(|| pki.https.clone()), bearer: None }),
        storage,
    })
}
