//! What others wrote comes to a terminal as text: no escape sequence, no character that nobody sees, no line that
//! somebody forged. Every way on which foreign text comes in is tried.

use crate::support::{Database, Project, Run, Shop, against, file, project, sql};
use dagmar::plan::sealed::Sealed;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Clears the screen, renames the window, hides what follows, turns the reading direction; and one that nobody sees.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;own\u{7}\u{1b}[8m\u{9b}31m\u{202e}\u{61c}\u{200b}\u{ad}\u{e0041}\u{2028}.";
/// What is left of it.
const TAME: &str = "␛[2J␛]0;own␇␛[8m�31m������.";

/// The same as an SQL literal.
fn literal(before: &str) -> String {
    format!("E'{before}\\x1b[2J\\x1b]0;own\\x07\\x1b[8m\\u009b31m\\u202e\\u061c\\u200b\\u00ad\\U000e0041\\u2028.'")
}

/// Nothing in it is acted on, and these words are there.
#[track_caller]
fn tame(run: &Run, words: &[&str]) {
    let all = format!("{}{}", run.out, run.err).replace("\r\n", "\n");
    let wild = |c: char| c != '\n' && c.is_control() || "\u{202e}\u{61c}\u{200b}\u{ad}\u{e0041}\u{2028}".contains(c);
    assert!(!all.contains(wild), "{all:?}");
    for word in words {
        assert!(all.contains(word), "{word}\n{all}");
    }
}

/// As text, and as JSON: there as escapes.
#[track_caller]
fn tame_json(run: &Run) {
    tame(run, &[]);
    run.out.lines().for_each(|line| assert!(line.is_empty() || !line.contains('\u{1b}'), "{line}"));
}

#[test]
fn what_a_server_says_while_it_runs() {
    let notice = format!(
        "DO $$ BEGIN RAISE NOTICE '%', {}; RAISE WARNING '%', {}; END $$",
        literal("told "),
        literal("warned ")
    );
    // of an error that names objects, not values, the ledger keeps the message
    let fails = format!(
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = {}, HINT = {}; END $$",
        literal("message "),
        literal("hint ")
    );
    let project = project(&[sql("a", &notice, "SELECT 1"), sql("b", &fails, "SELECT 1").depends_on(["a"])]);
    let database = Database::new();
    let run = project.on(&database, &["apply"]);
    assert_eq!(run.code, 8, "{run:?}");
    let words = ["notice: told ", "warning: warned ", "failed: message ", "help: hint ", TAME];
    tame(&run, &words);
    assert_eq!(run.err.matches(TAME).count(), 4, "{}", run.err);
    let run = project.on(&database, &["apply", "--format", "json"]);
    tame_json(&run);
    assert!(run.out.contains("message \\u001b[2J\\u001b]0;own"), "{}", run.out);
    // what the ledger keeps of it is shown by others
    for args in [&["status"][..], &["history"], &["why", "b"]] {
        tame(&project.on(&database, args), &["message ␛[2J"]);
    }
    for args in [&["status", "--format", "json"][..], &["history", "--format", "json"], &["history", "--format", "csv"]]
    {
        tame_json(&project.on(&database, args));
    }
}

#[test]
fn a_message_of_several_lines_stays_below_its_head() {
    let fails = "DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = E'first\\nerror: second', HINT = E'a\\nhelp: b'; END $$";
    let (project, database) = (project(&[sql("a", fails, "SELECT 1")]), Database::new());
    let said = project.on(&database, &["apply"]).fails(8);
    assert!(said.contains("failed: first\n  error: second") && said.contains("\nhelp: a\n  help: b"), "{said}");
    assert!(!said.contains("\nerror: second") && !said.contains("\nhelp: b"), "{said}");
}

/// A server that lets nobody in, and says so in its own words.
#[test]
fn a_refusal_before_the_login() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4];
            stream.read_exact(&mut head).unwrap();
            let mut rest = vec![0; usize::try_from(u32::from_be_bytes(head)).unwrap() - 4];
            stream.read_exact(&mut rest).unwrap();
            let mut body = Vec::new();
            for (field, text) in [('S', "FATAL"), ('V', "FATAL"), ('C', "28000"), ('M', EVIL), ('H', EVIL)] {
                body.push(field as u8);
                body.extend(text.as_bytes());
                body.push(0);
            }
            body.push(0);
            let mut message = vec![b'E'];
            message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
            message.extend(body);
            let _ = stream.write_all(&message);
        }
    });
    let project = project(&[sql("a", "SELECT 1", "SELECT 1")]);
    let url = format!("postgres://u@127.0.0.1:{port}/d?sslmode=disable");
    for args in [&["status"][..], &["apply"], &["status", "--wait", "300ms"]] {
        let run = against(&project, &url, args);
        assert_eq!(run.code, 7, "{run:?}");
        tame(&run, &[TAME]);
    }
    tame_json(&against(&project, &url, &["status", "--format", "json"]));
}

#[test]
fn what_a_hook_says() {
    let hook = "environments:\n  dev:\n    beforeApply:\n      - run: [./hook.sh]\n";
    let project = Project::new(&[("dagmar.yaml", hook), ("plans/a.yaml", &file(&[sql("a", "SELECT 1", "SELECT 1")]))]);
    project.write("hook.sh", &format!("#!/bin/sh\necho '{EVIL}'\necho 'last {EVIL}' >&2\nexit 1\n"));
    fs::set_permissions(project.path().join("hook.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = project.on(&Database::new(), &["apply"]);
    assert_eq!(run.code, 8, "{run:?}");
    tame(&run, &[&format!("\n  {TAME}"), &format!("  | last {TAME}")]);
    tame_json(&project.on(&Database::new(), &["apply", "--format", "json"]));
}

#[test]
fn what_approvers_and_those_who_pause_say() {
    let shop = Shop::new();
    shop.seal(&[]);
    shop.run(&["approve", "p.plan", "--env", "production", "--reason", &format!("ok\nsigned by the boss {EVIL}")]).ok();
    let run = shop.run(&["apply", "p.plan", "--env", "production"]);
    tame(&run, &["approved by postgres", &format!("ok␊signed by the boss {TAME}")]);
    run.ok();
    tame(&shop.run(&["approvals", "list", "--env", "production"]), &[&format!("signed by the boss {}", &TAME[..9])]);
    shop.run(&["pause", "--env", "production", "--reason", &format!("lunch\n{EVIL}")]).ok();
    let run = shop.run(&["status", "--env", "production"]);
    tame(&run, &["backfills are paused by ", &format!(": lunch␊{TAME}; `dagmar resume`")]);
    tame(&shop.run(&["resume", "--env", "production"]), &["they were paused by "]);
}

/// Who may read the ledger may note a refusal, and say in it what he wants.
#[test]
fn a_spreadsheet_calculates_nothing_of_the_history() {
    let (project, database) = (project(&[sql("a", "SELECT 1", "SELECT 1")]), Database::new());
    project.on(&database, &["apply"]).ok();
    let said =
        r#"{"by": "=HYPERLINK(\"http://x/?\"&A1,\"y\")", "environment": "@SUM(A1)", "command": "x", "why": "+1"}"#;
    database.sql(&format!("SELECT dagmar.note_refusal('{said}')"));
    let csv = project.on(&database, &["history", "--format", "csv"]).ok();
    assert!(csv.contains(",\"'=HYPERLINK(\"\"http://x/?") && csv.contains(",'@SUM(A1),"), "{csv}");
    for begin in [",=", ",@", ",+", ",\"=", ",\"@", ",\"+"] {
        assert!(!csv.contains(begin), "{begin}\n{csv}");
    }
}

/// Whoever holds a lock chooses the text of his statement.
#[test]
fn what_stands_in_the_statement_of_a_locks_holder() {
    let database = Database::new();
    database.sql("CREATE TABLE held (n int)");
    let limits = json!({ "lockTimeout": "100ms", "lockRetries": 0 });
    let project = project(&[
        sql("a", "ALTER TABLE held ADD COLUMN m int", "ALTER TABLE held DROP COLUMN m").with("limits", limits)
    ]);
    let mut command = database.psql();
    let mut holder =
        command.args(["-c", &format!("LOCK TABLE held; SELECT pg_sleep(60) AS \"{EVIL}\"")]).spawn().unwrap();
    database.until_runs("LOCK TABLE held; SELECT pg_sleep");
    let run = project.on(&database, &["apply"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(run.code, 8, "{run:?}");
    tame(&run, &["held by ", "AS \"␛[2J␛]0;own␇"]);
}

#[test]
fn what_a_command_for_the_url_complains_of() {
    let environment = "environments:\n  dev: { urlCommand: [./url.sh] }\n";
    let project =
        Project::new(&[("dagmar.yaml", environment), ("plans/a.yaml", &file(&[sql("a", "SELECT 1", "SELECT 1")]))]);
    project.write("url.sh", &format!("#!/bin/sh\necho 'no vault {EVIL}' >&2\nexit 1\n"));
    fs::set_permissions(project.path().join("url.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = Run::of(project.command(&["status", "-v", "--env", "dev"]).output().unwrap());
    assert_ne!(run.code, 0);
    tame(&run, &["no vault ␛[2J"]);
}

/// A plan that nobody signed cannot say of itself that somebody did.
#[test]
fn a_plan_cannot_forge_its_signature() {
    let shop = Shop::new();
    shop.seal(&[]);
    let mut content = Sealed::read(&shop.text("p.plan")).unwrap().content;
    let forged = format!("boss@ci (database user boss) at 2026-01-01T00:00:00Z\nsigned with the key AAAA{EVIL}");
    content.author.clone_from(&forged);
    content.db_user.clone_from(&forged);
    for part in &mut content.environments {
        part.target.database.clone_from(&forged);
        part.environment = format!("{}\nsigned with the key BBBB{EVIL}", part.environment);
        part.plan.environment.clone_from(&part.environment);
    }
    let mut sealed = Sealed::seal(&content).unwrap();
    shop.project.write("forged.plan", &sealed.text());
    let verify = |more: &[&str]| shop.project.run(&[&["plan", "--verify", "forged.plan"], more].concat());
    for run in [verify(&[]), verify(&["--sql"])] {
        tame(&run, &["NOT SIGNED", "signed with the key AAAA␛[2J"]);
        assert!(!run.out.lines().any(|line| line.trim_start().starts_with("signed with")), "{}", run.out);
        run.ok();
    }
    tame_json(&verify(&["--format", "json"]));
    sealed.signature = Some(json!({ "key": format!("x\nsigned {EVIL}"), "value": EVIL }));
    shop.project.write("forged.plan", &sealed.text());
    let run = verify(&[]);
    assert_eq!(run.code, 5, "{run:?}");
    tame(&run, &[]);
}

/// On a terminal there are colours, and they are ours alone.
#[test]
fn a_terminal_gets_colours_and_nothing_else() {
    let project = project(&[sql("a", "SELECT 1", "SELECT 1").with("description", format!("d {EVIL}"))]);
    let database = Database::new();
    let binary = env!("CARGO_BIN_EXE_dagmar");
    for args in ["plan", "status", "graph", "apply --yes", "history", "plan --format json --offline", "sql --offline"] {
        let command = format!("{binary} {args} --url '{}'", database.url());
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(project.path()).env_remove("NO_COLOR");
        let output = script.env("TERM", "xterm").env("COLUMNS", "300").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
        let coloured = text.contains("\u{1b}[");
        assert!(coloured || args.contains("--offline"), "{args}: {text:?}");
        // what remains without colours and the movements of the progress is text
        for piece in text.split("\u{1b}[").skip(1) {
            let code: String = piece.chars().take_while(|c| c.is_ascii_digit() || ";?".contains(*c)).collect();
            let end = piece.chars().nth(code.len()).unwrap();
            let colours = end == 'm' && ["0", "1", "2", "31", "32", "33", "36"].contains(&code.as_str());
            assert!(colours || args.starts_with("apply") && "KAlhJGB".contains(end), "{args}: {piece:?}");
        }
        let rest = text.replace("\u{1b}[", "");
        let wild = |c: char| !matches!(c, '\n' | '\r') && c.is_control() || "\u{202e}\u{200b}\u{e0041}".contains(c);
        assert!(!rest.contains(wild), "{args}: {text:?}");
        assert!(!text.contains("\u{1b}[2J") && !text.contains("\u{1b}]"), "{args}: {text:?}");
    }
}

/// Who waits for one long statement sees that time goes by, and for what.
#[test]
fn a_long_statement_shows_its_time() {
    let project = project(&[sql("sleepy", "SELECT pg_sleep(4)", "SELECT 1")]);
    let database = Database::new();
    let command = format!("{} apply --yes --url '{}'", env!("CARGO_BIN_EXE_dagmar"), database.url());
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(project.path());
    let output = script.env("TERM", "xterm").env("COLUMNS", "80").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(" 0:00 1/1 sleepy") && text.contains(" 0:01 1/1 sleepy"), "{text:?}");
}
