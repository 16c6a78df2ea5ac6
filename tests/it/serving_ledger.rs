//! What roles write into the tables of the ledger that are there for a service.

use crate::support::{Database, against, granted, ledger_of_version, project, psql, role, table, url};

const DIGEST: &str = "'p1:' || repeat('0', 64)";

/// Statements by which each table is written, with the roles that may.
#[test]
fn who_may_apply_writes_plans_and_deliveries_and_nobody_signs_for_others() {
    let (project, database) = (project(&[table("a")]), Database::new());
    let (applier, approver, reader) = granted(&project, &database);
    let plan = format!(
        "INSERT INTO dagmar.sealed_plan (digest, content, expires_at, uploaded_by) VALUES ({DIGEST}, '{{}}', now(), 'anna@10.1.2.3')"
    );
    let own = [
        plan.as_str(),
        "INSERT INTO dagmar.delivery (hook, seq) VALUES ('ops', 1)",
        "UPDATE dagmar.delivery SET leased_until = now() + interval '30s', leased_by = 'x' WHERE hook = 'ops' AND \
         coalesce(leased_until, '-infinity') < now()",
        "DELETE FROM dagmar.delivery",
    ];
    for statement in own {
        for stranger in [&approver, &reader] {
            let said = psql(&database, stranger, statement);
            assert!(said.contains("permission denied for table "), "{statement}: {said}");
        }
        assert_eq!(psql(&database, &applier, statement), "", "{statement}");
    }
    for statement in ["SELECT count(*) FROM dagmar.sealed_plan", "SELECT count(*) FROM dagmar.delivery"] {
        assert!(!psql(&database, &reader, statement).contains("denied"), "{statement}");
    }
    assert_eq!(database.sql("SELECT db_user FROM dagmar.sealed_plan"), applier);
    for forged in [
        "UPDATE dagmar.sealed_plan SET content = 'x'",
        "INSERT INTO dagmar.sealed_plan (digest, content, expires_at, uploaded_by, db_user) VALUES ('x', 'x', now(), 'x', 'boss')",
        "INSERT INTO dagmar.sealed_plan (digest, content, expires_at, uploaded_by, uploaded_at) VALUES ('x', 'x', now(), 'x', now())",
    ] {
        let said = psql(&database, &applier, forged);
        assert!(said.contains("permission denied for table sealed_plan"), "{forged}: {said}");
    }
    for (wrong, constraint) in [
        ("'p2:x', 'x', now(), 'x'", "sealed_plan_digest_check"),
        ("'p1:' || repeat('1', 64), 'x', 'infinity', 'x'", "sealed_plan_expires_at_check"),
        ("'p1:' || repeat('1', 64), 'x', now(), repeat('x', 2000)", "sealed_plan_uploaded_by_check"),
    ] {
        let sql = format!("INSERT INTO dagmar.sealed_plan (digest, content, expires_at, uploaded_by) VALUES ({wrong})");
        assert!(psql(&database, &applier, &sql).contains(constraint), "{wrong}");
    }
    // a run needs none of this
    against(&project, &url(&database, &applier), &["apply"]).ok();
}

/// The request with which a person approved is part of the chain, in the words of the approval alone.
#[test]
fn the_request_of_an_approval_cannot_be_exchanged() {
    let (project, database) = (project(&[table("a")]), Database::new());
    let (_, approver, _) = granted(&project, &database);
    project.write("dagmar.yaml", "ledger: { owners: [postgres] }\n");
    let approve = |origin: &str| {
        format!(
            "INSERT INTO dagmar.approval (digest, verdict, reason, os_user, host, origin) VALUES ({DIGEST}, 'approve', 'read', 'anna', \
             '10.1.2.3', {origin})"
        )
    };
    let token = r#"'{"way": "token", "name": "anna", "request": "0123456789abcdef", "groups": ["boss"], "key": null}'"#;
    for origin in [token, "NULL"] {
        assert_eq!(psql(&database, &approver, &approve(origin)), "");
    }
    for (wrong, constraint) in
        [("'[]'", "approval_origin"), ("jsonb_build_object('way', repeat('x', 9000))", "approval_origin")]
    {
        assert!(psql(&database, &approver, &approve(wrong)).contains(constraint), "{wrong}");
    }
    let said = database.sql("SELECT detail -> 'origin' FROM dagmar.event WHERE kind = 'approved' ORDER BY seq");
    assert_eq!(said, r#"{"way": "token", "name": "anna", "groups": ["boss"], "request": "0123456789abcdef"}"#);
    project.json(&database, &["history", "--verify"]).intact();
    let list = project.json(&database, &["approvals", "list"]).json();
    assert_eq!(list["approvals"][0]["origin"]["groups"][0], "boss", "{list}");
    assert!(list["approvals"][1].get("origin").is_none(), "{list}");
    assert!(project.on(&database, &["history", "--kind", "approved"]).ok().contains("read; via token anna"));
    for tamper in [
        r#"UPDATE dagmar.approval SET origin = origin || '{"groups": ["boss", "dba"]}' WHERE origin IS NOT NULL"#,
        "UPDATE dagmar.approval SET origin = NULL",
        r#"UPDATE dagmar.approval SET origin = '{"way": "token", "request": "x"}' WHERE origin IS NULL"#,
    ] {
        let before = "CREATE TABLE kept AS SELECT * FROM dagmar.approval";
        database.sql(&format!("{before}; SET session_replication_role = replica; {tamper}"));
        let said = project.on(&database, &["history", "--verify"]).fails(4);
        assert!(said.contains("has no event of its own"), "{tamper}: {said}");
        database.sql(
            "SET session_replication_role = replica; UPDATE dagmar.approval a SET origin = k.origin FROM kept k WHERE k.id = \
             a.id; DROP TABLE kept",
        );
    }
    project.json(&database, &["history", "--verify"]).intact();
}

/// Who had rights before the upgrade has those on the new tables that he needs, and no more.
#[test]
fn an_upgrade_grants_the_new_tables_to_whom_they_are_for() {
    let (project, database) = (project(&[table("a")]), Database::new());
    ledger_of_version(&database, 7);
    let (applier, approver, reader) =
        (role(&database, "applier", ""), role(&database, "approver", ""), role(&database, "reader", ""));
    database.sql(&format!(
        "GRANT USAGE ON SCHEMA dagmar TO {applier}, {approver}, {reader}; GRANT SELECT ON ALL TABLES IN SCHEMA dagmar TO {applier}, \
         {approver}, {reader}; GRANT INSERT (run, kind, changeset, detail) ON dagmar.event TO {applier}; GRANT INSERT (digest, verdict, \
         reason, os_user, host, expires_at) ON dagmar.approval TO {approver}"
    ));
    project.on(&database, &["ledger", "install"]).ok();
    let may = |role: &str, what: &str| database.sql(&format!("SELECT has_{what}").replace("@", role));
    for (role, writes, approves) in [(&applier, "t", "f"), (&approver, "f", "t"), (&reader, "f", "f")] {
        let said = [
            "table_privilege('@', 'dagmar.delivery', 'UPDATE')",
            "table_privilege('@', 'dagmar.sealed_plan', 'DELETE')",
            "column_privilege('@', 'dagmar.sealed_plan', 'content', 'INSERT')",
            "column_privilege('@', 'dagmar.approval', 'origin', 'INSERT')",
            "column_privilege('@', 'dagmar.sealed_plan', 'db_user', 'INSERT')",
            "table_privilege('@', 'dagmar.sealed_plan', 'UPDATE')",
            "table_privilege('@', 'dagmar.sealed_plan', 'SELECT')",
            "table_privilege('@', 'dagmar.delivery', 'SELECT')",
        ]
        .map(|what| may(role, what));
        assert_eq!(said, [writes, writes, writes, approves, "f", "f", "t", "t"], "{role}");
    }
}

/// A run is found by its request without reading all events, and no text keeps an event from being written.
#[test]
fn runs_have_an_index_by_their_request() {
    let (project, database) = (project(&[table("a")]), Database::new());
    let (applier, ..) = granted(&project, &database);
    let plan = database.sql(
        "SET enable_seqscan = off; EXPLAIN SELECT run FROM dagmar.event e WHERE e.kind = 'runStarted' AND e.detail -> 'origin' ->> \
         'request' = '0123456789abcdef'",
    );
    assert!(plan.contains("event_request_idx"), "{plan}");
    let long = "INSERT INTO dagmar.event (run, kind, detail) VALUES (gen_random_uuid(), 'runStarted', jsonb_build_object('origin', \
                jsonb_build_object('request', (SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 400)))))";
    assert_eq!(psql(&database, &applier, long), "");
}
