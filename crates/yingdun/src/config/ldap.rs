//! The section `[identity.ldap]`: a directory whose people sign in with their passwords of there.

use super::Finding;
use super::finding::{Severity, readable_by_others};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use yingdun_access::{GroupName, LdapRules};
use yingdun_ldap::{Filter, ServerAddress, Times};
use yingdun_model::{DepartmentId, Role};

/// Mapped groups, far above what a hospital has of them for one archive.
const MAPPED_MAX: usize = 1000;
/// The longest time for one call, in seconds: a person waits for it.
const SECONDS_MAX: u32 = 60;
/// Connections at the same time: the directory serves others too.
const CONNECTIONS_MAX: u32 = 256;
/// How often people with sessions are looked up, in seconds.
const LOOK_SECONDS: std::ops::RangeInclusive<u32> = 5..=3600;
/// The places of filters.
const NAME: &str = "name";
const DN: &str = "dn";

/// A directory. Unset means that nobody signs in with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ldap {
    /// `ldaps://HOST:PORT`, or `ldap://HOST:PORT` with StartTLS. There is no way without TLS.
    pub(crate) url: String,
    /// The authorities that its certificate must come from.
    pub(crate) ca_file: PathBuf,
    /// As whom it is asked, and a file with the password of that entry.
    pub(crate) bind_dn: String,
    pub(crate) bind_password_file: PathBuf,
    /// Below which entry people are.
    pub(crate) base: String,
    /// Who signs in by a name, which stands for `{name}`.
    #[serde(default = "default_filter")]
    pub(crate) filter: String,
    /// Who is disabled there.
    pub(crate) disabled_filter: Option<String>,
    /// By what the directory tells people apart, for ever.
    #[serde(default = "default_subject_attribute")]
    pub(crate) subject_attribute: String,
    /// The name of a new account.
    #[serde(default = "default_name_attribute")]
    pub(crate) name_attribute: String,
    /// The attribute of a person with the names of the groups; or below which entry groups are, and which are those of a person.
    #[serde(default = "default_groups_attribute")]
    pub(crate) groups_attribute: String,
    pub(crate) group_base: Option<String>,
    pub(crate) group_filter: Option<String>,
    /// Which group gives which role.
    #[serde(default)]
    pub(crate) roles: BTreeMap<String, Role>,
    /// Which group makes a member of which department.
    #[serde(default)]
    pub(crate) departments: BTreeMap<String, String>,
    /// Whether somebody who gets a role and has no account gets one.
    #[serde(default)]
    pub(crate) provision: bool,
    /// How the directory is called where accounts are bound to it.
    #[serde(default = "default_directory")]
    pub(crate) directory: String,
    #[serde(default = "default_connect_seconds")]
    pub(crate) connect_seconds: u32,
    #[serde(default = "default_answer_seconds")]
    pub(crate) answer_seconds: u32,
    #[serde(default = "default_connections")]
    pub(crate) connections: u32,
    #[serde(default = "default_look_seconds")]
    pub(crate) look_seconds: u32,
}

/// What is asked, read from the texts of the section.
#[derive(Clone, Debug)]
pub(crate) struct LdapQuestions {
    pub(crate) address: ServerAddress,
    pub(crate) person: Filter,
    pub(crate) disabled: Option<Filter>,
    /// Where groups are searched, and how.
    pub(crate) groups: Option<(String, Filter)>,
}

impl Ldap {
    /// What is made of the word of the directory. A department that is none, which [`check`] calls an error, has no members.
    pub(crate) fn rules(&self) -> LdapRules {
        let department =
            |(group, name): (&String, &String)| Some((GroupName::new(group), DepartmentId::new(name).ok()?));
        LdapRules {
            directory: self.directory.clone(),
            roles: self.roles.iter().map(|(group, role)| (GroupName::new(group), *role)).collect(),
            departments: self.departments.iter().filter_map(department).collect(),
            provision: self.provision,
        }
    }

    /// What is asked, or the option that is wrong and why.
    pub(crate) fn questions(&self) -> Result<LdapQuestions, (&'static str, String)> {
        let filter = |option, text: &str, places: &[&str]| {
            Filter::parse(text, places).map_err(|error| (option, format!("`{text}` is no filter: {error}")))
        };
        let address = self.url.parse().map_err(|cause| ("identity.ldap.url", cause))?;
        let option = "identity.ldap.filter";
        let person = filter(option, &self.filter, &[NAME])?;
        if !person.has_place(NAME) {
            return Err((option, format!("`{}` finds the same people for every name", self.filter)));
        }
        let disabled = self.disabled_filter.as_deref();
        let disabled = disabled.map(|text| filter("identity.ldap.disabled_filter", text, &[])).transpose()?;
        let option = "identity.ldap.group_filter";
        let groups = match (&self.group_base, &self.group_filter) {
            (None, None) => None,
            (Some(base), Some(text)) => {
                let groups = filter(option, text, &[NAME, DN])?;
                if !groups.has_place(NAME) && !groups.has_place(DN) {
                    return Err((option, format!("`{text}` finds the same groups for everybody")));
                }
                Some((base.clone(), groups))
            }
            _ => return Err((option, "only one of group_base and group_filter is set".to_owned())),
        };
        Ok(LdapQuestions { address, person, disabled, groups })
    }

    /// How long the directory may take.
    pub(crate) fn times(&self) -> Times {
        let seconds = |count: u32| Duration::from_secs(count.into());
        Times { connect: seconds(self.connect_seconds), answer: seconds(self.answer_seconds) }
    }

    /// The paths in it, to be taken from the folder of the configuration.
    pub(super) fn paths_mut(&mut self) -> [&mut PathBuf; 2] {
        [&mut self.ca_file, &mut self.bind_password_file]
    }
}

/// Judges the section.
pub(super) fn check(ldap: &Ldap) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, option, cause: String, remedy| {
        findings.push(Finding { severity, option, cause, remedy });
    };
    if let Err((option, cause)) = ldap.questions() {
        let remedy = match option {
            "identity.ldap.url" => {
                "write ldaps://HOST, or ldap://HOST for StartTLS; there is no way without TLS"
            }
            "identity.ldap.filter" => "write it as in (&(objectClass=person)(uid={name}))",
            "identity.ldap.disabled_filter" => {
                "write it as in (userAccountControl:1.2.840.113556.1.4.803:=2), or leave it out"
            }
            _ => "set both, as in (member={dn}), or none: then groups_attribute of the person names them",
        };
        say(Severity::Error, option, cause, remedy);
    }
    for (option, text, remedy) in [
        (
            "identity.ldap.bind_dn",
            &ldap.bind_dn,
            "name an entry that may read people and their groups, and nothing else",
        ),
        ("identity.ldap.base", &ldap.base, "name the entry below which people are"),
        (
            "identity.ldap.subject_attribute",
            &ldap.subject_attribute,
            "write entryUUID, or objectGUID at Active Directory",
        ),
        (
            "identity.ldap.name_attribute",
            &ldap.name_attribute,
            "write uid, or sAMAccountName at Active Directory",
        ),
        (
            "identity.ldap.directory",
            &ldap.directory,
            "leave it out; a name is needed for a second directory only",
        ),
    ] {
        if text.trim().is_empty() {
            say(Severity::Error, option, "it is empty".to_owned(), remedy);
        }
    }
    if ["dn", "distinguishedname", "cn", "uid", "mail", "samaccountname", "userprincipalname"]
        .contains(&ldap.subject_attribute.to_lowercase().as_str())
    {
        let cause = format!("`{}` may be given to somebody else one day", ldap.subject_attribute);
        let remedy =
            "write entryUUID, or objectGUID at Active Directory: whoever has the subject has the account";
        say(Severity::Error, "identity.ldap.subject_attribute", cause, remedy);
    }
    for (option, path) in [
        ("identity.ldap.ca_file", &ldap.ca_file),
        ("identity.ldap.bind_password_file", &ldap.bind_password_file),
    ] {
        if !path.is_file() {
            let cause = format!("there is no file `{}`", path.display());
            let remedy = match option {
                "identity.ldap.ca_file" => "name a PEM file with the authority of the directory",
                _ => "put the password of bind_dn into it",
            };
            say(Severity::Error, option, cause, remedy);
        } else if option == "identity.ldap.bind_password_file" && readable_by_others(path) {
            let cause = format!("`{}` can be read by other accounts", path.display());
            say(Severity::Error, option, cause, "chmod 600 it");
        }
    }
    let of_nobody =
        |role: Role| role.is_officer() || matches!(role, Role::Device | Role::Service | Role::System);
    if let Some((group, role)) = ldap.roles.iter().find(|(_, role)| of_nobody(**role)) {
        let cause = format!("`{group}` would give the role `{role}`, which no other directory gives");
        let remedy = "take the line away: officers are appointed here, and sign in with a password and a second factor";
        say(Severity::Error, "identity.ldap.roles", cause, remedy);
    }
    if ldap.roles.len() > MAPPED_MAX || ldap.departments.len() > MAPPED_MAX {
        let cause = format!("there are more than {MAPPED_MAX} lines");
        say(Severity::Error, "identity.ldap.roles", cause, "make a few groups for this archive");
    }
    if let Some((_, name)) = ldap.departments.iter().find(|(_, name)| DepartmentId::new(name).is_err()) {
        let cause = format!("`{name}` is no short name of a department");
        say(
            Severity::Error,
            "identity.ldap.departments",
            cause,
            "write it as the department was entered here",
        );
    }
    if ldap.provision && ldap.roles.is_empty() {
        let cause =
            "accounts are made for people whom the directory gives a role, and it gives none".to_owned();
        say(Severity::Error, "identity.ldap.provision", cause, "set roles, or provision = false");
    }
    for (option, seconds) in [
        ("identity.ldap.connect_seconds", ldap.connect_seconds),
        ("identity.ldap.answer_seconds", ldap.answer_seconds),
    ] {
        if !(1..=SECONDS_MAX).contains(&seconds) {
            let cause = format!("{seconds} is not between 1 and {SECONDS_MAX}");
            say(Severity::Error, option, cause, "set 3: a person waits for it");
        }
    }
    if !(1..=CONNECTIONS_MAX).contains(&ldap.connections) {
        let cause = format!("{} is not between 1 and {CONNECTIONS_MAX}", ldap.connections);
        say(Severity::Error, "identity.ldap.connections", cause, "set 16");
    }
    if !LOOK_SECONDS.contains(&ldap.look_seconds) {
        let cause = format!("{} is not between 5 and 3600", ldap.look_seconds);
        say(
            Severity::Error,
            "identity.ldap.look_seconds",
            cause,
            "set 300: whoever left has no session after that",
        );
    }
    if ldap.disabled_filter.is_none() {
        let cause =
            "who is disabled in the directory is not known here: a session of theirs goes on to its end"
                .to_owned();
        say(
            Severity::Warning,
            "identity.ldap.disabled_filter",
            cause,
            "set it, as in (pwdAccountLockedTime=*), or (userAccountControl:1.2.840.113556.1.4.803:=2) at Active Directory",
        );
    }
    findings
}

// === helpers ===

fn default_filter() -> String {
    "(&(objectClass=inetOrgPerson)(uid={name}))".into()
}

fn default_subject_attribute() -> String {
    "entryUUID".into()
}

fn default_name_attribute() -> String {
    "uid".into()
}

fn default_groups_attribute() -> String {
    "memberOf".into()
}

fn default_directory() -> String {
    "ldap".into()
}

const fn default_connect_seconds() -> u32 {
    3
}

const fn default_answer_seconds() -> u32 {
    5
}

const fn default_connections() -> u32 {
    16
}

const fn default_look_seconds() -> u32 {
    300
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
        let files = format!(
            "ca_file = {ca:?}\nbind_password_file = {secret:?}\nbind_dn = \"cn=y\"\nbase = \"dc=h\"\n\
             disabled_filter = \"(pwdAccountLockedTime=*)\"\n"
        );
        let ldap: Ldap = toml::from_str(&format!("{files}{text}")).unwrap();
        check(&ldap).into_iter().map(|finding| (finding.option, finding.severity)).collect()
    }

    #[test]
    fn what_would_open_more_than_was_meant_is_an_error() {
        let tls = "url = \"ldaps://dc1.hospital.example\"\n";
        assert_eq!(told(tls), []);
        assert_eq!(told("url = \"ldap://dc1.hospital.example\""), [], "that is StartTLS");
        let mapped = "provision = true\n[roles]\n\"cn=doctors,dc=h\" = \"clinician\"\n[departments]\n\"cn=ct,dc=h\" = \"ct\"";
        assert_eq!(told(&format!("{tls}{mapped}")), []);
        let error = |option| (option, Severity::Error);
        for plain in ["ldapi:///run/slapd", "ldap+plain://dc1", "dc1", "http://dc1"] {
            assert_eq!(told(&format!("url = \"{plain}\"")), [error("identity.ldap.url")], "{plain}");
        }
        for (text, option) in [
            ("filter = \"(uid=li)\"", "identity.ldap.filter"),
            ("filter = \"(uid={name}\"", "identity.ldap.filter"),
            ("group_base = \"ou=groups\"", "identity.ldap.group_filter"),
            ("group_base = \"ou=groups\"\ngroup_filter = \"(cn=*)\"", "identity.ldap.group_filter"),
            ("subject_attribute = \"uid\"", "identity.ldap.subject_attribute"),
            ("subject_attribute = \"DN\"", "identity.ldap.subject_attribute"),
            ("provision = true", "identity.ldap.provision"),
            ("answer_seconds = 0", "identity.ldap.answer_seconds"),
            ("connections = 0", "identity.ldap.connections"),
            ("look_seconds = 4", "identity.ldap.look_seconds"),
            ("departments = { \"cn=ct\" = \"C T\" }", "identity.ldap.departments"),
            ("roles = { \"cn=boss\" = \"system-administrator\" }", "identity.ldap.roles"),
            ("roles = { \"cn=boss\" = \"service\" }", "identity.ldap.roles"),
        ] {
            assert_eq!(told(&format!("{tls}{text}")), [error(option)], "{text}");
        }
    }
}
