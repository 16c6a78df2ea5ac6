//! Tokens: made, listed and revoked by the command line, and what the service makes of their file.

use crate::support::tokens::Tokens;
use crate::support::{Database, Project, Run, SECRET, Service, bearer, project, table, until};
use dagmar::base::Role;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

fn header(token: &str) -> String {
    format!("Authorization: Bearer {}\r\n", token.trim())
}

/// `dagmar token check` of this text.
fn check(project: &Project, text: &str) -> Run {
    project.run_with(&["token", "check"], text)
}

/// A service that only tokens open.
fn without_secret(project: &Project, database: &Database) -> Command {
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0", "--url", &database.url()]);
    command.env_remove("DAGMAR_SECRET");
    command
}

#[test]
fn a_token_is_made_used_and_revoked() {
    let (database, project) = (Database::new(), project(&[table("a")]));
    let made = project.run(&["token", "new", "ci", "--role", "run", "--group", "dba", "--expires", "90d"]);
    assert!(made.err.contains("made the token `ci`") && made.err.contains("the only time"), "{made:?}");
    let token = made.ok();
    let path = project.path().join("tokens.json");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(token.starts_with("dgm_") && !text.contains(token.trim()), "{text}");
    let reader = project.run(&["token", "new", "reader", "--role", "read", "--expires", "never"]).ok();
    let service = Service::run(without_secret(&project, &database));
    let status = |token: &str| service.ask("GET", "/status", &header(token)).status;
    assert_eq!((status(&token), status(&reader)), (200, 200));
    // the command line says the same
    assert!(check(&project, &token).ok().starts_with("ci: run in all environments, until 20"), "{token}");
    let row: Value = project.run(&["token", "list", "--format", "json"]).json()["tokens"][0].clone();
    assert_eq!((&row["name"], &row["state"], &row["groups"]), (&json!("ci"), &json!("valid"), &json!(["dba"])));
    // a run knows who asked for it
    assert_eq!(service.ask("POST", "/migrate", &header(&reader)).json()["detail"], "this needs the role `run`");
    assert_eq!(service.ask("POST", "/migrate", &header(&token)).status, 200);
    assert_eq!(service.get("/status").status, 401, "the service has no secret");
    // revoked is revoked within a second, for a connection that is open too
    let mut http = service.connect();
    let mut asked = || {
        let host = service.address;
        http.send(format!("GET /status HTTP/1.1\r\nHost: {host}\r\n{}\r\n", header(&token)));
        http.reply().unwrap().status
    };
    assert_eq!(asked(), 200);
    project.run(&["token", "revoke", "ci", "--reason", "it was in a log"]).ok();
    until("it is revoked", || asked() == 401);
    assert_eq!(status(&reader), 200);
    let said = check(&project, &token).fails(5);
    assert!(said.contains("the token `ci` was revoked") && said.contains("it was in a log"), "{said}");
    // its name is free, the line stays
    let second = project.run(&["token", "new", "ci", "--role", "read", "--expires", "1h"]).ok();
    until("the new one counts", || status(&second) == 200);
    assert_eq!(project.run(&["token", "list", "--format", "json"]).json()["tokens"].as_array().unwrap().len(), 3);
    let listed = project.run(&["token", "list"]).ok();
    assert!(listed.contains("revoked") && listed.contains("it was in a log") && !listed.contains(token.trim()));
    let log = service.stop();
    assert!(!log.contains(&token.trim()[13..]), "{log}");
    assert!(log.contains("person=\"ci\" way=\"token\""), "{log}");
}

#[test]
fn mistakes_are_told() {
    let project = project(&[table("a")]);
    let new = |args: &[&str]| project.run(&[&["token", "new"], args].concat());
    let fails = |args: &[&str], words: &str| {
        let said = new(args).fails(2);
        assert!(said.contains(words), "{args:?}: {said}");
        assert!(!project.path().join("tokens.json").exists());
    };
    fails(&["ci", "--expires", "1d"], "--role");
    fails(&["ci", "--role", "run"], "--expires");
    fails(&["ci", "--role", "root", "--expires", "1d"], "the roles are read, plan, approve, run, admin");
    fails(&["ci", "--role", "run", "--expires", "soon"], "or `never`");
    fails(&["ci", "--role", "run", "--expires", "0"], "at least 1s");
    fails(&["ci", "--role", "run", "--expires", "9999999d"], "is too long");
    fails(&["a b", "--role", "run", "--expires", "1d"], "its `name`");
    project.write("dagmar.yaml", "environments: { dev: {}, live: {} }");
    fails(&["ci", "--role", "run", "--expires", "1d", "--environments", "dev,lvie"], "did you mean `live`?");
    new(&["ci", "--role", "run", "--expires", "1d", "--environments", "dev,live"]).ok();
    let said = new(&["ci", "--role", "run", "--expires", "1d"]).fails(2);
    assert!(said.contains("there is a valid token `ci`") && said.contains("dagmar token revoke ci"), "{said}");
    let revoke = |args: &[&str]| project.run(&[&["token", "revoke"], args].concat());
    assert!(revoke(&["nobody", "--reason", "x"]).fails(2).contains("has no valid token `nobody`"));
    assert!(revoke(&["ci", "--reason", " "]).fails(2).contains("the reason is empty"));
    let id = project.run(&["token", "list", "--format", "json"]).json()["tokens"][0]["id"].as_str().unwrap().to_owned();
    revoke(&[&id, "--reason", "x"]).ok();
    assert!(revoke(&[&id, "--reason", "x"]).fails(2).contains("is revoked already"));
    assert!(revoke(&["ci", "--reason", "x"]).fails(2).contains("has no valid token `ci`"));
    assert!(check(&project, "dgm_1").fails(5).contains("is no token"));
    let (other, mut tokens) = (Project::new(&[]), Tokens::default());
    let unknown = tokens.add("x", &[Role::Read], |_| ());
    let unknown = unknown.trim().rsplit(' ').next().unwrap();
    assert!(check(&project, unknown).fails(5).contains("is not one of"));
    assert!(check(&other, unknown).fails(2).contains("does not exist"));
    // a link is not replaced
    fs::rename(project.path().join("tokens.json"), project.path().join("t.json")).unwrap();
    std::os::unix::fs::symlink("t.json", project.path().join("tokens.json")).unwrap();
    assert!(new(&["more", "--role", "run", "--expires", "1d"]).fails(2).contains("is a link"));
}

#[test]
fn tokens_made_at_the_same_time_are_all_there() {
    let project = project(&[table("a")]);
    let names: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
    let command = |name: &String| {
        let mut command = project.command(&["token", "new", name, "--role", "read", "--expires", "1d"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = names.iter().map(command).collect();
    let texts: Vec<String> = children.into_iter().map(|c| Run::of(c.wait_with_output().unwrap()).ok()).collect();
    for text in texts {
        check(&project, &text).ok();
    }
}

#[test]
fn a_file_that_cannot_be_read_keeps_nobody_in() {
    let (database, project, mut tokens) = (Database::new(), project(&[table("a")]), Tokens::default());
    let anna = tokens.add("anna", &[Role::Read], |_| ());
    tokens.write(&project);
    let service = Service::of(&project, &database, &[]);
    assert_eq!((service.ask("GET", "/status", &anna).status, service.open("/ready").status), (200, 200));
    let path = project.path().join("tokens.json");
    let good = fs::read_to_string(&path).unwrap();
    let mode = |mode: u32| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let breaks: [(&str, &dyn Fn()); 4] = [
        ("is not valid", &|| fs::write(&path, "{\"tokens\": [").unwrap()),
        ("does not exist", &|| fs::remove_file(&path).unwrap()),
        ("can be read by others", &|| mode(0o644)),
        ("unknown field `role`", &|| fs::write(&path, good.replace("roles", "role")).unwrap()),
    ];
    for (why, damage) in breaks {
        damage();
        until(why, || service.ask("GET", "/status", &anna).status == 503);
        service.until_logged(why);
        let reply = service.ask("GET", "/status", &anna);
        assert_eq!((reply.status, reply.code().as_str()), (503, "tokensUnreadable"));
        let ready = service.open("/ready");
        assert_eq!((ready.status, ready.code().as_str()), (503, "tokensUnreadable"));
        // strangers learn nothing of it, and the secret is another way
        assert_eq!(service.ask("GET", "/status", "Authorization: Bearer x\r\n").status, 401);
        assert_eq!(service.get("/status").status, 200);
        tokens.write(&project);
        until("it can be read again", || service.ask("GET", "/status", &anna).status == 200);
        assert_eq!(service.open("/ready").status, 200);
    }
    assert!(service.stop().contains("the file of tokens can be read again"));
}

#[test]
fn a_service_needs_somebody_who_may_use_it() {
    let (database, project) = (Database::new(), project(&[table("a")]));
    let refused = |words: &str| {
        let said = Run::of(without_secret(&project, &database).output().unwrap()).fails(2);
        assert!(said.contains(words), "{said}");
    };
    refused("it has no secret and no valid token");
    let mut tokens = Tokens::default();
    tokens.add("old", &[Role::Read], |entry| entry.expires = Some("2026-01-01T00:00:00Z".to_owned()));
    tokens.write(&project);
    refused("`dagmar token new NAME`");
    let anna = tokens.add("anna", &[Role::Read], |_| ());
    tokens.write(&project);
    let path = project.path().join("tokens.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    refused("can be read by others than its owner");
    fs::rename(&path, project.path().join("elsewhere.json")).unwrap();
    let elsewhere = project.path().join("elsewhere.json");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    refused("it has no secret and no valid token");
    let mut command = without_secret(&project, &database);
    command.env("DAGMAR_TOKENS", &elsewhere);
    let service = Service::run(command);
    assert_eq!(service.ask("GET", "/status", &anna).status, 200);
    assert_eq!(service.ask("GET", "/status", &bearer()).status, 401);
    // with a secret a missing file is told all the same
    let mut command = without_secret(&project, &database);
    let run = Run::of(command.env("DAGMAR_SECRET", SECRET).args(["--tokens", "none.json"]).output().unwrap());
    assert!(run.fails(2).contains("the tokens' file `none.json` does not exist"));
}
