//! Performed procedure steps: what a device reports, said to the archive, and how refusals are told to it.

use crate::scp::{Failure, FailureKind};
use yingdun_archive::{PerformedError, ReportFault};

/// The table of what can be wrong with a report (PS3.7 annex C, PS3.4 §F.7.2).
pub(super) fn not_reported(error: PerformedError) -> Failure {
    let kind = match &error {
        PerformedError::Refused { .. } | PerformedError::OfAnother => FailureKind::NotAuthorised,
        PerformedError::Report(fault) => match fault {
            ReportFault::Missing(_) => FailureKind::MissingAttribute,
            ReportFault::NoValue(_) => FailureKind::MissingAttributeValue,
            ReportFault::NotAllowed(_) => FailureKind::InvalidAttributeValue,
            ReportFault::Unreadable => FailureKind::Processing,
            ReportFault::TooMuch { .. } => FailureKind::ResourceLimitation,
        },
        PerformedError::Exists => FailureKind::DuplicateInstance,
        PerformedError::NotFound => FailureKind::NoSuchInstance,
        PerformedError::Ended => FailureKind::NoLongerUpdated,
        // The cause is for the operator's log: it may name paths and hosts.
        PerformedError::Unavailable(part) => {
            tracing::error!(cause = %part, "a performed procedure step could not be kept or read");
            let comment = format!("{} does not answer, try again", part.part());
            return Failure::new(FailureKind::Processing, comment);
        }
    };
    Failure::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_dicom::tags;

    #[test]
    fn every_fault_of_a_report_has_the_status_of_the_standard() {
        let tag = tags::PERFORMED_PROCEDURE_STEP_ID;
        for (error, status, error_id) in [
            (PerformedError::Refused { reason: "no".into() }, 0x0124, None),
            (PerformedError::OfAnother, 0x0124, None),
            (ReportFault::Missing(tag).into(), 0x0120, None),
            (ReportFault::NoValue(tag).into(), 0x0121, None),
            (ReportFault::NotAllowed(tag).into(), 0x0106, None),
            (ReportFault::Unreadable.into(), 0x0110, None),
            (ReportFault::TooMuch { limit: 1, of: "bytes" }.into(), 0x0213, None),
            (PerformedError::Exists, 0x0111, None),
            (PerformedError::NotFound, 0x0112, None),
            (PerformedError::Ended, 0x0110, Some(0xA710)),
        ] {
            let failure = not_reported(error);
            assert_eq!((failure.status().0, failure.error_id()), (status, error_id), "{failure}");
            assert!(failure.comment.len() <= 64, "the peer reads all of `{failure}`");
        }
    }
}
