//! A plan as a file: complete, for named targets in the state in which they were seen, with a
//! digest over all of it. What is approved, promoted and run is this file and nothing else.

use super::model::{Plan, Step, StepReason};
use crate::base::checksum::sha256_hex;
use crate::base::{Failure, FailureKind, Operation, Remedy, Setting, count, time};
use crate::history::{History, Recorded, RecordedStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

pub use content::{Content, FORMAT, Part, SealedProof, SealedTarget};
use content::{changed, no_plan};

/// The algorithm of the digest: `p1` = SHA-256 of the content as canonical JSON (keys sorted,
/// no white space).
pub const ALGORITHM: &str = "p1";

/// A sealed plan with its digest. A signature, where there is one, is read by those who check
/// it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// What is sealed.
    pub content: Content,
    /// Over all of it.
    pub digest: String,
    /// The signature as it stands in the file.
    pub signature: Option<Value>,
}

impl Sealed {
    /// Seals.
    ///
    /// # Errors
    /// When the plan holds a number that JSON does not keep.
    pub fn seal(content: &Content) -> Result<Self, Failure> {
        let value = settled(content)?;
        let digest = digest(&value);
        let content: Content = typed(value)?;
        // what could not be opened again is not sealed
        check::renew(&mut content.clone()).map_err(|why| Failure {
            kind: FailureKind::Source,
            message: "the plan cannot be sealed".to_owned(),
            help: Some("write a number that JSON cannot represent as a string, in quotes".into()),
            ..why
        })?;
        Ok(Self { content, digest, signature: None })
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut value = serde_json::json!({ "content": self.content, "digest": self.digest });
        if let (Some(signature), Some(map)) = (&self.signature, value.as_object_mut()) {
            map.insert("signature".to_owned(), signature.clone());
        }
        let mut text = String::new();
        exact(&value, &mut text);
        text.push('\n');
        text
    }

    /// Reads the text of a file, and refuses one that is not as it was written.
    ///
    /// # Errors
    /// When it is no sealed plan, was changed, or is of a later form.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| no_plan(&format!("it is not valid JSON: {e}")).note("it may have been cut off"))?;
        let (Some(content), Some(told)) = (value.get("content"), value.get("digest").and_then(Value::as_str)) else {
            return Err(no_plan("it has no `content` and `digest`"));
        };
        let format = content.get("format").and_then(Value::as_u64).ok_or_else(|| no_plan("it has no `format`"))?;
        if format == 0 {
            return Err(no_plan("it has the format 0, which does not exist"));
        }
        if format > u64::from(FORMAT) {
            return Err(Failure::new(
                FailureKind::Refused,
                format!(
                    "the sealed plan has the format {format}; this version of dagmar supports formats up to {FORMAT}"
                ),
            )
            .help("use the version of dagmar that sealed it, or a later one"));
        }
        let own = digest(content);
        if own != told {
            return Err(changed().note(format!("the digest in it is {told}")).note(format!("what is in it has {own}")));
        }
        let mut written = String::new();
        exact(&value, &mut written);
        written.push('\n');
        if written != text {
            return Err(changed().note("its layout was changed"));
        }
        let known = ["content", "digest", "signature"];
        if let Some(key) = value.as_object().and_then(|map| map.keys().find(|k| !known.contains(&k.as_str()))) {
            return Err(changed().note(format!("`{key}` is not a part of a sealed plan")));
        }
        let (digest, signature) = (own, value.get("signature").cloned());
        let mut content = typed(value["content"].clone())?;
        check::renew(&mut content)?;
        Ok(Self { content, digest, signature })
    }

    /// Refuses a plan whose time is over.
    ///
    /// # Errors
    /// When it is.
    pub fn check_expiry(&self, now: i64) -> Result<(), Failure> {
        if now < self.content.expires_at {
            return Ok(());
        }
        Err(Failure::new(
            FailureKind::Refused,
            format!("the sealed plan expired at {}", time::rfc3339(self.content.expires_at)),
        )
        .help("seal a new one with " + Operation::Plan.with(Setting::Out.open())))
    }

    /// Refuses a plan whose time ends when no time can be shown.
    ///
    /// # Errors
    /// When it does.
    pub fn check_range(&self) -> Result<(), Failure> {
        if time::is_in_range(self.content.expires_at) {
            return Ok(());
        }
        Err(Failure::new(FailureKind::Usage, "the sealed plan does not expire before the year 9999")
            .help("seal a new one with a shorter time: " + Operation::Plan.with(Setting::Out.open())))
    }

    /// What it has for an environment.
    ///
    /// # Errors
    /// When it has nothing for it.
    pub fn part(&self, environment: &str) -> Result<&Part, Failure> {
        self.content.environments.iter().find(|part| part.environment == environment).ok_or_else(|| {
            Failure::new(FailureKind::Drift, format!("the plan is not sealed for the environment `{environment}`"))
                .help(
                    Remedy::from(format!("it is for {}: select one of them with ", self.environments().join(", ")))
                        + Setting::Env,
                )
        })
    }

    /// The environments it is for, in the order of promotion.
    #[must_use]
    pub fn environments(&self) -> Vec<&str> {
        self.content.environments.iter().map(|part| part.environment.as_str()).collect()
    }
}

impl Part {
    /// What is left to run in a database with this history. `own` are the runs of this very
    /// plan: what they did is no change of the target.
    ///
    /// # Errors
    /// When the database is not the one that the plan is sealed for, or has moved since.
    pub fn remaining(&self, now: &SealedTarget, history: &History, own: &BTreeSet<String>) -> Result<Plan, Failure> {
        self.same_place(now)?;
        let is_own =
            |step: &Step, r: &Recorded| own.contains(&r.run) && r.digest == step.digest && step.checksum == r.checksum;
        let mut before = lines(history);
        let mut plan = self.plan.clone();
        plan.steps.retain_mut(|step| {
            let Some(recorded) = history.changesets.get(&step.changeset).filter(|r| is_own(step, r)) else {
                return true;
            };
            match (self.before.get(&step.changeset), before.get_mut(step.changeset.as_str())) {
                (Some(was), Some(line)) => line.clone_from(was),
                _ => drop(before.remove(step.changeset.as_str())),
            }
            step.take_progress(recorded);
            if recorded.status == RecordedStatus::Partly {
                step.why = StepReason::Resumed;
            }
            recorded.status != RecordedStatus::Applied
        });
        if hash(&before) == self.target.state {
            return Ok(plan);
        }
        let mut failure = Failure::new(
            FailureKind::Drift,
            format!("the database of `{}` has moved since the plan was sealed; nothing was run", self.environment),
        );
        for id in self.plan.steps.iter().filter(|s| s.why == StepReason::Pending).map(|s| s.changeset.as_str()) {
            if let (Some(status), true) = (history.status(id), before.contains_key(id)) {
                failure = failure.note(format!("`{id}` was pending and is {} now", status.word()));
            }
        }
        let (then, now) = (self.target.recorded, before.len());
        let recorded = count(then, "changeset");
        Err(failure
            .note(format!("the ledger had {recorded}, and has {now} without those of this plan"))
            .help("look at it with " + Operation::History + " and " + Operation::Plan + ", and seal a new one"))
    }

    fn same_place(&self, now: &SealedTarget) -> Result<(), Failure> {
        let sealed = &self.target;
        let other = |what: String| {
            Err(Failure::new(FailureKind::Drift, "the plan is sealed for another database; nothing was run")
                .note(what)
                .help(
                    "name the environment or the connection that it is for; "
                        + Operation::Plan.with(Setting::Verify.open())
                        + " shows it",
                ))
        };
        if sealed.system != now.system {
            return other(format!("the server's system identifier is {}, not {}", now.system, sealed.system));
        }
        if sealed.database != now.database {
            return other(format!("the database is `{}`, not `{}`", now.database, sealed.database));
        }
        if sealed.installation.is_some() && sealed.installation != now.installation {
            return other("its ledger was recreated since".to_owned());
        }
        if sealed.server != now.server {
            return Err(Failure::new(
                FailureKind::Drift,
                format!("the server is PostgreSQL {} now, and was {}; nothing was run", now.server, sealed.server),
            )
            .help("seal a new plan with " + Operation::Plan.with(Setting::Out.open())));
        }
        Ok(())
    }
}

/// What a database has, as a digest: over ids, states, checksums, digests and how far those are
/// that are partly applied. What was tried and left nothing behind is not in it.
#[must_use]
pub fn state(history: &History) -> String {
    hash(&lines(history))
}

/// What a database has of the changesets that a plan applies again or goes on with.
#[must_use]
pub fn before(plan: &Plan, history: &History) -> BTreeMap<String, String> {
    let lines = lines(history);
    let known = |step: &Step| Some((step.changeset.clone(), lines.get(step.changeset.as_str())?.clone()));
    plan.steps.iter().filter_map(known).collect()
}

fn lines(history: &History) -> BTreeMap<&str, String> {
    let line = |r: &Recorded| {
        let mut text = format!("{} {} {}", r.status.word(), r.checksum, r.digest);
        for s in &r.segments {
            let _ = write!(text, " {} {} {}", s.direction.word(), s.no, s.done);
        }
        text
    };
    let there = history.changesets.iter().filter(|(_, r)| r.status != RecordedStatus::Failed);
    there.map(|(id, r)| (id.as_str(), line(r))).collect()
}

fn hash(lines: &BTreeMap<&str, String>) -> String {
    let text: String = lines.iter().map(|(id, line)| format!("{id} {line}\n")).collect();
    sha256_hex(text.as_bytes())
}

/// How many changesets a database has, without those that left nothing behind.
#[must_use]
pub fn recorded(history: &History) -> usize {
    history.changesets.values().filter(|r| r.status != RecordedStatus::Failed).count()
}

/// The digest of a content.
fn digest(content: &Value) -> String {
    let mut text = String::new();
    exact(content, &mut text);
    format!("{ALGORITHM}:{}", sha256_hex(text.as_bytes()))
}

/// A content as the value that its text is read back to: reading may round a fraction.
fn settled<T: Serialize>(content: &T) -> Result<Value, Failure> {
    let wrong = |e: serde_json::Error| Failure::new(FailureKind::Internal, format!("the plan is not valid JSON: {e}"));
    let mut value = serde_json::to_value(content).map_err(wrong)?;
    for _ in 0..8 {
        let (mut text, mut again) = (String::new(), String::new());
        exact(&value, &mut text);
        value = serde_json::from_str(&text).map_err(wrong)?;
        exact(&value, &mut again);
        if text == again {
            return Ok(value);
        }
    }
    Err(Failure::new(FailureKind::Source, "a changeset contains a number that JSON cannot represent")
        .help("write it as a text, in quotes"))
}

/// Two values are the same once they are in files.
#[must_use]
pub fn same<T: Serialize>(a: &T, b: &T) -> bool {
    matches!((settled(a), settled(b)), (Ok(a), Ok(b)) if a == b)
}

/// Canonical JSON that keeps every text as it is: in SQL white space may matter.
fn exact(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            for (i, (key, value)) in entries.into_iter().enumerate() {
                out.push(if i == 0 { '{' } else { ',' });
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                exact(value, out);
            }
            out.push_str(if map.is_empty() { "{}" } else { "}" });
        }
        Value::Array(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                exact(item, out);
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|e| no_plan(&e.to_string()))
}

mod check;
mod content;
#[cfg(test)]
mod tests;
