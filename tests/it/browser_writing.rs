//! The pages that write, in a real browser (Chromium, its driver and axe-core: `tests/browser.sh`).

use crate::support::webdriver::Browser;
use crate::support::{Changeset, Database, Project, SECRET, Service, Three, file, project, sql, table, tables, until};

/// A table whose changeset waits until the lock `(77, 1)` is free.
fn held(id: &str) -> Changeset {
    let wait = "SELECT pg_advisory_xact_lock_shared(77, 1)";
    sql(id, &format!("{wait};\nCREATE TABLE \"{id}\" (n int)"), &format!("DROP TABLE \"{id}\""))
}

const HOLD: &str = "SELECT pg_advisory_lock(77, 1)";

fn at(service: &Service, path: &str) -> String {
    format!("http://{}{path}", service.address)
}

fn log_in(browser: &Browser, service: &Service) {
    browser.open(&at(service, "/login"));
    browser.type_into("#token", SECRET);
    browser.click("button.main");
    browser.until_at("/");
}

/// Confirms what the page shows, and waits for these words of the run.
#[track_caller]
fn confirm(browser: &Browser, environment: &str, words: &str) {
    browser.type_into("#typed", environment);
    browser.click("#confirm button");
    said(browser, words);
}

#[track_caller]
fn said(browser: &Browser, words: &str) {
    until(words, || browser.has("#said") && browser.text("#said").starts_with(words));
}

/// The three environments of docs/promotion.md, with these policies of production.
fn three(policies: &str) -> (Three, Service) {
    let orders =
        "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, placed timestamptz NOT NULL)";
    let all = [
        sql("001-orders", orders, "DROP TABLE orders"),
        sql("002-total", "ALTER TABLE orders ADD COLUMN cents bigint", "ALTER TABLE orders DROP COLUMN cents")
            .with("description", "What an order costs")
            .depends_on(["001-orders"]),
    ];
    let three = Three::new(policies, &all);
    let mut command = three.project.command(&["serve", "--listen", "127.0.0.1:0", "--env", "dev"]);
    for (name, database) in
        [("DEV_URL", &three.dev), ("STAGING_URL", &three.staging), ("PRODUCTION_URL", &three.production)]
    {
        command.env(name, database.url());
    }
    command.env("DAGMAR_SECRET", SECRET);
    let service = Service::run(command);
    (three, service)
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn a_release_is_clicked_through_three_databases() {
    let (three, service) =
        three("promoteOnly: true\nfreeze: [{ from: 2020-01-01, to: 2999-01-01, reason: the year end }]");
    let browser = Browser::start(1300);
    log_in(&browser, &service);
    // what to do next leads there
    browser.click("section:nth-of-type(1) .todo a");
    browser.until_at("/e/dev/plan");
    confirm(&browser, "dev", "Done: 2 steps in ");
    assert_eq!(browser.title(), "Apply: done · dev · dagmar");
    browser.click("a.brand");
    browser.until_at("/");
    browser.click("section:nth-of-type(2) .todo a");
    browser.until_at("/promote/staging");
    // another name runs nothing
    browser.type_into("#typed", "production");
    browser.click("#confirm button");
    until("it is refused", || browser.has(".notice"));
    assert!(browser.text(".notice").contains("the name that was typed is not staging"), "{}", browser.text(".notice"));
    confirm(&browser, "staging", "Done: 2 steps in ");
    browser.open(&at(&service, "/promote/production"));
    assert!(browser.text("#confirm").contains("a gate of production is not met"), "{}", browser.text("#confirm"));
    assert!(browser.text("main").contains("the year end") && !browser.has("#typed"));
    three.policies("promoteOnly: true");
    service.signal("HUP");
    service.until_logged("the project was read again");
    browser.open(&at(&service, "/promote/production"));
    confirm(&browser, "production", "Done: 2 steps in ");
    browser.open(&at(&service, "/matrix?differs=true"));
    assert!(browser.text("main").contains("No changeset fits."));
    // and back
    browser.open(&at(&service, "/e/production/rollback"));
    browser.click("input[value='002-total']");
    browser.click("button.main");
    until("the plan is there", || browser.has("#typed"));
    assert!(browser.text("h1").contains("Rollback plan for production") && browser.text("main").contains("cents"));
    confirm(&browser, "production", "Done: 1 step in ");
    browser.open(&at(&service, "/e/production/changeset?id=002-total"));
    assert!(browser.text("main").contains("dev: applied") && browser.text("main").contains("production: pending"));
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'";
    assert_eq!((three.staging.sql(columns), three.production.sql(columns)), ("3".to_owned(), "2".to_owned()));
    // the answer to the wrong name is one
    let complaints = browser.complaints().into_iter().filter(|line| !line.contains("status of 400"));
    assert_eq!(complaints.collect::<Vec<_>>(), [""; 0], "of scripts, styles, or what the policy forbids");
    service.stop();
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn a_run_is_watched_until_it_fails() {
    let database = Database::new();
    let raise = "DO $$ BEGIN RAISE EXCEPTION '<script>document.title = 1</script><b>bold</b>'; END $$";
    let project = project(&[held("a"), sql("b/c", raise, "SELECT 1").depends_on(["a"])]);
    let service = Service::of(&project, &database, &[]);
    let browser = Browser::start(1300);
    log_in(&browser, &service);
    let holder = database.hold(HOLD);
    browser.open(&at(&service, "/e/default/plan"));
    confirm(&browser, "default", "Runs: 0 of 2 steps done.");
    assert!(browser.has("#controls"));
    browser.script("window.same = true");
    drop(holder);
    said(&browser, "Failed: 1 of 2 steps done. The next run continues.");
    assert_eq!(browser.script("return window.same"), true, "the page was loaded again");
    until("it cannot be cancelled any more", || !browser.has("#controls"));
    assert_eq!(browser.title(), "Apply: failed · default · dagmar");
    let alert = browser.text("#run .notice");
    assert!(alert.contains("<script>document.title = 1</script><b>bold</b>") && alert.contains("b/c"), "{alert}");
    // times that came later are in the zone of whoever looks too
    assert_eq!(browser.script("return document.querySelector('#run time').title.endsWith('Z')"), true);
    browser.click("#run td.id a");
    browser.until_at("/e/default/changeset?id=a");
    assert_eq!(browser.complaints(), [""; 0]);
    service.stop();
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn two_people_see_the_same_run_and_one_cancels_it() {
    let database = Database::new();
    let service = Service::of(&project(&[table("a"), held("b").depends_on(["a"])]), &database, &[]);
    let (anna, ben) = (Browser::start(1300), Browser::start(400));
    for browser in [&anna, &ben] {
        log_in(browser, &service);
        browser.open(&at(&service, "/e/default/plan"));
    }
    let holder = database.hold(HOLD);
    confirm(&anna, "default", "Runs: ");
    database.until_runs("pg_advisory_xact_lock_shared");
    ben.type_into("#typed", "default");
    ben.click("#confirm button");
    until("somebody else was first", || ben.has(".notice a"));
    ben.click(".notice a");
    said(&ben, "Runs: 1 of 2 steps done.");
    assert_eq!(anna.url(), ben.url());
    ben.type_into("#controls input[name=reason]", "not today");
    ben.click("#controls button.danger");
    said(&anna, "Interrupted: 1 of 2 steps done.");
    said(&ben, "Interrupted: 1 of 2 steps done.");
    assert!(anna.text("#run").contains("not today"), "{}", anna.text("#run"));
    drop(holder);
    for browser in [&anna, &ben] {
        // the answer to who came second is one
        let complaints = browser.complaints().into_iter().filter(|line| !line.contains("status of 409"));
        assert_eq!(complaints.collect::<Vec<_>>(), [""; 0]);
    }
    service.stop();
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn a_run_is_followed_without_scripts() {
    let database = Database::new();
    let service = Service::of(&project(&[held("a")]), &database, &[]);
    let browser = Browser::start(1300);
    log_in(&browser, &service);
    let holder = database.hold(HOLD);
    browser.open(&at(&service, "/e/default/plan"));
    confirm(&browser, "default", "Runs: ");
    let page = browser.url();
    browser.without_scripts();
    browser.read(&page, "Runs: 0 of 1 steps done.");
    drop(holder);
    // the page asks again by itself
    browser.until_read("Done: 1 step in ");
    assert_eq!(tables(&database), "a");
    service.stop();
}

/// A service with a run of each kind, and its pages.
fn shown() -> (Project, [Database; 2], Service, Vec<String>) {
    let databases = [Database::new(), Database::new()];
    let broken = sql("c", "SELECT 1/0", "SELECT 1").environments(["dev"]);
    let changesets = [table("a").with("description", "What it is"), table("b").depends_on(["a"]), broken];
    let project = Project::new(&[("plans/a.yaml", &file(&changesets))]);
    let [dev, live] = &databases;
    let config = format!(
        "environments:\n  dev: {{ url: \"{}\" }}\n  live: {{ url: \"{}\", promoteFrom: dev, soak: 1d }}\n",
        dev.url(),
        live.url()
    );
    project.write("dagmar.yaml", &config);
    let service = Service::start(&project, &["--env", "dev"]);
    assert_eq!(service.post("/migrate", "{}").status, 500);
    let run = dev.sql("SELECT id FROM dagmar.run");
    let mut pages: Vec<String> = [
        "/",
        "/matrix",
        "/e/dev",
        "/e/dev/changeset?id=a",
        "/e/dev/changeset?id=c",
        "/e/dev/graph",
        "/e/dev/plan",
        "/e/live/plan",
        "/promote/live",
        "/e/dev/rollback",
        "/e/dev/rollback?changesets=b&cascade=false",
        "/e/dev/rollback?changesets=a&cascade=false",
        "/e/dev/runs",
        "/e/dev/history",
        "/e/dev/nothing",
    ]
    .map(str::to_owned)
    .to_vec();
    pages.push(format!("/e/dev/runs/{run}"));
    (project, databases, service, pages)
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn no_page_has_barriers() {
    let (_project, _databases, service, pages) = shown();
    let browser = Browser::start(1300);
    browser.open(&at(&service, "/login"));
    assert_eq!(browser.barriers(), serde_json::json!([]), "/login");
    log_in(&browser, &service);
    for is_dark in [false, true] {
        if is_dark {
            browser.in_the_dark();
        }
        for path in &pages {
            browser.open(&at(&service, path));
            assert_eq!(browser.barriers(), serde_json::json!([]), "{path}, dark: {is_dark}");
        }
    }
    service.stop();
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn pages_that_write_fit_a_phone() {
    let (_project, _databases, service, pages) = shown();
    let browser = Browser::start(400);
    log_in(&browser, &service);
    for path in &pages {
        browser.open(&at(&service, path));
        let wide = browser.script("return document.documentElement.scrollWidth - window.innerWidth");
        assert_eq!(wide, 0, "{path}");
    }
    service.stop();
}
