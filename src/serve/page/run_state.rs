//! What a run is at, as a part of its page: the page has it, and its stream sends it again.

use super::made::{part, said};
use super::words::{self, Tag};
use crate::base::time::rfc3339;
use crate::base::words::{count, short};
use crate::base::{Failure, Origin, Wording};
use crate::history::RunKind;
use crate::ops::runs;
use crate::pg::ledger::runs::RunName;
use crate::pg::run::FailedStep;
use crate::serve::aim::Aim;
use crate::serve::answer::Answer;
use crate::serve::api::known::not_found;
use crate::serve::desk::Local;
use crate::serve::flights::Key;
use crate::serve::problem::{Kind, Problem};
use crate::serve::runs::past::recorded;
use crate::serve::runs::{Phase, Progress, Registry, Run};
use crate::serve::service::Service;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// How many steps a page has.
const MOST: usize = 300;

/// What a run is at.
#[derive(Serialize, Deserialize)]
pub(super) struct Told {
    /// The heading.
    pub heading: String,
    /// The title of the page.
    pub title: String,
    /// The sentence that is read out when it changes.
    pub said: String,
    /// The part of the page.
    pub html: String,
    /// Whether nothing more comes.
    pub over: bool,
}

#[derive(Serialize)]
struct Values<'a> {
    tag: Tag,
    kind: &'a str,
    by: &'a str,
    way: Option<String>,
    began: Option<String>,
    ended: Option<String>,
    steps: Option<u64>,
    done: u64,
    failure: Option<Why<'a>>,
    /// What is wrong with the files.
    mistakes: Value,
    warnings: Vec<&'a str>,
    rows: Vec<Row<'a>>,
    left_out: usize,
    kept: Vec<Kept<'a>>,
    history: Option<String>,
    digest: Option<&'a str>,
}

/// Why it did not do all of it.
#[derive(Serialize)]
struct Why<'a> {
    message: Option<&'a str>,
    notes: Vec<String>,
    help: Option<String>,
    steps: Vec<Failed<'a>>,
}

#[derive(Serialize)]
struct Failed<'a> {
    href: String,
    changeset: &'a str,
    message: &'a str,
    sqlstate: &'a str,
    place: Option<String>,
    detail: Option<&'a str>,
    hint: Option<&'a str>,
    statement: Option<&'a str>,
    blockers: &'a [String],
    state: &'a str,
    todo: Option<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    href: String,
    changeset: &'a str,
    tag: Tag,
    doing: Option<&'a str>,
    part: u64,
    of: u64,
    waits: Option<&'a str>,
    blockers: &'a [String],
    told: Option<String>,
}

/// A changeset that is not in this run.
#[derive(Serialize)]
struct Kept<'a> {
    changeset: &'a str,
    why: String,
}

/// Looks at a run on a desk, together with all who look at it.
///
/// # Errors
/// There is none, or the ledger cannot be read.
pub(super) async fn told(service: &Service, aim: &Aim, id: &str) -> Result<Told, Problem> {
    let (place, id, registry, wording) = (aim.clone(), id.to_owned(), service.runs.clone(), service.wording);
    let key = Key { what: "runState", environment: aim.environment.clone(), detail: id.clone() };
    let work = move || -> Local<Result<Answer, Problem>> {
        Box::pin(async move { look(&place, &id, &registry, wording).await.map(|told| Answer::json(&told)) })
    };
    let answer = service.read(key, work).await?;
    serde_json::from_slice(&answer.body).map_err(|e| Problem::new(Kind::Internal, e.to_string()))
}

async fn look(aim: &Aim, id: &str, registry: &Registry, wording: Wording) -> Result<Told, Problem> {
    if let Some(live) = registry.find(&aim.environment, id) {
        return of(&Run::of(&live), &live.progress(), wording);
    }
    let name = RunName::Id(id.to_owned());
    let found = async { runs::run(&aim.target().await?, &name, &mut ()).await };
    let found = found.await.map_err(|failure| Problem::of(&failure, wording))?;
    let run = found.ok_or_else(|| not_found(&aim.environment, &name))?;
    of(&recorded(&aim.environment, run), &Progress::default(), wording)
}

fn of(run: &Run, progress: &Progress, wording: Wording) -> Result<Told, Problem> {
    let state = &run.state;
    let kind = run.kind.map_or("run", RunKind::word);
    let shown = shown(run, progress);
    let failed = |step: &FailedStep| progress.step(&step.changeset).is_none_or(|step| step.done.is_none());
    // a failed run says again what its failed steps say
    let says_steps = state.phase == Phase::Failed && state.failed.iter().any(failed);
    let notes = |failure: &Failure| match says_steps {
        true => Vec::new(),
        false => failure.notes.iter().map(wording).collect(),
    };
    let help = |failure: &Failure| match (&failure.help, state.phase) {
        (Some(help), _) => Some(wording(help)),
        (None, Phase::Failed) => Some("remove the cause, then start the next run: it continues".to_owned()),
        (None, Phase::Interrupted | Phase::Terminated) => Some("start the next run: it continues".to_owned()),
        (None, _) => None,
    };
    let waiting = state.waiting.iter().map(|waiting| {
        let until = waiting.until.as_deref().map_or_else(String::new, |until| format!(", until {until}"));
        Kept { changeset: &waiting.changeset, why: format!("waits {} after `{}`{until}", waiting.soak, waiting.on) }
    });
    let blocked =
        state.blocked.iter().map(|blocked| Kept { changeset: &blocked.changeset, why: blocked.reason.clone() });
    let html = part(
        "run_state",
        &Values {
            tag: tag(state.phase),
            kind,
            by: &run.by,
            way: run.origin.as_ref().map(Origin::words),
            began: state.started_at.or(state.asked_at).map(rfc3339),
            ended: state.finished_at.map(rfc3339),
            steps: run.steps.filter(|steps| *steps > 0),
            done: run.done_steps,
            failure: state.failure.as_ref().map(|failure| Why {
                message: Some(failure.message.as_str()).filter(|_| !says_steps),
                notes: notes(failure),
                help: help(failure),
                steps: state
                    .failed
                    .iter()
                    .filter(|step| failed(step))
                    .map(|step| of_failed(run, step, wording))
                    .collect(),
            }),
            mistakes: state
                .failure
                .as_ref()
                .map(|failure| said(&Problem::of(failure, wording), "")["mistakes"].take())
                .into(),
            warnings: progress.warnings().collect(),
            left_out: shown.len().saturating_sub(MOST),
            rows: shown.iter().take(MOST).map(|id| row(run, progress, id)).collect(),
            kept: waiting.chain(blocked).take(MOST).collect(),
            history: state.run.as_ref().map(|run_id| words::history_of_run(&run.environment, run_id)),
            digest: state.digest.as_deref(),
        },
    )?;
    let heading = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
    Ok(Told {
        title: format!("{heading}: {}", state.phase.word()),
        heading,
        said: sentence(run),
        html: html.into(),
        over: state.phase.is_over(),
    })
}

/// The changesets of the page: where they do not fit, what is under way or failed comes before what is not.
fn shown<'a>(run: &'a Run, progress: &'a Progress) -> Vec<&'a str> {
    let all = run.state.planned.as_ref().unwrap_or(&run.state.done);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    if all.len() <= MOST {
        return all;
    }
    let done: BTreeSet<&str> = run.state.done.iter().map(String::as_str).collect();
    let is_under_way = |id: &&str| progress.step(id).is_some();
    let (done, left): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|id| done.contains(id));
    let (first, next): (Vec<&str>, Vec<&str>) = left.into_iter().partition(is_under_way);
    [first, next, done].concat()
}

fn row<'a>(run: &Run, progress: &'a Progress, id: &'a str) -> Row<'a> {
    let step = progress.step(id);
    let is_over = run.state.phase.is_over();
    let (part, of) = step.and_then(|step| step.part).filter(|(part, of)| part <= of).unwrap_or_default();
    let took = step.and_then(|step| step.done).flatten();
    let tag = match step {
        // the ledger says what is done
        None if run.state.planned.is_none() => Tag::new("good", "done"),
        None if is_over => Tag::new("none", "not begun"),
        None => Tag::new("none", "to do"),
        Some(step) if step.done.is_some() => Tag::new("good", "done"),
        Some(step) if step.failed.is_some() => Tag::new("bad", "failed"),
        Some(_) if is_over => Tag::new("warn", "stopped"),
        Some(step) if step.waits.is_some() => Tag::new("warn", "waits"),
        Some(_) => Tag::new("next", "running"),
    };
    Row {
        href: words::changeset(&run.environment, id),
        changeset: id,
        tag,
        doing: step.and_then(|step| step.doing.as_deref()).filter(|_| !is_over),
        part,
        of: if is_over { 0 } else { of },
        waits: step.and_then(|step| step.waits.as_deref()).filter(|_| !is_over),
        blockers: step.filter(|_| !is_over).map_or(&[], |step| &step.blockers),
        told: took
            .map(|ms| format!("took {}", short(ms)))
            .or_else(|| step.and_then(|step| step.failed.clone()).filter(|_| !is_over)),
    }
}

fn of_failed<'a>(run: &Run, step: &'a FailedStep, wording: Wording) -> Failed<'a> {
    let error = &step.error;
    Failed {
        href: words::changeset(&run.environment, &step.changeset),
        changeset: &step.changeset,
        message: &error.message,
        sqlstate: &error.sqlstate,
        place: error.location.as_ref().map(ToString::to_string),
        detail: error.detail.as_deref(),
        hint: error.hint.as_deref(),
        statement: error.statement.as_deref(),
        blockers: &error.blockers,
        state: &step.state,
        todo: step.todo.as_ref().map(wording),
    }
}

/// A phase with its colour.
pub(super) fn tag(phase: Phase) -> Tag {
    let class = match phase {
        Phase::Running => "next",
        Phase::Done => "good",
        Phase::Failed | Phase::Terminated | Phase::Refused => "bad",
        Phase::Waiting | Phase::Interrupted => "warn",
        Phase::Queued | Phase::Preparing => "none",
    };
    Tag::new(class, phase.word())
}

/// How far it is, in a sentence.
fn sentence(run: &Run) -> String {
    let state = &run.state;
    let steps =
        run.steps.map_or_else(|| count(run.done_steps, "step"), |of| format!("{} of {of} steps", run.done_steps));
    let waits = state.waits_for.as_ref().map_or_else(String::new, |what| format!(" {what}."));
    match state.phase {
        Phase::Queued => "Waits for the end of another run.".to_owned(),
        Phase::Preparing => format!("Prepares: compiles the plan, asks the gates, looks at the database.{waits}"),
        Phase::Waiting => format!("Waits.{waits}"),
        Phase::Running => format!("Runs: {steps} done.{waits}"),
        Phase::Done if state.run.is_none() => "Done: there was nothing to run.".to_owned(),
        Phase::Done => format!("Done: {}{}.", count(run.done_steps, "step"), took(run)),
        Phase::Failed => format!("Failed: {steps} done. The next run continues."),
        Phase::Interrupted => format!("Interrupted: {steps} done. The next run continues."),
        Phase::Terminated => format!("Ended without a result: {steps} done. The next run continues."),
        Phase::Refused => "Refused: nothing was run.".to_owned(),
    }
}

fn took(run: &Run) -> String {
    let times = run.state.started_at.zip(run.state.finished_at);
    let took = times.and_then(|(began, ended)| u64::try_from(ended - began).ok());
    took.map_or_else(String::new, |ms| format!(" in {}", short(ms)))
}
