//! Requests and connections.

use super::labels::Labels;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Seconds of requests: from milliseconds to the longest that they may take.
const DURATIONS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];

/// Requests and connections.
#[derive(Debug)]
pub struct HttpMetrics {
    /// The connections that there are.
    pub connections: Gauge,
    /// The streams of events.
    pub streams: Gauge,
    requests: Family<Labels<3>, Counter>,
    duration: Family<Labels<1>, Histogram, fn() -> Histogram>,
    refused: Family<Labels<1>, Counter>,
}

impl HttpMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self {
            connections: Gauge::default(),
            streams: Gauge::default(),
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            refused: Family::default(),
        };
        registry.register("dagmar_http_connections", "Connections of clients", this.connections.clone());
        registry.register("dagmar_http_streams", "Streams of events that clients read", this.streams.clone());
        registry.register(
            "dagmar_http_requests",
            "Requests by the name of their route (none: no route), method and status",
            this.requests.clone(),
        );
        registry.register_with_unit(
            "dagmar_http_request_duration",
            "How long requests took, streams up to their first byte",
            Unit::Seconds,
            this.duration.clone(),
        );
        registry.register(
            "dagmar_http_refused",
            "Requests that got a problem by its code, and connections without a place (noPlace)",
            this.refused.clone(),
        );
        this
    }

    /// A request was answered. `route` and `refusal` are words of this program.
    pub fn answered(
        &self,
        route: Option<&'static str>,
        method: &str,
        status: u16,
        took: Duration,
        refusal: Option<&'static str>,
    ) {
        let route = ("route", route.unwrap_or("none").to_owned());
        // a client may send any word
        let method = ["GET", "HEAD", "POST"].into_iter().find(|known| *known == method).unwrap_or("other");
        let labels = [route.clone(), ("method", method.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        self.duration.get_or_create(&[route]).observe(took.as_secs_f64());
        refusal.into_iter().for_each(|refusal| self.refused(refusal));
    }

    /// Something was refused, for this reason.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason.to_owned())]).inc();
    }
}
