//! The studies of the demonstration: a CT and a few others, of people with Chinese and with Latin names.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use yingdun_dicom::synthetic::{Instance, Kind, Study};

/// How much is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Enough to try everything.
    Check,
    /// Enough to look at.
    Show,
}

/// A study and its instances, as they will be sent.
pub(super) struct Sample {
    pub(super) study: Study,
    pub(super) instances: Vec<Instance>,
}

impl Sample {
    /// Bytes of all data sets.
    pub(super) fn bytes(&self) -> u64 {
        self.instances.iter().map(|instance| instance.data_set.len() as u64).sum()
    }
}

/// Makes the studies, with every processor. The same scale gives the same bytes.
pub(super) fn make(scale: Scale) -> Vec<Sample> {
    let (ct, mr, frames) = match scale {
        Scale::Check => (60, 12, 10),
        Scale::Show => (120, 24, 30),
    };
    // The seeds choose the character sets: GB18030, UTF-8, GB18030, Latin-1.
    let patient = Study::new(20, Kind::Sr).patient;
    let studies = [
        Study::of(patient.clone(), 20, Kind::Ct { slices: ct }),
        Study::new(21, Kind::Cr),
        Study::new(22, Kind::Mr { slices: mr }),
        Study::new(24, Kind::Us { frames }),
        Study::of(patient, 25, Kind::Sr),
    ];
    studies.into_iter().map(one).collect()
}

/// A study, made.
pub(super) fn one(study: Study) -> Sample {
    Sample { instances: instances(&study), study }
}

fn instances(study: &Study) -> Vec<Instance> {
    let next = AtomicU32::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut made: Vec<(u32, Instance)> = thread::scope(|scope| {
        let work = || {
            let mut own = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= study.count() {
                    return own;
                }
                own.push((index, study.instance(index)));
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    made.sort_unstable_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, instance)| instance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use yingdun_dicom::synthetic::Repertoire;

    #[test]
    fn chinese_and_latin_names_and_five_modalities_are_among_them() {
        let samples = make(Scale::Check);
        let repertoires: Vec<Repertoire> =
            samples.iter().map(|sample| sample.study.patient.repertoire).collect();
        for wanted in [Repertoire::Gb18030, Repertoire::Utf8, Repertoire::Latin1] {
            assert!(repertoires.contains(&wanted), "{wanted:?}");
        }
        let classes: BTreeSet<&str> = samples
            .iter()
            .flat_map(|sample| &sample.instances)
            .map(|instance| instance.sop_class.as_str())
            .collect();
        assert_eq!(classes.len(), 5);
        assert!(samples.iter().all(|sample| sample.instances.len() as u32 == sample.study.count()));
    }
}
