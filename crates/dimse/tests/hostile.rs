//! Peers that break the rules, by mistake or on purpose, on real sockets.

// A test may fail by panic; helpers outside of test functions as well.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used
)]

mod support;

use bytes::{Bytes, BytesMut};
use std::time::Duration;
use support::{
    CALLED, CALLING, EXPLICIT_LE, MISMATCH_INSTANCE, NO_ROOM_INSTANCE, Pki, SECONDARY_CAPTURE, Server,
    data_set, hasty, object, title, uid,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use yingdun_dimse::VERIFICATION;
use yingdun_dimse::association::{Connection, DATA_BYTES_MAX, Proposals};
use yingdun_dimse::message::{Command, Status, element};
use yingdun_dimse::pdu::{
    APPLICATION_CONTEXT, Abort, AbortSource, AssociateRj, AssociateRq, ContextOutcome, Pdu, Pdv,
    ProposedContext, RejectReason, UserInformation, encode,
};
use yingdun_dimse::scp::Limits;
use yingdun_dimse::scu::{Scu, Settings};

const WAIT: Duration = Duration::from_secs(30);

/// A peer that sends whatever a test wants.
struct RawPeer {
    connection: Connection<TcpStream>,
}

impl RawPeer {
    async fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).await.unwrap();
        Self { connection: Connection::new(stream, DATA_BYTES_MAX) }
    }

    /// Associated with context 1 (storage), 3 (verification) and 5 (printing, which is refused).
    async fn associated(server: &Server) -> Self {
        let mut peer = Self::connect(server).await;
        peer.send(&request(CALLING)).await;
        let Pdu::AssociateAc(acceptance) = peer.read().await else { panic!("not accepted") };
        let outcomes: Vec<_> = acceptance.contexts.iter().map(|context| context.outcome).collect();
        assert_eq!(
            outcomes,
            [ContextOutcome::Accepted, ContextOutcome::Accepted, ContextOutcome::AbstractSyntaxNotSupported]
        );
        peer
    }

    async fn send(&mut self, pdu: &Pdu) {
        self.connection.write(pdu, WAIT).await.unwrap();
    }

    async fn read(&mut self) -> Pdu {
        self.connection.read(WAIT, WAIT).await.unwrap()
    }

    /// The next unit is a whole response.
    async fn response(&mut self) -> Command {
        let Pdu::Data(fragments) = self.read().await else { panic!("no response") };
        Command::decode(fragments[0].data.clone()).unwrap()
    }

    async fn store(&mut self, instance: &str, data: &[u8], fragment: usize) -> Command {
        let command = Command::store_request(1, &uid(SECONDARY_CAPTURE), &uid(instance));
        self.send(&Pdu::Data(vec![pdv(1, true, true, command.encode())])).await;
        let pieces: Vec<&[u8]> = data.chunks(fragment).collect();
        for (number, piece) in pieces.iter().enumerate() {
            let last = number + 1 == pieces.len();
            self.send(&Pdu::Data(vec![pdv(1, false, last, Bytes::copy_from_slice(piece))])).await;
        }
        self.response().await
    }
}

fn pdv(context_id: u8, is_command: bool, is_last: bool, data: Bytes) -> Pdv {
    Pdv { context_id, is_command, is_last, data }
}

fn request(calling: &str) -> Pdu {
    let context = |id, class: &str| ProposedContext {
        id,
        abstract_syntax: Some(uid(class)),
        transfer_syntaxes: vec![uid(EXPLICIT_LE)],
    };
    Pdu::AssociateRq(AssociateRq {
        protocol_version: 1,
        called: (&title(CALLED)).into(),
        calling: (&title(calling)).into(),
        application_context: Some(uid(APPLICATION_CONTEXT)),
        contexts: vec![
            context(1, SECONDARY_CAPTURE),
            context(3, VERIFICATION),
            context(5, "1.2.840.10008.5.1.1.9"),
        ],
        user: UserInformation { max_length: Some(0), ..UserInformation::default() },
    })
}

fn wire(pdu: &Pdu) -> BytesMut {
    let mut bytes = BytesMut::new();
    encode(pdu, &mut bytes).unwrap();
    bytes
}

const fn abort(source: AbortSource) -> Pdu {
    Pdu::Abort(Abort { source })
}

/// The server still does its work.
async fn assert_serves(server: &Server) {
    let verification = Proposals::verification().unwrap();
    let settings = Settings::new(title(CALLING));
    let mut scu = Scu::connect(&server.destination(), &settings, &verification).await.unwrap();
    assert_eq!(scu.echo().await.unwrap().status, Status::SUCCESS);
    scu.release().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_cut_at_any_byte_leaves_the_server_well() {
    let server = Server::plain(hasty()).await;
    let whole = wire(&request(CALLING));
    for end in 0..whole.len() {
        let mut peer = TcpStream::connect(server.address).await.unwrap();
        peer.write_all(&whole[..end]).await.unwrap();
        peer.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // Either nothing or a reset, never an acceptance.
        let _ = peer.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "cut at {end}: {answer:?}");
    }
    assert_serves(&server).await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_association_cut_at_any_byte_keeps_nothing() {
    let server = Server::plain(hasty()).await;
    let command = Command::store_request(1, &uid(SECONDARY_CAPTURE), &uid("2.25.7"));
    let mut whole = wire(&request(CALLING));
    let associated = whole.len();
    whole.extend_from_slice(&wire(&Pdu::Data(vec![
        pdv(1, true, true, command.encode()),
        pdv(1, false, false, Bytes::from_static(b"first")),
    ])));
    whole.extend_from_slice(&wire(&Pdu::Data(vec![pdv(1, false, true, Bytes::from_static(b"second"))])));
    for end in associated..whole.len() {
        let mut peer = TcpStream::connect(server.address).await.unwrap();
        peer.write_all(&whole[..end]).await.unwrap();
        peer.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = peer.read_to_end(&mut answer).await;
    }
    assert_serves(&server).await;
    assert!(server.service.objects.lock().unwrap().is_empty());
    assert!(server.is_clean());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_lie_end_the_association_with_an_abort() {
    let server = Server::plain(hasty()).await;
    // A P-DATA-TF longer than was advertised: refused by its header alone.
    let mut peer = RawPeer::associated(&server).await;
    let mut too_long = vec![4, 0];
    too_long.extend_from_slice(&(DATA_BYTES_MAX as u32 + 1).to_be_bytes());
    raw_write(&mut peer, &too_long).await;
    assert_eq!(peer.read().await, abort(AbortSource::InvalidParameter));
    // A fragment longer than its unit.
    let mut peer = RawPeer::associated(&server).await;
    raw_write(&mut peer, &[4, 0, 0, 0, 0, 8, 0, 0, 0, 99, 1, 3, 0, 0]).await;
    assert_eq!(peer.read().await, abort(AbortSource::InvalidParameter));
    // A unit without any fragment.
    let mut peer = RawPeer::associated(&server).await;
    raw_write(&mut peer, &[4, 0, 0, 0, 0, 0]).await;
    assert_eq!(peer.read().await, abort(AbortSource::InvalidParameter));
    // A unit of unknown type, and one that must not come now.
    let mut peer = RawPeer::associated(&server).await;
    raw_write(&mut peer, &[0x42, 0, 0, 0, 0, 0]).await;
    assert_eq!(peer.read().await, abort(AbortSource::UnrecognisedPdu));
    let mut peer = RawPeer::associated(&server).await;
    peer.send(&request(CALLING)).await;
    assert_eq!(peer.read().await, abort(AbortSource::UnexpectedPdu));
    assert_serves(&server).await;
    server.finish().await;
}

/// Writes bytes that are no unit: around the connection, on its own socket.
async fn raw_write(peer: &mut RawPeer, bytes: &[u8]) {
    let stream = peer.connection.io();
    let mut rest = bytes;
    while !rest.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_drips_bytes_is_let_go() {
    let server = Server::plain(hasty()).await;
    let whole = wire(&request(CALLING));
    let mut peer = TcpStream::connect(server.address).await.unwrap();
    let mut gone = false;
    for byte in whole {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if peer.write_all(&[byte]).await.is_err() {
            gone = true;
            break;
        }
    }
    assert!(gone, "the server waited for every byte");
    assert_serves(&server).await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_begins_tls_is_let_go() {
    let pki = Pki::new();
    let mut settings = hasty();
    settings.timeouts.handshake = Duration::from_millis(300);
    let server = Server::tls(&pki, settings).await;
    let mut peer = TcpStream::connect(server.address).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(WAIT, peer.read_to_end(&mut answer)).await.expect("still open").unwrap();
    assert!(answer.is_empty());
    // Plain DICOM on the TLS port never reaches a decision.
    let mut peer = TcpStream::connect(server.address).await.unwrap();
    peer.write_all(&wire(&request(CALLING))).await.unwrap();
    let mut answer = Vec::new();
    let _ = peer.read_to_end(&mut answer).await;
    assert_ne!(answer.first(), Some(&2));
    assert!(server.service.peers.lock().unwrap().is_empty());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_association_is_aborted() {
    let server = Server::plain(hasty()).await;
    let mut peer = RawPeer::associated(&server).await;
    assert_eq!(peer.read().await, abort(AbortSource::Unspecified));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_of_any_size_make_the_same_object() {
    let server = Server::plain(hasty()).await;
    let mut peer = RawPeer::associated(&server).await;
    let data = data_set("2.25.8", 3000);
    for fragment in [1, 2, 3, 7, 1021, 4096] {
        let response = peer.store("2.25.8", &data, fragment).await;
        assert_eq!(response.status(), Some(Status::SUCCESS));
        assert_eq!(server.kept("2.25.8").as_ref(), Some(&data), "fragments of {fragment}");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_and_data_set_may_share_one_unit_and_a_command_may_be_cut() {
    let server = Server::plain(hasty()).await;
    let mut peer = RawPeer::associated(&server).await;
    let data = Bytes::from(data_set("2.25.9", 100));
    let command = Command::store_request(1, &uid(SECONDARY_CAPTURE), &uid("2.25.9")).encode();
    let middle = data.len() / 2;
    peer.send(&Pdu::Data(vec![
        pdv(1, true, false, command.slice(..5)),
        pdv(1, true, true, command.slice(5..)),
        pdv(1, false, false, data.slice(..middle)),
        pdv(1, false, false, Bytes::new()),
        pdv(1, false, true, data.slice(middle..)),
    ]))
    .await;
    assert_eq!(peer.response().await.status(), Some(Status::SUCCESS));
    for byte in command.chunks(1).take(command.len() - 1) {
        peer.send(&Pdu::Data(vec![pdv(1, true, false, Bytes::copy_from_slice(byte))])).await;
    }
    peer.send(&Pdu::Data(vec![
        pdv(1, true, true, command.slice(command.len() - 1..)),
        pdv(1, false, true, data.clone()),
    ]))
    .await;
    assert_eq!(peer.response().await.status(), Some(Status::SUCCESS));
    assert_eq!(server.kept("2.25.9"), Some(data.to_vec()));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_fails_gets_its_status_and_the_next_one_is_stored() {
    let server = Server::plain(hasty()).await;
    let mut peer = RawPeer::associated(&server).await;
    let failed = peer.store(NO_ROOM_INSTANCE, &data_set(NO_ROOM_INSTANCE, 60_000), 1000).await;
    assert_eq!(failed.status(), Some(Status::OUT_OF_RESOURCES));
    assert_eq!(failed.error_comment().as_deref(), Some("no room is left"));
    let failed = peer.store(MISMATCH_INSTANCE, &data_set(MISMATCH_INSTANCE, 100), 50).await;
    assert_eq!(failed.status(), Some(Status::DATA_SET_MISMATCH));
    let stored = peer.store("2.25.10", &data_set("2.25.10", 100), 50).await;
    assert_eq!(stored.status(), Some(Status::SUCCESS));
    assert_eq!(stored.uid(element::AFFECTED_SOP_INSTANCE), Some(uid("2.25.10")));
    assert!(server.is_clean());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_do_not_exist_here_are_answered_with_0211() {
    let server = Server::plain(hasty()).await;
    let mut peer = RawPeer::associated(&server).await;
    // C-FIND (0020H) with an identifier, N-ACTION (0130H) with none.
    for (field, data_set_type) in [(0x0020_u16, 1_u16), (0x0130, 0x0101)] {
        let mut command = Vec::new();
        for (number, value) in [(0x0100_u16, field), (0x0110, 77), (0x0800, data_set_type)] {
            command.extend_from_slice(&[0, 0]);
            command.extend_from_slice(&number.to_le_bytes());
            command.extend_from_slice(&2_u32.to_le_bytes());
            command.extend_from_slice(&value.to_le_bytes());
        }
        let mut fragments = vec![pdv(1, true, true, command.into())];
        if data_set_type == 1 {
            fragments.push(pdv(1, false, true, Bytes::from_static(b"identifier")));
        }
        peer.send(&Pdu::Data(fragments)).await;
        let response = peer.response().await;
        assert_eq!(response.status(), Some(Status::UNRECOGNISED_OPERATION));
        assert_eq!(response.field().number(), field | 0x8000);
        assert_eq!(response.message_id_responded_to(), Some(77));
    }
    // C-STORE in the context of verification is none of its operations either.
    let command = Command::store_request(78, &uid(VERIFICATION), &uid("2.25.1")).encode();
    peer.send(&Pdu::Data(vec![
        pdv(3, true, true, command),
        pdv(3, false, true, Bytes::from_static(b"data")),
    ]))
    .await;
    assert_eq!(peer.response().await.status(), Some(Status::UNRECOGNISED_OPERATION));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_request_that_contradicts_itself_gets_a_status() {
    let server = Server::plain(hasty()).await;
    let mut peer = RawPeer::associated(&server).await;
    // The class of another context.
    let command = Command::store_request(1, &uid("1.2.840.10008.5.1.4.1.1.2"), &uid("2.25.1")).encode();
    peer.send(&Pdu::Data(vec![
        pdv(1, true, true, command),
        pdv(1, false, true, Bytes::from_static(b"data")),
    ]))
    .await;
    assert_eq!(peer.response().await.status(), Some(Status::SOP_CLASS_NOT_SUPPORTED));
    // An instance UID that is a path.
    let command = Command::store_request(2, &uid(SECONDARY_CAPTURE), &uid("1.2.3.4.5.6.7.8")).encode();
    let mut bytes = command.to_vec();
    let at = bytes.windows(15).rposition(|window| window == b"1.2.3.4.5.6.7.8" as &[u8]).unwrap();
    bytes[at..at + 15].copy_from_slice(b"../../etc/passw");
    peer.send(&Pdu::Data(vec![
        pdv(1, true, true, bytes.into()),
        pdv(1, false, true, Bytes::from_static(b"data")),
    ]))
    .await;
    assert_eq!(peer.response().await.status(), Some(Status::INVALID_SOP_INSTANCE));
    assert!(server.is_clean());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_mixed_up_end_the_association() {
    let server = Server::plain(hasty()).await;
    let store = Command::store_request(1, &uid(SECONDARY_CAPTURE), &uid("2.25.1")).encode();
    let data = |last| pdv(1, false, last, Bytes::from_static(b"data"));
    for fragments in [
        // Data without a command.
        vec![data(true)],
        // A second command inside a data set.
        vec![pdv(1, true, true, store.clone()), data(false), pdv(1, true, true, store.clone())],
        // The data set in another context.
        vec![pdv(1, true, true, store.clone()), pdv(3, false, true, Bytes::from_static(b"data"))],
        // A context that was refused, and one that was never proposed.
        vec![pdv(5, true, true, store.clone())],
        vec![pdv(99, true, true, store.clone())],
        // A command that is none, one that is far too long, and a response without a request.
        vec![pdv(1, true, true, Bytes::from_static(b"garbage"))],
        vec![pdv(1, true, false, vec![0; 65_000].into()), pdv(1, true, true, vec![0; 1000].into())],
        vec![pdv(
            3,
            true,
            true,
            Command::echo_request(1, &uid(VERIFICATION)).response(Status::SUCCESS, None).encode(),
        )],
    ] {
        let mut peer = RawPeer::associated(&server).await;
        peer.send(&Pdu::Data(fragments.clone())).await;
        assert_eq!(peer.read().await, abort(AbortSource::InvalidParameter), "{fragments:?}");
    }
    let mut peer = RawPeer::associated(&server).await;
    peer.send(&Pdu::Data(vec![pdv(1, true, true, store), data(false)])).await;
    peer.send(&Pdu::ReleaseRq).await;
    assert_eq!(peer.read().await, abort(AbortSource::UnexpectedPdu));
    assert!(server.is_clean());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_association_too_many_is_told_to_come_again() {
    let mut settings = hasty();
    settings.limits = Limits { associations: 8, associations_per_address: 4, connections: 8 };
    let server = Server::plain(settings).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(RawPeer::associated(&server).await);
    }
    let mut peer = RawPeer::connect(&server).await;
    peer.send(&request(CALLING)).await;
    let rejection = AssociateRj { transient: true, reason: RejectReason::LocalLimitExceeded };
    assert_eq!(peer.read().await, Pdu::AssociateRj(rejection));
    let mut last = open.pop().unwrap();
    last.send(&Pdu::ReleaseRq).await;
    assert_eq!(last.read().await, Pdu::ReleaseRp);
    drop(last);
    // The slot is free when the server has seen the connection close.
    loop {
        let mut peer = RawPeer::connect(&server).await;
        peer.send(&request(CALLING)).await;
        match peer.read().await {
            Pdu::AssociateRj(again) if again == rejection => {}
            answer => break assert!(matches!(answer, Pdu::AssociateAc(_)), "{answer:?}"),
        }
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_lets_an_object_finish_and_aborts_who_idles() {
    let server = Server::plain(hasty()).await;
    let mut idle = RawPeer::associated(&server).await;
    let mut busy = RawPeer::associated(&server).await;
    let command = Command::store_request(1, &uid(SECONDARY_CAPTURE), &uid("2.25.11")).encode();
    let data = Bytes::from(data_set("2.25.11", 100));
    busy.send(&Pdu::Data(vec![pdv(1, true, true, command), pdv(1, false, false, data.slice(..50))])).await;
    while !server.folder.path().join("2.25.11.part").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.stop.cancel();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    busy.send(&Pdu::Data(vec![pdv(1, false, true, data.slice(50..))])).await;
    assert_eq!(busy.response().await.status(), Some(Status::SUCCESS));
    assert_eq!(idle.read().await, abort(AbortSource::User));
    assert_eq!(server.kept("2.25.11"), Some(data.to_vec()));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_goes_on_after_a_status_that_is_no_success() {
    let server = Server::plain(hasty()).await;
    let mut proposals = Proposals::new();
    proposals.add(uid(SECONDARY_CAPTURE), uid(EXPLICIT_LE)).unwrap();
    let settings = Settings::new(title(CALLING));
    let mut scu = Scu::connect(&server.destination(), &settings, &proposals).await.unwrap();
    let sent = data_set(NO_ROOM_INSTANCE, 50_000);
    let answer = scu.store(&object(NO_ROOM_INSTANCE), &mut &sent[..]).await.unwrap();
    assert_eq!(answer.status, Status::OUT_OF_RESOURCES);
    assert_eq!(answer.comment.as_deref(), Some("no room is left"));
    let mut other = object("2.25.12");
    other.transfer_syntax = uid("1.2.840.10008.1.2");
    let error = scu.store(&other, &mut &sent[..]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the peer does not accept SOP class 1.2.840.10008.5.1.4.1.1.7 in transfer syntax 1.2.840.10008.1.2"
    );
    let sent = data_set("2.25.12", 400_000);
    let answer = scu.store(&object("2.25.12"), &mut &sent[..]).await.unwrap();
    assert_eq!(answer.status, Status::SUCCESS);
    assert_eq!(server.kept("2.25.12"), Some(sent));
    assert!(matches!(scu.echo().await, Err(yingdun_dimse::scu::ScuError::NoVerification)));
    scu.release().await.unwrap();
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_names_every_refusal_of_our_server() {
    let pki = Pki::new();
    let server = Server::tls(&pki, hasty()).await;
    let verification = Proposals::verification().unwrap();
    let settings = |calling: &str, certificate, authority| {
        Settings::new(title(calling)).with_tls(pki.client(certificate, authority))
    };
    let mut nobody = server.destination();
    nobody.ae_title = title("NOBODY");
    let here = server.destination();
    let device = Some("device");
    for (destination, settings, words) in [
        (&nobody, settings(CALLING, device, "ca"), "association rejected: called AE title not recognised"),
        (&here, settings("CT99", device, "ca"), "association rejected: calling AE title not recognised"),
        (&here, settings(CALLING, Some("other-device"), "ca"), "association rejected: no reason given"),
        (&here, settings(CALLING, None, "ca"), "the peer demands a client certificate and got none"),
        (
            &here,
            settings(CALLING, Some("stranger"), "ca"),
            "the peer does not trust the authority of our certificate",
        ),
        (
            &here,
            settings(CALLING, device, "foreign-ca"),
            "peer certificate is not signed by a trusted authority",
        ),
    ] {
        let error = Scu::connect(destination, &settings, &verification).await.err().unwrap();
        assert_eq!(error.to_string(), words);
    }
    let plain_server = Server::plain(hasty()).await;
    let error = Scu::connect(&plain_server.destination(), &settings(CALLING, device, "ca"), &verification)
        .await
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "the peer does not speak TLS on this port (is it the plain DICOM port?)");
    let mut scu = Scu::connect(&here, &settings(CALLING, device, "ca"), &verification).await.unwrap();
    assert_eq!(scu.echo().await.unwrap().status, Status::SUCCESS);
    scu.release().await.unwrap();
    let peers = server.service.peers.lock().unwrap().clone();
    assert_eq!(peers.last().unwrap().certificate_sha256, Some(pki.device_fingerprint));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_never_hangs_however_many_objects_go_through_at_once() {
    let pki = Pki::new();
    let server = Server::tls(&pki, support::patient()).await;
    let mut senders = Vec::new();
    for sender in 0..4 {
        let destination = server.destination();
        let settings = Settings::new(title(CALLING)).with_tls(pki.client(Some("device"), "ca"));
        senders.push(tokio::spawn(async move {
            let mut proposals = Proposals::new();
            proposals.add(uid(SECONDARY_CAPTURE), uid(EXPLICIT_LE)).unwrap();
            let mut scu = Scu::connect(&destination, &settings, &proposals).await.unwrap();
            for number in 0..25 {
                let instance = format!("2.25.{sender}{number:03}");
                let sent = data_set(&instance, 200_000 + number);
                let answer = scu.store(&object(&instance), &mut &sent[..]).await.unwrap();
                assert_eq!(answer.status, Status::SUCCESS);
            }
            scu.release().await.unwrap();
        }));
    }
    let all = async {
        for sender in senders {
            sender.await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("a transfer hangs");
    assert_eq!(server.service.objects.lock().unwrap().len(), 100);
    server.finish().await;
}
