//! Who may open: key hierarchy, sealed root key, key wrap, unwrap against a [`Permit`](yingdun_access::Permit).
//!
//! ```text
//!  passphrase ─argon2id─┐
//!  m of n shares ─Shamir┴► root-key file ─► root key                      (RootFile, never in a database)
//!                                            │ wraps
//!              ┌─────────────────────────────┼──────────────────────────┐
//!              ▼                             ▼                          ▼
//!     institution secret         key of the epoch                 root check: proves that
//!     (pseudonyms, index,        (epoch file, never in a          database and root belong together
//!      audit detail, log)         database)  │ wraps
//!                                            ▼
//!                                KEK per institution × grade
//!                                × suite, versioned
//!                                            │ wraps
//!                                            ├──────────► patient key per grade
//!                                            │                  │
//!                                            └────── both ──────┴──► study key ──► sealed objects
//! ```
//!
//! Every arrow is a wrap under a key that is derived from the parents and the *place*: institution, grade,
//! suite, patient, study, version. Below a KEK everything is of its suite; a study keeps the suite it began with ([`Suites`]). A row that is moved to another place does not unwrap, and neither does one
//! with a flipped bit. Losing the patient key or the KEK loses the study key, which is how a patient, a study or
//! a whole grade can be destroyed by destroying one small row.
//!
//! # No leaf, no key
//!
//! A study key leaves this room in two ways only, [`KeyStore::study_key_for_store`] and [`KeyStore::unwrap`], and
//! both demand a permit: the proof that access was decided and written to the audit log. A permit is worth one
//! unwrap. [`KeyStore::unwraps`] counts, so that unwraps and access leaves can be compared (promise I1).
//!
//! # Rotation
//!
//! A key-encryption key is replaced by its next version when it is old or was used too often ([`KekStatus::is_due`]). What
//! older versions wrapped is wrapped again under the newest one by a job that goes on after a crash
//! ([`KeyStore::rewrap_turn`]), and a version under which nothing is left is destroyed ([`KeyStore::destroy_kek`]).
//! Images are not touched by any of it. Who may ask for it, when it is due and the leaves that tell of it are a matter of
//! `archive`.
//!
//! # Epochs
//!
//! When keys are destroyed, copies of their rows may be left in a log, a free page or a backup. So the version above them is
//! replaced and destroyed, and then the epoch above all versions ends ([`KeyStore::roll_epoch`]): its key is overwritten in the
//! epoch file, and what was wrapped under it is noise to everybody, also to who holds the root key. Each node has such a file: one that
//! is behind asks another, and says when nothing older is left in its own ([`KeyStore::epoch_nodes`]).
//!
//! # What is in memory
//!
//! Key-encryption keys and the key of the epoch are held for a minute; then the next use asks for the root key again
//! ([`KeyStore::with_outage`] says what happens when it does not answer). Study and patient keys are not held here at all.
//!
//! # What this crate never does
//!
//! It never caches study or patient keys, never keeps a key in a file other than the root-key file and the epoch file, never logs or
//! prints a key, and holds no SQL (that is `catalog::keyring`).

mod epoch;
mod error;
mod hold;
mod kek;
mod lease;
mod log;
mod move_root;
mod nodes;
mod place;
mod rehearse;
mod rewrap;
mod root;
mod secret;
mod shred;
mod store;
mod study;
mod suites;
#[cfg(test)]
mod testing;
mod unwrap;

pub use epoch::{EpochFile, EpochFileError, EpochGivers, GivenEpoch, KeyNode, ServingNodes};
pub use error::KeysError;
pub use kek::{KEK_USES_ALARM, KEK_USES_MAX, KekStatus};
pub use log::LogKey;
pub use move_root::RootMoved;
pub use rewrap::{REWRAP_KEYS_MAX, RewrapStart, RewrapTurn, RewrapWorker};
pub use root::{
    BACKUP_BYTES_MAX, BackupAbout, BackupError, KeysBackup, Pkcs11Root, Pkcs11Settings, Resealed, Resealing,
    RootAnswer, RootError, RootFile, RootFileError, RootKey, RootKind, RootOpener, RootProvider, SHARES_MAX,
    SealedBackup, Share, ShareError, UnsealProgress, Unsealing,
};
pub use secret::SecretName;
pub use store::{KeyStore, KeyStoreStatus};
pub use study::StudyKey;
pub use suites::Suites;
pub use yingdun_catalog::keyring::KekLine;
pub use yingdun_catalog::keyring::destructions::{Destruction, KeyIdentity, Tombstone};
pub use yingdun_catalog::keyring::epoch_nodes::{EpochNode, ToldEpochs};
pub use yingdun_catalog::keyring::holds::{Held, LegalHold};
pub use yingdun_catalog::keyring::logs::AuditLog;
pub use yingdun_catalog::keyring::rewrap_jobs::{RewrapJob, RewrapState};
