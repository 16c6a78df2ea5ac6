//! The plan for a terminal.

use super::preview::Whole;
use super::words::{self, Totals};
use super::{Detail, PlanOptions, Preview};
use crate::base::text::line;
use crate::plan::{Hazard, Impact, Plan, Progress, Rollback, Segment, Statement, Step, StepCheck};
use crate::report::lines::{Line, Text};
use crate::report::style::Tone;
use crate::report::table::{Cell, Table};
use crate::report::{diff, gates, preflight};
use crate::sql::gist_within;

/// What belongs to a step, to a segment of it, and to a statement of that.
const IN: &str = "    ";
const STATEMENT: &str = "       ";
const FACT: &str = "         ";

/// How long a statement's head may be where there is no terminal.
const COLUMNS: usize = 120;

/// What all parts of a text need to know.
struct Shown<'a> {
    preview: &'a Preview<'a>,
    options: PlanOptions,
    whole: Whole,
}

pub(super) fn render(preview: &Preview<'_>, options: PlanOptions) -> Text {
    let plan = preview.plan;
    let mut out = Text::new();
    let totals = Totals::of(plan);
    head(&mut out, preview, &totals);
    if let Some(gates) = preview.gates {
        out.gap();
        out.append(gates::terminal(gates, options.limit, preview.wording));
    }
    if let (Detail::Summary, false) = (options.detail, plan.steps.is_empty()) {
        out.gap();
        out.append(summary(plan, options.limit));
    } else {
        let shown = Shown { preview, options, whole: preview.whole() };
        let mut wave = None;
        for (number, step, late) in words::waves(plan) {
            out.gap();
            if wave.replace(step.wave) != Some(step.wave) {
                out.line(Line::new().paint(Tone::Strong, format!("wave {}", step.wave)));
            }
            write_step(&mut out, (number, step), late, &shown);
        }
    }
    left_out(&mut out, plan);
    if !plan.steps.is_empty() || !plan.waiting.is_empty() || !plan.blocked.is_empty() {
        foot(&mut out, plan, &totals);
    }
    if let Some(findings) = preview.findings {
        out.gap();
        out.append(preflight::text(findings, preview.wording));
    }
    out
}

fn head(out: &mut Text, preview: &Preview<'_>, totals: &Totals) {
    let plan = preview.plan;
    let size = if plan.steps.is_empty() { words::nothing(plan).to_owned() } else { totals.size() };
    out.line(
        Line::from(format!("{} plan for ", plan.direction.word()))
            .paint(Tone::Strong, line(&plan.environment))
            .plain(format!(": {size}")),
    );
    let named = |name: &str, tone, text: &str| {
        let name = Line::from("  ").paint(Tone::Muted, format!("{name:<10}"));
        name.paint(tone, line(text)).hang(12)
    };
    for (name, text, good) in preview.seal.map(words::seal).into_iter().flatten() {
        out.line(named(name, if good { Tone::Plain } else { Tone::Bad }, &text));
    }
    for (name, text) in words::about(preview.plan, preview.about) {
        out.line(named(name, Tone::Plain, &text));
    }
    if !plan.overridden_templates.is_empty() {
        let names = line(&plan.overridden_templates.join(", "));
        out.line(Line::new().paint(Tone::Warn, format!("templates replaced by the project: {names}")));
    }
}

/// A line for each step.
fn summary(plan: &Plan, limit: Option<usize>) -> Text {
    let mut table = Table::new(&["WAVE", "CHANGESET", "HAZARDS", &words::way_title(plan).to_uppercase()]).right(0);
    for (_, step, _) in words::waves(plan) {
        let hazards = plan.hazards(step);
        let tone = hazards.first().map_or(Tone::Plain, |hazard| Tone::of_state(hazard.words()));
        let said: Vec<&str> = hazards.iter().map(|hazard| hazard.words()).collect();
        table.row([
            Cell::from(step.wave.to_string()),
            Cell::new(&step.changeset, Tone::Strong),
            Cell::new(said.join(", "), tone),
            Cell::from(words::way(step)),
        ]);
    }
    table.text(limit)
}

fn write_step(out: &mut Text, (number, step): (usize, &Step), late: Option<String>, shown: &Shown<'_>) {
    let mut head = Line::from("  ").paint(Tone::Strong, line(&step.changeset));
    if let Some(description) = &step.description {
        head = head.plain(format!("  {}", line(description)));
    }
    out.line(head.hang(IN.len()));
    let mut facts = vec![words::why(step.why).to_owned()];
    facts.extend(step.phase.as_ref().map(|phase| format!("phase {phase}")));
    if !step.labels.is_empty() {
        facts.push(format!("labels {}", step.labels.join(", ")));
    }
    if !step.requires.is_empty() {
        facts.push(format!("requires {}", step.requires.join(", ")));
    }
    facts.extend(late);
    out.line(Line::from(IN).paint(Tone::Muted, line(&facts.join(" · "))));
    if let Some(changed) = shown.preview.about.diffs.get(&step.changeset) {
        out.append(diff::text(changed, IN));
    }
    checks(out, "before", &step.preconditions, shown.options);
    segments(out, (number, step), shown);
    checks(out, "verify", &step.verify, shown.options);
    way_back(out, step, shown.options);
}

fn checks(out: &mut Text, what: &str, checks: &[StepCheck], options: PlanOptions) {
    for check in checks {
        out.line(Line::from(IN).paint(Tone::Muted, format!("{what}:")).plain(format!(" {}", line(&check.name))));
        if options.detail == Detail::Sql {
            out.block("        ", &words::closed(&check.sql));
        }
    }
}

fn segments(out: &mut Text, (number, step): (usize, &Step), shown: &Shown<'_>) {
    for (i, segment) in step.segments.iter().enumerate() {
        let bullet = format!("{IN}{}. ", i + 1);
        out.line(
            Line::from(format!("{bullet}{}", line(&words::segment_head(segment, shown.whole.limits))))
                .hang(STATEMENT.len()),
        );
        if segment.progress == Progress::Done {
            continue;
        }
        for (statement, impact) in segment.statements.iter().zip(shown.whole.impacts.of_segment(number, i)) {
            write_statement(out, (step, segment, statement), impact, shown);
        }
    }
}

fn write_statement(
    out: &mut Text,
    (step, segment, statement): (&Step, &Segment, &Statement),
    impact: &Impact,
    shown: &Shown<'_>,
) {
    if shown.options.detail == Detail::Sql {
        out.sql(STATEMENT, &words::closed(&statement.sql));
    } else {
        let room = shown.options.limit.unwrap_or(COLUMNS).saturating_sub(STATEMENT.len());
        let gist = gist_within(&statement.sql, room);
        out.line(Line::from(STATEMENT).paint(Tone::Next, gist).whole());
    }
    let flags = words::flags(shown.preview.plan, step, segment, statement);
    for (hazard, words) in words::lines(shown.preview, statement, impact, flags.contains(&Hazard::OPAQUE)) {
        let tone = hazard.map_or(Tone::Muted, |hazard| Tone::of_state(hazard.words()));
        out.line(Line::from(FACT).paint(tone, line(&words)).hang(FACT.len() + 2));
    }
    if !flags.is_empty() {
        let bad = flags.iter().any(|flag| matches!(*flag, Hazard::LOSES_DATA | Hazard::OutcomeUnknown));
        let words: Vec<&str> = flags.into_iter().map(words::flag_words).collect();
        let tone = if bad { Tone::Bad } else { Tone::Warn };
        out.line(Line::from(FACT).paint(tone, words.join(", ")));
    }
}

fn way_back(out: &mut Text, step: &Step, options: PlanOptions) {
    let name = Line::from(IN).paint(Tone::Muted, format!("{}:", words::way_back(step))).plain(" ");
    let words = line(&words::rollback(step));
    match &step.rollback {
        Rollback::Irreversible { .. } => out.line(name.paint(Tone::Bad, words)),
        Rollback::Segments { segments: back, verify, .. } => {
            out.line(name.plain(words));
            if options.detail == Detail::Sql {
                for statement in words::statements(back) {
                    out.sql(STATEMENT, &words::closed(&statement.sql));
                }
                for check in verify {
                    let head = Line::from(STATEMENT).paint(Tone::Muted, "verify:");
                    out.line(head.plain(format!(" {}", line(&check.name))));
                    out.sql(FACT, &words::closed(&check.sql));
                }
            }
        }
    }
}

/// What does not run, and why.
fn left_out(out: &mut Text, plan: &Plan) {
    let mut part = |name: &str, rows: Vec<(String, String)>| {
        if rows.is_empty() {
            return;
        }
        out.gap();
        out.line(Line::new().paint(Tone::Strong, name));
        for (id, why) in rows {
            out.line(format!("  {}{}{}", line(&id), if why.is_empty() { "" } else { ": " }, line(&why)));
        }
    };
    part("renamed before the first step", plan.renamed.iter().map(|r| (r.from.clone(), r.to.clone())).collect());
    part("waiting", plan.waiting.iter().map(|w| (w.changeset.clone(), words::waiting(w))).collect());
    part("blocked", plan.blocked.iter().map(|b| (b.changeset.clone(), b.reason.clone())).collect());
    part("not for this environment", plan.excluded.iter().map(|id| (id.clone(), String::new())).collect());
}

fn foot(out: &mut Text, plan: &Plan, totals: &Totals) {
    let mut parts = vec![totals.size()];
    for (list, word) in [(plan.waiting.len(), "waiting"), (plan.blocked.len(), "blocked")] {
        if list > 0 {
            parts.push(format!("{list} {word}"));
        }
    }
    out.gap();
    let mut text = Line::from(parts.join(", "));
    for (i, (hazard, n)) in totals.hazards().enumerate() {
        text = text.plain(if i == 0 { "; steps by hazard: " } else { ", " });
        text = text.paint(Tone::of_state(hazard.words()), format!("{}: {n}", hazard.words()));
    }
    out.line(text);
}
