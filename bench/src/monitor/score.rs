//! What was said, compared with what was true. Counts only; shares are made where they are shown.

use super::answers::{Answers, Incident};
use super::said::Said;
use std::collections::{BTreeMap, BTreeSet};
use yingdun_hospital::AttackType;

/// Whoever did something wrong may be stopped until so long afterwards.
const BLOCK_LASTS_MS: i64 = 24 * 60 * 60 * 1000;

/// How many of each day are looked at for precision.
pub(crate) const TOPS: [u32; 4] = [1, 5, 10, 20];

/// What became of one incident.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    pub(crate) word: String,
    /// The best rank of an alert that finds it.
    pub(crate) rank: Option<u32>,
    /// Days from its first one to the first alert that finds it.
    pub(crate) found_after_days: Option<usize>,
    /// Whether somebody was stopped while at it.
    pub(crate) blocked: bool,
}

impl Fate {
    /// Whether it is of a type that only held-out runs have.
    pub(crate) fn is_unseen(&self) -> bool {
        AttackType::UNSEEN.iter().any(|attack| attack.word() == self.word)
    }
}

/// Part of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) part: u64,
    pub(crate) all: u64,
}

impl Share {
    pub(crate) fn count(&mut self, holds: bool) {
        self.part += u64::from(holds);
        self.all += 1;
    }

    pub(crate) fn percent(self) -> f64 {
        self.part as f64 * 100.0 / self.all as f64
    }

    fn add(&mut self, other: Self) {
        self.part += other.part;
        self.all += other.all;
    }
}

/// What happened to one kind of look-alike.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Innocent {
    pub(crate) times: u64,
    pub(crate) alerts: u64,
    pub(crate) blocks: u64,
}

/// Scores of one run, or of several.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) incidents: Vec<Fate>,
    pub(crate) explained: Share,
    /// Whether `explained` is only a bound.
    pub(crate) is_bound: bool,
    pub(crate) precision: [Share; TOPS.len()],
    pub(crate) r_precision: Share,
    pub(crate) blocks: u64,
    pub(crate) false_blocks: u64,
    pub(crate) look_alike_blocks: u64,
    pub(crate) look_alikes: BTreeMap<String, Innocent>,
    pub(crate) user_days: u64,
    pub(crate) accesses: u64,
    pub(crate) seconds: f64,
    pub(crate) budget: u32,
}

impl Score {
    /// Scores one run.
    pub(crate) fn of(answers: &Answers, said: &Said, budget: u32) -> Self {
        let mut score = Self {
            user_days: answers.user_days,
            accesses: answers.accesses() as u64,
            seconds: said.summary.seconds,
            budget,
            ..Self::default()
        };
        let fates: BTreeMap<usize, Fate> = score.judge_alerts(answers, said, budget);
        score.judge_blocks(answers, said);
        score.explain(answers, said);
        score.incidents = fates
            .into_iter()
            .filter_map(|(index, fate)| Some((answers.incidents.get(index)?, fate)))
            .map(|(incident, fate)| Fate {
                blocked: said.blocks.iter().any(|block| stops(incident, block)),
                ..fate
            })
            .collect();
        score
    }

    /// Takes another run of the same hospital.
    pub(crate) fn add(&mut self, other: Self) {
        self.incidents.extend(other.incidents);
        self.explained.add(other.explained);
        self.is_bound |= other.is_bound;
        for (mine, its) in self.precision.iter_mut().zip(other.precision) {
            mine.add(its);
        }
        self.r_precision.add(other.r_precision);
        self.blocks += other.blocks;
        self.false_blocks += other.false_blocks;
        self.look_alike_blocks += other.look_alike_blocks;
        for (word, its) in other.look_alikes {
            let mine = self.look_alikes.entry(word).or_default();
            mine.times += its.times;
            mine.alerts += its.alerts;
            mine.blocks += its.blocks;
        }
        self.user_days += other.user_days;
        self.accesses += other.accesses;
        self.seconds += other.seconds;
        self.budget = other.budget;
    }

    /// How many incidents were found.
    pub(crate) fn found(&self) -> usize {
        self.incidents.iter().filter(|fate| fate.rank.is_some()).count()
    }

    /// Found incidents of some.
    pub(crate) fn recall(&self, of: impl Fn(&Fate) -> bool) -> Share {
        let mut share = Share::default();
        self.incidents.iter().filter(|fate| of(fate)).for_each(|fate| share.count(fate.rank.is_some()));
        share
    }

    /// The middle rank of some incidents; one that is not found stands behind the budget.
    pub(crate) fn median_rank(&self, of: impl Fn(&Fate) -> bool) -> f64 {
        let ranks: Vec<f64> = self
            .incidents
            .iter()
            .filter(|fate| of(fate))
            .map(|fate| f64::from(fate.rank.unwrap_or(self.budget + 1)))
            .collect();
        crate::statistics::median(&ranks)
    }

    /// Slow scraping that was found within five days.
    pub(crate) fn slow_within_five_days(&self) -> Share {
        let mut share = Share::default();
        for fate in self.incidents.iter().filter(|fate| fate.word == AttackType::BulkSlow.word()) {
            share.count(fate.found_after_days.is_some_and(|days| days <= 5));
        }
        share
    }

    /// False blocks for ten thousand user-days.
    pub(crate) fn false_blocks_per_10000(&self) -> f64 {
        self.false_blocks as f64 * 10_000.0 / self.user_days as f64
    }

    /// The figures that `--json` carries.
    pub(crate) fn figures(&self) -> Vec<(&'static str, f64)> {
        let [first, five, ten, twenty] = self.precision.map(Share::percent);
        let figures = [
            ("benign_explained_percent", self.explained.percent()),
            ("recall_percent", self.recall(|fate| !fate.is_unseen()).percent()),
            ("recall_of_unseen_types_percent", self.recall(Fate::is_unseen).percent()),
            ("median_rank", self.median_rank(|fate| !fate.is_unseen())),
            ("precision_at_1_percent", first),
            ("precision_at_5_percent", five),
            ("precision_at_10_percent", ten),
            ("precision_at_20_percent", twenty),
            ("r_precision_percent", self.r_precision.percent()),
            ("slow_scraping_within_5_days_percent", self.slow_within_five_days().percent()),
            ("blocks", self.blocks as f64),
            ("false_blocks_per_10000_user_days", self.false_blocks_per_10000()),
            ("blocks_on_look_alikes", self.look_alike_blocks as f64),
            ("user_days", self.user_days as f64),
            ("accesses", self.accesses as f64),
            ("incidents", self.incidents.len() as f64),
            ("seconds", self.seconds),
        ];
        // A share of nothing is no number.
        figures.into_iter().filter(|(_, value)| value.is_finite()).collect()
    }

    // === helpers ===

    fn judge_alerts(&mut self, answers: &Answers, said: &Said, budget: u32) -> BTreeMap<usize, Fate> {
        let mut fates = BTreeMap::new();
        let mut of_day: BTreeMap<&str, u32> = BTreeMap::new();
        for (index, incident) in answers.incidents.iter().enumerate() {
            if incident.benign {
                self.look_alikes.entry(incident.word.clone()).or_default().times += 1;
                continue;
            }
            for day in &incident.days {
                *of_day.entry(day).or_default() += 1;
            }
            let word = incident.word.clone();
            fates.insert(index, Fate { word, rank: None, found_after_days: None, blocked: false });
        }
        for alert in said.alerts.iter().filter(|alert| (1..=budget).contains(&alert.rank)) {
            let touched: BTreeSet<usize> = alert
                .sequences
                .iter()
                .filter_map(|sequence| answers.access(*sequence)?.incident)
                .filter(|index| {
                    let incident = answers.incidents.get(*index);
                    incident.is_some_and(|incident| {
                        incident.moments.contains_key(&alert.person) && incident.days.contains(&alert.day)
                    })
                })
                .collect();
            let mut is_true = false;
            for index in touched {
                let Some(incident) = answers.incidents.get(index) else { continue };
                let Some(fate) = fates.get_mut(&index) else {
                    self.look_alikes.entry(incident.word.clone()).or_default().alerts += 1;
                    continue;
                };
                is_true = true;
                let after = incident.days.range(..alert.day.clone()).count();
                fate.rank = Some(fate.rank.map_or(alert.rank, |rank| rank.min(alert.rank)));
                fate.found_after_days = Some(fate.found_after_days.map_or(after, |days| days.min(after)));
            }
            for (top, share) in TOPS.iter().zip(&mut self.precision) {
                if alert.rank <= *top {
                    share.count(is_true);
                }
            }
            let is_top = alert.rank <= of_day.get(alert.day.as_str()).copied().unwrap_or(0);
            self.r_precision.part += u64::from(is_true && is_top);
        }
        // Who says less than there was to say is not the more precise for it.
        self.r_precision.all = of_day.into_values().map(u64::from).sum();
        fates
    }

    fn judge_blocks(&mut self, answers: &Answers, said: &Said) {
        for block in &said.blocks {
            self.blocks += 1;
            let bad = answers.incidents.iter().filter(|incident| !incident.benign);
            self.false_blocks += u64::from(!bad.into_iter().any(|incident| stops(incident, block)));
            let planted =
                answers.access(block.sequence).and_then(|access| answers.incidents.get(access.incident?));
            if let Some(incident) = planted.filter(|incident| incident.benign) {
                self.look_alike_blocks += 1;
                self.look_alikes.entry(incident.word.clone()).or_default().blocks += 1;
            }
        }
    }

    fn explain(&mut self, answers: &Answers, said: &Said) {
        let is_bad = |incident: Option<usize>| {
            incident.and_then(|index| answers.incidents.get(index)).is_some_and(|incident| !incident.benign)
        };
        let benign = answers.all().filter(|(_, access)| access.counts && !is_bad(access.incident));
        for (sequence, _) in benign {
            self.explained.count(!said.unexplained.contains(&sequence));
        }
        self.is_bound = said.unexplained.is_empty() && said.summary.explained < said.summary.accesses;
        if self.is_bound {
            // At worst every bad access is among those that were explained.
            let bad = said.summary.accesses.saturating_sub(self.explained.all);
            self.explained.part = said.summary.explained.saturating_sub(bad).min(self.explained.all);
        }
    }
}

/// Whether a block is of somebody who did something of an incident within the day before.
fn stops(incident: &Incident, block: &super::said::Block) -> bool {
    let moments = incident.moments.get(&block.person);
    let before = block.at_ms - BLOCK_LASTS_MS;
    moments.is_some_and(|moments| moments.iter().any(|moment| (before..=block.at_ms).contains(moment)))
}

#[cfg(test)]
mod tests {
    use super::super::said::{Alert, Block, Summary};
    use super::*;
    use yingdun_hospital::{Sink, Truth};
    use yingdun_monitor::record::{Access, Record};

    const DAY: i64 = 24 * 60 * 60 * 1000;

    /// Ten accesses, two a day from the third of February on: one incident (2 and 3, by s-1), one look-alike (5, by s-2).
    fn answers() -> Answers {
        let mut answers = Answers::empty();
        for sequence in 0..10 {
            let access = Access {
                at_ms: 1_770_084_000_000 + i64::try_from(sequence / 2).unwrap() * DAY,
                sequence,
                person: if sequence == 5 { "s-2" } else { "s-1" }.into(),
                session: "x".into(),
                device: None,
                place: None,
                action: "view".into(),
                purpose: None,
                patient: (sequence != 9).then(|| "p".into()),
                study: None,
                instances: 1,
                bytes: 1,
                allowed: true,
            };
            answers.record(&Record::Access(access)).unwrap();
        }
        let planted = |sequence, range, person: &str, r#type: &str, benign| Truth {
            sequence,
            range,
            person: person.into(),
            incident: r#type.to_owned(),
            r#type: r#type.into(),
            benign,
        };
        answers.truth(&planted(None, Some((2, 3)), "s-1", "bulk-slow", false)).unwrap();
        answers.truth(&planted(Some(5), None, "s-2", "flu-peak", true)).unwrap();
        answers.finish().unwrap();
        answers
    }

    fn alert(day: &str, rank: u32, person: &str, sequence: u64) -> Alert {
        Alert { day: day.into(), rank, person: person.into(), sequences: vec![sequence] }
    }

    fn said(alerts: Vec<Alert>) -> Said {
        let summary = Summary { accesses: 9, explained: 9, seconds: 1.0 };
        Said { alerts, summary, ..Said::default() }
    }

    #[test]
    fn an_incident_is_found_by_day_person_and_sequence_within_the_budget() {
        let answers = answers();
        let rank = |alert| Score::of(&answers, &said(vec![alert]), 20).incidents[0].rank;
        assert_eq!(rank(alert("2026-02-04", 3, "s-1", 2)), Some(3));
        for misses in [
            alert("2026-02-05", 1, "s-1", 2),
            alert("2026-02-04", 1, "s-2", 2),
            alert("2026-02-04", 1, "s-1", 4),
            alert("2026-02-04", 21, "s-1", 2),
            alert("2026-02-04", 0, "s-1", 2),
            alert("2026-02-04", 1, "s-1", 4000),
        ] {
            let words = format!("{misses:?}");
            assert_eq!(rank(misses), None, "{words}");
        }
    }

    #[test]
    fn precision_counts_true_alerts_and_a_look_alike_is_not_one() {
        let found = alert("2026-02-04", 1, "s-1", 3);
        let innocent = alert("2026-02-05", 1, "s-2", 5);
        let score = Score::of(&answers(), &said(vec![found, innocent, alert("2026-02-04", 7, "s-9", 1)]), 20);
        assert_eq!(score.precision[0], Share { part: 1, all: 2 });
        assert_eq!(score.precision[1], Share { part: 1, all: 2 });
        assert_eq!(score.precision[2], Share { part: 1, all: 3 });
        // One incident on the fourth, none on the fifth.
        assert_eq!(score.r_precision, Share { part: 1, all: 1 });
        assert_eq!(score.look_alikes["flu-peak"].alerts, 1);
        assert_eq!(score.slow_within_five_days(), Share { part: 1, all: 1 });
        assert!((score.median_rank(|_| true) - 1.0).abs() < 1e-9);
        let nothing = Score::of(&answers(), &said(Vec::new()), 20);
        assert!((nothing.median_rank(|_| true) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn a_block_is_false_unless_somebody_did_wrong_within_a_day() {
        let answers = answers();
        let blocks = |person: &str, sequence, after_days: i64| {
            let at_ms = 1_770_084_000_000 + after_days * DAY;
            let block = Block { sequence, person: person.into(), at_ms };
            let score = Score::of(&answers, &Said { blocks: vec![block], ..said(Vec::new()) }, 20);
            (score.false_blocks, score.look_alike_blocks, score.incidents[0].blocked)
        };
        assert_eq!(blocks("s-1", 3, 1), (0, 0, true));
        assert_eq!(blocks("s-1", 4, 2), (0, 0, true));
        assert_eq!(blocks("s-1", 6, 3), (1, 0, false));
        assert_eq!(blocks("s-1", 0, 0), (1, 0, false));
        assert_eq!(blocks("s-2", 5, 2), (1, 1, false));
    }

    #[test]
    fn the_share_explained_is_of_benign_accesses_with_a_patient() {
        let answers = answers();
        // 0, 1, 4 to 8: seven benign ones; 9 names nobody.
        let unexplained = [3, 4, 9].into();
        let score = Score::of(&answers, &Said { unexplained, ..said(Vec::new()) }, 20);
        assert_eq!((score.explained, score.is_bound), (Share { part: 6, all: 7 }, false));
        let summary = Summary { accesses: 9, explained: 7, seconds: 1.0 };
        let score = Score::of(&answers, &Said { summary, ..Said::default() }, 20);
        assert_eq!((score.explained, score.is_bound), (Share { part: 5, all: 7 }, true));
        assert_eq!(score.user_days, 6);
    }
}
