//! The page of a run: while it goes on, after it, and of runs that others carry out.

use crate::support::tokens::Tokens;
use crate::support::visitor::{Visitor, forged, form};
use crate::support::{
    Changeset, Database, SECRET, Service, backfill_and_table, begun, project, sql, table, tables, until,
};
use dagmar::base::Role;
use std::time::{Duration, Instant};

/// A table whose changeset waits until the lock `(77, 1)` is free.
fn held(id: &str) -> Changeset {
    let wait = "SELECT pg_advisory_xact_lock_shared(77, 1)";
    sql(id, &format!("{wait};\nCREATE TABLE \"{id}\" (n int)"), &format!("DROP TABLE \"{id}\""))
}

const HOLD: &str = "SELECT pg_advisory_lock(77, 1)";

/// Starts what is pending by the page of its plan; the page of the run.
#[track_caller]
fn start(visitor: &Visitor<'_>) -> String {
    visitor.follow(&visitor.form("/e/default/plan", "/e/default/runs").with("typed", "default"))
}

#[track_caller]
fn ended(visitor: &Visitor<'_>, path: &str) -> String {
    let mut page = String::new();
    until("the run is over", || {
        page = visitor.page(path);
        !page.contains("data-stream")
    });
    page
}

#[test]
fn a_run_is_watched_and_cancelled() {
    let database = Database::new();
    let project = project(&[table("a"), held("b").depends_on(["a"])]);
    let mut tokens = Tokens::default();
    let reader = tokens.add("reader", &[Role::Read], |_| ());
    tokens.write(&project);
    let service = Service::of(&project, &database, &[]);
    let (visitor, reader) = (Visitor::new(&service, SECRET), Visitor::new(&service, &reader));
    let holder = database.hold(HOLD);
    let path = start(&visitor);
    database.until_runs("pg_advisory_xact_lock_shared");
    let page = visitor.page(&path);
    assert!(page.contains("<title>Apply: running · default · dagmar</title>"), "{page}");
    assert!(page.contains("Runs: 1 of 2 steps done.") && page.contains("role=\"status\""), "{page}");
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>"), "{page}");
    assert!(!reader.page(&path).contains("/cancel\""), "who may not cancel sees no button");
    // somebody else finds it in progress, and is led there
    let refused = visitor.send(&visitor.form("/e/default/plan", "/e/default/runs").with("typed", "default"));
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains(&format!("<a href=\"{path}\">The run in progress</a>")), "{}", refused.body);
    assert!(!refused.body.contains("ifBusy"), "what only programs can do: {}", refused.body);
    assert!(
        visitor.page("/").contains("Wait for the run in progress.") && visitor.page("/").contains("/e/default/runs/")
    );
    // the stream sends the part of the page that changes
    let mut stream = service.events(&format!("{path}/stream"), "");
    let first = stream.next().unwrap();
    assert_eq!((first.name.as_str(), &first.data["over"]), ("state", &false.into()));
    assert!(first.data["html"].as_str().unwrap().contains("<progress max=\"2\" value=\"1\""), "{first:?}");
    let cancel = form(&page, &format!("{path}/cancel")).with("reason", "<b>wrong</b> day");
    assert_eq!(visitor.follow(&cancel), format!("{path}?asked=cancel"));
    let last = stream.rest().pop().unwrap();
    assert_eq!(
        (&last.data["over"], &last.data["title"]),
        (&true.into(), &"Apply: interrupted · default · dagmar".into())
    );
    let page = ended(&visitor, &path);
    assert!(page.contains("Interrupted: 1 of 2 steps done. The next run continues."), "{page}");
    assert!(page.contains("&lt;b&gt;wrong&lt;/b&gt; day") && !page.contains("/cancel\""), "{page}");
    // a run that is over is not cancelled again
    let again = visitor.send(&cancel);
    assert!(again.status == 403 && again.body.contains("no run is in progress"), "{}", again.body);
    drop(holder);
    assert!(ended(&visitor, &start(&visitor)).contains("Done: 1 step in "));
    assert_eq!(tables(&database), "a b");
    service.stop();
}

#[test]
fn a_run_that_fails_says_why_and_what_to_do() {
    let database = Database::new();
    let broken = sql("b", "CREATE TABLE b (n int);\nSELECT '<i>' || 1/0", "DROP TABLE b").depends_on(["a"]);
    let service = Service::of(&project(&[table("a"), broken, table("c").depends_on(["b"])]), &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    let path = start(&visitor);
    let page = ended(&visitor, &path);
    assert!(page.contains("Failed: 1 of 3 steps done. The next run continues."), "{page}");
    assert!(page.contains("division by zero") && page.contains("SQLSTATE 22012"), "{page}");
    assert!(page.contains("<code>SELECT &#39;&lt;i&gt;&#39; || 1/0</code>"), "{page}");
    assert!(page.contains("nothing of it remains") && page.contains("What to do: remove the cause"), "{page}");
    assert!(page.contains("<span class=\"tag bad\">failed</span>") && page.contains("not begun"), "{page}");
    let stream = service.events(&format!("{path}/stream"), "").rest();
    assert_eq!((stream.len(), &stream[0].data["over"]), (1, &true.into()));
    let list = visitor.page("/e/default/runs?status=failed");
    assert!(list.contains("1 of 3") && visitor.page("/e/default/runs?status=done").contains("No run fits."), "{list}");
    for odd in ["status=odd", "kind=odd", "before=x"] {
        assert_eq!(visitor.get(&format!("/e/default/runs?{odd}")).status, 400, "{odd}");
    }
    assert_eq!(visitor.get("/e/default/runs/none").status, 404);
    assert_eq!(visitor.get("/e/default/runs/none/stream").status, 404);
    service.stop();
}

#[test]
fn a_run_that_was_refused_says_why() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let service = Service::of(&project, &database, &[]);
    project.write("plans/b.yaml", "changesets: [{ id: b, dependsOn: [nowhere] }]");
    service.signal("HUP");
    until("it has read them", || service.get("/status").status == 422);
    assert_eq!(service.post("/migrate", "{}").status, 422);
    let visitor = Visitor::new(&service, SECRET);
    let list = visitor.page("/e/default/runs?status=refused");
    let path =
        list.split("href=\"").find(|text| text.starts_with("/e/default/runs/")).unwrap().split('"').next().unwrap();
    let page = visitor.page(path);
    assert!(page.contains("Refused: nothing was run.") && page.contains("<code>plans/b.yaml:1</code>"), "{page}");
    // the plan says the same, and there is nothing to confirm
    let plan = visitor.get("/e/default/plan");
    assert!(plan.status == 422 && plan.body.contains("<code>plans/b.yaml:1</code>"), "{}", plan.body);
    assert!(!plan.body.contains("name=\"typed\"") && plan.body.contains("Pages of the environment"), "{}", plan.body);
    service.stop();
}

#[test]
fn runs_of_others_are_shown_from_the_ledger() {
    let database = Database::new();
    let project = project(&[table("a"), held("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    let holder = database.hold(HOLD);
    let command = project.start(&database, &["apply"]);
    database.until_runs("pg_advisory_xact_lock_shared");
    let run = database.sql("SELECT id FROM dagmar.run");
    let path = format!("/e/default/runs/{run}");
    assert!(visitor.page("/e/default/runs").contains(&format!("href=\"{path}\"")));
    let page = visitor.page(&path);
    assert!(page.contains("Runs: 1 of 2 steps done.") && page.contains("id=a\""), "{page}");
    let mut stream = service.events(&format!("{path}/stream"), "");
    assert_eq!(stream.next().unwrap().data["over"], false);
    drop(holder);
    command.end().ok();
    assert!(stream.rest().pop().unwrap().data["html"].as_str().unwrap().contains("id=b\""));
    assert!(ended(&visitor, &path).contains("Done: 2 steps in "));
    service.stop();
    // and those of an earlier process of the service
    let service = Service::of(&project, &database, &[]);
    assert!(Visitor::new(&service, SECRET).page(&path).contains("Done: 2 steps in "));
    service.stop();
}

#[test]
fn a_backfill_says_how_far_it_is_and_pauses() {
    let database = Database::new();
    let project = backfill_and_table(&database);
    let service = Service::of(&project, &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    let path = start(&visitor);
    begun(&database);
    let page = visitor.page(&path);
    let pause = form(&page, &format!("{path}/cancel"));
    let paused =
        forged("/e/default/pause").with("form_token", pause.field("form_token")).with("run", pause.field("run"));
    let back = visitor.follow(&paused.with("reason", "peak"));
    assert_eq!(back, format!("{path}?asked=pause"), "it leads back to the run");
    assert!(visitor.page(&back).contains("The backfills were asked to pause."));
    let mut page = String::new();
    until("it waits", || {
        page = visitor.page(&path);
        page.contains("paused: ")
    });
    assert!(page.contains("rows changed, ") && page.contains("aria-label=\"Part that is done\""), "{page}");
    let resume = forged("/e/default/resume").with("form_token", pause.field("form_token"));
    visitor.follow(&resume);
    assert!(ended(&visitor, &path).contains("Done: 2 steps"));
    service.stop();
}

#[test]
fn a_stream_ends_with_the_token_of_its_session() {
    let database = Database::new();
    let project = project(&[held("a")]);
    let mut tokens = Tokens::default();
    let token = tokens.add("ann", &[Role::Run], |_| ());
    tokens.write(&project);
    let service = Service::of(&project, &database, &[]);
    let visitor = Visitor::new(&service, &token);
    let holder = database.hold(HOLD);
    let path = start(&visitor);
    database.until_runs("pg_advisory_xact_lock_shared");
    let mut http = service.connect();
    http.send(format!("GET {path}/stream HTTP/1.1\r\nHost: {}\r\n{}\r\n", service.address, visitor.cookie));
    let mut stream = http.events();
    assert_eq!(stream.next().unwrap().name, "state");
    Tokens::default().write(&project);
    let began = Instant::now();
    assert!(stream.rest().iter().all(|event| event.data["over"] == false));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(visitor.get(&path).status, 303, "the session has ended");
    drop(holder);
    service.stop();
}
