//! Application entity titles (DICOM PS3.5 §6.2, VR AE; PS3.8 §9.3.2).

use serde::{Deserialize, Serialize};
use std::fmt;

/// An application entity title: 1 to 16 printable ASCII characters without backslash, blanks at both ends
/// removed. Compared byte for byte: `CT01` and `ct01` are two titles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AeTitle(String);

/// Why a text is not an application entity title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AeTitleError {
    /// Nothing is left after blanks are removed.
    #[error("an AE title must not be blank")]
    Blank,
    /// Longer than 16 characters.
    #[error("an AE title has at most 16 characters, this one has {0}")]
    TooLong(usize),
    /// A character outside printable ASCII, or a backslash.
    #[error("an AE title has printable ASCII characters only and no backslash")]
    IllegalCharacter,
}

impl AeTitle {
    /// Checks and trims a title.
    ///
    /// # Errors
    /// [`AeTitleError`] says which rule of the standard is broken.
    pub fn new(text: &str) -> Result<Self, AeTitleError> {
        let trimmed = text.trim_matches(' ');
        if trimmed.is_empty() {
            return Err(AeTitleError::Blank);
        }
        if !trimmed.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\\') {
            return Err(AeTitleError::IllegalCharacter);
        }
        if trimmed.len() > 16 {
            return Err(AeTitleError::TooLong(trimmed.len()));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// The title without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The title padded with blanks to the 16 bytes of an A-ASSOCIATE PDU.
    #[must_use]
    pub fn padded(&self) -> [u8; 16] {
        let mut field = [b' '; 16];
        for (slot, byte) in field.iter_mut().zip(self.0.bytes()) {
            *slot = byte;
        }
        field
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AeTitle {
    type Error = AeTitleError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<AeTitle> for String {
    fn from(title: AeTitle) -> Self {
        title.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_at_the_ends_do_not_count_and_the_field_is_padded_again() {
        let title = AeTitle::new("  CT01 ").unwrap();
        assert_eq!(title.as_str(), "CT01");
        assert_eq!(&title.padded(), b"CT01            ");
    }

    #[test]
    fn titles_that_the_standard_forbids_are_refused() {
        assert_eq!(AeTitle::new("    "), Err(AeTitleError::Blank));
        assert_eq!(AeTitle::new("ABCDEFGHIJKLMNOPQ"), Err(AeTitleError::TooLong(17)));
        assert_eq!(AeTitle::new("A\\B"), Err(AeTitleError::IllegalCharacter));
        assert_eq!(AeTitle::new("影像"), Err(AeTitleError::IllegalCharacter));
    }
}
