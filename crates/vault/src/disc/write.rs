//! What waits for a disc, and the folder of the next one.
//!
//! A folder is put together under the name `DIR.partial`. What is there already and whole stays, so a write that was cut off goes on;
//! the volume is written down in the register before the folder gets its name, so that no number is given twice.

use super::plan::{DiscSize, Packs, Wanted, fill, fill_all, part_too_large, room_of};
use super::register::Register;
use super::volume::{
    AGAIN, CONTENTS, DiscPack, Head, NOTE, PACK_FOLDER, PACKS, PUBLIC_KEY, README, Volume, check_label,
    content_line, digest_of, hash_file,
};
use super::{put_file, readme, snapshot};
use crate::listing::{Listing, PackEntry};
use crate::manifest::{Digest, Snapshot, write_note};
use crate::pull::store_name;
use crate::vault::now_ms;
use crate::{Vault, VaultError, Watch, files};
use serde::Serialize;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use yingdun_storage::Layout;

/// Room for everything on a disc that is no pack and no snapshot.
const LISTS_BYTES: u64 = 128 * 1024;

/// What a person asks for.
#[derive(Clone, Debug)]
pub struct DiscOrder {
    /// The folder of the disc; it is not there yet.
    pub folder: PathBuf,
    /// What a disc holds.
    pub size: DiscSize,
    /// On how many discs each pack is to be.
    pub copies: u32,
    /// What is written on it; made of its number when absent.
    pub label: Option<String>,
    /// Whether the newest snapshot goes with it, and the pack that still grows.
    pub with_snapshot: bool,
    /// Whether it may stay emptier than it could be.
    pub underfull: bool,
}

/// A disc that would be full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedDisc {
    /// What would be on it.
    #[serde(flatten)]
    pub packs: Packs,
    /// Its first pack.
    pub first: String,
    /// Its last pack.
    pub last: String,
}

/// What waits for discs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiscPlan {
    /// The newest snapshot.
    pub snapshot: u64,
    /// What a disc has, and what of it files may take.
    pub disc_bytes: DiscSize,
    /// The same without room for the file system.
    pub usable_bytes: u64,
    /// On how many discs each pack is to be.
    pub copies: u32,
    /// Packs that never change again.
    pub sealed: Packs,
    /// Those that fewer discs have than are asked for, as far as somebody has read them back.
    pub short: Packs,
    /// Those that are on no such disc at all.
    pub nowhere: Packs,
    /// Those that are on discs that were written and not read back yet.
    pub unverified: Packs,
    /// Discs that would be full.
    pub discs: Vec<PlannedDisc>,
    /// What does not fill one yet.
    pub waits: Packs,
    /// The pack that still grows.
    pub growing: Packs,
    /// Packs that no disc of this size holds, 16 hexadecimal digits.
    pub too_large: Vec<String>,
}

/// A folder that can be burnt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiscWritten {
    /// Its number.
    pub volume: u64,
    /// What is written on the disc.
    pub label: String,
    /// The folder.
    pub folder: PathBuf,
    /// Its packs.
    #[serde(flatten)]
    pub packs: Packs,
    /// Records in them.
    pub records: u64,
    /// Packs that an earlier write had put there already.
    pub kept: u64,
    /// The snapshot that goes with it.
    pub snapshot: Option<u64>,
    /// Packs of the newest snapshot that are on no disc yet, with this one.
    pub left: u64,
}

/// What the newest snapshot has for discs.
struct Stock {
    snapshot: Snapshot,
    register: Register,
    store: [u8; 16],
    sealed: Vec<Wanted>,
    /// Verified copies of each of them, in the same order.
    verified: Vec<u32>,
    growing: Vec<PackEntry>,
}

impl Vault {
    /// Says what waits for discs, and how many it would fill. Changes nothing.
    ///
    /// # Errors
    /// [`VaultError::Empty`]; [`VaultError`] when snapshot or register cannot be read.
    pub fn disc_plan(&self, size: DiscSize, copies: u32) -> Result<DiscPlan, VaultError> {
        let stock = self.stock()?;
        let room = size.usable_bytes().saturating_sub(LISTS_BYTES);
        let entries = || stock.sealed.iter().map(|wanted| &wanted.entry).zip(&stock.verified);
        let those = |test: &dyn Fn(u32) -> bool| {
            Packs::of(entries().filter(|(_, verified)| test(**verified)).map(|(entry, _)| entry))
        };
        let unverified =
            stock.sealed.iter().zip(&stock.verified).filter(|(wanted, verified)| wanted.copies > **verified);
        let unverified = Packs::of(unverified.map(|(wanted, _)| &wanted.entry));
        let (sealed, short, nowhere) =
            (those(&|_| true), those(&|verified| verified < copies), those(&|verified| verified == 0));
        let discs = fill_all(stock.sealed.clone(), copies, room);
        let planned = discs.full.iter().filter_map(|disc| {
            let (first, last) = (disc.packs.first()?, disc.packs.last()?);
            Some(PlannedDisc {
                packs: Packs::of(disc.packs.iter()),
                first: hex_of(first.pack),
                last: hex_of(last.pack),
            })
        });
        Ok(DiscPlan {
            snapshot: stock.snapshot.manifest.number,
            disc_bytes: size,
            usable_bytes: size.usable_bytes(),
            copies,
            sealed,
            short,
            nowhere,
            unverified,
            discs: planned.collect(),
            waits: Packs::of(discs.waits.iter()),
            growing: Packs::of(stock.growing.iter()),
            too_large: discs.too_large.iter().map(|entry| hex_of(entry.pack)).collect(),
        })
    }

    /// Puts the folder of the next disc together, or goes on with one that was cut off. Blocks.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`] when the folder is there, [`VaultError::DiscNotFull`], [`VaultError::DiscTooSmall`],
    /// [`VaultError::Label`], [`VaultError::NoRoom`]; [`VaultError`] when something cannot be read or written.
    pub fn write_disc(&mut self, order: &DiscOrder, watch: &Watch) -> Result<DiscWritten, VaultError> {
        if order.folder.exists() {
            return Err(VaultError::NotEmpty(order.folder.clone()));
        }
        let mut stock = self.stock()?;
        let partial = partial_of(&order.folder);
        if let Some(done) = self.finish_disc(&stock.register, &partial, &order.folder)? {
            return Ok(done);
        }
        let last = stock.register.discs().last();
        let (number, previous) =
            (last.map_or(1, |last| last.volume.volume + 1), last.map(|last| last.digest));
        let label = order.label.clone().unwrap_or_else(|| format!("YINGDUN_{number:06}"));
        check_label(&label)?;
        if stock.register.by_label(&label).is_ok() {
            return Err(VaultError::LabelTaken(label));
        }
        files::make_folder(&partial)?;
        clear_but_packs(&partial)?;
        let snapshot = match order.with_snapshot {
            true => Some(snapshot::write(self, &partial, &stock.snapshot, &stock.register)?),
            false => None,
        };
        let others = files_in(&partial)?;
        let packs = choose(&mut stock, order, &others)?;
        self.check_disc_room(&partial, &packs)?;
        let named: HashSet<String> = packs.iter().map(|entry| pack_path(entry.pack)).collect();
        for (path, _) in files_in(&partial.join(PACK_FOLDER))? {
            let path = format!("{PACK_FOLDER}/{path}");
            if !named.contains(&path) {
                fs::remove_file(partial.join(&path)).map_err(VaultError::file(&partial))?;
            }
        }
        let (mut contents, mut list, mut kept) = (String::new(), Vec::new(), 0);
        for entry in &packs {
            kept += u64::from(self.put_pack(&partial, entry, watch)?);
            let records = self.packs.records(entry.pack, entry.bytes, stock.store)?;
            let path = self.packs.path(entry.pack);
            let records = records.ok_or_else(|| VaultError::damaged(&path, "bytes of it are no record"))?;
            list.push(DiscPack { entry: *entry, records: records.len() as u64 });
            contents.push_str(&content_line(&pack_path(entry.pack), &entry.digest));
            watch.packs.fetch_add(1, Ordering::Relaxed);
        }
        let manifest = &stock.snapshot.manifest;
        let texts = [
            (README, readme::text(number, &label, &manifest.institution, &manifest.store, snapshot.as_ref())),
            (PUBLIC_KEY, format!("{}\n", self.signer.verifier())),
        ];
        for (name, text) in &texts {
            put_file(&partial.join(name), text.as_bytes())?;
        }
        for (path, _) in files_in(&partial)?.iter().filter(|(path, _)| !path.starts_with("packs/")) {
            let digest = hash_file(&partial.join(path), |_| ()).map_err(VaultError::file(&partial))?;
            contents.push_str(&content_line(path, &digest));
        }
        let packs_text: String = list.iter().map(DiscPack::line).collect();
        for (name, text) in [(PACKS, &packs_text), (CONTENTS, &contents)] {
            put_file(&partial.join(name), text.as_bytes())?;
            put_file(&partial.join(AGAIN).join(name), text.as_bytes())?;
        }
        let total = Packs::of(packs.iter());
        let volume = Volume {
            volume: number,
            label,
            previous,
            written_ms: now_ms(),
            running: self.running_time()?,
            institution: manifest.institution.clone(),
            store: manifest.store.clone(),
            packs: total.packs,
            bytes: total.bytes,
            records: list.iter().map(|pack| pack.records).sum(),
            packs_list: digest_of(packs_text.as_bytes()),
            contents: digest_of(contents.as_bytes()),
            snapshot,
        };
        self.sign(&partial, &volume)?;
        files::sync_all(&partial)?;
        stock.register.add(&Head::read(&partial, &self.disc_keys()?)?)?;
        rename(&partial, &order.folder)?;
        self.written(&volume, &order.folder, kept)
    }

    /// Gives a folder its name that was whole and written down when the last write was cut off.
    fn finish_disc(
        &self,
        register: &Register,
        partial: &Path,
        folder: &Path,
    ) -> Result<Option<DiscWritten>, VaultError> {
        let Ok(head) = Head::read(partial, &self.disc_keys()?) else { return Ok(None) };
        if register.discs().last().is_none_or(|last| last.digest != head.digest()) {
            return Ok(None);
        }
        rename(partial, folder)?;
        Ok(Some(self.written(&head.volume, folder, head.volume.packs)?))
    }

    fn written(&self, volume: &Volume, folder: &Path, kept: u64) -> Result<DiscWritten, VaultError> {
        let stock = self.stock()?;
        let copies = stock.register.copies();
        let entries = stock.sealed.iter().map(|wanted| &wanted.entry).chain(&stock.growing);
        let is_on_none =
            |entry: &&PackEntry| copies.get(entry).is_none_or(|copies| copies.verified + copies.written == 0);
        Ok(DiscWritten {
            volume: volume.volume,
            label: volume.label.clone(),
            folder: folder.to_owned(),
            packs: Packs { packs: volume.packs, bytes: volume.bytes },
            records: volume.records,
            kept,
            snapshot: volume.snapshot.map(|snapshot| snapshot.number),
            left: entries.filter(is_on_none).count() as u64,
        })
    }

    fn stock(&self) -> Result<Stock, VaultError> {
        let snapshot = self.newest()?.ok_or(VaultError::Empty)?;
        let store = store_name(&snapshot.manifest.store)?;
        let register = self.register()?;
        let list = Listing::of(&self.chunks, Some(&snapshot.manifest.packs.list))?;
        let mut entries = list.collect::<Result<Vec<PackEntry>, _>>()?;
        // The newest pack may grow. One that holds a single large object was never open; it does not tell that the one before is done.
        let mut grows = entries.len();
        while grows > 0 {
            grows -= 1;
            let Some(entry) = entries.get(grows) else { break };
            if !self.is_single(entry, store)? {
                break;
            }
        }
        let growing: Vec<PackEntry> = match entries.get(grows) {
            Some(entry) if !self.is_single(entry, store)? => vec![entries.remove(grows)],
            Some(_) | None => Vec::new(),
        };
        let copies = register.copies();
        let count = |entry: &PackEntry| copies.get(entry).copied().unwrap_or_default();
        let verified = entries.iter().map(|entry| count(entry).verified).collect();
        let sealed = entries
            .into_iter()
            .map(|entry| {
                let count = count(&entry);
                Wanted { entry, copies: count.verified + count.written }
            })
            .collect();
        Ok(Stock { snapshot, register, store, sealed, verified, growing })
    }

    /// Whether a pack holds one object that has it to itself.
    fn is_single(&self, entry: &PackEntry, store: [u8; 16]) -> Result<bool, VaultError> {
        let records = self.packs.records(entry.pack, entry.bytes, store)?.unwrap_or_default();
        Ok(matches!(records.as_slice(), [only] if only.location.layout == Layout::ObjectFirst))
    }

    /// Puts a pack into the folder of a disc; true when it was there already.
    fn put_pack(&self, folder: &Path, entry: &PackEntry, watch: &Watch) -> Result<bool, VaultError> {
        let path = folder.join(pack_path(entry.pack));
        let there = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == entry.bytes);
        if there && hash_file(&path, |_| ()).map_err(VaultError::file(&path))? == entry.digest {
            return Ok(true);
        }
        path.parent().map_or(Ok(()), files::make_folder)?;
        let mut copy = fs::File::create(&path).map_err(VaultError::file(&path))?;
        self.packs.copy(entry, |block| {
            watch.bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
            copy.write_all(block).map_err(VaultError::file(&path))
        })?;
        Ok(false)
    }

    fn check_disc_room(&self, folder: &Path, packs: &[PackEntry]) -> Result<(), VaultError> {
        let there: u64 = files_in(&folder.join(PACK_FOLDER))?.iter().map(|(_, bytes)| bytes).sum();
        let all: u64 = packs.iter().map(|entry| entry.bytes).sum();
        let needed = (all + LISTS_BYTES).saturating_sub(there);
        let room = rustix::fs::statvfs(folder).map_err(|error| VaultError::file(folder)(error.into()))?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        if free >= needed {
            return Ok(());
        }
        Err(VaultError::NoRoom { folder: folder.to_owned(), needed, free })
    }

    fn sign(&self, folder: &Path, volume: &Volume) -> Result<Digest, VaultError> {
        let path = folder.join(NOTE);
        write_note(&path, &self.signer, volume)?;
        let note = fs::read(&path).map_err(VaultError::file(&path))?;
        put_file(&folder.join(AGAIN).join(NOTE), &note)?;
        Ok(digest_of(&note))
    }
}

// === helpers ===

/// The packs of the disc: with a snapshot first what still grows, then what has the fewest copies.
fn choose(
    stock: &mut Stock,
    order: &DiscOrder,
    others: &[(String, u64)],
) -> Result<Vec<PackEntry>, VaultError> {
    let usable = order.size.usable_bytes();
    let growing = if order.with_snapshot { stock.growing.clone() } else { Vec::new() };
    let others = others.iter().filter(|(path, _)| !path.starts_with("packs/")).map(|(_, bytes)| *bytes);
    let taken: u64 = others.chain(growing.iter().map(|entry| entry.bytes)).map(room_of).sum();
    let needed = taken + LISTS_BYTES;
    let room = usable.checked_sub(needed).ok_or(VaultError::DiscTooSmall { usable, needed })?;
    let mut wanted = std::mem::take(&mut stock.sealed);
    part_too_large(&mut wanted, usable.saturating_sub(LISTS_BYTES));
    let filling = fill(&mut wanted, order.copies, room);
    let mut packs = [growing, filling.packs].concat();
    packs.sort_by_key(|entry| entry.pack);
    let total = Packs::of(packs.iter());
    if !filling.is_full && !order.underfull {
        return Err(VaultError::DiscNotFull { packs: total.packs, bytes: total.bytes, usable });
    }
    if packs.is_empty() && !order.with_snapshot {
        return Err(VaultError::NothingForDisc);
    }
    Ok(packs)
}

fn hex_of(pack: u64) -> String {
    format!("{pack:016x}")
}

fn pack_path(pack: u64) -> String {
    format!("{PACK_FOLDER}/{pack:016x}.pack")
}

fn partial_of(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".partial");
    folder.with_file_name(name)
}

/// Removes what is made anew each time.
fn clear_but_packs(folder: &Path) -> Result<(), VaultError> {
    for entry in fs::read_dir(folder).map_err(VaultError::file(folder))? {
        let entry = entry.map_err(VaultError::file(folder))?;
        let path = entry.path();
        let is_folder = entry.file_type().map_err(VaultError::file(&path))?.is_dir();
        match (is_folder, entry.file_name() == PACK_FOLDER) {
            (true, true) => {}
            (true, false) => fs::remove_dir_all(&path).map_err(VaultError::file(&path))?,
            (false, _) => fs::remove_file(&path).map_err(VaultError::file(&path))?,
        }
    }
    Ok(())
}

/// Every file below a folder with its bytes, by its path, in order; none where there is no folder.
fn files_in(folder: &Path) -> Result<Vec<(String, u64)>, VaultError> {
    let (mut found, mut folders) = (Vec::new(), vec![(folder.to_owned(), String::new())]);
    while let Some((path, prefix)) = folders.pop() {
        if !path.exists() {
            continue;
        }
        for entry in fs::read_dir(&path).map_err(VaultError::file(&path))? {
            let entry = entry.map_err(VaultError::file(&path))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let metadata = entry.metadata().map_err(VaultError::file(&path))?;
            match metadata.is_dir() {
                true => folders.push((entry.path(), format!("{name}/"))),
                false => found.push((name, metadata.len())),
            }
        }
    }
    found.sort();
    Ok(found)
}

fn rename(from: &Path, to: &Path) -> Result<(), VaultError> {
    fs::rename(from, to).map_err(VaultError::file(to))?;
    files::sync_all(to)
}
