//! One pull: from what the archive shows to a signed snapshot, or to alarms.
//!
//! The order makes a snapshot whole although the archive works on meanwhile:
//!
//! 1. the audit log, because an archive whose log does not continue is not listened to any further;
//! 2. the catalogue, so that it names no record that the packs do not have yet; restoring it, what is newer is read from them;
//! 3. the packs, up to what is acknowledged, where one that is gone has to be explained by the log and, as far as it lived, by what was made of it; and a part of those that are here is asked for again;
//! 4. keys and accounts, so that every pack has its keys;
//! 5. the audit log again, which now tells of all that, and before it what witnesses have cosigned of it.
//!
//! A pull that is cut off goes on where it was: packs stay as far as they came, and pieces of files are not kept twice.

use crate::alarm::{AlarmKind, Alarms};
use crate::chunks::Writer;
use crate::listing::{Listing, PackEntry};
use crate::manifest::{self, FileEntry, LogHead, Manifest, PackList, Snapshot};
use crate::remote::{HeldPack, Holdings, Probes, Remote};
use crate::removals::Removals;
use crate::vault::now_ms;
use crate::verify::is_past;
use crate::{Alarm, RunningTime, Vault, VaultError, files};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use yingdun_audit::{AuditError, Checkpoint, Heads, MirrorError};
use yingdun_crypto::random;
use yingdun_storage::may_be_made_of;
use yingdun_transfer::TransferError;
use yingdun_transfer::link::Link;

/// Bytes of a pack that are asked for at once; the door gives 64 MiB at most.
const SPAN_BYTES: u64 = 64 * 1024 * 1024;
/// Packs that are asked about at once, and their bytes; the door takes as many.
const PROBE_PACKS: usize = 256;
const PROBE_BYTES: u64 = 1 << 30;
/// The longest checkpoint.
const CHECKPOINT_BYTES_MAX: u32 = 64 * 1024;
/// How often keys are taken again because an epoch ended meanwhile.
const EPOCH_ATTEMPTS: u32 = 5;
/// How often packs are listed again because one went meanwhile: a compaction goes on to the next while that is done.
const LISTINGS_MAX: u32 = 20;
/// Packs one of which may have been made of another: one, and what a few compactions made of it that were broken off.
const LINE_MAX: usize = 64;
/// Where the next question about packs begins.
const PROBE_CURSOR: &str = "probe";

/// Rows of fewer bytes vanish from a small archive without a reason to look: some ten keys.
const VANISHED_BYTES_MIN: u64 = 4 * 1024;
/// The part of a database that must have vanished for somebody to look: more than a fifth.
const VANISHED_PART: u64 = 5;

const MINUTE_MS: u64 = 60 * 1000;
const MIB: u64 = 1024 * 1024;

/// How far a pull or a restore is, for whoever looks on.
#[derive(Debug, Default)]
pub struct Watch {
    /// Bytes so far.
    pub bytes: AtomicU64,
    /// Packs so far.
    pub packs: AtomicU64,
}

/// What a pull did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// The new snapshot; none when the log of the archive does not continue the one that is here.
    pub snapshot: Option<u64>,
    /// Packs that grew or came.
    pub packs: u64,
    /// Bytes of them.
    pub pack_bytes: u64,
    /// Bytes of rows that were not here before.
    pub row_bytes: u64,
    /// Packs that the archive removed because nothing in them lived.
    pub packs_removed: u64,
    /// Leaves that came.
    pub leaves: u64,
    /// Packs that the archive proved to hold.
    pub proved: u64,
    /// Alarms that are new.
    pub alarms: Vec<Alarm>,
}

struct Pull<'v> {
    vault: &'v Vault,
    remote: Remote,
    watch: &'v Watch,
    alarms: Alarms,
    known_alarms: usize,
    pulled: Pulled,
    /// What the log says of packs that are gone, once that was asked.
    removals: Option<Removals>,
    /// A pack went while packs were listed, and nothing of it is here.
    went: bool,
}

/// Packs one of which may have been made of another, and whether the archive does not list them any more.
#[derive(Default)]
struct Line {
    entries: Vec<(PackEntry, bool)>,
}

impl Line {
    fn goes_on_with(&self, entry: &PackEntry) -> bool {
        self.entries.first().is_none_or(|(first, _)| may_be_made_of(entry.pack, first.pack))
    }
}

impl Vault {
    /// Pulls a snapshot.
    ///
    /// # Errors
    /// [`VaultError`] when the archive cannot be reached or the vault cannot be written; what is wrong with the archive is no
    /// error but an alarm.
    pub async fn pull(&mut self, link: Link, watch: &Watch) -> Result<Pulled, VaultError> {
        let alarms = Alarms::of(&self.folder)?;
        let known_alarms = alarms.open().len();
        let (remote, pulled) = (Remote::new(link), Pulled::default());
        let pull =
            Pull { vault: self, remote, watch, alarms, known_alarms, pulled, removals: None, went: false };
        pull.run().await
    }
}

impl Pull<'_> {
    async fn run(mut self) -> Result<Pulled, VaultError> {
        let before = self.vault.newest()?;
        let running = self.vault.running_time()?;
        let Some(log_before) = self.follow().await? else { return Ok(self.end(None)) };
        let last = before.as_ref().map(|before| &before.manifest);
        let (catalogue, catalogue_running) = self.catalogue(last, running).await?;
        let taken_ms = now_ms();
        let (held, packs) = self.all_packs(last).await?;
        // What was removed since the packs were listed is in the log by now.
        self.removals = None;
        self.probe(&packs.list, held.replicas).await?;
        let keys = self.keys().await?;
        self.compare("catalogue", last.and_then(|last| last.parts.get("catalogue")), Some(&catalogue))?;
        self.compare("keys", last.and_then(|last| last.keys.get("keys")), keys.get("keys"))?;
        let identity = self.part("identity").await?;
        let witnessed = self.witnessed().await?;
        let Some(audit) = self.follow().await? else { return Ok(self.end(None)) };
        let witnessed = self.newest_witnessed(last, witnessed)?;
        files::sync_all(&self.vault.folder)?;
        files::sync_all(&self.vault.settings.keys_folder)?;
        let number = last.map_or(1, |last| last.number + 1);
        let manifest = Manifest {
            number,
            previous: before.as_ref().map(|before: &Snapshot| before.digest),
            taken_ms,
            running,
            catalogue_running,
            institution: held.institution,
            store: held.store,
            packs,
            parts: BTreeMap::from([("catalogue".to_owned(), catalogue), ("identity".to_owned(), identity)]),
            keys,
            audit: LogHead { before: log_before.size, witnessed, ..audit },
        };
        manifest::write(&self.vault.snapshots, &self.vault.signer, &manifest)?;
        Ok(self.end(Some(number)))
    }

    fn end(mut self, snapshot: Option<u64>) -> Pulled {
        self.pulled.snapshot = snapshot;
        self.pulled.alarms = self.alarms.open().get(self.known_alarms..).unwrap_or_default().to_vec();
        self.pulled
    }

    fn raise(&mut self, what: AlarmKind) -> Result<(), VaultError> {
        self.alarms.raise(now_ms(), what).map(drop)
    }

    // === the audit log ===

    /// Follows the log; nothing when it does not continue.
    async fn follow(&mut self) -> Result<Option<LogHead>, VaultError> {
        let mut mirror = self.vault.mirror()?;
        let known = mirror.size();
        let path = self.vault.incoming.join("leaves");
        let mut spool = files::open_to_write(&path)?;
        spool.set_len(0).map_err(VaultError::file(&path))?;
        let came = self
            .remote
            .bytes(&["audit"], &[("after", known.to_string())], |bytes| {
                spool.write_all(bytes).map_err(VaultError::file(&path))
            })
            .await;
        match came {
            // The door says that there are fewer leaves than are here.
            Err(VaultError::Archive(TransferError::Refused { status, words })) if status.as_u16() == 409 => {
                self.raise(AlarmKind::LogNotContinued { why: words })?;
                return Ok(None);
            }
            other => other?,
        }
        let (note, sm3, begin) = read_notes(&path)?;
        let followed = mirror.follow(Heads { sha256: &note, sm3: sm3.as_deref() }, || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(begin))?;
            Ok(BufReader::new(file))
        });
        fs::remove_file(&path).map_err(VaultError::file(&path))?;
        match followed {
            Ok(()) => {}
            Err(
                error @ (MirrorError::Shrank { .. }
                | MirrorError::Forked { .. }
                | MirrorError::NoSm3Tree
                | MirrorError::Checkpoint(_)),
            ) => {
                self.raise(AlarmKind::LogNotContinued { why: error.to_string() })?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        self.pulled.leaves += mirror.size() - known;
        let sm3_checkpoint = mirror.sm3_checkpoint().map(|sm3| sm3.note().to_owned());
        Ok(Some(LogHead {
            before: 0,
            size: mirror.size(),
            checkpoint: note,
            sm3_checkpoint,
            witnessed: None,
        }))
    }

    /// The checkpoint that witnesses have cosigned, as it comes; none where there is none, or an older program.
    async fn witnessed(&mut self) -> Result<Option<String>, VaultError> {
        let mut note = Vec::new();
        let came = self.remote.bytes(&["parts", "witnessed"], &[], |bytes| {
            note.extend_from_slice(bytes);
            match note.len() <= CHECKPOINT_BYTES_MAX as usize {
                true => Ok(()),
                false => Err(VaultError::Unexpected("a checkpoint without an end")),
            }
        });
        match came.await {
            Ok(()) => {}
            Err(VaultError::Archive(TransferError::Refused { status, .. })) if status.as_u16() == 404 => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let note =
            String::from_utf8(note).map_err(|_| VaultError::Unexpected("a checkpoint that is no text"))?;
        Ok(Some(note).filter(|note| !note.is_empty()))
    }

    /// The larger of what the last snapshot has and what came, where that is signed by the log and of the past that is here;
    /// otherwise an alarm. What witnesses have seen once is never forgotten.
    fn newest_witnessed(
        &mut self,
        last: Option<&Manifest>,
        came: Option<String>,
    ) -> Result<Option<String>, VaultError> {
        let kept = last.and_then(|last| last.audit.witnessed.clone());
        let Some(came) = came else { return Ok(kept) };
        match is_past(&self.vault.log_key, &came, self.vault.mirror()?.reader()) {
            Ok(()) => {}
            Err(
                error @ (VaultError::Damaged { .. }
                | VaultError::Log(MirrorError::Log(AuditError::Proof { .. }))),
            ) => {
                self.raise(AlarmKind::LogNotContinued { why: format!("what is witnessed: {error}") })?;
                return Ok(kept);
            }
            Err(error) => return Err(error),
        }
        let size = |note: &String| {
            Checkpoint::verify(&self.vault.log_key, note).map_or(0, |checkpoint| checkpoint.size())
        };
        Ok(kept.into_iter().chain([came]).max_by_key(size))
    }

    // === rows ===

    /// The catalogue, taken anew when the last one is old.
    async fn catalogue(
        &mut self,
        last: Option<&Manifest>,
        running: RunningTime,
    ) -> Result<(FileEntry, RunningTime), VaultError> {
        let every_ms = u64::from(self.vault.settings.catalogue_every_minutes) * MINUTE_MS;
        let young = last.filter(|last| running.since(last.catalogue_running) < every_ms);
        match young.and_then(|last| Some((*last.parts.get("catalogue")?, last.catalogue_running))) {
            Some(kept) => Ok(kept),
            None => Ok((self.part("catalogue").await?, running)),
        }
    }

    /// Keys, with the epochs to which they belong.
    async fn keys(&mut self) -> Result<BTreeMap<String, FileEntry>, VaultError> {
        let mut epoch = self.part("epoch").await?;
        for _ in 0..EPOCH_ATTEMPTS {
            let keys = self.part("keys").await?;
            let after = self.part("epoch").await?;
            if after == epoch {
                let root = self.part("root").await?;
                let parts = [("keys", keys), ("epoch", epoch), ("root", root)];
                return Ok(parts.map(|(name, entry)| (name.to_owned(), entry)).into());
            }
            epoch = after;
        }
        Err(VaultError::Unexpected("an epoch of keys that ends again and again"))
    }

    /// Takes a part in pieces; keys into the folder for keys.
    async fn part(&mut self, name: &str) -> Result<FileEntry, VaultError> {
        let chunks = match name {
            "keys" | "epoch" | "root" => self.vault.key_chunks()?,
            _ => &self.vault.chunks,
        };
        let mut writer = chunks.writer();
        self.remote.bytes(&["parts", name], &[], |bytes| writer.push(bytes)).await?;
        let (entry, new_bytes) = writer.finish()?;
        self.pulled.row_bytes += new_bytes;
        Ok(entry)
    }

    /// Raises an alarm where far fewer rows came than the last snapshot has. What came is kept all the same, and so is that.
    fn compare(
        &mut self,
        part: &str,
        kept: Option<&FileEntry>,
        came: Option<&FileEntry>,
    ) -> Result<(), VaultError> {
        let (Some(kept), Some(came)) = (kept, came) else { return Ok(()) };
        if !vanished(kept.bytes, came.bytes) {
            return Ok(());
        }
        self.raise(AlarmKind::RowsVanished { part: part.to_owned(), kept: kept.bytes, came: came.bytes })
    }

    // === packs ===

    /// Lists packs until none went while it did: what lived in such a one is in a pack that may not have been on the list.
    async fn all_packs(&mut self, last: Option<&Manifest>) -> Result<(Holdings, PackList), VaultError> {
        for _ in 0..LISTINGS_MAX {
            self.went = false;
            let pulled = self.pulled.packs_removed;
            let listed = self.packs(last).await?;
            if !self.went {
                return Ok(listed);
            }
            // It is counted again, and the log has more of it.
            self.pulled.packs_removed = pulled;
            self.removals = None;
        }
        Err(VaultError::Unexpected("packs that go each time they are listed"))
    }

    /// Brings every pack up to what the archive acknowledged, and lists them. What the archive does not have any more stays.
    async fn packs(&mut self, last: Option<&Manifest>) -> Result<(Holdings, PackList), VaultError> {
        let vault = self.vault;
        let mut kept = Listing::of(&vault.chunks, last.map(|last| &last.packs.list))?.peekable();
        let mut writer = vault.chunks.writer();
        let (mut count, mut bytes) = (0, 0);
        let mut head = self.page(None).await?;
        check_store(last, &head)?;
        let store = store_name(&head.store)?;
        let mut waiting: VecDeque<HeldPack> = std::mem::take(&mut head.packs).into();
        let (mut more, mut last_told) = (head.more, None);
        let mut line = Line::default();
        loop {
            if let (true, true, Some(after)) = (waiting.is_empty(), more, last_told) {
                let next = self.page(Some(&hex_of(after))).await?;
                (more, waiting) = (next.more, next.packs.into());
            }
            let held = waiting.front().map(|held| pack_number(&held.pack)).transpose()?;
            if held.is_some_and(|held| last_told.is_some_and(|last| last >= held)) {
                return Err(VaultError::Unexpected("packs out of order"));
            }
            let known = match kept.peek() {
                Some(Ok(entry)) => Some(*entry),
                Some(Err(_)) => return Err(kept.next().and_then(Result::err).unwrap_or(VaultError::Empty)),
                None => None,
            };
            let (entry, is_missing) = match (known, held) {
                (None, None) => break,
                (Some(known), held) if held.is_none_or(|held| known.pack < held) => {
                    kept.next();
                    (Some(known), true)
                }
                (known, Some(held)) => {
                    let known = known.filter(|known| known.pack == held);
                    if known.is_some() {
                        kept.next();
                    }
                    last_told = Some(held);
                    let wanted = waiting.pop_front().map_or(0, |held| held.bytes);
                    (self.bring(held, known, wanted, store, head.replicas).await?, false)
                }
                (Some(_), None) => break,
            };
            let Some(entry) = entry else { continue };
            let before =
                if line.goes_on_with(&entry) { Vec::new() } else { self.judge(&mut line, store).await? };
            line.entries.push((entry, is_missing));
            if line.entries.len() > LINE_MAX {
                return Err(VaultError::Unexpected("more packs made of one than there can be"));
            }
            list(&mut writer, &mut count, &mut bytes, &before)?;
        }
        let rest = self.judge(&mut line, store).await?;
        list(&mut writer, &mut count, &mut bytes, &rest)?;
        let (list, _) = writer.finish()?;
        Ok((head, PackList { count, bytes, list }))
    }

    /// Brings one pack up to date; what is in the list for it then, if anything.
    async fn bring(
        &mut self,
        pack: u64,
        known: Option<PackEntry>,
        wanted: u64,
        store: [u8; 16],
        replicas: usize,
    ) -> Result<Option<PackEntry>, VaultError> {
        let kept = known.map_or(0, |known| known.bytes);
        if wanted < kept {
            self.raise(AlarmKind::PackShrank { pack: hex_of(pack), kept, came: wanted })?;
            return Ok(known);
        }
        if wanted == kept {
            return Ok(known);
        }
        // What an earlier pull left may be torn: then the first replica is asked once more, from what was checked.
        let torn = self.vault.packs.length(pack)? > kept;
        for replica in torn.then_some(0).into_iter().chain(0..replicas) {
            match self.fetch(pack, kept, wanted, replica).await {
                Ok(()) if self.vault.packs.is_sound(pack, store, kept, wanted)? => {
                    let digest = self.vault.packs.digests(pack, wanted, &[0; 32])?.plain;
                    self.pulled.packs += 1;
                    self.pulled.pack_bytes += wanted - kept;
                    self.watch.packs.fetch_add(1, Ordering::Relaxed);
                    return Ok(Some(PackEntry { pack, bytes: wanted, digest }));
                }
                Ok(()) => {}
                // The archive is away: what came stays, and the next pull goes on with it.
                Err(VaultError::Archive(TransferError::Http(error))) if error.is_connect() => {
                    return Err(TransferError::Http(error).into());
                }
                // This replica does not give it.
                Err(VaultError::Archive(_) | VaultError::Unexpected(_)) => {}
                Err(error) => return Err(error),
            }
            self.vault.packs.cut(pack, kept)?;
        }
        if self.removals().await?.names(pack) {
            // It went between the list and the question.
            self.went = true;
            return Ok(known);
        }
        self.raise(AlarmKind::PackDamaged { pack: hex_of(pack) })?;
        Ok(known)
    }

    /// What stays in the list of packs one of which may have been made of another, now that all of them are here. Of those that the
    /// archive does not list any more this is what nothing explains.
    async fn judge(&mut self, line: &mut Line, store: [u8; 16]) -> Result<Vec<PackEntry>, VaultError> {
        let entries = std::mem::take(&mut line.entries);
        let here: Vec<PackEntry> =
            entries.iter().filter(|(_, is_missing)| !is_missing).map(|(entry, _)| *entry).collect();
        let mut stay = Vec::with_capacity(entries.len());
        for (entry, is_missing) in entries {
            if is_missing {
                let packs = &self.vault.packs;
                if self.removals().await?.explain(&entry, packs, store, &here)? {
                    self.pulled.packs_removed += 1;
                    continue;
                }
                self.raise(AlarmKind::PackMissing { pack: hex_of(entry.pack) })?;
            }
            stay.push(entry);
        }
        Ok(stay)
    }

    /// What the log says of removals now. It is followed once more, because the leaf may have come since.
    async fn removals(&mut self) -> Result<&Removals, VaultError> {
        if self.removals.is_none() {
            // A log that does not continue is an alarm already, and explains nothing.
            let log = self.follow().await?.and(self.vault.mirror()?.reader());
            self.removals = Some(log.as_ref().map(Removals::of).transpose()?.unwrap_or_default());
        }
        Ok(self.removals.get_or_insert_default())
    }

    /// Writes what is missing of a pack behind what is here, from one replica.
    async fn fetch(&mut self, pack: u64, kept: u64, wanted: u64, replica: usize) -> Result<(), VaultError> {
        let (packs, watch) = (&self.vault.packs, self.watch);
        // What an earlier pull left is taken as it is: all of it is checked at the end.
        let mut at = packs.length(pack)?.clamp(kept, wanted);
        let file = packs.open(pack)?;
        let name = hex_of(pack);
        while at < wanted {
            let to = wanted.min(at.saturating_add(SPAN_BYTES));
            let query = [("from", at.to_string()), ("to", to.to_string()), ("replica", replica.to_string())];
            let write = |bytes: &[u8]| {
                packs.write(pack, &file, bytes, at)?;
                at += bytes.len() as u64;
                watch.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                if at > to {
                    Err(VaultError::Unexpected("more bytes of a pack than were asked for"))
                } else {
                    Ok(())
                }
            };
            self.remote.bytes(&["packs", &name], &query, write).await?;
            if at != to {
                return Err(VaultError::Unexpected("fewer bytes of a pack than were asked for"));
            }
        }
        file.set_len(wanted).map_err(VaultError::file(&packs.path(pack)))
    }

    async fn page(&self, after: Option<&str>) -> Result<Holdings, VaultError> {
        let query: Vec<(&str, String)> = after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.remote.document(&["holdings"], &query).await
    }

    // === proof ===

    /// Has the archive prove that it still holds packs: those behind the ones that were asked about last, as many as are set.
    async fn probe(&mut self, list: &FileEntry, replicas: usize) -> Result<(), VaultError> {
        let path = self.vault.folder.join(PROBE_CURSOR);
        let cursor = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u64>().ok());
        let mut budget = u64::from(self.vault.settings.probe_mib) * MIB;
        let (mut batch, mut batch_bytes, mut last) = (Vec::new(), 0, None);
        for entry in Listing::of(&self.vault.chunks, Some(list))? {
            let entry = entry?;
            if cursor.is_some_and(|cursor| entry.pack <= cursor) {
                continue;
            }
            if budget == 0 {
                break;
            }
            if batch.len() == PROBE_PACKS || (!batch.is_empty() && batch_bytes + entry.bytes > PROBE_BYTES) {
                self.ask_about(&batch, replicas).await?;
                batch.clear();
                batch_bytes = 0;
            }
            budget = budget.saturating_sub(entry.bytes);
            batch_bytes += entry.bytes;
            last = Some(entry.pack);
            batch.push(entry);
        }
        self.ask_about(&batch, replicas).await?;
        // Where it ended with room left, everything was asked about, and the next begins anew.
        let next = if budget == 0 { last } else { None };
        files::replace(&path, next.map_or_else(String::new, |pack| pack.to_string()).as_bytes())
    }

    async fn ask_about(&mut self, batch: &[PackEntry], replicas: usize) -> Result<(), VaultError> {
        if batch.is_empty() {
            return Ok(());
        }
        let key: [u8; 32] = random::array();
        let packs: Vec<_> =
            batch.iter().map(|entry| json!({"pack": hex_of(entry.pack), "bytes": entry.bytes})).collect();
        let question = json!({"key": hex::encode(key), "packs": packs});
        let said: Probes = self.remote.answer(&["probe"], &question).await?;
        if said.packs.len() != batch.len() {
            return Err(VaultError::Unexpected("an answer about other packs"));
        }
        let packs = &self.vault.packs;
        for (entry, said) in batch.iter().zip(said.packs) {
            let name = hex_of(entry.pack);
            if said.pack != name || said.digests.len() != replicas {
                return Err(VaultError::Unexpected("an answer about other packs"));
            }
            let own = packs.digests(entry.pack, entry.bytes, &key);
            let own = match own {
                Ok(own) if own.plain == entry.digest => own,
                Ok(_) | Err(VaultError::Damaged { .. } | VaultError::File { .. }) => {
                    self.raise(AlarmKind::CopyDamaged { pack: name })?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match judge(&said.digests, &hex::encode(own.keyed)) {
                Proof::Held => self.pulled.proved += 1,
                // It went between the list and the question: the next pull looks whether it may be gone.
                Proof::Changed(_)
                    if said.digests.iter().all(Option::is_none)
                        && self.removals().await?.names(entry.pack) => {}
                Proof::Changed(replicas) => self.raise(AlarmKind::PackChanged { pack: name, replicas })?,
            }
        }
        Ok(())
    }
}

/// Puts packs on a list.
fn list(
    writer: &mut Writer<'_>,
    count: &mut u64,
    bytes: &mut u64,
    entries: &[PackEntry],
) -> Result<(), VaultError> {
    for entry in entries {
        writer.push(entry.line().as_bytes())?;
        *count += 1;
        *bytes += entry.bytes;
    }
    Ok(())
}

/// Whether rows are missing that no ordinary day takes away: destruction and worklists that ended do not remove so much between two
/// pulls.
const fn vanished(kept: u64, came: u64) -> bool {
    let lost = kept.saturating_sub(came);
    lost > VANISHED_BYTES_MIN && lost > kept / VANISHED_PART
}

/// What the replicas of the archive say of a pack.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// Those that have it have the same as is here.
    Held,
    /// These have something else, or no replica has it.
    Changed(Vec<usize>),
}

/// A replica that is out of service has nothing to say. One that says something else, or all of them without a word, is what
/// somebody has to look at.
fn judge(said: &[Option<String>], own: &str) -> Proof {
    let other: Vec<usize> = said
        .iter()
        .enumerate()
        .filter(|(_, digest)| digest.as_ref().is_some_and(|digest| digest != own))
        .map(|(replica, _)| replica)
        .collect();
    if other.is_empty() && said.iter().any(Option::is_some) {
        Proof::Held
    } else if other.is_empty() {
        Proof::Changed((0..said.len()).collect())
    } else {
        Proof::Changed(other)
    }
}

fn check_store(last: Option<&Manifest>, page: &Holdings) -> Result<(), VaultError> {
    match last {
        Some(last) if last.store != page.store => {
            Err(VaultError::OtherStore { expected: last.store.clone(), found: page.store.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

/// The checkpoints of both trees at the beginning of what came, and where the leaves begin.
fn read_notes(path: &std::path::Path) -> Result<(String, Option<String>, u64), VaultError> {
    let mut file = File::open(path).map_err(VaultError::file(path))?;
    let (sha256, sm3) = (read_note(&mut file)?, read_note(&mut file)?);
    let begin = file.stream_position().map_err(VaultError::file(path))?;
    Ok((sha256, Some(sm3).filter(|sm3| !sm3.is_empty()), begin))
}

fn read_note(source: &mut impl Read) -> Result<String, VaultError> {
    let cut_off = |_| VaultError::Unexpected("an audit log that is cut off");
    let mut length = [0; 4];
    source.read_exact(&mut length).map_err(cut_off)?;
    let length = u32::from_be_bytes(length);
    if length > CHECKPOINT_BYTES_MAX {
        return Err(VaultError::Unexpected("a checkpoint without an end"));
    }
    let mut note = vec![0; usize::try_from(length).unwrap_or(0)];
    source.read_exact(&mut note).map_err(cut_off)?;
    String::from_utf8(note).map_err(|_| VaultError::Unexpected("a checkpoint that is no text"))
}

fn hex_of(pack: u64) -> String {
    format!("{pack:016x}")
}

fn pack_number(text: &str) -> Result<u64, VaultError> {
    u64::from_str_radix(text, 16).map_err(|_| VaultError::Unexpected("a pack without a number"))
}

/// The name of a store, from its 32 hexadecimal digits.
pub(crate) fn store_name(text: &str) -> Result<[u8; 16], VaultError> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or(VaultError::Unexpected("a store without a name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_lost_a_part_of_its_rows_is_told_and_a_few_rows_are_not() {
        for (kept, came) in [(100_000, 79_000), (100_000, 0), (6_000, 1_000)] {
            assert!(vanished(kept, came), "{kept} {came}");
        }
        for (kept, came) in [(100_000, 81_000), (100_000, 100_000), (100_000, 200_000), (4_000, 0), (0, 0)] {
            assert!(!vanished(kept, came), "{kept} {came}");
        }
    }

    #[test]
    fn a_replica_that_says_something_else_is_told_and_one_that_is_away_is_not() {
        let [own, other] = ["aa", "bb"].map(|text| Some(text.to_owned()));
        assert_eq!(judge(&[own.clone(), own.clone(), own.clone()], "aa"), Proof::Held);
        assert_eq!(judge(&[own.clone(), None, None], "aa"), Proof::Held);
        assert_eq!(judge(&[own, other.clone(), other], "aa"), Proof::Changed(vec![1, 2]));
        assert_eq!(judge(&[None, None], "aa"), Proof::Changed(vec![0, 1]));
    }
}
