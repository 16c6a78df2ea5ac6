//! Secret variables: filled in when SQL is sent, and seen nowhere else.

use crate::support::{Database, Project, Run, changeset, file, sql};
use serde_json::json;
use std::fs;

/// A value with what SQL must quote; `hunter2` in it must never be seen.
const CANARY: &str = r"it's \hunter2";

/// A value that may be a part of a larger text too.
const PLAIN: &str = "plain-hunter2";

const CONFIG: &str = "
variables:
  app_pw: { value: '${APP_PW}', secret: true }
  plain_pw: { value: '${PLAIN_PW}', secret: true }
environments:
  dev: {}
";

/// Secrets in every place where they may stand.
fn changesets(role: &str) -> String {
    let typed = "  - id: typed
    dependsOn: [tables]
    changes:
      - insert: { table: kept, rows: [{ id: 1, token: '${app_pw}' }, { id: 2, token: null }] }
      - setDefault: { table: kept, column: note, default: 'user=${plain_pw}' }
  - id: fill
    dependsOn: [typed]
    changes:
      - backfill: { table: kept, key: [id], where: token IS NULL, set: { token: \"'${app_pw}'\" } }
    rollback: []
";
    let role_sql = format!(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} LOGIN PASSWORD \
         '${{app_pw}}'; END IF; END $$;\nALTER ROLE {role} PASSWORD '${{app_pw}}'"
    );
    let list = [
        sql("tables", "CREATE TABLE kept (id int PRIMARY KEY, token text, note text)", "DROP TABLE kept"),
        sql("role", &role_sql, &format!("DROP ROLE {role}")),
        sql("back", "SELECT 1", "INSERT INTO kept VALUES (77, '${app_pw}', 'user=a password=${plain_pw}')")
            .depends_on(["tables"])
            .with(
                "preconditions",
                json!([{ "sql": { "name": "is ${app_pw} set", "sql": "SELECT '${app_pw}' <> ''" } }]),
            )
            .with("verify", json!([{ "name": "it is there", "sql": "SELECT 'x${plain_pw}' <> 'x'" }])),
        changeset("of-file")
            .depends_on(["tables"])
            .change("sqlFile", json!({ "path": "sql/up.sql", "rollbackPath": "sql/down.sql" })),
    ];
    file(&list) + typed
}

struct Shop {
    project: Project,
    database: Database,
    role: String,
}

impl Shop {
    fn new() -> Self {
        let database = Database::new();
        let role = format!("role_{}", database.name);
        let project = Project::new(&[
            ("dagmar.yaml", CONFIG),
            ("plans/a.yaml", &changesets(&role)),
            ("sql/up.sql", "INSERT INTO kept VALUES (3, E'${app_pw}', 'x ${plain_pw} y');\n"),
            ("sql/down.sql", "DELETE FROM kept WHERE token = '${app_pw}';\n"),
        ]);
        Self { project, database, role }
    }

    /// Runs the binary with these values; none of them may be seen.
    #[track_caller]
    fn with(&self, values: &[(&str, &str)], args: &[&str]) -> Run {
        let mut command = self.project.command(args);
        command.args(["--yes", "--url", &self.database.url()]).envs(values.iter().copied());
        let run = Run::of(command.output().unwrap());
        assert!(!format!("{}{}", run.out, run.err).contains("hunter"), "{run:?}");
        run
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Run {
        self.with(&[("APP_PW", CANARY), ("PLAIN_PW", PLAIN)], args)
    }

    /// The ledger and the attic as text.
    fn ledger(&self) -> String {
        let mut dump = std::process::Command::new(self.database.server.bin.join("pg_dump"));
        dump.args(["-n", "dagmar", "-n", "dagmar_attic", "--inserts", "-U", "postgres", "-h"]);
        let output = dump.arg(&self.database.server.sockets).arg(&self.database.name).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn rows(&self) -> String {
        self.database
            .sql("SELECT string_agg(id || ':' || token || ':' || coalesce(note, '-'), E'\\n' ORDER BY id) FROM kept")
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.database.sql(&format!("DROP ROLE IF EXISTS {}", self.role));
    }
}

#[test]
fn values_reach_the_server_and_nobody_else() {
    let shop = Shop::new();
    for args in [
        &["check"][..],
        &["plan", "--sql"],
        &["plan", "--sql", "--format", "json"],
        &["plan", "--format", "html"],
        &["plan", "--sql", "--format", "markdown"],
        &["sql"],
        &["plan", "--dry-run"],
        &["apply", "-v", "--format", "json"],
        &["status", "--format", "json"],
        &["history", "--format", "json"],
        &["rollback", "--all", "--plan"],
    ] {
        let said = shop.run(args).ok();
        if args.contains(&"--sql") || args.contains(&"--plan") {
            assert!(said.contains("${secret:app_pw}"), "{args:?}\n{said}");
        }
    }
    assert_eq!(shop.rows(), format!("1:{CANARY}:-\n2:{CANARY}:-\n3:{CANARY}:x {PLAIN} y"));
    assert_eq!(
        shop.database.sql("SELECT column_default FROM information_schema.columns WHERE column_name = 'note'"),
        format!("'user={PLAIN}'::text")
    );
    assert_eq!(
        shop.database.sql(&format!("SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = '{}'", shop.role)),
        "t"
    );
    let ledger = shop.ledger();
    assert!(ledger.contains("${secret:app_pw}") && !ledger.contains("hunter2"), "{ledger}");
    // another value is no other changeset
    let said = shop.with(&[("APP_PW", "changed-hunter2"), ("PLAIN_PW", PLAIN)], &["apply", "--format", "json"]);
    assert_eq!(said.applied(), "");
    // the way back has the values of when it runs
    let missing = shop.with(&[("PLAIN_PW", PLAIN)], &["rollback", "back"]).fails(2);
    for words in ["the secret variable `app_pw` has no value", "`APP_PW` is not set", "`back` needs it", "help: set it"]
    {
        assert!(missing.contains(words), "{words}\n{missing}");
    }
    shop.with(&[("APP_PW", "changed-hunter2"), ("PLAIN_PW", PLAIN)], &["rollback", "back"]).ok();
    assert_eq!(
        shop.database.sql("SELECT token || ' ' || note FROM kept WHERE id = 77"),
        format!("changed-hunter2 user=a password={PLAIN}")
    );
    shop.project.write("dagmar.yaml", "environments: { dev: {} }\n");
    let undeclared = shop.run(&["rollback", "of-file"]).fails(2);
    assert!(undeclared.contains("dagmar.yaml declares no secret variable of this name"), "{undeclared}");
    shop.project.write("dagmar.yaml", CONFIG);
    shop.run(&["rollback", "--all"]).ok();
    assert!(!shop.ledger().contains("it''s"));
}

#[test]
fn a_plan_without_the_values_is_made_and_sealed_but_not_run() {
    let shop = Shop::new();
    for args in [&["check"][..], &["plan", "--sql"], &["sql"], &["status"], &["plan", "--out", "p.plan"]] {
        let said = shop.with(&[], args).ok();
        assert!(!args.contains(&"--out") || said.contains("the secret variables app_pw, plain_pw"), "{said}");
    }
    let before = shop.database.whole_dump();
    for args in [&["apply"][..], &["apply", "p.plan"], &["plan", "--dry-run"], &["apply", "--dry-run"]] {
        let said = shop.with(&[("PLAIN_PW", PLAIN)], args).fails(2);
        assert!(
            said.contains("the secret variable `app_pw` has no value") && said.contains("`role` needs it"),
            "{said}"
        );
    }
    assert_eq!(shop.database.whole_dump(), before, "nothing was begun");
    // a value that cannot stand where it is used is known before anything runs
    let said = shop.with(&[("APP_PW", CANARY), ("PLAIN_PW", "it's hunter2")], &["apply"]).fails(2);
    assert!(said.contains("the value of the secret variable `plain_pw` cannot stand where it is used"), "{said}");
    assert_eq!(shop.database.whole_dump(), before, "nothing was begun");
    let said = shop.run(&["apply", "--var", "app_pw=x"]).fails(2);
    assert!(said.contains("the variable `app_pw` is secret") && said.contains("help: "), "{said}");

    let plan = fs::read_to_string(shop.project.path().join("p.plan")).unwrap();
    assert!(plan.contains("${secret:app_pw}") && !plan.contains("hunter2"));
    let said = shop.run(&["plan", "--verify", "p.plan", "--sql"]).ok();
    assert!(said.contains("the secret variables app_pw, plain_pw") && said.contains("${secret:app_pw}"), "{said}");
    shop.run(&["apply", "p.plan", "--check-render"]).ok();
    assert!(shop.rows().contains(CANARY));
    assert!(!shop.ledger().contains("hunter2"));
}

/// The server repeats a value in every text that it has.
#[test]
fn what_a_server_repeats_is_hidden() {
    for (forward, words) in [
        ("SELECT '${app_pw}'::int", "invalid input syntax for type integer: \"***\""),
        (
            "DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = 'it is ' || '${app_pw}', HINT = '${app_pw}'; END $$",
            "it is ***",
        ),
        ("DO $$ BEGIN PERFORM nothing('${app_pw}'); END $$", "function nothing(unknown) does not exist"),
        ("GRANT '${app_pw}'", "syntax error at or near \"'***'\""),
    ] {
        let shop = Shop::new();
        shop.project.write("plans/a.yaml", &file(&[sql("bad", forward, "SELECT 1")]));
        for args in [&["apply", "-v"][..], &["apply", "--format", "json"], &["plan", "--dry-run"], &["history"]] {
            let run = shop.run(args);
            assert!(args[0] == "history" || run.code == 8, "{run:?}");
            assert!(
                args[0] == "history"
                    || format!("{}{}", run.out, run.err)
                        .contains(&words.replace('"', if args.contains(&"json") { "\\\"" } else { "\"" })),
                "{words}\n{run:?}"
            );
        }
        let ledger = shop.ledger();
        assert!(ledger.contains("${secret:app_pw}") && !ledger.contains("hunter2"), "{ledger}");
    }
    let shop = Shop::new();
    let notice = "DO $$ BEGIN RAISE WARNING 'is %', '${app_pw}'; END $$";
    shop.project.write("plans/a.yaml", &file(&[sql("loud", notice, "SELECT 1")]));
    let said = shop.run(&["apply", "-v"]);
    assert!(said.err.contains("is ***"), "{said:?}");
}

#[test]
fn psql_fills_a_script_in_by_itself() {
    let shop = Shop::new();
    let script = shop.with(&[], &["sql"]).ok();
    for words in ["PASSWORD :'app_pw'", "\\if :{?app_pw}", "\\set VERBOSITY terse", "needs secrets"] {
        assert!(script.contains(words), "{words}\n{script}");
    }
    let path = shop.project.path();
    shop.project.write("script.sql", &script);
    let psql = |values: &str| {
        fs::write(path.join("values.psql"), values).unwrap();
        let mut psql = shop.database.psql();
        psql.arg("-f").arg(path.join("values.psql")).arg("-f").arg(path.join("script.sql"));
        let output = psql.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!said.contains("hunter2"), "{said}");
        (output.status.success(), said)
    };
    let (done, said) = psql("\\set app_pw x");
    assert!(!done && said.contains("the psql variable plain_pw is not set"), "{said}");
    let (done, said) = psql("\\set app_pw x\n\\set plain_pw 'it''s hunter2'");
    assert!(!done && said.contains("the value of the psql variable plain_pw cannot stand where it is used"), "{said}");
    shop.database.sql("DROP SCHEMA IF EXISTS dagmar, dagmar_attic CASCADE; DROP TABLE IF EXISTS kept");
    shop.database.sql(&format!("DROP ROLE IF EXISTS {}", shop.role));
    let quoted = |value: &str| format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"));
    let (done, said) = psql(&format!("\\set app_pw {}\n\\set plain_pw {}", quoted(CANARY), quoted(PLAIN)));
    assert!(done, "{said}");
    assert_eq!(shop.rows(), format!("1:{CANARY}:-\n2:{CANARY}:-\n3:{CANARY}:x {PLAIN} y"));
    assert!(!shop.ledger().contains("hunter2"));
    // dagmar takes what psql did for its own
    assert_eq!(shop.run(&["apply", "--format", "json"]).applied(), "");
    shop.run(&["rollback", "--all"]).ok();
}

#[test]
fn secrets_stand_in_constants_and_passwords_in_secrets() {
    let shop = Shop::new();
    shop.project.write("plans/a.yaml", &file(&[sql("bad", "CREATE ROLE ${app_pw}", "DROP ROLE ${app_pw}")]));
    let said = shop.run(&["check"]).fails(3);
    assert!(said.contains("DG0313") && said.contains("does not stand in a string constant"), "{said}");
    shop.project.write("plans/a.yaml", &file(&[sql("sly", "SELECT '$${secret:app_pw}'", "SELECT 1")]));
    assert!(shop.run(&["check"]).fails(3).contains("`${secret:` is reserved"));

    let open = [
        sql("open", "CREATE ROLE r PASSWORD 'in the open'", "DROP ROLE r"),
        sql("safe", "CREATE ROLE s PASSWORD '${app_pw}'", "DROP ROLE s"),
    ];
    shop.project.write("plans/a.yaml", &file(&open));
    let run = shop.run(&["check"]);
    assert!(run.err.contains("warning[DG0314]: the SQL of `open` contains a password"), "{run:?}");
    assert!(
        run.err.contains("`secret: true`") && !run.err.contains("in the open'") && !run.err.contains("`safe`"),
        "{run:?}"
    );
    run.ok();
    let value = shop.run(&["check", "--format", "json"]).json();
    let found = value["diagnostics"].as_array().unwrap();
    assert_eq!(
        (found.len(), found[0]["severity"].as_str(), found[0]["file"].as_str()),
        (1, Some("warning"), Some("plans/a.yaml"))
    );
    assert!(shop.run(&["plan"]).err.contains("DG0314"));
    assert_eq!(shop.run(&["plan", "-q"]).err, "");
}

#[test]
fn hooks_do_not_show_a_secret() {
    let shop = Shop::new();
    let hook = "sh, -c, 'echo it is $PLAIN_PW; printf %s $PLAIN_PW | base64'";
    shop.project
        .write("dagmar.yaml", &CONFIG.replace("dev: {}", &format!("dev: {{ beforeApply: [ {{ run: [{hook}] }} ] }}")));
    let run = shop.run(&["apply"]);
    assert!(run.err.contains("it is ***"), "{run:?}");
    run.ok();
}
