//! Tokens of issuers of OpenID Connect.

use crate::support::http::Reply;
use crate::support::issuer::{Issuer, Key, base64, closed_port, seconds};
use crate::support::{Database, Project, Service, project, table, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A project that trusts these issuers.
fn trusting(issuers: &[&str]) -> Project {
    let project = project(&[table("a")]);
    let of = |issuer: &&str| {
        format!(
            "{{ issuer: '{issuer}', audience: dagmar, person: email, groups: groups, roles: {{ run: [dba], read: ['*'] }}, \
             environments: {{ dba: [dev, live], '*': [dev] }} }}"
        )
    };
    let all: Vec<String> = issuers.iter().map(of).collect();
    let limits = "limits: { failuresPerMinute: 100000, perSecond: 0 }";
    let text = format!("environments: {{ dev: {{}}, live: {{}} }}\nserve: {{ {limits}, oidc: [{}] }}", all.join(", "));
    project.write("dagmar.yaml", &text);
    project
}

/// A service that only issuers open.
fn service(project: &Project, database: &Database) -> Service {
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0", "--url", &database.url()]);
    command.env_remove("DAGMAR_SECRET");
    Service::run(command)
}

fn claims(issuer: &str) -> Value {
    let now = seconds();
    json!({ "iss": issuer, "aud": "dagmar", "sub": "8", "email": "anna@example.org", "email_verified": true,
        "groups": ["dba", "x"], "iat": now, "nbf": now, "exp": now + 600 })
}

fn with(claims: &Value, key: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[key] = value;
    claims
}

fn without(claims: &Value, key: &str) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove(key);
    claims
}

fn header(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

fn get(service: &Service, token: &str) -> Reply {
    service.ask("GET", "/status", &header(token))
}

#[test]
fn tokens_of_an_issuer_say_who_asks() {
    let (database, issuer) = (Database::new(), Issuer::new());
    let keys = [Key::rsa("r"), Key::ec("e"), Key::ed("d", 1)];
    let name = issuer.at("/tenant", &keys.each_ref());
    let project = trusting(&[&name]);
    let service = service(&project, &database);
    assert_eq!(issuer.asked("/"), 0, "nobody is asked before a token comes");
    let good = claims(&name);
    for key in &keys {
        assert_eq!(get(&service, &key.token(&good)).status, 200, "{}", key.algorithm());
        // the name of the key may be left out
        assert_eq!(get(&service, &key.token_of(&json!({ "alg": key.algorithm() }), &good)).status, 200);
    }
    let key = &keys[1];
    for good in [
        with(&good, "aud", json!(["other", "dagmar"])),
        with(&good, "exp", json!(seconds() - 30)),
        with(&good, "exp", json!(seconds() as f64 + 60.5)),
        with(&good, "nbf", json!(seconds() + 30)),
        with(&good, "groups", json!("dba")),
        without(&without(&without(&good, "iat"), "nbf"), "email_verified"),
        without(&good, "groups"),
    ] {
        assert_eq!(get(&service, &key.token(&good)).status, 200, "{good}");
    }
    let typed = json!({ "alg": "ES256", "kid": "e", "typ": "at+jwt" });
    assert_eq!(get(&service, &key.token_of(&typed, &good)).status, 200);
    assert_eq!(issuer.asked("/tenant"), 2, "once for the document, once for the keys");
    // what a token says decides what he may do, and the history knows it
    let token = header(&key.token(&good));
    assert_eq!(service.ask("POST", "/migrate", &token).status, 200);
    let started = project.on(&database, &["history", "--format", "json", "--kind", "runStarted"]).json();
    let started = &started["events"][0];
    assert_eq!(started["by"], "anna@example.org@127.0.0.1");
    let origin = &started["origin"];
    assert_eq!(
        (&origin["way"], &origin["name"], &origin["groups"]),
        (&json!("oidc"), &json!(name), &json!(["dba", "x"]))
    );
    let other = header(&key.token(&with(&good, "groups", json!(["qa"]))));
    assert_eq!(service.ask("POST", "/migrate", &other).json()["detail"], "this needs the role `run`");
    assert_eq!(service.ask("GET", "/status?environment=live", &other).status, 404);
    let seen = service.ask("GET", "/status?environment=live", &token);
    assert_eq!(seen.code(), "database", "it is his, and has no address");
    let log = service.stop();
    assert!(log.contains("person=\"anna@example.org\" way=\"oidc\"") && !log.contains("eyJ"), "{log}");
}

#[test]
fn bad_tokens_get_the_one_answer() {
    let (database, issuer) = (Database::new(), Issuer::new());
    let (rsa, ec, ed, stranger) = (Key::rsa("r"), Key::ec("e"), Key::ed("d", 1), Key::ed("d", 2));
    let name = issuer.at("", &[&rsa, &ec, &ed]);
    let mut encrypting = Key::ed("enc", 3).public();
    encrypting["use"] = "enc".into();
    let mut of_other = Key::ed("alg", 4).public();
    of_other["alg"] = "ES256".into();
    let set = json!({ "keys": [rsa.public(), ec.public(), ed.public(), encrypting, of_other, { "kty": "oct", "k": "AAAA", "kid": "o" }] });
    issuer.set("/keys", 200, &set.to_string());
    let project = trusting(&[&name]);
    let service = service(&project, &database);
    let good = claims(&name);
    assert_eq!(get(&service, &ed.token(&good)).status, 200);
    let (now, token) = (seconds(), ed.token(&good));
    let parts: Vec<&str> = token.split('.').collect();
    let part = |value: Value| base64(value.to_string());
    let of = |header: Value| ed.token_of(&header, &good);
    let signed = |key: &str, value: Value| ed.token(&with(&good, key, value));
    let mut flipped = ed.sign(&format!("{}.{}", parts[0], parts[1]));
    flipped[10] ^= 1;
    let none = |alg: &str| format!("{}.{}.", part(json!({ "alg": alg })), parts[1]);
    let text = format!("{}.{}", part(json!({ "alg": "HS256", "kid": "r" })), parts[1]);
    let shared = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, rsa.public()["n"].as_str().unwrap().as_bytes());
    let as_hmac = format!("{text}.{}", base64(ring::hmac::sign(&shared, text.as_bytes())));
    let wrong: Vec<(&str, String)> = vec![
        ("no signature", none("none")),
        ("no signature, other spelling", none("NONE")),
        ("an empty signature", format!("{}.{}.", parts[0], parts[1])),
        ("a shared key", as_hmac),
        ("an algorithm that is not taken", of(json!({ "alg": "ES384", "kid": "d" }))),
        ("the algorithm of another key", of(json!({ "alg": "RS256", "kid": "d" }))),
        ("the name of another key", of(json!({ "alg": "EdDSA", "kid": "e" }))),
        ("an unknown key", of(json!({ "alg": "EdDSA", "kid": "new" }))),
        ("a key in the header", stranger.token_of(&json!({ "alg": "EdDSA", "jwk": stranger.public() }), &good)),
        (
            "keys elsewhere",
            stranger.token_of(&json!({ "alg": "EdDSA", "kid": "d", "jku": "http://127.0.0.1:1/k" }), &good),
        ),
        ("a key of the same name", stranger.token(&good)),
        ("a key that encrypts", Key::ed("enc", 3).token(&good)),
        ("a key for another algorithm", Key::ed("alg", 4).token(&good)),
        ("a flipped bit", format!("{}.{}.{}", parts[0], parts[1], base64(&flipped))),
        (
            "other claims",
            format!("{}.{}.{}", parts[0], part(with(&good, "email", json!("boss@example.org"))), parts[2]),
        ),
        ("another header", format!("{}.{}.{}", part(json!({ "alg": "EdDSA", "kid": "d" })), parts[1], parts[2])),
        (
            "a signature of RSA for EC",
            format!("{}.{}.{}", part(json!({ "alg": "ES256", "kid": "e" })), parts[1], base64(rsa.sign("x"))),
        ),
        ("a critical part", of(json!({ "alg": "EdDSA", "kid": "d", "crit": ["exp"] }))),
        ("another type", of(json!({ "alg": "EdDSA", "kid": "d", "typ": "logout+jwt" }))),
        ("another issuer", signed("iss", json!("https://evil.example.org"))),
        ("the issuer with a slash", signed("iss", json!(format!("{name}/")))),
        ("no issuer", ed.token(&without(&good, "iss"))),
        ("another audience", signed("aud", json!("other"))),
        ("a longer audience", signed("aud", json!("dagmar2"))),
        ("no audience", ed.token(&without(&good, "aud"))),
        ("other audiences", signed("aud", json!(["a", "b"]))),
        ("an audience that is no text", signed("aud", json!(["dagmar", 1]))),
        ("an audience of another form", signed("aud", json!({ "dagmar": true }))),
        ("expired", signed("exp", json!(now - 61))),
        ("without an end", ed.token(&without(&good, "exp"))),
        ("an end as text", signed("exp", json!((now + 600).to_string()))),
        ("a null end", signed("exp", Value::Null)),
        ("not yet", signed("nbf", json!(now + 120))),
        ("a begin as text", signed("nbf", json!("0"))),
        ("issued in the future", signed("iat", json!(now + 120))),
        ("nobody", ed.token(&without(&good, "email"))),
        ("an empty name", signed("email", json!(""))),
        ("a name that is no text", signed("email", json!(["anna@example.org"]))),
        ("a name with a line break", signed("email", json!("anna\n"))),
        ("a name with spaces around it", signed("email", json!(" anna"))),
        ("a long name", signed("email", json!("a".repeat(257)))),
        ("an address that nobody checked", signed("email_verified", json!(false))),
        ("groups that are none", signed("groups", json!({ "dba": true }))),
        ("a group that is no text", signed("groups", json!(["dba", 1]))),
        ("a long token", signed("more", json!("a".repeat(7000)))),
        ("claims that are no object", format!("{}.{}.{}", parts[0], part(json!([])), parts[2])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{token}.x")),
        ("padding", format!("{token}==")),
    ];
    assert!(wrong.len() > 40);
    let expected = service.open("/status");
    let plain = |reply: &Reply| reply.body.replace(reply.header("x-request-id"), "ID");
    for (what, token) in &wrong {
        let reply = get(&service, token);
        assert_eq!((reply.status, plain(&reply)), (401, plain(&expected)), "{what}");
    }
    // all these unknown keys were no reason to ask the issuer again
    assert_eq!(issuer.asked("/"), 2);
    assert_eq!(get(&service, &ed.token(&good)).status, 200);
    service.stop();
}

#[test]
fn an_issuer_that_cannot_be_asked_is_told_and_keeps_nobody_waiting() {
    let (database, issuer) = (Database::new(), Issuer::new());
    let key = Key::ec("e");
    let at = |path: &str| issuer.at(path, &[&key]);
    let good = at("/good");
    let away = format!("http://127.0.0.1:{}", closed_port());
    let (other, plain, moved) = (at("/other"), at("/plain"), at("/moved"));
    issuer.discovery("/other", &good, &format!("{other}/keys"));
    issuer.discovery("/plain", &plain, "http://id.example.org/keys");
    issuer.set("/moved/keys", 302, "");
    let (large, broken, hanging) = (at("/large"), at("/broken"), at("/hanging"));
    issuer.set("/large/keys", 200, &format!("{{\"keys\":[]{}}}", " ".repeat(300 << 10)));
    issuer.set("/broken/keys", 200, "<html>");
    issuer.set("/hanging/.well-known/openid-configuration", 0, "");
    let all = [&good, &away, &other, &plain, &moved, &large, &broken, &hanging].map(String::as_str);
    let project = trusting(&all);
    let service = service(&project, &database);
    for (name, why) in [
        (&away, "refused"),
        (&other, "the document of another issuer"),
        (&plain, "asked without TLS"),
        (&moved, "it answers 302"),
        (&large, "limit"),
        (&broken, "no set of keys"),
    ] {
        let reply = get(&service, &key.token(&claims(name)));
        assert_eq!((reply.status, reply.code().as_str()), (503, "issuerUnreachable"), "{name}");
        service.until_logged(why);
        // what cannot count is nobody's, and no reason to ask
        assert_eq!(get(&service, &key.token(&with(&claims(name), "exp", json!(1)))).status, 401);
    }
    assert_eq!(issuer.asked("/elsewhere"), 0, "no redirect is followed");
    // one that does not answer holds up nobody else
    let waiting = header(&key.token(&claims(&hanging)));
    let (mut http, began) = (service.connect(), Instant::now());
    http.send(format!("GET /status HTTP/1.1\r\nHost: x\r\n{waiting}\r\n"));
    until("the issuer is asked", || issuer.asked("/hanging") == 1);
    assert_eq!((service.open("/health").status, get(&service, &key.token(&claims(&good))).status), (200, 200));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let reply = http.reply().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (503, "issuerUnreachable"));
    assert!((4..20).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    // and is not asked again at once
    assert_eq!(get(&service, &key.token(&claims(&hanging))).status, 503);
    assert_eq!(issuer.asked("/hanging"), 1);
    // keys that are known count on
    issuer.set("/good/keys", 500, "");
    assert_eq!(get(&service, &key.token(&claims(&good))).status, 200);
    service.stop();
}

#[test]
fn an_issuer_is_asked_by_tls_and_trusted_by_the_machine() {
    let (database, issuer, key) = (Database::new(), Issuer::with_tls(), Key::ed("d", 1));
    let name = issuer.at("", &[&key]);
    let project = trusting(&[&name]);
    for (certificate, status) in [("first", 200), ("second", 503)] {
        let file = format!("{}/tests/data/tls/{certificate}.cert.pem", env!("CARGO_MANIFEST_DIR"));
        let mut command = project.command(&["serve", "--listen", "127.0.0.1:0", "--url", &database.url()]);
        command.env_remove("DAGMAR_SECRET").env("SSL_CERT_FILE", file);
        let service = Service::run(command);
        assert_eq!(get(&service, &key.token(&claims(&name))).status, status, "{certificate}: {}", service.log());
        service.stop();
    }
}
