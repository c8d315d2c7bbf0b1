//! The installation of a demonstration, running: loopback only, free ports, three replica folders, SQLite.

use super::DemoError;
use super::people::{People, SignedInPerson};
use super::watch;
use crate::cli::{DatabasesArgs, InitArgs, OpenerArgs, PlacesArgs, RootArgs};
use crate::config::Config;
use crate::installation::{PKI_FOLDER, Plan};
use crate::pki::Authority;
use crate::process::private::make_directory;
use crate::wiring::System;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::{DeviceHabits, DeviceRecord};
use yingdun_crypto::digest::sha256;
use yingdun_dimse::scu::{Destination, Settings};
use yingdun_dimse::tls;
use yingdun_model::{AeTitle, InstitutionId};

/// The name of the registered device, and of its certificate.
pub(super) const DEVICE: &str = "CT01";
/// The title by which it calls the archive.
pub(super) const ARCHIVE: &str = "YINGDUN";
const INSTITUTION: &str = "demo";
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

/// How long one request may take: far more than any of them needs.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);

/// A running archive and everybody who uses it.
pub(super) struct House {
    pub(super) config: Config,
    pub(super) system: System,
    pub(super) people: People,
    pub(super) device: Device,
    /// Trusts the authority of this installation and no other.
    pub(super) http: reqwest::Client,
}

/// The files with which the device proves itself, and how it calls.
pub(super) struct Device {
    pub(super) certificate: PathBuf,
    pub(super) private_key: PathBuf,
    tls: Arc<rustls::ClientConfig>,
}

impl House {
    /// Makes the installation in an empty folder, starts it, and lets the officers create the people and the
    /// device.
    pub(super) async fn build(folder: &Path) -> Result<Self, DemoError> {
        let any_port: SocketAddr = (LOOPBACK, 0).into();
        let institution =
            InstitutionId::new(INSTITUTION).map_err(|error| DemoError::NotSo(error.to_string()))?;
        let plan = Plan::new(&InitArgs {
            directory: folder.to_owned(),
            institution,
            places: PlacesArgs {
                replica: Vec::new(),
                host: Vec::new(),
                web_listen: any_port,
                dicom_tls_listen: any_port,
                dicom_plain_listen: None,
            },
            databases: DatabasesArgs::default(),
            root: RootArgs::default(),
            opener: OpenerArgs::default(),
            setup_link: false,
            dry_run: false,
        })?;
        let installed = plan.install().await?;
        let mut config = Config::load(&installed.config)?;
        config.monitor.limits_file = Some(watch::set_limit(folder)?);
        let system = System::start(&config).await?;

        let ca = std::fs::read(&installed.ca_file)?;
        let (device, digest) = Device::issue(&folder.join(PKI_FOLDER), &ca)?;
        let record = DeviceRecord {
            ae_title: title(DEVICE)?,
            called_ae: title(ARCHIVE)?,
            certificate_sha256: Some(digest),
            addresses: "127.0.0.1"
                .parse()
                .map_err(|error: yingdun_access::AddressListError| DemoError::NotSo(error.to_string()))?,
            plain_allowed: false,
            disabled: false,
            institution: system.institution().clone(),
            scopes: BTreeSet::new(),
            destination: None,
            habits: DeviceHabits::default(),
        };
        let people = People::found(&system, &installed.invitations, &record).await?;
        let http = reqwest::Client::builder()
            .https_only(true)
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca)?)
            .timeout(REQUEST_TIME_MAX)
            .build()?;
        Ok(Self { config, system, people, device, http })
    }

    /// Asks the administration API as somebody who is signed in; the path begins behind `/api/v1`.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        person: &SignedInPerson,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, DemoError> {
        let url = format!("{}/api/v1{path}", self.system.addresses().web);
        let request = self.http.request(method, url).bearer_auth(person.token.expose());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// How the registered device calls.
    pub(super) fn calling(&self) -> Result<(Destination, Settings), DemoError> {
        self.calling_as(DEVICE)
    }

    /// How somebody calls who has the device's certificate and claims to be `name`.
    pub(super) fn calling_as(&self, name: &str) -> Result<(Destination, Settings), DemoError> {
        let door = self.system.addresses().dicom_tls;
        let door = door.ok_or_else(|| DemoError::NotSo("the DICOM door is closed".into()))?;
        let destination =
            Destination { ae_title: title(ARCHIVE)?, host: door.ip().to_string(), port: door.port() };
        Ok((destination, Settings::new(title(name)?).with_tls(Arc::clone(&self.device.tls))))
    }

    /// The address that signs the doctor in once.
    pub(super) async fn login_link(&self) -> Result<String, DemoError> {
        let link = self.people.login_link(&self.system).await?;
        Ok(format!("{}/login/{}", self.system.addresses().web, link.token.expose()))
    }
}

impl Device {
    fn issue(pki: &Path, ca: &[u8]) -> Result<(Self, [u8; 32]), DemoError> {
        let folder = pki.join("issued");
        make_directory(&folder)?;
        let identity = Authority::load(pki)?.issue_client(DEVICE)?;
        identity.save(&folder, DEVICE)?;
        let own = tls::Identity::from_pem(
            identity.certificate_pem.as_bytes(),
            identity.private_key_pem.as_bytes(),
        )?;
        let device = Self {
            certificate: folder.join(format!("{DEVICE}.pem")),
            private_key: folder.join(format!("{DEVICE}.key")),
            tls: tls::client_config(Some(own), &tls::Trust::from_pem(ca)?)?,
        };
        Ok((device, sha256(&identity.certificate_der)))
    }
}

fn title(text: &str) -> Result<AeTitle, DemoError> {
    AeTitle::new(text).map_err(|error| DemoError::NotSo(error.to_string()))
}
