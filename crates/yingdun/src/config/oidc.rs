//! The section `[identity.oidc]`: a provider of OpenID Connect with which people sign in.

use super::Finding;
use super::finding::{Severity, readable_by_others};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use yingdun_access::{OidcRules, is_protected};
use yingdun_model::Role;

/// The longest time since the authentication at the provider, in minutes: a day.
const AGE_MINUTES_MAX: u32 = 24 * 60;
/// Mapped roles or groups, far above what a hospital has of them for one archive.
const MAPPED_MAX: usize = 1000;

/// A provider. Unset means that everybody has a password here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oidc {
    /// The provider, exactly as it names itself.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// A file with the secret that the provider gave us.
    pub(crate) client_secret_file: PathBuf,
    /// The authorities that its certificate must come from; unneeded without TLS only.
    pub(crate) ca_file: Option<PathBuf>,
    /// How people call it.
    #[serde(default = "default_label")]
    pub(crate) label: String,
    /// What is asked for beside `openid`.
    #[serde(default = "default_scopes")]
    pub(crate) scopes: Vec<String>,
    /// The claim with roles or groups; unset means that the provider gives none.
    pub(crate) roles_claim: Option<String>,
    /// Which of them gives which role.
    #[serde(default)]
    pub(crate) roles: BTreeMap<String, Role>,
    /// The claim with the name of a new account.
    #[serde(default = "default_name_claim")]
    pub(crate) name_claim: String,
    /// Whether somebody who gets a role and has no account gets one.
    #[serde(default)]
    pub(crate) provision: bool,
    /// Methods and contexts that say that a second factor was proved.
    #[serde(default)]
    pub(crate) second_factor_amr: BTreeSet<String>,
    #[serde(default)]
    pub(crate) second_factor_acr: BTreeSet<String>,
    /// Minutes since the authentication there after which it is asked for anew.
    #[serde(default = "default_age_minutes")]
    pub(crate) age_minutes: u32,
    /// Whether a provider on loopback may be reached without TLS.
    #[serde(default)]
    pub(crate) plain_on_loopback: bool,
}

impl Oidc {
    /// What is made of the word of the provider.
    pub(crate) fn rules(&self) -> OidcRules {
        OidcRules {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            scopes: self.scopes.clone(),
            label: self.label.clone(),
            roles_claim: self.roles_claim.clone(),
            roles: self.roles.clone(),
            name_claim: self.name_claim.clone(),
            provision: self.provision,
            second_factor_amr: self.second_factor_amr.clone(),
            second_factor_acr: self.second_factor_acr.clone(),
            age_max: Duration::from_secs(60 * u64::from(self.age_minutes)),
        }
    }

    /// The paths in it, to be taken from the folder of the configuration.
    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.client_secret_file).chain(self.ca_file.as_mut())
    }
}

/// Judges the section.
pub(super) fn check(oidc: &Oidc) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, option, cause: String, remedy| {
        findings.push(Finding { severity, option, cause, remedy });
    };
    let plain = oidc.issuer.starts_with("http://");
    if !is_protected(&oidc.issuer, oidc.plain_on_loopback) || oidc.issuer.contains('?') {
        let cause = format!("`{}` is not an https address without a query", oidc.issuer);
        let remedy = "write the issuer as the provider does; for a trial on this machine, http://127.0.0.1 and plain_on_loopback = true";
        say(Severity::Error, "identity.oidc.issuer", cause, remedy);
    } else if plain {
        let cause = "the provider is reached without TLS, on loopback".to_owned();
        say(Severity::Warning, "identity.oidc.issuer", cause, "use https://, unless this is for trying");
    }
    if oidc.client_id.is_empty() {
        let cause = "there is no client identifier".to_owned();
        say(Severity::Error, "identity.oidc.client_id", cause, "register this archive at the provider");
    }
    if !oidc.client_secret_file.is_file() {
        let cause = format!("there is no file `{}`", oidc.client_secret_file.display());
        say(
            Severity::Error,
            "identity.oidc.client_secret_file",
            cause,
            "put the secret that the provider gave into it",
        );
    } else if readable_by_others(&oidc.client_secret_file) {
        let cause = format!("`{}` can be read by other accounts", oidc.client_secret_file.display());
        say(Severity::Error, "identity.oidc.client_secret_file", cause, "chmod 600 it");
    }
    match &oidc.ca_file {
        Some(path) if !path.is_file() => {
            let cause = format!("there is no file `{}`", path.display());
            say(
                Severity::Error,
                "identity.oidc.ca_file",
                cause,
                "name a PEM file with the authority of the provider",
            );
        }
        None if !plain => {
            let cause = "no authority is named, and those of the machine are not asked".to_owned();
            say(
                Severity::Error,
                "identity.oidc.ca_file",
                cause,
                "name a PEM file with the authority of the provider",
            );
        }
        Some(_) | None => {}
    }
    if let Some((word, role)) = oidc
        .roles
        .iter()
        .find(|(_, role)| role.is_alone() || matches!(role, Role::Device | Role::Service | Role::System))
    {
        let cause = format!("`{word}` would give the role `{role}`, which no other directory gives");
        let remedy = "take the line away: officers and patients are made here, and sign in with a password and a second factor";
        say(Severity::Error, "identity.oidc.roles", cause, remedy);
    }
    if oidc.roles.len() > MAPPED_MAX {
        let cause = format!("there are more than {MAPPED_MAX} lines");
        say(
            Severity::Error,
            "identity.oidc.roles",
            cause,
            "have the provider give a few roles for this archive",
        );
    }
    if oidc.roles_claim.is_none() != oidc.roles.is_empty() {
        let cause = "only one of roles_claim and roles is set, so the provider gives no role".to_owned();
        say(
            Severity::Warning,
            "identity.oidc.roles_claim",
            cause,
            "set both, or none: then officers give the roles",
        );
    }
    if oidc.provision && (oidc.roles_claim.is_none() || oidc.roles.is_empty()) {
        let cause =
            "accounts are made for people whom the provider gives a role, and it gives none".to_owned();
        say(
            Severity::Error,
            "identity.oidc.provision",
            cause,
            "set roles_claim and roles, or provision = false",
        );
    }
    if !(1..=AGE_MINUTES_MAX).contains(&oidc.age_minutes) {
        let cause = format!("{} is not between 1 and {AGE_MINUTES_MAX}", oidc.age_minutes);
        say(Severity::Error, "identity.oidc.age_minutes", cause, "set 480, a shift");
    }
    findings
}

// === helpers ===

fn default_label() -> String {
    "统一登录 Single sign-on".into()
}

fn default_scopes() -> Vec<String> {
    vec!["profile".into()]
}

fn default_name_claim() -> String {
    "preferred_username".into()
}

/// A shift.
const fn default_age_minutes() -> u32 {
    480
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(&'static str, Severity)> {
        let folder = tempfile::tempdir().unwrap();
        let [secret, ca] = ["secret", "ca.pem"].map(|name| folder.path().join(name));
        std::fs::write(&secret, "s").unwrap();
        std::fs::write(&ca, "c").unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let files = format!("client_id = \"y\"\nclient_secret_file = {secret:?}\nca_file = {ca:?}\n");
        let oidc: Oidc = toml::from_str(&format!("{files}{text}")).unwrap();
        check(&oidc).into_iter().map(|finding| (finding.option, finding.severity)).collect()
    }

    #[test]
    fn what_would_open_more_than_was_meant_is_an_error() {
        let https = "issuer = \"https://sso.example/realms/a\"\n";
        assert_eq!(told(https), []);
        let mapped = "roles_claim = \"groups\"\nprovision = true\n[roles]\ndoctors = \"clinician\"";
        assert_eq!(told(&format!("{https}{mapped}")), []);
        let error = |option| (option, Severity::Error);
        assert_eq!(told("issuer = \"http://sso.example\""), [error("identity.oidc.issuer")]);
        assert_eq!(told("issuer = \"http://127.0.0.1:3000\""), [error("identity.oidc.issuer")]);
        let loopback = "issuer = \"http://127.0.0.1:3000\"\nplain_on_loopback = true";
        assert_eq!(told(loopback), [("identity.oidc.issuer", Severity::Warning)]);
        for officer in ["system-administrator", "security-administrator", "audit-administrator", "service"] {
            let mapping = format!("{https}roles_claim = \"groups\"\n[roles]\nboss = \"{officer}\"");
            assert_eq!(told(&mapping), [error("identity.oidc.roles")], "{officer}");
        }
        assert!(told(&format!("{https}provision = true")).contains(&error("identity.oidc.provision")));
        assert_eq!(told(&format!("{https}age_minutes = 0")), [error("identity.oidc.age_minutes")]);
        let half = told(&format!("{https}roles_claim = \"groups\""));
        assert_eq!(half, [("identity.oidc.roles_claim", Severity::Warning)]);
    }
}
