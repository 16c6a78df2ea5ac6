//! Sealed plans that are uploaded to the service: what is stored, and what is not.

use crate::support::asked::{Asked, PLAN};
use crate::support::{Described, Service, Three, table, until};
use serde_json::{Value, json};

/// Files that are none, signatures, expiry, sizes.
#[test]
fn what_is_not_a_good_plan_is_not_stored() {
    let three = Three::new("signedBy: [release.key.pub]", &[table("a")]);
    for key in ["release.key", "other.key"] {
        three.run(&["key", "new", key]).ok();
    }
    let mut asked = Asked::of(three);
    let text = String::from_utf8(asked.seal("production", &["--sign", "release.key"])).unwrap();
    for (broken, status) in [
        ("{}".to_owned(), 409),
        ("not json".to_owned(), 409),
        (String::new(), 409),
        (text[..text.len() / 2].to_owned(), 409),
        (text.replace("\"a\"", "\"x\""), 409),
        (text.replace("{\"content\"", "{ \"content\""), 409),
    ] {
        asked.upload("ci", broken.as_bytes(), status);
    }
    asked.upload("ci", b"\xff\xfe", 400);
    let (head, tail) = text.split_once("\"value\":\"").map_or_else(
        || panic!("no signature: {}", &text[text.len() - 400..]),
        |(head, tail)| (head.to_owned(), tail.to_owned()),
    );
    let flipped = if tail.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{head}\"value\":\"{flipped}{}", &tail[1..]);
    let refused = asked.upload("ci", forged.as_bytes(), 403).json();
    assert_eq!(refused["detail"], "the signature of the uploaded plan is invalid");
    // neither by another type nor with a compression
    let ask = |asked: &mut Asked, headers: &str, status: u16| {
        asked.ask("ci", ("POST", "/api/v1/plans"), headers, text.as_bytes(), status)
    };
    assert!(ask(&mut asked, "Content-Type: application/json\r\n", 415).json()["remedy"].to_string().contains(PLAN));
    ask(&mut asked, "", 415);
    ask(&mut asked, &format!("Content-Type: {PLAN}\r\nContent-Encoding: gzip\r\n"), 415);
    assert_eq!(asked.three.production.sql("SELECT to_regclass('dagmar.sealed_plan') IS NULL"), "t");
    // one that is not signed, or with another key, is stored, and the gate is not met
    for (sign, expected) in [
        (&[][..], "unmet: the sealed plan is not signed"),
        (&["--sign", "other.key"], "unmet: the sealed plan is signed with another key: "),
        (&["--sign", "release.key"], "met: signed with the key "),
    ] {
        let plan = asked.sealed(sign);
        let said = asked.gate(&plan, &json!({}), "signed-by");
        assert!(said.starts_with(expected), "{said}");
        let look = asked.post("ci", &format!("{plan}/preview"), &json!({}), 200).json();
        if said.starts_with("unmet") {
            let body = json!({ "digest": look["digest"] });
            let refused = asked.post("ci", &format!("{plan}/runs"), &body, 403).json();
            assert!(refused["cause"].to_string().contains("[signed-by]"), "{refused}");
        }
    }
    // the signature of a plan is kept where the same plan comes without one
    let signed = asked.seal("production", &["--sign", "release.key"]);
    let digest = asked.upload("ci", &signed, 201).json()["digest"].as_str().unwrap().to_owned();
    let value: Value = serde_json::from_slice(&signed).unwrap();
    let bare = format!("{{\"content\":{},\"digest\":{}}}\n", between(&signed), value["digest"]);
    asked.upload("ci", bare.as_bytes(), 201);
    assert!(asked.get("ci", &format!("/api/v1/plans/{digest}"), 200).json()["signedBy"].is_string());
    // the ledger is not believed
    asked.three.production.sql(&format!(
        "UPDATE dagmar.sealed_plan SET content = replace(content, '\"a\"', '\"z\"') WHERE digest = '{digest}'"
    ));
    let plan = format!("/api/v1/environments/production/plans/{digest}");
    asked.get("ci", &format!("/api/v1/plans/{digest}"), 409);
    asked.post("ben", &format!("{plan}/approve"), &json!({ "reason": "read" }), 409);
    asked.post("ci", &format!("{plan}/preview"), &json!({}), 409);
    // time is over at some time
    let short = asked.seal("production", &["--sign", "release.key", "--expires", "2s"]);
    let own = asked.people[0].1.clone();
    let send = |asked: &Asked| {
        let (host, length) = (asked.service.address, short.len());
        let mut http = asked.service.connect();
        http.send(format!("POST /api/v1/plans HTTP/1.1\r\nHost: {host}\r\n{own}Content-Type: {PLAN}\r\nContent-Length: {length}\r\n\r\n"));
        http.send(&short).reply().unwrap()
    };
    until("it expires", || send(&asked).status == 403);
    assert!(send(&asked).json()["detail"].as_str().unwrap().contains("the sealed plan expired at"));
    // what is long over is deleted with the next upload
    let kept = "SELECT count(*) FROM dagmar.sealed_plan WHERE expires_at < now() - interval '30 days'";
    asked.three.production.sql("UPDATE dagmar.sealed_plan SET expires_at = now() - interval '31 days'");
    assert_ne!(asked.three.production.sql(kept), "0");
    asked.upload("ci", &signed, 201);
    assert_eq!(asked.three.production.sql(kept), "0");
}

/// The content of a file as it stands there.
fn between(file: &[u8]) -> String {
    let text = String::from_utf8(file.to_vec()).unwrap();
    let end = text.find(",\"digest\":\"p1:").unwrap();
    text["{\"content\":".len()..end].to_owned()
}

#[test]
fn a_plan_has_a_limit_of_its_own() {
    let three = Three::new("", &[table("a")]);
    let mut asked = Asked::of(three);
    let text = asked.seal("production", &[]);
    // larger than other bodies may be
    let mut large = text.clone();
    large.extend(vec![b' '; 2 << 20]);
    asked.upload("ci", &large, 409);
    asked.upload("ci", &text, 201);
    let (three, people) = (asked.three, asked.people);
    drop(asked.service);
    let path = three.project.path().join("dagmar.yaml");
    let config = std::fs::read_to_string(&path).unwrap() + "serve: { limits: { plan: 2KiB } }\n";
    std::fs::write(&path, config).unwrap();
    let service = Service::run(Asked::command(&three));
    let mut asked = Asked { three, service, described: Described::new(), people };
    assert_eq!(asked.upload("ci", &large, 413).code(), "tooLarge");
}
