//! Proofs for a sealed plan, from answers of `dagmar prove`.

use crate::base::{Failure, FailureKind, Operation, file, time};
use crate::plan::Plan;
use crate::plan::sealed::{Part, SealedProof};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The largest answer that is read.
const MOST: u64 = 256 << 20;

/// What was proven, as an answer of `dagmar prove` says.
#[derive(Debug)]
pub struct ProofFile {
    path: PathBuf,
    /// The major version of the server.
    server: i32,
    /// When, in milliseconds since 1970.
    at: i64,
    /// The digests of the changesets that are proven, by id.
    proven: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    server_version: String,
    proved_at: String,
    changesets: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    id: String,
    digest: String,
    proven: bool,
}

impl ProofFile {
    /// Reads the JSON answer of `dagmar prove`.
    ///
    /// # Errors
    /// A file that cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = file::read_text(path, MOST)
            .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot read the proof `{shown}`: {e}")))?;
        let none = |why: String| {
            let failure = Failure::new(FailureKind::Usage, format!("`{shown}` is not a proof: {why}"));
            failure.help("write it with " + Operation::Prove + " and the format json")
        };
        let answer: Answer = serde_json::from_str(&text).map_err(|e| none(e.to_string()))?;
        let major = answer.server_version.split('.').next().and_then(|major| major.parse().ok());
        let server = major.ok_or_else(|| none(format!("`{}` is no version", answer.server_version)))?;
        let at = time::parse(&answer.proved_at).ok_or_else(|| none(format!("`{}` is no time", answer.proved_at)))?;
        let proven = answer.changesets.into_iter().filter(|one| one.proven).map(|one| (one.id, one.digest)).collect();
        Ok(Self { path: path.to_owned(), server, at, proven })
    }
}

/// The proofs of a plan's changesets in this form; `now`: when it is sealed. Clocks of servers differ.
pub(super) fn of(plan: &Plan, files: &[ProofFile], now: i64) -> Vec<SealedProof> {
    let steps = plan.steps.iter().flat_map(|step| files.iter().map(move |file| (step, file)));
    let proven = steps.filter(|(step, file)| file.proven.get(&step.changeset) == Some(&step.digest));
    proven
        .map(|(step, file)| SealedProof {
            changeset: step.changeset.clone(),
            digest: step.digest.clone(),
            server: file.server,
            at: file.at.min(now),
        })
        .collect()
}

/// Refuses files that prove nothing of the plan.
pub(super) fn check(files: &[ProofFile], parts: &[Part]) -> Result<(), Failure> {
    let is_used = |file: &&ProofFile| {
        let mut steps = parts.iter().flat_map(|part| &part.plan.steps);
        steps.any(|step| file.proven.get(&step.changeset) == Some(&step.digest))
    };
    match files.iter().find(|file| !is_used(file)) {
        None => Ok(()),
        Some(file) => Err(Failure::new(
            FailureKind::Refused,
            format!("`{}` proves no changeset of the plan in this form", file.path.display()),
        )
        .note("it is of other SQL, or of another environment in which the changesets render differently")
        .help(Operation::Prove + " proves what is pending in an environment")),
    }
}
