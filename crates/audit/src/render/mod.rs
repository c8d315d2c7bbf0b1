//! Says one leaf in the words that others understand. A rendering is made of a leaf, never kept, and never a second source.
//!
//! | form | standard | for |
//! |---|---|---|
//! | [`dicom`] | DICOM PS3.15 A.5, *audit message* in XML | collectors of an audit trail, mostly by syslog |
//! | [`fhir`] | FHIR R4 `AuditEvent`, as IHE BALP profiles it | programs that ask over HTTP |
//!
//! Both rest on one table ([`codes`]): which event of DICOM a leaf is. Nothing in a rendering names a patient unless its caller says who
//! it is ([`Opened`]); else there are the keyed pseudonyms of the leaf, marked as such.

pub mod codes;
pub mod dicom;
pub mod fhir;
#[cfg(test)]
mod fixtures;
mod xml;

use crate::event::Outcome;
use crate::read::LoggedLeaf;
use yingdun_model::Timestamp;

/// What a rendering needs beside the leaf.
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    /// The leaf with its place.
    pub leaf: &'a LoggedLeaf,
    /// The name of the log, from its checkpoints.
    pub origin: &'a str,
    /// What the reader may see beyond pseudonyms.
    pub opened: Opened<'a>,
}

/// What a leaf does not say, opened by a caller who was permitted to. Nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opened<'a> {
    /// Patient ID.
    pub patient_id: Option<&'a str>,
    /// Study Instance UID.
    pub study_uid: Option<&'a str>,
    /// The detail beside the leaf, as text: what was searched for, an address, a free-text reason.
    pub detail: Option<&'a str>,
}

/// The moment of a leaf in the form of RFC 3339, to the millisecond. Outside the years that can be written, the nearest that can.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    let nearest = if time.as_ms() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    format!("{:.3}", jiff::Timestamp::from_millisecond(time.as_ms()).unwrap_or(nearest))
}

/// How an event ended, in the numbers of RFC 3881 that DICOM and FHIR took over: a refusal ends what was asked for (*serious*), work that
/// failed may succeed at the next attempt (*minor*).
#[must_use]
pub const fn outcome_number(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Permitted | Outcome::Succeeded => "0",
        Outcome::Failed => "4",
        Outcome::Refused => "8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_three_digits_behind_the_second_whatever_the_clock_said() {
        assert_eq!(rfc3339(Timestamp::from_ms(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp::from_ms(1_795_302_663_257)), "2026-11-21T23:11:03.257Z");
        assert!(rfc3339(Timestamp::from_ms(i64::MAX)).starts_with("9999-"));
        assert!(rfc3339(Timestamp::from_ms(i64::MIN)).starts_with("-009999-"));
    }
}
