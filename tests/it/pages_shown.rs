//! What the pages of the service show, and that nothing of it is markup.

use crate::support::{Database, Project, Service, bearer, file, project, sql, table};

#[test]
fn nothing_foreign_is_markup() {
    let database = Database::new();
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}";
    let failing = |id: &str| {
        let raises = format!("DO $$ BEGIN RAISE EXCEPTION '{evil}'; END $$");
        sql(id, &raises, "SELECT 1").with("description", evil)
    };
    let project = project(&[table("a").with("description", evil), failing("b")]);
    let run = project.on(&database, &["apply"]);
    assert_ne!(run.code, 0);
    let service = Service::of(&project, &database, &[]);
    let run = database.sql("SELECT id FROM dagmar.run");
    for path in [
        "/",
        "/e/default",
        "/e/default/changeset?id=b",
        "/e/default?q=%3Cscript%3E",
        "/e/default/graph",
        "/e/default/graph?around=%3Cscript%3E",
        "/e/default/plan",
        "/e/default/plan?select=%3Cscript%3E",
        "/e/default/history",
        "/e/default/history?by=%3Cscript%3E&run=%22%3E%3Cimg",
        "/e/%3Cscript%3E",
        "/matrix",
        "/matrix?q=%3Cscript%3E",
        "/e/default/runs",
        &format!("/e/default/runs/{run}"),
        "/e/default/runs/%3Cscript%3E",
        "/e/default/rollback",
        "/e/default/rollback?to=%3Cscript%3E",
        "/e/default/rollback?changesets=%3Cscript%3E,b&cascade=false",
        "/promote/%3Cscript%3E",
        "/login?to=%2F%22%3E%3Cscript%3E",
    ] {
        let page = service.get(path);
        assert!(!page.body.contains("<script>") && !page.body.contains("<img"), "{path}: {}", page.body);
        assert!(!page.body.contains('\u{202e}'), "{path}");
    }
    let list = service.get("/e/default");
    assert!(list.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", list.body);
    let overview = service.get("/");
    assert!(overview.body.contains("Mend what failed (1 changeset), then run again."), "{}", overview.body);
    assert!(overview.body.contains("href=\"/e/default/changeset?id=b\""), "{}", overview.body);
    service.stop();
}

#[test]
fn long_lists_are_paged_and_searched() {
    let database = Database::new();
    let changesets: Vec<_> = (1..=450).map(|n| table(&format!("t{n:03}"))).collect();
    let project = Project::new(&[("plans/a.yaml", &file(&changesets))]);
    project.on(&database, &["apply", "--select", "t002"]).ok();
    let service = Service::of(&project, &database, &[]);
    let page = |query: &str| service.ask("GET", &format!("/e/default{query}"), &bearer()).body;
    let rows = |page: &str| page.matches("<tr><td").count();
    let first = page("");
    assert!(rows(&first) == 200 && first.contains("1 to 200 of 450") && first.contains("rel=\"next\""));
    assert!(!first.contains("rel=\"prev\""));
    let last = page("?state=pending&q=T&page=3");
    assert!(rows(&last) == 49 && last.contains("401 to 449 of 449") && !last.contains("rel=\"next\""), "{last}");
    assert!(last.contains("href=\"/e/default?state=pending&amp;q=t&amp;page=2\""), "{last}");
    let one = page("?q=t002");
    assert!(rows(&one) == 1 && one.contains("<span class=\"tag good\">applied</span>"), "{one}");
    assert!(page("?state=failed").contains("No changeset fits.") && page("?page=9").contains("450 to 450 of 450"));
    for odd in ["?state=odd", "?page=0", "?page=x", "?other=1"] {
        assert_eq!(service.ask("GET", &format!("/e/default{odd}"), &bearer()).status, 400, "{odd}");
    }
    service.stop();
}

#[test]
fn the_overview_says_what_is_there_and_what_is_not() {
    let (dev, live) = (Database::new(), Database::new());
    let project = project(&[table("a"), table("b").with("environments", ["dev"])]);
    let config = format!(
        "environments:\n  dev: {{ url: \"{}\" }}\n  live: {{ url: \"{}\", promoteFrom: dev }}\n  gone: {{ url: \"postgres://127.0.0.1:1/x\" }}\n  own: {{ url: embedded }}\n",
        dev.url(),
        live.url()
    );
    project.write("dagmar.yaml", &config);
    project.run(&["apply", "--env", "dev", "--yes"]).ok();
    let service = Service::start(&project, &["--env", "dev", "--environments", "dev,live,gone,own"]);
    let reply = service.ask("GET", "/", &bearer());
    let cards: Vec<&str> = reply.body.split("<section").skip(1).collect();
    assert_eq!(cards.len(), 4);
    assert!(
        cards[0].contains("2 applied") && cards[0].contains("Nothing to do: everything is applied."),
        "{}",
        cards[0]
    );
    assert!(cards[1].contains("1 pending") && cards[1].contains("1 excluded") && cards[1].contains("no ledger yet"));
    assert!(cards[1].contains("Apply 1 pending changeset, by promotion from dev."), "{}", cards[1]);
    assert!(cards[2].contains("not reached") && cards[2].contains("connection refused"), "{}", cards[2]);
    // looking does not make a server
    assert!(cards[3].contains("its embedded server was never started"), "{}", cards[3]);
    service.stop();
    let service = Service::start(&project, &["--env", "dev", "--environments", "dev"]);
    let reply = service.ask("GET", "/", &bearer());
    assert!(!reply.body.contains("live") && service.ask("GET", "/e/live", &bearer()).status == 404, "{}", reply.body);
    service.stop();
}

#[test]
fn the_graph_the_plan_and_the_history_lead_to_changesets() {
    let database = Database::new();
    let project = project(&[table("a"), table("b").depends_on(["a"]), table("c").depends_on(["b"])]);
    project.on(&database, &["apply", "--select", "a"]).ok();
    let service = Service::of(&project, &database, &[]);
    let page = |path: &str| service.get(path).body;
    let to_b = "<a href=\"/e/default/changeset?id=b\">";
    let graph = page("/e/default/graph");
    assert!(graph.contains("<svg") && graph.contains(to_b) && graph.contains("Changesets: 3,"), "{graph}");
    assert!(!graph.contains("<style") && !graph.contains("style="), "the policy allows no style inside of a page");
    let near = page("/e/default/graph?around=a&depth=1");
    assert!(near.contains(to_b) && !near.contains("id=c\""), "{near}");
    let plan = page("/e/default/plan");
    assert!(plan.contains("<h1>Forward plan for default</h1>") && plan.contains(to_b), "{plan}");
    assert!(plan.contains("CREATE</span>") && !plan.contains("<style") && !plan.contains("style="), "{plan}");
    let digest = plan.split("Digest <code>").nth(1).unwrap().split('<').next().unwrap();
    let of_api = service.get("/api/v1/environments/default/plan").json();
    assert_eq!(of_api["digest"], digest, "a run over the API is confirmed by what the page shows");
    let one = page("/e/default/plan?select=b");
    assert!(one.contains(to_b) && !one.contains("changeset?id=c"), "{one}");
    let history = page("/e/default/history?changeset=a");
    assert!(history.contains("<a href=\"/e/default/changeset?id=a\">") && history.contains("applied"), "{history}");
    let run = history.split("history?run=").nth(1).unwrap().split('"').next().unwrap();
    assert!(page(&format!("/e/default/history?run={run}")).contains("runStarted"));
    assert!(page("/e/default/history?kind=failed").contains("No event fits."));
    for odd in ["history?kind=odd", "history?before=x", "graph?depth=0", "graph?around=nothing", "plan?select=nothing"]
    {
        assert_eq!(service.get(&format!("/e/default/{odd}")).status, 400, "{odd}");
    }
    service.stop();
}

#[test]
fn mistakes_in_the_files_are_shown_beside_what_the_ledger_has() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    project.write("plans/b.yaml", "changesets: [{ id: b, dependsOn: [nowhere] }]");
    let service = Service::of(&project, &database, &[]);
    let page = service.ask("GET", "/e/default", &bearer());
    assert!(page.status == 200 && page.body.contains("problems in the files"), "{}", page.body);
    assert!(page.body.contains("<code>plans/b.yaml:1</code>") && page.body.contains("applied"), "{}", page.body);
    service.stop();
}
