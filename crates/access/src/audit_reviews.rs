//! Samples of the audit log that somebody read: the leaf that says so, the row, and how both name what was drawn.
//!
//! A mark says that a person states to have looked, at which records, drawn by which seed among which. It proves nothing of what was seen.

use crate::access::{Access, Refusal};
use crate::admin::{AdminError, ChangeDetail};
use crate::decision::Resource;
use crate::grants::{REASON_CHARACTERS_MAX, draw_number};
use crate::ledger;
use crate::session::Session;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use yingdun_audit::Event;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::audit_reviews::{self, AuditReviewRow};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::{Context, Sealed, SealingKey};
use yingdun_model::{Action, ActorKind, InstitutionId, word_enum};

/// Records of one sample at most: so many a person reads.
pub const SAMPLE_RECORDS_MAX: usize = 50;
/// Characters of the filters that records were drawn under.
pub const SAMPLE_FILTERS_CHARACTERS_MAX: usize = 1000;
/// Reviews that a list shows, the newest: some kilobytes each.
const LISTED_MAX: u32 = 200;
/// Hexadecimal digits of a seed.
const SEED_DIGITS: usize = 32;
/// Of the name of a log.
const LOG_BYTES_MAX: usize = 200;
/// The word of the leaf.
const REVIEWED: &str = "audit-sample-reviewed";

word_enum! {
    /// Among what a sample was drawn.
    SampleDrawn, "way of drawing" {
        /// The numbers of one log.
        All => "all",
        /// All records that fit filters.
        Filtered => "filtered",
        /// The newest that fit, of more.
        Cut => "cut",
    }
}

/// A record by its number, in the log of this name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SampledRecord {
    /// Its number.
    pub index: u64,
    /// The name of the log.
    pub log: String,
}

/// What was drawn, and how it is drawn again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSample {
    /// Among what.
    pub drawn: String,
    /// Among how many.
    pub of: u64,
    /// 32 hexadecimal digits from which the draw follows.
    pub seed: String,
    /// The filters, as the query of a search; empty where all records were meant.
    pub filters: String,
    /// The records, in the order in which they are shown.
    pub records: Vec<SampledRecord>,
}

/// A review, as people read it.
#[derive(Clone, Debug)]
pub struct AuditReview {
    /// The row.
    pub row: AuditReviewRow,
    /// What was drawn, and the words; none where they cannot be opened any more.
    pub content: Option<(AuditSample, String)>,
}

/// Why a review was not taken or read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditReviewError {
    /// Who asks may not, or it could not be written down or kept.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Only a person looks at something.
    #[error("only a person reviews records")]
    NotAPerson,
    /// No words, or too many.
    #[error("expected 1 to {REASON_CHARACTERS_MAX} characters that say what was found")]
    Words,
    /// It is no sample.
    #[error("expected {0}")]
    Sample(&'static str),
}

impl From<Refusal> for AuditReviewError {
    fn from(refusal: Refusal) -> Self {
        Self::Admin(refusal.into())
    }
}

impl From<CatalogError> for AuditReviewError {
    fn from(error: CatalogError) -> Self {
        Self::Admin(AdminError::Unavailable(error))
    }
}

impl AuditSample {
    /// What the digest of a sample is over: a line each, so that anybody can write it again.
    #[must_use]
    pub fn spelling(&self) -> String {
        let Self { drawn, of, seed, filters, records } = self;
        let mut text =
            format!("yingdun audit sample v1\ndrawn {drawn}\nof {of}\nseed {seed}\nfilters {filters}\n");
        for SampledRecord { index, log } in records {
            // A text takes what is written to it.
            let _ = writeln!(text, "{index}@{log}");
        }
        text
    }

    /// SHA-256 of that.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.spelling().as_bytes())
    }

    fn check(&self) -> Result<(), AuditReviewError> {
        let wrong = |expected| Err(AuditReviewError::Sample(expected));
        let Self { drawn, of, seed, filters, records } = self;
        if drawn.parse::<SampleDrawn>().is_err() {
            return wrong("`all`, `filtered` or `cut` as `drawn`");
        }
        let is_seed =
            seed.len() == SEED_DIGITS && seed.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_seed {
            return wrong("32 hexadecimal digits as `seed`");
        }
        let is_printed =
            |text: &str, max: usize| text.len() <= max && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_printed(filters, SAMPLE_FILTERS_CHARACTERS_MAX) {
            return wrong("the query of a search as `filters`");
        }
        if records.is_empty() || records.len() > SAMPLE_RECORDS_MAX {
            return wrong("1 to 50 records");
        }
        if !records.iter().all(|record| !record.log.is_empty() && is_printed(&record.log, LOG_BYTES_MAX)) {
            return wrong("the name of a log with each record");
        }
        let mut sorted: Vec<&SampledRecord> = records.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != records.len() {
            return wrong("each record once");
        }
        if *of < records.len() as u64 {
            return wrong("no fewer records to draw among than were drawn");
        }
        Ok(())
    }
}

impl Access {
    /// Writes down that the person of a session reviewed a sample: the leaf, then the row.
    ///
    /// # Errors
    /// [`AuditReviewError`].
    pub async fn review_audit_sample(
        &self,
        session: &Session,
        sample: AuditSample,
        words: &str,
    ) -> Result<AuditReview, AuditReviewError> {
        let words = words.trim();
        if words.is_empty() || words.chars().count() > REASON_CHARACTERS_MAX {
            return Err(AuditReviewError::Words);
        }
        sample.check()?;
        if session.actor_kind() != ActorKind::Person {
            return Err(AuditReviewError::NotAPerson);
        }
        let (institution, number) = (session.institution(), draw_number());
        let row = AuditReviewRow {
            number,
            by: session.actor().clone(),
            at: self.inner.clock.now(),
            sample: sample.digest(),
            sealed: seal(&self.inner.detail_key, institution, number, &(sample, words.to_owned())),
        };
        let content = open(&self.inner.detail_key, institution, &row);
        let resource = Resource::AuditLog(institution.clone());
        let (decision, policy_set) = self.decide_by(session, Action::ReadAudit, &resource).await?;
        let decided = ledger::decided(session, Action::ReadAudit, &resource, decision, policy_set);
        let reason = if decision.permitted { ledger::word(REVIEWED) } else { ledger::code(decision.reason) };
        let records = content.as_ref().map_or(0, |(sample, _)| sample.records.len() as u64);
        let counts = decided.counts.clone().with("records", records).with("review", number);
        let event = Event { reason, counts, content: Some(row.sample), ..decided };
        let spelling = content.as_ref().map(|(sample, _)| sample.spelling()).unwrap_or_default();
        let detail = ChangeDetail::with(session.actor(), format!("{words}\n{spelling}"));
        let intent = self.record(event, &detail).await.map_err(Refusal::AuditUnavailable)?;
        if !decision.permitted {
            return Err(Refusal::denied(decision.reason, session.role()).into());
        }
        let outcome = self.inner.identity.execute(vec![audit_reviews::insert(institution, &row)]).await;
        self.carry_out(intent, detail, outcome).await?;
        Ok(AuditReview { row, content })
    }

    /// Samples that were reviewed, the newest first; only the reviews of one sample, where its digest is given. Whoever may read the audit log
    /// may read them; the caller writes down that it was read.
    ///
    /// # Errors
    /// [`AuditReviewError`].
    pub async fn audit_reviews(
        &self,
        session: &Session,
        sample: Option<[u8; 32]>,
    ) -> Result<Vec<AuditReview>, AuditReviewError> {
        let resource = Resource::AuditLog(session.institution().clone());
        let decision = self.decide(session, Action::ReadAudit, &resource).await?;
        if !decision.permitted {
            return Err(Refusal::denied(decision.reason, session.role()).into());
        }
        let institution = session.institution();
        let rows = audit_reviews::list(&self.inner.identity, institution, sample, LISTED_MAX).await?;
        let key = &self.inner.detail_key;
        Ok(rows.into_iter().map(|row| AuditReview { content: open(key, institution, &row), row }).collect())
    }
}

// === helpers ===

type Content = (AuditSample, String);

fn seal(key: &SealingKey, institution: &InstitutionId, number: u64, content: &Content) -> Vec<u8> {
    // What cannot be sealed is left out: nothing of it lies in the clear.
    Sealed::seal(key, &context(institution, number), content).map(Sealed::into_bytes).unwrap_or_default()
}

/// What a row holds; nothing where it is not what its digest says.
fn open(key: &SealingKey, institution: &InstitutionId, row: &AuditReviewRow) -> Option<Content> {
    let sealed = Sealed::<Content>::from_bytes(row.sealed.clone());
    let content = sealed.open(key, &context(institution, row.number)).ok()?;
    (content.0.digest() == row.sample).then_some(content)
}

/// What it is bound to: moved to another row it does not open.
fn context(institution: &InstitutionId, number: u64) -> Context {
    Context::new("yingdun/audit-review/v1").field(institution.as_str()).field(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_model::Timestamp;

    fn sample() -> AuditSample {
        let record = |index| SampledRecord { index, log: "renmin/audit".into() };
        AuditSample {
            drawn: "filtered".into(),
            of: 9,
            seed: "00112233445566778899aabbccddeeff".into(),
            filters: "kind=stored&until_ms=5".into(),
            records: vec![record(7), record(3)],
        }
    }

    #[test]
    fn a_sample_is_spelt_so_that_anybody_spells_it_again() {
        let text = "yingdun audit sample v1\ndrawn filtered\nof 9\nseed 00112233445566778899aabbccddeeff\n\
                    filters kind=stored&until_ms=5\n7@renmin/audit\n3@renmin/audit\n";
        assert_eq!(sample().spelling(), text);
        assert_eq!(sample().digest(), sha256(text.as_bytes()));
    }

    #[test]
    fn what_is_no_sample_is_not_taken() {
        assert!(sample().check().is_ok());
        let record = SampledRecord { index: 7, log: "renmin/audit".into() };
        let wrong: Vec<fn(&mut AuditSample)> = vec![
            |sample| sample.drawn = "chosen".into(),
            |sample| sample.of = 1,
            |sample| sample.seed = "0".repeat(31),
            |sample| sample.seed = "G".repeat(32),
            |sample| sample.filters = "kind=stored\n9@renmin/audit".into(),
            |sample| sample.filters = "x".repeat(SAMPLE_FILTERS_CHARACTERS_MAX + 1),
            |sample| sample.records.clear(),
            |sample| sample.records[0].log = "a b".into(),
            |sample| sample.records[0].log = String::new(),
            |sample| sample.records[0].index = 3,
        ];
        for (number, spoil) in wrong.into_iter().enumerate() {
            let mut spoilt = sample();
            spoil(&mut spoilt);
            assert!(matches!(spoilt.check(), Err(AuditReviewError::Sample(_))), "{number}");
        }
        let many = (0..=SAMPLE_RECORDS_MAX as u64).map(|index| SampledRecord { index, ..record.clone() });
        let many = AuditSample { of: 1000, records: many.collect(), ..sample() };
        assert!(many.check().is_err());
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_alone() {
        let (key, institution) = (SealingKey::generate(), InstitutionId::new("renmin").unwrap());
        let row = |number, sample: [u8; 32]| AuditReviewRow {
            number,
            by: yingdun_model::ActorId::new("wang").unwrap(),
            at: Timestamp::from_ms(1),
            sample,
            sealed: seal(&key, &institution, 5, &(super::tests::sample(), "in order".to_owned())),
        };
        let digest = sample().digest();
        assert_eq!(open(&key, &institution, &row(5, digest)), Some((sample(), "in order".to_owned())));
        assert_eq!(open(&key, &institution, &row(6, digest)), None, "moved");
        assert_eq!(open(&key, &institution, &row(5, [0; 32])), None, "of another sample");
    }
}
