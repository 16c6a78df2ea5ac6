//! What a shell completes, and the manual pages.

use crate::support::{Project, Run, dagmar, file, table};
use std::process::Command;

const CONFIG: &str = "environments: { dev: {}, staging: {} }\n";

fn shop() -> Project {
    let labelled = table("001-first").with("labels", ["money"].as_slice());
    let labelled = labelled.with("description", "What it does\u{1b}[2J. And more.");
    let changesets = file(&[labelled, table("002-second").depends_on(["001-first"])]);
    Project::new(&[("dagmar.yaml", CONFIG), ("plans/a.yaml", &changesets), ("release.plan", "x")])
}

/// What fish is told may come after these words; the last one is being written.
fn after(project: &Project, words: &[&str]) -> Vec<String> {
    let mut command = project.command(&[]);
    let run = Run::of(command.env("DAGMAR_COMPLETE", "fish").args(["--", "dagmar"]).args(words).output().unwrap());
    assert!(!run.out.contains('\u{1b}'), "{:?}", run.out);
    run.ok().lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_completes_what_the_project_has() {
    let project = shop();
    let ids = ["001-first\tWhat it does␛[2J", "002-second"];
    assert_eq!(after(&project, &["rollback", "00"]), ids);
    assert_eq!(after(&project, &["why", "002"]), ["002-second"]);
    assert_eq!(after(&project, &["plan", "--select", "+002"]), ["+002-second"]);
    assert_eq!(after(&project, &["apply", "--select", "001-first,002"]), ["001-first,002-second"]);
    assert_eq!(after(&project, &["graph", "--select", "label:"]), ["label:money"]);
    assert_eq!(after(&project, &["status", "--env", ""]), ["dev", "staging"]);
    assert_eq!(after(&project, &["plan", "--out", "p", "--for", "dev,st"]), ["dev,staging"]);
    assert_eq!(after(&project, &["promote", "--to", "st"]), ["staging"]);
    assert_eq!(after(&project, &["apply", "--override", "soa"]), ["soak"]);
    assert_eq!(after(&project, &["plan", "--format", "m"]), ["markdown", "mermaid"]);
    let types = after(&project, &["new", "x", "--change", "createTab"]);
    assert!(types.len() == 1 && types[0].starts_with("createTable\tCreates a table"), "{types:?}");
    // files where a file is meant, and nowhere else
    assert_eq!(after(&project, &["apply", "rel"]), ["release.plan"]);
    assert!(after(&project, &["rollback", "rel"]).is_empty());
    assert!(after(&project, &["mark", "held", "001-first", "--reason", ""]).is_empty());
    // outside of a project there are the commands
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = dagmar(&["--", "dagmar", "rollb"]);
    let run = Run::of(command.env("DAGMAR_COMPLETE", "fish").current_dir(nowhere.path()).output().unwrap());
    assert!(run.ok().starts_with("rollback\t"));
    // a project that is named
    let mut command = dagmar(&["--", "dagmar", "--project", project.path().to_str().unwrap(), "why", "002"]);
    let run = Run::of(command.env("DAGMAR_COMPLETE", "fish").current_dir(nowhere.path()).output().unwrap());
    assert_eq!(run.ok().trim(), "002-second");
}

#[test]
fn bash_asks_as_it_was_told() {
    let project = shop();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_dagmar")).parent().unwrap().display().to_string();
    let script = "source <(dagmar completions bash) && COMP_WORDS=(dagmar rollback 00) COMP_CWORD=2 COMP_TYPE=9 && \
                  _clap_complete_dagmar dagmar 00 rollback && echo \"${COMPREPLY[@]}\"";
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(project.path()).env_clear().env("PATH", path);
    let run = Run::of(command.output().unwrap());
    assert!(run.out.contains("001-first") && run.out.contains("002-second"), "{run:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(project.run(&["completions", shell]).ok().contains("DAGMAR_COMPLETE"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page_with_all_sections() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| Run::of(dagmar(args).current_dir(dir.path()).output().unwrap());
    assert!(run(&["man"]).ok().contains(".TH dagmar 1"));
    assert!(run(&["man", "pages"]).err.contains(" pages in pages"));
    let page = |name: &str| std::fs::read_to_string(dir.path().join("pages").join(name)).unwrap();
    for name in ["dagmar.1", "dagmar-apply.1", "dagmar-dev-psql.1", "dagmar-completions.1"] {
        let text = page(name);
        for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
            assert!(
                text.contains(&format!(".SH \"{section}\"")) || text.contains(&format!(".SH {section}\n")),
                "{name}: {section}"
            );
        }
        assert!(!text.contains("EXTRA") && text.contains("DAGMAR_ENV"), "{name}");
    }
    // examples are lines that can be copied
    let apply = page("dagmar-apply.1");
    let examples = apply.split(".SH EXAMPLES\n.nf\n").nth(1).unwrap().split(".fi").next().unwrap();
    assert_eq!(examples.lines().next(), Some("dagmar apply"), "{examples}");
    assert!(examples.lines().all(|line| line.starts_with("dagmar apply")), "{examples}");
    assert!(page("dagmar.1").contains("dagmar\\-apply(1)"));
}
