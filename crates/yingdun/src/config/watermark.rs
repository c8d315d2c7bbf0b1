//! The table `[identity.watermark]`: from which grade on the pictures of a role carry marks, and from which on it is given nothing else. Unset
//! means what [`Watermarks::usual`] says: outsiders are given marked pictures only, and of sensitive studies everybody is shown marked ones.

use super::finding::{Finding, Severity};
use serde::Deserialize;
use std::collections::BTreeMap;
use yingdun_access::{RoleSeesNothing, WatermarkFault, WatermarkRule, Watermarks};
use yingdun_model::{Grade, Role};

/// What says that a form begins at no grade.
const NEVER: &str = "never";

/// In which form one role is shown studies. What is not named is as usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatermarkedRole {
    /// The grade from which on rendered pictures carry marks.
    marked_from: Option<String>,
    /// The grade from which on nothing is given but such pictures.
    rendered_only_from: Option<String>,
    /// The grade from which on the viewer covers pictures while its window is not in use.
    shielded_from: Option<String>,
}

/// Why the table means nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatermarkError {
    #[error("identity.watermark: `{0}` is no grade (L1, L2, L3, L4, L4S, L5) and not `never`")]
    Grade(String),
    #[error("identity.watermark: {0}")]
    Rule(#[from] WatermarkFault),
    #[error("identity.watermark: {0}")]
    Role(#[from] RoleSeesNothing),
}

/// The rules of all roles.
///
/// # Errors
/// [`WatermarkError`], for the first rule that cannot be.
pub(super) fn watermarks(roles: &BTreeMap<Role, WatermarkedRole>) -> Result<Watermarks, WatermarkError> {
    roles.iter().try_fold(Watermarks::default(), |rules, (role, words)| {
        let usual = Watermarks::usual(*role)?;
        let rule = WatermarkRule {
            marked_from: grade(words.marked_from.as_deref(), usual.marked_from)?,
            rendered_only_from: grade(words.rendered_only_from.as_deref(), usual.rendered_only_from)?,
            shielded_from: grade(words.shielded_from.as_deref(), usual.shielded_from)?,
        };
        Ok(rules.with(*role, rule)?)
    })
}

/// Judges the table.
pub(super) fn check(roles: &BTreeMap<Role, WatermarkedRole>) -> Option<Finding> {
    watermarks(roles).err().map(|error| Finding {
        severity: Severity::Error,
        option: "identity.watermark",
        cause: error.to_string(),
        remedy: "see the page on watermarks; a role without a table is shown studies as usual",
    })
}

// === helpers ===

fn grade(word: Option<&str>, usual: Option<Grade>) -> Result<Option<Grade>, WatermarkError> {
    match word {
        None => Ok(usual),
        Some(NEVER) => Ok(None),
        Some(word) => word.parse().map(Some).map_err(|_| WatermarkError::Grade(word.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Watermarks, WatermarkError> {
        watermarks(&toml::from_str(text).unwrap())
    }

    #[test]
    fn unset_is_as_usual_and_a_table_is_for_its_role() {
        assert_eq!(of("").unwrap(), Watermarks::default());
        let shielded_from = Some(Grade::L5);
        let rule = |marked_from, rendered_only_from| WatermarkRule {
            marked_from,
            rendered_only_from,
            shielded_from,
        };
        let expert = Watermarks::default().with(Role::RemoteExpert, rule(Some(Grade::L1), None)).unwrap();
        assert_eq!(of("[remote-expert]\nrendered_only_from = \"never\"").unwrap(), expert);
        let own =
            Watermarks::default().with(Role::Specialist, rule(Some(Grade::L4), Some(Grade::L5))).unwrap();
        assert_eq!(of("[specialist]\nmarked_from = \"L4\"\nrendered_only_from = \"L5\"").unwrap(), own);
        for (word, shielded_from) in [("L3", Some(Grade::L3)), ("never", None)] {
            let set = WatermarkRule { shielded_from, ..Watermarks::usual(Role::Chief).unwrap() };
            let set = Watermarks::default().with(Role::Chief, set).unwrap();
            assert_eq!(of(&format!("[chief]\nshielded_from = \"{word}\"")).unwrap(), set);
        }
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        for wrong in [
            "[specialist]\nmarked_from = \"L6\"",
            "[remote-expert]\nmarked_from = \"never\"",
            "[chief]\nmarked_from = \"L5\"",
            "[chief]\nrendered_only_from = \"L3\"",
            "[chief]\nshielded_from = \"L0\"",
            "[device]\nmarked_from = \"L1\"",
            "[audit-administrator]\nmarked_from = \"L1\"",
        ] {
            let found = check(&toml::from_str(wrong).unwrap());
            assert!(found.is_some_and(|found| found.severity == Severity::Error), "{wrong}");
        }
        assert!(toml::from_str::<BTreeMap<Role, WatermarkedRole>>("[chief]\nopacity = 1").is_err());
    }
}
