//! What `check` says of wrong files.

use super::process::Run;
use super::project::Project;

/// `check` finds exactly one mistake in these files: code, place, words of message and help.
#[track_caller]
pub fn one_mistake(files: &[(&str, &str)], code: &str, place: &str, words: &[&str]) {
    let project = Project::new(files);
    mistake_of(&project.run(&["check"]), code, place, words);
    // the same for programs
    let run = project.run(&["check", "--format", "json"]);
    assert_eq!(run.code, 3, "{run:?}");
    let value = run.json();
    let found = value["diagnostics"].as_array().unwrap();
    assert_eq!((found.len(), found[0]["code"].as_str()), (1, Some(code)), "{value:#}");
    if let Some((file, at)) = place.split_once(':') {
        let (line, column) = at.split_once(':').unwrap();
        assert_eq!(found[0]["file"], file);
        assert_eq!([&found[0]["line"], &found[0]["column"]].map(|n| n.to_string()), [line, column], "{value:#}");
    }
    assert_eq!(value["error"]["exitCode"], 3);
}

/// The same of a run that there was.
#[track_caller]
pub fn mistake_of(run: &Run, code: &str, place: &str, words: &[&str]) {
    let said = &run.err;
    assert_eq!((run.code, run.out.as_str()), (3, ""), "{said}");
    assert_eq!(said.matches("error[").count(), 1, "{said}");
    assert!(said.contains(&format!("error[{code}]: ")) && said.contains(&format!("--> {place}\n")), "{said}");
    assert!(said.ends_with("error: the project has 1 error\n"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}\n{said}");
    }
}

/// A changeset of one harmless change, as its author writes it; `more` are further lines of it.
pub fn plain(id: &str, more: &str) -> String {
    format!("  - id: {id}\n{more}    changes:\n      - createSchema: {{ name: s{} }}\n", id.len())
}

/// Code and place of everything that `check` finds, sorted by place as it is said.
pub fn found(run: &Run) -> Vec<String> {
    let value = run.json();
    let list = value["diagnostics"].as_array().unwrap_or_else(|| panic!("{run:?}")).clone();
    let place = |d: &serde_json::Value| {
        let number = |key: &str| d[key].as_u64().map_or(String::new(), |n| format!(":{n}"));
        format!(
            "{} {}{}{}",
            d["code"].as_str().unwrap(),
            d["file"].as_str().unwrap_or("-"),
            number("line"),
            number("column")
        )
    };
    list.iter().map(place).collect()
}

pub fn check(files: &[(&str, &str)]) -> Vec<String> {
    found(&Project::new(files).run(&["check", "--format", "json"]))
}

/// The manifest of a change type of a project's own, with two parameters.
pub const MANIFEST: &str = "description: Keeps the old rows of a table.\nparameters:\n  type: object\n  properties:\n    table: { type: string }\n    days: { type: integer, minimum: 1, description: For how many days rows are kept. }\n  required: [table]\n";
