//! Who is told of runs and of plans that wait for approval.

use crate::base::{Code, Diagnostic, Diagnostics, Place, WebAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address that is told of runs and of plans that wait for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// The name: letters, digits, `-` and `_`. The ledger keeps by it how far the events are delivered.
    pub name: String,
    /// Where it is told, by HTTPS; only this machine needs no TLS. `${NAME}` is an environment variable of the process.
    pub url: String,
    /// What is sent; default: `json`.
    #[serde(default)]
    pub form: WebhookForm,
    /// The secret that signs what is sent, for `json`: `${NAME}`, an environment variable of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What it is told.
    #[schemars(length(min = 1))]
    pub on: Vec<WebhookEvent>,
    /// Of which environments; left out: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<String>>,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebhookForm {
    /// A JSON object with a signature.
    #[default]
    Json,
    /// A message for an incoming webhook of Slack.
    Slack,
}

/// What an address is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebhookEvent {
    /// A run is done.
    RunFinished,
    /// A run failed, or was stopped.
    RunFailed,
    /// A sealed plan was uploaded that somebody has to approve.
    ApprovalAsked,
}

impl WebhookEvent {
    /// The word in dagmar.yaml and in what is sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            WebhookEvent::RunFinished => "runFinished",
            WebhookEvent::RunFailed => "runFailed",
            WebhookEvent::ApprovalAsked => "approvalAsked",
        }
    }
}

/// The most characters of a name.
const LONGEST: usize = 64;

impl Webhook {
    /// Whether it is told of this environment.
    #[must_use]
    pub fn is_of(&self, environment: &str) -> bool {
        self.environments.as_ref().is_none_or(|names| names.iter().any(|name| name == environment))
    }

    /// Reports what cannot be kept.
    pub(super) fn check(&self, known: &[&str], place: &Place, out: &mut Diagnostics) {
        let mut wrong = |place: Place, message: String, help: &str| {
            out.push(Diagnostic::error(Code::ServiceWebhook, message).at(place).help(help.to_owned()));
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > LONGEST || !self.name.chars().all(is_plain) {
            let message = format!("`{}` is no name of a webhook", self.name);
            wrong(place.child("name"), message, "write 1 to 64 letters, digits, `-` and `_`");
        }
        // with a variable it is known when the service starts
        if !self.url.contains("${")
            && let Err(why) = HookAddress::read(&self.url)
        {
            wrong(place.child("url"), why, "write `https://…`, or `${NAME}` for a variable of the process");
        }
        match (self.form, &self.secret) {
            (WebhookForm::Json, None) => {
                let message = "what is sent would have no signature".to_owned();
                wrong(place.clone(), message, "write `secret: \"${NAME}\"` for a variable of the process");
            }
            (WebhookForm::Slack, Some(_)) => {
                let message = "what Slack takes has no signature".to_owned();
                wrong(place.child("secret"), message, "leave out `secret`");
            }
            (WebhookForm::Json, Some(secret)) if !is_variable(secret) => {
                let message = "the secret would be in the repository".to_owned();
                wrong(place.child("secret"), message, "write `${NAME}` for a variable of the process");
            }
            _ => {}
        }
        if self.on.is_empty() {
            wrong(place.child("on"), "it is told nothing".to_owned(), "write `on: [runFailed]`");
        }
        for (at, name) in self.environments.iter().flatten().enumerate() {
            if !known.contains(&name.as_str()) {
                let message = format!("the environment `{name}` does not exist");
                wrong(place.child("environments").at(at), message, "name one of `environments`");
            }
        }
    }
}

/// Whether a text is one variable of the process.
fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// The address of a webhook, which may have a query.
#[derive(Clone, PartialEq, Eq)]
pub struct HookAddress {
    /// The address.
    pub address: WebAddress,
    /// The query with its `?`; empty: there is none.
    pub query: String,
}

impl HookAddress {
    /// Reads it. What is wrong is said without the address, which may be a secret.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let (address, query) = text.find('?').map_or((text, ""), |at| text.split_at(at));
        let address: WebAddress = address.parse().map_err(|_| "this is no address of a webhook".to_owned())?;
        if !address.is_safe() {
            return Err("what is sent would be readable on its way".to_owned());
        }
        let is_plain = |c: char| c.is_ascii_graphic() && !"#\\\"<>^`{|}".contains(c);
        if !query.chars().all(is_plain) {
            return Err("this is no address of a webhook".to_owned());
        }
        Ok(Self { address, query: query.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use crate::source::ProjectConfig;
    use serde_json::{Value, json};

    fn said(hooks: &Value) -> String {
        let mut out = Diagnostics::default();
        let value = json!({ "environments": { "dev": {} }, "serve": { "webhooks": hooks } });
        ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out);
        out.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_webhook_is_checked() {
        let good = json!({ "name": "ops", "url": "${OPS_HOOK}", "secret": "${OPS_SECRET}", "on": ["runFailed"],
            "environments": ["dev"] });
        assert_eq!(said(&json!([good])), "");
        let slack = json!({ "name": "chat", "url": "https://hooks.slack.com/services/x?a=b", "form": "slack", "on": ["runFinished"] });
        assert_eq!(said(&json!([good, slack])), "");
        for (key, value, why) in [
            ("name", json!(""), "no name"),
            ("name", json!("a b"), "no name"),
            ("url", json!("example.org"), "no address"),
            ("url", json!("http://example.org/x"), "readable on its way"),
            ("url", json!("https://example.org/x#y"), "no address"),
            ("secret", json!(null), "no signature"),
            ("secret", json!("hunter2"), "in the repository"),
            ("secret", json!("${A}b"), "in the repository"),
            ("form", json!("slack"), "has no signature"),
            ("form", json!("xml"), "xml"),
            ("on", json!([]), "told nothing"),
            ("on", json!(["runStarted"]), "runStarted"),
            ("environments", json!(["live"]), "`live` does not exist"),
        ] {
            let mut hook = good.clone();
            hook[key] = value;
            let said = said(&json!([hook]));
            assert!(said.contains(why), "{key}: {said}");
        }
        assert!(said(&json!([good, good])).contains("two webhooks"), "{}", said(&json!([good, good])));
        let mut local = good;
        local["url"] = json!("http://127.0.0.1:8081/x");
        assert_eq!(said(&json!([local])), "");
    }
}
