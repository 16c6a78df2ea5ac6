//! What puts a ledger right without anybody writing SQL, as SQL text: another id, a state
//! that was mended by hand, a ledger that came from elsewhere.

use super::json::jsonb;
use super::record::{OWN_PATH, Recorder};
use super::start::RunStart;
use crate::base::name::quote_literal;
use crate::history::event::EventKind;
use crate::history::recorded::Renamed;
use crate::history::run::RunStatus;
use serde_json::{Value, json};

/// The key of `meta` that names the environment of an adopted ledger.
pub const ENVIRONMENT: &str = "environment";

/// In front of the keys of `meta` that hold the policies which the ledger's owner demands.
pub const POLICY: &str = "policy:";

/// The environment that a ledger belongs to, as an SQL expression: the one that adopted it,
/// else that of its last run; NULL: nothing was run yet.
#[must_use]
pub fn environment(ledger: &str) -> String {
    format!(
        "coalesce((SELECT value FROM {ledger}.meta WHERE key = '{ENVIRONMENT}'), (SELECT environment FROM {ledger}.run \
         ORDER BY started_at DESC LIMIT 1))"
    )
}

impl Recorder {
    /// Gives a row its new id. Edges, progress and versions follow by foreign keys; the attic's
    /// entries, and the calls in stored SQL that find them by the id, are rewritten.
    #[must_use]
    pub fn rename(&self, renamed: &Renamed) -> Vec<String> {
        let l = &self.ledger;
        let (from, to) = (quote_literal(&renamed.from), quote_literal(&renamed.to));
        let calls = |json: &str| {
            // ids have no backslash
            let replacement = quote_literal(&format!("\\1'{}'", renamed.to));
            let pattern = quote_literal(&self.calls(&renamed.from));
            format!("regexp_replace({json}::text, {pattern}, {replacement}, 'g')::jsonb")
        };
        vec![
            format!(
                "UPDATE {l}.changeset SET (id, forward, rollback) = ({to}, {}, {}) WHERE id = {from}",
                calls("forward"),
                calls("rollback")
            ),
            format!("UPDATE {l}.superseded SET content = {} WHERE changeset = {to}", calls("content")),
            format!("UPDATE {l}.attic SET changeset = {to} WHERE changeset = {from}"),
            self.event(EventKind::Renamed, Some(&renamed.to), &json!({ "from": renamed.from })),
        ]
    }

    /// A pattern for the calls of the ledger's own functions in a JSON text up to the id that
    /// they are given. Nothing before the first quantifier's `?` may be greedy: it decides for
    /// the whole pattern (manual, chapter 9.7.3.5).
    fn calls(&self, id: &str) -> String {
        let escaped = |text: &str| {
            let mut out = String::new();
            for c in text.chars() {
                if !c.is_alphanumeric() && c != '_' {
                    out.push('\\');
                }
                out.push(c);
            }
            out
        };
        let ledger = self.ledger.replace('\\', "\\\\").replace('"', "\\\"");
        format!(r#"({}\.[a-z_]+?\((?:[^"\\]|\\.)*?)'{}'"#, escaped(&ledger), escaped(id))
    }

    /// Notes that the state of a changeset was put right by hand.
    #[must_use]
    pub fn cleared(&self, id: &str, was: &str, is: &str, reason: &str) -> String {
        self.event(EventKind::Cleared, Some(id), &json!({ "from": was, "to": is, "reason": reason }))
    }

    /// Takes a ledger over that came from elsewhere: its environment, its identity, and what
    /// somebody there asked of runs.
    #[must_use]
    pub fn adopt(&self, from: Option<&str>, to: &str, reason: &str) -> Vec<String> {
        let l = &self.ledger;
        vec![
            format!(
                "INSERT INTO {l}.meta (key, value) VALUES ('{ENVIRONMENT}', {}) ON CONFLICT (key) DO UPDATE SET value = \
                 excluded.value",
                quote_literal(to)
            ),
            // plans and approvals of the other database are none of this one
            format!("UPDATE {l}.meta SET value = gen_random_uuid()::text WHERE key = 'installation'"),
            format!("DELETE FROM {l}.request"),
            self.event(EventKind::Adopted, None, &json!({ "from": from, "to": to, "reason": reason })),
        ]
    }

    /// Demands that `dagmar.yaml` says this of an environment; `None`: demands nothing any longer.
    #[must_use]
    pub fn require_policy(&self, environment: &str, policy: Option<&Value>, reason: &str) -> Vec<String> {
        let (l, key) = (&self.ledger, quote_literal(&format!("{POLICY}{environment}")));
        let row = match policy {
            Some(policy) => format!(
                "INSERT INTO {l}.meta (key, value) VALUES ({key}, {}::text) ON CONFLICT (key) DO UPDATE SET value = \
                 excluded.value",
                jsonb(policy)
            ),
            None => format!("DELETE FROM {l}.meta WHERE key = {key}"),
        };
        let detail = json!({ "environment": environment, "policy": policy, "reason": reason });
        vec![row, self.event(EventKind::PolicyRequired, None, &detail)]
    }

    /// A run of this kind that is nothing but these rows, as one transaction that only the
    /// holder of the lock can commit.
    #[must_use]
    pub fn by_hand(&self, by_hand: &ByHand<'_>, rows: impl IntoIterator<Item = String>) -> String {
        let ByHand { epoch, start } = *by_hand;
        let mut sql = vec!["BEGIN".to_owned(), self.fence(epoch, start.kind.word(), None, OWN_PATH)];
        sql.extend(self.start_run(&start));
        sql.extend(rows);
        sql.extend(self.finish_run(RunStatus::Done, None));
        sql.push("COMMIT".to_owned());
        sql.join(";\n")
    }
}

/// A run that changes the ledger and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct ByHand<'a> {
    /// The epoch of the lock that is held.
    pub epoch: i64,
    /// What it is.
    pub start: RunStart<'a>,
}
