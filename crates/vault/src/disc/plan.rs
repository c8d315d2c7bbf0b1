//! Which packs go on the next disc: pure questions over lists.
//!
//! Packs are taken in the order of their numbers, those with the fewest copies first, and each that still fits is taken. So a disc
//! holds what was stored at one time, and its gap is smaller than the smallest pack that was left for the next: below 1 % of the
//! smallest disc, because a pack has 256 MiB at most unless one object is larger.

use crate::listing::PackEntry;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Bytes of a block of a disc: a file begins at one (ECMA-119, UDF).
const BLOCK_BYTES: u64 = 2048;
/// What the file system keeps for each file: its entry and its name.
const ENTRY_BYTES: u64 = 2 * BLOCK_BYTES;
/// The part of a disc that stays free, one of so many: spare blocks of the drive, tables of the file system.
const SPARE_PART: u64 = 50;

/// How much a disc holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DiscSize(pub u64);

impl DiscSize {
    /// Blu-ray discs by what is printed on them, with the bytes that they have.
    pub const NAMED: [(&str, u64); 4] = [
        ("25GB", 25_025_314_816),
        ("50GB", 50_050_629_632),
        ("100GB", 100_103_356_416),
        ("128GB", 128_001_769_472),
    ];

    /// What is left for files: less 2 % for spare blocks and the file system.
    #[must_use]
    pub const fn usable_bytes(self) -> u64 {
        self.0 - self.0 / SPARE_PART
    }
}

impl FromStr for DiscSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.replace(' ', "").to_ascii_uppercase();
        if let Some((_, bytes)) = Self::NAMED.iter().find(|(name, _)| *name == plain) {
            return Ok(Self(*bytes));
        }
        let bytes = plain.parse::<u64>().ok().filter(|bytes| *bytes > 0).map(Self);
        bytes.ok_or_else(|| "expected 25GB, 50GB, 100GB, 128GB, or a number of bytes".to_owned())
    }
}

impl fmt::Display for DiscSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Packs, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packs {
    /// How many.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Packs {
    pub(crate) fn of<'p>(packs: impl Iterator<Item = &'p PackEntry>) -> Self {
        packs.fold(Self::default(), |sum, pack| Self { packs: sum.packs + 1, bytes: sum.bytes + pack.bytes })
    }
}

/// A pack that is wanted on more discs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) entry: PackEntry,
    /// Discs that have it or will.
    pub(crate) copies: u32,
}

/// What goes on one disc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filling {
    pub(crate) packs: Vec<PackEntry>,
    /// Whether something was left over because it did not fit.
    pub(crate) is_full: bool,
}

/// The discs that would be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Discs {
    pub(crate) full: Vec<Filling>,
    /// What does not fill one yet.
    pub(crate) waits: Vec<PackEntry>,
    /// What no disc of this size holds.
    pub(crate) too_large: Vec<PackEntry>,
}

/// What a file takes of a disc.
pub(crate) const fn room_of(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES + ENTRY_BYTES
}

/// Fills one disc and counts what went on it.
pub(crate) fn fill(wanted: &mut [Wanted], copies: u32, room: u64) -> Filling {
    wanted.sort_by_key(|wanted| (wanted.copies, wanted.entry.pack));
    let (mut left, mut filling) = (room, Filling::default());
    for wanted in wanted.iter_mut().filter(|wanted| wanted.copies < copies) {
        match left.checked_sub(room_of(wanted.entry.bytes)) {
            Some(rest) => {
                left = rest;
                wanted.copies += 1;
                filling.packs.push(wanted.entry);
            }
            None => filling.is_full = true,
        }
    }
    filling.packs.sort_by_key(|entry| entry.pack);
    filling
}

/// Takes out what no disc holds.
pub(crate) fn part_too_large(wanted: &mut Vec<Wanted>, room: u64) -> Vec<PackEntry> {
    let fits = |wanted: &Wanted| room_of(wanted.entry.bytes) <= room;
    let large = wanted.iter().filter(|wanted| !fits(wanted)).map(|wanted| wanted.entry).collect();
    wanted.retain(fits);
    large
}

/// All discs that would be full, one after the other.
pub(crate) fn fill_all(mut wanted: Vec<Wanted>, copies: u32, room: u64) -> Discs {
    wanted.retain(|wanted| wanted.copies < copies);
    let mut discs = Discs { too_large: part_too_large(&mut wanted, room), ..Discs::default() };
    loop {
        let filling = fill(&mut wanted, copies, room);
        if !filling.is_full {
            discs.waits = filling.packs;
            return discs;
        }
        wanted.retain(|wanted| wanted.copies < copies);
        discs.full.push(filling);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn wanted(sizes: &[u64]) -> Vec<Wanted> {
        let entry = |(pack, bytes): (u64, &u64)| PackEntry { pack, bytes: *bytes, digest: [0; 32] };
        (1..).zip(sizes).map(entry).map(|entry| Wanted { entry, copies: 0 }).collect()
    }

    fn numbers(packs: &[PackEntry]) -> Vec<u64> {
        packs.iter().map(|entry| entry.pack).collect()
    }

    #[test]
    fn a_size_is_what_is_printed_on_the_disc_or_a_number() {
        assert_eq!("25 gb".parse(), Ok(DiscSize(25_025_314_816)));
        assert_eq!("1000".parse(), Ok(DiscSize(1000)));
        assert_eq!(DiscSize(1000).usable_bytes(), 980);
        for wrong in ["", "0", "-1", "30GB", "25GiB"] {
            assert!(wrong.parse::<DiscSize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn packs_go_in_their_order_and_a_smaller_one_fills_the_gap() {
        let room = 4 * room_of(2048);
        let mut packs = wanted(&[2048, 2 * 2048, 8 * 2048, 2048, 2048]);
        let filling = fill(&mut packs, 1, room);
        assert_eq!((numbers(&filling.packs), filling.is_full), (vec![1, 2, 4], true));
        let discs = fill_all(wanted(&[2048, 2 * 2048, 800 * 2048, 2048, 2048]), 1, room);
        assert_eq!(numbers(&discs.too_large), [3]);
        assert_eq!(discs.full.len(), 1);
        assert_eq!(numbers(&discs.waits), [5]);
    }

    #[test]
    fn a_second_copy_goes_on_another_disc_and_after_the_first_of_all() {
        let room = 3 * room_of(2048);
        let discs = fill_all(wanted(&[2048; 4]), 2, room);
        let full: Vec<_> = discs.full.iter().map(|disc| numbers(&disc.packs)).collect();
        assert_eq!(full, [vec![1, 2, 3], vec![1, 2, 4]]);
        assert_eq!(numbers(&discs.waits), [3, 4]);
    }

    proptest! {
        #[test]
        fn each_pack_goes_on_as_many_discs_as_asked_for_and_no_disc_is_overfull(
            sizes in prop::collection::vec(1_u64..20_000, 0..60),
            copies in 1_u32..4,
            room in 5_000_u64..60_000,
        ) {
            let discs = fill_all(wanted(&sizes), copies, room);
            prop_assert_eq!(&discs, &fill_all(wanted(&sizes), copies, room));
            let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
            for disc in discs.full.iter().map(|disc| &disc.packs).chain([&discs.waits]) {
                prop_assert!(disc.iter().map(|entry| room_of(entry.bytes)).sum::<u64>() <= room);
                let before = seen.clone();
                disc.iter().for_each(|entry| *seen.entry(entry.pack).or_default() += 1);
                for entry in disc {
                    prop_assert!(seen[&entry.pack] <= before.get(&entry.pack).copied().unwrap_or(0) + 1);
                }
            }
            for (pack, size) in (1_u64..).zip(&sizes) {
                let fits = room_of(*size) <= room;
                prop_assert_eq!(discs.too_large.iter().any(|entry| entry.pack == pack), !fits);
                let made = seen.get(&pack).copied().unwrap_or(0);
                // What waits may be wanted once more than a single disc takes it.
                let right = if fits { (1..=copies).contains(&made) } else { made == 0 };
                prop_assert!(right, "pack {pack} is on {made} discs");
            }
        }
    }
}
