//! The URL of an environment, from where it is kept. It is held as a [`Secret`] and gets into
//! no message; what a command complains about is shown with everything taken out that looks
//! like a secret.

use super::mask::Mask;
use super::process_env::{FileText, SERVICE_SECRET};
use crate::base::{Failure, FailureKind, HumanDuration, Remedy, Secret, Setting};
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

/// Asks a command: its first line is the URL. `tell`: whether a failure carries the end of what
/// it complains about; nobody can know every form in which a program repeats a secret.
///
/// # Errors
/// When it cannot be run, fails, takes longer than `limit`, or writes no URL.
pub async fn of_command(root: &Path, command: &[String], limit: HumanDuration, tell: bool) -> Result<Secret, Failure> {
    let name = command.first().map_or("", String::as_str);
    let path = if name.contains('/') { root.join(name) } else { PathBuf::from(name) };
    let mut child = Command::new(path)
        .args(command.iter().skip(1))
        .current_dir(root)
        .env_remove(SERVICE_SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            wrong(format!("`urlCommand`: cannot run `{name}`: {e}"))
                .help("install it, or correct the command in dagmar.yaml: it is not run by a shell")
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
        if !tell {
            let silent = text.trim().is_empty();
            return if silent { Vec::new() } else { vec![Setting::Verbose + " shows its error output"] };
        }
        let mut complaint = Complaint::of(secrets(&said));
        let lines: Vec<Remedy> =
            text.lines().map(|line| format!("| {}", complaint.hidden(line.trim_end())).into()).collect();
        lines[lines.len().saturating_sub(TAIL)..].to_vec()
    };
    let failed = |message: String| Failure { notes: complaint(), ..wrong(message) };
    match ended {
        Err(_) => Err(failed(format!("`urlCommand`: `{name}` did not finish within {limit} and was stopped"))
            .help("run it manually to see what it waits for, or increase `urlTimeout`")),
        Ok(Err(e)) => Err(failed(format!("`urlCommand`: cannot wait for `{name}`: {e}"))),
        Ok(Ok(status)) if !status.success() => Err(failed(format!("`urlCommand`: `{name}` ended with {status}"))
            .help("run it manually: check that the secret exists and that you are signed in")),
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
        return Err(wrong(format!("`urlFile`: `{path}` is not a regular file")).help("name the file that has the URL"));
    }
    let secret = first_line(&file.text)
        .ok_or_else(|| wrong(format!("`urlFile`: `{path}` has no URL")).help("its first line must be the URL"))?;
    let warning = (file.mode & 0o077 != 0).then(|| {
        format!(
            "other users may read `{path}`, which contains a URL (mode {:04o}); run `chmod 0600` on it",
            file.mode & 0o777
        )
    });
    Ok((secret, warning))
}

fn first_line(text: &str) -> Option<Secret> {
    let line = text.trim_start_matches('\u{feff}').lines().next()?.trim();
    (!line.is_empty()).then(|| Secret::new(line))
}

fn wrong(message: String) -> Failure {
    Failure::new(FailureKind::Database, message)
}

/// What a command wrote to its output, the parts of it that are a password, and what this
/// process was handed as a secret, in every form.
fn secrets(said: &str) -> Mask {
    let mut texts: Vec<String> = said.lines().map(|l| l.trim().to_owned()).collect();
    for pair in texts.iter().flat_map(|line| super::url::parse(line).unwrap_or_default()).collect::<Vec<_>>() {
        if pair.0.contains("password") {
            texts.push(pair.1);
        }
    }
    texts.extend(std::env::vars().filter(|(name, _)| is_secret(name)).map(|(_, value)| value));
    texts.retain(|text| text.len() > 3);
    Mask::of(&texts.into_iter().map(Secret::new).collect::<Vec<_>>())
}

/// Whether a key's value is nobody's business.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["pass", "pwd", "secret", "token", "credential", "apikey", "api_key", "api-key", "database_url", "auth", "bearer"]
        .iter()
        .any(|word| key.contains(word))
}

/// Takes secrets out of lines, one after the other: those that are known, the user part of
/// URLs, and what follows a word that announces one, be it in the next line.
struct Complaint {
    secrets: Mask,
    announced: bool,
    /// Within a URL whose user part has white space in it.
    in_url: bool,
}

impl Complaint {
    fn of(secrets: Mask) -> Self {
        Self { secrets, announced: false, in_url: false }
    }

    fn hidden(&mut self, line: &str) -> String {
        const ENDS: [char; 7] = [' ', '\t', ',', ';', '&', '?', '|'];
        let line = self.secrets.hidden(line);
        let mut out = String::with_capacity(line.len());
        for piece in line.split_inclusive(ENDS) {
            let word = piece.trim_end_matches(ENDS);
            let after = &piece[word.len()..];
            out.push_str(&self.word(word));
            out.push_str(after);
            // one that is announced may have several words
            self.announced &= !after.contains([',', ';', '&']);
        }
        out
    }

    fn word(&mut self, word: &str) -> String {
        if word.is_empty() {
            return String::new();
        }
        if self.in_url {
            self.in_url = !word.contains('@');
            return word.rsplit_once('@').map_or("***".to_owned(), |(_, host)| format!("***@{host}"));
        }
        if let Some((scheme, rest)) = word.split_once("://") {
            return match rest.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://***@{host}"),
                None if rest.contains(':') && !is_address(rest) => {
                    self.in_url = true;
                    format!("{scheme}://***")
                }
                None => word.to_owned(),
            };
        }
        if self.announced {
            let goes_on = ["is", "was", "=", ":", "bearer", "basic"];
            let plain = goes_on.iter().any(|w| word.eq_ignore_ascii_case(w));
            return if plain { word.to_owned() } else { "***".to_owned() };
        }
        if let Some((key, value)) = word.split_once(['=', ':', '>']).filter(|(key, _)| is_secret(key)) {
            self.announced = value.is_empty();
            let sign = word.as_bytes().get(key.len()).map_or('=', |b| char::from(*b));
            return if value.is_empty() { word.to_owned() } else { format!("{key}{sign}***") };
        }
        self.announced = is_secret(word) || word == "-p";
        word.to_owned()
    }
}

/// `host:port/path`, where there is no password.
fn is_address(rest: &str) -> bool {
    let place = rest.split('/').next().unwrap_or_default();
    place.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok() || place.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_have_no_secrets() {
        let secrets = secrets("postgres://app:hunter2@db/shop\nsecond line\n");
        for (line, expected) in [
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            ("pass: abcdef ghi", "pass: *** ***"),
            ("psql -p abcdef -h db", "psql -p *** *** ***"),
            ("postgres://a:b c@db/x is no URL", "postgres://*** ***@db/x is no URL"),
            ("<password>abcdef</password>", "<password>***"),
            ("the token:\nabcdef", "the token:\n***"),
            ("aHVudGVyMg is base64", "***g is base64"),
            ("see https://vault.example.com:8200/ui", "see https://vault.example.com:8200/ui"),
            ("no such secret: shop/production", "no such secret: ***"),
            ("trying hunter2 on db", "trying *** on db"),
            ("postgresql://a:b%20c@db.example.com/x failed", "postgresql://***@db.example.com/x failed"),
            ("PGPASSWORD=s3cr3t op read", "PGPASSWORD=*** op read"),
            ("password: abcdef, user: bob", "password: ***, user: bob"),
            ("host=db password=a user=b", "host=db password=*** user=b"),
            ("the password is abcdef", "the password is ***"),
            ("permission denied for vault", "permission denied for vault"),
        ] {
            let mut complaint = Complaint::of(secrets.clone());
            let shown: Vec<String> = line.lines().map(|line| complaint.hidden(line)).collect();
            assert_eq!(shown.join("\n"), expected);
        }
    }

    #[test]
    fn the_first_line_is_the_url() {
        let text = |t: &str| first_line(t).map(|s| s.expose().to_owned());
        assert_eq!(text("\u{feff} postgres://x \r\nmore").as_deref(), Some("postgres://x"));
        assert_eq!((text(""), text("\npostgres://x")), (None, None));
    }
}
