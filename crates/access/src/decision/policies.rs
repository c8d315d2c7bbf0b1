//! Loading policies: from the program itself or from a directory, validated strictly, named by a digest.
//!
//! The schema and the guardrails are part of the program: a directory may carry identical copies of both, but
//! not other ones. What it may change are the permits, and it may add forbids.

use super::local::{self, LOCAL_FILE, LocalPolicyError};
use crate::reason::Reason;
use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use yingdun_crypto::digest::Sha256;

/// The schema of the policies that are part of the program.
pub(super) const SCHEMA: &str = include_str!("../../policies/schema.cedarschema");
const SCHEMA_FILE: &str = "schema.cedarschema";
const GUARDRAILS_FILE: &str = "guardrails.cedar";
const GUARDRAILS: &str = include_str!("../../policies/guardrails.cedar");
const DEFAULTS: [(&str, &str); 6] = [
    ("grants.cedar", include_str!("../../policies/grants.cedar")),
    ("machines.cedar", include_str!("../../policies/machines.cedar")),
    ("officers.cedar", include_str!("../../policies/officers.cedar")),
    ("outsiders.cedar", include_str!("../../policies/outsiders.cedar")),
    ("people.cedar", include_str!("../../policies/people.cedar")),
    ("vendors.cedar", include_str!("../../policies/vendors.cedar")),
];

/// The most policies in one set. Deciding costs time in proportion to their number (about 2 µs each), and
/// grants are data, not policies: a set that needs more is a set that enumerates people.
const POLICIES_MAX: usize = 200;

/// The largest policy file, in bytes: some hundred policies. A larger file is not a policy file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where the policies come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PolicySource {
    /// The policies that are part of the program.
    #[default]
    Builtin,
    /// Every `*.cedar` file of a directory in place of the built-in permits; the built-in guardrails stay.
    Directory(PathBuf),
}

/// Why policies could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The directory or a file in it cannot be read.
    #[error("policy file `{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// What was read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is larger than any policy file needs to be.
    #[error("policy file `{}` has {bytes} bytes, at most {FILE_BYTES_MAX} are read", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The directory has no policy file.
    #[error("policy directory `{}` has no file named *.cedar", .0.display())]
    Empty(PathBuf),
    /// A copy of the schema or the guardrails differs from the one in the program.
    #[error(
        "`{0}` is part of the program and must not be changed: write further rules in a file of another name"
    )]
    BuiltinChanged(String),
    /// A file is not in the policy language.
    #[error("policy file `{file}` is not valid Cedar: {detail}")]
    Syntax {
        /// Which file.
        file: String,
        /// What the parser says.
        detail: String,
    },
    /// Templates are data in disguise and are not used.
    #[error("policy file `{0}` holds a template, only whole policies are used")]
    Template(String),
    /// A policy has no `@id`.
    #[error("a policy of file `{0}` has no @id annotation")]
    NoId(String),
    /// Two policies have one name.
    #[error("policy `{0}` is defined twice")]
    DuplicateId(String),
    /// A policy has no `@reason`, or one that is not known, or one that speaks for the other effect.
    #[error("policy `{id}` must carry a known @reason that fits its effect, it carries `{reason}`")]
    Reason {
        /// Which policy.
        id: String,
        /// What it carries.
        reason: String,
    },
    /// More policies than a decision should evaluate.
    #[error("at most {POLICIES_MAX} policies are loaded, these are {0}")]
    TooMany(usize),
    /// The rules of the institution are not of the form that they must have.
    #[error("the rules of the institution: {0}")]
    Local(#[from] LocalPolicyError),
    /// The policies do not fit the schema.
    #[error("the policies do not fit the schema: {0}")]
    Invalid(String),
}

/// Policies that were validated, with the reason of each and the name of the whole.
pub(super) struct LoadedPolicies {
    pub(super) set: PolicySet,
    pub(super) reasons: HashMap<PolicyId, Reason>,
    pub(super) digest: [u8; 32],
    /// The text of every file, by name: what the digest is over.
    pub(super) files: BTreeMap<String, String>,
}

/// Reads, parses and validates a set of policies.
pub(super) fn load(source: &PolicySource) -> Result<LoadedPolicies, PolicyError> {
    let files = match source {
        PolicySource::Builtin => {
            DEFAULTS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        }
        PolicySource::Directory(path) => read_directory(path)?,
    };
    assemble(files, None)
}

/// Parses files, adds the guardrails and the rules of the institution, where there are any, and validates the whole.
pub(super) fn assemble(
    mut files: BTreeMap<String, String>,
    local: Option<&str>,
) -> Result<LoadedPolicies, PolicyError> {
    for (name, builtin) in [(GUARDRAILS_FILE, GUARDRAILS), (SCHEMA_FILE, SCHEMA)] {
        if files.insert(name.to_owned(), builtin.to_owned()).is_some_and(|own| own != builtin) {
            return Err(PolicyError::BuiltinChanged(name.to_owned()));
        }
    }
    if files.contains_key(LOCAL_FILE) {
        return Err(PolicyError::BuiltinChanged(LOCAL_FILE.to_owned()));
    }
    let mut set = PolicySet::new();
    let mut reasons = HashMap::new();
    for (file, text) in files.iter().filter(|(file, _)| *file != SCHEMA_FILE) {
        for policy in parse(file, text)? {
            let reason = reason_of(&policy)?;
            if reasons.insert(policy.id().clone(), reason).is_some() {
                return Err(PolicyError::DuplicateId(policy.id().to_string()));
            }
            set.add(policy).map_err(|error| PolicyError::Invalid(error.to_string()))?;
        }
    }
    if let Some(text) = local {
        for policy in local::read(text, SCHEMA)? {
            if reasons.insert(policy.id().clone(), Reason::LocalRule).is_some() {
                return Err(PolicyError::DuplicateId(policy.id().to_string()));
            }
            set.add(policy).map_err(|error| PolicyError::Invalid(error.to_string()))?;
        }
        files.insert(LOCAL_FILE.to_owned(), text.to_owned());
    }
    let digest = digest_of(&files);
    if reasons.len() > POLICIES_MAX {
        return Err(PolicyError::TooMany(reasons.len()));
    }
    validate(&set)?;
    Ok(LoadedPolicies { set, reasons, digest, files })
}

fn read_directory(directory: &Path) -> Result<BTreeMap<String, String>, PolicyError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| PolicyError::Unreadable { path, source }
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable(directory))? {
        let path = entry.map_err(unreadable(directory))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !name.ends_with(".cedar") && name != SCHEMA_FILE {
            continue;
        }
        let bytes = std::fs::metadata(&path).map_err(unreadable(&path))?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(PolicyError::TooLarge { path, bytes });
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
        files.insert(name.to_owned(), text);
    }
    if !files.keys().any(|name| name.ends_with(".cedar")) {
        return Err(PolicyError::Empty(directory.to_owned()));
    }
    Ok(files)
}

/// The policies of one file, each renamed to its own `@id` (the parser numbers them).
fn parse(file: &str, text: &str) -> Result<Vec<Policy>, PolicyError> {
    let parsed = PolicySet::from_str(text)
        .map_err(|error| PolicyError::Syntax { file: file.to_owned(), detail: error.to_string() })?;
    if parsed.templates().next().is_some() {
        return Err(PolicyError::Template(file.to_owned()));
    }
    parsed
        .policies()
        .map(|policy| {
            let id = policy.annotation("id").filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| PolicyError::NoId(file.to_owned()))?;
            Ok(policy.new_id(PolicyId::new(id)))
        })
        .collect()
}

fn reason_of(policy: &Policy) -> Result<Reason, PolicyError> {
    let word = policy.annotation("reason").unwrap_or_default();
    Reason::from_word(word)
        .filter(|reason| reason.permits() == (policy.effect() == Effect::Permit))
        .ok_or_else(|| PolicyError::Reason {
            id: policy.id().to_string(),
            reason: word.chars().take(64).collect(),
        })
}

fn validate(set: &PolicySet) -> Result<(), PolicyError> {
    let (schema, _warnings) =
        Schema::from_cedarschema_str(SCHEMA).map_err(|error| PolicyError::Invalid(error.to_string()))?;
    let result = Validator::new(schema).validate(set, ValidationMode::Strict);
    if result.validation_passed_without_warnings() {
        return Ok(());
    }
    let errors = result.validation_errors().map(ToString::to_string);
    let warnings = result.validation_warnings().map(ToString::to_string);
    Err(PolicyError::Invalid(errors.chain(warnings).collect::<Vec<_>>().join("; ")))
}

/// SHA-256 over the files in the order of their names, each name and text preceded by its length, so that no
/// two different sets of files have one digest.
fn digest_of(files: &BTreeMap<String, String>) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        sha.update(&(part.len() as u64).to_be_bytes());
        sha.update(part.as_bytes());
    }
    sha.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, text: &str) -> Result<LoadedPolicies, PolicyError> {
        assemble(BTreeMap::from([(name.to_owned(), text.to_owned())]), None)
    }

    #[test]
    fn the_builtin_policies_load_and_every_one_has_a_name_and_a_reason() {
        let loaded = load(&PolicySource::Builtin).unwrap();
        assert!(loaded.reasons.len() >= 20, "{}", loaded.reasons.len());
        assert!(loaded.reasons.contains_key(&PolicyId::new("clinician-in-care")));
        assert!(!loaded.reasons.contains_key(&PolicyId::new("policy0")));
    }

    #[test]
    fn a_directory_replaces_the_permits_and_keeps_the_guardrails() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(
            load(&PolicySource::Directory(directory.path().into())),
            Err(PolicyError::Empty(_))
        ));
        std::fs::write(directory.path().join("README.md"), "not a policy").unwrap();
        std::fs::write(directory.path().join(GUARDRAILS_FILE), GUARDRAILS).unwrap();
        std::fs::write(
            directory.path().join("own.cedar"),
            r#"@id("own") @reason("local-rule") forbid (principal, action == Action::"echo", resource);"#,
        )
        .unwrap();
        let loaded = load(&PolicySource::Directory(directory.path().into())).unwrap();
        assert!(loaded.reasons.contains_key(&PolicyId::new("own")));
        assert!(loaded.reasons.contains_key(&PolicyId::new("guardrail-one-institution")));
        assert!(!loaded.reasons.contains_key(&PolicyId::new("clinician-in-care")));

        std::fs::write(directory.path().join(GUARDRAILS_FILE), "").unwrap();
        assert!(matches!(
            load(&PolicySource::Directory(directory.path().into())),
            Err(PolicyError::BuiltinChanged(file)) if file == GUARDRAILS_FILE
        ));
    }

    #[test]
    fn the_same_files_have_the_same_digest_and_any_change_another_one() {
        let builtin = load(&PolicySource::Builtin).unwrap().digest;
        let copy = tempfile::tempdir().unwrap();
        for (name, text) in DEFAULTS {
            std::fs::write(copy.path().join(name), text).unwrap();
        }
        assert_eq!(load(&PolicySource::Directory(copy.path().into())).unwrap().digest, builtin);
        std::fs::write(copy.path().join("people.cedar"), format!("{}\n", DEFAULTS[4].1)).unwrap();
        assert_ne!(load(&PolicySource::Directory(copy.path().into())).unwrap().digest, builtin);
    }

    #[test]
    fn policies_that_cannot_be_trusted_are_not_loaded() {
        let head = r#"(principal, action == Action::"echo", resource)"#;
        assert!(matches!(with("a.cedar", "permit everything"), Err(PolicyError::Syntax { .. })));
        assert!(matches!(with("a.cedar", &format!("permit {head};")), Err(PolicyError::NoId(_))));
        assert!(matches!(
            with("a.cedar", &format!(r#"@id("x") permit {head};"#)),
            Err(PolicyError::Reason { .. })
        ));
        assert!(matches!(
            with("a.cedar", &format!(r#"@id("x") @reason("nice-weather") permit {head};"#)),
            Err(PolicyError::Reason { .. })
        ));
        assert!(
            matches!(
                with("a.cedar", &format!(r#"@id("x") @reason("account-disabled") permit {head};"#)),
                Err(PolicyError::Reason { .. })
            ),
            "a permit must not carry the reason of a refusal"
        );
        let twice = format!(r#"@id("x") @reason("local-grant") permit {head};"#).repeat(2);
        assert!(matches!(with("a.cedar", &twice), Err(PolicyError::DuplicateId(_))));
        assert!(matches!(
            with(
                "a.cedar",
                r#"@id("x") @reason("local-grant") permit (principal == ?principal, action, resource);"#
            ),
            Err(PolicyError::Template(_))
        ));
    }

    #[test]
    fn a_misspelt_role_or_attribute_is_an_error_at_load() {
        for condition in [
            r#"principal.role == Role::"clinican""#,
            r#"resource.instituton == "a""#,
            r#"principal.role == "clinician""#,
            r#"resource.care.valid_from < context.now"#,
        ] {
            let text = format!(
                r#"@id("x") @reason("local-grant") permit (principal is Person, action == Action::"view", resource) when {{ {condition} }};"#
            );
            assert!(matches!(with("a.cedar", &text), Err(PolicyError::Invalid(_))), "{condition}");
        }
    }
}
