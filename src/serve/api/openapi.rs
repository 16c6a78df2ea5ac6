//! `GET /api/v1/openapi.json`: the description of all routes.

use super::reading::READING;
use crate::serve::answer::{Answer, JSON};
use crate::serve::exchange::Exchange;
use crate::serve::flights::Key;
use crate::serve::route::{Handling, Reply, Route};
use crate::serve::service::Service;
use schemars::{Schema, SchemaGenerator, json_schema};
use std::rc::Rc;

pub(super) const OPENAPI: Route = Route {
    path: "/api/v1/openapi.json",
    name: "openapi",
    about: "This description of all routes, as OpenAPI 3.1.",
    replies: &[Reply::json(document)],
    handler: answer,
    ..READING
};

fn document(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "description": "An OpenAPI document.", "type": "object" })
}

fn answer<'a>(service: &'a Rc<Service>, _: &'a Exchange) -> Handling<'a> {
    Box::pin(async {
        let text = service.document;
        // it is made once, and that takes its time
        let key = Key { what: OPENAPI.name, environment: String::new(), detail: String::new() };
        service.read(key, move || Box::pin(async move { Ok(Answer::new(200, JSON, text())) })).await
    })
}
