//! Copies of single pictures: whether one may be made, and what is to be said of it on paper.

use super::OpenStudy;
use super::mark::minute_of;
use crate::error::{OpenError, Unavailable};
use crate::request::InstanceEntry;
use yingdun_access::{Copied, CopiedPicture, CopyKind, CopyPermit, Help, Reason, Refusal, Showing};
use yingdun_dicom::Tag;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::person_name::PersonName;
use yingdun_dicom::tags;
use yingdun_model::Grade;

/// What a page says of the picture on it.
#[derive(Clone, Debug)]
pub struct PictureSubject {
    /// Whose it is: names, patient ID, sex, birth date.
    pub patient: Vec<String>,
    /// Which study and series, and when they were taken.
    pub study: Vec<String>,
    /// When the copy was permitted, by the clock on the wall.
    pub at: String,
}

impl OpenStudy {
    /// How much the study is protected.
    #[must_use]
    pub const fn grade(&self) -> Grade {
        self.facts.grade
    }

    /// In which form it is shown to the session.
    #[must_use]
    pub const fn showing(&self) -> Showing {
        self.showing
    }

    /// Decides whether this session may carry one frame of an object away, and writes that down.
    ///
    /// # Errors
    /// [`OpenError::Refused`], written down; [`OpenError::SlowedDown`]; [`OpenError::Unavailable`].
    pub async fn permit_copy(
        &self,
        kind: CopyKind,
        entry: &InstanceEntry,
        frame: u32,
    ) -> Result<CopyPermit, OpenError> {
        let picture = CopiedPicture { instance: self.keys.pseudonyms.instance(&entry.sop_instance), frame };
        let permitted = self.core.access.permit_copy(&self.session, &self.facts, kind, picture).await;
        permitted.map_err(|refusal| match &refusal {
            Refusal::Denied { reason: Reason::SlowedDown, help: Help::Wait { seconds } } => {
                OpenError::SlowedDown { seconds: *seconds }
            }
            Refusal::Denied { reason, .. } => OpenError::Refused { reason: reason.to_string() },
            Refusal::AuditUnavailable(_) | Refusal::FactsUnavailable(_) => {
                OpenError::Unavailable(Unavailable::new("access", refusal))
            }
        })
    }

    /// Writes down what was made, before it leaves.
    ///
    /// # Errors
    /// [`OpenError::Unavailable`]: then nothing leaves.
    pub async fn copied(&self, permit: &CopyPermit, copied: Copied) -> Result<(), OpenError> {
        let written = self.core.access.copied(&self.session, permit, copied).await;
        written.map_err(|error| OpenError::Unavailable(Unavailable::new("audit", error)))
    }

    /// Whether a copy would be permitted now, to draw a button by.
    ///
    /// # Errors
    /// [`OpenError::Unavailable`].
    pub async fn may_be_copied(&self) -> Result<bool, OpenError> {
        let foreseen = self.core.access.foresee_copy(&self.session, &self.facts).await;
        foreseen.map_err(|refusal| OpenError::Unavailable(Unavailable::new("access", refusal)))
    }

    /// What is to be said of a frame on paper. Whoever is masked is permitted no copy, so that nothing of it is.
    #[must_use]
    pub fn subject(
        &self,
        permit: &CopyPermit,
        entry: &InstanceEntry,
        frame: u32,
        data_set: &DataSet,
    ) -> PictureSubject {
        let sets = data_set.character_sets();
        let text = |tag: Tag| data_set.first_text(tag, &sets).unwrap_or_default();
        let name = PersonName::parse(&data_set.text(tags::PATIENT_NAME, &sets).unwrap_or_default());
        let joined = |group: &str, by: &str| {
            group.split('^').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(by)
        };
        let some = |lines: Vec<String>| lines.into_iter().filter(|line| !line.is_empty()).collect();
        let which = |word: &str, number: String| {
            if number.is_empty() { number } else { format!("{word} {number}") }
        };
        let frame =
            if entry.number_of_frames > 1 { which("frame", frame.to_string()) } else { String::new() };
        PictureSubject {
            patient: some(vec![
                joined(&name.ideographic, ""),
                joined(&name.alphabetic, " "),
                text(tags::PATIENT_ID),
                text(tags::PATIENT_SEX),
                day(&text(tags::PATIENT_BIRTH_DATE)),
            ]),
            study: some(vec![
                day(&text(tags::STUDY_DATE)),
                text(tags::MODALITY),
                text(tags::STUDY_DESCRIPTION),
                which("series", text(tags::SERIES_NUMBER)),
                which("image", text(tags::INSTANCE_NUMBER)),
                frame,
            ]),
            at: minute_of(permit.at(), self.core.access.utc_offset_minutes()),
        }
    }
}

// === helpers ===

/// A date of DICOM as people write it.
fn day(date: &str) -> String {
    match (date.get(..4), date.get(4..6), date.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_people_do_and_what_is_none_stays() {
        assert_eq!(day("20261123"), "2026-11-23");
        for other in ["", "2026", "2026-1", "日期"] {
            assert_eq!(day(other), other);
        }
    }
}
