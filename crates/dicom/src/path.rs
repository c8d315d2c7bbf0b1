//! Where an attribute stands, for queries: at the top of a data set or one sequence below.

use crate::dictionary;
use crate::tag::{Tag, TagError};
use serde::{Deserialize, Serialize};

/// Where an attribute stands in a data set: at its top, or in the items of a sequence at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttributePath {
    /// The sequence, if it stands in one.
    pub sequence: Option<Tag>,
    /// The attribute.
    pub tag: Tag,
}

impl AttributePath {
    /// An attribute at the top.
    #[must_use]
    pub const fn of(tag: Tag) -> Self {
        Self { sequence: None, tag }
    }

    /// An attribute in the items of a sequence.
    #[must_use]
    pub const fn within(sequence: Tag, tag: Tag) -> Self {
        Self { sequence: Some(sequence), tag }
    }

    /// The tag, or two parted by a dot, in the form of the DICOM JSON model.
    #[must_use]
    pub fn to_hex(self) -> String {
        match self.sequence {
            None => self.tag.to_hex(),
            Some(sequence) => format!("{}.{}", sequence.to_hex(), self.tag.to_hex()),
        }
    }

    /// The attribute at the top of the data set: the sequence, where it stands in one.
    #[must_use]
    pub const fn top(self) -> Tag {
        match self.sequence {
            None => self.tag,
            Some(sequence) => sequence,
        }
    }
}

impl From<Tag> for AttributePath {
    fn from(tag: Tag) -> Self {
        Self::of(tag)
    }
}

/// Writes keywords parted by a dot, as DICOMweb does; of attributes that the dictionary does not know, the tags.
impl std::fmt::Display for AttributePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (tag, end) in self.sequence.iter().map(|tag| (tag, ".")).chain([(&self.tag, "")]) {
            match dictionary::keyword_of(*tag) {
                Some(keyword) => write!(f, "{keyword}{end}")?,
                None => write!(f, "{tag}{end}")?,
            }
        }
        Ok(())
    }
}

impl From<AttributePath> for String {
    fn from(path: AttributePath) -> Self {
        path.to_hex()
    }
}

impl TryFrom<String> for AttributePath {
    type Error = TagError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once('.') {
            None => Tag::from_hex(&text).map(Self::of),
            Some((sequence, tag)) => Ok(Self::within(Tag::from_hex(sequence)?, Tag::from_hex(tag)?)),
        }
    }
}
