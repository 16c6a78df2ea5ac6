//! What a service counts and measures: in a form that Prometheus reads, and true.

use crate::support::exposition::Exposition;
use crate::support::http::Http;
use crate::support::tokens::Tokens;
use crate::support::{Database, SECRET, Service, project, sql, table, until};
use dagmar::base::Role;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[track_caller]
fn scrape(service: &Service) -> Exposition {
    let reply = service.get("/metrics");
    assert_eq!(reply.status, 200, "{reply:?}");
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(reply.header("content-type"), media);
    Exposition::read(&reply.body)
}

/// Waits until a series has this value.
#[track_caller]
fn until_is(service: &Service, name: &str, labels: &str, value: f64) {
    let mut last = None;
    let is_so = || {
        last = scrape(service).value(name, labels);
        last == Some(value)
    };
    until(&format!("{name}{{{labels}}} is {value}"), is_so);
}

/// The metrics that the documentation has, without the ends of their series.
fn documented() -> BTreeSet<String> {
    let page = std::fs::read_to_string("docs/service.md").unwrap();
    let (_, chapter) = page.split_once("\n## Metrics\n").unwrap();
    let lines = chapter.split("\n## ").next().unwrap().lines();
    let names = lines.filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next());
    names.map(|name| name.trim_end_matches("_total").trim_end_matches("_info").to_owned()).collect()
}

/// A step that waits until the lock `(77, 1)` is free.
const WAIT: &str = "SELECT pg_advisory_xact_lock_shared(77, 1)";

#[test]
fn runs_and_environments_are_counted() {
    let (dev, live) = (Database::new(), Database::new());
    let all = [table("a"), sql("bad", "SELECT 1/0", "SELECT 1"), sql("waits", WAIT, "SELECT 1")];
    let project = project(&all);
    let config = format!(
        "environments:\n  dev: {{ url: \"{}\" }}\n  live: {{ url: \"{}\", promoteFrom: dev }}\n  \
         away: {{ url: \"postgres://nobody@127.0.0.1:1/x\" }}\n  private: {{ url: embedded }}\n",
        dev.url(),
        live.url()
    );
    project.write("dagmar.yaml", &config);
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0", "--observe", "200ms"]);
    command.env("DAGMAR_SECRET", SECRET);
    let service = Service::run(command);
    until_is(&service, "dagmar_changesets", "environment=dev,state=pending", 3.0);
    until_is(&service, "dagmar_environment_up", "environment=away", 0.0);
    let before = scrape(&service);
    assert_eq!(before.value("dagmar_environment_up", "environment=dev"), Some(1.0));
    assert_eq!(before.value("dagmar_changesets", "environment=dev,state=applied"), Some(0.0));
    assert_eq!(before.value("dagmar_changesets", "environment=away"), None, "nobody knows");
    assert_eq!(before.value("dagmar_runs_total", ""), None);
    assert_eq!(before.value("dagmar_drift_differences", ""), None, "nobody has compared");
    // a look makes no private server
    assert_eq!(before.value("dagmar_environment_up", "environment=private"), None);
    assert!(!project.path().join(".dagmar").exists());
    // what is pending grows old
    let age = |environment: &str| scrape(&service).value("dagmar_oldest_pending_seconds", environment);
    until("it is older", || age("environment=dev") > before.value("dagmar_oldest_pending_seconds", "environment=dev"));

    assert_eq!(service.post("/migrate", "{\"migration_name\":\"a\"}").status, 200);
    assert_eq!(service.post("/migrate", "{\"migration_name\":\"bad\"}").status, 500);
    assert_eq!(service.post("/rollback", "{\"changesets\":[\"a\"]}").status, 200);
    assert_eq!(service.post("/migrate", "{\"migration_name\":\"a\"}").status, 200);
    let hold = dev.hold("SELECT pg_advisory_lock(77, 1)");
    let answer = service.post_with("/migrate?wait=0s", "", "{\"migration_name\":\"waits\"}").json();
    let id = answer["id"].as_str().unwrap();
    let mut events = service.events(&format!("/api/v1/environments/dev/runs/{id}/events"), "");
    events.until("blocked");
    assert_eq!(scrape(&service).value("dagmar_runs_in_progress", "environment=dev"), Some(1.0));
    drop(hold);
    events.rest();
    until_is(&service, "dagmar_runs_in_progress", "environment=dev", 0.0);
    until_is(&service, "dagmar_changesets", "environment=dev,state=applied", 2.0);
    let after = scrape(&service);
    for (name, labels, value) in [
        ("dagmar_runs_total", "environment=dev,kind=apply,status=done", 3.0),
        ("dagmar_runs_total", "environment=dev,kind=apply,status=failed", 1.0),
        ("dagmar_runs_total", "environment=dev,kind=rollback,status=done", 1.0),
        ("dagmar_run_duration_seconds_count", "environment=dev,kind=apply", 4.0),
        ("dagmar_steps_total", "environment=dev,direction=forward,status=done", 3.0),
        ("dagmar_steps_total", "environment=dev,direction=forward,status=failed", 1.0),
        ("dagmar_steps_total", "environment=dev,direction=rollback,status=done", 1.0),
        ("dagmar_step_duration_seconds_count", "environment=dev", 4.0),
        ("dagmar_step_failures_total", "environment=dev,sqlstate=22012", 1.0),
        ("dagmar_lock_wait_seconds_count", "environment=dev", 1.0),
        ("dagmar_changesets", "environment=dev,state=failed", 1.0),
        ("dagmar_changesets", "environment=dev,state=pending", 0.0),
        ("dagmar_changesets", "environment=live,state=pending", 3.0),
        ("dagmar_http_requests_total", "route=migrate,method=POST,status=200", 2.0),
        ("dagmar_http_requests_total", "route=migrate,method=POST,status=202", 1.0),
        ("dagmar_http_requests_total", "route=migrate,method=POST,status=500", 1.0),
    ] {
        assert_eq!(after.value(name, labels), Some(value), "{name} {labels}");
    }
    assert_eq!(after.values("environment"), BTreeSet::from(["away", "dev", "live"].map(str::to_owned)));
    assert_eq!(after.values("sqlstate"), BTreeSet::from(["22012".to_owned()]));
    let waited = after.value("dagmar_lock_wait_seconds_sum", "environment=dev").unwrap();
    assert!(waited < after.value("dagmar_run_duration_seconds_sum", "environment=dev").unwrap(), "{waited}");
    // what is applied before it is as old as that in the next environment
    let since: f64 = dev
        .sql("SELECT extract(epoch FROM clock_timestamp() - applied_at) FROM dagmar.changeset WHERE id = 'a'")
        .parse()
        .unwrap();
    assert!(age("environment=live").unwrap() + 1.0 > since, "{since}");
    // a recorded comparison is known
    let mut compare = project.command(&["drift", "--env", "dev", "--record"]);
    compare.output().unwrap();
    until_is(&service, "dagmar_drift_differences", "environment=dev", 0.0);
    // every metric has its row in the documentation, and every row is a metric
    let (rows, names) = (documented(), scrape(&service).names());
    let others = BTreeSet::from(["dagmar_step_retries", "dagmar_webhook_deliveries"].map(str::to_owned));
    assert_eq!(rows, names.union(&others).cloned().collect());
    // an environment that is gone has no series
    project.write("dagmar.yaml", config.split_once("  live").unwrap().0);
    service.signal("HUP");
    until("it is gone", || scrape(&service).value("dagmar_environment_up", "environment=live").is_none());
    service.stop();
}

#[test]
fn strangers_are_counted_and_read_metrics_only_where_they_may() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.write("dagmar.yaml", "environments: { dev: {}, live: {} }");
    let mut tokens = Tokens::default();
    let reader = tokens.add("reader", &[Role::Read], |_| ());
    let of_one = tokens.add("one", &Role::ALL, |entry| entry.environments = Some(vec!["dev".to_owned()]));
    tokens.write(&project);
    let service = Service::of(&project, &database, &["--observe", "0s", "--metrics-listen", "127.0.0.1:0"]);
    service.until_logged("metrics");
    let log = service.log();
    let line = log.lines().find(|line| line.contains("metrics")).unwrap();
    let address = line.split("http://").nth(1).unwrap().split(['"', ' ']).next().unwrap();
    let open = |path: &str| {
        let mut http = Http::to(address.parse().unwrap());
        http.send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")).reply().unwrap()
    };
    assert_eq!(service.open("/metrics").status, 401);
    assert_eq!(service.ask("GET", "/metrics", &reader).status, 200);
    let refused = service.ask("GET", "/metrics", &of_one);
    assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "it names environments");
    for hidden in ["/status", "/api/v1/me", "/", "/nothing"] {
        assert_eq!(open(hidden).status, 401, "{hidden}");
    }
    service.ask("BREW", "/x", &reader);
    service.ask("GET", "/nothing/here", &reader);
    let text = open("/metrics").body;
    let metrics = Exposition::read(&text);
    for (name, labels, value) in [
        ("dagmar_http_requests_total", "route=metrics,method=GET,status=200", 1.0),
        ("dagmar_http_requests_total", "route=metrics,method=GET,status=403", 1.0),
        ("dagmar_http_requests_total", "route=none,method=GET,status=404", 1.0),
        ("dagmar_http_refused_total", "reason=forbidden", 1.0),
        ("dagmar_http_requests_total", "route=none,method=other,status=404", 1.0),
        ("dagmar_http_refused_total", "reason=notFound", 2.0),
        ("dagmar_http_refused_total", "reason=unauthenticated", 5.0),
        ("dagmar_http_request_duration_seconds_count", "route=metrics", 2.0),
        ("dagmar_build_info", &format!("version={}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(metrics.value(name, labels), Some(value), "{name} {labels}\n{text}");
    }
    // nothing that a client writes is a label
    assert!(!text.contains("BREW") && !text.contains("nothing"), "{text}");
    assert!(metrics.value("dagmar_http_connections", "").unwrap() >= 1.0);
    assert!(metrics.value("process_resident_memory_bytes", "").unwrap() > 1e6);
    assert!(metrics.value("process_open_fds", "").unwrap() > 3.0);
    assert!(metrics.value("process_start_time_seconds", "").unwrap() > 1.7e9);
    assert_eq!(metrics.value("dagmar_environment_up", ""), None, "nobody looks");
    assert!(metrics.names().is_subset(&documented()));
    service.stop();
}

#[test]
fn a_look_waits_for_nobody_and_holds_nothing() {
    let database = Database::new();
    let project = project(&[table("a")]);
    project.on(&database, &["apply"]).ok();
    let hold = database.hold("LOCK TABLE dagmar.changeset IN ACCESS EXCLUSIVE MODE");
    let service = Service::of(&project, &database, &["--observe", "100ms"]);
    let of_watch = "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dagmar watch%'";
    database.until(&format!("SELECT count(*) = 1 {of_watch} AND wait_event_type = 'Lock'"));
    // a look that waits has no lock that anybody else would wait for, and holds up no scrape
    let strong = format!(
        "SELECT count(*) FROM pg_locks l WHERE granted AND mode NOT IN ('AccessShareLock', 'ExclusiveLock') \
         AND pid IN (SELECT pid {of_watch})"
    );
    assert_eq!(database.sql(&strong), "0");
    let numbers =
        format!("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND pid IN (SELECT pid {of_watch})");
    assert_eq!(database.sql(&numbers), "0");
    assert_eq!(scrape(&service).value("dagmar_environment_up", ""), None);
    // a service that stops does not wait for it
    let other = Service::of(&project, &database, &["--observe", "100ms"]);
    database.until(&format!("SELECT count(*) = 2 {of_watch} AND wait_event_type = 'Lock'"));
    let began = Instant::now();
    other.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // it gives up, leaves nothing behind on the server, says so once, and finds what there is when it can
    until_is(&service, "dagmar_environment_up", "environment=default", 0.0);
    database.until(&format!("SELECT count(*) <= 1 {of_watch}"));
    let began = "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - backend_start)), 0) < 8";
    assert_eq!(database.sql(&format!("{began} {of_watch}")), "t");
    drop(hold);
    until_is(&service, "dagmar_changesets", "environment=default,state=applied", 1.0);
    let log = service.stop();
    assert_eq!(log.matches("the environment cannot be looked at").count(), 1, "{log}");
    assert_eq!(log.matches("the environment can be looked at again").count(), 1, "{log}");
}
