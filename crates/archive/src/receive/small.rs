//! Objects that are held in memory: packed, sealed and committed in one go.

use super::commit::{Admitted, not_stored, stored};
use super::identify::Arrived;
use crate::error::{IngestError, Unavailable};
use crate::layout::{self, ObjectLayout};
use crate::packing::Packer;
use crate::record::Place;
use crate::request::{Declared, Stored, StoredOutcome};
use crate::shared::Core;
use bytes::Bytes;
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_crypto::{SealingKey, seal, seal_into, sealed_len};
use yingdun_dicom::frames::{FrameTable, ImageShape};
use yingdun_dicom::json;
use yingdun_dicom::scan::Scanned;
use yingdun_storage::{Record, RecordHeader, RecordKind};

/// Stores a complete object.
pub(super) async fn store(
    core: &Arc<Core>,
    session: &Session,
    declared: &Declared,
    arrived: Arrived,
    held: Vec<Bytes>,
) -> Result<Stored, IngestError> {
    let admitted = Admitted::decide(core, session, &arrived.index).await?;
    // One commit per instance at a time, so that two senders of the same object cannot both be first.
    let _turn = core.catalogue.turn(admitted.instance).await;
    let evidence = admitted.keys.pseudonyms.evidence(&arrived.data_set_sha256);
    let latest = admitted.latest(core).await?;
    if let Some(latest) = &latest
        && latest.evidence == evidence
        && admitted.is_durable(core, latest).await
    {
        let leaf = admitted.stored_leaf(session, &arrived, latest.version, true);
        core.append_leaf(leaf).await.map_err(IngestError::Unavailable)?;
        return Ok(stored(&arrived.index, StoredOutcome::Duplicate));
    }
    let version = latest.map_or(1, |latest| latest.version.saturating_add(1));

    let place = admitted.place(&arrived.index, version);
    let (descriptor, descriptor_part) = admitted.describe(core, session, declared, &arrived, version)?;
    let leaf = admitted.stored_leaf(session, &arrived, version, false);
    let window = Arc::clone(&admitted.window);
    let header = RecordHeader {
        institution: place.institution.clone(),
        study: place.study,
        kind: RecordKind::INSTANCE,
    };
    let (metadata, object) =
        tokio::task::spawn_blocking(move || seal_parts(window.key(), &place, &arrived.scanned, &held))
            .await
            .map_err(|error| IngestError::Unavailable(Unavailable::new("crypto", error)))??;

    let record = Record { header, descriptor: descriptor_part, metadata, object: vec![object] };
    let (location, receipt) = tokio::join!(core.store.append(record), core.audit.append_one(leaf.clone()));
    match (location, receipt) {
        (Ok(location), Ok(_)) => Ok(admitted.acknowledge(core, descriptor, location).await),
        (Err(error), Ok(_)) => {
            admitted.retract(core, leaf).await;
            Err(not_stored(error))
        }
        (_, Err(error)) => Err(IngestError::Unavailable(Unavailable::new("audit", error))),
    }
}

/// Seals metadata and object. This is where the processor time of receiving goes.
fn seal_parts(
    key: &SealingKey,
    place: &Place,
    scanned: &Scanned,
    held: &[Bytes],
) -> Result<(Bytes, Bytes), IngestError> {
    let unframed = |error| IngestError::Unavailable(Unavailable::new("archive", error));
    let plain = join(held);
    let mut packer = Packer::new(&scanned.data_set, scanned.pixels.as_ref(), scanned.encoding);
    let mut packed = Vec::new();
    if !packer.is_verbatim() {
        packed.reserve(plain.len() / 2);
        packer.push(&plain, &mut packed);
    }
    let packing = packer.finish().map_err(|reason| IngestError::Invalid { reason: reason.into() })?;
    let object: &[u8] = if packing.is_some() { &packed } else { &plain };
    let rendered = json::render(&scanned.data_set);
    let layout = ObjectLayout {
        encoding: scanned.encoding,
        frames: frame_table(scanned),
        bulk: rendered.bulk,
        packing,
    };
    let metadata = layout::frame(&layout, &rendered.template).map_err(unframed)?;
    let metadata = seal(key, &place.metadata_context(), &metadata);
    let mut sealed = Vec::with_capacity(usize::try_from(sealed_len(object.len() as u64)).unwrap_or(0));
    seal_into(key, &place.object_context(), object, &mut sealed);
    Ok((metadata.into(), sealed.into()))
}

/// Where the frames are; nothing when the data set does not say, which costs frame access and nothing else.
pub(super) fn frame_table(scanned: &Scanned) -> Option<FrameTable> {
    let pixels = scanned.pixels.as_ref()?;
    FrameTable::build(pixels, ImageShape::of(&scanned.data_set)).ok()
}

/// The held pieces as one slice; without a copy when there is only one.
fn join(held: &[Bytes]) -> Bytes {
    match held {
        [one] => one.clone(),
        many => many.concat().into(),
    }
}
