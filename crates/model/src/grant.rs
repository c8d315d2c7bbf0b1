//! The words of grants that end, and of access that breaks the glass.

use crate::word_enum;

word_enum! {
    /// How a grant came about.
    GrantKind, "kind of a grant" {
        /// Somebody gave it to another person.
        Given => "grant",
        /// A person took it, in an emergency.
        BreakGlass => "break-glass",
        /// Somebody assigned it to a remote expert, as a task that ends with the report.
        Consultation => "consultation",
        /// An officer found that the account is a patient's, and whose.
        OwnRecord => "own-record",
    }
}

word_enum! {
    /// Why somebody breaks the glass.
    BreakGlassReason, "reason to break the glass" {
        /// A patient is treated in an emergency.
        EmergencyTreatment => "emergency-treatment",
        /// The patient is unconscious, or nobody can say who treats.
        UnconsciousPatient => "unconscious-patient",
        /// Somebody stands in for those who treat.
        OnCallCover => "on-call-cover",
        /// A system that tells of care relations does not work.
        SystemFailure => "system-failure",
        /// Something else, which the words tell.
        Other => "other",
    }
}

word_enum! {
    /// Why somebody opens a patient for whom no reason is known, when the monitor asks.
    StatedReason, "reason for opening a patient" {
        /// Somebody asked for an opinion.
        AskedForOpinion => "asked-for-opinion",
        /// The person reads or checks a report.
        Reporting => "reporting",
        /// The person looks what became of a patient.
        FollowUp => "follow-up",
        /// The person stands in for somebody.
        StandingIn => "standing-in",
        /// A board, a round or a conference.
        Conference => "conference",
        /// Quality or a complaint is looked into.
        Quality => "quality",
        /// Teaching.
        Teaching => "teaching",
        /// Something else, which the words tell.
        Other => "other",
    }
}

word_enum! {
    /// What a reviewer found.
    ReviewVerdict, "verdict of a review" {
        /// There was a reason to open this patient.
        Justified => "justified",
        /// There was none.
        NotJustified => "not-justified",
    }
}
