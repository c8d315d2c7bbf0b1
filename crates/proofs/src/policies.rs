//! The policies as files: read from a folder, parsed, each under the name of its `@id`.

use crate::property::{Bound, Mutant};
use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema};
use std::path::{Path, PathBuf};
use std::str::FromStr;

const SCHEMA_FILE: &str = "schema.cedarschema";

/// Why there are no policies to speak of.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A text is not in the policy language.
    #[error("{what} is not valid Cedar: {detail}")]
    Syntax {
        /// Which text.
        what: String,
        /// What the parser says.
        detail: String,
    },
    /// A policy without a name, or two with one.
    #[error("{0}: each policy has an @id of its own")]
    Name(String),
    /// A rule of an institution that permits.
    #[error("{0}: rules of an institution only forbid")]
    Permits(String),
    /// A mutant does not fit the policies: they have changed since it was written.
    #[error("the mutant does not fit: {0}")]
    Mutant(String),
}

/// A set of policies and the schema that they speak of.
pub struct Policies {
    /// The words.
    pub schema: Schema,
    /// The policies, in the order of the files.
    pub policies: Vec<Policy>,
}

impl Policies {
    /// Reads `schema.cedarschema` and every `*.cedar` file of a folder.
    ///
    /// # Errors
    /// When something cannot be read or parsed, or has no name.
    pub fn read(folder: &Path) -> Result<Self, PoliciesError> {
        let schema_text = read(&folder.join(SCHEMA_FILE))?;
        let schema = Schema::from_str(&schema_text).map_err(|error| PoliciesError::Syntax {
            what: SCHEMA_FILE.to_owned(),
            detail: error.to_string(),
        })?;
        let files = cedar_files(folder)?;
        let mut read_so_far = Self { schema, policies: Vec::new() };
        read_so_far.add(&files)?;
        Ok(read_so_far)
    }

    /// The same policies with every `*.cedar` file of a folder of rules of an institution, which only forbid.
    ///
    /// # Errors
    /// As [`Self::read`], and [`PoliciesError::Permits`].
    pub fn with_local(mut self, folder: &Path) -> Result<Self, PoliciesError> {
        let known = self.policies.len();
        self.add(&cedar_files(folder)?)?;
        match self.policies.iter().skip(known).find(|policy| policy.effect() != Effect::Forbid) {
            None => Ok(self),
            Some(policy) => Err(PoliciesError::Permits(policy.id().to_string())),
        }
    }

    fn add(&mut self, files: &[PathBuf]) -> Result<(), PoliciesError> {
        for path in files {
            for policy in parse(&path.display().to_string(), &read(path)?)? {
                if self.policies.iter().any(|other| other.id() == policy.id()) {
                    return Err(PoliciesError::Name(policy.id().to_string()));
                }
                self.policies.push(policy);
            }
        }
        Ok(())
    }

    /// The policies as a set.
    ///
    /// # Errors
    /// When two have one name.
    pub fn set(&self) -> Result<PolicySet, PoliciesError> {
        to_set(self.policies.clone())
    }

    /// The policies after the changes of a mutant.
    ///
    /// # Errors
    /// When a change does not fit: the policy is not there, or the text is not in it exactly once.
    pub fn weakened(&self, mutants: &[Mutant]) -> Result<PolicySet, PoliciesError> {
        let mut policies = self.policies.clone();
        for mutant in mutants {
            match mutant {
                Mutant::Without(id) => {
                    let place = position(&policies, id)?;
                    policies.remove(place);
                }
                Mutant::Changed(id, from, to) => {
                    let place = position(&policies, id)?;
                    let was = policies.remove(place);
                    policies.push(changed(&was, id, from, to)?);
                }
                Mutant::With(text) => policies.extend(parse("mutant", text)?),
            }
        }
        to_set(policies)
    }
}

/// The one policy that a bound is: it permits what fulfils the condition.
///
/// # Errors
/// When the condition is not valid Cedar.
pub(crate) fn bound(bound: &Bound) -> Result<PolicySet, PoliciesError> {
    let (Bound::AtMost(condition) | Bound::AtLeast(condition)) = bound;
    to_set(parse(
        "the bound",
        &format!("@id(\"bound\") permit (principal, action, resource) when {{ {condition} }};"),
    )?)
}

// === helpers ===

fn cedar_files(folder: &Path) -> Result<Vec<PathBuf>, PoliciesError> {
    let unreadable = |source| PoliciesError::Unreadable { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, PoliciesError> {
    std::fs::read_to_string(path)
        .map_err(|source| PoliciesError::Unreadable { path: path.to_owned(), source })
}

fn parse(what: &str, text: &str) -> Result<Vec<Policy>, PoliciesError> {
    let set = PolicySet::from_str(text)
        .map_err(|error| PoliciesError::Syntax { what: what.to_owned(), detail: format!("{error:?}") })?;
    set.policies()
        .map(|policy| match policy.annotation("id") {
            Some(id) => Ok(policy.new_id(PolicyId::new(id))),
            None => Err(PoliciesError::Name(format!("a policy of {what}"))),
        })
        .collect()
}

fn to_set(policies: Vec<Policy>) -> Result<PolicySet, PoliciesError> {
    PolicySet::from_policies(policies).map_err(|error| PoliciesError::Name(error.to_string()))
}

fn position(policies: &[Policy], id: &str) -> Result<usize, PoliciesError> {
    policies
        .iter()
        .position(|policy| AsRef::<str>::as_ref(policy.id()) == id)
        .ok_or_else(|| PoliciesError::Mutant(format!("there is no policy `{id}`")))
}

fn changed(policy: &Policy, id: &str, from: &str, to: &str) -> Result<Policy, PoliciesError> {
    let text = policy.to_string();
    if text.matches(from).count() != 1 {
        return Err(PoliciesError::Mutant(format!("`{from}` is not in policy `{id}` exactly once:\n{text}")));
    }
    let mut policies = parse(id, &text.replace(from, to))?;
    match (policies.pop(), policies.is_empty()) {
        (Some(policy), true) => Ok(policy),
        _ => Err(PoliciesError::Mutant(format!("what is left of policy `{id}` is not one policy"))),
    }
}
