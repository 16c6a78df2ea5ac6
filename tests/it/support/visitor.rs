//! Somebody who uses the pages of a service, without a browser.

use super::http::Reply;
use super::service::Service;
use std::fmt::Write;

/// Somebody with a session.
pub struct Visitor<'s> {
    service: &'s Service,
    /// The header that shows the session.
    pub cookie: String,
}

/// A form as it stands on a page.
#[derive(Debug, Clone)]
pub struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// With a field filled in, or changed.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(own, _)| own != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one more field, as a box that is ticked.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    #[track_caller]
    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(own, _)| own == name);
        found.map_or_else(|| panic!("no {name}: {self:?}"), |(_, value)| value)
    }

    fn body(&self) -> String {
        let pairs = self.fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

impl<'s> Visitor<'s> {
    /// Logs in with a token or the secret.
    #[track_caller]
    pub fn new(service: &'s Service, token: &str) -> Self {
        let token = token.trim_start_matches("Authorization: Bearer ").trim_end();
        let reply = post(service, "/login", &own(service), &format!("token={token}&to=%2F"));
        assert_eq!((reply.status, reply.header("location")), (303, "/"), "{reply:?}");
        Self { service, cookie: format!("Cookie: {}\r\n", reply.header("set-cookie").split(';').next().unwrap()) }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.service.ask("GET", path, &self.cookie)
    }

    /// A page that is there.
    #[track_caller]
    pub fn page(&self, path: &str) -> String {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.body
    }

    /// The form of a page that is sent there, with what it carries.
    #[track_caller]
    pub fn form(&self, page: &str, action: &str) -> Form {
        form(&self.page(page), action)
    }

    pub fn send(&self, form: &Form) -> Reply {
        self.send_with(form, &own(self.service))
    }

    /// With these headers in place of those that a browser sends with a form.
    pub fn send_with(&self, form: &Form, headers: &str) -> Reply {
        post(self.service, &form.action, &format!("{}{headers}", self.cookie), &form.body())
    }

    /// Sends a form that leads somewhere; where.
    #[track_caller]
    pub fn follow(&self, form: &Form) -> String {
        let reply = self.send(form);
        assert_eq!(reply.status, 303, "{}", reply.body);
        reply.header("location").to_owned()
    }
}

/// The form that is sent there, of this page.
#[track_caller]
pub fn form(page: &str, action: &str) -> Form {
    let begin = format!("action=\"{action}\"");
    let text = page.split("<form").find(|text| text.contains(&begin) && text.contains("method=\"post\""));
    let text = text.unwrap_or_else(|| panic!("no form to {action}: {page}")).split("</form>").next().unwrap();
    let hidden = text.split("<input type=\"hidden\" ").skip(1).map(|text| {
        let value =
            |name: &str| text.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned();
        (value("name"), value("value").replace("&#39;", "'").replace("&amp;", "&"))
    });
    Form { action: action.to_owned(), fields: hidden.collect() }
}

/// A form that no page has.
pub fn forged(action: &str) -> Form {
    Form { action: action.to_owned(), fields: Vec::new() }
}

/// What a browser sends with a form of the service's own page.
pub fn own(service: &Service) -> String {
    format!("Origin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\n", service.address)
}

fn post(service: &Service, path: &str, headers: &str, body: &str) -> Reply {
    let (host, length) = (service.address, body.len());
    service.send(&format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
