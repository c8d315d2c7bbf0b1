//! Status codes (PS3.7 annex C, PS3.4 table B.2-1).

use std::fmt;

/// A status as it stands in (0000,0900).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16);

impl Status {
    /// Done; for C-STORE: durable.
    pub const SUCCESS: Self = Self(0x0000);
    /// Something unforeseen on this side (PS3.7 §C.5.17).
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// The SOP instance UID is not a UID (PS3.7 §C.5.12).
    pub const INVALID_SOP_INSTANCE: Self = Self(0x0117);
    /// The SOP class is not supported (PS3.7 §C.5.21).
    pub const SOP_CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// Not authorised (PS3.7 §C.5.10).
    pub const NOT_AUTHORISED: Self = Self(0x0124);
    /// The operation is not known here (PS3.7 §C.5.25).
    pub const UNRECOGNISED_OPERATION: Self = Self(0x0211);
    /// Out of resources: the sender may try again later (PS3.4 table B.2-1).
    pub const OUT_OF_RESOURCES: Self = Self(0xA700);
    /// The data set does not match the SOP class (PS3.4 table B.2-1).
    pub const DATA_SET_MISMATCH: Self = Self(0xA900);
    /// The data set cannot be understood (PS3.4 table B.2-1).
    pub const CANNOT_UNDERSTAND: Self = Self(0xC000);
    /// The data set is longer than this archive takes; of the range "cannot understand".
    pub const TOO_LARGE: Self = Self(0xC001);

    /// Success or a warning: the object is stored (PS3.4 §B.2.3, warnings are B000H to BFFFH).
    #[must_use]
    pub const fn is_stored(self) -> bool {
        self.0 == 0 || self.0 >> 12 == 0xB
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            0x0000 => "success",
            0x0110 => "processing failure",
            0x0117 => "invalid SOP instance UID",
            0x0122 => "SOP class not supported",
            0x0124 => "not authorised",
            0x0211 => "unrecognised operation",
            0xA700..=0xA7FF => "out of resources",
            0xA900..=0xA9FF => "data set does not match the SOP class",
            0xB000..=0xBFFF => "stored with a warning",
            0xC000..=0xCFFF => "cannot understand the data set",
            _ => "failure",
        };
        write!(f, "{words} ({:04X}H)", self.0)
    }
}
