//! How others reach a server whose data stay: settings, URL, psql.

use super::persistent::{Home, PORT};
use super::{SUPERUSER, find};
use crate::base::percent::encoded_path;
use crate::base::{Failure, file};
use crate::pg::Settings;
use std::path::{Path, PathBuf};
use std::process::Command;

impl Home {
    /// The major version of the data, where there are some.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        file::read_text(&self.data().join("PG_VERSION"), 1024).ok().map(|v| v.trim().to_owned())
    }

    /// How to connect to the server while it runs.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::socket(&self.sockets, PORT, SUPERUSER, "postgres")
    }

    /// The same as a URL of libpq's form; the socket makes a password needless.
    #[must_use]
    pub fn url(&self) -> String {
        let host = encoded_path(&self.sockets.to_string_lossy());
        format!("postgresql://{SUPERUSER}@/postgres?host={host}&port={PORT}")
    }

    /// A psql of the same installation, set to connect there.
    ///
    /// # Errors
    /// As `Embedded::persistent`.
    pub fn psql(&self, binaries: Option<&Path>) -> Result<Command, Failure> {
        let major = self.version().and_then(|v| v.parse().ok());
        // psql may be installed without the rest of its directory, then the one on the path serves
        let beside = find::binaries(binaries, major)?.join("psql");
        let mut command = Command::new(if beside.is_file() { beside } else { PathBuf::from("psql") });
        // what a service or a password file says is meant for other servers
        for name in ["PGSERVICE", "PGHOSTADDR", "PGPASSWORD", "PGOPTIONS", "PGSSLMODE", "PGTARGETSESSIONATTRS"] {
            command.env_remove(name);
        }
        command.env("PGHOST", &self.sockets).env("PGPORT", PORT.to_string());
        command.env("PGUSER", SUPERUSER).env("PGDATABASE", "postgres");
        Ok(command)
    }
}
