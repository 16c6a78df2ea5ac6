//! `POST /rollback`: takes changesets back.

use super::asking::{Asking, QUERY, with_headers};
use super::names::resolve;
use crate::base::Failure;
use crate::plan::rollback::Target as Which;
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::{Kind, PROBLEM, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::What;
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// What to roll back: `version`, `changesets` or `last_run`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rollback {
    /// Everything that was applied after this changeset.
    #[serde(default)]
    version: Option<String>,
    /// These changesets.
    #[serde(default)]
    changesets: Option<Vec<String>>,
    /// With `changesets`: whether to roll back those that depend on them too.
    #[serde(default)]
    cascade: bool,
    /// Everything that the last run applied.
    #[serde(default)]
    last_run: bool,
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
struct RolledBack<'a> {
    /// `done`; of a run that goes on `queued`, `preparing`, `waiting` or `running`.
    status: &'static str,
    /// The id of the request, which is in the history.
    id: &'a str,
    /// The id of the run in the ledger; absent while it has not begun, and if nothing was to be run.
    run: Option<&'a str>,
    /// The environment.
    environment: &'a str,
    /// The changesets that were rolled back, in order.
    rolled_back: &'a [String],
}

pub(super) const ROLLBACK: Route = Route {
    method: Method::Post,
    path: "/rollback",
    name: "rollback",
    about: "Rolls changesets back with the SQL that was stored when they were applied.",
    guard: Guard::Api(Role::Run),
    query: QUERY,
    body: Body::Json { schema: of::<Rollback>, empty: false },
    patience: Patience::Handler,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<RolledBack<'static>>) },
        Reply { status: 202, media: JSON, schema: Some(of::<RolledBack<'static>>) },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 409, media: PROBLEM, schema: None },
        Reply { status: 422, media: PROBLEM, schema: None },
        Reply { status: 500, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: rollback,
};

fn rollback<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let asked: Rollback = exchange.object()?;
        let cascade = asked.cascade;
        let which = asked.which()?;
        let aim = service.aim(exchange)?;
        let asking = Asking::of(exchange, &aim.environment)?;
        let place = aim.clone();
        let what = async {
            let which = service.work(move || Box::pin(async move { named(&place, which).await })).await?;
            Ok(What::Rollback { which, cascade })
        };
        let (run, is_repeated) = asking.ask(service, exchange, aim, what).await?;
        let answer = Answer::json(&RolledBack {
            status: run.state.phase.word(),
            id: &run.id,
            run: run.state.run.as_deref(),
            environment: &run.environment,
            rolled_back: &run.state.done,
        });
        Ok(with_headers(answer, &run, is_repeated))
    })
}

impl Rollback {
    fn which(self) -> Result<Which, Problem> {
        let Self { version, changesets, cascade, last_run } = self;
        if cascade && changesets.is_none() {
            return Err(Problem::new(Kind::BadRequest, "`cascade` is only for `changesets`"));
        }
        match (version, changesets, last_run) {
            (Some(version), None, false) => Ok(Which::To(version)),
            (None, Some(ids), false) if !ids.is_empty() => Ok(Which::Ids(ids)),
            (None, None, true) => Ok(Which::LastRun),
            _ => {
                Err(Problem::new(Kind::BadRequest, "the body must have one of `version`, `changesets` and `last_run`")
                    .remedy("`{\"version\": ID}` rolls back everything that was applied after this changeset"))
            }
        }
    }
}

/// With the ids of the ledger in place of names.
async fn named(aim: &Aim, which: Which) -> Result<Which, Failure> {
    if matches!(which, Which::LastRun | Which::All) {
        return Ok(which);
    }
    let target = aim.target().await?;
    let db = target.connect(&mut ()).await?;
    let history = db.history().await?;
    db.close().await?;
    let known: Vec<(&str, Vec<&str>)> = history.changesets.keys().map(|id| (id.as_str(), Vec::new())).collect();
    let id = |name: String| resolve(&known, &name).map(str::to_owned);
    Ok(match which {
        Which::To(name) => Which::To(id(name)?),
        Which::Ids(names) => Which::Ids(names.into_iter().map(id).collect::<Result<_, _>>()?),
        Which::LastRun | Which::All => which,
    })
}
