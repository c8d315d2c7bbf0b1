//! How far procedure steps have come: those that are scheduled, those that are performed, and unified ones.

use crate::word_enum;

word_enum! {
    /// The state of a scheduled procedure step, as a worklist knows it.
    StepState, "state of a procedure step" {
        /// It waits to be performed.
        Scheduled => "scheduled",
        /// A performed step has begun it (PS3.3 §C.4.10: STARTED).
        Started => "started",
        /// A performed step has completed it.
        Completed => "completed",
        /// Every performed step that began it was discontinued.
        Discontinued => "discontinued",
        /// It will not be performed.
        Cancelled => "cancelled",
    }
}

word_enum! {
    /// The state of a performed procedure step (PS3.4 table F.1-3). Only the first one ever changes.
    PerformedState, "state of a performed step" {
        /// It is being performed.
        InProgress => "in-progress",
        /// All was done.
        Completed => "completed",
        /// It was begun and not finished.
        Discontinued => "discontinued",
    }
}

impl PerformedState {
    /// The value of Performed Procedure Step Status (0040,0252).
    #[must_use]
    pub const fn defined_term(self) -> &'static str {
        match self {
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Discontinued => "DISCONTINUED",
        }
    }

    /// The state of this value of Performed Procedure Step Status (0040,0252).
    #[must_use]
    pub fn of_defined_term(term: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.defined_term() == term)
    }
}

word_enum! {
    /// The state of a workitem of the unified worklist (Procedure Step State (0074,1000), PS3.4 table CC.1.1-1).
    WorkitemState, "state of a workitem" {
        /// It waits to be claimed.
        Scheduled => "SCHEDULED",
        /// A performer has claimed it.
        InProgress => "IN PROGRESS",
        /// It was performed. Nothing changes any more.
        Completed => "COMPLETED",
        /// It was not, or not wholly, performed. Nothing changes any more.
        Canceled => "CANCELED",
    }
}

impl WorkitemState {
    /// Whether nothing changes any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Canceled)
    }
}
