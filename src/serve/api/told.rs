//! The events of a run, as a document and as a stream have them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The events of a run so far.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RunEvents")]
pub(super) struct Events {
    /// The id of the run.
    pub id: String,
    /// The events, oldest first.
    pub events: Vec<Item>,
    /// `after` of the next document.
    pub next: Option<String>,
    /// Whether the run is over and all of its events up to its end are in this document.
    pub over: bool,
}

/// An event of a run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RunEventItem")]
pub(super) struct Item {
    /// Its id, as in the stream: `17`, or `L17` for one of the ledger.
    pub id: String,
    /// The event. Of a run of this process a line of `apply --format json`, of another one an event of its history; `gap`:
    /// events that are not kept.
    pub event: Value,
}

/// An event of the stream.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RunStreamEvent")]
pub(super) struct StreamEvent {
    /// Its id, for `Last-Event-ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The name of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// The event as JSON on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// When to connect again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
}
