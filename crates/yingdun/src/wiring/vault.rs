//! What a vault carries away beside packs and audit log: rows, the files with wrapped keys, and what witnesses have cosigned.

use super::foundation::Foundation;
use crate::config::Config;
use bytes::Bytes;
use futures_util::stream;
use std::io;
use std::path::Path;
use std::sync::Arc;
use yingdun_audit::read_witnessed;
use yingdun_catalog::Database;
use yingdun_web::{VaultBytes, VaultPart};

/// Bytes of a file with wrapped keys, far above what it needs.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

type Parts = Arc<dyn Fn(VaultPart) -> Result<VaultBytes, String> + Send + Sync>;

/// Reads the parts of an installation.
pub(super) fn parts(config: &Config, foundation: &Foundation) -> Parts {
    let (root_file, epoch_file) = (config.keys.root_file.clone(), config.keys.epoch_file());
    let audit = config.audit.directory.clone();
    let Foundation { catalogue, key_rows, identity, .. } = foundation.clone();
    Arc::new(move |part| match part {
        VaultPart::Catalogue => Ok(rows(&catalogue)),
        VaultPart::Keys => Ok(rows(&key_rows)),
        VaultPart::Identity => Ok(rows(&identity)),
        VaultPart::Epoch => file(&epoch_file),
        // Where the root key is in no file, there is nothing to carry away.
        VaultPart::Root => {
            root_file.as_deref().map_or_else(|| Ok(Box::pin(stream::empty()) as VaultBytes), file)
        }
        // Where no quorum of witnesses has cosigned yet, it is empty.
        VaultPart::Witnessed => {
            let note = read_witnessed(&audit).map_err(|error| error.to_string())?.unwrap_or_default();
            Ok(Box::pin(stream::iter([Ok(Bytes::from(note))])))
        }
    })
}

fn rows(database: &Database) -> VaultBytes {
    Box::pin(stream::try_unfold(database.dump(), |mut dump| async {
        let piece = dump.next().await.map_err(io::Error::other)?;
        Ok(piece.map(|piece| (piece, dump)))
    }))
}

fn file(path: &Path) -> Result<VaultBytes, String> {
    let unreadable = |error: io::Error| format!("a file with wrapped keys cannot be read: {error}");
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > KEY_FILE_BYTES_MAX {
        return Err(format!(
            "a file with wrapped keys has {bytes} bytes, at most {KEY_FILE_BYTES_MAX} are expected"
        ));
    }
    let content = std::fs::read(path).map_err(unreadable)?;
    Ok(Box::pin(stream::iter([Ok(Bytes::from(content))])))
}
