//! An object that is held in memory while it arrives, packed as far as it has come.
//!
//! Packing takes more processor time than anything else in receiving but the digest of the evidence. Done block by
//! block while the sender sends the next one, it is over when the last byte comes, and the packed object is what is
//! held, not the one that was sent.

use crate::packing::{Packer, Packing};
use bytes::{Bytes, BytesMut};
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::transfer_syntax::Encoding;

/// Pieces below this many bytes are joined: a sender that cuts its object into single bytes must not cost the
/// memory of a million pieces and of the network buffers behind them.
const PIECE_BYTES_MIN: usize = 64 << 10;

/// What has arrived of an object.
#[derive(Debug)]
pub(super) struct Held(State);

#[derive(Debug)]
enum State {
    /// The pixel data has not begun: nobody knows yet whether the object can be packed.
    Undecided(Vec<Bytes>),
    /// Stored as it was sent.
    Verbatim(Vec<Bytes>),
    /// Stored packed.
    Packed { packer: Packer, packed: Vec<u8> },
}

impl Held {
    pub(super) const fn new() -> Self {
        Self(State::Undecided(Vec::new()))
    }

    /// Takes the next piece, which the scanner has read already.
    pub(super) fn push(&mut self, piece: Bytes, scanner: &Scanner, encoding: Encoding) {
        match &mut self.0 {
            State::Packed { packer, packed } => packer.push(&piece, packed),
            State::Verbatim(pieces) => hold(pieces, piece),
            State::Undecided(pieces) => {
                hold(pieces, piece);
                if scanner.pixels().is_some() {
                    let pieces = std::mem::take(pieces);
                    self.0 = decide(pieces, scanner, encoding);
                }
            }
        }
    }

    /// Goes on elsewhere: the packer of the object, and what it has made so far.
    pub(super) fn into_packer(self, scanner: &Scanner, encoding: Encoding) -> (Packer, Vec<Bytes>) {
        match self.0 {
            State::Packed { packer, packed } => (packer, vec![packed.into()]),
            State::Undecided(pieces) | State::Verbatim(pieces) => {
                (Packer::new(scanner.data_set(), scanner.pixels(), encoding), pieces)
            }
        }
    }

    /// The whole object as it is stored, in pieces, and how it is packed.
    ///
    /// # Errors
    /// When the object ended inside its pixel data.
    pub(super) fn finish(self) -> Result<(Vec<Bytes>, Option<Packing>), &'static str> {
        match self.0 {
            State::Undecided(pieces) | State::Verbatim(pieces) => Ok((pieces, None)),
            State::Packed { packer, packed } => Ok((vec![packed.into()], packer.finish()?)),
        }
    }
}

fn decide(pieces: Vec<Bytes>, scanner: &Scanner, encoding: Encoding) -> State {
    let mut packer = Packer::new(scanner.data_set(), scanner.pixels(), encoding);
    if packer.is_verbatim() {
        return State::Verbatim(pieces);
    }
    let mut packed = Vec::new();
    for piece in pieces {
        packer.push(&piece, &mut packed);
    }
    State::Packed { packer, packed }
}

/// Adds a piece to what is held, joined to the last one when both are small.
fn hold(held: &mut Vec<Bytes>, piece: Bytes) {
    match held.pop() {
        Some(last) if last.len() < PIECE_BYTES_MIN && piece.len() < PIECE_BYTES_MIN => {
            let mut joined = last.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
            joined.extend_from_slice(&piece);
            held.push(joined.freeze());
        }
        last => {
            held.extend(last);
            held.push(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_dicom::limits::Limits;
    use yingdun_dicom::synthetic::{Kind, Study};
    use yingdun_dicom::transfer_syntax;

    fn received(data_set: &[u8], piece_bytes: usize) -> (Scanner, Held, Encoding) {
        let syntax =
            transfer_syntax::lookup(&Study::new(1, Kind::Ct { slices: 1 }).instance(0).transfer_syntax);
        let mut scanner = Scanner::new(syntax, Limits::default());
        let mut held = Held::new();
        for piece in data_set.chunks(piece_bytes) {
            scanner.feed(piece).unwrap();
            held.push(Bytes::copy_from_slice(piece), &scanner, syntax.encoding);
        }
        (scanner, held, syntax.encoding)
    }

    #[test]
    fn however_an_object_is_cut_it_is_stored_the_same_and_smaller() {
        let sent = Study::new(7, Kind::Ct { slices: 1 }).instance(0).data_set;
        let whole = received(&sent, usize::MAX).1.finish().unwrap();
        assert!(whole.0.concat().len() < sent.len() / 2);
        for piece_bytes in [100, 4096, 100_000] {
            assert_eq!(received(&sent, piece_bytes).1.finish().unwrap(), whole);
        }
        let (scanner, held, encoding) = received(&sent[..200_000], 4096);
        let (mut packer, begun) = held.into_packer(&scanner, encoding);
        let mut packed = begun.concat();
        packer.push(&sent[200_000..], &mut packed);
        assert_eq!((packed, packer.finish().unwrap()), (whole.0.concat(), whole.1));
    }

    #[test]
    fn an_object_without_pixels_is_stored_as_it_was_sent() {
        let sent = Study::new(7, Kind::Ct { slices: 1 }).instance(0).data_set;
        let header = &sent[..sent.len() - 524_288 - 12];
        let (scanner, held, _) = received(header, 100);
        assert!(scanner.pixels().is_none());
        let (pieces, packing) = held.finish().unwrap();
        assert_eq!(pieces.concat(), header);
        assert!(packing.is_none());
    }

    #[test]
    fn an_object_in_single_bytes_is_held_in_few_pieces_and_in_order() {
        let sent: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
        let mut held = Vec::new();
        for at in 0..sent.len() {
            hold(&mut held, Bytes::copy_from_slice(&sent[at..=at]));
        }
        assert_eq!(held.len(), sent.len().div_ceil(PIECE_BYTES_MIN));
        assert_eq!(held.concat(), sent);
    }

    #[test]
    fn large_pieces_are_held_as_they_came() {
        let large = Bytes::from(vec![1; PIECE_BYTES_MIN]);
        let mut held = Vec::new();
        for piece in [large.clone(), Bytes::from_static(b"x"), large.clone()] {
            hold(&mut held, piece);
        }
        assert_eq!(held, [large.clone(), Bytes::from_static(b"x"), large]);
    }
}
