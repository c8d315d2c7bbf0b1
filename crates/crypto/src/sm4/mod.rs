//! SM4 (GB/T 32907-2016), and SM4-GCM as RFC 8998 has it.
//!
//! The cipher takes 64 blocks at a time, which is all that counter mode asks for. No back end looks anything up
//! by a secret: neither time nor cache tells of key or data.
//!
//! | back end | S-box | chosen when the processor has |
//! |---|---|---|
//! | [`portable`] | a circuit over 64 blocks, bit by bit | nothing of the below |
//! | [`avx2`] with AES-NI | that of AES between two affine maps | AVX2, AES-NI |
//! | [`avx2`] with VAES | the same, two vectors at once | AVX2, VAES |
//! | [`avx2`] with GFNI | two instructions | AVX2, GFNI |
//! | [`avx512`] | the same, and rotations and sums in fewer | AVX-512 F and BW, GFNI |

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod gcm;
mod portable;

pub(crate) use gcm::{Sm4Gcm, Unauthentic};

use zeroize::ZeroizeOnDrop;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 16;
/// Bytes of a block.
const BLOCK_BYTES: usize = 16;
/// Blocks that are encrypted at once: a bit of each in one machine word.
const BATCH_BLOCKS: usize = 64;
const ROUNDS: usize = 32;

type Batch = [[u8; BLOCK_BYTES]; BATCH_BLOCKS];
type RoundKeys = [u32; ROUNDS];

/// SM4 under one key, in the encrypting direction. Round keys are wiped when dropped.
#[derive(ZeroizeOnDrop)]
struct Sm4 {
    round_keys: RoundKeys,
    #[zeroize(skip)]
    backend: Backend,
}

impl Sm4 {
    fn new(key: &[u8; KEY_BYTES], backend: Backend) -> Self {
        Self { round_keys: round_keys(key), backend }
    }

    /// Encrypts each block of a batch.
    fn encrypt(&self, batch: &mut Batch) {
        self.backend.encrypt(&self.round_keys, batch);
    }
}

/// The code that encrypts. Made by [`Backend::available`] and [`Backend::fastest`] only, so that a value of it
/// proves that the processor has the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Backend(Code);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Portable,
    #[cfg(target_arch = "x86_64")]
    AesNi,
    #[cfg(target_arch = "x86_64")]
    Vaes,
    #[cfg(target_arch = "x86_64")]
    Gfni,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Backend {
    /// Everything that runs on this processor, slowest first.
    fn available() -> impl DoubleEndedIterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let accelerated = {
            let (avx2, gfni) = (is_x86_feature_detected!("avx2"), is_x86_feature_detected!("gfni"));
            let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            [
                (Code::AesNi, avx2 && is_x86_feature_detected!("aes")),
                (Code::Vaes, avx2 && is_x86_feature_detected!("vaes")),
                (Code::Gfni, avx2 && gfni),
                (Code::Avx512, avx512 && gfni),
            ]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let accelerated = [];
        std::iter::once((Code::Portable, true))
            .chain(accelerated)
            .filter_map(|(code, runs)| runs.then_some(Self(code)))
    }

    fn fastest() -> Self {
        Self::available().next_back().unwrap_or(Self(Code::Portable))
    }

    #[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls code for a detected processor"))]
    fn encrypt(self, round_keys: &RoundKeys, batch: &mut Batch) {
        match self.0 {
            Code::Portable => portable::encrypt(round_keys, batch),
            // SAFETY: a `Backend` with this code is made only where AVX2 and AES-NI were detected.
            #[cfg(target_arch = "x86_64")]
            Code::AesNi => unsafe { avx2::encrypt_aesni(round_keys, batch) },
            // SAFETY: a `Backend` with this code is made only where AVX2 and VAES were detected.
            #[cfg(target_arch = "x86_64")]
            Code::Vaes => unsafe { avx2::encrypt_vaes(round_keys, batch) },
            // SAFETY: a `Backend` with this code is made only where AVX2 and GFNI were detected.
            #[cfg(target_arch = "x86_64")]
            Code::Gfni => unsafe { avx2::encrypt_gfni(round_keys, batch) },
            // SAFETY: a `Backend` with this code is made only where AVX-512 F and BW and GFNI were detected.
            #[cfg(target_arch = "x86_64")]
            Code::Avx512 => unsafe { avx512::encrypt(round_keys, batch) },
        }
    }
}

/// The key schedule (GB/T 32907 §7.3).
fn round_keys(key: &[u8; KEY_BYTES]) -> RoundKeys {
    /// The system parameter FK.
    const FK: u128 = 0xa3b1_bac6_56aa_3350_677d_9197_b270_22dc;
    let mut state = u128::from_be_bytes(*key) ^ FK;
    let mut round = 0_u8;
    std::array::from_fn(|_| {
        let [k0, k1, k2, k3] = [96, 64, 32, 0].map(|shift| (state >> shift) as u32);
        // The fixed parameter CK: byte j of word i is 7 (4i + j) modulo 256.
        let ck = [0, 1, 2, 3].map(|j| round.wrapping_mul(4).wrapping_add(j).wrapping_mul(7));
        round += 1;
        let t = portable::substitute_word(k1 ^ k2 ^ k3 ^ u32::from_be_bytes(ck));
        let round_key = k0 ^ t ^ t.rotate_left(13) ^ t.rotate_left(23);
        state = state << 32 | u128::from(round_key);
        round_key
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// GB/T 32907 annex A: one key, also used as plaintext.
    const KEY: u128 = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;

    #[test]
    fn the_key_schedule_is_that_of_the_standard() {
        let keys = round_keys(&KEY.to_be_bytes());
        assert_eq!((keys[0], keys[1], keys[31]), (0xf121_86f9, 0x4166_2b61, 0x9124_a012));
    }

    #[test]
    fn the_first_example_of_the_standard_comes_out_of_every_back_end() {
        let expected: u128 = 0x681e_df34_d206_965e_86b3_e94f_536e_4246;
        for backend in Backend::available() {
            let mut batch = [KEY.to_be_bytes(); BATCH_BLOCKS];
            Sm4::new(&KEY.to_be_bytes(), backend).encrypt(&mut batch);
            assert_eq!(batch, [expected.to_be_bytes(); BATCH_BLOCKS], "{backend:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_back_end_gives_the_bytes_of_the_portable_one(key: [u8; KEY_BYTES], seed: [u8; 32]) {
            // Every block and every byte differs: a block that lands in another lane shows.
            let mut batch = [[0; BLOCK_BYTES]; BATCH_BLOCKS];
            for (number, block) in (0_u8..).zip(&mut batch) {
                block.copy_from_slice(&crate::digest::blake3(&[&seed[..], &[number]].concat())[..BLOCK_BYTES]);
            }
            let mut expected = batch;
            Sm4::new(&key, Backend(Code::Portable)).encrypt(&mut expected);
            for backend in Backend::available() {
                let mut got = batch;
                Sm4::new(&key, backend).encrypt(&mut got);
                prop_assert_eq!(got, expected, "{:?}", backend);
            }
        }
    }
}
