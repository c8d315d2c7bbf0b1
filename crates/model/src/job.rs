//! Jobs that people ask for and do not wait for.

use crate::word_enum;

word_enum! {
    /// Where a job stands.
    JobState, "state" {
        /// It works.
        Running => "running",
        /// It has tried everything that was asked for.
        Completed => "completed",
        /// Somebody ended it before that.
        Cancelled => "cancelled",
        /// The device gave up, or could not be asked.
        Failed => "failed",
        /// Its process ended, or was not heard of any more, before that.
        Interrupted => "interrupted",
    }
}

word_enum! {
    /// What a job does.
    JobKind, "kind" {
        /// It sends objects to a device.
        Store => "store",
        /// It has a device send objects here.
        Retrieve => "retrieve",
    }
}
