//! A grant as people read it, and the words that are sealed in its row.

use crate::access::Access;
use crate::grants::GrantError;
use yingdun_catalog::identity::grants::TimedGrant;
use yingdun_crypto::{Context, Sealed, SealingKey};
use yingdun_model::{InstitutionId, Timestamp};

/// The most characters of a reason in words: a few sentences.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// A grant, with what people wrote.
#[derive(Clone, Debug)]
pub struct GrantRecord {
    /// The row.
    pub grant: TimedGrant,
    /// Why it was given, in words; none where they cannot be opened any more.
    pub words: Option<String>,
    /// What the reviewer wrote.
    pub review_words: Option<String>,
    /// Whether it opens something at the moment of reading.
    pub open: bool,
    /// Whether its review has waited too long.
    pub overdue: bool,
}

/// Whose words they are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Words {
    /// Of who gave the grant, or broke the glass.
    Given,
    /// Of who reviewed it.
    Review,
}

impl Access {
    pub(super) fn shown(
        &self,
        institution: &InstitutionId,
        grant: TimedGrant,
        now: Timestamp,
    ) -> GrantRecord {
        let key = &self.inner.detail_key;
        let words = open_words(key, institution, grant.number, Words::Given, &grant.words);
        let review = grant.review.as_ref();
        let review_words = review
            .and_then(|review| open_words(key, institution, grant.number, Words::Review, &review.words));
        let open = grant.ended.is_none() && grant.valid_from <= now && now < grant.valid_until;
        let overdue = grant.review.is_none() && grant.review_due.is_some_and(|due| due <= now);
        GrantRecord { grant, words, review_words, open, overdue }
    }
}

/// What somebody wrote, trimmed, if it is a reason at all.
pub(super) fn checked_words(words: &str) -> Result<&str, GrantError> {
    let words = words.trim();
    let fits = !words.is_empty() && words.chars().count() <= REASON_CHARACTERS_MAX;
    if fits { Ok(words) } else { Err(GrantError::Words) }
}

pub(super) fn seal_words(
    key: &SealingKey,
    institution: &InstitutionId,
    number: u64,
    which: Words,
    words: &str,
) -> Vec<u8> {
    let sealed = Sealed::seal(key, &words_context(institution, number, which), &words.to_owned());
    // What cannot be sealed is left out: no reason of a person lies in the clear.
    sealed.map(Sealed::into_bytes).unwrap_or_default()
}

fn open_words(
    key: &SealingKey,
    institution: &InstitutionId,
    number: u64,
    which: Words,
    sealed: &[u8],
) -> Option<String> {
    let context = words_context(institution, number, which);
    Sealed::<String>::from_bytes(sealed.to_vec()).open(key, &context).ok()
}

/// What sealed words are bound to: moved to another grant, or to the other column of their row, they do not open.
fn words_context(institution: &InstitutionId, number: u64, which: Words) -> Context {
    let which = match which {
        Words::Given => "given",
        Words::Review => "review",
    };
    Context::new("yingdun/grant-words/v1").field(institution.as_str()).field(number.to_string()).field(which)
}
