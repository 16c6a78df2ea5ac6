//! A service that people ask about sealed plans.

use super::changelog::table;
use super::http::Reply;
use super::openapi::Described;
use super::service::Service;
use super::three::Three;
use super::tokens::Tokens;
use dagmar::base::Role;
use serde_json::{Value, json};
use std::process::Command;

/// The media type of a sealed plan.
pub const PLAN: &str = "application/vnd.dagmar.plan+json";

/// A service of three environments, and what it was asked.
pub struct Asked {
    pub three: Three,
    pub service: Service,
    pub described: Described,
    pub people: Vec<(&'static str, String)>,
}

impl Asked {
    /// With this policy of production; people are let in by tokens.
    pub fn new(policies: &str) -> Self {
        Self::of(Three::new(
            policies,
            &[table("a").with("author", "zoe"), table("b").depends_on(["a"]).with("author", "anna@example.org")],
        ))
    }

    pub fn of(three: Three) -> Self {
        let mut tokens = Tokens::default();
        let all = [Role::Plan, Role::Approve, Role::Run];
        let people = [
            ("ci", &[Role::Plan, Role::Run][..], &[][..]),
            ("anna", &all, &["boss"]),
            ("ben", &[Role::Approve], &["boss"]),
            ("eva", &[Role::Approve], &["boss", "dba"]),
            ("tom", &[Role::Approve], &["dba"]),
            ("admin", &[Role::Run, Role::Admin], &[]),
        ];
        let add = |&(name, roles, groups): &(&'static str, &[Role], &[&str])| {
            let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
            (name, tokens.add(name, roles, |entry| entry.groups.clone_from(&groups)))
        };
        let mut people: Vec<(&str, String)> = people.iter().map(add).collect();
        people.push(("near", tokens.add("near", &all, |entry| entry.environments = Some(vec!["staging".to_owned()]))));
        tokens.write(&three.project);
        let service = Service::run(Self::command(&three));
        Self { three, service, described: Described::new(), people }
    }

    pub fn command(three: &Three) -> Command {
        let mut command = three.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env_remove("DAGMAR_SECRET");
        command
    }

    #[track_caller]
    pub fn ask(&mut self, who: &str, (method, path): (&str, &str), headers: &str, body: &[u8], status: u16) -> Reply {
        let own = &self.people.iter().find(|(name, _)| *name == who).unwrap().1;
        let (host, length) = (self.service.address, body.len());
        let mut http = self.service.connect();
        http.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{own}{headers}Content-Length: {length}\r\n\r\n"
        ));
        let reply = http.send(body).reply().unwrap_or_else(|| panic!("no answer: {path}\n{}", self.service.log()));
        assert_eq!(reply.status, status, "{who}: {method} {path}: {reply:?}");
        self.described.check(method, path, &reply);
        reply
    }

    #[track_caller]
    pub fn get(&mut self, who: &str, path: &str, status: u16) -> Reply {
        self.ask(who, ("GET", path), "", b"", status)
    }

    #[track_caller]
    pub fn post(&mut self, who: &str, path: &str, body: &Value, status: u16) -> Reply {
        let key = format!("Idempotency-Key: {who}{path}{body}\r\n");
        self.ask(who, ("POST", path), &key, body.to_string().as_bytes(), status)
    }

    #[track_caller]
    pub fn upload(&mut self, who: &str, text: &[u8], status: u16) -> Reply {
        self.ask(who, ("POST", "/api/v1/plans"), &format!("Content-Type: {PLAN}\r\n"), text, status)
    }

    /// Seals for production, and uploads; the path of the plan in production.
    #[track_caller]
    pub fn sealed(&mut self, more: &[&str]) -> String {
        let text = self.seal("production", more);
        let reply = self.upload("ci", &text, 201);
        let digest = reply.json()["digest"].as_str().unwrap().to_owned();
        assert_eq!(reply.header("location"), format!("/api/v1/plans/{digest}"));
        format!("/api/v1/environments/production/plans/{digest}")
    }

    /// The file of a plan for these environments.
    #[track_caller]
    pub fn seal(&self, environments: &str, more: &[&str]) -> Vec<u8> {
        self.three.run(&[&["plan", "--for", environments, "--out", "p.plan"], more].concat()).ok();
        std::fs::read(self.three.project.path().join("p.plan")).unwrap()
    }

    /// The names of the approvals, each with whether it counts.
    #[track_caller]
    pub fn counted(&mut self, who: &str, plan: &str) -> String {
        let answer = self.get(who, &format!("{plan}/approvals"), 200).json();
        let list = answer["approvals"].as_array().unwrap();
        let one = |a: &Value| {
            let why = a["whyNot"].as_str().unwrap_or("counts");
            assert_eq!(a["counts"], json!(a.get("whyNot").is_none()), "{a}");
            format!("{} {why}", a["osUser"].as_str().unwrap())
        };
        let words: Vec<String> = list.iter().map(one).collect();
        format!("{} of {}: {}", answer["counted"], answer["required"], words.join(", "))
    }

    /// The verdict of a gate in a preview.
    #[track_caller]
    pub fn gate(&mut self, plan: &str, body: &Value, gate: &str) -> String {
        let look = self.post("ci", &format!("{plan}/preview"), body, 200).json();
        let all = look["gates"].as_array().unwrap();
        let one = all.iter().find(|one| one["gate"] == gate).unwrap_or_else(|| panic!("{look:#}"));
        format!("{}: {}", one["status"].as_str().unwrap(), one["reason"].as_str().unwrap())
    }
}
