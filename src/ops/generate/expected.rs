//! The catalog that a database should have: what its ledger records, applied to an empty database.

use super::shadow::{Trial, Tried};
use crate::base::{Failure, FailureKind, Operation, Remedy, checksum, file};
use crate::history::History;
use crate::inspect::Snapshot;
use crate::ops::Target;
use crate::ops::progress::OnProgress;
use crate::ops::rehearsal::recorded;
use crate::pg::Database;
use crate::plan::Plan;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The form of what is kept: another one is not read.
const FORM: u32 = 2;

/// The largest file that is read.
const LARGEST: u64 = 1 << 30;

/// A catalog that a ledger stands for.
pub(super) struct Expected {
    /// The changesets that make it.
    plan: Plan,
    /// Where the catalog is kept for the next time.
    kept: PathBuf,
    /// The role that owns it.
    role: String,
}

impl Expected {
    /// What a ledger records.
    pub async fn of(target: &Target, db: &Database, history: &History, role: &str) -> Result<Self, Failure> {
        let plan = recorded(target, db, history).await?;
        let steps: Vec<&str> = plan.steps.iter().map(|step| step.digest.as_str()).collect();
        let what = serde_json::json!([
            FORM,
            env!("CARGO_PKG_VERSION"),
            db.server.major(),
            db.connection.author_path(),
            target.ledger().as_str(),
            role,
            steps
        ]);
        let hash = checksum::sha256_hex(what.to_string().as_bytes());
        let of = checksum::sha256_hex(target.environment.as_bytes());
        let kept = folder(target).join(format!("{}-{}.json", &of[..8], &hash[..32]));
        Ok(Self { plan, kept, role: role.to_owned() })
    }

    /// How many changesets make it.
    pub fn changesets(&self) -> usize {
        self.plan.steps.len()
    }

    /// The catalog that was kept the last time; `None`: there is none of this state.
    pub fn kept(&self) -> Option<Snapshot> {
        serde_json::from_str(&file::read_text(&self.kept, LARGEST).ok()?).ok()
    }

    /// Makes the catalog on a private server, and keeps it.
    pub async fn make(&self, trial: &mut Trial<'_>, progress: OnProgress<'_>) -> Result<Snapshot, Failure> {
        let mut db = trial.database().await?;
        let steps = self.plan.steps.clone();
        if let Tried::Failed(error) =
            trial.apply_steps(&mut db, steps, "apply the history on a private server", progress).await?
        {
            return Err(Failure::new(
                FailureKind::Failed,
                format!(
                    "the recorded changeset `{}` cannot be applied to an empty database: {}",
                    error.changeset, error.message
                ),
            )
            .note("a private server has only what the ledger records")
            .help(
                Remedy::from("what was there before dagmar has to be in a changeset: ")
                    + Operation::Generate
                    + " writes it, "
                    + Operation::Baseline
                    + " records it",
            ));
        }
        let catalog = trial.read(&db).await?.with_role(&trial.role, &self.role);
        db.close().await?;
        // without it, the next time takes longer: nothing else
        let _ = keep(&self.kept, &catalog);
        Ok(catalog)
    }
}

fn folder(target: &Target) -> PathBuf {
    target.workspace().loaded.root.join(".dagmar").join("catalogs")
}

/// Keeps a catalog in the place of others of the same environment.
fn keep(path: &Path, catalog: &Snapshot) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let own =
        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.split('-').next()).unwrap_or_default();
    for entry in std::fs::read_dir(folder)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(own) {
            std::fs::remove_file(entry.path())?;
        }
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(std::io::BufWriter::new(&mut file), catalog)?;
    file.flush()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
