//! What `dagmar prove` answers.

use super::project::Project;
use serde_json::Value;

/// The proof of all changesets as JSON.
#[track_caller]
pub fn proof(project: &Project, more: &[&str]) -> Value {
    let run = project.run(&[&["prove", "--all", "--format", "json"], more].concat());
    assert!([0, 10].contains(&run.code), "{run:?}");
    let json = run.json();
    assert_eq!(run.code == 0, json["verdict"] == "proven", "{run:?}");
    json
}

/// The verdicts of a changeset, those that are not skipped: `up ok, down differs`.
pub fn verdicts(proof: &Value, id: &str) -> String {
    let proofs = proof["changesets"].as_array().unwrap();
    let one = proofs.iter().find(|proof| proof["id"] == id).unwrap_or_else(|| panic!("{id}: {proof:#}"));
    let legs = ["up", "down", "again", "data", "order", "retry"].iter();
    let legs = legs.filter(|leg| one[**leg] != "skipped").map(|leg| format!("{leg} {}", one[*leg].as_str().unwrap()));
    legs.collect::<Vec<_>>().join(", ")
}

/// What was found about a changeset: `down error: message`.
#[track_caller]
pub fn found(proof: &Value, id: &str) -> Vec<String> {
    let proofs = proof["changesets"].as_array().unwrap();
    let one = proofs.iter().find(|proof| proof["id"] == id).unwrap();
    let line = |f: &Value| {
        format!(
            "{} {}: {}",
            f["leg"].as_str().unwrap(),
            f["severity"].as_str().unwrap(),
            f["message"].as_str().unwrap()
        )
    };
    one["differences"].as_array().unwrap().iter().map(line).collect()
}
