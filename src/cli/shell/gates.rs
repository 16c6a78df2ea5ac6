//! What the gates said, for people and as JSON, and the options that go past them.

use super::output::{Form, Output, event};
use super::wording::worded;
use crate::gate::{self, GateStatus, GateVerdict};
use crate::ops::Prepared;
use crate::ops::gates::Overrides;
use crate::ops::lines::GatesLine;
use crate::report::{self, Preview};
use crate::source::policy::Destructive;
use clap::builder::PossibleValuesParser;

/// The options that go past gates.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct GateArgs {
    /// Proceeds although GATE is not met; requires --reason and is recorded permanently
    #[arg(long = "override", value_name = "GATE", value_parser = PossibleValuesParser::new(gate::overridable()),
          hide_possible_values = true, requires = "reason")]
    overridden: Vec<String>,
    /// The reason for the override
    #[arg(long, value_name = "TEXT", requires = "overridden")]
    reason: Option<String>,
    /// Allows a destructive kind of step that the environment does not allow
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Destructive::ALL.map(Destructive::word)))]
    allow: Vec<String>,
}

impl GateArgs {
    /// As the operations take them.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            gates: self.overridden.clone(),
            reason: self.reason.clone(),
            allow: self.allow.iter().filter_map(|word| Destructive::from_word(word)).collect(),
        }
    }
}

/// Shows the gates: all of a promotion, of anything else those that are overridden.
pub fn show(prepared: &Prepared<'_>, preview: &Preview<'_>, form: Form, check: bool, out: &mut Output) {
    let (gates, judgement) = (&prepared.planned().gates, prepared.judgement());
    let is_promotion = gates.source().is_some();
    if form == Form::Json {
        if is_promotion {
            let gates = GatesLine::of(prepared, preview.about, worded);
            if check { out.json(&gates) } else { event(&gates) }
        }
        return;
    }
    for warning in &judgement.warnings {
        out.warn(warning);
    }
    let over = |v: &&GateVerdict| is_promotion || v.status == GateStatus::Overridden;
    let shown: Vec<GateVerdict> = judgement.verdicts.iter().filter(over).cloned().collect();
    if !shown.is_empty() {
        let text = |limit| report::gates::terminal(&shown, limit, worded);
        if check {
            out.data(text(out.limit()))
        } else {
            out.say(text(out.messages().limit))
        }
        // the plan follows
        out.say("");
    }
    for name in &gates.overrides().gates {
        if !judgement.verdicts.iter().any(|v| v.gate == name && v.status == GateStatus::Overridden) {
            out.say(format!("note: `{name}` is met or not required: nothing is overridden"));
        }
    }
}
