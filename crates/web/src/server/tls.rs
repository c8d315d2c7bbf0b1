//! The TLS side of the door: TLS 1.2 and 1.3 with the suites of BCP 195 (RFC 9325), HTTP/2 before HTTP/1.1,
//! and a client certificate where one is offered.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
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
    /// Whether programs may show a certificate of no authority. It proves that they hold its key, and nothing else: whose it is says the
    /// register of service clients.
    pub self_signed_clients: bool,
}

/// The TLS side of a door.
#[derive(Clone, Debug)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    /// By whom certificates are judged behind the handshake, where a handshake takes those of no authority too.
    pub(super) authorities: Option<Arc<dyn ClientCertVerifier>>,
    /// Whether certificates of no authority are taken.
    pub(super) takes_self_signed: bool,
}

impl ServerTls {
    /// What is spoken.
    #[must_use]
    pub const fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// Whether an authority of this door issued a certificate that the handshake took.
    pub(super) fn is_of_authority(&self, chain: &[CertificateDer<'_>]) -> bool {
        let Some((first, rest)) = chain.split_first() else { return false };
        match &self.authorities {
            None => false,
            // The handshake took no other.
            Some(_) if !self.takes_self_signed => true,
            Some(authorities) => authorities.verify_client_cert(first, rest, UnixTime::now()).is_ok(),
        }
    }

    /// Whether a client is asked for a certificate.
    #[must_use]
    pub const fn asks_for_certificate(&self) -> bool {
        self.takes_self_signed || self.authorities.is_some()
    }
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
pub fn server_config(files: &TlsFiles<'_>) -> Result<ServerTls, TlsConfigError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = certificates("the server certificate", files.certificate_chain)?;
    let key = PrivateKeyDer::from_pem_slice(files.private_key)
        .map_err(|source| TlsConfigError::Pem { what: "the private key", source })?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let authorities: Option<Arc<dyn ClientCertVerifier>> = match files.client_roots {
        None => None,
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for root in certificates("the roots of client certificates", pem)? {
                roots.add(root)?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .allow_unauthenticated()
                    .build()?;
            Some(verifier)
        }
    };
    let builder = match (&authorities, files.self_signed_clients) {
        (None, false) => builder.with_no_client_auth(),
        (Some(verifier), false) => builder.with_client_cert_verifier(Arc::clone(verifier)),
        (_, true) => {
            let any = AnyCertificate { provider, authorities: authorities.clone() };
            builder.with_client_cert_verifier(Arc::new(any))
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let takes_self_signed = files.self_signed_clients;
    Ok(ServerTls { config: Arc::new(config), authorities, takes_self_signed })
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsConfigError::Pem { what, source })?;
    if all.is_empty() { Err(TlsConfigError::Empty(what)) } else { Ok(all) }
}

/// Takes every certificate whose key the client proves to hold. Nothing follows from that but which key it is.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

impl ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // With the names of our authorities alone, some clients would keep a certificate of another one to themselves; with none, browsers
        // ask their user. People are asked more rarely where an authority is named.
        self.authorities.as_ref().map_or(&[], |authorities| authorities.root_hint_subjects())
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        // What cannot be read proves nothing; times and register are looked at with each request.
        ParsedCertificate::try_from(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
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
            self_signed_clients: false,
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
            self_signed_clients: false,
        })
        .unwrap()
        .config;
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }
}
