//! The routes as an OpenAPI document: whatever routes there are, and the schemas of their answers.

use super::accept::essence;
use super::details::ProblemDetails;
use super::problem::PROBLEM;
use super::route::{Body, Guard, Patience, Reply, Route};
use super::routes::ROUTES;
use crate::source::schema::answers::{Answer, kept_at, of};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Where schemas are kept.
const SCHEMAS: &str = "#/components/schemas/";

/// The statuses of problems: the name of the answer, and what it means.
const PROBLEMS: &[(u16, &str, &str)] = &[
    (400, "BadRequest", "The request is not valid."),
    (401, "Unauthenticated", "The caller is not known. Every path has this same answer."),
    (403, "Forbidden", "The caller has not the role that this needs, or a rule refuses it."),
    (404, "NotFound", "It does not exist, or the caller may not see it."),
    (406, "NotAcceptable", "There is no answer of a type that `Accept` takes."),
    (408, "BodyTimeout", "The body did not arrive in time."),
    (409, "Conflict", "The database differs from what is expected, or another run is in progress."),
    (413, "TooLarge", "The body is too large."),
    (415, "UnsupportedMedia", "The body is compressed, or of another type."),
    (421, "Misdirected", "A request without credentials names another host."),
    (422, "Unprocessable", "The project's files have errors, or a review has findings."),
    (429, "TooManyRequests", "Too many requests."),
    (500, "Failed", "A statement or check failed, or the service made a mistake."),
    (503, "Unavailable", "The database cannot be used, or the service has too much to do or stops."),
    (504, "Slow", "The answer takes too long."),
];

/// The parameters of paths, by the part before them.
const IN_PATHS: &[(&str, &str)] = &[
    ("environments", "The environment."),
    ("changesets", "The id of the changeset; a slash in it is written `%2F`."),
    ("runs", "The id of the run: that of the request, or that in the ledger."),
    ("plans", "The digest of the sealed plan."),
];

/// The headers that routes read, beside those of every request: the name of the route, the header, whether it is
/// required, what it says.
const HEADERS: &[(&str, &str, bool, &str)] = &[
    ("migrate", "Idempotency-Key", false, KEY),
    ("migrate", "Prefer", false, PREFER),
    ("rollback", "Idempotency-Key", false, KEY),
    ("rollback", "Prefer", false, PREFER),
    ("run", "Idempotency-Key", true, KEY),
    ("rollBack", "Idempotency-Key", true, KEY),
    ("promote", "Idempotency-Key", true, KEY),
    ("runPlan", "Idempotency-Key", true, KEY),
    ("runEvents", "Last-Event-ID", false, LAST),
];

const KEY: &str = "A key of this request: a request that comes again with the same key is the same run.";
const LAST: &str = "The id of the last event that was read: the stream begins after it.";
const PREFER: &str = "`respond-async`: the answer does not wait for the end of the run.";

/// The document of all routes, as JSON.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| crate::report::json::pretty(&document(ROUTES)));
    &TEXT
}

/// The document of these routes.
#[must_use]
pub fn document(tables: &[&[Route]]) -> Value {
    let routes: Vec<&Route> =
        tables.iter().flat_map(|table| table.iter()).filter(|route| !route.guard.is_page()).collect();
    // each schema of an answer has a name of its own here; references to definitions replace it below
    let mut named: Vec<(String, [Answer; 1])> = vec![("problem".to_owned(), [of::<ProblemDetails>])];
    for route in &routes {
        let schemas = route.replies.iter().enumerate().filter_map(|(at, reply)| Some((at, reply.schema?)));
        named.extend(schemas.map(|(at, schema)| (key(route, at), [schema])));
    }
    let rows: Vec<(&str, &[Answer])> =
        named.iter().map(|(name, answers)| (name.as_str(), answers.as_slice())).collect();
    let (mut answers, definitions) = kept_at(SCHEMAS, &rows);
    let mut answer = |name: &str| answers.get_mut(name).map(|any| any["anyOf"][0].take()).unwrap_or_default();
    let problem = answer("problem");
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let replies = route.replies.iter().enumerate().map(|(at, reply)| {
            let schema = reply.schema.map(|_| answer(&key(route, at)));
            (reply, schema)
        });
        let replies: Vec<_> = replies.collect();
        let operation = operation(route, replies);
        paths.entry(route.path).or_default().insert(route.method.word().to_lowercase(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "dagmar serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Migrations of PostgreSQL over HTTP. Every error is a problem of RFC 9457.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }],
        "tags": [
            { "name": "api", "description": "The API." },
            { "name": "scripts", "description": "Routes of scripts that run migrations over HTTP, and of probes." },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A token, the secret of the service, or a token of a trusted issuer." },
            },
            "headers": {
                "RequestId": {
                    "description": "The id of the request, which the log has too.",
                    "schema": { "type": "string" },
                },
            },
            "responses": problems(&problem),
            "schemas": definitions,
        },
    })
}

/// The name of a schema of an answer.
fn key(route: &Route, at: usize) -> String {
    format!("{} {at}", route.name)
}

/// The problems, as answers that operations refer to.
fn problems(schema: &Value) -> Map<String, Value> {
    let one = |&(status, name, about): &(u16, &str, &str)| {
        let mut headers = Map::from_iter([("X-Request-Id".to_owned(), request_id())]);
        let text = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
        match status {
            401 => _ = headers.insert("WWW-Authenticate".to_owned(), text("How a caller shows who he is.")),
            429 | 503 => _ = headers.insert("Retry-After".to_owned(), text("When to ask again, in seconds.")),
            _ => {}
        }
        let content = json!({ PROBLEM: { "schema": schema } });
        (name.to_owned(), json!({ "description": about, "headers": headers, "content": content }))
    };
    PROBLEMS.iter().map(one).collect()
}

fn request_id() -> Value {
    json!({ "$ref": "#/components/headers/RequestId" })
}

fn operation(route: &Route, replies: Vec<(&Reply, Option<Value>)>) -> Value {
    let is_api = route.path.starts_with("/api/");
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), route.name.into());
    operation.insert("tags".to_owned(), json!([if is_api { "api" } else { "scripts" }]));
    operation.insert("summary".to_owned(), first_sentence(route.about).into());
    match route.guard {
        Guard::Open => {
            operation.insert("description".to_owned(), format!("{} Everybody may ask.", route.about).into());
            operation.insert("security".to_owned(), json!([]));
        }
        // pages are no part of the API
        Guard::Page(_) | Guard::Visitor => {}
        Guard::Api(role) => {
            let about = format!("{} Needs the role `{}`.", route.about, role.word());
            operation.insert("description".to_owned(), about.into());
            operation.insert("x-dagmar-role".to_owned(), role.word().into());
        }
    }
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if let Body::Json { schema, empty } = route.body {
        let mut settings = SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        let schema = schema(&mut settings.into_generator()).to_value();
        let content = json!({ "application/json": { "schema": plain(schema) } });
        operation.insert("requestBody".to_owned(), json!({ "required": !empty, "content": content }));
    }
    if let Body::Text { media, .. } = route.body {
        let content = json!({ media: { "schema": undescribed(media) } });
        operation.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    operation.insert("responses".to_owned(), responses(route, replies).into());
    operation.into()
}

/// A request's schema without formats of numbers, which no standard has, and with comments as lines of text.
fn plain(mut schema: Value) -> Value {
    fn walk(schema: &mut Value) {
        match schema {
            Value::Array(list) => list.iter_mut().for_each(walk),
            Value::Object(map) => {
                map.remove("format");
                if let Some(Value::String(text)) = map.get_mut("description") {
                    *text = text.replace('\n', " ");
                }
                map.values_mut().for_each(walk);
            }
            _ => {}
        }
    }
    walk(&mut schema);
    schema
}

fn parameters(route: &Route) -> Vec<Value> {
    let parts = route.path.split('/').zip(route.path.split('/').skip(1));
    let in_path = parts.filter_map(|(before, part)| Some((before, part.strip_prefix('{')?.strip_suffix('}')?)));
    let in_path = in_path.map(|(before, name)| {
        let about = IN_PATHS.iter().find(|(known, _)| *known == before).map_or("", |(_, about)| about);
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": about,
            "schema": { "type": "string", "minLength": 1 },
        })
    });
    let in_query = route.query.iter().map(|parameter| {
        let mut one = json!({
            "name": parameter.name,
            "in": "query",
            "required": false,
            "description": parameter.about,
            "schema": parameter.schema(),
        });
        if one["schema"]["type"] == "array" {
            // with commas
            one["style"] = "form".into();
            one["explode"] = false.into();
        }
        one
    });
    let in_headers = HEADERS.iter().filter(|(name, ..)| *name == route.name).map(|(_, name, required, about)| {
        json!({
            "name": name,
            "in": "header",
            "required": required,
            "description": about,
            "schema": { "type": "string" },
        })
    });
    in_path.chain(in_query).chain(in_headers).collect()
}

/// What a route may answer: what it says itself, and what every route of its guard may answer.
fn responses(route: &Route, replies: Vec<(&Reply, Option<Value>)>) -> Map<String, Value> {
    let mut statuses: BTreeSet<u16> = BTreeSet::from([400]);
    if let Guard::Api(_) = route.guard {
        statuses.extend([401, 403, 421, 429, 500, 503]);
    }
    if route.patience == Patience::Request {
        statuses.insert(504);
    }
    if let Body::Json { .. } | Body::Text { .. } = route.body {
        statuses.extend([408, 413, 415]);
    }
    let mut responses: BTreeMap<u16, Value> = BTreeMap::new();
    for (reply, schema) in replies {
        if reply.media == PROBLEM {
            statuses.insert(reply.status);
            continue;
        }
        let response = responses.entry(reply.status).or_insert_with(|| {
            let about = match reply.status {
                201 => "It is stored.",
                202 => "It goes on; this is what is known so far.",
                _ => "The answer.",
            };
            json!({ "description": about, "headers": { "X-Request-Id": request_id() }, "content": {} })
        });
        let schema = schema.unwrap_or_else(|| undescribed(reply.media));
        response["content"][essence(reply.media)] = json!({ "schema": schema });
    }
    for status in statuses {
        let name = PROBLEMS.iter().find(|(known, ..)| *known == status).map_or("Failed", |(_, name, _)| name);
        responses.insert(status, json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect()
}

/// The schema of a text that has none of its own.
fn undescribed(media: &str) -> Value {
    json!({ "type": if essence(media).ends_with("+json") { "object" } else { "string" } })
}

fn first_sentence(text: &str) -> String {
    match text.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => text.to_owned(),
    }
}
