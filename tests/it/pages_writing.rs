//! The pages that write: who may, what is confirmed, and what happens then.

use crate::support::tokens::Tokens;
use crate::support::visitor::{Visitor, forged, form};
use crate::support::{Database, Project, SECRET, Service, file, project, table, tables, until};
use dagmar::base::Role;
use dagmar::serve::route::{Guard, Method, Route};
use dagmar::serve::routes::ROUTES;
use serde_json::Value;

/// Waits until the run of this page is over; the page.
#[track_caller]
fn ended(visitor: &Visitor<'_>, path: &str) -> String {
    let mut page = String::new();
    until("the run is over", || {
        page = visitor.page(path);
        !page.contains("data-stream")
    });
    page
}

/// Applies by the pages what is pending.
#[track_caller]
fn apply(visitor: &Visitor<'_>, environment: &str) -> String {
    let home = format!("/e/{environment}");
    let form = visitor.form(&format!("{home}/plan"), &format!("{home}/runs")).with("typed", environment);
    ended(visitor, &visitor.follow(&form))
}

/// How many runs the ledger has.
fn runs(database: &Database) -> String {
    match database.sql("SELECT to_regclass('dagmar.run') IS NULL").as_str() {
        "t" => "0".to_owned(),
        _ => database.sql("SELECT count(*) FROM dagmar.run"),
    }
}

/// The pages that take a form.
fn writing() -> impl Iterator<Item = (&'static Route, String)> {
    let all = ROUTES.iter().flat_map(|table| table.iter());
    let forms = all.filter(|route| route.guard.is_page() && route.method == Method::Post);
    forms.map(|route| {
        let part = |part: &'static str| match part {
            "{environment}" => "default",
            part if part.starts_with('{') => "none",
            part => part,
        };
        (route, route.path.split('/').map(part).collect::<Vec<_>>().join("/"))
    })
}

/// A project with two databases, the second of which gets its changesets from the first one.
fn two(policies: &str) -> (Project, [Database; 2]) {
    let project = project(&[table("a"), table("b").depends_on(["a"])]);
    let databases = [Database::new(), Database::new()];
    let [dev, live] = &databases;
    let config = format!(
        "environments:\n  dev: {{ url: \"{}\" }}\n  live: {{ url: \"{}\", promoteFrom: dev{policies} }}\n",
        dev.url(),
        live.url()
    );
    project.write("dagmar.yaml", &config);
    (project, databases)
}

#[test]
fn every_form_is_the_services_own_and_needs_its_role() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "serve: { limits: { failuresPerMinute: 100000, perSecond: 0 } }");
    let mut tokens = Tokens::default();
    let reader = tokens.add("reader", &[Role::Read], |_| ());
    let all = tokens.add("all", &Role::ALL, |_| ());
    tokens.write(&project);
    let service = Service::of(&project, &database, &[]);
    let (reader, all) = (Visitor::new(&service, &reader), Visitor::new(&service, &all));
    let token = |visitor: &Visitor<'_>| form(&visitor.page("/"), "/logout").field("form_token").to_owned();
    let mut written = 0;
    for (route, path) in writing() {
        let Guard::Page(role) = route.guard else { continue };
        assert!(route.body.is_form(), "{path}");
        let form = forged(&path);
        for body in
            [form.clone(), form.clone().with("form_token", "00"), form.clone().with("form_token", &token(&reader))]
        {
            let refused = all.send(&body);
            assert_eq!(refused.status, 403, "{path}: {}", refused.body);
            assert!(refused.body.contains("Request from another site"), "{path}: {}", refused.body);
        }
        let right = form.clone().with("form_token", &token(&all));
        for origin in ["", "Origin: null\r\n", "Origin: http://evil.example.org\r\n", "Sec-Fetch-Site: cross-site\r\n"]
        {
            let refused = all.send_with(&right, origin);
            assert_eq!(refused.status, 403, "{path} {origin}: {}", refused.body);
        }
        if role != Role::Read {
            let refused = reader.send(&form.with("form_token", &token(&reader)));
            assert_eq!(refused.status, 403, "{path}: {}", refused.body);
            let words = format!("this needs the role <code>{}</code>", role.word());
            assert!(refused.body.contains(&words) && refused.body.contains("<h1>"), "{path}: {}", refused.body);
            written += 1;
        }
    }
    assert!(written >= 7, "{written} pages write");
    assert_eq!((runs(&database), tables(&database)), ("0".to_owned(), String::new()));
    service.stop();
}

#[test]
fn a_plan_is_applied_by_typing_the_name_of_its_environment() {
    let database = Database::new();
    let project = project(&[table("a"), table("b").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    assert!(visitor.page("/e/default").contains("href=\"/e/default/plan\">Apply 2 pending changesets."));
    let form = visitor.form("/e/default/plan", "/e/default/runs");
    for wrong in ["", "Default", "default2", "defaul"] {
        let refused = visitor.send(&form.clone().with("typed", wrong));
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.body);
        assert!(refused.body.contains("the name that was typed is not <code>default</code>; nothing was run"));
        assert!(refused.body.contains("<h1>Forward plan for default</h1>"), "the plan is there again");
    }
    assert_eq!(visitor.send(&form.clone().with("typed", "default").with("key", "")).status, 400, "it has no key");
    assert_eq!(runs(&database), "0");
    // a form that is sent twice is one run
    let form = form.with("typed", "default");
    let place = visitor.follow(&form);
    assert_eq!(visitor.follow(&form), place);
    let page = ended(&visitor, &place);
    assert_eq!(visitor.follow(&form), place, "also after its end");
    assert!(page.contains("Done: 2 steps in ") && page.contains("<progress max=\"2\" value=\"2\""), "{page}");
    assert!(
        page.contains("href=\"/e/default/changeset?id=b\"") && !page.contains("action=\"/e/default/pause\""),
        "{page}"
    );
    assert_eq!((runs(&database), tables(&database)), ("1".to_owned(), "a b".to_owned()));
    let started = project.on(&database, &["history", "--format", "json", "--kind", "runStarted"]).json();
    let origin = &started["events"][0]["origin"];
    assert_eq!((origin["way"].as_str(), place.ends_with(origin["request"].as_str().unwrap())), (Some("secret"), true));
    // there is nothing to do any more, and nothing to confirm
    assert!(!visitor.page("/e/default/plan").contains("id=\"confirm\""));
    let list = visitor.page("/e/default/runs");
    assert!(list.contains(&format!("href=\"{place}\"")) && list.contains("2 of 2"), "{list}");
    service.stop();
}

#[test]
fn a_plan_that_has_changed_is_shown_before_it_runs() {
    let database = Database::new();
    let project = project(&[table("a")]);
    let service = Service::of(&project, &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    let seen = visitor.form("/e/default/plan", "/e/default/runs").with("typed", "default");
    project.write("plans/a.yaml", &file(&[table("a"), table("b")]));
    service.signal("HUP");
    service.until_logged("the project was read again");
    let refused = visitor.send(&seen);
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("what a run would do now differs from what was seen"), "{}", refused.body);
    assert!(refused.body.contains("Apply 2 changesets") && runs(&database) == "0");
    let now = form(&refused.body, "/e/default/runs");
    assert_ne!((now.field("digest"), now.field("key")), (seen.field("digest"), seen.field("key")));
    assert!(ended(&visitor, &visitor.follow(&now.with("typed", "default"))).contains("Done: 2 steps"));
    service.stop();
}

#[test]
fn a_choice_of_changesets_is_what_runs() {
    let database = Database::new();
    let service = Service::of(&project(&[table("a"), table("b")]), &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    let form = visitor.form("/e/default/plan?select=b", "/e/default/runs");
    assert_eq!(form.field("select"), "b");
    ended(&visitor, &visitor.follow(&form.with("typed", "default")));
    assert_eq!(tables(&database), "b");
    // what cannot be planned stands beside the form of the choice
    let wrong = visitor.get("/e/default/plan?select=nothing");
    assert!(wrong.status == 400 && wrong.body.contains("name=\"select\" value=\"nothing\""), "{}", wrong.body);
    service.stop();
}

#[test]
fn who_may_not_run_sees_no_button() {
    let (project, databases) = two("");
    let mut tokens = Tokens::default();
    let reader = tokens.add("reader", &[Role::Read], |_| ());
    let planner = tokens.add("planner", &[Role::Plan], |_| ());
    let hidden = tokens.add("hidden", &[Role::Run], |entry| entry.environments = Some(vec!["live".to_owned()]));
    tokens.write(&project);
    project.run(&["apply", "--env", "dev", "--yes"]).ok();
    let service = Service::start(&project, &["--env", "dev"]);
    let (reader, planner) = (Visitor::new(&service, &reader), Visitor::new(&service, &planner));
    for path in ["/", "/matrix", "/e/live", "/e/live/runs", "/e/live/changeset?id=a", "/e/live/history"] {
        let page = reader.page(path);
        let forms = page.matches("method=\"post\"").count();
        assert_eq!(forms, 1, "{path} has a form beside that of the logout: {page}");
        assert!(
            !page.contains("/plan\"") && !page.contains("/promote/") && !page.contains("/rollback"),
            "{path}: {page}"
        );
    }
    for path in ["/e/live/plan", "/promote/live", "/e/live/rollback?lastRun=true"] {
        assert_eq!(reader.get(path).status, 403, "{path}");
        assert!(!planner.get(path).body.contains("id=\"confirm\""), "{path}");
    }
    assert!(planner.page("/promote/live").contains("<h1>Forward plan for live</h1>"));
    // what somebody does not see is no source for him
    let hidden = Visitor::new(&service, &hidden);
    let page = hidden.get("/promote/live");
    assert!(page.status == 404 && !page.body.contains("<code>dev"), "{}", page.body);
    assert!(!hidden.page("/e/live").contains("/promote/"));
    service.stop();
    drop(databases);
}

#[test]
fn a_promotion_is_shown_and_confirmed() {
    let (project, [dev, live]) = two(", promoteOnly: true");
    let service = Service::start(&project, &["--env", "dev"]);
    let visitor = Visitor::new(&service, SECRET);
    apply(&visitor, "dev");
    assert!(visitor.page("/").contains("href=\"/promote/live\">Apply 2 pending changesets, by promotion from dev."));
    let differs = visitor.page("/matrix?differs=true");
    assert!(
        differs.contains("1 to 2 of 2") && differs.contains("href=\"/e/live/changeset?id=a\">pending"),
        "{differs}"
    );
    // applied without its source nothing runs, and the page says why
    let plan = visitor.page("/e/live/plan");
    assert!(
        plan.contains("promote-only") && plan.contains("cannot be run now") && plan.contains("href=\"/promote/live\"")
    );
    assert!(!plan.contains("name=\"typed\"") && !plan.contains("--override"), "{plan}");
    let form = visitor.form("/promote/live", "/promote/live");
    assert_eq!(visitor.send(&form.clone().with("typed", "dev")).status, 400);
    let page = ended(&visitor, &visitor.follow(&form.with("typed", "live")));
    assert!(page.contains("<h1>Promote in live") && page.contains("Done: 2 steps"), "{page}");
    assert_eq!((tables(&dev), tables(&live)), ("a b".to_owned(), "a b".to_owned()));
    assert!(visitor.page("/matrix?differs=true").contains("No changeset fits."));
    assert_eq!(visitor.get("/promote/dev").status, 404, "it has no source");
    let changeset = visitor.page("/e/dev/changeset?id=a");
    assert!(changeset.contains("dev: applied") && changeset.contains("live: applied"), "{changeset}");
    assert!(changeset.contains("TABLE</span>") && changeset.contains("<h3>Rollback</h3>"), "{changeset}");
    service.stop();
}

#[test]
fn an_administrator_is_told_how_a_gate_is_overridden() {
    let (project, _databases) = two(", promoteOnly: true");
    let mut tokens = Tokens::default();
    let admin = tokens.add("admin", &Role::ALL, |_| ());
    tokens.write(&project);
    let service = Service::start(&project, &["--env", "dev"]);
    let plan = Visitor::new(&service, &admin).page("/e/live/plan");
    assert!(
        plan.contains("dagmar apply")
            && plan.contains("--override GATE --reason TEXT")
            && !plan.contains("name=\"typed\""),
        "{plan}"
    );
    service.stop();
}

#[test]
fn a_rollback_is_chosen_looked_at_and_confirmed() {
    let database = Database::new();
    let all = [table("a"), table("b").depends_on(["a"]), table("c")];
    let service = Service::of(&project(&all), &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    assert!(visitor.page("/e/default/rollback").contains("Nothing is applied."));
    apply(&visitor, "default");
    let offer = visitor.form("/e/default/rollback", "/e/default/rollback");
    assert_eq!(visitor.follow(&offer), "/e/default/rollback", "nothing is chosen");
    let several = offer.clone().and("changeset", "a").and("changeset", "c");
    assert_eq!(visitor.follow(&several), "/e/default/rollback?changesets=a%2Cc&cascade=false");
    // what depends on it is in the way, and the page leads further
    let alone = visitor.get(&visitor.follow(&offer.clone().and("changeset", "a")));
    assert!(alone.status == 403 && alone.body.contains("<code>b</code> depends on"), "{}", alone.body);
    assert!(alone.body.contains("href=\"/e/default/rollback?changesets=a&amp;cascade=true\""), "{}", alone.body);
    assert!(!alone.body.contains("name=\"typed\""));
    let path = visitor.follow(&offer.and("changeset", "a").and("cascade", "true"));
    let page = visitor.page(&path);
    assert!(page.contains("<h1>Rollback plan for default</h1>") && page.contains("Roll back 2 changesets"), "{page}");
    assert!(page.contains("DROP</span>"), "{page}");
    let form = form(&page, "/e/default/rollbacks").with("typed", "default");
    // what was chosen is what is run, also if a field is changed on its way
    assert_eq!(visitor.send(&form.clone().with("changesets", "c")).status, 409);
    assert_eq!(tables(&database), "a b c");
    let page = ended(&visitor, &visitor.follow(&form));
    assert!(page.contains("<h1>Rollback in default") && page.contains("Done: 2 steps"), "{page}");
    assert_eq!(tables(&database), "c");
    assert!(
        visitor.page("/e/default/rollback?to=c").contains("Chosen: everything that was applied after <code>c</code>")
    );
    let last = visitor.form("/e/default/rollback?lastRun=true", "/e/default/rollbacks").with("typed", "default");
    ended(&visitor, &visitor.follow(&last));
    assert_eq!(tables(&database), "");
    for wrong in ["?to=a&lastRun=true", "?changesets=a&to=b", "?cascade=yes"] {
        assert_eq!(visitor.get(&format!("/e/default/rollback{wrong}")).status, 400, "{wrong}");
    }
    service.stop();
}

#[test]
fn backfills_are_paused_and_resumed() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    let service = Service::of(&project, &database, &[]);
    let visitor = Visitor::new(&service, SECRET);
    let form = visitor.form("/e/default/runs", "/e/default/pause").with("reason", " peak hour ");
    assert_eq!(visitor.follow(&form), "/e/default");
    let paused = || service.get("/api/v1/environments/default/status").json()["paused"].clone();
    assert_eq!(paused()["reason"], "peak hour");
    assert!(visitor.page("/").contains("backfills are paused by secret@127.0.0.1"));
    let token = form.field("form_token");
    assert_eq!(visitor.follow(&forged("/e/default/resume").with("form_token", token)), "/e/default");
    assert_eq!(paused(), Value::Null);
    service.stop();
}
