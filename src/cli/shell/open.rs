//! The project and the environment that the options name, and who gives the command.

use super::global::Global;
use crate::base::file::read_text;
use crate::base::{Actor, Failure, FailureKind, Secret};
use crate::ops::{Project, Target, TargetSpec};
use crate::pg::{ProcessEnv, user_name};
use crate::source::{load, project as files, variables};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Opens the project that the options name, as the environment that they name sees it.
pub fn target(global: &Global) -> Result<Target, Failure> {
    project(global)?.target(spec(global)?, actor())
}

/// Opens the project that the options name.
pub fn project(global: &Global) -> Result<Project, Failure> {
    Project::open(&root(global)?, ProcessEnv::of_process())
}

/// Which environment the options name, and how its database is reached.
pub fn spec(global: &Global) -> Result<TargetSpec, Failure> {
    let pair = |pair: &String| match pair.split_once('=').filter(|(name, _)| variables::is_name(name)) {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(Failure::new(FailureKind::Usage, format!("`--var {pair}` is not `NAME=VALUE`"))),
    };
    Ok(TargetSpec {
        environment: global.env.clone(),
        url: global.url.as_deref().map(Secret::new),
        variables: global.vars.iter().map(pair).collect::<Result<_, _>>()?,
        wait: Duration::from_millis(global.wait.millis),
        shows_commands: global.verbose > 0,
        session: None,
        query_limit: None,
    })
}

/// Who gives this command, for the ledger.
pub fn actor() -> Actor {
    let user = ProcessEnv::of_process().user.unwrap_or_else(|| "?".to_owned());
    let host = read_text(Path::new("/proc/sys/kernel/hostname"), 4096)
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map_or_else(|| "?".to_owned(), |h| h.trim().to_owned());
    Actor::new(user, host)
}

/// The folder of the project: the one that is named, or the nearest.
pub fn root(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(dir) = &global.project {
        return Ok(dir.clone());
    }
    let here = std::env::current_dir()
        .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot determine the current directory: {e}")))?;
    let root = load::find_root(&here).ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("no dagmar.yaml in `{}` or above it", here.display()))
            .help("run `dagmar init` to create a project here, or name one with `--project`")
    })?;
    if root != here {
        of_somebody_trusted(&root)?;
    }
    Ok(root)
}

/// Refuses a project that was found above the working directory and belongs to somebody else:
/// its `urlCommand` and hooks would run as the caller. The rules are those of Git's
/// `safe.directory`: it is ours, or root's; where root works for somebody by sudo, his.
fn of_somebody_trusted(root: &Path) -> Result<(), Failure> {
    let me = rustix::process::geteuid().as_raw();
    let by_sudo = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok()).filter(|_| me == 0);
    let trusted = |uid: u32| uid == me || uid == 0 || Some(uid) == by_sudo;
    let file = root.join(files::FILE);
    for path in [root, file.as_path()] {
        // a link's own owner made it lead there
        for about in [path.symlink_metadata(), path.metadata()] {
            let about = about.map_err(|e| {
                Failure::new(FailureKind::Usage, format!("cannot read the metadata of `{}`: {e}", path.display()))
            })?;
            if !trusted(about.uid()) {
                let owner = user_name(about.uid()).unwrap_or_else(|| format!("the user {}", about.uid()));
                return Err(Failure::new(
                    FailureKind::Refused,
                    format!(
                        "the project found in `{}` belongs to another user: `{}` is owned by `{owner}`",
                        root.display(),
                        path.display()
                    ),
                )
                .note("its commands would run with your rights")
                .help(format!("if you trust it, name it: `--project {}`, or work in that folder", root.display())));
            }
        }
    }
    Ok(())
}
