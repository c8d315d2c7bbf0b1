//! What patients consent to, and how that was given.

use crate::word_enum;

word_enum! {
    /// To what a consent is.
    ConsentKind, "kind of consent" {
        /// Use for research.
        Research => "research",
        /// Being carried out of the archive, or shown to somebody outside.
        Sharing => "sharing",
    }
}

word_enum! {
    /// In what form a consent was given.
    ConsentForm, "form of consent" {
        /// Signed on paper.
        Paper => "paper",
        /// Given electronically.
        Electronic => "electronic",
    }
}

word_enum! {
    /// Who gave a consent.
    ConsentGiver, "giver of a consent" {
        /// The patient.
        Patient => "patient",
        /// Who stands for a patient who cannot: of a child below fourteen always.
        Guardian => "guardian",
    }
}
