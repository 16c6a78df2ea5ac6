//! The one question, and its answer as values.

use super::requirements::Requirements;
use crate::base::name::quote_literal;
use crate::base::{Failure, FailureKind, Ident, QualifiedName, fill};
use crate::pg::connect::Connection;
use crate::plan::{Session, TableLock};
use crate::sql::LockMode;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the server says of what a plan touches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// The relations that are there, of those that were asked for.
    pub relations: Vec<Relation>,
    /// The schemas in which something is made.
    pub schemas: Vec<Schema>,
    /// The schemas of the author's `search_path` in which others may create something.
    pub path: Vec<Shared>,
    /// Whether the role may create schemas here.
    pub database_create: bool,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Whether it may write every table of the ledger; absent where there is none.
    pub ledger: Option<bool>,
    /// The extensions that are asked for and that the server could install.
    pub extensions: Vec<Extension>,
    /// The roles that are missing.
    pub missing_roles: Vec<String>,
    /// Transactions of this database that have been open for a while.
    pub transactions: Vec<Session>,
    /// Prepared transactions of this database.
    pub prepared: Vec<Prepared>,
    /// Replication slots that nobody uses.
    pub slots: Vec<Slot>,
    /// Locks of others on the relations, held or waited for.
    pub locks: Vec<Lock>,
    /// Sessions.
    pub room: Room,
    /// The server's data directory, where it says so.
    pub data_directory: Option<String>,
    /// Whether the server is on this machine: we talk through a socket.
    pub local: bool,
}

/// A relation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Relation {
    /// Its number in the question.
    pub i: usize,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its kind, as `pg_class.relkind`.
    pub kind: String,
    /// Schema and name of the table; another one where this is an index.
    pub table: Vec<String>,
    /// Its owner.
    pub owner: String,
    /// Whether we are its owner, or a member of it.
    pub owned: bool,
    /// Whether we own its schema.
    pub schema_owned: bool,
    /// The rights that we have: `INSERT` and so on.
    pub rights: Vec<String>,
    /// Its bytes with indexes and long values.
    pub total: i64,
    /// The bytes of its rows.
    pub heap: i64,
    /// Its directory, where that is not the data directory.
    pub place: Option<String>,
    /// The publications that carry it.
    pub publications: Vec<String>,
    /// The subscriptions that fill it.
    pub subscriptions: Vec<String>,
}

/// A schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Schema {
    /// Its name; absent: nothing of the `search_path` is there.
    pub name: Option<String>,
    /// Whether it is there.
    pub there: bool,
    /// Whether we may create in it.
    pub create: bool,
}

/// A schema in which others than its owner, superusers and this role may create something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shared {
    /// Its name.
    pub schema: String,
    /// Whether everybody may: PUBLIC.
    pub public: bool,
    /// The roles that may.
    pub roles: Vec<String>,
}

/// An extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// The version that is installed in this database.
    pub installed: Option<String>,
    /// The versions that could be.
    pub versions: Vec<String>,
    /// Whether installing it needs a superuser.
    pub superuser: bool,
}

/// A prepared transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prepared {
    /// Its name.
    pub gid: String,
    /// Its role.
    pub owner: String,
    /// Its age in seconds.
    pub seconds: i64,
}

/// A replication slot that nobody uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Bytes of WAL that are kept for it.
    pub kept: i64,
}

/// A lock on a relation that another session holds or waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lock {
    /// The number of the relation in the question.
    pub i: usize,
    /// The mode, as `pg_locks` writes it.
    pub mode: String,
    /// Whether it is held.
    pub granted: bool,
    /// The prepared transaction that holds it, if it is one.
    pub gid: Option<String>,
    /// Whether it is autovacuum, which gives way.
    pub vacuum: bool,
    /// The session.
    #[serde(flatten)]
    pub session: Session,
}

/// How many sessions there may be, and are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Room {
    /// For this role on this server.
    pub server: i64,
    /// In use on this server.
    pub used: i64,
    /// For this role; -1: no limit.
    pub role: i64,
    /// In use by it.
    pub role_used: i64,
    /// In this database; -1: no limit.
    pub database: i64,
    /// In use there.
    pub database_used: i64,
}

impl Facts {
    /// The locks of other sessions on the relation with this number. Autovacuum gives way, and predicate locks block
    /// nobody.
    pub fn table_locks(&self, i: usize) -> impl Iterator<Item = TableLock> {
        let locks = self.locks.iter().filter(move |lock| lock.i == i && !lock.vacuum);
        locks.filter_map(|lock| {
            let mode = LockMode::from_pg_locks(&lock.mode)?;
            Some(TableLock { session: lock.session.clone(), prepared: lock.gid.clone(), mode, granted: lock.granted })
        })
    }

    /// Asks for what the checks want to know.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn ask(connection: &Connection, asked: &Requirements, ledger: &Ident) -> Result<Self, Failure> {
        let question = question(asked, ledger, connection.author_path(), connection.server_major);
        let rows = connection.interpreted("cannot run the preflight queries", &question).await?;
        let text = rows.first().and_then(|row| row.first()?.as_deref()).unwrap_or("{}");
        serde_json::from_str(text)
            .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot read the preflight result: {e}")))
    }
}

fn question(asked: &Requirements, ledger: &Ident, author_path: &str, major: u32) -> String {
    let one = |(i, (name, used)): (usize, (&QualifiedName, &super::requirements::Use))| {
        json!({ "i": i, "schema": name.schema.as_ref().map(Ident::as_str), "name": name.name.as_str(),
            "sized": used.rewritten || used.indexes > 0, "altered": used.altered })
    };
    let relations: Vec<Value> = asked.relations.iter().enumerate().map(one).collect();
    let list = |value: Value| format!("{}::jsonb", quote_literal(&value.to_string()));
    // publications of schemas: since PostgreSQL 15
    let of_schemas = match major {
        15.. => {
            "OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace s JOIN pg_catalog.pg_class c ON \
             c.relnamespace = s.pnnspid JOIN above a ON a.id = c.oid WHERE a.i = f.i AND s.pnpubid = p.oid)"
        }
        _ => "",
    };
    fill(
        include_str!("facts.sql"),
        &[
            ("relations", &list(relations.into())),
            ("schemas", &list(json!(asked.schemas))),
            ("extensions", &list(json!(asked.extensions))),
            ("roles", &list(json!(asked.roles))),
            ("old", if asked.concurrent { "5" } else { "60" }),
            ("ledger", &quote_literal(ledger.as_str())),
            ("path", &quote_literal(author_path)),
            ("schemas_published", of_schemas),
        ],
    )
}
