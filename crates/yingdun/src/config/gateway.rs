//! The section `[gateway]`: zones and rates, judged before anything is started.

use super::finding::{Finding, Severity};
use yingdun_gateway::{Gateway, Settings, SettingsError};

/// Judges the section.
pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let Err(error) = Gateway::new(settings.clone()) else { return Vec::new() };
    let (option, remedy) = match &error {
        SettingsError::Zones(_) => (
            "gateway.zones",
            "declare each zone with its networks, and bind classes and roles to declared zones only",
        ),
        SettingsError::Rule(_) => ("gateway.deny", "correct the rule, or take it out"),
        SettingsError::Nothing(_) => {
            ("gateway", "leave the rate out to have its default, or raise per_second, burst and per_day")
        }
    };
    vec![Finding { severity: Severity::Error, option, cause: error.to_string(), remedy }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_an_error_and_nothing_set_is_fine() {
        let findings = |text: &str| check(&toml::from_str(text).unwrap());
        assert!(findings("").is_empty());
        let zones = findings("roles = { chief = [\"ward\"] }");
        assert!(matches!(&zones[..], [one] if one.option == "gateway.zones" && one.cause.contains("`ward`")));
        assert_eq!(findings("person = { bulk = { per_second = 0, burst = 1 } }")[0].option, "gateway");
    }
}
