//! Writes a DICOMDIR. Records are kept as bytes and in the order of their files; where each stands is known when all are.

use super::records::{self, PATIENT, RecordType, SERIES, STUDY};
use crate::data_set::DataSet;
use crate::part10;
use crate::tag::tags;
use crate::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, Encoding};
use crate::vr::Vr;
use crate::write;
use std::collections::HashMap;
use yingdun_model::Uid;

/// The SOP class of a DICOMDIR (PS3.4 §I.4).
pub const MEDIA_STORAGE_DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// Bytes of an item header, and of the three elements with which every record begins: Offset of the Next Directory Record
/// (UL), Record In-use Flag (US), Offset of Referenced Lower-Level Directory Entity (UL).
const ITEM_HEADER_BYTES: usize = 8;
const LINKS_BYTES: usize = 12 + 10 + 12;

/// Record In-use Flag: in use (PS3.3 Table F.3-3).
const IN_USE: u16 = 0xffff;

/// A file of the medium.
#[derive(Clone, Debug)]
pub struct DirectoryFile<'f> {
    /// Its file ID: components below the folder of the DICOMDIR, upper-case names of at most eight characters.
    pub id: &'f [&'f str],
    /// Its SOP class.
    pub sop_class: &'f Uid,
    /// Its SOP instance.
    pub sop_instance: &'f Uid,
    /// How it is encoded.
    pub transfer_syntax: &'f Uid,
}

/// A DICOMDIR in the making. Each file costs its record, some three hundred bytes.
#[derive(Debug, Default)]
pub struct Directory {
    /// Patients, each with studies, each with series, each with objects.
    patients: Entity,
}

/// Records of one level that belong together, by what tells them apart.
#[derive(Debug, Default)]
struct Entity {
    records: Vec<Record>,
    by_key: HashMap<Vec<u8>, usize>,
}

#[derive(Debug)]
struct Record {
    /// Everything behind the links.
    body: Vec<u8>,
    lower: Entity,
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file. `object` is its data set, as far as it has been read: what is missing gets a stand-in where the standard
    /// demands a value.
    pub fn add(&mut self, file: &DirectoryFile<'_>, object: &DataSet) {
        let of = |tag| object.bytes(tag).unwrap_or_default();
        // Two patients may share an ID when two institutions gave it.
        let patient = [of(tags::PATIENT_ID), b"\\", of(tags::ISSUER_OF_PATIENT_ID)].concat();
        let study =
            self.patients.at(&patient, &PATIENT, object).at(of(tags::STUDY_INSTANCE_UID), &STUDY, object);
        let series = study.at(of(tags::SERIES_INSTANCE_UID), &SERIES, object);
        let kind = records::of_class(file.sop_class.as_str());
        let mut record = records::keys_of(kind, object);
        record.put_text(tags::REFERENCED_FILE_ID, Vr::CS, &file.id.join("\\"));
        record.put_text(tags::REFERENCED_SOP_CLASS_UID_IN_FILE, Vr::UI, file.sop_class.as_str());
        record.put_text(tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE, Vr::UI, file.sop_instance.as_str());
        record.put_text(tags::REFERENCED_TRANSFER_SYNTAX_UID_IN_FILE, Vr::UI, file.transfer_syntax.as_str());
        series.records.push(Record::new(kind, record));
    }

    /// The file DICOMDIR. `instance` is its own new UID. `None` when it would not fit: offsets have 32 bits.
    #[must_use]
    pub fn finish(self, instance: &Uid) -> Option<Vec<u8>> {
        let class = Uid::new(MEDIA_STORAGE_DIRECTORY).ok()?;
        let syntax = Uid::new(EXPLICIT_VR_LITTLE_ENDIAN).ok()?;
        let mut file = part10::write_header(&class, instance, &syntax, None);
        let records_bytes = u32::try_from(self.patients.bytes()).ok()?;
        // The root record of the file-set has four elements before the records: see below.
        let mut root = DataSet::new();
        root.put_text(tags::FILE_SET_ID, Vr::CS, "");
        let root_bytes = write::data_set(&root, Encoding::ExplicitLe).len() + 12 + 12 + 10 + 12;
        let start = u32::try_from(file.len() + root_bytes).ok()?;
        start.checked_add(records_bytes)?;
        let last = self.patients.last_offset(start);
        root.put(tags::OFFSET_OF_THE_FIRST_RECORD, Vr::UL, offset(if records_bytes > 0 { start } else { 0 }));
        root.put(tags::OFFSET_OF_THE_LAST_RECORD, Vr::UL, offset(last));
        root.put_u16(tags::FILE_SET_CONSISTENCY_FLAG, 0);
        file.extend(write::data_set(&root, Encoding::ExplicitLe));
        let (tag, vr) = (tags::DIRECTORY_RECORD_SEQUENCE, Vr::SQ);
        write::element_header(tag, vr, Some(records_bytes), Encoding::ExplicitLe, &mut file);
        debug_assert_eq!(file.len(), start as usize);
        self.patients.write(start, &mut file);
        Some(file)
    }
}

impl Entity {
    /// The entity below the record with this key, which is made when it is new.
    fn at(&mut self, key: &[u8], kind: &RecordType, object: &DataSet) -> &mut Self {
        let next = self.records.len();
        let index = *self.by_key.entry(key.to_vec()).or_insert(next);
        if index == next {
            self.records.push(Record::new(kind, records::keys_of(kind, object)));
        }
        // INVARIANT: the index is that of a record, by the two lines above.
        #[allow(clippy::indexing_slicing)]
        &mut self.records[index].lower
    }

    fn bytes(&self) -> u64 {
        self.records.iter().map(Record::bytes).sum()
    }

    /// Where the last record stands when the first one stands at `start`.
    fn last_offset(&self, start: u32) -> u32 {
        let Some((_, before)) = self.records.split_last() else { return 0 };
        before.iter().fold(start, |at, record| at.saturating_add(clamp(record.bytes())))
    }

    fn write(&self, start: u32, out: &mut Vec<u8>) {
        let mut at = start;
        for (place, record) in self.records.iter().enumerate() {
            let next = at.saturating_add(clamp(record.bytes()));
            let is_last = place + 1 == self.records.len();
            record.write(at, if is_last { 0 } else { next }, out);
            at = next;
        }
    }
}

impl Record {
    fn new(kind: &RecordType, mut keys: DataSet) -> Self {
        keys.put_text(tags::DIRECTORY_RECORD_TYPE, Vr::CS, kind.name);
        Self { body: write::data_set(&keys, Encoding::ExplicitLe), lower: Entity::default() }
    }

    /// Bytes of the item alone.
    fn own_bytes(&self) -> u64 {
        (ITEM_HEADER_BYTES + LINKS_BYTES + self.body.len()) as u64
    }

    /// Bytes of the item and of everything below it.
    fn bytes(&self) -> u64 {
        self.own_bytes() + self.lower.bytes()
    }

    /// Writes the item at `at`, and what is below it behind it. Offsets count from the first byte of the file to the item
    /// (PS3.3 §F.3.2.2).
    fn write(&self, at: u32, next: u32, out: &mut Vec<u8>) {
        let below = at.saturating_add(clamp(self.own_bytes()));
        let length = clamp((LINKS_BYTES + self.body.len()) as u64);
        write::element_header(tags::ITEM, Vr::UN, Some(length), Encoding::ExplicitLe, out);
        let mut links = DataSet::new();
        links.put(tags::OFFSET_OF_THE_NEXT_RECORD, Vr::UL, offset(next));
        links.put_u16(tags::RECORD_IN_USE_FLAG, IN_USE);
        let lower = if self.lower.records.is_empty() { 0 } else { below };
        links.put(tags::OFFSET_OF_LOWER_LEVEL, Vr::UL, offset(lower));
        out.extend(write::data_set(&links, Encoding::ExplicitLe));
        out.extend_from_slice(&self.body);
        self.lower.write(below, out);
    }
}

fn offset(at: u32) -> crate::data_set::Value {
    crate::data_set::Value::Bytes(at.to_le_bytes().to_vec())
}

/// The sum of all records fits, as [`Directory::finish`] has checked; so does each of them.
fn clamp(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicomdir::referenced_files;
    use crate::limits::Limits;
    use crate::part10::HeaderLook;
    use crate::scan::scan;
    use crate::synthetic::{Kind, Study};
    use crate::transfer_syntax::lookup;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    /// Follows the offsets as a reader of media does, and says each record as `TYPE key`.
    fn follow(file: &[u8], at: u32, depth: usize, said: &mut Vec<String>) {
        let mut at = at as usize;
        while at != 0 {
            let item = &file[at..];
            assert_eq!(&item[..4], b"\xfe\xff\x00\xe0", "an item stands at {at}");
            let length = u32::from_le_bytes(item[4..8].try_into().unwrap()) as usize;
            let explicit = lookup(&uid(EXPLICIT_VR_LITTLE_ENDIAN));
            let record = scan(&item[8..8 + length], explicit, Limits::default()).unwrap().data_set;
            let text = |tag| record.text(tag, &record.character_sets()).unwrap_or_default();
            let key =
                [tags::PATIENT_ID, tags::STUDY_DESCRIPTION, tags::SERIES_NUMBER, tags::REFERENCED_FILE_ID]
                    .map(text)
                    .concat();
            said.push(format!("{}{} {key}", " ".repeat(depth), text(tags::DIRECTORY_RECORD_TYPE)));
            let lower = record.int(tags::OFFSET_OF_LOWER_LEVEL).unwrap();
            if lower != 0 {
                follow(file, u32::try_from(lower).unwrap(), depth + 1, said);
            }
            at = usize::try_from(record.int(tags::OFFSET_OF_THE_NEXT_RECORD).unwrap()).unwrap();
        }
    }

    fn root(file: &[u8]) -> DataSet {
        let HeaderLook::Found(header) = part10::read_header(file, true).unwrap() else { panic!("no header") };
        assert_eq!(header.sop_class.unwrap().as_str(), MEDIA_STORAGE_DIRECTORY);
        let explicit = lookup(&uid(EXPLICIT_VR_LITTLE_ENDIAN));
        scan(&file[header.data_set_offset..], explicit, Limits::default()).unwrap().data_set
    }

    #[test]
    fn offsets_lead_from_record_to_record_and_every_file_is_named() {
        let mut directory = Directory::new();
        let mut ids = Vec::new();
        for (number, kind) in [Kind::Mr { slices: 2 }, Kind::Ct { slices: 3 }].into_iter().enumerate() {
            for (at, instance) in Study::new(number as u64 + 1, kind).instances().enumerate() {
                let syntax = lookup(&instance.transfer_syntax);
                let object = scan(&instance.data_set, syntax, Limits::default()).unwrap().data_set;
                let (study, image) = (format!("ST{number}"), format!("IM{at}"));
                let id = ["DICOM", study.as_str(), image.as_str()];
                let file = DirectoryFile {
                    id: &id,
                    sop_class: &instance.sop_class,
                    sop_instance: &instance.sop_instance,
                    transfer_syntax: &instance.transfer_syntax,
                };
                directory.add(&file, &object);
                ids.push(id.map(str::to_owned).to_vec());
            }
        }
        let file = directory.finish(&uid("1.2.3")).unwrap();
        assert_eq!(referenced_files(&file).unwrap(), ids);
        let root = root(&file);
        let mut said = Vec::new();
        let first = u32::try_from(root.int(tags::OFFSET_OF_THE_FIRST_RECORD).unwrap()).unwrap();
        follow(&file, first, 0, &mut said);
        let levels = |level: &str| said.iter().filter(|line| line.trim_start().starts_with(level)).count();
        assert_eq!((levels("PATIENT"), levels("STUDY"), levels("IMAGE")), (2, 2, 5), "{said:#?}");
        assert_eq!(said.len(), root.items(tags::DIRECTORY_RECORD_SEQUENCE).len());
        let last = usize::try_from(root.int(tags::OFFSET_OF_THE_LAST_RECORD).unwrap()).unwrap();
        let mut of_last = Vec::new();
        follow(&file, u32::try_from(last).unwrap(), 0, &mut of_last);
        assert!(of_last[0].starts_with("PATIENT") && of_last.len() < said.len());
    }

    #[test]
    fn an_object_that_says_nothing_still_gets_legal_records() {
        let mut directory = Directory::new();
        let (class, instance) = (uid("1.2.840.10008.5.1.4.1.1.88.11"), uid("1.2"));
        let syntax = uid(EXPLICIT_VR_LITTLE_ENDIAN);
        let file = DirectoryFile {
            id: &["A"],
            sop_class: &class,
            sop_instance: &instance,
            transfer_syntax: &syntax,
        };
        directory.add(&file, &DataSet::new());
        let file = directory.finish(&uid("1.2.3")).unwrap();
        let root = root(&file);
        let records = root.items(tags::DIRECTORY_RECORD_SEQUENCE);
        let text = |at: usize, tag| records[at].text(tag, &records[at].character_sets()).unwrap();
        assert_eq!(text(0, tags::PATIENT_ID), "UNKNOWN");
        assert_eq!(text(1, tags::STUDY_DATE), NO_DATE_OF_A_STUDY);
        assert_eq!(text(3, tags::DIRECTORY_RECORD_TYPE), "SR DOCUMENT");
        assert_eq!(text(3, tags::COMPLETION_FLAG), "PARTIAL");
        assert!(Directory::new().finish(&uid("1.2.3")).is_some());
    }

    const NO_DATE_OF_A_STUDY: &str = "19000101";
}
