//! The plan as one self-contained page: no scripts, nothing loaded from elsewhere, light
//! and dark, fit for printing.

use super::words::{self, Hazard, Totals, gist, hazards};
use crate::plan::{Check, Plan, Rollback, Segment, Step};
use crate::report::escape::markup;
use crate::report::graph::{GraphView, svg};
use crate::report::page::{self, text};
use crate::sql::LockMode;
use std::fmt::Write;

/// Larger graphs are no picture any more.
const MAX_NODES: usize = 400;

pub(super) fn render(plan: &Plan) -> String {
    let environment = text(&plan.environment);
    let direction = plan.direction.word();
    let totals = Totals::of(plan);
    let mut out = page::head(&format!("{direction} plan for {environment}"), "");
    let _ = writeln!(out, "<h1>{}{} plan for {environment}</h1>", direction[..1].to_uppercase(), &direction[1..]);
    if plan.steps.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", text(&words::nothing(plan)));
    } else {
        let _ = writeln!(out, "<p class=\"soft\">{}</p>", totals.size());
        let tags: Vec<String> =
            totals.hazards().map(|(hazard, n)| tag(hazard, &format!("{}: {n}", hazard.words()))).collect();
        if !tags.is_empty() {
            let _ = writeln!(out, "<p>{}</p>", tags.join(""));
        }
    }
    for renamed in &plan.renamed {
        let (from, to) = (text(&renamed.from), text(&renamed.to));
        let _ = writeln!(out, "<p>Renamed before the first step: <code>{from}</code> to <code>{to}</code></p>");
    }
    if !plan.overridden_templates.is_empty() {
        let names = text(&plan.overridden_templates.join(", "));
        let _ = writeln!(out, "<p>Templates replaced by the project: <code>{names}</code></p>");
    }
    if !plan.steps.is_empty() {
        overview(&mut out, plan);
    }
    let mut wave = None;
    for (i, step) in plan.steps.iter().enumerate() {
        if wave != Some(step.wave) {
            wave = Some(step.wave);
            let _ = writeln!(out, "<h2>Wave {}</h2>", step.wave);
        }
        write_step(&mut out, i, step);
    }
    left_out(&mut out, plan);
    let _ = writeln!(
        out,
        "<footer>Steps of one wave may run in parallel. Ledger schema <code>{}</code>.</footer>\n</body>\n</html>",
        text(&plan.ledger_schema)
    );
    out
}

fn tag(hazard: Hazard, words: &str) -> String {
    let class = match hazard {
        Hazard::CannotBeUndone | Hazard::LosesData | Hazard::BlocksReads => "bad",
        Hazard::BlocksWrites | Hazard::Rewrites | Hazard::Scans | Hazard::Opaque => "warn",
    };
    format!("<span class=\"tag {class}\">{words}</span>")
}

fn tags(step: &Step) -> String {
    hazards(step).into_iter().map(|hazard| tag(hazard, hazard.words())).collect()
}

fn overview(out: &mut String, plan: &Plan) {
    if plan.steps.len() <= MAX_NODES {
        let _ = writeln!(out, "<div class=\"graph\">\n{}</div>", svg::fragment(&GraphView::of_plan(plan)));
    }
    out.push_str("<table>\n<tr><th>Wave</th><th>Changeset</th><th>What</th><th>Hazards</th></tr>\n");
    for (i, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td><a href=\"#step-{i}\"><code>{}</code></a></td><td>{}</td><td>{}</td></tr>",
            step.wave,
            text(&step.changeset),
            text(step.description.as_deref().unwrap_or_default()),
            tags(step)
        );
    }
    out.push_str("</table>\n");
}

fn write_step(out: &mut String, number: usize, step: &Step) {
    let _ = writeln!(
        out,
        "<details class=\"step\" id=\"step-{number}\" open>\n<summary><h3>{}</h3> {}",
        text(&step.changeset),
        tags(step)
    );
    if let Some(description) = &step.description {
        let _ = writeln!(out, "<p>{}</p>", text(description));
    }
    out.push_str("</summary>\n<div>\n");
    let mut facts = vec![words::why(step.why).to_owned()];
    facts.extend(step.phase.as_ref().map(|phase| format!("phase {phase}")));
    if !step.labels.is_empty() {
        facts.push(format!("labels {}", step.labels.join(", ")));
    }
    if !step.requires.is_empty() {
        facts.push(format!("requires {}", step.requires.join(", ")));
    }
    facts.extend(step.author.as_ref().map(|author| format!("by {author}")));
    facts.extend(step.file.clone());
    let _ = writeln!(out, "<p class=\"soft\">{}</p>", text(&facts.join(" · ")));
    checks(out, "Before", &step.preconditions);
    if !step.segments.is_empty() {
        out.push_str("<ol class=\"segments\">\n");
        for segment in &step.segments {
            write_segment(out, segment);
        }
        out.push_str("</ol>\n");
    }
    checks(out, "Verify", &step.verify);
    let way = words::way_back(step);
    let _ = writeln!(out, "<h4>{}{}</h4>", way[..1].to_uppercase(), &way[1..]);
    match &step.rollback {
        Rollback::Irreversible { reason } => {
            let _ = writeln!(out, "<p><span class=\"tag bad\">cannot be undone</span> {}</p>", text(reason));
        }
        Rollback::Segments { segments, verify, .. } => {
            let _ = writeln!(out, "<p>{}</p>", text(&words::rollback(step)));
            let sql: Vec<&str> = words::statements(segments).map(|s| s.sql.as_str()).collect();
            block(out, &sql);
            checks(out, "Verify after that", verify);
        }
    }
    out.push_str("</div>\n</details>\n");
}

fn write_segment(out: &mut String, segment: &Segment) {
    let _ = writeln!(out, "<li><span class=\"soft\">{}</span>", text(&words::segment_head(segment)));
    for statement in &segment.statements {
        let _ = writeln!(out, "<p><code>{}</code></p>", markup(&gist(&statement.sql)));
        let mut items = String::new();
        for (mode, words) in words::locks(&statement.facts) {
            let class = match mode {
                LockMode::AccessExclusive => " class=\"hot\"",
                LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => " class=\"warm\"",
                _ => "",
            };
            let _ = write!(items, "<li{class}>{}</li>", text(&words));
        }
        for flag in words::flags(&statement.facts) {
            let class = if flag == Hazard::LosesData { "hot" } else { "warm" };
            let _ = write!(items, "<li class=\"{class}\">{}</li>", words::flag_words(flag));
        }
        if !items.is_empty() {
            let _ = writeln!(out, "<ul class=\"locks\">{items}</ul>");
        }
        if !words::is_whole(&statement.sql) {
            block(out, &[&statement.sql]);
        }
    }
    out.push_str("</li>\n");
}

fn checks(out: &mut String, what: &str, checks: &[Check]) {
    for check in checks {
        let _ = writeln!(out, "<h4>{what}: {}</h4>", text(&check.name));
        block(out, &[&check.sql]);
    }
}

fn block(out: &mut String, statements: &[&str]) {
    if !statements.is_empty() {
        let sql: Vec<String> = statements.iter().map(|sql| words::closed(sql)).collect();
        let _ = writeln!(out, "<pre><code>{}</code></pre>", markup(&sql.join("\n\n")));
    }
}

fn left_out(out: &mut String, plan: &Plan) {
    let mut rows: Vec<(&str, String)> = Vec::new();
    rows.extend(plan.waiting.iter().map(|w| (w.changeset.as_str(), format!("waits {}", words::waiting(w)))));
    rows.extend(plan.blocked.iter().map(|b| (b.changeset.as_str(), format!("blocked: {}", b.reason))));
    rows.extend(plan.not_for_here.iter().map(|id| (id.as_str(), "not for this environment".to_owned())));
    if rows.is_empty() {
        return;
    }
    out.push_str("<h2>Does not run</h2>\n<table>\n<tr><th>Changeset</th><th>Why</th></tr>\n");
    for (id, why) in rows {
        let _ = writeln!(out, "<tr><td><code>{}</code></td><td>{}</td></tr>", text(id), text(&why));
    }
    out.push_str("</table>\n");
}
