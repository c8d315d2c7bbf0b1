//! SM4 on AVX2, 16 blocks under way at once: a vector holds the same word of eight blocks.
//!
//! The S-box of SM4 is an inverse in GF(2^8) between two affine maps. So is that of AES, in another
//! representation of the same field, hence SM4's is AES's between two affine maps over bits. GFNI does affine maps and
//! inverse in two instructions; AES-NI and VAES give the S-box of AES, and the maps are done by halves of a
//! byte with `pshufb`, which looks up in a register and therefore in constant time.

use super::{Batch, RoundKeys};
use std::arch::x86_64::*;

/// Blocks whose words share vectors.
const LANES: usize = 8;

/// Makes a function that encrypts each block of a batch. The rounds are spelled as a macro because code is inlined
/// only into functions that have its instructions.
macro_rules! encrypt {
    ($name:ident, $features:literal, $substitute:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(round_keys: &RoundKeys, batch: &mut Batch) {
            for [front, back] in batch.as_chunks_mut::<LANES>().0.as_chunks_mut().0 {
                let [mut a0, mut a1, mut a2, mut a3] = load(front);
                let [mut b0, mut b1, mut b2, mut b3] = load(back);
                for [k0, k1, k2, k3] in round_keys.as_chunks().0 {
                    let key = _mm256_set1_epi32(k0.cast_signed());
                    a0 = _mm256_xor_si256(a0, diffuse($substitute(sum([a1, a2, a3, key]))));
                    b0 = _mm256_xor_si256(b0, diffuse($substitute(sum([b1, b2, b3, key]))));
                    let key = _mm256_set1_epi32(k1.cast_signed());
                    a1 = _mm256_xor_si256(a1, diffuse($substitute(sum([a2, a3, a0, key]))));
                    b1 = _mm256_xor_si256(b1, diffuse($substitute(sum([b2, b3, b0, key]))));
                    let key = _mm256_set1_epi32(k2.cast_signed());
                    a2 = _mm256_xor_si256(a2, diffuse($substitute(sum([a3, a0, a1, key]))));
                    b2 = _mm256_xor_si256(b2, diffuse($substitute(sum([b3, b0, b1, key]))));
                    let key = _mm256_set1_epi32(k3.cast_signed());
                    a3 = _mm256_xor_si256(a3, diffuse($substitute(sum([a0, a1, a2, key]))));
                    b3 = _mm256_xor_si256(b3, diffuse($substitute(sum([b0, b1, b2, key]))));
                }
                // The words leave in reverse order (GB/T 32907 §7.1).
                store(front, [a3, a2, a1, a0]);
                store(back, [b3, b2, b1, b0]);
            }
        }
    };
}

encrypt!(encrypt_aesni, "avx2,aes", substitute_aesni);
encrypt!(encrypt_vaes, "avx2,vaes", substitute_vaes);
encrypt!(encrypt_gfni, "avx2,gfni", substitute_gfni);

/// The affine map in front of the inverse, for GFNI, which inverts in the field of AES: so the map also changes into
/// that field. Row `i` of the matrix is byte `7 - i`.
pub(super) const INTO_AES_FIELD: u64 = 0x4c28_7db9_1a22_505d;
/// The affine map behind the inverse, and back from the field of AES.
pub(super) const FROM_AES_FIELD: u64 = 0xf3ab_34a9_74a6_b589;

#[inline]
#[target_feature(enable = "avx2,gfni")]
fn substitute_gfni(x: __m256i) -> __m256i {
    let into = _mm256_set1_epi64x(INTO_AES_FIELD.cast_signed());
    let from = _mm256_set1_epi64x(FROM_AES_FIELD.cast_signed());
    let x = _mm256_gf2p8affine_epi64_epi8::<0x3e>(x, into);
    _mm256_gf2p8affineinv_epi64_epi8::<0xd3>(x, from)
}

#[inline]
#[target_feature(enable = "avx2,vaes")]
fn substitute_vaes(x: __m256i) -> __m256i {
    let substituted = _mm256_aesenclast_epi128(into_aes(x), _mm256_setzero_si256());
    from_aes(substituted)
}

#[inline]
#[target_feature(enable = "avx2,aes")]
fn substitute_aesni(x: __m256i) -> __m256i {
    let (x, zero) = (into_aes(x), _mm_setzero_si128());
    let low = _mm_aesenclast_si128(_mm256_castsi256_si128(x), zero);
    let high = _mm_aesenclast_si128(_mm256_extracti128_si256::<1>(x), zero);
    from_aes(_mm256_set_m128i(high, low))
}

/// The affine map in front of the S-box of AES.
#[inline]
#[target_feature(enable = "avx2")]
fn into_aes(x: __m256i) -> __m256i {
    const LOW: u128 = 0x98_14_a8_24_1d_91_2d_a1_07_8b_37_bb_82_0e_b2_3e;
    const HIGH: u128 = 0x3f_e3_11_cd_fa_26_d4_08_37_eb_19_c5_f2_2e_dc_00;
    map(x, LOW, HIGH)
}

/// The affine map behind the S-box of AES, and the rows shifted back that the AES instruction shifts.
#[inline]
#[target_feature(enable = "avx2")]
fn from_aes(x: __m256i) -> __m256i {
    const LOW: u128 = 0x47_ff_8d_35_79_c1_b3_0b_20_98_ea_52_1e_a6_d4_6c;
    const HIGH: u128 = 0xed_0d_bd_5d_70_90_20_c0_2d_cd_7d_9d_b0_50_e0_00;
    const UNSHIFT_ROWS: u128 = 0x03_06_09_0c_0f_02_05_08_0b_0e_01_04_07_0a_0d_00;
    map(_mm256_shuffle_epi8(x, twice(UNSHIFT_ROWS)), LOW, HIGH)
}

/// An affine map of every byte: what its lower half becomes plus what its upper half becomes.
#[inline]
#[target_feature(enable = "avx2")]
fn map(x: __m256i, low: u128, high: u128) -> __m256i {
    let half = _mm256_set1_epi8(0x0f);
    let of_low = _mm256_shuffle_epi8(twice(low), _mm256_and_si256(x, half));
    let of_high = _mm256_shuffle_epi8(twice(high), _mm256_and_si256(_mm256_srli_epi16::<4>(x), half));
    _mm256_xor_si256(of_low, of_high)
}

/// The linear transformation L of every word (GB/T 32907 §6.2): the sum of the word rotated left by 0, 2, 10, 18 and
/// 24 bits. Those by 2, 10 and 18 are the sum of those by 0, 8 and 16, rotated by 2.
#[inline]
#[target_feature(enable = "avx2")]
fn diffuse(x: __m256i) -> __m256i {
    const LEFT_8: u128 = 0x0e0d_0c0f_0a09_080b_0605_0407_0201_0003;
    const LEFT_16: u128 = 0x0d0c_0f0e_0908_0b0a_0504_0706_0100_0302;
    const LEFT_24: u128 = 0x0c0f_0e0d_080b_0a09_0407_0605_0003_0201;
    let turned = |by| _mm256_shuffle_epi8(x, twice(by));
    let inner = _mm256_xor_si256(x, _mm256_xor_si256(turned(LEFT_8), turned(LEFT_16)));
    let inner = _mm256_or_si256(_mm256_slli_epi32::<2>(inner), _mm256_srli_epi32::<30>(inner));
    _mm256_xor_si256(inner, _mm256_xor_si256(x, turned(LEFT_24)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum([a, b, c, d]: [__m256i; 4]) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d))
}

/// The same 16 bytes in both halves; byte 0 is the lowest.
#[inline]
#[target_feature(enable = "avx2")]
fn twice(bytes: u128) -> __m256i {
    let (high, low) = ((bytes >> 64) as i64, bytes as i64);
    _mm256_set_epi64x(high, low, high, low)
}

/// The four words of eight blocks, each in a vector of its own.
#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "reads vectors from memory")]
fn load(blocks: &[[u8; 16]; LANES]) -> [__m256i; 4] {
    let from: *const __m256i = blocks.as_ptr().cast();
    // SAFETY: eight blocks of 16 bytes are 128 bytes, four vectors of 32; `loadu` needs no alignment, and any
    // bytes are a vector.
    let rows = unsafe {
        [
            _mm256_loadu_si256(from),
            _mm256_loadu_si256(from.add(1)),
            _mm256_loadu_si256(from.add(2)),
            _mm256_loadu_si256(from.add(3)),
        ]
    };
    transpose(rows.map(|row| big_endian(row)))
}

/// The inverse of [`load`].
#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "writes vectors to memory")]
fn store(blocks: &mut [[u8; 16]; LANES], words: [__m256i; 4]) {
    let [r0, r1, r2, r3] = transpose(words).map(|row| big_endian(row));
    let to: *mut __m256i = blocks.as_mut_ptr().cast();
    // SAFETY: eight blocks of 16 bytes are 128 bytes, four vectors of 32, borrowed by us alone; `storeu` needs no
    // alignment, and any vector is bytes.
    unsafe {
        _mm256_storeu_si256(to, r0);
        _mm256_storeu_si256(to.add(1), r1);
        _mm256_storeu_si256(to.add(2), r2);
        _mm256_storeu_si256(to.add(3), r3);
    }
}

/// Reverses the bytes of every word.
#[inline]
#[target_feature(enable = "avx2")]
fn big_endian(x: __m256i) -> __m256i {
    _mm256_shuffle_epi8(x, twice(0x0c0d_0e0f_0809_0a0b_0405_0607_0001_0203))
}

/// Transposes the 4 × 4 words in each half of the vectors; its own inverse.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose([r0, r1, r2, r3]: [__m256i; 4]) -> [__m256i; 4] {
    let (low_01, high_01) = (_mm256_unpacklo_epi32(r0, r1), _mm256_unpackhi_epi32(r0, r1));
    let (low_23, high_23) = (_mm256_unpacklo_epi32(r2, r3), _mm256_unpackhi_epi32(r2, r3));
    [
        _mm256_unpacklo_epi64(low_01, low_23),
        _mm256_unpackhi_epi64(low_01, low_23),
        _mm256_unpacklo_epi64(high_01, high_23),
        _mm256_unpackhi_epi64(high_01, high_23),
    ]
}
