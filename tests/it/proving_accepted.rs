//! `dagmar prove`: findings that the project accepts with a reason.

use crate::support::{Changeset, found, project, proof, sql, table, verdicts};

/// A changeset whose rollback leaves a table behind.
fn leaves() -> Changeset {
    sql("leaves", "CREATE TABLE a (n int); CREATE TABLE IF NOT EXISTS b (n int)", "DROP TABLE a")
}

fn accepted(entry: &str) -> String {
    format!("prove:\n  ignore:\n    - {entry}\n")
}

#[test]
fn what_is_accepted_does_not_fail() {
    let project = project(&[leaves(), table("other")]);
    project.write("dagmar.yaml", &accepted("{ changeset: leaves, object: table public.b, reason: b is shared }"));
    let proof = proof(&project, &[]);
    assert_eq!(proof["verdict"], "proven", "{proof:#}");
    assert_eq!(verdicts(&proof, "leaves"), "up ok, down accepted, again ok, order ok");
    assert_eq!((&proof["counts"]["accepted"], &proof["counts"]["wrongRollbacks"]), (&1.into(), &0.into()));
    let of_table = &proof["changesets"][0]["differences"][0];
    assert_eq!((&of_table["severity"], &of_table["accepted"]), (&"error".into(), &"b is shared".into()));
    let run = project.run(&["prove", "--all"]);
    let said = run.ok();
    assert!(said.contains("down accepted") && said.contains("accepted: b is shared"), "{said}");
    assert!(said.contains("2 of 2 changesets proven, 1 with accepted findings"), "{said}");
    for format in ["junit", "markdown", "html"] {
        let said = project.run(&["prove", "--all", "--format", format]).ok();
        assert!(said.contains("accepted: b is shared"), "{format}: {said}");
    }
}

#[test]
fn what_is_about_something_else_fails() {
    let project = project(&[leaves(), table("other")]);
    for entry in [
        "{ changeset: leaves, object: table public.c, reason: x }",
        "{ changeset: leaves, leg: again, reason: x }",
        "{ changeset: other, reason: x }",
    ] {
        project.write("dagmar.yaml", &accepted(entry));
        let run = project.run(&["prove", "--all"]);
        let said = run.fails(10);
        assert!(said.contains("are accepted, and there are none") && said.contains("dagmar.yaml:3"), "{said}");
    }
    // what was not tried may be there
    project.write("dagmar.yaml", &accepted("{ changeset: leaves, leg: order, reason: x }"));
    let said = project.run(&["prove", "--all", "--no-order"]).fails(10);
    assert!(!said.contains("there are none"), "{said}");
    let warned = project.run(&["prove", "--all", "--select", "other"]).ok();
    assert!(!warned.contains("there are none"), "{warned}");
}

#[test]
fn that_it_cannot_be_applied_is_not_accepted() {
    let project = project(&[sql("bad", "CREATE TABLE t (n nothing)", "DROP TABLE t")]);
    project.write("dagmar.yaml", &accepted("{ changeset: bad, reason: x }"));
    let proof = proof(&project, &[]);
    assert_eq!((verdicts(&proof, "bad").as_str(), found(&proof, "bad").len()), ("up failed", 1));
    assert!(proof["changesets"][0]["differences"][0].get("accepted").is_none());
}

#[test]
fn mistakes_in_what_is_accepted_have_a_place() {
    let project = project(&[leaves()]);
    for (entry, words, place) in [
        ("{ changeset: leavs, reason: x }", "the changeset `leavs` does not exist", "dagmar.yaml:3:20"),
        ("{ changeset: leaves, reason: \" \" }", "accepted without a reason", "dagmar.yaml:3:36"),
        ("{ changeset: leaves }", "the key `reason` is missing", "dagmar.yaml:3:9"),
        (
            "{ changeset: leaves, leg: up, reason: x }",
            "that a changeset cannot be applied is not accepted",
            "dagmar.yaml:3:33",
        ),
        ("{ changeset: leaves, leg: dwn, reason: x }", "dwn", "dagmar.yaml:3:33"),
    ] {
        project.write("dagmar.yaml", &accepted(entry));
        let said = project.run(&["prove", "--all"]).fails(3);
        assert!(said.contains(words) && said.contains(place), "{entry}: {said}");
    }
}
