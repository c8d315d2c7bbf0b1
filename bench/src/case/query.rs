//! QIDO-RS on many studies, and what a decision with its leaf adds to a read.

use super::ingest::turns;
use super::retrieve::{instance_path, latencies, text};
use super::{Measured, Size};
use crate::data::{self, Images, Random};
use crate::failure::{Failure, Outcome, While};
use crate::load::http::{Ask, HttpClient, HttpTarget, ask_all};
use crate::load::store::send;
use crate::machine::settle;
use crate::statistics::{Latencies, median};
use crate::subject::{Environment, Running, Subject};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who is asked.
const SUBJECTS: [Subject; 2] = [Subject::Orthanc { tls: false }, Subject::Yingdun { replicas: 3 }];
/// Associations while loading, which nobody measures.
const LOADING: usize = 8;
/// Clients of the measurements under load.
const MANY: usize = 16;
/// Rows at most in an answer.
const ROWS_MAX: usize = 100;
/// Days of a date range.
const DAYS: u32 = 7;
/// Answers of each kind that are compared between the subjects.
const COMPARED: usize = 5;
/// Studies that are opened to measure the decision.
const OPENED: usize = 200;

/// What is searched for.
#[derive(Clone, Copy)]
enum Search {
    PatientId,
    StudyDateRange,
    NamePrefix,
}

/// A subject that holds the studies.
struct Ready {
    subject: Subject,
    running: Running,
}

/// Measures searches and the added time of a decision.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let studies = data::small_studies(size.searched_studies, size.searched_slices);
    let mut loading = Vec::new();
    for subject in SUBJECTS {
        let running = subject.start_for_loading(environment).await?;
        let (target, studies) = (running.dicom.clone(), studies.clone());
        let load = tokio::spawn(async move { send(&target, &studies, LOADING).await });
        loading.push((subject, running, load));
    }
    let mut ready = Vec::new();
    for (subject, running, load) in loading {
        let sent = load.await.or_fail("loading broke")??;
        eprintln!(
            "{:<20} holds {} instances after {:.0} s",
            subject.name(),
            sent.instances,
            sent.elapsed.as_secs_f64()
        );
        ready.push(Ready { subject, running: subject.loaded(environment, running).await? });
    }
    settle()?;
    compare(&ready, &studies).await?;
    for round in 0..size.rounds {
        for at in turns(&SUBJECTS, round) {
            let Some(one) = ready.iter().find(|ready| ready.subject == at) else { continue };
            searches(one, &studies, size, round, measured).await?;
        }
    }
    for Ready { subject, running } in ready {
        if let (Subject::Yingdun { .. }, Some(target)) = (subject, &running.http) {
            added_by_permit(target, &studies, measured).await?;
        }
        running.stop()?;
        subject.remove(environment)?;
    }
    settle()
}

impl Search {
    const ALL: [Self; 3] = [Self::PatientId, Self::StudyDateRange, Self::NamePrefix];

    const fn name(self) -> &'static str {
        match self {
            Self::PatientId => "patient-id",
            Self::StudyDateRange => "study-date-range",
            Self::NamePrefix => "name-prefix",
        }
    }

    /// A search that finds this study, and maybe others. Values stand in the address as they are: Orthanc 1.10 does
    /// not decode percent signs in searches, so studies whose values would need them are not searched for.
    fn for_study(self, study: &Images) -> Option<Ask> {
        let key = match self {
            Self::PatientId => format!("PatientID={}", study.patient.id),
            Self::StudyDateRange => {
                // Made-up studies are made on the first 28 days of a month.
                let (month, day) = study.date.split_at(study.date.len().saturating_sub(2));
                let last = (day.parse::<u32>().unwrap_or(1) + DAYS - 1).min(28);
                format!("StudyDate={}-{month}{last:02}", study.date)
            }
            Self::NamePrefix => {
                let name = &study.patient.name;
                // The family name and the first letter of the given name.
                let family = name.chars().take_while(|letter| *letter != '^').count();
                let prefix: String = name.chars().take(family + 2).collect();
                format!("PatientName={prefix}*")
            }
        };
        // An empty answer is `[]`: whoever finds nothing has not searched.
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=^*-".contains(&byte));
        plain.then(|| Ask {
            path: format!("/dicom-web/studies?{key}&limit={ROWS_MAX}"),
            accept: "application/dicom+json",
            bytes_min: 10,
        })
    }

    /// The same search for one study after another.
    fn for_some_of(self, studies: &[Images], seed: u64) -> impl Iterator<Item = Ask> + '_ {
        let mut random = Random::new(seed);
        std::iter::from_fn(move || random.pick(studies)).filter_map(move |study| self.for_study(study))
    }
}

async fn searches(
    one: &Ready,
    studies: &[Images],
    size: Size,
    round: usize,
    measured: &mut Measured,
) -> Outcome<()> {
    let target = one.running.http.as_ref().or_fail("a subject has no DICOMweb")?;
    for search in Search::ALL {
        for (clients, words) in [(1, "1-client"), (MANY, "16-clients")] {
            let asks: Vec<Ask> = search.for_some_of(studies, round as u64).take(size.requests).collect();
            let load = ask_all(target, &Arc::new(asks), clients).await?;
            let case = format!("query-{}-instances-{}-{words}", size.searched_instances(), search.name());
            latencies(&case, one.subject.name(), &load, measured);
        }
    }
    Ok(())
}

/// The subjects must find the same studies: a wrong answer has no speed.
async fn compare(ready: &[Ready], studies: &[Images]) -> Outcome<()> {
    for search in Search::ALL {
        for ask in search.for_some_of(studies, 7).take(COMPARED) {
            let mut answers = Vec::new();
            for one in ready {
                let target = one.running.http.as_ref().or_fail("a subject has no DICOMweb")?;
                answers.push(found(&text(target, &ask.path).await?));
            }
            // More rows than asked for: the subjects may choose different ones.
            if answers.iter().all(|answer| answer.len() < ROWS_MAX)
                && answers.windows(2).any(|pair| pair.first() != pair.last())
            {
                let counts: Vec<_> = answers.iter().map(BTreeSet::len).collect();
                return Err(Failure::new(format!(
                    "the subjects do not agree on GET {}: they find {counts:?} studies",
                    ask.path
                )));
            }
        }
    }
    Ok(())
}

/// Study Instance UIDs of an answer.
fn found(answer: &serde_json::Value) -> BTreeSet<String> {
    let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter()
        .filter_map(|row| row.get("0020000D")?.get("Value")?.get(0)?.as_str())
        .map(str::to_owned)
        .collect()
}

/// Opens studies that nobody opened before. The first frame of each needs a decision, a durable leaf and an
/// unwrapped key; the second frame of the same study needs none of them: the difference is what they add.
async fn added_by_permit(target: &HttpTarget, studies: &[Images], measured: &mut Measured) -> Outcome<()> {
    let mut client = HttpClient::connect(target).await?;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for study in studies.iter().take(OPENED) {
        for (image, latencies) in study.images.iter().zip([&mut first, &mut second]) {
            let path = format!("{}/frames/1", instance_path(study, image.object.sop_instance.as_str()));
            let ask =
                Ask { path, accept: "multipart/related; type=\"application/octet-stream\"", bytes_min: 1 };
            let started = Instant::now();
            client.ask(&ask).await?;
            latencies.push(started.elapsed());
        }
    }
    let added: Vec<Duration> =
        first.iter().zip(&second).map(|(first, second)| first.saturating_sub(*second)).collect();
    let milliseconds: Vec<f64> = added.iter().map(|added| added.as_secs_f64() * 1e3).collect();
    let per_study = studies.first().map_or(1, |study| study.images.len());
    let case = "permit-and-audit-of-a-frame";
    let mut add = |metric, value| measured.add(case, "yingdun", metric, value);
    add("added_p50_ms", median(&milliseconds));
    add("added_p95_ms", Latencies::new(added).percentile_ms(0.95));
    let mean = milliseconds.iter().sum::<f64>() / milliseconds.len().max(1) as f64;
    add("amortised_ms", mean / per_study as f64);
    add("following_frame_p50_ms", Latencies::new(second).percentile_ms(0.5));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_made_of_what_the_studies_hold() {
        let mut study = data::small_studies(1, 1)[0].clone();
        study.patient.name = "Smith^John^^Dr".into();
        study.patient.id = "P0000042".into();
        study.date = "20230226".into();
        let path = |search: Search| search.for_study(&study).unwrap().path;
        assert_eq!(path(Search::PatientId), "/dicom-web/studies?PatientID=P0000042&limit=100");
        assert_eq!(path(Search::StudyDateRange), "/dicom-web/studies?StudyDate=20230226-20230228&limit=100");
        assert_eq!(path(Search::NamePrefix), "/dicom-web/studies?PatientName=Smith^J*&limit=100");
        study.patient.name = "Müller^Anna".into();
        assert!(Search::NamePrefix.for_study(&study).is_none());
    }
}
