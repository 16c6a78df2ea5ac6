//! Other sessions of the database, as the server shows them at one moment.

use crate::base::HumanDuration;
use crate::sql::LockMode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A session in a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Session {
    /// The process id; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// The role.
    pub user: String,
    /// The name of the application; empty: the session has set none.
    pub application: String,
    /// The state, as in `pg_stat_activity`; empty: it is not visible to the role of dagmar.
    pub state: String,
    /// The age of the transaction in seconds; absent: it is not visible to the role of dagmar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
}

impl Session {
    /// `pid 7 (user app, application x, idle in transaction, open for 3s)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let application = if self.application.is_empty() { "-" } else { &self.application };
        let mut about = format!("user {}, application {application}", self.user);
        if !self.state.is_empty() {
            about = format!("{about}, {}", self.state);
        }
        if let Some(seconds) = self.seconds {
            let age = HumanDuration::secs(u64::try_from(seconds).unwrap_or(0));
            about = format!("{about}, transaction open for {age}");
        }
        format!("pid {} ({about})", self.pid)
    }
}

/// A lock on a table that another session holds or waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableLock {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// The name of the prepared transaction that holds it; absent: a session does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepared: Option<String>,
    /// The mode of the lock.
    pub mode: LockMode,
    /// True if it is held; false if the session waits for it.
    pub granted: bool,
}

impl TableLock {
    /// The session, or the prepared transaction.
    #[must_use]
    pub fn holder(&self) -> String {
        match &self.prepared {
            Some(name) => format!("the prepared transaction `{name}`"),
            None => self.session.describe(),
        }
    }
}
