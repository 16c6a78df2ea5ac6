//! Whatever is asked of the service, it answers as it describes itself, and never with a mistake of its own.

use crate::support::asked::PLAN;
use crate::support::tokens::Tokens;
use crate::support::{Described, Service, Three, is_of_runs, sql, table};
use dagmar::base::Role;
use serde_json::{Value, json};
use std::process::Command;

/// With `tests/schemathesis.sh`, which installs schemathesis. SCHEMATHESIS_SEED and SCHEMATHESIS_EXAMPLES: other
/// requests, and more of them.
#[test]
#[ignore = "takes long, and installs schemathesis: make test-all"]
fn whatever_is_asked_is_answered_as_described() {
    let three = Three::new(
        "",
        &[table("a"), sql("b", "DROP TABLE a", "CREATE TABLE a (n int)").depends_on(["a"]), table("x/c")],
    );
    three.run(&["apply", "--env", "dev"]).ok();
    three.run(&["apply", "--env", "staging", "--select", "a"]).ok();
    let url = |database: &crate::support::Database| database.url();
    let config = format!(
        "serve: {{ limits: {{ perSecond: 0, failuresPerMinute: 100000 }} }}\nenvironments:\n  dev: {{ url: '{}' }}\n  \
         staging: {{ url: '{}', promoteFrom: dev }}\n",
        url(&three.dev),
        url(&three.staging)
    );
    three.project.write("dagmar.yaml", &config);
    let mut tokens = Tokens::default();
    let bearer = tokens.add("fuzz", &[Role::Plan, Role::Approve, Role::Run, Role::Admin], |_| {});
    tokens.write(&three.project);
    let service = Service::run(three.project.command(&["serve", "--listen", "127.0.0.1:0"]));
    three.run(&["plan", "--for", "staging", "--out", "p.plan"]).ok();
    let plan = std::fs::read_to_string(three.project.path().join("p.plan")).unwrap();
    let head = format!(
        "POST /api/v1/plans HTTP/1.1\r\nHost: {}\r\n{bearer}Content-Type: {PLAN}\r\nContent-Length: {}\r\n\r\n",
        service.address,
        plan.len()
    );
    let uploaded = service.connect().send(head + &plan).reply().unwrap().json();
    let digest = uploaded["digest"].as_str().unwrap();
    // no generator finds the names that there are
    let mut document = Described::new().document;
    for (path, operations) in document["paths"].as_object_mut().unwrap() {
        for operation in operations.as_object_mut().unwrap().values_mut() {
            for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
                let known = match parameter["name"].as_str().unwrap() {
                    // ids of events have a form
                    "after" if is_of_runs(path) => {
                        parameter["schema"] = json!({ "type": "string", "enum": ["1", "L1", "end"] });
                        continue;
                    }
                    "environment" => json!(["dev", "staging", "nowhere"]),
                    "digest" => json!([digest]),
                    "id" | "changeset" | "around" | "after" => json!(["a", "b", "x/c", "nothing"]),
                    _ => Value::Null,
                };
                if !known.is_null() {
                    parameter["schema"] =
                        json!({ "anyOf": [{ "type": "string", "enum": known }, { "type": "string", "minLength": 1 }] });
                }
            }
        }
    }
    let file = three.project.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let mut script = Command::new("sh");
    script.arg("tests/schemathesis.sh").arg(format!("http://{}", service.address)).arg(&file);
    let output = script.env("TOKEN", bearer.trim().trim_start_matches("Authorization: Bearer ")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let log = service.log();
    assert!(!log.contains(" status=500 "), "{log}");
    // each route was asked for what there is, not only for what it refuses
    let runs = |path: &str| is_of_runs(path) || path.ends_with("/runs");
    for name in Described::new().names(|path| path.starts_with("/api/") && !runs(path) && path != "/api/v1/plans") {
        assert!(log.contains(&format!("route=\"{name}\" status=200 ")), "{name}");
    }
    service.stop();
    // nothing was run
    assert_eq!(three.staging.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'applied'"), "1");
}
