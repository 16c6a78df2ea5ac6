//! What an environment demands of a run, and who can change that: the owner of the ledger, and who has
//! the key of its plans.

use crate::support::{Database, Project, Run, Shop, file, project, resealed, snapshot, sql, table, tables};

const STRICT: &str =
    "environments:\n  staging: {}\n  production: { url: '${URL}', promoteFrom: staging, soak: 1h, allow: [] }\n";

/// The binary with the URL of a database in the environment.
fn production(project: &Project, database: &Database, args: &[&str]) -> Run {
    let mut command = project.command(args);
    Run::of(command.args(["--yes", "--env", "production"]).env("URL", database.url()).output().unwrap())
}

#[test]
fn what_the_owner_demands_cannot_be_weakened_by_the_file() {
    let (project, database) = (project(&[table("a"), table("b")]), Database::new());
    let run = |args: &[&str]| production(&project, &database, args);
    project.write("dagmar.yaml", STRICT);
    assert_eq!(run(&["ledger", "policy"]).ok().trim(), "no policy is required of `production`");
    snapshot(
        "policies/what_the_owner_demands_cannot_be_weakened_by_the_file",
        &run(&["ledger", "policy", "--require"]).refusal(2),
    );
    run(&["ledger", "policy", "--require", "--reason", " "]).fails(2);
    let said = run(&["ledger", "policy", "--require", "--reason", "CHG-1"]).ok();
    assert!(said.starts_with("required of `production`:") && said.contains("  soak: \"1h\""), "{said}");
    run(&["apply", "--select", "a"]).ok();

    // weaker, and stronger as well: it is another one
    for (weaker, words, key) in [
        (STRICT.replace("soak: 1h", "soak: 1s"), "owner: soak", "soak"),
        (STRICT.replace(", allow: []", ""), "owner: allow", "allow"),
        (STRICT.replace("soak: 1h, allow: []", "jobs: 1"), "owner: allow, jobs, soak", "jobs"),
    ] {
        project.write("dagmar.yaml", &weaker);
        let said = run(&["apply"]).fails(5);
        assert!(said.contains("[required-policy] ") && said.contains(words), "{said}");
        assert!(said.contains("dagmar ledger policy"), "{said}");
        snapshot(
            "policies/what_the_owner_demands_cannot_be_weakened_by_the_file-2",
            &run(&["apply", "--override", "required-policy", "--reason", "x"]).refusal(2),
        );
        run(&["apply", "--override", "soak", "--reason", "x"]).fails(5);
        let shown = run(&["ledger", "policy"]).ok();
        assert!(shown.lines().any(|l| l.starts_with(&format!("  {key}: ")) && l.contains("(dagmar.yaml: ")), "{shown}");
        let json = run(&["ledger", "policy", "--format", "json"]).json();
        assert!(json["differing"].as_array().unwrap().iter().any(|k| k == key), "{json}");
        assert_eq!(json["required"]["soak"], "1h", "{json}");
    }
    assert_eq!(tables(&database), "a");
    // the way back does not wait for it
    run(&["rollback", "a"]).ok();

    // an applier cannot demand less: only the owner of the ledger writes there
    let deploy = format!("{}_deploy", database.name);
    database.sql(&format!("CREATE ROLE {deploy} LOGIN"));
    database.sql(&run(&["ledger", "grants", "--applier", &deploy]).ok());
    project.write("dagmar.yaml", &format!("ledger: {{ owners: [postgres] }}\n{}", STRICT.replace("1h", "1s")));
    let mut command =
        project.command(&["ledger", "policy", "--release", "--reason", "x", "--yes", "--env", "production"]);
    let url = database.url().replace("user=postgres", &format!("user={deploy}"));
    let said = Run::of(command.env("URL", url).output().unwrap());
    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.err.contains("permission denied for table meta"), "{said:?}");
    snapshot("policies/what_the_owner_demands_cannot_be_weakened_by_the_file-3", &run(&["apply"]).refusal(5));

    // the owner takes it away, and that stays known
    run(&["ledger", "policy", "--release", "--reason", "CHG-2"]).ok();
    assert_eq!(run(&["ledger", "policy"]).ok().trim(), "no policy is required of `production`");
    run(&["apply"]).ok();
    let demanded = "SELECT string_agg(concat_ws(' ', detail ->> 'environment', detail -> 'policy' ->> 'soak', detail ->> 'reason'), \
                    ', ' ORDER BY seq) FROM dagmar.event WHERE kind = 'policyRequired'";
    assert_eq!(database.sql(demanded), "production 1h CHG-1, production CHG-2");
    run(&["history", "--verify", "--format", "json"]).intact();
}

#[test]
fn another_policy_than_before_leaves_an_event() {
    let (project, database) = (project(&[table("a"), table("b"), table("c")]), Database::new());
    let run = |args: &[&str]| production(&project, &database, args);
    project.write("dagmar.yaml", STRICT);
    run(&["apply", "--select", "a"]).ok();
    run(&["apply", "--select", "b"]).ok();
    let changed = "SELECT coalesce(string_agg(concat_ws(' ', detail ->> 'environment', detail -> 'from' ->> 'soak', \
                   detail -> 'to' ->> 'soak'), ', ' ORDER BY seq), '') FROM dagmar.event WHERE kind = 'policyChanged'";
    assert_eq!(database.sql(changed), "");
    // what says no more than before is no change of it: only where the server is, and with which values
    project.write("dagmar.yaml", &STRICT.replace("soak", "variables: { x: 1 }, soak"));
    run(&["rollback", "b"]).ok();
    assert_eq!(database.sql(changed), "");
    project.write("dagmar.yaml", &STRICT.replace("soak: 1h", "soak: 1s"));
    run(&["mark", "held", "c", "--reason", "x"]).ok();
    assert_eq!(database.sql(changed), "production 1h 1s");
    project.write("dagmar.yaml", STRICT);
    run(&["apply"]).ok();
    assert_eq!(database.sql(changed), "production 1h 1s, production 1s 1h");
    let history = run(&["history", "--kind", "policyChanged"]).ok();
    assert_eq!(history.matches("production: soak\n").count(), 2, "{history}");
}

#[test]
fn an_environment_takes_plans_of_its_keys_alone() {
    let shop = Shop::new();
    for name in ["k", "other"] {
        shop.run(&["key", "new", name]).ok();
    }
    let config = shop.text("dagmar.yaml");
    let demanding = config.replace("promoteFrom: staging", "promoteFrom: staging, signedBy: [k.pub]");
    shop.project.write("dagmar.yaml", &demanding);
    let gate = |args: &[&str], words: &str| {
        let said = shop.refused(args, 5);
        assert!(said.contains("[signed-by] ") && said.contains(words), "{words}\n{said}");
        assert_eq!(tables(&shop.production), "");
    };
    // from the files
    gate(&["apply", "--env", "production"], "the plan is not sealed");
    shop.seal(&[]);
    gate(&["apply", "p.plan"], "the sealed plan is not signed");
    shop.seal(&["--sign", "other"]);
    gate(&["apply", "p.plan"], "is signed with another key");
    shop.seal(&["--sign", "k"]);
    let text = shop.text("p.plan");
    // the signature of another plan, or none
    let signature = text.rfind(",\"signature\":").unwrap();
    shop.project.write("edited.plan", &format!("{}}}\n", &text[..signature]));
    gate(&["apply", "edited.plan"], "the sealed plan is not signed");
    let at = text.rfind("\"value\":\"").unwrap() + "\"value\":\"".len();
    let flipped = if &text[at..=at] == "A" { "B" } else { "A" };
    shop.project.write("edited.plan", &format!("{}{flipped}{}", &text[..at], &text[at + 1..]));
    assert!(shop.refused(&["apply", "edited.plan"], 5).contains("signature of `edited.plan` is invalid"));
    // the content after it was signed: with the digest of before, and with a new one
    shop.project.write("edited.plan", &text.replace("'live'", "'dead'"));
    assert!(shop.refused(&["apply", "edited.plan"], 4).contains("was changed after it was sealed"));
    shop.project.write("edited.plan", &resealed(&text, "\"author\":\"", "\"author\":\"not "));
    assert!(shop.refused(&["apply", "edited.plan"], 5).contains("signature of `edited.plan` is invalid"));
    // who has a key of his own, and names it in a dagmar.yaml of his own, leaves a trace
    assert_eq!(tables(&shop.production), "");
    assert_eq!(shop.run(&["apply", "p.plan", "--format", "json"]).applied(), "a b words");
    shop.project.write("dagmar.yaml", &demanding.replace("k.pub", "other.pub"));
    let files = shop.text("plans/a.yaml");
    shop.project.write("plans/a.yaml", &format!("{files}{}", table("more")));
    shop.seal(&["--sign", "other"]);
    shop.run(&["apply", "p.plan"]).ok();
    assert_eq!(shop.production.sql("SELECT count(*) FROM dagmar.event WHERE kind = 'policyChanged'"), "1");
    // a key that cannot be read is no key
    shop.project.write("dagmar.yaml", &demanding.replace("k.pub", "nowhere.pub"));
    shop.project.write("plans/a.yaml", &format!("{files}{}", table("most")));
    shop.seal(&["--sign", "k"]);
    let said = shop.refused(&["apply", "p.plan"], 5);
    assert!(said.contains("[signed-by] ") && said.contains("nowhere.pub"), "{said}");
}

/// What a plan's file says of its statements is not believed.
#[test]
fn hazards_that_were_taken_out_of_a_plan_are_found_again() {
    let shop = Shop::new();
    let config = shop.text("dagmar.yaml").replace("promoteFrom: staging", "promoteFrom: staging, allow: []");
    shop.project.write("dagmar.yaml", &config);
    let drop = sql("drop", "DROP TABLE orders", "CREATE TABLE orders (n int)");
    shop.project.write("plans/a.yaml", &file(&[drop]));
    shop.production.sql("CREATE TABLE orders (n int)");
    shop.seal(&[]);
    let text = shop.text("p.plan");
    let said = shop.refused(&["apply", "p.plan"], 5);
    assert!(said.contains("[destructive-allowed] losesData: `drop`"), "{said}");
    let quiet = resealed(&text, "\"losesData\":true", "\"losesData\":false");
    shop.project.write("edited.plan", &quiet);
    let shown = |name: &str| {
        let text = shop.project.run(&["plan", "--verify", name, "--sql"]).ok();
        text.split_once("\n\n").map(|(_, plan)| plan.to_owned()).unwrap()
    };
    assert!(shown("p.plan").contains("loses data"), "{}", shown("p.plan"));
    assert_eq!(shown("edited.plan"), shown("p.plan"));
    let said = shop.refused(&["apply", "edited.plan"], 5);
    assert!(said.contains("[destructive-allowed] losesData: `drop`"), "{said}");
    // SQL that the changesets do not have
    shop.project.write("edited.plan", &resealed(&text, "DROP TABLE orders\"", "DROP TABLE orders CASCADE\""));
    let said = shop.refused(&["apply", "edited.plan"], 4);
    assert!(said.contains("`drop`: "), "{said}");
    assert_eq!(tables(&shop.production), "orders");
}

/// Who seals a plan anew may write a block beside a built-in change type.
#[test]
fn a_block_under_the_name_of_a_built_in_type_is_opaque() {
    let shop = Shop::new();
    let config =
        shop.text("dagmar.yaml").replace("promoteFrom: staging", "promoteFrom: staging, allow: [irreversible]");
    shop.project.write("dagmar.yaml", &config);
    shop.project.write("plans/a.yaml", &file(&[table("made")]));
    shop.seal(&[]);
    let text = shop.text("p.plan");
    let rest = text.split("\"sql\":\"CREATE TABLE ").nth(1).and_then(|rest| rest.split("\"}").next()).unwrap();
    let sql = format!("CREATE TABLE {rest}");
    let block = "DO $$ BEGIN EXECUTE 'CREATE TABLE other ()'; END $$";
    let with_block = resealed(&text, &format!("\"sql\":\"{sql}\""), &format!("\"sql\":\"{block}\""));
    shop.project.write("edited.plan", &with_block);
    let said = shop.refused(&["apply", "edited.plan"], 4);
    // the digest of the step's SQL has to follow
    let digest =
        |text: &str, before: &str| text.split(before).nth(1).unwrap().split('"').next().unwrap().trim().to_owned();
    let right = said.split("its SQL, which has ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let wrong = digest(&text, "\"digest\":\"d1:");
    shop.project.write("edited.plan", &resealed(&with_block, &format!("d1:{wrong}"), &right));
    let said = shop.refused(&["apply", "edited.plan"], 5);
    assert!(said.contains("[destructive-allowed] opaque: `made`") && said.contains("--allow opaque"), "{said}");
    let shown = shop.project.run(&["plan", "--verify", "edited.plan", "--sql"]).ok();
    assert!(shown.contains("opaque SQL: 1"), "{shown}");
    assert_eq!(tables(&shop.production), "");
    shop.project.write("p.plan", &text);
    shop.run(&["apply", "p.plan"]).ok();
    assert_eq!(tables(&shop.production), "made");
}
