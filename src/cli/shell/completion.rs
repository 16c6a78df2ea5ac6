//! The answers to a shell that completes a command line, and what it reads when it starts.

use super::output;
use crate::base::{Failure, FailureKind};
use clap_complete::env::Shells;
use std::ffi::OsString;
use std::process::ExitCode;

/// The variable by which a shell asks.
pub const VARIABLE: &str = "DAGMAR_COMPLETE";

/// Answers a shell that asks; `None`: this is a run like any other.
pub fn answer(command: fn() -> clap::Command) -> Option<ExitCode> {
    let shell = std::env::var(VARIABLE).ok().filter(|shell| !shell.is_empty())?;
    let words: Vec<OsString> = std::env::args_os().skip_while(|arg| arg != "--").skip(1).collect();
    let mut out = Vec::new();
    let here = std::env::current_dir().ok();
    let mut command = command();
    command.build();
    let shells = Shells::builtins();
    let done = shells.completer(&shell).is_some_and(|completer| {
        !words.is_empty() && completer.write_complete(&mut command, words, here.as_deref(), &mut out).is_ok()
    });
    output::candidates(&String::from_utf8_lossy(&out));
    Some(if done { ExitCode::SUCCESS } else { ExitCode::from(FailureKind::Usage.exit_code()) })
}

/// What a shell reads when it starts, so that it asks.
pub fn registration(shell: &str) -> Result<String, Failure> {
    let mut text = Vec::new();
    let wrong = |why: String| Failure::new(FailureKind::Internal, format!("cannot write the completions: {why}"));
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| wrong(format!("unknown shell `{shell}`")))?;
    let written = completer.write_registration(VARIABLE, "dagmar", "dagmar", "dagmar", &mut text);
    written.map_err(|e| wrong(e.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
