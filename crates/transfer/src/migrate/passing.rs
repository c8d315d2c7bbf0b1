//! Objects that pass through: hashed on the way, and handed on as the parts of a request.

use super::throttle::Throttle;
use crate::meter::Meter;
use bytes::Bytes;
use std::io;
use tokio::sync::mpsc;
use yingdun_crypto::digest::Sha256;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::part10::{self, HeaderLook};
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::{tags, transfer_syntax};
use yingdun_model::Uid;

/// Pieces that one side has sent and the other has not taken yet.
pub(super) const PIECES_AHEAD: usize = 8;

/// Bytes of a data set in which its SOP Instance UID stands: it is among the first elements.
const HEAD_BYTES: usize = 64 << 10;

/// What comes from an archive: files, one after the other.
pub(super) enum Piece {
    /// A file begins.
    Begin,
    /// Its next bytes.
    Bytes(Bytes),
    /// Everything has come. Without this, it broke off.
    Whole,
}

/// Files that went by: the SHA-256 of each data set by its SOP instance, and the bytes of all.
#[derive(Default)]
pub(super) struct Passed {
    pub(super) objects: Vec<(String, [u8; 32])>,
    pub(super) bytes: u64,
}

/// Why files did not go by to the end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// They did not come to the end.
    Incoming,
    /// They were not taken to the end.
    Outgoing,
}

/// A request of which the files become the parts.
pub(super) struct Onward<'o> {
    pub(super) boundary: &'o str,
    pub(super) out: mpsc::Sender<io::Result<Bytes>>,
}

/// Lets files pass to their end. Their bytes are counted and held up where somebody pays attention to them.
pub(super) async fn pass(
    mut pieces: mpsc::Receiver<Piece>,
    watched: Option<(&Meter, &Throttle)>,
    onward: Option<Onward<'_>>,
) -> Result<Passed, Broken> {
    let mut passed = Passed::default();
    let ended = forward(&mut pieces, watched, onward.as_ref(), &mut passed).await;
    if ended == Err(Broken::Incoming)
        && let Some(Onward { out, .. }) = &onward
    {
        // A request that ends without its closing delimiter is no request.
        let _gone = out.send(Err(io::ErrorKind::UnexpectedEof.into())).await;
    }
    ended.map(|()| passed)
}

async fn forward(
    pieces: &mut mpsc::Receiver<Piece>,
    watched: Option<(&Meter, &Throttle)>,
    onward: Option<&Onward<'_>>,
    passed: &mut Passed,
) -> Result<(), Broken> {
    let send = async |bytes: Bytes| match onward {
        Some(Onward { out, .. }) => out.send(Ok(bytes)).await.map_err(|_| Broken::Outgoing),
        None => Ok(()),
    };
    let boundary = onward.map(|onward| onward.boundary).unwrap_or_default();
    let mut open: Option<Object> = None;
    loop {
        match pieces.recv().await.ok_or(Broken::Incoming)? {
            Piece::Begin => {
                passed.objects.extend(open.take().map(Object::finish));
                open = Some(Object::default());
                let head = format!("\r\n--{boundary}\r\nContent-Type: application/dicom\r\n\r\n");
                send(Bytes::from(head)).await?;
            }
            Piece::Bytes(bytes) => {
                let length = bytes.len() as u64;
                passed.bytes += length;
                if let Some(object) = &mut open {
                    object.feed(&bytes);
                }
                send(bytes).await?;
                if let Some((meter, throttle)) = watched {
                    meter.read(length);
                    throttle.spend(length).await;
                }
            }
            Piece::Whole => {
                passed.objects.extend(open.take().map(Object::finish));
                if !passed.objects.is_empty() {
                    send(Bytes::from(format!("\r\n--{boundary}--\r\n"))).await?;
                }
                return Ok(());
            }
        }
    }
}

/// A file that is passing: who it is, and the SHA-256 of its data set. File meta information is an envelope: each archive
/// writes its own.
#[derive(Default)]
struct Object {
    /// The file until its header is complete.
    head: Vec<u8>,
    data_set: Option<(Sha256, Scanner, usize)>,
    named: Option<Uid>,
}

impl Object {
    fn feed(&mut self, chunk: &[u8]) {
        if self.data_set.is_some() {
            return self.digest(chunk);
        }
        self.head.extend_from_slice(chunk);
        self.open(false);
    }

    /// Looks for the end of the header.
    fn open(&mut self, complete: bool) {
        let header = match part10::read_header(&self.head, complete) {
            Ok(HeaderLook::Found(header)) => header,
            Ok(HeaderLook::NeedMore) if self.head.len() <= part10::META_BYTES_MAX && !complete => return,
            // No header that can be read: everything is hashed as it is, and this archive will refuse it.
            Ok(HeaderLook::NeedMore) | Err(_) => part10::FileHeader::default(),
        };
        self.named = header.sop_instance;
        let file = std::mem::take(&mut self.head);
        let data_set = file.get(header.data_set_offset..).unwrap_or_default();
        let syntax = header.transfer_syntax.or_else(|| Uid::new(part10::sniff(data_set)).ok());
        let syntax = syntax.map(|syntax| transfer_syntax::lookup(&syntax));
        if let Some(syntax) = syntax {
            self.data_set = Some((Sha256::new(), Scanner::new(syntax, Limits::default()), HEAD_BYTES));
            self.digest(data_set);
        }
    }

    fn digest(&mut self, chunk: &[u8]) {
        let Some((digest, scanner, left)) = &mut self.data_set else { return };
        digest.update(chunk);
        let looked = chunk.get(..chunk.len().min(*left)).unwrap_or_default();
        *left -= looked.len();
        if !looked.is_empty() && scanner.feed(looked).is_err() {
            *left = 0;
        }
    }

    fn finish(mut self) -> (String, [u8; 32]) {
        if self.data_set.is_none() {
            self.open(true);
        }
        let Some((digest, scanner, _)) = self.data_set else { return (String::new(), [0; 32]) };
        // What the data set says of itself counts; headers are often stale.
        let instance = scanner.data_set().uid(tags::SOP_INSTANCE_UID).or(self.named);
        (instance.map(|uid| uid.to_string()).unwrap_or_default(), digest.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::digest::sha256;
    use yingdun_dicom::synthetic::{Kind, Study};

    #[test]
    fn the_digest_is_that_of_the_data_set_however_the_file_is_cut_and_whatever_its_header_is() {
        let instance = Study::new(1, Kind::Mr { slices: 1 }).instance(0);
        let expected = (instance.sop_instance.to_string(), sha256(&instance.data_set));
        let file = instance.to_file();
        for size in [1, 100, 131, 1000, file.len()] {
            let mut object = Object::default();
            file.chunks(size).for_each(|chunk| object.feed(chunk));
            assert_eq!(object.finish(), expected, "pieces of {size}");
        }
        let mut bare = Object::default();
        bare.feed(&instance.data_set);
        assert_eq!(bare.finish(), expected);
        let mut strange = Object::default();
        strange.feed(b"no image at all");
        assert_eq!(strange.finish().0, "");
    }

    async fn passed_on(pieces: Vec<Piece>) -> (Result<Passed, Broken>, Vec<io::Result<Bytes>>) {
        let (sender, receiver) = mpsc::channel(16);
        for piece in pieces {
            assert!(sender.send(piece).await.is_ok());
        }
        drop(sender);
        let (out, mut sent) = mpsc::channel(64);
        let passed = pass(receiver, None, Some(Onward { boundary: "b", out })).await;
        let mut all = Vec::new();
        while let Some(bytes) = sent.recv().await {
            all.push(bytes);
        }
        (passed, all)
    }

    #[tokio::test]
    async fn files_are_the_parts_of_a_request_that_is_closed_only_when_all_have_come() {
        let file = Bytes::from(Study::new(1, Kind::Mr { slices: 1 }).instance(0).to_file());
        let two = || vec![Piece::Begin, Piece::Bytes(file.clone()), Piece::Begin, Piece::Bytes(file.clone())];
        let (passed, sent) = passed_on([two(), vec![Piece::Whole]].into_iter().flatten().collect()).await;
        let passed = passed.unwrap();
        assert_eq!((passed.objects.len(), passed.bytes), (2, 2 * file.len() as u64));
        let body: Vec<u8> = sent.into_iter().flat_map(Result::unwrap).collect();
        assert!(body.starts_with(b"\r\n--b\r\n") && body.ends_with(b"\r\n--b--\r\n"));
        let (broken, sent) = passed_on(two()).await;
        assert_eq!(broken.err(), Some(Broken::Incoming));
        assert!(sent.last().unwrap().is_err());
    }

    #[tokio::test]
    async fn nothing_is_hashed_for_a_request_that_nobody_takes() {
        let (sender, receiver) = mpsc::channel(16);
        assert!(sender.send(Piece::Begin).await.is_ok());
        let (out, sent) = mpsc::channel(1);
        drop(sent);
        let passed = pass(receiver, None, Some(Onward { boundary: "b", out })).await;
        assert_eq!(passed.err(), Some(Broken::Outgoing));
    }
}
