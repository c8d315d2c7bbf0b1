//! One protocol data unit: whatever comes is decoded or refused, and what is decoded is stable.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use yingdun_dimse::message::Command;
use yingdun_dimse::pdu::{HEADER_BYTES, PduKind, Pdu, decode, encode};

fuzz_target!(|input: &[u8]| {
    let Some((&[kind, ..], body)) = input.split_first_chunk::<HEADER_BYTES>() else { return };
    let Ok(kind) = PduKind::from_byte(kind) else { return };
    let Ok(pdu) = decode(kind, Bytes::copy_from_slice(body)) else { return };
    if let Pdu::Data(fragments) = &pdu {
        for fragment in fragments {
            if let Ok(command) = Command::decode(fragment.data.clone()) {
                assert_eq!(Command::decode(command.encode()).as_ref(), Ok(&command));
            }
        }
    }
    let mut written = BytesMut::new();
    encode(&pdu, &mut written).expect("what was read can be written");
    assert_eq!(decode(kind, written.split_off(HEADER_BYTES).freeze()).as_ref(), Ok(&pdu));
});
