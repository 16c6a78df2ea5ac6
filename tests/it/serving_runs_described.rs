//! The routes of runs answer as the service describes itself, from the preview to the events.

use crate::support::http::Reply;
use crate::support::{Described, SECRET, Service, Three, bearer, is_of_runs, sql, table, until};
use serde_json::{Value, json};

/// The service of a promotion, and what it was asked.
struct Asked {
    service: Service,
    described: Described,
}

impl Asked {
    #[track_caller]
    fn get(&mut self, path: &str, headers: &str, status: u16) -> Reply {
        let reply = self.service.ask("GET", path, &format!("{}{headers}", bearer()));
        self.checked("GET", path, reply, status)
    }

    #[track_caller]
    fn post(&mut self, path: &str, key: &str, body: &Value, status: u16) -> Reply {
        let reply = self.service.post_once(path, key, body);
        self.checked("POST", path, reply, status)
    }

    #[track_caller]
    fn checked(&mut self, method: &str, path: &str, reply: Reply, status: u16) -> Reply {
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        self.described.check(method, path, &reply);
        reply
    }

    /// The digest of a preview.
    fn digest(&mut self, reply: &Reply) -> Value {
        json!({ "digest": reply.json()["digest"] })
    }

    /// The run of an answer at its end.
    #[track_caller]
    fn over(&mut self, reply: &Reply) -> String {
        let path = reply.header("location").to_owned();
        until("it is over", || !self.service.get(&path).json()["finishedAt"].is_null());
        self.get(&path, "", 200);
        path
    }
}

#[test]
fn runs_are_as_described() {
    let three = Three::new("", &[table("a"), table("b").depends_on(["a"]), sql("c", "SELECT 1/0", "SELECT 1")]);
    let mut command = three.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DAGMAR_SECRET", SECRET);
    let mut asked = Asked { service: Service::run(command), described: Described::new() };
    let dev = |path: &str| format!("/api/v1/environments/dev/{path}");
    let staging = |path: &str| format!("/api/v1/environments/staging/{path}");
    // from the preview to a run and its events
    let plan = asked.get(&dev("plan?select=%2bb"), "", 200);
    let mut body = asked.digest(&plan);
    body["select"] = json!(["+b"]);
    let reply = asked.service.post(&dev("runs"), &body.to_string());
    asked.checked("POST", &dev("runs"), reply, 400);
    asked.post(&dev("runs"), "0", &json!({ "digest": "p1:00" }), 409);
    asked.post(&dev("runs"), "0", &json!({ "digest": "p1:00", "skipPreflight": true }), 403);
    let started = asked.post(&dev("runs"), "1", &body, 202);
    let run = asked.over(&started);
    asked.post(&dev("runs"), "1", &body, 200);
    asked.post(&dev("runs"), "1", &json!({ "digest": "p1:00" }), 422);
    let plan = asked.get(&dev("plan?select=c"), "", 200);
    let mut body = asked.digest(&plan);
    body["select"] = json!(["c"]);
    let failed = asked.post(&dev("runs"), "2", &body, 202);
    asked.over(&failed);
    asked.get(&dev("runs"), "", 200);
    asked.get(&dev("runs?kind=apply&status=failed&limit=1"), "", 200);
    asked.get(&dev("runs?status=odd"), "", 400);
    asked.get(&dev("runs/none"), "", 404);
    let events = format!("{run}/events");
    let head = asked.service.ask("HEAD", &events, &bearer());
    asked.checked("GET", &events, head, 200);
    asked.get(&events, "Accept: application/json\r\n", 200);
    asked.get(&events, "Accept: image/png\r\n", 406);
    asked.get(&events, "Last-Event-ID: end\r\n", 204);
    asked.get(&dev("runs/none/events"), "", 404);
    asked.post(&format!("{run}/cancel"), "-", &json!({ "reason": "x\0" }), 400);
    asked.post(&format!("{run}/cancel"), "-", &json!({}), 403);
    asked.post(&dev("pause"), "-", &json!({ "reason": "x" }), 200);
    asked.post(&dev("resume"), "-", &json!({}), 200);
    // what dev has is promoted, and taken back
    let look = asked.post(&staging("promotion-plan"), "-", &json!({ "select": ["+b"] }), 200);
    let mut body = asked.digest(&look);
    body["select"] = json!(["+b"]);
    let reply = asked.post(&staging("promotions"), "3", &body, 202);
    asked.over(&reply);
    asked.post(&staging("promotions"), "4", &body, 200);
    asked.post(&staging("promotion-plan"), "-", &json!({ "from": "nowhere" }), 404);
    asked.post(&staging("promotions"), "5", &json!({ "digest": "p1:00", "from": "nowhere" }), 404);
    let look = asked.post(&staging("rollback-plan"), "-", &json!({ "lastRun": true }), 200);
    let mut body = asked.digest(&look);
    body["lastRun"] = json!(true);
    let reply = asked.post(&staging("rollbacks"), "6", &body, 202);
    asked.over(&reply);
    asked.post(&staging("rollbacks"), "7", &json!({ "digest": "x", "lastRun": true }), 200);
    asked.post(&staging("rollback-plan"), "-", &json!({}), 400);
    // a run that is in progress is cancelled, here and by another service
    three.plans(&[table("a"), table("b").depends_on(["a"]), sql("d", "SELECT pg_sleep(300)", "SELECT 1")]);
    asked.service.signal("HUP");
    asked.service.until_logged("the project was read again");
    let plan = asked.get(&dev("plan?select=d"), "", 200);
    let mut body = asked.digest(&plan);
    body["select"] = json!(["d"]);
    let reply = asked.post(&dev("runs"), "8", &body, 202);
    three.dev.until_runs("pg_sleep");
    asked.post(&dev("runs"), "9", &body, 409);
    asked.post(&format!("{}/cancel", reply.header("location")), "-", &json!({}), 200);
    let path = asked.over(&reply);
    asked.service.signal("TERM");
    asked.service.end();
    let mut command = three.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DAGMAR_SECRET", SECRET);
    asked.service = Service::run(command);
    asked.get(&path, "", 200);
    asked.get(&dev("runs"), "", 200);
    asked.get(&format!("{path}/events"), "Accept: application/json\r\n", 200);
    asked.described.all_seen(is_of_runs);
}
