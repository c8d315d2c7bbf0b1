//! What looks like an attack and is none: fifteen kinds of unusual days, each in every run.

mod crowd;
mod desk;

use crate::calendar::Calendar;
use crate::scheme::Scheme;
use crate::world::World;

macro_rules! look_alikes {
    ($($(#[$document:meta])* $name:ident => $word:literal,)*) => {
        /// A benign event that looks like an attack, as the truth names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LookAlike {
            $($(#[$document])* $name,)*
        }

        impl LookAlike {
            /// Every kind.
            pub const ALL: [Self; 15] = [$(Self::$name,)*];

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

look_alikes! {
    /// An accident at night: dozens at once, and people come who are not on the roster.
    MassCasualty => "mass-casualty-night",
    /// One evening before the tumour board: patients of all wards.
    TumourBoard => "tumour-board",
    /// A campaign of quality assurance.
    QualityAudit => "quality-audit",
    /// Cases for a lecture are collected and exported.
    TeachingSet => "teaching-set",
    /// A service moves studies, thousands in a night, decoys too.
    MigrationJob => "migration-job",
    /// Somebody whom everybody knows lies in a ward, and many have to do with it.
    ProminentTeam => "prominent-team",
    /// A ward opens; the lists still say where everybody was before.
    NewWard => "new-ward",
    /// Residents begin somewhere new.
    ResidentFirstWeek => "resident-first-week",
    /// A locum helps here today and there tomorrow.
    Locum => "locum",
    /// Old studies are read again.
    PriorsReread => "priors-reread",
    /// A radiologist who works here and from home in the same hour.
    TwoSites => "two-sites",
    /// A shift was swapped, and nobody wrote it down.
    RosterSwap => "roster-swap",
    /// All workstations of a ward are new.
    DeviceReplacement => "device-replacement",
    /// On call on a holiday, from home.
    HolidayOnCall => "holiday-on-call",
    /// The peak of the flu.
    FluPeak => "flu-peak",
}

impl LookAlike {
    /// For how many days it goes on.
    pub(crate) fn days(self) -> i64 {
        match self {
            Self::NewWard | Self::FluPeak | Self::Locum => 3,
            Self::ResidentFirstWeek | Self::ProminentTeam => 4,
            Self::MigrationJob | Self::QualityAudit => 2,
            Self::MassCasualty
            | Self::TumourBoard
            | Self::TeachingSet
            | Self::PriorsReread
            | Self::TwoSites
            | Self::RosterSwap
            | Self::DeviceReplacement
            | Self::HolidayOnCall => 1,
        }
    }

    /// Whether it can begin on a day.
    pub(crate) fn suits(self, calendar: &Calendar, day: i64) -> bool {
        match self {
            Self::HolidayOnCall => calendar.is_holiday(day),
            Self::MassCasualty
            | Self::MigrationJob
            | Self::ProminentTeam
            | Self::RosterSwap
            | Self::FluPeak => true,
            Self::TumourBoard
            | Self::QualityAudit
            | Self::TeachingSet
            | Self::NewWard
            | Self::ResidentFirstWeek
            | Self::Locum
            | Self::PriorsReread
            | Self::TwoSites
            | Self::DeviceReplacement => calendar.is_workday(day),
        }
    }
}

/// What happens of it today. `false` if it could not begin.
pub(crate) fn act(world: &mut World, like: LookAlike, scheme: &mut Scheme) -> bool {
    match like {
        LookAlike::MassCasualty => crowd::mass_casualty(world, scheme),
        LookAlike::ProminentTeam => crowd::prominent_team(world, scheme),
        LookAlike::NewWard => crowd::new_ward(world, scheme),
        LookAlike::ResidentFirstWeek => crowd::resident_first_week(world, scheme),
        LookAlike::Locum => crowd::locum(world, scheme),
        LookAlike::FluPeak => crowd::flu_peak(world, scheme),
        LookAlike::DeviceReplacement => crowd::device_replacement(world, scheme),
        LookAlike::TumourBoard => desk::tumour_board(world, scheme),
        LookAlike::QualityAudit => desk::quality_audit(world, scheme),
        LookAlike::TeachingSet => desk::teaching_set(world, scheme),
        LookAlike::MigrationJob => desk::migration_job(world, scheme),
        LookAlike::PriorsReread => desk::priors_reread(world, scheme),
        LookAlike::TwoSites => desk::two_sites(world, scheme),
        LookAlike::RosterSwap => desk::roster_swap(world, scheme),
        LookAlike::HolidayOnCall => desk::holiday_on_call(world, scheme),
    }
}
