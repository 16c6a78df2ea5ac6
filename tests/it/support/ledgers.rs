//! Ledgers as earlier versions have made them.

use super::backfill::backfill_and_table;
use super::database::{Database, same};
use super::server::Server;

/// What each earlier version added to the ledger, with its functions; frozen.
const VERSIONS: [&str; 7] = [
    include_str!("../../data/ledgers/1.sql"),
    include_str!("../../data/ledgers/2.sql"),
    include_str!("../../data/ledgers/3.sql"),
    include_str!("../../data/ledgers/4.sql"),
    include_str!("../../data/ledgers/5.sql"),
    include_str!("../../data/ledgers/6.sql"),
    include_str!("../../data/ledgers/7.sql"),
];

/// The latest of the earlier versions.
pub const LATEST_EARLIER: usize = VERSIONS.len();

/// An empty ledger as this version made it, with what it granted to everybody.
pub fn ledger_of_version(database: &Database, version: usize) {
    for sql in &VERSIONS[..version] {
        database.sql(&sql.replace("@ledger@", "dagmar").replace("@attic@", "dagmar_attic"));
    }
    database.sql(&format!("UPDATE dagmar.meta SET value = '{version}' WHERE key = 'version'"));
}

/// What version 1 had written, in its tables.
pub fn as_version_1(database: &Database) {
    as_version(database, 1, &["pass", "seen", "changed", "unmoved"]);
}

pub fn as_version_2(database: &Database) {
    as_version(database, 2, &[]);
}

/// What an earlier version had written, in its tables.
pub fn as_version(database: &Database, version: usize, later: &[&str]) {
    let later: Vec<String> = later.iter().map(|c| format!("'{c}'")).collect();
    let columns = |table: &str| {
        database.sql(&format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'old.{table}'::regclass \
             AND attnum > 0 AND NOT attisdropped AND attname <> ALL (ARRAY[{}]::text[])",
            later.join(", ")
        ))
    };
    database.sql("ALTER SCHEMA dagmar RENAME TO old; ALTER SCHEMA dagmar_attic RENAME TO old_attic");
    ledger_of_version(database, version);
    let mut copy = String::from("DELETE FROM dagmar.lease;\n");
    for table in ["lease", "run", "changeset", "requires", "segment", "superseded", "event", "attic"] {
        let list = columns(table);
        copy.push_str(&format!(
            "INSERT INTO dagmar.{table} ({list}) OVERRIDING SYSTEM VALUE SELECT {list} FROM old.{table} ORDER BY 1;\n"
        ));
    }
    for (table, column) in [("event", "seq"), ("changeset", "ordinal"), ("attic", "id")] {
        copy.push_str(&format!("SELECT setval(pg_get_serial_sequence('dagmar.{table}', '{column}'), 1000);\n"));
    }
    copy.push_str("DROP SCHEMA old CASCADE; DROP SCHEMA old_attic CASCADE");
    database.sql(&copy);
}

/// Everything that makes a ledger but its rows.
pub const SHAPE: &str = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT format('%s %s.%s %s %s', relkind, relname, attname, format_type(atttypid, atttypmod), attnotnull) AS line
    FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'dagmar'::regnamespace
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'dagmar'::regnamespace
    UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'dagmar'::regnamespace AND contype <> 'n'
    UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
        WHERE relnamespace = 'dagmar'::regnamespace AND NOT tgisinternal) x";

/// A ledger of an earlier version on a server of any version.
pub fn a_ledger_comes_up(on: &'static Server, version: u32) {
    let (database, fresh) = (Database::on(on), Database::on(on));
    let project = backfill_and_table(&database);
    project.on(&database, &["apply", "--select", "a"]).ok();
    match version {
        1 => as_version_1(&database),
        _ => as_version_2(&database),
    }
    assert_eq!(project.states(&database), "a=applied b=pending");
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT value FROM dagmar.meta WHERE key = 'version'"), "8");
    assert_eq!(project.states(&database), "a=applied b=applied");
    project.json(&database, &["history", "--verify"]).intact();
    backfill_and_table(&fresh).on(&fresh, &["apply"]).ok();
    same("the ledger", &fresh.sql(SHAPE), &database.sql(SHAPE));
    project.on(&database, &["rollback", "--all"]).ok();
    assert_eq!(database.sql("SELECT max(n) FROM t"), "0");
}
