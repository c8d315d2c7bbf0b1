//! Masking at work: the rules of a session's role and the key under which stand-ins are made. What leaves as attributes goes
//! through here: rows of searches, of this archive and of others, and metadata.

use crate::pseudonym::InstitutionKeys;
use crate::request::FoundRow;
use crate::shared::Core;
use bytes::Bytes;
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_crypto::digest::sha256;
use yingdun_dicom::masking::MaskRules;
use yingdun_dicom::{AttributePath, Tag};

/// What a session is not to learn; one that is not masked has none.
#[derive(Clone, Debug)]
pub(crate) struct Mask {
    rules: Arc<MaskRules>,
    keys: Arc<InstitutionKeys>,
}

impl Mask {
    pub(crate) fn of(core: &Core, session: &Session, keys: &Arc<InstitutionKeys>) -> Option<Self> {
        core.access.mask_of(session).map(|rules| Self { rules, keys: Arc::clone(keys) })
    }

    /// Whether this may be no key of a search.
    pub(crate) fn hides(&self, path: AttributePath) -> bool {
        self.rules.hides(path)
    }

    pub(crate) fn row(&self, row: &mut FoundRow) {
        let pseudonym = |tag: Tag, text: &str| self.keys.pseudonyms.masked(tag, text);
        self.rules.apply(row, &pseudonym);
    }

    /// A document of the DICOM JSON model; nothing where it cannot be read, as then nothing of it can be judged.
    pub(crate) fn document(&self, document: &[u8]) -> Option<Bytes> {
        let mut row: FoundRow = serde_json::from_slice(document).ok()?;
        self.row(&mut row);
        serde_json::to_vec(&row).ok().map(Bytes::from)
    }

    /// What tells answers under these rules from answers under others, or under none.
    pub(crate) fn digest(&self) -> [u8; 32] {
        sha256(format!("{:?}", self.rules).as_bytes())
    }
}
