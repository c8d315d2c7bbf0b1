use super::*;
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use yingdun_model::Secret;

fn bytes_of(pdu: &Pdu) -> Bytes {
    let mut out = BytesMut::new();
    encode(pdu, &mut out).unwrap();
    out.freeze()
}

/// Decodes a whole unit, checking its header first as a connection does.
fn decode_unit(mut unit: Bytes) -> Result<Pdu, PduError> {
    let header = unit.split_to(HEADER_BYTES);
    let kind = PduKind::from_byte(header[0])?;
    assert_eq!(u32::from_be_bytes(header[2..6].try_into().unwrap()) as usize, unit.len());
    decode(kind, unit)
}

// === values of every kind ===

fn uid() -> impl Strategy<Value = Uid> {
    "[0-9][0-9.]{0,63}".prop_map(|text| Uid::new(&text).unwrap())
}

fn some_bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..64).prop_map(Bytes::from)
}

fn identity() -> impl Strategy<Value = UserIdentity> {
    (1_u8..=5, any::<bool>(), vec(any::<u8>(), 0..64), vec(any::<u8>(), 0..16)).prop_map(
        |(kind, positive_response_requested, primary, secondary)| UserIdentity {
            kind: UserIdentityKind::from_byte(kind).unwrap(),
            positive_response_requested,
            primary: Secret::new(primary),
            secondary: Secret::new(secondary),
        },
    )
}

fn user() -> impl Strategy<Value = UserInformation> {
    let role = (uid(), any::<bool>(), any::<bool>()).prop_map(|(sop_class, scu, scp)| RoleSelection {
        sop_class,
        scu,
        scp,
    });
    let extended = (uid(), some_bytes()).prop_map(|(sop_class, application_information)| {
        ExtendedNegotiation { sop_class, application_information }
    });
    let common =
        (uid(), uid(), vec(uid(), 0..4)).prop_map(|(sop_class, service_class, related_general_classes)| {
            CommonExtendedNegotiation { sop_class, service_class, related_general_classes }
        });
    let window =
        (any::<u16>(), any::<u16>()).prop_map(|(invoked, performed)| OperationsWindow { invoked, performed });
    (
        option::of(any::<u32>()),
        option::of(uid()),
        option::of(window),
        vec(role, 0..4),
        option::of("[ -~]{0,16}"),
        vec(extended, 0..4),
        vec(common, 0..4),
        option::of(identity()),
        option::of(some_bytes()),
    )
        .prop_map(
            |(
                max_length,
                implementation_class,
                operations_window,
                roles,
                implementation_version,
                extended,
                common_extended,
                identity,
                identity_response,
            )| UserInformation {
                max_length,
                implementation_class,
                operations_window,
                roles,
                implementation_version,
                extended,
                common_extended,
                identity,
                identity_response,
            },
        )
}

fn odd() -> impl Strategy<Value = u8> {
    any::<u8>().prop_map(|number| number | 1)
}

fn request() -> impl Strategy<Value = Pdu> {
    let context =
        (odd(), option::of(uid()), vec(uid(), 0..4)).prop_map(|(id, abstract_syntax, transfer_syntaxes)| {
            ProposedContext { id, abstract_syntax, transfer_syntaxes }
        });
    (any::<u16>(), any::<[u8; 16]>(), any::<[u8; 16]>(), option::of(uid()), vec(context, 0..6), user())
        .prop_map(|(protocol_version, called, calling, application_context, contexts, user)| {
            Pdu::AssociateRq(AssociateRq {
                protocol_version,
                called: AeField(called),
                calling: AeField(calling),
                application_context,
                contexts,
                user,
            })
        })
}

fn acceptance() -> impl Strategy<Value = Pdu> {
    let context = (odd(), 0_u8..=4, option::of(uid())).prop_map(|(id, outcome, transfer_syntax)| {
        AnsweredContext { id, outcome: ContextOutcome::from_byte(outcome).unwrap(), transfer_syntax }
    });
    (any::<u16>(), any::<[u8; 16]>(), any::<[u8; 16]>(), option::of(uid()), vec(context, 0..6), user())
        .prop_map(|(protocol_version, called, calling, application_context, contexts, user)| {
            Pdu::AssociateAc(AssociateAc {
                protocol_version,
                called: AeField(called),
                calling: AeField(calling),
                application_context,
                contexts,
                user,
            })
        })
}

fn any_pdu() -> impl Strategy<Value = Pdu> {
    let fragment = (any::<u8>(), any::<bool>(), any::<bool>(), some_bytes())
        .prop_map(|(context_id, is_command, is_last, data)| Pdv { context_id, is_command, is_last, data });
    prop_oneof![
        request(),
        acceptance(),
        (any::<bool>(), any::<u8>(), any::<u8>()).prop_map(|(transient, source, reason)| {
            Pdu::AssociateRj(AssociateRj { transient, reason: RejectReason::from_bytes(source, reason) })
        }),
        vec(fragment, 1..6).prop_map(Pdu::Data),
        Just(Pdu::ReleaseRq),
        Just(Pdu::ReleaseRp),
        (any::<u8>(), any::<u8>()).prop_map(|(source, reason)| {
            Pdu::Abort(Abort { source: AbortSource::from_bytes(source, reason) })
        }),
    ]
}

// === properties ===

proptest! {
    #[test]
    fn every_unit_comes_back_as_it_was(pdu in any_pdu()) {
        prop_assert_eq!(decode_unit(bytes_of(&pdu)), Ok(pdu));
    }

    #[test]
    fn a_body_cut_at_any_byte_is_refused_or_a_shorter_unit(pdu in any_pdu()) {
        let unit = bytes_of(&pdu);
        for end in HEADER_BYTES..unit.len() {
            // A cut between two items leaves a legal unit with fewer items, never the same one.
            let cut = decode(pdu.kind(), unit.slice(HEADER_BYTES..end));
            prop_assert_ne!(cut.as_ref(), Ok(&pdu), "cut at {}", end);
        }
    }

    #[test]
    fn any_body_is_decoded_or_refused_and_what_is_decoded_is_stable(
        kind in 1_u8..=7,
        body in vec(any::<u8>(), 0..512),
    ) {
        if let Ok(pdu) = decode(PduKind::from_byte(kind).unwrap(), Bytes::from(body)) {
            prop_assert_eq!(decode_unit(bytes_of(&pdu)), Ok(pdu));
        }
    }

    #[test]
    fn a_unit_with_one_wrong_byte_never_panics(pdu in any_pdu(), at: prop::sample::Index, wrong: u8) {
        let mut unit = bytes_of(&pdu).to_vec();
        let at = at.index(unit.len());
        unit[at] = wrong;
        let _ = decode(pdu.kind(), Bytes::from(unit.split_off(HEADER_BYTES)));
    }
}

// === examples ===

fn plain_request(contexts: Vec<ProposedContext>, user: UserInformation) -> AssociateRq {
    AssociateRq {
        protocol_version: PROTOCOL_VERSION_1,
        called: AeField(*b"YINGDUN         "),
        calling: AeField(*b"CT01            "),
        application_context: Some(Uid::new(APPLICATION_CONTEXT).unwrap()),
        contexts,
        user,
    }
}

#[test]
fn a_request_stands_on_the_wire_as_the_standard_draws_it() {
    let context = ProposedContext {
        id: 1,
        abstract_syntax: Some(Uid::new("1.2").unwrap()),
        transfer_syntaxes: vec![Uid::new("1.3").unwrap()],
    };
    let user = UserInformation { max_length: Some(16384), ..UserInformation::default() };
    let unit = bytes_of(&Pdu::AssociateRq(plain_request(vec![context], user)));
    let mut expected = vec![0x01, 0, 0, 0, 0, 127, 0, 1, 0, 0];
    expected.extend_from_slice(b"YINGDUN         CT01            ");
    expected.extend_from_slice(&[0; 32]);
    expected.extend_from_slice(&[0x10, 0, 0, 21]);
    expected.extend_from_slice(b"1.2.840.10008.3.1.1.1");
    expected.extend_from_slice(&[0x20, 0, 0, 18, 1, 0, 0, 0]);
    expected.extend_from_slice(&[0x30, 0, 0, 3, b'1', b'.', b'2', 0x40, 0, 0, 3, b'1', b'.', b'3']);
    expected.extend_from_slice(&[0x50, 0, 0, 8, 0x51, 0, 0, 4, 0, 0, 0x40, 0]);
    assert_eq!(unit, expected);
}

#[test]
fn a_fragment_stands_on_the_wire_as_the_standard_draws_it() {
    let fragment = Pdv { context_id: 3, is_command: true, is_last: true, data: Bytes::from_static(b"ab") };
    let unit = bytes_of(&Pdu::Data(vec![fragment]));
    assert_eq!(unit, [4, 0, 0, 0, 0, 8, 0, 0, 0, 4, 3, 3, b'a', b'b'].as_slice());
}

#[test]
fn a_fragment_that_claims_more_than_its_unit_is_refused() {
    let body = Bytes::from_static(&[0, 0, 0, 9, 1, 2, b'a']);
    assert_eq!(decode(PduKind::Data, body), Err(PduError::Truncated { what: "PDV", needed: 7, left: 1 }));
    for length in [0_u8, 1] {
        let body = Bytes::copy_from_slice(&[0, 0, 0, length, 1, 2]);
        assert!(matches!(decode(PduKind::Data, body), Err(PduError::Illegal { what: "PDV length", .. })));
    }
    assert_eq!(decode(PduKind::Data, Bytes::new()), Err(PduError::Missing("a PDV in P-DATA-TF")));
}

#[test]
fn a_context_whose_sop_class_is_no_uid_is_kept_for_its_refusal() {
    let user = UserInformation::default();
    let context = ProposedContext {
        id: 1,
        abstract_syntax: Some(Uid::new("1.2").unwrap()),
        transfer_syntaxes: vec![Uid::new("1.3").unwrap()],
    };
    let mut unit = bytes_of(&Pdu::AssociateRq(plain_request(vec![context], user))).to_vec();
    let at = unit.windows(3).position(|window| window == b"1.2" as &[u8]).unwrap();
    // The first match is inside the application context; the abstract syntax is the last one.
    let last = unit.windows(3).rposition(|window| window == b"1.2" as &[u8]).unwrap();
    assert!(last > at);
    unit[last] = b'/';
    let Ok(Pdu::AssociateRq(request)) = decode_unit(Bytes::from(unit)) else { panic!("refused") };
    assert_eq!(request.contexts[0].abstract_syntax, None);
}

#[test]
fn more_contexts_than_the_standard_allows_are_refused() {
    let context = |id| ProposedContext { id, abstract_syntax: None, transfer_syntaxes: Vec::new() };
    let most = (1..=255).step_by(2).map(context).collect::<Vec<_>>();
    assert_eq!(most.len(), PRESENTATION_CONTEXTS_MAX);
    let mut more = most.clone();
    more.push(context(1));
    let unit = |contexts| bytes_of(&Pdu::AssociateRq(plain_request(contexts, UserInformation::default())));
    assert!(decode_unit(unit(most)).is_ok());
    assert_eq!(
        decode_unit(unit(more)),
        Err(PduError::TooMany { what: "presentation contexts", max: PRESENTATION_CONTEXTS_MAX })
    );
}

#[test]
fn more_transfer_syntaxes_and_user_items_than_the_bound_are_refused() {
    let syntax = Uid::new("1.2").unwrap();
    let context = ProposedContext {
        id: 1,
        abstract_syntax: None,
        transfer_syntaxes: vec![syntax.clone(); TRANSFER_SYNTAXES_MAX + 1],
    };
    let unit = bytes_of(&Pdu::AssociateRq(plain_request(vec![context], UserInformation::default())));
    assert!(matches!(decode_unit(unit), Err(PduError::TooMany { what: "transfer syntaxes", .. })));
    let role = RoleSelection { sop_class: syntax, scu: true, scp: false };
    let user = UserInformation { roles: vec![role; USER_ITEMS_MAX + 1], ..UserInformation::default() };
    let unit = bytes_of(&Pdu::AssociateRq(plain_request(Vec::new(), user)));
    assert!(matches!(decode_unit(unit), Err(PduError::TooMany { what: "user information sub-items", .. })));
}

#[test]
fn what_may_occur_once_is_refused_the_second_time() {
    let unit = bytes_of(&Pdu::AssociateRq(plain_request(Vec::new(), UserInformation::default())));
    let mut body = unit[HEADER_BYTES..].to_vec();
    body.extend_from_slice(&[0x50, 0, 0, 0]);
    assert_eq!(
        decode(PduKind::AssociateRq, Bytes::from(body)),
        Err(PduError::Repeated("the user information item"))
    );
}

#[test]
fn unknown_items_are_ignored() {
    let unit = bytes_of(&Pdu::AssociateRq(plain_request(Vec::new(), UserInformation::default())));
    let mut body = unit[HEADER_BYTES..].to_vec();
    body.extend_from_slice(&[0x77, 0, 0, 2, 1, 2]);
    assert!(decode(PduKind::AssociateRq, Bytes::from(body)).is_ok());
}

#[test]
fn an_item_that_does_not_fit_its_length_field_is_not_written() {
    let class = Uid::new("1.2").unwrap();
    let too_much = ExtendedNegotiation { sop_class: class, application_information: vec![0; 70_000].into() };
    let user = UserInformation { extended: vec![too_much], ..UserInformation::default() };
    let mut out = BytesMut::from(&b"before"[..]);
    let result = encode(&Pdu::AssociateRq(plain_request(Vec::new(), user)), &mut out);
    assert!(matches!(result, Err(PduError::TooLong { .. })));
    assert_eq!(out, b"before".as_slice());
}

#[test]
fn passcodes_and_images_have_no_text_form() {
    let who = UserIdentity {
        kind: UserIdentityKind::UsernamePasscode,
        positive_response_requested: false,
        primary: Secret::new(b"alice".to_vec()),
        secondary: Secret::new(b"hunter2".to_vec()),
    };
    let user = UserInformation { identity: Some(who), ..UserInformation::default() };
    let text = format!("{:?}", plain_request(Vec::new(), user));
    assert!(!text.contains("alice") && !text.contains("hunter2") && !text.contains("104, 117"));
    let fragment =
        Pdv { context_id: 1, is_command: false, is_last: true, data: Bytes::from_static(b"Wang^") };
    assert!(!format!("{fragment:?}").contains("Wang"));
}

#[test]
fn titles_padded_with_nul_are_read_and_illegal_ones_are_not() {
    assert_eq!(AeField(*b"CT01\0\0\0\0\0\0\0\0\0\0\0\0").title().unwrap().as_str(), "CT01");
    assert!(AeField([b' '; 16]).title().is_err());
    assert!(AeField([0xff; 16]).title().is_err());
    assert!(AeField([0; 16]).title().is_err());
}

#[test]
fn every_unit_type_byte_reads_back() {
    for byte in 0..=255 {
        match PduKind::from_byte(byte) {
            Ok(kind) => assert_eq!(kind.byte(), byte),
            Err(error) => assert_eq!(error, PduError::UnknownKind(byte)),
        }
    }
}

#[test]
fn every_reason_reads_back() {
    for source in 0..=3 {
        for reason in 0..=8 {
            let read = RejectReason::from_bytes(source, reason);
            assert_eq!(read.bytes(), (source, reason));
            let (abort_source, abort_reason) = AbortSource::from_bytes(source, reason).bytes();
            // The reason of a user's abort carries nothing (PS3.8 table 9-26).
            assert_eq!((abort_source, abort_reason), (source, if source == 0 { 0 } else { reason }));
        }
    }
}
