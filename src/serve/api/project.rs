//! `GET /api/v1/project`, `POST /api/v1/project/reload` and `GET /api/v1/environments`: the project as it was read.

use super::control::Nothing;
use super::reading::{READING, is_in, read_project, without_hidden};
use crate::base::time::rfc3339;
use crate::ops::about::commit;
use crate::ops::address::EMBEDDED;
use crate::plan::Commit;
use crate::report::diag::{self, Problem};
use crate::serve::answer::Answer;
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::route::{Body, Guard, Handling, Method, Reply, Route};
use crate::serve::service::Service;
use crate::source::Address;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::rc::Rc;

/// The project as the service read it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Project {
    /// The name of its folder.
    name: String,
    /// When it was read, as RFC 3339 in UTC.
    read_at: String,
    /// The commit that is checked out in its folder now; null: it is in no Git repository.
    commit: Option<Commit>,
    /// The version of dagmar.
    version: &'static str,
    /// The problems of its files that hold for every environment.
    problems: Vec<Problem>,
}

/// The environments of the project.
#[derive(Debug, Serialize, JsonSchema)]
struct Environments {
    /// The environments, in the order of promotion.
    environments: Vec<Environment>,
}

/// An environment of the project.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EnvironmentConfiguration")]
struct Environment {
    /// The name.
    name: String,
    /// True for the environment of requests that name none.
    default: bool,
    /// The environment from which changesets are promoted to it; null: none.
    promote_from: Option<String>,
    /// Where its connection comes from: `url`, `urlCommand`, `urlFile`, `embedded`, `given` (to the service), `none`.
    connection: &'static str,
    /// Its policy in dagmar.yaml.
    policy: Value,
}

pub(super) const PROJECT: Route = Route {
    path: "/api/v1/project",
    name: "project",
    about: "The project as the service read it, with the problems of its files.",
    replies: &[Reply::json(of::<Project>)],
    handler: project,
    ..READING
};

fn project<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let read_at = rfc3339(service.reading.at());
        let answer = read_project(service, exchange, move |aim, wording| {
            Box::pin(async move {
                let loaded = &aim.project.workspace().loaded;
                let problems = loaded.sources.locate(loaded.problems.clone());
                let name = loaded.root.canonicalize().unwrap_or_else(|_| loaded.root.clone());
                Ok(Ok(Answer::json(&Project {
                    name: name.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    read_at,
                    commit: commit(&loaded.root),
                    version: env!("CARGO_PKG_VERSION"),
                    problems: diag::entries(&problems, wording),
                })))
            })
        });
        answer.await
    })
}

pub(super) const RELOAD: Route = Route {
    method: Method::Post,
    path: "/api/v1/project/reload",
    name: "reload",
    about: "Reads the project and the certificate again, as SIGHUP does. A project with mistakes in dagmar.yaml is not taken \
            over: the service keeps what it has.",
    guard: Guard::Api(Role::Admin),
    body: Body::Json { schema: of::<Nothing>, empty: true },
    replies: &[Reply::json(of::<Project>), Reply::problem(422)],
    handler: reload,
    ..READING
};

fn reload<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let Nothing {} = exchange.object()?;
        service.read_again().await?;
        project(service, exchange).await
    })
}

pub(super) const ENVIRONMENTS: Route = Route {
    path: "/api/v1/environments",
    name: "environments",
    about: "The environments of the project, with their policies. No answer has a connection's address.",
    replies: &[Reply::json(of::<Environments>)],
    handler: environments,
    ..READING
};

fn environments<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let seen = service.seen_by(exchange.caller()?);
        let answer = read_project(service, exchange, move |aim, _| {
            Box::pin(async move {
                let own = aim.project.target(aim.spec.clone(), aim.actor.clone())?;
                let config = &aim.project.workspace().loaded.config;
                let mut names: Vec<&str> = config.environment_list.iter().map(|(name, _)| name.as_str()).collect();
                if !names.contains(&aim.environment.as_str()) {
                    names.push(&aim.environment);
                }
                let sees = |name: &str| is_in(seen.as_ref(), name);
                names.retain(|name| sees(name));
                let mut environments = Vec::new();
                for name in names {
                    let target = own.or_of(name)?;
                    let configured = target.config();
                    environments.push(Environment {
                        name: name.to_owned(),
                        default: name == aim.environment,
                        promote_from: configured
                            .and_then(|environment| environment.promote_from.clone())
                            .filter(|from| sees(from)),
                        connection: match configured.and_then(|environment| environment.address()) {
                            _ if target.has_url() => "given",
                            Some(Address::Url(EMBEDDED)) => "embedded",
                            Some(Address::Url(_)) => "url",
                            Some(Address::Command(..)) => "urlCommand",
                            Some(Address::File(_)) => "urlFile",
                            None => "none",
                        },
                        policy: without_hidden(target.policy(), sees),
                    });
                }
                Ok(Ok(Answer::json(&Environments { environments })))
            })
        });
        answer.await
    })
}
