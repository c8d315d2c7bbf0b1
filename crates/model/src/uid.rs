//! Unique identifiers (DICOM PS3.5 §9 and §6.2, VR UI).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A DICOM unique identifier: 1 to 64 characters, digits and dots. Because of its alphabet it can never be a
/// path, a query or a header injection.
///
/// Components with leading zeros and empty components break the standard, yet real modalities send them, and
/// an archive that refuses an image for the spelling of its UID loses images. They are accepted as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uid(String);

/// Why a text is not a unique identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UidError {
    /// No characters are left after padding is removed.
    #[error("a UID must not be empty")]
    Empty,
    /// More than 64 characters.
    #[error("a UID has at most 64 characters, this one has {0}")]
    TooLong(usize),
    /// A character other than digits and dots.
    #[error("a UID has digits and dots only")]
    IllegalCharacter,
}

impl Uid {
    /// Checks a UID. One trailing NUL or blanks, the padding of VR UI, are removed.
    ///
    /// # Errors
    /// [`UidError`] says which rule is broken.
    pub fn new(text: &str) -> Result<Self, UidError> {
        let trimmed = text.trim_end_matches(['\0', ' ']);
        if trimmed.is_empty() {
            return Err(UidError::Empty);
        }
        if !trimmed.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(UidError::IllegalCharacter);
        }
        if trimmed.len() > 64 {
            return Err(UidError::TooLong(trimmed.len()));
        }
        if !trimmed.bytes().any(|b| b.is_ascii_digit()) {
            return Err(UidError::IllegalCharacter);
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// The UID without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Uid {
    type Error = UidError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_removed() {
        assert_eq!(Uid::new("1.2.840.10008.1.1\0").unwrap().as_str(), "1.2.840.10008.1.1");
    }

    #[test]
    fn a_path_is_not_a_uid() {
        assert_eq!(Uid::new("../../etc/passwd"), Err(UidError::IllegalCharacter));
        assert_eq!(Uid::new(".."), Err(UidError::IllegalCharacter));
        assert_eq!(Uid::new("1.2\u{0}3"), Err(UidError::IllegalCharacter));
        assert_eq!(Uid::new(""), Err(UidError::Empty));
        assert_eq!(Uid::new(&"1".repeat(65)), Err(UidError::TooLong(65)));
    }
}
