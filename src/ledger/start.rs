//! The rows that begin a run: who runs what, and under which policy.

use super::json::jsonb;
use super::record::Recorder;
use crate::base::Actor;
use crate::base::name::quote_literal;
use crate::history::{EventKind, RunKind};
use serde_json::{Value, json};

/// A run that begins.
#[derive(Debug, Clone, Copy)]
pub struct RunStart<'a> {
    /// The kind of the run.
    pub kind: RunKind,
    /// The environment.
    pub environment: &'a str,
    /// How many changesets it is about.
    pub steps: usize,
    /// Who acts.
    pub actor: &'a Actor,
    /// What dagmar.yaml says of the environment; `None`: not known, as in a script.
    pub policy: Option<&'a Value>,
}

impl Recorder {
    /// Begins the run.
    #[must_use]
    pub fn start_run(&self, start: &RunStart<'_>) -> Vec<String> {
        let RunStart { kind, environment, steps, actor, policy } = *start;
        let run = format!(
            "INSERT INTO {l}.run (id, kind, environment, steps, version, os_user, host) VALUES ({run}, {kind}, {env}, \
             {steps}, {version}, {os_user}, {host})",
            l = self.ledger,
            run = self.run.sql(),
            kind = quote_literal(kind.word()),
            env = quote_literal(environment),
            version = quote_literal(env!("CARGO_PKG_VERSION")),
            os_user = quote_literal(&actor.user),
            host = quote_literal(&actor.host),
        );
        // under the lock nobody else runs: what is still marked so has lost its server or was killed
        let ended = format!(
            "UPDATE {l}.run SET status = 'interrupted', finished_at = clock_timestamp(), message = 'the run \
             ended without reporting: its process was killed or disconnected' WHERE status = 'running'",
            l = self.ledger
        );
        let mut detail = json!({
            "kind": kind, "environment": environment, "steps": steps, "version": env!("CARGO_PKG_VERSION"),
        });
        actor.sign(&mut detail);
        let mut rows = vec![ended, run, format!("SELECT {}.collect_refusals()", self.ledger)];
        if let Some(policy) = policy {
            rows.push(self.policy_changed(environment, policy));
            detail["policy"] = policy.clone();
        }
        rows.push(self.event(EventKind::RunStarted, None, &detail));
        rows
    }

    /// A policy that is weaker than before leaves a trace, and any other change as well.
    fn policy_changed(&self, environment: &str, policy: &Value) -> String {
        format!(
            "INSERT INTO {l}.event (run, kind, detail) SELECT {run}, '{kind}', jsonb_build_object('environment', {environment}, \
             'from', last.policy, 'to', {policy}) FROM (SELECT detail -> 'policy' AS policy FROM {l}.event WHERE kind = '{started}' \
             AND detail ? 'policy' ORDER BY seq DESC LIMIT 1) last WHERE last.policy <> {policy}",
            l = self.ledger,
            run = self.run.sql(),
            kind = EventKind::PolicyChanged.word(),
            environment = quote_literal(environment),
            policy = jsonb(policy),
            started = EventKind::RunStarted.word(),
        )
    }
}
