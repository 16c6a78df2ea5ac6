//! The pages in a real browser (Chromium and its driver: `tests/browser.sh`).

use crate::support::webdriver::Browser;
use crate::support::{Database, Project, SECRET, Service, file, table};

struct Story {
    service: Service,
    _databases: [Database; 2],
}

/// Two environments, one of which has more than the other, and an id and a description with markup.
fn story() -> Story {
    let databases = [Database::new(), Database::new()];
    let evil = "<script>document.title = 'taken'</script><b>bold</b>";
    let mut changesets: Vec<_> = (1..=30).map(|n| table(&format!("t{n:02}"))).collect();
    changesets.push(table("evil").with("description", evil));
    let project = Project::new(&[("plans/a.yaml", &file(&changesets))]);
    let [dev, live] = &databases;
    project.write(
        "dagmar.yaml",
        &format!(
            "environments:\n  dev: {{ url: \"{}\" }}\n  live: {{ url: \"{}\", promoteFrom: dev }}\n",
            dev.url(),
            live.url()
        ),
    );
    project.run(&["apply", "--env", "dev", "--yes"]).ok();
    Story { service: Service::start(&project, &["--env", "dev"]), _databases: databases }
}

fn log_in(browser: &Browser, service: &Service) {
    browser.open(&format!("http://{}/e/live?state=pending", service.address));
    assert!(browser.url().contains("/login?to="), "{}", browser.url());
    browser.type_into("#token", SECRET);
    browser.click("button.main");
    browser.until_at("/e/live?state=pending");
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn one_logs_in_looks_round_and_logs_out() {
    let story = story();
    let browser = Browser::start(1300);
    log_in(&browser, &story.service);
    assert!(browser.text("[role=status]").contains("1 to 31 of 31"));
    browser.click("a.brand");
    browser.until_at("/");
    assert_eq!(browser.title(), "Overview · dagmar");
    assert!(browser.text(".cards").contains("Apply 31 pending changesets, by promotion from dev."));
    browser.click("section:nth-of-type(1) h2 a");
    browser.until_at("/e/dev");
    assert_eq!(browser.title(), "Changesets · dev · dagmar");
    browser.type_into("input[name=q]", "evil");
    browser.click("form.filter button");
    browser.until_at("q=evil");
    assert!(browser.text("tbody").contains("<b>bold</b>"), "{}", browser.text("tbody"));
    assert_eq!(browser.title(), "Changesets · dev · dagmar", "a script of a description ran");
    // the time is shown in the zone of whoever looks
    assert_eq!(browser.script("return document.querySelector('time').title.endsWith('Z')"), true);
    browser.click("td.id a");
    browser.until_at("id=evil");
    assert_eq!(browser.title(), "evil · dev · dagmar");
    assert!(browser.text("main").contains("History"));
    browser.click("nav.tabs a:nth-of-type(2)");
    browser.until_at("/e/dev/graph");
    assert!(browser.text("svg").contains("t01"));
    browser.click("nav.tabs a:nth-of-type(3)");
    browser.until_at("/e/dev/plan");
    browser.click("nav.tabs a[href='/e/dev/history']");
    browser.until_at("/e/dev/history");
    assert!(browser.text("tbody").contains("runFinished"));
    assert_eq!(browser.complaints(), [""; 0], "of scripts, styles, or what the policy forbids");
    browser.click("form.who button");
    browser.until_at("/login");
    browser.open(&format!("http://{}/", story.service.address));
    assert!(browser.url().ends_with("/login"), "the session is still there: {}", browser.url());
    story.service.stop();
}

#[test]
#[ignore = "needs a browser: make test-all"]
fn everything_can_be_read_without_scripts() {
    let story = story();
    let browser = Browser::start(1300);
    log_in(&browser, &story.service);
    browser.without_scripts();
    let at = |path: &str| format!("http://{}{path}", story.service.address);
    browser.read(&at("/"), "Apply 31 pending changesets, by promotion from dev.");
    let list = browser.read(&at("/e/dev"), "t01");
    let time = list.split("<time datetime=\"").nth(1).unwrap().split('<').next().unwrap();
    let (machine, shown) = time.split_once("\">").unwrap();
    assert_eq!(machine, shown, "a script ran");
    browser.read(&at("/e/dev/changeset?id=evil"), "History");
    story.service.stop();
}

/// On a phone nothing sticks out to the right, at any page.
#[test]
#[ignore = "needs a browser: make test-all"]
fn pages_fit_a_phone() {
    let story = story();
    let browser = Browser::start(400);
    log_in(&browser, &story.service);
    for path in
        ["/", "/e/dev", "/e/dev/changeset?id=evil", "/e/live/graph", "/e/live/plan", "/e/dev/history", "/nothing"]
    {
        browser.open(&format!("http://{}{path}", story.service.address));
        let wide = browser.script("return document.documentElement.scrollWidth - window.innerWidth");
        assert_eq!(wide, 0, "{path}");
    }
    story.service.stop();
}
