//! Git as a process: it must not write to the repository or run programs of it.

use crate::base::{Failure, FailureKind};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Git is not waited for longer where it tells a detail.
const PATIENCE: Duration = Duration::from_secs(2);
/// Git is not waited for longer where a command needs it.
const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// The output of git as text; `None`: there is no git, no repository, or an error.
pub fn text(root: &Path, args: &[&str]) -> Option<String> {
    String::from_utf8(run(root, args, Vec::new(), PATIENCE)?).ok()
}

/// The output of git, which gets this input.
fn run(root: &Path, args: &[&str], input: Vec<u8>, patience: Duration) -> Option<Vec<u8>> {
    let mut child = spawn(root, args).ok()?;
    let mut pipe = child.stdout.take()?;
    let mut entry = child.stdin.take()?;
    let writer = std::thread::spawn(move || entry.write_all(&input));
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).map(|_| bytes)
    });
    let deadline = Instant::now() + patience;
    while !reader.is_finished() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let bytes = reader.join().ok()?.ok()?;
    // a reader that ended early is seen by the status
    let _ = writer.join();
    child.wait().ok()?.success().then_some(bytes)
}

fn spawn(root: &Path, args: &[&str]) -> std::io::Result<Child> {
    Command::new("git")
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"])
        .arg(root)
        .args(args)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// A commit of the repository that the project is in.
#[derive(Debug)]
pub struct Revision<'a> {
    root: &'a Path,
    id: String,
}

impl<'a> Revision<'a> {
    /// Looks up a revision: a commit, branch or tag.
    ///
    /// # Errors
    /// If git or the repository is missing, or it does not have the revision.
    pub fn find(root: &'a Path, name: &str) -> Result<Self, Failure> {
        let refuse = |message: String| Failure::new(FailureKind::Usage, message);
        if name.is_empty() || name.starts_with('-') {
            return Err(refuse(format!("`{name}` is not a revision")).help("name a commit, branch or tag"));
        }
        if spawn(root, &["version"]).map(|mut child| child.wait()).is_err() {
            return Err(refuse("git cannot be run: a revision is looked up with it".to_owned()).help("install git"));
        }
        let Some(shallow) = text(root, &["rev-parse", "--is-shallow-repository"]) else {
            return Err(refuse(format!("`{}` is not in a Git repository", root.display())).help(
                "leave out the revision; or, if the repository belongs to another user, add it to git's `safe.directory`",
            ));
        };
        let commit = format!("{name}^{{commit}}");
        let id = text(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        match id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()) {
            Some(id) => Ok(Self { root, id }),
            None if shallow.trim() == "true" => Err(refuse(format!("this shallow clone does not have `{name}`"))
                .help("fetch it before: `git fetch --depth=1 origin <branch>:<branch>`, or `fetch-depth: 0` in the checkout of the CI")),
            None => Err(refuse(format!("the repository does not have the revision `{name}`"))
                .help("fetch it before: `git fetch origin`; branches of a remote are `origin/<branch>`")),
        }
    }

    /// Writes the files of the project at this commit for which `wants` is true into a folder. Links and submodules
    /// are left out.
    ///
    /// # Errors
    /// If git fails or a file cannot be written.
    pub fn write(&self, to: &Path, wants: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let failed = |what: &str| {
            Failure::new(FailureKind::Internal, format!("git did not list the files of {}: {what}", self.id))
        };
        let args = ["ls-tree", "-r", "-z", "--end-of-options", &self.id];
        let list = run(self.root, &args, Vec::new(), LONG_PATIENCE).ok_or_else(|| failed("ls-tree failed"))?;
        let entry = |line: &[u8]| -> Option<(String, String)> {
            let (about, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
            let mut words = about.split(' ');
            let is_file = words.next()?.starts_with("100") && words.next()? == "blob";
            (is_file && wants(path)).then(|| (words.next().unwrap_or_default().to_owned(), path.to_owned()))
        };
        let files: Vec<(String, String)> = list.split(|byte| *byte == 0).filter_map(entry).collect();
        let ids: String = files.iter().map(|(id, _)| format!("{id}\n")).collect();
        let all = run(self.root, &["cat-file", "--batch"], ids.into_bytes(), LONG_PATIENCE);
        let all = all.ok_or_else(|| failed("cat-file failed"))?;
        let mut rest = all.as_slice();
        for (_, path) in &files {
            let bytes = next(&mut rest).ok_or_else(|| failed("an object is missing"))?;
            let full = to.join(safe(path).ok_or_else(|| failed("a path leaves the project"))?);
            let folder = full.parent().unwrap_or(to);
            std::fs::create_dir_all(folder)
                .and_then(|()| tempfile::NamedTempFile::new_in(folder))
                .and_then(|mut file| file.write_all(bytes).map(|()| file))
                .and_then(|file| file.persist(&full).map_err(|e| e.error))
                .map_err(|e| Failure::new(FailureKind::Internal, format!("cannot write `{}`: {e}", full.display())))?;
        }
        Ok(())
    }
}

/// The next object of `cat-file --batch`.
fn next<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let size: usize = std::str::from_utf8(&rest[..end]).ok()?.rsplit(' ').next()?.parse().ok()?;
    let bytes = rest.get(end + 1..end + 1 + size)?;
    *rest = rest.get(end + 2 + size..)?;
    Some(bytes)
}

/// A path that stays in its folder.
fn safe(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    path.components().all(|part| matches!(part, std::path::Component::Normal(_))).then(|| path.to_owned())
}

/// The path of the project in its repository: empty, or with a slash at its end.
#[must_use]
pub fn prefix(root: &Path) -> String {
    text(root, &["rev-parse", "--show-prefix"]).map(|prefix| prefix.trim().to_owned()).unwrap_or_default()
}
