//! `dagmar why`: why a changeset is not there yet.

use crate::base::{Failure, Kind, diag::nearest, time};
use crate::cli::shell::complete;
use crate::cli::shell::gating::{From, Gating, What, Words};
use crate::cli::shell::global::Global;
use crate::cli::shell::output::{Form, Output, form};
use crate::cli::shell::session::{Remote, Session};
use crate::cli::{Outcome, block_on};
use crate::gate;
use crate::ledger::{History, Status};
use crate::pg::ledger::read;
use crate::pipeline::View;
use crate::plan::reasons::{self, Case, Last, Reason};
use crate::plan::renamed;
use crate::plan::states::states;
use crate::report::{Line, Tone};
use serde_json::json;
use std::collections::BTreeMap;

/// Says why a changeset is, or is not yet, in an environment.
///
/// Its state, what it needs and is not there, what it waits for and until when, who held or
/// skipped it and why, what failed; and what is to be done, by whom. Reads only.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dagmar why 010-user-preferences-contract
  dagmar why 010-user-preferences-contract --env production
  dagmar why 010-user-preferences-contract --env production --format json | jq '.reasons[].todo'")]
pub struct Args {
    /// The changeset
    #[arg(value_name = "ID", add = complete::changesets())]
    id: String,
}

pub fn run(args: &Args, global: &Global, out: &mut Output) -> Outcome {
    let form = form(global)?;
    let session = Session::open(global)?;
    let view = match session.view() {
        Ok(view) => view,
        // what the ledger has of it is known all the same
        Err(failure) if failure.kind == Kind::Source => {
            return recorded(&session, &args.id, failure, form, global, out);
        }
        Err(failure) => return Err(failure),
    };
    let position = match find(&view, &args.id) {
        Ok(position) => position,
        Err(failure) => return recorded(&session, &args.id, failure, form, global, out),
    };
    let id = view.changelog.changesets[position].id.clone();
    let (history, last, gates) = block_on(async {
        let remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        let history = history.with_new_ids(&renamed(&view.changelog, &history)).into_owned();
        let last = last(&session, &remote, &view, &history, position).await?;
        let gates = match history.status(&id) {
            Some(Status::Applied) => Vec::new(),
            _ => gates(&session, &remote, &view, &history, position, global, out).await,
        };
        remote.close().await?;
        Ok((history, last, gates))
    })?;
    let environment = session.environment.as_str();
    let sources = &session.workspace.loaded.sources;
    let rows = states(&view.changelog, &view.graph, sources, &history, environment);
    let case = Case {
        changelog: &view.changelog,
        graph: &view.graph,
        sources,
        history: &history,
        environment,
        rows: rows.iter().map(|row| (row.id.as_str(), row)).collect(),
        last,
        position,
    };
    // every source of reasons is put together here: what the ledger and the files say, and
    // what else keeps runs from this environment
    let mut reasons = reasons::of(&case);
    reasons.extend(bound_elsewhere(&session, &history, &id));
    reasons.extend(gates);
    let verdict = reasons::verdict(&case, &reasons);
    let state = case.rows.get(id.as_str()).map_or("pending", |row| row.state.words());
    match form {
        Form::Json => {
            let word = case.rows.get(id.as_str()).map(|row| row.state);
            out.json(&json!({
                "environment": environment,
                "changeset": id,
                "state": word,
                "reasons": reasons,
                "verdict": verdict,
            }));
        }
        Form::Text => {
            out.data(Line::new().paint(Tone::Strong, &id).plain(format!(" is {state} in {environment}")));
            for reason in &reasons {
                let until = reason.until.as_ref().map_or_else(String::new, |until| format!(": until {until}"));
                out.data(format!("  {}{until}", reason.message));
                if let Some(todo) = &reason.todo {
                    let who = reason.who.as_ref().map_or_else(String::new, |who| format!(" ({who})"));
                    out.data(format!("    to do: {todo}{who}"));
                }
            }
            out.data(&verdict);
        }
    }
    Ok(())
}

/// What the ledger alone says of a changeset.
fn recorded(session: &Session, id: &str, failure: Failure, form: Form, global: &Global, out: &mut Output) -> Outcome {
    let history = block_on(async {
        let remote = session.connect(global, out).await?;
        let history = remote.history(session.ledger()).await?;
        remote.close().await?;
        Ok(history)
    })?;
    let Some(recorded) = history.changesets.get(id) else {
        return Err(match failure.kind {
            Kind::Usage if failure.help.as_deref().is_none_or(|help| !help.contains("did you mean")) => {
                match nearest(id, history.changesets.keys().map(String::as_str)) {
                    Some(near) => failure.help(format!("did you mean `{near}`?")),
                    None => failure,
                }
            }
            _ => failure,
        });
    };
    let (env, broken) = (&session.environment, failure.kind == Kind::Source);
    let is_missing = !broken && recorded.status == Status::Applied;
    let word = if is_missing { "missing" } else { recorded.status.word() };
    let at = time::rfc3339(recorded.applied_at);
    let message = match recorded.status {
        Status::Applied => format!("it is there since {at}, applied by {}", recorded.applied_by),
        _ => format!("it is {word} since {at}, by {}", recorded.applied_by),
    };
    let message = if broken { message } else { format!("{message}, and no file has it any more") };
    let todo = (!broken).then(|| format!("put its file back; or `dagmar rollback {id} --env {env}` takes it back"));
    let verdict =
        if broken { "what keeps it back is known when the files have no mistakes" } else { "nothing runs for it" };
    match form {
        Form::Json => {
            let reason = Reason { kind: "missing", changeset: id.to_owned(), message, until: None, todo, who: None };
            let value = json!({
                "environment": env, "changeset": id, "state": word, "reasons": [reason], "verdict": verdict,
            });
            if broken { out.beside_failure(value) } else { out.json(&value) }
        }
        Form::Text => {
            out.data(Line::new().paint(Tone::Strong, id).plain(format!(" is {word} in {env}")));
            out.data(format!("  {message}"));
            if let Some(todo) = todo {
                out.data(format!("    to do: {todo}"));
            }
            out.data(verdict);
        }
    }
    if broken { Err(failure) } else { Ok(()) }
}

/// The gates that keep it back. An environment before that cannot be asked is said so.
async fn gates(
    session: &Session,
    remote: &Remote,
    view: &View<'_>,
    history: &History,
    position: usize,
    global: &Global,
    out: &mut Output,
) -> Vec<Reason> {
    let id = view.changelog.changesets[position].id.clone();
    let reason = |message: String, todo: Option<String>| Reason {
        kind: "gate",
        changeset: id.clone(),
        message,
        until: None,
        todo,
        who: None,
    };
    let mut reasons = Vec::new();
    let before = session.workspace.loaded.config.environment(&session.environment).and_then(|e| e.promote_from.clone());
    let mut from = None;
    if let Some(before) = before {
        let there = Global { env: Some(before.clone()), url: None, ..global.clone() };
        match source(&there, out).await {
            Ok(source) => from = Some(source),
            Err(why) => reasons.push(reason(format!("`{before}` cannot be asked: {}", why.message), why.help)),
        }
    }
    let words = Words::default();
    let Ok(mut gating) = Gating::new(session, What::Files(view), &words, Some([position].into()), from) else {
        return reasons;
    };
    // what cannot be compiled is said by the other reasons
    if let Ok(plan) = gating.compile(remote, history).await
        && let Ok(judged) = gating.judge(remote, &plan).await
    {
        let unmet = judged.verdicts.into_iter().filter(|verdict| verdict.status == gate::Status::Unmet);
        reasons.extend(unmet.map(|v| reason(format!("the gate `{}`: {}", v.gate, v.reason), v.remedy)));
    }
    let _ = gating.close().await;
    reasons
}

async fn source(there: &Global, out: &mut Output) -> Result<From, Failure> {
    let session = Session::open(there)?;
    let remote = session.connect(there, out).await?;
    Ok(From { session, remote })
}

/// The changeset of this id, or the one that had it before.
fn find(view: &View<'_>, id: &str) -> Result<usize, Failure> {
    let changesets = &view.changelog.changesets;
    let now = changesets.iter().position(|c| c.aka.iter().any(|old| old.id == id));
    view.graph.position(id).or(now).ok_or_else(|| {
        let near = nearest(id, changesets.iter().map(|c| c.id.as_str()));
        Failure::new(Kind::Usage, format!("there is no changeset `{id}`"))
            .help(near.map_or("`dagmar status` shows all of them".to_owned(), |n| format!("did you mean `{n}`?")))
    })
}

/// The last that happened to what is held, skipped, failed or half done.
async fn last(
    session: &Session,
    remote: &Remote,
    view: &View<'_>,
    history: &History,
    position: usize,
) -> Result<BTreeMap<String, Last>, Failure> {
    let mut found = BTreeMap::new();
    for id in reasons::wanted(&view.graph, history, &view.changelog, position) {
        let last = read::Filter { changeset: Some(id.clone()), limit: 1, ..read::Filter::default() };
        let events = read::events(&remote.connection, &remote.server, history.version, session.ledger(), &last).await?;
        for event in events {
            let by = match event.by {
                Some(by) => format!("{by} (role {})", event.db_user),
                None => event.db_user,
            };
            found.insert(id.clone(), Last { by, at: event.at });
        }
    }
    Ok(found)
}

fn bound_elsewhere(session: &Session, history: &History, id: &str) -> Option<Reason> {
    let other = session.bound_elsewhere(history)?;
    Some(Reason {
        kind: "ledger",
        changeset: id.to_owned(),
        message: format!(
            "the ledger of this database belongs to `{other}`: nothing is run for `{}`",
            session.environment
        ),
        until: None,
        todo: Some(format!(
            "`dagmar adopt --env {} --reason ...`, if the database is the right one",
            session.environment
        )),
        who: None,
    })
}
