//! What the archive sends of itself to a device: in order, counted, cancelled between two objects, over TLS or not.

// A test may fail by panic; helpers outside of test functions as well.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod support;

use std::io::Cursor;
use std::time::Duration;
use support::{
    CALLED, CALLING, EXPLICIT_LE, MISMATCH_INSTANCE, NO_ROOM_INSTANCE, Pki, Server, data_set, object,
    patient, title, uid,
};
use tokio_util::sync::CancellationToken;
use yingdun_dimse::association::Timeouts;
use yingdun_dimse::message::Status;
use yingdun_dimse::scp::{Failure, MoveTarget, Outgoing, Source, send};
use yingdun_dimse::scu::{Destination, Settings};
use yingdun_model::Uid;

fn outgoing(instance: &str) -> Outgoing {
    let bytes = data_set(instance, 20_000);
    Outgoing {
        object: object(instance),
        also: Vec::new(),
        open: Box::new(move |_| Box::pin(async move { Ok(Box::pin(Cursor::new(bytes)) as Source) })),
    }
}

fn target(destination: Destination, settings: Settings) -> MoveTarget {
    MoveTarget { destination, settings, wished: vec![uid(EXPLICIT_LE)] }
}

async fn sent(target: &MoveTarget, instances: &[&str]) -> Vec<(String, Result<Status, Failure>)> {
    let mut ended = Vec::new();
    let all = instances.iter().map(|instance| outgoing(instance)).collect();
    let tell = |instance: &Uid, outcome: &Result<Status, Failure>| {
        ended.push((instance.to_string(), outcome.clone()));
    };
    send(target, all, &CancellationToken::new(), tell).await;
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn each_object_is_told_of_once_whatever_became_of_it() {
    let pki = Pki::new();
    for tls in [false, true] {
        let server = if tls { Server::tls(&pki, patient()).await } else { Server::plain(patient()).await };
        let settings = Settings::new(title(CALLING));
        let settings = if tls { settings.with_tls(pki.client(Some("device"), "ca")) } else { settings };
        let instances = ["2.25.1", NO_ROOM_INSTANCE, "2.25.2", MISMATCH_INSTANCE, "2.25.3"];
        let mut ended = sent(&target(server.destination(), settings), &instances).await;
        assert_eq!(ended.len(), instances.len());
        for instance in ["2.25.1", "2.25.2", "2.25.3"] {
            assert_eq!(server.kept(instance), Some(data_set(instance, 20_000)), "tls {tls}");
        }
        ended.retain(|(_, outcome)| !outcome.as_ref().is_ok_and(|status| status.is_stored()));
        let refused: Vec<&str> = ended.iter().map(|(instance, _)| instance.as_str()).collect();
        assert_eq!(refused, [NO_ROOM_INSTANCE, MISMATCH_INSTANCE]);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_not_there_fails_every_object_once() {
    let nowhere: Destination = format!("{CALLED}@127.0.0.1:1").parse().unwrap();
    let timeouts = Timeouts::within(Duration::from_secs(3));
    let settings = Settings { timeouts, ..Settings::new(title(CALLING)) };
    let ended = sent(&target(nowhere, settings), &["2.25.1", "2.25.2"]).await;
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|(_, outcome)| outcome.is_err()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_it_between_two_objects_and_what_was_sent_is_told() {
    let server = Server::plain(patient()).await;
    let target = target(server.destination(), Settings::new(title(CALLING)));
    let instances: Vec<String> = (1..=200).map(|number| format!("2.25.{number}")).collect();
    let (stop, mut told) = (CancellationToken::new(), Vec::new());
    let all = instances.iter().map(|instance| outgoing(instance)).collect();
    send(&target, all, &stop, |instance, outcome| {
        assert!(outcome.is_ok());
        told.push(instance.to_string());
        stop.cancel();
    })
    .await;
    assert!(!told.is_empty() && told.len() < instances.len(), "{}", told.len());
    for instance in &told {
        assert!(server.kept(instance).is_some(), "what is told is there");
    }
    let kept = instances.iter().filter(|instance| server.kept(instance).is_some()).count();
    assert_eq!(kept, told.len(), "what is there is told");
    server.finish().await;
}
