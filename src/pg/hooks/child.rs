//! A process with a limit: in a group of its own, so that everything it started ends with it.

use super::before::{Before, HookError};
use super::variables::Variables;
use crate::base::{Failure, FailureKind};
use crate::pg::connect::SERVICE_SECRET;
use crate::pg::connect::mask::{self, Mask};
use crate::pg::stop::Stop;
use crate::run::{Event, Observer};
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long a process may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How long output is read after the process has ended: something that it left running may
/// hold its pipes forever.
const REST: Duration = Duration::from_millis(500);

/// Lines of output that a failure carries.
const TAIL: usize = 12;

/// Bytes of a line that are kept.
const LINE: usize = 16 * 1024;

impl Before<'_> {
    /// Runs a command to its end and tells what it says.
    pub(super) async fn child(
        &self,
        mut command: Command,
        limit: Duration,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> Result<(), HookError> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        for (name, _) in std::env::vars_os() {
            // what is meant for other servers
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        let variables = Variables::of(self.hooks.settings).map_err(|e| {
            Failure::new(FailureKind::Failed, format!("cannot write a password file for the hook: {e}"))
        })?;
        command
            .env_remove(SERVICE_SECRET)
            .current_dir(self.hooks.root)
            .envs(variables.list.iter().cloned())
            .env("DAGMAR_ENVIRONMENT", &self.plan.environment)
            .env("DAGMAR_RUN", &self.lock.run)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| {
            Failure::new(FailureKind::Failed, format!("cannot run `{program}`: {e}"))
                .help("install it, or correct the command in dagmar.yaml: it is not run by a shell")
        })?;
        let mut output =
            Output::of(&mut child, Mask::of(self.hooks.settings.targets.iter().filter_map(|t| t.password.as_ref())));
        let deadline = tokio::time::sleep(limit);
        tokio::pin!(deadline);
        let end = loop {
            tokio::select! {
                Some(line) = output.lines.recv() => output.tell(&line, observer),
                status = child.wait() => break status.map_err(|e| {
                    Failure::new(FailureKind::Failed, format!("cannot wait for `{program}`: {e}")).into()
                }),
                () = &mut deadline => break Err(HookError::Timeout),
                () = stop.requested() => break Err(HookError::Stopped),
            }
        };
        if end.is_err() {
            end_group(&mut child).await;
        }
        let rest = async {
            while let Some(line) = output.lines.recv().await {
                output.tell(&line, observer);
            }
        };
        let _ = tokio::time::timeout(REST, rest).await;
        output.end(observer);
        let status = end?;
        if status.success() { Ok(()) } else { Err(failed(&program, status, output.tail).into()) }
    }
}

fn failed(program: &str, status: ExitStatus, tail: VecDeque<String>) -> Failure {
    Failure::new(FailureKind::Failed, format!("`{program}` ended with {status}"))
        .notes(tail.into_iter().map(|line| format!("| {line}")))
        .help("fix what it reports, then run the command again")
}

/// Ends a process and everything that it started.
async fn end_group(child: &mut Child) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::TERM);
        let _ = tokio::time::timeout(GRACE, child.wait()).await;
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait().await;
}

/// What a process says, line by line, without secrets.
struct Output {
    lines: mpsc::Receiver<String>,
    tail: VecDeque<String>,
    mask: Mask,
    /// A line at whose end a secret may begin, until the next one shows whether it does.
    held: Option<String>,
}

impl Output {
    fn of(child: &mut Child, mask: Mask) -> Self {
        let (sender, lines) = mpsc::channel(64);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(follow(stdout, sender.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(follow(stderr, sender));
        }
        Self { lines, tail: VecDeque::new(), mask, held: None }
    }

    /// Tells a line, and the one that was held back before it.
    fn tell(&mut self, line: &str, observer: &mut dyn Observer) {
        let line = match self.held.take() {
            None => line.to_owned(),
            Some(held) => {
                let hidden = self.mask.hidden(&format!("{held}{line}"));
                if hidden == format!("{held}{line}") {
                    self.show(&held, observer);
                    line.to_owned()
                } else {
                    // a secret over the end of the line: both are one
                    hidden
                }
            }
        };
        if self.mask.begun(&line) > 0 {
            self.held = Some(line);
        } else {
            self.show(&line, observer);
        }
    }

    /// Tells what is held back: nothing more comes.
    fn end(&mut self, observer: &mut dyn Observer) {
        if let Some(mut line) = self.held.take() {
            line.truncate(line.len() - self.mask.begun(&line));
            self.show(&format!("{line}***"), observer);
        }
    }

    fn show(&mut self, line: &str, observer: &mut dyn Observer) {
        let line = mask::hidden(&self.mask.hidden(line));
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        observer.on(&Event::HookSaid { line });
    }
}

/// Sends lines until the pipe ends. What is too long for a line is left out.
async fn follow(mut pipe: impl AsyncRead + Unpin, lines: mpsc::Sender<String>) {
    let (mut line, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let n = pipe.read(&mut buffer).await.unwrap_or(0);
        for byte in &buffer[..n] {
            if *byte != b'\n' {
                if line.len() < LINE {
                    line.push(*byte);
                }
            } else if lines.send(String::from_utf8_lossy(&line).trim_end().to_owned()).await.is_err() {
                return;
            } else {
                line.clear();
            }
        }
        if n == 0 {
            if !line.is_empty() {
                let _ = lines.send(String::from_utf8_lossy(&line).into_owned()).await;
            }
            return;
        }
    }
}
