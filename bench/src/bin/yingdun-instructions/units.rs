//! Protocol data units of the DICOM upper layer.

use crate::{Operation, Outcome};
use bytes::{Bytes, BytesMut};
use std::hint::black_box;
use yingdun_dimse::pdu::{
    APPLICATION_CONTEXT, AeField, AssociateRq, HEADER_BYTES, PROTOCOL_VERSION_1, Pdu, PduKind, Pdv,
    ProposedContext, UserInformation, decode, encode,
};
use yingdun_model::{AeTitle, Uid};

/// Bytes of a fragment: what many modalities send in one unit.
pub(crate) const FRAGMENT_BYTES: usize = 16 * 1024;

/// Presentation contexts of a request: about what a CT scanner proposes.
const CONTEXTS: u8 = 20;

fn data() -> Pdu {
    let data = Bytes::from(vec![7; FRAGMENT_BYTES]);
    Pdu::Data(vec![Pdv { context_id: 1, is_command: false, is_last: false, data }])
}

fn request() -> Outcome<Pdu> {
    let context = |number: u8| -> Outcome<_> {
        let syntaxes = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70"];
        Ok(ProposedContext {
            id: 2 * number + 1,
            abstract_syntax: Some(Uid::new(&format!("1.2.840.10008.5.1.4.1.1.{}", number + 1))?),
            transfer_syntaxes: syntaxes.map(Uid::new).into_iter().collect::<Result<_, _>>()?,
        })
    };
    Ok(Pdu::AssociateRq(AssociateRq {
        protocol_version: PROTOCOL_VERSION_1,
        called: AeField::from(&AeTitle::new("YINGDUN")?),
        calling: AeField::from(&AeTitle::new("CT01")?),
        application_context: Some(Uid::new(APPLICATION_CONTEXT)?),
        contexts: (0..CONTEXTS).map(context).collect::<Outcome<_>>()?,
        user: UserInformation { max_length: Some(16_384), ..UserInformation::default() },
    }))
}

fn encoding(unit: Pdu) -> Operation {
    let mut out = BytesMut::new();
    Box::new(move || {
        out.clear();
        Ok(encode(black_box(&unit), &mut out)?)
    })
}

fn decoding(kind: PduKind, unit: &Pdu) -> Outcome<Operation> {
    let mut out = BytesMut::new();
    encode(unit, &mut out)?;
    let body = out.freeze().slice(HEADER_BYTES..);
    Ok(Box::new(move || {
        black_box(decode(kind, black_box(body.clone()))?);
        Ok(())
    }))
}

pub(crate) fn encode_data() -> Outcome<Operation> {
    Ok(encoding(data()))
}

pub(crate) fn decode_data() -> Outcome<Operation> {
    decoding(PduKind::Data, &data())
}

pub(crate) fn encode_request() -> Outcome<Operation> {
    Ok(encoding(request()?))
}

pub(crate) fn decode_request() -> Outcome<Operation> {
    decoding(PduKind::AssociateRq, &request()?)
}
