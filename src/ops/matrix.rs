//! The states of all environments, asked at the same time.

use super::Target;
use super::address::EMBEDDED;
use crate::base::{Failure, FailureKind, HumanDuration, Operation, Setting};
use crate::pg::Home;
use crate::pipeline::View;
use crate::plan::matrix::{Answer, Matrix};
use crate::plan::states::{StateRow, states};
use crate::run::{Event, Observer};
use crate::source::Address;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An environment with its changesets, ready to be asked.
type Prepared<'a> = Result<(&'a Target, View<'a>), Failure>;

/// The answer of one environment.
type Answered = Result<(Answer, Vec<StateRow>), Failure>;

/// Reads the state of all environments of dagmar.yaml, or only of these, with a time limit for each.
///
/// # Errors
/// Problems in the project's files, or no environments. An environment that cannot be reached is in the matrix.
pub async fn matrix(
    target: &Target,
    only: Option<&BTreeSet<String>>,
    timeout: HumanDuration,
) -> Result<(Matrix, Vec<(String, Event)>), Failure> {
    let config = &target.workspace().loaded.config;
    if config.environment_list.is_empty() && !target.has_url() {
        // mistakes in dagmar.yaml come first
        target.view()?;
        return Err(Failure::new(FailureKind::Usage, "dagmar.yaml has no environments")
            .help("name them under `environments`, each with a `url`"));
    }
    // a project without environments has the one whose connection was given
    let unnamed = config.environment_list.is_empty().then_some(&target.environment);
    let names = config.environment_list.iter().map(|(name, _)| name).chain(unnamed);
    let names = names.filter(|name| only.is_none_or(|only| only.contains(*name)));
    let targets: Vec<(String, Result<Target, Failure>)> =
        names.map(|name| (name.clone(), target.or_of(name))).collect();
    let mut prepared: Vec<(String, Prepared<'_>)> = Vec::new();
    for (name, target) in &targets {
        let view = match target {
            Ok(target) => target.view().map(|view| (target, view)),
            Err(failure) => Err(failure.clone()),
        };
        match view {
            // the files are wrong for all of them
            Err(failure) if failure.kind == FailureKind::Source => return Err(failure),
            view => prepared.push((name.clone(), view)),
        }
    }
    let limit = Duration::from_millis(timeout.millis);
    let asked = prepared.into_iter().map(|(name, prepared)| async move {
        let mut heard: Vec<Event> = Vec::new();
        let answer = match prepared {
            Ok((target, view)) => {
                let asked = tokio::time::timeout(limit, ask(target, &view, &mut heard));
                asked.await.unwrap_or_else(|_| {
                    Err(Failure::new(FailureKind::Database, format!("no answer within {timeout}"))
                        .help(Setting::Timeout.to("30s") + " waits longer"))
                })
            }
            Err(failure) => Err(failure),
        };
        let heard: Vec<(String, Event)> = heard.into_iter().map(|event| (name.clone(), event)).collect();
        ((name, answer.map_err(Into::into)), heard)
    });
    let (answers, heard): (Vec<_>, Vec<Vec<_>>) = join_all(asked).await.into_iter().unzip();
    Ok((Matrix::of(answers), heard.into_iter().flatten().collect()))
}

async fn ask(target: &Target, view: &View<'_>, observer: &mut dyn Observer) -> Answered {
    let name = &target.environment;
    let loaded = &target.workspace().loaded;
    match loaded.config.environment(name).and_then(|e| e.address()) {
        _ if target.has_url() => {}
        None => {
            return Err(Failure::new(FailureKind::Usage, "it has no URL")
                .help("give it a `url`, `urlCommand` or `urlFile` in dagmar.yaml"));
        }
        // looking must not make a server
        Some(Address::Url(EMBEDDED)) if Home::of(&loaded.root, name)?.version().is_none() => {
            return Err(Failure::new(FailureKind::Database, "its embedded server was never started")
                .help(Operation::Apply.at(name) + " starts it"));
        }
        Some(_) => {}
    }
    let db = target.connect(observer).await?;
    let history = db.history().await;
    let (place, database) = (db.describe(), db.server.database.clone());
    db.close().await?;
    let history = history?;
    let rows = states(&view.changelog, &view.graph, &loaded.sources, &history, name);
    let answer = Answer {
        place,
        database,
        ledger_version: history.version,
        belongs_to: target.bound_elsewhere(&history).map(str::to_owned),
        counts: BTreeMap::new(),
    };
    Ok((answer, rows))
}
