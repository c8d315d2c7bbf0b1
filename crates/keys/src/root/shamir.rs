//! Shamir's secret sharing over GF(2^8): of `n` shares any `m` give the secret back, and fewer tell nothing about it.
//!
//! A. Shamir, "How to share a secret", Communications of the ACM 22 (1979). Each byte of the secret is the constant term of a
//! polynomial of its own of degree `m` − 1 with random coefficients; a share is the value of all of them at one place, never 0.
//! The field is that of AES (FIPS 197 §4.2): polynomials over GF(2) modulo x^8 + x^4 + x^3 + x + 1.
//!
//! No table is looked up and no branch taken by a secret, so the time tells nothing of it. Which places the shares stand at is no
//! secret.

use zeroize::Zeroizing;

/// Bytes of a secret that is shared: a key of 256 bits.
pub(super) const SECRET_BYTES: usize = 32;

/// A secret, and one share of it. Wiped when dropped.
pub(super) type Bytes = Zeroizing<[u8; SECRET_BYTES]>;

/// The value at `place` of the polynomials whose coefficients are the secret and then `coefficients`, lowest first.
pub(super) fn share(secret: &Bytes, coefficients: &[Bytes], place: u8) -> Bytes {
    let mut value = Bytes::default();
    // Horner's scheme, from the highest coefficient down to the secret.
    for coefficient in coefficients.iter().rev().chain([secret]) {
        for (value, coefficient) in value.iter_mut().zip(coefficient.iter()) {
            *value = multiply(*value, place) ^ coefficient;
        }
    }
    value
}

/// The secret of which these are shares, each with its place: the value at 0 of the polynomials through them (Lagrange). Places
/// must differ and not be 0; with fewer shares than the threshold the result is a random-looking other value.
pub(super) fn combine(shares: &[(u8, Bytes)]) -> Bytes {
    let mut secret = Bytes::default();
    for (place, share) in shares {
        // In this field subtraction is addition, and 0 − other = other.
        let weight = shares
            .iter()
            .filter(|(other, _)| other != place)
            .fold(1, |weight, (other, _)| multiply(weight, multiply(*other, invert(other ^ place))));
        for (secret, value) in secret.iter_mut().zip(share.iter()) {
            *secret ^= multiply(*value, weight);
        }
    }
    secret
}

/// The product, in the same time whatever the factors.
const fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut product) = (a, b, 0);
    let mut bit = 0;
    while bit < 8 {
        product ^= a & mask(b & 1);
        a = (a << 1) ^ (0x1b & mask(a >> 7));
        b >>= 1;
        bit += 1;
    }
    product
}

/// All ones for 1, all zeroes for 0.
const fn mask(bit: u8) -> u8 {
    0_u8.wrapping_sub(bit)
}

/// The inverse, a^254 (FIPS 197 §4.2: a^255 = 1); 0 for 0.
const fn invert(a: u8) -> u8 {
    let (mut power, mut square, mut turn) = (1, a, 0);
    // 254 = 2 + 4 + … + 128.
    while turn < 7 {
        square = multiply(square, square);
        power = multiply(power, square);
        turn += 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_crypto::random;

    fn random_bytes() -> Bytes {
        Bytes::new(random::array())
    }

    fn shares(secret: &Bytes, threshold: u8, count: u8) -> Vec<(u8, Bytes)> {
        let coefficients: Vec<Bytes> = (1..threshold).map(|_| random_bytes()).collect();
        (1..=count).map(|place| (place, share(secret, &coefficients, place))).collect()
    }

    #[test]
    fn products_and_inverses_are_those_of_fips_197() {
        // FIPS 197 §4.2 and §4.2.1.
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        assert_eq!([0x02, 0x04, 0x08, 0x10].map(|b| multiply(0x57, b)), [0xae, 0x47, 0x8e, 0x07]);
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
            assert_eq!((multiply(a, 0), multiply(0, a), multiply(a, 1)), (0, 0, a));
        }
        for (a, b, c) in [(0x53, 0xca, 0x11), (0xff, 0x80, 0x1d), (0x02, 0x8d, 0xf6)] {
            assert_eq!(multiply(a, b), multiply(b, a));
            assert_eq!(multiply(a, b ^ c), multiply(a, b) ^ multiply(a, c));
        }
    }

    #[test]
    fn a_share_is_the_value_of_the_polynomial_that_one_works_out_by_hand() {
        // 0x2a + 0x57 x + 0x13 x²: at 1 it is 2a ^ 57 ^ 13; at 2, 2a ^ ae ^ (13·4 = 4c).
        let bytes = |byte| Bytes::new([byte; SECRET_BYTES]);
        let coefficients = [bytes(0x57), bytes(0x13)];
        assert_eq!(*share(&bytes(0x2a), &coefficients, 1), [0x2a ^ 0x57 ^ 0x13; SECRET_BYTES]);
        assert_eq!(*share(&bytes(0x2a), &coefficients, 2), [0x2a ^ 0xae ^ 0x4c; SECRET_BYTES]);
        let shares: Vec<_> = [7, 1, 200].map(|at| (at, share(&bytes(0x2a), &coefficients, at))).into();
        assert_eq!(*combine(&shares), [0x2a; SECRET_BYTES]);
    }

    #[test]
    fn any_three_of_five_give_the_secret_and_no_two_do() {
        let secret = random_bytes();
        let shares = shares(&secret, 3, 5);
        for a in 0..5 {
            for b in (0..5).filter(|b| *b != a) {
                let two = [shares[a].clone(), shares[b].clone()];
                assert_ne!(*combine(&two), *secret);
                for c in (0..5).filter(|c| ![a, b].contains(c)) {
                    let three = [shares[a].clone(), shares[b].clone(), shares[c].clone()];
                    assert_eq!(*combine(&three), *secret, "{a} {b} {c}");
                }
            }
        }
        assert_eq!(*combine(&shares), *secret, "more than enough is enough");
    }

    #[test]
    fn every_threshold_up_to_all_shares_holds() {
        for count in [2, 3, 16] {
            for threshold in 2..=count {
                let secret = random_bytes();
                let mut shares = shares(&secret, threshold, count);
                shares.reverse();
                shares.truncate(threshold.into());
                assert_eq!(*combine(&shares), *secret, "{threshold} of {count}");
                shares.pop();
                assert_ne!(*combine(&shares), *secret, "{threshold} of {count}");
            }
        }
    }

    #[test]
    fn with_one_share_less_every_secret_is_as_likely_as_any_other() {
        // For two of three: whatever the share at 1 is, some share at 2 leads to each of the 256 values of a byte.
        let known = (1, random_bytes());
        let mut seen = [false; 256];
        for byte in 0..=255 {
            let guessed = (2, Bytes::new([byte; SECRET_BYTES]));
            seen[usize::from(combine(&[known.clone(), guessed])[0])] = true;
        }
        assert!(seen.iter().all(|seen| *seen));
    }
}
