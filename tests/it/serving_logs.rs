//! The log of a service: lines that programs read, one id all the way, and nothing that acts on a terminal.

use crate::support::tokens::Tokens;
use crate::support::{Database, SECRET, Service, project, sql, table, until};
use dagmar::base::Role;
use serde_json::Value;

/// An error that a server may tell: markup, control characters, quotes, another line that looks like one of the log.
const ODD: &str = "<script>\u{1b}[31m\"red\"\u{7}\u{202e}\r\n{\"level\":\"INFO\",\"fields\":{\"message\":\"forged\"}}";

/// A step that fails with it.
fn failing() -> String {
    let hex: String = ODD.bytes().map(|b| format!("{b:02x}")).collect();
    format!("DO $$BEGIN RAISE EXCEPTION '%', convert_from('\\x{hex}', 'UTF8'); END$$")
}

/// No line has what acts on a terminal.
#[track_caller]
fn plain(log: &str) {
    let acts = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!log.contains(acts), "{log:?}");
}

/// The lines of a log, each an object.
#[track_caller]
fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn with<'l>(lines: &'l [Value], message: &str) -> Vec<&'l Value> {
    let fits = |line: &&Value| line["fields"]["message"].as_str().unwrap().starts_with(message);
    lines.iter().filter(fits).collect()
}

#[test]
fn every_line_is_json() {
    let database = Database::new();
    let waits = sql("waits", "SELECT pg_advisory_xact_lock_shared(77, 1)", "SELECT 1");
    let project = project(&[table("a"), sql("bad", &failing(), "SELECT 1"), waits]);
    let mut tokens = Tokens::default();
    let reader = tokens.add("reader", &[Role::Read], |_| ());
    tokens.write(&project);
    let service = Service::of(&project, &database, &["--log-format", "json", "--log-level", "debug"]);
    assert_eq!(service.post("/migrate", "{\"migration_name\":\"a\"}").status, 200);
    let failed = service.post("/migrate", "{\"migration_name\":\"bad\"}");
    assert_eq!(failed.status, 500);
    let refused = service.ask("POST", "/migrate", &reader);
    assert_eq!(refused.status, 403);
    let stranger = service.ask("GET", "/\u{7f}<b>?token=hunter2", "Authorization: Bearer wrong-<secret>\r\n");
    service.ask("<B>", "/x", "X-Request-Id: <i>forged-id</i>\r\n");
    // the id of a run is in the names of its sessions
    let hold = database.hold("SELECT pg_advisory_lock(77, 1)");
    let run = service.post("/migrate?wait=0s", "{\"migration_name\":\"waits\"}").json();
    let id = run["id"].as_str().unwrap().to_owned();
    let names = format!("FROM pg_stat_activity WHERE application_name LIKE '% {id}'");
    database.until(&format!("SELECT count(*) > 0 {names}"));
    drop(hold);
    until("it is over", || service.log().matches("run over").count() == 3);
    let log = service.stop();
    plain(&log);
    let lines = lines(&log);
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    // each request has one line, with its id
    let requests = with(&lines, "request");
    for (reply, status, route, refusal) in
        [(&failed, 500, "migrate", "failed"), (&refused, 403, "migrate", "forbidden")]
    {
        let id = reply.header("x-request-id");
        let own: Vec<_> = requests.iter().filter(|line| line["fields"]["request"] == id).collect();
        let [line] = own.as_slice() else { panic!("{own:?}") };
        let fields = &line["fields"];
        assert_eq!((&fields["status"], &fields["route"]), (&status.into(), &route.into()));
        assert_eq!((&fields["refusal"], &fields["address"]), (&refusal.into(), &"127.0.0.1".into()));
    }
    assert!(stranger.status == 400 || stranger.status == 401, "{stranger:?}");
    // each phase of a run has one, with the same id
    for message in ["run asked for", "run began", "step done", "run over"] {
        let own = with(&lines, message);
        assert_eq!(own.iter().filter(|line| line["fields"]["request"] == id.as_str()).count(), 1, "{message}: {own:?}");
    }
    let error = lines.iter().find(|line| line["fields"]["changeset"] == "bad" && line["level"] == "ERROR").unwrap();
    assert_eq!(
        (&error["fields"]["sqlstate"], &error["fields"]["request"]),
        (&"P0001".into(), &failed.header("x-request-id").into())
    );
    assert!(error["fields"]["message"].as_str().unwrap().contains("<script>"), "{error}");
    assert_eq!((with(&lines, "starting").len(), with(&lines, "stopped").len()), (1, 1));
    assert!(with(&lines, "forged").is_empty());
    for secret in [SECRET, "hunter2", "wrong-", "Authorization", "Bearer", "forged-id"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn every_line_of_text_is_a_line_of_its_own() {
    let database = Database::new();
    let project = project(&[sql("bad", &failing(), "SELECT 1")]);
    let service = Service::of(&project, &database, &["--log-level", "debug"]);
    assert_eq!(service.post("/migrate", "").status, 500);
    let log = service.stop();
    plain(&log);
    for line in log.lines() {
        let level = line.split_whitespace().nth(1).unwrap();
        assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&level), "{line}");
    }
    assert!(log.contains("run began") && log.contains("<script>"), "{log}");
}
