//! Algorithm suites.

use std::fmt;
use std::str::FromStr;

/// What objects of a study are sealed with. Kept with every key, so that a later suite can stand beside this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Suite {
    /// C2SP chunked-encryption with SHA-512 and AES-256-GCM; keys wrapped with AES-256-KWP.
    #[default]
    Cobblestone256,
}

impl Suite {
    /// The word under which the suite is kept and bound into key contexts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cobblestone256 => "cobblestone-256",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is not that of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm suite is not known to this program")]
pub struct UnknownSuite;

impl FromStr for Suite {
    type Err = UnknownSuite;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if word == Self::Cobblestone256.as_str() { Ok(Self::Cobblestone256) } else { Err(UnknownSuite) }
    }
}
