//! Several operations without an answer at once (PS3.7 §D.3.3.3), over a real connection: how many, in which order, and
//! what is gained where an object takes its time to become durable.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used
)]

mod support;

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{CALLED, CALLING, EXPLICIT_LE, SECONDARY_CAPTURE, patient, title, uid};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use yingdun_dimse::association::{OPERATIONS_MAX, Proposals};
use yingdun_dimse::commitment::Transaction;
use yingdun_dimse::query::{Model, Root, Verb};
use yingdun_dimse::scp::{
    Failure, FailureKind, Incoming, Object, Peer, PendingReport, Refusal, Scp, Service, Transport,
};
use yingdun_dimse::scu::{Destination, Scu, Sender, Settings};

/// A mock of slow disks: each object takes as long as the last number of its UID says, in milliseconds.
#[derive(Clone, Default)]
struct MockSlowDisks {
    finishing: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

struct Slow {
    disks: MockSlowDisks,
    takes: Duration,
}

impl Service for MockSlowDisks {
    type Session = ();
    type Incoming = Slow;

    async fn admit(&self, _: &Peer) -> Result<(), Refusal> {
        Ok(())
    }

    async fn echo(&self, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    async fn receive(&self, (): &(), object: Object) -> Result<Slow, Failure> {
        let ms = object.sop_instance.as_str().rsplit('.').next().unwrap().parse().unwrap();
        Ok(Slow { disks: self.clone(), takes: Duration::from_millis(ms) })
    }

    async fn commit(&self, (): &(), _: &Peer, _: Transaction) -> Result<PendingReport, Failure> {
        Err(Failure::new(FailureKind::NotAuthorised, "this server keeps no promises"))
    }
}

impl Incoming for Slow {
    async fn write(&mut self, _: Bytes) -> Result<(), Failure> {
        Ok(())
    }

    async fn finish(self) -> Result<(), Failure> {
        let now = self.disks.finishing.fetch_add(1, Ordering::SeqCst) + 1;
        self.disks.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.disks.finishing.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Sends an object for each number and gives the numbers in the order of their answers.
async fn send(destination: &Destination, operations: u16, numbers: &[u64], asks_too: bool) -> Vec<u64> {
    let mut proposals = Proposals::new();
    proposals.add(uid(SECONDARY_CAPTURE), uid(EXPLICIT_LE)).unwrap();
    if asks_too {
        proposals.add_model(Model { root: Root::Study, verb: Verb::Find }).unwrap();
    }
    proposals.invoke(operations);
    let scu = Scu::connect(destination, &Settings::new(title(CALLING)), &proposals).await.unwrap();
    let (mut sender, mut answered) = (Sender::over(scu), Vec::new());
    for (place, number) in numbers.iter().enumerate() {
        let object = Object {
            sop_class: uid(SECONDARY_CAPTURE),
            sop_instance: uid(&format!("2.25.{place}.{number}")),
            transfer_syntax: uid(EXPLICIT_LE),
        };
        let sent = sender.send(*number, &object, &mut &b"\x08\0\x16\0UI\0\0"[..], None).await.unwrap();
        answered.extend(sent);
    }
    while let Some(one) = sender.answered().await.unwrap() {
        answered.push(one);
    }
    sender.release().await.unwrap();
    assert!(answered.iter().all(|(_, answer)| answer.status.is_stored()));
    answered.into_iter().map(|(number, _)| number).collect()
}

async fn server(disks: &MockSlowDisks) -> (Destination, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let destination = format!("{CALLED}@127.0.0.1:{}", listener.local_addr().unwrap().port());
    let (stop, scp) = (CancellationToken::new(), Scp::new(disks.clone(), patient()));
    let stopped = stop.clone();
    tokio::spawn(async move { scp.serve(listener, Transport::Plain, stopped).await });
    (destination.parse().unwrap(), stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_durable_first_is_answered_first_where_that_was_agreed() {
    let disks = MockSlowDisks::default();
    let (destination, stop) = server(&disks).await;
    assert_eq!(send(&destination, 3, &[2000, 1, 1000], false).await, [1, 1000, 2000]);
    assert_eq!(send(&destination, 1, &[200, 1, 100], false).await, [200, 1, 100]);
    assert_eq!(send(&destination, 3, &[200, 1, 100], true).await, [200, 1, 100], "not beside queries");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_disks_are_hidden_behind_the_objects_that_follow_within_the_bound() {
    let disks = MockSlowDisks::default();
    let (destination, stop) = server(&disks).await;
    let mut seconds = [0.0; 2];
    for (took, operations) in seconds.iter_mut().zip([1, u16::MAX]) {
        let began = Instant::now();
        assert_eq!(send(&destination, operations, &[20; 64], false).await.len(), 64);
        *took = began.elapsed().as_secs_f64();
    }
    let most = disks.most.load(Ordering::SeqCst);
    assert!((2..=usize::from(OPERATIONS_MAX)).contains(&most), "{most} at once");
    eprintln!("64 objects of 20 ms: one at a time {:.2} s, {most} at once {:.2} s", seconds[0], seconds[1]);
    stop.cancel();
}
