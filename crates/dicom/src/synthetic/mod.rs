//! Plausible studies made from a seed: for the demonstration, for tests and for benchmarks.
//!
//! The same seed always gives the same bytes: there is no clock and no other source of chance. Images show
//! ellipses of roughly human anatomy with the values and the noise of real modalities, so they compress and
//! look like real ones. No patient data of any kind went into them; the names are put together from lists.
//!
//! ```
//! use yingdun_dicom::synthetic::{Kind, Study};
//! let study = Study::new(7, Kind::Ct { slices: 3 });
//! let files: Vec<Vec<u8>> = study.instances().map(|instance| instance.to_file()).collect();
//! assert_eq!(files.len(), 3);
//! ```

mod anatomy;
mod attributes;
mod canvas;
mod patient;
mod rng;
mod stream;

use crate::part10;
use crate::tag::tags;
use crate::transfer_syntax;
use crate::transfer_syntax::Encoding;
use crate::vr::Vr;
use crate::write;
use attributes::uid;
pub use patient::{Patient, Repertoire};
use rng::Rng;
pub use stream::EnhancedCt;
use yingdun_model::Uid;

/// What a study consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A CT of the chest, 512×512, 16 bits.
    Ct {
        /// Number of images.
        slices: u32,
    },
    /// A CT with a matrix of another size, for tests that need many small instances.
    CtMatrix {
        /// Number of images.
        slices: u32,
        /// Rows and columns.
        matrix: u16,
    },
    /// A radiograph of the chest, 2048×2048, 16 bits.
    Cr,
    /// An MR of the head, 256×256, 16 bits.
    Mr {
        /// Number of images.
        slices: u32,
    },
    /// An ultrasound cine loop, 640×480, 8 bits, one multi-frame instance.
    Us {
        /// Number of frames.
        frames: u32,
    },
    /// A report in text.
    Sr,
}

/// A study of one patient.
#[derive(Clone, Debug)]
pub struct Study {
    seed: u64,
    kind: Kind,
    /// Whose study it is.
    pub patient: Patient,
    /// Study Instance UID.
    pub study: Uid,
    /// Series Instance UID of its only series.
    pub series: Uid,
    /// Study Date, `YYYYMMDD`.
    pub date: String,
    /// Accession Number.
    pub accession_number: String,
}

/// One instance, ready to be sent.
#[derive(Clone, Debug)]
pub struct Instance {
    /// SOP Class UID.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Transfer syntax of `data_set`.
    pub transfer_syntax: Uid,
    /// The data set, without file meta information.
    pub data_set: Vec<u8>,
}

impl Study {
    /// Makes up a study; the patient follows from the seed too.
    #[must_use]
    pub fn new(seed: u64, kind: Kind) -> Self {
        let patient = Patient::new(seed);
        Self::of(patient, seed, kind)
    }

    /// Makes up a study of a given patient.
    #[must_use]
    pub fn of(patient: Patient, seed: u64, kind: Kind) -> Self {
        let mut rng = Rng::new(seed ^ 0x5354_5544);
        let year = 2020 + rng.below(6);
        let (month, day) = (1 + rng.below(12), 1 + rng.below(28));
        Self {
            seed,
            kind,
            patient,
            study: uid(&mut rng),
            series: uid(&mut rng),
            date: format!("{year:04}{month:02}{day:02}"),
            accession_number: format!("A{:08}", rng.below(100_000_000)),
        }
    }

    /// Number of instances.
    #[must_use]
    pub fn count(&self) -> u32 {
        match self.kind {
            Kind::Ct { slices } | Kind::CtMatrix { slices, .. } | Kind::Mr { slices } => slices,
            Kind::Cr | Kind::Us { .. } | Kind::Sr => 1,
        }
    }

    /// The instances, made one by one as they are asked for.
    pub fn instances(&self) -> impl Iterator<Item = Instance> + '_ {
        (0..self.count()).map(|index| self.instance(index))
    }

    /// One instance by its index from 0. Any index gives an image; the anatomy ends at [`Study::count`].
    #[must_use]
    pub fn instance(&self, index: u32) -> Instance {
        let rng = Rng::new(self.seed ^ (u64::from(index) << 32) ^ 0x494d_4147);
        let number = index + 1;
        match self.kind {
            Kind::Ct { slices } => self.ct(number, slices, 512, rng),
            Kind::CtMatrix { slices, matrix } => self.ct(number, slices, matrix, rng),
            Kind::Cr => self.cr(rng),
            Kind::Mr { slices } => self.mr(number, slices, rng),
            Kind::Us { frames } => self.us(frames, rng),
            Kind::Sr => self.sr(rng),
        }
    }

    fn ct(&self, number: u32, slices: u32, matrix: u16, mut rng: Rng) -> Instance {
        let sop_instance = uid(&mut rng);
        let class = "1.2.840.10008.5.1.4.1.1.2";
        let mut set = self.common(class, &sop_instance, "CT", number);
        attributes::ct_slice(&mut set, &self.series, number, matrix);
        let canvas = anatomy::chest_ct(self.seed, number, slices, matrix, &mut rng);
        instance(class, sop_instance, &set, Vr::OW, &canvas.words())
    }

    fn cr(&self, mut rng: Rng) -> Instance {
        let sop_instance = uid(&mut rng);
        let class = "1.2.840.10008.5.1.4.1.1.1";
        let mut set = self.common(class, &sop_instance, "CR", 1);
        set.put_text(tags::BODY_PART_EXAMINED, Vr::CS, "CHEST");
        attributes::image(&mut set, 2048, 2048, 12, false);
        set.put_text(tags::PHOTOMETRIC_INTERPRETATION, Vr::CS, "MONOCHROME1");
        let canvas = anatomy::chest_radiograph(2048, &mut rng);
        instance(class, sop_instance, &set, Vr::OW, &canvas.words())
    }

    fn mr(&self, number: u32, slices: u32, mut rng: Rng) -> Instance {
        let sop_instance = uid(&mut rng);
        let class = "1.2.840.10008.5.1.4.1.1.4";
        let mut set = self.common(class, &sop_instance, "MR", number);
        set.put_text(tags::BODY_PART_EXAMINED, Vr::CS, "BRAIN");
        attributes::position(&mut set, &self.series, number, 3.0, 0.9);
        attributes::image(&mut set, 256, 256, 12, false);
        let canvas = anatomy::head_mr(number, slices, 256, &mut rng);
        instance(class, sop_instance, &set, Vr::OW, &canvas.words())
    }

    fn us(&self, frames: u32, mut rng: Rng) -> Instance {
        let sop_instance = uid(&mut rng);
        let class = "1.2.840.10008.5.1.4.1.1.3.1";
        let mut set = self.common(class, &sop_instance, "US", 1);
        attributes::image(&mut set, 480, 640, 8, false);
        set.put_text(tags::NUMBER_OF_FRAMES, Vr::IS, &frames.to_string());
        let mut pixels = Vec::new();
        for frame in 0..frames {
            pixels.extend(anatomy::ultrasound(frame, &mut rng).bytes());
        }
        instance(class, sop_instance, &set, Vr::OB, &pixels)
    }

    fn sr(&self, mut rng: Rng) -> Instance {
        let sop_instance = uid(&mut rng);
        let class = "1.2.840.10008.5.1.4.1.1.88.11";
        let mut set = self.common(class, &sop_instance, "SR", 1);
        attributes::report(&mut set, self.patient.repertoire);
        let data_set = write::data_set(&set, Encoding::ExplicitLe);
        Instance { data_set, ..instance(class, sop_instance, &set, Vr::OW, &[]) }
    }
}

impl Instance {
    /// The instance as a DICOM file.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut file = part10::write_header(&self.sop_class, &self.sop_instance, &self.transfer_syntax, None);
        file.extend_from_slice(&self.data_set);
        file
    }
}

// === helpers ===

fn instance(
    class: &str,
    sop_instance: Uid,
    set: &crate::data_set::DataSet,
    vr: Vr,
    pixels: &[u8],
) -> Instance {
    let mut data_set = write::data_set(set, Encoding::ExplicitLe);
    let length = u32::try_from(pixels.len()).unwrap_or(u32::MAX - 1);
    data_set.reserve_exact(pixels.len() + 12);
    write::element_header(tags::PIXEL_DATA, vr, Some(length), Encoding::ExplicitLe, &mut data_set);
    data_set.extend_from_slice(pixels);
    let transfer_syntax = attributes::known_uid(transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN);
    Instance { sop_class: attributes::known_uid(class), sop_instance, transfer_syntax, data_set }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{FrameTable, ImageShape};
    use crate::index::InstanceIndex;
    use crate::limits::Limits;
    use crate::scan::{Scanned, scan};

    const KINDS: [Kind; 5] =
        [Kind::Ct { slices: 2 }, Kind::Cr, Kind::Mr { slices: 2 }, Kind::Us { frames: 3 }, Kind::Sr];

    fn read(instance: &Instance) -> Scanned {
        let syntax = transfer_syntax::lookup(&instance.transfer_syntax);
        scan(&instance.data_set, syntax, Limits::default()).unwrap()
    }

    #[test]
    fn every_kind_is_a_complete_data_set_that_the_archive_can_index_and_address() {
        for kind in KINDS {
            let study = Study::new(11, kind);
            for instance in study.instances() {
                let scanned = read(&instance);
                let index = InstanceIndex::from_data_set(&scanned.data_set).unwrap();
                assert_eq!(index.sop_instance, instance.sop_instance);
                assert_eq!(index.study, study.study);
                assert_eq!(index.patient_id.expose(), &study.patient.id);
                assert_eq!(index.patient_name.expose(), &study.patient.name);
                assert!(!index.recovered_text && scanned.notes.is_empty(), "{kind:?}");
                if let Some(pixels) = &scanned.pixels {
                    let shape = ImageShape::of(&scanned.data_set);
                    let table = FrameTable::build(pixels, shape).unwrap();
                    let last = table.frame(table.frames()).unwrap();
                    assert_eq!(last.parts[0].end, instance.data_set.len() as u64);
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
        let small = Kind::CtMatrix { slices: 2, matrix: 64 };
        for kind in [small, Kind::Mr { slices: 1 }, Kind::Us { frames: 1 }, Kind::Sr] {
            let file = |seed| Study::new(seed, kind).instance(0).to_file();
            assert_eq!(file(3), file(3));
            assert_ne!(file(3), file(4));
        }
    }

    #[test]
    fn a_slice_shows_air_lung_soft_tissue_and_bone() {
        let instance = Study::new(5, Kind::Ct { slices: 40 }).instance(20);
        let pixels = read(&instance).pixels.unwrap();
        let (words, _) = instance.data_set[pixels.offset as usize..].as_chunks::<2>();
        let mut histogram = [0_usize; 4];
        for word in words {
            let hounsfield = i32::from(u16::from_le_bytes(*word)) - 1_024;
            let class = match hounsfield {
                ..-950 => 0,
                -950..-700 => 1,
                -200..150 => 2,
                200.. => 3,
                _ => continue,
            };
            histogram[class] += 1;
        }
        assert!(histogram.iter().all(|count| *count > 1_000), "{histogram:?}");
    }

    #[test]
    fn identifiers_differ_within_and_between_studies() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..20 {
            let study = Study::new(seed, Kind::CtMatrix { slices: 5, matrix: 16 });
            assert!(seen.insert(study.study.clone()) && seen.insert(study.series.clone()));
            for instance in study.instances() {
                assert!(seen.insert(instance.sop_instance));
            }
        }
    }
}
