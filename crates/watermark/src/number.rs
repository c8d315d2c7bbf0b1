//! The number of a mark: the place of a leaf, and that it is ours. Sixty bits that lead to the leaf without a table, and that nobody makes
//! without the key.
//!
//! ```text
//!  leaf (36 bits) │ code over log, leaf, who and what (24 bits) ──eight rounds under the key──► 60 bits ──► WM-7K3F-9QXA-02MC
//! ```
//!
//! The rounds make of neighbours numbers that have nothing in common, so that a number tells nobody how much is looked at. Of
//! all numbers that somebody makes up, one in 2^24 has a right code for the leaf that comes out, most leaves that come out do not exist, and few of
//! those that do are openings with marks.

use std::fmt;
use std::str::FromStr;
use yingdun_crypto::{SealingKey, TokenKey};
use yingdun_model::Secret;

/// Bits of a number.
pub const NUMBER_BITS: u32 = 60;

/// Bits of the place of a leaf: a log that writes a thousand leaves a second is full after two years, and one of a large hospital after two hundred.
const LEAF_BITS: u32 = 36;
/// Bits of the code.
const CODE_BITS: u32 = NUMBER_BITS - LEAF_BITS;
/// Bits of a half, of which each round changes one.
const HALF_BITS: u32 = NUMBER_BITS / 2;
/// Rounds of a balanced Feistel network. Four make it a strong permutation where the rounds are random functions; halves are short, so twice as many.
const ROUNDS: u8 = 8;

/// Letters and digits that are not taken for one another (Crockford's base 32).
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BITS_PER_SYMBOL: u32 = 5;
const SYMBOLS_PER_NUMBER: usize = (NUMBER_BITS / BITS_PER_SYMBOL) as usize;
const PREFIX: &str = "WM-";

/// The number of a mark, as it is printed and hidden.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(u64);

/// A text is no number of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no number of a mark; one looks like WM-7K3F-9QXA-02MC")]
pub struct NotANumber;

/// The log cannot be named by marks any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leaf {0} of the log is too far for the number of a mark")]
pub struct LeafTooFar(pub u64);

/// The leaf under which a picture was opened, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The name of the log.
    pub log: &'a str,
    /// The number of the leaf.
    pub leaf: u64,
    /// Who opened.
    pub actor: &'a str,
    /// The reference of what was opened.
    pub study: &'a str,
}

/// The key of an institution for marks. Whoever has it finds and makes marks.
pub struct MarkKey {
    numbers: TokenKey,
    chips: Secret<[u8; 32]>,
}

impl MarkKey {
    /// The number for an opening.
    ///
    /// # Errors
    /// [`LeafTooFar`].
    pub fn number(&self, opening: &Opening<'_>) -> Result<Number, LeafTooFar> {
        if opening.leaf >= 1 << LEAF_BITS {
            return Err(LeafTooFar(opening.leaf));
        }
        let plain = (opening.leaf << CODE_BITS) | self.code(opening);
        Ok(Number((0..ROUNDS).fold(plain, |number, round| self.round(number, round))))
    }

    /// The leaf that a number leads to. Whether there is one, and whether it is the one that was meant, [`Self::is_of`] says.
    #[must_use]
    pub fn leaf(&self, number: Number) -> u64 {
        self.plain(number) >> CODE_BITS
    }

    /// Whether a number was made for this opening.
    #[must_use]
    pub fn is_of(&self, number: Number, opening: &Opening<'_>) -> bool {
        self.plain(number) == (opening.leaf << CODE_BITS) | self.code(opening)
    }

    pub(crate) const fn chips(&self) -> &Secret<[u8; 32]> {
        &self.chips
    }

    fn plain(&self, number: Number) -> u64 {
        (0..ROUNDS).rev().fold(number.0, |number, round| turned(self.round(turned(number), round)))
    }

    /// The right half goes to the left, what was there becomes the right one.
    fn round(&self, number: u64, round: u8) -> u64 {
        let (left, right) = halves(number);
        let token = self.numbers.token_of("mark/round", &[&[round], &right.to_be_bytes()]);
        let mixed = left ^ (beginning(token) >> (u64::BITS - HALF_BITS));
        (right << HALF_BITS) | mixed
    }

    fn code(&self, opening: &Opening<'_>) -> u64 {
        let Opening { log, leaf, actor, study } = opening;
        let fields = [log.as_bytes(), &leaf.to_be_bytes(), actor.as_bytes(), study.as_bytes()];
        beginning(self.numbers.token_of("mark/code", &fields)) >> (u64::BITS - CODE_BITS)
    }
}

impl From<&SealingKey> for MarkKey {
    fn from(key: &SealingKey) -> Self {
        let numbers = TokenKey::from(key);
        let mut chips = [0; 32];
        let parts = [numbers.token("mark/chips", "first"), numbers.token("mark/chips", "second")];
        chips.iter_mut().zip(parts.as_flattened()).for_each(|(to, from)| *to = *from);
        Self { numbers, chips: Secret::new(chips) }
    }
}

impl fmt::Debug for MarkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkKey(…)")
    }
}

impl Number {
    /// Its bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Sixty bits as a number; `None` where there are more.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits >> NUMBER_BITS == 0 { Some(Self(bits)) } else { None }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WM")?;
        for place in 0..SYMBOLS_PER_NUMBER {
            let shift = NUMBER_BITS - BITS_PER_SYMBOL * (place as u32 + 1);
            let symbol = SYMBOLS.get((self.0 >> shift) as usize % SYMBOLS.len()).copied().unwrap_or(b'?');
            let dash = if place % 4 == 0 { "-" } else { "" };
            write!(f, "{dash}{}", char::from(symbol))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Number {
    type Err = NotANumber;

    /// Reads what somebody copied from a picture: in any case, with or without dashes, O for 0, I or L for 1.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix(PREFIX).or_else(|| text.strip_prefix("WM")).unwrap_or(&text);
        let mut bits = 0_u64;
        let mut symbols = 0;
        for symbol in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let symbol = match symbol {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let value = SYMBOLS.iter().position(|known| *known == symbol).ok_or(NotANumber)?;
            symbols += 1;
            if symbols > SYMBOLS_PER_NUMBER {
                return Err(NotANumber);
            }
            bits = (bits << BITS_PER_SYMBOL) | value as u64;
        }
        if symbols == SYMBOLS_PER_NUMBER { Ok(Self(bits)) } else { Err(NotANumber) }
    }
}

// === helpers ===

const fn halves(number: u64) -> (u64, u64) {
    (number >> HALF_BITS, number & ((1 << HALF_BITS) - 1))
}

/// The halves changed for one another.
const fn turned(number: u64) -> u64 {
    let (left, right) = halves(number);
    (right << HALF_BITS) | left
}

fn beginning(token: [u8; 16]) -> u64 {
    u64::from_be_bytes(token.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn key(byte: u8) -> MarkKey {
        MarkKey::from(&SealingKey::from_secret(&Secret::new([byte; 32])))
    }

    fn opening(leaf: u64) -> Opening<'static> {
        Opening { log: "renmin/audit", leaf, actor: "li.wei", study: "00ff" }
    }

    proptest! {
        #[test]
        fn a_number_leads_to_its_leaf_and_to_no_other(leaf in 0..1_u64 << LEAF_BITS, other in 0..1_u64 << LEAF_BITS) {
            let number = key(1).number(&opening(leaf)).unwrap();
            prop_assert_eq!(key(1).leaf(number), leaf);
            prop_assert!(key(1).is_of(number, &opening(leaf)));
            prop_assert!(leaf == other || !key(1).is_of(number, &opening(other)));
            prop_assert!(!key(2).is_of(number, &opening(leaf)));
        }

        #[test]
        fn a_number_is_read_as_it_was_written(bits in 0..1_u64 << NUMBER_BITS) {
            let number = Number::from_bits(bits).unwrap();
            prop_assert_eq!(number.to_string().parse(), Ok(number));
            prop_assert_eq!(number.to_string().to_lowercase().replace('-', " ").parse(), Ok(number));
            prop_assert_eq!(number.to_string().replace('0', "O").replace('1', "l").parse(), Ok(number));
        }
    }

    #[test]
    fn a_number_says_who_and_what_and_in_which_log() {
        let number = key(1).number(&opening(7)).unwrap();
        for other in [
            Opening { log: "renmin/audit-2", ..opening(7) },
            Opening { actor: "wang.min", ..opening(7) },
            Opening { study: "00fe", ..opening(7) },
        ] {
            assert!(!key(1).is_of(number, &other), "{other:?}");
        }
    }

    #[test]
    fn numbers_of_neighbours_have_nothing_in_common() {
        let bits = |leaf| key(1).number(&opening(leaf)).unwrap().bits();
        let differ: u32 = (0..200).map(|leaf| (bits(leaf) ^ bits(leaf + 1)).count_ones()).sum();
        assert!((28 * 200..32 * 200).contains(&differ), "{differ} of 12000 bits");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "WM-", "WM-0000-0000-000", "WM-0000-0000-00000", "WM-0000-0000-000U", "７"] {
            assert_eq!(text.parse::<Number>(), Err(NotANumber), "{text}");
        }
        assert_eq!(key(1).number(&opening(1 << LEAF_BITS)), Err(LeafTooFar(1 << LEAF_BITS)));
        assert_eq!(Number::from_bits(1 << NUMBER_BITS), None);
    }

    /// Numbers are in pictures that left the house: they must lead to their leaves for ever.
    #[test]
    fn numbers_never_change_between_versions() {
        assert_eq!(key(1).number(&opening(7)).unwrap().to_string(), "WM-V07S-1TC3-63AY");
    }
}
