//! What a leaf is found by: keyed pseudonyms of its fields. Without the key of the log nobody tells from the index who or what is meant.

use super::IndexKey;
use crate::leaf::Leaf;
use crate::search::Filter;
use yingdun_crypto::digest::keyed_blake3;
use yingdun_model::InstitutionId;

/// Bytes of a term. Two of a hundred million meet with a chance of 10⁻¹³; a hit is compared with its leaf anyway.
pub(super) const TERM_BYTES: usize = 12;

/// The pseudonym of one field with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Term(pub(super) [u8; TERM_BYTES]);

/// Under this term lie the times of a chunk. No field has it but by a chance of 2⁻⁹⁶.
pub(super) const TIMES: Term = Term([0; TERM_BYTES]);

/// A field that is searched by. The number is part of the pseudonym.
#[derive(Clone, Copy, Debug)]
enum Field {
    Institution = 1,
    Actor = 2,
    ActorKind = 3,
    Kind = 4,
    Outcome = 5,
    Action = 6,
    Patient = 7,
    Study = 8,
    /// No field of a leaf: the tallies of a day of an institution.
    Day = 9,
}

/// The terms of a leaf.
pub(super) fn terms_of(key: &IndexKey, leaf: &Leaf) -> impl Iterator<Item = Term> {
    [
        Some(term(key, Field::Institution, leaf.institution.to_string().as_bytes())),
        Some(term(key, Field::Actor, leaf.actor.to_string().as_bytes())),
        Some(term(key, Field::ActorKind, leaf.actor_kind.as_str().as_bytes())),
        Some(term(key, Field::Kind, leaf.kind.as_str().as_bytes())),
        Some(term(key, Field::Outcome, leaf.outcome.as_str().as_bytes())),
        leaf.action.map(|action| term(key, Field::Action, action.as_str().as_bytes())),
        leaf.patient.map(|patient| term(key, Field::Patient, patient.as_bytes())),
        leaf.study.map(|study| term(key, Field::Study, study.as_bytes())),
    ]
    .into_iter()
    .flatten()
}

/// What a filter demands: of each group one term. Times are no terms.
pub(super) fn demands_of(key: &IndexKey, filter: &Filter) -> Vec<Vec<Term>> {
    let one = |field: Field, value: Option<Vec<u8>>| value.map(|value| vec![term(key, field, &value)]);
    let word = |word: &'static str| word.as_bytes().to_vec();
    let kinds = filter.kinds.iter().map(|kind| term(key, Field::Kind, kind.as_str().as_bytes()));
    let kinds = kinds.collect::<Vec<_>>();
    [
        one(Field::Study, filter.study.map(|study| study.as_bytes().to_vec())),
        one(Field::Patient, filter.patient.map(|patient| patient.as_bytes().to_vec())),
        one(Field::Actor, filter.actor.as_ref().map(|actor| actor.to_string().into_bytes())),
        one(Field::Action, filter.action.map(|action| word(action.as_str()))),
        one(Field::ActorKind, filter.actor_kind.map(|kind| word(kind.as_str()))),
        one(Field::Outcome, filter.outcome.map(|outcome| word(outcome.as_str()))),
        Some(kinds).filter(|kinds| !kinds.is_empty()),
        one(Field::Institution, filter.institution.as_ref().map(|name| name.to_string().into_bytes())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Under which the tallies of a day lie, by its number since 1970.
pub(super) fn day_term(key: &IndexKey, institution: &InstitutionId, day: i64) -> Term {
    let name = [day.to_le_bytes().as_slice(), institution.to_string().as_bytes()].concat();
    term(key, Field::Day, &name)
}

// === helpers ===

fn term(key: &IndexKey, field: Field, value: &[u8]) -> Term {
    let code = keyed_blake3(&key.terms, &[&[field as u8], value]);
    let mut term = [0; TERM_BYTES];
    term.iter_mut().zip(code).for_each(|(to, from)| *to = from);
    Term(term)
}
