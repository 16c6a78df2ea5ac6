//! Reading files: the one way in which this program does it. Every file has a limit, and what
//! is not a regular file is refused before it is opened: a pipe waits for ever, a device never ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The content of a file.
#[derive(Debug, Clone)]
pub struct FileContent {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// The metadata of the file.
    pub about: std::fs::Metadata,
}

/// The reason why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is none.
    #[error("does not exist")]
    Missing(io::Error),
    /// A folder, a pipe, a device.
    #[error("is {0}, and not a regular file")]
    Irregular(&'static str),
    /// The file is larger than the limit.
    #[error("has more than {}", size(*.0))]
    TooLarge(u64),
    /// The error of the operating system.
    #[error("cannot be read: {0}")]
    System(io::Error),
}

impl FileError {
    /// The remedy, if known.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            FileError::Irregular(_) => Some("write it to a file and pass the file"),
            FileError::TooLarge(_) => Some("check that this is the intended file"),
            FileError::Missing(_) | FileError::System(_) => None,
        }
    }

    fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => FileError::Missing(error),
            _ => FileError::System(error),
        }
    }
}

impl From<FileError> for io::Error {
    fn from(why: FileError) -> Self {
        match why {
            FileError::System(error) | FileError::Missing(error) => error,
            why => io::Error::new(io::ErrorKind::InvalidData, why.to_string()),
        }
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} kB", bytes >> 10),
        _ => format!("{} MB", bytes >> 20),
    }
}

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// If the file does not exist, is not a regular file, is larger, or cannot be read.
pub fn read(path: &Path, most: u64) -> Result<FileContent, FileError> {
    let mut file = open(path)?;
    let about = file.metadata().map_err(FileError::of)?;
    if about.len() > most {
        return Err(FileError::TooLarge(most));
    }
    // it may grow meanwhile, and some of the system's have no size
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default().saturating_add(1));
    Read::by_ref(&mut file).take(most + 1).read_to_end(&mut bytes).map_err(FileError::of)?;
    if bytes.len() as u64 > most {
        return Err(FileError::TooLarge(most));
    }
    Ok(FileContent { bytes, about })
}

/// Reads a file as text, and replaces invalid UTF-8.
///
/// # Errors
/// As [`read`].
pub fn read_text(path: &Path, most: u64) -> Result<String, FileError> {
    let bytes = read(path, most)?.bytes;
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// The last bytes of a file, at most so many; empty if it cannot be read.
#[must_use]
pub fn tail(path: &Path, most: u64) -> String {
    let read = || -> Result<Vec<u8>, FileError> {
        let mut file = open(path)?;
        let length = file.metadata().map_err(FileError::of)?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most))).map_err(FileError::of)?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).map_err(FileError::of)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "what is opened was looked at before")]
fn open(path: &Path) -> Result<File, FileError> {
    regular(&std::fs::metadata(path).map_err(FileError::of)?)?;
    let file = File::open(path).map_err(FileError::of)?;
    regular(&file.metadata().map_err(FileError::of)?)?;
    Ok(file)
}

fn regular(about: &std::fs::Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::FileTypeExt;
    let kind = about.file_type();
    let what = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(FileError::Irregular(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("ten"), "0123456789").unwrap();
        assert_eq!(read(&path("ten"), 10).unwrap().bytes, b"0123456789");
        assert_eq!(read(&path("ten"), 9).unwrap_err().to_string(), "has more than 9 bytes");
        assert_eq!((tail(&path("ten"), 3), tail(&path("none"), 3)), ("789".to_owned(), String::new()));
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        std::os::unix::fs::symlink(path("pipe"), path("link")).unwrap();
        for (path, why) in [
            (path("none"), "does not exist"),
            (path("pipe"), "is a pipe, and not a regular file"),
            (path("link"), "is a pipe, and not a regular file"),
            (dir.path().to_owned(), "is a folder, and not a regular file"),
            ("/dev/zero".into(), "is a device, and not a regular file"),
        ] {
            assert_eq!(read(&path, 10).unwrap_err().to_string(), why);
        }
        // a file without a size of the system
        assert!(read(Path::new("/proc/self/status"), 1 << 20).unwrap().bytes.len() > 100);
        assert!(matches!(read(Path::new("/proc/self/status"), 100), Err(FileError::TooLarge(_))));
    }
}
