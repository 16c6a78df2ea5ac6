//! Ledgers of every earlier version become the ledger of this version.

use crate::backfills::SHAPE;
use crate::harness::{Database, same};
use crate::running::table;
use crate::tools::project;

/// What each version of the ledger was made of, with its functions; frozen.
const VERSIONS: [&str; 4] = [
    include_str!("../data/ledgers/1.sql"),
    include_str!("../data/ledgers/2.sql"),
    include_str!("../data/ledgers/3.sql"),
    include_str!("../data/ledgers/4.sql"),
];

#[test]
fn a_ledger_of_every_earlier_version_becomes_a_fresh_one() {
    let project = project(&[table("a", "")]);
    let fresh = Database::new();
    project.on(&fresh, &["ledger", "install"]).ok();
    for version in 1..=VERSIONS.len() {
        let database = Database::new();
        for sql in &VERSIONS[..version] {
            database.sql(&sql.replace("@ledger@", "dagmar").replace("@attic@", "dagmar_attic"));
        }
        database.sql(&format!("UPDATE dagmar.meta SET value = '{version}' WHERE key = 'version'"));
        if version > 1 {
            database.sql("INSERT INTO dagmar.wish (kind, reason, made_by) VALUES ('pause', 'a busy day', 'anna@host')");
            let status = project.on(&database, &["status"]).ok();
            assert!(status.contains("a busy day"), "version {version} is read as it is: {status}");
        }
        // a function of that version that lets everybody past the fence
        let fence = database.sql("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'fence'");
        database.sql(&fence.replacen("BEGIN", "BEGIN RETURN;", 1));

        let said = project.on(&database, &["ledger", "install"]).ok();
        assert!(said.contains(&format!("upgraded the ledger `dagmar` from version {version} to 5")), "{said}");
        same(&database.sql(SHAPE), &fresh.sql(SHAPE), &format!("the ledger of version {version}"));
        if version > 1 {
            assert_eq!(database.sql("SELECT kind, reason, made_by FROM dagmar.request"), "pause|a busy day|anna@host");
            project.on(&database, &["resume"]).ok();
        }
        project.on(&database, &["apply"]).ok();
        assert!(project.on(&database, &["history", "--verify"]).ok().contains("intact"));
    }
}
