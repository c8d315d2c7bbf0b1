//! What stands in a certificate file, for status pages and for `doctor`.

use super::error::{StartError, read};
use serde::Serialize;
use std::path::Path;
use yingdun_crypto::digest::sha256;

/// The facts of the first certificate of a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CertificateFacts {
    pub(crate) subject: String,
    /// Host names and addresses for which it is valid.
    pub(crate) names: Vec<String>,
    pub(crate) not_before_ms: i64,
    pub(crate) not_after_ms: i64,
    pub(crate) sha256: String,
}

impl CertificateFacts {
    /// The common name of the subject, or all of the subject where it has none.
    pub(crate) fn common_name(&self) -> &str {
        let parts = self.subject.split(", ");
        parts.filter_map(|part| part.strip_prefix("CN=")).next().unwrap_or(&self.subject)
    }
}

/// Reads the first certificate of a PEM file. `None` when the file holds none that can be read.
///
/// # Errors
/// [`StartError::File`].
pub(crate) fn read_certificate(path: &Path) -> Result<Option<CertificateFacts>, StartError> {
    Ok(facts(&read(path)?))
}

fn facts(pem: &[u8]) -> Option<CertificateFacts> {
    use x509_parser::extensions::GeneralName;
    let (_, block) = x509_parser::pem::parse_x509_pem(pem).ok()?;
    let certificate = block.parse_x509().ok()?;
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| extension.value.general_names.iter().filter_map(name).collect())
        .unwrap_or_default();
    fn name(name: &GeneralName<'_>) -> Option<String> {
        match name {
            GeneralName::DNSName(host) => Some((*host).to_owned()),
            GeneralName::IPAddress(bytes) => {
                let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
                let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from));
                address.ok().map(|address| address.to_string())
            }
            _ => None,
        }
    }
    let validity = certificate.validity();
    Some(CertificateFacts {
        subject: certificate.subject().to_string(),
        names,
        not_before_ms: validity.not_before.timestamp().saturating_mul(1000),
        not_after_ms: validity.not_after.timestamp().saturating_mul(1000),
        sha256: hex::encode(sha256(&block.contents)),
    })
}
