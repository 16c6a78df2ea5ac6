//! A failure at every place where one can happen: nothing of the changeset is left, or it
//! can be gone on with and taken back, both with the right end.

use crate::support::{Case, Database, same};
use serde_yaml::Value;

/// Makes the n-th definition command (`CREATE`, `ALTER`, `DROP`, ...) of dagmar's sessions
/// fail, those inside of functions included. A setting of the session counts: what writes
/// would be in the way of `DROP INDEX CONCURRENTLY`.
const GATE: &str = "
CREATE SCHEMA gate;
CREATE TABLE gate.stop (at bigint NOT NULL);
INSERT INTO gate.stop VALUES (0);
CREATE FUNCTION gate.check() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE
    seen bigint := coalesce(nullif(current_setting('gate.seen', true), ''), '0')::bigint + 1;
BEGIN
    PERFORM set_config('gate.seen', seen::text, false);
    IF current_setting('application_name') LIKE 'dagmar%' AND seen = (SELECT at FROM gate.stop) THEN
        RAISE 'the gate is shut at %', tg_tag;
    END IF;
END $$;
CREATE EVENT TRIGGER gate ON ddl_command_start EXECUTE FUNCTION gate.check()";

fn fail_at(database: &Database, n: u32) {
    database.sql(&format!("UPDATE gate.stop SET at = {n}"));
}

pub fn of_definitions(name: &str) {
    let (case, database) = (Case::open(name), Database::new());
    // the ledger itself is not the matter here
    case.project.on(&database, &["apply", "--select", &case.ids()[0]]).ok();
    case.project.on(&database, &["rollback", "--all"]).ok();
    database.sql(GATE);
    for id in &case.ids() {
        let before = database.catalog();
        case.apply(&database, id).ok();
        let after = database.catalog();
        let mut down = 1;
        case.rollback(&database, id).ok();
        for n in 1.. {
            let at = format!("{id}, definition {n}");
            fail_at(&database, n);
            let run = case.apply(&database, id);
            fail_at(&database, 0);
            if run.code == 0 {
                break;
            }
            assert!(run.fails(8).contains("the gate is shut"), "{at}");
            let partly = failed(&case, &database, id, &before, &at);
            case.rollback(&database, id).ok();
            same(&format!("{at}: rolled back"), &before, &database.catalog());
            if !partly {
                continue;
            }
            fail_at(&database, n);
            case.apply(&database, id).fails(8);
            fail_at(&database, 0);
            case.apply(&database, id).ok();
            same(&format!("{at}: gone on with"), &after, &database.catalog());
            rollback_failing(&case, &database, id, &mut down, &before);
        }
        loop {
            same(&format!("{id} is applied"), &after, &database.catalog());
            if !rollback_failing(&case, &database, id, &mut down, &before) {
                break;
            }
            case.apply(&database, id).ok();
        }
        case.apply(&database, id).ok();
    }
}

/// Rolls back, with a failure at the n-th definition first; whether there is an n-th.
fn rollback_failing(case: &Case, database: &Database, id: &str, n: &mut u32, before: &str) -> bool {
    fail_at(database, *n);
    let run = case.rollback(database, id);
    fail_at(database, 0);
    let at = format!("rollback of {id}, definition {n}");
    *n += 1;
    let failed = run.code != 0;
    if failed {
        assert!(run.fails(8).contains("the gate is shut"), "{at}");
        let state = case.state(database, id);
        assert!(state == "applied" || state == "partly", "{at}: {state}");
        case.rollback(database, id).ok();
    }
    same(&at, before, &database.catalog());
    failed
}

/// What a failed apply leaves behind; whether it is something.
fn failed(case: &Case, database: &Database, id: &str, before: &str, at: &str) -> bool {
    let row = case.status(database, id);
    let step = case.steps.iter().find(|s| s["changeset"] == id).unwrap();
    let segments = row["segments"].as_array().map_or(0, Vec::len);
    match row["state"].as_str().unwrap() {
        "failed" => {
            same(&format!("{at}: nothing is left"), before, &database.catalog());
            assert_eq!(segments, 0, "{at}");
            false
        }
        "partly" => {
            let all = step["segments"].as_array().unwrap().len();
            let list = row["segments"].as_array().unwrap();
            let done = list.iter().take_while(|s| s["done"] == true).count();
            assert!(all > 1 && done < all && (done == segments || done + 1 == segments), "{at}: {row}");
            assert!(list.iter().enumerate().all(|(no, s)| s["no"] == no && s["direction"] == "forward"), "{at}: {row}");
            true
        }
        other => panic!("{at}: {other}"),
    }
}

/// A change that fails as long as there is no table `gate.open`.
fn gate() -> Value {
    serde_yaml::from_str("sql: { forward: SELECT count(*) FROM gate.open, rollback: SELECT 1 }").unwrap()
}

pub fn between_changes(name: &str) {
    let (mut case, database) = (Case::open(name), Database::new());
    database.sql("CREATE SCHEMA gate");
    let original = case.changelog();
    for id in &case.ids() {
        let before = database.catalog();
        case.apply(&database, id).ok();
        let after = database.catalog();
        case.rollback(&database, id).ok();
        same(&format!("{id} is rolled back"), &before, &database.catalog());
        let no = number(&original, id);
        let changes = original["changesets"][no]["changes"].as_sequence().unwrap().len();
        for place in 0..=changes {
            let at = format!("{id}, before change {place}");
            let mut changed = original.clone();
            changed["changesets"][no]["changes"].as_sequence_mut().unwrap().insert(place, gate());
            case.write_changelog(&changed);
            case.plan();
            assert!(case.apply(&database, id).fails(8).contains("gate.open"), "{at}");
            if failed(&case, &database, id, &before, &at) {
                case.write_changelog(&original);
                assert!(case.apply(&database, id).fails(4).contains(id), "{at}: an edit of what is half applied");
                case.write_changelog(&changed);
            }
            case.rollback(&database, id).ok();
            same(&format!("{at}: rolled back"), &before, &database.catalog());
            case.apply(&database, id).fails(8);
            database.sql("CREATE TABLE gate.open ()");
            case.apply(&database, id).ok();
            same(&format!("{at}: gone on with"), &after, &database.catalog());
            case.rollback(&database, id).ok();
            database.sql("DROP TABLE gate.open");
            same(&format!("{at}: rolled back as a whole"), &before, &database.catalog());
        }
        unmet(&case, &database, id, &original, &before);
        case.write_changelog(&original);
        case.apply(&database, id).ok();
        same(&format!("{id} as it stands"), &after, &database.catalog());
    }
}

/// A check that does not hold takes everything back, that of many segments too.
fn unmet(case: &Case, database: &Database, id: &str, original: &Value, before: &str) {
    let mut changed = original.clone();
    let check = serde_yaml::from_str("[{ name: pigs fly, sql: SELECT false }]").unwrap();
    changed["changesets"][number(original, id)].as_mapping_mut().unwrap().insert("verify".into(), check);
    case.write_changelog(&changed);
    assert!(case.apply(database, id).fails(8).contains("pigs fly"), "{id}");
    assert_eq!(case.state(database, id), "failed", "{id}");
    same(&format!("{id}, a check that does not hold"), before, &database.catalog());
}

fn number(changelog: &Value, id: &str) -> usize {
    changelog["changesets"].as_sequence().unwrap().iter().position(|c| c["id"] == id).unwrap()
}
