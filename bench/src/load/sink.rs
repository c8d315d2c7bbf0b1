//! A receiver that counts what comes and keeps nothing: where a C-MOVE sends to, and how a C-GET takes. It costs as
//! little as a receiver can, and the same for every subject.

use crate::failure::{Outcome, While};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use yingdun_dimse::commitment::Transaction;
use yingdun_dimse::scp::{
    Failure, FailureKind, Incoming, Object, Peer, PendingReport, Refusal, Scp, Service, Settings, Transport,
};

/// How many objects and bytes came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    objects: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

/// A receiver that listens. It ends when it is dropped.
pub(crate) struct Sink {
    address: SocketAddr,
    counts: Counts,
    _end: DropGuard,
}

/// An object of which nothing is kept.
pub(crate) struct Discarded(Counts);

struct Discard(Counts);

impl Sink {
    /// Listens on a port that nobody uses.
    pub(crate) async fn listen(transport: Transport) -> Outcome<Self> {
        const WHAT: &str = "listening as a destination";
        let listener = TcpListener::bind("127.0.0.1:0").await.or_fail(WHAT)?;
        let address = listener.local_addr().or_fail(WHAT)?;
        let (counts, stop) = (Counts::default(), CancellationToken::new());
        let scp = Scp::new(Discard(counts.clone()), Settings::default());
        let stopped = stop.clone();
        tokio::spawn(async move { scp.serve(listener, transport, stopped).await });
        Ok(Self { address, counts, _end: stop.drop_guard() })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) const fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Counts {
    /// Begins to take an object.
    pub(crate) fn take(&self) -> Discarded {
        Discarded(self.clone())
    }

    pub(crate) fn objects(&self) -> u64 {
        self.objects.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Incoming for Discarded {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.0.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn finish(self) -> Result<(), Failure> {
        self.0.objects.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Service for Discard {
    type Session = ();
    type Incoming = Discarded;

    async fn admit(&self, _: &Peer) -> Result<(), Refusal> {
        Ok(())
    }

    async fn echo(&self, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    async fn receive(&self, (): &(), _: Object) -> Result<Discarded, Failure> {
        Ok(self.0.take())
    }

    async fn commit(&self, (): &(), _: &Peer, _: Transaction) -> Result<PendingReport, Failure> {
        Err(Failure::new(FailureKind::Processing, "nothing is kept here"))
    }
}
