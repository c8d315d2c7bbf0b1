//! Judges a bundle by its files and the public key of the log, which came another way.

use super::{
    CHECKPOINT, CONSISTENCY, FACTS, FORMAT, Facts, Files, KEY, LEAVES, MANIFEST, POLICY, PROOFS, REPORT,
    TOOLS, WITNESSED, leaf_name, manifest_of, policy_digest, proof_name, report,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::collections::BTreeSet;
use yingdun_audit::{Checkpoint, Filter, Hash, Leaf, Policy, Quorum, verify_consistency, verify_inclusion};
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::Timestamp;

/// The most findings that are told: a bundle with more is not one.
const FINDINGS_MAX: usize = 20;

/// What a bundle is worth.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    /// What is wrong; nothing when it is whole.
    pub(crate) bad: Vec<String>,
    /// How many leaves are proved.
    pub(crate) leaves: usize,
    /// How many leaves the log had.
    pub(crate) size: u64,
    /// Its root.
    pub(crate) root: Hash,
    /// There are more leaves that fit.
    pub(crate) is_cut_off: bool,
    /// How far the log was seen by witnesses, as the bundle says it and the log has signed it.
    pub(crate) witnessed_size: Option<u64>,
    /// What enough witnesses of a policy have seen.
    pub(crate) quorum: Option<Quorum>,
}

/// Judges every file.
pub(crate) fn verify(files: &Files, key: &NoteVerifier, policy: Option<&Policy>) -> Verified {
    let mut found = Verified::default();
    if let Err(why) = found.judge(files, key, policy) {
        found.bad.push(why);
    }
    found.bad.truncate(FINDINGS_MAX);
    found
}

impl Verified {
    fn judge(&mut self, files: &Files, key: &NoteVerifier, policy: Option<&Policy>) -> Result<(), String> {
        self.manifest(files);
        self.names(files);
        let facts: Facts = serde_json::from_slice(file(files, FACTS)?)
            .map_err(|error| format!("`{FACTS}` is not what this program writes: {error}"))?;
        if facts.format != FORMAT {
            return Err(format!("`{FACTS}`: expected the format `{FORMAT}`"));
        }
        self.is_cut_off = facts.next.is_some();
        if text(files, KEY)?.trim() != key.to_string() {
            self.bad.push(format!("`{KEY}`: it is not the key that was given; the bundle is of another log"));
        }
        let head = Checkpoint::verify(key, text(files, CHECKPOINT)?)
            .map_err(|why| format!("`{CHECKPOINT}`: {why}"))?;
        (self.size, self.root) = (head.size(), *head.root());
        for index in &facts.leaves {
            match leaf(files, *index, key, &head, &facts) {
                Ok(()) => self.leaves += 1,
                Err(why) => self.bad.push(why),
            }
        }
        self.numbers(files, &facts);
        if policy_digest(files) != facts.policy_set {
            self.bad.push(format!("`{POLICY}…`: it is not the policy set that `{FACTS}` names"));
        }
        self.witnesses(files, key, &head, policy);
        // Another version may have brought other ones; then the manifest alone holds them.
        if facts.program == env!("CARGO_PKG_VERSION") {
            let other = TOOLS
                .iter()
                .filter(|(name, text)| !file(files, name).is_ok_and(|found| found == text.as_bytes()));
            self.bad.extend(other.map(|(name, _)| format!("`{name}`: it is not the one of this program")));
        }
        match report::of(&facts, files) {
            Ok(report) if file(files, REPORT).is_ok_and(|found| found == report.as_bytes()) => {}
            Ok(_) => self.bad.push(format!(
                "`{REPORT}`: it is not what the leaves give (made by version {}, this is {})",
                facts.program,
                env!("CARGO_PKG_VERSION")
            )),
            Err(why) => self.bad.push(why),
        }
        Ok(())
    }

    /// Each file against the manifest.
    fn manifest(&mut self, files: &Files) {
        let Ok(manifest) = text(files, MANIFEST) else {
            return self.bad.push(format!("`{MANIFEST}` is missing or no text"));
        };
        if manifest == manifest_of(files) {
            return;
        }
        let expected = manifest_of(files);
        let said: BTreeSet<&str> = manifest.lines().collect();
        let is: BTreeSet<&str> = expected.lines().collect();
        let names: BTreeSet<&str> =
            said.symmetric_difference(&is).filter_map(|line| Some(line.split_once("  ")?.1)).collect();
        self.bad.extend(
            names.iter().map(|name| format!("`{}`: it is not what `{MANIFEST}` says", name.escape_debug())),
        );
        if names.is_empty() {
            self.bad.push(format!("`{MANIFEST}` is not in the form that it has to have"));
        }
    }

    /// A bundle has no files that nobody judges.
    fn names(&mut self, files: &Files) {
        let single = [MANIFEST, FACTS, KEY, CHECKPOINT, WITNESSED, CONSISTENCY, REPORT];
        let strange = files.keys().filter(|name| {
            !single.contains(&name.as_str())
                && !TOOLS.iter().any(|(tool, _)| tool == name)
                && ![LEAVES, PROOFS, POLICY].iter().any(|folder| name.starts_with(folder))
        });
        self.bad.extend(strange.map(|name| format!("`{}` is no file of a bundle", name.escape_debug())));
    }

    /// The leaves that are there are those that were found.
    fn numbers(&mut self, files: &Files, facts: &Facts) {
        let ordered = facts.leaves.windows(2).all(|pair| matches!(pair, [new, old] if new > old));
        if !ordered {
            self.bad.push(format!("`{FACTS}`: its leaves are not in order"));
        }
        let named: BTreeSet<String> =
            facts.leaves.iter().flat_map(|index| [leaf_name(*index), proof_name(*index)]).collect();
        let more = files
            .keys()
            .filter(|name| (name.starts_with(LEAVES) || name.starts_with(PROOFS)) && !named.contains(*name));
        self.bad.extend(more.map(|name| format!("`{}`: `{FACTS}` does not name it", name.escape_debug())));
        let here = facts.leaves.len() as u64;
        match facts.found {
            Some(found) if found.is_exact && facts.next.is_none() && found.leaves != here => {
                self.bad.push(format!(
                    "`{FACTS}`: {} leaves were found and {here} are here: some were left out",
                    found.leaves
                ))
            }
            _ => {}
        }
    }

    /// What witnesses have seen is a beginning of what is proved.
    fn witnesses(&mut self, files: &Files, key: &NoteVerifier, head: &Checkpoint, policy: Option<&Policy>) {
        if !files.contains_key(WITNESSED) && !files.contains_key(CONSISTENCY) {
            if policy.is_some() {
                self.bad.push("no witness has seen this log, as far as the bundle says".to_owned());
            }
            return;
        }
        match continues(files, key, head) {
            Ok(seen) => self.witnessed_size = Some(seen.size()),
            Err(why) => return self.bad.push(format!("`{WITNESSED}`: {why}")),
        }
        let Some(policy) = policy else { return };
        let sightings = text(files, WITNESSED).and_then(|note| policy.sightings(key, note));
        match sightings.map(|sightings| policy.quorum(&sightings)) {
            Ok(Some(quorum)) => self.quorum = Some(quorum),
            Ok(None) => {
                self.bad.push(format!("`{WITNESSED}`: not enough witnesses of the policy have seen it"))
            }
            Err(why) => self.bad.push(format!("`{WITNESSED}`: {why}")),
        }
    }
}

// === helpers ===

fn file<'a>(files: &'a Files, name: &str) -> Result<&'a [u8], String> {
    files.get(name).map(Vec::as_slice).ok_or_else(|| format!("`{name}` is missing"))
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str, String> {
    std::str::from_utf8(file(files, name)?).map_err(|_| format!("`{name}` is no text"))
}

/// One leaf: in the log, under the checkpoint of the bundle, and one of those that were asked for.
fn leaf(
    files: &Files,
    index: u64,
    key: &NoteVerifier,
    head: &Checkpoint,
    facts: &Facts,
) -> Result<(), String> {
    let name = leaf_name(index);
    let bytes = file(files, &name)?;
    let proof = text(files, &proof_name(index))?;
    let (proved, covering) =
        verify_inclusion(proof, bytes, key).map_err(|error| format!("`{name}`: {error}"))?;
    if proved != index || covering.note() != head.note() {
        return Err(format!("`{name}`: its proof is of another leaf, or under another checkpoint"));
    }
    let leaf = Leaf::decode(bytes).map_err(|error| format!("`{name}`: {error}"))?;
    let about = facts.about.clone();
    let filter = Filter {
        institution: Some(about.institution),
        study: about.study,
        patient: about.patient,
        actor: about.actor,
        from: about.from_ms.map(Timestamp::from_ms),
        until: about.until_ms.map(Timestamp::from_ms),
        ..Filter::default()
    };
    if leaf.sequence != index || !filter.wants(&leaf) {
        return Err(format!("`{name}`: it is not about what was asked for"));
    }
    Ok(())
}

/// The checkpoint that was witnessed, when that of the bundle continues it.
fn continues(files: &Files, key: &NoteVerifier, head: &Checkpoint) -> Result<Checkpoint, String> {
    let seen = Checkpoint::verify(key, text(files, WITNESSED)?)?;
    let path = text(files, CONSISTENCY)?
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| BASE64.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok()))
        .collect::<Option<Vec<Hash>>>()
        .ok_or("a line of the consistency proof is not the base64 of 32 bytes")?;
    verify_consistency(&seen, head, &path).map_err(|error| error.to_string())?;
    Ok(seen)
}
