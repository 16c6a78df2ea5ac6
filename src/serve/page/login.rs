//! The login: who shows what the API would accept gets a session of the pages.

use super::layout;
use super::made::part;
use crate::ops::now;
use crate::serve::answer::{Answer, HTML};
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::page::words::encoded;
use crate::serve::parameter::{Form, Parameter};
use crate::serve::problem::{Kind, Problem};
use crate::serve::route::{Body, Guard, Handling, Method, Patience, Reply, Route};
use crate::serve::service::Service;
use serde_json::json;
use std::rc::Rc;

pub(super) const ASKED: Route = Route {
    method: Method::Get,
    path: "/login",
    name: "loginPage",
    about: "The form of the login.",
    guard: Guard::Visitor,
    query: &[Parameter { name: "to", about: "The page to go to.", form: Form::Text }],
    body: Body::None,
    patience: Patience::Request,
    replies: &[Reply { status: 200, media: HTML, schema: None }],
    handler: |_, exchange| Box::pin(async { asked(exchange, exchange.query.get("to"), None) }),
};

pub(super) const SHOWN: Route = Route {
    method: Method::Post,
    path: "/login",
    name: "login",
    about: "Begins a session of the pages.",
    guard: Guard::Visitor,
    query: &[],
    body: Body::Form,
    patience: Patience::Request,
    replies: &[Reply { status: 303, media: HTML, schema: None }],
    handler: shown,
};

pub(super) const LOGOUT: Route = Route {
    method: Method::Post,
    path: "/logout",
    name: "logout",
    about: "Ends the session.",
    guard: Guard::Page(Role::Read),
    query: &[],
    body: Body::Form,
    patience: Patience::Request,
    replies: &[Reply { status: 303, media: HTML, schema: None }],
    handler: |service, _| Box::pin(async { Ok(Answer::see("/login").header("set-cookie", service.sessions.end())) }),
};

/// The path of the login for somebody who wants to go there.
#[must_use]
pub fn login_for(wanted: &str) -> String {
    if wanted == "/" { "/login".to_owned() } else { format!("/login?to={}", encoded(wanted)) }
}

/// A page of this service: nothing that leads elsewhere.
fn inside(wanted: Option<&str>) -> &str {
    let fine = |wanted: &&str| {
        wanted.starts_with('/')
            && !wanted.starts_with("//")
            && wanted.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
            && !wanted.starts_with("/log")
    };
    wanted.filter(fine).unwrap_or("/")
}

fn asked(exchange: &Exchange, to: Option<&str>, refused: Option<&Problem>) -> Result<Answer, Problem> {
    let is_private = exchange.visit.as_ref().is_some_and(|visit| visit.is_private);
    let why = match refused.map(Problem::status) {
        None => "",
        Some(429) => "There were too many attempts from this address; wait a minute.",
        Some(503) => "This cannot be checked now; try again in a minute.",
        Some(_) => "This is not accepted: it is wrong, or it has expired.",
    };
    let values = json!({"to": inside(to), "why": why, "is_private": is_private});
    let status = refused.map_or(200, Problem::status);
    let page = layout::bare("Login", part("login", &values))?.status(status);
    Ok(match refused.and_then(Problem::retry_after) {
        Some(after) => page.header("retry-after", after),
        None => page,
    })
}

fn shown<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let form = exchange.form()?;
        let visit = exchange.visit.clone().unwrap_or_default();
        let Some(proof) = visit.proof else {
            let refused = visit.refused.unwrap_or_else(Problem::unauthenticated);
            let refused = if visit.is_private { refused } else { Problem::new(Kind::Forbidden, "without TLS") };
            return asked(exchange, form.get("to"), Some(&refused));
        };
        let until = exchange.caller.as_ref().and_then(|caller| caller.expires);
        let cookie = service.sessions.begin(proof, now(), until);
        let cookie = cookie.map_err(|failure| Problem::of(&failure, service.wording))?;
        Ok(Answer::see(inside(form.get("to"))).header("set-cookie", cookie))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_leads_nowhere_else() {
        for fine in ["/", "/e/a%20b?x=1"] {
            assert_eq!(inside(Some(fine)), fine);
        }
        for wrong in ["", "//evil.org", "/\\evil.org", "https://evil.org", "/a\r\nb", "/login", "/logout", "e"] {
            assert_eq!(inside(Some(wrong)), "/", "{wrong}");
        }
        assert_eq!(
            (login_for("/"), login_for("/e/a?b=c")),
            ("/login".to_owned(), "/login?to=%2Fe%2Fa%3Fb%3Dc".to_owned())
        );
    }
}
