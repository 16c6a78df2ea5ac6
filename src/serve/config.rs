//! How the service stands in its surroundings, as a value.

use crate::base::{Failure, FailureKind, HumanDuration, Secret};
use crate::ops::TargetSpec;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Everything that the service is told when it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: Vec<Listen>,
    /// The rights of Unix sockets that it makes.
    pub socket_mode: u32,
    /// The files of its certificate; `None`: it speaks HTTP without TLS.
    pub tls: Option<TlsFiles>,
    /// The address that clients use, where it is another one: `https://dagmar.example.org`.
    pub public_url: Option<PublicUrl>,
    /// The secret that clients share; `None`: there is none.
    pub secret: Option<Secret>,
    /// The file of tokens; `None`: there is none.
    pub tokens: Option<PathBuf>,
    /// The key of sessions; `None`: one of its own, so that sessions end with the service.
    pub session_key: Option<Secret>,
    /// The environments that it serves; `None`: all.
    pub environments: Option<BTreeSet<String>>,
    /// The default environment, its connection, and what holds for all environments.
    pub spec: TargetSpec,
    /// What becomes of runs in progress when the service stops.
    pub on_stop: OnStop,
    /// How long they may take for it.
    pub stop_within: HumanDuration,
    /// How often it looks at all environments; 0: never.
    pub observe: HumanDuration,
    /// Where everybody may read the metrics, and nothing else; `None`: nowhere.
    pub metrics_listen: Option<Listen>,
}

/// What becomes of runs in progress when the service stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    /// They stop in order: the current statement is cancelled, the state is recorded.
    Stop,
    /// They go on to their end; those that take too long stop.
    Finish,
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A host (a name or an address) and a port.
    Tcp(String, u16),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not an address: write `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/dagmar.sock`");
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Listen::Unix(path.into())) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match inner {
            Some(inner) => inner,
            None if host.is_empty() || host.contains(':') => return Err(wrong()),
            None => host,
        };
        Ok(Listen::Tcp(host.to_owned(), port.parse().map_err(|_| wrong())?))
    }
}

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain of certificates, as PEM.
    pub cert: PathBuf,
    /// The private key, as PEM.
    pub key: PathBuf,
}

/// The address that clients use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether it begins with `https`.
    pub is_https: bool,
    /// The host and the port, as in a `Host` header; in lower case.
    pub authority: String,
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address of a service: write `https://dagmar.example.org`");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.is_empty() || !authority.chars().all(plain) {
            return Err(wrong());
        }
        Ok(Self { is_https, authority: authority.to_ascii_lowercase() })
    }
}

/// The fewest characters of a secret.
const SHORTEST: usize = 16;

/// The most characters: a header has a limit.
const LONGEST: usize = 4096;

impl Config {
    /// Whether clients come by TLS, here or at a proxy.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.tls.is_some() || self.public_url.as_ref().is_some_and(|url| url.is_https)
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    /// A secret that cannot be sent or is guessed too easily.
    pub fn check(&self) -> Result<(), Failure> {
        let all = [(&self.secret, "secret of the service"), (&self.session_key, "key of sessions")];
        all.into_iter()
            .try_for_each(|(secret, what)| secret.as_ref().map_or(Ok(()), |secret| check_secret(secret, what)))
    }
}

fn check_secret(secret: &Secret, what: &str) -> Result<(), Failure> {
    let secret = secret.expose();
    let wrong = |why: &str| Failure::new(FailureKind::Usage, format!("the {what} {why}"));
    if !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(wrong("has characters that a header cannot carry").help("use letters, digits and signs"));
    }
    if secret.len() < SHORTEST {
        return Err(wrong("is too short").help(format!("use at least {SHORTEST} characters: openssl rand -hex 32")));
    }
    if secret.len() > LONGEST {
        return Err(wrong("is too long").help(format!("use at most {LONGEST} characters: openssl rand -hex 32")));
    }
    Ok(())
}

/// Refuses a file with a secret that others than its owner can read.
///
/// # Errors
/// They can.
pub fn refuse_shared(path: &Path, mode: u32) -> Result<(), Failure> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    let why = format!("`{path}` can be read by others than its owner");
    Err(Failure::new(FailureKind::Usage, why).help(format!("chmod 600 {path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let tcp = |host: &str, port| Ok(Listen::Tcp(host.to_owned(), port));
        assert_eq!("127.0.0.1:8080".parse(), tcp("127.0.0.1", 8080));
        assert_eq!("[::1]:0".parse(), tcp("::1", 0));
        assert_eq!("localhost:80".parse(), tcp("localhost", 80));
        assert_eq!("unix:/run/d".parse(), Ok(Listen::Unix("/run/d".into())));
        for wrong in ["", "8080", ":8080", "::1:8080", "a:b", "a:70000", "unix:"] {
            assert!(wrong.parse::<Listen>().is_err(), "{wrong}");
        }
        let url = "https://Dagmar.example.org:8443/".parse::<PublicUrl>().unwrap();
        assert_eq!((url.is_https, url.authority.as_str()), (true, "dagmar.example.org:8443"));
        for wrong in ["dagmar.example.org", "ftp://a", "https://", "https://a/b", "https://a@b"] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }
}
