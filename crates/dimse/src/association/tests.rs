use super::*;
use crate::pdu::{ContextOutcome, RejectReason, encode};
use bytes::Bytes;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

fn uid(text: &str) -> Uid {
    Uid::new(text).unwrap()
}

fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

fn hasty() -> Timeouts {
    let short = Duration::from_millis(200);
    Timeouts { handshake: short, artim: short, idle: short, unit: short, response: short, close: short }
}

fn proposals() -> Proposals {
    let mut proposals = Proposals::new();
    proposals.add(uid(CT), uid(EXPLICIT)).unwrap();
    proposals
}

/// Two associated sides over a pipe: requestor, acceptor.
async fn associated() -> (Association<DuplexStream>, Association<DuplexStream>) {
    let (ours, theirs) = duplex(1 << 20);
    let requestor =
        request(Connection::new(ours, DATA_BYTES_MAX), hasty(), title("CT01"), title("YINGDUN"), &PROPOSALS);
    let acceptor = async {
        let pending = Pending::receive(Connection::new(theirs, DATA_BYTES_MAX), hasty()).await.unwrap();
        let (calling, called) = pending.titles().unwrap();
        pending
            .accept(calling, called, Agreement::default(), |_, syntaxes| Ok(syntaxes[0].clone()))
            .await
            .unwrap()
    };
    let (requestor, acceptor) = tokio::join!(requestor, acceptor);
    (requestor.unwrap(), acceptor)
}

static PROPOSALS: std::sync::LazyLock<Proposals> = std::sync::LazyLock::new(proposals);

/// An acceptor that reads what `send` wrote to the other end of its pipe.
async fn acceptor_that_reads(bytes: &[u8]) -> Result<Pending<DuplexStream>, AssociationError> {
    let (mut peer, ours) = duplex(1 << 20);
    peer.write_all(bytes).await.unwrap();
    Pending::receive(Connection::new(ours, DATA_BYTES_MAX), hasty()).await
}

#[tokio::test]
async fn two_sides_agree_send_and_release() {
    let (mut requestor, mut acceptor) = associated().await;
    assert_eq!(acceptor.calling().as_str(), "CT01");
    assert_eq!(acceptor.contexts(), requestor.contexts());
    requestor.send_command(1, b"command").await.unwrap();
    let data: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let receive = async {
        let mut received = Vec::new();
        loop {
            match acceptor.receive(Duration::from_secs(1)).await.unwrap() {
                Received::Fragment(fragment) if fragment.is_command => {
                    assert_eq!(fragment.data, b"command".as_slice());
                }
                Received::Fragment(fragment) => {
                    received.extend_from_slice(&fragment.data);
                    assert_eq!(fragment.is_last, received.len() == data.len());
                }
                Received::Release => break,
            }
        }
        acceptor.confirm_release().await.unwrap();
        received
    };
    let send = async {
        assert_eq!(requestor.send_object(1, b"command", &mut &data[..]).await.unwrap(), 300_000);
        requestor.release().await.unwrap();
    };
    let ((), received) = tokio::join!(send, receive);
    assert_eq!(received, data);
}

#[tokio::test]
async fn a_release_from_both_sides_at_once_ends_on_both() {
    let (requestor, mut acceptor) = associated().await;
    let collide = async {
        acceptor.connection.write(&Pdu::ReleaseRq, hasty().unit).await.unwrap();
        assert_eq!(acceptor.receive(hasty().idle).await.unwrap(), Received::Release);
        assert_eq!(acceptor.connection.read(hasty().idle, hasty().unit).await.unwrap(), Pdu::ReleaseRp);
        acceptor.confirm_release().await.unwrap();
    };
    let (released, ()) = tokio::join!(requestor.release(), collide);
    released.unwrap();
}

#[tokio::test]
async fn a_rejection_arrives_with_its_reason() {
    let (ours, theirs) = duplex(4096);
    let called = title("NOBODY");
    let requestor =
        request(Connection::new(ours, DATA_BYTES_MAX), hasty(), title("CT01"), called, &PROPOSALS);
    let rejection = AssociateRj { transient: false, reason: RejectReason::CalledAeNotRecognised };
    let acceptor = async {
        let pending = Pending::receive(Connection::new(theirs, DATA_BYTES_MAX), hasty()).await.unwrap();
        pending.reject(rejection).await.unwrap();
    };
    let (result, ()) = tokio::join!(requestor, acceptor);
    let error = result.err().unwrap();
    assert_eq!(error.to_string(), "association rejected: called AE title not recognised");
    assert!(matches!(error, AssociationError::Rejected(came) if came == rejection));
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_let_go_after_artim() {
    let (_peer, ours) = duplex(64);
    let result = Pending::receive(Connection::new(ours, DATA_BYTES_MAX), hasty()).await;
    assert!(matches!(result.err().unwrap(), AssociationError::TimedOut { what: "a PDU", .. }));
}

#[tokio::test]
async fn a_peer_that_stops_inside_a_unit_is_let_go() {
    let result = acceptor_that_reads(&[1, 0, 0, 0, 0, 200, 0, 1]).await;
    assert!(matches!(result.err().unwrap(), AssociationError::TimedOut { what: "the rest of a PDU", .. }));
}

#[tokio::test]
async fn a_length_beyond_the_bound_is_refused_before_anything_is_reserved() {
    let result = acceptor_that_reads(&[1, 0, 0xff, 0xff, 0xff, 0xff]).await;
    assert!(matches!(result.err().unwrap(), AssociationError::Pdu(PduError::TooLong { .. })));
}

#[tokio::test]
async fn data_before_an_association_is_answered_with_the_right_abort() {
    for (unit, source) in [
        (&[4, 0, 0, 0, 0, 7, 0, 0, 0, 3, 1, 3, 0][..], AbortSource::UnexpectedPdu),
        (&[5, 0, 0, 0, 0, 4, 0, 0, 0, 0][..], AbortSource::UnexpectedPdu),
        (&[9, 0, 0, 0, 0, 0][..], AbortSource::UnrecognisedPdu),
        (&[1, 0, 0, 0, 0, 1, 0][..], AbortSource::InvalidParameter),
        (b"GET / HTTP/1.1\r\n\r\n", AbortSource::UnrecognisedPdu),
    ] {
        let (mut peer, ours) = duplex(4096);
        peer.write_all(unit).await.unwrap();
        let acceptor = Pending::receive(Connection::new(ours, DATA_BYTES_MAX), hasty());
        let mut peer = Connection::new(peer, DATA_BYTES_MAX);
        let (result, answer) = tokio::join!(acceptor, peer.read(hasty().idle, hasty().unit));
        assert!(result.is_err());
        assert_eq!(answer.unwrap(), abort_unit(source), "{unit:?}");
    }
}

#[tokio::test]
async fn an_abort_instead_of_a_request_gets_no_answer() {
    let (mut peer, ours) = duplex(4096);
    peer.write_all(&[7, 0, 0, 0, 0, 4, 0, 0, 0, 0]).await.unwrap();
    let result = Pending::receive(Connection::new(ours, DATA_BYTES_MAX), hasty()).await;
    assert!(matches!(result.err().unwrap(), AssociationError::Aborted(AbortSource::User)));
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn what_no_acceptor_could_take_is_refused_with_its_reason() {
    let good = crate::pdu::AssociateRq {
        protocol_version: 1,
        called: (&title("YINGDUN")).into(),
        calling: (&title("CT01")).into(),
        application_context: Some(uid(crate::pdu::APPLICATION_CONTEXT)),
        contexts: Vec::new(),
        user: UserInformation::default(),
    };
    let blank = crate::pdu::AeField([b' '; 16]);
    for (request, reason) in [
        (
            crate::pdu::AssociateRq { protocol_version: 2, ..good.clone() },
            RejectReason::ProtocolVersionNotSupported,
        ),
        (
            crate::pdu::AssociateRq { application_context: None, ..good.clone() },
            RejectReason::ApplicationContextNotSupported,
        ),
        (crate::pdu::AssociateRq { called: blank, ..good.clone() }, RejectReason::CalledAeNotRecognised),
        (crate::pdu::AssociateRq { calling: blank, ..good.clone() }, RejectReason::CallingAeNotRecognised),
    ] {
        let mut bytes = BytesMut::new();
        encode(&Pdu::AssociateRq(request), &mut bytes).unwrap();
        assert_eq!(acceptor_that_reads(&bytes).await.unwrap().titles(), Err(reason));
    }
}

#[tokio::test]
async fn a_context_number_used_twice_is_agreed_once() {
    let context = |class: &str| crate::pdu::ProposedContext {
        id: 1,
        abstract_syntax: Some(uid(class)),
        transfer_syntaxes: vec![uid(EXPLICIT)],
    };
    let request = crate::pdu::AssociateRq {
        protocol_version: 1,
        called: (&title("YINGDUN")).into(),
        calling: (&title("CT01")).into(),
        application_context: Some(uid(crate::pdu::APPLICATION_CONTEXT)),
        contexts: vec![context(CT), context("1.2.840.10008.1.1")],
        user: UserInformation::default(),
    };
    let mut bytes = BytesMut::new();
    encode(&Pdu::AssociateRq(request), &mut bytes).unwrap();
    let (mut peer, ours) = duplex(1 << 16);
    peer.write_all(&bytes).await.unwrap();
    let pending = Pending::receive(Connection::new(ours, DATA_BYTES_MAX), hasty()).await.unwrap();
    let (calling, called) = pending.titles().unwrap();
    let association =
        pending.accept(calling, called, Agreement::default(), |_, all| Ok(all[0].clone())).await.unwrap();
    assert_eq!(association.contexts().len(), 1);
    assert_eq!(association.contexts()[0].abstract_syntax, uid(CT));
    let mut peer = Connection::new(peer, DATA_BYTES_MAX);
    let Pdu::AssociateAc(answer) = peer.read(hasty().idle, hasty().unit).await.unwrap() else {
        panic!("not accepted")
    };
    let outcomes: Vec<_> = answer.contexts.iter().map(|context| context.outcome).collect();
    assert_eq!(outcomes, [ContextOutcome::Accepted, ContextOutcome::UserRejection]);
}

#[test]
fn the_limit_of_the_peer_is_kept_and_no_limit_is_clamped() {
    let limit = |max_length| send_bytes_max(&UserInformation { max_length, ..UserInformation::default() });
    assert_eq!(limit(Some(16384)).unwrap(), 16384);
    assert_eq!(limit(Some(16385)).unwrap(), 16384);
    assert_eq!(limit(Some(8)).unwrap(), 8);
    for unlimited in [None, Some(0), Some(u32::MAX)] {
        assert_eq!(limit(unlimited).unwrap(), DATA_BYTES_MAX);
    }
    for hopeless in 1..8 {
        assert!(matches!(limit(Some(hopeless)), Err(AssociationError::PeerLimit(_))));
    }
}

#[tokio::test]
async fn the_smallest_units_carry_a_whole_object() {
    let (mut requestor, mut acceptor) = associated().await;
    requestor.send_bytes_max = DATA_BYTES_MIN;
    requestor.send_object(1, b"abcde", &mut &b"fghij"[..]).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 6 {
        let Received::Fragment(fragment) = acceptor.receive(hasty().idle).await.unwrap() else {
            panic!("released")
        };
        seen.push((fragment.data, fragment.is_command, fragment.is_last));
    }
    let expected = [
        ("ab", true, false),
        ("cd", true, false),
        ("e", true, true),
        ("fg", false, false),
        ("hi", false, false),
        ("j", false, true),
    ];
    assert_eq!(seen, expected.map(|(data, command, last)| (Bytes::from(data), command, last)));
}

#[tokio::test]
async fn short_units_are_written_together_and_only_the_last_ends_the_data_set() {
    for length in [0_usize, 1, 15_999, 16_000, 16_001, 130_000, 300_000] {
        let (mut requestor, mut acceptor) = associated().await;
        requestor.send_bytes_max = 16_000 + PDV_HEADER_BYTES;
        let data: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let send = async { requestor.send_object(1, b"command", &mut &data[..]).await.unwrap() };
        let receive = async {
            let (mut received, mut lengths) = (Vec::new(), Vec::new());
            loop {
                let Received::Fragment(fragment) = acceptor.receive(hasty().idle).await.unwrap() else {
                    panic!("released")
                };
                if fragment.is_command {
                    continue;
                }
                received.extend_from_slice(&fragment.data);
                lengths.push(fragment.data.len());
                if fragment.is_last {
                    return (received, lengths);
                }
            }
        };
        let (sent, (received, lengths)) = tokio::join!(send, receive);
        assert_eq!(sent, length as u64);
        assert!(received == data, "{length}");
        assert!(lengths.iter().rev().skip(1).all(|length| *length == 16_000), "{lengths:?}");
    }
}

#[tokio::test]
async fn an_empty_data_set_is_one_empty_last_fragment() {
    let (mut requestor, mut acceptor) = associated().await;
    requestor.send_object(1, b"c", &mut &b""[..]).await.unwrap();
    let Received::Fragment(command) = acceptor.receive(hasty().idle).await.unwrap() else {
        panic!("released")
    };
    assert!(command.is_command && command.is_last);
    let Received::Fragment(fragment) = acceptor.receive(hasty().idle).await.unwrap() else {
        panic!("released")
    };
    assert!(fragment.is_last && fragment.data.is_empty());
}

#[tokio::test]
async fn reading_can_be_cancelled_at_any_byte_and_goes_on() {
    let (mut requestor, mut acceptor) = associated().await;
    let mut batch = Batch::new(1, 100);
    batch.put(b"data", false);
    for byte in batch.units {
        requestor.connection.write_raw(&[byte], hasty().unit).await.unwrap();
        let cancelled = tokio::time::timeout(Duration::from_millis(1), acceptor.receive(hasty().idle)).await;
        if let Ok(received) = cancelled {
            let Received::Fragment(fragment) = received.unwrap() else { panic!("released") };
            assert_eq!(fragment.data, b"data".as_slice());
            return;
        }
    }
    panic!("the fragment never came");
}

#[tokio::test]
async fn a_source_that_fails_ends_the_association() {
    struct MockBrokenDisk;
    impl AsyncRead for MockBrokenDisk {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::other("bad sector")))
        }
    }
    let (mut requestor, _acceptor) = associated().await;
    let error = requestor.send_object(1, b"c", &mut MockBrokenDisk).await.unwrap_err();
    assert_eq!(error.abort_source(), Some(AbortSource::User));
}

#[tokio::test]
async fn fragments_share_the_memory_of_their_unit() {
    let (mut requestor, mut acceptor) = associated().await;
    let both = Pdu::Data(
        [(b"first".as_slice(), false), (b"second".as_slice(), true)]
            .map(|(data, is_last)| Pdv {
                context_id: 1,
                is_command: false,
                is_last,
                data: Bytes::copy_from_slice(data),
            })
            .into(),
    );
    requestor.connection.write(&both, hasty().unit).await.unwrap();
    let mut fragments = Vec::new();
    for _ in 0..2 {
        let Received::Fragment(fragment) = acceptor.receive(hasty().idle).await.unwrap() else {
            panic!("released")
        };
        fragments.push(fragment);
    }
    let apart = fragments[1].data.as_ptr() as usize - fragments[0].data.as_ptr() as usize;
    assert_eq!(apart, b"first".len() + PDV_HEADER_BYTES);
}

#[test]
fn an_association_takes_no_more_proposals_than_there_are_numbers() {
    let mut proposals = Proposals::new();
    for n in 0..crate::pdu::PRESENTATION_CONTEXTS_MAX {
        proposals.add(uid(&format!("1.2.{n}")), uid(EXPLICIT)).unwrap();
        proposals.add(uid(&format!("1.2.{n}")), uid(EXPLICIT)).unwrap();
    }
    assert_eq!(proposals.add(uid("1.3"), uid(EXPLICIT)), Err(ProposalsError));
}

#[test]
fn the_implementation_is_named_within_the_bounds_of_the_standard() {
    let user = own_user_information();
    assert!(user.implementation_class.is_some());
    assert!(user.implementation_version.unwrap().len() <= 16);
    assert_eq!(user.max_length, Some(131_066));
}
