//! Patients who do not exist: names from lists of common family and given names.

use super::rng::Rng;

/// A made-up patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// Patient's Name as DICOM writes it: `Wang^Xiaoming=王^小明` or `Müller^Anna`.
    pub name: String,
    /// Patient ID.
    pub id: String,
    /// Patient's Birth Date, `YYYYMMDD`.
    pub birth_date: String,
    /// Patient's Sex, `M` or `F`.
    pub sex: &'static str,
    /// In which character set the patient's data sets are written.
    pub repertoire: Repertoire,
}

/// The character set of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repertoire {
    /// GB18030, as most Chinese modalities write.
    Gb18030,
    /// UTF-8 (ISO_IR 192).
    Utf8,
    /// Latin-1 (ISO_IR 100).
    Latin1,
}

const FAMILIES: &[(&str, &str)] = &[
    ("Wang", "王"),
    ("Li", "李"),
    ("Zhang", "张"),
    ("Liu", "刘"),
    ("Chen", "陈"),
    ("Yang", "杨"),
    ("Huang", "黄"),
    ("Zhao", "赵"),
    ("Wu", "吴"),
    ("Zhou", "周"),
    ("Xu", "徐"),
    ("Sun", "孙"),
    ("Ma", "马"),
    ("Zhu", "朱"),
    ("Hu", "胡"),
    ("Guo", "郭"),
    ("Lin", "林"),
    ("Luo", "罗"),
];
const GIVEN: &[(&str, &str)] = &[
    ("Xiaoming", "小明"),
    ("Wei", "伟"),
    ("Fang", "芳"),
    ("Na", "娜"),
    ("Xiuying", "秀英"),
    ("Min", "敏"),
    ("Jing", "静"),
    ("Lihua", "丽华"),
    ("Qiang", "强"),
    ("Lei", "磊"),
    ("Jun", "军"),
    ("Yang", "洋"),
    ("Yong", "勇"),
    ("Yan", "艳"),
    ("Jie", "杰"),
    ("Juan", "娟"),
    ("Tao", "涛"),
    ("Chao", "超"),
];
const LATIN: &[&str] = &[
    "Müller^Anna",
    "García^José",
    "Dubois^Élise",
    "Rossi^Marco",
    "Smith^John^^Dr",
    "Jensen^Søren",
    "Novak^Ivan",
    "O'Brien^Maeve",
    "Sjögren^Åsa",
    "Weiß^Jürgen",
];

impl Patient {
    /// Makes up a patient. Two in five are written in GB18030, two in UTF-8, one in Latin-1.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x5041_5449);
        let repertoire = match seed % 5 {
            0 | 2 => Repertoire::Gb18030,
            1 | 3 => Repertoire::Utf8,
            _ => Repertoire::Latin1,
        };
        let name = if repertoire == Repertoire::Latin1 {
            (*rng.pick(LATIN, &"Doe^Jane")).to_owned()
        } else {
            let (family, family_han) = rng.pick(FAMILIES, &("Wang", "王"));
            let (given, given_han) = rng.pick(GIVEN, &("Wei", "伟"));
            format!("{family}^{given}={family_han}^{given_han}")
        };
        let (year, month, day) = (1935 + rng.below(80), 1 + rng.below(12), 1 + rng.below(28));
        Self {
            name,
            id: format!("P{:07}", rng.below(10_000_000)),
            birth_date: format!("{year:04}{month:02}{day:02}"),
            sex: if rng.below(2) == 0 { "M" } else { "F" },
            repertoire,
        }
    }
}

impl Repertoire {
    /// The defined term of Specific Character Set.
    #[must_use]
    pub const fn term(self) -> &'static str {
        match self {
            Self::Gb18030 => "GB18030",
            Self::Utf8 => "ISO_IR 192",
            Self::Latin1 => "ISO_IR 100",
        }
    }

    /// The bytes of a text; characters outside the set become question marks.
    #[must_use]
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Gb18030 => encoding_rs::GB18030.encode(text).0.into_owned(),
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
        }
    }
}
