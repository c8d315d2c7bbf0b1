//! Sealing: whole messages, and streams in constant memory.

use super::{CHUNK_BYTES, CHUNKS_MAX, MessageKeys, SALT_BYTES, sealed_len};
use crate::{Context, SealError, SealingKey, random};

/// Seals a whole message.
///
/// # Panics
/// When the operating system gives no random bytes, see [`random::fill`].
#[must_use]
pub fn seal(key: &SealingKey, context: &Context, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    seal_into(key, context, plain, &mut out);
    out
}

/// Seals a whole message and appends it to `out`. Each chunk is copied once and sealed in place while it is
/// still in the processor's cache.
///
/// # Panics
/// When the operating system gives no random bytes, see [`random::fill`].
pub fn seal_into(key: &SealingKey, context: &Context, plain: &[u8], out: &mut Vec<u8>) {
    seal_with_salt(key, context, &random::array(), plain, out);
}

pub(crate) fn seal_with_salt(
    key: &SealingKey,
    context: &Context,
    salt: &[u8; SALT_BYTES],
    plain: &[u8],
    out: &mut Vec<u8>,
) {
    out.reserve(usize::try_from(sealed_len(plain.len() as u64)).unwrap_or(0));
    let keys = MessageKeys::derive(key, context, salt);
    out.extend_from_slice(salt);
    out.extend_from_slice(&keys.commitment);
    let (whole, last) = plain.as_chunks::<CHUNK_BYTES>();
    let mut chunk = 0;
    for plain in whole {
        keys.seal_chunk(chunk, plain, out);
        chunk += 1;
    }
    keys.seal_chunk(chunk, last, out);
}

/// Seals a message that comes in pieces, in constant memory: at most one chunk is held back.
///
/// The pieces that [`push`](Self::push) and [`finish`](Self::finish) append to `out`, one after the other,
/// are the sealed message; the header comes first. Without `finish` the message does not open.
pub struct Sealer {
    keys: MessageKeys,
    header: Option<[u8; super::HEADER_BYTES]>,
    pending: Vec<u8>,
    chunk: u64,
}

impl Sealer {
    /// Starts a message under a fresh random salt.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn new(key: &SealingKey, context: &Context) -> Self {
        let salt = random::array();
        Self::with_salt(key, context, &salt)
    }

    pub(super) fn with_salt(key: &SealingKey, context: &Context, salt: &[u8; SALT_BYTES]) -> Self {
        let keys = MessageKeys::derive(key, context, salt);
        let mut header = [0; super::HEADER_BYTES];
        let (first, second) = header.split_at_mut(SALT_BYTES);
        first.copy_from_slice(salt);
        second.copy_from_slice(&keys.commitment);
        Self { keys, header: Some(header), pending: Vec::new(), chunk: 0 }
    }

    /// Takes the next piece of the message and appends what is sealed by it to `out`.
    ///
    /// # Errors
    /// [`SealError::TooLong`] when the message reaches 4 PiB.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.write_header(out);
        if !self.pending.is_empty() {
            let wanted = CHUNK_BYTES - self.pending.len();
            let (now, later) = plain.split_at(wanted.min(plain.len()));
            self.pending.extend_from_slice(now);
            plain = later;
            if self.pending.len() < CHUNK_BYTES {
                return Ok(());
            }
            let pending = std::mem::take(&mut self.pending);
            self.whole_chunk(&pending, out)?;
            self.pending = pending;
            self.pending.clear();
        }
        let (whole, rest) = plain.as_chunks::<CHUNK_BYTES>();
        for chunk in whole {
            self.whole_chunk(chunk, out)?;
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Ends the message: appends the last, short chunk to `out`.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.write_header(out);
        self.keys.seal_chunk(self.chunk, &self.pending, out);
    }

    fn whole_chunk(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        // The last chunk needs a number too, so a whole chunk may not take the highest one.
        if self.chunk >= CHUNKS_MAX - 1 {
            return Err(SealError::TooLong);
        }
        self.keys.seal_chunk(self.chunk, plain, out);
        self.chunk += 1;
        Ok(())
    }

    fn write_header(&mut self, out: &mut Vec<u8>) {
        if let Some(header) = self.header.take() {
            out.extend_from_slice(&header);
        }
    }

    #[cfg(test)]
    pub(super) fn skip_to_chunk(&mut self, chunk: u64) {
        self.chunk = chunk;
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("chunk", &self.chunk).finish_non_exhaustive()
    }
}

impl MessageKeys {
    fn seal_chunk(&self, chunk: u64, plain: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(plain);
        let (_, in_place) = out.split_at_mut(start);
        let tag = self.cipher.seal(self.nonce(chunk), in_place);
        out.extend_from_slice(&tag);
    }
}
