//! Keys and sealed plans, from their files.

use crate::base::file::{FileContent, read as read_file};
use crate::base::{Failure, FailureKind};
use crate::plan::sealed::Sealed;
use crate::plan::signature::{PrivateKey, PublicKey, Signature};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The most that is read of a sealed plan, and of a key, in bytes.
const MOST_PLAN: u64 = 256 << 20;
const MOST_KEY: u64 = 64 << 10;

fn read(path: &Path, most: u64) -> Result<FileContent, Failure> {
    read_file(path, most).map_err(|why| {
        let failure = Failure::new(FailureKind::Usage, format!("cannot read `{}`: it {why}", path.display()));
        Failure { help: why.help().map(Into::into), ..failure }
    })
}

fn text(content: FileContent) -> String {
    String::from_utf8_lossy(&content.bytes).into_owned()
}

/// Reads a public key.
///
/// # Errors
/// If the file cannot be read, or is not a public key.
pub fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::parse(&text(read(path, MOST_KEY)?))
}

/// Reads a private key, which must not be readable by other users.
///
/// # Errors
/// If the file cannot be read, other users can read it, or it is not a private key.
pub fn private_key(path: &Path) -> Result<PrivateKey, Failure> {
    let content = read(path, MOST_KEY)?;
    if content.about.permissions().mode() & 0o077 != 0 {
        return Err(Failure::new(FailureKind::Refused, format!("the key `{}` can be read by others", path.display()))
            .help(format!("chmod 600 {}", path.display())));
    }
    PrivateKey::parse(&text(content))
}

/// Reads a sealed plan, and verifies its digest and its signature; with a key, a signature by this key is
/// required.
///
/// # Errors
/// If it cannot be read, is not a sealed plan, or has no valid signature.
pub fn open_plan(file: &Path, key: Option<&Path>) -> Result<Sealed, Failure> {
    let key = key.map(public_key).transpose()?;
    open_text(&text(read(file, MOST_PLAN)?), &format!("`{}`", file.display()), key.as_ref())
}

/// As [`open_plan`], from the text of a file; `name` says which it is.
///
/// # Errors
/// As [`open_plan`].
pub fn open_text(text: &str, name: &str, key: Option<&PublicKey>) -> Result<Sealed, Failure> {
    let sealed = Sealed::read(text)?;
    let refused = |message: String| Err(Failure::new(FailureKind::Refused, message));
    match (signature(&sealed), key) {
        (None, None) => Ok(sealed),
        (None, Some(_)) => refused(format!("{name} is not signed")),
        (Some(signature), _) if !signature.as_ref().is_some_and(|s| s.is_good(&sealed.digest, None)) => {
            refused(format!("the signature of {name} is invalid"))
        }
        (Some(Some(signature)), Some(_)) if !signature.is_good(&sealed.digest, key) => {
            refused(format!("{name} is signed with another key: {}", signature.key))
        }
        (Some(_), _) => Ok(sealed),
    }
}

/// The signature of a plan; the inner `None`: the plan is not signed.
#[must_use]
pub fn signature(sealed: &Sealed) -> Option<Option<Signature>> {
    sealed.signature.as_ref().map(|value| serde_json::from_value(value.clone()).ok())
}
