//! What protects an installation, as it is configured, for the page of its first hour.

use crate::config::Config;
use std::path::Path;
use yingdun_keys::RootKind;
use yingdun_web::{Custody, Protection};

/// What the configuration says of replicas, keys and log.
pub(super) fn protection(config: &Config) -> Protection {
    Protection {
        replicas: config.storage.replicas.iter().map(|replica| shown(&replica.directory)).collect(),
        write_quorum: config.storage.write_quorum,
        offsite: config.storage.offsite.len(),
        custody: custody(config),
        audit_log: shown(&config.audit.directory),
        is_witnessed: config.audit.witness_policy_file.is_some(),
    }
}

// === helpers ===

fn custody(config: &Config) -> Custody {
    let keys = &config.keys;
    let root_file = keys.root_file.as_deref().map(shown).unwrap_or_default();
    match (keys.root, &keys.passphrase_file) {
        (RootKind::File, Some(passphrase)) => {
            Custody::Passphrase { root_file, passphrase_file: shown(passphrase) }
        }
        (RootKind::File, None) => Custody::Shares { root_file },
        (RootKind::Pkcs11, _) => Custody::Token {
            token: keys.pkcs11.as_ref().map(|token| token.token_label.clone()).unwrap_or_default(),
        },
        (RootKind::Transit, _) => Custody::Transit {
            address: keys.transit.as_ref().map(|transit| transit.address.clone()).unwrap_or_default(),
        },
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
