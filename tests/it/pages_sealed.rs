//! The pages of sealed plans: uploaded, approved by two people, run; and what they do not let anybody do.

use crate::support::asked::Asked;
use crate::support::until;
use crate::support::visitor::{Visitor, form};

#[test]
fn a_plan_is_uploaded_approved_and_promoted_by_pages() {
    let asked = Asked::new("approvals: { count: 2, services: [postgres], roles: [boss] }");
    for environment in ["dev", "staging"] {
        asked.three.run(&["apply", "--env", environment]).ok();
    }
    let visitor =
        |name: &str| Visitor::new(&asked.service, &asked.people.iter().find(|(own, _)| *own == name).unwrap().1);
    let (ci, ben, eva, tom) = (visitor("ci"), visitor("ben"), visitor("eva"), visitor("tom"));
    let file = String::from_utf8(asked.seal("production", &[])).unwrap();
    assert!(ci.page("/").contains("href=\"/plans\"") && ci.page("/plans").contains("No plan was uploaded"));
    // who may not upload has no form, and sends none
    assert!(!ben.page("/plans").contains("<textarea"));
    let upload = ci.form("/plans", "/plans");
    // a browser ends lines in its own way
    let typed = file.replace('\n', "\r\n");
    let place = ci.follow(&upload.clone().with("plan", &typed));
    let stolen = ben.send(&upload.clone().with("plan", &typed));
    assert!(stolen.status == 403, "{stolen:?}");
    for (text, words) in [
        ("", "not a sealed plan"),
        ("<script>alert(1)</script>", "not a sealed plan"),
        (&file.replace("\"a\"", "\"x\""), "changed after it was sealed"),
    ] {
        let reply = ci.send(&upload.clone().with("plan", text));
        assert!(reply.status == 409 && reply.body.contains(words), "{reply:?}");
        assert!(!reply.body.contains("<script>alert"), "{}", reply.body);
    }
    let list = ci.page("/plans");
    assert!(list.contains("production: 0 approved, 0 rejected") && list.contains("not signed"), "{list}");
    // nobody has approved it: it cannot be run
    let page = tom.page(&place);
    assert!(page.contains("0 of 2 required approvals count") && page.contains("<code>a</code>"), "{page}");
    assert!(!ci.page(&place).contains("name=\"verdict\""), "who may not approve has no form");
    let run = format!("/e/production{place}");
    let unmet = ci.page(&run);
    assert!(unmet.contains("cannot be run now") && !unmet.contains("name=\"typed\""), "{unmet}");
    // people decide, each with a reason
    let decide = |who: &Visitor<'_>, verdict: &str, reason: &str| {
        let own = form(&who.page(&place), &format!("{run}/decision"));
        who.send(&own.with("verdict", verdict).with("reason", reason).with("expires", "2d"))
    };
    assert_eq!(decide(&ben, "approve", " ").status, 400);
    assert_eq!(decide(&ben, "perhaps", "x").status, 400);
    let foreign = form(&ben.page(&place), &format!("{run}/decision")).with("verdict", "approve").with("reason", "x");
    assert_eq!(eva.send(&foreign).status, 403, "the form of another session");
    assert_eq!(ben.send_with(&foreign, "Origin: https://evil.example.org\r\n").status, 403);
    assert_eq!(asked.three.production.sql("SELECT count(*) FROM dagmar.approval"), "0");
    let decided = decide(&ben, "approve", "<b>read</b>");
    assert_eq!((decided.status, decided.header("location")), (303, place.as_str()), "{decided:?}");
    assert_eq!(decide(&tom, "approve", "me too").status, 303);
    let page = ci.page(&place);
    assert!(page.contains("&lt;b&gt;read&lt;/b&gt;") && page.contains("postgres (ben via token ben)"), "{page}");
    assert!(page.contains("no: is in no required group") && page.contains("1 of 2 required approvals count"), "{page}");
    assert_eq!(decide(&eva, "reject", "wait").status, 303);
    assert!(ci.page(&place).contains("<p class=\"tag bad\">rejected</p>"));
    assert_eq!(decide(&eva, "approve", "go").status, 303);
    assert!(ci.page(&place).contains("2 of 2 required approvals count"));
    // confirmed by the name of the environment
    let promotion = format!("{run}?promote=true");
    let confirm = ci.form(&promotion, &run);
    let wrong = ci.send(&confirm.clone().with("typed", "staging"));
    assert!(wrong.status == 400 && wrong.body.contains("Nothing was run."), "{wrong:?}");
    assert_eq!(ben.get(&promotion).status, 403);
    let started = ci.follow(&confirm.clone().with("typed", "production"));
    assert!(started.starts_with("/e/production/runs/"), "{started}");
    until("the run is over", || !ci.page(&started).contains("data-stream"));
    assert_eq!(
        asked.three.production.sql("SELECT kind, status FROM dagmar.run ORDER BY started_at DESC LIMIT 1"),
        "promote|done"
    );
    // sent twice it is the same run
    assert_eq!(ci.follow(&confirm.with("typed", "production")), started);
    assert_eq!(ci.get("/plans/p1:none").status, 404);
    asked.three.run(&["history", "--verify", "--env", "production", "--format", "json"]).intact();
}
