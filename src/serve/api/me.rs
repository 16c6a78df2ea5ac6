//! `GET /api/v1/me`: who asks, and what he may do.

use super::reading::READING;
use crate::base::time::rfc3339;
use crate::serve::answer::Answer;
use crate::serve::caller::Role;
use crate::serve::exchange::Exchange;
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use crate::source::schema::answers::of;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Who asks, and what he may do.
#[derive(Debug, Serialize, JsonSchema)]
struct Me<'a> {
    /// The name of the person or program.
    person: &'a str,
    /// How he showed who he is: `secret`, `token`, `oidc`, `proxy`.
    way: &'static str,
    /// The address of the client; null: it came through the Unix socket.
    address: Option<String>,
    /// What he may do: `read`, `plan`, `approve`, `run`, `admin`.
    roles: Vec<&'static str>,
    /// The environments that he may see; null: all.
    environments: Option<BTreeSet<String>>,
    /// Until when he may, as RFC 3339; null: without an end, or as long as a proxy says so.
    expires: Option<String>,
}

pub(super) const ME: Route = Route {
    path: "/api/v1/me",
    name: "me",
    about: "Who asks, and what he may do.",
    replies: &[Reply::json(of::<Me<'static>>)],
    handler: answer,
    ..READING
};

fn answer<'a>(service: &'a Rc<Service>, exchange: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let caller = exchange.caller()?;
        let roles = Role::ALL.into_iter().filter(|role| caller.may(*role));
        Ok(Answer::json(&Me {
            person: &caller.person,
            way: caller.way.word(),
            address: caller.address.map(|address| address.to_string()),
            roles: roles.map(Role::word).collect(),
            environments: service.seen_by(caller),
            expires: caller.expires.map(rfc3339),
        }))
    })
}
