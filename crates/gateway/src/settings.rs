//! What an installation sets, and what holds where it sets nothing.

use crate::class::Class;
use crate::rate::Rate;
use crate::rules::{DenyRule, RuleError};
use crate::zones::ZoneError;
use serde::Deserialize;
use std::collections::BTreeMap;
use yingdun_model::Role;

/// The section `[gateway]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Networks by name. None: one zone, everywhere.
    pub zones: BTreeMap<String, Vec<String>>,
    /// From which zones a class of interface is served; a class that is not named, from all that are declared.
    pub classes: BTreeMap<Class, Vec<String>>,
    /// In which zones a role may be acted in; a role that is not named, in all that are declared.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// What never passes, whoever sends it.
    pub deny: Vec<DenyRule>,
    /// What one address may do before anybody knows who it is.
    pub address: AddressRates,
    /// What one person may do.
    pub person: SubjectRates,
    /// What one service client may do.
    pub client: SubjectRates,
    /// What one device may do.
    pub device: SubjectRates,
}

/// Rates of one address. An IPv6 network of 64 bits counts as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddressRates {
    /// New connections.
    pub connections: Option<Rate>,
    /// Requests without a valid token: sign-in, tokens, descriptions, wrong credentials.
    pub strangers: Option<Rate>,
}

/// Rates of one person, client or device, by class. What is not set has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SubjectRates {
    /// See [`Class::Reading`].
    pub reading: Option<Rate>,
    /// See [`Class::Store`].
    pub store: Option<Rate>,
    /// See [`Class::Search`].
    pub search: Option<Rate>,
    /// See [`Class::Administration`].
    pub administration: Option<Rate>,
    /// See [`Class::Bulk`].
    pub bulk: Option<Rate>,
    /// Associations of a device.
    pub associations: Option<Rate>,
}

/// Settings that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Zones.
    #[error(transparent)]
    Zones(#[from] ZoneError),
    /// A deny rule.
    #[error("gateway.deny: {0}")]
    Rule(#[from] RuleError),
    /// A rate that lets nothing through.
    #[error(
        "gateway.{0} lets nothing through: a rate needs at least 1 per second, a burst of 1 and, if set, 1 per day"
    )]
    Nothing(String),
}

/// New connections of one address: a reading room behind one gateway opens some tens when a day begins.
const CONNECTIONS: Rate = Rate::new(200, 2000);

/// Requests of strangers from one address: a ward behind one gateway that signs in at the change of shifts, and every typing error.
const STRANGERS: Rate = Rate::new(50, 1000);

/// Pictures of one person: a viewer that scrolls through a stack asks for some hundred in a second, and fills its memory with a whole
/// examination of some thousand at the beginning.
const READING: Rate = Rate::new(1000, 10_000);

/// Objects of one sender. What is refused waits in the sender, so this is far above what one line carries.
const STORE: Rate = Rate::new(5000, 100_000);

/// Searches of one person: each key that is pressed, and lists that are asked for again every few seconds on several screens.
const SEARCH: Rate = Rate::new(100, 2000);

/// What somebody administers, by hand or by a script.
const ADMINISTRATION: Rate = Rate::new(100, 2000);

/// Whole series and studies.
const BULK: Rate = Rate::new(100, 1000);

/// How many times more a program may do than a person: it stands for many.
const CLIENT_FACTOR: u32 = 5;

/// Associations of one device: modalities that open one for each image.
const ASSOCIATIONS: Rate = Rate::new(50, 2000);

impl Settings {
    /// Whether every rate lets something through.
    ///
    /// # Errors
    /// [`SettingsError::Nothing`] names the option.
    pub fn check(&self) -> Result<(), SettingsError> {
        let address = [("connections", self.address.connections), ("strangers", self.address.strangers)];
        let address = address.into_iter().map(|(name, rate)| ("address", name, rate));
        let subjects = [("person", &self.person), ("client", &self.client), ("device", &self.device)];
        let subjects = subjects.into_iter().flat_map(|(kind, rates)| {
            [
                ("reading", rates.reading),
                ("store", rates.store),
                ("search", rates.search),
                ("administration", rates.administration),
                ("bulk", rates.bulk),
                ("associations", rates.associations),
            ]
            .map(|(name, rate)| (kind, name, rate))
        });
        for (kind, name, rate) in address.chain(subjects) {
            if rate.is_some_and(|rate| rate.per_second == 0 || rate.burst == 0 || rate.per_day == Some(0)) {
                return Err(SettingsError::Nothing(format!("{kind}.{name}")));
            }
        }
        Ok(())
    }

    pub(crate) fn connections(&self) -> Rate {
        self.address.connections.unwrap_or(CONNECTIONS)
    }

    pub(crate) fn strangers(&self) -> Rate {
        self.address.strangers.unwrap_or(STRANGERS)
    }
}

impl SubjectRates {
    /// The rate of a class; nothing where the class has none of its own.
    pub(crate) fn of(&self, class: Class, is_program: bool) -> Option<Rate> {
        let default = |rate: Rate| {
            if is_program {
                Rate::new(rate.per_second * CLIENT_FACTOR, rate.burst * CLIENT_FACTOR)
            } else {
                rate
            }
        };
        let (set, usual) = match class {
            Class::Reading => (self.reading, READING),
            Class::Store => (self.store, STORE),
            Class::Search => (self.search, SEARCH),
            Class::Administration => (self.administration, ADMINISTRATION),
            Class::Bulk => (self.bulk, BULK),
            // Nodes are proved by certificates of the installation; strangers are counted by address.
            Class::Operations | Class::Open => return None,
        };
        Some(set.unwrap_or_else(|| default(usual)))
    }

    pub(crate) fn associations(&self) -> Rate {
        self.associations.unwrap_or(ASSOCIATIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_a_default_and_a_program_more_than_a_person() {
        let settings: Settings =
            toml::from_str("person = { reading = { per_second = 3, burst = 4, per_day = 5 } }").unwrap();
        let reading = settings.person.of(Class::Reading, false).unwrap();
        assert_eq!(reading, Rate { per_second: 3, burst: 4, per_day: Some(5) });
        assert_eq!(settings.person.of(Class::Search, false), Some(SEARCH));
        assert!(settings.client.of(Class::Search, true).unwrap().burst > SEARCH.burst);
    }

    #[test]
    fn a_misspelt_option_and_a_rate_of_nothing_are_refused() {
        for wrong in ["persons = {}", "person = { read = { per_second = 1, burst = 1 } }", "zone = {}"] {
            assert!(toml::from_str::<Settings>(wrong).is_err(), "{wrong}");
        }
        let nothing: Settings = toml::from_str("device = { store = { per_second = 0, burst = 1 } }").unwrap();
        assert_eq!(nothing.check(), Err(SettingsError::Nothing("device.store".into())));
        assert_eq!(Settings::default().check(), Ok(()));
    }
}
