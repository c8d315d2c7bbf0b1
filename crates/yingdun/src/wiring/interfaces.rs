//! Every way into this archive: from the tables of which the doors are made, with owner, class, authentication and encryption.
//!
//! The list is no second truth. An HTTP route stands in the table or is not mounted, a DICOM context is of a class in the list or
//! is not accepted, and the types leave no field of a row empty. What can be less than whole is encryption: DICOM without TLS, where
//! somebody opened it. That is measured.

use super::error::StartError;
use super::system::web_tls;
use super::{dicom, read_certificate};
use crate::config::Config;
use serde::Serialize;
use std::path::Path;
use yingdun_dicom::dictionary;
use yingdun_dimse::scp;
use yingdun_gateway::{Class, Zones};
use yingdun_model::Action;
use yingdun_web::{Authentication, Interface, Owner};

/// One row of the list.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    /// `https`, `dicom-tls`, `dicom` or `witness`.
    pub(crate) door: &'static str,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) owner: &'static str,
    pub(crate) class: &'static str,
    pub(crate) authentication: &'static str,
    /// `tls`, `mutual-tls` or `none`.
    pub(crate) encryption: &'static str,
    /// The zones in which it is served; null where its class is bound to none.
    pub(crate) zones: Option<Vec<String>>,
}

/// How much of what is served is registered, owned and encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Coverage {
    pub(crate) interfaces: usize,
    pub(crate) owned: usize,
    pub(crate) encrypted: usize,
    /// Where a caller has to prove who it is; the others are how that is done, or tell what everybody may know.
    pub(crate) authenticated: usize,
}

/// Every way in that the configuration opens.
pub(crate) fn interfaces(config: &Config) -> Vec<Listed> {
    let zones = Zones::new(&config.gateway).unwrap_or_default();
    let mut listed: Vec<Listed> =
        yingdun_web::interfaces().map(|of| row("https", "tls", of, &zones)).collect();
    let doors =
        [("dicom-tls", "mutual-tls", config.dicom.tls_listen), ("dicom", "none", config.dicom.plain_listen)];
    for (door, encryption, _) in doors.into_iter().filter(|(_, _, listen)| listen.is_some()) {
        listed.extend(services().map(|of| row(door, encryption, of, &zones)));
    }
    if config.audit.witness_directory.is_some() {
        listed.extend(yingdun_witness::interfaces().map(|of| row("witness", "tls", of, &zones)));
    }
    listed
}

/// How much of it is as it should be.
pub(crate) fn coverage(listed: &[Listed]) -> Coverage {
    let count = |holds: fn(&Listed) -> bool| listed.iter().filter(|row| holds(row)).count();
    Coverage {
        interfaces: listed.len(),
        owned: count(|row| !row.owner.is_empty()),
        encrypted: count(|row| row.encryption != "none"),
        authenticated: count(|row| row.authentication != Authentication::None.as_str()),
    }
}

/// Puts the coverage into the metrics.
pub(crate) fn measure(config: &Config) {
    let Coverage { interfaces, owned, encrypted, authenticated } = coverage(&interfaces(config));
    for (what, count) in
        [("all", interfaces), ("owned", owned), ("encrypted", encrypted), ("authenticated", authenticated)]
    {
        metrics::gauge!("yingdun_interfaces", "which" => what).set(count as f64);
    }
}

/// How one door speaks TLS, as it is set up now.
#[derive(Debug, Serialize)]
pub(crate) struct Posture {
    pub(crate) door: &'static str,
    pub(crate) listen: String,
    pub(crate) versions: Vec<&'static str>,
    pub(crate) suites: Vec<String>,
    pub(crate) key_exchange: Vec<String>,
    /// Whether a certificate of the caller is demanded, taken or not asked for.
    pub(crate) client_certificate: &'static str,
    pub(crate) certificate_subject: Option<String>,
    pub(crate) certificate_not_after_ms: Option<i64>,
}

/// How each door that is open speaks TLS.
///
/// # Errors
/// [`StartError`] when a certificate or key cannot be used: the door would not open.
pub(crate) fn postures(config: &Config) -> Result<Vec<Posture>, StartError> {
    let mut postures = Vec::new();
    let web = web_tls(config)?;
    let of_programs = config.web.client_ca_file.is_some() || config.web.self_signed_clients;
    let asked = match (config.node.is_some(), of_programs) {
        (false, false) => "not asked for",
        (true, false) => "taken from nodes",
        (false, true) => "taken from programs",
        (true, true) => "taken from nodes and programs",
    };
    postures.push(posture(
        "https",
        config.web.listen.to_string(),
        Some(web.config()),
        asked,
        &config.web.certificate_file,
    )?);
    if let Some(listen) = config.dicom.tls_listen {
        let tls = dicom::server_tls(config)?;
        postures.push(posture(
            "dicom-tls",
            listen.to_string(),
            Some(&tls),
            "demanded",
            &config.dicom.certificate_file,
        )?);
    }
    if let Some(listen) = config.dicom.plain_listen {
        postures.push(Posture {
            door: "dicom",
            listen: listen.to_string(),
            versions: Vec::new(),
            suites: Vec::new(),
            key_exchange: Vec::new(),
            client_certificate: "none: this door has no TLS",
            certificate_subject: None,
            certificate_not_after_ms: None,
        });
    }
    if let Some(folder) = &config.audit.witness_directory {
        let settings = yingdun_witness::Settings::read(folder)?;
        let (listen, tls) = (settings.listen.to_string(), yingdun_witness::tls(&settings)?);
        postures.push(posture(
            "witness",
            listen,
            Some(tls.config()),
            "not asked for",
            &settings.certificate_file,
        )?);
    }
    Ok(postures)
}

// === helpers ===

fn row(door: &'static str, encryption: &'static str, of: Interface, zones: &Zones) -> Listed {
    Listed {
        door,
        name: of.name,
        address: of.address,
        owner: of.owner.as_str(),
        class: of.class.as_str(),
        authentication: of.authentication.as_str(),
        encryption,
        zones: zones.of_class(of.class).map(<[String]>::to_vec),
    }
}

/// The services of the DICOM door: those that are negotiated, and storage as one.
fn services() -> impl Iterator<Item = Interface> {
    let storage = Interface {
        name: "Storage".to_owned(),
        address: format!("C-STORE, {} storage classes", dictionary::STORAGE_SOP_CLASSES.len()),
        owner: Owner::of(Action::Store),
        class: Class::Store,
        authentication: Authentication::Device,
    };
    let others = scp::service_classes().map(|uid| {
        let (class, action) = scp::work_of(&uid);
        let name = dictionary::sop_class_name(uid.as_str()).unwrap_or(uid.as_str()).to_owned();
        Interface {
            name,
            address: uid.to_string(),
            owner: Owner::of(action),
            class,
            authentication: Authentication::Device,
        }
    });
    std::iter::once(storage).chain(others)
}

fn posture(
    door: &'static str,
    listen: String,
    tls: Option<&rustls::ServerConfig>,
    client_certificate: &'static str,
    certificate: &Path,
) -> Result<Posture, StartError> {
    let facts = read_certificate(certificate)?;
    let provider = tls.map(|tls| tls.crypto_provider());
    let suites: Vec<_> = provider.iter().flat_map(|provider| &provider.cipher_suites).collect();
    let mut versions: Vec<&'static str> =
        suites.iter().map(|suite| version(suite.version().version)).collect();
    versions.dedup();
    Ok(Posture {
        door,
        listen,
        versions,
        suites: suites.iter().filter_map(|suite| suite.suite().as_str().map(str::to_owned)).collect(),
        key_exchange: provider
            .iter()
            .flat_map(|provider| &provider.kx_groups)
            .map(|group| format!("{:?}", group.name()))
            .collect(),
        client_certificate,
        certificate_subject: facts.as_ref().map(|facts| facts.subject.clone()),
        certificate_not_after_ms: facts.map(|facts| facts.not_after_ms),
    })
}

const fn version(version: rustls::ProtocolVersion) -> &'static str {
    match version {
        rustls::ProtocolVersion::TLSv1_2 => "1.2",
        rustls::ProtocolVersion::TLSv1_3 => "1.3",
        _ => "older",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{TemplateValues, render};

    #[test]
    fn every_way_in_is_listed_and_owned_and_only_a_plain_door_is_not_encrypted() {
        let text = render(&TemplateValues::example());
        let mut config = Config::of_text(&text, Path::new("yingdun.toml")).unwrap();
        let listed = interfaces(&config);
        let whole = coverage(&listed);
        assert_eq!((whole.owned, whole.encrypted), (whole.interfaces, whole.interfaces));
        for id in yingdun_web::RouteId::ALL {
            assert!(listed.iter().any(|row| row.door == "https" && row.name == id.name()), "{id:?}");
        }
        for class in scp::service_classes() {
            assert!(listed.iter().any(|row| row.address == class.as_str()), "{class}");
        }
        assert!(listed.iter().all(|row| row.door != "witness"));
        config.audit.witness_directory = Some("witness".into());
        let witnessed = interfaces(&config);
        let rows = witnessed.iter().filter(|row| row.door == "witness").count();
        assert_eq!((rows, witnessed.len()), (3, whole.interfaces + 3));
        config.dicom.plain_listen = Some("127.0.0.1:11112".parse().unwrap());
        let opened = coverage(&interfaces(&config));
        assert!(opened.encrypted < opened.interfaces && opened.owned == opened.interfaces, "{opened:?}");
    }
}
