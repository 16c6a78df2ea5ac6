//! `…/runs`: starts a run, and shows the runs of an environment, whoever has carried them out.

use super::known::{Known, find, one};
use super::reading::{LIMIT, USUAL, followed, read};
use super::starting::{How, STARTING, start};
use crate::base::{Failure, Granularity};
use crate::history::RunKind;
use crate::ops::runs;
use crate::pg::ledger::runs::{RecordedPhase, RunFilter};
use crate::pg::run::OnFailure;
use crate::plan::Destructive;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::PROBLEM;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::past::recorded;
use crate::serve::runs::view::RunView;
use crate::serve::runs::{IfBusy, Phase, Registry, Run, What};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::rc::Rc;

/// The run of what is pending.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RunRequest {
    /// The digest of the plan that was shown, with its database and the states of its gates.
    digest: String,
    /// Only these changesets: `id`, `+id` (with dependencies), `id+` (with dependents), `label:x`; empty: all.
    #[serde(default)]
    select: Vec<String>,
    /// The maximum number of connections that run steps concurrently, from 1 to 64; absent: that of the environment.
    #[serde(default)]
    jobs: Option<u16>,
    /// What happens to running steps when a step fails; no new step starts either way.
    #[serde(default)]
    on_failure: OnFailure,
    /// What one transaction holds; absent: that of the environment.
    #[serde(default)]
    transaction: Option<Granularity>,
    /// What happens if another run is in progress.
    #[serde(default)]
    if_busy: IfBusy,
    /// The gates to override; needs the role `admin` and a reason.
    #[serde(default)]
    overrides: Vec<String>,
    /// The hazards to allow, in addition to those that the environment allows; needs the role `admin`.
    #[serde(default)]
    allow: Vec<Destructive>,
    /// The reason of overrides; the history keeps it.
    #[serde(default)]
    reason: Option<String>,
    /// Whether to run even if the preflight reports errors; needs the role `admin`.
    #[serde(default)]
    skip_preflight: bool,
}

/// The runs of an environment.
#[derive(Debug, Serialize, JsonSchema)]
struct Runs<'a> {
    /// The environment.
    environment: &'a str,
    /// The runs, the latest first. The first page begins with those of this process that are not in the ledger: they
    /// have not begun, or nothing was run.
    runs: Vec<RunView<'a>>,
    /// `before` of the next page; null: there is none.
    next: Option<String>,
}

/// The parameter that says where a page begins.
const BEFORE: &str = "before";

/// A moment that no run comes after, in microseconds since 1970.
const LATEST: i64 = 9_000_000_000_000_000;

pub(super) const START: Route = Route {
    path: "/api/v1/environments/{environment}/runs",
    name: "run",
    about: "Applies what is pending, as it was previewed. The answer comes when the run has begun; it goes on without \
            its client. Needs the header `Idempotency-Key`.",
    body: Body::Json { schema: of::<RunRequest>, empty: false },
    handler: post,
    ..STARTING
};

pub(super) const RUNS: Route = Route {
    method: Method::Get,
    path: "/api/v1/environments/{environment}/runs",
    name: "runs",
    about: "The runs of an environment, of all services and command lines, the latest first.",
    guard: Guard::Api(Role::Read),
    query: &[
        Parameter {
            name: "kind",
            about: "Only runs of this kind.",
            form: Form::OneOf(|| RunKind::ALL.map(RunKind::word).to_vec()),
        },
        Parameter {
            name: "status",
            about: "Only runs in this phase.",
            form: Form::OneOf(|| Phase::ALL.map(Phase::word).to_vec()),
        },
        Parameter {
            name: BEFORE,
            about: "Only runs before this place: `next` of the page before.",
            form: Form::Number { least: 0, most: LATEST },
        },
        LIMIT,
    ],
    body: Body::None,
    patience: Patience::Request,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Runs<'static>>) },
        Reply { status: 400, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: list,
};

pub(super) const RUN: Route = Route {
    method: Method::Get,
    path: "/api/v1/environments/{environment}/runs/{run}",
    name: "oneRun",
    about: "A run, by the id of its request or by its id in the ledger.",
    guard: Guard::Api(Role::Read),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<RunView<'static>>) },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: get,
};

fn post<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let request: RunRequest = exchange.object()?;
        let what = What::Apply { select: request.select.clone() };
        let wish = request.how().wish(what, exchange.caller()?)?;
        start(service, exchange, wish).await
    })
}

impl RunRequest {
    fn how(self) -> How {
        How {
            digest: self.digest,
            jobs: self.jobs,
            on_failure: self.on_failure,
            transaction: self.transaction,
            if_busy: self.if_busy,
            overrides: self.overrides,
            allow: self.allow,
            reason: self.reason,
            skip_preflight: self.skip_preflight,
        }
    }
}

fn get<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let aim = service.aim(exchange)?;
        let run = match find(service, &aim, exchange.parameter(RUN_ID)) {
            Known::Here(live) => Run::of(&live),
            Known::Elsewhere(name) => one(service, &aim, name).await?,
        };
        Ok(Answer::json(&run.view(service.wording, true)))
    })
}

/// The parameter of a path that names a run.
pub(super) const RUN_ID: &str = "run";

/// Which runs are shown.
#[derive(Clone)]
pub(in crate::serve) struct Wanted {
    /// Of this kind.
    pub kind: Option<RunKind>,
    /// In this phase.
    pub phase: Option<Phase>,
    /// Before this place.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl Wanted {
    fn of(exchange: &Exchange) -> Self {
        let query = &exchange.query;
        let word = query.get("status");
        Self {
            kind: query.get("kind").and_then(RunKind::from_word),
            phase: Phase::ALL.into_iter().find(|phase| Some(phase.word()) == word),
            before: query.number(BEFORE),
            limit: query.number("limit").unwrap_or(USUAL),
        }
    }

    fn fits(&self, run: &Run) -> bool {
        self.kind.is_none_or(|kind| run.kind == Some(kind)) && self.phase.is_none_or(|phase| run.state.phase == phase)
    }
}

fn list<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let (registry, wanted, asked) = (service.runs.clone(), Wanted::of(exchange), exchange.clone());
        let look = move |aim: Aim, wording| async move {
            let (found, next) = page(&aim, &registry, &wanted).await?;
            let (environment, runs) = (&aim.environment, found.iter().map(|run| run.view(wording, false)).collect());
            let answer = Answer::json(&Runs { environment, runs, next: next.clone() });
            Ok(Ok(followed(answer, &asked, &RUNS, BEFORE, next.as_deref())))
        };
        read(service, exchange, move |aim, wording| Box::pin(look(aim, wording))).await
    })
}

/// The runs of a page, and where the next one begins.
///
/// # Errors
/// The ledger cannot be read.
pub(in crate::serve) async fn page(
    aim: &Aim,
    registry: &Registry,
    wanted: &Wanted,
) -> Result<(Vec<Run>, Option<String>), Failure> {
    // before the ledger is read: a run that begins meanwhile is in one of both
    let here: Vec<Run> = registry.all(&aim.environment).iter().map(|live| Run::of(live)).collect();
    let mut rows = match wanted.phase.map(|phase| RecordedPhase::of(phase.word())) {
        // what has not begun is in no ledger
        Some(None) => Vec::new(),
        phase => {
            let limit = wanted.limit + 1;
            let filter = RunFilter { kind: wanted.kind, phase: phase.flatten(), before: wanted.before, limit };
            runs::runs(&aim.target().await?, &filter, &mut ()).await?
        }
    };
    let is_last = rows.len() <= wanted.limit as usize;
    rows.truncate(wanted.limit as usize);
    let next = rows.last().filter(|_| !is_last).map(|run| run.cursor.to_string());
    let recorded: Vec<Run> = rows.into_iter().map(|row| recorded(&aim.environment, row)).collect();
    let only_here = here.iter().filter(|run| run.state.run.is_none() && wanted.before.is_none() && wanted.fits(run));
    // one that has begun since is in the ledger too
    let only_here = only_here.filter(|run| recorded.iter().all(|row| row.id != run.id)).cloned();
    let own = |row: &Run| here.iter().find(|run| run.id == row.id && wanted.fits(run)).cloned();
    let mut all: Vec<Run> =
        only_here.chain(recorded.iter().map(|row| own(row).unwrap_or_else(|| row.clone()))).collect();
    // what was refused is between those that ran
    all.sort_by_key(|run| Reverse(run.state.asked_at.or(run.state.started_at)));
    Ok((all, next))
}
