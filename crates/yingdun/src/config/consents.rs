//! The table `[identity.consents]`: for what a consent of the patient is needed, beside research on what is identifiable, which always
//! needs one.

use serde::Deserialize;
use yingdun_access::ConsentRules;

/// For which uses. What is not set is as it was before there were consents: what is identifiable stays closed to research without one.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consents {
    /// Whether research on what is de-identified needs one, too.
    #[serde(default)]
    research: Need,
    /// Whether what leaves the house, or is shown to somebody outside, needs one.
    #[serde(default)]
    sharing: Need,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Need {
    Needed,
    #[default]
    NotNeeded,
}

impl Consents {
    /// The same for decisions.
    pub(crate) fn rules(self) -> ConsentRules {
        ConsentRules { research: self.research == Need::Needed, sharing: self.sharing == Need::Needed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_asked_for_and_what_is_misspelt_is_refused() {
        let rules = |text: &str| toml::from_str::<Consents>(text).map(Consents::rules);
        assert_eq!(rules("").unwrap(), ConsentRules::default());
        assert_eq!(
            rules("research = \"needed\"\nsharing = \"needed\"").unwrap(),
            ConsentRules { research: true, sharing: true }
        );
        assert_eq!(rules("sharing = \"not-needed\"").unwrap(), ConsentRules::default());
        rules("sharing = \"no\"").unwrap_err();
        rules("treatment = \"needed\"").unwrap_err();
    }
}
