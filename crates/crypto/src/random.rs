//! Random bytes from the operating system.

/// Fills a buffer with random bytes.
///
/// # Panics
/// When the operating system gives no random bytes. On Linux this happens only where `getrandom(2)` is
/// forbidden; going on would seal with a guessable salt, so the operation stops here.
pub fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        #[expect(clippy::panic, reason = "sealing without randomness would be worse than stopping")]
        {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}

/// An array of random bytes.
///
/// # Panics
/// As [`fill`].
#[must_use]
pub fn array<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_arrays_differ() {
        assert_ne!(array::<32>(), array::<32>());
    }
}
