//! Golden files of all forms: `tests/golden/report/`. `BLESS=1 cargo test --lib report`
//! writes them; what changed is then read in the diff.

use super::diag::{self, tests::Texts};
use super::graph::tests::{hostile_graph, sample_graph};
use super::plan::tests::{
    about, findings, forward, hostile_plan, irregular, live, nothing, review, rollback, unsigned, verdicts,
};
use super::{Detail, GraphFormat, GraphOptions, PlanFormat, PlanOptions, Preview, Style, diff, plan};
use crate::base::{Code, Diagnostic, Diagnostics, FileId, Operation, Place};
use crate::plan::About;
use std::collections::BTreeMap;
use std::path::Path;

const FOLDER: &str = "tests/golden/report";

/// Every golden file with the text it must hold.
fn all() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (format, ending) in [
        (GraphFormat::Tree, "txt"),
        (GraphFormat::Dot, "dot"),
        (GraphFormat::Mermaid, "mmd"),
        (GraphFormat::Json, "json"),
        (GraphFormat::Svg, "svg"),
    ] {
        for (name, graph) in [("sample", sample_graph()), ("hostile", hostile_graph())] {
            files.insert(format!("graph-{name}.{ending}"), format.render(&graph, GraphOptions::default()).plain());
        }
    }
    let ascii = GraphOptions { ascii: true, ..GraphOptions::default() };
    files.insert("graph-sample-ascii.txt".to_owned(), GraphFormat::Tree.render(&sample_graph(), ascii).plain());
    for (format, ending) in [
        (PlanFormat::Text, "txt"),
        (PlanFormat::Json, "json"),
        (PlanFormat::Markdown, "md"),
        (PlanFormat::Html, "html"),
    ] {
        for (name, plan) in [
            ("forward", forward()),
            ("rollback", rollback()),
            ("irregular", irregular()),
            ("nothing", nothing()),
            ("hostile", hostile_plan()),
        ] {
            let about = about();
            let text = format.render(&[Preview::new(&plan, &about, ToString::to_string)], PlanOptions::default());
            files.insert(format!("plan-{name}.{ending}"), text.plain());
        }
        // all that may be said of a plan; of a sealed one for two environments
        let (plan, other, about, offline) = (forward(), nothing(), about(), About { target: None, ..about() });
        let (seal, gates, findings, live, review) = (unsigned(), verdicts(), findings(), live(), review());
        let full = Preview {
            seal: Some(&seal),
            gates: Some(&gates),
            findings: Some(&findings),
            live: Some(&live),
            review: Some(&review),
            ..Preview::new(&plan, &about, ToString::to_string)
        };
        let text = format.render(&[full, Preview::new(&other, &offline, ToString::to_string)], PlanOptions::default());
        files.insert(format!("plan-full.{ending}"), text.plain());
    }
    let (plan, about) = (forward(), about());
    let preview = Preview::new(&plan, &about, ToString::to_string);
    for (name, detail) in [("sql", Detail::Sql), ("summary", Detail::Summary)] {
        let options = PlanOptions { detail, ..PlanOptions::default() };
        files.insert(format!("plan-forward-{name}.txt"), PlanFormat::Text.render(&[preview], options).plain());
    }
    for limit in [80, 200] {
        let options = PlanOptions { limit: Some(limit), ..PlanOptions::default() };
        let text = plan::text(&preview, options).write(Style::COLOR, Some(limit));
        files.insert(format!("plan-forward-{limit}.txt"), text);
    }
    let problems = problems();
    files.insert("diag.txt".to_owned(), diag::text(&problems, Style::PLAIN, ToString::to_string));
    files.insert("diag-color.txt".to_owned(), diag::text(&problems, Style::COLOR, ToString::to_string));
    let entries = serde_json::json!({ "diagnostics": diag::entries(&problems, ToString::to_string) });
    files.insert("diag.json".to_owned(), format!("{entries:#}\n"));
    files
}

fn problems() -> Diagnostics {
    let first = "changesets:\n  - id: 001-日本\n    dependsOn: [002-b]\n    changes:\n\t- creatTable: {}\n";
    let second = "changesets:\r\n  - id: 002-b\r\n    dependsOn: [001-日本]\r\n";
    let sources = Texts::new(vec![("plans/001.yaml", first.to_owned()), ("plans/002.yaml", second.to_owned())]);
    let at = |file: u32, text: &str, what: &str| {
        let start = text.find(what).expect("is in the sample");
        Place::bytes(FileId(file), start..start + what.len())
    };
    let mut problems = Diagnostics::default();
    problems.push(
        Diagnostic::error(Code::IdTwice, "the changesets `001-日本` and `002-b` depend on each other")
            .at(at(0, first, "002-b"))
            .label("`001-日本` needs `002-b`")
            .related(at(1, second, "001-日本"), "which needs `001-日本`")
            .help("remove one of the two edges"),
    );
    problems.push(
        Diagnostic::error(Code::UnknownKey, "unknown key `creatTable`")
            .at(at(0, first, "creatTable"))
            .label("no change type")
            .related(at(0, first, "001-日本"), "in this changeset")
            .help("did you mean `createTable`?"),
    );
    problems.push(
        Diagnostic::warning(Code::UnusedFile, "the changeset has no `description`\u{1b}[31m")
            .at(Place::value(FileId(1), vec![]))
            .related(Place::value(FileId(0), vec![]), "unlike this one"),
    );
    problems.push(
        Diagnostic::warning(Code::CapitalLetters, "ends too early")
            .at(Place::bytes(FileId(1), second.len()..second.len() + 9)),
    );
    problems.push(
        Diagnostic::error(Code::NothingInFile, "the folder `plans` is empty").help("make one with " + Operation::New),
    );
    sources.with(problems)
}

#[test]
fn every_form_is_as_it_was() {
    let folder = Path::new(FOLDER);
    let expected = all();
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(folder).expect("can be made");
        for entry in std::fs::read_dir(folder).expect("is there") {
            std::fs::remove_file(entry.expect("readable").path()).expect("can be removed");
        }
        for (name, text) in &expected {
            std::fs::write(folder.join(name), text).expect("can be written");
        }
    }
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("BLESS=1 starts it")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let names: Vec<&String> = expected.keys().collect();
    assert_eq!(files.iter().collect::<Vec<_>>(), names, "{FOLDER} against the forms");
    let mut wrong = String::new();
    for (name, text) in &expected {
        let golden = std::fs::read_to_string(folder.join(name)).expect("readable");
        wrong.push_str(&diff::unified(name, "now", &golden, text));
    }
    assert!(wrong.is_empty(), "{wrong}\nBLESS=1 accepts this");
}
