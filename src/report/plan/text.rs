//! The plan for a terminal.

use super::PlanOptions;
use super::words::{self, Hazard, Totals, gist};
use crate::plan::{Check, Plan, Progress, Rollback, Segment, Statement, Step};
use crate::report::style::{Style, Tone};
use crate::report::text::{count, indent, line};
use crate::sql::LockMode;
use std::fmt::Write;

/// The column at which what belongs to a step starts.
const IN: &str = "    ";

pub(super) fn render(plan: &Plan, options: PlanOptions) -> String {
    let style = options.style;
    let mut out = String::new();
    if plan.is_empty() && plan.waiting.is_empty() && plan.blocked.is_empty() {
        let _ = write!(out, "{}", line(&words::nothing(plan)));
        if !plan.not_for_here.is_empty() {
            let _ = write!(out, " ({} not for this environment)", count(plan.not_for_here.len(), "changeset"));
        }
        out.push('\n');
        return out;
    }
    let totals = Totals::of(plan);
    head(&mut out, plan, &totals, style);
    let mut wave = None;
    for step in &plan.steps {
        if wave != Some(step.wave) {
            wave = Some(step.wave);
            let _ = writeln!(out, "\n{}", style.paint(Tone::Strong, &format!("wave {}", step.wave)));
        } else {
            out.push('\n');
        }
        write_step(&mut out, step, options);
    }
    left_out(&mut out, plan, style);
    foot(&mut out, plan, &totals, style);
    out
}

fn head(out: &mut String, plan: &Plan, totals: &Totals, style: Style) {
    let name = style.paint(Tone::Strong, &line(&plan.environment));
    let size = if plan.steps.is_empty() { words::nothing(plan) + " now" } else { totals.size() };
    let _ = writeln!(out, "{} plan for {name}: {}", plan.direction.word(), line(&size));
    if !plan.overridden_templates.is_empty() {
        let names = line(&plan.overridden_templates.join(", "));
        let _ = writeln!(out, "{}", style.paint(Tone::Warn, &format!("templates replaced by the project: {names}")));
    }
}

fn write_step(out: &mut String, step: &Step, options: PlanOptions) {
    let style = options.style;
    let _ = write!(out, "  {}", style.paint(Tone::Strong, &line(&step.changeset)));
    if let Some(description) = &step.description {
        let _ = write!(out, "  {}", line(description));
    }
    out.push('\n');
    let mut facts = vec![words::why(step.why).to_owned()];
    facts.extend(step.phase.as_ref().map(|phase| format!("phase {phase}")));
    if !step.labels.is_empty() {
        facts.push(format!("labels {}", step.labels.join(", ")));
    }
    if !step.requires.is_empty() {
        facts.push(format!("requires {}", step.requires.join(", ")));
    }
    let _ = writeln!(out, "{IN}{}", style.paint(Tone::Muted, &line(&facts.join(" · "))));
    checks(out, "before", &step.preconditions, options);
    segments(out, &step.segments, options);
    checks(out, "verify", &step.verify, options);
    way_back(out, step, options);
}

fn checks(out: &mut String, what: &str, checks: &[Check], options: PlanOptions) {
    for check in checks {
        let _ = writeln!(out, "{IN}{} {}", options.style.paint(Tone::Muted, &format!("{what}:")), line(&check.name));
        if options.sql {
            sql(out, &check.sql, "        ");
        }
    }
}

fn segments(out: &mut String, segments: &[Segment], options: PlanOptions) {
    for (i, segment) in segments.iter().enumerate() {
        let _ = writeln!(out, "{IN}{}. {}", i + 1, line(&words::segment_head(segment)));
        if segment.progress == Progress::Done {
            continue;
        }
        for statement in &segment.statements {
            write_statement(out, statement, options);
        }
    }
}

fn write_statement(out: &mut String, statement: &Statement, options: PlanOptions) {
    let style = options.style;
    let _ = writeln!(out, "       {}", style.paint(Tone::Next, &gist(&statement.sql)));
    for (mode, words) in words::locks(&statement.facts) {
        let tone = match mode {
            LockMode::AccessExclusive => Tone::Bad,
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => Tone::Warn,
            _ => Tone::Muted,
        };
        let _ = writeln!(out, "         {}", style.paint(tone, &line(&words)));
    }
    let flags = words::flags(&statement.facts);
    if !flags.is_empty() {
        let bad = flags.iter().any(|flag| matches!(flag, Hazard::LosesData | Hazard::Opaque));
        let words: Vec<&str> = flags.into_iter().map(words::flag_words).collect();
        let tone = if bad { Tone::Bad } else { Tone::Warn };
        let _ = writeln!(out, "         {}", style.paint(tone, &words.join(", ")));
    }
    if options.sql && !words::is_whole(&statement.sql) {
        sql(out, &statement.sql, "           ");
    }
}

fn way_back(out: &mut String, step: &Step, options: PlanOptions) {
    let style = options.style;
    let name = style.paint(Tone::Muted, &format!("{}:", words::way_back(step)));
    let words = line(&words::rollback(step));
    match &step.rollback {
        Rollback::Irreversible { .. } => {
            let _ = writeln!(out, "{IN}{name} {}", style.paint(Tone::Bad, &words));
        }
        Rollback::Segments { segments: back, verify, .. } => {
            let _ = writeln!(out, "{IN}{name} {words}");
            if options.sql {
                for statement in words::statements(back) {
                    sql(out, &statement.sql, "           ");
                }
                for check in verify {
                    let _ = writeln!(out, "       {} {}", style.paint(Tone::Muted, "verify:"), line(&check.name));
                    sql(out, &check.sql, "           ");
                }
            }
        }
    }
}

fn sql(out: &mut String, sql: &str, margin: &str) {
    out.push_str(&indent(&words::closed(sql), margin));
}

/// What does not run, and why.
fn left_out(out: &mut String, plan: &Plan, style: Style) {
    let mut part = |name: &str, rows: Vec<(String, String)>| {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", style.paint(Tone::Strong, name));
        for (id, why) in rows {
            let _ = writeln!(out, "  {}{}{}", line(&id), if why.is_empty() { "" } else { ": " }, line(&why));
        }
    };
    part("renamed before the first step", plan.renamed.iter().map(|r| (r.from.clone(), r.to.clone())).collect());
    part("waiting", plan.waiting.iter().map(|w| (w.changeset.clone(), words::waiting(w))).collect());
    part("blocked", plan.blocked.iter().map(|b| (b.changeset.clone(), b.reason.clone())).collect());
    part("not for this environment", plan.not_for_here.iter().map(|id| (id.clone(), String::new())).collect());
}

fn foot(out: &mut String, plan: &Plan, totals: &Totals, style: Style) {
    let mut parts = vec![totals.size()];
    for (list, word) in [(plan.waiting.len(), "waiting"), (plan.blocked.len(), "blocked")] {
        if list > 0 {
            parts.push(format!("{list} {word}"));
        }
    }
    let _ = write!(out, "\n{}", parts.join(", "));
    let hazards: Vec<String> = totals
        .hazards()
        .map(|(hazard, n)| style.paint(Tone::of_state(hazard.words()), &format!("{}: {n}", hazard.words())))
        .collect();
    if !hazards.is_empty() {
        let _ = write!(out, "; steps by hazard: {}", hazards.join(", "));
    }
    out.push('\n');
}
