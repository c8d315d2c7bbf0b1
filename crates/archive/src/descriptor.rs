//! The descriptor of a record: all that the catalogue row and a reader need, sealed under the study key.
//! A catalogue that was lost is rebuilt from descriptors alone.

use serde::{Deserialize, Serialize};
use yingdun_dicom::index::InstanceIndex;
use yingdun_model::{ActorId, Grade, PatientRef, Timestamp, Uid};

/// What is said about one stored instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Descriptor {
    /// The describing attributes.
    pub(crate) index: InstanceIndex,
    /// How the data set is encoded.
    pub(crate) transfer_syntax: Uid,
    /// The patient under whose key the study stands.
    pub(crate) patient: PatientRef,
    /// The grade under which the object is sealed.
    pub(crate) grade: Grade,
    /// 1, or one more for each object that differs under the same SOP Instance UID.
    pub(crate) version: u32,
    /// When it was received; policy, not order.
    pub(crate) received: Timestamp,
    /// Who sent it.
    pub(crate) sender: ActorId,
    /// Bytes of the data set as sent.
    pub(crate) data_set_bytes: u64,
    /// SHA-256 of the data set as sent, in hexadecimal: evidence that what is given back is what was received.
    #[serde(with = "hex_digest")]
    pub(crate) data_set_sha256: [u8; 32],
}

mod hex_digest {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(digest))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let mut digest = [0; 32];
        hex::decode_to_slice(String::deserialize(deserializer)?, &mut digest)
            .map_err(|_| serde::de::Error::custom("a SHA-256 digest has 64 hexadecimal digits"))?;
        Ok(digest)
    }
}
