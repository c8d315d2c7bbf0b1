//! What a patient dissents from, and what is sealed.

use crate::word_enum;

word_enum! {
    /// Against what a dissent or a restriction stands.
    DissentKind, "kind of dissent" {
        /// Use for research.
        Research => "research",
        /// Being carried out of the archive.
        Sharing => "sharing",
        /// One named person.
        Person => "person",
        /// Everybody of one department.
        Department => "department",
        /// Everybody but named persons: the record is sealed (封存).
        Sealed => "sealed",
    }
}
