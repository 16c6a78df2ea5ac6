//! The log of requests: a line for each, never with what shows who somebody is.

use crate::base::text::printable;
use crate::serve::caller::{Caller, RequestId};
use crate::serve::exchange::Peer;
use std::time::Instant;

/// What is known of a request while it is answered.
pub struct Access {
    /// The id.
    pub id: RequestId,
    /// The id that a trusted proxy has for it.
    pub proxy_id: Option<String>,
    /// Where it comes from.
    pub peer: Peer,
    /// The method.
    pub method: String,
    /// The name of the route; `-`: none.
    pub route: &'static str,
    /// Who asks.
    pub caller: Option<Caller>,
    /// Why it was refused.
    pub refusal: Option<&'static str>,
    /// Whether people see the answer in a browser.
    pub is_page: bool,
    /// When it came.
    pub began: Instant,
}

/// A client may send any word as its method, as long as headers may be.
fn clip(method: &str) -> &str {
    method.get(..20).unwrap_or(method)
}

impl Access {
    /// Writes its line.
    pub fn log(&self, status: u16, bytes: usize) {
        let method = printable(clip(&self.method));
        let address = self.peer.address.map_or_else(|| "socket".to_owned(), |address| address.to_string());
        let (person, way) = self.caller.as_ref().map_or(("-", "-"), |c| (c.person.as_str(), c.way.word()));
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let proxy_request = self.proxy_id.as_deref().unwrap_or("-");
        let (request, route, refusal) = (self.id.as_str(), self.route, self.refusal.unwrap_or("-"));
        // probes ask every few seconds
        if ["health", "ready", "metrics"].contains(&route) {
            tracing::debug!(
                %method,
                route,
                status,
                ms,
                bytes,
                request,
                proxy_request,
                person,
                way,
                address,
                refusal,
                "request"
            );
        } else {
            tracing::info!(
                %method,
                route,
                status,
                ms,
                bytes,
                request,
                proxy_request,
                person,
                way,
                address,
                refusal,
                "request"
            );
        }
    }
}
