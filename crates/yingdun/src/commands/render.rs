//! `audit render`: leaves of a log directory in the words that others understand, one line each, offline.

use super::CommandError;
use crate::cli::AuditForm;
use crate::output;
use std::path::Path;
use yingdun_audit::Reader;
use yingdun_audit::render::{Opened, Rendered, dicom, fhir};
use yingdun_crypto::sign::NoteVerifier;

/// How many leaves are in memory at once: a bundle of the log.
const LEAVES_AT_ONCE: u64 = 256;

/// Prints `count` leaves from number `from` on. Nothing is opened: patients and studies are pseudonyms.
pub(super) fn render(
    directory: &Path,
    verifier: &NoteVerifier,
    form: AuditForm,
    from: u64,
    count: u64,
) -> Result<(), CommandError> {
    let reader = Reader::of_directory(directory, verifier)?;
    let end = from.saturating_add(count).min(reader.size());
    let mut next = from;
    while next < end {
        let until = end.min(next + LEAVES_AT_ONCE);
        for leaf in reader.read(next..until)? {
            let rendered = Rendered { leaf: &leaf, origin: verifier.name(), opened: Opened::default() };
            let line = match form {
                AuditForm::Dicom => dicom::audit_message(&rendered),
                AuditForm::Fhir => fhir::audit_event(&rendered).to_string(),
            };
            output::write(&format!("{line}\n"))?;
        }
        next = until;
    }
    Ok(())
}
