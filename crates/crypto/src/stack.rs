//! What libraries leave on the stack is overwritten after they worked with a key.

use std::hint::black_box;

/// Bytes that are overwritten: several times the frames of a key derivation and a key wrap.
const CLEARED_BYTES: usize = 16 * 1024;

/// Does a piece of work with keys, and overwrites the part of the stack that it used. What it returns must not hold key bytes: a
/// [`SealingKey`](crate::SealingKey) does not, as it only points to them.
pub fn with_cleared_stack<T>(work: impl FnOnce() -> T) -> T {
    let done = below(work);
    clear();
    done
}

/// In a frame of its own, below that of the caller, where [`clear`] finds it.
#[inline(never)]
fn below<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn clear() {
    black_box([0_u8; CLEARED_BYTES]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom};

    /// What a library does that copies a secret and forgets it, deep enough that looking for it does not overwrite it. Gives the
    /// address of the copy.
    #[inline(never)]
    fn careless(secret: &[u8; 32]) -> usize {
        let mut frame = [0; 12 * 1024];
        frame[..32].copy_from_slice(secret);
        black_box(&frame).as_ptr() as usize
    }

    fn memory_at(address: usize) -> [u8; 32] {
        let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
        memory.seek(SeekFrom::Start(address as u64)).unwrap();
        let mut bytes = [0; 32];
        memory.read_exact(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_was_left_on_the_stack_is_gone() {
        let secret: [u8; 32] = crate::random::array();
        let address = below(|| careless(&secret));
        assert_eq!(memory_at(address), secret, "the test sees what is left");
        let address = with_cleared_stack(|| careless(&secret));
        assert_ne!(memory_at(address), secret);
    }
}
