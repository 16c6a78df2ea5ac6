use super::*;
use crate::base::Ident;
use crate::pg::connect::server::Server;
use crate::pg::preflight::facts::Facts;
use crate::pg::preflight::judge;
use crate::pg::preflight::requirements::{Requirements, Use};
use crate::plan::{Direction, Plan};
use crate::run::FindingSeverity;
use crate::sql::LockMode;
use serde_json::{Value, json};

fn server() -> Server {
    Server {
        version: 150_000,
        standby: false,
        read_only: false,
        database: "shop".to_owned(),
        user: "app".to_owned(),
        has_ledger: true,
        may_install: true,
    }
}

fn plan() -> Plan {
    Plan {
        format: 1,
        environment: "dev".to_owned(),
        direction: Direction::Forward,
        ledger_schema: "dagmar".to_owned(),
        steps: Vec::new(),
        waiting: Vec::new(),
        blocked: Vec::new(),
        renamed: Vec::new(),
        excluded: Vec::new(),
        overridden_templates: Vec::new(),
    }
}

/// What is found, `check severity message` a line each.
fn found(asked: &Requirements, facts: Value) -> String {
    let facts: Facts = serde_json::from_value(facts).unwrap();
    let (plan, server, ledger) = (plan(), server(), Ident::new("dagmar").unwrap());
    let found = judge(&View { plan: &plan, asked, server: &server, facts: &facts, ledger: &ledger });
    assert!(found.iter().all(|f| !f.remedy.parts().is_empty()));
    found.iter().map(|f| format!("{} {} {}\n", f.check, f.severity.word(), f.message)).collect()
}

fn relation(used: Use) -> Requirements {
    Requirements { relations: [("app.t".parse().unwrap(), used)].into(), ..Requirements::default() }
}

#[test]
fn every_check_is_in_the_table() {
    let mut files: Vec<String> = std::fs::read_dir("src/pg/preflight/checks")
        .expect("runs in the crate's folder")
        .map(|e| e.expect("readable").path().file_stem().expect("a file").to_string_lossy().into_owned())
        .filter(|stem| !["mod", "tests"].contains(&stem.as_str()))
        .collect();
    let mut table: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    files.sort();
    table.sort_unstable();
    assert_eq!(files, table);
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(found(&Requirements::default(), json!({})), "");
}

#[test]
fn tables_of_others_are_named_once_for_each_owner() {
    let asked = relation(Use { own: true, ..Use::default() });
    let of = |owned: bool| json!({ "relations": [{ "i": 0, "schema": "app", "name": "t", "owner": "boss", "owned": owned }] });
    assert_eq!(
        found(&asked, of(false)),
        "rights error the role `app` does not own `app.t`; only `boss` may change them\n"
    );
    assert_eq!(found(&asked, of(true)), "");
}

#[test]
fn schemas_of_the_path_that_others_may_fill() {
    let of =
        |public: bool, roles: Value| json!({ "path": [{ "schema": "My Shop", "public": public, "roles": roles }] });
    let end = "in `My Shop`, which the `search_path` of changesets has: their code can run as `app`\n";
    let may = "may create functions and tables";
    assert_eq!(
        found(&Requirements::default(), of(true, json!([]))),
        format!("search_path warning every role {may} {end}")
    );
    assert_eq!(
        found(&Requirements::default(), of(true, json!(["a", "b"]))),
        format!("search_path warning every role {may} {end}search_path note `a`, `b` {may} {end}")
    );
    assert_eq!(found(&Requirements::default(), of(false, json!([]))), "");
}

#[test]
fn room_on_the_disk() {
    let judged = |free| disk::judged(2 << 30, free).iter().map(|f| f.severity).collect::<Vec<_>>();
    assert_eq!(judged(Some(1 << 30)), [FindingSeverity::Error]);
    assert_eq!(judged(Some(3 << 30)), [FindingSeverity::Warning]);
    assert_eq!(judged(Some(9 << 30)), [FindingSeverity::Note]);
    assert_eq!(judged(None), [FindingSeverity::Warning]);
    assert_eq!(disk::judged(4096, None), []);
}

#[test]
fn sessions_that_are_left() {
    let asked = Requirements { sessions: 2, ..Requirements::default() };
    let room = |room: Value| found(&asked, json!({ "room": room }));
    let none = json!({ "server": 10, "used": 9, "role": -1, "database": -1 });
    assert_eq!(room(none), "connections error the server allows 1 more session; the run needs 2\n");
    let role = json!({ "server": 100, "used": 9, "role": 5, "roleUsed": 1, "database": -1 });
    assert_eq!(room(role), "connections warning the role allows 4 more sessions; the run needs 2\n");
    assert_eq!(room(json!({ "server": 100, "used": 9, "role": -1, "database": -1 })), "");
}

#[test]
fn published_tables_and_idle_slots() {
    let asked = relation(Use { altered: true, lock: Some(LockMode::AccessExclusive), ..Use::default() });
    let facts = json!({
        "relations": [{ "i": 0, "schema": "app", "name": "t", "owned": true, "publications": ["out"], "subscriptions": ["in"] }],
        "slots": [{ "name": "gone", "kept": 2_i64 << 30 }, { "name": "new", "kept": 5 }],
    });
    assert_eq!(
        found(&asked, facts),
        "replication warning `app.t` is published by `out`: subscribers do not receive DDL\n\
         replication warning `app.t` is filled by the subscription `in`\n\
         replication warning the replication slot `gone` has no reader; the server retains 2048 MB of WAL for it\n\
         replication note the replication slot `new` has no reader; the server retains 5 bytes of WAL for it\n"
    );
}

#[test]
fn what_an_opaque_step_may_make_is_no_error() {
    let facts = json!({ "schemas": [{ "name": "s", "there": false }], "missingRoles": ["r"] });
    let words = |severity: &str| {
        format!(
            "rights {severity} the schema `s` does not exist and the plan does not create it\n\
             roles {severity} the role `r` does not exist\n"
        )
    };
    assert_eq!(found(&Requirements::default(), facts.clone()), words("error"));
    assert_eq!(found(&Requirements { opaque: true, ..Requirements::default() }, facts), words("warning"));
}
