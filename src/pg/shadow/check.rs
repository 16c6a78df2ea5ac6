//! What a server must not be and hold on which databases are thrown away.

use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind, Remedy, Setting};
use crate::pg::connect::{Connection, Settings};

/// How the names of all its databases begin.
pub const PREFIX: &str = "dagmar_shadow_";

/// Refuses the database of an environment.
pub fn is_no_environment(shadow: &Settings, environments: &[Settings]) -> Result<(), Failure> {
    let same = |other: &&Settings| {
        other.dbname == shadow.dbname
            && other.targets.iter().any(|a| shadow.targets.iter().any(|b| a.describe() == b.describe()))
    };
    match environments.iter().find(same) {
        None => Ok(()),
        Some(_) => Err(refused(format!("{} is the database of an environment of this project", shadow.describe()))),
    }
}

/// Refuses a server with databases of others, and a database with anything in it.
pub async fn holds_nothing(connection: &Connection, settings: &Settings) -> Result<(), Failure> {
    let sql = format!(
        "SELECT rolsuper OR rolcreatedb, \
         (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(datname), ', ' ORDER BY datname) FROM pg_catalog.pg_database \
          WHERE NOT datistemplate AND datname NOT IN ('postgres', pg_catalog.current_database()) \
          AND NOT pg_catalog.starts_with(datname::text, {prefix})), \
         (SELECT pg_catalog.string_agg(name, ', ') FROM (SELECT c.oid::pg_catalog.regclass::text AS name \
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
          WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1 LIMIT 3) c) \
         FROM pg_catalog.pg_roles WHERE rolname = current_user",
        prefix = quote_literal(PREFIX)
    );
    let rows = connection.query("cannot look what the shadow server holds", &sql).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (may, others, objects): (bool, Option<String>, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let address = settings.address();
    if let Some(others) = others {
        return Err(refused(format!("the server {address} has other databases: {others}")));
    }
    if let Some(objects) = objects {
        return Err(refused(format!("the database {} is not empty: it has {objects}", settings.describe())));
    }
    if !may {
        let message = format!("the role `{}` has no right to create databases on {address}", settings.user);
        return Err(Failure::new(FailureKind::Refused, message)
            .help(Remedy::from("give it CREATEDB; without ") + Setting::ShadowUrl + ", a private server is used"));
    }
    Ok(())
}

fn refused(why: String) -> Failure {
    Failure::new(FailureKind::Refused, why).note("databases are made and removed on a shadow server").help(
        Remedy::from("use an empty server that nobody else uses; without ")
            + Setting::ShadowUrl
            + ", a private server is started",
    )
}
