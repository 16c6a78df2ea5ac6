//! Plans of every kind.

use super::said::{BAD, hostile_table};
use crate::base::{Content, HumanDuration, Ident, QualifiedName};
use crate::change::Batch;
use crate::effects::{Access, ObjectClass, Touch};
use crate::plan::{
    Blocked, Direction, FORMAT, Limits, Mode, Plan, Progress, Rollback, Segment, Statement, Step, StepCheck,
    StepReason, Waiting,
};
use crate::sql::{Facts, LockMode, Outside};
use serde_json::json;

fn name(text: &str) -> QualifiedName {
    text.parse().expect("a name")
}

fn locks(list: &[(&str, LockMode)]) -> Facts {
    Facts { locks: list.iter().map(|(table, mode)| (name(table), *mode)).collect(), ..Facts::default() }
}

fn statement(kind: &str, sql: &str, facts: Facts) -> Statement {
    Statement { sql: sql.to_owned(), change: 0, kind: kind.to_owned(), facts, origin: None }
}

fn segment(mode: Mode, statements: Vec<Statement>) -> Segment {
    let limits = match mode {
        Mode::Transaction => Limits {
            lock_timeout: HumanDuration::secs(3),
            statement_timeout: HumanDuration::secs(60),
            lock_retries: 10,
        },
        Mode::Outside => Limits {
            lock_timeout: HumanDuration::default(),
            statement_timeout: HumanDuration::default(),
            lock_retries: 0,
        },
        Mode::Batched => Limits {
            lock_timeout: HumanDuration::secs(3),
            statement_timeout: HumanDuration::default(),
            lock_retries: 1,
        },
    };
    Segment { mode, statements, batch: None, limits, progress: Progress::Todo }
}

fn check(name: &str, sql: &str) -> StepCheck {
    StepCheck { name: name.to_owned(), sql: sql.to_owned(), origin: None }
}

fn step(changeset: &str, description: &str, wave: u32, segments: Vec<Segment>, rollback: Rollback) -> Step {
    Step {
        changeset: changeset.to_owned(),
        file: Some(format!("plans/{changeset}.yaml")),
        description: (!description.is_empty()).then(|| description.to_owned()),
        author: Some("platform-team".to_owned()),
        labels: Vec::new(),
        environments: Vec::new(),
        phase: None,
        direction: Direction::Forward,
        wave,
        why: StepReason::Pending,
        requires: vec!["003-users-and-permissions".to_owned()],
        repeatable: false,
        checksum: "d1:00".to_owned(),
        digest: "d1:11".to_owned(),
        body: Content::from(&json!({ "id": changeset })),
        touches: None,
        preconditions: Vec::new(),
        segments,
        verify: Vec::new(),
        rollback,
    }
}

fn derived(segments: Vec<Segment>) -> Rollback {
    Rollback::Segments { derived: true, segments, verify: Vec::new() }
}

fn plan(direction: Direction, steps: Vec<Step>) -> Plan {
    Plan {
        format: FORMAT,
        environment: "production".to_owned(),
        direction,
        ledger_schema: "dagmar".to_owned(),
        steps,
        waiting: Vec::new(),
        blocked: Vec::new(),
        renamed: Vec::new(),
        excluded: Vec::new(),
        overridden_templates: Vec::new(),
    }
}

fn active_organization() -> Step {
    let both = [("platform.users", LockMode::AccessExclusive), ("platform.organizations", LockMode::ShareRowExclusive)];
    let mut backfill = segment(
        Mode::Batched,
        vec![statement(
            "backfill",
            "WITH batch AS (\n    SELECT t.id FROM platform.users AS t WHERE t.id > $1 ORDER BY t.id LIMIT 10000 FOR UPDATE\n\
             ),\ndone AS (\n    UPDATE platform.users AS t SET active_org_id = m.organization_id\n    FROM batch\n    RETURNING t.id\n)",
            locks(&[("platform.users", LockMode::RowExclusive)]),
        )],
    );
    let key = vec![Ident::new("id").expect("a name")];
    backfill.batch = Some(Batch {
        table: name("platform.users"),
        key,
        size: 10_000,
        sweep: true,
        left: None,
        pace: Default::default(),
    });
    let online = Outside::CreateIndex { index: name("platform.idx_users_active_org"), table: name("platform.users") };
    let segments = vec![
        segment(
            Mode::Transaction,
            vec![statement(
                "addColumn",
                "ALTER TABLE platform.users\n    ADD COLUMN active_org_id uuid REFERENCES platform.organizations (id) ON DELETE SET NULL",
                locks(&both),
            )],
        ),
        segment(
            Mode::Outside,
            vec![statement(
                "createIndex",
                "CREATE INDEX CONCURRENTLY idx_users_active_org\n    ON platform.users (active_org_id)\n    WHERE active_org_id IS NOT NULL",
                Facts {
                    outside: Some(online),
                    waits: Some(LockMode::Share),
                    ..locks(&[("platform.users", LockMode::ShareUpdateExclusive)])
                },
            )],
        ),
        backfill,
    ];
    let back = vec![
        segment(
            Mode::Outside,
            vec![statement(
                "createIndex",
                "DROP INDEX CONCURRENTLY IF EXISTS platform.idx_users_active_org",
                Facts::default(),
            )],
        ),
        segment(
            Mode::Transaction,
            vec![statement("addColumn", "ALTER TABLE platform.users DROP COLUMN active_org_id", locks(&both))],
        ),
    ];
    let title = "Remember which organization each user works in";
    Step {
        phase: Some("expand".to_owned()),
        labels: vec!["auth".to_owned(), "users".to_owned()],
        environments: Vec::new(),
        preconditions: vec![check("tableExists: platform.users", "SELECT to_regclass('platform.users') IS NOT NULL")],
        verify: vec![check(
            "every member has an active organization",
            "SELECT NOT EXISTS (\n    SELECT 1 FROM platform.users WHERE active_org_id IS NULL\n)",
        )],
        ..step("008-active-organization", title, 1, segments, derived(back))
    }
}

/// Every mode, hazard and reason not to run.
pub(in crate::report) fn forward() -> Plan {
    let limits = step(
        "009-project-limits",
        "Limits of projects",
        1,
        vec![segment(
            Mode::Transaction,
            vec![
                statement(
                    "createTable",
                    "CREATE TABLE platform.project_limits (\n    id uuid PRIMARY KEY,\n    project_id uuid NOT NULL REFERENCES platform.projects (id)\n)",
                    locks(&[("platform.projects", LockMode::ShareRowExclusive)]),
                ),
                statement(
                    "sql",
                    "COMMENT ON TABLE platform.project_limits IS 'what a project may use'",
                    Facts::default(),
                ),
            ],
        )],
        derived(vec![segment(
            Mode::Transaction,
            vec![statement("createTable", "DROP TABLE platform.project_limits", Facts::default())],
        )]),
    );
    let widen = Step {
        why: StepReason::Resumed,
        requires: vec!["009-project-limits".to_owned()],
        ..step(
            "011-wide-ids",
            "Identity columns become bigint",
            2,
            vec![segment(
                Mode::Transaction,
                vec![statement(
                    "changeColumnType",
                    "ALTER TABLE platform.audit_logs ALTER COLUMN id TYPE bigint",
                    Facts {
                        rewrites: true,
                        scans: true,
                        ..locks(&[("platform.audit_logs", LockMode::AccessExclusive)])
                    },
                )],
            )],
            Rollback::Segments {
                derived: false,
                segments: vec![segment(
                    Mode::Transaction,
                    vec![statement(
                        "sql",
                        "ALTER TABLE platform.audit_logs ALTER COLUMN id TYPE int",
                        Facts::default(),
                    )],
                )],
                verify: vec![check("ids fit", "SELECT max(id) < 2147483648 FROM platform.audit_logs")],
            },
        )
    };
    let contract = Step {
        phase: Some("contract".to_owned()),
        requires: vec!["008-active-organization".to_owned(), "009-project-limits".to_owned()],
        ..step(
            "012-drop-legacy",
            "",
            2,
            vec![
                segment(
                    Mode::Transaction,
                    vec![statement(
                        "sql",
                        "DELETE FROM platform.legacy WHERE migrated",
                        Facts { loses_data: true, ..locks(&[("platform.legacy", LockMode::RowExclusive)]) },
                    )],
                ),
                segment(
                    Mode::Outside,
                    vec![statement(
                        "sql",
                        "CALL platform.purge()",
                        Facts { outside: Some(Outside::Opaque), ..Facts::default() },
                    )],
                ),
            ],
            Rollback::Irreversible { reason: "the rows are gone for good".to_owned() },
        )
    };
    let view = Step {
        why: StepReason::Changed,
        repeatable: true,
        requires: Vec::new(),
        ..step(
            "100-views",
            "Views for reports",
            2,
            vec![segment(
                Mode::Transaction,
                vec![statement(
                    "createView",
                    "CREATE OR REPLACE VIEW platform.active AS SELECT 1 AS one",
                    Facts::default(),
                )],
            )],
            derived(Vec::new()),
        )
    };
    // needs nothing of the others, but meets one of them; and stands behind those of a later wave
    let meets = |step: Step, how| Step {
        touches: Some(vec![Touch { object: ObjectClass::Table, name: name("platform.projects"), how }]),
        ..step
    };
    let (limits, view) = (meets(limits, Access::Reference), meets(view, Access::Alter));
    let known = |step: Step| Step { touches: Some(Vec::new()), ..step };
    let early = step(
        "101-early",
        "Can run at once",
        1,
        vec![segment(Mode::Transaction, vec![statement("sql", "SELECT 1", Facts::default())])],
        derived(vec![segment(Mode::Transaction, vec![statement("sql", "SELECT 2", Facts::default())])]),
    );
    let steps = vec![known(active_organization()), limits, known(widen), known(contract), view, known(early)];
    let mut plan = plan(Direction::Forward, steps);
    plan.waiting = vec![
        Waiting {
            changeset: "010-preferences-contract".to_owned(),
            on: "010-preferences-copy".to_owned(),
            soak: "30d".parse().expect("a length of time"),
            until: Some("2026-09-20T08:00:00Z".to_owned()),
        },
        Waiting {
            changeset: "013-later".to_owned(),
            on: "012-drop-legacy".to_owned(),
            soak: "12h".parse().expect("a length of time"),
            until: None,
        },
    ];
    plan.blocked = vec![Blocked {
        changeset: "014-after-later".to_owned(),
        reason: "`013-later` has to run before and waits".to_owned(),
    }];
    plan.excluded = vec!["004-first-organization".to_owned()];
    plan.overridden_templates = vec!["createIndex".to_owned()];
    plan
}

/// What depends on it comes along.
pub(in crate::report) fn rollback() -> Plan {
    let way = |mut step: Step, why: StepReason| {
        let back = match &step.rollback {
            Rollback::Segments { segments, .. } => segments.clone(),
            Rollback::Irreversible { .. } => Vec::new(),
        };
        let forward = std::mem::replace(&mut step.segments, back);
        Step { direction: Direction::Rollback, why, rollback: derived(forward), preconditions: Vec::new(), ..step }
    };
    let above = step(
        "009-reads-active",
        "A view of active organizations",
        1,
        vec![segment(
            Mode::Transaction,
            vec![statement("createView", "CREATE VIEW platform.active AS SELECT 1", Facts::default())],
        )],
        derived(vec![segment(
            Mode::Transaction,
            vec![statement(
                "createView",
                "DROP VIEW platform.active",
                locks(&[("platform.active", LockMode::AccessExclusive)]),
            )],
        )]),
    );
    let above = Step { requires: vec!["008-active-organization".to_owned()], ..above };
    let below = Step { wave: 2, ..active_organization() };
    let restored = Step {
        why: StepReason::Restored,
        direction: Direction::Rollback,
        requires: Vec::new(),
        wave: 2,
        ..forward().steps.remove(4)
    };
    plan(Direction::Rollback, vec![way(above, StepReason::Dependent), way(below, StepReason::Requested), restored])
}

/// No step, but things that wait.
pub(in crate::report) fn irregular() -> Plan {
    let mut plan = forward();
    plan.steps.clear();
    plan.overridden_templates.clear();
    plan
}

/// Nothing at all.
pub(in crate::report) fn nothing() -> Plan {
    Plan { excluded: vec!["004-first-organization".to_owned()], ..plan(Direction::Forward, Vec::new()) }
}

/// A plan of [`BAD`].
pub(in crate::report) fn hostile_plan() -> Plan {
    let bad = BAD;
    let sql = format!("SELECT {bad}\n```\n-- g");
    let facts = Facts { locks: vec![(hostile_table(), LockMode::AccessExclusive)], ..Facts::default() };
    let work = segment(Mode::Transaction, vec![statement(bad, &sql, facts)]);
    let mut first = step(bad, bad, 1, vec![work.clone()], derived(vec![work]));
    first.phase = Some(bad.to_owned());
    first.labels = vec![bad.to_owned()];
    first.requires = vec![bad.to_owned()];
    first.preconditions = vec![check(bad, &sql)];
    first.verify = vec![check(bad, &sql)];
    let second = step("x", "", 2, Vec::new(), Rollback::Irreversible { reason: bad.to_owned() });
    let mut plan = plan(Direction::Forward, vec![first, second]);
    plan.environment = bad.to_owned();
    plan.ledger_schema = bad.to_owned();
    plan.blocked = vec![Blocked { changeset: bad.to_owned(), reason: bad.to_owned() }];
    plan.waiting = vec![Waiting {
        changeset: bad.to_owned(),
        on: bad.to_owned(),
        soak: HumanDuration::secs(1),
        until: Some(bad.to_owned()),
    }];
    plan.excluded = vec![bad.to_owned()];
    plan.overridden_templates = vec![bad.to_owned()];
    plan
}
