//! Directories that belong to us, and the user a server runs as.

use crate::base::{Failure, FailureKind, file};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The longest path of a unix socket: 107 bytes on Linux, 103 on macOS.
const LONGEST_SOCKET: usize = 103;

/// Free bytes of memory-backed space below which a throw-away server goes to the disk.
const ROOM: u64 = 256 * 1024 * 1024;

/// The unprivileged user for a server that the superuser starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub uid: u32,
    pub gid: u32,
}

impl Owner {
    /// Absent: this process is unprivileged itself.
    ///
    /// # Errors
    /// This process is privileged and there is neither `postgres` nor `nobody`.
    pub(super) fn needed() -> Result<Option<Self>, Failure> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = file::read_text(Path::new("/etc/passwd"), 16 << 20).unwrap_or_default();
        let found = ["postgres", "nobody"].iter().find_map(|name| entry(&passwd, name));
        match found {
            Some(owner) => Ok(Some(owner)),
            None => {
                Err(Failure::new(FailureKind::Database, "PostgreSQL does not run as root and no other user exists")
                    .help("create one: `useradd --system postgres`"))
            }
        }
    }

    /// Makes the command run as this user.
    pub(super) fn run(owner: Option<Self>, command: &mut Command) {
        if let Some(owner) = owner {
            command.uid(owner.uid).gid(owner.gid);
        }
    }

    /// Hands the directory over.
    pub(super) fn give(owner: Option<Self>, dir: &Path) -> Result<(), Failure> {
        match owner {
            Some(owner) => chown(dir, Some(owner.uid), Some(owner.gid)).map_err(|e| unusable(dir, &e)),
            None => Ok(()),
        }
    }
}

fn entry(passwd: &str, name: &str) -> Option<Owner> {
    passwd.lines().find_map(|line| {
        let field: Vec<&str> = line.split(':').collect();
        if field.first() != Some(&name) {
            return None;
        }
        Some(Owner { uid: field.get(2)?.parse().ok()?, gid: field.get(3)?.parse().ok()? })
    })
}

pub(super) fn unusable(dir: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Database, format!("`{}` cannot hold an embedded server: {why}", dir.display()))
}

/// Creates a directory that only we can write, or makes sure that it is one: others can
/// create names in `/tmp` before we do.
pub(super) fn own_dir(dir: &Path, mode: u32) -> Result<(), Failure> {
    match DirBuilder::new().mode(mode).create(dir) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(unusable(dir, &e)),
    }
    let about = fs::symlink_metadata(dir).map_err(|e| unusable(dir, &e))?;
    let ours = about.uid() == rustix::process::geteuid().as_raw();
    if about.is_dir() && ours && about.mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(unusable(dir, &"it belongs to another user, or other users may write to it")
            .help("remove it, or move it away"))
    }
}

/// Creates an empty directory for the user of the server and nobody else.
pub(super) fn fresh_dir(dir: &Path, owner: Option<Owner>) -> Result<(), Failure> {
    DirBuilder::new().mode(0o700).create(dir).map_err(|e| unusable(dir, &e))?;
    Owner::give(owner, dir)
}

/// Where throw-away servers go: into memory while there is room.
pub(super) fn throwaway_parent(owner: Option<Owner>) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map(|s| s.f_bavail * s.f_frsize).unwrap_or(0);
    if memory.is_dir() && room >= ROOM {
        return memory.to_owned();
    }
    let given = std::env::temp_dir();
    // another user may not be able to enter the superuser's own place
    if owner.is_some() || !socket_fits(&given.join("dagmar-XXXXXX")) { PathBuf::from("/tmp") } else { given }
}

/// Whether a socket in this directory has a path that the system takes.
pub(super) fn socket_fits(dir: &Path) -> bool {
    dir.as_os_str().len() + "/.s.PGSQL.65535".len() <= LONGEST_SOCKET
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_directory_that_others_may_write_is_not_ours() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("d");
        own_dir(&dir, 0o700).unwrap();
        own_dir(&dir, 0o700).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(own_dir(&dir, 0o700).is_err());
        let link = base.path().join("l");
        std::os::unix::fs::symlink(base.path(), &link).unwrap();
        assert!(own_dir(&link, 0o700).is_err());
    }

    #[test]
    fn users_are_read_from_the_password_file() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres:x:112:118:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(entry(passwd, "postgres"), Some(Owner { uid: 112, gid: 118 }));
        assert_eq!(entry(passwd, "post"), None);
    }
}
