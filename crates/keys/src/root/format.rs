//! The bytes of a root-key file. Pure functions.
//!
//! ```text
//! "YDROOT1\n" │ header length, 2 bytes │ header, JSON: how the passphrase becomes a key
//!             │ root key sealed with Cobblestone-256, everything before it as context
//!             │ SHA-256 of everything before
//! ```
//!
//! The digest tells a damaged file from a wrong passphrase. What protects the key is the seal: a changed header
//! changes the context.

use serde::{Deserialize, Serialize};
use yingdun_crypto::passphrase::PassphraseParameters;
use yingdun_crypto::{Context, OpenError, SealingKey, digest, open, seal};
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// The longest file that is read: several times what is ever written.
pub(super) const FILE_BYTES_MAX: u64 = 4096;

const MAGIC: &[u8] = b"YDROOT1\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    passphrase: PassphraseParameters,
}

/// A root-key file taken apart; its digest was right.
pub(super) struct Parts<'a> {
    pub(super) passphrase: PassphraseParameters,
    preamble: &'a [u8],
    sealed: &'a [u8],
}

/// Writes a file.
pub(super) fn encode(
    passphrase: PassphraseParameters,
    key: &SealingKey,
    root: &SealingKey,
) -> Result<Vec<u8>, serde_json::Error> {
    let header = serde_json::to_vec(&Header { passphrase })?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&u16::try_from(header.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(&header);
    let sealed = seal(key, &context(&bytes), root.expose_secret());
    bytes.extend_from_slice(&sealed);
    let digest = digest::sha256(&bytes);
    bytes.extend_from_slice(&digest);
    Ok(bytes)
}

/// Takes a file apart. `None` when it is damaged or no root-key file.
pub(super) fn decode(bytes: &[u8]) -> Option<Parts<'_>> {
    let (content, digest) = bytes.split_last_chunk::<{ digest::DIGEST_BYTES }>()?;
    if digest::sha256(content) != *digest {
        return None;
    }
    let rest = content.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, sealed) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let preamble = content.get(..content.len() - sealed.len())?;
    let Header { passphrase } = serde_json::from_slice(header).ok()?;
    Some(Parts { passphrase, preamble, sealed })
}

impl Parts<'_> {
    /// Opens the root key with the key that the passphrase gave.
    pub(super) fn unseal(&self, key: &SealingKey) -> Result<SealingKey, OpenError> {
        let root = Zeroizing::new(open(key, &context(self.preamble), self.sealed)?);
        let root: [u8; 32] = root.as_slice().try_into().map_err(|_| OpenError::Content)?;
        Ok(SealingKey::from_secret(&Secret::new(root)))
    }
}

fn context(preamble: &[u8]) -> Context {
    Context::new("yingdun/root-key-file/v1").field(preamble)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (Vec<u8>, SealingKey, SealingKey) {
        let (key, root) = (SealingKey::generate(), SealingKey::generate());
        (encode(PassphraseParameters::generate(), &key, &root).unwrap(), key, root)
    }

    #[test]
    fn a_flip_of_any_bit_is_seen_as_damage() {
        let (bytes, key, root) = file();
        let opened = decode(&bytes).unwrap().unseal(&key).unwrap();
        assert_eq!(opened.expose_secret(), root.expose_secret());
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged).is_none(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_none(), "length {len}");
        }
    }

    #[test]
    fn a_changed_file_with_a_corrected_digest_still_does_not_open() {
        let (bytes, key, _) = file();
        for bit in 0..(bytes.len() - digest::DIGEST_BYTES) * 8 {
            let mut forged = bytes[..bytes.len() - digest::DIGEST_BYTES].to_vec();
            forged[bit / 8] ^= 1 << (bit % 8);
            forged.extend_from_slice(&digest::sha256(&forged));
            assert!(decode(&forged).is_none_or(|parts| parts.unseal(&key).is_err()), "bit {bit}");
        }
    }

    #[test]
    fn a_written_file_stays_within_what_is_read() {
        assert!(file().0.len() as u64 <= FILE_BYTES_MAX / 4);
    }
}
