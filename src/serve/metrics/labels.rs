//! What the metrics have in common.

/// The labels of a series.
pub(super) type Labels<const N: usize> = [(&'static str, String); N];

/// Seconds of milliseconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of some hundred thousand years are exact")]
pub(super) fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}
