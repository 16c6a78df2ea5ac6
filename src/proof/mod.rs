//! What a proof says of changesets: a verdict for each leg, and what differs.

mod changeset;
mod finding;
mod leg;

pub use changeset::ChangesetProof;
pub use finding::{ProofFinding, Severity};
pub use leg::{Leg, Verdict};
