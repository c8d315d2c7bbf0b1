//! What a person types: six digits from an app, or one of ten recovery codes. Pure functions over values.

use yingdun_crypto::digest::sha256;
use yingdun_crypto::one_time_code::{self, DIGITS, SECRET_BYTES};
use yingdun_crypto::random;
use yingdun_model::{ActorId, InstitutionId, Secret, Timestamp};

/// Recovery codes of one person: enough for a year of forgotten phones, few enough for a slip of paper.
pub(super) const RECOVERY_CODES: usize = 10;
/// Random bytes of a recovery code: eighty bits, so that its plain SHA-256 gives nothing to guess.
const RECOVERY_BYTES: usize = 10;
/// Its characters in base32.
const RECOVERY_CHARACTERS: usize = 16;
/// Steps before and after this one whose code is taken: a clock may be wrong by half a minute (RFC 6238 §5.2).
const STEPS_APART_MAX: i64 = 1;

/// The alphabet of RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What somebody typed, as far as its form says what it is.
pub(super) enum Typed {
    /// Digits of an app.
    Digits([u8; DIGITS]),
    /// A recovery code: its characters, without what was put between them.
    Recovery(Secret<String>),
}

/// Reads what was typed. Blanks and hyphens between characters mean nothing; nor does the case of letters.
pub(super) fn typed(text: &Secret<String>) -> Option<Typed> {
    // Longer than any code with its blanks: not looked at.
    if text.expose().len() > 4 * RECOVERY_CHARACTERS {
        return None;
    }
    let characters = text.expose().bytes().filter(|byte| !b" -\t\r\n".contains(byte));
    let plain = Secret::new(characters.map(|byte| char::from(byte.to_ascii_uppercase())).collect::<String>());
    let bytes = plain.expose().as_bytes();
    if let Ok(digits) = <[u8; DIGITS]>::try_from(bytes)
        && digits.iter().all(u8::is_ascii_digit)
    {
        return Some(Typed::Digits(digits));
    }
    let is_recovery = bytes.len() == RECOVERY_CHARACTERS && bytes.iter().all(|byte| BASE32.contains(byte));
    is_recovery.then_some(Typed::Recovery(plain))
}

/// The time step that these digits are the code of: this one or one beside it, and later than the last that was used.
pub(super) fn step_of(
    secret: &Secret<[u8; SECRET_BYTES]>,
    digits: &[u8; DIGITS],
    now: Timestamp,
) -> Option<i64> {
    let present = one_time_code::step_at(now);
    // Every step is worked out, so that the time tells nothing of which one fits. The latest counts, of codes that are equal
    // by chance.
    let steps = (-STEPS_APART_MAX..=STEPS_APART_MAX).map(|apart| present.saturating_add(apart));
    steps.fold(None, |found, step| {
        let fits = one_time_code::matches(&one_time_code::code(secret, step), digits);
        if fits { Some(step) } else { found }
    })
}

/// Ten fresh recovery codes, as they are shown: `ABCD-EFGH-IJKL-MNOP`.
pub(super) fn recovery_codes() -> [Secret<String>; RECOVERY_CODES] {
    std::array::from_fn(|_| {
        let text = base32(Secret::new(random::array::<RECOVERY_BYTES>()).expose());
        let groups: Vec<String> = text
            .expose()
            .as_bytes()
            .chunks(4)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        Secret::new(groups.join("-"))
    })
}

/// Under which hash a recovery code is kept: the same code of somebody else has another one.
pub(super) fn recovery_hash(institution: &InstitutionId, actor: &ActorId, code: &Secret<String>) -> [u8; 32] {
    let plain = Secret::new(code.expose().replace('-', ""));
    let text = Secret::new(format!(
        "yingdun/recovery-code/v1\n{}\n{}\n{}",
        institution.as_str(),
        actor.as_str(),
        plain.expose()
    ));
    sha256(text.expose().as_bytes())
}

/// Base32 (RFC 4648 §6) without padding.
pub(super) fn base32(bytes: &[u8]) -> Secret<String> {
    let mut text = String::with_capacity(bytes.len().saturating_mul(8).div_ceil(5));
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(letter(bits >> count));
        }
    }
    if count > 0 {
        text.push(letter(bits << (5 - count)));
    }
    Secret::new(text)
}

/// The address that an app reads (the "key URI" that authenticator apps share).
pub(super) fn otpauth(issuer: &str, account: &str, base32: &Secret<String>) -> Secret<String> {
    let (issuer, account) = (percent(issuer), percent(account));
    Secret::new(format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={}",
        base32.expose(),
        one_time_code::STEP_MS / 1000
    ))
}

// === helpers ===

fn letter(bits: u32) -> char {
    // INVARIANT: five bits are an index into the alphabet.
    let index = usize::try_from(bits & 0x1f).unwrap_or_default();
    BASE32.get(index).copied().map_or('A', char::from)
}

/// Everything but the unreserved characters of RFC 3986 as `%XX`.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()).expose(), expected);
        }
    }

    #[test]
    fn what_is_typed_is_read_whatever_stands_between_its_characters() {
        for text in ["012345", "012 345", " 012-345\n"] {
            assert!(
                matches!(typed(&secret(text)), Some(Typed::Digits(digits)) if &digits == b"012345"),
                "{text}"
            );
        }
        for text in ["ABCD-EFGH-IJKL-MNOP", "abcdefghijklmnop", "abcd efgh ijkl mnop"] {
            assert!(
                matches!(typed(&secret(text)), Some(Typed::Recovery(code)) if code.expose() == "ABCDEFGHIJKLMNOP"),
                "{text}"
            );
        }
        let long = "1".repeat(65);
        for text in ["", "12345", "1234567", "１２３４５６", "ABCD-EFGH-IJKL-MN0P", long.as_str()] {
            assert!(typed(&secret(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn ten_recovery_codes_differ_and_are_hashed_as_they_are_typed() {
        let codes = recovery_codes();
        let (h1, wang) = (InstitutionId::new("h1").unwrap(), ActorId::new("wang").unwrap());
        let mut hashes = BTreeSet::new();
        for code in &codes {
            assert_eq!(code.expose().len(), RECOVERY_CHARACTERS + 3);
            let hash = recovery_hash(&h1, &wang, code);
            let Some(Typed::Recovery(plain)) = typed(&secret(&code.expose().to_lowercase())) else {
                panic!()
            };
            assert_eq!(recovery_hash(&h1, &wang, &plain), hash);
            assert_ne!(recovery_hash(&h1, &ActorId::new("li").unwrap(), &plain), hash);
            hashes.insert(hash);
        }
        assert_eq!(hashes.len(), RECOVERY_CODES);
    }

    #[test]
    fn an_app_reads_names_in_any_script() {
        let uri = otpauth("影盾 renmin", "王:医生", &secret("ABC"));
        assert_eq!(
            uri.expose(),
            "otpauth://totp/%E5%BD%B1%E7%9B%BE%20renmin:%E7%8E%8B%3A%E5%8C%BB%E7%94%9F?secret=ABC&\
             issuer=%E5%BD%B1%E7%9B%BE%20renmin&algorithm=SHA1&digits=6&period=30"
        );
    }

    proptest! {
        #[test]
        fn a_code_is_taken_for_a_minute_and_a_half_and_never_else(
            bytes: [u8; SECRET_BYTES], now in 100_000_i64..4_000_000_000_000, apart in -4_i64..=4
        ) {
            let (secret, now) = (Secret::new(bytes), Timestamp::from_ms(now));
            let step = one_time_code::step_at(now) + apart;
            let digits = one_time_code::code(&secret, step);
            let found = step_of(&secret, &digits, now);
            if apart.abs() <= STEPS_APART_MAX {
                // Of two steps with one code, which chance makes, the later counts.
                prop_assert!(found >= Some(step));
            } else if let Some(other) = found {
                prop_assert_eq!(one_time_code::code(&secret, other), digits);
            }
        }
    }
}
