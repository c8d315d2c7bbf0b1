//! What this door shows of the rest of the program, handed in by the binary: metrics, readiness, status,
//! calls to devices, the seal.

use crate::network::Network;
use crate::other_logs::OtherLogs;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use serde_json::Value;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use yingdun_model::Secret;

/// Whether the archive can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It can, and somebody should look after these parts: `offsite`, `witnesses`.
    Attention(Vec<&'static str>),
    /// It cannot, because these parts do not: `audit`, `catalogue`, `keys`, `storage`.
    NotReady(Vec<&'static str>),
}

/// What a vault carries away beside packs and audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultPart {
    /// Every row of the catalogue.
    Catalogue,
    /// Every wrapped key.
    Keys,
    /// People, devices, service clients.
    Identity,
    /// The file with the wrapped keys of the epochs, which belongs to the wrapped keys.
    Epoch,
    /// The sealed root-key file.
    Root,
    /// The newest checkpoint of the audit log that enough witnesses have cosigned; empty where there is none.
    Witnessed,
}

/// The bytes of a part as of one moment.
pub type VaultBytes = BoxStream<'static, io::Result<Bytes>>;

/// What protects this installation, as it is configured: said to whoever sets it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// Folders of the replicas.
    pub replicas: Vec<String>,
    /// How many of them must be durable before an image is acknowledged.
    pub write_quorum: usize,
    /// How many copies lie elsewhere, filled in the background.
    pub offsite: usize,
    /// Who keeps the root key.
    pub custody: Custody,
    /// The folder of the audit log.
    pub audit_log: String,
    /// Whether witnesses are asked to cosign it.
    pub is_witnessed: bool,
}

/// Who keeps the root key, under which everything is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Custody {
    /// A sealed file that a passphrase opens.
    Passphrase {
        /// The sealed file.
        root_file: String,
        /// Where the passphrase is read.
        passphrase_file: String,
    },
    /// A sealed file that shares of several people open.
    Shares {
        /// The sealed file.
        root_file: String,
    },
    /// A key on a hardware token, which never leaves it.
    Token {
        /// The label of the token.
        token: String,
    },
    /// The transit engine of a Vault or OpenBao server.
    Transit {
        /// Its address.
        address: String,
    },
}

/// A door for devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DicomDoor {
    /// Whether it is the one over TLS.
    pub tls: bool,
    /// Where it listens.
    pub listens: SocketAddr,
}

/// The views into the program that the operations routes render, and its calls to devices.
#[derive(Clone)]
pub struct Hooks {
    /// Renders all metrics in the Prometheus text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Asks every part whether it can serve; must answer at once, from what is known.
    pub ready: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// The state of the system for people with the right to read it: replicas, keys, certificates, versions.
    pub status: Arc<dyn Fn() -> BoxFuture<'static, Value> + Send + Sync>,
    /// Whether each part works, without anything of a patient, a key or a person.
    pub health: Arc<dyn Fn() -> BoxFuture<'static, Value> + Send + Sync>,
    /// What is known of the completeness of the audit log: the last heartbeat, and what the last comparison found. At once.
    pub completeness: Arc<dyn Fn() -> Value + Send + Sync>,
    /// How the system is set up, without secrets.
    pub configuration: Arc<dyn Fn() -> BoxFuture<'static, Value> + Send + Sync>,
    /// What protects this installation.
    pub protection: Arc<Protection>,
    /// Calls to devices.
    pub network: Arc<dyn Network>,
    /// Where devices call this node.
    pub dicom: Vec<DicomDoor>,
    /// The audit logs of other nodes; none where this one is closed to them.
    pub logs: Option<Arc<dyn OtherLogs>>,
    /// Closes the archive and wipes its keys, shortly after it returns; none where it would open again by itself.
    pub seal: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Reads a part for a vault, or says in one sentence why it cannot be had here.
    pub vault_part: Arc<dyn Fn(VaultPart) -> Result<VaultBytes, String> + Send + Sync>,
}

/// How many shares were given, and how many are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealProgress {
    /// Shares that were given and are right.
    pub given: u8,
    /// Shares that are needed.
    pub needed: u8,
}

/// What the door of a sealed archive asks of the program.
#[derive(Clone)]
pub struct Sealing {
    /// How far unsealing is.
    pub progress: Arc<dyn Fn() -> SealProgress + Send + Sync>,
    /// Takes a share, or says in one sentence why not.
    pub give: Arc<dyn Fn(Secret<String>) -> Result<SealProgress, String> + Send + Sync>,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealing")
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
