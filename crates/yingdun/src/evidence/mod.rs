//! An evidence bundle: leaves of the audit log about a study, a patient or an actor, with everything that a stranger needs to check, offline, that
//! they are in the log, and to read what they say.
//!
//! | file | what |
//! |---|---|
//! | `leaves/NUMBER.json` | a leaf, byte by byte as it was hashed |
//! | `proofs/NUMBER.tlog-proof` | its C2SP tlog-proof, up to the same checkpoint in all of them |
//! | `checkpoint`, `log.vkey` | the signed head of the log, and the key that verifies it |
//! | `witnessed`, `witnessed-consistency` | what enough witnesses have seen, and the proof that the checkpoint continues it |
//! | `policy/…` | the policy set in force when the bundle was made |
//! | `bundle.json` | what was asked for, when, and which leaves were found |
//! | `report.html` | all of it for people, derived from the leaves and `bundle.json` and from nothing else |
//! | `verify_bundle.py`, `verify_audit.py`, `README.md` | the independent verifier |
//! | `MANIFEST` | SHA-256 of every other file, as `sha256sum` reads it |
//!
//! What the leaves say is proved by the log; the rest is what the maker of the bundle says, held together by the manifest, which nobody signs.

mod report;
mod verify;
mod zipped;

pub(crate) use verify::{Verified, verify};
pub(crate) use zipped::{BUNDLE_BYTES_MAX, pack, unpack};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use yingdun_crypto::digest::{Sha256, sha256};
use yingdun_model::{ActorId, InstitutionId, PatientRef, StudyRef, Timestamp};

/// The files of a bundle, by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The form of what is written here.
const FORMAT: &str = "yingdun/evidence-bundle@v1";

const MANIFEST: &str = "MANIFEST";
const FACTS: &str = "bundle.json";
const KEY: &str = "log.vkey";
const CHECKPOINT: &str = "checkpoint";
const WITNESSED: &str = "witnessed";
const CONSISTENCY: &str = "witnessed-consistency";
const REPORT: &str = "report.html";
const LEAVES: &str = "leaves/";
const PROOFS: &str = "proofs/";
const POLICY: &str = "policy/";

/// What is the same in every bundle of this program.
const TOOLS: [(&str, &str); 3] = [
    ("README.md", include_str!("README.md")),
    ("verify_audit.py", include_str!("../../../../docs/verify/verify_audit.py")),
    ("verify_bundle.py", include_str!("../../../../docs/verify/verify_bundle.py")),
];

/// What a running archive answers.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    about: About,
    found: Option<Found>,
    next: Option<String>,
    public_key: String,
    checkpoint: String,
    leaves: Vec<Proved>,
    witnessed: Option<Witnessed>,
    policy_set: PolicySet,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    institution: InstitutionId,
    study: Option<StudyRef>,
    patient: Option<PatientRef>,
    actor: Option<ActorId>,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
}

/// How many leaves fit, bundled or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    leaves: u64,
    is_exact: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Proved {
    index: u64,
    leaf: String,
    proof: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Witnessed {
    checkpoint: String,
    consistency: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct PolicySet {
    sha256: String,
    files: BTreeMap<String, String>,
}

/// What `bundle.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    format: String,
    program: String,
    made_at_ms: Timestamp,
    about: About,
    /// Of the first bundle of a question alone: later ones begin behind a cursor.
    found: Option<Found>,
    /// Where the next bundle begins: there are more leaves than these.
    next: Option<String>,
    /// The numbers of the leaves, the newest first.
    leaves: Vec<u64>,
    /// SHA-256 of the policy set.
    policy_set: String,
}

impl Answer {
    /// How many leaves it brings.
    pub(crate) fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Where the next bundle begins, when this one was cut off.
    pub(crate) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The files of the bundle.
    ///
    /// # Errors
    /// One sentence: the answer is none that a bundle can be made of.
    pub(crate) fn into_files(self, made_at: Timestamp) -> Result<Files, String> {
        let facts = Facts {
            format: FORMAT.to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made_at_ms: made_at,
            about: self.about,
            found: self.found,
            next: self.next,
            leaves: self.leaves.iter().map(|leaf| leaf.index).collect(),
            policy_set: self.policy_set.sha256,
        };
        let mut files: Files =
            TOOLS.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        for Proved { index, leaf, proof } in self.leaves {
            files.insert(leaf_name(index), leaf.into_bytes());
            files.insert(proof_name(index), proof.into_bytes());
        }
        for (name, text) in self.policy_set.files {
            if !is_plain(&name) {
                return Err("a policy file has a name that is none".to_owned());
            }
            files.insert(format!("{POLICY}{name}"), text.into_bytes());
        }
        if let Some(witnessed) = self.witnessed {
            files.insert(WITNESSED.to_owned(), witnessed.checkpoint.into_bytes());
            let mut path = witnessed.consistency.join("\n");
            path.push('\n');
            files.insert(CONSISTENCY.to_owned(), path.into_bytes());
        }
        files.insert(KEY.to_owned(), format!("{}\n", self.public_key).into_bytes());
        files.insert(CHECKPOINT.to_owned(), self.checkpoint.into_bytes());
        let mut written = serde_json::to_vec_pretty(&facts).map_err(|error| error.to_string())?;
        written.push(b'\n');
        files.insert(FACTS.to_owned(), written);
        let report = report::of(&facts, &files)?;
        files.insert(REPORT.to_owned(), report.into_bytes());
        let manifest = manifest_of(&files);
        files.insert(MANIFEST.to_owned(), manifest.into_bytes());
        Ok(files)
    }
}

// === helpers ===

fn leaf_name(index: u64) -> String {
    format!("{LEAVES}{index:012}.json")
}

fn proof_name(index: u64) -> String {
    format!("{PROOFS}{index:012}.tlog-proof")
}

/// SHA-256 of every file but the manifest, in the order of their names.
fn manifest_of(files: &Files) -> String {
    let mut text = String::new();
    for (name, bytes) in files.iter().filter(|(name, _)| *name != MANIFEST) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {name}", hex::encode(sha256(bytes)));
    }
    text
}

/// SHA-256 of a policy set, as leaves have it.
fn policy_digest(files: &Files) -> String {
    let mut sha = Sha256::new();
    for (name, bytes) in files.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(POLICY)?, bytes))) {
        for part in [name.as_bytes(), bytes] {
            sha.update(&(part.len() as u64).to_be_bytes());
            sha.update(part);
        }
    }
    hex::encode(sha.finish())
}

/// A name of a file without a folder, which no program that unpacks it takes for something else.
fn is_plain(name: &str) -> bool {
    const NAME_BYTES_MAX: usize = 255;
    let is_legal = |character: char| !character.is_control() && !matches!(character, '/' | '\\' | ':');
    !name.starts_with('.') && !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(is_legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_file_may_be_called_anything_that_leads_nowhere_else() {
        for good in ["people.cedar", "本院.cedar", "a b.cedar"] {
            assert!(is_plain(good), "{good}");
        }
        for wrong in ["", ".cedar", "..", "a/b.cedar", "a\\b.cedar", "C:b.cedar", "a\nb.cedar"] {
            assert!(!is_plain(wrong), "{wrong}");
        }
    }
}
