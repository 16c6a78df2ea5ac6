//! Servers whose data stay: one for each environment with `url: embedded`.

use super::place::{self, Owner};
use super::process::{self, INITDB, LOCALES, POLL, START, State};
use super::{Embedded, Hold, find};
use crate::base::checksum::sha256_hex;
use crate::base::{Failure, FailureKind, file};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) const PORT: u16 = 5432;

/// The file that says that a server runs on when nobody uses it.
const KEEP: &str = "keep";

/// How long a stop may take: it writes what is in memory.
const STOP: Duration = Duration::from_secs(30);

/// A log beyond this many bytes is begun anew.
const LOG_SIZE: u64 = 4 * 1024 * 1024;

/// The place of a kept server: `<project>/.dagmar/<environment>`, or below `/var/tmp` when we
/// are the superuser, whose projects other users may not be able to enter.
///
/// Two locks (`flock`) rule it. `use.lock` is held shared by every process that uses the
/// server; `start.lock` by the one that starts or stops it, so that nobody finds it half way.
/// The kernel lets go of both when a process dies. A file `keep` beside them lets the server
/// run on when the last process has let go.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
    pub(crate) sockets: PathBuf,
    owner: Option<Owner>,
}

/// The use of a running server.
#[derive(Debug)]
pub(crate) struct ServerUse {
    home: Home,
    usage: Option<File>,
}

impl Home {
    /// The place for an environment of a project. Nothing is created.
    ///
    /// # Errors
    /// When the project's folder does not exist.
    pub fn of(project: &Path, environment: &str) -> Result<Self, Failure> {
        let project = fs::canonicalize(project).map_err(|e| place::unusable(project, &e))?;
        let owner = Owner::needed()?;
        let key = [project.as_os_str().as_bytes(), b"\0", environment.as_bytes()].concat();
        let hash = &sha256_hex(&key)[..16];
        let uid = rustix::process::geteuid().as_raw();
        let dir = match owner {
            Some(_) => PathBuf::from(format!("/var/tmp/dagmar-{uid}")).join(hash),
            None => {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                let simple = !environment.is_empty() && environment.chars().all(plain);
                project.join(".dagmar").join(if simple { environment } else { hash })
            }
        };
        let beside = dir.join("run");
        let sockets = if place::socket_fits(&beside) { beside } else { format!("/tmp/dagmar-{uid}-{hash}").into() };
        Ok(Self { dir, sockets, owner })
    }

    /// The directory of the data, the log and the locks.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether a server runs there.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state().1 != State::Down
    }

    /// Whether the server is to run on when nobody uses it.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.dir.join(KEEP).exists()
    }

    /// Says whether the server runs on when nobody uses it: until [`Home::stop`]. The one who
    /// says so should be using it, so that nobody is stopping it meanwhile.
    ///
    /// # Errors
    /// When that cannot be written down.
    #[expect(clippy::disallowed_methods, reason = "an empty file in a folder of our own")]
    pub fn keep(&self, keep: bool) -> Result<(), Failure> {
        let path = self.dir.join(KEEP);
        let done = if keep { fs::write(&path, "") } else { fs::remove_file(&path) };
        match done {
            Err(e) if keep || e.kind() != std::io::ErrorKind::NotFound => Err(place::unusable(&path, &e)),
            _ => Ok(()),
        }
    }

    /// Uses the server, and starts it when it does not run.
    ///
    /// # Errors
    /// As [`Embedded::persistent`].
    pub async fn open(&self, binaries: Option<&Path>) -> Result<Embedded, Failure> {
        self.create()?;
        let start = self.file("start.lock")?;
        let deadline = Instant::now() + START + STOP;
        while !taken(start.try_lock(), &self.dir)? {
            if Instant::now() > deadline {
                return Err(self.busy());
            }
            tokio::time::sleep(POLL * 4).await;
        }
        let usage = self.file("use.lock")?;
        // refused only by the exclusive lock of somebody who holds `start.lock`
        if !taken(usage.try_lock_shared(), &self.dir)? {
            return Err(self.busy());
        }
        self.start(binaries).await?;
        let lease = ServerUse { home: self.clone(), usage: Some(usage) };
        Ok(Embedded {
            dir: self.dir.clone(),
            sockets: self.sockets.clone(),
            port: PORT,
            log: self.log(),
            hold: Hold::Kept(lease),
        })
    }

    /// Stops a server that was kept, or that a killed process left running. True: there was one.
    ///
    /// # Errors
    /// [`FailureKind::Locked`] while another process uses it.
    pub fn stop(&self) -> Result<bool, Failure> {
        if !self.dir.exists() {
            return Ok(false);
        }
        let _locks = self.alone()?;
        let running = self.is_running();
        self.keep(false)?;
        self.halt()?;
        Ok(running)
    }

    /// Stops the server and removes its data.
    ///
    /// # Errors
    /// [`FailureKind::Locked`] while another process uses it; files that cannot be removed.
    pub fn reset(&self) -> Result<(), Failure> {
        if !self.dir.exists() {
            return Ok(());
        }
        let _locks = self.alone()?;
        self.keep(false)?;
        self.halt()?;
        for dir in [self.data(), self.dir.join("data.new"), self.sockets.clone()] {
            match fs::remove_dir_all(&dir) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(place::unusable(&dir, &e)),
                _ => {}
            }
        }
        // the locks stay: somebody may be waiting for them
        let _ = fs::remove_file(self.log());
        Ok(())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    fn state(&self) -> (i32, State) {
        process::state(&self.data(), &self.sockets, PORT)
    }

    fn busy(&self) -> Failure {
        Failure::new(FailureKind::Locked, "the embedded server is in use by another dagmar")
            .note(format!("it is kept in `{}`", self.dir.display()))
            .help("wait for that process, or end it")
    }

    /// Both locks, exclusively.
    fn alone(&self) -> Result<(File, File), Failure> {
        let (start, usage) = (self.file("start.lock")?, self.file("use.lock")?);
        if taken(start.try_lock(), &self.dir)? && taken(usage.try_lock(), &self.dir)? {
            Ok((start, usage))
        } else {
            Err(self.busy())
        }
    }

    fn file(&self, name: &str) -> Result<File, Failure> {
        let path = self.dir.join(name);
        let options = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).clone();
        options.open(&path).map_err(|e| place::unusable(&self.dir, &e))
    }

    /// Makes the directories. The superuser keeps its own: the server's user gets only the
    /// data and the sockets, so that no link of its making is followed.
    #[expect(clippy::disallowed_methods, reason = "a file that is not there, in a folder of our own")]
    fn create(&self) -> Result<(), Failure> {
        let parent = self.dir.parent().unwrap_or(&self.dir);
        if self.owner.is_some() {
            place::own_dir(parent, 0o711)?;
        } else {
            fs::create_dir_all(parent).map_err(|e| place::unusable(parent, &e))?;
            let ignore = parent.join(".gitignore");
            if !ignore.exists() {
                fs::write(&ignore, "*\n").map_err(|e| place::unusable(parent, &e))?;
            }
        }
        place::own_dir(&self.dir, 0o711)?;
        match fs::symlink_metadata(&self.sockets) {
            Err(_) => place::fresh_dir(&self.sockets, self.owner),
            // beside the data nobody else can put one
            Ok(_) if self.sockets.starts_with(&self.dir) => Ok(()),
            Ok(_) => place::own_dir(&self.sockets, 0o700),
        }
    }

    /// Starts the server unless it runs. The caller holds `start.lock`.
    async fn start(&self, binaries: Option<&Path>) -> Result<(), Failure> {
        let deadline = Instant::now() + START;
        let mut ended: Option<Arc<AtomicBool>> = None;
        loop {
            match self.state().1 {
                State::Ready => return Ok(()),
                State::Down if ended.is_none() => ended = Some(reaped(self.launch(binaries).await?)),
                _ => {}
            }
            if ended.as_ref().is_some_and(|ended| ended.load(Ordering::Acquire)) {
                return Err(process::failed("did not start", &self.log()));
            }
            if Instant::now() > deadline {
                return Err(process::failed("did not start in time", &self.log()));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn launch(&self, binaries: Option<&Path>) -> Result<Child, Failure> {
        let made = file::read_text(&self.data().join("PG_VERSION"), 1024).ok();
        let bin = find::binaries(binaries, made.as_deref().and_then(|v| v.trim().parse().ok()))?;
        if fs::metadata(self.log()).is_ok_and(|log| log.len() > LOG_SIZE) {
            let _ = fs::remove_file(self.log());
        }
        if made.is_none() {
            self.set_up(&bin).await?;
        }
        let mut command = process::command(&bin.join("postgres"), &self.dir, self.owner);
        command.arg("-D").arg(self.data()).args(process::parameters(&self.sockets, PORT));
        self.logged(&mut command)?;
        // a group of its own: Ctrl-C on the terminal is for us, not for the server
        command.process_group(0);
        command.spawn().map_err(|e| place::unusable(&self.dir, &e))
    }

    /// Runs `initdb` beside the final place: what is cut short is never taken for data.
    async fn set_up(&self, bin: &Path) -> Result<(), Failure> {
        let new = self.dir.join("data.new");
        for (at, locale) in LOCALES.iter().enumerate() {
            let _ = fs::remove_dir_all(&new);
            place::fresh_dir(&new, self.owner)?;
            let mut command = process::command(&bin.join("initdb"), &self.dir, self.owner);
            command.arg("-D").arg(&new).args(INITDB).arg(locale);
            self.logged(&mut command)?;
            let status = tokio::process::Command::from(command).kill_on_drop(true).status().await;
            let status = status.map_err(|e| place::unusable(&self.dir, &e))?;
            if status.success() {
                return fs::rename(&new, self.data()).map_err(|e| place::unusable(&self.dir, &e));
            }
            if at + 1 == LOCALES.len() {
                let _ = fs::remove_dir_all(&new);
            }
        }
        Err(process::failed("could not be set up", &self.log()))
    }

    fn logged(&self, command: &mut std::process::Command) -> Result<(), Failure> {
        let open = || OpenOptions::new().create(true).append(true).mode(0o600).open(self.log());
        let (out, err) = (open(), open());
        let out = out.map_err(|e| place::unusable(&self.dir, &e))?;
        let err = err.map_err(|e| place::unusable(&self.dir, &e))?;
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        Ok(())
    }

    /// Stops the server: fast, and at once when that takes too long. The caller holds both
    /// locks exclusively.
    fn halt(&self) -> Result<(), Failure> {
        if self.state().1 == State::Down {
            return Ok(());
        }
        for signal in [Signal::INT, Signal::QUIT] {
            let deadline = Instant::now() + STOP;
            if let (pid @ 1.., _) = self.state() {
                let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
            }
            // the socket goes before the pid file does
            while process::pid_file(&self.data()).is_some_and(|(pid, _)| alive(pid)) {
                if Instant::now() > deadline {
                    break;
                }
                std::thread::sleep(POLL);
            }
            if self.state().1 == State::Down {
                return Ok(());
            }
        }
        Err(process::failed("does not stop", &self.log()))
    }
}

/// Whether there is a process of this number.
fn alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// Waits for a server in the background and tells when it has ended. A dead server that nobody
/// waits for stays as a zombie, and its data directory counts as in use.
fn reaped(mut child: Child) -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&ended);
    std::thread::spawn(move || {
        let _ = child.wait();
        tell.store(true, Ordering::Release);
    });
    ended
}

/// Whether a lock was to be had.
fn taken(answer: Result<(), TryLockError>, dir: &Path) -> Result<bool, Failure> {
    match answer {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(place::unusable(dir, &e)),
    }
}

impl ServerUse {
    /// Lets go; the last one stops the server.
    pub(crate) fn release(mut self) -> Result<(), Failure> {
        self.leave(STOP)
    }

    /// Lets go of the locks only, as the kernel does for a killed process.
    #[cfg(test)]
    pub(crate) fn forget(&mut self) {
        self.usage = None;
    }

    fn leave(&mut self, patience: Duration) -> Result<(), Failure> {
        let Some(usage) = self.usage.take() else { return Ok(()) };
        let start = self.home.file("start.lock")?;
        let deadline = Instant::now() + patience;
        while !taken(start.try_lock(), &self.home.dir)? {
            // it is starting for somebody, who will stop it
            if Instant::now() > deadline {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        drop(usage);
        let usage = self.home.file("use.lock")?;
        let last = taken(usage.try_lock(), &self.home.dir)?;
        if last && !self.home.is_kept() { self.home.halt() } else { Ok(()) }
    }
}

impl Drop for ServerUse {
    fn drop(&mut self) {
        // short: the one who holds the lock may be a task of this very thread
        let _ = self.leave(Duration::from_secs(1));
    }
}
