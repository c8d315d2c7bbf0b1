//! A directory that is asked by LDAP: how it is asked, and what is made of its word.
//!
//! Calls are made by whoever implements [`LdapDirectory`]; this room does nothing on a network. Sign-ins are in
//! `sign_in::ldap`, and who left in `look`.

use super::{Introduced, Source, Subject};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use yingdun_model::{DepartmentId, Role, Secret};

/// What a call to a directory gives.
pub type DirectoryCall<'a, T> = Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + Send + 'a>>;

/// How a directory is asked. Answers are bounded in size and time; whom it calls disabled is nobody to it.
pub trait LdapDirectory: Send + Sync {
    /// Who has a name.
    fn find<'a>(&'a self, name: &'a str) -> DirectoryCall<'a, NameFound>;

    /// Those of these subjects who are there.
    fn look<'a>(&'a self, subjects: &'a [String]) -> DirectoryCall<'a, Vec<LdapPerson>>;

    /// Whether a password is that of a person. An empty one is that of nobody.
    fn prove<'a>(&'a self, person: &'a LdapPerson, password: &'a Secret<String>) -> DirectoryCall<'a, bool>;
}

/// Why a directory gave nothing. Causes hold nothing of a person, and no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It does not answer, or answers what cannot be used.
    #[error("the directory cannot be used: {0}")]
    Away(String),
    /// As many ask it at this moment as may.
    #[error("too many ask the directory at the same time")]
    Busy,
}

/// Who has a name.
#[derive(Clone, Debug)]
pub enum NameFound {
    /// Nobody, or somebody who is disabled there.
    Nobody,
    /// More than one entry: nobody can say who is meant.
    Several,
    /// One person.
    One(LdapPerson),
}

/// A person as a directory shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct LdapPerson {
    /// The name of the entry, by which the password is tried.
    pub dn: String,
    /// By what the directory tells people apart, for ever.
    pub subject: String,
    /// The name that an account gets which is made now.
    pub name: Option<String>,
    /// The names of the groups.
    pub groups: BTreeSet<String>,
}

impl fmt::Debug for LdapPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapPerson").field("groups", &self.groups.len()).finish_non_exhaustive()
    }
}

/// A directory, and what is made of its word.
#[derive(Clone)]
pub struct LdapSetup {
    /// What holds.
    pub rules: LdapRules,
    /// How it is asked.
    pub directory: Arc<dyn LdapDirectory>,
}

impl fmt::Debug for LdapSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapSetup").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// What is made of the word of a directory. What is not set gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapRules {
    /// How the directory is called where accounts are bound to it. Another name is another directory.
    pub directory: String,
    /// Which group gives which role here.
    pub roles: BTreeMap<GroupName, Role>,
    /// Which group makes a member of which department here.
    pub departments: BTreeMap<GroupName, DepartmentId>,
    /// Whether an account is made for somebody who has none and gets a role.
    pub provision: bool,
}

/// The name of a group, in the form in which two are compared: without case, and without blanks beside `,` and `=`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName(String);

impl GroupName {
    /// The form of a distinguished name.
    #[must_use]
    pub fn new(dn: &str) -> Self {
        let mut form = String::with_capacity(dn.len());
        let mut blanks = 0_usize;
        let mut escaped = false;
        for c in dn.trim().chars() {
            if c == ' ' && !escaped {
                blanks += 1;
                continue;
            }
            let divides = !escaped && matches!(c, ',' | '=' | '+');
            let begins = form.ends_with([',', '=', '+']) && !form.ends_with("\\,") && !form.ends_with("\\=");
            if blanks > 0 && !divides && !begins {
                form.push(' ');
            }
            blanks = 0;
            escaped = c == '\\' && !escaped;
            form.extend(c.to_lowercase());
        }
        Self(form)
    }
}

impl LdapRules {
    /// Who somebody is.
    pub(crate) fn subject(&self, person: &LdapPerson) -> Subject {
        Subject { directory: self.directory.clone(), subject: person.subject.clone() }
    }

    /// The roles of the groups. No officer is appointed there.
    pub(crate) fn roles_of(&self, person: &LdapPerson) -> BTreeSet<Role> {
        let role = |group: &String| self.roles.get(&GroupName::new(group)).copied();
        person.groups.iter().filter_map(role).filter(|role| !role.is_officer()).collect()
    }

    /// The departments of the groups; none where no group is mapped, and memberships are none of its business.
    pub(crate) fn departments_of(&self, person: &LdapPerson) -> Option<BTreeSet<DepartmentId>> {
        let department = |group: &String| self.departments.get(&GroupName::new(group)).cloned();
        (!self.departments.is_empty()).then(|| person.groups.iter().filter_map(department).collect())
    }

    /// What the directory says of somebody whom it has just authenticated.
    pub(crate) fn introduced(&self, person: &LdapPerson) -> Introduced {
        Introduced {
            source: Source::Ldap,
            subject: self.subject(person),
            name: person.name.clone(),
            roles: self.roles_of(person),
            departments: self.departments_of(person),
            provision: self.provision,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_group_is_written_in_many_ways() {
        let group = GroupName::new("cn=Doctors,ou=groups,dc=h");
        for same in ["CN=doctors,OU=Groups,DC=h", " cn = Doctors , ou=groups,dc=h "] {
            assert_eq!(GroupName::new(same), group, "{same}");
        }
        for other in ["cn=doctors,ou=groups", "cn=doc tors,ou=groups,dc=h", "cn=doctors\\,ou=groups,dc=h", ""]
        {
            assert_ne!(GroupName::new(other), group, "{other}");
        }
        assert_eq!(GroupName::new("cn=a  b,dc=h"), GroupName::new("cn=A b,dc=h"));
        assert_ne!(GroupName::new("cn=a\\, b,dc=h"), GroupName::new("cn=a\\,b,dc=h"));
    }

    #[test]
    fn groups_give_what_is_mapped_and_never_an_office() {
        let rules = LdapRules {
            directory: "ldap".into(),
            roles: BTreeMap::from([
                (GroupName::new("cn=doctors"), Role::Clinician),
                (GroupName::new("cn=bosses"), Role::SystemAdministrator),
            ]),
            departments: BTreeMap::new(),
            provision: true,
        };
        let groups = ["CN=Doctors", "cn=bosses", "cn=bowling"].map(str::to_owned).into();
        let person = LdapPerson { dn: "uid=li".into(), subject: "1".into(), name: None, groups };
        assert_eq!(rules.roles_of(&person), BTreeSet::from([Role::Clinician]));
        assert_eq!(rules.departments_of(&person), None, "without a mapping memberships are not touched");
        let surgery = DepartmentId::new("surgery").unwrap();
        let departments = BTreeMap::from([(GroupName::new("cn=doctors"), surgery.clone())]);
        let rules = LdapRules { departments, ..rules };
        assert_eq!(rules.departments_of(&person), Some(BTreeSet::from([surgery])));
        assert!(!format!("{person:?}").contains("li"), "a person has no text form");
    }
}
