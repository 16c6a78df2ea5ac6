//! What the service counts and measures, in memory. Labels have words of the configuration and of this program alone, so
//! that their number has a limit.

mod environments;
mod hooks;
mod http;
mod labels;
mod process;
mod runs;

pub use environments::{EnvironmentMetrics, Observed};
pub use hooks::HookMetrics;
pub use http::HttpMetrics;
pub use runs::{Course, RunMetrics};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// The media type of the metrics: OpenMetrics, which Prometheus reads.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    /// Those of environments.
    pub environments: EnvironmentMetrics,
    /// Those of runs.
    pub runs: RunMetrics,
    /// Those of requests and connections.
    pub http: HttpMetrics,
    /// Those of webhooks.
    pub hooks: HookMetrics,
    registry: Registry,
}

impl Metrics {
    /// None has a value yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::default();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("dagmar_build", "The version of dagmar", version);
        let environments = EnvironmentMetrics::new(&mut registry);
        let runs = RunMetrics::new(&mut registry);
        let http = HttpMetrics::new(&mut registry);
        let hooks = HookMetrics::new(&mut registry);
        process::register(&mut registry);
        Arc::new(Self { environments, runs, http, hooks, registry })
    }

    /// All of them with their values now, as OpenMetrics.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // a text takes everything that is written to it
            Err(std::fmt::Error) => "# EOF\n".to_owned(),
        }
    }
}
