//! What is sent: studies of the seeded generator, kept in memory so that making them costs no measured time.

use bytes::Bytes;
use std::sync::Arc;
use std::thread;
use yingdun_dicom::synthetic::{EnhancedCt, Instance, Kind, Patient, Study};
use yingdun_dimse::scp::Object;
use yingdun_model::Uid;

/// Seed of the compressible studies; each study adds its number.
const SEED: u64 = 2_762;
/// Seed of the studies whose pixels are random.
const RANDOM_SEED: u64 = 9_000;
/// Seed of the enhanced CT.
const ENHANCED_SEED: u64 = 11_112;
/// Seed of the series of which metadata are asked.
const DESCRIBED_SEED: u64 = 1_000;
/// Seed of the MR studies; each study adds its number.
const MR_SEED: u64 = 3_000;
/// Seed of the many small studies that are searched.
const SEARCH_SEED: u64 = 1_000_000;

/// Pixel bytes of a 512×512×16 bit slice.
const PIXEL_BYTES: usize = 512 * 512 * 2;
/// Matrix of the small instances that are searched: what is searched is their headers.
const SMALL_MATRIX: u16 = 16;

/// One instance, ready to be sent.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) object: Object,
    pub(crate) data_set: Bytes,
}

/// One study of one series.
#[derive(Clone)]
pub(crate) struct Images {
    pub(crate) patient: Patient,
    pub(crate) date: String,
    pub(crate) study: Uid,
    pub(crate) series: Uid,
    pub(crate) images: Vec<Image>,
}

impl Images {
    /// Bytes of all data sets.
    pub(crate) fn bytes(&self) -> u64 {
        self.images.iter().map(|image| image.data_set.len() as u64).sum()
    }
}

/// CT studies of 512×512×16 bit slices with anatomy and noise: native pixels that compress like real ones.
pub(crate) fn ct_studies(count: u64, slices: u32) -> Arc<Vec<Images>> {
    made(count, |number| of_study(&Study::new(SEED + number, Kind::Ct { slices }), |instance| instance))
}

/// The same studies with random bits for pixels: nothing compresses them.
pub(crate) fn random_studies(count: u64, slices: u32) -> Arc<Vec<Images>> {
    made(count, |number| {
        let mut random = Random::new(RANDOM_SEED + number);
        of_study(&Study::new(RANDOM_SEED + number, Kind::Ct { slices }), |mut instance| {
            let header = instance.data_set.len().saturating_sub(PIXEL_BYTES);
            let pixels = instance.data_set.get_mut(header..).unwrap_or_default();
            for word in pixels.chunks_mut(8) {
                let bits = random.next().to_le_bytes();
                word.iter_mut().zip(bits).for_each(|(byte, random)| *byte = random);
            }
            instance
        })
    })
}

/// Many studies of few small instances.
pub(crate) fn small_studies(count: u64, slices: u32) -> Arc<Vec<Images>> {
    made(count, |number| {
        let kind = Kind::CtMatrix { slices, matrix: SMALL_MATRIX };
        of_study(&Study::new(SEARCH_SEED + number, kind), |instance| instance)
    })
}

/// One enhanced CT of 200 frames, 105 MB, and its series.
pub(crate) fn enhanced_ct() -> Images {
    let (object, images) = streamed_enhanced_ct(200);
    let described = object_of(&object);
    let data_set: Vec<u8> = object.flatten().collect();
    Images { images: vec![Image { object: described, data_set: data_set.into() }], ..images }
}

/// An enhanced CT of any length, whose bytes are made as they are sent, and the series in which it is.
pub(crate) fn streamed_enhanced_ct(frames: u32) -> (EnhancedCt, Images) {
    let object = EnhancedCt::new(ENHANCED_SEED, frames);
    let described = Study::new(ENHANCED_SEED, Kind::Ct { slices: frames });
    let images = Images {
        patient: described.patient,
        date: described.date,
        study: object.study.clone(),
        series: described.series,
        images: Vec::new(),
    };
    (object, images)
}

/// What a C-STORE says of an enhanced CT.
pub(crate) fn object_of(object: &EnhancedCt) -> Object {
    Object {
        sop_class: object.sop_class.clone(),
        sop_instance: object.sop_instance.clone(),
        transfer_syntax: object.transfer_syntax.clone(),
    }
}

/// One series of small slices: what is asked of it is what describes it.
pub(crate) fn described_series(slices: u32) -> Arc<Vec<Images>> {
    made(1, |_| {
        let kind = Kind::CtMatrix { slices, matrix: SMALL_MATRIX };
        of_study(&Study::new(DESCRIBED_SEED, kind), |instance| instance)
    })
}

/// MR studies of 256×256×16 bit slices.
pub(crate) fn mr_studies(count: u64, slices: u32) -> Arc<Vec<Images>> {
    made(count, |number| of_study(&Study::new(MR_SEED + number, Kind::Mr { slices }), |instance| instance))
}

/// A small generator (SplitMix64) for choices that must be the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.next() % items.len().max(1) as u64).unwrap_or(0);
        items.get(at)
    }
}

// === helpers ===

/// Makes studies on every core; the result does not depend on how many there are.
fn made(count: u64, make: impl Fn(u64) -> Images + Sync) -> Arc<Vec<Images>> {
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut studies: Vec<(u64, Images)> = thread::scope(|scope| {
        let make = &make;
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    let numbers = (worker..count).step_by(usize::try_from(workers).unwrap_or(1));
                    numbers.map(|number| (number, make(number))).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    studies.sort_by_key(|(number, _)| *number);
    Arc::new(studies.into_iter().map(|(_, study)| study).collect())
}

fn of_study(study: &Study, mut change: impl FnMut(Instance) -> Instance) -> Images {
    Images {
        patient: study.patient.clone(),
        date: study.date.clone(),
        study: study.study.clone(),
        series: study.series.clone(),
        images: study.instances().map(|instance| image(change(instance))).collect(),
    }
}

fn image(instance: Instance) -> Image {
    let Instance { sop_class, sop_instance, transfer_syntax, data_set } = instance;
    Image { object: Object { sop_class, sop_instance, transfer_syntax }, data_set: data_set.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn studies_do_not_depend_on_the_threads_that_made_them() {
        let (first, second) = (small_studies(9, 2), small_studies(9, 2));
        assert_eq!(first.len(), 9);
        for (a, b) in first.iter().zip(second.iter()) {
            assert_eq!(a.study, b.study);
            assert_eq!(a.images[1].data_set, b.images[1].data_set);
        }
    }

    #[test]
    fn random_pixels_differ_from_slice_to_slice_and_keep_the_length() {
        let studies = random_studies(1, 2);
        let [a, b] = [&studies[0].images[0].data_set, &studies[0].images[1].data_set];
        assert_ne!(a[a.len() - PIXEL_BYTES..], b[b.len() - PIXEL_BYTES..]);
        assert!(a.len() > PIXEL_BYTES);
    }
}
