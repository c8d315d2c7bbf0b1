//! The TLS side of the door: TLS 1.2 and 1.3 with the suites of BCP 195 (RFC 9325), HTTP/2 before HTTP/1.1,
//! and a client certificate where one is offered.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;

/// The PEM texts of a TLS server.
pub struct TlsFiles<'a> {
    /// The server certificate first, then what leads to its root.
    pub certificate_chain: &'a [u8],
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub private_key: &'a [u8],
    /// Roots of client certificates; without them no certificate is asked for. A certificate stays optional:
    /// people log in by password, machines may be bound to theirs.
    pub client_roots: Option<&'a [u8]>,
}

/// Why no TLS server can be made of the given texts.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// A PEM text cannot be read.
    #[error("{what} is not a PEM text of the expected kind")]
    Pem {
        /// Which text.
        what: &'static str,
        /// The parser's reason.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A PEM text holds nothing.
    #[error("{0} holds no certificate")]
    Empty(&'static str),
    /// Key and certificate do not fit, or a certificate cannot be used.
    #[error("certificate and key cannot be used for TLS")]
    Rustls(#[from] rustls::Error),
    /// The client roots cannot be used.
    #[error("the roots of client certificates cannot be used")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// Builds the TLS configuration of this door.
///
/// # Errors
/// [`TlsConfigError`] names the text that cannot be used.
pub fn server_config(files: &TlsFiles<'_>) -> Result<Arc<ServerConfig>, TlsConfigError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = certificates("the server certificate", files.certificate_chain)?;
    let key = PrivateKeyDer::from_pem_slice(files.private_key)
        .map_err(|source| TlsConfigError::Pem { what: "the private key", source })?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let builder = match files.client_roots {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for root in certificates("the roots of client certificates", pem)? {
                roots.add(root)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsConfigError::Pem { what, source })?;
    if all.is_empty() { Err(TlsConfigError::Empty(what)) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_files_are_named() {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (issued.cert.pem(), issued.signing_key.serialize_pem());
        let files = |chain, private_key, client_roots| TlsFiles {
            certificate_chain: chain,
            private_key,
            client_roots,
        };
        assert!(server_config(&files(certificate.as_bytes(), key.as_bytes(), None)).is_ok());
        let error = |files: TlsFiles<'_>| server_config(&files).unwrap_err().to_string();
        assert!(error(files(b"", key.as_bytes(), None)).contains("the server certificate"));
        assert!(error(files(certificate.as_bytes(), b"", None)).contains("the private key"));
        assert!(error(files(certificate.as_bytes(), key.as_bytes(), Some(b""))).contains("roots of client"));
        let foreign = other.signing_key.serialize_pem();
        assert!(error(files(certificate.as_bytes(), foreign.as_bytes(), None)).contains("cannot be used"));
    }

    #[test]
    fn http_2_is_offered_before_http_1_1() {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let config = server_config(&TlsFiles {
            certificate_chain: issued.cert.pem().as_bytes(),
            private_key: issued.signing_key.serialize_pem().as_bytes(),
            client_roots: None,
        })
        .unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }
}
