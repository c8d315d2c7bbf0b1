//! A code that mends errors: BCH(127, 64), which mends ten of 127 bits, and a bit of parity behind it. 64 bits in, 128 bits out.
//!
//! Bits of a hidden mark come with a weight, how surely each was read. What ten mends do not reach, guesses do: the bits that were read least surely are
//! tried both ways, and the word that fits all weights best is taken (Chase, 1972).

/// Bits of a word.
pub(crate) const WORD_BITS: usize = 128;

/// Bits of the code without its parity.
const BCH_BITS: usize = 127;
/// Bits that are not message.
const CHECK_BITS: u32 = 63;
/// Errors that are mended.
const MENDED: usize = 10;
/// The field has 2^7 elements, by x^7 + x^3 + 1.
const FIELD_POLYNOMIAL: u16 = 0b1000_1001;
const FIELD_ORDER: usize = 127;
/// How many bits are tried both ways.
const GUESSED: usize = 8;

/// The word of a message. The message stands in bits 63 to 126, its parity in bit 127.
pub(crate) fn encode(message: u64) -> u128 {
    let word = u128::from(message) << CHECK_BITS;
    let word = word | u128::from(remainder(word));
    word | (u128::from(word.count_ones() % 2) << BCH_BITS)
}

/// The message whose word fits best to bits that were read: positive where a bit is rather one, and the further from zero the surer. `None` where
/// no word is near.
pub(crate) fn decode(read: &[f32; WORD_BITS]) -> Option<u64> {
    let field = Field::new();
    let hard = (0..).zip(read).fold(0_u128, |word, (bit, read)| word | (u128::from(*read > 0.0) << bit));
    let mut unsure: Vec<usize> = (0..BCH_BITS).collect();
    let sureness = |bit: &usize| read.get(*bit).map_or(0.0, |read| read.abs());
    unsure.sort_by(|one, other| sureness(one).total_cmp(&sureness(other)));
    unsure.truncate(GUESSED);
    let guesses = (0..1_u32 << GUESSED).map(|guess| {
        let turned = (0..).zip(&unsure).filter(|(number, _)| guess >> number & 1 == 1);
        turned.fold(hard, |word, (_, bit)| word ^ (1 << bit))
    });
    let mended = guesses.filter_map(|word| field.mend(word & ((1 << BCH_BITS) - 1)));
    let messages = mended.map(|word| {
        let message = message_of(word);
        (message, fit(encode(message), read))
    });
    messages.max_by(|one, other| one.1.total_cmp(&other.1)).map(|(message, _)| message)
}

/// How well a word fits to what was read.
pub(crate) fn fit(word: u128, read: &[f32; WORD_BITS]) -> f32 {
    (0..).zip(read).map(|(bit, read)| if word >> bit & 1 == 1 { *read } else { -*read }).sum()
}

// === helpers ===

#[allow(clippy::cast_possible_truncation, reason = "64 bits are left")]
const fn message_of(word: u128) -> u64 {
    (word >> CHECK_BITS) as u64
}

/// What a polynomial leaves when it is divided by the generator.
fn remainder(word: u128) -> u64 {
    let generator = u128::from(GENERATOR);
    let left = (CHECK_BITS..BCH_BITS as u32).rev().fold(word, |left, bit| {
        if left >> bit & 1 == 1 { left ^ (generator << (bit - CHECK_BITS)) } else { left }
    });
    #[allow(clippy::cast_possible_truncation, reason = "of less than 63 bits")]
    let left = left as u64;
    left
}

/// The product of the minimal polynomials of the first, third … nineteenth power of the root.
const GENERATOR: u64 = generator();

const fn generator() -> u64 {
    let mut product: u64 = 1;
    let mut power = 1;
    while power < 2 * MENDED {
        // One of each class of conjugates: the smallest.
        let mut conjugate = power * 2 % FIELD_ORDER;
        let mut is_first = true;
        while conjugate != power {
            if conjugate < power {
                is_first = false;
            }
            conjugate = conjugate * 2 % FIELD_ORDER;
        }
        if is_first {
            product = times(product, minimal(power));
        }
        power += 2;
    }
    product
}

/// The polynomial over two elements whose roots are a power of the root and its conjugates.
#[allow(clippy::indexing_slicing, reason = "in a constant, what lies beyond the end does not compile")]
const fn minimal(power: usize) -> u64 {
    // Coefficients in the field, from the lowest; all of them come out as zero or one.
    let mut coefficients = [0_u16; 9];
    coefficients[0] = 1;
    let mut degree = 0;
    let mut conjugate = power;
    loop {
        let root = exponent(conjugate);
        let mut place = degree + 1;
        while place > 0 {
            coefficients[place] = coefficients[place - 1] ^ product(coefficients[place], root);
            place -= 1;
        }
        coefficients[0] = product(coefficients[0], root);
        degree += 1;
        conjugate = conjugate * 2 % FIELD_ORDER;
        if conjugate == power {
            break;
        }
    }
    let mut bits = 0;
    let mut place = 0;
    while place <= degree {
        bits |= (coefficients[place] as u64) << place;
        place += 1;
    }
    bits
}

/// The product of two polynomials over two elements.
const fn times(one: u64, other: u64) -> u64 {
    let mut product = 0;
    let mut bit = 0;
    while bit < 64 {
        if other >> bit & 1 == 1 {
            product ^= one << bit;
        }
        bit += 1;
    }
    product
}

/// The product of two elements of the field.
const fn product(one: u16, other: u16) -> u16 {
    let mut product = 0;
    let mut bit = 7;
    while bit > 0 {
        bit -= 1;
        product <<= 1;
        if product & 0x80 != 0 {
            product ^= FIELD_POLYNOMIAL;
        }
        if other >> bit & 1 == 1 {
            product ^= one;
        }
    }
    product
}

/// A power of the root.
const fn exponent(power: usize) -> u16 {
    let mut element = 1;
    let mut left = power % FIELD_ORDER;
    while left > 0 {
        element = product(element, 2);
        left -= 1;
    }
    element
}

/// The field as tables of powers and logarithms.
struct Field {
    powers: [u16; FIELD_ORDER],
    logarithms: [usize; FIELD_ORDER + 1],
}

impl Field {
    fn new() -> Self {
        let mut field = Self { powers: [0; FIELD_ORDER], logarithms: [0; FIELD_ORDER + 1] };
        let mut element = 1;
        for (power, place) in field.powers.iter_mut().enumerate() {
            *place = element;
            if let Some(logarithm) = field.logarithms.get_mut(usize::from(element)) {
                *logarithm = power;
            }
            element = product(element, 2);
        }
        field
    }

    fn power(&self, power: usize) -> u16 {
        self.powers.get(power % FIELD_ORDER).copied().unwrap_or_default()
    }

    fn logarithm(&self, element: u16) -> usize {
        self.logarithms.get(usize::from(element)).copied().unwrap_or_default()
    }

    fn product(&self, one: u16, other: u16) -> u16 {
        if one == 0 || other == 0 { 0 } else { self.power(self.logarithm(one) + self.logarithm(other)) }
    }

    /// `one` divided by what is not zero.
    fn quotient(&self, one: u16, other: u16) -> u16 {
        if one == 0 { 0 } else { self.power(FIELD_ORDER + self.logarithm(one) - self.logarithm(other)) }
    }

    /// The nearest word of the code, if at most ten bits are wrong.
    fn mend(&self, word: u128) -> Option<u128> {
        let syndromes: Vec<u16> = (1..=2 * MENDED)
            .map(|power| {
                let set = (0..BCH_BITS).filter(|bit| word >> bit & 1 == 1);
                set.fold(0, |sum, bit| sum ^ self.power(power * bit))
            })
            .collect();
        if syndromes.iter().all(|syndrome| *syndrome == 0) {
            return Some(word);
        }
        let locator = self.locator(&syndromes)?;
        let degree = locator.len() - 1;
        let is_root = |bit: &usize| {
            let at = FIELD_ORDER - bit;
            let terms = locator.iter().enumerate();
            terms.fold(0, |sum, (power, factor)| sum ^ self.product(*factor, self.power(power * at))) == 0
        };
        let wrong: Vec<usize> = (0..BCH_BITS).filter(is_root).collect();
        (wrong.len() == degree).then(|| wrong.iter().fold(word, |word, bit| word ^ (1 << bit)))
    }

    /// The polynomial whose roots tell which bits are wrong (Berlekamp and Massey), from its lowest factor.
    fn locator(&self, syndromes: &[u16]) -> Option<Vec<u16>> {
        let (mut locator, mut before) = (vec![1_u16], vec![1_u16]);
        let (mut length, mut shift, mut gap) = (0, 1, 1_u16);
        for (number, _) in syndromes.iter().enumerate() {
            let earlier = syndromes.get(..=number).unwrap_or_default().iter().rev();
            let off = locator
                .iter()
                .zip(earlier)
                .fold(0, |sum, (factor, syndrome)| sum ^ self.product(*factor, *syndrome));
            if off == 0 {
                shift += 1;
                continue;
            }
            let factor = self.quotient(off, gap);
            let mut next = locator.clone();
            next.resize(next.len().max(before.len() + shift), 0);
            for (to, from) in next.iter_mut().skip(shift).zip(&before) {
                *to ^= self.product(factor, *from);
            }
            if 2 * length <= number {
                length = number + 1 - length;
                before = std::mem::replace(&mut locator, next);
                gap = off;
                shift = 1;
            } else {
                locator = next;
                shift += 1;
            }
        }
        while locator.last() == Some(&0) {
            locator.pop();
        }
        (locator.len() == length + 1 && length <= MENDED).then_some(locator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn surely(word: u128) -> [f32; WORD_BITS] {
        std::array::from_fn(|bit| if word >> bit & 1 == 1 { 1.0 } else { -1.0 })
    }

    proptest! {
        #[test]
        fn ten_errors_anywhere_are_mended(message: u64, wrong in proptest::collection::btree_set(0..BCH_BITS, 0..=MENDED)) {
            let turned = wrong.iter().fold(encode(message), |word, bit| word ^ (1 << bit));
            prop_assert_eq!(decode(&surely(turned)), Some(message));
        }

        #[test]
        fn more_errors_are_mended_where_they_were_read_unsurely(message: u64, wrong in proptest::collection::btree_set(0..BCH_BITS, 11..=17)) {
            let mut read = surely(encode(message));
            for bit in &wrong {
                read[*bit] *= -0.2;
            }
            prop_assert_eq!(decode(&read), Some(message));
        }

        #[test]
        fn two_words_differ_in_many_bits(one: u64, other: u64) {
            let differ = (encode(one) ^ encode(other)).count_ones();
            prop_assert!(one == other || differ as usize >= 2 * MENDED + 2, "{differ}");
        }
    }

    #[test]
    fn the_generator_is_that_of_the_books() {
        // Lin and Costello, table of generator polynomials of primitive BCH codes, in octal: (127, 64, 10).
        assert_eq!(GENERATOR, 0o1_206_534_025_570_773_100_045);
        assert_eq!(64 - GENERATOR.leading_zeros(), CHECK_BITS + 1);
    }

    #[test]
    fn noise_is_seldom_near_a_word() {
        let mut state = 7_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        let near = (0..200).filter(|_| decode(&std::array::from_fn(|_| noise())).is_some()).count();
        assert!(near < 10, "{near} of 200");
    }
}
