//! Which studies are asked for, those that a source has, and what its list may lack.

use serde::{Deserialize, Serialize};

/// Which studies are meant, by Study Date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// Of this day or later, as in 20200131.
    pub since: Option<String>,
    /// Of this day or earlier.
    pub until: Option<String>,
}

/// Studies that a list may lack, because the source does not say more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// It had too many studies for one question, and none of the shorter ones asks for studies without a date.
    pub undated: bool,
    /// Spans of time of which it told a part, and which cannot be made shorter.
    pub spans: Vec<String>,
}

/// A study of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) study: String,
    /// Instances, where the source says so.
    pub(super) instances: Option<u64>,
}

/// A study in 16 bytes, so that a million of them take little memory.
pub(super) fn key(study: &str) -> [u8; 16] {
    let digest = yingdun_crypto::digest::sha256(study.as_bytes());
    let mut key = [0; 16];
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}
