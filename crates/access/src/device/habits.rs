//! How a device differs from what the standard lets everybody expect of it, as its record says.

use serde::{Deserialize, Serialize};
use yingdun_dicom::charset::DEFINED_TERMS;
use yingdun_dicom::coerce::{self, Coercion, CoercionError};
use yingdun_model::Uid;

/// The habits of a device. None of them gives it a right; the default is a device without any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceHabits {
    /// The longest P-DATA-TF body that is sent to it, in bytes, whatever it says it reads: for one that says more than is
    /// true.
    pub pdu_bytes_max: Option<u32>,
    /// Specific Character Set of its objects and queries where they declare none, or the default repertoire, and hold
    /// other bytes.
    pub character_set_in: Option<String>,
    /// Specific Character Set of what it is answered, whatever its query declares. Where that has no room for a character,
    /// the answer is in one that has.
    pub character_set_out: Option<String>,
    /// It asks for everything by `*`, also of dates, times, numbers and UIDs, where that is no wildcard (PS3.4
    /// §C.2.2.2.4).
    pub star_is_universal: bool,
    /// It means beginnings when it asks for names without a wildcard.
    pub names_begin: bool,
    /// Transfer syntaxes in which it is sent objects where that is possible without loss, best first. Without any, objects
    /// are sent as they are kept.
    pub transfer_syntaxes: Vec<Uid>,
    /// What becomes of the attributes of its objects in the catalogue.
    pub coercions: Vec<Coercion>,
    /// It is told of studies that have come to rest, as far as it may see them (instance availability notification, PS3.4
    /// annex R).
    pub tell_availability: bool,
}

/// Habits that no device can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HabitsError {
    /// Not of the form above.
    #[error("habits are a JSON object of known fields: {0}")]
    Form(String),
    /// A length that leaves no room, or that is never reached.
    #[error(
        "pdu_bytes_max is {min} to {max}, this one is {0}",
        min = DeviceHabits::PDU_BYTES_MIN,
        max = DeviceHabits::PDU_BYTES_MAX
    )]
    PduBytes(u32),
    /// A term that is not in PS3.3 §C.12.1.1.2.
    #[error("`{0}` is no defined term of Specific Character Set")]
    CharacterSet(String),
    /// Too many transfer syntaxes.
    #[error("a device prefers at most {max} transfer syntaxes, these are {0}", max = DeviceHabits::TRANSFER_SYNTAXES_MAX)]
    TransferSyntaxes(usize),
    /// A rule of coercion.
    #[error(transparent)]
    Coercion(#[from] CoercionError),
}

impl DeviceHabits {
    /// The shortest PDU that a device can be said to read, in bytes: what the oldest toolkits read.
    pub const PDU_BYTES_MIN: u32 = 4096;
    /// The longest, in bytes: longer ones are never sent.
    pub const PDU_BYTES_MAX: u32 = 128 * 1024;
    /// The most transfer syntaxes of one device: more than any device reads.
    pub const TRANSFER_SYNTAXES_MAX: usize = 16;

    /// Whether a device can have them.
    ///
    /// # Errors
    /// [`HabitsError`] names the first that it cannot.
    pub fn check(&self) -> Result<(), HabitsError> {
        if let Some(bytes) = self.pdu_bytes_max
            && !(Self::PDU_BYTES_MIN..=Self::PDU_BYTES_MAX).contains(&bytes)
        {
            return Err(HabitsError::PduBytes(bytes));
        }
        for set in [&self.character_set_in, &self.character_set_out].into_iter().flatten() {
            // With code extensions the first value may be empty (PS3.3 §C.12.1.1.2).
            let unknown = |term: &&str| !term.is_empty() && !DEFINED_TERMS.contains(term);
            if let Some(term) = set.split('\\').find(unknown).or(set.is_empty().then_some("")) {
                return Err(HabitsError::CharacterSet(term.chars().take(32).collect()));
            }
        }
        if self.transfer_syntaxes.len() > Self::TRANSFER_SYNTAXES_MAX {
            return Err(HabitsError::TransferSyntaxes(self.transfer_syntaxes.len()));
        }
        Ok(coerce::check(&self.coercions)?)
    }

    /// Reads and checks what [`Self::to_text`] has written.
    ///
    /// # Errors
    /// [`HabitsError`].
    pub fn from_text(text: &str) -> Result<Self, HabitsError> {
        let habits: Self =
            serde_json::from_str(text).map_err(|error| HabitsError::Form(error.to_string()))?;
        habits.check()?;
        Ok(habits)
    }

    /// The habits as JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        // INVARIANT: keys are texts, so this cannot fail; were it to, the empty text would not read back.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_read_back_from_their_text_and_none_are_the_default() {
        assert_eq!(DeviceHabits::from_text("{}"), Ok(DeviceHabits::default()));
        let habits = DeviceHabits {
            pdu_bytes_max: Some(16_384),
            character_set_in: Some("GB18030".into()),
            character_set_out: Some("\\ISO 2022 IR 58".into()),
            star_is_universal: true,
            names_begin: true,
            transfer_syntaxes: vec![Uid::new("1.2.840.10008.1.2.1").unwrap()],
            coercions: serde_json::from_str(r#"[{"action": "trim-zeros", "attribute": "PatientID"}]"#)
                .unwrap(),
            tell_availability: true,
        };
        assert_eq!(DeviceHabits::from_text(&habits.to_text()), Ok(habits));
    }

    #[test]
    fn habits_that_no_device_can_have_are_refused() {
        for wrong in [
            r#"{"pdu_bytes_max": 100}"#,
            r#"{"pdu_bytes_max": 131073}"#,
            r#"{"character_set_in": ""}"#,
            r#"{"character_set_in": "KLINGON"}"#,
            r#"{"character_set_out": "ISO_IR 100\\KLINGON"}"#,
            r#"{"transfer_syntaxes": ["x"]}"#,
            r#"{"nonsense": 1}"#,
            r#"{"coercions": [{"action": "set", "attribute": "SOPInstanceUID", "value": "1"}]}"#,
        ] {
            assert!(DeviceHabits::from_text(wrong).is_err(), "{wrong}");
        }
        let many = vec![Uid::new("1.2").unwrap(); DeviceHabits::TRANSFER_SYNTAXES_MAX + 1];
        let many = DeviceHabits { transfer_syntaxes: many, ..DeviceHabits::default() };
        assert!(matches!(many.check(), Err(HabitsError::TransferSyntaxes(_))));
    }
}
