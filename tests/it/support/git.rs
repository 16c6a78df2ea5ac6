//! Projects in a Git repository.

use super::project::Project;
use std::process::Command;

/// Runs git in the project's directory; its output.
#[track_caller]
pub fn git(project: &Project, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]).args(args);
    let output = command.current_dir(project.path()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
