//! Value representations (DICOM PS3.5 §6.2): how the bytes of a value are to be read.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! vrs {
    ($($name:ident $doc:literal,)+) => {
        /// A value representation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Vr { $(#[doc = $doc] $name,)+ }

        impl Vr {
            /// Every value representation of PS3.5 Table 6.2-1.
            pub const ALL: &[Vr] = &[$(Vr::$name,)+];

            /// The two letters.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Vr::$name => stringify!($name),)+ }
            }
        }
    };
}

vrs! {
    AE "Application Entity", AS "Age String", AT "Attribute Tag", CS "Code String", DA "Date",
    DS "Decimal String", DT "Date Time", FL "Floating Point Single", FD "Floating Point Double",
    IS "Integer String", LO "Long String", LT "Long Text", OB "Other Byte", OD "Other Double",
    OF "Other Float", OL "Other Long", OV "Other 64-bit Very Long", OW "Other Word", PN "Person Name",
    SH "Short String", SL "Signed Long", SQ "Sequence of Items", SS "Signed Short", ST "Short Text",
    SV "Signed 64-bit Very Long", TM "Time", UC "Unlimited Characters", UI "Unique Identifier",
    UL "Unsigned Long", UN "Unknown", UR "Universal Resource Identifier", US "Unsigned Short",
    UT "Unlimited Text", UV "Unsigned 64-bit Very Long",
}

impl Vr {
    /// Reads the two letters of an explicit header; `None` for letters that the standard does not define.
    #[must_use]
    pub fn from_letters(letters: [u8; 2]) -> Option<Self> {
        Self::ALL.iter().copied().find(|vr| vr.as_str().as_bytes() == letters)
    }

    /// Whether the explicit header has two reserved bytes and a 32-bit length (PS3.5 Table 7.1-1).
    #[must_use]
    pub const fn has_long_header(self) -> bool {
        matches!(
            self,
            Self::OB
                | Self::OD
                | Self::OF
                | Self::OL
                | Self::OV
                | Self::OW
                | Self::SQ
                | Self::SV
                | Self::UC
                | Self::UN
                | Self::UR
                | Self::UT
                | Self::UV
        )
    }

    /// Bytes of one number, the unit in which byte order is swapped; 1 for text and raw bytes.
    #[must_use]
    pub const fn word_bytes(self) -> usize {
        match self {
            Self::AT | Self::OW | Self::SS | Self::US => 2,
            Self::FL | Self::OF | Self::OL | Self::SL | Self::UL => 4,
            Self::FD | Self::OD | Self::OV | Self::SV | Self::UV => 8,
            Self::AE
            | Self::AS
            | Self::CS
            | Self::DA
            | Self::DS
            | Self::DT
            | Self::IS
            | Self::LO
            | Self::LT
            | Self::OB
            | Self::PN
            | Self::SH
            | Self::SQ
            | Self::ST
            | Self::TM
            | Self::UC
            | Self::UI
            | Self::UN
            | Self::UR
            | Self::UT => 1,
        }
    }

    /// Whether the text is written in the Specific Character Set (PS3.5 §6.1.2.2).
    #[must_use]
    pub const fn follows_character_set(self) -> bool {
        matches!(self, Self::LO | Self::LT | Self::PN | Self::SH | Self::ST | Self::UC | Self::UT)
    }

    /// Whether the value is text of any kind.
    #[must_use]
    pub const fn is_text(self) -> bool {
        self.follows_character_set()
            || matches!(
                self,
                Self::AE
                    | Self::AS
                    | Self::CS
                    | Self::DA
                    | Self::DS
                    | Self::DT
                    | Self::IS
                    | Self::TM
                    | Self::UI
                    | Self::UR
            )
    }

    /// Whether the text is one value in which a backslash means itself (PS3.5 §6.2: LT, ST, UR, UT).
    #[must_use]
    pub const fn is_single_text(self) -> bool {
        matches!(self, Self::LT | Self::ST | Self::UR | Self::UT)
    }

    /// Whether the value is a run of raw bytes that the JSON model writes in Base64 (PS3.18 Table F.2.3-1).
    #[must_use]
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::OB | Self::OD | Self::OF | Self::OL | Self::OV | Self::OW | Self::UN)
    }

    /// The byte with which a value of odd length is padded (PS3.5 §6.2).
    #[must_use]
    pub const fn padding(self) -> u8 {
        if self.is_text() && !matches!(self, Self::UI) { b' ' } else { 0 }
    }
}

impl fmt::Display for Vr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_representation_reads_back_from_its_letters() {
        assert_eq!(Vr::ALL.len(), 34);
        for vr in Vr::ALL {
            assert_eq!(Vr::from_letters(vr.as_str().as_bytes().try_into().unwrap()), Some(*vr));
        }
        assert_eq!(Vr::from_letters(*b"OX"), None);
        assert_eq!(Vr::from_letters(*b"us"), None);
    }
}
