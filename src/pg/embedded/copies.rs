//! Databases of a private server that are copies of each other, and what they share.

use crate::base::Failure;
use crate::base::name::{quote_ident, quote_literal};
use crate::pg::connect::Connection;
use crate::pg::connect::error::{ServerError, query_failed};
use std::time::{Duration, Instant};

/// How long the sessions of a database may take to end.
const END: Duration = Duration::from_secs(10);

/// How long to wait between two looks at them.
const POLL: Duration = Duration::from_millis(2);

/// Creates an empty database.
///
/// # Errors
/// When the server refuses.
pub async fn create(server: &Connection, name: &str) -> Result<(), Failure> {
    let made = server.execute(&format!("CREATE DATABASE {}", quote_ident(name))).await;
    made.map_err(|e| query_failed("cannot create a database on the private server", &e))
}

/// Makes a database one that others are copied from. What in it depends on roles is set aside, so that a role can be
/// dropped where the copies do not need it: a copy has these dependencies again.
///
/// # Errors
/// When the server refuses.
pub async fn set_aside(server: &Connection, name: &str) -> Result<(), Failure> {
    let of_database =
        format!("dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = {})", quote_literal(name));
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {ASIDE} (LIKE pg_catalog.pg_shdepend); \
         INSERT INTO {ASIDE} SELECT * FROM pg_catalog.pg_shdepend WHERE {of_database}; \
         DELETE FROM pg_catalog.pg_shdepend WHERE {of_database}"
    );
    server.execute(&sql).await.map_err(|e| failed(&e))
}

/// Where dependencies of databases that others are copied from are kept.
const ASIDE: &str = "public.dependencies_set_aside";

/// Creates a database as a copy of one that was [set aside](set_aside), with the settings and privileges that PostgreSQL
/// keeps outside of it (manual, CREATE DATABASE, notes).
///
/// # Errors
/// When the server refuses, or a session of the other database does not end.
pub async fn copy(server: &Connection, name: &str, from: &str) -> Result<(), Failure> {
    settle(server, from).await?;
    let made = format!("CREATE DATABASE {} TEMPLATE {}", quote_ident(name), quote_ident(from));
    server.execute(&made).await.map_err(|e| failed(&e))?;
    let both = format!(
        "pg_catalog.pg_database original, pg_catalog.pg_database copy WHERE original.datname = {} AND copy.datname = {}",
        quote_literal(from),
        quote_literal(name)
    );
    let outside = format!(
        "INSERT INTO pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig) \
           SELECT copy.oid, setting.setrole, setting.setconfig \
           FROM pg_catalog.pg_db_role_setting setting, {both} AND setting.setdatabase = original.oid; \
         INSERT INTO pg_catalog.pg_shdepend (dbid, classid, objid, objsubid, refclassid, refobjid, deptype) \
           SELECT copy.oid, aside.classid, aside.objid, aside.objsubid, aside.refclassid, aside.refobjid, aside.deptype \
           FROM {ASIDE} aside, {both} AND aside.dbid = original.oid; \
         UPDATE pg_catalog.pg_database changed SET datacl = original.datacl, datdba = original.datdba \
           FROM {both} AND changed.oid = copy.oid"
    );
    server.execute(&outside).await.map_err(|e| failed(&e))
}

fn failed(error: &ServerError) -> Failure {
    query_failed("cannot copy a database of the private server", error)
}

/// Drops a database with its sessions.
///
/// # Errors
/// When the server refuses.
pub async fn drop_database(server: &Connection, name: &str) -> Result<(), Failure> {
    let dropped = server.execute(&format!("DROP DATABASE {} WITH (FORCE)", quote_ident(name))).await;
    dropped.map_err(|e| query_failed("cannot drop a database of the private server", &e))
}

/// Waits until a database has no session: only then it can be copied, and PostgreSQL itself looks too rarely.
///
/// # Errors
/// When the server does not answer.
pub async fn settle(server: &Connection, name: &str) -> Result<(), Failure> {
    let ask = format!("SELECT FROM pg_catalog.pg_stat_activity WHERE datname = {} LIMIT 1", quote_literal(name));
    let deadline = Instant::now() + END;
    while !server.query("cannot read the sessions of the server", &ask).await?.is_empty() {
        if Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// The version of the server: `15.4`.
///
/// # Errors
/// When the server does not answer.
pub async fn version(server: &Connection) -> Result<String, Failure> {
    const ASK: &str = "SELECT split_part(current_setting('server_version'), ' ', 1)";
    let rows = server.query("cannot read the version of the private server", ASK).await?;
    rows.first().map_or_else(|| Ok(String::new()), |row| row.get(0))
}

/// What all databases of a server share, as a text that is equal where it is: roles with their memberships and settings,
/// tablespaces, privileges on parameters.
///
/// # Errors
/// When the server does not answer.
pub async fn shared(server: &Connection) -> Result<String, Failure> {
    let mut parts = SHARED.to_vec();
    if server.server_major >= 15 {
        parts.push("SELECT 'parameter', to_jsonb(acl) FROM pg_catalog.pg_parameter_acl acl");
    }
    let all = parts.join(" UNION ALL ");
    let ask = format!(
        "SELECT md5(string_agg(kind || value::text, E'\\n' ORDER BY kind, value)) FROM ({all}) parts (kind, value)"
    );
    let rows = server.query("cannot read the roles of the private server", &ask).await?;
    rows.first().map_or_else(|| Ok(String::new()), |row| row.get::<Option<String>>(0).map(Option::unwrap_or_default))
}

const SHARED: [&str; 5] = [
    "SELECT 'role', to_jsonb(role) FROM pg_catalog.pg_authid role",
    "SELECT 'member', to_jsonb(grants) FROM pg_catalog.pg_auth_members grants",
    "SELECT 'setting', to_jsonb(setting) FROM pg_catalog.pg_db_role_setting setting WHERE setdatabase = 0",
    "SELECT 'tablespace', to_jsonb(space) FROM pg_catalog.pg_tablespace space",
    "SELECT 'comment', to_jsonb(comment) FROM pg_catalog.pg_shdescription comment \
     WHERE classoid <> 'pg_catalog.pg_database'::regclass",
];
