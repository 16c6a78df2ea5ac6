//! What a route answers.

use crate::base::Markup;
use bytes::Bytes;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// The media type of JSON.
pub const JSON: &str = "application/json";

/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// An answer. Clones share the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type.
    pub media: &'static str,
    /// The content.
    pub body: Bytes,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// What comes in place of the content, bit by bit.
    pub stream: Option<Stream>,
}

/// A body that comes bit by bit, for one reader.
#[derive(Debug, Clone)]
pub struct Stream(Arc<Mutex<Option<mpsc::Receiver<Bytes>>>>);

impl Stream {
    /// A stream, and who writes it: no faster than it is read.
    #[must_use]
    pub fn new() -> (mpsc::Sender<Bytes>, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self(Arc::new(Mutex::new(Some(receiver)))))
    }

    /// Its reader; `None`: somebody has it.
    #[must_use]
    pub fn take(&self) -> Option<mpsc::Receiver<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Stream {}

impl Answer {
    /// An answer with this content.
    #[must_use]
    pub fn new(status: u16, media: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, media, body: body.into(), headers: Vec::new(), stream: None }
    }

    /// A body that comes bit by bit, with the status 200.
    #[must_use]
    pub fn stream(media: &'static str, stream: Stream) -> Self {
        Self { stream: Some(stream), ..Self::new(200, media, Bytes::new()) }
    }

    /// A value as JSON, with the status 200.
    #[must_use]
    pub fn json(value: &impl Serialize) -> Self {
        Self::new(200, JSON, crate::report::json::line(value))
    }

    /// A page, or a part of one.
    #[must_use]
    pub fn html(markup: Markup) -> Self {
        Self::new(200, HTML, String::from(markup))
    }

    /// "See there", with GET.
    #[must_use]
    pub fn see(place: impl Into<String>) -> Self {
        Self::new(303, HTML, "").header("location", place)
    }

    /// With this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
