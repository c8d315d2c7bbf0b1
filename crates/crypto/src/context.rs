//! What sealed bytes are: the text that is bound into every key derivation.

/// The place and meaning of sealed bytes, bound into the key under which they are sealed. Bytes that were
/// sealed as one thing do not open as another: a swapped, renamed, down-graded or replayed object fails.
///
/// A context is a label and a list of fields. Each is written as its length (4 bytes, big-endian) followed by
/// its bytes, so that no two different lists give the same context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context(Vec<u8>);

impl Context {
    /// Starts a context. The label names the kind of thing and the version of its field list, for example
    /// `yingdun/object/v1`; two kinds never share a label.
    #[must_use]
    pub fn new(label: &'static str) -> Self {
        Self(Vec::with_capacity(128)).field(label)
    }

    /// Adds a field. A field may be empty; an absent field is not the same as an empty one.
    #[must_use]
    pub fn field(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        // A field of 4 GiB or more is no field; saturating keeps the encoding total without a panic, and the
        // full bytes still enter the derivation.
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a number, as 8 bytes big-endian.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.field(number.to_be_bytes())
    }

    /// The encoded context.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn context(fields: &[Vec<u8>]) -> Context {
        fields.iter().fold(Context::new("yingdun/test/v1"), Context::field)
    }

    proptest! {
        #[test]
        fn different_field_lists_give_different_contexts(a: Vec<Vec<u8>>, b: Vec<Vec<u8>>) {
            prop_assert_eq!(a == b, context(&a) == context(&b));
        }

        #[test]
        fn moving_a_byte_across_a_field_border_gives_another_context(mut a in prop::collection::vec(any::<u8>(), 1..8), mut b: Vec<u8>) {
            let before = context(&[a.clone(), b.clone()]);
            b.insert(0, a.pop().unwrap());
            prop_assert_ne!(before, context(&[a, b]));
        }
    }

    #[test]
    fn the_encoding_is_fixed() {
        let context = Context::new("a").field("bc").number(1);
        assert_eq!(hex::encode(context.as_bytes()), "0000000161000000026263000000080000000000000001");
    }
}
