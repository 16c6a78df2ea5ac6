//! A private PostgreSQL server from installed binaries: temporary, or kept for an environment with `url: embedded`.
//!
//! It listens on a Unix socket in a directory that only its user can enter, so `trust` is safe. PostgreSQL refuses to run
//! as root: then the server runs as `postgres`, or as `nobody`.

pub mod copies;
mod find;
mod persistent;
mod place;
mod process;
mod reach;
pub mod shadow;
mod throwaway;

#[cfg(test)]
mod tests;

pub use persistent::Home;

/// A client program such as `pg_dump`: of the newest installation, else the one on the path.
#[must_use]
pub fn client_program(binaries: Option<&Path>, name: &str) -> PathBuf {
    let beside = binaries.map(Path::to_owned).or_else(|| find::binaries(None, None).ok()).map(|dir| dir.join(name));
    beside.filter(|program| program.is_file()).unwrap_or_else(|| PathBuf::from(name))
}

use super::connect::settings::Settings;
use crate::base::Failure;
use std::path::{Path, PathBuf};

/// The superuser of an embedded server and its first database.
const SUPERUSER: &str = "postgres";

/// A running server that is held: throw-away servers are gone when this is dropped, kept ones
/// are stopped by the last process that lets go.
#[derive(Debug)]
pub struct Embedded {
    /// Holds `data`.
    dir: PathBuf,
    sockets: PathBuf,
    port: u16,
    log: PathBuf,
    hold: Hold,
}

/// What keeps the server running.
#[derive(Debug)]
enum Hold {
    Throwaway(throwaway::Supervisor),
    Kept(persistent::ServerUse),
}

impl Embedded {
    /// Starts a server to throw away, without any durability. Nothing is left of it when the
    /// value is dropped or this process ends, however it ends. `binaries` is where `initdb`
    /// and `postgres` are; absent: the usual places.
    ///
    /// # Errors
    /// No binaries, no room, or a server that does not start; with the end of its log.
    pub async fn throwaway(binaries: Option<&Path>) -> Result<Self, Failure> {
        Self::throwaway_with(binaries, &[]).await
    }

    /// Like [`Embedded::throwaway`], with server parameters (`-c name=value`).
    ///
    /// # Errors
    /// As [`Embedded::throwaway`].
    pub async fn throwaway_with(binaries: Option<&Path>, parameters: &[(&str, &str)]) -> Result<Self, Failure> {
        throwaway::start(binaries, parameters).await
    }

    /// Like [`Embedded::throwaway`], of this major version where that is installed.
    ///
    /// # Errors
    /// As [`Embedded::throwaway`].
    pub async fn throwaway_like(binaries: Option<&Path>, major: Option<u32>) -> Result<Self, Failure> {
        Self::throwaway_like_with(binaries, major, &[]).await
    }

    /// Like [`Embedded::throwaway_like`], with server parameters.
    ///
    /// # Errors
    /// As [`Embedded::throwaway`].
    pub async fn throwaway_like_with(
        binaries: Option<&Path>,
        major: Option<u32>,
        parameters: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let same = major.and_then(|major| find::binaries(binaries, Some(major)).ok());
        Self::throwaway_with(same.as_deref().or(binaries), parameters).await
    }

    /// The server of an environment of a project, started unless it runs already; its data
    /// are kept. Any number of processes share it; the last one to let go stops it.
    ///
    /// # Errors
    /// As [`Embedded::throwaway`], and data of a version that is not installed.
    pub async fn persistent(project: &Path, environment: &str, binaries: Option<&Path>) -> Result<Self, Failure> {
        Home::of(project, environment)?.open(binaries).await
    }

    /// How to connect, as the superuser `postgres` to the database `postgres`.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.database("postgres")
    }

    /// How to connect, as the superuser `postgres` to the database of this name.
    #[must_use]
    pub fn database(&self, name: &str) -> Settings {
        Settings::socket(&self.sockets, self.port, SUPERUSER, name)
    }

    /// Whether nothing of it is kept.
    #[must_use]
    pub fn is_throwaway(&self) -> bool {
        matches!(self.hold, Hold::Throwaway(_))
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The last lines of the server's log.
    #[must_use]
    pub fn log_tail(&self) -> Vec<String> {
        process::tail(&self.log)
    }

    /// Lets go and waits until the server is stopped, unless other processes use it. The same
    /// as dropping it, without blocking the runtime.
    ///
    /// # Errors
    /// When the server does not stop.
    pub async fn close(self) -> Result<(), Failure> {
        let work = tokio::task::spawn_blocking(move || match self.hold {
            Hold::Throwaway(supervisor) => {
                drop(supervisor);
                Ok(())
            }
            Hold::Kept(lease) => lease.release(),
        });
        work.await
            .map_err(|e| Failure::new(crate::base::FailureKind::Internal, format!("stopping a server failed: {e}")))?
    }
}
