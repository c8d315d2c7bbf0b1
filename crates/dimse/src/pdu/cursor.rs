//! A checked reader over the bytes of one item. Every step says what it reads, so that errors name the field.

use super::PduError;
use bytes::{Buf, Bytes};
use yingdun_model::Uid;

/// The bytes of one item that are not read yet.
pub(super) struct Cursor {
    rest: Bytes,
}

impl Cursor {
    pub(super) const fn new(rest: Bytes) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `len` bytes, sharing memory.
    pub(super) fn take(&mut self, len: usize, what: &'static str) -> Result<Bytes, PduError> {
        self.demand(len, what)?;
        Ok(self.rest.split_to(len))
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, PduError> {
        self.demand(1, what)?;
        Ok(self.rest.get_u8())
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, PduError> {
        self.demand(2, what)?;
        Ok(self.rest.get_u16())
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, PduError> {
        self.demand(4, what)?;
        Ok(self.rest.get_u32())
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], PduError> {
        self.demand(N, what)?;
        let mut field = [0; N];
        self.rest.copy_to_slice(&mut field);
        Ok(field)
    }

    /// A field with a two-byte length in front.
    pub(super) fn counted(&mut self, what: &'static str) -> Result<Bytes, PduError> {
        let len = self.u16(what)?;
        self.take(usize::from(len), what)
    }

    /// An item: type, reserved byte, two-byte length, content.
    pub(super) fn item(&mut self, what: &'static str) -> Result<(u8, Cursor), PduError> {
        let kind = self.u8(what)?;
        self.u8(what)?;
        Ok((kind, Cursor::new(self.counted(what)?)))
    }

    /// Everything that remains.
    pub(super) fn remainder(self) -> Bytes {
        self.rest
    }

    /// The remainder as a UID.
    pub(super) fn uid(self, what: &'static str) -> Result<Uid, PduError> {
        uid(&self.rest).ok_or(PduError::IllegalText(what))
    }

    /// Asserts that the item is complete.
    pub(super) fn end(self, what: &'static str) -> Result<(), PduError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(PduError::Trailing { what, left }),
        }
    }

    fn demand(&self, needed: usize, what: &'static str) -> Result<(), PduError> {
        let left = self.rest.len();
        if left < needed { Err(PduError::Truncated { what, needed, left }) } else { Ok(()) }
    }
}

/// The UID in a field, if it is one.
pub(super) fn uid(field: &[u8]) -> Option<Uid> {
    Uid::new(std::str::from_utf8(field).ok()?).ok()
}
