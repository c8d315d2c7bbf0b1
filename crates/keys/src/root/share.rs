//! One share of the key that opens a root-key file, as a person keeps it: on paper, or on a medium in a safe.
//!
//! ```text
//! version, 1 byte │ set, 8 │ place, 1 │ threshold, 1 │ value, 32 │ SHA-256 of everything before, 5 bytes of it
//! ```
//!
//! 48 bytes, written as twelve groups of eight hexadecimal digits. The digest tells a slip of the pen, the set tells to which
//! root-key file the share belongs. Whether the value is right is told by the root-key file.

use super::shamir::{Bytes, SECRET_BYTES};
use std::fmt;
use yingdun_crypto::digest;
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// The first byte of a share.
const VERSION: u8 = 1;
/// Bytes by which the shares of one root-key file know each other.
pub(super) const SET_BYTES: usize = 8;
/// Bytes before the value: version, set, place, threshold.
const HEAD_BYTES: usize = 1 + SET_BYTES + 2;
const DIGEST_BYTES: usize = 5;
const SHARE_BYTES: usize = HEAD_BYTES + SECRET_BYTES + DIGEST_BYTES;
/// Hexadecimal digits in a group: as many as a person copies in one go.
const GROUP_DIGITS: usize = 8;

/// One share. Wiped when dropped, and never printed but by [`Self::to_text`].
#[derive(Clone)]
pub struct Share {
    pub(super) set: [u8; SET_BYTES],
    pub(super) place: u8,
    pub(super) threshold: u8,
    pub(super) value: Bytes,
}

/// Why a share is not taken. Says nothing of other shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// It is something else.
    #[error("this is not a share: expected 96 hexadecimal digits in twelve groups")]
    NotAShare,
    /// A digit is wrong.
    #[error("the share was not copied right: look at each digit again")]
    Mistyped,
    /// It belongs to another root-key file.
    #[error("the share belongs to another root key, or was replaced by newer shares")]
    OtherRoot,
    /// It carries the marks of the root-key file and not its value.
    #[error("the share is not one that was made for this root key")]
    Wrong,
    /// It was given already.
    #[error("this share was given already: another one is needed")]
    Repeated,
}

impl Share {
    /// Which one of all it is, from 1.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.place
    }

    /// What its keeper writes down.
    #[must_use]
    pub fn to_text(&self) -> Secret<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(SHARE_BYTES));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.set);
        bytes.extend_from_slice(&[self.place, self.threshold]);
        bytes.extend_from_slice(self.value.as_slice());
        let digest = digest::sha256(&bytes);
        bytes.extend(digest.iter().take(DIGEST_BYTES));
        let digits = Zeroizing::new(hex::encode(bytes.as_slice()));
        let mut text = String::with_capacity(digits.len() + digits.len() / GROUP_DIGITS);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && at % GROUP_DIGITS == 0 {
                text.push('-');
            }
            text.push(digit);
        }
        Secret::new(text)
    }

    /// Reads what a keeper wrote down; case, spaces and hyphens do not matter.
    ///
    /// # Errors
    /// [`ShareError::NotAShare`], [`ShareError::Mistyped`].
    pub fn parse(text: &Secret<String>) -> Result<Self, ShareError> {
        let mut bytes = Zeroizing::new([0; SHARE_BYTES]);
        let digits: Zeroizing<String> =
            Zeroizing::new(text.expose().chars().filter(|c| !c.is_whitespace() && *c != '-').collect());
        hex::decode_to_slice(digits.as_bytes(), bytes.as_mut_slice()).map_err(|_| ShareError::NotAShare)?;
        let (content, check) = bytes.split_last_chunk::<DIGEST_BYTES>().ok_or(ShareError::NotAShare)?;
        if !digest::sha256(content).starts_with(check) {
            return Err(ShareError::Mistyped);
        }
        let [version, set @ .., place, threshold] =
            *content.first_chunk::<HEAD_BYTES>().ok_or(ShareError::NotAShare)?;
        let value = content.last_chunk::<SECRET_BYTES>().ok_or(ShareError::NotAShare)?;
        if version != VERSION || place == 0 {
            return Err(ShareError::NotAShare);
        }
        Ok(Self { set, place, threshold, value: Bytes::new(*value) })
    }

    /// What a root-key file keeps to know the share again: of a random value of 256 bits it tells nothing.
    pub(super) fn commitment(&self) -> [u8; digest::DIGEST_BYTES] {
        let mut bytes = Zeroizing::new(b"yingdun/share/v1".to_vec());
        bytes.extend_from_slice(&self.set);
        bytes.push(self.place);
        bytes.extend_from_slice(self.value.as_slice());
        digest::sha256(&bytes)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({}, …)", self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share() -> Share {
        Share { set: *b"the set!", place: 3, threshold: 2, value: Bytes::new([0xa5; SECRET_BYTES]) }
    }

    fn parsed(text: &str) -> Result<[u8; SECRET_BYTES], ShareError> {
        Share::parse(&Secret::new(text.to_owned())).map(|share| *share.value)
    }

    #[test]
    fn a_share_is_read_as_it_was_written_and_as_people_copy_it() {
        let text = share().to_text();
        let text = text.expose();
        // A vector for those who read shares with another program.
        let head = "01746865-20736574-210302a5-a5a5a5a5-a5a5a5a5-a5a5a5a5-a5a5a5a5-a5a5a5a5-a5a5a5a5-a5a5a5a5-a5a5a5";
        assert!(text.starts_with(head), "{text}");
        assert_eq!((text.len(), text.split('-').count()), (107, 12));
        for copied in [text.clone(), text.to_uppercase(), text.replace('-', " "), format!(" {text}\n")] {
            assert_eq!(parsed(&copied), Ok([0xa5; SECRET_BYTES]), "{copied}");
        }
        let read = Share::parse(&Secret::new(text.clone())).unwrap();
        assert_eq!((read.set, read.place, read.threshold), (*b"the set!", 3, 2));
    }

    #[test]
    fn every_wrong_digit_and_every_other_length_is_told() {
        let text = share().to_text().expose().clone();
        for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
            let mut copied = text.clone().into_bytes();
            copied[at] = if copied[at] == b'7' { b'8' } else { b'7' };
            assert_eq!(parsed(&String::from_utf8(copied).unwrap()), Err(ShareError::Mistyped), "{at}");
            assert_eq!(parsed(&text[..at]), Err(ShareError::NotAShare));
        }
        for wrong in ["", "a password", &format!("{text}00"), &text.replace('a', "g"), "数字数字"] {
            assert_eq!(parsed(wrong), Err(ShareError::NotAShare), "{wrong}");
        }
    }

    #[test]
    fn a_debug_print_shows_no_value() {
        let print = format!("{:?} {:?}", share(), share().to_text());
        assert!(!print.contains("a5") && !print.contains("165"), "{print}");
    }
}
