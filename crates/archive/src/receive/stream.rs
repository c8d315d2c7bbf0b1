//! Objects too large to hold: sealed as they arrive, into a pack of their own, in constant memory.

use super::commit::{Admitted, not_stored, stored};
use super::held::Held;
use super::identify::Arrived;
use super::metadata::seal_metadata;
use crate::error::{IngestError, Unavailable};
use crate::packing::Packer;
use crate::request::{Declared, Stored, StoredOutcome};
use crate::shared::Core;
use bytes::Bytes;
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_crypto::{SealError, Sealer};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::transfer_syntax::Encoding;
use yingdun_model::Action;
use yingdun_storage::{LargeRecord, RecordHeader, RecordKind};

/// Sealed bytes that are gathered before they are handed to the store.
const WRITE_BYTES: usize = 1 << 20;

/// A large object on its way into its pack.
#[derive(Debug)]
pub(super) struct Streaming {
    admitted: Admitted,
    index: InstanceIndex,
    version: u32,
    evidence_of_latest: Option<[u8; 16]>,
    record: LargeRecord,
    packer: Packer,
    /// Packed and not yet sealed; empty between calls.
    packed: Vec<u8>,
    sealer: Sealer,
    sealed: Vec<u8>,
}

impl Streaming {
    /// Decides and opens the pack, then takes what has been held so far.
    pub(super) async fn begin(
        core: &Arc<Core>,
        (session, action): (&Session, Action),
        scanner: &Scanner,
        index: InstanceIndex,
        encoding: Encoding,
        held: Held,
    ) -> Result<Self, IngestError> {
        let admitted = Admitted::decide(core, session, action, &index).await?;
        let latest = admitted.latest(core).await?;
        let version = core.catalogue.next_version(admitted.instance, latest.as_ref()).await;
        let version = version.map_err(IngestError::Unavailable)?;
        let place = admitted.place(&index, version);
        let header = RecordHeader {
            institution: place.institution.clone(),
            study: place.study,
            kind: RecordKind::INSTANCE,
        };
        let record = core.store.append_large(header).await.map_err(not_stored)?;
        let mut sealer = Sealer::new(admitted.window.key(), &place.object_context());
        let mut sealed = Vec::with_capacity(2 * WRITE_BYTES);
        let (packer, begun) = held.into_packer(scanner, encoding);
        for stored in begun {
            sealer.push(&stored, &mut sealed).map_err(not_sealed)?;
        }
        let mut streaming = Self {
            admitted,
            index,
            version,
            evidence_of_latest: latest.map(|latest| latest.evidence),
            record,
            packer,
            packed: Vec::new(),
            sealer,
            sealed,
        };
        streaming.hand_on().await?;
        Ok(streaming)
    }

    /// Packs, seals and hands on the next bytes.
    pub(super) async fn write(
        &mut self,
        core: &Core,
        session: &Session,
        bytes: Bytes,
    ) -> Result<(), IngestError> {
        if self.packer.is_verbatim() {
            self.sealer.push(&bytes, &mut self.sealed).map_err(not_sealed)?;
        } else {
            self.packed.clear();
            self.packer.push(&bytes, &mut self.packed);
            self.sealer.push(&self.packed, &mut self.sealed).map_err(not_sealed)?;
        }
        if self.sealed.len() >= WRITE_BYTES {
            // A large object takes longer than a decision holds: a sender that is disabled meanwhile is stopped.
            self.admitted.renew(core, session).await?;
            self.hand_on().await?;
        }
        Ok(())
    }

    /// Completes the record and waits for its durability.
    pub(super) async fn finish(
        mut self: Box<Self>,
        core: &Arc<Core>,
        session: &Session,
        declared: &Declared,
        arrived: Arrived,
    ) -> Result<Stored, IngestError> {
        let same = arrived.index.study == self.index.study
            && arrived.index.series == self.index.series
            && arrived.index.sop_instance == self.index.sop_instance
            && arrived.index.patient_id == self.index.patient_id
            && arrived.index.issuer_of_patient_id == self.index.issuer_of_patient_id;
        if !same {
            return Err(IngestError::Invalid {
                reason: "the identifying attributes changed within the object".into(),
            });
        }
        // One commit per instance at a time. Whoever committed this instance since `begin` took the version that
        // this object was sealed as, so it must be sent again.
        let _turn = core.catalogue.turn(self.admitted.instance).await;
        let latest = self.admitted.latest(core).await?;
        let evidence = self.admitted.keys.pseudonyms.evidence(&arrived.data_set_sha256);
        if let Some(version) = self.admitted.is_stored(core, latest.as_ref(), evidence).await? {
            let leaf = self.admitted.stored_leaf(session, &arrived, version, true);
            core.append_leaf(leaf).await.map_err(IngestError::Unavailable)?;
            self.record.abort().await;
            return Ok(stored(&arrived.index, StoredOutcome::Duplicate));
        }
        if latest.map(|latest| latest.evidence) != self.evidence_of_latest {
            self.record.abort().await;
            return Err(IngestError::Unavailable(Unavailable::new(
                "archive",
                "the instance was stored by another sender meanwhile",
            )));
        }

        self.admitted.renew(core, session).await?;
        let (descriptor, descriptor_part) =
            self.admitted.describe(core, session, declared, &arrived, self.version)?;
        let Self { admitted, index, packer, mut record, sealer, mut sealed, version, .. } = *self;
        let packing = packer.finish().map_err(|reason| IngestError::Invalid { reason: reason.into() })?;
        let place = admitted.place(&index, version);
        let header = arrived.header(declared);
        let metadata =
            seal_metadata(admitted.window.key(), &place, header, &arrived.sets, &arrived.scanned, packing)?;
        sealer.finish(&mut sealed);
        record.write(sealed.into()).await.map_err(not_stored)?;

        let leaf = admitted.stored_leaf(session, &arrived, version, false);
        admitted.commit(core, session, descriptor, leaf, record.finish(descriptor_part, metadata)).await
    }

    async fn hand_on(&mut self) -> Result<(), IngestError> {
        let full = std::mem::replace(&mut self.sealed, Vec::with_capacity(2 * WRITE_BYTES));
        self.record.write(full.into()).await.map_err(not_stored)
    }
}

fn not_sealed(error: SealError) -> IngestError {
    IngestError::Unavailable(Unavailable::new("crypto", error))
}
