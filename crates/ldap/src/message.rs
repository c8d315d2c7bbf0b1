//! Messages (RFC 4511 §4): the few that are sent, and the few that are understood.

use crate::ber::{
    ENUMERATED, Header, INTEGER, Level, Malformed, OCTETS, SEQUENCE, SET, put, put_boolean, put_number,
};
use zeroize::Zeroizing;

const BIND: u8 = 0x60;
const BIND_ANSWER: u8 = 0x61;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
const EXTENDED: u8 = 0x77;
const EXTENDED_ANSWER: u8 = 0x78;
const INTERMEDIATE: u8 = 0x79;

/// The request to begin TLS (§4.14.1).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// The version of the protocol.
const VERSION: u32 = 3;

pub(crate) const SUCCESS: u32 = 0;
pub(crate) const SIZE_LIMIT: u32 = 4;
pub(crate) const REFERRAL: u32 = 10;
pub(crate) const NO_SUCH_OBJECT: u32 = 32;
/// What a server answers to a password that does not open the entry now: wrong, none set, locked, expired, or not from here.
const NOT_THIS_PASSWORD: [u32; 6] = [REFERRAL, 19, 48, 49, 50, 53];

/// An entry of a directory, with the attributes that were asked for and shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// An entry is a person: its text says how much there is, not what.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("attributes", &self.attributes.len()).finish_non_exhaustive()
    }
}

impl Entry {
    /// The values of an attribute, whose name is compared without case.
    pub fn values(&self, attribute: &str) -> impl Iterator<Item = &[u8]> {
        self.attributes
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(attribute))
            .flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }

    /// The names of the attributes, as the server writes them.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }
}

/// An answer, with the result that it tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a bind.
    Bound(u32),
    /// An entry that was found.
    Entry(Entry),
    /// Another server that might be asked.
    Reference,
    /// The end of a search.
    Done(u32),
    /// To StartTLS, or to nothing.
    Extended(u32),
    /// Something that may come in between and says nothing to us.
    Passing,
}

/// A message of a server.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The question that it answers.
    pub id: u32,
    /// What it says.
    pub answer: Answer,
    /// How long it is behind its header, in bytes.
    pub bytes: usize,
}

/// Cuts what a server says into messages and reads them, however the network divides it. A [`Connection`](crate::Connection) has one;
/// alone it is there for whoever examines the reader.
#[derive(Debug)]
pub struct Messages {
    received: Vec<u8>,
    bytes_max: usize,
}

impl Messages {
    /// Nothing was received, and no message may be longer than this.
    #[must_use]
    pub const fn new(bytes_max: usize) -> Self {
        Self { received: Vec::new(), bytes_max }
    }

    /// Takes what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// Whether nothing was received behind the last message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.received.is_empty()
    }

    /// The next message; none while bytes of it are missing.
    ///
    /// # Errors
    /// [`Malformed`] as soon as what came can become no message, or none that is waited for.
    pub fn next_message(&mut self) -> Result<Option<Message>, Malformed> {
        let Some(Header { tag, head, length }) = Header::read(&self.received)? else { return Ok(None) };
        if tag != SEQUENCE {
            return Err(Malformed("a message does not begin as one"));
        }
        if length > self.bytes_max {
            return Err(Malformed("a message is longer than every bound"));
        }
        let Some(content) = self.received.get(head..head + length) else { return Ok(None) };
        let (id, answer) = read(content)?;
        self.received.drain(..head + length);
        Ok(Some(Message { id, answer, bytes: length }))
    }
}

/// Reads the content of a message: whose answer it is, and what it says.
fn read(content: &[u8]) -> Result<(u32, Answer), Malformed> {
    let mut message = Level::new(content);
    let id = message.number(INTEGER)?;
    let (tag, content) = message.next()?;
    let mut answer = Level::new(content);
    let answer = match tag {
        BIND_ANSWER => Answer::Bound(answer.number(ENUMERATED)?),
        SEARCH_DONE => Answer::Done(answer.number(ENUMERATED)?),
        EXTENDED_ANSWER => Answer::Extended(answer.number(ENUMERATED)?),
        SEARCH_ENTRY => Answer::Entry(entry(&mut answer)?),
        SEARCH_REFERENCE => Answer::Reference,
        INTERMEDIATE => Answer::Passing,
        _ => return Err(Malformed("an answer is of a kind that was not asked for")),
    };
    Ok((id, answer))
}

/// What is searched.
pub(crate) struct Question<'a> {
    pub(crate) base: &'a str,
    pub(crate) scope: u32,
    pub(crate) entries_max: u32,
    pub(crate) seconds_max: u32,
    pub(crate) filter: &'a [u8],
    pub(crate) attributes: &'a [&'a str],
}

pub(crate) fn search(id: u32, question: &Question<'_>) -> Vec<u8> {
    let mut content = Vec::new();
    put(&mut content, OCTETS, question.base.as_bytes());
    put_number(&mut content, ENUMERATED, question.scope);
    // Aliases are not followed: they would lead out of what was configured.
    put_number(&mut content, ENUMERATED, 0);
    put_number(&mut content, INTEGER, question.entries_max);
    put_number(&mut content, INTEGER, question.seconds_max);
    put_boolean(&mut content, false);
    content.extend_from_slice(question.filter);
    let mut attributes = Vec::new();
    for attribute in question.attributes {
        put(&mut attributes, OCTETS, attribute.as_bytes());
    }
    put(&mut content, SEQUENCE, &attributes);
    request(id, SEARCH, &content).to_vec()
}

pub(crate) fn bind(id: u32, dn: &str, password: &str) -> Zeroizing<Vec<u8>> {
    // Room for all of it at once: what grows leaves copies behind that nobody wipes.
    let mut content = Zeroizing::new(Vec::with_capacity(dn.len() + password.len() + 32));
    put_number(&mut content, INTEGER, VERSION);
    put(&mut content, OCTETS, dn.as_bytes());
    put(&mut content, 0x80, password.as_bytes());
    request(id, BIND, &content)
}

pub(crate) fn start_tls(id: u32) -> Vec<u8> {
    let mut content = Vec::new();
    put(&mut content, 0x80, START_TLS);
    request(id, EXTENDED, &content).to_vec()
}

pub(crate) fn unbind(id: u32) -> Vec<u8> {
    request(id, UNBIND, &[]).to_vec()
}

/// Whether a result of a bind says that it was not the password, or that the entry is not open to anybody now.
pub(crate) fn is_not_this_password(result: u32) -> bool {
    NOT_THIS_PASSWORD.contains(&result)
}

/// A result in words (RFC 4511 §4.1.9). The words of a server may name people, so they are not passed on.
pub(crate) fn words(result: u32) -> String {
    let word = match result {
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        13 => "confidentialityRequired",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        19 => "constraintViolation",
        32 => "noSuchObject",
        34 => "invalidDNSyntax",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        _ => return format!("result {result}"),
    };
    format!("{word} ({result})")
}

// === helpers ===

fn request(id: u32, tag: u8, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut inner = Zeroizing::new(Vec::with_capacity(content.len() + 32));
    put_number(&mut inner, INTEGER, id);
    put(&mut inner, tag, content);
    let mut message = Zeroizing::new(Vec::with_capacity(inner.len() + 16));
    put(&mut message, SEQUENCE, &inner);
    message
}

fn entry(level: &mut Level<'_>) -> Result<Entry, Malformed> {
    let dn = text(level.expect(OCTETS)?)?;
    let mut attributes = Vec::new();
    let mut listed = Level::new(level.expect(SEQUENCE)?);
    while !listed.is_empty() {
        let mut attribute = Level::new(listed.expect(SEQUENCE)?);
        let name = text(attribute.expect(OCTETS)?)?;
        let mut values = Vec::new();
        let mut set = Level::new(attribute.expect(SET)?);
        while !set.is_empty() {
            values.push(set.expect(OCTETS)?.to_vec());
        }
        attributes.push((name, values));
    }
    Ok(Entry { dn, attributes })
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed("a name is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(message: &[u8]) -> &[u8] {
        Level::new(message).expect(SEQUENCE).unwrap()
    }

    #[test]
    fn requests_are_encoded_as_the_standard_says() {
        assert_eq!(
            bind(1, "cn=a", "secret").as_slice(),
            b"\x30\x16\x02\x01\x01\x60\x11\x02\x01\x03\x04\x04cn=a\x80\x06secret"
        );
        assert_eq!(unbind(200), b"\x30\x06\x02\x02\x00\xc8\x42\x00");
        assert_eq!(start_tls(1), b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037");
        let question = Question {
            base: "dc=x",
            scope: 2,
            entries_max: 2,
            seconds_max: 5,
            filter: b"\x87\x02cn",
            attributes: &["uid"],
        };
        assert_eq!(
            search(2, &question),
            b"\x30\x25\x02\x01\x02\x63\x20\x04\x04dc=x\x0a\x01\x02\x0a\x01\x00\x02\x01\x02\x02\x01\x05\x01\x01\x00\x87\x02cn\x30\x05\x04\x03uid"
        );
    }

    #[test]
    fn answers_are_read_and_what_was_not_asked_for_is_refused() {
        let bound = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00";
        assert_eq!(read(content(bound)).unwrap(), (1, Answer::Bound(49)));
        assert!(is_not_this_password(49) && !is_not_this_password(SUCCESS) && !is_not_this_password(52));
        let entry = b"\x30\x1a\x02\x01\x02\x64\x15\x04\x04cn=a\x30\x0d\x30\x0b\x04\x03uid\x31\x04\x04\x02li";
        let (id, Answer::Entry(entry)) = read(content(entry)).unwrap() else { panic!("no entry") };
        assert_eq!((id, entry.dn.as_str()), (2, "cn=a"));
        assert_eq!(entry.values("UID").collect::<Vec<_>>(), [b"li"]);
        assert!(!format!("{entry:?}").contains("li"), "an entry is a person");
        assert!(read(content(b"\x30\x05\x02\x01\x01\x42\x00")).is_err(), "an unbind is no answer");
        assert!(read(content(b"\x30\x07\x02\x01\x02\x64\x02\x04\x00")).is_err(), "cut off");
    }

    #[test]
    fn what_can_become_no_message_is_refused_before_the_rest_of_it_is_waited_for() {
        for wrong in [&b"SSH-2.0-x\r\n"[..], b"\x30\x80", b"\x30\x82\x01\x01", b"\x30\x84\xff\xff\xff\xff"] {
            let mut messages = Messages::new(256);
            messages.push(wrong);
            assert!(messages.next_message().is_err(), "{wrong:?}");
        }
        let mut messages = Messages::new(256);
        messages.push(b"\x30\x82\x01\x00");
        assert_eq!(messages.next_message(), Ok(None), "the longest that there may be");
        assert!(!messages.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn messages_are_the_same_however_the_network_divides_them(
            results in prop::collection::vec(0_u32..100, 1..8), piece in 1_usize..40
        ) {
            let mut said = Vec::new();
            for (id, result) in (1..).zip(&results) {
                let mut content = Vec::new();
                put_number(&mut content, ENUMERATED, *result);
                said.extend_from_slice(&request(id, SEARCH_DONE, &content));
            }
            let mut messages = Messages::new(100);
            let mut read = Vec::new();
            for bytes in said.chunks(piece) {
                messages.push(bytes);
                while let Some(message) = messages.next_message().unwrap() {
                    read.push((message.id, message.answer));
                }
            }
            let expected: Vec<_> = (1..).zip(results.into_iter().map(Answer::Done)).collect();
            prop_assert_eq!(read, expected);
            prop_assert!(messages.is_empty());
        }
    }
}
