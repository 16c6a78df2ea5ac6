//! Findings that the project accepts.

use crate::base::{Code, Diagnostic};
use crate::proof::{ChangesetProof, Verdict};
use crate::source::AcceptedFinding;

/// Accepts findings of these proofs. Gives what accepts none though all that it is about was tried; `is_whole`: all legs
/// were.
pub(super) fn accept(list: &[AcceptedFinding], proofs: &mut [ChangesetProof], is_whole: bool) -> Vec<Diagnostic> {
    let mut unused = Vec::new();
    for accepted in list {
        let Some(proof) = proofs.iter_mut().find(|proof| proof.id == accepted.changeset) else { continue };
        let is_used = proof.accept(accepted.leg, accepted.object.as_deref(), &accepted.reason);
        let was_tried = match accepted.leg {
            Some(leg) => proof.verdict(leg) != Verdict::Skipped,
            None => is_whole && proof.up != Verdict::Skipped,
        };
        if !is_used && was_tried {
            let message = format!("findings of the proof of `{}` are accepted, and there are none", proof.id);
            let place = accepted.place.clone();
            let problem = Diagnostic::warning(Code::ProofIgnore, message).help("remove the entry");
            unused.push(Diagnostic { place, ..problem });
        }
    }
    unused
}
