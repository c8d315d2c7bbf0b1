//! Whether an instance can be relied upon, asked of the disks and not of the catalogue.
//!
//! Two things are checked of every version of an instance:
//!
//! * every byte of its record against the digest that was made when it arrived, on so many replicas as an
//!   acknowledgement needs; the files are looked up anew, so that one that was removed counts as gone. The node that has its packs
//!   does this;
//! * that it opens: the study key unwraps and every chunk of the object verifies under it, read once from the first
//!   of those replicas. The replicas are alike byte for byte, so what opens from one opens from each that passed.
//!
//! Bytes come from the page cache of the operating system where they are in it: a disk that lies about what it
//! holds is found by the checks of the store, not here. Memory does not grow with the object.

use super::{CommitmentFailure, SopReference};
use crate::error::{OpenError, Unavailable, unavailable};
use crate::part::{PartKind, SealedPart};
use crate::pseudonym::InstitutionKeys;
use crate::record::Place;
use crate::shared::{Core, NoLocation};
use crate::source::RecordSource;
use crate::window::{Closed, StudyWindow};
use std::sync::Arc;
use yingdun_access::{Session, StudyFacts};
use yingdun_catalog::catalogue::instances::{self, InstanceRow};
use yingdun_keys::KeysError;
use yingdun_model::Action;

/// Plain bytes that are opened at once.
const READ_BYTES: u64 = 1 << 20;

/// Checks one reference. `Err` when it could not be found out.
pub(super) async fn verify(
    core: &Core,
    keys: &InstitutionKeys,
    session: &Session,
    reference: &SopReference,
) -> Result<Result<(), CommitmentFailure>, Unavailable> {
    let database = core.catalogue.caught_up().await?;
    let instance = keys.pseudonyms.instance(&reference.sop_instance);
    let versions = instances::versions(database, &keys.institution, instance).await.map_err(unavailable)?;
    let Some(latest) = versions.last() else {
        return Ok(Err(CommitmentFailure::NoSuchObjectInstance));
    };
    if latest.sop_class != reference.sop_class {
        return Ok(Err(CommitmentFailure::ClassInstanceConflict));
    }
    for version in &versions {
        if !is_sound(core, keys, session, version).await? {
            return Ok(Err(CommitmentFailure::ProcessingFailure));
        }
    }
    Ok(Ok(()))
}

async fn is_sound(
    core: &Core,
    keys: &InstitutionKeys,
    session: &Session,
    row: &InstanceRow,
) -> Result<bool, Unavailable> {
    let source = match core.source_of(row) {
        Ok(source) => source,
        Err(NoLocation::Damaged) => return Ok(false),
        Err(elsewhere @ NoLocation::Elsewhere(_)) => return Err(Unavailable::new("storage", elsewhere)),
    };
    if !source.is_sound().await? {
        return Ok(false);
    }
    let facts = StudyFacts {
        institution: keys.institution.clone(),
        study: row.study,
        patient: row.patient,
        grade: row.grade,
        received: row.study_received,
    };
    match core.windows.enter(session, Action::Recover, &facts).await {
        Ok(window) => opens(&window, row, source).await,
        Err(Closed::Key(KeysError::NoKey | KeysError::Damaged { .. } | KeysError::OtherFacts)) => Ok(false),
        Err(closed @ (Closed::Key(_) | Closed::Refused(_) | Closed::BrokenOff)) => Err(closed.into()),
    }
}

/// Whether metadata and object open, read to their ends.
async fn opens(
    window: &Arc<StudyWindow>,
    row: &InstanceRow,
    source: RecordSource,
) -> Result<bool, Unavailable> {
    let place = Place {
        institution: window.facts().institution.clone(),
        study: row.study,
        series: row.series,
        instance: row.reference,
        version: row.version,
        grade: window.facts().grade,
    };
    for (kind, context) in
        [(PartKind::Metadata, place.metadata_context()), (PartKind::Object, place.object_context())]
    {
        match reads(window, source.clone(), kind, &context).await {
            Ok(()) => {}
            Err(OpenError::Unavailable(unavailable)) => return Err(unavailable),
            Err(
                OpenError::NotFound
                | OpenError::Refused { .. }
                | OpenError::SlowedDown { .. }
                | OpenError::NotAddressable
                | OpenError::NotConvertible { .. }
                | OpenError::PermitEnded
                | OpenError::Damaged,
            ) => return Ok(false),
        }
    }
    window.count(1, source.location().object_bytes);
    Ok(true)
}

async fn reads(
    window: &StudyWindow,
    source: RecordSource,
    kind: PartKind,
    context: &yingdun_crypto::Context,
) -> Result<(), OpenError> {
    let part = SealedPart::open(source, kind, window.key(), context).await?;
    let mut at = 0;
    while at < part.plain_bytes() {
        let end = part.plain_bytes().min(at + READ_BYTES);
        part.read(at..end).await?;
        at = end;
    }
    Ok(())
}
