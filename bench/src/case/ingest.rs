//! C-STORE: how fast studies come in, and what that costs the server.

use super::{Measured, Size, limits};
use crate::data::{self, Images};
use crate::failure::Outcome;
use crate::load::store::send;
use crate::machine::settle;
use crate::subject::{Environment, Subject};
use std::sync::Arc;

/// Who receives compressible studies. The order is that of the first round; later rounds begin elsewhere.
const ALL: [Subject; 7] = [
    Subject::Orthanc { tls: false },
    Subject::Yingdun { replicas: 3 },
    Subject::Orthanc { tls: true },
    Subject::Yingdun { replicas: 1 },
    Subject::Storescp { tls: false },
    Subject::Storescp { tls: true },
    Subject::DicomRs,
];

/// Who receives random pixels.
const OF_RANDOM: [Subject; 3] =
    [Subject::Orthanc { tls: false }, Subject::Yingdun { replicas: 3 }, Subject::Yingdun { replicas: 1 }];

/// Measures all subjects with 4 associations and with 1.
pub(crate) async fn run(environment: &Environment, size: Size, measured: &mut Measured) -> Outcome<()> {
    let all: Vec<Subject> = ALL.into_iter().filter(|subject| subject.is_installed()).collect();
    let studies = data::ct_studies(size.studies, size.slices);
    for round in 0..size.rounds {
        limits::disk(&environment.work, measured)?;
        for associations in [4, 1] {
            for subject in turns(&all, round) {
                one(environment, subject, &studies, associations, "ingest", measured).await?;
            }
        }
    }
    drop(studies);
    // MR slices have a quarter of the bytes: how small they become is asked, and how fast they come is told beside it.
    let studies = data::mr_studies(size.studies, 4 * size.slices);
    for _ in 0..size.rounds {
        one(environment, Subject::Yingdun { replicas: 1 }, &studies, 4, "ingest-mr", measured).await?;
    }
    drop(studies);
    let studies = data::random_studies(size.studies, size.slices);
    for round in 0..size.rounds {
        for subject in turns(&OF_RANDOM, round) {
            one(environment, subject, &studies, 4, "ingest-incompressible", measured).await?;
        }
    }
    Ok(())
}

/// The name of a case; the peers keep one copy.
pub(crate) fn case_name(work: &str, replicas: usize, associations: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{work}-{replicas}-replica{}-{associations}-association{}",
        plural(replicas),
        plural(associations)
    )
}

async fn one(
    environment: &Environment,
    subject: Subject,
    studies: &Arc<Vec<Images>>,
    associations: usize,
    work: &str,
    measured: &mut Measured,
) -> Outcome<()> {
    let case = case_name(work, subject.replicas(), associations);
    let running = subject.start(environment).await?;
    running.server.reset_peak_rss()?;
    let cpu_before = running.server.cpu_s()?;
    let sent = send(&running.dicom, studies, associations).await?;
    let cpu = running.server.cpu_s()? - cpu_before;
    let (seconds, gb) = (sent.elapsed.as_secs_f64(), sent.bytes as f64 / 1e9);
    let per_second = sent.instances as f64 / seconds;
    let mut add = |metric, value| measured.add(&case, subject.name(), metric, value);
    add("instances_per_s", per_second);
    add("mb_per_s", gb * 1e3 / seconds);
    // DCMTK forks for each association: what its children took is not in its own figures.
    if !matches!(subject, Subject::Storescp { .. }) {
        add("cpu_s_per_gb", cpu / gb);
        add("rss_mb", running.server.peak_rss_mb()?);
    }
    let storage_bytes = {
        // What is still only in memory gets its blocks when it is written.
        settle()?;
        running.disk_bytes()?
    };
    add("disk_mb_per_mb_sent", storage_bytes as f64 / sent.bytes as f64);
    eprintln!("{case:<48} {:<20} {per_second:>8.1} instances/s", subject.name());
    running.stop()?;
    subject.remove(environment)?;
    settle()
}

/// The same subjects, beginning with another one each round.
pub(super) fn turns(subjects: &[Subject], round: usize) -> impl Iterator<Item = Subject> + '_ {
    subjects.iter().copied().cycle().skip(round).take(subjects.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_named_by_what_varies() {
        assert_eq!(case_name("ingest", 3, 4), "ingest-3-replicas-4-associations");
        assert_eq!(case_name("ingest", 1, 1), "ingest-1-replica-1-association");
    }

    #[test]
    fn every_subject_has_one_turn_in_each_round() {
        for round in 0..5 {
            let mut names: Vec<_> = turns(&ALL, round).map(|s| (s.name(), s.replicas())).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), ALL.len());
        }
    }
}
