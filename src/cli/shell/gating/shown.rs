//! What the gates said, for people and as JSON.

use super::{Gating, Judged};
use crate::cli::shell::output::{Form, Output, event};
use crate::gate::{Status, Verdict};
use crate::report::{self, Preview};
use serde_json::{Value, json};

impl Gating<'_> {
    /// Shows the gates: all of a promotion, of anything else those that are overridden.
    pub fn show(&self, judged: &Judged, preview: &Preview<'_>, form: Form, check: bool, out: &mut Output) {
        if form == Form::Json {
            if self.from.is_some() {
                let mut value = self.json(judged, preview);
                value["event"] = json!("gates");
                if check { out.json(&value) } else { event(&value) }
            }
            return;
        }
        for warning in &judged.warnings {
            out.warn(warning);
        }
        let over = |v: &&Verdict| self.from.is_some() || v.status == Status::Overridden;
        let shown: Vec<Verdict> = judged.verdicts.iter().filter(over).cloned().collect();
        if !shown.is_empty() {
            let text = |limit| report::gates::terminal(&shown, limit);
            if check {
                out.data(text(out.limit()))
            } else {
                out.say(text(out.messages().limit))
            }
            // the plan follows
            out.say("");
        }
        for name in &self.words.overridden {
            if !judged.verdicts.iter().any(|v| v.gate == name && v.status == Status::Overridden) {
                out.say(format!("note: `{name}` keeps nothing back: nothing is overridden"));
            }
        }
    }

    fn json(&self, judged: &Judged, preview: &Preview<'_>) -> Value {
        let plan = preview.plan;
        let mut value = self.circumstances(plan, "promote");
        if let (Value::Object(all), Value::Object(about)) = (&mut value, json!(preview.about)) {
            all.extend(about);
        }
        let unmet = judged.verdicts.iter().any(|v| v.status == Status::Unmet);
        value["met"] = json!(!unmet);
        value["gates"] = json!(judged.verdicts);
        value["warnings"] = json!(judged.warnings);
        value["waiting"] = json!(plan.waiting);
        value["blocked"] = json!(plan.blocked);
        value
    }
}
