//! The URL of an environment, from where it is kept. It is held as a [`Secret`] and gets into
//! no message; what a command complains about is shown with everything taken out that looks
//! like a secret.

use super::environment::FileText;
use crate::base::{Failure, Kind, Secret, Span};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// The most that is read of what a command writes, and of a file.
const MOST: u64 = 64 * 1024;

/// Lines of a command's complaint that are shown.
const TAIL: usize = 8;

/// How long its output is read after it has ended: something that it left running may hold
/// its pipes forever.
const REST: Duration = Duration::from_millis(500);

/// Asks a command: its first line is the URL.
///
/// # Errors
/// When it cannot be run, fails, takes longer than `limit`, or writes no URL.
pub async fn of_command(root: &Path, command: &[String], limit: Span) -> Result<Secret, Failure> {
    let name = command.first().map_or("", String::as_str);
    let path = if name.contains('/') { root.join(name) } else { PathBuf::from(name) };
    let mut child = Command::new(path)
        .args(command.iter().skip(1))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            wrong(format!("`urlCommand`: cannot run `{name}`: {e}"))
                .help("install it, or correct the command in dagmar.yaml: no shell looks at it")
        })?;
    // ends what it started, also when the caller waits no longer
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let deadline = tokio::time::Instant::now() + Duration::from_millis(limit.millis);
    let ended = {
        let read = async { tokio::join!(read(stdout, &mut said), read(stderr, &mut complained)) };
        tokio::pin!(read);
        tokio::select! {
            status = tokio::time::timeout_at(deadline, child.wait()) => {
                let _ = tokio::time::timeout(REST, &mut read).await;
                Some(status)
            }
            _ = &mut read => None,
        }
    };
    let ended = match ended {
        Some(status) => status,
        None => tokio::time::timeout_at(deadline, child.wait()).await,
    };
    drop(group);
    let said = String::from_utf8_lossy(&said).into_owned();
    let complaint = || {
        let text = String::from_utf8_lossy(&complained).into_owned();
        let secrets = secrets(&said);
        let lines: Vec<String> = text.lines().map(|line| format!("| {}", hidden(line.trim_end(), &secrets))).collect();
        lines[lines.len().saturating_sub(TAIL)..].to_vec()
    };
    let failed = |message: String| Failure { notes: complaint(), ..wrong(message) };
    match ended {
        Err(_) => Err(failed(format!("`urlCommand`: `{name}` was not done after {limit} and was ended"))
            .help("run it by hand to see what it waits for; `urlTimeout` gives it more time")),
        Ok(Err(e)) => Err(failed(format!("`urlCommand`: cannot wait for `{name}`: {e}"))),
        Ok(Ok(status)) if !status.success() => Err(failed(format!("`urlCommand`: `{name}` ended with {status}"))
            .help("run it by hand: is the secret there, and are you signed in?")),
        Ok(Ok(_)) => first_line(&said).ok_or_else(|| {
            failed(format!("`urlCommand`: `{name}` wrote no URL")).help("the first line that it writes must be the URL")
        }),
    }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        let _ = pipe.take(MOST).read_to_end(into).await;
    }
}

/// The processes of a command.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Reads a file: its first line is the URL. The second text is a warning.
///
/// # Errors
/// When it cannot be read, or has no URL.
pub fn of_file(
    root: &Path,
    path: &str,
    read: fn(&Path) -> io::Result<FileText>,
) -> Result<(Secret, Option<String>), Failure> {
    let full = root.join(path);
    let file = read(&full).map_err(|e| {
        wrong(format!("`urlFile`: cannot read `{path}`: {e}"))
            .help(format!("put the URL into {}, or correct the path in dagmar.yaml", full.display()))
    })?;
    if !file.regular {
        return Err(wrong(format!("`urlFile`: `{path}` is no plain file")).help("name the file that has the URL"));
    }
    let secret = first_line(&file.text)
        .ok_or_else(|| wrong(format!("`urlFile`: `{path}` has no URL")).help("its first line must be the URL"))?;
    let warning = (file.mode & 0o077 != 0).then(|| {
        format!("others may read `{path}`, which has a URL (mode {:04o}); run `chmod 0600` on it", file.mode & 0o777)
    });
    Ok((secret, warning))
}

fn first_line(text: &str) -> Option<Secret> {
    let line = text.trim_start_matches('\u{feff}').lines().next()?.trim();
    (!line.is_empty()).then(|| Secret::new(line))
}

fn wrong(message: String) -> Failure {
    Failure::new(Kind::Database, message)
}

/// What a command wrote to its output, and the parts of it that are a password.
fn secrets(said: &str) -> Vec<String> {
    let mut texts: Vec<String> = said.lines().map(|l| l.trim().to_owned()).collect();
    for pair in texts.iter().flat_map(|line| super::url::parse(line).unwrap_or_default()).collect::<Vec<_>>() {
        if pair.0.contains("password") {
            texts.push(pair.1);
        }
    }
    // what the process was handed as a secret
    texts.extend(std::env::vars().filter(|(name, _)| is_secret(name)).map(|(_, value)| value));
    texts.retain(|text| text.len() > 3);
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

/// Whether a key's value is nobody's business.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "apikey", "api_key", "database_url"]
        .iter()
        .any(|word| key.contains(word))
}

/// A line without secrets: those that are known, the user part of URLs, and what follows a
/// word that announces one.
fn hidden(line: &str, secrets: &[String]) -> String {
    let line = secrets.iter().fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), "***"));
    let mut out = String::with_capacity(line.len());
    let mut announced = false;
    for piece in line.split_inclusive([' ', '\t', ',', ';', '&', '?']) {
        let word = piece.trim_end_matches([' ', '\t', ',', ';', '&', '?']);
        let after = &piece[word.len()..];
        let shown = if announced && !word.is_empty() && !["is", "was", "=", ":"].contains(&word) {
            announced = false;
            "***".to_owned()
        } else if let Some((scheme, rest)) = word.split_once("://")
            && let Some((_, host)) = rest.rsplit_once('@')
        {
            format!("{scheme}://***@{host}")
        } else if let Some((key, value)) = word.split_once(['=', ':']).filter(|(key, _)| is_secret(key)) {
            announced = value.is_empty();
            let sign = word.as_bytes().get(key.len()).map_or('=', |b| char::from(*b));
            if value.is_empty() { word.to_owned() } else { format!("{key}{sign}***") }
        } else {
            announced |= is_secret(word);
            word.to_owned()
        };
        out.push_str(&shown);
        out.push_str(after);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_have_no_secrets() {
        let secrets = secrets("postgres://app:hunter2@db/shop\nsecond line\n");
        for (line, expected) in [
            ("no such secret: shop/production", "no such secret: ***"),
            ("trying hunter2 on db", "trying *** on db"),
            ("postgresql://a:b%20c@db.example.com/x failed", "postgresql://***@db.example.com/x failed"),
            ("PGPASSWORD=s3cr3t op read", "PGPASSWORD=*** op read"),
            ("password: abcdef, user: bob", "password: ***, user: bob"),
            ("host=db password=a user=b", "host=db password=*** user=b"),
            ("the password is abcdef", "the password is ***"),
            ("permission denied for vault", "permission denied for vault"),
        ] {
            assert_eq!(hidden(line, &secrets), expected);
        }
    }

    #[test]
    fn the_first_line_is_the_url() {
        let text = |t: &str| first_line(t).map(|s| s.expose().to_owned());
        assert_eq!(text("\u{feff} postgres://x \r\nmore").as_deref(), Some("postgres://x"));
        assert_eq!((text(""), text("\npostgres://x")), (None, None));
    }
}
