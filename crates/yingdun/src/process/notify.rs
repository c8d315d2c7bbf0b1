//! The readiness protocol of systemd (sd_notify(3)): datagrams to the socket that NOTIFY_SOCKET names.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Where to report; nowhere when the program was not started by a service manager.
pub(crate) struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Finds the service manager in the environment. A socket that cannot be used is reported in the log and then
    /// left alone: the archive serves without it.
    pub(crate) fn find() -> Self {
        let socket = env::var("NOTIFY_SOCKET").ok().filter(|name| !name.is_empty()).and_then(|name| {
            open(&name).inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET cannot be used")).ok()
        });
        let watchdog = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        let ours = env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        Self { socket, watchdog: watchdog.filter(|_| ours).map(Duration::from_micros) }
    }

    /// The archive serves.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// The archive finishes what it has begun.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Says again and again that the program is alive, twice as often as asked for. Never returns.
    pub(crate) async fn feed_watchdog(&self) {
        let Some(interval) = self.watchdog.filter(|interval| !interval.is_zero()) else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(interval / 2);
        loop {
            ticks.tick().await;
            self.send("WATCHDOG=1");
        }
    }

    fn send(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::warn!(%error, state, "the service manager cannot be told");
        }
    }
}

fn open(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    // A name that begins with @ stands for a socket without a file (unix(7), abstract).
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    Ok((UnixDatagram::unbound()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_arrive_at_a_socket_with_and_without_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("yingdun-test-{}", std::process::id());
        let heard = [
            (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
            (
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
                format!("@{name}"),
            ),
        ];
        for (receiver, name) in heard {
            let manager = ServiceManager { socket: Some(open(&name).unwrap()), watchdog: None };
            manager.ready();
            let mut buffer = [0; 32];
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"READY=1");
        }
    }
}
