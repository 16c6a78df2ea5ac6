//! Sealed plans of unknown origin, uploaded to an environment that asks for no signature and no approval.

use crate::support::asked::Asked;
use crate::support::visitor::Visitor;
use crate::support::{file, sql};
use serde_json::json;

/// Who may run could otherwise run any SQL with the rights of the service.
#[test]
fn a_plan_that_nobody_vouches_for_is_what_the_files_say() {
    let mut asked = Asked::new("");
    let plan = asked.sealed(&["--select", "a"]);
    let look = format!("{plan}/preview");
    // as long as the files say the same
    asked.post("ci", &look, &json!({}), 200);
    asked.three.project.write("plans/a.yaml", &file(&[sql("a", "CREATE TABLE a (n bigint)", "DROP TABLE a")]));
    asked.service.signal("HUP");
    asked.service.until_logged("the project was read again");
    let refused = asked.post("ci", &look, &json!({ "checkRender": false }), 409);
    assert!(refused.body.contains("no longer compiles to what was sealed"), "{}", refused.body);
    let start = json!({ "digest": "p1:00" });
    let refused = asked.post("ci", &format!("{plan}/runs"), &start, 409);
    assert!(refused.body.contains("no longer compiles to what was sealed"), "{}", refused.body);
    // an administrator may do without
    asked.post("admin", &look, &json!({}), 200);
    // who decides can read it
    let page = format!("/plans/{}", plan.rsplit('/').next().unwrap());
    let header = asked.people.iter().find(|(name, _)| *name == "ben").unwrap().1.clone();
    let shown = Visitor::new(&asked.service, &header).page(&page);
    assert!(shown.contains("Forward plan for production") && shown.contains("CREATE"), "{shown}");
}
