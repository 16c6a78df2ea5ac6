//! Sealed plans that are uploaded to the service: what is stored, and what is not.

use crate::support::asked::{Asked, PLAN};
use crate::support::visitor::Visitor;
use crate::support::{Described, Service, Three, table, until};
use dagmar::plan::sealed::{Content, Sealed};
use dagmar::plan::signature::PrivateKey;
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
    asked.upload("ci", bare.as_bytes(), 200);
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

/// The copy that a ledger keeps is the one that its environment can run, and the list says whose signature that has.
#[test]
fn the_copy_with_the_key_of_the_environment_stays() {
    let three = Three::new("signedBy: [release.key.pub]", &[table("a")]);
    let keys = ["release.key", "other.key", "third.key"].map(|key| {
        three.run(&["key", "new", key]).ok();
        PrivateKey::parse(&std::fs::read_to_string(three.project.path().join(key)).unwrap()).unwrap()
    });
    let mut asked = Asked::of(three);
    let bare = Sealed::read(&String::from_utf8(asked.seal("staging,production", &[])).unwrap()).unwrap();
    let signed = |key: &PrivateKey| {
        let signature = json!(key.sign(&bare.digest));
        let by = signature["key"].clone();
        (Sealed { signature: Some(signature), ..bare.clone() }.text(), by)
    };
    let [good, other, third] = [&keys[0], &keys[1], &keys[2]].map(signed);
    let bare = (bare.text(), Value::Null);
    let (both, none) = (json!(["staging", "production"]), json!([]));
    let (staging, production) = (json!(["staging"]), json!(["production"]));
    // what is uploaded; who stores it, who keeps what it has; whose signatures staging and production have then
    for (i, (new, stored, kept, there)) in [
        (&bare, &both, &none, [&bare, &bare]),
        (&bare, &none, &both, [&bare, &bare]),
        (&other, &both, &none, [&other, &other]),
        (&third, &none, &both, [&other, &other]),
        (&good, &production, &staging, [&other, &good]),
        (&third, &none, &both, [&other, &good]),
        (&bare, &none, &both, [&other, &good]),
        (&good, &none, &both, [&other, &good]),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = asked.upload("ci", new.0.as_bytes(), if *stored == none { 200 } else { 201 }).json();
        assert_eq!((&answer["stored"], &answer["alreadyThere"], i), (stored, kept, i));
        for (environment, (text, by)) in ["staging", "production"].into_iter().zip(there) {
            let list = asked.get("ci", &format!("/api/v1/plans?environment={environment}"), 200).json();
            assert_eq!((&list["plans"][0]["signedBy"], i), (by, i), "{environment}");
            let database = if environment == "staging" { &asked.three.staging } else { &asked.three.production };
            assert_eq!(database.sql("SELECT content FROM dagmar.sealed_plan").trim_end(), text.trim_end(), "{i}");
        }
    }
    // who stored nothing has no event of it
    assert_eq!(
        (asked.three.history("staging", "planUploaded").len(), asked.three.events("planUploaded")),
        (2, "3".into())
    );
    // one that was changed manually is of no use
    asked.three.production.sql("UPDATE dagmar.sealed_plan SET content = replace(content, '\"a\"', '\"z\"')");
    assert_eq!(asked.upload("ci", bare.0.as_bytes(), 201).json()["stored"], production);
}

/// A ledger that cannot be written does not keep the others from a plan, and the answer says who has it.
#[test]
fn a_plan_is_stored_where_it_can_be() {
    let mut asked = Asked::of(Three::new("", &[table("a")]));
    let text = asked.seal("staging,production", &[]);
    let open = |asked: &Asked, open: bool| {
        let name = &asked.three.production.name;
        asked.three.dev.sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {open}"));
    };
    open(&asked, false);
    let refused = asked.upload("ci", &text, 503).json();
    assert_eq!((&refused["stored"], &refused["alreadyThere"]), (&json!(["staging"]), &json!([])), "{refused}");
    let why = refused["notStored"]["production"].as_str().unwrap();
    assert_eq!((refused["detail"].as_str(), refused["notStored"].as_object().unwrap().len()), (Some(why), 1));
    assert_eq!(asked.three.staging.sql("SELECT count(*) FROM dagmar.sealed_plan"), "1");
    // the page says the same
    let visitor = Visitor::new(&asked.service, &asked.people[0].1);
    let form = visitor.form("/plans", "/plans").with("plan", std::str::from_utf8(&text).unwrap());
    let page = visitor.send(&form);
    assert_eq!(page.status, 503);
    for words in ["the plan was not stored for", "has the plan; it can be uploaded again"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    open(&asked, true);
    let answer = asked.upload("ci", &text, 201).json();
    assert_eq!((&answer["stored"], &answer["alreadyThere"]), (&json!(["production"]), &json!(["staging"])));
}

/// Who sees one environment hears nothing of another one by its plans, its policy or its history.
#[test]
fn other_environments_are_not_named() {
    let mut asked = Asked::of(Three::new("", &[table("a")]));
    let text = asked.seal("staging,production", &[]);
    let answer = asked.upload("near", &text, 201).json();
    let one = format!("/api/v1/plans/{}", answer["digest"].as_str().unwrap());
    let shown = asked.get("near", &one, 200).json();
    let listed = asked.get("near", "/api/v1/environments", 200).json();
    for policy in [
        &answer["environments"][0]["policy"],
        &shown["environments"][0]["policy"],
        &listed["environments"][0]["policy"],
        &asked.get("near", "/api/v1/environments/staging/policy", 200).json()["here"],
    ] {
        assert!(policy.is_object() && policy.get("promoteFrom").is_none(), "{policy}");
    }
    let events = asked.three.history("staging", "planUploaded");
    assert_eq!(events[0]["detail"]["environment"], "staging");
    for told in [answer, shown, listed, json!(events)] {
        let told = told.to_string();
        assert!(!told.contains("production") && !told.contains("\"dev\""), "{told}");
    }
    // who sees the source is told
    assert_eq!(asked.get("ci", &one, 200).json()["environments"][0]["policy"]["promoteFrom"], "dev");
    let listed = asked.get("ci", "/api/v1/environments", 200).json();
    assert_eq!(listed["environments"][1]["policy"]["promoteFrom"], "dev");
}

/// Times that no ledger keeps are neither sealed nor stored.
#[test]
fn a_plan_expires_before_the_year_9999() {
    let mut asked = Asked::of(Three::new("", &[table("a")]));
    let plan = Sealed::read(&String::from_utf8(asked.seal("production", &[])).unwrap()).unwrap();
    for expires_at in [9_100_000_000_000_000, i64::MAX] {
        let late = Sealed::seal(&Content { expires_at, ..plan.content.clone() }).unwrap();
        let refused = asked.upload("ci", late.text().as_bytes(), 400).json();
        assert_eq!(refused["detail"], "the sealed plan does not expire before the year 9999");
    }
    assert_eq!(asked.three.production.sql("SELECT to_regclass('dagmar.sealed_plan') IS NULL"), "t");
    asked.three.run(&["plan", "--for", "production", "--out", "late.plan", "--expires", "999999999d"]).fails(2);
    assert!(!asked.three.project.path().join("late.plan").exists());
}
