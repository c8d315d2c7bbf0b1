//! One-time codes of authenticator apps: TOTP (RFC 6238) over HOTP (RFC 4226), with HMAC-SHA-1, six digits and steps of
//! thirty seconds, which is what every such app can do. HMAC does not rest on collisions, so SHA-1 is no weakness here.

use ring::hmac;
use yingdun_model::{Secret, Timestamp};

/// Bytes of a secret that is shared with an app: the length of the HMAC (RFC 4226 §4, R6 recommends 160 bits).
pub const SECRET_BYTES: usize = 20;

/// Digits of a code.
pub const DIGITS: usize = 6;

/// How long one code is shown (RFC 6238 §5.2 recommends 30 s).
pub const STEP_MS: i64 = 30_000;

/// The time step of a moment; steps before 1970 are none.
#[must_use]
pub fn step_at(now: Timestamp) -> i64 {
    now.as_ms().div_euclid(STEP_MS).max(0)
}

/// The code of a time step, six ASCII digits.
#[must_use]
pub fn code(secret: &Secret<[u8; SECRET_BYTES]>, step: i64) -> [u8; DIGITS] {
    digits(truncated(secret.expose(), step.unsigned_abs()))
}

/// Whether these are the digits of a code. It takes the same time wherever they differ.
#[must_use]
pub fn matches(code: &[u8; DIGITS], digits: &[u8; DIGITS]) -> bool {
    code.iter().zip(digits).fold(0, |different, (one, other)| different | (one ^ other)) == 0
}

// === helpers ===

/// The dynamic truncation of RFC 4226 §5.3: 31 bits of the HMAC, at a place that its last four bits say.
fn truncated(secret: &[u8], counter: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = bytes.last().map_or(0, |last| usize::from(last & 0x0f));
    let window = bytes.get(offset..offset + 4).and_then(|window| window.try_into().ok()).unwrap_or_default();
    u32::from_be_bytes(window) & 0x7fff_ffff
}

fn digits(mut number: u32) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        // A remainder of ten fits.
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the examples in RFC 4226 appendix D and RFC 6238 appendix B.
    const EXAMPLE: [u8; SECRET_BYTES] = *b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_4226_appendix_d() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, expected) in codes.iter().enumerate() {
            let code = code(&Secret::new(EXAMPLE), i64::try_from(counter).unwrap());
            assert_eq!(std::str::from_utf8(&code).unwrap(), *expected, "{counter}");
        }
        assert_eq!(truncated(&EXAMPLE, 0), 0x4c93_cf18);
        assert_eq!(truncated(&EXAMPLE, 9), 0x2679_dc69);
    }

    #[test]
    fn codes_are_the_last_six_of_the_eight_digits_of_rfc_6238_appendix_b() {
        for (seconds, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000_i64, "65353130"),
        ] {
            let step = step_at(Timestamp::from_ms(seconds * 1000));
            let code = code(&Secret::new(EXAMPLE), step);
            assert_eq!(std::str::from_utf8(&code).unwrap(), &expected[2..], "{seconds}");
        }
    }

    #[test]
    fn a_step_begins_every_thirty_seconds() {
        let at = |ms| step_at(Timestamp::from_ms(ms));
        assert_eq!((at(0), at(29_999), at(30_000), at(-1)), (0, 0, 1, 0));
    }

    #[test]
    fn digits_match_when_all_of_them_do() {
        assert!(matches(b"012345", b"012345"));
        for place in 0..DIGITS {
            let mut other = *b"012345";
            other[place] ^= 1;
            assert!(!matches(b"012345", &other));
        }
    }
}
