//! The words of alerts: what somebody who looked at one found, and what an alert stops.

use crate::word_enum;

word_enum! {
    /// What somebody found who looked at an alert.
    AlertVerdict, "verdict on an alert" {
        /// There was something wrong.
        TruePositive => "true-positive",
        /// There was nothing wrong.
        FalsePositive => "false-positive",
    }
}

word_enum! {
    /// What is stopped for a person for a while, the least first.
    Stop, "what is stopped" {
        /// Nothing is taken out of the archive.
        Export => "suspend-export",
        /// Nothing opens but what the glass is broken for.
        Session => "suspend-session",
        /// The account is frozen: no session goes on or begins, in an emergency neither.
        Account => "freeze-account",
    }
}
