//! C-STORE from several associations at once.

use crate::data::{Image, Images, object_of};
use crate::failure::{Failure, Outcome, While};
use bytes::Bytes;
use futures_util::stream;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio_util::io::StreamReader;
use yingdun_dicom::synthetic::EnhancedCt;
use yingdun_dimse::association::Proposals;
use yingdun_dimse::scu::{Destination, Scu, Settings};

/// Instances that an association takes at a time from what is to be sent. Small, so that all associations end
/// together; large, so that neighbours in a series come over one association, as from a modality.
const TAKEN_AT_ONCE: usize = 25;

/// Where to send, and as whom.
#[derive(Clone)]
pub(crate) struct DicomTarget {
    pub(crate) destination: Destination,
    pub(crate) settings: Settings,
}

/// What was sent.
pub(crate) struct Sent {
    pub(crate) instances: usize,
    pub(crate) bytes: u64,
    /// From before the first connection to after the last release.
    pub(crate) elapsed: Duration,
}

/// Sends all studies, every instance once, and waits for every answer. Any answer but success is a failure.
pub(crate) async fn send(
    target: &DicomTarget,
    studies: &Arc<Vec<Images>>,
    associations: usize,
) -> Outcome<Sent> {
    send_to(std::slice::from_ref(target), studies, associations).await
}

/// The same to several servers, among which the associations are divided in turn.
pub(crate) async fn send_to(
    targets: &[DicomTarget],
    studies: &Arc<Vec<Images>>,
    associations: usize,
) -> Outcome<Sent> {
    let places: Vec<(usize, usize)> = studies
        .iter()
        .enumerate()
        .flat_map(|(study, images)| (0..images.images.len()).map(move |image| (study, image)))
        .collect();
    let places = Arc::new(places);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let tasks: Vec<_> = targets
        .iter()
        .cycle()
        .take(associations)
        .map(|target| tokio::spawn(one(target.clone(), studies.clone(), places.clone(), next.clone())))
        .collect();
    for task in tasks {
        task.await.or_fail("an association broke")??;
    }
    Ok(Sent {
        instances: places.len(),
        bytes: studies.iter().map(Images::bytes).sum(),
        elapsed: started.elapsed(),
    })
}

/// Sends one object that is made while it is sent; gives the time from before the connection to after its release.
pub(crate) async fn send_streamed(target: &DicomTarget, object: EnhancedCt) -> Outcome<Duration> {
    let what = format!("C-STORE to {}", target.destination);
    let described = object_of(&object);
    let mut proposals = Proposals::new();
    proposals.add(described.sop_class.clone(), described.transfer_syntax.clone()).or_fail(&what)?;
    let started = Instant::now();
    let mut scu = Scu::connect(&target.destination, &target.settings, &proposals).await.or_fail(&what)?;
    let pieces = stream::iter(object.map(|piece| io::Result::Ok(Bytes::from(piece))));
    let answer = scu.store(&described, &mut StreamReader::new(pieces)).await.or_fail(&what)?;
    if !answer.status.is_stored() {
        return Err(Failure::new(format!("{what}: status {}", answer.status)));
    }
    scu.release().await.or_fail(&what)?;
    Ok(started.elapsed())
}

async fn one(
    target: DicomTarget,
    studies: Arc<Vec<Images>>,
    places: Arc<Vec<(usize, usize)>>,
    next: Arc<AtomicUsize>,
) -> Outcome<()> {
    let where_to = format!("C-STORE to {}", target.destination);
    let proposals = proposals(&studies)?;
    let mut scu = Scu::connect(&target.destination, &target.settings, &proposals).await.or_fail(&where_to)?;
    loop {
        let from = next.fetch_add(TAKEN_AT_ONCE, Ordering::Relaxed);
        let Some(taken) = places.get(from..places.len().min(from + TAKEN_AT_ONCE)) else { break };
        if taken.is_empty() {
            break;
        }
        for (study, image) in taken {
            let Image { object, data_set } = studies
                .get(*study)
                .and_then(|images| images.images.get(*image))
                .or_fail("an instance is missing")?;
            let answer = scu.store(object, &mut &data_set[..]).await.or_fail(&where_to)?;
            if !answer.status.is_stored() {
                return Err(Failure::new(format!("{where_to}: status {}", answer.status)));
            }
        }
    }
    scu.release().await.or_fail(&where_to)
}

fn proposals(studies: &[Images]) -> Outcome<Proposals> {
    let kinds: BTreeSet<_> = studies
        .iter()
        .filter_map(|study| study.images.first())
        .map(|image| (image.object.sop_class.clone(), image.object.transfer_syntax.clone()))
        .collect();
    let mut proposals = Proposals::new();
    for (sop_class, transfer_syntax) in kinds {
        proposals.add(sop_class, transfer_syntax).or_fail("too many kinds of objects")?;
    }
    Ok(proposals)
}
