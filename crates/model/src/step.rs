//! How far a scheduled procedure step has come.

use crate::word_enum;

word_enum! {
    /// The state of a scheduled procedure step, as a worklist knows it.
    StepState, "state of a procedure step" {
        /// It waits to be performed: what a worklist shows.
        Scheduled => "scheduled",
        /// It will not be performed.
        Cancelled => "cancelled",
    }
}
