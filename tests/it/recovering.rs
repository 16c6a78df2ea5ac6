//! The recovery drill of docs/deployment.md, as it stands there.

use crate::support::{Database, Project, SECRET, Service, file, project, server, sql, table, until};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// The scripts of the drill, in their order.
fn scripts() -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deployment.md")).unwrap();
    let (_, drill) = page.split_once("## Recovery drill").unwrap();
    drill.split("```sh\n").skip(1).map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// Runs a script with the variables that the page names, in the project's directory.
fn play(project: &Project, database: &Database, script: &str) -> Output {
    let (name, url) = (&database.name, database.url());
    let mut names: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
    names.insert(0, server().bin.clone());
    names.insert(0, Path::new(env!("CARGO_BIN_EXE_dagmar")).parent().unwrap().to_owned());
    Command::new("sh")
        .args(["-eu", "-c", &script.replace("DATABASE shop", &format!("DATABASE {name}"))])
        .current_dir(project.path())
        .env("PATH", std::env::join_paths(names).unwrap())
        .env("SERVER_URL", url.replace(name.as_str(), "postgres"))
        .env("DATABASE_URL", &url)
        .output()
        .unwrap()
}

#[track_caller]
fn played(project: &Project, database: &Database, script: &str) -> String {
    let output = play(project, database, script);
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_service_goes_on_with_a_database_from_a_backup() {
    let database = Database::new();
    let project = project(&[table("orders")]);
    project.write("dagmar.yaml", "environments: { production: { url: \"${DATABASE_URL}\" } }");
    let mut command = project.command(&["serve", "--env", "production", "--listen", "127.0.0.1:0"]);
    command.env("DAGMAR_SECRET", SECRET).env("DATABASE_URL", database.url());
    let service = Service::run(command);
    let migrate = |id: &str| {
        let reply = service.post("/migrate", "");
        assert_eq!((reply.status, &reply.json()["applied"]), (200, &json!([id])), "{}", reply.body);
    };
    let [backup, restore, look] = scripts().try_into().unwrap();
    migrate("orders");
    played(&project, &database, &backup);
    let later =
        sql("002-note", "ALTER TABLE orders ADD note text", "ALTER TABLE orders DROP note").depends_on(["orders"]);
    project.write("plans/a.yaml", &file(&[table("orders"), later]));
    service.signal("HUP");
    service.until_logged("the project was read again");
    migrate("002-note");
    let keep = "dagmar history --env production --verify | sed -n 's/.*the last one is //p'";
    let anchor = played(&project, &database, keep);
    // the database is lost
    let elsewhere = Database::new();
    elsewhere.sql(&format!("DROP DATABASE {} WITH (FORCE)", database.name));
    until("it notices", || service.open("/ready").status == 503);
    assert_eq!(service.open("/ready").code(), "unreachable");
    assert_eq!(service.open("/health").status, 200);
    played(&project, &database, &restore);
    until("it is there again", || service.open("/ready").status == 200);
    let status = service.get("/status").json();
    assert_eq!((&status["applied"][0]["name"], &status["pending"][0]["name"]), (&json!("orders"), &json!("002-note")));
    let said = played(&project, &database, &look);
    assert!(said.contains("intact: ") && said.contains("no drift"), "{said}");
    let missing =
        play(&project, &database, &format!("dagmar history --env production --verify --anchor {}", anchor.trim()));
    let said = String::from_utf8_lossy(&missing.stderr).into_owned() + &String::from_utf8_lossy(&missing.stdout);
    assert!(missing.status.code() == Some(4) && said.contains("whose hash was kept, is missing"), "{said}");
    migrate("002-note");
    assert_eq!(database.sql("SELECT count(note) FROM orders"), "0");
    service.stop();
}
