//! One study: taken from the source series by series, stored, read back, and compared.

use super::origin::web::{self, parts};
use super::origin::{Fetched, Origin, SeriesListing, Unfetched};
use super::passing::{Broken, Onward, PIECES_AHEAD, Passed, Piece, pass};
use super::report::{Counts, SeriesCount, StudyReport};
use super::throttle::Throttle;
use crate::meter::Meter;
use crate::receipt::PartFate;
use crate::store::{Failure, Store};
use crate::{TransferError, with_causes};
use reqwest::{Method, StatusCode};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use yingdun_crypto::random;

/// How often a series is tried, and the pause before the next attempt, which grows each time.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);

/// Moves studies from one archive to another.
pub(super) struct Mover {
    pub(super) origin: Origin,
    pub(super) store: Store,
    pub(super) meter: Arc<Meter>,
    pub(super) throttle: Throttle,
    /// Compare only.
    pub(super) verify_only: bool,
}

/// What became of a series on its way.
enum Taken {
    /// It came by here; what this archive said of each part.
    Passed(Passed, Vec<(usize, PartFate)>),
    /// The source sent it to this archive itself.
    Elsewhere,
}

/// Why a series has to be tried again, or cannot be.
enum Trouble {
    /// The source.
    Source(Unfetched),
    /// This archive.
    Archive(Failure),
}

impl Mover {
    /// Moves a study and compares it.
    ///
    /// # Errors
    /// [`TransferError`] when this archive takes nothing any more. What is wrong with the study, or with the source, is in the
    /// report.
    pub(super) async fn study(&self, study: &str) -> Result<StudyReport, TransferError> {
        let mut report = StudyReport::of(study);
        let listing = match self.origin.series(study).await {
            Ok(listing) => listing,
            Err(error) => {
                report.failed = Some(with_causes(&error));
                return Ok(report);
            }
        };
        if listing.is_empty() {
            report.failed = Some("the source lists no instance".to_owned());
        }
        for series in listing {
            if let Err(reason) = self.series(&series, &mut report).await? {
                report.counts.listed += series.instances.len() as u64;
                report.failed = Some(reason);
                return Ok(report);
            }
        }
        Ok(report)
    }

    /// Moves a series and compares it.
    async fn series(
        &self,
        series: &SeriesListing,
        report: &mut StudyReport,
    ) -> Result<Result<(), String>, TransferError> {
        let taken = match self.persist(&report.study, series).await? {
            Ok(taken) => taken,
            Err(reason) => return Ok(Err(reason)),
        };
        let served = match self.served(&report.study, &series.series).await? {
            Ok(served) => served,
            Err(reason) => return Ok(Err(reason)),
        };
        let counts = compare(series, &taken, &served, report);
        if matches!(taken, Taken::Elsewhere) {
            self.meter.read(served.bytes);
            self.throttle.spend(served.bytes).await;
        }
        self.meter.done(counts.listed);
        report.counts.add(&counts);
        let (listed, here) = (counts.listed, counts.here());
        report.series.push(SeriesCount { series: series.series.clone(), listed, here });
        Ok(Ok(()))
    }

    /// Takes a series, and tries again when that may help.
    async fn persist(
        &self,
        study: &str,
        series: &SeriesListing,
    ) -> Result<Result<Taken, String>, TransferError> {
        let mut reason = String::new();
        for attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
            match self.take(study, series).await {
                Ok(taken) => return Ok(Ok(taken)),
                Err(Trouble::Source(Unfetched::Never(words))) => return Ok(Err(words)),
                Err(Trouble::Source(Unfetched::Later(words)) | Trouble::Archive(Failure::Later(words))) => {
                    reason = words;
                }
                Err(Trouble::Archive(Failure::File)) => {}
                Err(Trouble::Archive(Failure::Now(TransferError::NotSignedIn))) if attempt + 1 < ATTEMPTS => {
                    self.store.link().renew().await?;
                }
                Err(Trouble::Archive(Failure::Now(error))) => return Err(error),
            }
        }
        Ok(Err(reason))
    }

    /// Takes a series from the source, hashes it, and stores it on the way.
    async fn take(&self, study: &str, series: &SeriesListing) -> Result<Taken, Trouble> {
        if self.verify_only && self.origin.sends_elsewhere() {
            return Ok(Taken::Elsewhere);
        }
        let boundary = hex::encode(random::array::<16>());
        let (pieces, incoming) = mpsc::channel(PIECES_AHEAD);
        let (out, mut chunks) = mpsc::channel(PIECES_AHEAD);
        let onward = (!self.verify_only).then_some(Onward { boundary: &boundary, out });
        let fetch = async {
            let out = pieces;
            let fetched = self.origin.fetch(study, series, &out).await?;
            let _gone = out.send(Piece::Whole).await;
            Ok::<_, Unfetched>(fetched)
        };
        let post = async {
            match chunks.recv().await {
                None => Ok(Vec::new()),
                Some(first) => self.store.post(&boundary, first, chunks).await,
            }
        };
        let watched = Some((&*self.meter, &self.throttle));
        let (fetched, passed, fates) = tokio::join!(fetch, pass(incoming, watched, onward), post);
        match (fetched, passed, fates) {
            (Ok(Fetched::Here), Ok(passed), Ok(fates)) => Ok(Taken::Passed(passed, fates)),
            (Ok(Fetched::Elsewhere), Ok(_), _) => Ok(Taken::Elsewhere),
            (_, _, Err(failure @ Failure::Now(_))) | (_, Ok(_) | Err(Broken::Outgoing), Err(failure)) => {
                Err(Trouble::Archive(failure))
            }
            (Err(reason), _, _) => Err(Trouble::Source(reason)),
            (Ok(_), Err(_), _) => {
                Err(Trouble::Source(Unfetched::Later("this archive broke the request off".to_owned())))
            }
        }
    }

    /// What this archive gives back.
    async fn served(&self, study: &str, series: &str) -> Result<Result<Passed, String>, TransferError> {
        let path = ["dicom-web", "studies", study, "series", series];
        let mut reason = String::new();
        for attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
            let request = self.store.link().request(Method::GET, &path)?.header("accept", web::AS_STORED);
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) => {
                    reason = error.to_string();
                    continue;
                }
            };
            match answer.status() {
                // Of identifiers that are not legal, nothing is here either.
                StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => return Ok(Ok(Passed::default())),
                StatusCode::UNAUTHORIZED => {
                    self.store.link().renew().await?;
                    continue;
                }
                StatusCode::FORBIDDEN => {
                    let words = "to compare, the scope `view` is needed".to_owned();
                    return Err(TransferError::Refused { status: StatusCode::FORBIDDEN, words });
                }
                _ => {}
            }
            let (pieces, incoming) = mpsc::channel(PIECES_AHEAD);
            let read = async {
                let out = pieces;
                let mut answer = parts(answer).await.map_err(|error| with_causes(&error))?;
                web::forward(&mut answer, &out).await?;
                let _gone = out.send(Piece::Whole).await;
                Ok::<_, String>(())
            };
            match tokio::join!(read, pass(incoming, None, None)) {
                (Ok(()), Ok(passed)) => return Ok(Ok(passed)),
                (Err(words), _) => reason = words,
                (Ok(()), Err(_)) => reason = "the answer broke off".to_owned(),
            }
        }
        Ok(Err(reason))
    }
}

/// Holds what came against what was listed, and against what this archive gives back; faults are named in the report.
fn compare(series: &SeriesListing, taken: &Taken, served: &Passed, report: &mut StudyReport) -> Counts {
    let mut counts = Counts::default();
    let here: HashMap<&str, &[u8; 32]> = by_instance(served);
    let mut expected: BTreeSet<&str> = series.instances.iter().map(String::as_str).collect();
    match taken {
        Taken::Passed(passed, fates) => {
            counts.received = passed.objects.len() as u64;
            counts.bytes = passed.bytes;
            for (part, fate) in fates {
                match fate {
                    PartFate::New => counts.stored += 1,
                    PartFate::Duplicate => counts.duplicate += 1,
                    PartFate::Version => counts.new_version += 1,
                    PartFate::Failed { comment, .. } => {
                        counts.refused += 1;
                        let object = part.checked_sub(1).and_then(|at| passed.objects.get(at));
                        report.fault(object.map_or("?", |(instance, _)| instance), comment);
                    }
                }
            }
            let received = by_instance(passed);
            expected.extend(received.keys().copied().filter(|instance| !instance.is_empty()));
            for instance in &expected {
                match (received.get(instance), here.get(instance)) {
                    (None, _) => {
                        counts.missing += 1;
                        report.fault(instance, "the source lists it and did not send it");
                    }
                    (Some(_), None) => {
                        counts.absent += 1;
                        report.fault(instance, "it is not in this archive");
                    }
                    (Some(came), Some(here)) if came == here => counts.same += 1,
                    (Some(_), Some(_)) => {
                        counts.different += 1;
                        report.fault(instance, "this archive serves another data set of it");
                    }
                }
            }
        }
        Taken::Elsewhere => {
            counts.bytes = served.bytes;
            for instance in &expected {
                if here.contains_key(instance) {
                    counts.present += 1;
                } else {
                    counts.absent += 1;
                    report.fault(instance, "the source lists it, and it is not in this archive");
                }
            }
        }
    }
    counts.listed = expected.len() as u64;
    counts
}

fn by_instance(passed: &Passed) -> HashMap<&str, &[u8; 32]> {
    passed.objects.iter().map(|(instance, digest)| (instance.as_str(), digest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(instances: &[&str]) -> SeriesListing {
        let instances = instances.iter().map(|uid| (*uid).to_owned()).collect();
        SeriesListing { series: "1".to_owned(), instances, classes: BTreeSet::new() }
    }

    fn passed(objects: &[(&str, u8)]) -> Passed {
        let objects = objects.iter().map(|(uid, digest)| ((*uid).to_owned(), [*digest; 32])).collect();
        Passed { objects, bytes: 100 }
    }

    #[test]
    fn every_way_of_not_being_the_same_is_told_apart() {
        let mut report = StudyReport::of("1");
        let fates = vec![
            (1, PartFate::New),
            (2, PartFate::Version),
            (3, PartFate::Failed { code: 0xA900, comment: "no".into() }),
            (4, PartFate::Duplicate),
        ];
        let taken = Taken::Passed(passed(&[("a", 1), ("b", 2), ("c", 3), ("extra", 4)]), fates);
        let served = passed(&[("a", 1), ("b", 9), ("extra", 4), ("older", 7)]);
        let counts = compare(&listing(&["a", "b", "c", "d"]), &taken, &served, &mut report);
        let expected = Counts {
            listed: 5,
            received: 4,
            bytes: 100,
            stored: 1,
            duplicate: 1,
            new_version: 1,
            refused: 1,
            missing: 1,
            absent: 1,
            different: 1,
            same: 2,
            present: 0,
        };
        assert_eq!(counts, expected);
        let named: Vec<&str> = report.faults.iter().map(|fault| fault.file.as_str()).collect();
        assert_eq!(named, ["c", "b", "c", "d"]);
    }

    #[test]
    fn what_the_source_sent_past_this_program_is_compared_by_name() {
        let mut report = StudyReport::of("1");
        let counts =
            compare(&listing(&["a", "b"]), &Taken::Elsewhere, &passed(&[("a", 1), ("x", 2)]), &mut report);
        assert_eq!((counts.listed, counts.present, counts.absent, counts.same), (2, 1, 1, 0));
        assert_eq!(report.faults.len(), 1);
    }
}
