//! Named networks, and what may be asked for from them.

use crate::class::Class;
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::net::IpAddr;
use yingdun_access::AddressList;
use yingdun_model::Role;

/// Zones that one installation has at most: somebody must be able to read them.
const ZONES_MAX: usize = 64;

/// Where requests may come from.
///
/// Without a zone in the configuration there is one, everywhere. With one, an address that lies in none has no connection; a class or a
/// role that is bound to zones is served in these only.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    networks: BTreeMap<String, AddressList>,
    classes: BTreeMap<Class, Vec<String>>,
    roles: BTreeMap<Role, Vec<String>>,
}

/// Zones that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// A zone has no networks, or something that is none.
    #[error("the zone `{zone}` needs networks such as 10.1.0.0/16: {cause}")]
    Networks {
        /// Which zone.
        zone: String,
        /// What is wrong.
        cause: String,
    },
    /// A class or role is bound to a zone that is not there.
    #[error("`{bound}` is bound to the zone `{zone}`, which is not declared in gateway.zones")]
    Unknown {
        /// What is bound.
        bound: String,
        /// To which zone.
        zone: String,
    },
    /// A class or role is bound to nothing.
    #[error("`{0}` is bound to no zone and could not be used from anywhere; name one, or leave it out")]
    Nowhere(String),
    /// Too many.
    #[error("at most {ZONES_MAX} zones can be declared, these are {0}")]
    TooMany(usize),
}

impl Zones {
    /// Reads what the configuration says.
    ///
    /// # Errors
    /// [`ZoneError`] names the zone, class or role.
    pub fn new(settings: &Settings) -> Result<Self, ZoneError> {
        if settings.zones.len() > ZONES_MAX {
            return Err(ZoneError::TooMany(settings.zones.len()));
        }
        let mut networks = BTreeMap::new();
        for (zone, entries) in &settings.zones {
            let wrong = |cause: String| ZoneError::Networks { zone: zone.clone(), cause };
            let list: AddressList = entries
                .join(" ")
                .parse()
                .map_err(|error: yingdun_access::AddressListError| wrong(error.to_string()))?;
            if matches!(&list, AddressList::Only(networks) if networks.is_empty()) {
                return Err(wrong("there are none".to_owned()));
            }
            networks.insert(zone.clone(), list);
        }
        let words = |class: &Class| class.as_str().to_owned();
        known(&networks, settings.classes.iter().map(|(class, zones)| (words(class), zones)))?;
        known(&networks, settings.roles.iter().map(|(role, zones)| (role.to_string(), zones)))?;
        Ok(Self { networks, classes: settings.classes.clone(), roles: settings.roles.clone() })
    }

    /// Whether any zone is declared.
    #[must_use]
    pub fn are_declared(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Whether an address may connect at all.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.values().any(|networks| networks.contains(address))
    }

    /// Whether this kind of work may be asked for from an address.
    #[must_use]
    pub fn admit_class(&self, class: Class, address: IpAddr) -> bool {
        self.classes.get(&class).map_or_else(|| self.admit(address), |zones| self.lies_in(zones, address))
    }

    /// Whether a role may be acted in from an address.
    #[must_use]
    pub fn admit_role(&self, role: Role, address: IpAddr) -> bool {
        self.roles.get(&role).is_none_or(|zones| self.lies_in(zones, address))
    }

    /// From which zones a class is served; nothing where it is not bound.
    #[must_use]
    pub fn of_class(&self, class: Class) -> Option<&[String]> {
        self.classes.get(&class).map(Vec::as_slice)
    }

    fn lies_in(&self, zones: &[String], address: IpAddr) -> bool {
        zones.iter().filter_map(|zone| self.networks.get(zone)).any(|networks| networks.contains(address))
    }
}

fn known<'a>(
    networks: &BTreeMap<String, AddressList>,
    bindings: impl Iterator<Item = (String, &'a Vec<String>)>,
) -> Result<(), ZoneError> {
    for (bound, zones) in bindings {
        if zones.is_empty() {
            return Err(ZoneError::Nowhere(bound));
        }
        if let Some(zone) = zones.iter().find(|zone| !networks.contains_key(*zone)) {
            return Err(ZoneError::Unknown { bound, zone: zone.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(text: &str) -> Result<Zones, ZoneError> {
        Zones::new(&toml::from_str(text).unwrap())
    }

    const HOSPITAL: &str = r#"
        zones = { wards = ["10.1.0.0/16", "2001:db8:1::/48"], office = ["10.9.0.7"] }
        classes = { administration = ["office"] }
        roles = { security-administrator = ["office"] }
    "#;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_zones_everybody_may_connect_and_with_one_nobody_from_outside() {
        assert!(zones("").unwrap().admit(at("203.0.113.9")));
        let zones = zones(HOSPITAL).unwrap();
        assert!(
            zones.admit(at("10.1.2.3"))
                && zones.admit(at("::ffff:10.1.2.3"))
                && zones.admit(at("2001:db8:1::5"))
        );
        assert!(!zones.admit(at("203.0.113.9")) && !zones.admit(at("10.2.0.1")));
        assert!(!zones.admit_class(Class::Reading, at("203.0.113.9")));
    }

    #[test]
    fn what_is_bound_is_served_in_its_zone_only() {
        let zones = zones(HOSPITAL).unwrap();
        assert!(zones.admit_class(Class::Reading, at("10.1.2.3")));
        assert!(!zones.admit_class(Class::Administration, at("10.1.2.3")));
        assert!(zones.admit_class(Class::Administration, at("10.9.0.7")));
        assert!(!zones.admit_role(Role::SecurityAdministrator, at("10.1.2.3")));
        assert!(zones.admit_role(Role::Radiologist, at("10.1.2.3")));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (text, word) in [
            (r#"zones = { a = [] }"#, "`a`"),
            (r#"zones = { a = ["10.1"] }"#, "10.1"),
            (r#"classes = { search = ["b"] }"#, "`b`"),
            (
                r#"zones = { a = ["10.1.0.0/16"] }
                roles = { chief = [] }"#,
                "`chief`",
            ),
        ] {
            let error = zones(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
