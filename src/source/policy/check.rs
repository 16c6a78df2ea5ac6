//! Looks whether the policies of an environment can be kept.

use super::Rate;
use crate::base::{Code, Diagnostic, Diagnostics, Operation, Place, Remedy};
use crate::source::config::Environment;
use serde_json::Value;

/// The code of what is wrong with a policy.
const CODE: Code = Code::Policy;

/// Looks whether the policies of an environment can be kept.
///
/// `written` is the environment as it stands there: a key of which it has a wrong value is not
/// missing.
pub(in crate::source) fn check(environment: &Environment, written: &Value, here: &Place, out: &mut Diagnostics) {
    let from_nowhere = environment.promote_from.is_none() && written.get("promoteFrom").is_none();
    if let Some(window) = &environment.window {
        let place = here.child("window");
        if window.days.is_empty() {
            wrong(
                out,
                place.child("days"),
                "the change window never opens".to_owned(),
                "name days: [mon, tue]; left out: every day",
            );
        }
        if window.from == window.to {
            let help = "a whole day is from: \"00:00\", to: \"24:00\"";
            wrong(out, place.child("to"), "the change window closes when it opens".to_owned(), help);
        }
        if window.from.minutes == 1440 {
            wrong(out, place.child("from"), "a change window cannot open at 24:00".to_owned(), "write \"00:00\"");
        }
    }
    for (i, freeze) in environment.freeze.iter().enumerate() {
        let place = here.child("freeze").at(i);
        if freeze.from > freeze.to {
            let message = format!("the freeze ends on {}, before it begins", freeze.to);
            wrong(out, place.child("to"), message, "`from` is the first day, `to` the last one");
        }
        if freeze.reason.trim().is_empty() {
            wrong(
                out,
                place.child("reason"),
                "the freeze has no reason".to_owned(),
                "give a reason: dagmar displays it",
            );
        }
    }
    if environment.soak.is_some() && from_nowhere {
        let message = "`soak` without `promoteFrom`".to_owned();
        wrong(
            out,
            here.child("soak"),
            message,
            "set `promoteFrom` to the environment where a changeset must have been applied for this time",
        );
    }
    if environment.promote_only && from_nowhere {
        let message = "`promoteOnly` without `promoteFrom`".to_owned();
        wrong(
            out,
            here.child("promoteOnly"),
            message,
            "set `promoteFrom` to the environment that changesets come from",
        );
    }
    for (i, key) in environment.signed_by.iter().enumerate() {
        if key.trim().is_empty() {
            let help =
                "name a file of a public key, as " + Operation::KeyNew + " writes it, or write the key in base64";
            wrong(out, here.child("signedBy").at(i), "the key is empty".to_owned(), help);
        }
    }
    if let Some(approvals) = &environment.approvals {
        let place = here.child("approvals");
        if !(1..=20).contains(&approvals.count) {
            wrong(
                out,
                place.child("count"),
                "`count` is out of range".to_owned(),
                "set the number of approvals: 1 to 20",
            );
        }
        for (i, role) in approvals.roles.iter().enumerate() {
            if role.trim().is_empty() {
                wrong(
                    out,
                    place.child("roles").at(i),
                    "the name of a role is empty".to_owned(),
                    "write the name of a database role",
                );
            }
        }
        if approvals.expires.is_some_and(|span| span.millis == 0) {
            let message = "an approval that expires immediately never counts".to_owned();
            wrong(out, place.child("expires"), message, "write 8h, or remove it");
        }
    }
    if let Some(rate) = &environment.rate {
        let place = here.child("rate");
        for (key, value) in [("runsPerHour", rate.runs_per_hour), ("changesetsPerHour", rate.changesets_per_hour)] {
            if value == Some(0) {
                wrong(
                    out,
                    place.child(key),
                    format!("with `{key}: 0` no run is possible"),
                    "write 1 or more, or remove it",
                );
            }
        }
        if *rate == Rate::default() {
            wrong(out, place, "`rate` has no limit".to_owned(), "give `runsPerHour`, `changesetsPerHour` or both");
        }
    }
}

fn wrong(out: &mut Diagnostics, place: Place, message: String, help: impl Into<Remedy>) {
    out.push(Diagnostic::error(CODE, message).at(place).help(help));
}
