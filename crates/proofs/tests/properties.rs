//! Every property, with its mutant, against the policies that are part of the program, by the real solver.
//!
//! Needs a Python with the package cvc5: `YINGDUN_TEST_PYTHON`. Where it is missing the test says so and passes, unless
//! `YINGDUN_REQUIRE_SOLVER` says that it has to be there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use yingdun_proofs::{Bound, CONSENTS, Mutant, OUTSIDE, PROPERTIES, Policies, Property, Prover};

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../access/policies");
const SOLVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/solver.py");
const REQUIRED: &str = "YINGDUN_REQUIRE_SOLVER";

/// A Python that has the solver.
fn python() -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("YINGDUN_TEST_PYTHON").unwrap_or_else(|| "python3".into()));
    let has = std::process::Command::new(&python).args(["-c", "import cvc5"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and {} has no cvc5", python.display());
    eprintln!("left out: {} has no package cvc5 (script/bootstrap test installs it)", python.display());
    None
}

#[tokio::test]
async fn every_property_holds_and_every_mutant_is_refuted() {
    let Some(python) = python() else { return };
    let policies = Policies::read(Path::new(POLICIES)).unwrap();
    let mut prover = Prover::start(&policies, &python, Path::new(SOLVER)).unwrap();
    assert!(PROPERTIES.len() >= 25);
    for property in PROPERTIES.iter().chain(OUTSIDE).chain(CONSENTS) {
        let finding = prover.property(property).await.unwrap();
        assert!(finding.against.is_none(), "{}: {}", property.name, finding.against.unwrap());
        assert!(finding.against_mutant.is_some(), "the mutant of {} survives", property.name);
    }
    let (asked, errors) = prover.errors().await.unwrap();
    assert!(asked > 1000 && errors.is_empty(), "{errors:?}");
}

/// A property that does not hold is refuted with an example that the engine agrees with.
#[tokio::test]
async fn a_false_property_is_refuted_by_an_example() {
    let Some(python) = python() else { return };
    let policies = Policies::read(Path::new(POLICIES)).unwrap();
    let mut prover = Prover::start(&policies, &python, Path::new(SOLVER)).unwrap();
    let wrong = Property {
        name: "wrong",
        says: "Radiologists see nothing.",
        principals: &["Person"],
        actions: &["view"],
        bound: Bound::AtMost(r#"principal.role != Role::"radiologist""#),
        mutant: &[Mutant::Without("reader-of-the-institution")],
    };
    let example = prover.property(&wrong).await.unwrap().against.unwrap();
    assert!(example.contains("radiologist"), "{example}");
}

#[tokio::test]
async fn what_a_change_newly_allows_is_told_with_an_example() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(POLICIES).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let before = Policies::read(Path::new(POLICIES)).unwrap();
    let same = Policies::read(folder.path()).unwrap();
    let mut prover = Prover::start(&same, &python, Path::new(SOLVER)).unwrap();
    assert_eq!(prover.newly_allowed(&before).await.unwrap(), []);

    let text = r#"@id("night") permit (principal is Person, action == Action::"export", resource)
        when { principal.role == Role::"radiologist" };"#;
    std::fs::write(folder.path().join("night.cedar"), text).unwrap();
    let after = Policies::read(folder.path()).unwrap();
    let mut prover = Prover::start(&after, &python, Path::new(SOLVER)).unwrap();
    let found = prover.newly_allowed(&before).await.unwrap();
    let kinds: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["Person export Study"]);
    assert!(found.iter().all(|(_, example)| example.contains("radiologist")), "{found:?}");
}

#[test]
fn properties_have_names_of_their_own() {
    let names: BTreeSet<&str> =
        PROPERTIES.iter().chain(OUTSIDE).chain(CONSENTS).map(|property| property.name).collect();
    assert_eq!(names.len(), PROPERTIES.len() + OUTSIDE.len() + CONSENTS.len());
}

#[tokio::test]
async fn what_rules_of_an_institution_newly_forbid_is_told_and_they_may_not_permit() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.cedar");
    let text =
        r#"@id("local-no-export") forbid (principal is Person, action == Action::"export", resource);"#;
    std::fs::write(&file, text).unwrap();
    let program = Policies::read(Path::new(POLICIES)).unwrap();
    let with_rules = Policies::read(Path::new(POLICIES)).unwrap().with_local(folder.path()).unwrap();
    let mut before = Prover::start(&program, &python, Path::new(SOLVER)).unwrap();
    let forbidden = before.newly_allowed(&with_rules).await.unwrap();
    let kinds: Vec<&str> = forbidden.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["Person export Study"]);
    let mut after = Prover::start(&with_rules, &python, Path::new(SOLVER)).unwrap();
    assert_eq!(after.newly_allowed(&program).await.unwrap(), [], "a rule that forbids allows nothing");
    std::fs::write(&file, text.replace("forbid", "permit")).unwrap();
    assert!(Policies::read(Path::new(POLICIES)).unwrap().with_local(folder.path()).is_err());
}
