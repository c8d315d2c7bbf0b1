//! Studies that do not exist, each made from its number: names by the frequency of Chinese family names, three studies
//! to a patient, ten years of dates, and as many search terms as the archive makes.

use super::Size;
use super::keyed::Keyed;
use yingdun_catalog::catalogue::{
    Date, InstanceFacts, SeriesFacts, StudyFacts, StudyTerms, TimeOfDay, Token,
};
use yingdun_dicom::person_name::{fold, parts};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

pub(super) const SERIES_PER_STUDY: u32 = 3;
const STUDIES_PER_PATIENT: u32 = 3;
/// Days over which the studies are spread, in months of 30 days.
pub(super) const DAYS: u32 = 3600;
/// Lengths of the beginnings that have a term, as in the archive: of names and of identifiers.
const NAME_BEGINNINGS: &[usize] = &[1, 2, 3, 4, 5, 6, 8, 12];
const IDENTIFIER_BEGINNINGS: &[usize] = &[1, 2, 4, 6, 8, 12];
/// Bytes of the sealed columns of a study and a series, as the archive writes them.
const SEALED_STUDY_BYTES: usize = 1000;
const SEALED_SERIES_BYTES: usize = 800;
/// Bytes of a location, as the archive writes it.
const LOCATION_BYTES: usize = 52;
const MODALITIES: [&str; 8] = ["CT", "CT", "CT", "MR", "MR", "DX", "DX", "US"];

/// Family names and how many in 100 have them; the last one stands for all others.
const FAMILIES: [(&str, &str, u64); 12] = [
    ("Wang", "王", 7),
    ("Li", "李", 7),
    ("Zhang", "张", 7),
    ("Liu", "刘", 5),
    ("Chen", "陈", 5),
    ("Yang", "杨", 3),
    ("Huang", "黄", 3),
    ("Zhao", "赵", 2),
    ("Wu", "吴", 2),
    ("Zhou", "周", 2),
    ("Shan", "单", 1),
    ("Xu", "徐", 56),
];
const GIVEN: [(&str, &str); 24] = [
    ("xiao", "晓"),
    ("dong", "东"),
    ("wei", "伟"),
    ("fang", "芳"),
    ("na", "娜"),
    ("min", "敏"),
    ("jing", "静"),
    ("li", "丽"),
    ("qiang", "强"),
    ("lei", "磊"),
    ("jun", "军"),
    ("yang", "洋"),
    ("yong", "勇"),
    ("yan", "艳"),
    ("jie", "杰"),
    ("juan", "娟"),
    ("tao", "涛"),
    ("ming", "明"),
    ("chao", "超"),
    ("xiu", "秀"),
    ("ying", "英"),
    ("hua", "华"),
    ("ping", "平"),
    ("gang", "刚"),
];

/// All that is generated.
pub(super) struct Hospital {
    pub(super) size: Size,
    pub(super) institution: InstitutionId,
    /// Where whole searches have to find and open what is here.
    keyed: Option<Keyed>,
}

impl Hospital {
    pub(super) fn new(size: Size) -> Self {
        let institution = InstitutionId::new("renmin").unwrap_or_else(|_| unreachable!("a legal name"));
        Self { size, institution, keyed: None }
    }

    /// One whose tokens and columns are under the keys of an installation.
    pub(super) fn keyed(size: Size, keyed: Keyed) -> Self {
        Self { size, institution: keyed.institution.clone(), keyed: Some(keyed) }
    }

    pub(super) fn study(&self, s: u32) -> StudyFacts {
        StudyFacts { sealed: self.sealed_study(s), ..self.described(s, self.tokens(s)) }
    }

    /// The terms of a study, those of its modality excepted.
    pub(super) fn tokens(&self, s: u32) -> Vec<Token> {
        match &self.keyed {
            Some(keyed) => tokens_by(s, &|kind, is_whole, text| keyed.token(kind, is_whole, text)),
            None => tokens(s),
        }
    }

    /// The sealed column of a study.
    pub(super) fn sealed_study(&self, s: u32) -> Vec<u8> {
        self.keyed.as_ref().map_or_else(|| vec![0x5a; SEALED_STUDY_BYTES], |keyed| keyed.study_column(s))
    }

    /// The sealed column of a series.
    fn sealed_series(&self, s: u32, r: u32) -> Vec<u8> {
        self.keyed.as_ref().map_or_else(|| vec![0x5a; SEALED_SERIES_BYTES], |keyed| keyed.series_column(s, r))
    }

    fn described(&self, s: u32, tokens: Vec<Token>) -> StudyFacts {
        let dice = mixed(u64::from(s));
        StudyFacts {
            institution: self.institution.clone(),
            patient: patient_ref(patient_of(s)),
            uid: uid(1, u64::from(s)),
            grade: Grade::L4,
            received: Timestamp::from_ms(i64::from(s)),
            patient_conflict: false,
            terms: StudyTerms {
                date: day(date_of(s)),
                time: TimeOfDay::new(dice % 24, dice % 60, 0, 0),
                tokens,
                modalities: vec![modality_of(s).to_owned()],
                accession: None,
            },
            sealed: Vec::new(),
        }
    }

    /// The same without its terms and its sealed column, which take longest to make.
    pub(super) fn study_without_terms(&self, s: u32) -> StudyFacts {
        self.described(s, Vec::new())
    }

    pub(super) fn series(&self, s: u32, r: u32) -> SeriesFacts {
        SeriesFacts {
            institution: self.institution.clone(),
            study: study_ref(s),
            uid: uid(2, u64::from(s) * 1000 + u64::from(r)),
            modality: modality_of(s).to_owned(),
            number: i32::try_from(r).ok(),
            performed_date: day(date_of(s)),
            performed_time: None,
            received: Timestamp::from_ms(i64::from(s)),
            sealed: self.sealed_series(s, r),
        }
    }

    pub(super) fn instance(&self, s: u32, r: u32, i: u32) -> InstanceFacts {
        let number = (u64::from(s) * 1000 + u64::from(r)) * 10_000 + u64::from(i);
        InstanceFacts {
            institution: self.institution.clone(),
            study: study_ref(s),
            series: series_ref(s, r),
            reference: instance_ref(s, r, i),
            version: 1,
            sop_instance: uid(3, number),
            sop_class: fixed("1.2.840.10008.5.1.4.1.1.2"),
            transfer_syntax: fixed("1.2.840.10008.1.2.1"),
            number: i32::try_from(i).ok(),
            rows: Some(512),
            columns: Some(512),
            bits_allocated: Some(16),
            frames: None,
            received: Timestamp::from_ms(i64::from(s)),
            object_bytes: 525_000,
            location: vec![1; LOCATION_BYTES],
            sealed: Some(vec![2; 16]),
        }
    }
}

/// The same, where nothing has to be found but by who knows how they are made.
pub(super) fn tokens(s: u32) -> Vec<Token> {
    tokens_by(s, &plain)
}

/// What a token is made of: what it stands for, whether of a whole value, and the text.
type TokenOf<'k> = &'k dyn Fn(Kind, bool, &str) -> Token;

fn tokens_by(s: u32, of: TokenOf<'_>) -> Vec<Token> {
    let patient = patient_of(s);
    let name = name_of(patient);
    let mut tokens = Vec::with_capacity(96);
    for (kind, text) in [
        (Kind::PatientId, patient_id(patient)),
        (Kind::Accession, accession(s)),
        (Kind::StudyId, format!("{}", s % 100_000)),
    ] {
        tokens.extend(all(of, kind, &fold(&text)));
    }
    for (kind, name) in [(Kind::Name, name.clone()), (Kind::Referring, name_of(patient % 400))] {
        name.split('=').for_each(|group| tokens.extend(all(of, kind, &fold(group))));
    }
    for part in parts(&name) {
        tokens.extend(beginnings(Kind::Part, &part).map(|beginning| of(Kind::Part, false, beginning)));
    }
    tokens.push(of(Kind::BirthDate, true, &birth_date(patient)));
    tokens.push(of(Kind::Request, true, &format!("R{s}")));
    tokens.push(of(Kind::Request, true, &format!("S{s}")));
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// What a term stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    PatientId = 1,
    Accession,
    StudyId,
    Name,
    Referring,
    Part,
    BirthDate,
    Request,
}

pub(super) fn exact(kind: Kind, text: &str) -> Token {
    hashed(kind as u64 * 2, text)
}

pub(super) fn prefix(kind: Kind, text: &str) -> Token {
    hashed(kind as u64 * 2 + 1, text)
}

fn plain(kind: Kind, is_whole: bool, text: &str) -> Token {
    if is_whole { exact(kind, text) } else { prefix(kind, text) }
}

fn all(of: TokenOf<'_>, kind: Kind, text: &str) -> Vec<Token> {
    std::iter::once(of(kind, true, text))
        .chain(beginnings(kind, text).map(|text| of(kind, false, text)))
        .collect()
}

/// The longest beginning that has a term.
pub(super) fn longest_beginning(kind: Kind, text: &str) -> &str {
    beginnings(kind, text).last().unwrap_or(text)
}

fn beginnings(kind: Kind, text: &str) -> impl Iterator<Item = &str> {
    let lengths = match kind {
        Kind::Name | Kind::Referring | Kind::Part => NAME_BEGINNINGS,
        Kind::PatientId | Kind::Accession | Kind::StudyId | Kind::BirthDate | Kind::Request => {
            IDENTIFIER_BEGINNINGS
        }
    };
    let ends = text.char_indices().skip(1).map(|(at, _)| at).chain([text.len()]);
    let ends = ends.zip(1..).filter(|(_, characters)| lengths.contains(characters));
    ends.filter_map(|(end, _)| text.get(..end))
}

pub(super) const fn patient_of(s: u32) -> u32 {
    s / STUDIES_PER_PATIENT
}

pub(super) const fn is_first_of_patient(s: u32) -> bool {
    s.is_multiple_of(STUDIES_PER_PATIENT)
}

/// Days over which people are born, as a date of eight digits; months have 28 days here.
pub(super) fn birth_date(patient: u32) -> String {
    let n = patient % 26_880;
    format!("{:04}{:02}{:02}", 1930 + n / 336, 1 + n % 336 / 28, 1 + n % 28)
}

pub(super) fn patient_id(patient: u32) -> String {
    format!("{:08}", mixed(u64::from(patient)) % 100_000_000)
}

pub(super) fn accession(s: u32) -> String {
    format!("A{:09}", mixed(u64::from(s) << 1) % 1_000_000_000)
}

/// A name in letters and in characters.
pub(super) fn name_of(patient: u32) -> String {
    let dice = mixed(u64::from(patient) ^ 0x4e61_6d65);
    let mut share = dice % 100;
    let mut family = FAMILIES.last();
    for one in &FAMILIES {
        if share < one.2 {
            family = Some(one);
            break;
        }
        share -= one.2;
    }
    let (latin, han, _) = family.copied().unwrap_or(("Xu", "徐", 0));
    let given = |shift: u64| picked(&GIVEN, dice >> shift).unwrap_or(("xiao", "晓"));
    let ((first, first_han), (second, second_han)) = (given(8), given(24));
    format!("{latin}^{first}{second}={han}^{first_han}{second_han}")
}

pub(super) fn modality_of(s: u32) -> &'static str {
    picked(&MODALITIES, mixed(u64::from(s) + 7)).unwrap_or("CT")
}

/// The day of a study, counted from the first one.
pub(super) fn date_of(s: u32) -> u32 {
    (mixed(u64::from(s)) % u64::from(DAYS)) as u32
}

/// A calendar day; months have 30 days here.
pub(super) fn day(n: u32) -> Option<Date> {
    Date::new(2015 + n / 360, 1 + n % 360 / 30, 1 + n % 30)
}

pub(super) fn study_ref(s: u32) -> StudyRef {
    StudyRef::from_bytes(hashed(101, &s.to_string()))
}

pub(super) fn patient_ref(patient: u32) -> PatientRef {
    PatientRef::from_bytes(hashed(102, &patient.to_string()))
}

pub(super) fn series_ref(s: u32, r: u32) -> SeriesRef {
    SeriesRef::from_bytes(hashed(103, &format!("{s}.{r}")))
}

pub(super) fn instance_ref(s: u32, r: u32, i: u32) -> InstanceRef {
    InstanceRef::from_bytes(hashed(104, &format!("{s}.{r}.{i}")))
}

pub(super) fn uid(kind: u32, number: u64) -> Uid {
    fixed(&format!("1.2.826.0.1.3680043.10.1338.{kind}.{number}"))
}

fn fixed(text: &str) -> Uid {
    Uid::new(text).unwrap_or_else(|_| unreachable!("a legal UID"))
}

/// A number that is the same in every run and looks like chance (splitmix64).
pub(super) fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn picked<T: Copy>(of: &[T], dice: u64) -> Option<T> {
    of.get((dice % of.len() as u64) as usize).copied()
}

/// Sixteen bytes that are spread like a keyed hash.
fn hashed(kind: u64, text: &str) -> [u8; 16] {
    let fold = |hash: u64, byte: u8| mixed(hash ^ u64::from(byte));
    let first = text.bytes().fold(mixed(kind), fold);
    let bytes = u128::from(first) << 64 | u128::from(mixed(first ^ kind));
    bytes.to_be_bytes()
}
