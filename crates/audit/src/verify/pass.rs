//! The one pass over the signed tree: leaves, tiles, details. It remembers the first trouble of each kind and
//! decides at the end, when it is known whether the leaves give the signed root, who is to blame.

use super::clock::ClockWatch;
use super::journal::{Journal, detail_digest};
use super::tree::{Stack, TileHash, of_leaf};
use super::{Bad, Head, Report, saying};
use crate::tree::{Hash, Tree};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::sha256;

/// Leaves per bundle, hashes per tile.
const WIDTH: u64 = 256;

pub(super) struct Pass<'a> {
    dir: &'a Path,
    head: &'a Head,
    journal: &'a Journal,
    /// Remembered heads that are still to come, in the order of their sizes.
    known: &'a [Head],
    tree: Tree,
    stack: Stack,
    /// The tile of each level that is being compared.
    tiles: HashMap<u8, Tile>,
    clock: ClockWatch,
    leaves_checked: u64,
    details_checked: u64,
    details_removed: u64,
    bad_leaf: Option<(u64, Bad)>,
    /// The lowest and first hash above level 0 that the leaves do not give.
    bad_above: Option<(u8, u64)>,
    bad_tile: Option<Bad>,
    /// Signed as it is, and yet not what a log writes.
    bad_form: Option<Bad>,
    bad_detail: Option<Bad>,
    bad_known: Option<Bad>,
    bad_journal: Option<Bad>,
}

/// A tile file as it was read, and which of its hashes comes next.
struct Tile {
    number: u64,
    path: PathBuf,
    hashes: Vec<Hash>,
    next: usize,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        dir: &'a Path,
        tree: Tree,
        head: &'a Head,
        journal: &'a Journal,
        known: &'a [Head],
    ) -> Self {
        Self {
            dir,
            head,
            journal,
            known,
            tree,
            stack: Stack::new(tree),
            tiles: HashMap::new(),
            clock: ClockWatch::default(),
            leaves_checked: 0,
            details_checked: 0,
            details_removed: 0,
            bad_leaf: None,
            bad_above: None,
            bad_tile: None,
            bad_form: None,
            bad_detail: None,
            bad_known: None,
            bad_journal: None,
        }
    }

    pub(super) fn run(&mut self) {
        let mut tile_hashes = Vec::new();
        for number in 0..self.head.size.div_ceil(WIDTH) {
            let start = number * WIDTH;
            let width = (self.head.size - start).min(WIDTH);
            let (path, bytes) = match self.file("tile/entries", number, width) {
                Ok(file) => file,
                Err(why) => {
                    // Without its leaves nothing can be said about the rest of the tree.
                    self.blame_leaf(start, None, format!("its bundle {why}"));
                    return;
                }
            };
            self.check_older_partials("tile/entries", number, width, &bytes);
            let leaves = framed(&bytes, width);
            let details = self.details(number, width);
            for index in start..start + width {
                let place = usize::try_from(index - start).unwrap_or(usize::MAX);
                let leaf = leaves.get(place).copied();
                self.check_leaf(index, leaf, &mut tile_hashes);
                self.check_detail(index, leaf, details.as_deref(), place);
            }
            let framed_bytes: usize = leaves.iter().map(|leaf| leaf.len() + 2).sum();
            let is_full_file = !path.to_string_lossy().contains(".p/");
            if framed_bytes != bytes.len() && (width == WIDTH || !is_full_file) {
                let why = "it has more bytes than leaves".to_owned();
                self.bad_form.get_or_insert(Bad::Tile { path, why });
            }
        }
    }

    pub(super) fn finish(self) -> (Report, Option<Bad>) {
        let root_is_signed = self.leaves_checked == self.head.size && self.stack.root() == self.head.root;
        let first_bad = if root_is_signed {
            // The leaves are the signed ones, so whatever disagrees with them is wrong.
            self.bad_tile.or(self.bad_form).or(self.bad_detail).or(self.bad_known).or(self.bad_journal)
        } else if let Some((_, bad)) = self.bad_leaf {
            Some(bad)
        } else if let Some((level, number)) = self.bad_above {
            let span = WIDTH.pow(u32::from(level));
            Some(Bad::Records { range: number * span..(number + 1) * span })
        } else {
            let why =
                "it signs another root than leaves and tiles give, which agree with each other".to_owned();
            self.bad_tile.or(Some(Bad::Checkpoint { why }))
        };
        let report = Report {
            tree: self.tree,
            size: self.head.size,
            root: self.head.root,
            leaves_checked: self.leaves_checked,
            tail_unsigned: 0,
            details_checked: self.details_checked,
            details_removed: self.details_removed,
            torn_tail: None,
            clock_set_back: self.clock.largest,
            first_bad: None,
        };
        (report, first_bad)
    }

    fn check_leaf(&mut self, index: u64, leaf: Option<&[u8]>, tile_hashes: &mut Vec<TileHash>) {
        let Some(leaf) = leaf else {
            self.blame_leaf(index, None, "it is missing from its bundle, or its length is wrong".to_owned());
            return;
        };
        let hash = of_leaf(self.tree, leaf);
        self.leaves_checked += 1;
        self.clock.see(index, leaf);
        self.stack.push(hash, tile_hashes);
        for tile_hash in tile_hashes.iter() {
            self.check_tile_hash(index, leaf, *tile_hash);
        }
        if !carries(leaf, index) {
            let why = "it carries another number".to_owned();
            self.bad_form.get_or_insert_with(|| Bad::Record { index, says: saying(leaf), why });
        }
        if let Some(journal_hash) = self.journal.covered.get(&index).filter(|found| found.hash != hash) {
            self.bad_journal.get_or_insert_with(|| Bad::Journal {
                path: journal_hash.path.clone(),
                offset: journal_hash.offset,
                index,
                says: saying(leaf),
                why: "the journal holds another record than the signed tree".to_owned(),
            });
        }
        while let Some((known, later)) = self.known.split_first().filter(|(known, _)| known.size <= index + 1)
        {
            self.known = later;
            if known.size == index + 1 && self.stack.root() != known.root {
                let why = "the log had another history when this checkpoint was signed".to_owned();
                self.bad_known.get_or_insert(Bad::History { known_size: known.size, why });
            }
        }
    }

    /// Compares the next hash of a level with the tile file, which is loaded when its first hash comes.
    fn check_tile_hash(&mut self, index: u64, leaf: &[u8], TileHash { level, hash }: TileHash) {
        // The number of this hash within its level: full subtrees of 256^level leaves before it.
        let number = (index + 1) / WIDTH.pow(u32::from(level)) - 1;
        let tile_number = number / WIDTH;
        if self.tiles.get(&level).is_none_or(|tile| tile.number != tile_number) {
            let tile = self.tile(level, tile_number);
            self.tiles.insert(level, tile);
        }
        let Some(tile) = self.tiles.get_mut(&level) else { return };
        let found = tile.hashes.get(tile.next).copied();
        tile.next += 1;
        if found.is_none_or(|found| found == hash) {
            return; // A tile that is missing or too short was blamed when it was loaded.
        }
        let path = tile.path.clone();
        let why = format!("hash {} is not the one that the leaves give", number % WIDTH);
        self.bad_tile.get_or_insert(Bad::Tile { path, why });
        if level == 0 {
            self.blame_leaf(index, Some(leaf), "it is not the leaf that was logged".to_owned());
        } else if self.bad_above.is_none_or(|(lowest, _)| level < lowest) {
            self.bad_above = Some((level, number));
        }
    }

    fn tile(&mut self, level: u8, number: u64) -> Tile {
        let directory = folder(self.tree, &format!("tile/{level}"));
        let in_level = self.head.size / WIDTH.pow(u32::from(level));
        let width = (in_level - number * WIDTH).min(WIDTH);
        let (path, bytes) = self.file(&directory, number, width).unwrap_or_else(|why| {
            let path = relative(&directory, number, width);
            self.bad_tile.get_or_insert(Bad::Tile { path: path.clone(), why });
            (path, Vec::new())
        });
        let (hashes, rest) = bytes.as_chunks::<32>();
        let is_full_file = !path.to_string_lossy().contains(".p/");
        let fits = hashes.len() as u64 == width || (is_full_file && hashes.len() as u64 == WIDTH);
        if !bytes.is_empty() && (!rest.is_empty() || !fits) {
            let why = format!("expected {} bytes, got {}", width * 32, bytes.len());
            self.bad_tile.get_or_insert(Bad::Tile { path: path.clone(), why });
        } else if bytes.is_empty() {
            self.bad_tile.get_or_insert(Bad::Tile { path: path.clone(), why: "it is empty".to_owned() });
        }
        self.check_older_partials(&directory, number, width, &bytes);
        Tile { number, path, hashes: hashes.to_vec(), next: 0 }
    }

    /// Partial files of smaller trees stay until the full one is there; they must be its beginning.
    fn check_older_partials(&mut self, directory: &str, number: u64, width: u64, bytes: &[u8]) {
        let full = relative(directory, number, WIDTH);
        let partials = self.dir.join(format!("{}.p", full.display()));
        let Ok(listing) = fs::read_dir(&partials) else { return };
        for entry in listing.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(older) = name.parse::<u64>().ok().filter(|older| *older < width) else { continue };
            let expected = if directory == "tile/entries" || directory == "detail" {
                let framed = framed(bytes, older);
                bytes
                    .get(..framed.iter().map(|entry| entry.len() + 2).sum())
                    .filter(|_| framed.len() as u64 == older)
            } else {
                bytes.get(..usize::try_from(older * 32).unwrap_or(usize::MAX))
            };
            if expected.is_some() && fs::read(entry.path()).ok().as_deref() != expected {
                let path = relative(directory, number, older);
                let why = "it is not the beginning of the newer one".to_owned();
                self.bad_tile.get_or_insert(Bad::Tile { path, why });
            }
        }
    }

    fn details(&mut self, number: u64, width: u64) -> Option<Vec<Vec<u8>>> {
        let (path, bytes) = self.file("detail", number, width).ok()?;
        self.check_older_partials("detail", number, width, &bytes);
        let details = framed(&bytes, width);
        let framed_bytes: usize = details.iter().map(|detail| detail.len() + 2).sum();
        let is_full_file = !path.to_string_lossy().contains(".p/");
        let whole = framed_bytes == bytes.len() || (is_full_file && width < WIDTH);
        if details.len() as u64 != width || !whole {
            let index = number * WIDTH + details.len() as u64;
            let why = "the bundle of details cannot be read from here on".to_owned();
            self.bad_detail.get_or_insert(Bad::Detail { index, why });
        }
        Some(details.into_iter().map(<[u8]>::to_vec).collect())
    }

    fn check_detail(&mut self, index: u64, leaf: Option<&[u8]>, details: Option<&[Vec<u8>]>, place: usize) {
        let Some(leaf) = leaf else { return };
        let detail = details.and_then(|details| details.get(place)).filter(|detail| !detail.is_empty());
        match (detail_digest(leaf), detail) {
            (None, None) => {}
            (Some(_), None) => self.details_removed += 1,
            (Some(expected), Some(detail)) if hex::encode(sha256(detail)).as_bytes() == expected => {
                self.details_checked += 1;
            }
            (Some(_), Some(_)) => self.blame_detail(index, "it is not the one whose digest the leaf holds"),
            (None, Some(_)) => self.blame_detail(index, "the leaf has none"),
        }
    }

    fn blame_detail(&mut self, index: u64, why: &str) {
        self.bad_detail.get_or_insert_with(|| Bad::Detail { index, why: why.to_owned() });
    }

    fn blame_leaf(&mut self, index: u64, leaf: Option<&[u8]>, why: String) {
        if self.bad_leaf.as_ref().is_none_or(|(first, _)| index < *first) {
            self.bad_leaf = Some((index, Bad::Record { index, says: leaf.and_then(saying), why }));
        }
    }

    /// Reads a file of `width` entries, or the full file that replaced it; on failure says why.
    fn file(&self, directory: &str, number: u64, width: u64) -> Result<(PathBuf, Vec<u8>), String> {
        let mut outcome = Err("is missing".to_owned());
        for width in [width, WIDTH] {
            let path = relative(directory, number, width);
            match fs::read(self.dir.join(&path)) {
                Ok(bytes) => return Ok((path, bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => outcome = Err(format!("cannot be read: {error}")),
            }
        }
        outcome
    }
}

/// Where something of a tree lies below the directory of the log.
pub(super) fn folder(tree: Tree, name: &str) -> String {
    match tree {
        Tree::Sha256 => name.to_owned(),
        Tree::Sm3 => format!("sm3/{name}"),
    }
}

/// Splits a bundle into at most `count` entries; fewer when the lengths do not fit.
fn framed(bytes: &[u8], count: u64) -> Vec<&[u8]> {
    let mut entries = Vec::new();
    let mut at = 0;
    while (entries.len() as u64) < count {
        let Some(&[high, low]) = bytes.get(at..at + 2) else { break };
        let end = at + 2 + usize::from(high) * 256 + usize::from(low);
        let Some(entry) = bytes.get(at + 2..end) else { break };
        entries.push(entry);
        at = end;
    }
    entries
}

/// Whether the fields that a leaf starts with are the version and this number.
fn carries(leaf: &[u8], index: u64) -> bool {
    let Some(rest) = leaf.strip_prefix(b"{\"version\":1,\"sequence\":") else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let legal = digits == usize::try_from(index.checked_ilog10().unwrap_or(0) + 1).unwrap_or(0);
    let number = rest
        .iter()
        .take(digits)
        .fold(0_u64, |number, byte| number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')));
    legal && number == index && rest.get(digits) == Some(&b',')
}

/// The path of a tile file (C2SP tlog-tiles): digits in threes, all groups but the last with an `x`.
fn relative(directory: &str, number: u64, width: u64) -> PathBuf {
    let digits = format!("{number}");
    let padded = format!("{digits:0>width$}", width = digits.len().next_multiple_of(3));
    let groups = padded.len() / 3;
    let mut path = directory.to_owned();
    for (group, text) in padded.as_bytes().chunks(3).map(String::from_utf8_lossy).enumerate() {
        path.push_str(if group + 1 < groups { "/x" } else { "/" });
        path.push_str(&text);
    }
    if width < WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    PathBuf::from(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(relative("tile/0", 1_234_067, 256), PathBuf::from("tile/0/x001/x234/067"));
        assert_eq!(relative("tile/entries", 0, 5), PathBuf::from("tile/entries/000.p/5"));
        assert_eq!(relative("detail", 1000, 256), PathBuf::from("detail/x001/000"));
    }
}
