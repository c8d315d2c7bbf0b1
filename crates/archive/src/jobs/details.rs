//! What of a job is sealed: with whom, which studies, and what went wrong.

use crate::error::Unavailable;
use crate::pseudonym::InstitutionKeys;
use serde::{Deserialize, Serialize};
use yingdun_catalog::catalogue::jobs::JobKey;
use yingdun_crypto::{Context, Sealed};
use yingdun_model::{AeTitle, Uid};

/// Characters of one text: some lines, whatever a device says.
const TEXT_MAX: usize = 500;

/// What a job was asked for: enough to ask for it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOrder {
    /// The device.
    pub device: AeTitle,
    /// The studies.
    pub studies: Vec<Uid>,
    /// Only these of their series; all where there is none.
    pub series: Vec<Uid>,
    /// Only these of their instances; all where there is none.
    pub instances: Vec<Uid>,
}

/// Why a job did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFault {
    /// What was expected.
    pub expected: String,
    /// What came.
    pub came: String,
    /// What to do.
    pub remedy: Option<String>,
}

/// All of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Details {
    pub(super) order: JobOrder,
    pub(super) failures: Vec<(Uid, String)>,
    pub(super) fault: Option<JobFault>,
}

impl Details {
    pub(super) fn seal(&self, keys: &InstitutionKeys, key: &JobKey) -> Result<Vec<u8>, Unavailable> {
        let sealed = Sealed::seal(&keys.index, &context(key), self);
        sealed.map(Sealed::into_bytes).map_err(|error| Unavailable::new("keys", error))
    }

    pub(super) fn open(keys: &InstitutionKeys, key: &JobKey, sealed: Vec<u8>) -> Result<Self, Unavailable> {
        let opened = Sealed::from_bytes(sealed).open(&keys.index, &context(key));
        opened.map_err(|error| Unavailable::new("catalogue", error))
    }
}

/// The beginning of a text that may be longer than is kept.
pub(super) fn clipped(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_MAX) {
        text.truncate(end);
    }
    text
}

// === helpers ===

fn context(key: &JobKey) -> Context {
    Context::new("yingdun/catalogue/job/v1").field(key.institution.as_str()).field(key.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(clipped("short".to_owned()), "short");
        assert_eq!(clipped("影".repeat(600)), "影".repeat(500));
    }
}
