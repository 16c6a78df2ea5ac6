//! What `dagmar.yaml` holds of secrets is shown nowhere, whatever is wrong with the file.

use crate::support::{Project, Run, file, sql};
use std::fs;

const SECRET: &str = "S3cr3tCanary";
const URL: &str = "postgres://u:S3cr3tCanary@127.0.0.1:1/db";

/// The commands that say what is wrong, with their forms.
const COMMANDS: [&[&str]; 5] =
    [&["check"], &["status"], &["check", "--format", "json"], &["plan", "--offline"], &["graph", "--format", "json"]];

#[track_caller]
fn hidden(project: &Project, what: &str) -> String {
    let mut said = String::new();
    for args in COMMANDS {
        let run = project.run(args);
        let all = format!("{}{}", run.out, run.err);
        assert!(!all.contains(SECRET) && !all.contains("u:S3c"), "{args:?} of\n{what}\n{all}");
        said.push_str(&all);
    }
    said
}

#[test]
fn mistakes_in_the_project_file_show_no_secret() {
    let head = format!("variables: {{ schema: app, key: {SECRET} }}\nenvironments:\n");
    let dev = |lines: &str| format!("{head}  dev:\n{lines}\n");
    let flow = |entries: &str| format!("{head}  dev: {entries}\n");
    let mistakes = [
        // misspelt, twice, too many
        dev(&format!("    uri: {URL}")),
        dev(&format!("    url: {URL}\n    url: {URL}")),
        dev(&format!("    url: {URL}\n    urlFile: x")),
        dev(&format!("    urlCommand: [echo, {SECRET}]\n    url: x")),
        // no YAML
        flow(&format!("{{ url: \"{URL} }}")),
        flow(&format!("{{ url: {URL}")),
        dev(&format!("\turl: {URL}")),
        dev(&format!("    url: {URL}\n     jobs: 3")),
        dev(&format!("    <<: *x\n    url: {URL}")),
        dev(&format!("    url: !x {URL}")),
        format!("variables:\n  pw: \"{SECRET}\n  x: y\n"),
        format!("variables:\n  pw: {SECRET}: b\n"),
        format!("{URL}\n"),
        // of another kind
        flow(URL),
        dev(&format!("    url: [{URL}]")),
        dev(&format!("    urlCommand: {URL}")),
        dev(&format!("    urlFile: {{ a: {SECRET} }}")),
        dev(&format!("    beforeApply:\n      - run: {SECRET}")),
        dev(&format!("    variables: {{ a: {{ b: {SECRET} }} }}")),
        format!("variables: {SECRET}\n"),
        format!("variables:\n  pw: [{SECRET}]\n"),
        format!("variables:\n  \"p w\": {SECRET}\n"),
        // wrong beside it
        flow(&format!("{{ url: {URL}, promoteFrom: stagin }}")),
        flow(&format!("{{ url: \"{URL}\", soak: 3 days }}")),
        dev(&format!("    url: {URL}\n    jobs: 300")),
        dev(&format!("    url: >-\n      {URL}\n    windw: x")),
        dev(&format!("    urlCommand:\n    - op\n    - {SECRET}\n    windw: x")),
        dev(&format!("    url: host=h user=u password={SECRET} dbname=x\n    uurl: 1")),
        dev(&format!("    # before: {URL}\n    lmits: {{}}")),
        dev(&format!("    # password: {SECRET}\n    lmits: {{}}")),
    ];
    for text in &mistakes {
        let project = Project::new(&[("dagmar.yaml", text)]);
        assert!(hidden(&project, text).contains("dagmar.yaml"), "{text}");
    }
    let project = Project::new(&[]);
    let latin = [dev(&format!("    url: {URL}")).as_bytes(), b"# \xff\n"].concat();
    fs::write(project.path().join("dagmar.yaml"), latin).unwrap();
    assert!(hidden(&project, "not UTF-8").contains("is not UTF-8"));
}

/// Masks leave what is no secret, and every place where it is.
#[test]
fn what_is_no_secret_is_shown() {
    let text = format!(
        "environments:\n  dev: {{ url: \"postgres://é:{SECRET}é@h/db\", promoteFrom: stagin }}\n  live:\n    urlFile: secrets/url\n    soak: 2 days\n    limits: {{ lockTimeout: 1 s, lockRetries: 5, statmentTimeout: 1m }}\n"
    );
    let project = Project::new(&[("dagmar.yaml", &text)]);
    let said = project.run(&["check"]).fails(3);
    for words in [
        " --> dagmar.yaml:2:63\n",
        ", promoteFrom: stagin }\n",
        "soak: 2 days\n",
        // what a key that is not known holds may be anything
        "    limits: { lockTimeout: 1 s, lockRetries: 5, statmentTimeout: ** }\n",
        "did you mean `statementTimeout`?",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    let line = said.lines().find(|line| line.contains("promoteFrom: stagin")).unwrap();
    let caret = said.lines().find(|line| line.trim_end().ends_with("^^^^^^")).unwrap();
    let column = |line: &str, part: &str| line.chars().count() - line[line.find(part).unwrap()..].chars().count();
    assert_eq!(column(line, "stagin"), column(caret, "^"), "{said}");
}

/// A password in the SQL of a changeset is in no picture either.
#[test]
fn passwords_in_sql_are_in_no_picture() {
    let text = file(&[
        sql("a", &format!("CREATE ROLE r PASSWORD '{SECRET}'; SELECT (1"), "SELECT 1"),
        sql("b", &format!("SELECT dblink('{URL}'); COMMIT"), "SELECT 1"),
        sql("c", "CREATE ROLE r PASSWORD '${pasword}'", "SELECT 1"),
    ]);
    let project = Project::new(&[("plans/a.yaml", &text)]);
    let run: Run = project.run(&["check"]);
    let said = run.fails(3);
    assert!(!said.contains(SECRET) && said.contains("CREATE ROLE r PASSWORD '************'; SELECT (1"), "{said}");
    assert!(said.contains("SELECT dblink('postgres://**************@127.0.0.1:1/db')"), "{said}");
    assert!(said.contains("PASSWORD '${pasword}'"), "{said}");
}
