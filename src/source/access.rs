//! Who may use the service by what others say of him: a proxy that has signed people in, or an issuer of tokens.

use crate::base::{Code, Diagnostic, Diagnostics, Network, Place, Role, WebAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands for everybody in the place of a group.
pub const EVERYBODY: &str = "*";

/// Groups by role: `run: [dba]`.
pub type GroupsOfRoles = BTreeMap<Role, Vec<String>>;

/// Environments by group: `dba: [staging, production]`.
pub type EnvironmentsOfGroups = BTreeMap<String, Vec<String>>;

/// A proxy in front of the service that has signed people in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServeProxy {
    /// Where the proxy is: `10.0.0.7`, `10.0.0.0/8`, or `unix` for the Unix socket. Its `X-Forwarded-For` says where a
    /// request comes from; that of others is ignored.
    #[schemars(length(min = 1))]
    pub addresses: Vec<Network>,
    /// The header with the name of the person, as `X-Forwarded-User`; without it the proxy signs nobody in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_header: Option<String>,
    /// The header with the groups of the person, separated by commas, as `X-Forwarded-Groups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_header: Option<String>,
    /// The groups that have each role; `*`: everybody.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: GroupsOfRoles,
    /// The environments that members of each group see; `*`: everybody. Left out: all see all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<EnvironmentsOfGroups>,
}

impl ServeProxy {
    /// Reports what cannot be kept.
    pub(super) fn check(&self, known: &[&str], place: &Place, out: &mut Diagnostics) {
        let mut wrong = |place: Place, message: &str, help: &str| {
            out.push(Diagnostic::error(Code::ServiceAccess, message).at(place).help(help.to_owned()));
        };
        if self.addresses.is_empty() {
            wrong(place.child("addresses"), "the proxy has no address", "write where its requests come from");
        }
        for (key, header) in [("userHeader", &self.user_header), ("groupsHeader", &self.groups_header)] {
            let header = header.as_deref();
            let is_plain =
                |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !header.is_none_or(is_plain) {
                wrong(place.child(key), "this is no name of a header", "write letters, digits and `-`");
            }
            let is_taken = |name: &str| TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name));
            if header.is_some_and(is_taken) {
                wrong(place.child(key), "this header has a meaning of its own", "name another header");
            }
        }
        if self.user_header.is_none() && (self.groups_header.is_some() || !self.roles.is_empty()) {
            let help = "`userHeader` names the header with the person; without it the proxy signs nobody in";
            wrong(place.clone(), "the proxy gives groups or roles to nobody", help);
        }
        if self.user_header.is_some() {
            check_roles(&self.roles, place, out);
        }
        check_environments(self.environments.as_ref(), known, place, out);
    }
}

/// An issuer of tokens (OpenID Connect) that say who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServeOidc {
    /// The issuer, exactly as its tokens name it: `https://id.example.org`. Its keys are found by its discovery document.
    pub issuer: String,
    /// What its tokens for this service name as `aud`.
    pub audience: String,
    /// The claim with the name of the person; default: `sub`.
    #[serde(default = "sub", skip_serializing_if = "is_sub")]
    pub person: String,
    /// The claim with the groups of the person, a list or a text; left out: tokens give no groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// The groups that have each role; `*`: everybody with a token for this service.
    pub roles: GroupsOfRoles,
    /// The environments that members of each group see; `*`: everybody. Left out: all see all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<EnvironmentsOfGroups>,
}

fn sub() -> String {
    "sub".to_owned()
}

fn is_sub(claim: &String) -> bool {
    claim == "sub"
}

impl ServeOidc {
    /// Reports what cannot be kept.
    pub(super) fn check(&self, known: &[&str], place: &Place, out: &mut Diagnostics) {
        let mut wrong = |key: &str, message: String, help: &str| {
            out.push(Diagnostic::error(Code::ServiceAccess, message).at(place.child(key)).help(help.to_owned()));
        };
        match self.issuer.parse::<WebAddress>() {
            Err(why) => wrong("issuer", why, "write it as its tokens do"),
            Ok(address) if !address.is_safe() => {
                wrong(
                    "issuer",
                    "the issuer is asked without TLS".to_owned(),
                    "write `https://…`; only this machine needs no TLS",
                );
            }
            Ok(_) => {}
        }
        let claims =
            [("audience", Some(&self.audience)), ("person", Some(&self.person)), ("groups", self.groups.as_ref())];
        for (key, text) in claims {
            if text.is_some_and(|text| text.trim().is_empty()) {
                wrong(key, format!("`{key}` is empty"), "write what the tokens have");
            }
        }
        check_roles(&self.roles, place, out);
        check_environments(self.environments.as_ref(), known, place, out);
    }
}

/// Headers that are no person's.
const TAKEN: [&str; 8] =
    ["authorization", "cookie", "host", "origin", "x-forwarded-for", "x-request-id", "idempotency-key", "accept"];

/// Reports roles that nobody has.
fn check_roles(roles: &GroupsOfRoles, place: &Place, out: &mut Diagnostics) {
    if roles.values().all(Vec::is_empty) {
        let problem = Diagnostic::error(Code::ServiceAccess, "nobody has a role");
        out.push(problem.at(place.child("roles")).help("write `read: [\"*\"]` for everybody, or name groups"));
    }
}

/// Reports environments that are none.
fn check_environments(map: Option<&EnvironmentsOfGroups>, known: &[&str], place: &Place, out: &mut Diagnostics) {
    for (group, names) in map.into_iter().flatten() {
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !known.contains(&name.as_str())) {
            let problem = Diagnostic::error(Code::ServiceAccess, format!("the environment `{name}` does not exist"));
            out.push(problem.at(place.child("environments").child(group).at(at)).help("name one of `environments`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;
    use crate::source::ProjectConfig;
    use serde_json::{Value, json};

    fn said(proxy: Value) -> Vec<String> {
        let mut out = Diagnostics::default();
        let value = json!({ "environments": { "dev": {} }, "serve": { "proxy": proxy } });
        ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out);
        out.iter().map(|d| d.message.clone()).collect()
    }

    #[test]
    fn an_issuer_is_checked() {
        let good = json!({ "issuer": "https://id.example.org", "audience": "dagmar", "person": "email", "groups": "groups",
            "roles": { "run": ["dba"] }, "environments": { "dba": ["dev"] } });
        let said = |oidc: Value| {
            let mut out = Diagnostics::default();
            let value = json!({ "environments": { "dev": {} }, "serve": { "oidc": [oidc] } });
            ProjectConfig::parse(&value, &Place::value(FileId(0), vec![]), &mut out);
            out.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(said(good.clone()), "");
        for (key, value, why) in [
            ("issuer", json!("id.example.org"), "no address"),
            ("issuer", json!("http://id.example.org"), "without TLS"),
            ("audience", json!(""), "`audience` is empty"),
            ("person", json!(" "), "`person` is empty"),
            ("groups", json!(""), "`groups` is empty"),
            ("roles", json!({}), "nobody has a role"),
            ("environments", json!({ "dba": ["live"] }), "`live` does not exist"),
            ("secret", json!("x"), "secret"),
        ] {
            let mut oidc = good.clone();
            oidc[key] = value;
            let said = said(oidc);
            assert!(said.contains(why), "{key}: {said}");
        }
        let mut local = good.clone();
        local["issuer"] = json!("http://127.0.0.1:8081/x");
        assert_eq!(said(local), "");
    }

    #[test]
    fn a_proxy_is_checked() {
        let good = json!({ "addresses": ["10.0.0.0/8", "unix"], "userHeader": "X-Forwarded-User",
            "groupsHeader": "X-Forwarded-Groups", "roles": { "run": ["dba"], "read": ["*"] },
            "environments": { "dba": ["dev"], "*": ["dev"] } });
        assert_eq!(said(good.clone()), [""; 0]);
        assert_eq!(said(json!({ "addresses": ["unix"] })), [""; 0]);
        let with = |key: &str, value: Value| {
            let mut proxy = good.clone();
            proxy[key] = value;
            said(proxy).join("; ")
        };
        for (key, value, why) in [
            ("addresses", json!([]), "no address"),
            ("addresses", json!(["10.0.0.1/8"]), "first address"),
            ("userHeader", json!("a b"), "no name of a header"),
            ("userHeader", json!("Authorization"), "a meaning of its own"),
            ("groupsHeader", json!("x-forwarded-for"), "a meaning of its own"),
            ("userHeader", json!(null), "to nobody"),
            ("roles", json!({}), "nobody has a role"),
            ("roles", json!({ "root": ["a"] }), "root"),
            ("environments", json!({ "dba": ["live"] }), "the environment `live` does not exist"),
        ] {
            let said = with(key, value);
            assert!(said.contains(why), "{key}: {said}");
        }
    }
}
