//! `apply --dry-run`: it runs through, and nothing of it stays.

use crate::support::{Case, Database, same};

pub fn check(name: &str) {
    let (case, database) = (Case::open(name), Database::new());
    let empty = database.dump();
    case.project.on(&database, &["apply", "--dry-run"]).ok();
    same("nothing stays of a dry run", &empty, &database.dump());
    let made = database.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'dagmar%'");
    assert_eq!(made, "", "schemas of dagmar's own");
}
