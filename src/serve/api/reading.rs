//! What the routes that read have in common.

use crate::base::percent::encoded;
use crate::base::{Failure, Wording};
use crate::serve::aim::Aim;
use crate::serve::answer::Answer;
use crate::serve::caller::Role;
use crate::serve::desk::Local;
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Method, Patience, Route};
use crate::serve::service::Service;
use serde_json::Value;
use std::collections::BTreeSet;

/// A route that reads, without what makes it one of its own.
pub(super) const READING: Route = Route {
    method: Method::Get,
    path: "",
    name: "",
    about: "",
    guard: Guard::Api(Role::Read),
    query: &[],
    body: Body::None,
    patience: Patience::Request,
    replies: &[],
    handler: |_, _| Box::pin(async { Err(not_found("the answer")) }),
};

/// The most items of a page.
pub(super) const MOST: i64 = 500;

/// The items of a page whose size is not said.
pub(super) const USUAL: u32 = 100;

/// How many items a page has.
pub(super) const LIMIT: Parameter = Parameter {
    name: "limit",
    about: "How many items a page has; default: 100.",
    form: Form::Number { least: 1, most: MOST },
};

/// Changesets by selectors.
pub(super) const SELECT: Parameter = Parameter {
    name: "select",
    about: "Only these changesets: `id`, `+id` (with dependencies), `id+` (with dependents), `label:x`; several with \
            commas.",
    form: Form::Texts,
};

/// What a read comes to: an answer or a problem of the request; a failure of the operation.
pub(super) type Read = Result<Result<Answer, Problem>, Failure>;

/// Reads on a desk, together with all who ask the same meanwhile.
pub(super) async fn read(
    service: &Service,
    exchange: &Exchange,
    work: impl FnOnce(Aim, Wording) -> Local<Read> + Send + 'static,
) -> Result<Answer, Problem> {
    together(service, exchange, (service.aim(exchange)?, exchange.detail()), work).await
}

/// The same where the answer depends on who asks.
pub(super) async fn read_for(
    service: &Service,
    exchange: &Exchange,
    work: impl FnOnce(Aim, Wording) -> Local<Read> + Send + 'static,
) -> Result<Answer, Problem> {
    together(service, exchange, (service.aim(exchange)?, detail_for(exchange)?), work).await
}

/// The same where the answer is about all environments that the caller sees; he may see others than the default one.
pub(super) async fn read_project(
    service: &Service,
    exchange: &Exchange,
    work: impl FnOnce(Aim, Wording) -> Local<Read> + Send + 'static,
) -> Result<Answer, Problem> {
    let aim = service.aim_at_default(exchange.caller()?.actor(&exchange.id));
    together(service, exchange, (aim, detail_for(exchange)?), work).await
}

fn detail_for(exchange: &Exchange) -> Result<String, Problem> {
    let caller = exchange.caller()?;
    let who = format!("{} {:?} {:?} {:?}", caller.bucket(), caller.address, caller.environments, caller.groups);
    Ok(format!("{who} {}", exchange.detail()))
}

async fn together(
    service: &Service,
    exchange: &Exchange,
    (aim, detail): (Aim, String),
    work: impl FnOnce(Aim, Wording) -> Local<Read> + Send + 'static,
) -> Result<Answer, Problem> {
    let wording = service.wording;
    let key = Key { what: exchange.route, environment: aim.environment.clone(), detail };
    let told = move |read: Read| read.unwrap_or_else(|failure| Err(Problem::of(&failure, wording)));
    service.read(key, move || Box::pin(async move { told(work(aim, wording).await) })).await
}

/// Whether a caller who sees these environments sees this one; `None`: he sees all.
pub(super) fn is_in(seen: Option<&BTreeSet<String>>, name: &str) -> bool {
    seen.is_none_or(|seen| seen.contains(name))
}

/// A policy without the environment that it names as `promoteFrom`, unless the caller sees that.
pub(super) fn without_hidden(mut policy: Value, sees: impl Fn(&str) -> bool) -> Value {
    if policy.get("promoteFrom").and_then(Value::as_str).is_some_and(|from| !sees(from))
        && let Some(map) = policy.as_object_mut()
    {
        map.remove("promoteFrom");
    }
    policy
}

/// There is none.
pub(super) fn not_found(what: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("{what} does not exist"))
}

/// With the address of the next page, for programs that follow `Link`.
pub(super) fn followed(answer: Answer, exchange: &Exchange, route: &Route, name: &str, next: Option<&str>) -> Answer {
    let Some(next) = next else { return answer };
    let mut path = route.path.to_owned();
    for (name, value) in &exchange.parameters {
        path = path.replace(&format!("{{{name}}}"), &encoded(value));
    }
    let kept = exchange.query.pairs().filter(|(other, _)| *other != name);
    let pairs: Vec<String> =
        kept.chain([(name, next)]).map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    answer.header("link", format!("<{path}?{}>; rel=\"next\"", pairs.join("&")))
}
