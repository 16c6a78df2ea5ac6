//! Why a request is not answered as asked: RFC 9457.

use crate::base::{Failure, FailureKind, Wording};
use crate::report::diag;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The media type of a problem.
pub const PROBLEM: &str = "application/problem+json";

/// The problems of the service itself; those of operations are failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody that is known, for whatever reason.
    Unauthenticated,
    /// The caller has not the role.
    Forbidden,
    /// There is none.
    NotFound,
    /// The path exists with another method.
    MethodNotAllowed,
    /// There is no answer of the wanted type.
    NotAcceptable,
    /// The request is not valid.
    BadRequest,
    /// The name in `Host` is none of this service.
    Misdirected,
    /// The body did not come in time.
    BodyTimeout,
    /// The body is too large.
    TooLarge,
    /// A form that no page of this service has sent.
    OriginRefused,
    /// The body is compressed or of another type.
    UnsupportedMedia,
    /// Too many requests.
    TooManyRequests,
    /// The service has too much to do.
    Overloaded,
    /// The service stops.
    Stopping,
    /// The answer takes longer than requests may take.
    Slow,
    /// Another run of this service is in progress.
    RunInProgress,
    /// Too many runs wait.
    QueueFull,
    /// There is no key, and the route needs one.
    KeyMissing,
    /// The key belongs to another request.
    KeyReused,
    /// The database of the default environment does not answer.
    Unreachable,
    /// The project cannot be used.
    Broken,
    /// The file of tokens cannot be used.
    TokensUnreadable,
    /// An issuer of tokens cannot be reached.
    IssuerUnreachable,
    /// A mistake of the service.
    Internal,
}

impl Kind {
    /// The status, the code and the title.
    const fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Kind::Unauthenticated => (401, "unauthenticated", "Unauthenticated"),
            Kind::Forbidden => (403, "forbidden", "Forbidden"),
            Kind::NotFound => (404, "notFound", "Not found"),
            Kind::MethodNotAllowed => (405, "methodNotAllowed", "Method not allowed"),
            Kind::NotAcceptable => (406, "notAcceptable", "Not acceptable"),
            Kind::BadRequest => (400, "badRequest", "Bad request"),
            Kind::Misdirected => (421, "misdirected", "Misdirected request"),
            Kind::BodyTimeout => (408, "timeout", "Request timeout"),
            Kind::TooLarge => (413, "tooLarge", "Content too large"),
            Kind::OriginRefused => (403, "originRefused", "Request from another site"),
            Kind::UnsupportedMedia => (415, "unsupportedMedia", "Unsupported media type"),
            Kind::TooManyRequests => (429, "tooManyRequests", "Too many requests"),
            Kind::Overloaded => (503, "overloaded", "Overloaded"),
            Kind::Stopping => (503, "stopping", "Stopping"),
            Kind::Slow => (504, "slow", "Answer takes too long"),
            Kind::RunInProgress => (409, "runInProgress", "Another run is in progress"),
            Kind::QueueFull => (503, "queueFull", "Too many runs wait"),
            Kind::KeyMissing => (400, "idempotencyKeyMissing", "A key is missing"),
            Kind::KeyReused => (422, "idempotencyKeyReused", "The key belongs to another request"),
            Kind::Unreachable => (503, "unreachable", "The database does not answer"),
            Kind::Broken => (503, "broken", "The project cannot be used"),
            Kind::TokensUnreadable => (503, "tokensUnreadable", "The tokens cannot be read"),
            Kind::IssuerUnreachable => (503, "issuerUnreachable", "The issuer of the token cannot be reached"),
            Kind::Internal => (500, "internal", "Internal error"),
        }
    }
}

/// The status, the code and the title of a failure.
const fn of_failure(kind: FailureKind) -> (u16, &'static str, &'static str) {
    let (code, title) = match kind {
        FailureKind::Internal => ("internal", "Internal error"),
        FailureKind::Usage => ("usage", "Invalid request"),
        FailureKind::Source => ("source", "Errors in the project's files"),
        FailureKind::Drift => ("drift", "The database differs"),
        FailureKind::Refused => ("refused", "Refused"),
        FailureKind::Locked => ("locked", "Another run holds the lock"),
        FailureKind::Database => ("database", "The database cannot be used"),
        FailureKind::Failed => ("failed", "A statement or check failed"),
        FailureKind::Interrupted => ("interrupted", "Interrupted"),
        FailureKind::Findings => ("findings", "Findings"),
    };
    (kind.http_status(), code, title)
}

/// Why a request is not answered as asked. The body is made with the id of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    words: (u16, &'static str, &'static str),
    members: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem of the service.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let members = [("detail".to_owned(), Value::from(detail.into()))].into_iter().collect();
        Self { words: kind.words(), members, headers: Vec::new() }
    }

    /// The one answer for everybody who is not known.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(Kind::Unauthenticated, "send a valid secret or token: `Authorization: Bearer …`")
            .header("www-authenticate", "Bearer realm=\"dagmar\"")
    }

    /// What happened.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.members.get("detail").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it is one of the service's own, of this kind.
    #[must_use]
    pub fn is(&self, kind: Kind) -> bool {
        self.words == kind.words()
    }

    /// When to ask again, as the value of `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| *name == "retry-after").map(|(_, value)| value.as_str())
    }

    /// The answer takes longer than requests may take.
    #[must_use]
    pub fn slow() -> Self {
        Self::new(Kind::Slow, "the answer takes too long; what was asked for goes on")
    }

    /// The problem for a failure of an operation.
    #[must_use]
    pub fn of(failure: &Failure, wording: Wording) -> Self {
        let mut problem = Self { words: of_failure(failure.kind), members: Map::new(), headers: Vec::new() };
        let members = [
            ("detail", Some(json!(failure.message))),
            ("cause", filled(failure.notes.iter().map(wording).collect::<Vec<_>>())),
            ("remedy", failure.help.as_ref().map(|help| json!(wording(help)))),
            ("remedyParts", failure.help.as_ref().and_then(|help| help.named()).map(|parts| json!(parts))),
            ("diagnostics", filled(diag::entries(&failure.diagnostics, wording))),
            ("diffs", filled(failure.diffs.clone())),
            ("location", failure.location.as_ref().map(|location| json!(location))),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                problem.members.insert(name.to_owned(), value);
            }
        }
        problem
    }

    /// With the remedy.
    #[must_use]
    pub fn remedy(self, text: impl Into<String>) -> Self {
        let text: String = text.into();
        self.with("remedy", text)
    }

    /// With another member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// With the fields of a value as members.
    #[must_use]
    pub fn and(mut self, value: &impl Serialize) -> Self {
        if let Ok(Value::Object(members)) = serde_json::to_value(value) {
            self.members.extend(members);
        }
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.words.0
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.words.1
    }

    /// The headers beside those of every problem.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The document, for the request with this id.
    #[must_use]
    pub fn document(&self, request: &str) -> Value {
        let (status, code, title) = self.words;
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("urn:dagmar:problem:{code}").into());
        document.insert("title".to_owned(), title.into());
        document.insert("status".to_owned(), status.into());
        document.insert("code".to_owned(), code.into());
        document.extend(self.members.clone());
        document.insert("request".to_owned(), request.into());
        document.into()
    }
}

/// A list, unless it is empty.
fn filled<T: Serialize>(list: Vec<T>) -> Option<Value> {
    (!list.is_empty()).then(|| json!(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Operation;

    #[test]
    fn a_failure_keeps_what_it_says() {
        let failure = Failure::new(FailureKind::Locked, "busy").note("since 12:00").help("see " + Operation::Status);
        let problem = Problem::of(&failure, |remedy| format!("{remedy:?}").len().to_string()).with("run", "x");
        let document = problem.document("7f3a");
        assert_eq!((problem.status(), problem.code()), (409, "locked"));
        let keys: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
        let all = ["type", "title", "status", "code", "detail", "cause", "remedy", "remedyParts", "run", "request"];
        assert_eq!(keys, all);
        assert_eq!(document["type"], "urn:dagmar:problem:locked");
        assert_eq!(document["request"], "7f3a");
    }

    #[test]
    fn codes_are_those_of_the_failures() {
        for kind in FailureKind::ALL {
            assert_eq!(json!(kind), of_failure(kind).1);
        }
    }
}
