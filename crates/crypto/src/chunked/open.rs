//! Opening: whole messages, chunk by chunk, and spans of chunks in place.

use super::{CHUNK_BYTES, HEADER_BYTES, MessageKeys, SALT_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES, plain_len};
use crate::{Context, OpenError, SealingKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;

/// Opens a whole message. Nothing is returned unless all of it is authentic and complete.
///
/// # Errors
/// [`OpenError`] says whether the length, the key or context, or a chunk is wrong.
pub fn open(key: &SealingKey, context: &Context, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let plain_len = plain_len(sealed.len() as u64)?;
    let opener = Opener::new(key, context, sealed)?;
    let (_, body) = sealed.split_at(HEADER_BYTES);
    let mut out = Vec::with_capacity(usize::try_from(plain_len).unwrap_or(0));
    for (chunk, sealed_chunk) in (0..).zip(body.chunks(SEALED_CHUNK_BYTES)) {
        let start = out.len();
        let (cipher, tag) = split_tag(chunk, sealed_chunk)?;
        out.extend_from_slice(cipher);
        let (_, in_place) = out.split_at_mut(start);
        opener.open_in_place(chunk, tag, in_place, 0)?;
    }
    Ok(out)
}

/// Opens chunks of one message in any order. Made from the header, after which key and context are known to
/// be right; every chunk is authenticated before its plaintext is handed out.
///
/// Where a message ends is known only by its last chunk. A reader of ranges takes the length from a place it
/// trusts, or opens the last chunk first.
pub struct Opener {
    keys: MessageKeys,
}

impl Opener {
    /// Checks the commitment in the first [`HEADER_BYTES`] of a sealed message; more bytes may follow.
    ///
    /// # Errors
    /// [`OpenError::Length`] when the header is cut off, [`OpenError::WrongKeyOrContext`] when the commitment
    /// differs.
    pub fn new(key: &SealingKey, context: &Context, header: &[u8]) -> Result<Self, OpenError> {
        let cut_off = OpenError::Length { sealed_len: header.len() as u64 };
        let (salt, rest) = header.split_first_chunk::<SALT_BYTES>().ok_or(cut_off.clone())?;
        let (commitment, _) = rest.split_first_chunk::<{ super::COMMITMENT_BYTES }>().ok_or(cut_off)?;
        let keys = MessageKeys::derive(key, context, salt);
        verify_slices_are_equal(commitment, &keys.commitment).map_err(|_| OpenError::WrongKeyOrContext)?;
        Ok(Self { keys })
    }

    /// Opens one chunk in place and returns its plaintext. On failure no plaintext is left
    /// in the buffer.
    ///
    /// # Errors
    /// [`OpenError::ChunkLength`] when the length does not fit the place (a last chunk is shorter than the
    /// others), [`OpenError::Damaged`] when authentication fails.
    pub fn open_chunk<'a>(
        &self,
        chunk: u64,
        is_last: bool,
        sealed_chunk: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        let bytes = sealed_chunk.len();
        let fits = if is_last { bytes < SEALED_CHUNK_BYTES } else { bytes == SEALED_CHUNK_BYTES };
        if !fits || bytes < TAG_BYTES {
            return Err(OpenError::ChunkLength { chunk, bytes });
        }
        self.open_within(chunk, sealed_chunk, 0).map(|plain| &*plain)
    }

    /// Opens a span of whole chunks in place and returns how many bytes of plaintext now stand at the front
    /// of `sealed`, closed up: the fast path of streaming retrieval. `sealed` begins at `first_chunk` and may
    /// end with the last chunk of an object of `sealed_len` bytes in all; see
    /// [`chunk_span`](super::chunk_span). On failure the content of `sealed` is unspecified and must be
    /// dropped.
    ///
    /// # Errors
    /// [`OpenError::Length`] when no message has `sealed_len`, [`OpenError::ChunkLength`] when the span is
    /// cut inside a chunk or reaches beyond the object, [`OpenError::Damaged`] when authentication fails.
    pub fn open_span(
        &self,
        first_chunk: u64,
        sealed_len: u64,
        sealed: &mut [u8],
    ) -> Result<usize, OpenError> {
        let last_chunk = plain_len(sealed_len)? / CHUNK_BYTES as u64;
        let last_bytes = (sealed_len - HEADER_BYTES as u64) % SEALED_CHUNK_BYTES as u64;
        let mut rest = sealed;
        // How far the next sealed chunk lies behind the place where its plaintext belongs.
        let mut gap = 0;
        let mut opened = 0;
        let mut chunk = first_chunk;
        while rest.len() > gap {
            let here = rest.len() - gap;
            let bytes = here.min(SEALED_CHUNK_BYTES);
            let expected = match chunk.cmp(&last_chunk) {
                std::cmp::Ordering::Less => SEALED_CHUNK_BYTES as u64,
                std::cmp::Ordering::Equal => last_bytes,
                std::cmp::Ordering::Greater => 0,
            };
            if bytes as u64 != expected {
                return Err(OpenError::ChunkLength { chunk, bytes });
            }
            let (within, _) = rest.split_at_mut(gap + bytes);
            let plain = self.open_within(chunk, within, gap)?.len();
            opened += plain;
            (_, rest) = std::mem::take(&mut rest).split_at_mut(plain);
            gap += TAG_BYTES;
            chunk += 1;
        }
        Ok(opened)
    }

    /// Opens the sealed chunk that stands at `gap..` of `buffer` to the front of `buffer`.
    fn open_within<'a>(
        &self,
        chunk: u64,
        buffer: &'a mut [u8],
        gap: usize,
    ) -> Result<&'a mut [u8], OpenError> {
        let bytes = buffer.len() - gap;
        let (buffer, tag) = buffer.split_last_chunk_mut().ok_or(OpenError::ChunkLength { chunk, bytes })?;
        self.open_in_place(chunk, *tag, buffer, gap)
    }

    /// Opens what stands at `gap..` of `buffer`, without its tag, to the front of `buffer`.
    fn open_in_place<'a>(
        &self,
        chunk: u64,
        tag: [u8; TAG_BYTES],
        buffer: &'a mut [u8],
        gap: usize,
    ) -> Result<&'a mut [u8], OpenError> {
        self.keys
            .cipher
            .open(self.keys.nonce(chunk), tag, buffer, gap)
            .map_err(|_| OpenError::Damaged { chunk })
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener(…)")
    }
}

fn split_tag(chunk: u64, sealed_chunk: &[u8]) -> Result<(&[u8], [u8; TAG_BYTES]), OpenError> {
    let (cipher, tag) = sealed_chunk
        .split_last_chunk::<TAG_BYTES>()
        .ok_or(OpenError::ChunkLength { chunk, bytes: sealed_chunk.len() })?;
    Ok((cipher, *tag))
}
