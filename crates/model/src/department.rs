//! Departments (科室), and what connects people and studies with them.

use crate::{ActorId, AeTitle};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The short name of a department: 1 to 32 lower-case ASCII letters, digits and inner hyphens. What people call it is kept
/// beside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DepartmentId(String);

/// The text is not a legal name of a department.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a department is named by 1 to 32 lower-case letters, digits and inner hyphens")]
pub struct DepartmentIdError;

impl DepartmentId {
    /// Checks a name.
    ///
    /// # Errors
    /// [`DepartmentIdError`] when the text breaks the alphabet or the length.
    pub fn new(text: &str) -> Result<Self, DepartmentIdError> {
        let legal = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if legal { Ok(Self(text.to_owned())) } else { Err(DepartmentIdError) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DepartmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DepartmentId {
    type Error = DepartmentIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<DepartmentId> for String {
    fn from(id: DepartmentId) -> Self {
        id.0
    }
}

/// To what a person belongs for a while: `department:surgery`, or one device, `device:CT01`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A department.
    Department(DepartmentId),
    /// A device, by its AE title.
    Device(AeTitle),
}

/// Of what a study is: asked for or performed by a department, or sent by a device or a program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StudyUnit {
    /// The department that asked for it.
    Requesting(DepartmentId),
    /// The department that performed it.
    Performing(DepartmentId),
    /// The device that sent it first.
    Device(AeTitle),
    /// The service client that sent it first.
    Service(ActorId),
}

/// The text is none of the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a unit is a department or a device")]
pub struct UnitError;

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Department(department) => write!(f, "department:{department}"),
            Self::Device(title) => write!(f, "device:{title}"),
        }
    }
}

impl FromStr for Unit {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (kind, name) = text.split_once(':').ok_or(UnitError)?;
        match kind {
            "department" => DepartmentId::new(name).map(Self::Department).map_err(|_| UnitError),
            "device" => AeTitle::new(name).map(Self::Device).map_err(|_| UnitError),
            _ => Err(UnitError),
        }
    }
}

impl TryFrom<String> for Unit {
    type Error = UnitError;
    fn try_from(text: String) -> Result<Self, UnitError> {
        text.parse()
    }
}

impl fmt::Display for StudyUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requesting(department) => write!(f, "requesting:{department}"),
            Self::Performing(department) => write!(f, "performing:{department}"),
            Self::Device(title) => write!(f, "device:{title}"),
            Self::Service(client) => write!(f, "service:{client}"),
        }
    }
}

impl Unit {
    /// What this unit has asked for or performed.
    #[must_use]
    pub fn of_it(&self) -> Vec<StudyUnit> {
        match self {
            Self::Department(department) => {
                vec![StudyUnit::Requesting(department.clone()), StudyUnit::Performing(department.clone())]
            }
            Self::Device(_) => Vec::new(),
        }
    }

    /// What this unit has performed.
    #[must_use]
    pub fn performed_by_it(&self) -> StudyUnit {
        match self {
            Self::Department(department) => StudyUnit::Performing(department.clone()),
            Self::Device(title) => StudyUnit::Device(title.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_department_is_a_short_plain_word() {
        assert!(DepartmentId::new("ct-room-2").is_ok());
        for wrong in ["", "CT", "a b", "-a", "a-", "心内科", &"x".repeat(33)] {
            assert!(DepartmentId::new(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_unit_reads_back_from_its_own_text_only() {
        for text in ["department:surgery", "device:CT 01"] {
            assert_eq!(text.parse::<Unit>().unwrap().to_string(), text);
        }
        for wrong in ["surgery", "department:", "ward:surgery", "device:", "performing:surgery"] {
            assert!(wrong.parse::<Unit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_department_asked_for_is_not_what_it_performed() {
        let unit: Unit = "department:surgery".parse().unwrap();
        let texts: Vec<String> = unit.of_it().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["requesting:surgery", "performing:surgery"]);
        assert_eq!(unit.performed_by_it().to_string(), "performing:surgery");
    }
}
