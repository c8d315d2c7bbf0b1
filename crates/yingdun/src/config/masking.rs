//! The table `[identity.masking]`: what roles are not to learn of the studies that they see. Unset means that no role is masked.

use super::finding::{Finding, Severity};
use serde::Deserialize;
use std::collections::BTreeMap;
use yingdun_access::{Masking, RoleSeesNothing};
use yingdun_dicom::masking::{MaskError, MaskRules, Treatment, UnknownTreatment};
use yingdun_model::Role;

/// Attributes with a rule of their own, for one role: more than the standard has would be a mistake.
const ATTRIBUTES_MAX: usize = 1000;

/// What becomes of what one role sees. What is not named is kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaskedRole {
    /// Every name of a person.
    names: Option<String>,
    /// Identifiers of patients, visits and orders.
    identifiers: Option<String>,
    /// Telephone numbers and addresses.
    contacts: Option<String>,
    /// Single attributes, by keyword.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// Why the table means nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaskingError {
    #[error("identity.masking: {0}")]
    Treatment(#[from] UnknownTreatment),
    #[error("identity.masking: {0}")]
    Rule(#[from] MaskError),
    #[error("identity.masking: {0}")]
    Role(#[from] RoleSeesNothing),
    #[error("identity.masking: more than {ATTRIBUTES_MAX} attributes for one role")]
    TooMany,
    #[error("identity.masking: nothing is masked for `{0}`")]
    Nothing(Role),
}

/// The rules of all roles.
///
/// # Errors
/// [`MaskingError`], for the first rule that cannot be.
pub(super) fn masking(roles: &BTreeMap<Role, MaskedRole>) -> Result<Masking, MaskingError> {
    roles.iter().try_fold(Masking::default(), |masking, (role, masked)| {
        let rules = masked.rules()?;
        if !rules.masks() {
            return Err(MaskingError::Nothing(*role));
        }
        Ok(masking.with(*role, rules)?)
    })
}

/// Judges the table.
pub(super) fn check(roles: &BTreeMap<Role, MaskedRole>) -> Option<Finding> {
    masking(roles).err().map(|error| Finding {
        severity: Severity::Error,
        option: "identity.masking",
        cause: error.to_string(),
        remedy: "see the page on masking; take the role away that is not to be masked",
    })
}

impl MaskedRole {
    fn rules(&self) -> Result<MaskRules, MaskingError> {
        if self.attributes.len() > ATTRIBUTES_MAX {
            return Err(MaskingError::TooMany);
        }
        let class = |word: &Option<String>| word.as_deref().map_or(Ok(Treatment::Keep), str::parse);
        let rules = MaskRules::new(class(&self.names)?, class(&self.identifiers)?, class(&self.contacts)?)?;
        self.attributes
            .iter()
            .try_fold(rules, |rules, (keyword, word)| Ok(rules.with(keyword, word.parse::<Treatment>()?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Masking, MaskingError> {
        masking(&toml::from_str(text).unwrap())
    }

    #[test]
    fn unset_masks_nobody_and_a_table_masks_its_role() {
        assert_eq!(of("").unwrap(), Masking::default());
        let set =
            of("[technician]\nnames = \"initials\"\nattributes = { PatientBirthDate = \"remove\" }").unwrap();
        assert!(set.rules_of(Role::Technician).is_some_and(|rules| rules.masks()));
        assert!(set.rules_of(Role::Chief).is_none());
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        for wrong in [
            "[technician]\nnames = \"hide\"",
            "[technician]\nidentifiers = \"initials\"",
            "[technician]\nattributes = { StudyInstanceUID = \"remove\" }",
            "[technician]\nattributes = { PatientNom = \"remove\" }",
            "[audit-administrator]\nnames = \"remove\"",
            "[technician]",
            "[technician]\nnames = \"keep\"",
        ] {
            let found = check(&toml::from_str(wrong).unwrap());
            assert!(found.is_some_and(|found| found.severity == Severity::Error), "{wrong}");
        }
        assert!(toml::from_str::<BTreeMap<Role, MaskedRole>>("[boss]\nnames = \"remove\"").is_err());
        assert!(toml::from_str::<BTreeMap<Role, MaskedRole>>("[technician]\nphones = \"remove\"").is_err());
    }
}
