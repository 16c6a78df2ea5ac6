//! What a token says, held against what dagmar.yaml asks of it.

use crate::serve::who::grants::{GROUPS, LONGEST};
use crate::source::ServeOidc;
use serde_json::{Map, Value};

/// How far the clocks of an issuer and of this machine may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
    /// Until when, in milliseconds since 1970.
    pub expires: i64,
}

/// Whom the claims stand for at this time, in milliseconds since 1970; `None`: for nobody here and now. Who made them is
/// not looked at.
#[must_use]
pub fn person(claims: &Map<String, Value>, about: &ServeOidc, now: i64) -> Option<Person> {
    let seconds = now as f64 / 1000.0;
    let time = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => value.as_f64().map(Some),
    };
    let (expires, not_before, issued) = (time("exp")??, time("nbf")?, time("iat")?);
    let is_now = seconds < expires + LEEWAY
        && not_before.is_none_or(|time| time <= seconds + LEEWAY)
        && issued.is_none_or(|time| time <= seconds + LEEWAY);
    let is_ours = text(claims.get("iss")) == Some(about.issuer.as_str()) && is_for(claims.get("aud"), &about.audience);
    if !is_now || !is_ours {
        return None;
    }
    let name = text(claims.get(&about.person)).filter(|name| is_name(name))?;
    // an address that anybody may claim is no name
    if about.person == "email" && !claims.get("email_verified").is_none_or(is_true) {
        return None;
    }
    let groups = about.groups.as_ref().map_or(Some(Vec::new()), |claim| groups(claims.get(claim)))?;
    Some(Person { name: name.to_owned(), groups, expires: (expires * 1000.0) as i64 })
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

fn is_true(value: &Value) -> bool {
    // some issuers write it as a text
    *value == Value::Bool(true) || value.as_str() == Some("true")
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.trim() == name && !name.chars().any(char::is_control)
}

fn is_for(audience: Option<&Value>, own: &str) -> bool {
    match audience {
        Some(Value::String(one)) => one == own,
        Some(Value::Array(all)) => all.iter().all(Value::is_string) && all.iter().any(|one| one.as_str() == Some(own)),
        _ => false,
    }
}

/// A list of groups, or one; `None`: it is something else.
fn groups(value: Option<&Value>) -> Option<Vec<String>> {
    let groups: Vec<String> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    (groups.len() <= GROUPS && groups.iter().all(|group| is_name(group))).then_some(groups)
}
