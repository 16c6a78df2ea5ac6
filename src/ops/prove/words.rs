//! What is found, in words.

use super::rows::Trial;
use crate::inspect::{self, Change, Difference};
use crate::pg::run::rehearse::DryRunError;
use crate::proof::{Leg, ProofFinding, Severity};

/// A statement that failed.
pub(super) fn thrown(leg: Leg, error: &DryRunError) -> ProofFinding {
    let what = match leg {
        Leg::Up => "it cannot be applied",
        Leg::Down => "the rollback fails",
        Leg::Again => "it cannot be applied again after its rollback",
        Leg::Data => "the rollback fails once rows were written after the changeset",
        Leg::Order => "it cannot be applied after its dependencies alone",
        Leg::Retry => "it cannot be applied a second time",
    };
    let mut finding = failed(leg, Severity::Error, what, error);
    if leg == Leg::Data {
        finding.severity = Severity::Warning;
    }
    finding
}

/// A statement that failed, after what it means.
pub(super) fn failed(leg: Leg, severity: Severity, what: &str, error: &DryRunError) -> ProofFinding {
    let mut finding = ProofFinding::new(leg, severity, format!("{what}: {}", error.message));
    finding.sqlstate = Some(error.sqlstate.clone()).filter(|code| !code.is_empty());
    finding.location.clone_from(&error.location);
    finding.details = error.sql.iter().flat_map(|sql| sql.lines()).map(|line| format!("| {line}")).collect();
    finding.details.extend(error.detail.iter().flat_map(|detail| detail.lines()).map(|line| format!("detail: {line}")));
    finding
}

/// A difference of catalogs.
pub(super) fn difference(leg: Leg, difference: &Difference) -> ProofFinding {
    let when = match leg {
        Leg::Down => "after the rollback",
        Leg::Again => "after the second time",
        _ => "in the other order",
    };
    difference_when(leg, when, difference)
}

/// The same with the moment in words.
pub(super) fn difference_when(leg: Leg, when: &str, difference: &Difference) -> ProofFinding {
    let severity = if difference.is_move() { Severity::Warning } else { Severity::Error };
    let object = difference.object.to_string();
    let words = match (&difference.change, leg) {
        (Change::Missing, Leg::Down) => format!("{object} is not there any more"),
        (Change::Extra, Leg::Down) => format!("{object} is still there"),
        _ => inspect::words(difference),
    };
    let mut lines = words.lines();
    let mut finding = ProofFinding::new(leg, severity, format!("{when}: {}", lines.next().unwrap_or_default()));
    finding.details = lines.map(str::to_owned).collect();
    finding.object = Some(object);
    finding
}

/// A changeset that says that it has no rollback.
pub(super) fn irreversible(reason: &str) -> ProofFinding {
    ProofFinding::note(Leg::Down, format!("it cannot be rolled back: {reason}"))
}

/// A changeset that does not run with the rows that were generated at first.
pub(super) fn not_with_rows(trial: Trial, error: &DryRunError) -> ProofFinding {
    if trial == Trial::Plain {
        let what = "it cannot be applied to rows with extreme values; it was proven with ordinary ones";
        return failed(Leg::Data, Severity::Note, what, error);
    }
    let what = "it cannot be applied to the generated rows; it was proven without rows in the tables that it touches";
    let mut finding = failed(Leg::Data, Severity::Warning, what, error);
    finding.mend = vec!["give rows that fit in a file that `prove.fixtures` of dagmar.yaml names".to_owned()];
    finding
}
