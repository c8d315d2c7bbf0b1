//! The marks of the pictures that a session is shown: who, from where, of whom, when, and the number that leads to the leaf of the opening.
//!
//! Nothing has to be kept for that: the number is made of the place of the leaf, and the leaf says who it was.

use super::OpenStudy;
use crate::error::{OpenError, Unavailable};
use crate::request::InstanceEntry;
use std::net::IpAddr;
use std::sync::Arc;
use yingdun_access::CopyPermit;
use yingdun_dicom::AttributePath;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::tags;
use yingdun_model::Timestamp;
use yingdun_watermark::{HiddenMark, MarkKey, Number, Opening};

/// The marks of one picture.
#[derive(Clone, Debug)]
pub struct PictureMark {
    number: Number,
    words: Vec<String>,
    key: Arc<MarkKey>,
    frame: FrameName,
}

/// Which frame of which object, as the pattern of a hidden mark depends on it.
#[derive(Clone, Debug)]
pub(crate) struct FrameName(Vec<u8>);

impl FrameName {
    pub(crate) fn of(entry: &InstanceEntry, number: u32) -> Self {
        Self([entry.sop_instance.as_str().as_bytes(), b"/", &number.to_be_bytes()].concat())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PictureMark {
    /// What everybody sees.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// What nobody sees.
    #[must_use]
    pub fn hidden(&self) -> HiddenMark {
        HiddenMark::new(&self.key, self.frame.as_bytes(), self.number)
    }

    /// The number in both.
    #[must_use]
    pub const fn number(&self) -> Number {
        self.number
    }
}

impl OpenStudy {
    /// Whether rendered pictures of it carry marks.
    #[must_use]
    pub const fn is_marked(&self) -> bool {
        self.showing.marked
    }

    /// The number that marks have at this moment, for validators; none where there are no marks.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn mark_number(&self) -> Result<Option<Number>, OpenError> {
        if !self.is_marked() {
            return Ok(None);
        }
        let leaf = self.window().await?.leaf();
        self.number_of(leaf).map(Some)
    }

    /// The number that leads to a leaf of this log, by which this session was let do something with this study. Where there is none there is no
    /// picture.
    fn number_of(&self, leaf: u64) -> Result<Number, OpenError> {
        let log = self.core.audit.verifier().name();
        let (actor, study) = (self.session.actor().as_str(), self.facts.study.to_string());
        let opening = Opening { log, leaf, actor, study: &study };
        self.keys.marks.number(&opening).map_err(|error| unavailable(&error))
    }

    /// The marks of a frame whose attributes are these; none where there are no marks.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn mark(
        &self,
        entry: &InstanceEntry,
        frame: u32,
        data_set: &DataSet,
    ) -> Result<Option<PictureMark>, OpenError> {
        let Some(number) = self.mark_number().await? else { return Ok(None) };
        let opened = self.window().await?.opened_at();
        Ok(Some(self.mark_with(number, opened, entry, frame, data_set)))
    }

    /// The marks of a copy of a frame, whose number leads to the leaf that permitted it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn mark_of_copy(
        &self,
        permit: &CopyPermit,
        entry: &InstanceEntry,
        frame: u32,
        data_set: &DataSet,
    ) -> Result<PictureMark, OpenError> {
        let number = self.number_of(permit.leaf())?;
        Ok(self.mark_with(number, permit.at(), entry, frame, data_set))
    }

    fn mark_with(
        &self,
        number: Number,
        opened: Timestamp,
        entry: &InstanceEntry,
        frame: u32,
        data_set: &DataSet,
    ) -> PictureMark {
        let address = self.session.peer().address.to_canonical();
        let words = vec![
            self.session.actor().to_string(),
            tail_of(address),
            self.shown_patient_id(data_set),
            minute_of(opened, self.core.access.utc_offset_minutes()),
            number.to_string(),
        ];
        let frame = FrameName::of(entry, frame);
        PictureMark { number, words, key: Arc::clone(&self.keys.marks), frame }
    }

    /// The patient ID, as this session is shown it.
    fn shown_patient_id(&self, data_set: &DataSet) -> String {
        let text = data_set.first_text(tags::PATIENT_ID, &data_set.character_sets()).unwrap_or_default();
        match &self.mask {
            Some(mask) if mask.hides(AttributePath::of(tags::PATIENT_ID)) => {
                self.keys.pseudonyms.masked(tags::PATIENT_ID, &text)
            }
            _ => text,
        }
    }
}

// === helpers ===

/// The end of an address: enough to tell two desks, and no map of the network in a picture that leaves.
fn tail_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [_, _, third, fourth] = address.octets();
            format!(".{third}.{fourth}")
        }
        IpAddr::V6(address) => format!(":{:x}", address.segments()[7]),
    }
}

/// A moment as the clock on the wall shows it.
pub(super) fn minute_of(moment: Timestamp, utc_offset_minutes: i32) -> String {
    let offset = jiff::tz::Offset::from_seconds(utc_offset_minutes.saturating_mul(60));
    let local = offset.ok().zip(jiff::Timestamp::from_millisecond(moment.as_ms()).ok());
    local
        .map(|(offset, moment)| offset.to_datetime(moment).strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default()
}

fn unavailable(error: &yingdun_watermark::LeafTooFar) -> OpenError {
    OpenError::Unavailable(Unavailable::new("audit", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_the_time_of_the_wall_and_the_end_of_an_address() {
        assert_eq!(minute_of(Timestamp::from_ms(1_795_276_799_999), 480), "2026-11-21 23:59");
        assert_eq!(tail_of("10.8.3.21".parse().unwrap()), ".3.21");
        assert_eq!(tail_of("2001:db8::1f".parse().unwrap()), ":1f");
    }
}
