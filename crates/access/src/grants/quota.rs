//! How often and for how long somebody may break the glass: a pure function of what that person did before. It shrinks for who
//! was found to have had no reason, or whose cases nobody could review; a single patient in an emergency it never refuses.

use std::time::Duration;
use yingdun_catalog::identity::grants::TimedGrant;
use yingdun_model::{ReviewVerdict, Timestamp};

/// How long glass stays broken at most.
pub(super) const BREAK_GLASS_TIME_MAX: Duration = Duration::from_secs(4 * 3600);
/// Who is above the quota gets so long, for one patient at a time: enough to look, and to find somebody who may.
const ABOVE_QUOTA_TIME: Duration = Duration::from_secs(15 * 60);
/// Cases within a day above which it is no emergency of one patient any more, whoever asks.
pub(super) const PER_DAY_MAX: usize = 50;
/// How long a case that was not justified, or not reviewed in time, counts.
pub(super) const REMEMBERED: Duration = Duration::from_secs(90 * DAY.as_secs());
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What somebody with so many marks may do within a day.
const STEPS: [(usize, u32, Duration); 3] =
    [(0, 10, BREAK_GLASS_TIME_MAX), (1, 3, Duration::from_secs(3600)), (3, 1, Duration::from_secs(3600))];

/// What a person may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakGlassQuota {
    /// Cases of the last 90 days that were not justified, or are not reviewed and overdue.
    pub marks: u32,
    /// Cases within a day.
    pub per_day: u32,
    /// Those of the last day.
    pub used: u32,
    /// How long the next one lasts at most.
    pub time_max: Duration,
    /// Whether the next one ends all others of this person.
    pub ends_others: bool,
}

/// What the cases of the last 90 days leave; nothing when it is too many for one person within a day.
pub(super) fn quota(cases: &[TimedGrant], now: Timestamp) -> Option<BreakGlassQuota> {
    let marked = |case: &&TimedGrant| match &case.review {
        Some(review) => review.verdict == ReviewVerdict::NotJustified,
        None => case.review_due.is_some_and(|due| due <= now),
    };
    let marks = cases.iter().filter(marked).count();
    let used = cases.iter().filter(|case| now < case.given.after(DAY)).count();
    if used >= PER_DAY_MAX {
        return None;
    }
    let (_, per_day, time_max) =
        STEPS.iter().rev().find(|(from, ..)| marks >= *from).copied().unwrap_or(STEPS[0]);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let above = count(used) >= per_day;
    Some(BreakGlassQuota {
        marks: count(marks),
        per_day,
        used: count(used),
        time_max: if above { ABOVE_QUOTA_TIME } else { time_max },
        ends_others: above,
    })
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::grant;
    use super::*;
    use yingdun_catalog::identity::grants::{Granted, Review};
    use yingdun_model::{ActorId, PatientRef};

    const NOW: Timestamp = Timestamp::from_ms(100 * 24 * 3_600_000);

    fn case(hours_ago: i64, verdict: Option<ReviewVerdict>) -> TimedGrant {
        let given = NOW.as_ms() - hours_ago * 3_600_000;
        let review = verdict.map(|verdict| Review {
            by: ActorId::new("aud").unwrap(),
            at: NOW,
            verdict,
            words: Vec::new(),
        });
        let due = Some(Timestamp::from_ms(given + 72 * 3_600_000));
        let on = Granted::Patient(PatientRef::from_bytes([1; 16]));
        TimedGrant { review_due: due, review, ..grant(1, on, given, given + 1) }
    }

    fn left(cases: &[TimedGrant]) -> (u32, u64, bool) {
        let quota = quota(cases, NOW).unwrap();
        (quota.per_day, quota.time_max.as_secs() / 60, quota.ends_others)
    }

    #[test]
    fn who_was_justified_has_it_all_and_who_was_not_has_less() {
        use ReviewVerdict::{Justified, NotJustified};
        assert_eq!(left(&[]), (10, 240, false));
        assert_eq!(left(&[case(50, Some(Justified)), case(71, None)]), (10, 240, false));
        assert_eq!(left(&[case(72, None)]), (3, 60, false), "nobody reviewed it in time");
        assert_eq!(left(&[case(50, Some(NotJustified))]), (3, 60, false));
        assert_eq!(left(&vec![case(50, Some(NotJustified)); 3]), (1, 60, false));
        assert_eq!(left(&vec![case(90, Some(Justified)); 40]), (10, 240, false));
    }

    #[test]
    fn above_the_quota_one_patient_at_a_time_still_opens_for_a_quarter_of_an_hour() {
        assert_eq!(left(&vec![case(1, None); 10]), (10, 15, true));
        assert_eq!(left(&vec![case(1, Some(ReviewVerdict::NotJustified)); 3]), (1, 15, true));
        assert_eq!(left(&vec![case(23, None); PER_DAY_MAX - 1]), (10, 15, true));
        assert_eq!(quota(&vec![case(23, None); PER_DAY_MAX], NOW), None);
        assert!(quota(&vec![case(24, None); PER_DAY_MAX], NOW).is_some());
    }
}
