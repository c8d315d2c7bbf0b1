//! Certificates for the peers, of an authority that lives as long as the run. Yingdun has an authority of its own.

use crate::failure::{Outcome, While};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use rustls::ClientConfig;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yingdun_dimse::tls::{Identity, Trust, client_config};

/// Files for servers, and what our clients need to talk to them.
pub(crate) struct Pki {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// With a client certificate.
    pub(crate) mutual: Arc<ClientConfig>,
    /// Without one.
    pub(crate) https: Arc<ClientConfig>,
}

impl Pki {
    /// Makes everything in a folder. ECDSA P-256, like Yingdun's own.
    pub(crate) fn make(folder: &Path) -> Outcome<Self> {
        const WHAT: &str = "making certificates";
        fs::create_dir_all(folder).or_fail(WHAT)?;
        let key = KeyPair::generate().or_fail(WHAT)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Benchmark CA");
        let authority = params.self_signed(&key).or_fail(WHAT)?.pem();
        let issuer = Issuer::from_params(&params, &key);
        let leaf = || -> Outcome<(String, String)> {
            let key = KeyPair::generate().or_fail(WHAT)?;
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, "benchmark");
            params.subject_alt_names = vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into())];
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            let certificate = params.signed_by(&key, &issuer).or_fail(WHAT)?;
            Ok((certificate.pem(), key.serialize_pem()))
        };
        let file = |name: &str, text: &str| -> Outcome<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, text).or_fail(WHAT)?;
            Ok(path)
        };
        let (server, client) = (leaf()?, leaf()?);
        let trust = Trust::from_pem(authority.as_bytes()).or_fail(WHAT)?;
        let identity = Identity::from_pem(client.0.as_bytes(), client.1.as_bytes()).or_fail(WHAT)?;
        Ok(Self {
            authority: file("ca.pem", &authority)?,
            certificate: file("server.pem", &server.0)?,
            key: file("server.key", &server.1)?,
            mutual: client_config(Some(identity), &trust).or_fail(WHAT)?,
            https: client_config(None, &trust).or_fail(WHAT)?,
        })
    }
}
