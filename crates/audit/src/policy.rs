//! Whose memory of a log counts: a witness policy (C2SP tlog-policy), and what cosigned checkpoints say under it.
//!
//! The same file tells an archive whom to ask, and anybody outside what to demand.

use crate::checkpoint::Checkpoint;
use std::collections::BTreeMap;
use yingdun_crypto::sign::{CosignatureVerifier, Note, NoteVerifier};

/// The longest policy that is read, in bytes: some hundred keys with their addresses.
const POLICY_BYTES_MAX: usize = 64 * 1024;

/// Logs, witnesses and groups of a policy, each; C2SP tlog-policy asks for as many.
const ENTRIES_MAX: usize = 32;

/// Which witnesses count, and how many must have seen a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<NoteVerifier>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Member,
}

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// What the policy calls it.
    pub name: String,
    /// Verifies its cosignatures.
    pub key: CosignatureVerifier,
    /// Where it is asked (the submission prefix of C2SP tlog-witness), without a slash at the end.
    pub url: Option<String>,
}

/// At least so many of these.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// What can be counted, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// What one witness has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The place of the witness in [`Policy::witnesses`].
    pub witness: usize,
    /// How many leaves it has seen.
    pub size: u64,
    /// When, in seconds after 1970, by its clock.
    pub time_s: u64,
}

/// What enough witnesses have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// How many leaves.
    pub size: u64,
    /// When the last that was needed saw them, in seconds after 1970.
    pub time_s: u64,
}

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A line is not one of a policy.
    #[error("line {line} of the witness policy: {why}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// It is longer than any policy.
    #[error("the witness policy is longer than {POLICY_BYTES_MAX} bytes")]
    TooLong,
    /// It does not say what is enough.
    #[error("the witness policy has no `quorum` line")]
    NoQuorum,
}

impl Policy {
    /// Reads a policy in the form of C2SP tlog-policy. `quorum none` is refused: where no witness is wanted there is no policy.
    ///
    /// # Errors
    /// [`PolicyError`] names the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong);
        }
        let mut reading = Reading::default();
        for (line, content) in (1..).zip(text.split('\n')) {
            reading.line(content).map_err(|why| PolicyError::Line { line, why })?;
        }
        let Reading { logs, witnesses, groups, quorum, .. } = reading;
        Ok(Self { logs, witnesses, groups, quorum: quorum.ok_or(PolicyError::NoQuorum)? })
    }

    /// The witnesses, in the order of the policy.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether the policy is one for a log: it names the key of the log, or no log at all.
    #[must_use]
    pub fn is_for(&self, log: &NoteVerifier) -> bool {
        self.logs.is_empty() || self.logs.contains(log)
    }

    /// What witnesses of this policy have seen, by a checkpoint of a log that carries their lines.
    ///
    /// # Errors
    /// One sentence: the checkpoint is not signed by the log, or a line of a witness does not verify.
    pub fn sightings(&self, log: &NoteVerifier, note: &str) -> Result<Vec<Sighting>, String> {
        let size = Checkpoint::verify(log, note)?.size();
        let note = Note::parse(note).map_err(|error| error.to_string())?;
        let mut sightings = Vec::new();
        for (witness, Witness { name, key, .. }) in self.witnesses.iter().enumerate() {
            let seen = key.verify(&note).map_err(|error| format!("witness `{name}`: {error}"))?;
            sightings.extend(seen.map(|time_s| Sighting { witness, size, time_s }));
        }
        Ok(sightings)
    }

    /// The most leaves that enough witnesses have seen, and since when that is so; none where there never were enough. What a
    /// witness has seen covers all that came before, so sightings of different checkpoints of one log count together.
    #[must_use]
    pub fn quorum(&self, sightings: &[Sighting]) -> Option<Quorum> {
        let seen = |enough: &dyn Fn(&Sighting) -> bool| {
            let mut by = vec![false; self.witnesses.len()];
            for sighting in sightings.iter().filter(|sighting| enough(sighting)) {
                by.get_mut(sighting.witness).into_iter().for_each(|seen| *seen = true);
            }
            self.holds(self.quorum, &by)
        };
        let mut sizes: Vec<u64> = sightings.iter().map(|sighting| sighting.size).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let size = sizes.into_iter().find(|size| seen(&|sighting| sighting.size >= *size))?;
        let mut times: Vec<u64> = sightings.iter().map(|sighting| sighting.time_s).collect();
        times.sort_unstable();
        let by_then =
            |time: &u64| seen(&|sighting: &Sighting| sighting.size >= size && sighting.time_s <= *time);
        Some(Quorum { size, time_s: times.into_iter().find(by_then)? })
    }

    /// Groups have members that were defined before them, so this ends.
    fn holds(&self, member: Member, seen: &[bool]) -> bool {
        match member {
            Member::Witness(place) => seen.get(place).copied().unwrap_or(false),
            Member::Group(place) => self.groups.get(place).is_some_and(|group| {
                let count = group.members.iter().filter(|member| self.holds(**member, seen)).count();
                count >= group.threshold
            }),
        }
    }
}

/// A policy as far as it was read.
#[derive(Default)]
struct Reading {
    logs: Vec<NoteVerifier>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
    names: BTreeMap<String, Member>,
    /// Members of some group: each counts once.
    counted: Vec<Member>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        if line.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err("it holds a control character");
        }
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [word, ..] if word.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => self.log(key),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, threshold, members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            _ => Err("expected `log`, `witness`, `group` or `quorum` with what belongs to it"),
        }
    }

    fn log(&mut self, key: &str) -> Result<(), &'static str> {
        let key = NoteVerifier::parse(key).map_err(|_| "expected the public key of a log (C2SP vkey)")?;
        if self.logs.iter().any(|log| log.key() == key.key()) {
            return Err("this key stands there twice");
        }
        self.logs.push(key);
        bounded(&self.logs)
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&str>) -> Result<(), &'static str> {
        let key = CosignatureVerifier::parse(key)
            .map_err(|_| "expected the public key of a witness (C2SP vkey of type 04)")?;
        if self.witnesses.iter().any(|witness| witness.key.key() == key.key()) {
            return Err("this key stands there twice");
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        let url = url.map(|url| url.trim_end_matches('/').to_owned());
        self.witnesses.push(Witness { name: name.to_owned(), key, url });
        bounded(&self.witnesses)
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), &'static str> {
        let mut places = Vec::with_capacity(members.len().min(ENTRIES_MAX));
        for member in members {
            let member = self.named(member)?;
            if self.counted.contains(&member) {
                return Err("a name is a member of one group only, and once");
            }
            self.counted.push(member);
            places.push(member);
        }
        let threshold = match threshold {
            "any" => 1,
            "all" => places.len(),
            number => number.parse().ok().filter(|k: &usize| k.to_string() == number).unwrap_or(0),
        };
        if threshold == 0 || threshold > places.len() {
            return Err("expected `any`, `all`, or a number from 1 to that of the members");
        }
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { threshold, members: places });
        bounded(&self.groups)
    }

    fn quorum(&mut self, name: &str) -> Result<(), &'static str> {
        if name == "none" {
            return Err("a policy that asks for no witness protects nothing; leave the policy out instead");
        }
        let quorum = self.named(name)?;
        if self.quorum.replace(quorum).is_some() {
            return Err("there is another `quorum` line before");
        }
        Ok(())
    }

    fn define(&mut self, name: &str, member: Member) -> Result<(), &'static str> {
        if name == "none" || self.names.insert(name.to_owned(), member).is_some() {
            return Err("this name is taken");
        }
        Ok(())
    }

    fn named(&self, name: &str) -> Result<Member, &'static str> {
        self.names.get(name).copied().ok_or("it names what no line before it defines")
    }
}

fn bounded<T>(entries: &[T]) -> Result<(), &'static str> {
    if entries.len() > ENTRIES_MAX { Err("there are more than 32 of this kind") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_crypto::sign::{Cosigner, NoteSigner, SigningKey};
    use yingdun_model::Secret;

    fn cosigner(number: u8) -> Cosigner {
        let key = SigningKey::from_seed(&Secret::new([number; 32]));
        Cosigner::new(&format!("witness.example/{number}"), key).unwrap()
    }

    /// Witnesses w0, w1, … and the lines given.
    fn policy(count: u8, rest: &str) -> Result<Policy, PolicyError> {
        let lines = (0..count).map(|number| format!("witness w{number} {}\n", cosigner(number).verifier()));
        Policy::parse(&(lines.collect::<String>() + rest))
    }

    fn sightings(seen: &[(usize, u64, u64)]) -> Vec<Sighting> {
        seen.iter().map(|&(witness, size, time_s)| Sighting { witness, size, time_s }).collect()
    }

    #[test]
    fn two_of_three_is_the_most_that_two_have_seen_and_when_the_second_did() {
        let policy = policy(3, "group all-three 2 w0 w1 w2\nquorum all-three\n").unwrap();
        let quorum = |seen: &[(usize, u64, u64)]| {
            policy.quorum(&sightings(seen)).map(|quorum| (quorum.size, quorum.time_s))
        };
        assert_eq!(quorum(&[]), None);
        assert_eq!(quorum(&[(0, 10, 100), (0, 20, 200)]), None, "one witness twice is one witness");
        assert_eq!(quorum(&[(0, 10, 100), (1, 10, 105)]), Some((10, 105)));
        assert_eq!(quorum(&[(0, 10, 100), (1, 30, 120), (2, 20, 110)]), Some((20, 120)));
        assert_eq!(quorum(&[(0, 30, 300), (1, 30, 120), (2, 30, 110)]), Some((30, 120)));
        assert_eq!(quorum(&[(0, 30, 300), (9, 30, 120)]), None, "nobody of this policy");
    }

    #[test]
    fn groups_of_groups_count_as_they_are_written() {
        let text =
            "  # two houses\n\ngroup\tx 2 w0 w1 w2\ngroup y any w3 w4\ngroup both all x y\nquorum both";
        let policy = policy(5, text).unwrap();
        let holds = |seen: &[usize]| {
            let seen: Vec<_> = seen.iter().map(|witness| (*witness, 1, 1)).collect();
            policy.quorum(&sightings(&seen)).is_some()
        };
        assert!(holds(&[0, 2, 4]) && holds(&[0, 1, 2, 3, 4]));
        assert!(!holds(&[0, 1, 2]) && !holds(&[0, 3, 4]) && !holds(&[]));
    }

    #[test]
    fn a_cosigned_checkpoint_says_who_has_seen_it_and_an_altered_line_is_told() {
        let log = NoteSigner::new("renmin.example/audit", SigningKey::generate()).unwrap();
        let checkpoint = Checkpoint::sign(&log, 7, [3; 32]).unwrap();
        let text = Note::parse(checkpoint.note()).unwrap().text().to_owned();
        let policy = policy(2, "group both all w0 w1\nquorum both\n").unwrap();
        // Somebody outside the policy counts for nothing.
        let lines =
            [0_u8, 1, 9].map(|number| cosigner(number).cosign(&text, 100 + u64::from(number)).unwrap());
        let note = format!("{}{}", checkpoint.note(), lines.concat());
        let seen = policy.sightings(log.verifier(), &note).unwrap();
        assert_eq!(seen, sightings(&[(0, 7, 100), (1, 7, 101)]));
        assert_eq!(policy.quorum(&seen), Some(Quorum { size: 7, time_s: 101 }));
        let one = policy.sightings(log.verifier(), &format!("{}{}", checkpoint.note(), lines[0])).unwrap();
        assert_eq!(policy.quorum(&one), None);
        // The line of another text under the name of a witness.
        let foreign = cosigner(1).cosign("other\n7\nAAAA\n", 100).unwrap();
        let refused =
            policy.sightings(log.verifier(), &format!("{}{foreign}", checkpoint.note())).unwrap_err();
        assert!(refused.contains("`w1`"), "{refused}");
        let other = NoteSigner::new("renmin.example/audit", SigningKey::generate()).unwrap();
        assert!(policy.sightings(other.verifier(), &note).is_err());
    }

    #[test]
    fn a_policy_with_logs_is_for_these_only() {
        let log = |origin: &str| NoteSigner::new(origin, SigningKey::generate()).unwrap().verifier().clone();
        let (ours, other) = (log("renmin.example/audit"), log("renmin.example/audit"));
        let named = policy(1, &format!("log {ours} https://renmin.example\nquorum w0")).unwrap();
        assert!(named.is_for(&ours) && !named.is_for(&other));
        assert!(policy(1, "quorum w0").unwrap().is_for(&other));
    }

    #[test]
    fn a_line_that_is_none_of_a_policy_is_named() {
        let key = cosigner(0).verifier().to_string();
        let log = NoteSigner::new("a", SigningKey::generate()).unwrap().verifier().to_string();
        for wrong in [
            "quorum w0\nquorum w0".to_owned(),
            "quorum none".to_owned(),
            "quorum w9".to_owned(),
            "group g 0 w0\nquorum g".to_owned(),
            "group g 2 w0\nquorum g".to_owned(),
            "group g 01 w0\nquorum g".to_owned(),
            "group g any\nquorum g".to_owned(),
            "group g any w0 w0\nquorum g".to_owned(),
            "group g any w0\ngroup h any w0\nquorum h".to_owned(),
            "group g any later\ngroup later any w0\nquorum g".to_owned(),
            "group w0 any w0\nquorum w0".to_owned(),
            "group none any w0\nquorum w0".to_owned(),
            format!("witness other {key}\nquorum w0"),
            format!("witness other {log}\nquorum w0"),
            format!("log {key}\nquorum w0"),
            format!("log {log}\nlog {log}\nquorum w0"),
            "witness other\nquorum w0".to_owned(),
            "quorum w0 w0".to_owned(),
            "quorum\u{c}w0".to_owned(),
            "something else".to_owned(),
        ] {
            assert!(matches!(policy(1, &wrong), Err(PolicyError::Line { .. })), "{wrong}");
        }
        assert_eq!(policy(1, ""), Err(PolicyError::NoQuorum));
        assert_eq!(Policy::parse(&"#".repeat(POLICY_BYTES_MAX + 1)), Err(PolicyError::TooLong));
        assert!(policy(33, "quorum w0").is_err());
        assert!(policy(32, "quorum w0").is_ok());
    }

    #[test]
    fn the_address_of_a_witness_is_without_a_slash_at_its_end() {
        let text = format!("witness w {} https://witness.example/\nquorum w\n", cosigner(0).verifier());
        let policy = Policy::parse(&text).unwrap();
        assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://witness.example"));
    }

    proptest! {
        #[test]
        fn the_quorum_is_what_a_count_by_hand_finds(
            seen in prop::collection::vec((0_usize..4, 1_u64..6, 1_u64..6), 0..10),
            threshold in 1_usize..=4,
        ) {
            let policy = policy(4, &format!("group g {threshold} w0 w1 w2 w3\nquorum g")).unwrap();
            let count = |size: u64, time: u64| (0..4)
                .filter(|witness| seen.iter().any(|&(who, s, t)| who == *witness && s >= size && t <= time))
                .count();
            let expected = (1..6).rev().find(|size| count(*size, 9) >= threshold).map(|size| Quorum {
                size,
                time_s: (1..6).find(|time| count(size, *time) >= threshold).unwrap(),
            });
            prop_assert_eq!(policy.quorum(&sightings(&seen)), expected);
        }

        #[test]
        fn no_text_brings_the_reader_down(text in "(log|witness|group|quorum|none|any|all|[ \t\n#a-f0-9+])*") {
            let _ = Policy::parse(&text);
        }
    }
}
