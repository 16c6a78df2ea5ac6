//! Where an environment's URL comes from: at most one of `url`, `urlCommand` and `urlFile`.

use super::config::Environment;
use crate::base::{Code, Diagnostic, Diagnostics, HumanDuration, Place};
use serde_json::Value;

/// How long a command may take that says nothing of it.
const LIMIT: HumanDuration = HumanDuration::secs(30);

/// The source of an environment's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// The URL itself, with variables of the process.
    Url(&'a str),
    /// The first line that a command writes, within this time.
    Command(&'a [String], HumanDuration),
    /// The first line of a file.
    File(&'a str),
}

impl Environment {
    /// Where its URL comes from; `None`: it has none.
    #[must_use]
    pub fn address(&self) -> Option<Address<'_>> {
        let url = self.url.as_deref().map(Address::Url);
        let limit = self.url_timeout.unwrap_or(LIMIT);
        url.or_else(|| self.url_command.as_deref().map(|command| Address::Command(command, limit)))
            .or_else(|| self.url_file.as_deref().map(Address::File))
    }
}

/// Whether there is one source, and a possible one.
/// `written` is the environment as it stands there: a key with a wrong value is not missing.
pub fn check(environment: &Environment, written: &Value, place: &Place, out: &mut Diagnostics) {
    let Environment { url, url_command, url_file, url_timeout, .. } = environment;
    let given: Vec<&str> =
        [("url", url.is_some()), ("urlCommand", url_command.is_some()), ("urlFile", url_file.is_some())]
            .into_iter()
            .filter_map(|(key, is)| is.then_some(key))
            .collect();
    let wrong = if let [first, second, ..] = given[..] {
        Diagnostic::error(Code::Connection, "an environment has one of `url`, `urlCommand` and `urlFile`")
            .at(place.child(second).as_key())
            .related(place.child(first).as_key(), "the other one")
            .help("keep one of them")
    } else if url_command.as_ref().is_some_and(|c| c.first().is_none_or(|program| program.trim().is_empty())) {
        Diagnostic::error(Code::Connection, "`urlCommand` names no command")
            .at(place.child("urlCommand"))
            .help("write `urlCommand: [command, argument]`")
    } else if url_file.as_ref().is_some_and(|f| f.trim().is_empty()) {
        Diagnostic::error(Code::Connection, "`urlFile` names no file").at(place.child("urlFile")).help("write its path")
    } else if url_timeout.is_some() && url_command.is_none() && written.get("urlCommand").is_none() {
        Diagnostic::error(Code::Connection, "`urlTimeout` is set without `urlCommand`")
            .at(place.child("urlTimeout").as_key())
            .help("remove it, or name a command")
    } else if url_timeout.is_some_and(|t| t.millis == 0) {
        Diagnostic::error(Code::Connection, "`urlTimeout` must not be 0")
            .at(place.child("urlTimeout"))
            .help("write `30s`")
    } else {
        return;
    };
    out.push(wrong);
}
