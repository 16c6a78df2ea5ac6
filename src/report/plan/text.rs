//! The plan for a terminal.

use super::PlanOptions;
use super::words::{self, Hazard, Totals, gist_within};
use crate::base::count;
use crate::plan::{Check, Plan, Progress, Rollback, Segment, Statement, Step};
use crate::report::lines::{Line, Text};
use crate::report::style::Tone;
use crate::report::text::line;
use crate::sql::LockMode;

/// What belongs to a step, to a segment of it, and to a statement of that.
const IN: &str = "    ";
const STATEMENT: &str = "       ";
const FACT: &str = "         ";

/// How long a statement's head may be where there is no terminal.
const COLUMNS: usize = 120;

pub(super) fn render(plan: &Plan, options: PlanOptions) -> Text {
    let mut out = Text::new();
    if plan.is_empty() && plan.waiting.is_empty() && plan.blocked.is_empty() {
        let mut said = words::nothing(plan);
        if !plan.not_for_here.is_empty() {
            said += &format!(" ({} not for this environment)", count(plan.not_for_here.len(), "changeset"));
        }
        out.line(line(&said));
        return out;
    }
    let totals = Totals::of(plan);
    head(&mut out, plan, &totals);
    let mut wave = None;
    for step in &plan.steps {
        out.gap();
        if wave.replace(step.wave) != Some(step.wave) {
            out.line(Line::new().paint(Tone::Strong, format!("wave {}", step.wave)));
        }
        write_step(&mut out, step, options);
    }
    left_out(&mut out, plan);
    foot(&mut out, plan, &totals);
    out
}

fn head(out: &mut Text, plan: &Plan, totals: &Totals) {
    let size = if plan.steps.is_empty() { words::nothing(plan) + " now" } else { totals.size() };
    out.line(
        Line::from(format!("{} plan for ", plan.direction.word()))
            .paint(Tone::Strong, line(&plan.environment))
            .plain(format!(": {}", line(&size))),
    );
    if !plan.overridden_templates.is_empty() {
        let names = line(&plan.overridden_templates.join(", "));
        out.line(Line::new().paint(Tone::Warn, format!("templates replaced by the project: {names}")));
    }
}

fn write_step(out: &mut Text, step: &Step, options: PlanOptions) {
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
    out.line(Line::from(IN).paint(Tone::Muted, line(&facts.join(" · "))));
    checks(out, "before", &step.preconditions, options);
    segments(out, &step.segments, options);
    checks(out, "verify", &step.verify, options);
    way_back(out, step, options);
}

fn checks(out: &mut Text, what: &str, checks: &[Check], options: PlanOptions) {
    for check in checks {
        out.line(Line::from(IN).paint(Tone::Muted, format!("{what}:")).plain(format!(" {}", line(&check.name))));
        if options.sql {
            out.block("        ", &words::closed(&check.sql));
        }
    }
}

fn segments(out: &mut Text, segments: &[Segment], options: PlanOptions) {
    for (i, segment) in segments.iter().enumerate() {
        let number = format!("{IN}{}. ", i + 1);
        out.line(Line::from(format!("{number}{}", line(&words::segment_head(segment)))).hang(STATEMENT.len()));
        if segment.progress == Progress::Done {
            continue;
        }
        for statement in &segment.statements {
            write_statement(out, statement, options);
        }
    }
}

fn write_statement(out: &mut Text, statement: &Statement, options: PlanOptions) {
    if options.sql {
        out.sql(STATEMENT, &words::closed(&statement.sql));
    } else {
        let room = options.limit.unwrap_or(COLUMNS).saturating_sub(STATEMENT.len());
        let gist = gist_within(&statement.sql, room);
        out.line(Line::from(STATEMENT).paint(Tone::Next, gist).whole());
    }
    for (mode, words) in words::locks(&statement.facts) {
        let tone = match mode {
            LockMode::AccessExclusive => Tone::Bad,
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => Tone::Warn,
            _ => Tone::Muted,
        };
        out.line(Line::from(FACT).paint(tone, line(&words)));
    }
    let flags = words::flags(&statement.facts);
    if !flags.is_empty() {
        let bad = flags.iter().any(|flag| matches!(flag, Hazard::LosesData | Hazard::Opaque));
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
            if options.sql {
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
    part("not for this environment", plan.not_for_here.iter().map(|id| (id.clone(), String::new())).collect());
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
