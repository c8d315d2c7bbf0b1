//! The client protocol of NATS (docs.nats.io, *Client Protocol*): what comes is cut into frames, what goes is written.
//!
//! Lines of words, and a payload behind two of them. Pure, and within bounds whatever comes.

use bytes::{Buf, Bytes, BytesMut};

/// The longest line, in bytes. The greeting names every server of the cluster; all others are short.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

/// The longest message that is taken, in bytes: many times what a server says of a stream.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// `INFO`: the greeting, or news of the cluster; JSON.
    Info(Bytes),
    /// `MSG` or `HMSG`.
    Message {
        /// Where it was sent to.
        subject: String,
        /// The status line of its headers, as in `503`.
        status: Option<u16>,
        /// What it says.
        payload: Bytes,
    },
    /// `PING`: to be answered.
    Ping,
    /// `PONG`.
    Pong,
    /// `+OK`.
    Done,
    /// `-ERR`.
    Error(String),
}

/// What came is no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WireError(String);

/// Takes the first frame, or leaves everything where it is when there is no whole one.
pub(crate) fn take(buffer: &mut BytesMut) -> Result<Option<Frame>, WireError> {
    let searched = buffer.get(..buffer.len().min(LINE_BYTES_MAX)).unwrap_or_default();
    let Some(end) = searched.windows(2).position(|pair| pair == b"\r\n") else {
        return if buffer.len() >= LINE_BYTES_MAX {
            Err(wrong(format!("a line is longer than {LINE_BYTES_MAX} bytes")))
        } else {
            Ok(None)
        };
    };
    let line = std::str::from_utf8(searched.get(..end).unwrap_or_default());
    let line = line.map_err(|_| wrong("a line is not UTF-8".into()))?;
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    let frame = match word.to_ascii_uppercase().as_str() {
        "INFO" => Frame::Info(Bytes::copy_from_slice(rest.as_bytes())),
        "PING" => Frame::Ping,
        "PONG" => Frame::Pong,
        "+OK" => Frame::Done,
        "-ERR" => Frame::Error(crate::error::said(rest.trim_matches('\''))),
        "MSG" => return message(buffer, end, Sizes::of_message(rest)?),
        "HMSG" => return message(buffer, end, Sizes::of_message_with_headers(rest)?),
        _ => {
            return Err(wrong(format!(
                "expected a word of the protocol, got `{}`",
                crate::error::said(word)
            )));
        }
    };
    buffer.advance(end + 2);
    Ok(Some(frame))
}

/// A publication with headers, to which an answer is expected.
pub(crate) fn publication(subject: &str, reply: &str, headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = String::from("NATS/1.0\r\n");
    for (name, value) in headers {
        block.push_str(&format!("{name}: {value}\r\n"));
    }
    block.push_str("\r\n");
    let total = block.len() + payload.len();
    let mut bytes = format!("HPUB {subject} {reply} {} {total}\r\n{block}", block.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

// === helpers ===

/// What the line of a message says of what follows.
struct Sizes {
    subject: String,
    headers: usize,
    total: usize,
}

impl Sizes {
    /// `subject sid [reply] bytes`.
    fn of_message(rest: &str) -> Result<Self, WireError> {
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        match words[..] {
            [subject, _, total] | [subject, _, _, total] => Self::checked(subject, "0", total),
            _ => Err(wrong("a MSG line has not three or four words".into())),
        }
    }

    /// `subject sid [reply] header-bytes bytes`.
    fn of_message_with_headers(rest: &str) -> Result<Self, WireError> {
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        match words[..] {
            [subject, _, headers, total] | [subject, _, _, headers, total] => {
                Self::checked(subject, headers, total)
            }
            _ => Err(wrong("an HMSG line has not four or five words".into())),
        }
    }

    fn checked(subject: &str, headers: &str, total: &str) -> Result<Self, WireError> {
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number <= MESSAGE_BYTES_MAX);
        match (number(headers), number(total)) {
            (Some(headers), Some(total)) if headers <= total => {
                Ok(Self { subject: subject.to_owned(), headers, total })
            }
            _ => Err(wrong(format!("a message is not within {MESSAGE_BYTES_MAX} bytes"))),
        }
    }
}

fn message(buffer: &mut BytesMut, line_end: usize, sizes: Sizes) -> Result<Option<Frame>, WireError> {
    let begin = line_end + 2;
    let Some(body) = buffer.get(begin..begin + sizes.total + 2) else { return Ok(None) };
    if !body.ends_with(b"\r\n") {
        return Err(wrong("a message does not end where its line says".into()));
    }
    buffer.advance(begin);
    let headers = buffer.split_to(sizes.headers);
    let payload = buffer.split_to(sizes.total - sizes.headers).freeze();
    buffer.advance(2);
    Ok(Some(Frame::Message { subject: sizes.subject, status: status(&headers), payload }))
}

/// The status in the first line of headers, as in `NATS/1.0 503`.
fn status(headers: &[u8]) -> Option<u16> {
    let line = headers.split(|byte| *byte == b'\r').next()?;
    let text = std::str::from_utf8(line).ok()?.strip_prefix("NATS/1.0")?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

fn wrong(what: String) -> WireError {
    WireError(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(bytes: &[u8]) -> Result<Vec<Frame>, WireError> {
        let mut buffer = BytesMut::from(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = take(&mut buffer)? {
            frames.push(frame);
        }
        Ok(frames)
    }

    fn message(status: Option<u16>, payload: &'static [u8]) -> Frame {
        Frame::Message { subject: "_INBOX.a.1".into(), status, payload: Bytes::from_static(payload) }
    }

    #[test]
    fn what_a_server_sends_is_cut_into_frames() {
        let stream = b"INFO {\"port\":4222}\r\nPING\r\n+OK\r\n-ERR 'Authorization Violation'\r\n\
            MSG _INBOX.a.1 1 5\r\nhello\r\nMSG _INBOX.a.1 1 reply 2\r\n\r\n\r\n\
            HMSG _INBOX.a.1 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\nHMSG _INBOX.a.1 1 r 12 13\r\nNATS/1.0\r\n\r\n!\r\nPONG\r\n";
        assert_eq!(
            frames(stream).unwrap(),
            [
                Frame::Info(Bytes::from_static(b"{\"port\":4222}")),
                Frame::Ping,
                Frame::Done,
                Frame::Error("Authorization Violation".into()),
                message(None, b"hello"),
                message(None, b"\r\n"),
                message(Some(503), b""),
                message(None, b"!"),
                Frame::Pong,
            ]
        );
    }

    #[test]
    fn what_is_no_frame_or_too_long_is_an_error() {
        for bytes in [
            b"HTTP/1.1 400 Bad Request\r\n".as_slice(),
            b"MSG a 1\r\n",
            b"MSG a 1 x\r\n",
            b"MSG a 1 99999999999999999999\r\n",
            b"MSG a 1 1048577\r\n",
            b"HMSG a 1 5 4\r\n",
            b"MSG a 1 2\r\nabcd",
            b"\xff\r\n",
            &[b'x'; LINE_BYTES_MAX],
        ] {
            assert!(frames(bytes).is_err(), "{:?}", bytes.get(..20));
        }
    }

    #[test]
    fn a_publication_says_how_long_its_parts_are() {
        let bytes = publication("a.b", "_INBOX.x.1", &[("Nats-Msg-Id", "1")], b"{}");
        assert_eq!(bytes, b"HPUB a.b _INBOX.x.1 28 30\r\nNATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n{}\r\n");
    }

    proptest! {
        #[test]
        fn frames_are_the_same_however_the_bytes_arrive(cut in 0usize..90) {
            let stream = b"INFO {}\r\nHMSG _INBOX.a.1 1 16 20\r\nNATS/1.0 200\r\n\r\nbody\r\nPING\r\nMSG _INBOX.a.1 1 3\r\nabc\r\n";
            let (first, second) = stream.split_at(cut.min(stream.len()));
            let mut buffer = BytesMut::from(first);
            let mut got = Vec::new();
            while let Some(frame) = take(&mut buffer).unwrap() {
                got.push(frame);
            }
            buffer.extend_from_slice(second);
            while let Some(frame) = take(&mut buffer).unwrap() {
                got.push(frame);
            }
            prop_assert_eq!(got, frames(stream).unwrap());
        }

        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300), word in "(MSG|HMSG|INFO|-ERR) [a 0-9]{0,20}\r\n") {
            let _ = frames(&bytes);
            let _ = frames(&[word.as_bytes(), &bytes].concat());
        }
    }
}
