//! The plan for a comment on a pull request (GitHub's and GitLab's Markdown).

use super::words::{self, Totals, gist, hazards};
use crate::base::count;
use crate::plan::{Check, Plan, Rollback, Segment, Step};
use crate::report::escape::{code_block, code_span, markdown, markup};
use crate::report::table::Table;
use crate::report::text::line;
use std::fmt::Write;

/// GitHub refuses comments of more than 65,536 characters; the rest is for what the caller
/// puts around the plan.
const LIMIT: usize = 60_000;
/// Rows of the summary when even the steps do not fit.
const ROWS: usize = 200;

/// How much fits into a comment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Everything.
    Sql,
    /// Each step, without SQL.
    Steps,
    /// The table only.
    Table,
}

pub(super) fn render(plan: &Plan) -> String {
    for detail in [Detail::Sql, Detail::Steps] {
        let text = write(plan, detail);
        if text.chars().count() <= LIMIT {
            return text;
        }
    }
    write(plan, Detail::Table)
}

fn write(plan: &Plan, detail: Detail) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "### dagmar: {} plan for {}\n", plan.direction.word(), code_span(&plan.environment));
    if plan.steps.is_empty() {
        let _ = writeln!(out, "There is {}.\n", markdown(&words::nothing(plan)));
    } else {
        summary(&mut out, plan, if detail == Detail::Table { ROWS } else { usize::MAX });
    }
    for renamed in &plan.renamed {
        let _ = writeln!(
            out,
            "Renamed before the first step: {} to {}\n",
            code_span(&renamed.from),
            code_span(&renamed.to)
        );
    }
    if !plan.overridden_templates.is_empty() {
        let names: Vec<String> = plan.overridden_templates.iter().map(|name| code_span(name)).collect();
        let _ = writeln!(out, "Templates replaced by the project: {}\n", names.join(", "));
    }
    match detail {
        Detail::Sql => {}
        Detail::Steps => out.push_str("The SQL is left out: it would not fit into a comment.\n\n"),
        Detail::Table => out.push_str("The steps are left out: they would not fit into a comment.\n\n"),
    }
    if detail != Detail::Table {
        for step in &plan.steps {
            write_step(&mut out, step, detail == Detail::Sql);
        }
    }
    left_out(&mut out, plan, if detail == Detail::Table { ROWS } else { usize::MAX });
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn summary(out: &mut String, plan: &Plan, rows: usize) {
    let totals = Totals::of(plan);
    let mut said: Vec<String> = vec![totals.size()];
    said.extend(totals.hazards().map(|(hazard, n)| format!("**{}: {}**", hazard.words(), count(n, "step"))));
    let _ = writeln!(out, "{}\n", said.join(" · "));
    out.push_str("| Wave | Changeset | What | Hazards | Way back |\n| ---: | --- | --- | --- | --- |\n");
    for step in plan.steps.iter().take(rows) {
        let hazards: Vec<String> = hazards(step).iter().map(|hazard| format!("**{}**", hazard.words())).collect();
        let back = match &step.rollback {
            Rollback::Irreversible { .. } => "none",
            Rollback::Segments { derived: true, .. } => "derived",
            Rollback::Segments { derived: false, .. } => "by hand",
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {back} |",
            step.wave,
            code_span(&step.changeset),
            markdown(step.description.as_deref().unwrap_or_default()),
            hazards.join(", ")
        );
    }
    if plan.steps.len() > rows {
        let _ = writeln!(out, "\n… and {} more", plan.steps.len() - rows);
    }
    out.push('\n');
}

/// The head of a fold is HTML, all on one line: an empty line would end it.
fn write_step(out: &mut String, step: &Step, sql: bool) {
    let _ = write!(out, "<details>\n<summary><code>{}</code>", markup(&line(&step.changeset)));
    if let Some(description) = &step.description {
        let _ = write!(out, " {}", markup(&line(description)));
    }
    let _ = writeln!(out, "</summary>\n");
    let _ = writeln!(out, "Why: {}\n", words::why(step.why));
    checks(out, "Before", &step.preconditions, sql);
    for segment in &step.segments {
        write_segment(out, segment);
    }
    if sql {
        block(out, &step.segments);
    }
    checks(out, "Verify", &step.verify, sql);
    let way = words::way_back(step);
    match &step.rollback {
        Rollback::Irreversible { reason } => {
            let _ = writeln!(out, "**Cannot be undone:** {}\n", markdown(reason));
        }
        Rollback::Segments { segments, verify, .. } => {
            let _ = writeln!(out, "{}{}: {}\n", way[..1].to_uppercase(), &way[1..], markdown(&words::rollback(step)));
            if sql {
                block(out, segments);
            }
            checks(out, "Verify after that", verify, sql);
        }
    }
    out.push_str("</details>\n\n");
}

fn write_segment(out: &mut String, segment: &Segment) {
    let head = words::segment_head(segment);
    let _ = writeln!(out, "* Runs {}", markdown(&head));
    for statement in &segment.statements {
        let _ = writeln!(out, "  * {}", code_span(&gist(&statement.sql)));
        for (mode, words) in words::locks(&statement.facts) {
            let words = markdown(&words);
            // a lock that blocks nobody is no hazard
            let quiet = mode.effect() == "blocks nobody";
            let _ = if quiet { writeln!(out, "    * {words}") } else { writeln!(out, "    * **{words}**") };
        }
        for flag in words::flags(&statement.facts) {
            let _ = writeln!(out, "    * **{}**", words::flag_words(flag));
        }
    }
    out.push('\n');
}

fn checks(out: &mut String, what: &str, checks: &[Check], sql: bool) {
    for check in checks {
        let _ = writeln!(out, "{what}: {}\n", markdown(&check.name));
        if sql {
            let _ = writeln!(out, "{}", code_block("sql", &words::closed(&check.sql)));
        }
    }
}

fn block(out: &mut String, segments: &[Segment]) {
    let sql: Vec<String> = words::statements(segments).map(|s| words::closed(&s.sql)).collect();
    if !sql.is_empty() {
        let _ = writeln!(out, "{}", code_block("sql", &sql.join("\n\n")));
    }
}

fn left_out(out: &mut String, plan: &Plan, rows: usize) {
    let mut table = Table::new(&["Does not run", "Why"]);
    for waiting in &plan.waiting {
        table.row([&waiting.changeset, &format!("waits {}", words::waiting(waiting))]);
    }
    for blocked in &plan.blocked {
        table.row([&blocked.changeset, &format!("blocked: {}", blocked.reason)]);
    }
    for id in &plan.not_for_here {
        table.row([id.as_str(), "not for this environment"]);
    }
    if !table.is_empty() {
        let _ = writeln!(out, "{}", table.markdown_head(rows));
    }
}
