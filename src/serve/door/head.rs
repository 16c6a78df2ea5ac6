//! The way of a request: what it means, who asks, whether he may, and only then what it carries.

use super::access::Access;
use super::shared::Door;
use super::{body, path, reply};
use crate::serve::answer::Answer;
use crate::serve::caller::RequestId;
use crate::serve::exchange::{Exchange, Head, Peer, Query, environment};
use crate::serve::noting;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Found, Guard, Method, Patience, Route, find};
use crate::serve::who::{Hosts, origin};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response, Version};
use std::time::{Duration, Instant};

/// Answers a request.
///
/// # Errors
/// The system has no random numbers: the connection ends.
pub async fn handle(
    door: &Door,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let id = RequestId::new().ok_or_else(|| std::io::Error::other("no random numbers"))?;
    let (parts, body) = request.into_parts();
    let (method, began) = (parts.method.as_str().to_owned(), Instant::now());
    let mut access = Access { id, proxy_id: None, peer, method, route: "-", caller: None, refusal: None, began };
    let outcome = answer(door, &parts, body, &mut access).await;
    let status = outcome.as_ref().map_or_else(Problem::status, |answer| answer.status);
    access.refusal = outcome.as_ref().err().map(Problem::code);
    let response = reply::response(outcome, &access.id, door.is_https);
    let bytes = hyper::body::Body::size_hint(response.body()).exact().unwrap_or_default();
    access.log(status, usize::try_from(bytes).unwrap_or(usize::MAX));
    Ok(response)
}

/// Whether a proxy may call a request so.
fn is_id(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

async fn answer(door: &Door, parts: &Parts, body: Incoming, access: &mut Access) -> Result<Answer, Problem> {
    let service = &door.service;
    let head = Head::of(parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    access.peer = service.who.client(&head, access.peer);
    access.proxy_id = head.one("x-request-id").filter(|id| access.peer.is_proxied && is_id(id)).map(str::to_owned);
    let host = Hosts::named(&head, parts.version <= Version::HTTP_10)?;
    let found = path::segments(parts.uri.path()).map_or(Found::Nothing, |at| find(door.routes, &access.method, &at));
    if !matches!(found, Found::Route(Route { guard: Guard::Open, .. }, _)) {
        access.caller = service.who.identify(&head, access.peer).await?;
        service.who.admit(access.caller.as_ref(), access.peer)?;
        let is_ambient = access.caller.as_ref().is_none_or(|caller| caller.way.is_ambient());
        if is_ambient {
            door.hosts.check(host.as_deref())?;
        }
        // a foreign page may have a browser send what a proxy then signs
        if is_ambient && access.caller.is_some() && Method::of(&access.method) != Some(Method::Get) {
            let detail = "the request was not sent by a page of this service: its `Origin` is another one";
            if !origin::is_own(&head, host.as_deref(), door.is_https) {
                return Err(Problem::new(Kind::OriginRefused, detail));
            }
        }
        if access.caller.is_none() {
            // the same answer whether the path exists or not
            return Err(Problem::unauthenticated());
        }
    }
    let (route, parameters) = match found {
        Found::Route(route, parameters) => (route, parameters),
        Found::Methods(methods) => {
            let detail = format!("the path takes {methods}");
            return Err(Problem::new(Kind::MethodNotAllowed, detail).header("allow", methods));
        }
        Found::Nothing => return Err(Problem::new(Kind::NotFound, "there is no such path")),
    };
    access.route = route.name;
    if let Guard::Api(role) = route.guard {
        if let Some(caller) = access.caller.as_ref().filter(|caller| !caller.may(role)) {
            let detail = format!("this needs the role `{}`", role.word());
            let query = Query::parse(parts.uri.query().unwrap_or_default()).unwrap_or_default();
            let is_of_one = route.has_environment().then(|| environment(&parameters, &query));
            if let Some(Ok(aim)) = is_of_one.map(|name| service.aim_at(name, caller, &access.id)) {
                noting::note(service, route.name, caller, aim, &detail);
            }
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        if service.is_stopping() {
            return Err(Problem::new(Kind::Stopping, "the service stops").header("retry-after", "5"));
        }
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default())?;
    if let Some(unknown) = query.names().find(|name| !route.query.iter().any(|parameter| parameter.name == *name)) {
        let known: Vec<&str> = route.query.iter().map(|parameter| parameter.name).collect();
        let remedy = if known.is_empty() { "it has none".to_owned() } else { format!("it has: {}", known.join(", ")) };
        return Err(Problem::new(Kind::BadRequest, format!("the path has no parameter `{unknown}`")).remedy(remedy));
    }
    if let (Some(caller), Some(name)) = (&access.caller, environment(&parameters, &query)) {
        service.aim_at(Some(name), caller, &access.id)?;
    }
    let body = match route.body {
        Body::None => Bytes::new(),
        Body::Json { empty, .. } => {
            let body = body::read(body, &head, &service.limits).await?;
            if body.is_empty() && !empty {
                return Err(Problem::new(Kind::BadRequest, "the request has no body"));
            }
            body
        }
    };
    let (id, peer) = (access.id.clone(), access.peer);
    let (head, caller) = (head.without_credentials(), access.caller.clone());
    let exchange = Exchange { route: route.name, parameters, query, head, body, caller, id, peer };
    let handled = (route.handler)(service, &exchange);
    match route.patience {
        Patience::Handler => handled.await,
        Patience::Request => {
            let limit = Duration::from_millis(service.limits.request_time.millis);
            tokio::time::timeout(limit, handled).await.unwrap_or_else(|_| Err(Problem::slow()))
        }
    }
}
