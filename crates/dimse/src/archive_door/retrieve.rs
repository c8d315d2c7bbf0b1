//! C-GET and C-MOVE on the archive: which instances are meant, their bytes, and where they may go.

use super::ArchiveDoor;
use super::find;
use super::rewriting::rewritten;
use crate::query::{Level, Selection};
use crate::scp::{Failure, FailureKind, MoveTarget, Object, Outgoing, Source};
use crate::scu;
use futures_util::{StreamExt, TryStreamExt, stream};
use rustls::ClientConfig;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use tokio_util::io::StreamReader;
use yingdun_access::{MoveDestination, Refusal, Session};
use yingdun_archive::{AttributePath, ByteStream, FindRequest, Include, InstanceEntry, OpenError, OpenStudy};
use yingdun_dicom::query::Matching;
use yingdun_dicom::rewrite::Rewriter;
use yingdun_dicom::tags;
use yingdun_dicom::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use yingdun_model::{AeTitle, Uid};
use yingdun_pixels::coding::JPEG_BASELINE;
use yingdun_pixels::transcode::TARGETS;

impl ArchiveDoor {
    /// The instances that are meant, study by study. Each study is opened once: one decision, one leaf, one key.
    pub(super) async fn instances(
        &self,
        session: &Session,
        selection: Selection,
        elsewhere: bool,
    ) -> Result<Vec<Outgoing>, Failure> {
        let mut all = Vec::new();
        for study in self.studies(session, &selection).await? {
            let open = match self.archive.open_study(session, &study, session.purpose()).await {
                Ok(open) => Arc::new(open),
                // Whether there is no such study, or none for this session, is not told.
                Err(OpenError::NotFound) => continue,
                Err(error) => return Err(failure(error)),
            };
            open.gives_objects().map_err(failure)?;
            if elsewhere {
                open.may_be_sent().await.map_err(failure)?;
            }
            let meant = |entry: &InstanceEntry| {
                (selection.series.is_empty() || selection.series.contains(&entry.series))
                    && (selection.instances.is_empty() || selection.instances.contains(&entry.sop_instance))
            };
            let entries = open.instances(None, None).await.map_err(failure)?;
            all.extend(entries.into_iter().filter(meant).map(|entry| outgoing(&open, entry)));
            if all.len() > usize::from(u16::MAX) {
                let comment = format!("more than {} objects; ask for less at once", u16::MAX);
                return Err(Failure::new(FailureKind::TooMany, comment));
            }
        }
        Ok(all)
    }

    /// The studies in which to look: those that are named, or those that the catalogue knows for what is named.
    async fn studies(&self, session: &Session, selection: &Selection) -> Result<Vec<Uid>, Failure> {
        if selection.patient_id.is_none() && !selection.studies.is_empty() {
            return Ok(selection.studies.clone());
        }
        let uids = |uids: &[Uid]| uids.iter().map(Uid::as_str).collect::<Vec<_>>().join("\\");
        let by_level = [
            (Level::Study, tags::STUDY_INSTANCE_UID, uids(&selection.studies)),
            (Level::Series, tags::SERIES_INSTANCE_UID, uids(&selection.series)),
            (Level::Image, tags::SOP_INSTANCE_UID, uids(&selection.instances)),
        ];
        // As deep as is needed to know the study, and no deeper.
        let named = by_level.iter().find(|(_, _, value)| !value.is_empty());
        let level = named.map_or(Level::Study, |(level, _, _)| *level);
        let mut keys: Vec<_> =
            named.map(|(_, tag, value)| (AttributePath::from(*tag), value.clone())).into_iter().collect();
        if let Some(patient) = &selection.patient_id {
            keys.push((AttributePath::from(tags::PATIENT_ID), patient.0.clone()));
        }
        if let Some(issuer) = &selection.issuer_of_patient_id {
            keys.push((AttributePath::from(tags::ISSUER_OF_PATIENT_ID), issuer.0.clone()));
        }
        let request = FindRequest {
            level: find::level(level),
            study: None,
            series: None,
            keys,
            matching: Matching::default(),
            include: Include::Default,
            offset: 0,
            limit: u32::MAX,
        };
        let mut search = self.archive.search(session, request).await.map_err(find::failure)?;
        let mut studies = BTreeSet::new();
        loop {
            let rows = search.next_page().await.map_err(find::failure)?;
            if rows.is_empty() {
                return Ok(studies.into_iter().collect());
            }
            let uid = |row: &yingdun_archive::FoundRow| {
                let value = row.get(&tags::STUDY_INSTANCE_UID.to_hex())?.get("Value")?.get(0)?;
                Uid::new(value.as_str()?).ok()
            };
            studies.extend(rows.iter().filter_map(uid));
        }
    }

    /// Where a registered device takes objects. Who asked and for whom is on the ledger before the first object leaves.
    pub(super) async fn target(&self, session: &Session, title: &AeTitle) -> Result<MoveTarget, Failure> {
        let found = self.access.move_destination(session, title).await.map_err(|refused| match refused {
            Refusal::Denied { reason, .. } => {
                Failure::new(FailureKind::NotAuthorised, format!("refused: {reason}"))
            }
            Refusal::AuditUnavailable(_) | Refusal::FactsUnavailable(_) => {
                Failure::new(FailureKind::OutOfResources, refused.to_string())
            }
        })?;
        let Some(found) = found else {
            let comment = "move destination is no registered device that takes images";
            return Err(Failure::new(FailureKind::DestinationUnknown, comment));
        };
        move_target(title, found, self.client_tls.as_ref()).ok_or_else(|| {
            let comment = "this archive has no certificate to call with";
            Failure::new(FailureKind::DestinationFailed, comment)
        })
    }
}

/// How a device is called by what its record says; nothing where it wants TLS and there is no certificate to call with.
#[must_use]
pub fn move_target(
    title: &AeTitle,
    found: MoveDestination,
    tls: Option<&Arc<ClientConfig>>,
) -> Option<MoveTarget> {
    let mut settings = scu::Settings::new(found.calling);
    if found.endpoint.tls {
        settings = settings.with_tls(Arc::clone(tls?));
    }
    settings.pdu_bytes_max = found.habits.pdu_bytes_max;
    let (host, port) = (found.endpoint.host, found.endpoint.port);
    let destination = scu::Destination { ae_title: title.clone(), host, port };
    Some(MoveTarget { destination, settings, wished: found.habits.transfer_syntaxes })
}

/// An object of an open study that is to be sent.
#[must_use]
pub fn outgoing(study: &Arc<OpenStudy>, entry: InstanceEntry) -> Outgoing {
    let study = Arc::clone(study);
    Outgoing {
        object: Object {
            sop_class: entry.sop_class.clone(),
            sop_instance: entry.sop_instance.clone(),
            transfer_syntax: entry.transfer_syntax.clone(),
        },
        also: others(&entry.transfer_syntax),
        open: Box::new(move |to| Box::pin(async move { source(&study, &entry, &to).await })),
    }
}

/// The transfer syntaxes in which an object can be written without loss, native ones first: for who takes these, nothing
/// has to be compressed. Of some objects it turns out when they are opened that they cannot be.
fn others(kept: &Uid) -> Vec<Uid> {
    let native = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
    let compressed =
        TARGETS.iter().copied().filter(|target| !native.contains(target) && *target != JPEG_BASELINE);
    let possible = native.into_iter().chain(compressed).filter(|target| *target != kept.as_str());
    possible.filter_map(|target| Uid::new(target).ok()).collect()
}

/// The data set as it is kept; with the same pixels and another header; or with every frame written anew.
async fn source(study: &OpenStudy, entry: &InstanceEntry, to: &Uid) -> Result<Source, Failure> {
    let rewriter = Rewriter::between(&entry.transfer_syntax, to);
    if entry.transfer_syntax != *to && rewriter.is_none() {
        return Ok(reader(study.transcoded(entry, to).await.map_err(failure)?));
    }
    let (_, mut stream) = study.data_set(entry).await.map_err(failure)?;
    match rewriter {
        None => {
            let first = stream.try_next().await.map_err(failure)?;
            Ok(reader(Box::pin(stream::iter(first.map(Ok)).chain(stream))))
        }
        Some(rewriter) => rewritten(reader(stream), rewriter)
            .await
            .map_err(|error| Failure::new(FailureKind::Processing, error.to_string())),
    }
}

fn reader(stream: ByteStream) -> Source {
    Box::pin(StreamReader::new(stream.map_err(io::Error::other)))
}

fn failure(error: OpenError) -> Failure {
    match error {
        OpenError::Refused { reason } => {
            Failure::new(FailureKind::NotAuthorised, format!("refused: {reason}"))
        }
        OpenError::SlowedDown { .. } | OpenError::NotFound | OpenError::PermitEnded => {
            Failure::new(FailureKind::NotAuthorised, error.to_string())
        }
        OpenError::NotAddressable | OpenError::NotConvertible { .. } => {
            Failure::new(FailureKind::Processing, error.to_string())
        }
        OpenError::Damaged => Failure::new(FailureKind::Processing, "no intact copy is left of this object"),
        // The cause is for the operator's log: it may name paths and hosts.
        OpenError::Unavailable(part) => {
            tracing::error!(cause = %part, "an object could not be read");
            Failure::new(FailureKind::OutOfResources, format!("{} does not answer, try again", part.part()))
        }
    }
}
