//! One connection to a collector.

use crate::error::SyslogError;
use crate::{SyslogConfig, UNACKNOWLEDGED_MAX};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a connection may take until messages can be sent.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a collector may take for one batch: longer, and it hangs.
const SEND_TIME_MAX: Duration = Duration::from_secs(60);

/// How often a connection on which nothing is sent is asked whether its other end is there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// How long a collector is given to refuse our certificate, which in TLS 1.3 it does after our side has finished.
const REFUSAL_TIME: Duration = Duration::from_millis(500);

/// A connection that takes messages. After an error it is of no use.
pub(crate) struct Connection {
    collector: String,
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
}

impl Connection {
    /// Connects; both sides prove who they are.
    pub(crate) async fn open(config: &SyslogConfig) -> Result<Self, SyslogError> {
        let collector = config.collector.to_string();
        match timeout(CONNECT_TIME_MAX, connect(config)).await {
            Ok(Ok(stream)) => {
                let (reader, writer) = split(stream);
                Ok(Self { collector, reader, writer })
            }
            Ok(Err(cause)) => Err(SyslogError::Unreachable { collector, cause: cause.to_string() }),
            Err(_) => Err(SyslogError::Silent { collector, seconds: CONNECT_TIME_MAX.as_secs() }),
        }
    }

    /// Hands frames over to the network. That they arrived is not known when this returns.
    pub(crate) async fn send(&mut self, frames: &[u8]) -> Result<(), SyslogError> {
        let Self { collector, reader, writer } = self;
        let write = async {
            writer.write_all(frames).await?;
            writer.flush().await
        };
        let sent = async {
            tokio::select! {
                biased;
                cause = closed(reader) => Err(cause),
                written = write => written.map_err(|error| error.to_string()),
            }
        };
        match timeout(SEND_TIME_MAX, sent).await {
            Ok(sent) => {
                sent.map_err(|cause| SyslogError::Unreachable { collector: collector.clone(), cause })
            }
            Err(_) => {
                Err(SyslogError::Silent { collector: collector.clone(), seconds: SEND_TIME_MAX.as_secs() })
            }
        }
    }

    /// Waits, at most so long, until the connection ends; no error when it goes on.
    pub(crate) async fn rest(&mut self, time: Duration) -> Result<(), SyslogError> {
        match timeout(time, closed(&mut self.reader)).await {
            Ok(cause) => Err(SyslogError::Unreachable { collector: self.collector.clone(), cause }),
            Err(_) => Ok(()),
        }
    }
}

/// Connects and sends nothing: whether the collector is there and takes our certificate.
///
/// # Errors
/// [`SyslogError`] says what the network or the collector said.
pub async fn try_connection(config: &SyslogConfig) -> Result<(), SyslogError> {
    Connection::open(config).await?.rest(REFUSAL_TIME).await
}

// === helpers ===

async fn connect(config: &SyslogConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let (host, port) = (config.collector.host(), config.collector.port());
    let socket = TcpStream::connect((host, port)).await?;
    let options = SockRef::from(&socket);
    options.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    options.set_tcp_keepalive(
        &TcpKeepalive::new().with_time(KEEPALIVE_INTERVAL).with_interval(KEEPALIVE_INTERVAL),
    )?;
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    TlsConnector::from(Arc::clone(&config.tls)).connect(name, socket).await
}

/// Waits until the collector closes. It has nothing to say, so what it says is passed over, within one buffer.
async fn closed(reader: &mut ReadHalf<TlsStream<TcpStream>>) -> String {
    let mut said = [0; 256];
    loop {
        match reader.read(&mut said).await {
            Ok(0) => return "it closed the connection".to_owned(),
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
    }
}
