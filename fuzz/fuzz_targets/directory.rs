//! What a directory says (LDAP), in chunks as the network might cut it. The first byte of the input is the length of a chunk.
//! Whatever the chunks, the messages are the same; nothing is kept that did not come; and what was read of an entry, written anew, is
//! read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yingdun_ldap::{Answer, Entry, Malformed, Message, Messages};

/// Below the length of the longest inputs, so that the bound is met.
const MESSAGE_BYTES_MAX: usize = 1024;

const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const SEARCH_ENTRY: u8 = 0x64;

/// Attributes with their values, each once.
type Attributes = Vec<(String, Vec<Vec<u8>>)>;

fuzz_target!(|input: &[u8]| {
    let Some((&chunk, said)) = input.split_first() else { return };
    let in_chunks = read(said, usize::from(chunk).max(1));
    assert_eq!(in_chunks, read(said, said.len().max(1)));
    let (messages, _) = in_chunks;
    assert!(messages.iter().map(|message| message.bytes).sum::<usize>() <= said.len());
    for message in messages {
        assert!(message.bytes <= MESSAGE_BYTES_MAX);
        let Answer::Entry(entry) = message.answer else { continue };
        let held = attributes(&entry);
        let (again, wrong) = read(&written(&entry.dn, &held), 1);
        assert_eq!(wrong, None);
        let [Message { id: 1, answer: Answer::Entry(again), bytes }] = again.as_slice() else {
            panic!("an entry is read as something else");
        };
        assert!(*bytes <= message.bytes, "it holds more than came");
        assert_eq!((&again.dn, attributes(again)), (&entry.dn, held));
    }
});

/// The messages, and what is wrong with the next one.
fn read(said: &[u8], chunk: usize) -> (Vec<Message>, Option<Malformed>) {
    let mut messages = Messages::new(MESSAGE_BYTES_MAX);
    let mut found = Vec::new();
    for bytes in said.chunks(chunk) {
        messages.push(bytes);
        loop {
            match messages.next_message() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(wrong) => return (found, Some(wrong)),
            }
        }
    }
    (found, None)
}

/// An attribute that stood there twice has the values of both.
fn attributes(entry: &Entry) -> Attributes {
    let mut attributes = Attributes::new();
    for name in entry.attributes() {
        if !attributes.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            attributes.push((name.to_owned(), entry.values(name).map(<[u8]>::to_vec).collect()));
        }
    }
    attributes
}

fn written(dn: &str, attributes: &Attributes) -> Vec<u8> {
    let listed = attributes.iter().map(|(name, values)| {
        let values: Vec<u8> = values.iter().flat_map(|value| element(OCTETS, value)).collect();
        element(SEQUENCE, &[element(OCTETS, name.as_bytes()), element(SET, &values)].concat())
    });
    let listed: Vec<u8> = listed.flatten().collect();
    let entry = element(SEARCH_ENTRY, &[element(OCTETS, dn.as_bytes()), element(SEQUENCE, &listed)].concat());
    element(SEQUENCE, &[vec![0x02, 1, 1], entry].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("less than a message");
    let [high, low] = length.to_be_bytes();
    let head = match length {
        ..0x80 => vec![tag, low],
        ..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}
