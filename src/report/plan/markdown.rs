//! The plan for a comment on a pull request (GitHub's and GitLab's Markdown).

use super::Preview;
use super::preview::Whole;
use super::words::{self, Totals};
use crate::base::count;
use crate::base::text::line;
use crate::base::{Operation, Setting};
use crate::plan::{Hazard, Impact, Limits, Plan, Rollback, Segment, Step, StepCheck};
use crate::report::escape::{code_block, code_span, markdown, markup};
use crate::report::table::Table;
use crate::report::{gates, preflight};
use crate::sql::gist;
use std::fmt::Write;

/// GitHub refuses comments of more than 65,536 characters; the rest is for what the caller
/// puts around the plan.
const LIMIT: usize = 60_000;
/// Rows of the summary when even the steps do not fit, and of findings.
const ROWS: usize = 200;
const FINDINGS: usize = 20;

/// Everything, if it fits into a comment; else the SQL of as many steps as fit, in their order; else the
/// steps without SQL; else the tables. What is left out is said.
pub(super) fn render(previews: &[Preview<'_>]) -> String {
    let limit = LIMIT / previews.len().max(1);
    let parts: Vec<String> = previews.iter().map(|preview| one(preview, limit)).collect();
    parts.join("\n")
}

fn one(preview: &Preview<'_>, limit: usize) -> String {
    let plan = preview.plan;
    let length = |text: &str| text.chars().count();
    let (waves, whole) = (words::waves(plan), preview.whole());
    let bare: Vec<String> =
        waves.iter().map(|(i, step, late)| step_text((*i, step), late.as_deref(), &whole, preview, false)).collect();
    let (head, tail) = (head(preview, usize::MAX), left_out(plan, usize::MAX));
    // what is said where something is left out
    let mut used = length(&head) + length(&tail) + bare.iter().map(|text| length(text)).sum::<usize>() + 400;
    if used > limit {
        let said = "The steps are omitted: they exceed the size limit of a comment on GitHub.\n\n";
        return closed([self::head(preview, ROWS), said.to_owned(), left_out(plan, ROWS)].concat());
    }
    let mut without = 0;
    let mut steps = Vec::with_capacity(bare.len());
    for ((i, step, late), bare) in waves.iter().zip(bare) {
        let full = step_text((*i, step), late.as_deref(), &whole, preview, true);
        used += length(&full) - length(&bare);
        if used <= limit {
            steps.push(full);
        } else {
            used -= length(&full) - length(&bare);
            without += 1;
            steps.push(bare);
        }
    }
    let said = match without {
        0 => String::new(),
        n => format!(
            "The SQL of {n} of {} is omitted: it exceeds the size limit of a comment on GitHub. {} shows all of it.\n\n",
            count(plan.steps.len(), "changeset"),
            (preview.wording)(&Operation::Plan.with(Setting::Sql).into())
        ),
    };
    closed([head, said, steps.concat(), tail].concat())
}

fn closed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What stands above the steps.
fn head(preview: &Preview<'_>, rows: usize) -> String {
    let plan = preview.plan;
    let mut out = String::new();
    let _ = writeln!(out, "### dagmar: {} plan for {}\n", plan.direction.word(), code_span(&plan.environment));
    let sealed = preview.seal.map(words::seal).into_iter().flatten();
    let sealed = sealed
        .map(|(name, text, good)| (name, if good { markdown(&text) } else { format!("**{}**", markdown(&text)) }));
    let about = words::about(preview.plan, preview.about).into_iter().map(|(name, text)| (name, markdown(&text)));
    out.push_str("| | |\n| --- | --- |\n");
    for (name, text) in sealed.chain(about) {
        let _ = writeln!(out, "| {name} | {text} |");
    }
    out.push('\n');
    if let Some(gates) = preview.gates {
        let _ = writeln!(out, "{}", gates::markdown(gates, preview.wording));
    }
    if let Some(findings) = preview.findings {
        let _ = writeln!(out, "{}", preflight::markdown(findings, FINDINGS, preview.wording));
    }
    if plan.steps.is_empty() {
        let _ = writeln!(out, "There is {}.\n", words::nothing(plan));
    } else {
        summary(&mut out, plan, rows);
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
    out
}

fn summary(out: &mut String, plan: &Plan, rows: usize) {
    let totals = Totals::of(plan);
    let mut said: Vec<String> = vec![totals.size()];
    said.extend(totals.hazards().map(|(hazard, n)| format!("**{}: {}**", hazard.words(), count(n, "step"))));
    let _ = writeln!(out, "{}\n", said.join(" · "));
    let way = words::way_title(plan);
    let _ = writeln!(out, "| Wave | Changeset | What | Hazards | {way} |\n| ---: | --- | --- | --- | --- |");
    for (_, step, _) in words::waves(plan).into_iter().take(rows) {
        let hazards: Vec<String> = plan.hazards(step).iter().map(|hazard| format!("**{}**", hazard.words())).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            step.wave,
            code_span(&step.changeset),
            markdown(step.description.as_deref().unwrap_or_default()),
            hazards.join(", "),
            words::way(step)
        );
    }
    if plan.steps.len() > rows {
        let _ = writeln!(out, "\n… and {} more", plan.steps.len() - rows);
    }
    out.push('\n');
}

/// The head of a fold is HTML, all on one line: an empty line would end it.
fn step_text(
    (number, step): (usize, &Step),
    late: Option<&str>,
    whole: &Whole,
    preview: &Preview<'_>,
    sql: bool,
) -> String {
    let mut text = String::new();
    let out = &mut text;
    let _ = write!(out, "<details>\n<summary><code>{}</code>", markup(&line(&step.changeset)));
    if let Some(description) = &step.description {
        let _ = write!(out, " {}", markup(&line(description)));
    }
    let _ = writeln!(out, "</summary>\n");
    let late = late.map_or_else(String::new, |late| format!(" · wave {} {}", step.wave, markdown(late)));
    let _ = writeln!(out, "Why: {}{late}\n", words::why(step.why));
    if let (Some(changed), true) = (preview.about.diffs.get(&step.changeset), sql) {
        let _ = writeln!(out, "{}", code_block("diff", changed));
    }
    checks(out, "Before", &step.preconditions, sql);
    for (i, segment) in step.segments.iter().enumerate() {
        write_segment(out, (step, segment), whole.impacts.of_segment(number, i), whole.limits, preview);
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
    text
}

fn write_segment(
    out: &mut String,
    (step, segment): (&Step, &Segment),
    impacts: &[Impact],
    common: Option<Limits>,
    preview: &Preview<'_>,
) {
    let head = words::segment_head(segment, common);
    let _ = writeln!(out, "* Runs {}", markdown(&head));
    for (statement, impact) in segment.statements.iter().zip(impacts) {
        let _ = writeln!(out, "  * {}", code_span(&gist(&statement.sql)));
        let flags = words::flags(preview.plan, step, segment, statement);
        for (hazard, words) in words::lines(preview, statement, impact, flags.contains(&Hazard::OPAQUE)) {
            let words = markdown(&words);
            let _ = match hazard.filter(|hazard| *hazard != Hazard::MayLockMore) {
                None => writeln!(out, "    * {words}"),
                Some(_) => writeln!(out, "    * **{words}**"),
            };
        }
        for flag in flags {
            let _ = writeln!(out, "    * **{}**", words::flag_words(flag));
        }
    }
    out.push('\n');
}

fn checks(out: &mut String, what: &str, checks: &[StepCheck], sql: bool) {
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

fn left_out(plan: &Plan, rows: usize) -> String {
    let mut table = Table::new(&["Does not run", "Why"]);
    for waiting in &plan.waiting {
        table.row([&waiting.changeset, &format!("waits {}", words::waiting(waiting))]);
    }
    for blocked in &plan.blocked {
        table.row([&blocked.changeset, &format!("blocked: {}", blocked.reason)]);
    }
    for id in &plan.excluded {
        table.row([id.as_str(), "not for this environment"]);
    }
    if table.is_empty() { String::new() } else { table.markdown_head(rows) + "\n" }
}
