//! Care relations as facts for decisions.

use crate::decision::CareInterval;
use std::cmp::Reverse;
use std::collections::HashMap;
use yingdun_catalog::catalogue::care::CareRelation;
use yingdun_model::{PatientRef, Timestamp};

/// Of the relations between a person and some patients one for each patient, where there is one.
///
/// Policies compare one interval with the time. Where a person has several relations with a patient, that is the one
/// that lasts longest among those that have begun, or the next one to begin: if any relation holds now, this one
/// does.
pub(crate) fn intervals(relations: Vec<CareRelation>, now: Timestamp) -> HashMap<PatientRef, CareInterval> {
    let mut intervals: HashMap<PatientRef, CareInterval> = HashMap::new();
    for relation in relations {
        let interval = CareInterval { valid_from: relation.valid_from, valid_until: relation.valid_until };
        let best = intervals.entry(relation.patient).or_insert(interval);
        if preference(&interval, now) > preference(best, now) {
            *best = interval;
        }
    }
    intervals
}

/// Greater is preferred.
pub(crate) fn preference(interval: &CareInterval, now: Timestamp) -> (bool, Timestamp, Reverse<Timestamp>) {
    let begun = interval.valid_from <= now;
    let until = if begun { interval.valid_until } else { Timestamp::from_ms(i64::MIN) };
    (begun, until, Reverse(interval.valid_from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(interval: &CareInterval, now: Timestamp) -> bool {
        interval.valid_from <= now && now < interval.valid_until
    }

    proptest! {
        #[test]
        fn if_any_relation_holds_now_the_preferred_one_does(
            spans in prop::collection::vec((-5_i64..5, 0_i64..5), 1..6),
        ) {
            let now = Timestamp::from_ms(0);
            let interval = |(from, length): &(i64, i64)| CareInterval {
                valid_from: Timestamp::from_ms(*from),
                valid_until: Timestamp::from_ms(from + length),
            };
            let all: Vec<CareInterval> = spans.iter().map(interval).collect();
            let best = all.iter().max_by_key(|interval| preference(interval, now)).unwrap();
            prop_assert_eq!(all.iter().any(|interval| holds(interval, now)), holds(best, now));
        }
    }
}
