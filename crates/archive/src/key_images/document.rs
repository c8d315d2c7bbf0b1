//! A selection of key images as a document: DICOM JSON, of which the data set is written. Pure functions.

use crate::find::day_of;
use crate::request::InstanceEntry;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use yingdun_model::{Timestamp, Uid};

/// Key Object Selection Document Storage.
pub(super) const KEY_OBJECT_SELECTION: &str = "1.2.840.10008.5.1.4.1.1.88.59";

/// Why images are key images: the titles of CID 7010 that say nothing against an image. Those that do take images from the sight of others,
/// which is no matter of a mark; one for research would speak for a consent.
pub const KEY_TITLES: &[(&str, &str)] = &[
    ("113000", "Of Interest"),
    ("113002", "For Referring Provider"),
    ("113003", "For Surgery"),
    ("113004", "For Teaching"),
    ("113005", "For Conference"),
    ("113006", "For Therapy"),
    ("113008", "For Peer Review"),
    ("113013", "Best In Set"),
    ("113020", "For Report Attachment"),
];

/// What a selection says of study and patient, in the words of the first of its images.
const OF_STUDY: &[&str] = &[
    "00080020", "00080030", "00080050", "00080051", "00080090", "00080201", "00081030", "00100010",
    "00100020", "00100021", "00100024", "00100030", "00100040", "00101010", "00200010",
];

/// Of these, what has to be there, and may be empty (PS3.3 C.7.1.1, C.7.2.1).
const NEEDED: &[(&str, &str)] = &[
    ("00080020", "DA"),
    ("00080030", "TM"),
    ("00080050", "SH"),
    ("00080090", "PN"),
    ("00100010", "PN"),
    ("00100020", "LO"),
    ("00100030", "DA"),
    ("00100040", "CS"),
    ("00200010", "SH"),
];

/// An image that was chosen, or frames of it.
#[derive(Clone, Debug)]
pub(super) struct Chosen<'e> {
    pub(super) entry: &'e InstanceEntry,
    /// In their order; none means all.
    pub(super) frames: Vec<u32>,
}

/// Who chose, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Author<'a> {
    pub(super) name: &'a str,
    pub(super) at: Timestamp,
    pub(super) utc_offset_minutes: i32,
}

/// Where the document stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) study: &'a Uid,
    pub(super) series: &'a Uid,
    pub(super) number: i32,
    pub(super) instance: &'a Uid,
}

/// A title by its code.
pub(super) fn title(code: &str) -> Option<(&'static str, &'static str)> {
    KEY_TITLES.iter().copied().find(|(known, _)| *known == code)
}

/// The document (PS3.3 A.35.4, PS3.16 TID 2010).
pub(super) fn selection(
    about: &Map<String, Value>,
    chosen: &[Chosen<'_>],
    (code, meaning): (&str, &str),
    description: Option<&str>,
    author: &Author<'_>,
    place: &Place<'_>,
) -> Map<String, Value> {
    let (date, time) = local(author);
    let mut content = vec![person(author.name)];
    content.extend(description.map(described));
    content.extend(chosen.iter().map(image));
    let mut document: Map<String, Value> = [
        ("00080005", one("CS", "ISO_IR 192")),
        ("00080016", one("UI", KEY_OBJECT_SELECTION)),
        ("00080018", one("UI", place.instance.as_str())),
        ("00080023", one("DA", &date)),
        ("00080033", one("TM", &time)),
        ("00080060", one("CS", "KO")),
        ("00080070", one("LO", "Yingdun")),
        ("0008103E", one("LO", "Key images")),
        // Type 2 of the series of a selection: no step was performed for it.
        ("00081111", json!({"vr": "SQ"})),
        ("0020000D", one("UI", place.study.as_str())),
        ("0020000E", one("UI", place.series.as_str())),
        ("00200011", json!({"vr": "IS", "Value": [place.number]})),
        ("00200013", json!({"vr": "IS", "Value": [1]})),
        ("0040A040", one("CS", "CONTAINER")),
        ("0040A043", sequence(vec![coded(code, meaning)])),
        ("0040A050", one("CS", "SEPARATE")),
        ("0040A375", sequence(vec![evidence(place.study, chosen)])),
        ("0040A504", sequence(vec![json!({"00080105": one("CS", "DCMR"), "0040DB00": one("CS", "2010")})])),
        ("0040A730", sequence(content)),
    ]
    .into_iter()
    .map(|(tag, attribute)| (tag.to_owned(), attribute))
    .collect();
    for tag in OF_STUDY {
        document.extend(about.get(*tag).map(|attribute| ((*tag).to_owned(), attribute.clone())));
    }
    for (tag, vr) in NEEDED {
        document.entry(*tag).or_insert_with(|| json!({"vr": vr}));
    }
    document
}

// === helpers ===

fn one(vr: &str, text: &str) -> Value {
    json!({"vr": vr, "Value": [text]})
}

fn sequence(items: Vec<Value>) -> Value {
    json!({"vr": "SQ", "Value": items})
}

fn coded(code: &str, meaning: &str) -> Value {
    json!({"00080100": one("SH", code), "00080102": one("SH", "DCM"), "00080104": one("LO", meaning)})
}

/// TID 1002: the person who chose. Names of accounts may have characters that part a name of DICOM.
fn person(name: &str) -> Value {
    let name: String = name.chars().map(|c| if matches!(c, '^' | '=' | '\\') { '_' } else { c }).collect();
    json!({
        "0040A010": one("CS", "HAS OBS CONTEXT"),
        "0040A040": one("CS", "PNAME"),
        "0040A043": sequence(vec![coded("121008", "Person Observer Name")]),
        "0040A123": {"vr": "PN", "Value": [{"Alphabetic": name}]},
    })
}

/// What a text of DICOM may hold: no control characters but the ends of lines.
fn described(words: &str) -> Value {
    let words: String = words.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    json!({
        "0040A010": one("CS", "CONTAINS"),
        "0040A040": one("CS", "TEXT"),
        "0040A043": sequence(vec![coded("113012", "Key Object Description")]),
        "0040A160": one("UT", &words),
    })
}

fn image(chosen: &Chosen<'_>) -> Value {
    json!({
        "0040A010": one("CS", "CONTAINS"),
        "0040A040": one("CS", "IMAGE"),
        "00081199": sequence(vec![reference(chosen.entry, &chosen.frames)]),
    })
}

fn reference(entry: &InstanceEntry, frames: &[u32]) -> Value {
    let (class, instance) = (one("UI", entry.sop_class.as_str()), one("UI", entry.sop_instance.as_str()));
    if frames.is_empty() {
        return json!({"00081150": class, "00081155": instance});
    }
    json!({"00081150": class, "00081155": instance, "00081160": {"vr": "IS", "Value": frames}})
}

/// In which series each of them is.
fn evidence(study: &Uid, chosen: &[Chosen<'_>]) -> Value {
    let mut series: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for Chosen { entry, .. } in chosen {
        series.entry(entry.series.as_str()).or_default().push(reference(entry, &[]));
    }
    let series = series
        .into_iter()
        .map(|(uid, objects)| json!({"0020000E": one("UI", uid), "00081199": sequence(objects)}));
    json!({"0020000D": one("UI", study.as_str()), "00081115": sequence(series.collect())})
}

/// Date and time by the clocks of the institution.
fn local(author: &Author<'_>) -> (String, String) {
    const MS_PER_MINUTE: i64 = 60_000;
    const MS_PER_DAY: i64 = 24 * 60 * MS_PER_MINUTE;
    let ms = author.at.as_ms().saturating_add(i64::from(author.utc_offset_minutes) * MS_PER_MINUTE);
    let second = ms.rem_euclid(MS_PER_DAY) / 1000;
    let day = day_of(author.at.as_ms(), author.utc_offset_minutes);
    let date = format!("{:04}{:02}{:02}", day.year(), day.month(), day.day());
    (date, format!("{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Author<'static> {
        Author { name: "wang", at: Timestamp::from_ms(ms), utc_offset_minutes: 480 }
    }

    #[test]
    fn the_moment_is_that_of_the_institution() {
        // 2026-11-23 17:30:05 UTC is the next morning in Beijing.
        assert_eq!(local(&at(1_795_455_005_000)), ("20261124".to_owned(), "013005".to_owned()));
    }

    #[test]
    fn a_name_of_an_account_is_one_component_and_words_have_no_control_characters() {
        assert_eq!(person("a^b=c\\d")["0040A123"]["Value"][0]["Alphabetic"], "a_b_c_d");
        assert_eq!(described("结节\u{7}\n复查\u{1b}[0m")["0040A160"]["Value"][0], "结节\n复查[0m");
    }

    #[test]
    fn titles_are_those_that_say_nothing_against_an_image() {
        assert_eq!(title("113000"), Some(("113000", "Of Interest")));
        for against in ["113001", "113010", "113037", "113038", "113039", "113009", ""] {
            assert_eq!(title(against), None, "{against}");
        }
    }
}
