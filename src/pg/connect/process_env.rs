//! What connection settings read besides the URL: variables, files, the user's name.

use crate::base::file::{self, FileContent, FileError};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A file as the rules of libpq need it.
#[derive(Debug, Clone)]
pub struct FileText {
    /// The content of the file.
    pub text: String,
    /// The permission bits, for example `0o600`.
    pub mode: u32,
    /// Whether it is a regular file.
    pub regular: bool,
}

/// The variable with the secret of a service's clients: of no use to a program that dagmar starts.
pub const SERVICE_SECRET: &str = "DAGMAR_SECRET";

/// The surroundings of a process as a value, so that settings are a function of their
/// arguments: tests hand in a map, the command line hands in [`ProcessEnv::of_process`].
#[derive(Clone)]
pub struct ProcessEnv {
    /// The variables; only `PG*` and `HOME` are looked at.
    pub vars: BTreeMap<String, String>,
    /// The names of libpq's variables that are no UTF-8: they cannot be passed over.
    pub odd: Vec<String>,
    /// The home directory, for `~/.pgpass` and its like.
    pub home: Option<PathBuf>,
    /// The name of the operating system's user: the default for `user`.
    pub user: Option<String>,
    /// Reads a file.
    pub read: fn(&Path) -> io::Result<FileText>,
}

impl ProcessEnv {
    /// An environment of these variables that sees no file: what `HOME` names is the home.
    pub fn of<K: Into<String>, V: Into<String>>(vars: impl IntoIterator<Item = (K, V)>) -> Self {
        let vars: BTreeMap<String, String> = vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        let home = vars.get("HOME").filter(|h| !h.is_empty()).map(PathBuf::from);
        Self { vars, odd: Vec::new(), home, user: None, read: |_| Err(io::ErrorKind::NotFound.into()) }
    }

    /// The environment of this process. Variables that are no UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let (mut vars, mut odd) = (Vec::new(), Vec::new());
        for (name, value) in std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))) {
            match value.into_string() {
                Ok(value) => vars.push((name, value)),
                Err(_) if name.starts_with("PG") => odd.push(name),
                Err(_) => {}
            }
        }
        let mut this = Self { odd, ..Self::of(vars) };
        let (name, home) = account();
        this.user = name.or_else(|| this.var("USER").map(str::to_owned));
        this.home = this.home.or(home);
        this.read = read_file;
        this
    }

    /// The variable, where it is set and not empty (libpq takes an empty one as not set
    /// wherever it matters).
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// A file below the home directory.
    #[must_use]
    pub fn at_home(&self, path: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(path))
    }
}

impl std::fmt::Debug for ProcessEnv {
    /// Variables are left out: they hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessEnv").field("home", &self.home).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The most that is read of a file of passwords, services or users.
const MOST: u64 = 16 << 20;

fn read_file(path: &Path) -> io::Result<FileText> {
    match file::read(path, MOST) {
        Ok(FileContent { bytes, about }) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok(FileText { text, mode: about.permissions().mode() & 0o7777, regular: true })
        }
        // a directory or a device is not read: the caller says what is wrong with it
        Err(FileError::Irregular(_)) => Ok(FileText { text: String::new(), mode: 0, regular: false }),
        Err(why) => Err(why.into()),
    }
}

/// Name and home of the effective user, as libpq takes them from the password database.
fn account() -> (Option<String>, Option<PathBuf>) {
    user(rustix::process::geteuid().as_raw())
}

/// The name of a user of the operating system.
#[must_use]
pub fn user_name(uid: u32) -> Option<String> {
    user(uid).0
}

fn user(uid: u32) -> (Option<String>, Option<PathBuf>) {
    let uid = uid.to_string();
    let passwd = file::read_text(Path::new("/etc/passwd"), MOST).unwrap_or_default();
    for line in passwd.lines() {
        let field: Vec<&str> = line.split(':').collect();
        if field.len() >= 6 && field[2] == uid {
            return (Some(field[0].to_owned()), Some(PathBuf::from(field[5])));
        }
    }
    // users of LDAP and macOS are not in the file
    let asked = std::process::Command::new("id").args(["-un", &uid]).output().ok().filter(|o| o.status.success());
    let name = asked.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).filter(|n| !n.is_empty());
    (name, None)
}
