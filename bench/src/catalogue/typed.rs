//! What somebody types into the box of the console, one keystroke after the other: each is a search of its own, of 50 rows and one more, in
//! which a word may be the beginning of a name, of a patient ID or an accession number, or a modality.

use super::generate::{
    Hospital, Kind, accession, date_of, day, longest_beginning, mixed, modality_of, name_of, patient_id,
    patient_of, prefix,
};
use super::search::{Measured, measure};
use crate::failure::Outcome;
use std::ops::RangeInclusive;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::{Date, Either, Page, StudyFilter, Visibility, studies};

const ROWS: u32 = 51;
/// What people type: seven ways to look for one patient.
const WAYS: u64 = 7;

pub(super) async fn latencies(
    database: &Database,
    hospital: &Hospital,
    of_doctor: &Visibility,
    found: &mut Vec<Measured>,
) -> Outcome<()> {
    let search = async |visibility: &Visibility, typed: Typed| {
        let mut filter = StudyFilter::all(hospital.institution.clone(), visibility.clone());
        filter.either = typed.words.iter().map(|word| either(word)).collect();
        filter.date = typed.days;
        studies::search(database, &filter, Page::first(ROWS)).await.map(|rows| rows.len())
    };
    let all = Visibility::Institution;
    let studies = hospital.size.studies;
    found.push(
        measure("typed: any keystroke of a search", async |n| search(&all, keystroke(studies, n)).await)
            .await?,
    );
    found.push(measure("typed: a whole search", async |n| search(&all, whole(studies, n)).await).await?);
    found.push(
        measure("typed: a keystroke of a doctor", async |n| search(of_doctor, keystroke(studies, n)).await)
            .await?,
    );
    // Two common words that no patient has both: the longest walk that words lead to.
    let words =
        |words: &[&str]| Typed { words: words.iter().map(|word| (*word).to_owned()).collect(), days: None };
    found
        .push(measure("typed: `wang zhang`", async |_| search(&all, words(&["wang", "zhang"])).await).await?);
    Ok(())
}

// === helpers ===

/// What is in the box: words that are no dates, and the days that a date names.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) words: Vec<String>,
    days: Option<RangeInclusive<Date>>,
}

/// What somebody has typed who looks for a patient of a study, in full.
pub(super) fn whole(studies: u32, n: u32) -> Typed {
    let s = (mixed(u64::from(n) ^ 0x7e7e) % u64::from(studies)) as u32;
    let patient = patient_of(s);
    let name = name_of(patient);
    let (letters, characters) = name.split_once('=').unwrap_or((&name, ""));
    let pinyin = letters.to_lowercase();
    let (family, given) = pinyin.split_once('^').unwrap_or((&pinyin, ""));
    let parts = yingdun_dicom::person_name::parts(characters);
    let initials = parts.iter().find(|part| part.len() == 3 && part.is_ascii());
    let initials = initials.cloned().unwrap_or_else(|| family.to_owned());
    let written = characters.replace('^', "");
    let words = match mixed(u64::from(n)) % WAYS {
        0 => vec![format!("{family}{given}")],
        1 => vec![family.to_owned(), given.to_owned()],
        2 => vec![initials],
        3 => vec![written],
        4 => vec![patient_id(patient)],
        5 => vec![accession(s).to_lowercase()],
        _ => vec![initials, modality_of(s).to_lowercase()],
    };
    // One in four says the month beside it.
    let month = mixed(u64::from(n) ^ 0x11).is_multiple_of(4).then(|| date_of(s) / 30 * 30);
    let days = month.and_then(|first| Some(day(first)?..=day(first + 29)?));
    Typed { words, days }
}

/// The same, broken off behind some character.
fn keystroke(studies: u32, n: u32) -> Typed {
    let Typed { words, days } = whole(studies, n);
    let characters: usize = words.iter().map(|word| word.chars().count()).sum();
    let mut left = 1 + (mixed(u64::from(n) ^ 0x5151) % characters.max(1) as u64) as usize;
    let mut typed = Typed::default();
    for word in words {
        let beginning: String = word.chars().take(left).collect();
        left -= beginning.chars().count();
        if !beginning.is_empty() {
            typed.words.push(beginning);
        }
    }
    // A date comes last.
    typed.days = days.filter(|_| left > 0);
    typed
}

/// The condition of one word, as the archive makes it.
fn either(word: &str) -> Either {
    const MODALITIES: [&str; 4] = ["CT", "MR", "DX", "US"];
    let tokens = [Kind::Part, Kind::PatientId, Kind::Accession]
        .map(|kind| prefix(kind, longest_beginning(kind, word)))
        .to_vec();
    let modality = MODALITIES.into_iter().find(|code| code.eq_ignore_ascii_case(word));
    Either { tokens, modalities: modality.into_iter().map(str::to_owned).collect() }
}
