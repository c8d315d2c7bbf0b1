//! TLS for DICOM: the BCP 195 profile (PS3.15 §B.12; RFC 8996, RFC 9325), mutual authentication, no resumption.
//!
//! Only TLS 1.2 with ephemeral keys and AEAD ciphers, and TLS 1.3, exist here; there is nothing to switch on or
//! off. The cryptography provider is handed over explicitly, so a process may have any other default.
//!
//! Sessions are never resumed: a resumed session would carry the certificate of an earlier handshake past a
//! revocation. A DICOM association lives long enough to pay for one handshake.

mod shown;

pub(crate) use shown::{cause_of, with_shown};

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use shown::KeepsRefused;
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::net::TcpStream;

/// Bytes of TLS records that wait for the socket of one association: what is written at once goes out by one system
/// call. The library's own 64 KiB make one for each four records.
pub(crate) const BUFFER_BYTES: usize = 256 * 1024;

/// Bytes that are read from the socket of one association at once. The library asks for 4 KiB each time, four system calls
/// and more for each record.
const READ_BYTES: usize = 64 * 1024;

/// A socket below TLS that is read in long pieces.
pub(crate) fn read_in_long_pieces(socket: TcpStream) -> BufReader<TcpStream> {
    BufReader::with_capacity(READ_BYTES, socket)
}

/// Our certificate chain, leaf first, and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// The authorities that may vouch for the other side, and what they have revoked.
#[derive(Clone)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    revocations: Vec<CertificateRevocationListDer<'static>>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM text holds no certificate, or something that is none.
    #[error("expected a PEM certificate, got none that can be read")]
    Certificate,
    /// A PEM text holds no private key, or something that is none.
    #[error("expected a PEM private key (PKCS#8, PKCS#1 or SEC1, not encrypted), got none that can be read")]
    PrivateKey,
    /// A PEM text holds something that is not a revocation list.
    #[error("expected PEM certificate revocation lists, got something that cannot be read")]
    RevocationList,
    /// Key and certificate do not belong together, or an algorithm is too weak.
    #[error("TLS cannot use these certificates: {0}")]
    Unusable(String),
}

impl Identity {
    /// Reads a chain and its key from PEM.
    ///
    /// # Errors
    /// [`TlsError`] when either is missing. The key's content never appears in an error.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self {
            chain: certificates(chain)?,
            key: PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::PrivateKey)?,
        })
    }
}

impl Trust {
    /// Reads one or more authorities from PEM.
    ///
    /// # Errors
    /// [`TlsError`] when there is none, or one cannot be a root.
    pub fn from_pem(authorities: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authorities)? {
            roots.add(certificate).map_err(unusable)?;
        }
        Ok(Self { roots: Arc::new(roots), revocations: Vec::new() })
    }

    /// Adds revocation lists. From then on a certificate whose authority has no current list is still accepted,
    /// one that is on a list is not.
    ///
    /// # Errors
    /// [`TlsError::RevocationList`] when the text is not PEM lists.
    pub fn with_revocations(mut self, lists: &[u8]) -> Result<Self, TlsError> {
        for list in CertificateRevocationListDer::pem_slice_iter(lists) {
            self.revocations.push(list.map_err(|_| TlsError::RevocationList)?);
        }
        Ok(self)
    }
}

/// The accepting side: demands a certificate from the peer.
///
/// # Errors
/// [`TlsError::Unusable`] when key, certificate or trust cannot be used.
pub fn server_config(identity: Identity, clients: &Trust) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = provider();
    let verifier = WebPkiClientVerifier::builder_with_provider(clients.roots.clone(), provider.clone())
        .with_crls(clients.revocations.clone())
        .allow_unknown_revocation_status()
        .build()
        .map_err(unusable)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(unusable)?
        .with_client_cert_verifier(Arc::new(KeepsRefused::before(verifier)))
        .with_single_cert(identity.chain, identity.key)
        .map_err(unusable)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The calling side: verifies the peer against `servers` and its host name, and shows `identity` if it has one.
///
/// # Errors
/// [`TlsError::Unusable`] when key, certificate or trust cannot be used.
pub fn client_config(identity: Option<Identity>, servers: &Trust) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider();
    let verifier = WebPkiServerVerifier::builder_with_provider(servers.roots.clone(), provider.clone())
        .with_crls(servers.revocations.clone())
        .allow_unknown_revocation_status()
        .build()
        .map_err(unusable)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(unusable)?
        .with_webpki_verifier(verifier);
    let mut config = match identity {
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).map_err(unusable)?,
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// SHA-256 of a certificate's DER bytes: the fingerprint a device is registered with.
#[must_use]
pub fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    yingdun_crypto::digest::sha256(certificate)
}

// === helpers ===

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| TlsError::Certificate)?;
    if chain.is_empty() { Err(TlsError::Certificate) } else { Ok(chain) }
}

fn unusable(error: impl std::fmt::Display) -> TlsError {
    TlsError::Unusable(error.to_string())
}
