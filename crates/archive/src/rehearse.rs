//! Reads studies from end to end by the archive's own right, for the rehearsal of a restore: every byte is opened by the key that
//! belongs to it, and none is handed out. The leaves say *recover*, as those of a replay.

use crate::error::unavailable;
use crate::error::{OpenError, Unavailable};
use crate::open::OpenStudy;
use crate::shared::Core;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use yingdun_catalog::catalogue::compare::study_from;
use yingdun_catalog::catalogue::counts;
use yingdun_crypto::random;
use yingdun_model::{Action, StudyRef, Uid};

/// How often a study is drawn for each that is wanted: a few are drawn twice.
const DRAWS: u64 = 4;

/// Which studies are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Every one.
    All,
    /// So many, drawn by chance; every one where there are no more.
    Some(u64),
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadThrough {
    /// Studies that were read to the end.
    pub studies: u64,
    /// Instances of them.
    pub instances: u64,
    /// Bytes of these, as they were sent.
    pub bytes: u64,
    /// Instances, or whole studies, that could not be opened to the end.
    pub damaged: u64,
}

/// Reads them; `read` counts bytes for whoever looks on.
pub(crate) async fn read_through(
    core: &Arc<Core>,
    sample: Sample,
    read: &AtomicU64,
) -> Result<ReadThrough, Unavailable> {
    let mut through = ReadThrough::default();
    let database = core.catalogue.caught_up().await?;
    let institution = core.access.system_session().institution().clone();
    let there = counts(database, &institution).await.map_err(unavailable)?.studies;
    match sample {
        Sample::Some(wanted) if wanted < there => {
            let mut drawn = BTreeSet::new();
            for _ in 0..wanted.saturating_mul(DRAWS) {
                if drawn.len() as u64 >= wanted {
                    break;
                }
                // References are keyed digests: a number by chance leads to a study by chance.
                let found = match next(core, StudyRef::from_bytes(random::array())).await? {
                    Some(found) => Some(found),
                    None => next(core, StudyRef::from_bytes([0; 16])).await?,
                };
                let Some((study, uid)) = found else { break };
                if drawn.insert(study) {
                    read_study(core, &uid, &mut through, read).await;
                }
            }
        }
        Sample::Some(_) | Sample::All => {
            let mut at = Some([0; 16]);
            while let Some(from) = at {
                let Some((study, uid)) = next(core, StudyRef::from_bytes(from)).await? else { break };
                read_study(core, &uid, &mut through, read).await;
                at = u128::from_be_bytes(*study.as_bytes()).checked_add(1).map(u128::to_be_bytes);
            }
        }
    }
    Ok(through)
}

async fn next(core: &Core, from: StudyRef) -> Result<Option<(StudyRef, Uid)>, Unavailable> {
    let database = core.catalogue.caught_up().await?;
    let institution = core.access.system_session().institution().clone();
    study_from(database, &institution, from).await.map_err(unavailable)
}

/// Whatever keeps a byte from being opened is told the same way: it would not have come back.
async fn read_study(core: &Arc<Core>, uid: &Uid, through: &mut ReadThrough, read: &AtomicU64) {
    let session = core.access.system_session();
    let opened = async {
        let study = OpenStudy::open(core, &session, uid, Action::Recover).await?;
        let entries = study.instances(None, None).await?;
        Ok::<_, OpenError>((study, entries))
    };
    let (study, entries) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(%error, "a study does not open");
            through.damaged += 1;
            return;
        }
    };
    through.studies += 1;
    for entry in entries {
        let count = async {
            let (length, stream) = study.data_set(&entry).await?;
            let count = |sum: u64, bytes: Bytes| async move {
                read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(sum + bytes.len() as u64)
            };
            let came = stream.try_fold(0, count).await?;
            if came == length { Ok(came) } else { Err(OpenError::Damaged) }
        };
        match count.await {
            Ok(came) => {
                through.instances += 1;
                through.bytes += came;
            }
            Err(error) => {
                tracing::error!(%error, "an instance does not open to its last byte");
                through.damaged += 1;
            }
        }
    }
}
