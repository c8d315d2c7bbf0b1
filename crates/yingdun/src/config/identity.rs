//! What an installation demands of people who sign in: second factors, and after how much rest a session ends.

use super::DatabaseUrl;
use super::consents::Consents;
use super::finding::{Finding, Severity};
use super::masking::{self, MaskedRole, MaskingError};
use super::watermark::{self, WatermarkError, WatermarkedRole};
use super::{Ldap, Oidc, TokenIssuer, ldap, oidc, token_issuers};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use yingdun_access::{AddressList, IdleRules, IdleZone, Masking, RelyingParty, SignInRules, Watermarks};
use yingdun_model::Role;

/// The longest rest, in minutes: half a day, after which whoever comes back may be somebody else.
const IDLE_MINUTES_MAX: u32 = 720;
/// The longest time for which a second factor counts as fresh, in minutes: a shift.
const STRONG_MINUTES_MAX: u32 = 480;
/// The longest time before a patient sees the own study, in hours: two months. What is never to be seen is not released.
const PATIENT_RELEASE_HOURS_MAX: u32 = 1440;
/// The roles without which no installation is, and which give and take every right.
const OFFICERS: [Role; 3] =
    [Role::SystemAdministrator, Role::SecurityAdministrator, Role::AuditAdministrator];

/// People, devices, service clients and sessions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) database: DatabaseUrl,
    /// A directory with Cedar policies; unset means the policies of the program.
    pub(crate) policy_directory: Option<PathBuf>,
    /// The roles that nobody activates without a second factor.
    #[serde(default)]
    pub(crate) require_second_factor_for: BTreeSet<Role>,
    /// The roles that nobody activates without a passkey; codes do not stand in for it.
    #[serde(default)]
    pub(crate) require_passkey_for: BTreeSet<Role>,
    /// Whether people open what is sensitive (L4S, L5) only with a second factor that was proved a short while ago.
    #[serde(default)]
    pub(crate) step_up_for_sensitive: bool,
    /// Minutes for which a proved second factor counts.
    #[serde(default = "default_strong_minutes")]
    pub(crate) strong_minutes: u32,
    /// Minutes of rest after which a session of a person ends.
    #[serde(default = "default_idle_minutes")]
    pub(crate) idle_minutes: u32,
    /// The same for single roles.
    #[serde(default)]
    pub(crate) idle_minutes_for: BTreeMap<Role, u32>,
    /// The same for places, whatever the role.
    #[serde(default)]
    pub(crate) idle_zones: Vec<Zone>,
    /// How many hours after a study came its patient may see it; unset means that patients see nothing.
    pub(crate) patient_release_hours: Option<u32>,
    /// For what a consent of the patient is needed.
    #[serde(default)]
    pub(crate) consents: Consents,
    /// What roles are not to learn of the studies that they see; unset means that no role is masked.
    #[serde(default)]
    pub(crate) masking: BTreeMap<Role, MaskedRole>,
    /// In which form roles are shown studies; unset means that outsiders are given marked pictures only.
    #[serde(default)]
    pub(crate) watermark: BTreeMap<Role, WatermarkedRole>,
    /// A provider with which people sign in; unset means none.
    pub(crate) oidc: Option<Oidc>,
    /// A directory whose people sign in with their passwords of there; unset means none.
    pub(crate) ldap: Option<Ldap>,
    /// Other issuers whose access tokens are taken from registered programs; none means tokens of this archive alone.
    #[serde(default)]
    pub(crate) token_issuers: Vec<TokenIssuer>,
}

/// A place with a rest of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Zone {
    /// Addresses or networks, as of a device.
    pub(crate) networks: Vec<String>,
    pub(crate) idle_minutes: u32,
}

impl Identity {
    /// What roles are not to learn.
    ///
    /// # Errors
    /// [`MaskingError`], which [`check`] calls an error.
    pub(crate) fn masking(&self) -> Result<Masking, MaskingError> {
        masking::masking(&self.masking)
    }

    /// Whose pictures carry marks, and who is given nothing else.
    ///
    /// # Errors
    /// [`WatermarkError`], which [`check`] calls an error.
    pub(crate) fn watermarks(&self) -> Result<Watermarks, WatermarkError> {
        watermark::watermarks(&self.watermark)
    }

    /// How long after a study came its patient may see it. A time that is too long, which [`check`] calls an error, releases nothing.
    pub(crate) fn patient_release(&self) -> Option<Duration> {
        let hours = self.patient_release_hours.filter(|hours| *hours <= PATIENT_RELEASE_HOURS_MAX)?;
        Some(Duration::from_secs(3600 * u64::from(hours)))
    }

    /// The rules, as the room of sign-ins reads them. A zone whose networks cannot be read, which [`check`] calls an error, is
    /// none. Passkeys are made for the address that people use, where browsers make any.
    pub(crate) fn rules(&self, public_url: Option<&str>) -> SignInRules {
        let minutes = |count: u32| Duration::from_secs(60 * u64::from(count));
        let zone = |zone: &Zone| {
            let networks = zone.networks.join(" ").parse().ok()?;
            Some(IdleZone { networks, idle: minutes(zone.idle_minutes) })
        };
        SignInRules {
            second_factor_for: self.require_second_factor_for.clone(),
            passkey_for: self.require_passkey_for.clone(),
            relying_party: public_url.and_then(|url| RelyingParty::of_address(url).ok()),
            step_up: self.step_up_for_sensitive,
            strong: minutes(self.strong_minutes),
            idle: IdleRules {
                usual: minutes(self.idle_minutes),
                roles: self.idle_minutes_for.iter().map(|(role, count)| (*role, minutes(*count))).collect(),
                zones: self.idle_zones.iter().filter_map(zone).collect(),
            },
        }
    }
}

/// Judges what is demanded of people who sign in.
pub(super) fn check(identity: &Identity, public_url: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, option, cause: String, remedy| {
        findings.push(Finding { severity, option, cause, remedy });
    };
    let machines = identity.require_second_factor_for.iter().find(|role| is_of_machines(**role));
    if let Some(role) = machines {
        say(
            Severity::Error,
            "identity.require_second_factor_for",
            format!("`{role}` is no role of people, and a machine has no second factor"),
            "name roles of people only",
        );
    }
    if let Some(role) = identity.require_passkey_for.iter().find(|role| is_of_machines(**role)) {
        say(
            Severity::Error,
            "identity.require_passkey_for",
            format!("`{role}` is no role of people, and a machine has no passkey"),
            "name roles of people only",
        );
    }
    let party = public_url.map(RelyingParty::of_address);
    match party {
        _ if identity.require_passkey_for.is_empty() => {}
        Some(Ok(_)) => {}
        Some(Err(error)) => say(
            Severity::Error,
            "identity.require_passkey_for",
            format!("nobody could sign in: {error}"),
            "set web.public_url to the address that people use, with a name: https://archive.example:8443",
        ),
        None => say(
            Severity::Error,
            "identity.require_passkey_for",
            "nobody could sign in: passkeys are bound to web.public_url, which is not set".into(),
            "set web.public_url to the address that people use, with a name: https://archive.example:8443",
        ),
    }
    let demanded = |role: &Role| {
        identity.require_second_factor_for.contains(role) || identity.require_passkey_for.contains(role)
    };
    let open: Vec<&str> = OFFICERS.iter().filter(|role| !demanded(role)).map(|role| role.as_str()).collect();
    if !open.is_empty() {
        say(
            Severity::Warning,
            "identity.require_second_factor_for",
            format!("a password is enough to act as {}", open.join(", ")),
            "let the officers set up a second factor (page /second-factor), then name their three roles",
        );
    }
    if let Some(hours) = identity.patient_release_hours.filter(|hours| *hours > PATIENT_RELEASE_HOURS_MAX) {
        say(
            Severity::Error,
            "identity.patient_release_hours",
            format!("{hours} is not between 0 and {PATIENT_RELEASE_HOURS_MAX}"),
            "set the hours after which a report is usually there, such as 48, or leave it out: then patients see nothing",
        );
    }
    if !(1..=STRONG_MINUTES_MAX).contains(&identity.strong_minutes) {
        say(
            Severity::Error,
            "identity.strong_minutes",
            format!("{} is not between 1 and {STRONG_MINUTES_MAX}", identity.strong_minutes),
            "set 60, or less where sensitive studies are read seldom",
        );
    }
    let rests = [("identity.idle_minutes", identity.idle_minutes)];
    let rests = rests
        .into_iter()
        .chain(identity.idle_minutes_for.values().map(|count| ("identity.idle_minutes_for", *count)))
        .chain(identity.idle_zones.iter().map(|zone| ("identity.idle_zones", zone.idle_minutes)));
    for (option, count) in rests {
        if !(1..=IDLE_MINUTES_MAX).contains(&count) {
            say(
                Severity::Error,
                option,
                format!("{count} is not between 1 and {IDLE_MINUTES_MAX}"),
                "set 15, and 30 in reading rooms",
            );
        }
    }
    let mut further: Vec<Finding> = identity.oidc.iter().flat_map(oidc::check).collect();
    further.extend(identity.ldap.iter().flat_map(ldap::check));
    further.extend(token_issuers::check(&identity.token_issuers));
    further.extend(masking::check(&identity.masking));
    further.extend(watermark::check(&identity.watermark));
    for zone in &identity.idle_zones {
        match zone.networks.join(" ").parse::<AddressList>() {
            Ok(AddressList::Only(networks)) if !networks.is_empty() => {}
            Ok(_) => say(
                Severity::Error,
                "identity.idle_zones",
                "a zone is everywhere, or nowhere".into(),
                "name its networks, such as 10.1.2.0/24; for everywhere, set identity.idle_minutes",
            ),
            Err(error) => say(
                Severity::Error,
                "identity.idle_zones",
                error.to_string(),
                "write addresses or networks such as 10.1.2.0/24",
            ),
        }
    }
    findings.append(&mut further);
    findings
}

// === helpers ===

const fn is_of_machines(role: Role) -> bool {
    matches!(role, Role::Device | Role::Service | Role::System)
}

/// One list of sensitive studies.
const fn default_strong_minutes() -> u32 {
    60
}

/// GB/T 22239: a session that rests is ended.
const fn default_idle_minutes() -> u32 {
    15
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(text: &str) -> Identity {
        toml::from_str(&format!("database = \"sqlite:identity.db\"\n{text}")).unwrap()
    }

    fn worst(text: &str) -> Vec<(Severity, &'static str)> {
        check(&identity(text), None).into_iter().map(|finding| (finding.severity, finding.option)).collect()
    }

    #[test]
    fn that_a_password_is_enough_for_officers_is_said() {
        assert_eq!(worst(""), [(Severity::Warning, "identity.require_second_factor_for")]);
        let all = r#"require_second_factor_for = ["system-administrator", "security-administrator", "audit-administrator"]"#;
        assert_eq!(worst(all), []);
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let error = |option| (Severity::Error, option);
        for (text, option) in [
            (r#"require_second_factor_for = ["device"]"#, "identity.require_second_factor_for"),
            (r#"require_passkey_for = ["service"]"#, "identity.require_passkey_for"),
            (r#"require_passkey_for = ["chief"]"#, "identity.require_passkey_for"),
            ("strong_minutes = 0", "identity.strong_minutes"),
            ("idle_minutes = 721", "identity.idle_minutes"),
            ("idle_minutes_for = { radiologist = 0 }", "identity.idle_minutes_for"),
            ("idle_zones = [{ networks = [\"10.1\"], idle_minutes = 30 }]", "identity.idle_zones"),
            ("idle_zones = [{ networks = [], idle_minutes = 30 }]", "identity.idle_zones"),
        ] {
            assert!(worst(text).contains(&error(option)), "{text}");
        }
        assert!(
            toml::from_str::<Identity>("database = \"sqlite:x\"\nrequire_second_factor_for = [\"boss\"]")
                .is_err()
        );
    }

    #[test]
    fn passkeys_are_for_the_address_that_people_use_and_need_one_with_a_name() {
        let of_officers = r#"require_passkey_for = ["system-administrator", "security-administrator", "audit-administrator"]"#;
        let named = identity(of_officers);
        assert_eq!(check(&named, Some("https://archive.example:8443")), []);
        let party = named.rules(Some("https://archive.example:8443")).relying_party.unwrap();
        assert_eq!((party.id(), party.origin()), ("archive.example", "https://archive.example:8443"));
        for none in [None, Some("https://10.1.2.3:8443")] {
            assert_eq!(named.rules(none).relying_party, None);
            let findings = check(&named, none);
            assert_eq!(findings.len(), 1);
            assert!(findings[0].remedy.contains("web.public_url"), "{findings:?}");
        }
    }

    #[test]
    fn zones_and_roles_become_rules() {
        let rules = identity(
            "idle_minutes_for = { radiologist = 20 }\nidle_zones = [{ networks = [\"10.1.2.0/24\"], idle_minutes = 30 }]",
        )
        .rules(None);
        let at = |role, address: &str| rules.idle.limit(role, address.parse().unwrap()).as_secs() / 60;
        assert_eq!(at(Role::Clinician, "192.0.2.1"), 15);
        assert_eq!(at(Role::Radiologist, "192.0.2.1"), 20);
        assert_eq!(at(Role::Clinician, "10.1.2.9"), 30);
        assert_eq!(rules.strong.as_secs(), 3600);
    }
}
