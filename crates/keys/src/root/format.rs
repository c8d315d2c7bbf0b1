//! The bytes of a root-key file. Pure functions.
//!
//! ```text
//! "YDROOT1\n" │ header length, 2 bytes │ header, JSON: how the passphrase becomes a key, or which shares are needed
//!             │ root key sealed with Cobblestone-256, everything before it as context
//!             │ SHA-256 of everything before
//! ```
//!
//! The digest tells a damaged file from a wrong passphrase. What protects the key is the seal: a changed header
//! changes the context.
//!
//! A file for shares keeps a digest of each share. The value of a share is random and has 256 bits, so its digest tells nothing of
//! it, and each share can be judged by itself.

use super::share::{Share, ShareError};
use serde::{Deserialize, Serialize};
use yingdun_crypto::passphrase::PassphraseParameters;
use yingdun_crypto::{Context, OpenError, SealingKey, digest, open, seal};
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// The longest file that is read: several times what is ever written.
pub(super) const FILE_BYTES_MAX: u64 = 4096;

const MAGIC: &[u8] = b"YDROOT1\n";

/// What opens a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Header {
    Passphrase(PassphraseParameters),
    Shares(Shares),
}

/// Which shares open a file. Bytes are written in hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shares {
    /// By which the shares of this file are told from others.
    set: String,
    /// How many are needed.
    threshold: u8,
    /// The digest of each share, in the order of their places from 1.
    checks: Vec<String>,
}

/// A root-key file taken apart; its digest was right.
pub(super) enum Parts {
    Passphrase(PassphraseParameters, Kept),
    Shares(SharedParts),
}

/// What stands in a file under a seal.
pub(super) struct Kept {
    preamble: Vec<u8>,
    sealed: Vec<u8>,
}

/// A file that is opened by shares.
pub(super) struct SharedParts {
    shares: Shares,
    kept: Kept,
}

/// Writes a file that a passphrase opens.
pub(super) fn encode(
    passphrase: PassphraseParameters,
    key: &SealingKey,
    root: &SealingKey,
) -> Result<Vec<u8>, serde_json::Error> {
    encode_with(&Header::Passphrase(passphrase), key, root)
}

/// Writes a file that these shares of `key` open.
pub(super) fn encode_shared(
    shares: &[Share],
    key: &SealingKey,
    root: &SealingKey,
) -> Result<Vec<u8>, serde_json::Error> {
    let (set, threshold) = shares.first().map(|share| (share.set, share.threshold)).unwrap_or_default();
    let checks = shares.iter().map(|share| hex::encode(share.commitment())).collect();
    encode_with(&Header::Shares(Shares { set: hex::encode(set), threshold, checks }), key, root)
}

fn encode_with(header: &Header, key: &SealingKey, root: &SealingKey) -> Result<Vec<u8>, serde_json::Error> {
    let header = serde_json::to_vec(header)?;
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
pub(super) fn decode(bytes: &[u8]) -> Option<Parts> {
    let (content, digest) = bytes.split_last_chunk::<{ digest::DIGEST_BYTES }>()?;
    if digest::sha256(content) != *digest {
        return None;
    }
    let rest = content.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, sealed) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let preamble = content.get(..content.len() - sealed.len())?.to_vec();
    let kept = Kept { preamble, sealed: sealed.to_vec() };
    Some(match serde_json::from_slice(header).ok()? {
        Header::Passphrase(passphrase) => Parts::Passphrase(passphrase, kept),
        Header::Shares(shares) => Parts::Shares(SharedParts { shares, kept }),
    })
}

impl Kept {
    /// Opens the root key with the key that the passphrase or the shares gave.
    pub(super) fn unseal(&self, key: &SealingKey) -> Result<SealingKey, OpenError> {
        let root = Zeroizing::new(open(key, &context(&self.preamble), &self.sealed)?);
        let root: [u8; 32] = root.as_slice().try_into().map_err(|_| OpenError::Content)?;
        Ok(SealingKey::from_secret(&Secret::new(root)))
    }
}

impl SharedParts {
    /// How many shares are needed.
    pub(super) const fn threshold(&self) -> u8 {
        self.shares.threshold
    }

    /// How many shares there are.
    pub(super) fn count(&self) -> u8 {
        u8::try_from(self.shares.checks.len()).unwrap_or(u8::MAX)
    }

    /// Whether a share is one of this file.
    pub(super) fn check(&self, share: &Share) -> Result<(), ShareError> {
        if hex::encode(share.set) != self.shares.set {
            return Err(ShareError::OtherRoot);
        }
        let place = usize::from(share.place).checked_sub(1);
        match place.and_then(|place| self.shares.checks.get(place)) {
            Some(check) if *check == hex::encode(share.commitment()) => Ok(()),
            Some(_) | None => Err(ShareError::Wrong),
        }
    }

    /// Opens the root key with the key that the shares gave.
    pub(super) fn unseal(&self, key: &SealingKey) -> Result<SealingKey, OpenError> {
        self.kept.unseal(key)
    }
}

fn context(preamble: &[u8]) -> Context {
    Context::new("yingdun/root-key-file/v1").field(preamble)
}

#[cfg(test)]
mod tests {
    use super::super::share::SET_BYTES;
    use super::*;

    fn file() -> (Vec<u8>, SealingKey, SealingKey) {
        let (key, root) = (SealingKey::generate(), SealingKey::generate());
        (encode(PassphraseParameters::generate(), &key, &root).unwrap(), key, root)
    }

    fn kept(bytes: &[u8]) -> Option<Kept> {
        match decode(bytes)? {
            Parts::Passphrase(_, kept) => Some(kept),
            Parts::Shares(shared) => Some(shared.kept),
        }
    }

    #[test]
    fn a_flip_of_any_bit_is_seen_as_damage() {
        let (bytes, key, root) = file();
        let opened = kept(&bytes).unwrap().unseal(&key).unwrap();
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
            assert!(kept(&forged).is_none_or(|kept| kept.unseal(&key).is_err()), "bit {bit}");
        }
    }

    #[test]
    fn a_written_file_stays_within_what_is_read() {
        assert!(file().0.len() as u64 <= FILE_BYTES_MAX / 4);
        let share = |place| Share { set: [1; SET_BYTES], place, threshold: 2, value: Default::default() };
        let shares: Vec<Share> = (1..=crate::SHARES_MAX).map(share).collect();
        let (key, root) = (SealingKey::generate(), SealingKey::generate());
        let bytes = encode_shared(&shares, &key, &root).unwrap();
        assert!(bytes.len() as u64 <= FILE_BYTES_MAX);
        assert!(kept(&bytes).unwrap().unseal(&key).is_ok());
    }
}
