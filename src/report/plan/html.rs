//! The plan as one self-contained page: nothing loaded from elsewhere, light and dark, fit for printing. Its one script
//! opens and closes folds; without it everything can be read.

use super::Preview;
use super::preview::Whole;
use super::words::{self, Totals};
use crate::base::{Level, Markup, count};
use crate::plan::{Hazard, Impact, Limits, Plan, Rollback, Segment, Step, StepCheck};
use crate::report::graph::GraphView;
use crate::report::graph::svg::{self, Leads};
use crate::report::page::{self, sql, text};
use crate::report::{LintAnswer, findings, gates, preflight};
use std::fmt::Write;

/// Larger graphs are no picture any more.
const MAX_NODES: usize = 400;
/// What a page has room for, in pixels: wider graphs run from top to bottom.
const WIDE: f64 = 1030.0;
/// Of so many steps only those with a hazard are open.
const MANY: usize = 30;

pub(super) fn render(previews: &[Preview<'_>]) -> String {
    let titles: Vec<String> = previews.iter().map(|preview| title(preview.plan)).collect();
    let mut out = page::head(&titles.join(", "), true);
    out.push_str(page::folds_buttons());
    for (no, preview) in previews.iter().enumerate() {
        part(&mut out, preview, no, None);
    }
    let schema = previews.first().map_or("", |preview| preview.plan.ledger_schema.as_str());
    let _ = writeln!(
        out,
        "<footer>Steps of one wave may run in parallel. Ledger schema <code>{}</code>.</footer>\n{}</body>\n</html>",
        text(schema),
        page::folds_script()
    );
    out
}

/// One plan, for a page that has the style already; its changesets lead to their pages.
pub(super) fn fragment(preview: &Preview<'_>, leads: &dyn Fn(&str) -> String) -> Markup {
    let mut out = String::new();
    part(&mut out, preview, 0, Some(leads));
    Markup::made(out)
}

/// The SQL of a changeset and what rolls it back, for a page that has the style already.
pub(super) fn both_ways(segments: &[Segment], rollback: &Rollback) -> Markup {
    let mut out = String::from("<ol class=\"segments\">\n");
    for segment in segments {
        let _ = writeln!(out, "<li><span class=\"soft\">{}</span>", text(&words::segment_head(segment, None)));
        block(&mut out, &segment.statements.iter().map(|statement| statement.sql.as_str()).collect::<Vec<_>>());
        out.push_str("</li>\n");
    }
    out.push_str("</ol>\n<h3>Rollback</h3>\n");
    match rollback {
        Rollback::Irreversible { reason } => {
            let tag = tag(Hazard::IRREVERSIBLE, Hazard::IRREVERSIBLE.words());
            let _ = writeln!(out, "<p>{tag} {}</p>", text(reason));
        }
        Rollback::Segments { segments, .. } => {
            block(&mut out, &words::statements(segments).map(|s| s.sql.as_str()).collect::<Vec<_>>());
        }
    }
    Markup::made(out)
}

fn title(plan: &Plan) -> String {
    let direction = plan.direction.word();
    format!("{}{} plan for {}", direction[..1].to_uppercase(), &direction[1..], text(&plan.environment))
}

/// One plan; `no` is its number on the page.
fn part(out: &mut String, preview: &Preview<'_>, no: usize, leads: Leads<'_>) {
    let plan = preview.plan;
    let _ = writeln!(out, "<h1>{}</h1>", title(plan));
    about(out, preview);
    verdict(out, preview, no);
    if let Some(gates) = preview.gates {
        out.push_str(&gates::page(gates, preview.wording));
    }
    if let Some(findings) = preview.findings {
        out.push_str(&preflight::page(findings, preview.wording));
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
        overview(out, preview, no, leads);
    }
    let (mut wave, whole) = (None, preview.whole());
    for (i, step, late) in words::waves(plan) {
        if wave.replace(step.wave) != Some(step.wave) {
            let _ = writeln!(out, "<h2>Wave {}</h2>", step.wave);
        }
        write_step(out, (no, i), step, late.as_deref(), &whole, preview);
    }
    left_out(out, plan);
}

/// For which database it is, and where it comes from.
fn about(out: &mut String, preview: &Preview<'_>) {
    out.push_str("<dl class=\"about\">\n");
    for (name, said, good) in preview.seal.map(words::seal).into_iter().flatten() {
        let class = if good { "" } else { " class=\"hot\"" };
        let _ = writeln!(out, "<dt>{name}</dt><dd{class}>{}</dd>", text(&said));
    }
    for (name, said) in words::about(preview.plan, preview.about) {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", text(&said));
    }
    out.push_str("</dl>\n");
}

/// What weighs most, in a few lines.
fn verdict(out: &mut String, preview: &Preview<'_>, no: usize) {
    let plan = preview.plan;
    if plan.steps.is_empty() {
        let _ = writeln!(out, "<p class=\"verdict\">{}</p>", words::nothing(plan));
        return;
    }
    let totals = Totals::of(plan);
    let none = plan.steps.iter().filter(|step| plan.hazards(step).is_empty()).count();
    let _ = writeln!(out, "<div class=\"verdict\">\n<p><strong>{}</strong></p>", totals.size());
    let mut tags: Vec<String> =
        totals.hazards().map(|(hazard, n)| tag(hazard, &format!("{}: {}", hazard.words(), count(n, "step")))).collect();
    if none > 0 {
        tags.push(format!("<span class=\"tag good\">no hazard: {}</span>", count(none, "step")));
    }
    let _ = writeln!(out, "<p>{}</p>", tags.concat());
    if let Some(review) = preview.review {
        let _ = writeln!(out, "<p>Review: {}</p>", severities(review, None));
    }
    let gone = |step: &Step| plan.hazards(step).iter().any(|h| matches!(*h, Hazard::IRREVERSIBLE | Hazard::LOSES_DATA));
    let links: Vec<String> = words::waves(plan)
        .into_iter()
        .filter(|(_, step, _)| gone(step))
        .map(|(i, step, _)| format!("<a href=\"#step-{no}-{i}\"><code>{}</code></a>", text(&step.changeset)))
        .collect();
    if links.is_empty() {
        let unknown = totals.hazards().any(|(hazard, _)| hazard == Hazard::OPAQUE);
        let but = if unknown { " The effects of opaque SQL are unknown." } else { "" };
        let _ = writeln!(out, "<p>Nothing of it loses data or cannot be undone.{but}</p>\n</div>");
    } else {
        let _ = writeln!(out, "<p>Cannot be undone, or loses data: {}</p>\n</div>", links.join(", "));
    }
}

/// The number of findings of each severity; of a changeset, or of all.
fn severities(review: &LintAnswer, changeset: Option<&str>) -> String {
    let of = |level| {
        let findings = review.findings.iter().filter(|f| changeset.is_none_or(|id| f.changeset == id));
        (level, findings.filter(|f| f.severity == level).count())
    };
    let some: Vec<String> = Level::SEVERITIES
        .into_iter()
        .map(of)
        .filter(|(_, n)| *n > 0)
        .map(|(level, n)| findings::tag(level, &format!("{n} {}", level.word())))
        .collect();
    if some.is_empty() { "<span class=\"tag good\">no findings</span>".to_owned() } else { some.concat() }
}

fn tag(hazard: Hazard, words: &str) -> String {
    let class = match hazard {
        Hazard::IRREVERSIBLE | Hazard::LOSES_DATA | Hazard::BlocksReads => "bad",
        Hazard::BlocksWrites
        | Hazard::Destructive(_)
        | Hazard::Scans
        | Hazard::MayLockMore
        | Hazard::OutcomeUnknown => "warn",
    };
    format!("<span class=\"tag {class}\">{} {words}</span>", hazard.mark())
}

fn tags(plan: &Plan, step: &Step) -> String {
    plan.hazards(step).into_iter().map(|hazard| tag(hazard, hazard.words())).collect()
}

fn overview(out: &mut String, preview: &Preview<'_>, no: usize, leads: Leads<'_>) {
    let plan = preview.plan;
    if plan.steps.len() <= MAX_NODES {
        let _ = writeln!(out, "<div class=\"graph\">\n{}</div>", svg::drawn(&GraphView::of_plan(plan), WIDE, leads));
    }
    let title = words::way_title(plan);
    let review = if preview.review.is_some() { "<th>Review</th>" } else { "" };
    let _ = writeln!(
        out,
        "<table class=\"stack\">\n<tr><th>Wave</th><th>Changeset</th><th>What</th><th>Hazards</th>{review}<th>{title}</th></tr>"
    );
    for (i, step, _) in words::waves(plan) {
        let way = match &step.rollback {
            Rollback::Irreversible { .. } => "<span class=\"tag bad\">none</span>".to_owned(),
            Rollback::Segments { .. } => text(&words::way(step)),
        };
        let review = preview
            .review
            .map(|review| format!("<td data-head=\"Review\">{}</td>", severities(review, Some(&step.changeset))));
        let review = review.unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><td data-head=\"Wave\">{}</td><td class=\"id\"><a href=\"#step-{no}-{i}\"><code>{}</code></a></td><td>{}</td><td>{}</td>{review}<td data-head=\"{title}\">{way}</td></tr>",
            step.wave,
            text(&step.changeset),
            text(step.description.as_deref().unwrap_or_default()),
            tags(plan, step)
        );
    }
    out.push_str("</table>\n");
}

fn write_step(
    out: &mut String,
    (no, number): (usize, usize),
    step: &Step,
    late: Option<&str>,
    whole: &Whole,
    preview: &Preview<'_>,
) {
    let tags = tags(preview.plan, step);
    let open = if tags.is_empty() && preview.plan.steps.len() > MANY { "" } else { " open" };
    let _ = writeln!(
        out,
        "<details class=\"step\" id=\"step-{no}-{number}\"{open}>\n<summary><h3>{}</h3> {tags}",
        text(&step.changeset)
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
    facts.extend(late.map(str::to_owned));
    facts.extend(step.author.as_ref().map(|author| format!("by {author}")));
    facts.extend(step.file.clone());
    let _ = writeln!(out, "<p class=\"soft\">{}</p>", text(&facts.join(" · ")));
    if let Some(changed) = preview.about.diffs.get(&step.changeset) {
        let _ = writeln!(out, "<h4>What has changed</h4>\n<pre><code>{}</code></pre>", page::diff(changed));
    }
    if let Some(review) = preview.review {
        out.push_str(&findings::page(review.findings.iter().filter(|f| f.changeset == step.changeset)));
    }
    checks(out, "Before", &step.preconditions);
    if !step.segments.is_empty() {
        out.push_str("<ol class=\"segments\">\n");
        for (i, segment) in step.segments.iter().enumerate() {
            write_segment(out, (step, segment), whole.impacts.of_segment(number, i), whole.limits, preview);
        }
        out.push_str("</ol>\n");
    }
    checks(out, "Verify", &step.verify);
    let way = words::way_back(step);
    let _ = writeln!(out, "<h4>{}{}</h4>", way[..1].to_uppercase(), &way[1..]);
    match &step.rollback {
        Rollback::Irreversible { reason } => {
            let tag = tag(Hazard::IRREVERSIBLE, Hazard::IRREVERSIBLE.words());
            let _ = writeln!(out, "<p>{tag} {}</p>", text(reason));
        }
        Rollback::Segments { segments, verify, .. } => {
            let _ = writeln!(out, "<p>{}</p>", text(&words::rollback(step)));
            let statements: Vec<&str> = words::statements(segments).map(|s| s.sql.as_str()).collect();
            block(out, &statements);
            checks(out, "Verify after that", verify);
        }
    }
    out.push_str("</div>\n</details>\n");
}

fn write_segment(
    out: &mut String,
    (step, segment): (&Step, &Segment),
    impacts: &[Impact],
    common: Option<Limits>,
    preview: &Preview<'_>,
) {
    let _ = writeln!(out, "<li><span class=\"soft\">{}</span>", text(&words::segment_head(segment, common)));
    for (statement, impact) in segment.statements.iter().zip(impacts) {
        block(out, &[&statement.sql]);
        let mut items = String::new();
        let flags = words::flags(preview.plan, step, segment, statement);
        for (hazard, words) in words::lines(preview, statement, impact, flags.contains(&Hazard::OPAQUE)) {
            let class = match hazard {
                Some(Hazard::BlocksReads | Hazard::LOSES_DATA) => " class=\"hot\"",
                Some(_) => " class=\"warm\"",
                None => "",
            };
            let _ = write!(items, "<li{class}>{}</li>", text(&words));
        }
        for flag in flags {
            let class = if flag == Hazard::LOSES_DATA { "hot" } else { "warm" };
            let _ = write!(items, "<li class=\"{class}\">{} {}</li>", flag.mark(), words::flag_words(flag));
        }
        if !items.is_empty() {
            let _ = writeln!(out, "<ul class=\"locks\">{items}</ul>");
        }
    }
    out.push_str("</li>\n");
}

fn checks(out: &mut String, what: &str, checks: &[StepCheck]) {
    for check in checks {
        let _ = writeln!(out, "<h4>{what}: {}</h4>", text(&check.name));
        block(out, &[&check.sql]);
    }
}

fn block(out: &mut String, statements: &[&str]) {
    if !statements.is_empty() {
        let all: Vec<String> = statements.iter().map(|sql| words::closed(sql)).collect();
        let _ = writeln!(out, "<pre><code>{}</code></pre>", sql(&all.join("\n\n")));
    }
}

fn left_out(out: &mut String, plan: &Plan) {
    let mut rows: Vec<(&str, String)> = Vec::new();
    rows.extend(plan.waiting.iter().map(|w| (w.changeset.as_str(), format!("waits {}", words::waiting(w)))));
    rows.extend(plan.blocked.iter().map(|b| (b.changeset.as_str(), format!("blocked: {}", b.reason))));
    rows.extend(plan.excluded.iter().map(|id| (id.as_str(), "not for this environment".to_owned())));
    if rows.is_empty() {
        return;
    }
    out.push_str("<h2>Does not run</h2>\n<table class=\"stack\">\n<tr><th>Changeset</th><th>Why</th></tr>\n");
    for (id, why) in rows {
        let _ = writeln!(out, "<tr><td><code>{}</code></td><td>{}</td></tr>", text(id), text(&why));
    }
    out.push_str("</table>\n");
}
