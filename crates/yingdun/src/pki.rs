//! The certificates of an installation: an own authority, a server certificate, client certificates for devices.
//!
//! Hospitals with an authority of their own import their files instead; nothing else in the program knows
//! where a certificate came from.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Days that a certificate authority made here is valid: ten years.
const AUTHORITY_DAYS: i64 = 3650;
/// Days that server and device certificates are valid: a little over two years, the longest that common
/// clients accept.
const LEAF_DAYS: i64 = 800;

/// A certificate and its private key, in PEM.
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) certificate_der: Vec<u8>,
    pub(crate) private_key_pem: String,
}

/// An authority that can issue certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    identity: Identity,
}

/// Certificates could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PkiError {
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("`{}` cannot be read or written: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
}

impl Authority {
    /// A new authority for one installation.
    pub(crate) fn create(name: &str) -> Result<Self, PkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = parameters(name, AUTHORITY_DAYS);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        let identity = Identity {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            private_key_pem: key.serialize_pem(),
        };
        Ok(Self { issuer: Issuer::new(params, key), identity })
    }

    /// The authority whose files [`Authority::save`] wrote.
    pub(crate) fn load(folder: &Path) -> Result<Self, PkiError> {
        let certificate_pem = read(&folder.join(CA_CERTIFICATE))?;
        let private_key_pem = read(&folder.join(CA_KEY))?;
        let key = KeyPair::from_pem(&private_key_pem)?;
        let certificate_der = rcgen_der(&certificate_pem)?;
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)?;
        Ok(Self { issuer, identity: Identity { certificate_pem, certificate_der, private_key_pem } })
    }

    /// Writes `ca.pem` and `ca.key` (mode 0600).
    pub(crate) fn save(&self, folder: &Path) -> Result<(), PkiError> {
        write(&folder.join(CA_CERTIFICATE), self.identity.certificate_pem.as_bytes(), 0o644)?;
        write(&folder.join(CA_KEY), self.identity.private_key_pem.as_bytes(), 0o600)
    }

    /// A certificate with which this machine proves itself to clients and, as a DICOM sender, to other nodes.
    pub(crate) fn issue_server(&self, name: &str, hosts: &[String]) -> Result<Identity, PkiError> {
        let mut params = parameters(name, LEAF_DAYS);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = hosts
            .iter()
            .map(|host| match host.parse::<IpAddr>() {
                Ok(address) => Ok(SanType::IpAddress(address)),
                Err(_) => host.as_str().try_into().map(SanType::DnsName),
            })
            .collect::<Result<_, rcgen::Error>>()?;
        self.issue(params)
    }

    /// A certificate with which a device or program proves itself to this server.
    pub(crate) fn issue_client(&self, name: &str) -> Result<Identity, PkiError> {
        let mut params = parameters(name, LEAF_DAYS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    fn issue(&self, mut params: CertificateParams) -> Result<Identity, PkiError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            private_key_pem: key.serialize_pem(),
        })
    }
}

impl Identity {
    /// Writes `NAME.pem` and `NAME.key` (mode 0600).
    pub(crate) fn save(&self, folder: &Path, name: &str) -> Result<(), PkiError> {
        write(&folder.join(format!("{name}.pem")), self.certificate_pem.as_bytes(), 0o644)?;
        write(&folder.join(format!("{name}.key")), self.private_key_pem.as_bytes(), 0o600)
    }

    /// Puts `NAME.pem` and `NAME.key` in the place of the ones that are there, which stay as `*.previous`. After a
    /// stop half-way the same again makes a whole pair.
    pub(crate) fn replace(&self, folder: &Path, name: &str) -> Result<(), PkiError> {
        let new = format!("{name}.new");
        let file = |name: &str, kind: &str| folder.join(format!("{name}.{kind}"));
        for kind in KINDS {
            remove(&file(&new, kind))?;
        }
        self.save(folder, &new)?;
        for kind in KINDS {
            let (present, previous) = (file(name, kind), file(name, &format!("{kind}.previous")));
            remove(&previous)?;
            std::fs::hard_link(&present, previous)
                .map_err(|cause| PkiError::File { path: present, cause })?;
        }
        for kind in KINDS {
            let from = file(&new, kind);
            std::fs::rename(&from, file(name, kind)).map_err(|cause| PkiError::File { path: from, cause })?;
        }
        Ok(())
    }
}

/// What an identity consists of on the disk.
const KINDS: [&str; 2] = ["key", "pem"];

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key";

fn parameters(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Yingdun");
    // A day of grace for modalities whose clocks run behind.
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let first = today.saturating_sub(jiff::Span::new().days(1));
    let last = today.saturating_add(jiff::Span::new().days(days));
    let midnight = |date: jiff::civil::Date| {
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = midnight(first);
    params.not_after = midnight(last);
    params
}

fn rcgen_der(pem: &str) -> Result<Vec<u8>, PkiError> {
    let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes())
        .map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    Ok(parsed.contents)
}

fn read(path: &Path) -> Result<String, PkiError> {
    std::fs::read_to_string(path).map_err(|cause| PkiError::File { path: path.to_owned(), cause })
}

/// Removes a file that may be there.
fn remove(path: &Path) -> Result<(), PkiError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(PkiError::File { path: path.to_owned(), cause })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a new file with the given mode from its first byte on; an existing file is not overwritten.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PkiError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let fail = |cause| PkiError::File { path: path.to_owned(), cause };
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)
}
