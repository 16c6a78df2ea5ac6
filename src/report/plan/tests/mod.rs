//! Tests for all formats of a plan.

mod said;
mod samples;

pub(in crate::report) use said::{about, findings, live, review, unsigned, verdicts};
pub(in crate::report) use samples::{forward, hostile_plan, irregular, nothing, rollback};

use super::*;
use crate::plan::{About, Hazard, Plan};

fn written(format: PlanFormat, plan: &Plan) -> String {
    format.render(&[Preview::new(plan, &about(), ToString::to_string)], PlanOptions::default()).plain()
}

fn with_sql(format: PlanFormat, plan: &Plan) -> String {
    let options = PlanOptions { detail: Detail::Sql, ..PlanOptions::default() };
    format.render(&[Preview::new(plan, &about(), ToString::to_string)], options).plain()
}

#[test]
fn every_file_is_a_format() {
    let mut files: Vec<String> = std::fs::read_dir("src/report/plan")
        .expect("runs in the crate's folder")
        .map(|e| e.expect("readable").path().file_stem().expect("a file").to_string_lossy().into_owned())
        .filter(|stem| !["mod", "preview", "tests", "words"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let mut names: Vec<&str> = PlanFormat::ALL.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    assert_eq!(files, names);
    assert!(PlanFormat::ALL.iter().all(|format| PlanFormat::find(format.name()) == Some(*format)));
}

#[test]
fn nothing_breaks_out() {
    let (plan, about, live, review) = (hostile_plan(), about(), live(), review());
    let preview =
        Preview { live: Some(&live), review: Some(&review), ..Preview::new(&plan, &about, ToString::to_string) };
    let written = |format: PlanFormat, detail| {
        format.render(&[preview], PlanOptions { detail, ..PlanOptions::default() }).plain()
    };
    for format in PlanFormat::ALL {
        let text = written(*format, Detail::Sql);
        assert!(!text.contains('\u{1b}') && text.contains("alert(1)"), "{format:?}");
        assert!(text.contains("pid 8 (") || *format == PlanFormat::Json, "{format:?}");
    }
    let html = written(PlanFormat::Html, Detail::Statements);
    assert_eq!(html.matches("<script").count(), 1, "that of the page");
    assert_eq!(html.matches("<details").count(), html.matches("</details>").count());
    // outside of code blocks no line is HTML but the folds' own
    let markdown = written(PlanFormat::Markdown, Detail::Statements);
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
    let text = written(PlanFormat::Text, &forward());
    for part in [
        "  database  shop on db.example.org:5432, PostgreSQL 15.4\n",
        "  made      2026-08-21 08:00:00 UTC by alice@laptop, database user deploy\n",
        "  dagmar    0.1.0, project at commit 0123456789ab, with uncommitted changes\n",
        "  limits    in a transaction: waits 3s for a lock, 10 retries; at most 1m per statement\n",
        "ACCESS EXCLUSIVE on platform.users (2,000,000 rows, 85 MB): blocks reads and writes",
        "after 009-project-limits: both touch the table platform.projects",
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
    let sql = with_sql(PlanFormat::Text, &forward());
    assert!(sql.contains("RETURNING t.id") && sql.contains("DROP TABLE platform.project_limits;"), "{sql}");
}

#[test]
fn nothing_to_do_is_said_with_the_database() {
    let text = written(PlanFormat::Text, &nothing());
    assert!(text.starts_with("forward plan for production: nothing to apply\n  database  shop on "), "{text}");
    assert!(text.ends_with("\nnot for this environment\n  004-first-organization\n"), "{text}");
    let offline = About { target: None, ..about() };
    for format in PlanFormat::ALL {
        let text =
            format.render(&[Preview::new(&nothing(), &offline, ToString::to_string)], PlanOptions::default()).plain();
        let said = if *format == PlanFormat::Json { "\"target\": null" } else { "offline: compiled" };
        assert!(text.contains(said), "{format:?}: {text}");
    }
}

#[test]
fn a_semicolon_never_is_in_a_comment() {
    let mut plan = forward();
    plan.steps[1].segments[0].statements[0].sql = "CREATE TABLE a (\n    b int\n) -- c".to_owned();
    for format in [PlanFormat::Text, PlanFormat::Markdown, PlanFormat::Html] {
        let text = with_sql(format, &plan);
        let text = text.replace("</span>", "");
        let after = text.split("-- c\n").nth(1).expect("has the statement");
        assert!(after.trim_start().starts_with(';'), "{format:?}");
    }
}

#[test]
fn json_is_the_plan() {
    let text = written(PlanFormat::Json, &forward());
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("reads back"), forward());
}

#[test]
fn a_comment_never_is_too_long_for_github() {
    let mut plan = forward();
    let one = plan.steps[1].clone();
    for (steps, said) in [(100, " of 100 changesets is omitted"), (300, "The steps are omitted")] {
        plan.steps = vec![one.clone(); steps];
        let text = written(PlanFormat::Markdown, &plan);
        assert!(text.chars().count() <= 65_536 && text.contains(said), "{steps}: {}", text.chars().count());
        assert!(text.contains("009-project-limits"));
    }
}

/// The steps of a wave stand together, whatever the order of the plan is.
#[test]
fn waves_are_shown_in_order_and_each_once() {
    let plan = forward();
    assert!(!plan.steps.is_sorted_by_key(|step| step.wave));
    for (format, head) in [(PlanFormat::Text, "\nwave "), (PlanFormat::Html, "<h2>Wave ")] {
        let text = written(format, &plan);
        let waves: Vec<&str> = text.split(head).skip(1).map(|rest| &rest[..1]).collect();
        assert_eq!(waves, ["1", "2"], "{format:?}");
    }
    let table = written(PlanFormat::Markdown, &plan);
    let rows: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()).collect();
    let waves: Vec<&&str> = rows.iter().filter(|wave| wave.parse::<u32>().is_ok()).collect();
    assert_eq!(waves, [&"1", &"1", &"1", &"2", &"2", &"2"]);
}

/// What an earlier run has done is neither counted nor a hazard any more.
#[test]
fn what_is_done_does_not_count() {
    let mut plan = forward();
    plan.steps.truncate(1);
    let all = Totals::of(&plan);
    assert_eq!(all.statements, 3);
    for segment in &mut plan.steps[0].segments[..2] {
        segment.progress = crate::plan::Progress::Done;
    }
    let left = Totals::of(&plan);
    assert_eq!((left.statements, left.hazards().count()), (1, 0));
    assert_eq!(all.hazards().count(), 2);
}

#[test]
fn the_totals_count_steps() {
    let totals = Totals::of(&forward());
    assert_eq!((totals.steps, totals.waves, totals.statements), (6, 2, 10));
    let hazards: Vec<(Hazard, usize)> = totals.hazards().collect();
    assert_eq!(hazards[0], (Hazard::IRREVERSIBLE, 1));
    assert!(hazards.contains(&(Hazard::BlocksReads, 2)));
}
