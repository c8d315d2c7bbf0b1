//! SM4-GCM: AEAD_SM4_GCM of RFC 8998, which is GCM (NIST SP 800-38D) over SM4 with 12 bytes of nonce and 16 of tag.

use super::{BLOCK_BYTES, Backend, Batch, KEY_BYTES, Sm4};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes of a tag.
pub(crate) const TAG_BYTES: usize = 16;

/// SM4-GCM under one key. Wiped when dropped.
pub(crate) struct Sm4Gcm {
    cipher: Sm4,
    /// Keyed, and without any input yet.
    ghash: GHash,
}

/// Ciphertext, nonce, additional data and tag do not belong together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unauthentic;

impl Sm4Gcm {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self::with_backend(key, Backend::fastest())
    }

    fn with_backend(key: &[u8; KEY_BYTES], backend: Backend) -> Self {
        let cipher = Sm4::new(key, backend);
        let mut zeros = [[0; BLOCK_BYTES]; super::BATCH_BLOCKS];
        cipher.encrypt(&mut zeros);
        let [hash_key, ..] = zeros;
        Self { cipher, ghash: GHash::new(&hash_key.into()) }
    }

    /// Encrypts in place and returns the tag. No nonce may be used twice under one key. At most 64 GiB, the bound
    /// of the counter.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], in_place: &mut [u8]) -> [u8; TAG_BYTES] {
        let first = self.keystream(nonce, 1);
        self.apply(nonce, &first, in_place);
        self.tag(&first, aad, in_place)
    }

    /// Decrypts in place what is authentic, and leaves alone what is not.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        tag: &[u8; TAG_BYTES],
        in_place: &mut [u8],
    ) -> Result<(), Unauthentic> {
        let first = self.keystream(nonce, 1);
        let expected = self.tag(&first, aad, in_place);
        verify_slices_are_equal(&expected, tag).map_err(|_| Unauthentic)?;
        self.apply(nonce, &first, in_place);
        Ok(())
    }

    /// The encrypted counters from `counter` on.
    fn keystream(&self, nonce: &[u8; NONCE_BYTES], counter: u32) -> Batch {
        let nonce = nonce.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        let mut next = nonce << 32 | u128::from(counter);
        let mut batch = [[0; BLOCK_BYTES]; super::BATCH_BLOCKS];
        for block in &mut batch {
            *block = next.to_be_bytes();
            next = next.wrapping_add(1);
        }
        self.cipher.encrypt(&mut batch);
        batch
    }

    /// Adds the keystream from counter 2 on. `first` is the keystream from counter 1 on, which belongs to the tag.
    fn apply(&self, nonce: &[u8; NONCE_BYTES], first: &Batch, data: &mut [u8]) {
        let [_tag_mask, keystream @ ..] = first;
        let (now, later) = data.split_at_mut(data.len().min(keystream.as_flattened().len()));
        add(now, keystream.as_flattened());
        let mut counter = 1;
        for data in later.chunks_mut(size_of::<Batch>()) {
            counter += super::BATCH_BLOCKS as u32;
            add(data, self.keystream(nonce, counter).as_flattened());
        }
    }

    fn tag(&self, first: &Batch, aad: &[u8], ciphertext: &[u8]) -> [u8; TAG_BYTES] {
        let mut ghash = self.ghash.clone();
        ghash.update_padded(aad);
        ghash.update_padded(ciphertext);
        let lengths = u128::from(aad.len() as u64 * 8) << 64 | u128::from(ciphertext.len() as u64 * 8);
        ghash.update(&[lengths.to_be_bytes().into()]);
        let mut tag: [u8; TAG_BYTES] = ghash.finalize().into();
        add(&mut tag, first.as_flattened());
        tag
    }
}

/// Adds as much of the keystream as there is data.
fn add(data: &mut [u8], keystream: &[u8]) {
    for (byte, key) in data.iter_mut().zip(keystream) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_example_of_rfc_8998_comes_out_of_every_back_end_and_opens() {
        let nonce = bytes("00001234567800000000abcd");
        let aad: [u8; 20] = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain: [u8; 64] = bytes(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
             eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        );
        let cipher: [u8; 64] = bytes(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
             d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        );
        let tag = bytes("83de3541e4c2b58177e065a9bf7b62ec");
        for backend in Backend::available() {
            let aead = Sm4Gcm::with_backend(&bytes("0123456789abcdeffedcba9876543210"), backend);
            let mut data = plain;
            assert_eq!((aead.seal(&nonce, &aad, &mut data), data), (tag, cipher), "{backend:?}");
            assert_eq!((aead.open(&nonce, &aad, &tag, &mut data), data), (Ok(()), plain), "{backend:?}");
        }
    }

    #[test]
    fn what_is_not_authentic_is_refused_and_left_as_it_is() {
        let (aead, nonce) = (Sm4Gcm::new(&[1; KEY_BYTES]), [2; NONCE_BYTES]);
        let mut sealed = [3; 100];
        let tag = aead.seal(&nonce, b"aad", &mut sealed);
        let refused = |aad: &[u8], nonce: [u8; NONCE_BYTES], tag: [u8; TAG_BYTES], cipher: [u8; 100]| {
            let mut data = cipher;
            assert_eq!(aead.open(&nonce, aad, &tag, &mut data), Err(Unauthentic));
            assert_eq!(data, cipher);
        };
        for bit in 0..8 * TAG_BYTES {
            let mut other = tag;
            other[bit / 8] ^= 1 << (bit % 8);
            refused(b"aad", nonce, other, sealed);
        }
        for at in 0..sealed.len() {
            let mut other = sealed;
            other[at] ^= 0x10;
            refused(b"aad", nonce, tag, other);
        }
        refused(b"aae", nonce, tag, sealed);
        refused(b"aad", [3; NONCE_BYTES], tag, sealed);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn all_back_ends_seal_to_the_same_bytes_and_open_each_other(
            key: [u8; KEY_BYTES], nonce: [u8; NONCE_BYTES], plain in prop::collection::vec(any::<u8>(), 0..3000),
        ) {
            let mut expected = plain.clone();
            let portable = Sm4Gcm::with_backend(&key, Backend::available().next().unwrap());
            let tag = portable.seal(&nonce, b"", &mut expected);
            for backend in Backend::available() {
                let aead = Sm4Gcm::with_backend(&key, backend);
                let mut data = plain.clone();
                prop_assert_eq!((aead.seal(&nonce, b"", &mut data), &data), (tag, &expected));
                prop_assert_eq!((aead.open(&nonce, b"", &tag, &mut data), &data), (Ok(()), &plain));
            }
        }
    }
}
