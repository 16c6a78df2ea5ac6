//! A real browser, by the WebDriver protocol (W3C Recommendation WebDriver, chapters 6 to 18).

use super::process::until;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The member that names an element (chapter 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window; it ends with this.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn start(width: u32) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: tests/browser.sh");
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        until("the driver listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--no-first-run".to_owned(),
            // nothing is asked of anybody but the service
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        let emulated = json!({ "deviceMetrics": { "width": width, "height": 1000, "pixelRatio": 1.0 } });
        let options = json!({
            "args": arguments,
            "mobileEmulation": emulated,
        });
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let made = browser.ask("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = made["sessionId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        browser
    }

    /// Opens a page and waits until it is there.
    pub fn open(&self, url: &str) {
        self.at("POST", "/url", &json!({ "url": url }));
    }

    /// Switches scripts off. From now on only [`Browser::read`] works: the driver's own commands are scripts.
    pub fn without_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// Opens a page without any script, and waits until these words are in its document; the document.
    #[track_caller]
    pub fn read(&self, url: &str, words: &str) -> String {
        self.devtools("Page.navigate", &json!({ "url": url }));
        self.until_read(words)
    }

    /// Waits without any script until these words are in the document; the document.
    #[track_caller]
    pub fn until_read(&self, words: &str) -> String {
        let mut found = String::new();
        until(words, || {
            let root = &self.devtools("DOM.getDocument", &json!({}))["root"]["nodeId"];
            let document = self.devtools("DOM.getOuterHTML", &json!({ "nodeId": root }));
            found = document["outerHTML"].as_str().unwrap_or_default().to_owned();
            found.contains(words) && found.contains("</html>")
        });
        found
    }

    /// A command of the browser's developer tools.
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.at("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Waits until the address ends so.
    #[track_caller]
    pub fn until_at(&self, end: &str) {
        until(end, || self.url().ends_with(end));
    }

    pub fn url(&self) -> String {
        self.at("GET", "/url", &Value::Null).as_str().unwrap().to_owned()
    }

    pub fn title(&self) -> String {
        self.at("GET", "/title", &Value::Null).as_str().unwrap().to_owned()
    }

    /// The text that one sees of the first element that a CSS selector finds.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let element = self.find(selector);
        self.at("GET", &format!("/element/{element}/text"), &Value::Null).as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.at("POST", &format!("/element/{element}/click"), &json!({}));
    }

    #[track_caller]
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.at("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// What a script on the page answers.
    pub fn script(&self, code: &str) -> Value {
        self.at("POST", "/execute/sync", &json!({ "script": code, "args": [] }))
    }

    /// What a script on the page answers later: it calls `done`.
    pub fn script_later(&self, code: &str) -> Value {
        let code = format!("const done = arguments[arguments.length - 1];\n{code}");
        self.at("POST", "/execute/async", &json!({ "script": code, "args": [] }))
    }

    /// The barriers on the page that axe-core calls serious or critical.
    pub fn barriers(&self) -> Value {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = root.join("target/axe/axe.min.js");
        if !file.exists() {
            assert!(Command::new("sh").arg(root.join("tests/browser.sh")).status().unwrap().success());
        }
        self.script(&std::fs::read_to_string(file).unwrap());
        self.script_later(
            "axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations
               .filter((one) => ['serious', 'critical'].includes(one.impact))
               .map((one) => [one.id, one.nodes.map((node) => [node.html, node.failureSummary].join(' '))])));",
        )
    }

    /// Shows pages as somebody sees them who likes it dark.
    pub fn in_the_dark(&self) {
        let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        self.devtools("Emulation.setEmulatedMedia", &dark);
    }

    /// Whether there is such an element.
    pub fn has(&self, selector: &str) -> bool {
        let found = self.at("POST", "/elements", &json!({ "using": "css selector", "value": selector }));
        found.as_array().is_some_and(|all| !all.is_empty())
    }

    /// What the browser complained of since the last time, without what it recommends.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.at("POST", "/se/log", &json!({ "type": "browser" }));
        let lines = log.as_array().unwrap().iter().filter(|line| line["source"] != "recommendation");
        lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let found = self.at("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {selector} on {}: {found}", self.url())).to_owned()
    }

    fn at(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let (host, length) = (self.port, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        // the driver does not close the connection
        let mut lines = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the driver has gone");
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut reply = vec![0; length];
        lines.read_exact(&mut reply).unwrap();
        serde_json::from_slice::<Value>(&reply).unwrap()["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            self.at("DELETE", "", &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
