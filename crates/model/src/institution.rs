//! The institution (机构) to which every row, key, leaf and metric belongs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The short name of an institution: 1 to 32 lower-case ASCII letters, digits and inner hyphens. It is part of
/// key contexts and file names, so its alphabet is narrow on purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstitutionId(String);

/// The text is not a legal institution name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an institution is named by 1 to 32 lower-case letters, digits and inner hyphens")]
pub struct InstitutionIdError;

impl InstitutionId {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InstitutionIdError`] when the text breaks the alphabet or the length.
    pub fn new(text: &str) -> Result<Self, InstitutionIdError> {
        let legal = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if legal { Ok(Self(text.to_owned())) } else { Err(InstitutionIdError) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstitutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for InstitutionId {
    type Error = InstitutionIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<InstitutionId> for String {
    fn from(id: InstitutionId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_narrow() {
        assert!(InstitutionId::new("renmin-hospital-1").is_ok());
        for wrong in ["", "-a", "a-", "A", "a/b", "a.b", "医院", &"a".repeat(33)] {
            assert_eq!(InstitutionId::new(wrong), Err(InstitutionIdError), "{wrong:?}");
        }
    }
}
