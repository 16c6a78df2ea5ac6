//! What a proof says of changesets: a verdict for each leg, and what differs.

mod changeset;
mod finding;
mod verdict;

pub use crate::base::Leg;
pub use changeset::ChangesetProof;
pub use finding::{ProofFinding, Severity};
pub use verdict::Verdict;
