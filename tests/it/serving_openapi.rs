//! The service describes itself: every route, every parameter, every field of every answer.

use crate::support::tokens::Tokens;
use crate::support::{
    Database, Described, SECRET, Service, Three, bearer, is_of_plans, is_of_runs, project, sql, table, until,
};
use dagmar::base::Role;
use dagmar::serve::route::{Body, Guard};
use dagmar::serve::routes::ROUTES;
use dagmar::serve::{openapi, reference};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// `BLESS=1 cargo nextest run serving_openapi` writes the files.
#[test]
fn the_document_and_its_page_are_current() {
    let text = openapi::text();
    let page = reference::markdown(&serde_json::from_str(text).unwrap());
    for (path, text) in [("schema/openapi.json", text), ("docs/service-api.md", &page)] {
        if std::env::var_os("BLESS").is_some() {
            fs::write(path, text).unwrap();
        }
        let there = fs::read_to_string(path).unwrap_or_default();
        assert!(there == text, "{path} is old: BLESS=1 cargo nextest run serving_openapi");
    }
}

#[test]
fn every_route_is_described() {
    let described = Described::new();
    let document = &described.document;
    let mut operations = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        operations.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    // pages are no part of it
    let routes = || ROUTES.iter().flat_map(|table| table.iter()).filter(|route| !route.guard.is_page());
    let known: BTreeSet<String> =
        routes().map(|route| format!("{} {}", route.method.word().to_lowercase(), route.path)).collect();
    assert_eq!(operations, known);
    for route in routes() {
        let operation = &document["paths"][route.path][route.method.word().to_lowercase()];
        assert_eq!(operation["operationId"], route.name);
        assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{operation}");
        let given = operation["parameters"].as_array().cloned().unwrap_or_default();
        let names = |place: &str| -> Vec<String> {
            let own = given.iter().filter(|one| one["in"] == place);
            own.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
        };
        let query: Vec<&str> = route.query.iter().map(|parameter| parameter.name).collect();
        assert_eq!(names("query"), query, "{}", route.path);
        let path: Vec<String> = names("path").iter().map(|name| format!("{{{name}}}")).collect();
        assert_eq!(path, route.path.split('/').filter(|part| part.starts_with('{')).collect::<Vec<_>>());
        for one in &given {
            assert!(!one["description"].as_str().unwrap().is_empty() && one["schema"]["type"].is_string(), "{one}");
            assert!(one["in"] == "header" || one["required"] == json!(one["in"] == "path"), "{one}");
        }
        assert_eq!(operation["requestBody"].is_object(), matches!(route.body, Body::Json { .. } | Body::Text { .. }));
        let is_open = matches!(route.guard, Guard::Open);
        assert_eq!(operation["security"], if is_open { json!([]) } else { Value::Null }, "{}", route.path);
        let statuses: BTreeSet<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        if !is_open {
            assert!(["400", "401", "403", "429", "500", "503"].iter().all(|s| statuses.contains(s)), "{path:?}");
            assert!(["200", "201"].iter().any(|s| statuses.contains(s)), "{path:?}");
        }
        // where there is a place in the path, it may be none
        assert!(!route.path.contains('{') || statuses.contains("404"), "{}", route.path);
        for reply in route.replies {
            assert!(statuses.contains(reply.status.to_string().as_str()), "{} {}", route.path, reply.status);
        }
    }
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

/// Every field says what it is, no object takes others, and every reference leads somewhere.
#[test]
fn every_field_is_described() {
    fn walk(described: &Described, place: &str, value: &Value, references: &mut usize) {
        match value {
            Value::Array(list) => list.iter().for_each(|item| walk(described, place, item, references)),
            Value::Object(map) => {
                if map.contains_key("$ref") {
                    assert!(described.there(value).is_object(), "{place}");
                    *references += 1;
                }
                let is_schema = place.contains("schema");
                if let Some(Value::Object(properties)) = map.get("properties").filter(|_| is_schema) {
                    for (name, property) in properties {
                        let is_said = property["description"].is_string() || property.get("const").is_some();
                        assert!(is_said, "{place}: {name}: {property}");
                    }
                }
                map.iter().for_each(|(key, value)| walk(described, &format!("{place}/{key}"), value, references));
            }
            _ => {}
        }
    }
    let described = Described::new();
    let mut references = 0;
    walk(&described, "", &described.document, &mut references);
    assert!(references > 100, "{references}");
    let schemas = described.document["components"]["schemas"].as_object().unwrap();
    for name in ["ProblemDetails", "PlanPreview", "ChangesetDetail", "EventPage", "Me"] {
        let schema = &schemas[name];
        let closed = [&schema["additionalProperties"], &schema["unevaluatedProperties"]].contains(&&json!(false));
        assert!(closed, "{name}: {schema:#}");
    }
}

fn three() -> Three {
    let three = Three::new(
        "",
        &[
            table("a").with("author", "anna").with("labels", ["core"].as_slice()),
            table("b").depends_on(["a"]),
            sql("c", "SELECT 1/0", "SELECT 1").depends_on(["b"]),
            table("d/1").environments(["production"]),
        ],
    );
    three.run(&["apply", "--env", "dev", "--select", "+b"]).ok();
    three.run(&["apply", "--env", "dev", "--select", "c"]).fails(8);
    three.run(&["rollback", "b", "--cascade", "--env", "dev"]).ok();
    three
}

fn service(three: &Three, args: &[&str]) -> Service {
    let mut command = three.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
    command.env("DAGMAR_SECRET", SECRET);
    Service::run(command)
}

#[test]
fn every_answer_is_as_described() {
    let three = three();
    let mut tokens = Tokens::default();
    let admin = tokens.add("admin", &Role::ALL, |_| ());
    tokens.write(&three.project);
    let service = service(&three, &[]);
    let mut described = Described::new();
    let reload = service.ask("POST", "/api/v1/project/reload", &admin);
    assert_eq!(reload.status, 200, "{reload:?}");
    described.check("POST", "/api/v1/project/reload", &reload);
    let mut get = |path: &str, status: u16| {
        let reply = service.get(path);
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        described.check("GET", path, &reply);
        reply
    };
    for path in ["openapi.json", "me", "project", "environments", "checks", "checks?environment=production"] {
        get(&format!("/api/v1/{path}"), 200);
    }
    for format in ["json", "html", "markdown", "text"] {
        get(&format!("/api/v1/matrix?format={format}"), 200);
    }
    for format in ["json", "sarif", "markdown"] {
        get(&format!("/api/v1/lint?environment=staging&format={format}"), 200);
    }
    assert_eq!(get("/api/v1/lint?failOn=low", 422).code(), "findings");
    get("/api/v1/lint?failOn=worst", 400);
    get("/api/v1/lint?select=nothing", 400);
    get("/api/v1/checks?environment=nowhere", 404);
    for environment in ["dev", "staging", "production"] {
        let at = |path: &str| format!("/api/v1/environments/{environment}/{path}");
        for path in [
            "status",
            "changesets",
            "changesets?limit=1",
            "changesets/a",
            "changesets/d%2f1",
            "changesets/a/why",
            "changesets/c/why",
            "changesets/b/history",
            "graph?around=a&depth=1",
            "graph?against=false&edges=true",
            "plan?select=%2bb",
            "gates",
            "history?limit=3",
            "history?kind=failed,refused&since=1d",
            "history/verification",
            "drift",
            "attic",
            "policy",
        ] {
            get(&at(path), 200);
        }
        for format in ["json", "svg", "dot", "mermaid", "tree"] {
            get(&at(&format!("graph?format={format}")), 200);
        }
        for format in ["json", "html", "sql", "markdown", "text"] {
            get(&at(&format!("plan?format={format}")), 200);
        }
        get(&at("history?format=csv"), 200);
        for path in ["changesets/none", "changesets/none/why", "changesets/none/history"] {
            assert_eq!(get(&at(path), 404).code(), "notFound");
        }
        for path in ["changesets?state=odd", "changesets?after=none", "history?before=0", "graph?depth=1", "plan?from="]
        {
            let status = if path == "plan?from=" { 404 } else { 400 };
            get(&at(path), status);
        }
    }
    get("/api/v1/environments/staging/gates?from=dev", 200);
    get("/api/v1/environments/production/plan?from=dev", 400);
    get("/api/v1/environments/nowhere/status", 404);
    get("/status", 200);
    get("/metrics", 200);
    get("/health", 200);
    get("/ready", 200);
    for format in ["json", "html", "sql", "markdown", "text"] {
        let path = format!("/api/v1/environments/production/plan?format={format}");
        let reply = service.post(&path, "{\"select\":[\"a\"],\"overrides\":[\"window\"],\"reason\":\"x\"}");
        assert_eq!(reply.status, 200, "{reply:?}");
        described.check("POST", &path, &reply);
    }
    described.all_seen(|path| path.starts_with("/api/") && !is_of_runs(path) && !is_of_plans(path));
    let path = "/api/v1/environments/production/status";
    described.check("GET", path, &service.open(path));
    described.check("GET", path, &service.ask("GET", path, &format!("Accept: image/png\r\n{}", bearer())));
    let graph = "/api/v1/environments/dev/graph";
    let reply = service.ask("GET", graph, &format!("Accept: image/png\r\n{}", bearer()));
    assert_eq!((reply.status, reply.code().as_str()), (406, "notAcceptable"));
    described.check("GET", graph, &reply);
    // mistakes in the files, and a database that is away
    three.project.write("plans/more.yaml", "changesets: [{ id: x, dependsOn: [nobody], changes: [] }]");
    service.signal("HUP");
    until("it was read again", || service.log().matches("the project was read again").count() == 2);
    for (path, status) in [
        ("checks", 422),
        ("matrix", 422),
        ("lint", 422),
        ("project", 200),
        ("environments", 200),
        ("environments/dev/status", 200),
        ("environments/dev/changesets", 200),
        ("environments/dev/changesets/a", 200),
        ("environments/dev/changesets/a/why", 200),
        ("environments/dev/changesets/a/history", 200),
        ("environments/dev/graph", 422),
        ("environments/dev/plan", 422),
        ("environments/dev/gates", 422),
        ("environments/dev/drift", 200),
    ] {
        let path = format!("/api/v1/{path}");
        let reply = service.get(&path);
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        described.check("GET", &path, &reply);
    }
    let reply = service.get("/status?environment=dev");
    assert_eq!(reply.status, 422);
    described.check("GET", "/status", &reply);
}

/// The old routes that run something answer as described too, also where they fail.
#[test]
fn old_routes_are_as_described() {
    let database = Database::new();
    let project = project(&[table("a"), sql("b", "SELECT 1/0", "SELECT 1").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let mut described = Described::new();
    for (path, body, status) in [
        ("/migrate", "{\"migration_name\":\"a\"}", 200),
        ("/migrate?wait=x", "", 400),
        ("/migrate?if_busy=x", "", 400),
        ("/migrate", "{\"migration_name\":\"none\"}", 400),
        ("/migrate", "", 500),
        ("/rollback", "{\"changesets\":[\"a\"]}", 403),
        ("/rollback", "{\"changesets\":[\"a\"],\"cascade\":true}", 200),
        ("/rollback", "{}", 400),
    ] {
        let reply = service.post(path, body);
        assert_eq!(reply.status, status, "{path} {body}: {reply:?}");
        described.check("POST", path, &reply);
    }
}
