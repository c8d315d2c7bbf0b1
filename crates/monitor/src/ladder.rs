//! Which response belongs to what, as data: from a note to the end of a session. A score leads to the lower steps only.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A response, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Somebody may read of it.
    Note,
    /// The person is asked for a reason.
    AskReason,
    /// Answers come slowly.
    Throttle,
    /// A second factor is asked for.
    StepUp,
    /// Nothing is taken out of the archive any more.
    SuspendExport,
    /// Nothing opens any more but what glass is broken for.
    SuspendSession,
}

impl Step {
    /// Every step, the mildest first.
    pub const ALL: &[Self] = &[
        Self::Note,
        Self::AskReason,
        Self::Throttle,
        Self::StepUp,
        Self::SuspendExport,
        Self::SuspendSession,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::AskReason => "ask-reason",
            Self::Throttle => "throttle",
            Self::StepUp => "step-up",
            Self::SuspendExport => "suspend-export",
            Self::SuspendSession => "suspend-session",
        }
    }

    /// Whether it stops something.
    #[must_use]
    pub const fn suspends(self) -> bool {
        matches!(self, Self::SuspendExport | Self::SuspendSession)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// From which score on which step is proposed. Steps that suspend are for limits, which are counted, and never for a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Rung>", into = "Vec<Rung>")]
pub struct Ladder(Vec<Rung>);

/// One rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// From this score on.
    pub points: u32,
    /// This is proposed.
    pub step: Step,
}

/// Why a ladder is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LadderError {
    /// A score that would stop somebody.
    #[error(
        "a score of {points} would lead to `{step}`, and scores only rank: use `step-up` or less, or a limit"
    )]
    Suspends {
        /// The score.
        points: u32,
        /// The step.
        step: Step,
    },
    /// More points, milder response.
    #[error("with {points} points `{step}` comes after a harder step that fewer points lead to")]
    Falls {
        /// The score.
        points: u32,
        /// The step.
        step: Step,
    },
}

impl TryFrom<Vec<Rung>> for Ladder {
    type Error = LadderError;

    fn try_from(mut rungs: Vec<Rung>) -> Result<Self, LadderError> {
        rungs.sort_by_key(|rung| rung.points);
        let mut before = Step::Note;
        for Rung { points, step } in rungs.iter().copied() {
            if step.suspends() {
                return Err(LadderError::Suspends { points, step });
            }
            if step < before {
                return Err(LadderError::Falls { points, step });
            }
            before = step;
        }
        Ok(Self(rungs))
    }
}

impl From<Ladder> for Vec<Rung> {
    fn from(ladder: Ladder) -> Self {
        ladder.0
    }
}

impl Default for Ladder {
    fn default() -> Self {
        let rung = |points, step| Rung { points, step };
        Self(vec![
            rung(0, Step::Note),
            rung(25, Step::AskReason),
            rung(60, Step::Throttle),
            rung(90, Step::StepUp),
        ])
    }
}

impl Ladder {
    /// What is proposed for a score.
    #[must_use]
    pub fn for_score(&self, points: u32) -> Step {
        let reached = self.0.iter().take_while(|rung| rung.points <= points);
        reached.last().map_or(Step::Note, |rung| rung.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_points_never_lead_to_a_milder_step_and_none_to_one_that_stops() {
        let ladder = Ladder::default();
        let mut before = Step::Note;
        for points in 0..1000 {
            let step = ladder.for_score(points);
            assert!(step >= before && !step.suspends());
            before = step;
        }
        assert_eq!(before, Step::StepUp);
        assert_eq!(ladder.for_score(24), Step::Note);
        assert_eq!(ladder.for_score(25), Step::AskReason);
    }

    #[test]
    fn a_ladder_that_stops_somebody_or_falls_is_refused() {
        let of = |rungs: &[(u32, Step)]| {
            Ladder::try_from(rungs.iter().map(|&(points, step)| Rung { points, step }).collect::<Vec<_>>())
        };
        let suspends = LadderError::Suspends { points: 5, step: Step::SuspendExport };
        assert_eq!(of(&[(5, Step::SuspendExport)]), Err(suspends));
        let falls = LadderError::Falls { points: 9, step: Step::Note };
        assert_eq!(of(&[(9, Step::Note), (5, Step::Throttle)]), Err(falls));
        assert!(of(&[(9, Step::StepUp), (5, Step::Throttle)]).is_ok());
    }
}
