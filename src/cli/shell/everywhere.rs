//! `dagmar status --all`: all environments at the same time.

use super::database::{EMBEDDED, Told};
use super::global::Global;
use super::output::{Output, choose};
use super::session::Session;
use crate::base::{Failure, Kind, Span};
use crate::cli::{Outcome, block_on};
use crate::pg::Home;
use crate::pipeline::View;
use crate::plan::matrix::{Answer, Matrix};
use crate::plan::states::{StateRow, states};
use crate::report::{MatrixFormat, MatrixOptions};
use crate::source::Address;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;

/// An environment with its changesets, ready to be asked.
type Prepared<'a> = Result<(&'a Session, View<'a>), Failure>;

/// What an environment answers.
type Answered = Result<(Answer, Vec<StateRow>), Failure>;

pub fn run(timeout: Span, global: &Global, out: &mut Output) -> Outcome {
    let known: Vec<(&str, MatrixFormat)> = MatrixFormat::ALL.iter().map(|f| (f.name(), *f)).collect();
    let format = choose(global, &known)?;
    if global.url.is_some() {
        return Err(Failure::new(Kind::Usage, "`--all` and `--url` name different databases").help("name one of them"));
    }
    // which one a variable of the process names does not matter here
    let session = Session::open(&Global { env: None, ..global.clone() })?;
    let config = &session.workspace.loaded.config;
    if config.environment_list.is_empty() {
        // mistakes in dagmar.yaml come first
        session.view()?;
        return Err(Failure::new(Kind::Usage, "dagmar.yaml has no environments")
            .help("name them under `environments`, each with a `url`"));
    }
    let mut sessions = Vec::new();
    for (name, _) in &config.environment_list {
        sessions.push((name.clone(), session.seen_from(name, global)));
    }
    let mut prepared: Vec<(String, Prepared<'_>)> = Vec::new();
    for (name, session) in &sessions {
        let view = match session {
            Ok(session) => session.view().map(|view| (session, view)),
            Err(failure) => Err(failure.clone()),
        };
        match view {
            // the files are wrong for all of them
            Err(failure) if failure.kind == Kind::Source => return Err(failure),
            view => prepared.push((name.clone(), view)),
        }
    }
    let limit = Duration::from_millis(timeout.millis);
    let (answers, said): (Vec<_>, Vec<Vec<String>>) = block_on(async {
        let asked = prepared.into_iter().map(|(name, prepared)| async move {
            let mut said = Vec::new();
            let answer = match prepared {
                Ok((session, view)) => {
                    let mut tell = |told: Told| said.push(told.to_string());
                    tokio::time::timeout(limit, ask(session, &view, global, &mut tell)).await.unwrap_or_else(|_| {
                        Err(Failure::new(Kind::Database, format!("no answer within {timeout}"))
                            .help("`--timeout 30s` waits longer"))
                    })
                }
                Err(failure) => Err(failure),
            };
            let said = said.into_iter().map(|text| format!("{name}: {text}")).collect();
            ((name, answer.map_err(Into::into)), said)
        });
        Ok(join_all(asked).await.into_iter().unzip())
    })?;
    said.iter().flatten().for_each(|text| out.say(text));
    let matrix = Matrix::of(answers);
    out.report(format.render(&matrix, MatrixOptions { limit: out.limit() }));
    if matrix.has_answers() {
        return Ok(());
    }
    Err(Failure::new(Kind::Database, "no environment answered").help("each says above why; is the network there?"))
}

async fn ask(session: &Session, view: &View<'_>, global: &Global, tell: &mut dyn FnMut(Told)) -> Answered {
    let name = &session.environment;
    let loaded = &session.workspace.loaded;
    match loaded.config.environment(name).and_then(|e| e.address()) {
        None => {
            return Err(Failure::new(Kind::Usage, "it has no URL")
                .help("give it a `url`, `urlCommand` or `urlFile` in dagmar.yaml"));
        }
        // looking must not make a server
        Some(Address::Url(EMBEDDED)) if Home::of(&loaded.root, name)?.version().is_none() => {
            return Err(Failure::new(Kind::Database, "its private server was never started")
                .help(format!("`dagmar apply --env {name}` makes it")));
        }
        Some(_) => {}
    }
    // its own URL, whatever else the process has
    let global = Global { env: Some(name.clone()), ..global.clone() };
    let remote = session.connect_telling(&global, tell).await?;
    let history = remote.history(session.ledger()).await;
    let (place, database) = (remote.describe(), remote.server.database.clone());
    remote.close().await?;
    let history = history?;
    let rows = states(&view.changelog, &view.graph, &loaded.sources, &history, name);
    let answer = Answer {
        place,
        database,
        ledger_version: history.version,
        belongs_to: session.bound_elsewhere(&history).map(str::to_owned),
        counts: BTreeMap::new(),
    };
    Ok((answer, rows))
}
