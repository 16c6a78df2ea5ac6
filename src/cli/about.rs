//! What stands on top of a plan: which database, when, who, which dagmar, which commit.

use super::output::now;
use super::session::{Remote, Session, holder};
use crate::base::time;
use crate::pg::sizes;
use crate::plan::{About, Commit, Destination, Maker, Plan};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Git is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// For a plan that is made without a database.
pub fn offline(session: &Session) -> About {
    let who = holder();
    About {
        target: None,
        made_at: time::rfc3339(now()),
        made_by: Maker { os: format!("{}@{}", who.os_user, who.host), database: None },
        dagmar: env!("CARGO_PKG_VERSION").to_owned(),
        commit: commit(&session.workspace.loaded.root),
        tables: Default::default(),
    }
}

/// For a plan that is for this database.
pub async fn online(session: &Session, remote: &Remote, plan: &Plan) -> About {
    let mut about = offline(session);
    about.target = Some(Destination {
        database: remote.server.database.clone(),
        address: Some(remote.address()),
        server: remote.server.release(),
        system: None,
    });
    about.made_by.database = Some(remote.server.user.clone());
    // a plan is as good without them
    about.tables = sizes::sizes(&remote.connection, plan).await.unwrap_or_default();
    about
}

/// The commit of the project, where it is in a repository and git can tell.
pub fn commit(root: &Path) -> Option<Commit> {
    let id = git(root, &["rev-parse", "--verify", "HEAD"])?.trim().to_owned();
    let changed = git(root, &["status", "--porcelain", "--", "."])?;
    (!id.is_empty()).then_some(Commit { id, uncommitted: !changed.is_empty() })
}

/// What git says, which must neither write nor run anything of the repository.
fn git(root: &Path, args: &[&str]) -> Option<String> {
    let mut child = Command::new("git")
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"])
        .arg(root)
        .args(args)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut pipe = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut pipe, &mut text).map(|_| text)
    });
    let deadline = Instant::now() + PATIENCE;
    while !reader.is_finished() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let text = reader.join().ok()?.ok()?;
    child.wait().ok()?.success().then_some(text)
}
