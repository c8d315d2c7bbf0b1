//! How far a replica was scrubbed, kept on that replica so that a pass survives every end of the process:
//!
//! ```text
//!  0 YDSCRUB1              16 begun, ms + 1 (0: never)         32 bytes, records, found, lost of the pass under way
//!  8 version (1), flags    24 next pack + 1 (0: no pass)       64 begun, ended, bytes, records, found, lost of the
//! 10 zero                                                         last full pass, zero (8)
//! 120 BLAKE3(0..120)
//! ```
//!
//! Numbers are little-endian. A note that does not verify is no note: then a pass begins anew.

use crate::ScrubPass;
use crate::record::format::take;
use yingdun_model::Timestamp;

const MAGIC: &[u8; 8] = b"YDSCRUB1";
const VERSION: u8 = 1;
const COVERED_BYTES: usize = 120;
/// The pass was asked for by a person and does not spare the disk.
const HURRIED: u8 = 1;
/// A full pass is described.
const HAS_LAST: u8 = 2;

/// What is remembered of a replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// When the pass under way began, or the last one when none is.
    pub(crate) begun: Option<Timestamp>,
    /// The pass under way goes on with this pack or the next one; nothing when none is under way.
    pub(crate) next_pack: Option<u64>,
    /// It does not spare the disk.
    pub(crate) hurried: bool,
    /// What the pass under way has done.
    pub(crate) done: Tally,
    /// The last full pass.
    pub(crate) last: Option<ScrubPass>,
}

/// What was read and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    pub(crate) found: u64,
    pub(crate) lost: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.records += more.records;
        self.found += more.found;
        self.lost += more.lost;
    }
}

impl Note {
    /// A pass begins.
    pub(crate) fn begin(&mut self, now: Timestamp, hurried: bool) {
        (self.begun, self.next_pack, self.hurried) = (Some(now), Some(0), hurried);
        self.done = Tally::default();
    }

    /// The pass under way is through.
    pub(crate) fn finish(&mut self, now: Timestamp) -> ScrubPass {
        let Tally { bytes, records, found, lost } = self.done;
        let begun_ms = self.begun.unwrap_or(now).as_ms();
        let pass = ScrubPass { begun_ms, ended_ms: now.as_ms(), bytes, records, found, lost };
        (self.next_pack, self.hurried, self.last) = (None, false, Some(pass));
        self.done = Tally::default();
        pass
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let flags = if self.hurried { HURRIED } else { 0 } | if self.last.is_some() { HAS_LAST } else { 0 };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[VERSION, flags]);
        bytes.extend_from_slice(&[0; 6]);
        let begun = self.begun.map_or(0, |begun| begun.as_ms().saturating_add(1));
        bytes.extend_from_slice(&begun.to_le_bytes());
        bytes.extend_from_slice(&self.next_pack.map_or(0, |pack| pack.saturating_add(1)).to_le_bytes());
        let Tally { bytes: read, records, found, lost } = self.done;
        for number in [read, records, found, lost] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let empty = ScrubPass { begun_ms: 0, ended_ms: 0, bytes: 0, records: 0, found: 0, lost: 0 };
        let last = self.last.unwrap_or(empty);
        for moment in [last.begun_ms, last.ended_ms] {
            bytes.extend_from_slice(&moment.to_le_bytes());
        }
        for number in [last.bytes, last.records, last.found, last.lost, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// The note, or nothing when any byte is wrong.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (covered, digest) = bytes.split_at_checked(COVERED_BYTES)?;
        if blake3::hash(covered).as_bytes().as_slice() != digest {
            return None;
        }
        let mut rest = covered.strip_prefix(MAGIC)?;
        let [version, flags] = take(&mut rest)?;
        let _zero = take::<6>(&mut rest)?;
        let mut number = || Some(u64::from_le_bytes(take(&mut rest)?));
        let begun = i64::from_le_bytes(number()?.to_le_bytes());
        let next_pack = number()?;
        let done = Tally { bytes: number()?, records: number()?, found: number()?, lost: number()? };
        let mut moment = || Some(i64::from_le_bytes(number()?.to_le_bytes()));
        let (begun_ms, ended_ms) = (moment()?, moment()?);
        let last = ScrubPass {
            begun_ms,
            ended_ms,
            bytes: number()?,
            records: number()?,
            found: number()?,
            lost: number()?,
        };
        (version == VERSION).then(|| Self {
            begun: (begun != 0).then(|| Timestamp::from_ms(begun - 1)),
            next_pack: next_pack.checked_sub(1),
            hurried: flags & HURRIED != 0,
            done,
            last: (flags & HAS_LAST != 0).then_some(last),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_any_flipped_bit_is_noticed() {
        let mut note = Note::default();
        assert_eq!(Note::decode(&note.encode()), Some(note.clone()));
        note.begin(Timestamp::from_ms(0), true);
        note.done = Tally { bytes: 1, records: 2, found: 3, lost: 4 };
        assert_eq!(Note::decode(&note.encode()), Some(note.clone()));
        note.finish(Timestamp::from_ms(9));
        let good = note.encode();
        assert_eq!((Note::decode(&good), note.last.unwrap().found), (Some(note), 3));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Note::decode(&bad), None, "bit {bit}");
        }
        assert_eq!(Note::decode(&[]), None);
    }
}
