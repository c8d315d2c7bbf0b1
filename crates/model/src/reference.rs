//! Keyed pseudonyms for patients, studies, series, instances, procedure steps and workitems.
//!
//! A reference is the first 16 bytes of an HMAC over the identifier under a key of the institution. The same
//! identifier always gives the same reference, so a rebuilt catalogue has the same rows; without the key a
//! reference tells nothing. References are what the audit log, the key table and the file system see.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The text is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reference is written as 32 hexadecimal digits")]
pub struct ReferenceError;

macro_rules! reference {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the 16 bytes of a keyed pseudonym.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = ReferenceError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0_u8; 16];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| ReferenceError)?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = ReferenceError;
            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                Ok(Self(bytes.try_into().map_err(|_| ReferenceError)?))
            }
        }

        impl TryFrom<String> for $name {
            type Error = ReferenceError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(reference: $name) -> Self {
                reference.to_string()
            }
        }
    };
}

reference! {
    /// The pseudonym of a patient: over issuer and patient ID.
    PatientRef
}
reference! {
    /// The pseudonym of a study: over the Study Instance UID.
    StudyRef
}
reference! {
    /// The pseudonym of a series: over the Study and Series Instance UIDs.
    SeriesRef
}
reference! {
    /// The pseudonym of an instance: over the SOP Instance UID.
    InstanceRef
}

reference! {
    /// The pseudonym of a scheduled procedure step: over the Study Instance UID and the step's own identifier.
    StepRef
}
reference! {
    /// The pseudonym of a performed procedure step: over its SOP Instance UID.
    PerformedStepRef
}
reference! {
    /// The pseudonym of a workitem of the unified worklist: over its SOP Instance UID.
    WorkitemRef
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_reference_reads_back_from_its_text(bytes: [u8; 16]) {
            let reference = StudyRef::from_bytes(bytes);
            prop_assert_eq!(reference.to_string().parse::<StudyRef>(), Ok(reference));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        assert!("".parse::<PatientRef>().is_err());
        assert!("zz".repeat(16).parse::<PatientRef>().is_err());
        assert!(PatientRef::try_from(&[0_u8; 15][..]).is_err());
    }
}
