//! Answers as HTTP.

use super::content::Content;
use crate::serve::answer::Answer;
use crate::serve::caller::RequestId;
use crate::serve::problem::{PROBLEM, Problem};
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// The headers of every answer: no page of another site can use it, and nothing keeps it.
const ALWAYS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    // with `no-referrer` browsers would not say where a form comes from
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("x-frame-options", "DENY"),
    ("cache-control", "no-store"),
];

/// The response; `is_https`: clients come by TLS, here or at a proxy.
#[must_use]
pub fn response(outcome: Result<Answer, Problem>, id: &RequestId, is_https: bool) -> Response<Content> {
    let Answer { status, media, body, headers, stream } = outcome.unwrap_or_else(|problem| {
        let mut answer = Answer::json(&problem.document(id.as_str())).status(problem.status());
        (answer.media, answer.headers) = (PROBLEM, problem.headers().to_vec());
        // the rest of the body is not read: nothing can follow on this connection
        if [408, 413].contains(&answer.status) { answer.header("connection", "close") } else { answer }
    });
    let content = match stream.and_then(|stream| stream.take()) {
        Some(bits) => Content::Stream(bits),
        None => Content::Whole(Full::new(body)),
    };
    let mut response = Response::new(content);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let hsts = is_https.then_some(("strict-transport-security", "max-age=31536000"));
    let own = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let all = ALWAYS.into_iter().chain(hsts).chain([("content-type", media), ("x-request-id", id.as_str())]);
    for (name, value) in all.chain(own) {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// What a connection is told that finds no place, before it has asked anything.
pub const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
