//! `POST /migrate`: applies what is pending.

use super::asking::{Asking, QUERY, with_headers};
use super::names::resolve;
use crate::base::Failure;
use crate::plan::{Blocked, Waiting};
use crate::serve::aim::Aim;
use crate::serve::answer::{Answer, JSON};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::problem::PROBLEM;
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::runs::What;
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// What to apply.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Migrate {
    /// The changeset to apply, with those that it depends on; absent: everything that is pending.
    #[serde(default)]
    migration_name: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Migrated<'a> {
    /// `done`; of a run that goes on `queued`, `preparing`, `waiting` or `running`.
    status: &'static str,
    /// The id of the request, which is in the history.
    id: &'a str,
    /// The id of the run in the ledger; absent while it has not begun, and if nothing was to be run.
    run: Option<&'a str>,
    /// The environment.
    environment: &'a str,
    /// The applied changesets, in order.
    applied: &'a [String],
    /// Changesets that wait for a soak time.
    waiting: &'a [Waiting],
    /// Changesets that cannot run because a dependency waits, is held or failed.
    blocked: &'a [Blocked],
}

pub(super) const MIGRATE: Route = Route {
    method: Method::Post,
    path: "/migrate",
    name: "migrate",
    about: "Applies everything that is pending, or one changeset with those that it depends on.",
    guard: Guard::Api(Role::Run),
    query: QUERY,
    body: Body::Json { schema: of::<Migrate>, empty: true },
    patience: Patience::Handler,
    replies: &[
        Reply { status: 200, media: JSON, schema: Some(of::<Migrated<'static>>) },
        Reply { status: 202, media: JSON, schema: Some(of::<Migrated<'static>>) },
        Reply { status: 403, media: PROBLEM, schema: None },
        Reply { status: 404, media: PROBLEM, schema: None },
        Reply { status: 409, media: PROBLEM, schema: None },
        Reply { status: 422, media: PROBLEM, schema: None },
        Reply { status: 500, media: PROBLEM, schema: None },
        Reply { status: 503, media: PROBLEM, schema: None },
    ],
    handler: migrate,
};

fn migrate<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let Migrate { migration_name } = exchange.object()?;
        let aim = service.aim(exchange)?;
        let asking = Asking::of(exchange, &aim.environment)?;
        let place = aim.clone();
        let what = async {
            let select = match migration_name {
                None => Vec::new(),
                Some(name) => {
                    vec![service.work(move || Box::pin(async move { selector(&place, &name).await })).await?]
                }
            };
            Ok(What::Apply { select })
        };
        let (run, is_repeated) = asking.ask(service, exchange, aim, what).await?;
        let answer = Answer::json(&Migrated {
            status: run.state.phase.word(),
            id: &run.id,
            run: run.state.run.as_deref(),
            environment: &run.environment,
            applied: &run.state.done,
            waiting: &run.state.waiting,
            blocked: &run.state.blocked,
        });
        Ok(with_headers(answer, &run, is_repeated))
    })
}

/// The selector of a changeset with those that it depends on.
async fn selector(aim: &Aim, name: &str) -> Result<String, Failure> {
    let target = aim.target().await?;
    let view = target.view()?;
    let known: Vec<(&str, Vec<&str>)> = view
        .changelog
        .changesets
        .iter()
        .map(|changeset| (changeset.id.as_str(), changeset.aka.iter().map(|alias| alias.id.as_str()).collect()))
        .collect();
    resolve(&known, name).map(|id| format!("+{id}"))
}
