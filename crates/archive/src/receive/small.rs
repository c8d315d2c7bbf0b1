//! Objects that are held in memory: sealed and committed in one go.

use super::commit::{Admitted, stored};
use super::held::Held;
use super::identify::Arrived;
use super::metadata::seal_metadata;
use crate::error::{IngestError, Unavailable};
use crate::record::Place;
use crate::request::{Declared, Stored, StoredOutcome};
use crate::shared::Core;
use bytes::Bytes;
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_crypto::{Sealer, SealingKey, sealed_len};
use yingdun_storage::{Record, RecordHeader, RecordKind};

/// Up to so many bytes are sealed where they are, in less time than it takes to wake another thread and be woken by
/// it: 1 MiB takes about 0.3 ms.
const SEALED_INLINE_BYTES: usize = 1 << 20;

/// Stores a complete object.
pub(super) async fn store(
    core: &Arc<Core>,
    session: &Session,
    declared: &Declared,
    arrived: Arrived,
    held: Held,
) -> Result<Stored, IngestError> {
    let admitted = Admitted::decide(core, session, declared.door.action(), &arrived.index).await?;
    // One commit per instance at a time, so that two senders of the same object cannot both be first.
    let _turn = core.catalogue.turn(admitted.instance).await;
    let evidence = admitted.keys.pseudonyms.evidence(&arrived.data_set_sha256);
    let latest = admitted.latest(core).await?;
    if let Some(version) = admitted.is_stored(core, latest.as_ref(), evidence).await? {
        let leaf = admitted.stored_leaf(session, &arrived, version, true);
        core.append_leaf(leaf).await.map_err(IngestError::Unavailable)?;
        return Ok(stored(&arrived.index, StoredOutcome::Duplicate));
    }
    let version = core.catalogue.next_version(admitted.instance, latest.as_ref()).await;
    let version = version.map_err(IngestError::Unavailable)?;

    let place = admitted.place(&arrived.index, version);
    let (descriptor, descriptor_part) = admitted.describe(core, session, declared, &arrived, version)?;
    let leaf = admitted.stored_leaf(session, &arrived, version, false);
    let window = Arc::clone(&admitted.window);
    let header = RecordHeader {
        institution: place.institution.clone(),
        study: place.study,
        kind: RecordKind::INSTANCE,
    };
    let (stored, packing) = held.finish().map_err(|reason| IngestError::Invalid { reason: reason.into() })?;
    let stored_bytes: usize = stored.iter().map(Bytes::len).sum();
    let file_header = arrived.header(declared);
    let seal = move || {
        let metadata =
            seal_metadata(window.key(), &place, file_header, &arrived.sets, &arrived.scanned, packing)?;
        Ok::<_, IngestError>((metadata, seal_object(window.key(), &place, &stored, stored_bytes)?))
    };
    let (metadata, object) = if stored_bytes > SEALED_INLINE_BYTES {
        tokio::task::spawn_blocking(seal)
            .await
            .map_err(|error| IngestError::Unavailable(Unavailable::new("crypto", error)))??
    } else {
        seal()?
    };

    let record = Record { header, descriptor: descriptor_part, metadata, object: vec![object] };
    admitted.commit(core, session, descriptor, leaf, core.store.append(record)).await
}

/// Seals the pieces of an object, of so many bytes together.
fn seal_object(
    key: &SealingKey,
    place: &Place,
    stored: &[Bytes],
    stored_bytes: usize,
) -> Result<Bytes, IngestError> {
    let mut sealed = Vec::with_capacity(usize::try_from(sealed_len(stored_bytes as u64)).unwrap_or(0));
    let mut sealer = Sealer::new(key, &place.object_context());
    for piece in stored {
        sealer
            .push(piece, &mut sealed)
            .map_err(|error| IngestError::Unavailable(Unavailable::new("crypto", error)))?;
    }
    sealer.finish(&mut sealed);
    Ok(sealed.into())
}
