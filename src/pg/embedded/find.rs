//! Where PostgreSQL is installed.

use crate::base::{Failure, FailureKind};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Directories of installations, with the version in place of the star.
const PATTERNS: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// Others, without a version in their names.
const PLAIN: [&str; 3] = ["/opt/homebrew/opt/postgresql/bin", "/usr/local/pgsql/bin", "/usr/local/bin"];

/// Finds the directory of `initdb` and `postgres`: the given one, that of `pg_config`, the
/// newest of the usual places, `PATH`. `major`: only one of this version.
///
/// # Errors
/// None is found; the help says how to install it.
pub(super) fn binaries(given: Option<&Path>, major: Option<u32>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        return if !complete(dir) {
            let message = format!("`{}` does not contain `initdb` and `postgres`", dir.display());
            Err(Failure::new(FailureKind::Database, message).help("correct or unset `DAGMAR_PG_BIN`"))
        } else if let Some(wanted) = major.filter(|m| version(dir) != Some(*m)) {
            Err(wrong_version(wanted, &[dir.to_owned()]))
        } else {
            Ok(dir.to_owned())
        };
    }
    let all: Vec<PathBuf> = candidates().into_iter().filter(|dir| complete(dir)).collect();
    let fits = |dir: &&PathBuf| major.is_none_or(|wanted| version(dir) == Some(wanted));
    match (all.iter().find(fits), major) {
        (Some(dir), _) => Ok(dir.clone()),
        (None, Some(wanted)) if !all.is_empty() => Err(wrong_version(wanted, &all)),
        (None, _) => Err(Failure::new(FailureKind::Database, "no PostgreSQL server is installed here").help(
            "install one (Debian, Ubuntu: `apt-get install postgresql`; Fedora: `dnf install postgresql-server`; \
             macOS: `brew install postgresql@17`), or name the directory of its `initdb` in `DAGMAR_PG_BIN`",
        )),
    }
}

fn wrong_version(wanted: u32, found: &[PathBuf]) -> Failure {
    let places = found.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ");
    Failure::new(FailureKind::Database, format!("the embedded data are of PostgreSQL {wanted}, which is not installed"))
        .note(format!("found: {places}"))
        .help(format!("install PostgreSQL {wanted}, or remove the data"))
}

fn complete(dir: &Path) -> bool {
    dir.join("initdb").is_file() && dir.join("postgres").is_file()
}

/// The major version of the server in this directory.
fn version(dir: &Path) -> Option<u32> {
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().find_map(|word| {
        let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        word[..end].parse().ok()
    })
}

fn candidates() -> Vec<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output().ok().filter(|o| o.status.success());
    let asked = asked.map(|o| PathBuf::from(String::from_utf8_lossy(&o.stdout).trim()));
    let mut found: Vec<PathBuf> = asked.into_iter().collect();
    for (parent, prefix, end) in PATTERNS {
        found.extend(versions(Path::new(parent), prefix).into_iter().map(|dir| dir.join(end)));
    }
    found.extend(PLAIN.iter().map(PathBuf::from));
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    found
}

/// The directories in `parent` whose names are `prefix` and a version, newest first.
fn versions(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let mut list: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name.strip_prefix(prefix)?.parse().ok()?, entry.path()))
        })
        .collect();
    list.sort_by(|a, b| b.cmp(a));
    list.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["pgsql-9", "pgsql-18", "pgsql-14", "other-20", "pgsql-x"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let found = versions(dir.path(), "pgsql-");
        let names: Vec<_> = found.iter().filter_map(|p| p.file_name()?.to_str()).collect();
        assert_eq!(names, ["pgsql-18", "pgsql-14", "pgsql-9"]);
    }

    #[test]
    fn a_wrong_directory_is_named() {
        let failure = binaries(Some(Path::new("/nowhere")), None).unwrap_err();
        assert_eq!(failure.message, "`/nowhere` does not contain `initdb` and `postgres`");
    }

    #[test]
    fn data_of_another_version_are_refused() {
        let failure = binaries(None, Some(3)).unwrap_err();
        assert!(failure.message.contains("PostgreSQL 3, which is not installed"), "{failure}");
    }
}
