//! The plan for programs: its serialised form, the one that a plan file holds, with what is said about it.

use super::Preview;
use crate::report::json;
use serde_json::{Value, json};

/// One object; of several plans an object with all of them.
pub(super) fn render(previews: &[Preview<'_>]) -> String {
    match previews {
        [one] => json::pretty(&value(one)),
        several => json::pretty(&json!({ "plans": several.iter().map(value).collect::<Vec<_>>() })),
    }
}

fn value(preview: &Preview<'_>) -> Value {
    let mut value = json!(preview.about);
    if let (Value::Object(all), Value::Object(plan)) = (&mut value, json!(preview.plan)) {
        all.extend(plan);
    }
    if let Some(seal) = preview.seal {
        let key = seal.signed_by.as_deref();
        value["seal"] = json!({ "digest": seal.digest, "signedBy": key, "expiresAt": seal.expires_at });
    }
    if let Some(gates) = preview.gates {
        value["gates"] = json!(gates);
    }
    if let Some(findings) = preview.findings {
        value["preflight"] = json!(findings);
    }
    value
}
