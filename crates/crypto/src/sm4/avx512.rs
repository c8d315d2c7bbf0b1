//! SM4 on AVX-512 with GFNI, 32 blocks under way at once: a vector holds the same word of sixteen blocks. The
//! processor rotates words and adds three at once, so a round has a third of the instructions that it has on AVX2.

use super::avx2::{FROM_AES_FIELD, INTO_AES_FIELD};
use super::{Batch, RoundKeys};
use std::arch::x86_64::*;

/// Blocks whose words share vectors.
const LANES: usize = 16;

/// Encrypts each block of a batch.
#[target_feature(enable = "avx512f,avx512bw,gfni")]
pub(super) fn encrypt(round_keys: &RoundKeys, batch: &mut Batch) {
    for [front, back] in batch.as_chunks_mut::<LANES>().0.as_chunks_mut().0 {
        let [mut a0, mut a1, mut a2, mut a3] = load(front);
        let [mut b0, mut b1, mut b2, mut b3] = load(back);
        for [k0, k1, k2, k3] in round_keys.as_chunks().0 {
            a0 = round(a0, [a1, a2, a3], *k0);
            b0 = round(b0, [b1, b2, b3], *k0);
            a1 = round(a1, [a2, a3, a0], *k1);
            b1 = round(b1, [b2, b3, b0], *k1);
            a2 = round(a2, [a3, a0, a1], *k2);
            b2 = round(b2, [b3, b0, b1], *k2);
            a3 = round(a3, [a0, a1, a2], *k3);
            b3 = round(b3, [b0, b1, b2], *k3);
        }
        // The words leave in reverse order (GB/T 32907 §7.1).
        store(front, [a3, a2, a1, a0]);
        store(back, [b3, b2, b1, b0]);
    }
}

/// One round (GB/T 32907 §6.1): what `x` becomes, given the other words, the newest last, and the round key.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn round(x: __m512i, [a, b, newest]: [__m512i; 3], round_key: u32) -> __m512i {
    let into = _mm512_set1_epi64(INTO_AES_FIELD.cast_signed());
    let from = _mm512_set1_epi64(FROM_AES_FIELD.cast_signed());
    let known = sum(a, b, _mm512_set1_epi32(round_key.cast_signed()));
    let s = _mm512_gf2p8affine_epi64_epi8::<0x3e>(_mm512_xor_si512(known, newest), into);
    let s = _mm512_gf2p8affineinv_epi64_epi8::<0xd3>(s, from);
    let diffused = sum(s, _mm512_rol_epi32::<2>(s), _mm512_rol_epi32::<10>(s));
    sum(diffused, _mm512_rol_epi32::<18>(s), _mm512_xor_si512(x, _mm512_rol_epi32::<24>(s)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn sum(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    // The truth table of a ^ b ^ c.
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

/// The four words of sixteen blocks, each in a vector of its own.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "reads vectors from memory")]
fn load(blocks: &[[u8; 16]; LANES]) -> [__m512i; 4] {
    let from: *const __m512i = blocks.as_ptr().cast();
    // SAFETY: sixteen blocks of 16 bytes are 256 bytes, four vectors of 64; `loadu` needs no alignment, and any
    // bytes are a vector.
    let rows = unsafe {
        [
            _mm512_loadu_si512(from),
            _mm512_loadu_si512(from.add(1)),
            _mm512_loadu_si512(from.add(2)),
            _mm512_loadu_si512(from.add(3)),
        ]
    };
    transpose(rows.map(|row| big_endian(row)))
}

/// The inverse of [`load`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "writes vectors to memory")]
fn store(blocks: &mut [[u8; 16]; LANES], words: [__m512i; 4]) {
    let [r0, r1, r2, r3] = transpose(words).map(|row| big_endian(row));
    let to: *mut __m512i = blocks.as_mut_ptr().cast();
    // SAFETY: sixteen blocks of 16 bytes are 256 bytes, four vectors of 64, borrowed by us alone; `storeu` needs no
    // alignment, and any vector is bytes.
    unsafe {
        _mm512_storeu_si512(to, r0);
        _mm512_storeu_si512(to.add(1), r1);
        _mm512_storeu_si512(to.add(2), r2);
        _mm512_storeu_si512(to.add(3), r3);
    }
}

/// Reverses the bytes of every word.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn big_endian(x: __m512i) -> __m512i {
    _mm512_shuffle_epi8(x, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
}

/// Transposes the 4 × 4 words in each quarter of the vectors; its own inverse.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose([r0, r1, r2, r3]: [__m512i; 4]) -> [__m512i; 4] {
    let (low_01, high_01) = (_mm512_unpacklo_epi32(r0, r1), _mm512_unpackhi_epi32(r0, r1));
    let (low_23, high_23) = (_mm512_unpacklo_epi32(r2, r3), _mm512_unpackhi_epi32(r2, r3));
    [
        _mm512_unpacklo_epi64(low_01, low_23),
        _mm512_unpackhi_epi64(low_01, low_23),
        _mm512_unpacklo_epi64(high_01, high_23),
        _mm512_unpackhi_epi64(high_01, high_23),
    ]
}
