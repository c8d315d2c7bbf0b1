//! A key from a passphrase: Argon2id (RFC 9106), its parameters stored beside what it seals.

use crate::{SealingKey, Suite, random};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use yingdun_model::Secret;
use zeroize::Zeroize;

/// Bytes of salt (RFC 9106 §3.1 recommends 16).
const SALT_BYTES: usize = 16;
/// 64 MiB with three passes is the second recommended choice of RFC 9106 §4, and the least accepted on read,
/// so that a swapped file cannot make a passphrase cheap to guess.
const MEMORY_KIB_MIN: u32 = 64 * 1024;
/// 1 GiB: a damaged file must not make the program ask for more memory than a small server has.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MIN: u32 = 3;
/// With 1 GiB this is about a minute; more is a damaged file.
const PASSES_MAX: u32 = 16;
const LANES_MIN: u32 = 1;
const LANES_MAX: u32 = 16;

/// How a passphrase becomes a key. Stored in the clear with what the key seals; the salt makes the same
/// passphrase give another key in another file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseParameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT_BYTES],
}

/// Why a passphrase gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// A parameter lies outside what this program accepts.
    #[error("the passphrase parameter `{name}` is {found}, expected {min} to {max}")]
    Parameter {
        /// Which parameter.
        name: &'static str,
        /// What was found.
        found: u32,
        /// The least accepted value.
        min: u32,
        /// The greatest accepted value.
        max: u32,
    },
    /// The memory for the derivation cannot be had.
    #[error("{memory_kib} KiB of memory are needed to derive the key and cannot be had")]
    Memory {
        /// The memory asked for, in KiB.
        memory_kib: u32,
    },
}

impl PassphraseParameters {
    /// Fresh parameters with a random salt: 64 MiB, three passes, four lanes (RFC 9106 §4, second choice).
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn generate() -> Self {
        Self { memory_kib: MEMORY_KIB_MIN, passes: PASSES_MIN, lanes: 4, salt: random::array() }
    }

    /// Derives the key. Takes about 0.1 s of processor time and `memory_kib` of memory: never on a thread
    /// that serves others.
    ///
    /// # Errors
    /// [`PassphraseError`] when the parameters are out of bounds or the memory cannot be had.
    pub fn derive(&self, passphrase: &Secret<String>) -> Result<SealingKey, PassphraseError> {
        within("memory_kib", self.memory_kib, MEMORY_KIB_MIN, MEMORY_KIB_MAX)?;
        within("passes", self.passes, PASSES_MIN, PASSES_MAX)?;
        within("lanes", self.lanes, LANES_MIN, LANES_MAX)?;
        let no_memory = PassphraseError::Memory { memory_kib: self.memory_kib };
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| no_memory)?;
        let mut blocks: Vec<Block> = Vec::new();
        blocks.try_reserve_exact(params.block_count()).map_err(|_| no_memory)?;
        blocks.resize(params.block_count(), Block::default());
        let mut key = [0; 32];
        let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.expose().as_bytes(),
                &self.salt,
                &mut key,
                &mut blocks,
            );
        let sealing_key = SealingKey::from_bytes(&key, Suite::default());
        key.zeroize();
        derived.map(|()| sealing_key).map_err(|_| no_memory)
    }
}

fn within(name: &'static str, found: u32, min: u32, max: u32) -> Result<(), PassphraseError> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(PassphraseError::Parameter { name, found, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_key_depends_on_passphrase_and_salt() {
        let parameters = PassphraseParameters::generate();
        let key = parameters.derive(&secret("correct horse")).unwrap();
        assert_eq!(parameters.derive(&secret("correct horse")).unwrap().expose_secret(), key.expose_secret());
        assert_ne!(parameters.derive(&secret("correct Horse")).unwrap().expose_secret(), key.expose_secret());
        let elsewhere = PassphraseParameters::generate();
        assert_ne!(elsewhere.derive(&secret("correct horse")).unwrap().expose_secret(), key.expose_secret());
    }

    #[test]
    fn cheap_and_exhausting_parameters_are_refused_before_any_work() {
        let good = PassphraseParameters::generate();
        for (name, wrong) in [
            ("memory_kib", PassphraseParameters { memory_kib: 8, ..good.clone() }),
            ("memory_kib", PassphraseParameters { memory_kib: u32::MAX, ..good.clone() }),
            ("passes", PassphraseParameters { passes: 1, ..good.clone() }),
            ("passes", PassphraseParameters { passes: u32::MAX, ..good.clone() }),
            ("lanes", PassphraseParameters { lanes: 0, ..good.clone() }),
            ("lanes", PassphraseParameters { lanes: 17, ..good.clone() }),
        ] {
            let refused = wrong.derive(&secret("x")).map(|_| ());
            assert!(
                matches!(refused, Err(PassphraseError::Parameter { name: refused, .. }) if refused == name),
                "{name}: {refused:?}"
            );
        }
    }
}
