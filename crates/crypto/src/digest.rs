//! Digests: SHA-256 and SM3 for evidence that others must check, BLAKE3 for our own ciphertext.

use ring::digest as ring_digest;
use sm3::Digest;
use yingdun_model::Secret;

/// Bytes of every digest here.
pub const DIGEST_BYTES: usize = 32;

/// The SHA-256 (FIPS 180-4) of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = Sha256::new();
    digest.update(bytes);
    digest.finish()
}

/// Whether two digests are the same, in a time that tells nothing of where they differ.
#[must_use]
pub fn same(one: &[u8; DIGEST_BYTES], other: &[u8; DIGEST_BYTES]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// The SM3 (GB/T 32905) of some bytes.
#[must_use]
pub fn sm3(bytes: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = Sm3::new();
    digest.update(bytes);
    digest.finish()
}

/// The BLAKE3 of some bytes.
#[must_use]
pub fn blake3(bytes: &[u8]) -> [u8; DIGEST_BYTES] {
    *blake3::hash(bytes).as_bytes()
}

/// The keyed BLAKE3 of some bytes: a code that nobody makes without the key.
#[must_use]
pub fn keyed_blake3(key: &Secret<[u8; DIGEST_BYTES]>, parts: &[&[u8]]) -> [u8; DIGEST_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Bytes that nobody tells from noise without the key, as many as are wanted: those of the extended output of keyed BLAKE3 from a place on.
pub fn keyed_blake3_stream(key: &Secret<[u8; DIGEST_BYTES]>, parts: &[&[u8]], from: u64, out: &mut [u8]) {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    for part in parts {
        hasher.update(part);
    }
    let mut reader = hasher.finalize_xof();
    reader.set_position(from);
    reader.fill(out);
}

/// A key for another purpose, from a secret that is a key itself (BLAKE3 in its mode for deriving keys). `context` is a constant of the
/// program that names the purpose.
#[must_use]
pub fn derived_blake3(context: &str, parts: &[&[u8]]) -> Secret<[u8; DIGEST_BYTES]> {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(part);
    }
    Secret::new(*hasher.finalize().as_bytes())
}

/// SHA-256 of bytes that come in pieces.
#[derive(Clone)]
pub struct Sha256(ring_digest::Context);

impl Sha256 {
    /// Starts a digest.
    #[must_use]
    pub fn new() -> Self {
        Self(ring_digest::Context::new(&ring_digest::SHA256))
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> [u8; DIGEST_BYTES] {
        let mut out = [0; DIGEST_BYTES];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256(…)")
    }
}

/// SM3 of bytes that come in pieces.
#[derive(Clone, Debug, Default)]
pub struct Sm3(sm3::Sm3);

impl Sm3 {
    /// Starts a digest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> [u8; DIGEST_BYTES] {
        self.0.finalize().into()
    }
}

/// BLAKE3 of bytes that come in pieces.
#[derive(Clone, Debug, Default)]
pub struct Blake3(blake3::Hasher);

impl Blake3 {
    /// Starts a digest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces so far.
    #[must_use]
    pub fn finish(&self) -> [u8; DIGEST_BYTES] {
        *self.0.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_from_wherever_it_is_read() {
        let (key, parts) = (Secret::new([3; 32]), [&b"marks"[..], &[7]]);
        let (mut whole, mut part) = ([0; 300], [0; 100]);
        keyed_blake3_stream(&key, &parts, 0, &mut whole);
        keyed_blake3_stream(&key, &parts, 200, &mut part);
        assert_eq!(whole[200..], part);
        assert_eq!(whole[..32], keyed_blake3(&key, &parts));
        keyed_blake3_stream(&key, &[b"marks", &[8]], 200, &mut part);
        assert_ne!(whole[200..], part);
    }
    use proptest::prelude::*;

    #[test]
    fn the_published_values_of_abc_come_out() {
        // FIPS 180-4 example; GB/T 32905 §A.1; BLAKE3 from the reference implementation's b3sum.
        assert_eq!(
            hex::encode(sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex::encode(sm3(b"abc")),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
        assert_eq!(
            hex::encode(blake3(b"abc")),
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
    }

    proptest! {
        #[test]
        fn pieces_give_the_digest_of_the_whole(bytes: Vec<u8>, cut: prop::sample::Index) {
            let (a, b) = bytes.split_at(cut.index(bytes.len() + 1));
            let (mut sha, mut chinese, mut b3) = (Sha256::new(), Sm3::new(), Blake3::new());
            for piece in [a, b] {
                sha.update(piece);
                chinese.update(piece);
                b3.update(piece);
            }
            prop_assert_eq!(sha.finish(), sha256(&bytes));
            prop_assert_eq!(chinese.finish(), sm3(&bytes));
            prop_assert_eq!(b3.finish(), blake3(&bytes));
        }
    }
}
