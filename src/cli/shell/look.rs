//! What `plan --against`, `apply` and `rollback` look at before the first statement.

use super::database::EMBEDDED;
use super::global::Global;
use super::session::{Remote, Session};
use crate::base::{Failure, Kind};
use crate::pg::preflight;
use crate::plan::Plan;
use crate::report::preflight::summary;
use crate::run::{Finding, Severity};

/// Sessions that a run has beside its first: that of the lock.
const SESSIONS: u32 = 1;

/// The options with what `--against` names: an environment, or a connection.
pub fn against(global: &Global, target: &str) -> Result<Global, Failure> {
    let mut global = global.clone();
    if target.is_empty() {
        return Ok(global);
    }
    let url = target == EMBEDDED || target.contains("://") || target.contains('=');
    if global.url.is_some() || !url && global.env.as_deref().is_some_and(|env| env != target) {
        return Err(Failure::new(
            Kind::Usage,
            format!("`--against {target}` and `--url` or `--env` name two databases"),
        )
        .help("name one of them"));
    }
    let place = if url { &mut global.url } else { &mut global.env };
    *place = Some(target.to_owned());
    Ok(global)
}

/// What is found; a run looks for poolers by itself, with the connection of its lock.
pub async fn findings(session: &Session, remote: &Remote, plan: &Plan) -> Result<Vec<Finding>, Failure> {
    preflight::preflight(&remote.connection, &remote.server, session.ledger(), plan, SESSIONS).await
}

/// The same with the look for poolers.
pub async fn findings_and_pooler(session: &Session, remote: &mut Remote, plan: &Plan) -> Result<Vec<Finding>, Failure> {
    let mut found = findings(session, remote, plan).await?;
    // what cannot be written takes no lock
    if remote.server.check_writable(session.ledger()).is_ok()
        && let Some(pooler) = preflight::pooled(&mut remote.connection, &remote.settings).await?
    {
        found.insert(0, pooler);
    }
    Ok(found)
}

/// Errors as a refusal.
pub fn refusal(findings: &[Finding]) -> Result<(), Failure> {
    let errors: Vec<&Finding> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let mut failure =
        Failure::new(Kind::Refused, format!("the preflight found {}; nothing was run", summary(findings)));
    for finding in errors {
        failure.notes.push(format!("[{}] {}", finding.check, finding.message));
        failure.notes.push(format!("    {}", finding.remedy));
    }
    Err(failure.help("mend it, and run the same command again; with `--no-preflight` a run goes on all the same"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, FromArgMatches};

    fn global(args: &[&str]) -> Global {
        let command = Global::augment_args(clap::Command::new("x").no_binary_name(true));
        Global::from_arg_matches(&command.try_get_matches_from(args).unwrap()).unwrap()
    }

    #[test]
    fn a_target_is_an_environment_or_a_connection() {
        let of = |args: &[&str], target: &str| against(&global(args), target).map(|g| (g.env, g.url));
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(of(&[], "production").unwrap(), (text("production"), None));
        assert_eq!(of(&["--env", "a"], "postgres://b/c").unwrap(), (text("a"), text("postgres://b/c")));
        assert_eq!(of(&[], "host=b dbname=c").unwrap().1, text("host=b dbname=c"));
        assert_eq!(of(&["--env", "a"], "").unwrap(), (text("a"), None));
        for args in [["--env", "a"], ["--url", "postgres://b"]] {
            assert_eq!(of(&args, "production").unwrap_err().kind, Kind::Usage);
        }
    }
}
