//! C-GET and C-MOVE of a study over one association.

use super::sink::{Counts, Sink};
use super::store::DicomTarget;
use crate::data::Images;
use crate::failure::{Failure, Outcome, While};
use crate::subject::calling;
use std::time::{Duration, Instant};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Vr, tags};
use yingdun_dimse::association::Proposals;
use yingdun_dimse::message::Status;
use yingdun_dimse::query::{Model, Root, Verb};
use yingdun_dimse::scu::{Retrieved, Scu};

/// Fetches a study with C-GET; gives the time from before the connection to after its release.
pub(crate) async fn get(target: &DicomTarget, study: &Images) -> Outcome<Duration> {
    let what = format!("C-GET from {}", target.destination);
    let started = Instant::now();
    let mut proposals = asking(Verb::Get)?;
    let object = &study.images.first().or_fail("a study is empty")?.object;
    proposals.add_taken(object.sop_class.clone(), object.transfer_syntax.clone()).or_fail(&what)?;
    let mut scu = Scu::connect(&target.destination, &target.settings, &proposals).await.or_fail(&what)?;
    let counts = Counts::default();
    let take = async |_| Ok(counts.take());
    let retrieved = scu.get(Root::Study, &identifier(study), take, |_| ()).await.or_fail(&what)?;
    scu.release().await.or_fail(&what)?;
    let elapsed = started.elapsed();
    complete(&what, study, &retrieved, (counts.objects(), counts.bytes()))?;
    Ok(elapsed)
}

/// Has a study sent to our receiver with C-MOVE; gives the time from before the connection to after its release.
pub(crate) async fn move_to(target: &DicomTarget, sink: &Sink, study: &Images) -> Outcome<Duration> {
    let what = format!("C-MOVE from {}", target.destination);
    let counts = sink.counts();
    let before = (counts.objects(), counts.bytes());
    let started = Instant::now();
    let mut scu =
        Scu::connect(&target.destination, &target.settings, &asking(Verb::Move)?).await.or_fail(&what)?;
    let (identifier, destination) = (identifier(study), calling()?);
    let asked = scu.move_to(Root::Study, &identifier, &destination, |_| ());
    let retrieved = asked.await.or_fail(&what)?;
    scu.release().await.or_fail(&what)?;
    let elapsed = started.elapsed();
    complete(&what, study, &retrieved, (counts.objects() - before.0, counts.bytes() - before.1))?;
    Ok(elapsed)
}

// === helpers ===

fn asking(verb: Verb) -> Outcome<Proposals> {
    let mut proposals = Proposals::new();
    proposals.add_model(Model { root: Root::Study, verb }).or_fail("proposing a retrieval")?;
    Ok(proposals)
}

fn identifier(study: &Images) -> DataSet {
    let mut asked = DataSet::new();
    asked.put_text(tags::QUERY_RETRIEVE_LEVEL, Vr::CS, "STUDY");
    asked.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, study.study.as_str());
    asked
}

/// Everything must have come: a server that sends less is not faster. Whoever writes a header anew may change its
/// length a little, so only lost pixels are told by the bytes.
fn complete(what: &str, study: &Images, retrieved: &Retrieved, came: (u64, u64)) -> Outcome<()> {
    let (objects, bytes) = (study.images.len() as u64, study.bytes() * 99 / 100);
    if retrieved.answer.status == Status::SUCCESS && came.0 == objects && came.1 >= bytes {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{what}: expected {objects} objects of some {bytes} bytes, got {} of {} with status {}",
        came.0, came.1, retrieved.answer.status
    )))
}
