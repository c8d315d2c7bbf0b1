//! The ladder of a running archive: which step follows from what was counted, and what it asks of the next opening. Pure; counting is
//! [`limits`](crate::limits).
//!
//! Each step keeps what the steps below it ask: who is slowed is still asked for a reason where none is known. A patient who was opened
//! within the hour goes on at every step, as does broken glass: what the ladder slows is the way to *more* patients.

use crate::ladder::Step;
use serde::{Deserialize, Serialize};

/// The lowest limit that has steps. Below it there is no room between the first word and the stop: only the limit speaks.
pub const STEPS_FROM_MIN: u64 = 10;
/// The most unexplained patients of a window that nobody is asked about. More would be as good as never to ask.
const ASK_AFTER_MAX: u64 = 1000;
/// The longest window in which unexplained patients are counted: a day.
const ASK_WITHIN_MINUTES_MAX: u32 = 24 * 60;
/// The longest that a reason lasts: a long shift.
const REASON_MINUTES_MAX: u32 = 24 * 60;
/// The slowest turn: a patient in ten minutes.
const SECONDS_PER_PATIENT_MAX: u32 = 600;
/// The longest that a step lasts behind its last cause.
const STEP_MINUTES_MAX: u32 = 24 * 60;

/// From where on which step holds. Shares are of the limit that is nearest: up to so many per cent is well, and one more is the step; at 100 it
/// begins with the limit itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepRules {
    /// Above this share the person is told.
    pub note_percent: u32,
    /// Above this share patients are opened one after the other, with a pause.
    pub throttle_percent: u32,
    /// Above this share a second factor is asked for.
    pub step_up_percent: u32,
    /// Above this share of a limit that suspends sessions nothing is taken out any more.
    pub suspend_export_percent: u32,
    /// So many patients without a known reason are opened before somebody is asked for one.
    pub ask_reason_after: u64,
    /// Within how many minutes they are counted.
    pub ask_reason_within_minutes: u32,
    /// How long a reason lasts that somebody gave: a shift.
    pub reason_minutes: u32,
    /// How long the pause between two patients is.
    pub seconds_per_patient: u32,
    /// How long a step lasts, at least.
    pub step_minutes: u32,
}

impl Default for StepRules {
    fn default() -> Self {
        Self {
            note_percent: 60,
            throttle_percent: 80,
            step_up_percent: 90,
            suspend_export_percent: 95,
            ask_reason_after: 100,
            ask_reason_within_minutes: 60,
            reason_minutes: 8 * 60,
            seconds_per_patient: 20,
            step_minutes: 30,
        }
    }
}

/// Why a ladder of steps is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    /// A number out of range.
    #[error("`{name}` of the steps is {value}: expected 1 to {most}")]
    Range {
        /// Which.
        name: &'static str,
        /// What was set.
        value: u64,
        /// What may be set at most.
        most: u64,
    },
    /// A harder step before a milder one.
    #[error(
        "the shares of the steps fall: expected note, throttle, step-up and suspend-export in this order"
    )]
    Falls,
}

impl StepRules {
    /// Looks whether the steps can be climbed.
    ///
    /// # Errors
    /// [`StepsError`].
    pub fn check(&self) -> Result<(), StepsError> {
        let ranges = [
            ("note_percent", self.note_percent.into(), 100),
            ("throttle_percent", self.throttle_percent.into(), 100),
            ("step_up_percent", self.step_up_percent.into(), 100),
            ("suspend_export_percent", self.suspend_export_percent.into(), 100),
            ("ask_reason_after", self.ask_reason_after, ASK_AFTER_MAX),
            (
                "ask_reason_within_minutes",
                self.ask_reason_within_minutes.into(),
                ASK_WITHIN_MINUTES_MAX.into(),
            ),
            ("reason_minutes", self.reason_minutes.into(), REASON_MINUTES_MAX.into()),
            ("seconds_per_patient", self.seconds_per_patient.into(), SECONDS_PER_PATIENT_MAX.into()),
            ("step_minutes", self.step_minutes.into(), STEP_MINUTES_MAX.into()),
        ];
        for (name, value, most) in ranges {
            if !(1..=most).contains(&value) {
                return Err(StepsError::Range { name, value, most });
            }
        }
        let shares = self.shares().map(|(percent, _)| percent);
        if shares.is_sorted() { Ok(()) } else { Err(StepsError::Falls) }
    }

    /// Above which share is which step, the mildest first.
    const fn shares(&self) -> [(u32, Step); 4] {
        [
            (self.note_percent, Step::Note),
            (self.throttle_percent, Step::Throttle),
            (self.step_up_percent, Step::StepUp),
            (self.suspend_export_percent, Step::SuspendExport),
        ]
    }
}

/// What was counted of a person, with what is about to be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How much of the nearest limit.
    pub counted: u64,
    /// What that limit lets be.
    pub at_most: u64,
    /// Whether the limit suspends sessions; otherwise it suspends exports only.
    pub of_session: bool,
    /// How many patients without a known reason.
    pub unexplained: u64,
}

impl Counts {
    /// Whether more than this share of the limit is used up.
    pub(crate) fn is_above(&self, percent: u32) -> bool {
        let (counted, at_most) = (u128::from(self.counted), u128::from(self.at_most));
        self.at_most >= STEPS_FROM_MIN && counted * 100 > at_most * u128::from(percent)
    }
}

/// The step that follows from counts; none where there is nothing to say. A single patient in an emergency leads to none, whatever was counted.
/// What is explained leads to no question for a reason.
#[must_use]
pub fn step_of(rules: &StepRules, counts: &Counts, is_explained: bool, is_emergency: bool) -> Option<Step> {
    if is_emergency {
        return None;
    }
    let hardest = |step: &Step| counts.of_session || *step < Step::SuspendExport;
    let shares = rules.shares().into_iter().filter(|(percent, _)| counts.is_above(*percent));
    let by_share = shares.map(|(_, step)| step).filter(hardest).max();
    let asked_soon = u128::from(counts.unexplained) * 100
        > u128::from(rules.ask_reason_after) * u128::from(rules.note_percent);
    let by_reasons = if is_explained {
        None
    } else if counts.unexplained > rules.ask_reason_after {
        Some(Step::AskReason)
    } else {
        (asked_soon && rules.ask_reason_after >= STEPS_FROM_MIN).then_some(Step::Note)
    };
    by_share.max(by_reasons)
}

/// What is about to be opened, as far as a step asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Whether a reason is known, or was given by the person.
    pub is_explained: bool,
    /// Whether the glass is broken, or an emergency of a single patient was stated.
    pub is_emergency: bool,
    /// Whether the person opened this patient within the hour.
    pub is_known: bool,
    /// Whether a second factor was proved since the step began.
    pub is_proved: bool,
    /// How long ago the last patient was opened; none where there was none.
    pub since_last_ms: Option<i64>,
}

/// What is asked before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// A reason.
    Reason,
    /// A second factor.
    Proof,
    /// Patience.
    Wait {
        /// How much of it.
        seconds: u32,
    },
}

/// What a step asks of an opening; none where it goes on.
#[must_use]
pub fn demand_of(rules: &StepRules, step: Option<Step>, opening: &Opening) -> Option<Demand> {
    let step = step?;
    if opening.is_emergency || opening.is_known {
        return None;
    }
    if step >= Step::AskReason && !opening.is_explained {
        return Some(Demand::Reason);
    }
    if step >= Step::StepUp && !opening.is_proved {
        return Some(Demand::Proof);
    }
    if step < Step::Throttle {
        return None;
    }
    let pause_ms = i64::from(rules.seconds_per_patient).saturating_mul(1000);
    // A clock that was set back makes nobody wait longer than the pause.
    let left_ms = pause_ms.saturating_sub(opening.since_last_ms?.max(0));
    let seconds =
        u32::try_from(left_ms.max(0).saturating_add(999) / 1000).unwrap_or(rules.seconds_per_patient);
    (seconds > 0).then_some(Demand::Wait { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> impl Strategy<Value = StepRules> {
        let shares = proptest::collection::vec(1..=100_u32, 4);
        (shares, 1..=200_u64, 1..=600_u32).prop_map(|(mut shares, ask_reason_after, seconds_per_patient)| {
            shares.sort_unstable();
            let [note, throttle, step_up, export] = shares[..] else { unreachable!() };
            StepRules {
                note_percent: note,
                throttle_percent: throttle,
                step_up_percent: step_up,
                suspend_export_percent: export,
                ask_reason_after,
                seconds_per_patient,
                ..StepRules::default()
            }
        })
    }

    fn counts() -> impl Strategy<Value = Counts> {
        (0..500_u64, 1..400_u64, any::<bool>(), 0..400_u64).prop_map(
            |(counted, at_most, of_session, unexplained)| Counts {
                counted,
                at_most,
                of_session,
                unexplained,
            },
        )
    }

    fn opening() -> impl Strategy<Value = Opening> {
        let since = proptest::option::of(-1000..1_000_000_i64);
        (any::<[bool; 4]>(), since).prop_map(|([explained, emergency, known, proved], since_last_ms)| {
            Opening {
                is_explained: explained,
                is_emergency: emergency,
                is_known: known,
                is_proved: proved,
                since_last_ms,
            }
        })
    }

    proptest! {
        #[test]
        fn an_emergency_of_a_single_patient_is_never_held_up(
            rules in rules(), counts in counts(), opening in opening(), held in 0..6_usize
        ) {
            prop_assert_eq!(step_of(&rules, &counts, opening.is_explained, true), None);
            let step = Some(Step::ALL[held]);
            let emergency = Opening { is_emergency: true, ..opening };
            prop_assert_eq!(demand_of(&rules, step, &emergency), None);
        }

        #[test]
        fn a_step_never_falls_while_counts_rise(
            rules in rules(), low in counts(), more in (0..500_u64, 0..400_u64), explained in any::<bool>()
        ) {
            let high = Counts { counted: low.counted + more.0, unexplained: low.unexplained + more.1, ..low };
            prop_assert!(step_of(&rules, &low, explained, false) <= step_of(&rules, &high, explained, false));
        }

        #[test]
        fn what_is_explained_is_never_asked_for_a_reason_and_what_is_not_rises_no_less(
            rules in rules(), counts in counts(), opening in opening(), held in 0..6_usize
        ) {
            let explained = Opening { is_explained: true, ..opening };
            let step = Some(Step::ALL[held]);
            prop_assert_ne!(demand_of(&rules, step, &explained), Some(Demand::Reason));
            prop_assert_ne!(step_of(&rules, &counts, true, false), Some(Step::AskReason));
            prop_assert!(step_of(&rules, &counts, true, false) <= step_of(&rules, &counts, false, false));
        }

        #[test]
        fn a_harder_step_asks_no_less(rules in rules(), opening in opening(), steps in (0..6_usize, 0..6_usize)) {
            let (low, high) = (Step::ALL[steps.0.min(steps.1)], Step::ALL[steps.0.max(steps.1)]);
            if demand_of(&rules, Some(low), &opening).is_some() {
                prop_assert!(demand_of(&rules, Some(high), &opening).is_some());
            }
        }

        #[test]
        fn nobody_waits_longer_than_the_pause_and_a_known_patient_not_at_all(
            rules in rules(), opening in opening(), held in 0..6_usize
        ) {
            let step = Some(Step::ALL[held]);
            if let Some(Demand::Wait { seconds }) = demand_of(&rules, step, &opening) {
                prop_assert!((1..=rules.seconds_per_patient).contains(&seconds));
            }
            let known = Opening { is_known: true, ..opening };
            prop_assert_eq!(demand_of(&rules, step, &known), None);
        }

        #[test]
        fn a_limit_of_exports_stops_no_more_than_it_says(rules in rules(), counts in counts()) {
            let counts = Counts { of_session: false, ..counts };
            prop_assert!(step_of(&rules, &counts, false, false) < Some(Step::SuspendExport));
        }
    }

    #[test]
    fn the_steps_of_a_limit_of_a_hundred() {
        let rules = StepRules::default();
        let step = |counted| {
            let counts = Counts { counted, at_most: 100, of_session: true, unexplained: 0 };
            step_of(&rules, &counts, true, false)
        };
        let from = [(60, None), (61, Some(Step::Note)), (81, Some(Step::Throttle)), (91, Some(Step::StepUp))];
        for (counted, expected) in from.into_iter().chain([(96, Some(Step::SuspendExport))]) {
            assert_eq!(step(counted), expected, "{counted}");
        }
        let small = Counts { counted: 9, at_most: 9, of_session: true, unexplained: 0 };
        assert_eq!(step_of(&rules, &small, true, false), None, "no room for steps");
        let unexplained =
            |unexplained| step_of(&rules, &Counts { unexplained, ..Counts::default() }, false, false);
        assert_eq!(
            [60, 61, 100, 101].map(unexplained),
            [None, Some(Step::Note), Some(Step::Note), Some(Step::AskReason)]
        );
    }

    #[test]
    fn steps_that_fall_or_never_come_are_refused() {
        StepRules::default().check().unwrap();
        let falls = StepRules { throttle_percent: 95, ..StepRules::default() };
        assert_eq!(falls.check(), Err(StepsError::Falls));
        for off in [
            StepRules { note_percent: 0, ..StepRules::default() },
            StepRules { suspend_export_percent: 101, ..StepRules::default() },
            StepRules { ask_reason_after: ASK_AFTER_MAX + 1, ..StepRules::default() },
            StepRules { seconds_per_patient: 0, ..StepRules::default() },
        ] {
            assert!(matches!(off.check(), Err(StepsError::Range { .. })), "{off:?}");
        }
    }
}
