//! The demonstration as a smoke test.

use crate::support::{run, text};
use serde_json::Value;

#[test]
fn every_stage_of_the_demonstration_shows_what_it_claims() {
    let output = run(["demo", "--check", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON: {}", text(&output.stderr)));
    assert!(output.status.success(), "{document:#}");
    let stages: Vec<&str> =
        document["stages"].as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(stages, ["collect", "store", "use", "grants", "watch", "keys", "destroy", "audit"]);
    assert_eq!(document["ok"], true, "{document:#}");
    assert_eq!(document["stages"][0]["figures"]["instances"], 75);
    assert_eq!(document["stages"][1]["figures"]["replicas"], 3);
    let grants = &document["stages"][3]["figures"];
    assert!(grants["proved_leaf"].as_u64() < grants["proved_in"].as_u64(), "{grants}");
    let watch = &document["stages"][4]["figures"];
    assert_eq!(watch["patients_opened"], 50, "{watch}");
    assert!(watch["closed_after_ms"].as_f64().unwrap() < 2000.0, "{watch}");
    assert_eq!(document["stages"][5]["figures"]["image_bytes_rewritten"], 0);
    assert_eq!(document["stages"][6]["figures"]["instances_destroyed"], 1);
    let audit = &document["stages"][7]["figures"];
    assert_eq!(audit["key_unwraps"], audit["access_leaves"]);
}

#[test]
fn a_named_folder_stays_and_holds_an_installation_that_can_be_served() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("demo");
    let output = run(["demo", "--check", "--directory", directory.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().filter(|line| line.starts_with("[PASS]")).count(), 8, "{lines}");
    assert!(directory.join("yingdun.toml").is_file());
    let config = directory.join("yingdun.toml");
    assert!(run(["doctor", "--config", config.to_str().unwrap()]).status.success());
}
