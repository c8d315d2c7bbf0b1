//! Tokens and columns under the keys of an installation, so that its server finds and opens what was never sent to it.
//!
//! What a sealed column says is that of a real study that was stored there, with other names, numbers and dates in it. So nothing here has to
//! know how the archive lays out what it seals.

use super::generate::{
    Kind, accession, birth_date, date_of, day, modality_of, name_of, patient_id, patient_of, series_ref,
    study_ref, uid,
};
use crate::failure::{Outcome, While};
use serde_json::{Value, json};
use yingdun_catalog::catalogue::Token;
use yingdun_catalog::{Database, Row, Statement};
use yingdun_crypto::{Context, Sealed, SealingKey, TokenKey};
use yingdun_model::InstitutionId;

/// What columns are sealed for, as the archive says it.
const STUDY: &str = "yingdun/catalogue/study/v2";
const SERIES: &str = "yingdun/catalogue/series/v2";

/// The keys of an installation, and what its columns look like.
pub(crate) struct Keyed {
    pub(super) institution: InstitutionId,
    tokens: TokenKey,
    columns: SealingKey,
    study: Value,
    series: Value,
}

impl Keyed {
    /// Reads what the columns of the one study of a catalogue look like.
    pub(crate) async fn new(
        institution: InstitutionId,
        tokens: &SealingKey,
        columns: SealingKey,
        catalogue: &Database,
    ) -> Outcome<Self> {
        let first = async |select: &'static str, what: &'static str| {
            let rows = catalogue.query(Statement::new(select, vec![])).await.or_fail(what)?;
            rows.into_iter().next().or_fail("no study was stored")
        };
        let study = first("SELECT study_ref, sealed FROM study", "reading the study").await?;
        let series = first("SELECT series_ref, sealed FROM series", "reading the series").await?;
        let opened = |row: &Row, of: &'static str| {
            let reference = row.get_bytes(0).or_fail("a reference")?;
            let sealed = Sealed::<Value>::from_bytes(row.get_bytes(1).or_fail("a column")?.to_vec());
            sealed.open(&columns, &context(of, &institution, reference)).or_fail("opening a column")
        };
        let (study, series) = (opened(&study, STUDY)?, opened(&series, SERIES)?);
        Ok(Self { tokens: TokenKey::from(tokens), study, series, columns, institution })
    }

    pub(super) fn token(&self, kind: Kind, is_whole: bool, text: &str) -> Token {
        self.tokens.token_of(domain(kind), &[if is_whole { b"=" } else { b"^" }, text.as_bytes()])
    }

    pub(super) fn study_column(&self, s: u32) -> Vec<u8> {
        let patient = patient_of(s);
        let date = day(date_of(s)).map_or_else(String::new, |date| format!("{:08}", date.number()));
        let column = said(
            &self.study,
            json!({
                "patient_id": patient_id(patient),
                "patient_name": name_of(patient),
                "patient_birth_date": birth_date(patient),
                "referring_physician_name": name_of(patient % 400),
                "accession_number": accession(s),
                "study_id": format!("{}", s % 100_000),
                "study": uid(1, u64::from(s)).as_str(),
                "study_date": date,
            }),
        );
        self.sealed(STUDY, study_ref(s).as_bytes(), &column)
    }

    pub(super) fn series_column(&self, s: u32, r: u32) -> Vec<u8> {
        let column =
            said(&self.series, json!({ "study": uid(1, u64::from(s)).as_str(), "modality": modality_of(s) }));
        self.sealed(SERIES, series_ref(s, r).as_bytes(), &column)
    }

    fn sealed(&self, of: &'static str, reference: &[u8; 16], column: &Value) -> Vec<u8> {
        // Strings and numbers have a JSON form.
        Sealed::seal(&self.columns, &context(of, &self.institution, reference), column)
            .map(Sealed::into_bytes)
            .unwrap_or_default()
    }
}

// === helpers ===

/// What a column says, with these words instead of its own.
fn said(column: &Value, words: Value) -> Value {
    let mut column = column.clone();
    if let (Some(index), Value::Object(words)) =
        (column.get_mut("index").and_then(Value::as_object_mut), words)
    {
        index.extend(words);
    }
    column
}

fn context(of: &'static str, institution: &InstitutionId, reference: &[u8]) -> Context {
    Context::new(of).field(institution.as_str()).field(reference)
}

/// What the archive calls what a token stands for; the words are part of stored tokens.
const fn domain(kind: Kind) -> &'static str {
    match kind {
        Kind::PatientId => "search/patient-id",
        Kind::Accession => "search/accession-number",
        Kind::StudyId => "search/study-id",
        Kind::Name => "search/patient-name",
        Kind::Referring => "search/referring-physician",
        Kind::Part => "search/patient-name-part",
        Kind::BirthDate => "search/patient-birth-date",
        Kind::Request => "search/requested-procedure-id",
    }
}
