//! What stands on top of a plan: which database, when, who, which dagmar, which commit.

use super::{Target, git, now};
use crate::base::{Failure, Granularity, checksum, time};
use crate::pg::Database;
use crate::pg::ledger::read;
use crate::pg::preflight::sizes;
use crate::plan::{About, Commit, Destination, Maker, Plan, Step, StepReason};
use crate::report::diff;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The header of a plan that was made without a database.
#[must_use]
pub fn offline(target: &Target) -> About {
    About {
        target: None,
        made_at: time::rfc3339(now()),
        made_by: Maker { os: target.actor.to_string(), database: None },
        dagmar: env!("CARGO_PKG_VERSION").to_owned(),
        commit: commit(&target.workspace().loaded.root),
        one_transaction: target.transaction() == Granularity::Plan,
        tables: Default::default(),
        diffs: Default::default(),
    }
}

/// The header of a plan for this database.
pub async fn online(target: &Target, db: &Database, plan: &Plan) -> About {
    let mut about = offline(target);
    about.target = Some(Destination {
        database: db.server.database.clone(),
        address: Some(db.address()),
        server: db.server.release(),
        system: None,
    });
    about.made_by.database = Some(db.server.user.clone());
    // a plan is as good without them
    about.tables = sizes::of_plan(&db.connection, plan).await.unwrap_or_default();
    about.diffs = diffs(target, db, plan).await.unwrap_or_default();
    about
}

/// The differences of the repeatable changesets that are applied again.
async fn diffs(target: &Target, db: &Database, plan: &Plan) -> Result<BTreeMap<String, String>, Failure> {
    let changed: Vec<&Step> = plan.steps.iter().filter(|step| step.why == StepReason::Changed).collect();
    let ids: Vec<String> = changed.iter().map(|step| step.changeset.clone()).collect();
    let stored = read::stored(&db.connection, target.ledger(), &ids).await?;
    let diff = |step: &Step| {
        let file = step.file.as_deref().unwrap_or_default();
        let old = stored.get(&step.changeset)?.body.value();
        Some((step.changeset.clone(), difference(&step.changeset, file, &old, &step.body.value())))
    };
    Ok(changed.into_iter().filter_map(diff).collect())
}

/// The difference between the applied version of a changeset and its file.
pub fn difference(id: &str, file: &str, applied: &Value, now: &Value) -> String {
    let yaml = |value: &Value| serde_yaml::to_string(&sorted(value)).unwrap_or_default();
    diff::unified(&format!("{id} as applied"), &format!("{file} now"), &yaml(applied), &yaml(now))
}

/// With sorted keys: jsonb does not keep their order.
fn sorted(value: &Value) -> Value {
    let mut text = String::new();
    checksum::canonical(value, &mut text);
    serde_json::from_str(&text).unwrap_or_default()
}

/// The commit of the project, if it is in a Git repository.
pub fn commit(root: &Path) -> Option<Commit> {
    let id = git::text(root, &["rev-parse", "--verify", "HEAD"])?.trim().to_owned();
    let changed = git::text(root, &["status", "--porcelain", "--", "."])?;
    (!id.is_empty()).then_some(Commit { id, uncommitted: !changed.is_empty() })
}
