//! What a person did on a day becomes points with reasons. Pure: the same counts give the same points, and the points are the score.

use serde::{Deserialize, Serialize};

/// Why points are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// A decoy was opened.
    Decoy,
    /// Somebody whom many would like to look up, without a reason.
    Prominent,
    /// Somebody of the staff, without a reason.
    Colleague,
    /// Somebody of the same household, without a reason.
    Household,
    /// Somebody of the same neighbourhood, without a reason.
    Neighbour,
    /// Broken glass, and nothing else, for one of the above.
    BreakGlass,
    /// Broken glass, and nothing else by the end of the day, for anybody.
    GlassAlone,
    /// Somebody of the above, with no more reason than that the own department treats them.
    OnlyDepartment,
    /// The same patient again, without a reason, on another day.
    CameBack,
    /// A patient without a reason who was looked up by a search.
    SearchedFor,
    /// Somebody of the above, without a reason, who was looked up by a search.
    LookedUp,
    /// A patient without a reason who was opened three times or more.
    LookedThrough,
    /// Patients without a reason.
    Unexplained,
    /// Patients of departments with which the own one seldom has to do.
    UnusualDepartment,
    /// Many more patients without a reason than this person and its role have on other days.
    AboveOwnDays,
    /// More patients without a reason than usual, day after day.
    SlowCollection,
    /// Patients without a reason outside of the roster.
    OffRoster,
    /// Somebody whose time here ends soon, or is over.
    Leaver,
    /// Somebody from outside, without announced work.
    VendorUnannounced,
    /// Identifiable patients for research, outside of a project.
    ResearchOverreach,
    /// Taken out or printed without a reason.
    TakenOut,
    /// One account at two places at once.
    SharedAccount,
    /// Many patients from a device that is new for the person.
    NewDevice,
    /// A patient without a reason from a device on which the person was never seen before this day.
    UnknownDevice,
    /// What was refused.
    Refused,
    /// A limit stopped the person.
    Stopped,
}

/// Points for one thing: `count` of it, `each` apiece and `most` at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// For what.
    pub signal: Signal,
    /// Points apiece.
    pub each: u32,
    /// Points altogether at most.
    pub most: u32,
}

/// What each signal is worth.
pub const WEIGHTS: &[Weight] = &[
    weight(Signal::Decoy, 80, 160),
    weight(Signal::Prominent, 40, 120),
    weight(Signal::Colleague, 30, 90),
    weight(Signal::Household, 40, 80),
    weight(Signal::Neighbour, 30, 60),
    weight(Signal::BreakGlass, 25, 75),
    weight(Signal::GlassAlone, 5, 20),
    weight(Signal::OnlyDepartment, 12, 24),
    weight(Signal::CameBack, 18, 36),
    weight(Signal::SearchedFor, 6, 12),
    weight(Signal::LookedUp, 12, 36),
    weight(Signal::LookedThrough, 5, 10),
    weight(Signal::Unexplained, 1, 15),
    weight(Signal::UnusualDepartment, 1, 5),
    weight(Signal::AboveOwnDays, 1, 50),
    weight(Signal::SlowCollection, 1, 24),
    weight(Signal::OffRoster, 5, 40),
    weight(Signal::Leaver, 5, 45),
    weight(Signal::VendorUnannounced, 20, 80),
    weight(Signal::ResearchOverreach, 4, 60),
    weight(Signal::TakenOut, 15, 60),
    weight(Signal::SharedAccount, 30, 60),
    weight(Signal::NewDevice, 30, 30),
    weight(Signal::UnknownDevice, 6, 24),
    weight(Signal::Refused, 1, 15),
    weight(Signal::Stopped, 100, 100),
];

const fn weight(signal: Signal, each: u32, most: u32) -> Weight {
    Weight { signal, each, most }
}

/// One reason, with its points. Whoever reviews can check it: so many of this, so many points apiece, so many at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// For what.
    pub signal: Signal,
    /// How many.
    pub count: u32,
    /// Points apiece.
    pub each: u32,
    /// Points at most.
    pub most: u32,
    /// The points that are given.
    pub points: u32,
}

/// How often each signal was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals(Vec<(Signal, u32)>);

impl Signals {
    pub(crate) fn add(&mut self, signal: Signal, count: u32) {
        if count == 0 {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| *known == signal) {
            Some((_, seen)) => *seen = seen.saturating_add(count),
            None => self.0.push((signal, count)),
        }
    }
}

/// The reasons, those with most points first.
pub(crate) fn reasons(signals: &Signals) -> Vec<Reason> {
    let of = |&(signal, count): &(Signal, u32)| {
        let Weight { each, most, .. } = WEIGHTS.iter().find(|weight| weight.signal == signal)?;
        let points = count.saturating_mul(*each).min(*most);
        Some(Reason { signal, count, each: *each, most: *most, points })
    };
    let mut reasons: Vec<Reason> = signals.0.iter().filter_map(of).collect();
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.points), reason.signal));
    reasons
}

/// The score: the sum of the points of its reasons, and nothing else.
#[must_use]
pub fn score_of(reasons: &[Reason]) -> u32 {
    reasons.iter().fold(0, |sum, reason| sum.saturating_add(reason.points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_has_one_weight() {
        let mut seen: Vec<Signal> = WEIGHTS.iter().map(|weight| weight.signal).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), WEIGHTS.len());
        assert_eq!(seen.len(), Signal::Stopped as usize + 1);
    }

    #[test]
    fn a_score_can_be_worked_out_from_what_is_printed() {
        let mut signals = Signals::default();
        signals.add(Signal::Unexplained, 7);
        signals.add(Signal::Colleague, 5);
        signals.add(Signal::Decoy, 0);
        let reasons = reasons(&signals);
        assert_eq!(reasons.len(), 2);
        for reason in &reasons {
            assert_eq!(reason.points, (reason.count * reason.each).min(reason.most));
        }
        assert_eq!(score_of(&reasons), 90 + 7);
    }
}
