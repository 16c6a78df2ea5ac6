//! The pages of sealed plans, in a real browser (Chromium, its driver and axe-core: `tests/browser.sh`).

use crate::support::asked::Asked;
use crate::support::webdriver::Browser;

/// Somebody with all roles uploads a file, and no page has barriers or is too wide for a phone.
#[test]
#[ignore = "needs a browser: make test-all"]
fn a_plan_is_uploaded_as_a_file_and_its_pages_have_no_barriers() {
    let asked = Asked::new("approvals: { count: 1, services: [postgres] }");
    asked.seal("production", &[]);
    let at = |path: &str| format!("http://{}{path}", asked.service.address);
    let file = asked.three.project.path().join("p.plan");
    for (width, is_dark) in [(1300, false), (1300, true), (400, false)] {
        let browser = Browser::start(width);
        if is_dark {
            browser.in_the_dark();
        }
        let token = asked.people.iter().find(|(name, _)| *name == "anna").unwrap().1.trim().rsplit(' ').next().unwrap();
        browser.open(&at("/login"));
        browser.type_into("#token", token);
        browser.click("button.main");
        browser.until_at("/");
        browser.open(&at("/plans"));
        browser.type_into("#plan-file", file.to_str().unwrap());
        // the script reads the file
        browser.script_later(
            "const look = () => document.getElementById('plan-text').value ? done(1) : setTimeout(look, 20); look()",
        );
        browser.click("section button.main");
        let page = browser.until_read("0 of 1 required approvals count");
        assert!(page.contains("p1:"), "{page}");
        let digest = browser.url().rsplit('/').next().unwrap().to_owned();
        browser.type_into("input[name=reason]", "read");
        browser.click("button[value=approve]");
        browser.until_read("is the person who applies it");
        for path in ["/plans".to_owned(), format!("/plans/{digest}"), format!("/e/production/plans/{digest}")] {
            browser.open(&at(&path));
            assert_eq!(browser.barriers(), serde_json::json!([]), "{path}, dark: {is_dark}");
            let wide = browser.script("return document.documentElement.scrollWidth - window.innerWidth");
            assert_eq!(wide, 0, "{path} at {width}");
        }
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
}
