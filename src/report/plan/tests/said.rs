//! What is said about the sample plans: their database, gates, findings.

use super::super::Seal;
use crate::base::{Ident, Level, QualifiedName, Rule};
use crate::gate::{GateStatus, GateVerdict};
use crate::lint::{Counts, Verdict};
use crate::plan::{About, Commit, Destination, Live, Maker, Session, Size, TableLock};
use crate::report::LintAnswer;
use crate::report::lint::{LintFinding, LintPlace};
use crate::run::{Finding, FindingSeverity};
use crate::sql::LockMode;

/// A database with two tables that have been counted, and one that was never.
pub(in crate::report) fn about() -> About {
    let size = |rows, bytes| Size { rows, bytes, total_bytes: 2 * bytes };
    About {
        target: Some(Destination {
            database: "shop".to_owned(),
            address: Some("db.example.org:5432".to_owned()),
            server: "15.4".to_owned(),
            system: None,
        }),
        made_at: "2026-08-21T08:00:00Z".to_owned(),
        made_by: Maker { os: "alice@laptop".to_owned(), database: Some("deploy".to_owned()) },
        dagmar: "0.1.0".to_owned(),
        commit: Some(Commit { id: "0123456789abcdef0123456789abcdef01234567".to_owned(), uncommitted: true }),
        diffs: [(
            "100-views".to_owned(),
            "--- 100-views as applied\n+++ plans/100.yaml now\n@@ -1 +1 @@\n-a: <1>\n+a: 2\n".to_owned(),
        )]
        .into(),
        one_transaction: false,
        tables: [
            ("platform.users".to_owned(), size(Some(2_000_000), 90_000_000)),
            ("platform.legacy".to_owned(), size(None, 8192)),
            ("platform.projects".to_owned(), size(Some(0), 0)),
        ]
        .into(),
    }
}

/// A sealed plan that nobody signed.
pub(in crate::report) fn unsigned() -> Seal {
    Seal { digest: "p1:00ff".to_owned(), signed_by: None, expires_at: "2026-08-28T08:00:00Z".to_owned() }
}

/// Gates of every kind.
pub(in crate::report) fn verdicts() -> Vec<GateVerdict> {
    let of = |gate, status, remedy: Option<&str>| GateVerdict {
        gate,
        status,
        reason: "it <is> so".to_owned(),
        remedy: remedy.map(Into::into),
    };
    vec![
        of("soak", GateStatus::Met, None),
        of("approvals", GateStatus::Unmet, Some("somebody approves it")),
        of("window", GateStatus::Overridden, Some("wait")),
    ]
}

/// What a preflight found.
pub(in crate::report) fn findings() -> Vec<Finding> {
    let one = |severity, message: &str| Finding {
        check: "rights",
        severity,
        message: message.to_owned(),
        remedy: "GRANT it".into(),
    };
    vec![one(FindingSeverity::Error, "the role may not"), one(FindingSeverity::Warning, "a report runs since 2 h")]
}

/// Text that would break out of every format.
pub(super) const BAD: &str =
    "\"' <script>alert(1)</script> | `a` ```` *b* [c](d) @e &lt; </summary></details>\n\n# f \u{1b}[31m\u{202e}";

/// Other sessions at the tables of [`super::forward`] and [`super::hostile_plan`], and a policy that allows nothing.
pub(in crate::report) fn live() -> Live {
    let lock = |pid, application: &str, mode, granted| TableLock {
        session: Session {
            pid,
            user: "app".to_owned(),
            application: application.to_owned(),
            state: "idle in transaction".to_owned(),
            seconds: Some(190),
        },
        prepared: None,
        mode,
        granted,
    };
    let readers = (1..6).map(|pid| lock(pid, "report", LockMode::AccessShare, true));
    let mut users: Vec<TableLock> = readers.collect();
    users.push(lock(7, "queue", LockMode::RowShare, false));
    users.push(TableLock { prepared: Some("tx-1".to_owned()), ..lock(0, "", LockMode::RowExclusive, true) });
    let bad = vec![lock(8, BAD, LockMode::AccessShare, true), lock(9, BAD, LockMode::AccessShare, false)];
    Live {
        locks: [("platform.users".to_owned(), users), (hostile_table().to_string(), bad)].into(),
        allow: Some(vec![]),
    }
}

/// What a review of [`super::forward`] and [`super::hostile_plan`] found.
pub(in crate::report) fn review() -> LintAnswer {
    let one = |changeset: &str, severity, text: &str, safe: Option<&str>| LintFinding {
        code: Rule::ConstraintScan,
        severity,
        changeset: changeset.to_owned(),
        rollback: false,
        place: Some(LintPlace { file: text.to_owned(), line: 3, column: 1, end_line: 3, end_column: 9 }),
        message: text.to_owned(),
        remedy: text.to_owned(),
        safe_form: safe.map(str::to_owned),
        source: None,
    };
    let findings = vec![
        one(
            "009-project-limits",
            Level::High,
            "the constraint reads `all` rows",
            Some("ALTER TABLE t VALIDATE CONSTRAINT c"),
        ),
        one("009-project-limits", Level::Low, "the key has no index", Some("- createIndex: { table: t }")),
        one(BAD, Level::Medium, BAD, Some(BAD)),
    ];
    LintAnswer {
        verdict: Verdict::Merge,
        fail_on: None,
        counts: Counts::default(),
        environment: "production".to_owned(),
        base: None,
        changesets: 6,
        findings,
        prefix: String::new(),
    }
}

/// A table whose name would break out of every format.
pub(super) fn hostile_table() -> QualifiedName {
    QualifiedName {
        schema: Some(Ident::new("<b>|`\n").expect("a name")),
        name: Ident::new("a\"b\u{1b}").expect("a name"),
    }
}
