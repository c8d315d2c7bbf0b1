//! One study: taken from the source series by series, stored, read back, and compared.

use super::folder::Listed;
use super::remote::{Parts, Remote, parts};
use crate::transfer::meter::Meter;
use crate::transfer::receipt::PartFate;
use crate::transfer::store::{Failure, Store};
use crate::transfer::tally::Fault;
use crate::transfer::{TransferError, with_causes};
use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use yingdun_crypto::digest::Sha256;
use yingdun_crypto::random;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::part10::{self, HeaderLook};
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::{tags, transfer_syntax};
use yingdun_model::Uid;
use yingdun_web::multipart::MultipartError;

/// How often a series is tried, and the pause before the next attempt, which grows each time.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);

/// Chunks that the source has sent and this archive has not taken yet.
const CHUNKS_AHEAD: usize = 8;

/// Faults of one study that are named; the others are only counted.
const FAULTS_SHOWN_MAX: usize = 20;

/// Bytes of a data set in which its SOP Instance UID stands: it is among the first elements.
const HEAD_BYTES: usize = 64 << 10;

/// What became of one study: a line of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StudyReport {
    pub(crate) study: String,
    /// Instances that the source listed.
    pub(crate) listed: u64,
    /// Instances that it sent.
    pub(crate) received: u64,
    pub(crate) bytes: u64,
    pub(crate) stored: u64,
    pub(crate) duplicate: u64,
    pub(crate) new_version: u64,
    pub(crate) refused: u64,
    /// Listed, and not sent.
    pub(crate) missing: u64,
    /// Sent, and not in this archive.
    pub(crate) absent: u64,
    /// In this archive with another data set.
    pub(crate) different: u64,
    /// In this archive with the same SHA-256 of the data set.
    pub(crate) same: u64,
    /// Why the study was not gone through to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<Fault>,
}

impl StudyReport {
    pub(crate) fn of(study: &str) -> Self {
        Self { study: study.to_owned(), ..Self::default() }
    }

    /// Whether everything that the source listed is here, bit for bit.
    pub(crate) fn is_good(&self) -> bool {
        self.failed.is_none() && self.same == self.listed && self.refused + self.missing == 0
    }

    fn fault(&mut self, instance: &str, reason: &str) {
        if self.faults.len() < FAULTS_SHOWN_MAX {
            self.faults.push(Fault { file: instance.to_owned(), reason: reason.to_owned() });
        }
    }
}

/// Moves studies from one archive to another.
pub(crate) struct Mover {
    source: Remote,
    store: Store,
    meter: Arc<Meter>,
    /// Compare only.
    verify_only: bool,
}

/// What one series was when it came: SHA-256 of the data set by SOP instance, and what this archive said of each part.
#[derive(Default)]
struct Taken {
    objects: Vec<(String, [u8; 32])>,
    fates: Vec<(usize, PartFate)>,
    bytes: u64,
}

/// Why a series has to be tried again, or cannot be.
enum Trouble {
    /// The source.
    Source(String),
    /// This archive.
    Archive(Failure),
}

impl Mover {
    pub(crate) const fn new(source: Remote, store: Store, meter: Arc<Meter>, verify_only: bool) -> Self {
        Self { source, store, meter, verify_only }
    }

    /// Moves a study and compares it.
    ///
    /// # Errors
    /// [`TransferError`] when this archive takes nothing any more. What is wrong with the study, or with the source, is in the
    /// report.
    pub(crate) async fn study(&self, listed: &Listed) -> Result<StudyReport, TransferError> {
        let mut report = StudyReport::of(&listed.study);
        let instances = match self.source.instances(&listed.study).await {
            Ok(instances) => instances,
            Err(error) => {
                report.failed = Some(with_causes(&error));
                return Ok(report);
            }
        };
        report.listed = instances.len() as u64;
        if instances.is_empty() {
            report.failed = Some("the source lists no instance".to_owned());
        }
        let mut series: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (of, instance) in instances {
            series.entry(of).or_default().push(instance);
        }
        for (series, instances) in series {
            match self.persist(&listed.study, &series).await? {
                Ok(taken) => self.compare(&series, &instances, taken, &mut report).await?,
                Err(reason) => {
                    report.failed = Some(reason);
                    return Ok(report);
                }
            }
        }
        Ok(report)
    }

    /// Takes a series, and tries again when that may help.
    async fn persist(&self, study: &str, series: &str) -> Result<Result<Taken, String>, TransferError> {
        let mut reason = String::new();
        for attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
            match self.take(study, series).await {
                Ok(taken) => return Ok(Ok(taken)),
                Err(Trouble::Source(words) | Trouble::Archive(Failure::Later(words))) => reason = words,
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
    async fn take(&self, study: &str, series: &str) -> Result<Taken, Trouble> {
        let source = |error: TransferError| Trouble::Source(with_causes(&error));
        let mut incoming = self.source.series(study, series).await.map_err(source)?;
        if self.verify_only {
            return read(&mut incoming, &self.meter, None).await.map_err(Trouble::Source);
        }
        let boundary = hex::encode(random::array::<16>());
        let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
        let feed = async {
            let out = sender;
            let taken = read(&mut incoming, &self.meter, Some((&out, &boundary))).await;
            if taken.is_err() {
                // A request that ends without its closing delimiter is no request.
                let _gone = out.send(Err(io::ErrorKind::UnexpectedEof.into())).await;
            }
            taken
        };
        let post = async {
            match chunks.recv().await {
                None => Ok(Vec::new()),
                Some(first) => self.store.post(&boundary, first, chunks).await,
            }
        };
        let (taken, fates) = tokio::join!(feed, post);
        // When both failed, the source failed first: otherwise there would have been nothing wrong to send.
        let mut taken = match taken {
            Ok(taken) => taken,
            Err(reason) => {
                return Err(match fates {
                    Err(failure @ Failure::Now(_)) => Trouble::Archive(failure),
                    _ => Trouble::Source(reason),
                });
            }
        };
        taken.fates = fates.map_err(Trouble::Archive)?;
        Ok(taken)
    }

    /// Holds what came against what was listed, and against what this archive gives back.
    async fn compare(
        &self,
        series: &str,
        listed: &[String],
        taken: Taken,
        report: &mut StudyReport,
    ) -> Result<(), TransferError> {
        report.received += taken.objects.len() as u64;
        report.bytes += taken.bytes;
        for (part, fate) in &taken.fates {
            match fate {
                PartFate::New => report.stored += 1,
                PartFate::Duplicate => report.duplicate += 1,
                PartFate::Version => report.new_version += 1,
                PartFate::Failed { comment, .. } => {
                    report.refused += 1;
                    let object = part.checked_sub(1).and_then(|at| taken.objects.get(at));
                    report.fault(object.map_or("?", |(instance, _)| instance), comment);
                }
            }
        }
        let study = report.study.clone();
        let served = match self.served(&study, series).await? {
            Ok(served) => served,
            Err(reason) => {
                report.failed = Some(reason);
                return Ok(());
            }
        };
        let received: HashMap<&String, &[u8; 32]> =
            taken.objects.iter().map(|(instance, digest)| (instance, digest)).collect();
        for instance in listed {
            match (received.get(instance), served.get(instance)) {
                (None, _) => {
                    report.missing += 1;
                    report.fault(instance, "the source lists it and did not send it");
                }
                (Some(_), None) => {
                    report.absent += 1;
                    report.fault(instance, "it is not in this archive");
                }
                (Some(came), Some(here)) if **came == *here => report.same += 1,
                (Some(_), Some(_)) => {
                    report.different += 1;
                    report.fault(instance, "this archive serves another data set of it");
                }
            }
        }
        self.meter.files.fetch_add(listed.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// What this archive gives back: SHA-256 of the data set by SOP instance.
    async fn served(
        &self,
        study: &str,
        series: &str,
    ) -> Result<Result<HashMap<String, [u8; 32]>, String>, TransferError> {
        let path = ["dicom-web", "studies", study, "series", series];
        let accept = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
        let mut reason = String::new();
        for attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
            let answer =
                match self.store.link().request(Method::GET, &path)?.header("accept", accept).send().await {
                    Ok(answer) => answer,
                    Err(error) => {
                        reason = error.to_string();
                        continue;
                    }
                };
            match answer.status() {
                // Of identifiers that are not legal, nothing is here either.
                StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => return Ok(Ok(HashMap::new())),
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
            let mut answer = match parts(answer).await {
                Ok(answer) => answer,
                Err(error) => {
                    reason = with_causes(&error);
                    continue;
                }
            };
            match read(&mut answer, &Meter::default(), None).await {
                Ok(taken) => return Ok(Ok(taken.objects.into_iter().collect())),
                Err(words) => reason = words,
            }
        }
        Ok(Err(reason))
    }
}

/// Reads parts to their end and hashes them; passes them on as parts of another request, if there is one.
async fn read(
    incoming: &mut Parts,
    meter: &Meter,
    on: Option<(&mpsc::Sender<io::Result<Bytes>>, &str)>,
) -> Result<Taken, String> {
    let broken = |error: MultipartError<reqwest::Error>| error.to_string();
    let mut taken = Taken::default();
    let pass = async |bytes: Bytes| match on {
        Some((out, _)) => {
            out.send(Ok(bytes)).await.map_err(|_| "this archive broke the request off".to_owned())
        }
        None => Ok(()),
    };
    while incoming.next_part().await.map_err(broken)?.is_some() {
        if let Some((_, boundary)) = on {
            let head = format!("\r\n--{boundary}\r\nContent-Type: application/dicom\r\n\r\n");
            pass(Bytes::from(head)).await?;
        }
        let mut object = Object::default();
        while let Some(chunk) = incoming.chunk().await.map_err(broken)? {
            taken.bytes += chunk.len() as u64;
            meter.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            object.feed(&chunk);
            pass(chunk).await?;
        }
        taken.objects.push(object.finish());
    }
    if let Some((_, boundary)) = on
        && !taken.objects.is_empty()
    {
        pass(Bytes::from(format!("\r\n--{boundary}--\r\n"))).await?;
    }
    Ok(taken)
}

/// A file that is passing: who it is, and the SHA-256 of its data set. File meta information is an envelope: each archive
/// writes its own.
#[derive(Default)]
struct Object {
    /// The file until its header is complete.
    head: Vec<u8>,
    data_set: Option<(Sha256, Scanner, usize)>,
    named: Option<Uid>,
}

impl Object {
    fn feed(&mut self, chunk: &[u8]) {
        if self.data_set.is_some() {
            return self.digest(chunk);
        }
        self.head.extend_from_slice(chunk);
        self.open(false);
    }

    /// Looks for the end of the header.
    fn open(&mut self, complete: bool) {
        let header = match part10::read_header(&self.head, complete) {
            Ok(HeaderLook::Found(header)) => header,
            Ok(HeaderLook::NeedMore) if self.head.len() <= part10::META_BYTES_MAX && !complete => return,
            // No header that can be read: everything is hashed as it is, and this archive will refuse it.
            Ok(HeaderLook::NeedMore) | Err(_) => part10::FileHeader::default(),
        };
        self.named = header.sop_instance;
        let file = std::mem::take(&mut self.head);
        let data_set = file.get(header.data_set_offset..).unwrap_or_default();
        let syntax = header.transfer_syntax.or_else(|| Uid::new(part10::sniff(data_set)).ok());
        let syntax = syntax.map(|syntax| transfer_syntax::lookup(&syntax));
        if let Some(syntax) = syntax {
            self.data_set = Some((Sha256::new(), Scanner::new(syntax, Limits::default()), HEAD_BYTES));
            self.digest(data_set);
        }
    }

    fn digest(&mut self, chunk: &[u8]) {
        let Some((digest, scanner, left)) = &mut self.data_set else { return };
        digest.update(chunk);
        let looked = chunk.get(..chunk.len().min(*left)).unwrap_or_default();
        *left -= looked.len();
        if !looked.is_empty() && scanner.feed(looked).is_err() {
            *left = 0;
        }
    }

    fn finish(mut self) -> (String, [u8; 32]) {
        if self.data_set.is_none() {
            self.open(true);
        }
        let Some((digest, scanner, _)) = self.data_set else { return (String::new(), [0; 32]) };
        // What the data set says of itself counts; headers are often stale.
        let instance = scanner.data_set().uid(tags::SOP_INSTANCE_UID).or(self.named);
        (instance.map(|uid| uid.to_string()).unwrap_or_default(), digest.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::digest::sha256;
    use yingdun_dicom::synthetic::{Kind, Study};

    #[test]
    fn the_digest_is_that_of_the_data_set_however_the_file_is_cut_and_whatever_its_header_is() {
        let instance = Study::new(1, Kind::Mr { slices: 1 }).instance(0);
        let expected = (instance.sop_instance.to_string(), sha256(&instance.data_set));
        let file = instance.to_file();
        for size in [1, 100, 131, 1000, file.len()] {
            let mut object = Object::default();
            file.chunks(size).for_each(|chunk| object.feed(chunk));
            assert_eq!(object.finish(), expected, "pieces of {size}");
        }
        let mut bare = Object::default();
        bare.feed(&instance.data_set);
        assert_eq!(bare.finish(), expected);
        let mut strange = Object::default();
        strange.feed(b"no image at all");
        assert_eq!(strange.finish().0, "");
    }

    #[test]
    fn a_study_is_good_only_when_every_listed_instance_is_the_same_here() {
        let good = StudyReport { listed: 2, received: 2, stored: 2, same: 2, ..StudyReport::of("1.2") };
        assert!(good.is_good());
        for bad in [
            StudyReport { same: 1, different: 1, ..good.clone() },
            StudyReport { failed: Some("x".into()), ..good.clone() },
            StudyReport { listed: 3, missing: 1, ..good.clone() },
            StudyReport { refused: 1, ..good },
        ] {
            assert!(!bad.is_good(), "{bad:?}");
        }
    }
}
