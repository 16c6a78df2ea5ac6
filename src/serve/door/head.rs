//! The way of a request: what it means, who asks, whether he may, and only then what it carries.

use super::access::Access;
use super::content::Content;
use super::shared::Door;
use super::{body, path, reply};
use crate::ops::now;
use crate::serve::answer::Answer;
use crate::serve::caller::{Caller, RequestId};
use crate::serve::exchange::{Exchange, Head, Peer, Query, Visit, environment};
use crate::serve::noting;
use crate::serve::page;
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Found, Guard, Method, Patience, Route, find};
use crate::serve::who::{Hosts, Session, origin};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response, Version};
use std::time::{Duration, Instant};

/// The parameter of paths that names a sealed plan.
const DIGEST: &str = "digest";

/// Answers a request.
///
/// # Errors
/// The system has no random numbers: the connection ends.
pub async fn handle(door: &Door, peer: Peer, request: Request<Incoming>) -> Result<Response<Content>, std::io::Error> {
    let id = RequestId::new().ok_or_else(|| std::io::Error::other("no random numbers"))?;
    let (parts, body) = request.into_parts();
    let (method, began) = (parts.method.as_str().to_owned(), Instant::now());
    let mut access =
        Access { id, proxy_id: None, peer, method, route: "-", caller: None, refusal: None, began, is_page: false };
    let outcome = answer(door, &parts, body, &mut access).await;
    access.refusal = outcome.as_ref().err().map(Problem::code);
    let outcome = match outcome {
        Err(problem) if access.is_page => Ok(refused(&parts, &access, &problem)),
        outcome => outcome,
    };
    let status = outcome.as_ref().map_or_else(Problem::status, |answer| answer.status);
    let response = reply::response(outcome, &access.id, door.is_https);
    let bytes = hyper::body::Body::size_hint(response.body()).exact().unwrap_or_default();
    access.log(status, usize::try_from(bytes).unwrap_or(usize::MAX));
    let route = (access.route != "-").then_some(access.route);
    let took = access.began.elapsed();
    door.service.metrics.http.answered(route, &access.method, status, took, access.refusal);
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
    let guard = if let Found::Route(route, _) = &found { Some(route.guard) } else { None };
    access.is_page = match guard {
        Some(guard) => guard.is_page(),
        None => access.method == "GET" && head.one("accept").is_some_and(|accept| accept.contains("text/html")),
    };
    let mut session = None;
    if access.is_page {
        // a stranger's name server may say that its name is this machine
        door.hosts.check(host.as_deref())?;
        session = service.sessions.shown(&head, now());
    }
    if guard == Some(Guard::Visitor) {
        service.who.admit(None, access.peer)?;
    } else if guard != Some(Guard::Open) {
        access.caller = identify(door, &head, access, session.as_ref()).await?;
        service.who.admit(access.caller.as_ref(), access.peer)?;
        // a cookie is shown with every request, as a proxy's word is
        let is_ambient = session.is_some() || access.caller.as_ref().is_none_or(|caller| caller.way.is_ambient());
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
    if let Guard::Api(role) | Guard::Page(role) = route.guard {
        if let Some(caller) = access.caller.as_ref().filter(|caller| !caller.may(role)) {
            let detail = format!("this needs the role `{}`", role.word());
            let query = Query::parse(parts.uri.query().unwrap_or_default()).unwrap_or_default();
            let digest = parameters.iter().find(|(name, _)| *name == DIGEST).map(|(_, value)| value.as_str());
            note(door, route, (caller, &access.id), (environment(&parameters, &query), digest), &detail);
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
    for parameter in route.query {
        query.get(parameter.name).map_or(Ok(()), |value| parameter.check(value))?;
    }
    if let (Some(caller), Some(name)) = (&access.caller, environment(&parameters, &query)) {
        service.aim_at(Some(name), caller, &access.id)?;
    }
    if route.body.is_form() && !origin::is_own(&head, host.as_deref(), door.is_https) {
        return Err(Problem::new(Kind::OriginRefused, "the form was not sent by a page of this service"));
    }
    if let Body::Text { media, .. } = route.body {
        body::check_media(&head, media)?;
    }
    let usual = u64::from(service.limits.body.bytes);
    let _large = match route.body {
        Body::Text { .. } | Body::FormWithPlan => Some(service.large().await?),
        Body::None | Body::Json { .. } | Body::Form => None,
    };
    let body = match route.body {
        Body::None => Bytes::new(),
        Body::Json { empty, .. } => {
            let body = body::read(body, &head, usual, &service.limits).await?;
            if body.is_empty() && !empty {
                return Err(Problem::new(Kind::BadRequest, "the request has no body"));
            }
            body
        }
        Body::Form => body::read(body, &head, usual, &service.limits).await?,
        Body::Text { most, .. } => body::read(body, &head, most(&service.limits), &service.limits).await?,
        Body::FormWithPlan => {
            // each byte of a field may be three in a form
            let most = u64::from(service.limits.plan.bytes) * 3;
            body::read(body, &head, most, &service.limits).await?
        }
    };
    let (id, peer) = (access.id.clone(), access.peer);
    let (head, caller) = (head.without_credentials(), access.caller.clone());
    let mut exchange = Exchange { route: route.name, parameters, query, head, body, caller, id, peer, visit: None };
    if route.guard.is_page() {
        visit(door, route, &mut exchange, (host.as_deref(), session.as_ref())).await?;
        access.caller.clone_from(&exchange.caller);
    }
    let handled = (route.handler)(service, &exchange);
    let answer = match route.patience {
        Patience::Handler => handled.await,
        Patience::Request => {
            let limit = Duration::from_millis(service.limits.request_time.millis);
            tokio::time::timeout(limit, handled).await.unwrap_or_else(|_| Err(Problem::slow()))
        }
    };
    // what the body asks for may need another role than the path
    if let (Err(problem), Some(caller)) = (&answer, &exchange.caller)
        && problem.is(Kind::Forbidden)
    {
        let digest = Some(exchange.parameter(DIGEST)).filter(|digest| !digest.is_empty());
        note(door, route, (caller, &exchange.id), (exchange.environment(), digest), problem.detail());
    }
    answer
}

/// Notes that a caller may not do something, in the ledger of the environment that he means and sees; with the digest of a
/// plan, where the path has one.
fn note(
    door: &Door,
    route: &Route,
    (caller, id): (&Caller, &RequestId),
    (environment, digest): (Option<&str>, Option<&str>),
    why: &str,
) {
    if route.has_environment()
        && let Ok(aim) = door.service.aim_at(environment, caller, id)
    {
        noting::note(&door.service, route.name, (caller, digest), aim, why);
    }
}

/// Who asks: pages have sessions, which nothing else takes.
async fn identify(
    door: &Door,
    head: &Head,
    access: &Access,
    session: Option<&Session>,
) -> Result<Option<Caller>, Problem> {
    let who = &door.service.who;
    // what a request shows itself counts first: a proxy may have signed somebody else in
    match (who.identify(head, access.peer).await?, session) {
        (None, Some(session)) => who.resume(session, access.peer),
        (found, _) => Ok(found),
    }
}

/// What a page has beside: its form token, and at the login who somebody shows to be.
async fn visit(
    door: &Door,
    route: &Route,
    exchange: &mut Exchange,
    (host, session): (Option<&str>, Option<&Session>),
) -> Result<(), Problem> {
    let sessions = &door.service.sessions;
    let is_near = exchange.peer.address.is_none_or(|address| address.is_loopback());
    let is_private = door.is_https || is_near && host.is_some_and(is_local);
    let mut visit = Visit { is_private, ends: session.map(|session| session.expires), ..Visit::default() };
    let is_form = route.body.is_form();
    if let Some(caller) = &exchange.caller {
        let bucket = caller.bucket();
        visit.form_token = sessions.form_token(&bucket, session);
        let shown = || Ok(exchange.form()?.get("form_token").unwrap_or_default().to_owned());
        if is_form && !sessions.is_form_token(&shown()?, &bucket, session) {
            let detail = "the form is of another session; open the page again";
            return Err(Problem::new(Kind::OriginRefused, detail));
        }
    } else if is_form && visit.is_private {
        let form = exchange.form()?;
        let who = &door.service.who;
        match who.by_text(Some(form.get("token").unwrap_or_default().trim()), exchange.peer).await {
            Ok(caller) => {
                visit.proof = who.proof(&caller);
                exchange.caller = Some(caller);
            }
            Err(problem) => visit.refused = Some(problem),
        }
    }
    exchange.visit = Some(visit);
    Ok(())
}

/// Whether a host is this machine for the browser.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

/// A problem as a page; who is not known is sent to the login, and from there to where he wanted to go.
fn refused(parts: &Parts, access: &Access, problem: &Problem) -> Answer {
    let head = |name: &str| parts.headers.get(name).is_some_and(|value| value == "cross-site");
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    match problem.status() {
        // a session's cookie is not sent with a link on another site: the page's own request has it
        401 if access.method == "GET" && head("sec-fetch-site") => page::again(),
        401 if access.method == "GET" => Answer::see(page::login_for(wanted)),
        // what a form has is gone, and its path is no page
        401 if access.method == "POST" => Answer::see(page::login_for("/")),
        _ => page::problem(problem, access.id.as_str()),
    }
}
