//! Webhooks.

use super::labels::Labels;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Webhooks.
#[derive(Debug)]
pub struct HookMetrics {
    deliveries: Family<Labels<2>, Counter>,
}

impl HookMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self { deliveries: Family::default() };
        registry.register(
            "dagmar_webhook_deliveries",
            "Tries to tell a webhook of an event, by their result",
            this.deliveries.clone(),
        );
        this
    }

    /// A hook was told, or not; `result` is a word of this program.
    pub fn tried(&self, hook: &str, result: &'static str) {
        self.deliveries.get_or_create(&[("hook", hook.to_owned()), ("result", result.to_owned())]).inc();
    }
}
