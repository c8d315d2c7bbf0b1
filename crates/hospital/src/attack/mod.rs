//! What people do who should not. Whoever tunes a detector does not read on from here.

mod bulk;
mod snoop;
mod stolen;
mod unseen;

use crate::calendar::Calendar;
use crate::people::StaffId;
use crate::random::Random;
use crate::scheme::Scheme;
use crate::shape::Work;
use crate::world::World;

macro_rules! attack_types {
    ($($(#[$document:meta])* $name:ident => $word:literal,)*) => {
        /// A type of attack, as the truth names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AttackType {
            $($(#[$document])* $name,)*
        }

        impl AttackType {
            /// The word of the truth.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

attack_types! {
    /// Hundreds of patients within an hour or two.
    BulkFast => "bulk-fast",
    /// Twice the own norm and more, for a week or two.
    BulkSlow => "bulk-slow",
    /// Somebody whom everybody knows.
    SnoopProminent => "snoop-prominent",
    /// A colleague who is a patient.
    SnoopColleague => "snoop-colleague",
    /// A relative, or somebody who was one.
    SnoopHousehold => "snoop-household",
    /// People of the same estate.
    SnoopNeighbour => "snoop-neighbour",
    /// One account, two people.
    CredentialSharing => "credential-sharing",
    /// Browsing at night.
    NightAbuse => "night-abuse",
    /// A researcher beyond the project.
    ResearchOverreach => "research-overreach",
    /// Taking records along before leaving.
    Leaver => "leaver",
    /// A vendor whom nobody called.
    VendorAccount => "vendor-account",
    /// Somebody else in an open session.
    StolenSession => "stolen-session",
    /// The glass broken without an emergency.
    BreakGlassAbuse => "break-glass-abuse",
    /// A patient who does not exist.
    DecoyTouch => "decoy-touch",
    /// A few exports a day, for days.
    ExportPieces => "export-pieces",
    /// Held-out runs only.
    PrintedPieces => "printed-pieces",
    /// Held-out runs only.
    SharedScrape => "shared-scrape",
    /// Held-out runs only.
    SelfMadeReason => "self-made-reason",
    /// Held-out runs only.
    ListHarvest => "list-harvest",
    /// Held-out runs only.
    SleepingAccount => "sleeping-account",
}

impl AttackType {
    /// The types of every run.
    pub const SEEN: [Self; 15] = [
        Self::BulkFast,
        Self::BulkSlow,
        Self::SnoopProminent,
        Self::SnoopColleague,
        Self::SnoopHousehold,
        Self::SnoopNeighbour,
        Self::CredentialSharing,
        Self::NightAbuse,
        Self::ResearchOverreach,
        Self::Leaver,
        Self::VendorAccount,
        Self::StolenSession,
        Self::BreakGlassAbuse,
        Self::DecoyTouch,
        Self::ExportPieces,
    ];

    /// The types that only held-out runs have.
    pub const UNSEEN: [Self; 5] = [
        Self::PrintedPieces,
        Self::SharedScrape,
        Self::SelfMadeReason,
        Self::ListHarvest,
        Self::SleepingAccount,
    ];

    /// How often it happens, beside others. Snooping is what hospitals find most.
    pub(crate) fn weight(self) -> f64 {
        match self {
            Self::SnoopColleague => 5.0,
            Self::SnoopProminent | Self::SnoopHousehold => 4.0,
            Self::SnoopNeighbour => 3.0,
            Self::NightAbuse | Self::BreakGlassAbuse | Self::CredentialSharing | Self::ExportPieces => 1.5,
            _ => 1.0,
        }
    }

    /// Whether it can begin on a day: offices rest on the others.
    pub(crate) fn suits(self, calendar: &Calendar, day: i64) -> bool {
        !matches!(self, Self::ResearchOverreach | Self::ListHarvest) || calendar.is_workday(day)
    }

    /// For how many days it goes on.
    pub(crate) fn days(self, random: &mut Random) -> i64 {
        let (least, most) = match self {
            Self::BulkSlow => (10, 14),
            Self::SnoopHousehold => (3, 6),
            Self::SnoopColleague | Self::SnoopNeighbour | Self::NightAbuse | Self::BreakGlassAbuse => (1, 2),
            Self::CredentialSharing | Self::ResearchOverreach | Self::Leaver => (2, 3),
            Self::ExportPieces | Self::PrintedPieces => (5, 8),
            Self::SharedScrape | Self::SelfMadeReason | Self::ListHarvest => (2, 4),
            Self::BulkFast
            | Self::SnoopProminent
            | Self::VendorAccount
            | Self::StolenSession
            | Self::DecoyTouch
            | Self::SleepingAccount => (1, 1),
        };
        random.between(least, most)
    }
}

/// What happens of it today. `false` if it could not begin.
pub(crate) fn act(world: &mut World, attack: AttackType, scheme: &mut Scheme) -> bool {
    match attack {
        AttackType::BulkFast => bulk::fast(world, scheme),
        AttackType::BulkSlow => bulk::slow(world, scheme),
        AttackType::ExportPieces => bulk::pieces(world, scheme, "export"),
        AttackType::ResearchOverreach => bulk::research(world, scheme),
        AttackType::Leaver => bulk::leaver(world, scheme),
        AttackType::SnoopProminent => snoop::prominent(world, scheme),
        AttackType::SnoopColleague => snoop::colleague(world, scheme),
        AttackType::SnoopHousehold => snoop::household(world, scheme),
        AttackType::SnoopNeighbour => snoop::neighbour(world, scheme),
        AttackType::DecoyTouch => snoop::decoy(world, scheme),
        AttackType::BreakGlassAbuse => snoop::break_glass(world, scheme),
        AttackType::NightAbuse => stolen::night(world, scheme),
        AttackType::CredentialSharing => stolen::shared(world, scheme),
        AttackType::VendorAccount => stolen::vendor(world, scheme),
        AttackType::StolenSession => stolen::session(world, scheme),
        AttackType::PrintedPieces => bulk::pieces(world, scheme, "print"),
        AttackType::SharedScrape => unseen::shared_scrape(world, scheme),
        AttackType::SelfMadeReason => unseen::self_made_reason(world, scheme),
        AttackType::ListHarvest => unseen::list_harvest(world, scheme),
        AttackType::SleepingAccount => unseen::sleeping_account(world, scheme),
    }
}

// === helpers ===

/// Those who come across records at work.
const CURIOUS: [Work; 7] = [
    Work::Physician,
    Work::Nurse,
    Work::Resident,
    Work::Radiologist,
    Work::Technician,
    Work::Clerk,
    Work::Chief,
];

/// The person of a scheme: who it is already, or somebody who begins to work today and fits. Each account is in one attack only.
fn attacker(
    world: &mut World,
    scheme: &mut Scheme,
    works: &[Work],
    fits: impl Fn(&World, StaffId) -> bool,
) -> Option<StaffId> {
    if let Some(person) = scheme.people.first() {
        return Some(*person);
    }
    let morning = world.starts();
    let candidates: Vec<StaffId> = world
        .shifts
        .iter()
        .filter(|shift| shift.from_ms >= morning)
        .map(|shift| shift.person)
        .filter(|person| works.contains(&world.house.members[*person].work) && !world.taken[*person])
        .filter(|person| fits(world, *person))
        .collect();
    let person = world.random.pick(&candidates)?;
    world.taken[person] = true;
    scheme.people.push(person);
    Some(person)
}

/// A moment within the shift that somebody begins today, with some time before its end.
fn while_working(world: &mut World, person: StaffId) -> Option<i64> {
    let morning = world.starts();
    let shift =
        world.shifts.iter().find(|shift| shift.person == person && shift.from_ms >= morning).copied()?;
    Some(
        world
            .random
            .between(shift.from_ms + 20 * crate::calendar::MINUTE, shift.until_ms - crate::calendar::HOUR),
    )
}
