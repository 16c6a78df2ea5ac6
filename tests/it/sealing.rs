//! Sealed plans: made once, run as they are, refused where anything is not as it was.

use crate::support::{SHOP, Shop, file, snapshot, table, tables, view};
use std::fs;

#[test]
fn one_artifact_serves_every_environment() {
    let shop = Shop::new();
    shop.run(&["key", "new", "k"]).ok();
    let said = shop.run(&["plan", "--for", "staging,production", "--out", "p.plan", "--sign", "k"]).ok();
    assert!(said.contains("sealed p1:") && said.contains("signed with the key"), "{said}");
    let text = shop.text("p.plan");
    assert!(
        !text.contains("canary")
            && !text.contains("postgres:")
            && !text.contains(&shop.staging.server.sockets.display().to_string())
    );
    assert!(text.contains("'live'") && text.contains("'dev'"));
    let shown = shop.project.run(&["plan", "--verify", "p.plan", "--key", "k.pub", "--sql"]).ok();
    assert!(shown.starts_with("intact p1:") && shown.contains("INSERT INTO words VALUES ('live')"), "{shown}");
    let said = shop.refused(&["apply", "p.plan"], 2);
    assert!(said.contains("staging, production"), "{said}");
    // the files are gone: the plan is complete
    fs::rename(shop.project.path().join("plans"), shop.project.path().join("away")).unwrap();
    fs::create_dir(shop.project.path().join("plans")).unwrap();
    shop.run(&["apply", "p.plan", "--env", "staging", "--key", "k.pub"]).ok();
    shop.run(&["apply", "p.plan", "--env", "production", "--key", "k.pub"]).ok();
    assert_eq!(
        (shop.staging.sql("TABLE words").as_str(), shop.production.sql("TABLE words").as_str()),
        ("dev", "live")
    );
    assert_eq!(shop.run(&["apply", "p.plan", "--env", "production", "--format", "json"]).applied(), "");
    assert_eq!(shop.text("p.plan"), text);
    // who only wanted the way back of it
    shop.run(&["rollback", "--all", "--env", "production"]).ok();
    assert_eq!(tables(&shop.production), "");
}

#[test]
fn a_plan_that_is_not_as_it_was_is_refused_and_nothing_runs() {
    let shop = Shop::new();
    shop.run(&["key", "new", "k"]).ok();
    shop.run(&["key", "new", "other"]).ok();
    shop.seal(&["--sign", "k"]);
    let text = shop.text("p.plan");
    let edits: [(&str, String, &str); 7] = [
        ("sql", text.replace("VALUES ('live')", "VALUES ('dead')"), "was changed after it was sealed"),
        ("expiry", text.replacen("\"expiresAt\":1", "\"expiresAt\":2", 1), "was changed after it was sealed"),
        ("layout", format!("{text} "), "was changed after it was sealed"),
        ("digest", text.replacen("\"digest\":\"p1:", "\"digest\":\"p1:0", 1), "was changed after it was sealed"),
        ("cut", text[..text.len() / 3].to_owned(), "it may have been cut off"),
        ("not valid JSON", "hello\n".to_owned(), "is not a sealed plan"),
        ("other", "{}\n".to_owned(), "is not a sealed plan"),
    ];
    for (what, edited, words) in edits {
        assert_ne!(edited, text, "{what}");
        shop.project.write("edited.plan", &edited);
        for args in [
            &["apply", "edited.plan"][..],
            &["approve", "edited.plan", "--reason", "x"],
            &["plan", "--verify", "edited.plan"],
        ] {
            let said = shop.refused(args, 4);
            assert!(said.contains(words), "{what}: {said}");
        }
    }
    let at = text.rfind("\"value\":\"").unwrap() + "\"value\":\"".len();
    let flipped = if &text[at..=at] == "A" { "B" } else { "A" };
    shop.project.write("edited.plan", &format!("{}{flipped}{}", &text[..at], &text[at + 1..]));
    assert!(shop.refused(&["apply", "edited.plan"], 5).contains("signature of `edited.plan` is invalid"));
    assert!(shop.refused(&["apply", "p.plan", "--key", "other.pub"], 5).contains("signed with another key"));
    let newer = text.replacen(",\"format\":1,\"sealedAt\"", ",\"format\":9,\"sealedAt\"", 1);
    shop.project.write("edited.plan", &newer);
    assert!(shop.refused(&["apply", "edited.plan"], 5).contains("has the format 9"));
    shop.seal(&[]);
    assert!(shop.refused(&["apply", "p.plan", "--key", "k.pub"], 5).contains("is not signed"));
    snapshot(
        "sealing/a_plan_that_is_not_as_it_was_is_refused_and_nothing_runs",
        &shop.run(&["apply", "p.plan", "--select", "a"]).refusal(2),
    );
    // a key that others can read signs nothing
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(shop.project.path().join("k"), fs::Permissions::from_mode(0o644)).unwrap();
    snapshot(
        "sealing/a_plan_that_is_not_as_it_was_is_refused_and_nothing_runs-2",
        &shop.run(&["plan", "--env", "production", "--out", "p.plan", "--sign", "k"]).refusal(5),
    );
    snapshot(
        "sealing/a_plan_that_is_not_as_it_was_is_refused_and_nothing_runs-3",
        &shop.run(&["key", "new", "k"]).refusal(2),
    );
    assert_eq!(tables(&shop.production), "");
    shop.run(&["apply", "p.plan"]).ok();
}

#[test]
fn an_expired_plan_is_refused() {
    let shop = Shop::new();
    shop.seal(&["--expires", "1ms"]);
    for args in [&["apply", "p.plan"][..], &["approve", "p.plan", "--reason", "x"], &["plan", "--verify", "p.plan"]] {
        assert!(shop.refused(args, 5).contains("the sealed plan expired at "));
    }
    assert_eq!(tables(&shop.production), "");
}

#[test]
fn a_target_that_moved_is_refused() {
    let shop = Shop::new();
    shop.seal(&[]);
    shop.run(&["apply", "--env", "production", "--select", "a"]).ok();
    let said = shop.refused(&["apply", "p.plan"], 4);
    assert!(said.contains("has moved since") && said.contains("`a` was pending and is applied now"), "{said}");
    shop.seal(&[]);
    shop.run(&["mark", "held", "words", "--env", "production", "--reason", "x"]).ok();
    assert!(shop.refused(&["apply", "p.plan"], 4).contains("`words` was pending and is held now"));
    shop.run(&["mark", "pending", "words", "--env", "production", "--reason", "x"]).ok();
    // another database: of the other environment, and one that was made anew under the same name
    let elsewhere = ["apply", "p.plan", "--url", &shop.staging.url()];
    snapshot("sealing/a_target_that_moved_is_refused", &shop.run(&elsewhere).refusal(4));
    assert_eq!(tables(&shop.staging), "");
    shop.production.sql("UPDATE dagmar.meta SET value = gen_random_uuid() WHERE key = 'installation'");
    assert!(shop.refused(&["apply", "p.plan"], 4).contains("its ledger was recreated"));
    snapshot(
        "sealing/a_target_that_moved_is_refused-2",
        &shop.run(&["apply", "p.plan", "--env", "staging"]).refusal(4),
    );
    // what was refused is told by the ledger
    let csv = shop.run(&["history", "--env", "production", "--kind", "refused", "--format", "csv"]).ok();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.contains("has moved since") && csv.contains("p1:"), "{csv}");
    let edited = shop.text("p.plan").replace("VALUES ('live')", "VALUES ('dead')");
    shop.project.write("edited.plan", &edited);
    shop.refused(&["apply", "edited.plan", "--env", "production"], 4);
    let text = shop.run(&["history", "--env", "production", "--kind", "refused", "--limit", "1"]).ok();
    assert!(text.contains("apply: the sealed plan was changed after it was sealed"), "{text}");
}

#[test]
fn files_that_say_something_else_matter_where_asked() {
    let shop = Shop::new();
    shop.seal(&[]);
    let files = shop.text("plans/a.yaml");
    shop.project.write("plans/a.yaml", &files.replace("(w text)", "(w text, x int)"));
    let said = shop.refused(&["apply", "p.plan", "--check-render"], 4);
    assert!(
        said.contains("`words` no longer compiles to what was sealed; nothing was run")
            && said.contains("its file has changed"),
        "{said}"
    );
    shop.project.write("plans/a.yaml", &files);
    let said = shop.refused(&["apply", "p.plan", "--check-render", "--var", "word=x"], 4);
    assert!(
        said.contains("`b` no longer compiles to what was sealed") && said.contains("renders to different SQL"),
        "{said}"
    );
    shop.project.write("dagmar.yaml", &SHOP.replace("promoteFrom", "jobs: 1, promoteFrom"));
    assert!(shop.refused(&["apply", "p.plan"], 4).contains("dagmar.yaml has changed for `production`"));
    shop.project.write("dagmar.yaml", SHOP);
    assert_eq!(tables(&shop.production), "");
    shop.run(&["apply", "p.plan", "--check-render"]).ok();
    assert_eq!(shop.production.sql("TABLE words"), "live");
}

/// A repeatable changeset that was applied again before another one failed.
#[test]
fn a_plan_goes_on_behind_a_repeatable_changeset() {
    let view = |n: u8| view("v", &format!("SELECT {n} AS n"));
    let later = table("later").depends_on(["v"]);
    let shop = Shop::new();
    shop.project.write("plans/a.yaml", &file(&[view(1)]));
    shop.run(&["apply", "--env", "production"]).ok();
    shop.project.write("plans/a.yaml", &file(&[view(2), later]));
    shop.seal(&[]);
    shop.production.sql("CREATE TABLE later ()");
    shop.run(&["apply", "p.plan"]).fails(8);
    assert_eq!(shop.production.sql("SELECT n FROM v"), "2");
    shop.production.sql("DROP TABLE later");
    assert_eq!(shop.run(&["apply", "p.plan", "--format", "json"]).applied(), "later");
    assert_eq!(tables(&shop.production), "later");
}

/// What a run of the plan had done when it failed is no move of the target.
#[test]
fn a_plan_that_failed_goes_on() {
    let shop = Shop::new();
    shop.seal(&[]);
    shop.production.sql("CREATE TABLE words (other int)");
    shop.run(&["apply", "p.plan"]).fails(8);
    assert_eq!(shop.production.ledger(), "a=applied words=failed");
    shop.production.sql("DROP TABLE words");
    assert_eq!(shop.run(&["apply", "p.plan", "--check-render", "--format", "json"]).applied(), "b words");
    let json = shop.run(&["history", "--env", "production", "--kind", "sealedPlan", "--format", "json"]).json();
    assert_eq!(json["events"].as_array().unwrap().len(), 2, "{json}");
    shop.run(&["history", "--verify", "--env", "production", "--format", "json"]).intact();
}

/// The gates come from `dagmar.yaml`: with a mistake in it a policy may be missing.
#[test]
fn a_sealed_plan_is_not_run_by_a_project_file_with_mistakes() {
    let shop = Shop::new();
    shop.seal(&[]);
    let config = SHOP.replace("production: { url: '${PRODUCTION}', ", "production:\n    { url: '${PRODUCTION}', ");
    for wrong in ["freze: []", "freeze: [{ from: 2020-01-01, reason: never }]"] {
        shop.project.write("dagmar.yaml", &config.replace("variables: { word: live }", wrong));
        let before = shop.production.dump();
        let said = shop.run(&["apply", "p.plan"]).fails(3);
        assert!(said.contains("--> dagmar.yaml:6:") && said.contains("the project has 1 error"), "{said}");
        assert_eq!(shop.production.dump(), before);
    }
}
