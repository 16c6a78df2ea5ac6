//! The history knows who asked the service, how, from where and in which groups, also when it was refused.

use crate::support::tokens::Tokens;
use crate::support::{Database, Project, Service, project, table, until};
use dagmar::base::Role;
use serde_json::{Value, json};

/// The events of a kind, as `history` has them.
fn events(project: &Project, database: &Database, kind: &str) -> Vec<Value> {
    let answer = project.on(database, &["history", "--format", "json", "--kind", kind]).json();
    answer["events"].as_array().unwrap().clone()
}

/// Waits until so many were refused.
fn refused(project: &Project, database: &Database, number: usize) -> Vec<Value> {
    let mut found = Vec::new();
    until("it is noted", || {
        found = events(project, database, "refused");
        found.len() >= number
    });
    assert_eq!(found.len(), number, "{found:#?}");
    found
}

#[test]
fn a_run_and_what_is_refused_name_the_person() {
    let (here, other) = (Database::new(), Database::new());
    let (project, mut tokens) = (project(&[table("a")]), Tokens::default());
    let url = other.url();
    project.write(
        "dagmar.yaml",
        &format!("environments: {{ dev: {{}}, live: {{ url: '{url}', promoteFrom: dev, promoteOnly: true }} }}"),
    );
    let ci = tokens.add("ci", &[Role::Run], |entry| entry.groups = vec!["dba".to_owned(), "ops".to_owned()]);
    let reader = tokens.add("reader", &[Role::Read], |entry| entry.environments = Some(vec!["dev".to_owned()]));
    tokens.write(&project);
    let service = Service::of(&project, &here, &[]);
    let migrate = |header: &str, query: &str| service.ask("POST", &format!("/migrate{query}"), header);
    // without a ledger there is nothing to note it in, and none is made
    assert_eq!(migrate(&reader, "").status, 403);
    assert_eq!(migrate(&ci, "").status, 200);
    let started = events(&project, &here, "runStarted");
    let origin = &started[0]["origin"];
    assert_eq!(
        (&started[0]["by"], &origin["way"], &origin["name"]),
        (&json!("ci@127.0.0.1"), &json!("token"), &json!("ci"))
    );
    assert_eq!((&origin["groups"], &origin["address"]), (&json!(["dba", "ops"]), &json!("127.0.0.1")));
    // what an operation refuses
    let reply = migrate(&ci, "?environment=live");
    assert_eq!((reply.status, reply.code().as_str()), (403, "refused"));
    let text = project.on(&here, &["history"]).ok();
    assert!(text.contains("via token ci"), "{text}");
    let own = project.on(&here, &["history", "--by", "ci", "--format", "json"]).json();
    assert!(own["events"].as_array().unwrap().len() >= 2, "{own}");
    project.on(&here, &["history", "--verify"]).ok();
    service.stop();
}

#[test]
fn what_the_guard_refuses_is_noted_once_a_minute() {
    let (here, other) = (Database::new(), Database::new());
    let (project, mut tokens) = (project(&[table("a")]), Tokens::default());
    let url = other.url();
    project.write("dagmar.yaml", &format!("environments: {{ dev: {{}}, live: {{ url: '{url}' }} }}"));
    project.on(&here, &["apply"]).ok();
    let mut live = project.command(&["apply", "--env", "live", "--yes"]);
    assert!(live.output().unwrap().status.success());
    let reader = tokens.add("reader", &[Role::Read], |entry| entry.groups = vec!["qa".to_owned()]);
    let second = tokens.add("second", &[Role::Plan], |entry| entry.environments = Some(vec!["live".to_owned()]));
    tokens.write(&project);
    let service = Service::of(&project, &here, &[]);
    let post = |path: &str, header: &str| service.ask("POST", path, header);
    let first = post("/migrate", &reader);
    assert_eq!((first.status, first.code().as_str()), (403, "forbidden"));
    let found = refused(&project, &here, 1);
    let expected = json!({ "way": "token", "name": "reader", "address": "127.0.0.1",
        "request": first.header("x-request-id"), "groups": ["qa"] });
    assert_eq!((&found[0]["by"], &found[0]["origin"]), (&json!("reader@127.0.0.1"), &expected));
    let detail = &found[0]["detail"];
    assert_eq!((&detail["command"], &detail["environment"]), (&json!("migrate"), &json!("dev")));
    assert_eq!(detail["why"], "this needs the role `run`");
    // the same again is not; another route, environment or person is
    for _ in 0..5 {
        assert_eq!(post("/migrate", &reader).status, 403);
    }
    assert_eq!(post("/rollback", &reader).status, 403);
    refused(&project, &here, 2);
    assert_eq!(post("/migrate?environment=live", &reader).status, 403);
    assert_eq!(post("/migrate?environment=live", &second).status, 403);
    // an environment that is none, or none for him; and nobody that is known
    assert_eq!(post("/migrate?environment=none", &reader).status, 403);
    assert_eq!(post("/migrate?environment=dev", &second).status, 403);
    assert_eq!(post("/migrate", "").status, 401);
    assert_eq!(post("/migrate", "Authorization: Bearer x\r\n").status, 401);
    // what is under way is noted before the end
    service.stop();
    let of_live = project.run(&["history", "--env", "live", "--kind", "refused", "--format", "json"]).json();
    let of_live = of_live["events"].as_array().unwrap().clone();
    let mut names: Vec<&str> = of_live.iter().map(|event| event["by"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["reader@127.0.0.1", "second@127.0.0.1"]);
    refused(&project, &here, 2);
    let text = project.on(&here, &["history", "--kind", "refused"]).ok();
    assert!(text.contains("this needs the role `run`") && text.contains("via token reader"), "{text}");
    project.on(&here, &["history", "--verify"]).ok();
}

/// A role that the body needs is as one that the path needs.
#[test]
fn what_needs_an_administrator_is_noted_when_others_ask_for_it() {
    let database = Database::new();
    let (project, mut tokens) = (project(&[table("a")]), Tokens::default());
    project.write("dagmar.yaml", "environments: { dev: {} }");
    project.on(&database, &["apply"]).ok();
    let runner = tokens.add("runner", &[Role::Run], |_| ());
    tokens.write(&project);
    let service = Service::of(&project, &database, &[]);
    for (path, body) in
        [("runs", "{\"digest\":\"x\",\"skipPreflight\":true}"), ("rollbacks", "{\"digest\":\"x\",\"all\":true}")]
    {
        let (host, length) = (service.address, body.len());
        let reply = service.send(&format!(
            "POST /api/v1/environments/dev/{path} HTTP/1.1\r\nHost: {host}\r\n{runner}Idempotency-Key: k\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ));
        assert_eq!((reply.status, reply.code().as_str()), (403, "forbidden"));
    }
    let found = refused(&project, &database, 2);
    let whys: Vec<&str> = found.iter().map(|event| event["detail"]["why"].as_str().unwrap()).collect();
    assert!(whys.iter().all(|why| why.contains("need the role `admin`")), "{whys:?}");
    service.stop();
}

/// A database that does not answer keeps nobody from an answer.
#[test]
fn a_refusal_that_cannot_be_noted_is_a_refusal() {
    let (project, mut tokens) = (project(&[table("a")]), Tokens::default());
    let reader = tokens.add("reader", &[Role::Read], |_| ());
    tokens.write(&project);
    let service = Service::start(&project, &["--url", "postgres://127.0.0.1:1/none"]);
    assert_eq!(service.ask("POST", "/migrate", &reader).status, 403);
    service.until_logged("a refusal could not be recorded in the ledger");
    service.stop();
}
