//! From a configuration to a running archive, in the one right order.
//!
//! ```text
//!  Foundation   root key ─► key store ─► secrets ─► audit log ─► access      (enough to administer)
//!  System       Foundation ─► replicas ─► archive ─► doors                        (enough to serve)
//! ```
//!
//! Where shares open the root-key file, a [`SealedSystem`] stands at the doors until there are enough.
//!
//! `serve` and `demo` run a [`System`], `init` a [`Foundation`] only. Whatever is opened is closed in the opposite
//! order, so that the last thing written is the signed checkpoint of the audit log.

mod certificates;
mod complete;
mod dicom;
mod error;
mod events;
mod feed;
mod foundation;
mod health;
mod interfaces;
mod join;
mod ldap;
mod ledger;
mod maintenance;
mod monitor;
mod network;
mod nodes;
mod observe;
mod oidc;
mod protection;
mod rehearsal;
mod retrieval;
mod root;
mod scores;
mod sealed;
mod servers;
mod syslog;
mod system;
mod time_stamps;
mod token_issuers;
mod transit;
mod vault;
mod witnesses;

pub(crate) use certificates::read_certificate;
pub(crate) use error::StartError;
pub(crate) use feed::feed;
pub(crate) use foundation::{Foundation, database, hold};
pub(crate) use interfaces::{Coverage, Listed, Posture, coverage, interfaces, postures};
pub(crate) use join::{KnownNode, has_log, join, known_nodes};
pub(crate) use ldap::{Directory, Shown};
pub(crate) use ledger::{InstalledLog, begin_log, hand_out_public_key, installed_logs};
pub(crate) use nodes::reaches;
pub(crate) use oidc::Provider;
pub(crate) use rehearsal::{Rehearsed, rehearse};
pub(crate) use root::{Root, read_passphrase, root, token, transit};
pub(crate) use sealed::SealedSystem;
pub(crate) use servers::database_servers;
pub(crate) use syslog::syslog;
pub(crate) use system::{Addresses, System, store_config};
pub(crate) use token_issuers::Issuer;
pub(crate) use witnesses::asker;
