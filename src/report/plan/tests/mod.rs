//! What holds for all forms of a plan.

mod samples;

pub(in crate::report) use samples::{forward, hostile_plan, irregular, nothing, rollback};

use super::*;

#[test]
fn every_file_is_a_format() {
    let mut files: Vec<String> = std::fs::read_dir("src/report/plan")
        .expect("runs in the crate's folder")
        .map(|e| e.expect("readable").path().file_stem().expect("a file").to_string_lossy().into_owned())
        .filter(|stem| !["mod", "tests", "words"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let mut names: Vec<&str> = PlanFormat::ALL.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    assert_eq!(files, names);
    assert!(PlanFormat::ALL.iter().all(|format| PlanFormat::find(format.name()) == Some(*format)));
}

#[test]
fn nothing_breaks_out() {
    let plan = hostile_plan();
    for format in PlanFormat::ALL {
        let text = format.render(&plan, PlanOptions { sql: true, ..PlanOptions::default() }).plain();
        assert!(!text.contains('\u{1b}'), "{format:?}");
    }
    let html = PlanFormat::Html.render(&plan, PlanOptions::default()).plain();
    assert!(!html.contains("<script"));
    assert_eq!(html.matches("<details").count(), html.matches("</details>").count());
    // outside of code blocks no line is HTML but the folds' own
    let markdown = PlanFormat::Markdown.render(&plan, PlanOptions::default()).plain();
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) => {
                if line == open {
                    fence = None;
                }
            }
            None if ticks.len() >= 3 && line.ends_with("sql") => fence = Some(ticks),
            None => {
                let own = line == "<details>" || line == "</details>" || line.starts_with("<summary><code>");
                assert!(own || !line.starts_with('<'), "{line}");
                assert!(own || !line.starts_with("# f"), "{line}");
                if line.starts_with("<summary>") {
                    assert!(line.ends_with("</summary>") && line.matches("</").count() == 2, "{line}");
                }
            }
        }
    }
    assert_eq!(fence, None);
}

#[test]
fn the_text_names_hazards_and_ways_back() {
    let text = PlanFormat::Text.render(&forward(), PlanOptions::default()).plain();
    for part in [
        "ACCESS EXCLUSIVE on platform.users: blocks reads and writes",
        "CREATE INDEX CONCURRENTLY idx_users_active_org ON platform.users\n",
        "UPDATE platform.users AS t\n",
        "in batches of 10ms, the first of 10000 rows, over platform.users by id",
        "cannot be undone: the rows are gone for good",
        "30d after 010-preferences-copy, until 2026-09-20T08:00:00Z",
        "steps by hazard: cannot be undone: 1, loses data: 1",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("ON DELETE SET NULL\n    ") && !text.contains("RETURNING"));
    let sql = PlanFormat::Text.render(&forward(), PlanOptions { sql: true, ..PlanOptions::default() }).plain();
    assert!(sql.contains("RETURNING t.id") && sql.contains("DROP TABLE platform.project_limits;"), "{sql}");
}

#[test]
fn nothing_to_do_is_one_line() {
    let text = PlanFormat::Text.render(&nothing(), PlanOptions::default()).plain();
    assert_eq!(text, "nothing to apply in production (1 changeset not for this environment)\n");
}

#[test]
fn a_semicolon_never_is_in_a_comment() {
    let mut plan = forward();
    plan.steps[1].segments[0].statements[0].sql = "CREATE TABLE a (\n    b int\n) -- c".to_owned();
    for format in [PlanFormat::Text, PlanFormat::Markdown, PlanFormat::Html] {
        let text = format.render(&plan, PlanOptions { sql: true, ..PlanOptions::default() }).plain();
        let after = text.split("-- c\n").nth(1).expect("has the statement");
        assert!(after.trim_start().starts_with(';'), "{format:?}");
    }
}

#[test]
fn json_is_the_plan() {
    let text = PlanFormat::Json.render(&forward(), PlanOptions::default()).plain();
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("reads back"), forward());
}

#[test]
fn a_comment_never_is_too_long_for_github() {
    let mut plan = forward();
    let one = plan.steps[1].clone();
    for (steps, said) in [(100, "The SQL is left out"), (300, "The steps are left out")] {
        plan.steps = vec![one.clone(); steps];
        let text = PlanFormat::Markdown.render(&plan, PlanOptions::default()).plain();
        assert!(text.chars().count() <= 65_536 && text.contains(said), "{steps}: {}", text.chars().count());
        assert!(text.contains("009-project-limits"));
    }
}

#[test]
fn the_totals_count_steps() {
    let totals = Totals::of(&forward());
    assert_eq!((totals.steps, totals.waves, totals.statements), (5, 2, 9));
    let hazards: Vec<(Hazard, usize)> = totals.hazards().collect();
    assert_eq!(hazards[0], (Hazard::CannotBeUndone, 1));
    assert!(hazards.contains(&(Hazard::BlocksReads, 2)));
}
