//! `MockPowerCutDisk`: a file system in memory that forgets what was not synced when the power goes.
//!
//! Data: every 512-byte sector written since the last sync of its file survives or not, each by a coin. Names: what
//! was created, renamed or removed since the last sync of the directory survives up to a random point. Lengths of
//! unsynced files lie anywhere between the synced and the written length.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use yingdun_storage::{Disk, DiskFile, Entry, Space};

const SECTOR: usize = 512;

/// A file system in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct MockPowerCutDisk {
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    files: Vec<FileState>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names since the last sync of their directory, in order.
    pending: Vec<Change>,
    directories: Vec<PathBuf>,
    /// Operations left until the power goes.
    fuse: Option<u64>,
    off: bool,
    lie: Option<Lie>,
    /// One in so many syncs of a file fails, by these dice.
    failing_syncs: Option<(Dice, u64)>,
    fault: Option<Fault>,
    /// Operations so far that change something.
    operations: u64,
    /// Syncs of files of which a sync had failed before.
    retried_syncs: u64,
}

/// What happens to operations that change something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// Operations that still succeed.
    pub(crate) after: u64,
    /// A store that ignores what a write or a sync says: the fault happens, and nobody hears of it.
    pub(crate) is_ignored: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The device fails once (EIO).
    Device,
    /// There is no space (ENOSPC), and the file system says so, until space returns.
    NoSpace,
    /// The same, but free space is reported all the time, as with a quota.
    NoSpaceUnannounced,
}

/// What a careless store would do; the disk does it in its stead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Syncs nothing and says that it did: a store that acknowledges before it syncs.
    Unsynced,
    /// Syncs no directory.
    UnsyncedNames,
    /// Syncs once more where a sync failed, and believes the second.
    Retried,
}

#[derive(Clone, Debug, Default)]
struct FileState {
    written: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors whose sync failed: the kernel takes them for clean from then on, and no later sync writes them.
    dropped: BTreeSet<usize>,
    sync_failed: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Link(PathBuf, usize),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug)]
struct MockFile {
    world: Arc<Mutex<World>>,
    number: usize,
}

/// A small generator with a seed, so that a failing case can be told apart.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below.max(1)
    }
}

impl MockPowerCutDisk {
    /// The power goes after so many operations that change something.
    pub(crate) fn cut_after(&self, operations: u64) {
        self.world().fuse = Some(operations);
    }

    /// From now on the disk does what a careless store would do.
    pub(crate) fn lie(&self, lie: Lie) {
        self.world().lie = Some(lie);
    }

    /// From now on one in so many syncs of a file fails.
    pub(crate) fn fail_syncs(&self, one_in: u64, dice: Dice) {
        self.world().failing_syncs = Some((dice, one_in));
    }

    /// From now on an operation fails, or all of them.
    pub(crate) fn fail(&self, fault: Fault) {
        self.world().fault = Some(fault);
    }

    /// Nothing fails any more.
    pub(crate) fn heal(&self) {
        self.world().fault = None;
    }

    /// Operations so far that change something.
    pub(crate) fn operations(&self) -> u64 {
        self.world().operations
    }

    /// Syncs of files of which a sync had failed before.
    pub(crate) fn retried_syncs(&self) -> u64 {
        self.world().retried_syncs
    }

    /// Cuts the power now, if it is not off yet.
    pub(crate) fn cut(&self) {
        self.world().off = true;
    }

    pub(crate) fn is_off(&self) -> bool {
        self.world().off
    }

    /// The disk as it is found when the power is back.
    pub(crate) fn after_the_cut(&self, dice: &mut Dice) -> Self {
        let world = self.world();
        let mut names = world.durable_names.clone();
        let survivors = dice.roll(world.pending.len() as u64 + 1) as usize;
        for change in world.pending.iter().take(survivors) {
            change.apply(&mut names);
        }
        let survive = |file: &FileState, dice: &mut Dice| {
            let (synced, written) = (file.durable.len() as u64, file.written.len() as u64);
            let length = synced.min(written) + dice.roll(synced.abs_diff(written) + 1);
            let mut bytes = file.durable.clone();
            bytes.resize(length as usize, 0);
            for (index, sector) in bytes.chunks_mut(SECTOR).enumerate() {
                let new = file.written.get(index * SECTOR..).unwrap_or_default();
                let common = sector.len().min(new.len());
                if sector[..common] != new[..common] && dice.roll(2) == 0 {
                    sector[..common].copy_from_slice(&new[..common]);
                }
            }
            FileState { written: bytes.clone(), durable: bytes, ..FileState::default() }
        };
        let files = world.files.iter().map(|file| survive(file, dice)).collect();
        let found = World {
            files,
            durable_names: names.clone(),
            names,
            directories: world.directories.clone(),
            ..World::default()
        };
        Self { world: Arc::new(Mutex::new(found)) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl FileState {
    /// Makes durable what is dirty.
    fn sync(&mut self) {
        let lost = std::mem::replace(&mut self.durable, self.written.clone());
        for sector in &self.dropped {
            let range = sector * SECTOR..self.durable.len().min((sector + 1) * SECTOR);
            for at in range {
                self.durable[at] = lost.get(at).copied().unwrap_or_default();
            }
        }
    }

    /// A sync fails: what was dirty counts as clean.
    fn drop_what_is_dirty(&mut self) {
        let durable = |sector: usize| self.durable.get(sector * SECTOR..).unwrap_or_default();
        let is_dirty = |(sector, written): &(usize, &[u8])| {
            durable(*sector).get(..written.len()).is_none_or(|durable| durable != *written)
        };
        let dirty: Vec<usize> =
            self.written.chunks(SECTOR).enumerate().filter(is_dirty).map(|(sector, _)| sector).collect();
        self.dropped.extend(dirty);
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Link(path, number) => drop(names.insert(path.clone(), *number)),
            Self::Unlink(path) => drop(names.remove(path)),
            Self::Rename(from, to) => {
                if let Some(number) = names.remove(from) {
                    names.insert(to.clone(), number);
                }
            }
        }
    }

    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Link(path, _) | Self::Unlink(path) | Self::Rename(path, _) => path.parent(),
        }
    }
}

impl World {
    /// One operation that changes something; fails once the power is off, and where a fault is due. Says whether it happens:
    /// a fault that is ignored lets it pass without effect.
    fn spend(&mut self) -> io::Result<bool> {
        self.operations += 1;
        let mut due = None;
        match &mut self.fault {
            Some(fault) if fault.after > 0 => fault.after -= 1,
            Some(fault) => due = Some(*fault),
            None => {}
        }
        if due.is_some_and(|fault| fault.kind == FaultKind::Device) {
            self.fault = None;
        }
        match &mut self.fuse {
            Some(0) => self.off = true,
            Some(left) => *left -= 1,
            None => {}
        }
        self.powered()?;
        match due {
            None => Ok(true),
            Some(Fault { is_ignored: true, .. }) => Ok(false),
            Some(Fault { kind: FaultKind::Device, .. }) => Err(io::Error::from_raw_os_error(5)), // EIO
            Some(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn powered(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        if self.spend()? {
            change.apply(&mut self.names);
            self.pending.push(change);
        }
        Ok(())
    }

    fn number(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for MockPowerCutDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.powered()?;
        world.directories.push(path.to_owned());
        Ok(())
    }
    fn is_directory(&self, path: &Path) -> bool {
        self.world().directories.iter().any(|directory| directory.starts_with(path))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let world = self.world();
        world.powered()?;
        let inside = world.names.iter().filter(|(name, _)| name.parent() == Some(path));
        let entry = |(name, number): (&PathBuf, &usize)| Entry {
            name: name.file_name().unwrap().to_str().unwrap().to_owned(),
            bytes: world.files[*number].written.len() as u64,
        };
        Ok(inside.map(entry).collect())
    }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        let number = world.files.len();
        world.files.push(FileState::default());
        world.change(Change::Link(path.to_owned(), number))?;
        Ok(Arc::new(MockFile { world: Arc::clone(&self.world), number }))
    }
    fn open(&self, path: &Path, _writable: bool) -> io::Result<Arc<dyn DiskFile>> {
        let world = self.world();
        world.powered()?;
        let number = world.number(path)?;
        Ok(Arc::new(MockFile { world: Arc::clone(&self.world), number }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.number(from)?;
        world.change(Change::Rename(from.to_owned(), to.to_owned()))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        let number = world.number(from)?;
        if world.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.change(Change::Link(to.to_owned(), number))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.number(path)?;
        world.change(Change::Unlink(path.to_owned()))
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        if !world.spend()? || matches!(world.lie, Some(Lie::Unsynced | Lie::UnsyncedNames)) {
            return Ok(());
        }
        let (of_this, others): (Vec<Change>, Vec<Change>) = std::mem::take(&mut world.pending)
            .into_iter()
            .partition(|change| change.directory() == Some(path));
        of_this.iter().for_each(|change| change.apply(&mut world.durable_names));
        world.pending = others;
        Ok(())
    }
    fn space(&self, _path: &Path) -> io::Result<Space> {
        let full = |fault: Fault| fault.kind == FaultKind::NoSpace && fault.after == 0;
        let is_full = self.world().fault.is_some_and(full);
        Ok(Space { free_bytes: if is_full { 0 } else { 1 << 40 }, total_bytes: 1 << 41 })
    }
    fn device(&self, path: &Path) -> io::Result<u64> {
        Ok(path.as_os_str().len() as u64)
    }
    fn lock(&self, _path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        Ok(Box::new(()))
    }
}

impl DiskFile for MockFile {
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut world = self.world.lock().unwrap();
        let spent = world.spend();
        world.powered()?;
        let mut bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let said = bytes.len();
        if !spent.as_ref().is_ok_and(|happens| *happens) {
            // A write that fails has written a part.
            bytes.truncate(said / 2);
        }
        let file = &mut world.files[self.number].written;
        let start = offset as usize;
        if file.len() < start + bytes.len() {
            file.resize(start + bytes.len(), 0);
        }
        file[start..start + bytes.len()].copy_from_slice(&bytes);
        let sectors = start / SECTOR..(start + bytes.len()).div_ceil(SECTOR);
        world.files[self.number].dropped.retain(|sector| !sectors.contains(sector));
        spent.map(|_| said)
    }
    fn read_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<usize> {
        let world = self.world.lock().unwrap();
        world.powered()?;
        let file = &world.files[self.number].written;
        let rest = file.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(bytes);
        buffer.extend_from_slice(&rest[..read]);
        Ok(read)
    }
    fn sync(&self) -> io::Result<()> {
        let mut world = self.world.lock().unwrap();
        world.retried_syncs += u64::from(world.files[self.number].sync_failed);
        let spent = world.spend();
        world.powered()?;
        if !spent.as_ref().is_ok_and(|happens| *happens) {
            let file = &mut world.files[self.number];
            file.drop_what_is_dirty();
            file.sync_failed = true;
            return spent.map(|_| ());
        }
        let fails = world.failing_syncs.as_mut().is_some_and(|(dice, one_in)| dice.roll(*one_in) == 0);
        let file = &mut world.files[self.number];
        if fails {
            file.drop_what_is_dirty();
            file.sync_failed = true;
        }
        match world.lie {
            Some(Lie::Unsynced) => {}
            None | Some(Lie::UnsyncedNames) if fails => return Err(io::Error::other("the sync failed")),
            None | Some(Lie::UnsyncedNames | Lie::Retried) => world.files[self.number].sync(),
        }
        Ok(())
    }
    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let mut world = self.world.lock().unwrap();
        if !world.spend()? {
            return Ok(());
        }
        let end = (offset + bytes) as usize;
        let file = &mut world.files[self.number].written;
        if file.len() < end {
            file.resize(end, 0);
        }
        Ok(())
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut world = self.world.lock().unwrap();
        if world.spend()? {
            world.files[self.number].written.resize(bytes as usize, 0);
        }
        Ok(())
    }
    fn length(&self) -> io::Result<u64> {
        Ok(self.world.lock().unwrap().files[self.number].written.len() as u64)
    }
    fn start_writeback(&self, _offset: u64, _bytes: u64) {}
    fn forget_cached(&self, _offset: u64, _bytes: u64) {}
    fn will_need(&self, _offset: u64, _bytes: u64) {}
}
