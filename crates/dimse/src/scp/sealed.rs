//! The door of an archive that is sealed: it is there, and lets nobody in for now.

use super::{Failure, Incoming, Object, Peer, PendingReport, Refusal, Service};
use crate::commitment::Transaction;
use bytes::Bytes;
use std::convert::Infallible;

/// Refuses each association as one that may succeed later (A-ASSOCIATE-RJ, transient; PS3.8 table 9-21). There is no session
/// behind it, so nothing can be asked of it.
#[derive(Clone, Copy, Debug)]
pub struct Sealed;

impl Service for Sealed {
    type Session = Infallible;
    type Incoming = Infallible;

    async fn admit(&self, _: &Peer) -> Result<Infallible, Refusal> {
        Err(Refusal::Unavailable)
    }

    async fn echo(&self, session: &Infallible) -> Result<(), Failure> {
        match *session {}
    }

    async fn receive(&self, session: &Infallible, _: Object) -> Result<Infallible, Failure> {
        match *session {}
    }

    async fn commit(&self, session: &Infallible, _: &Peer, _: Transaction) -> Result<PendingReport, Failure> {
        match *session {}
    }
}

impl Incoming for Infallible {
    async fn write(&mut self, _: Bytes) -> Result<(), Failure> {
        match *self {}
    }

    async fn finish(self) -> Result<(), Failure> {
        match self {}
    }
}
