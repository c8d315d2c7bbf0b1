//! How fast one association is: our client to our server on loopback, objects of a CT slice's size, a handler
//! that counts bytes and keeps nothing. What remains is the cost of the upper layer and of TLS.

// A benchmark may fail by panic.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use yingdun_dimse::association::Proposals;
use yingdun_dimse::commitment::Transaction;
use yingdun_dimse::scp::{
    Failure, FailureKind, Incoming, Object, Peer, PendingReport, Refusal, Scp, Service, Settings, Transport,
};
use yingdun_dimse::scu::{self, Scu};
use yingdun_dimse::tls::{self, Identity, Trust};
use yingdun_model::{AeTitle, Uid};

/// A 512 × 512 × 16 bit slice with its header.
const OBJECT_BYTES: usize = 525_000;

/// Admits everybody and keeps nothing.
struct Sink;

struct Counting(u64);

impl Service for Sink {
    type Session = ();
    type Incoming = Counting;

    async fn admit(&self, _: &Peer) -> Result<(), Refusal> {
        Ok(())
    }

    async fn echo(&self, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    async fn receive(&self, (): &(), _: Object) -> Result<Counting, Failure> {
        Ok(Counting(0))
    }

    async fn commit(&self, (): &(), _: &Peer, _: Transaction) -> Result<PendingReport, Failure> {
        Err(Failure::new(FailureKind::NotAuthorised, "a sink keeps nothing"))
    }
}

impl Incoming for Counting {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.0 += bytes.len() as u64;
        Ok(())
    }

    async fn finish(self) -> Result<(), Failure> {
        assert_eq!(self.0, OBJECT_BYTES as u64);
        Ok(())
    }
}

/// TLS for both sides.
fn pki() -> (Transport, std::sync::Arc<rustls::ClientConfig>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::from_params(&params, &key);
    let identity = || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    };
    let trust = Trust::from_pem(authority.as_bytes()).unwrap();
    let server = tls::server_config(identity(), &trust).unwrap();
    (Transport::Tls(server), tls::client_config(Some(identity()), &trust).unwrap())
}

async fn send(scu: &mut Scu, object: &Object, data: &[u8], count: u64) -> Duration {
    let started = Instant::now();
    for _ in 0..count {
        let answer = scu.store(object, &mut &*data).await.unwrap();
        assert!(answer.status.is_stored());
    }
    started.elapsed()
}

fn one_association(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let data = vec![0x5a; OBJECT_BYTES];
    let object = Object {
        sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(),
        sop_instance: Uid::new("2.25.1").unwrap(),
        transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
    };
    let (server_tls, client_tls) = pki();
    let plain = scu::Settings::new(AeTitle::new("BENCH").unwrap());
    let secure = plain.clone().with_tls(client_tls);
    let mut group = criterion.benchmark_group("one-association");
    group.throughput(Throughput::Bytes(OBJECT_BYTES as u64));
    for (name, transport, settings) in [("plain", Transport::Plain, plain), ("tls", server_tls, secure)] {
        let stop = CancellationToken::new();
        let (mut scu, serving) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let stop = stop.clone();
            let serving = tokio::spawn(async move {
                Scp::new(Sink, Settings::default()).serve(listener, transport, stop).await;
            });
            let mut proposals = Proposals::new();
            proposals.add(object.sop_class.clone(), object.transfer_syntax.clone()).unwrap();
            let destination = format!("SINK@127.0.0.1:{port}").parse().unwrap();
            (Scu::connect(&destination, &settings, &proposals).await.unwrap(), serving)
        });
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| runtime.block_on(send(&mut scu, &object, &data, count)));
        });
        runtime.block_on(async {
            scu.release().await.unwrap();
            stop.cancel();
            serving.await.unwrap();
        });
    }
    group.finish();
}

criterion_group!(benches, one_association);
criterion_main!(benches);
