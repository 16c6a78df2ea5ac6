//! What the project says about its service. How the service stands in its surroundings (addresses, certificates,
//! secrets) is not said here: that differs from machine to machine.

use super::access::{ServeOidc, ServeProxy};
use super::webhook::Webhook;
use crate::base::{Code, Diagnostic, Diagnostics, HumanDuration, HumanSize, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service (`dagmar serve`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServeConfig {
    /// Limits for its clients; a change counts when the service starts again.
    pub limits: ServeLimits,
    /// Issuers of tokens (OpenID Connect) that say who asks; a change counts when the service starts again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub oidc: Vec<ServeOidc>,
    /// A proxy in front of the service that has signed people in; a change counts when the service starts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ServeProxy>,
    /// Addresses that are told of runs and of plans that wait for approval; a change counts when the project is read again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Webhook>,
}

impl ServeConfig {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reports what cannot be kept; `known` are the environments.
    pub(super) fn check(&self, known: &[&str], place: &Place, out: &mut Diagnostics) {
        self.limits.check(&place.child("limits"), out);
        for (at, issuer) in self.oidc.iter().enumerate() {
            issuer.check(known, &place.child("oidc").at(at), out);
        }
        if let Some(proxy) = &self.proxy {
            proxy.check(known, &place.child("proxy"), out);
        }
        for (at, webhook) in self.webhooks.iter().enumerate() {
            let place = place.child("webhooks").at(at);
            webhook.check(known, &place, out);
            if self.webhooks[..at].iter().any(|other| other.name == webhook.name) {
                let problem =
                    Diagnostic::error(Code::ServiceWebhook, format!("there are two webhooks `{}`", webhook.name));
                out.push(
                    problem.at(place.child("name")).help("give each a name of its own: the ledger knows it by that"),
                );
            }
        }
    }
}

/// Limits for the clients of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServeLimits {
    /// The size of all headers of a request, from 8KiB to 1MiB; default: 16KiB.
    pub header: HumanSize,
    /// The number of headers of a request; default: 64.
    #[schemars(range(min = 8, max = 1000))]
    pub headers: usize,
    /// How long a connection may take to send the headers of a request, or send nothing at all; default: 10s.
    pub header_time: HumanDuration,
    /// The size of the body of a request; default: 1MiB.
    pub body: HumanSize,
    /// The size of a sealed plan that is uploaded; default: 64MiB.
    pub plan: HumanSize,
    /// How long the body of a request may take to arrive, and how long a client may not read its answer; default: 30s.
    pub body_time: HumanDuration,
    /// How long an answer may take, except for that of a run; default: 60s.
    pub request_time: HumanDuration,
    /// The number of connections; default: 1024.
    #[schemars(range(min = 1, max = 100_000))]
    pub connections: usize,
    /// The number of connections of one address; default: 256.
    #[schemars(range(min = 1, max = 100_000))]
    pub connections_per_address: usize,
    /// The number of streams of events; default: 200.
    #[schemars(range(min = 1, max = 100_000))]
    pub streams: usize,
    /// The number of streams of events of one caller; default: 50.
    #[schemars(range(min = 1, max = 100_000))]
    pub streams_per_caller: usize,
    /// The number of requests per second of one caller, or of one address without a caller; 0: any number; default: 50.
    #[schemars(range(max = 100_000))]
    pub per_second: u32,
    /// The number of requests that may come at once beyond `perSecond`; default: 200.
    #[schemars(range(min = 1, max = 100_000))]
    pub burst: u32,
    /// The number of wrong secrets of one address per minute; then it waits, with any secret; default: 10.
    #[schemars(range(min = 1, max = 100_000))]
    pub failures_per_minute: u32,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            header: HumanSize::kib(16),
            headers: 64,
            header_time: HumanDuration::secs(10),
            body: HumanSize::kib(1024),
            plan: HumanSize::kib(64 << 10),
            body_time: HumanDuration::secs(30),
            request_time: HumanDuration::secs(60),
            connections: 1024,
            connections_per_address: 256,
            streams: 200,
            streams_per_caller: 50,
            per_second: 50,
            burst: 200,
            failures_per_minute: 10,
        }
    }
}

impl ServeLimits {
    /// Reports what is out of range.
    fn check(&self, place: &Place, out: &mut Diagnostics) {
        let time = |time: HumanDuration| (100..=3_600_000).contains(&time.millis);
        let number = |number: u64| (1..=100_000).contains(&number);
        for (key, is_fine, help) in [
            ("header", (8 << 10..=1 << 20).contains(&self.header.bytes), "write 8KiB to 1MiB"),
            ("headers", (8..=1000).contains(&self.headers), "write 8 to 1000"),
            ("headerTime", time(self.header_time), "write 100ms to 1h"),
            ("body", (1 << 10..=64 << 20).contains(&self.body.bytes), "write 1KiB to 64MiB"),
            ("plan", (1 << 10..=64 << 20).contains(&self.plan.bytes), "write 1KiB to 64MiB"),
            ("bodyTime", time(self.body_time), "write 100ms to 1h"),
            ("requestTime", time(self.request_time), "write 100ms to 1h"),
            ("connections", number(self.connections as u64), "write 1 to 100000"),
            ("connectionsPerAddress", number(self.connections_per_address as u64), "write 1 to 100000"),
            ("streams", number(self.streams as u64), "write 1 to 100000"),
            ("streamsPerCaller", number(self.streams_per_caller as u64), "write 1 to 100000"),
            ("perSecond", self.per_second <= 100_000, "write 0 to 100000; 0 is no limit"),
            ("burst", number(self.burst.into()), "write 1 to 100000"),
            ("failuresPerMinute", number(self.failures_per_minute.into()), "write 1 to 100000"),
        ] {
            if !is_fine {
                let problem = Diagnostic::error(Code::ServiceLimit, format!("`{key}` is out of range"));
                out.push(problem.at(place.child(key)).help(help));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use crate::source::ProjectConfig;
    use serde_json::json;

    #[test]
    fn the_page_shows_the_defaults() {
        let page = std::fs::read_to_string("docs/service.md").unwrap();
        let (_, block) = page.split_once("```yaml\nserve:\n  limits:\n").unwrap();
        let block = block.split_once("```").unwrap().0;
        let config: ServeConfig = serde_yaml::from_str(&format!("  limits:\n{block}")).unwrap();
        assert_eq!(config, ServeConfig::default());
        let keys = block.lines().filter(|line| line.starts_with("    ")).count();
        assert_eq!(keys, serde_json::to_value(ServeLimits::default()).unwrap().as_object().unwrap().len());
    }

    #[test]
    fn limits_have_limits() {
        let said = |limits: serde_json::Value| {
            let mut out = Diagnostics::default();
            let value = json!({ "serve": { "limits": limits } });
            let config = ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out).unwrap();
            (config.serve.limits, out.iter().map(|d| d.message.clone()).collect::<Vec<_>>())
        };
        let (limits, said_of_some) = said(json!({ "headerTime": "2s", "body": "2MiB", "perSecond": 0 }));
        assert_eq!((limits.header_time.millis, limits.body.bytes, limits.per_second), (2000, 2 << 20, 0));
        assert_eq!((limits.connections, said_of_some), (1024, vec![]));
        let keys = json!({ "header": "1KiB", "headers": 0, "headerTime": "0", "body": "1B", "plan": "65MiB", "bodyTime": "2h",
            "requestTime": "1ms", "connections": 0, "connectionsPerAddress": 0, "streams": 0, "streamsPerCaller": 0, "perSecond": 100_001,
            "burst": 0, "failuresPerMinute": 0 });
        let expected: Vec<String> =
            keys.as_object().unwrap().keys().map(|key| format!("`{key}` is out of range")).collect();
        assert_eq!(said(keys).1, expected);
    }
}
