//! Discs and tapes that are written once: packs leave the vault as folders that a burning tool takes, and come back from them.
//!
//! ```text
//!  newest snapshot ─► plan ─► write ─► DIR, burnt by a tool of the library ─► verify, without a key ─► register: one copy
//!                                                                              └─ restore, recover ◄─ any disc that is mounted
//! ```
//!
//! * **What counts as a copy was read back.** A disc that was only written, is damaged, or is lost, holds nothing as far as the
//!   register goes; and what it holds are *these bytes*: a pack that grew since is not on it.
//! * **A volume is signed and names the one before**, as snapshots do. A folder has its name when it is whole, not before.
//! * **No key goes on a disc, not even sealed.** A disc cannot be written over, so a key on it would outlive its destruction. Rows of
//!   a snapshot, in which institution-wide keys open names, are sealed under a key of the disc, which stays in the folder with
//!   keys and ends there.
//! * **Each burnt disc is a volume of its own.** Two discs of one folder cannot be told apart, so they count once.

mod plan;
mod readme;
mod recover;
mod register;
mod restore;
mod snapshot;
mod verify;
mod volume;
mod write;

pub use plan::{DiscSize, Packs};
pub use recover::{Recovered, Recovery};
pub use register::{Disc, DiscState};
pub use restore::{Brought, Lacking, MissingOn};
pub use verify::{DiscFault, DiscVerified, verify_disc};
pub use volume::{DiscSnapshot, Volume};
pub use write::{DiscOrder, DiscPlan, DiscWritten, PlannedDisc};

use crate::{Vault, VaultError, files};
use register::Register;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use yingdun_crypto::sign::NoteVerifier;

/// Public keys of the vaults whose discs this one took over, one to a line.
const FORMER_KEYS: &str = "former.vkey";

impl Vault {
    /// Every disc that is known, oldest first.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] when the register is not what a vault signed.
    pub fn discs(&self) -> Result<Vec<Disc>, VaultError> {
        Ok(self.register()?.into_discs())
    }

    /// One disc.
    ///
    /// # Errors
    /// [`VaultError::NoDisc`]; [`VaultError::Damaged`].
    pub fn disc(&self, label: &str) -> Result<Disc, VaultError> {
        self.register()?.by_label(label).cloned()
    }

    /// Says that a disc is lost or broken: what is on it counts as not on it, until somebody reads it back.
    ///
    /// # Errors
    /// [`VaultError::NoDisc`]; [`VaultError`] when it cannot be written down.
    pub fn mark_disc_lost(&mut self, label: &str) -> Result<Disc, VaultError> {
        let mut register = self.register()?;
        let volume = register.by_label(label)?.volume.volume;
        register.note(volume, DiscState::Lost, crate::vault::now_ms(), self.running_time()?)?;
        register.by_label(label).cloned()
    }

    pub(crate) fn register(&self) -> Result<Register, VaultError> {
        Register::of(register::folder_of(&self.folder), &self.disc_keys()?)
    }

    /// The keys whose discs are discs of this vault: its own, and those of vaults that it was made of.
    pub(crate) fn disc_keys(&self) -> Result<Vec<NoteVerifier>, VaultError> {
        let path = former_keys(&self.folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(VaultError::file(&path)(error)),
        };
        let parse =
            |line| NoteVerifier::parse(line).map_err(|why| VaultError::damaged(&path, why.to_string()));
        let former = text.lines().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok([self.signer.verifier().clone()].into_iter().chain(former).collect())
    }
}

fn former_keys(vault: &Path) -> PathBuf {
    register::folder_of(vault).join(FORMER_KEYS)
}

/// Writes a file of a disc, and the folder in which it lies.
fn put_file(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    path.parent().map_or(Ok(()), files::make_folder)?;
    fs::write(path, bytes).map_err(VaultError::file(path))
}
