//! What the project says about the proof of its changesets.

use crate::base::{Code, Diagnostic, Diagnostics, HumanDuration, Leg, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The proof of changesets (`dagmar prove`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProveConfig {
    /// Files with rows that are there when a changeset is proven: YAML, CSV or SQL, as paths relative to the project
    /// directory; `*` stands for any part of a name, `**` for any directories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixtures: Vec<String>,
    /// Findings that are accepted: they do not fail the proof.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<AcceptedFinding>,
}

/// Findings of a proof that are accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptedFinding {
    /// The id of the changeset.
    pub changeset: String,
    /// The object that the finding names: `table app.users`, `column app.users.email`; default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The leg of the proof, all but `up`; default: any of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<Leg>,
    /// The reason.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Where it is written.
    #[serde(skip)]
    pub place: Option<Place>,
}

/// The proof that an environment asks for before a changeset is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProvenPolicy {
    /// How old a proof may be; default: any age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<HumanDuration>,
}

impl ProveConfig {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Looks whether the accepted findings have a reason and can be accepted, and notes where they are.
    pub(super) fn check(&mut self, here: &Place, out: &mut Diagnostics) {
        for (i, accepted) in self.ignore.iter_mut().enumerate() {
            let place = here.child("ignore").at(i);
            if accepted.reason.trim().is_empty() {
                let problem = Diagnostic::error(Code::ProofIgnore, "findings of a proof are accepted without a reason");
                out.push(problem.at(place.child("reason")).help("say why: reports show it"));
            }
            if accepted.leg == Some(Leg::Up) {
                let problem =
                    Diagnostic::error(Code::ProofIgnore, "that a changeset cannot be applied is not accepted");
                out.push(problem.at(place.child("leg")).help("write `down`, `again`, `data`, `order` or `retry`"));
            }
            accepted.place = Some(place);
        }
    }
}
