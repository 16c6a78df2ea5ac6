//! What the API answers: the same as the command line, page by page, in the form that a client wants.

use crate::support::http::Reply;
use crate::support::{Database, SECRET, Service, Three, bearer, file, granted, project, psql, sql, table};
use serde_json::{Value, json};

fn service(three: &Three, args: &[&str]) -> Service {
    let mut command = three.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
    command.env("DAGMAR_SECRET", SECRET);
    Service::run(command)
}

/// Without what differs in each answer.
fn timeless(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(walk),
            Value::Object(map) => {
                ["madeAt", "madeBy", "ageMs"].iter().for_each(|key| _ = map.remove(*key));
                map.values_mut().for_each(walk);
            }
            _ => {}
        }
    }
    walk(&mut value);
    value
}

#[test]
fn answers_are_those_of_the_command_line() {
    let plans = [
        table("a").with("description", "the first"),
        table("b").depends_on(["a"]),
        sql("c", "DROP TABLE b", "CREATE TABLE b (n int)").depends_on(["b"]),
    ];
    let three = Three::new("allow: []", &plans);
    three.run(&["apply", "--env", "staging", "--select", "+b"]).ok();
    three.run(&["rollback", "b", "--env", "staging"]).ok();
    let service = service(&three, &[]);
    for (path, args, more) in [
        ("environments/staging/status", "status --env staging", ""),
        ("matrix", "status --all", ""),
        ("checks?environment=staging", "check --env staging", ""),
        ("lint?environment=production&select=a", "lint --env production --fail-on never --select a", ""),
        ("environments/staging/changesets/b/why", "why b --env staging", ""),
        ("environments/production/changesets/c/why", "why c --env production", ""),
        ("environments/staging/graph?edges=true", "graph --env staging --against --edges", ""),
        ("environments/dev/graph?against=false&select=%2Bb", "graph --env dev --select +b", ""),
        ("environments/staging/history?limit=50", "history --env staging", "next"),
        (
            "environments/staging/history?kind=applied,rolledBack",
            "history --env staging --kind applied --kind rolledBack",
            "next",
        ),
        ("environments/staging/changesets/b/history", "history --env staging --changeset b", "next"),
        ("environments/staging/history/verification", "history --env staging --verify", ""),
        ("environments/staging/attic", "attic list --env staging", ""),
        ("environments/production/policy", "ledger policy --env production", ""),
        (
            "environments/staging/plan?select=b",
            "plan --env staging --against --select b",
            "digest missing warnings diagnostics review",
        ),
        ("environments/production/gates?from=staging", "promote --check --from staging --to production", "event"),
    ] {
        let reply = service.get(&format!("/api/v1/{path}"));
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        let mut args: Vec<&str> = args.split(' ').collect();
        args.extend(["--format", "json"]);
        let said = three.run(&args).values();
        let strip = |value: &Value| {
            let mut value = timeless(value.clone());
            more.split(' ').for_each(|key| _ = value.as_object_mut().unwrap().remove(key));
            value
        };
        assert_eq!(strip(&reply.json()), strip(&said[0]), "{path}");
    }
    for (format, args) in [("markdown", "plan --against --format markdown"), ("text", "plan --against --sql")] {
        let reply = service.get(&format!("/api/v1/environments/staging/plan?format={format}"));
        let said = three.run(&[&args.split(' ').collect::<Vec<_>>()[..], &["--env", "staging"]].concat()).out;
        let lines = |text: &str| -> Vec<String> {
            let own = text.lines().filter(|line| !line.contains("secret@") && !line.contains(" by "));
            own.map(str::to_owned).collect()
        };
        let (found, expected) = (lines(&reply.body), lines(&said));
        assert!(!found.is_empty());
        for line in &found {
            assert!(expected.contains(line) || line.contains("202"), "{line}\n---\n{said}");
        }
    }
}

#[test]
fn a_plan_has_the_form_that_a_client_wants() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let service = Service::of(&project, &database, &[]);
    let path = "/api/v1/environments/default/plan";
    let ask = |accept: &str| service.ask("GET", path, &format!("Accept: {accept}\r\n{}", bearer()));
    for (accept, media, has) in [
        ("*/*", "application/json", "\"digest\":\"p1:"),
        ("application/json", "application/json", "\"steps\":[{\"changeset\":\"a\""),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("application/sql", "application/sql", "psql -X -f FILE"),
        ("text/markdown, text/plain;q=0.5", "text/markdown; charset=utf-8", "CREATE TABLE"),
        ("text/*;q=0.1, text/plain", "text/plain; charset=utf-8", "CREATE TABLE"),
    ] {
        let reply = ask(accept);
        assert_eq!((reply.status, reply.header("content-type")), (200, media), "{accept}");
        assert!(reply.body.to_lowercase().contains(&has.to_lowercase()), "{accept}: {}", reply.body);
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && !policy.contains("unsafe-inline") | policy.contains("sandbox")
        );
    }
    assert_eq!(ask("text/html").header("content-disposition"), "attachment; filename=\"plan.html\"");
    let refused = ask("image/png");
    assert_eq!((refused.status, refused.code().as_str()), (406, "notAcceptable"));
    assert!(refused.json()["remedy"].as_str().unwrap().contains("application/sql"), "{refused:?}");
    // a picture has styles of its own, and can do nothing else
    let picture = service.get("/api/v1/environments/default/graph?format=svg");
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(picture.header("content-security-policy").ends_with("sandbox") && picture.body.contains("<svg "));
    assert_eq!(database.sql("SELECT to_regclass('dagmar.run') IS NULL AND to_regclass('a') IS NULL"), "t");
}

#[test]
fn a_plan_is_for_a_moment_and_a_digest_names_it() {
    let three = Three::new("window: { days: [sun], from: '00:00', to: '00:01' }", &[table("a"), table("b")]);
    three.run(&["apply", "--env", "dev"]).ok();
    three.run(&["promote", "--to", "staging", "--select", "a"]).ok();
    let service = service(&three, &[]);
    let plan = |query: &str| -> (String, Vec<String>) {
        let reply = service.get(&format!("/api/v1/environments/production/plan{query}"));
        assert_eq!(reply.status, 200, "{reply:?}");
        let found = reply.json();
        let steps = found["steps"].as_array().unwrap().iter().map(|s| s["changeset"].as_str().unwrap().to_owned());
        (found["digest"].as_str().unwrap().to_owned(), steps.collect())
    };
    let (whole, steps) = plan("");
    assert_eq!((steps, plan("").0), (vec!["a".to_owned(), "b".to_owned()], whole.clone()));
    let (promoted, steps) = plan("?from=staging");
    assert_eq!(steps, ["a"]);
    assert!(promoted != whole && plan("?select=a").0 != whole && plan("?select=a,b").1.len() == 2);
    // overrides are another plan; what they need is said
    let post = |body: Value| service.post("/api/v1/environments/production/plan", &body.to_string());
    let over = post(json!({ "overrides": ["window"], "reason": "INC-1" }));
    let gates = over.json()["gates"].as_array().unwrap().clone();
    let window = gates.iter().find(|gate| gate["gate"] == "window").unwrap();
    assert_eq!((over.status, &window["status"]), (200, &json!("overridden")), "{gates:?}");
    assert_eq!(post(json!({})).json()["digest"], json!(whole));
    assert_eq!(post(json!({ "select": ["a"], "allow": ["losesData"] })).status, 200);
    for wrong in [
        json!({ "overrides": ["window"] }),
        json!({ "reason": "x" }),
        json!({ "overrides": ["nothing"], "reason": "x" }),
        json!({ "overrides": ["window"], "reason": " " }),
        json!({ "allow": ["everything"] }),
        json!({ "selekt": [] }),
        json!([]),
    ] {
        assert_eq!(post(wrong.clone()).status, 400, "{wrong}");
    }
    assert_eq!(post(json!({ "from": "nowhere" })).code(), "notFound");
    let gates = service.get("/api/v1/environments/production/gates").json();
    assert_eq!((&gates["met"], &gates["command"]), (&json!(false), &json!("apply")), "{gates}");
    // nothing was run, and nothing is recorded
    assert_eq!(three.production.sql("SELECT to_regclass('dagmar.event') IS NULL"), "t");
    three.run(&["apply", "--env", "production", "--select", "a", "--override", "window", "--reason", "x"]).ok();
    assert!(plan("").0 != whole && plan("").1 == ["b"]);
}

/// A database whose ledger belongs to another environment.
#[test]
fn a_ledger_of_another_environment_is_refused() {
    let three = Three::new("", &[table("a"), table("b")]);
    three.run(&["apply", "--env", "dev", "--select", "a"]).ok();
    let mut command = three.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DAGMAR_SECRET", SECRET).env("STAGING_URL", three.dev.url());
    let service = Service::run(command);
    for path in ["plan", "gates"] {
        let reply = service.get(&format!("/api/v1/environments/staging/{path}"));
        assert_eq!((reply.status, reply.code().as_str()), (403, "refused"), "{reply:?}");
        assert!(reply.json()["detail"].as_str().unwrap().contains("belongs to `dev`"), "{reply:?}");
    }
    assert_eq!(service.get("/api/v1/environments/staging/status").status, 200);
}

/// All pages of a list, by their `Link`.
fn pages(service: &Service, first: &str, list: &str) -> (usize, Vec<Value>) {
    let (mut path, mut all, mut number) = (first.to_owned(), Vec::new(), 0);
    loop {
        let reply: Reply = service.get(&path);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        let found = reply.json();
        number += 1;
        let page = found[list].as_array().unwrap().clone();
        // the latest events come first
        if list == "events" {
            all.splice(0..0, page).for_each(drop)
        } else {
            all.extend(page)
        }
        let link = reply.headers.iter().find(|(name, _)| name == "link").map(|(_, value)| value.clone());
        assert_eq!(link.is_some(), !found["next"].is_null(), "{reply:?}");
        let Some(link) = link else { return (number, all) };
        path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
        assert!(link.ends_with("; rel=\"next\"") && number < 100, "{link}");
    }
}

#[test]
fn changesets_come_page_by_page() {
    let database = Database::new();
    let mut all: Vec<_> = (1..=7).map(|n| table(&format!("t{n}"))).collect();
    all.push(table("odd/id").with("labels", ["späte Ö&x"].as_slice()));
    all.push(table("last").with("author", "Anna").with("description", "Keeps the Rest"));
    let project = project(&all);
    project.on(&database, &["apply", "--select", "t1", "--select", "t2", "--select", "last"]).ok();
    let service = Service::of(&project, &database, &[]);
    let path = "/api/v1/environments/default/changesets";
    let ids = |all: &[Value]| -> Vec<String> { all.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect() };
    let whole = service.get(path).json();
    let expected = ids(whole["changesets"].as_array().unwrap());
    assert_eq!((expected.len(), &whole["next"], &whole["total"]), (9, &Value::Null, &json!(9)));
    let (number, paged) = pages(&service, &format!("{path}?limit=2"), "changesets");
    assert_eq!((number, ids(&paged)), (5, expected.clone()));
    assert_eq!(pages(&service, &format!("{path}?limit=9"), "changesets").0, 1);
    let found = |query: &str| ids(&pages(&service, &format!("{path}?limit=2&{query}"), "changesets").1);
    assert_eq!(found("state=applied"), ["t1", "t2", "last"]);
    assert_eq!(found("state=applied,pending"), expected);
    assert_eq!(found("label=sp%C3%A4te+%C3%96%26x"), ["odd/id"]);
    assert_eq!(
        (found("q=keeps+the"), found("q=ANNA"), found("q=%C3%B6%26")),
        (vec!["last".into()], vec!["last".into()], vec!["odd/id".into()])
    );
    assert_eq!(found("q=nothing"), [""; 0]);
    assert_eq!(found("state=pending&q=t"), ["t3", "t4", "t5", "t6", "t7", "odd/id"]);
    let row = &service.get(&format!("{path}?q=anna")).json()["changesets"][0];
    assert_eq!((&row["author"], &row["state"]), (&json!("Anna"), &json!("applied")));
    for wrong in ["limit=0", "limit=501", "limit=x", "state=odd", "after=none"] {
        assert_eq!(service.get(&format!("{path}?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn a_changeset_is_what_the_files_and_the_ledger_have() {
    let database = Database::new();
    let old = sql("b", "CREATE TABLE b (n int)", "DROP TABLE b").depends_on(["x/a"]).aka(["b-old"]);
    let project = project(&[table("x/a"), old, table("c").depends_on(["b"])]);
    project.on(&database, &["apply", "--select", "+b"]).ok();
    let service = Service::of(&project, &database, &[]);
    let path = |id: &str| format!("/api/v1/environments/default/changesets/{id}");
    let found = service.get(&path("b")).json();
    assert_eq!(
        (&found["state"], &found["dependents"], &found["aka"]),
        (&json!("applied"), &json!(["c"]), &json!(["b-old"]))
    );
    assert_eq!(found["dependsOn"], json!([{ "id": "x/a" }]));
    assert_eq!(found["step"]["segments"][0]["statements"][0]["sql"], "CREATE TABLE b (n int)");
    assert_eq!(found["step"]["rollback"]["segments"][0]["statements"][0]["sql"], "DROP TABLE b");
    assert_eq!(found["stored"]["segments"][0]["statements"][0]["sql"], "CREATE TABLE b (n int)");
    // by the id that it had before, and with a slash
    assert_eq!(service.get(&path("b-old")).json()["id"], "b");
    assert_eq!(service.get(&path("x%2Fa")).json()["dependents"], json!(["b"]));
    assert_eq!(service.get(&path("x%2fa/why")).json()["state"], "applied");
    assert_eq!(service.get(&path("x/a")).code(), "notFound");
    let pending = service.get(&path("c")).json();
    assert_eq!((&pending["state"], &pending["stored"]), (&json!("pending"), &Value::Null));
    // one that no file has any more
    project.write("plans/a.yaml", &file(&[table("x/a")]));
    service.signal("HUP");
    service.until_logged("the project was read again");
    let missing = service.get(&path("b")).json();
    assert_eq!((&missing["state"], &missing["step"]), (&json!("missing"), &Value::Null), "{missing}");
    assert_eq!(missing["stored"]["rollback"]["segments"][0]["statements"][0]["sql"], "DROP TABLE b");
    assert_eq!(service.get(&path("c")).code(), "notFound");
    assert_eq!(service.get(&format!("{}/history", path("b"))).json()["events"][0]["kind"], "applied");
}

#[test]
fn events_come_page_by_page() {
    let database = Database::new();
    let project = project(&[table("a"), table("b"), table("c")]);
    project.on(&database, &["apply"]).ok();
    let (_, _, reader) = granted(&project, &database);
    project.on(&database, &["rollback", "a"]).ok();
    // refusals that have no number yet, between other events and last
    for _ in 0..2 {
        psql(&database, &reader, r#"SELECT dagmar.note_refusal('{"why": "no rights"}')"#);
        project.on(&database, &["pause", "--reason", "x"]).ok();
        project.on(&database, &["resume"]).ok();
    }
    let service = Service::of(&project, &database, &[]);
    let path = "/api/v1/environments/default/history";
    let whole = project.json(&database, &["history", "--limit", "1000"]).json()["events"].as_array().unwrap().clone();
    for limit in [1, 2, 5, 500] {
        let (number, paged) = pages(&service, &format!("{path}?limit={limit}"), "events");
        assert_eq!(paged, whole, "{limit}");
        assert!(number >= whole.len() / limit, "{limit}");
    }
    assert_eq!(whole.iter().filter(|event| event["seq"].is_null()).count(), 2, "{whole:#?}");
    let applied = pages(&service, &format!("{path}?limit=2&kind=applied"), "events").1;
    assert_eq!(applied.len(), 3);
    let first = service.get(&format!("{path}?kind=applied&limit=2")).json();
    assert_eq!(first["events"], json!(applied[1..]));
    let next = first["next"].as_str().unwrap();
    let before = service.get(&format!("{path}?kind=applied&before={next}")).json();
    assert_eq!((&before["events"], &before["next"]), (&json!([applied[0]]), &Value::Null));
    assert_eq!(
        service.get(&format!("{path}?since=1d&by=postgres&changeset=a")).json()["events"].as_array().unwrap().len(),
        2
    );
    let csv = service.get(&format!("{path}?format=csv&limit=3"));
    assert_eq!((csv.header("content-type"), csv.body.lines().count()), ("text/csv; charset=utf-8", 4));
    assert!(csv.body.starts_with("seq,at,kind,changeset,dbUser,by,from,run,environment,detail,hash\r\n"), "{csv:?}");
    assert!(csv.header("link").contains("format=csv") && csv.header("link").contains("before="), "{csv:?}");
    assert_eq!(service.get(&format!("{path}?since=9999999999d&limit=1")).json()["events"], json!([whole.last()]));
    for wrong in ["by=%00", "since=x", "kind=odd", "before=x", "before=1", "before=.", "before=x.1", "limit=501"] {
        assert_eq!(service.get(&format!("{path}?{wrong}")).status, 400, "{wrong}");
    }
    let intact = service.get(&format!("{path}/verification")).json();
    let anchor = format!("{}:{}", intact["audit"]["last"], intact["audit"]["head"].as_str().unwrap());
    assert_eq!(service.get(&format!("{path}/verification?anchor={anchor}")).json()["intact"], true);
    let other = format!("{}:e2:{}", intact["audit"]["last"], "7".repeat(64));
    assert_eq!(service.get(&format!("{path}/verification?anchor={anchor},{other}")).json()["intact"], false);
    assert_eq!(service.get(&format!("{path}/verification?anchor=1")).status, 400);
}

/// The environments that are not served are nowhere: not in a list, not as a source.
#[test]
fn environments_that_are_not_served_are_not_there() {
    let three = Three::new("", &[table("a")]);
    let service = service(&three, &["--environments", "dev,production"]);
    let names = |value: &Value| -> Vec<String> {
        value["environments"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&service.get("/api/v1/environments").json()), ["dev", "production"]);
    assert_eq!(names(&service.get("/api/v1/matrix").json()), ["dev", "production"]);
    assert_eq!(service.get("/api/v1/me").json()["environments"], json!(["dev", "production"]));
    for path in
        ["environments/staging/status", "environments/production/plan?from=staging", "checks?environment=staging"]
    {
        assert_eq!(service.get(&format!("/api/v1/{path}")).code(), "notFound", "{path}");
    }
    let all = service.get("/api/v1/environments");
    assert!(!all.body.contains("postgres"), "no answer has a connection: {}", all.body);
    let me = service.get("/api/v1/me").json();
    assert_eq!((&me["way"], &me["roles"]), (&json!("secret"), &json!(["read", "plan", "run"])));
}

/// A project without environments has the one whose connection was given.
#[test]
fn a_project_without_environments_has_one() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let service = Service::of(&project, &database, &[]);
    let found = service.get("/api/v1/environments").json();
    assert_eq!(
        (&found["environments"][0]["name"], &found["environments"][0]["connection"]),
        (&json!("default"), &json!("given"))
    );
    let matrix = service.get("/api/v1/matrix").json();
    assert_eq!(
        (&matrix["environments"][0]["database"], &matrix["changesets"][0]["environments"]["default"]["state"]),
        (&json!(database.name), &json!("pending"))
    );
    let project = service.get("/api/v1/project").json();
    assert_eq!((&project["version"], &project["problems"]), (&json!(env!("CARGO_PKG_VERSION")), &json!([])));
}
