//! The DICOM doors: bound at the addresses of the configuration, and served by whoever answers there.

use super::error::{StartError, read};
use crate::config::Config;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yingdun_dimse::scp::{Scp, Service, Transport};
use yingdun_dimse::tls;
use yingdun_web::DicomDoor;

type Bound = (TcpListener, Transport);

/// Doors that are bound and do not accept yet.
pub(super) struct DicomDoors {
    tls: Option<Bound>,
    plain: Option<Bound>,
}

impl DicomDoors {
    /// Binds those that the configuration opens.
    ///
    /// # Errors
    /// [`StartError`] when a certificate cannot be read or an address cannot be bound.
    pub(super) async fn bind(config: &Config) -> Result<Self, StartError> {
        let tls = match config.dicom.tls_listen {
            Some(address) => Some((bind(address).await?, server(config)?)),
            None => None,
        };
        let plain = match config.dicom.plain_listen {
            Some(address) => Some((bind(address).await?, Transport::Plain)),
            None => None,
        };
        Ok(Self { tls, plain })
    }

    /// Where the door over TLS is.
    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        address(self.tls.as_ref())
    }

    /// Where the door without TLS is.
    pub(super) fn plain_address(&self) -> Option<SocketAddr> {
        address(self.plain.as_ref())
    }

    /// Both, as the console shows them to who sets a device up.
    pub(super) fn doors(&self) -> Vec<DicomDoor> {
        let door = |tls, listens: Option<SocketAddr>| listens.map(|listens| DicomDoor { tls, listens });
        [door(true, self.tls_address()), door(false, self.plain_address())].into_iter().flatten().collect()
    }

    /// Serves them, as tasks of `doors`, until `stop`.
    pub(super) fn serve<S: Service>(self, scp: Scp<S>, doors: &TaskTracker, stop: &CancellationToken) {
        let scp = Arc::new(scp);
        for (listener, transport) in [self.tls, self.plain].into_iter().flatten() {
            let (scp, stop) = (Arc::clone(&scp), stop.clone());
            doors.spawn(async move { scp.serve(listener, transport, stop).await });
        }
    }
}

/// With what the archive calls devices: the certificate that it shows to those that call it, and the authority that
/// signs theirs. Nothing where the door for TLS is closed.
pub(super) fn client(config: &Config) -> Result<Option<Arc<rustls::ClientConfig>>, StartError> {
    if config.dicom.tls_listen.is_none() {
        return Ok(None);
    }
    let (identity, trust) = credentials(config)?;
    Ok(Some(tls::client_config(Some(identity), &trust)?))
}

/// With what devices are answered.
pub(super) fn server_tls(config: &Config) -> Result<Arc<rustls::ServerConfig>, StartError> {
    let (identity, trust) = credentials(config)?;
    Ok(tls::server_config(identity, &trust)?)
}

// === helpers ===

fn server(config: &Config) -> Result<Transport, StartError> {
    Ok(Transport::Tls(server_tls(config)?))
}

fn credentials(config: &Config) -> Result<(tls::Identity, tls::Trust), StartError> {
    let chain = read(&config.dicom.certificate_file)?;
    let key = read(&config.dicom.private_key_file)?;
    let authorities = read(&config.dicom.client_ca_file)?;
    Ok((tls::Identity::from_pem(&chain, &key)?, tls::Trust::from_pem(&authorities)?))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|cause| StartError::DicomListen { address, cause })
}

fn address(bound: Option<&Bound>) -> Option<SocketAddr> {
    bound.and_then(|(listener, _)| listener.local_addr().ok())
}
