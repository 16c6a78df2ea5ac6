//! What is sent: a signed JSON object, or a message for Slack.

use super::hook::Hook;
use crate::base::percent::encoded;
use crate::base::text::printable;
use crate::base::{Secret, time};
use crate::history::EventKind;
use crate::pg::ledger::delivery::Letter;
use crate::source::webhook::{WebhookEvent, WebhookForm};
use ring::hmac;
use serde::Serialize;
use std::fmt::Write;

/// What is sent as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    id: &'a str,
    event: &'static str,
    environment: &'a str,
    at: String,
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Broken<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// What of a run failed first.
#[derive(Debug, Serialize)]
struct Broken<'a> {
    changeset: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<&'a str>,
    message: &'a str,
}

/// What is sent: headers and body.
pub struct Parcel {
    /// The headers beside that of its type.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: String,
}

/// The id of what is sent, the same at each try.
#[must_use]
pub fn id(letter: &Letter) -> String {
    format!("{}:{}", letter.ledger, letter.seq)
}

/// What a hook is sent at this time, in milliseconds since 1970; `site`: where the pages of the service are.
#[must_use]
pub fn parcel(hook: &Hook, letter: &Letter, environment: &str, site: Option<&str>, now: i64) -> Parcel {
    let id = id(letter);
    let text = |key: &str| letter.detail.get(key).and_then(|value| value.as_str());
    let is_plan = letter.kind == EventKind::PlanUploaded.word();
    let status = text("status").filter(|_| !is_plan);
    let event = match status {
        _ if is_plan => WebhookEvent::ApprovalAsked,
        Some("done") => WebhookEvent::RunFinished,
        _ => WebhookEvent::RunFailed,
    };
    let error = letter.error.as_ref();
    let of_error = |key: &str| error.and_then(|error| error.get(key)).and_then(|value| value.as_str());
    let failure = letter.failed.as_deref().filter(|_| event == WebhookEvent::RunFailed).map(|changeset| Broken {
        changeset,
        sqlstate: of_error("sqlstate").filter(|state| !state.is_empty()),
        message: of_error("message").unwrap_or_default(),
    });
    let plan = text("plan").filter(|_| is_plan);
    let page = match (plan, &letter.run) {
        (Some(plan), _) => format!("/plans/{}", encoded(plan)),
        (None, Some(run)) => format!("/e/{}/runs/{}", encoded(environment), encoded(run)),
        (None, None) => format!("/e/{}", encoded(environment)),
    };
    let message = Message {
        id: &id,
        event: event.word(),
        environment,
        at: time::rfc3339(letter.at),
        by: letter.by.as_deref(),
        run: letter.run.as_deref(),
        kind: letter.run_kind.as_deref(),
        status,
        request: letter.request.as_deref(),
        failure,
        plan,
        url: site.map(|site| format!("{site}{page}")),
    };
    match hook.form {
        WebhookForm::Slack => {
            let body = serde_json::json!({ "text": slack(&message) }).to_string();
            Parcel { headers: Vec::new(), body }
        }
        WebhookForm::Json => {
            let body = serde_json::to_string(&message).unwrap_or_default();
            let signed = hook.secret.as_ref().map(|secret| ("dagmar-signature", signature(secret, now / 1000, &body)));
            let headers = [("dagmar-delivery", id.clone())].into_iter().chain(signed).collect();
            Parcel { headers, body }
        }
    }
}

/// The signature of a body at this time, in seconds since 1970.
fn signature(secret: &Secret, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let mut text = format!("t={at},v1=");
    for byte in tag.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The message for people. Slack gives a meaning to three characters alone.
fn slack(message: &Message<'_>) -> String {
    let safe = |text: &str| printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (environment, by) = (safe(message.environment), message.by.map(safe).unwrap_or_default());
    let kind = safe(message.kind.unwrap_or("run"));
    let mut text = match (&message.plan, message.status) {
        (Some(plan), _) => format!("A plan waits for approval in {environment}: {} (uploaded by {by})", safe(plan)),
        (None, status) => format!("{environment}: {kind} {} (by {by})", safe(status.unwrap_or_default())),
    };
    if let Some(Broken { changeset, message, .. }) = &message.failure {
        let _ = write!(text, "\n{}: {}", safe(changeset), safe(message));
    }
    if let Some(url) = &message.url {
        let _ = write!(text, "\n{}", safe(url));
    }
    text
}
