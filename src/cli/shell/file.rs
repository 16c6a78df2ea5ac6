//! Writing files: the one way in which commands do it. A file is there whole or as it was
//! before; what is there and is no former file of the same kind is not overwritten unless that
//! is asked for, and a private key never.

use crate::base::{Failure, FailureKind, file};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The most that is looked at of what is there: what it is stands at its beginning.
const LOOKED_AT: u64 = 1 << 30;

/// What becomes of a file that already exists.
#[derive(Clone, Copy)]
pub enum Existing {
    /// It stays, and nothing is written.
    Stays,
    /// It is replaced when it is of this kind.
    ReplacedIf(fn(&str) -> bool),
    /// It is replaced.
    Replaced,
}

impl Existing {
    /// By what was said on the command line.
    pub fn by(force: bool, is_of_kind: fn(&str) -> bool) -> Self {
        if force { Existing::Replaced } else { Existing::ReplacedIf(is_of_kind) }
    }
}

/// A file whose text is replaced.
pub struct Replacement<'a> {
    pub path: &'a Path,
    /// The text that was read, without a byte order mark.
    pub before: &'a str,
    /// The new text.
    pub text: &'a str,
}

/// Replaces the texts of files that still are as they were: their permissions and a byte order mark stay. All are
/// looked at before the first is written.
///
/// # Errors
/// When one is no regular file, has another text by now, or cannot be written.
pub fn replace_texts(all: &[Replacement<'_>]) -> Result<(), Failure> {
    let mut texts = Vec::with_capacity(all.len());
    for Replacement { path, before, text } in all {
        look(path, Existing::Replaced)?;
        let old = file::read_text(path, LOOKED_AT)
            .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot read `{}`: {e}", path.display())))?;
        let mark = if old.starts_with('\u{feff}') { "\u{feff}" } else { "" };
        if old[mark.len()..] != **before {
            let message = format!("`{}` has changed since it was read; no file was written", path.display());
            return Err(Failure::new(FailureKind::Usage, message).help("run the command again"));
        }
        texts.push((path, format!("{mark}{text}")));
    }
    for (path, text) in texts {
        write(path, &text, 0o644, Existing::Replaced)?;
    }
    Ok(())
}

/// Writes a file with these permissions, as far as the umask lets them.
///
/// # Errors
/// When something else is there, or it cannot be written.
pub fn write(path: &Path, text: &str, mode: u32, there: Existing) -> Result<(), Failure> {
    let wrong = |e: io::Error| Failure::new(FailureKind::Usage, format!("cannot write `{}`: {e}", path.display()));
    let keep = look(path, there)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut new = tempfile::Builder::new()
        .prefix(".dagmar-")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(&folder)
        .map_err(wrong)?;
    new.write_all(text.as_bytes()).and_then(|()| new.as_file().sync_all()).map_err(wrong)?;
    match keep {
        // somebody else may have been faster
        None => new.persist_noclobber(path).map_err(|e| wrong(e.error))?,
        Some(permissions) => {
            new.as_file().set_permissions(permissions).map_err(wrong)?;
            new.persist(path).map_err(|e| wrong(e.error))?
        }
    };
    // the name is safe on the disk when the folder is
    rustix::fs::open(&folder, rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty())
        .and_then(|folder| rustix::fs::fsync(&folder))
        .map_err(|e| wrong(e.into()))
}

/// Looks whether a file may be written, before there is anything to write.
///
/// # Errors
/// As [`write`].
pub fn check(path: &Path, there: Existing) -> Result<(), Failure> {
    look(path, there).map(drop)
}

/// Looks at what is there; its permissions, where it is to be replaced.
fn look(path: &Path, there: Existing) -> Result<Option<std::fs::Permissions>, Failure> {
    let refused =
        |why: &str| Failure::new(FailureKind::Usage, format!("`{}` {why}; it is not overwritten", path.display()));
    let about = match path.symlink_metadata() {
        Ok(about) => about,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::new(FailureKind::Usage, format!("cannot write `{}`: {e}", path.display()))),
    };
    if about.is_symlink() {
        return Err(refused("is a link").help("name the target of the link, or remove the link"));
    }
    if !about.is_file() {
        return Err(refused("exists and is not a regular file").help("name another file"));
    }
    if matches!(there, Existing::Stays) {
        return Err(refused("already exists").help("name a new file"));
    }
    let text = file::read_text(path, LOOKED_AT).map_err(|why| refused(&format!("exists and {why}")))?;
    if text.contains("PRIVATE KEY-----") {
        return Err(refused("is a private key").help("name another file"));
    }
    match there {
        Existing::ReplacedIf(is_of_kind) if !text.is_empty() && !is_of_kind(&text) => {
            Err(refused("exists and has other content").help("name another file, or overwrite it with `--force`"))
        }
        _ => Ok(Some(about.permissions())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn refusal(path: &Path, there: Existing) -> String {
        let before = fs::read_to_string(path).ok();
        let failure = write(path, "new", 0o644, there).unwrap_err();
        assert_eq!(fs::read_to_string(path).ok(), before, "{failure}");
        assert!(failure.help.is_some() && failure.kind == FailureKind::Usage);
        failure.message
    }

    #[test]
    fn texts_are_replaced_if_none_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("1"), dir.path().join("2"));
        fs::write(&one, "\u{feff}one").unwrap();
        fs::write(&two, "two").unwrap();
        let replace = |before: &str, text: &str| {
            replace_texts(&[
                Replacement { path: &one, before: "one", text: "new" },
                Replacement { path: &two, before, text },
            ])
        };
        let texts = || (fs::read_to_string(&one).unwrap(), fs::read_to_string(&two).unwrap());
        let failure = replace("other", "new").unwrap_err();
        assert!(failure.message.contains("has changed since it was read"), "{failure}");
        assert_eq!(texts(), ("\u{feff}one".to_owned(), "two".to_owned()));
        replace("two", "2").unwrap();
        assert_eq!(texts(), ("\u{feff}new".to_owned(), "2".to_owned()));
        symlink(&one, dir.path().join("link")).unwrap();
        let link = dir.path().join("link");
        assert!(replace_texts(&[Replacement { path: &link, before: "new", text: "x" }]).is_err());
        assert_eq!(texts().0, "\u{feff}new");
    }

    #[test]
    fn nothing_is_overwritten_by_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let ours = Existing::by(false, |text| text.starts_with("ours"));
        write(&path("a"), "ours 1", 0o640, ours).unwrap();
        assert_eq!(fs::metadata(path("a")).unwrap().mode() & 0o777, 0o640);
        fs::set_permissions(path("a"), fs::Permissions::from_mode(0o600)).unwrap();
        write(&path("a"), "ours 2", 0o644, ours).unwrap();
        assert_eq!(fs::read_to_string(path("a")).unwrap(), "ours 2");
        assert_eq!(fs::metadata(path("a")).unwrap().mode() & 0o777, 0o600, "as it was");
        assert!(refusal(&path("a"), Existing::Stays).contains("already exists"));

        fs::write(path("b"), "precious").unwrap();
        assert!(refusal(&path("b"), ours).contains("exists and has other content"));
        write(&path("b"), "new", 0o644, Existing::by(true, |_| false)).unwrap();
        fs::write(path("key"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
        symlink(path("b"), path("link")).unwrap();
        symlink(path("nowhere"), path("dangling")).unwrap();
        for there in [ours, Existing::Replaced] {
            assert!(refusal(&path("key"), there).contains("is a private key"));
            assert!(refusal(&path("link"), there).contains("is a link"));
            assert!(refusal(&path("dangling"), there).contains("is a link"));
            assert!(refusal(dir.path(), there).contains("not a regular file"));
        }
        assert!(!path("nowhere").exists());
        // nothing of an attempt is left
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(!names.iter().any(|n| n.to_string_lossy().starts_with(".dagmar-")), "{names:?}");
    }
}
