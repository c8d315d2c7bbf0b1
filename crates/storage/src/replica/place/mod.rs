//! A place for a copy that is never waited for: objects that are put whole, listed, read by range and removed. A
//! directory elsewhere is one, a bucket another. What lies in either has the same names:
//!
//! ```text
//! store-id                                  which store this is
//! packs/<16 hex>.pack                       a sealed pack, one object; put once
//! tail/<16 hex>.<16 hex>-<16 hex>           bytes from–to of a pack that is still written, until the pack is there
//! ```
//!
//! A place is not trusted: what comes back is checked against the digests of its records.

mod bucket;
mod directory;
mod file;

pub(crate) use bucket::BucketPlace;
pub use bucket::{BucketProbe, Kept};
pub(crate) use directory::DirectoryPlace;
pub(crate) use file::PlaceFile;

use std::collections::BTreeMap;
use std::fmt;
use std::io;

/// Something that lies in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    /// To which store the place belongs.
    Identity,
    /// A sealed pack.
    Pack(u64),
    /// A piece of a pack that is still written.
    Tail { pack: u64, from: u64, to: u64 },
}

/// Bytes on their way to a place.
pub(crate) trait Content {
    /// How many there are.
    fn bytes(&self) -> u64;
    /// Appends exactly so many bytes from an offset to `buffer`.
    fn read(&self, offset: u64, bytes: usize, buffer: &mut Vec<u8>) -> io::Result<()>;
}

/// A place that holds a copy. All calls block, each for a bounded time where the place is one that can be bounded.
pub(crate) trait Place: Send + Sync + fmt::Debug {
    /// Makes the place ready to be written to, and removes what was cut off on its way.
    fn prepare(&self) -> io::Result<()>;
    /// Every object with its length.
    fn list(&self) -> io::Result<Vec<(Object, u64)>>;
    /// Puts an object, whole or not at all, and durably; replaces what was there. What was cut off may be taken up again.
    fn put(&self, object: Object, content: &dyn Content) -> io::Result<()>;
    /// Appends up to `bytes` bytes from an offset to `buffer` and says how many; 0 at the end. `NotFound` when it is not there.
    fn read_at(&self, object: Object, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize>;
    /// Removes an object; one that is not there is no error.
    fn remove(&self, object: Object) -> io::Result<()>;
    /// Keeps an object that is there from being destroyed, for the configured time from now, where the place can do that.
    fn keep(&self, _object: Object) -> io::Result<()> {
        Ok(())
    }
    /// Where the place is, without any secret.
    fn address(&self) -> String;
}

impl Content for &[u8] {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, offset: u64, bytes: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = self.get(from..from.saturating_add(bytes)).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.extend_from_slice(wanted);
        Ok(())
    }
}

impl Object {
    /// Its name in the place.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Identity => "store-id".to_owned(),
            Self::Pack(pack) => format!("packs/{pack:016x}.pack"),
            Self::Tail { pack, from, to } => format!("tail/{pack:016x}.{from:016x}-{to:016x}"),
        }
    }

    /// The object of a name; nothing for anybody else's files.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let object = match name.split_once('/') {
            None => Self::Identity,
            Some(("packs", file)) => Self::Pack(hexadecimal(file.strip_suffix(".pack")?)?),
            Some(("tail", file)) => {
                let (pack, range) = file.split_once('.')?;
                let (from, to) = range.split_once('-')?;
                Self::Tail { pack: hexadecimal(pack)?, from: hexadecimal(from)?, to: hexadecimal(to)? }
            }
            Some(_) => return None,
        };
        (object.name() == name).then_some(object)
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// What lies in a place, by name and length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Sealed packs with their lengths.
    packs: BTreeMap<u64, u64>,
    /// Pieces of packs that are still written: by pack, from → to.
    tails: BTreeMap<u64, BTreeMap<u64, u64>>,
}

impl Inventory {
    /// What a place lists; a piece that has another length than its name says is none.
    pub(crate) fn of(listed: &[(Object, u64)]) -> Self {
        let mut inventory = Self::default();
        for (object, bytes) in listed {
            match object {
                Object::Tail { from, to, .. } if to.checked_sub(*from) != Some(*bytes) => {}
                Object::Identity | Object::Pack(_) | Object::Tail { .. } => inventory.add(*object, *bytes),
            }
        }
        inventory
    }

    pub(crate) fn add(&mut self, object: Object, bytes: u64) {
        match object {
            Object::Identity => {}
            Object::Pack(pack) => {
                self.packs.insert(pack, bytes);
            }
            Object::Tail { pack, from, to } => {
                self.tails.entry(pack).or_default().insert(from, to);
            }
        }
    }

    pub(crate) fn remove(&mut self, object: Object) {
        match object {
            Object::Identity => {}
            Object::Pack(pack) => {
                self.packs.remove(&pack);
            }
            Object::Tail { pack, from, .. } => {
                if let Some(pieces) = self.tails.get_mut(&pack) {
                    pieces.remove(&from);
                    if pieces.is_empty() {
                        self.tails.remove(&pack);
                    }
                }
            }
        }
    }

    /// Sealed packs with their lengths.
    pub(crate) const fn packs(&self) -> &BTreeMap<u64, u64> {
        &self.packs
    }

    /// Packs of which there are pieces only.
    pub(crate) fn unsealed(&self) -> impl Iterator<Item = u64> {
        self.tails.keys().copied().filter(|pack| !self.packs.contains_key(pack))
    }

    /// The pieces of a pack.
    pub(crate) fn pieces(&self, pack: u64) -> Vec<Object> {
        let pieces = self.tails.get(&pack).into_iter().flatten();
        pieces.map(|(from, to)| Object::Tail { pack, from: *from, to: *to }).collect()
    }

    /// A pack of which there are pieces although it is there whole.
    pub(crate) fn superfluous(&self) -> Option<u64> {
        self.tails.keys().copied().find(|pack| self.packs.contains_key(pack))
    }

    /// How far a pack is there without a gap.
    pub(crate) fn end_of(&self, pack: u64) -> u64 {
        self.packs.get(&pack).copied().unwrap_or_else(|| self.chain(pack).last().map_or(0, |(_, to)| *to))
    }

    /// The objects from which a pack can be read, each with the offset at which it ends.
    pub(crate) fn parts(&self, pack: u64) -> Vec<(Object, u64)> {
        match self.packs.get(&pack) {
            Some(bytes) => vec![(Object::Pack(pack), *bytes)],
            None => self.chain(pack),
        }
    }

    fn chain(&self, pack: u64) -> Vec<(Object, u64)> {
        let mut chain = Vec::new();
        let mut end = 0;
        for (from, to) in self.tails.get(&pack).into_iter().flatten() {
            if *from != end {
                break;
            }
            chain.push((Object::Tail { pack, from: *from, to: *to }, *to));
            end = *to;
        }
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_names_of_our_objects_are_objects() {
        for other in [
            "",
            "packs/ff.pack",
            "packs/00000000000000FF.pack",
            "packs/+0000000000000ff.pack",
            "packs/00000000000000ff.open",
            "tail/00000000000000ff.0-8",
            "tail/x",
            "other",
            "a/b/c",
        ] {
            assert_eq!(Object::of_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_pack_is_there_as_far_as_its_pieces_follow_each_other() {
        let piece = |from, to| (Object::Tail { pack: 7, from, to }, to - from);
        let inventory = Inventory::of(&[piece(0, 80), piece(80, 100), piece(120, 160)]);
        assert_eq!(inventory.end_of(7), 100);
        assert_eq!(inventory.parts(7).len(), 2);
        assert_eq!(inventory.unsealed().collect::<Vec<_>>(), [7]);
        assert_eq!((inventory.end_of(8), inventory.superfluous()), (0, None));
        assert_eq!(Inventory::of(&[piece(8, 80)]).end_of(7), 0, "the beginning is missing");
        assert_eq!(Inventory::of(&[(Object::Tail { pack: 7, from: 0, to: 80 }, 79)]).end_of(7), 0, "cut off");
        let whole = Inventory::of(&[piece(0, 80), (Object::Pack(7), 200)]);
        assert_eq!((whole.end_of(7), whole.superfluous()), (200, Some(7)));
        assert_eq!(whole.unsealed().count(), 0);
    }

    proptest! {
        #[test]
        fn any_object_is_found_by_its_name(pack: u64, from: u64, to: u64) {
            for object in [Object::Identity, Object::Pack(pack), Object::Tail { pack, from, to }] {
                prop_assert_eq!(Object::of_name(&object.name()), Some(object));
            }
        }
    }
}
