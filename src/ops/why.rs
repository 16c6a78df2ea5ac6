//! Why a changeset is, or is not yet, in an environment.

use super::changeset::find;
use super::gates::{Gates, Overrides};
use super::promotion::PromotionSource;
use super::{RunSource, Target};
use crate::base::{Failure, FailureKind, Operation, Remedy, Setting, Wording, diag::nearest, time};
use crate::gate;
use crate::history::{History, RecordedStatus};
use crate::pg::Database;
use crate::pg::ledger::read;
use crate::pipeline::View;
use crate::plan::reasons::{self, Case, LastEvent, Reason};
use crate::plan::renamed;
use crate::plan::states::{State, states};
use crate::report::FailureAnswer;
use crate::run::Observer;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The reasons why a changeset is, or is not, applied in an environment.
#[derive(Debug, Clone)]
pub struct Why {
    /// The environment.
    pub environment: String,
    /// The id of the changeset.
    pub changeset: String,
    /// The state; `None`: the changeset is not in the files.
    pub state: Option<&'static str>,
    /// The state, in words.
    pub is: &'static str,
    /// The reasons.
    pub reasons: Vec<Reason>,
    /// The conclusion, as a sentence.
    pub verdict: Remedy,
    /// The problems of the files, if the answer comes from the ledger alone.
    pub broken: Option<Failure>,
}

/// Why a changeset is, or is not yet, in an environment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Why")]
pub struct WhyAnswer<'a> {
    /// The environment.
    environment: &'a str,
    /// The id of the changeset.
    changeset: &'a str,
    /// Its state; null: the files do not say.
    #[schemars(with = "Option<State>")]
    state: Option<&'static str>,
    /// The reasons.
    reasons: Vec<ReasonAnswer<'a>>,
    /// What follows from them, in a sentence.
    verdict: String,
    /// The same as text and operations; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict_parts: Option<&'a Remedy>,
    /// What is wrong with the files, so that only the ledger could be asked.
    #[serde(flatten)]
    broken: Option<FailureAnswer<'a>>,
}

/// One reason.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Reason")]
struct ReasonAnswer<'a> {
    /// What kind of reason it is: `environments`, `edited`, `held`, `skipped`, `failed`,
    /// `partly`, `dependency`, `soak`, `ledger`, `gate`.
    kind: &'static str,
    /// The changeset whose it is: the one that was asked for, or one that it needs.
    changeset: &'a str,
    /// The reason, in a sentence.
    message: &'a str,
    /// Until when, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<&'a str>,
    /// What is to be done; absent: nothing but to wait, or what another reason says.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
    /// The same as text, operations and options; absent: it is text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo_parts: Option<&'a Remedy>,
    /// By whom, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<&'a str>,
}

impl Why {
    /// For programs.
    #[must_use]
    pub fn answer<'a>(&'a self, wording: Wording) -> WhyAnswer<'a> {
        let reason = |reason: &'a Reason| ReasonAnswer {
            kind: reason.kind,
            changeset: &reason.changeset,
            message: &reason.message,
            until: reason.until.as_deref(),
            todo: reason.todo.as_ref().map(wording),
            todo_parts: reason.todo.as_ref().and_then(Remedy::named),
            who: reason.who.as_deref(),
        };
        WhyAnswer {
            environment: &self.environment,
            changeset: &self.changeset,
            state: self.state,
            reasons: self.reasons.iter().map(reason).collect(),
            verdict: wording(&self.verdict),
            verdict_parts: self.verdict.named(),
            broken: self.broken.as_ref().map(|failure| FailureAnswer::of(failure, wording)),
        }
    }
}

/// Finds the reasons, and changes nothing. The environment that comes before is asked if it may be.
///
/// # Errors
/// If neither the files nor the ledger have the changeset, or the server cannot be reached.
pub async fn why(
    target: &Target,
    id: &str,
    may_be_asked: &dyn Fn(&str) -> bool,
    observer: &mut dyn Observer,
) -> Result<Why, Failure> {
    let mut source = match RunSource::files(target, &[]) {
        Ok(source) => source,
        // what the ledger has of it is known all the same
        Err(failure) if failure.kind == FailureKind::Source => {
            return recorded(target, id, Unknown::Broken(failure), observer).await;
        }
        Err(failure) => return Err(failure),
    };
    let position = match source.view().map(|view| find(view, id)) {
        Some(Some(position)) => position,
        Some(None) => {
            let files = source.view().into_iter().flat_map(|view| &view.changelog.changesets);
            let ids = files.map(|c| c.id.clone()).collect();
            return recorded(target, id, Unknown::NotInFiles(ids), observer).await;
        }
        None => return Err(Failure::new(FailureKind::Internal, "files have a view")),
    };
    source.select([position].into());
    let Some(view) = source.view() else { return Err(Failure::new(FailureKind::Internal, "files have a view")) };
    let id = view.changelog.changesets[position].id.clone();
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    let history = history.with_new_ids(&renamed(&view.changelog, &history)).into_owned();
    let last = last(target, &db, view, &history, position).await?;
    let gates = match history.status(&id) {
        Some(RecordedStatus::Applied) => Vec::new(),
        _ => gates(target, &db, (&source, may_be_asked), &history, &id, observer).await,
    };
    db.close().await?;
    let environment = target.environment.as_str();
    let sources = &target.workspace().loaded.sources;
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
    reasons.extend(bound_elsewhere(target, &history, &id));
    reasons.extend(gates);
    let verdict = reasons::verdict(&case, &reasons);
    let state = case.rows.get(id.as_str()).map(|row| row.state);
    let (state, is) = (state.map(|state| state.word()), state.map_or("pending", |state| state.words()));
    Ok(Why { environment: environment.to_owned(), state, is, reasons, verdict, broken: None, changeset: id })
}

/// Why the files do not say what a changeset is.
enum Unknown {
    /// They have errors.
    Broken(Failure),
    /// They do not have it; the ids that they have.
    NotInFiles(Vec<String>),
}

/// The reasons from the ledger alone.
async fn recorded(target: &Target, id: &str, unknown: Unknown, observer: &mut dyn Observer) -> Result<Why, Failure> {
    let db = target.connect(observer).await?;
    let history = db.history().await?;
    db.close().await?;
    let Some(recorded) = history.changesets.get(id) else {
        return Err(match unknown {
            Unknown::Broken(failure) => failure,
            Unknown::NotInFiles(ids) => {
                let known = ids.iter().chain(history.changesets.keys()).map(String::as_str);
                let help = match nearest(id, known) {
                    Some(near) => format!("did you mean `{near}`?").into(),
                    None => Operation::Status + " shows all of them",
                };
                Failure::new(FailureKind::Usage, format!("the changeset `{id}` does not exist")).help(help)
            }
        });
    };
    let failure = match unknown {
        Unknown::Broken(failure) => Some(failure),
        Unknown::NotInFiles(_) => None,
    };
    let (env, broken) = (&target.environment, failure.is_some());
    let is_missing = !broken && recorded.status == RecordedStatus::Applied;
    let word = if is_missing { "missing" } else { recorded.status.word() };
    let at = time::rfc3339(recorded.applied_at);
    let message = match recorded.status {
        RecordedStatus::Applied => format!("applied at {at} by {}", recorded.applied_by),
        _ => format!("{word} since {at}, by {}", recorded.applied_by),
    };
    let message = if broken { message } else { format!("{message}, and no file contains it any more") };
    let todo = (!broken).then(|| "restore its file; or " + Operation::Rollback.on(id).at(env) + " rolls it back");
    let verdict = if broken { "fix the errors in the files to see what blocks it" } else { "it will not run" };
    let reason = Reason { kind: "missing", changeset: id.to_owned(), message, until: None, todo, who: None };
    Ok(Why {
        environment: env.clone(),
        changeset: id.to_owned(),
        state: Some(word),
        is: word,
        reasons: vec![reason],
        verdict: verdict.into(),
        broken: failure,
    })
}

/// The gates that keep it back. An environment before that cannot be asked is said so.
async fn gates(
    target: &Target,
    db: &Database,
    (source, may_be_asked): (&RunSource<'_>, &dyn Fn(&str) -> bool),
    history: &History,
    id: &str,
    observer: &mut dyn Observer,
) -> Vec<Reason> {
    let reason = |message: String, todo: Option<Remedy>| Reason {
        kind: "gate",
        changeset: id.to_owned(),
        message,
        until: None,
        todo,
        who: None,
    };
    let mut reasons = Vec::new();
    let mut from = None;
    let before = target.config().and_then(|environment| environment.promote_from.as_deref());
    if let Some(before) = before.filter(|before| may_be_asked(before)) {
        let asked = match target.of(before) {
            Ok(there) => PromotionSource::connect(there, observer).await,
            Err(why) => Err(why),
        };
        match asked {
            Ok(source) => from = Some(source),
            Err(why) => reasons.push(reason(format!("`{before}` cannot be queried: {}", why.message), why.help)),
        }
    }
    let none = Overrides::default();
    let Ok(mut gates) = Gates::new(target, source, &none, from) else { return reasons };
    // what cannot be compiled is said by the other reasons
    if let Ok(plan) = gates.compile(db, history).await
        && let Ok(judgement) = gates.judge(db, &plan).await
    {
        let unmet = judgement.verdicts.into_iter().filter(|verdict| verdict.status == gate::GateStatus::Unmet);
        reasons.extend(unmet.map(|v| reason(format!("the gate `{}`: {}", v.gate, v.reason), v.remedy)));
    }
    let _ = gates.close().await;
    reasons
}

/// The last that happened to what is held, skipped, failed or half done.
async fn last(
    target: &Target,
    db: &Database,
    view: &View<'_>,
    history: &History,
    position: usize,
) -> Result<BTreeMap<String, LastEvent>, Failure> {
    let mut found = BTreeMap::new();
    for id in reasons::wanted(&view.graph, history, &view.changelog, position) {
        let last = read::Filter { changeset: Some(id.clone()), limit: 1, ..read::Filter::default() };
        let events = read::events(&db.connection, &db.server, history.version, target.ledger(), &last).await?;
        for event in events {
            let by = match event.by {
                Some(by) => format!("{by} (role {})", event.db_user),
                None => event.db_user,
            };
            found.insert(id.clone(), LastEvent { by, at: event.at });
        }
    }
    Ok(found)
}

fn bound_elsewhere(target: &Target, history: &History, id: &str) -> Option<Reason> {
    let other = target.bound_elsewhere(history)?;
    Some(Reason {
        kind: "ledger",
        changeset: id.to_owned(),
        message: format!(
            "the ledger of this database belongs to `{other}`: nothing is run for `{}`",
            target.environment
        ),
        until: None,
        todo: Some(
            Operation::Adopt.at(&target.environment).with(Setting::Reason.open())
                + ", if the database is the right one",
        ),
        who: None,
    })
}
