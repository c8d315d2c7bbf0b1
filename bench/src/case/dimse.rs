//! C-GET and C-MOVE of a CT study over one association: the same client and the same receiver for every subject.

use super::ingest::turns;
use super::{Measured, Size};
use crate::data::{self, Images};
use crate::failure::{Outcome, While};
use crate::load::fetch::{get, move_to};
use crate::load::store::send;
use crate::machine::settle;
use crate::subject::{Environment, Running, Subject};
use std::time::Duration;

/// Who is asked: all hold the same study and run at the same time; only one is asked at a time.
const SUBJECTS: [Subject; 3] =
    [Subject::Orthanc { tls: false }, Subject::Orthanc { tls: true }, Subject::Yingdun { replicas: 3 }];

/// Retrievals that make one number.
const REPEATED: u32 = 3;

/// Measures both ways of retrieval.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let studies = data::ct_studies(1, size.slices);
    let study = studies.first().or_fail("the study is missing")?;
    let mut ready = Vec::new();
    for subject in SUBJECTS {
        let running = subject.start(environment).await?;
        send(&running.dicom, &studies, 4).await?;
        // Nobody begins with a cold cache.
        get(&running.dicom, study).await?;
        ready.push((subject, running));
    }
    settle()?;
    for round in 0..size.rounds {
        for at in turns(&SUBJECTS, round) {
            let Some((subject, running)) = ready.iter().find(|(subject, _)| *subject == at) else { continue };
            retrievals(*subject, running, study, measured).await?;
        }
    }
    for (subject, running) in ready {
        running.stop()?;
        subject.remove(environment)?;
    }
    settle()
}

async fn retrievals(
    subject: Subject,
    running: &Running,
    study: &Images,
    measured: &mut Measured,
) -> Outcome<()> {
    let sink = running.sink.as_ref().or_fail("a subject has no destination")?;
    for verb in ["c-get", "c-move"] {
        let case = format!("{verb}-ct-of-{}-1-association", study.images.len());
        let cpu = running.server.cpu_s()?;
        let mut elapsed = Duration::ZERO;
        for _ in 0..REPEATED {
            elapsed += match verb {
                "c-get" => get(&running.dicom, study).await?,
                _ => move_to(&running.dicom, sink, study).await?,
            };
        }
        let cpu = running.server.cpu_s()? - cpu;
        let times = f64::from(REPEATED);
        let instances = study.images.len() as f64 * times;
        let megabytes = study.bytes() as f64 / 1e6 * times;
        let mut add = |metric, value| measured.add(&case, subject.name(), metric, value);
        add("instances_per_s", instances / elapsed.as_secs_f64());
        add("mb_per_s", megabytes / elapsed.as_secs_f64());
        add("cpu_s_per_gb", cpu * 1e3 / megabytes);
        let per_second = megabytes / elapsed.as_secs_f64();
        eprintln!("{case:<48} {:<20} {per_second:>8.1} MB/s", subject.name());
    }
    Ok(())
}
