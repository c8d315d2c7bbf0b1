//! The tables, in Markdown.

use super::Size;
use super::score::{Fate, Score, Share, TOPS};
use std::collections::BTreeSet;
use std::fmt::Write;
use yingdun_hospital::{Hospital, Split};

/// What was scored in one hospital.
pub(crate) struct Of {
    pub(crate) hospital: Hospital,
    pub(crate) ours: Score,
    pub(crate) plain: Score,
}

/// Every table.
pub(crate) fn tables(scores: &[Of], size: Size, budget: u32) -> String {
    let mut text = opening(scores, size, budget);
    text += &goals(scores);
    text += &by_type(scores);
    text += &look_alikes(scores);
    text
}

// === helpers ===

fn opening(scores: &[Of], size: Size, budget: u32) -> String {
    let split = match size.split {
        Split::HeldOut => "held-out seeds, which nobody looked at while the monitor was made",
        Split::Validation => "**validation seeds: not for publication**",
        Split::Training => "**training seeds: not for publication**",
    };
    let mut text = format!(
        "**All of this is synthetic: hospitals that do not exist, attacks that were made up. How precise the monitor is in a real hospital is not known.**\n\n\
         {} runs of {} days of each hospital at {} % of its size, {split}; {budget} alerts a day. *Plain* is what a count of unexplained patients \
         finds in the same records. Types that only held-out runs have are told apart.\n\n",
        size.seeds, size.days, size.percent
    );
    if size.percent < 100 {
        text.push_str("**This shows that everything runs, no more: in a small hospital so many alerts name a large part of the staff.**\n\n");
    }
    for one in scores {
        let score = &one.ours;
        let _ = writeln!(
            text,
            "Hospital {}: {} accesses, {} user-days, {} incidents, replayed in {:.0} s.\n",
            one.hospital.letter(),
            score.accesses,
            score.user_days,
            score.incidents.len(),
            score.seconds
        );
    }
    text
}

/// A figure of the first table.
struct Goal {
    words: &'static str,
    goal: &'static str,
    of: fn(&Score) -> f64,
    unit: &'static str,
    met: fn(f64) -> Option<bool>,
}

fn seen(fate: &Fate) -> bool {
    !fate.is_unseen()
}

const GOALS: [Goal; 10] = [
    Goal {
        words: "benign accesses explained",
        goal: "≥ 96 %",
        of: |score| score.explained.percent(),
        unit: " %",
        met: |value| Some(value >= 96.0),
    },
    Goal {
        words: "incidents found (recall)",
        goal: "≥ 85 %",
        of: |score| score.recall(seen).percent(),
        unit: " %",
        met: |value| Some(value >= 85.0),
    },
    Goal {
        words: "the same, types that were never seen",
        goal: "–",
        of: |score| score.recall(Fate::is_unseen).percent(),
        unit: " %",
        met: |_| None,
    },
    Goal {
        words: "slow scraping found within 5 days",
        goal: "≥ 95 %",
        of: |score| score.slow_within_five_days().percent(),
        unit: " %",
        met: |value| Some(value >= 95.0),
    },
    Goal {
        words: "median rank of an incident",
        goal: "≤ 5",
        of: |score| score.median_rank(seen),
        unit: "",
        met: |value| Some(value <= 5.0),
    },
    Goal {
        words: "R-precision",
        goal: "≥ 50 %",
        of: |score| score.r_precision.percent(),
        unit: " %",
        met: |value| Some(value >= 50.0),
    },
    Goal {
        words: "precision of the first of a day",
        goal: "–",
        of: |score| score.precision.first().copied().unwrap_or_default().percent(),
        unit: " %",
        met: |_| None,
    },
    Goal {
        words: "false blocks, for 10,000 user-days",
        goal: "≤ 1",
        of: Score::false_blocks_per_10000,
        unit: "",
        met: |value| Some(value <= 1.0),
    },
    Goal {
        words: "blocks on look-alikes",
        goal: "0",
        of: |score| score.look_alike_blocks as f64,
        unit: "",
        met: |value| Some(value < 0.5),
    },
    Goal {
        words: "accesses replayed in a second",
        goal: "–",
        of: |score| score.accesses as f64 / score.seconds,
        unit: "",
        met: |_| None,
    },
];

fn goals(scores: &[Of]) -> String {
    let mut text = String::from("| figure | goal |");
    for one in scores {
        let letter = one.hospital.letter();
        let _ = write!(text, " {letter} | | {letter}, plain |");
    }
    let _ = writeln!(text, "\n|---|---:|{}", "---:|---|---:|".repeat(scores.len()));
    for goal in GOALS {
        let _ = write!(text, "| {} | {} |", goal.words, goal.goal);
        for one in scores {
            let value = (goal.of)(&one.ours);
            let bound = if goal.words.starts_with("benign") && one.ours.is_bound { "≥ " } else { "" };
            let verdict = match (goal.met)(value).filter(|_| value.is_finite()) {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            let (ours, plain) = (shown(value, goal.unit), shown((goal.of)(&one.plain), goal.unit));
            let _ = write!(text, " {bound}{ours} | {verdict} | {plain} |");
        }
        text.push('\n');
    }
    if let [a, b] = scores {
        let drop = |of: fn(&Of) -> &Score| {
            let recall = |one| of(one).recall(seen).percent();
            recall(a) - recall(b)
        };
        let (ours, plain) = (drop(|one| &one.ours), drop(|one| &one.plain));
        let verdict = if ours <= 10.0 { "met" } else { "**missed**" };
        let _ = writeln!(
            text,
            "| recall on A less recall on B | ≤ 10 points | | | | {ours:+.1} | {verdict} | {plain:+.1} |"
        );
    }
    text.push_str("\n| true alerts among the first | ");
    text.push_str(&TOPS.map(|top| format!("{top} |")).join(" "));
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(TOPS.len()));
    for one in scores {
        for (subject, score) in [("", &one.ours), (", plain", &one.plain)] {
            let _ = write!(text, "| {}{subject} |", one.hospital.letter());
            for share in score.precision {
                let _ = write!(text, " {} |", shown(share.percent(), " %"));
            }
            text.push('\n');
        }
    }
    text
}

fn by_type(scores: &[Of]) -> String {
    let mut text = String::from("\n| type of attack |");
    for one in scores {
        let letter = one.hospital.letter();
        let _ = write!(text, " {letter}: found | stopped | median rank | plain: found |");
    }
    let _ = writeln!(text, "\n|---|{}", "---:|---:|---:|---:|".repeat(scores.len()));
    let fates = scores.iter().flat_map(|one| &one.ours.incidents);
    let words: BTreeSet<(bool, &str)> = fates.map(|fate| (fate.is_unseen(), &*fate.word)).collect();
    for (unseen, word) in words {
        let _ = write!(text, "| {word}{} |", if unseen { " (never seen)" } else { "" });
        for one in scores {
            let of = |fate: &Fate| fate.word == word;
            let (ours, plain) = (one.ours.recall(of), one.plain.recall(of));
            let stopped = one.ours.incidents.iter().filter(|fate| of(fate) && fate.blocked).count();
            let rank = shown(one.ours.median_rank(of), "");
            let _ = write!(text, " {} | {stopped} | {rank} | {} |", counted(ours), counted(plain));
        }
        text.push('\n');
    }
    text
}

fn look_alikes(scores: &[Of]) -> String {
    let mut text = String::from("\n| look-alike |");
    for one in scores {
        let _ = write!(text, " {}: times | alerts | blocks |", one.hospital.letter());
    }
    let _ = writeln!(text, "\n|---|{}", "---:|---:|---:|".repeat(scores.len()));
    let words: BTreeSet<&String> = scores.iter().flat_map(|one| one.ours.look_alikes.keys()).collect();
    for word in words {
        let _ = write!(text, "| {word} |");
        for one in scores {
            let found = one.ours.look_alikes.get(word).copied().unwrap_or_default();
            let _ = write!(text, " {} | {} | {} |", found.times, found.alerts, found.blocks);
        }
        text.push('\n');
    }
    text
}

fn shown(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        "—".into()
    } else if value.abs() >= 1000.0 {
        format!("{value:.0}{unit}")
    } else {
        format!("{value:.1}{unit}")
    }
}

fn counted(share: Share) -> String {
    format!("{} of {}", share.part, share.all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_say_that_all_is_synthetic_and_have_a_row_for_everything() {
        let fate = |word: &str, rank| Fate {
            word: word.into(),
            rank,
            found_after_days: rank.map(|_| 0),
            blocked: false,
        };
        let score = || Score {
            incidents: vec![fate("bulk-slow", Some(2)), fate("bulk-fast", None), fate("list-harvest", None)],
            user_days: 100,
            false_blocks: 1,
            ..Score::default()
        };
        let of = |hospital| Of { hospital, ours: score(), plain: Score::default() };
        let text = tables(&[of(Hospital::A), of(Hospital::B)], Size::QUICK, 20);
        assert!(text.starts_with("**All of this is synthetic"));
        for row in [
            "| incidents found (recall) | ≥ 85 % | 50.0 % | **missed** | — |",
            "| false blocks, for 10,000 user-days | ≤ 1 | 100.0 | **missed** |",
            "| slow scraping found within 5 days | ≥ 95 % | 100.0 % | met |",
            "| bulk-slow | 1 of 1 | 0 | 2.0 | 0 of 0 |",
            "| list-harvest (never seen) | 0 of 1 |",
            "| recall on A less recall on B | ≤ 10 points | | | | +0.0 | met |",
        ] {
            assert!(text.contains(row), "{row} is not in\n{text}");
        }
    }
}
