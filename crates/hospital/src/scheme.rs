//! What is planted: which attacks and look-alikes, on which days, and how they are carried on from day to day.

use crate::attack::{self, AttackType};
use crate::benign::{self, LookAlike};
use crate::calendar::Calendar;
use crate::patients::PatientId;
use crate::people::StaffId;
use crate::split::Split;
use crate::world::World;
use crate::{DAYS_MIN, Plan};

/// Snooping and other incidents of a hospital of full size begin so often, a day.
const ATTACKS_A_DAY: f64 = 2.0;

/// What a scheme is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Attack(AttackType),
    LookAlike(LookAlike),
}

/// Something planted, as far as it has gone.
#[derive(Clone, Debug)]
pub(crate) struct Scheme {
    pub(crate) kind: Kind,
    pub(crate) first_day: i64,
    pub(crate) days: i64,
    /// Name in the truth, once it has begun.
    pub(crate) incident: Option<usize>,
    pub(crate) people: Vec<StaffId>,
    pub(crate) patients: Vec<PatientId>,
}

/// Draws what happens in a run. Every type happens, where the run is long enough to have them all.
pub(crate) fn plan(plan: &Plan, calendar: &Calendar) -> Vec<Scheme> {
    let mut random = plan.stream("schemes", 0);
    let mut kinds: Vec<Kind> = Vec::new();
    let wanted = plan.scaled_mean(ATTACKS_A_DAY * f64::from(plan.days)).round();
    kinds.extend(AttackType::SEEN.map(Kind::Attack));
    let weights = AttackType::SEEN.map(AttackType::weight);
    while (kinds.len() as f64) < wanted {
        kinds.push(Kind::Attack(AttackType::SEEN[random.weighted(&weights)]));
    }
    if Split::of(plan.seed) == Split::HeldOut {
        kinds.extend(AttackType::UNSEEN.map(Kind::Attack));
        let more = plan.scaled(plan.days as usize / 6, 0);
        kinds.extend((0..more).filter_map(|_| random.pick(&AttackType::UNSEEN)).map(Kind::Attack));
    }
    for _ in 0..=plan.days / 20 {
        kinds.extend(LookAlike::ALL.map(Kind::LookAlike));
    }
    let all = i64::from(plan.days.max(DAYS_MIN));
    let schemes = kinds.into_iter().map(|kind| {
        let days = match kind {
            Kind::Attack(attack) => attack.days(&mut random),
            Kind::LookAlike(like) => like.days(),
        };
        let days = days.min(all - 2);
        // A day or two of room at the end, if nobody is found on the first one.
        let mut first_day = random.between(0, (all - days - 2).max(0));
        let suits = |day: &i64| match kind {
            Kind::Attack(attack) => attack.suits(calendar, *day),
            Kind::LookAlike(like) => like.suits(calendar, *day),
        };
        let earlier = || (0..first_day).rev().find(suits);
        first_day = (first_day..all - 1).find(suits).or_else(earlier).unwrap_or(first_day);
        Scheme { kind, first_day, days, incident: None, people: Vec::new(), patients: Vec::new() }
    });
    schemes.collect()
}

/// Carries on what is going on today.
pub(crate) fn day(world: &mut World) {
    let mut schemes = std::mem::take(&mut world.schemes);
    let today = world.day;
    for (number, scheme) in schemes.iter_mut().enumerate() {
        if !(scheme.first_day..scheme.first_day + scheme.days).contains(&today) {
            continue;
        }
        world.random = world.house.plan.stream("scheme", (number as u64) << 16 | today.unsigned_abs());
        let begun = match scheme.kind {
            Kind::Attack(attack) => attack::act(world, attack, scheme),
            Kind::LookAlike(like) => benign::act(world, like, scheme),
        };
        if !begun && scheme.incident.is_none() {
            // Nobody was there who could have; tomorrow.
            scheme.first_day += 1;
        }
    }
    world.schemes = schemes;
}

impl Scheme {
    /// Its name in the truth; it begins when this is asked first.
    pub(crate) fn incident(&mut self, world: &mut World) -> Option<usize> {
        if self.incident.is_none() {
            let (word, benign) = match self.kind {
                Kind::Attack(attack) => (attack.word(), false),
                Kind::LookAlike(like) => (like.word(), true),
            };
            self.incident = Some(world.journal.incident(word, benign));
            let summary = &mut world.journal.summary;
            *(if benign { &mut summary.look_alikes } else { &mut summary.attacks }) += 1;
        }
        self.incident
    }
}
