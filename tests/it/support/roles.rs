//! Roles with few rights.

use super::database::Database;
use super::project::Project;
use super::server::server;
use std::process::Command;

/// What a role gets to hear that sends SQL by hand.
pub fn psql(database: &Database, role: &str, sql: &str) -> String {
    let mut command: Command = database.psql();
    let output = command.args(["-U", role, "-c", sql]).output().unwrap();
    String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr }).trim().to_owned()
}

/// A role of this test alone.
pub fn role(database: &Database, kind: &str, more: &str) -> String {
    let name = format!("{}_{kind}", database.name);
    database.sql(&format!("CREATE ROLE {name} LOGIN {more}"));
    name
}

pub fn url(database: &Database, role: &str) -> String {
    format!("postgres:///{}?host={}&user={role}", database.name, server().sockets.display())
}

/// A ledger with one table applied, and roles with the rights that `ledger grants` prints.
pub fn granted(project: &Project, database: &Database) -> (String, String, String) {
    project.on(database, &["apply"]).ok();
    let (applier, approver, reader) =
        (role(database, "applier", ""), role(database, "approver", ""), role(database, "reader", ""));
    let args = ["ledger", "grants", "--applier", &applier, "--approver", &approver, "--reader", &reader];
    database.sql(&project.run(&args).ok());
    database.sql(&format!("GRANT CREATE, USAGE ON SCHEMA public TO {applier}; GRANT postgres TO {applier}"));
    database.sql(&format!("REVOKE postgres FROM {applier}"));
    (applier, approver, reader)
}
