//! Back from an off-site replica, when no replica is left: fills the folder of one replica, while no store is open on it. The
//! store fills the others from that one when it is opened.
//!
//! Records are verified on their way. What is there already is not fetched again, so a restore that was cut off goes on where it
//! was; until it is through, a note in the folder keeps a store from being opened on half of the packs.

use super::content::until_sound;
use super::{owner, place_of};
use crate::disk::{DiskFile, write_all_at};
use crate::record::format::{PACK_HEADER_BYTES, StoreId, encode_pack_header};
use crate::replica::place::{Inventory, Place, PlaceFile};
use crate::replica::{Backend, Directory, Form, Note};
use crate::store::recover::{encode_identity, owner_of};
use crate::store::service::{RESTORING, SERVING};
use crate::store::walk::{Extent, Source, read_record};
use crate::{Disk, OffsiteConfig};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What a restore would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RestorePlan {
    /// Packs off-site, with those of which there are pieces only.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packs that were still being written: they come back as far as they were sent.
    pub unsealed_packs: u64,
    /// Packs that are in the folder already.
    pub present_packs: u64,
    /// Bytes to fetch.
    pub bytes_to_fetch: u64,
}

/// What a restore did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Packs written.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records in them that verified.
    pub records: u64,
    /// Records that do not verify off-site: what is left of them is kept, everything else is whole.
    pub damaged_records: u64,
}

/// Nothing, or not everything, was restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is no store there.
    #[error("off-site replica `{label}` holds no store")]
    Empty {
        /// The off-site replica.
        label: String,
    },
    /// The folder belongs to another store.
    #[error("the folder belongs to store {found}, off-site replica `{label}` to store {expected}")]
    Foreign {
        /// The off-site replica.
        label: String,
        /// The store off-site.
        expected: String,
        /// The store of the folder.
        found: String,
    },
    /// Another process has the folder open.
    #[error("the folder is in use by another process: stop the archive first")]
    InUse,
    /// The place, or the operating system, refused.
    #[error("could not {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// What [`restore`] would do. Changes nothing.
///
/// # Errors
/// [`RestoreError`].
pub fn plan_restore(
    disk: &Arc<dyn Disk>,
    from: &OffsiteConfig,
    directory: &Path,
) -> Result<RestorePlan, RestoreError> {
    let target = Directory::new(Arc::clone(disk), directory.to_owned());
    let off = Origin::open(disk, from)?;
    let present = off.present(&target)?;
    Ok(off.plan(&present))
}

/// Brings every pack of an off-site replica into the folder of a replica. `progress` is told the bytes fetched and the
/// bytes to fetch.
///
/// # Errors
/// [`RestoreError`]; then the same call goes on where this one was.
pub fn restore(
    disk: &Arc<dyn Disk>,
    from: &OffsiteConfig,
    directory: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored, RestoreError> {
    let off = Origin::open(disk, from)?;
    let target = Directory::new(Arc::clone(disk), directory.to_owned());
    target.prepare().map_err(io_error("make the folder"))?;
    let _lock = target.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => RestoreError::InUse,
        _ => io_error("lock the folder")(error),
    })?;
    let present = off.present(&target)?;
    let to_fetch = off.plan(&present).bytes_to_fetch;
    let noted = target.set_note(Note::Service, RESTORING);
    noted.map_err(io_error("write down that the folder is being restored"))?;
    target.sweep().map_err(io_error("remove what was cut off"))?;

    let mut restored = Restored::default();
    let mut fetched = 0;
    for (pack, end) in off.packs() {
        if present.get(&pack) == Some(&end) {
            continue;
        }
        let fetch = off.fetch(&target, pack, |bytes| {
            fetched += bytes;
            progress(fetched, to_fetch);
        });
        let one = fetch.map_err(io_error("fetch a pack"))?;
        restored.packs += one.packs;
        restored.bytes += one.bytes;
        restored.records += one.records;
        restored.damaged_records += one.damaged_records;
    }
    let told = target.set_identity(&encode_identity(&off.store));
    told.map_err(io_error("write down to which store the folder belongs"))?;
    target.set_note(Note::Service, SERVING).map_err(io_error("write down that the folder is complete"))?;
    Ok(restored)
}

/// What is restored from.
struct Origin {
    place: Arc<dyn Place>,
    label: String,
    store: StoreId,
    inventory: Inventory,
}

impl Origin {
    fn open(disk: &Arc<dyn Disk>, from: &OffsiteConfig) -> Result<Self, RestoreError> {
        let place =
            place_of(disk, &from.place).map_err(io_error("use the address of the off-site replica"))?;
        let label = from.label.clone();
        let store = owner(place.as_ref()).map_err(io_error("ask the off-site replica"))?;
        let Some(store) = store else { return Err(RestoreError::Empty { label }) };
        let inventory = Inventory::of(&place.list().map_err(io_error("list the off-site replica"))?);
        Ok(Self { place, label, store, inventory })
    }

    /// Every pack with how far it is there.
    fn packs(&self) -> BTreeMap<u64, u64> {
        let unsealed = self.inventory.unsealed().map(|pack| (pack, self.inventory.end_of(pack)));
        self.inventory.packs().iter().map(|(pack, bytes)| (*pack, *bytes)).chain(unsealed).collect()
    }

    /// The sealed packs in a folder, which must be empty or of the same store.
    fn present(&self, target: &Directory) -> Result<BTreeMap<u64, u64>, RestoreError> {
        let listed = match target.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(io_error("list the folder"))?,
        };
        let found = owner_of(target, &listed).map_err(io_error("look into the folder"))?;
        if let Some(found) = found.filter(|found| *found != self.store) {
            return Err(RestoreError::Foreign {
                label: self.label.clone(),
                expected: hex::encode(self.store),
                found: hex::encode(found),
            });
        }
        let sealed = listed.iter().filter(|listed| listed.form == Form::Sealed);
        Ok(sealed.map(|listed| (listed.pack, listed.bytes)).collect())
    }

    fn plan(&self, present: &BTreeMap<u64, u64>) -> RestorePlan {
        let packs = self.packs();
        let missing = packs.iter().filter(|(pack, end)| present.get(pack) != Some(end));
        let bytes_to_fetch = missing.map(|(_, end)| end).sum();
        RestorePlan {
            packs: packs.len() as u64,
            bytes: packs.values().sum(),
            unsealed_packs: self.inventory.unsealed().count() as u64,
            present_packs: packs.iter().filter(|(pack, end)| present.get(pack) == Some(end)).count() as u64,
            bytes_to_fetch,
        }
    }

    /// Writes one pack from records that verify. One that was still being written ends behind its last whole record.
    fn fetch(&self, target: &Directory, pack: u64, mut each: impl FnMut(u64)) -> io::Result<Restored> {
        let Some(file) = PlaceFile::of(&self.place, &self.inventory, pack) else {
            return Ok(Restored::default());
        };
        let sealed = self.inventory.packs().contains_key(&pack);
        let mut end = file.end();
        let extent = Extent { pack, end, store: &self.store };
        let off = Arc::new(file);
        let sources = [Source { replica: 0, file: Arc::clone(&off) as Arc<dyn DiskFile> }];
        let [source] = &sources;
        let staged = target.stage()?;
        let file = staged.file();
        file.set_len(end)?;
        write_all_at(file.as_ref(), &[&encode_pack_header(pack, &self.store)], 0)?;
        let mut restored = Restored { packs: 1, ..Restored::default() };
        let (mut offset, mut last) = (PACK_HEADER_BYTES, PACK_HEADER_BYTES);
        each(PACK_HEADER_BYTES);
        let header = |offset| {
            let again = || {
                off.forget_cached(0, end);
                extent.header_at(&sources, offset)
            };
            // A header that was only read wrong must not let its record be passed over.
            extent
                .header_at(&sources, offset)
                .or_else(again)
                .or_else(again)
                .or_else(|| extent.next_header(&sources, offset))
        };
        while let Some(parsed) = header(offset) {
            each(parsed.location.end() - offset);
            offset = parsed.location.end();
            let forget = || off.forget_cached(0, end);
            let written = until_sound(forget, || {
                read_record(source, &parsed, |at, bytes| write_all_at(file.as_ref(), &[bytes], at))
            });
            if written? {
                restored.records += 1;
                last = offset;
            } else {
                restored.damaged_records += 1;
            }
        }
        // A walk ends where nothing can be read, which is not the end of a pack when the place had stopped answering.
        off.trouble()?;
        if !sealed {
            end = last;
        }
        if last == PACK_HEADER_BYTES && restored.damaged_records == 0 {
            // Nothing of a record is there.
            return Ok(Restored::default());
        }
        file.set_len(end)?;
        file.sync()?;
        staged.publish(pack)?;
        restored.bytes = end;
        Ok(restored)
    }
}

fn io_error(doing: &'static str) -> impl Fn(io::Error) -> RestoreError {
    move |source| RestoreError::Io { doing, source }
}
