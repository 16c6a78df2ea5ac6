//! Proofs in sealed plans: those with a trusted signature count, others do not.

use crate::support::{Database, Project, file, project, resealed, sql, table, tables};

/// An environment that asks for proofs and trusts the key `k`; its plan in `p.plan` carries them.
struct Sealed {
    project: Project,
    database: Database,
}

const CONFIG: &str = "environments: { production: { proven: {}, signedBy: [k.pub] } }\n";

impl Sealed {
    fn new(config: &str) -> Self {
        let this = Self { project: project(&[table("a"), table("b").depends_on(["a"])]), database: Database::new() };
        this.project.write("dagmar.yaml", config);
        for key in ["k", "other"] {
            this.project.run(&["key", "new", key]).ok();
        }
        this.write_proof(|json| json);
        this.seal(&["--sign", "k", "--proof", "proof.json"]);
        this
    }

    fn write_proof(&self, edit: impl Fn(String) -> String) {
        let run = self.project.on(&self.database, &["prove", "--format", "json"]);
        assert_eq!(run.code, 0, "{run:?}");
        self.project.write("proof.json", &edit(run.out));
    }

    fn seal(&self, more: &[&str]) -> String {
        self.project.on(&self.database, &[&["plan", "--out", "p.plan"], more].concat()).ok()
    }

    fn plan(&self) -> String {
        std::fs::read_to_string(self.project.path().join("p.plan")).unwrap()
    }

    /// What the gates say to the plan; nothing is applied.
    #[track_caller]
    fn refused(&self, more: &[&str], code: i32) -> String {
        let said = self.project.on(&self.database, &[&["apply", "p.plan"], more].concat()).fails(code);
        assert_eq!(tables(&self.database), "");
        said
    }
}

const UNPROVEN: &str = "[proven] `a` is not proven in this form; `b` is not proven in this form";

#[test]
fn a_signed_plan_brings_its_proofs() {
    let all = Sealed::new(CONFIG);
    let shown = all.project.run(&["plan", "--verify", "p.plan", "--key", "k.pub"]).ok();
    assert!(shown.contains("  proven: a on PostgreSQL ") && shown.contains("  proven: b on PostgreSQL "), "{shown}");
    let json = all.project.run(&["plan", "--verify", "p.plan", "--format", "json"]).json();
    let proofs = json["environments"][0]["proofs"].as_array().unwrap();
    assert_eq!((proofs.len(), &proofs[0]["changeset"]), (2, &"a".into()));
    all.project.on(&all.database, &["apply", "p.plan"]).ok();
    assert_eq!(tables(&all.database), "a b");
}

#[test]
fn a_proof_without_a_trusted_signature_does_not_count() {
    let all = Sealed::new(CONFIG);
    let emergency = ["--override", "signed-by", "--reason", "x"];
    let signed = all.plan();
    // who removes the signature
    let (unsigned, _) = signed.split_once(",\"signature\":").unwrap();
    all.project.write("p.plan", &format!("{unsigned}}}\n"));
    let said = all.refused(&emergency, 5);
    assert!(said.contains(UNPROVEN), "{said}");
    // who signs with a key of his own
    all.seal(&["--sign", "other", "--proof", "proof.json"]);
    assert!(all.refused(&emergency, 5).contains(UNPROVEN));
    // who adds the proofs to a plan without, signed and not
    all.seal(&["--sign", "k"]);
    let proofs = signed.split_once("\"proofs\":[").unwrap().1.split_once(']').unwrap().0;
    let with = |text: &str| {
        let end = text.find(",\"target\":").unwrap();
        resealed(text, &text[end..end + 10], &format!(",\"proofs\":[{proofs}]{}", &text[end..end + 10]))
    };
    all.project.write("p.plan", &with(&all.plan()));
    assert!(all.refused(&[], 5).contains("signature"));
    all.seal(&[]);
    all.project.write("p.plan", &with(&all.plan()));
    assert!(all.refused(&emergency, 5).contains(UNPROVEN));
    // an environment that names no keys trusts none
    let any = Sealed::new("environments: { production: { proven: {} } }\n");
    assert!(any.refused(&["--key", "k.pub"], 5).contains(UNPROVEN));
}

#[test]
fn a_proof_of_something_else_does_not_count() {
    let all = Sealed::new(CONFIG);
    let text = all.plan();
    let proof = &text[text.find("\"proofs\":[").unwrap()..];
    let digest = proof.split_once("\"digest\":\"").unwrap().1.split_once('"').unwrap().0;
    let (unsigned, _) = text.split_once(",\"signature\":").unwrap();
    let begin = format!("\"at\":{}", proof.split_once("\"at\":").unwrap().1.split_once(',').unwrap().0);
    let other = format!("{begin},\"changeset\":\"a\",\"digest\":\"{digest}\"");
    let forged = other.replace(digest, &format!("d1:{}", "0".repeat(64)));
    all.project.write("p.plan", &resealed(&format!("{unsigned}}}\n"), &other, &forged));
    let said = all.refused(&[], 4);
    assert!(said.contains("the proof of `a` is not of the SQL in its plan"), "{said}");

    // the same SQL on a server of another version, or long ago
    for (key, value, words) in [
        ("serverVersion", "9.6", "[proven] `a` is proven on PostgreSQL 9 and not on"),
        ("provedAt", "2020-01-01T00:00:00Z", "[proven] the proof of `a` is too old"),
    ] {
        all.project.write("dagmar.yaml", &CONFIG.replace("proven: {}", "proven: { maxAge: 30d }"));
        all.write_proof(|json| {
            let mut json: serde_json::Value = serde_json::from_str(&json).unwrap();
            json[key] = value.into();
            json.to_string()
        });
        all.seal(&["--sign", "k", "--proof", "proof.json"]);
        assert!(all.refused(&[], 5).contains(words), "{words}");
    }

    // what does not hold, or is of other SQL, is not sealed
    let seal = |args: &[&str]| all.project.on(&all.database, &[&["plan", "--out", "p.plan"], args].concat());
    all.write_proof(|json| {
        json.replace("\"proven\": true", "\"proven\": false").replace("\"proven\":true", "\"proven\":false")
    });
    let said = seal(&["--sign", "k", "--proof", "proof.json"]).fails(5);
    assert!(said.contains("`proof.json` proves no changeset of the plan in this form"), "{said}");
    all.project.write("proof.json", "{}");
    let said = seal(&["--sign", "k", "--proof", "proof.json"]).fails(2);
    assert!(said.contains("`proof.json` is not a proof: missing field `serverVersion`"), "{said}");
    let said = seal(&["--proof", "proof.json"]).fails(2);
    assert!(said.contains("--sign"), "{said}");
    all.write_proof(|json| json);
    let other = |id: &str| sql(id, &format!("CREATE TABLE {id} (n bigint)"), &format!("DROP TABLE {id}"));
    all.project.write("plans/a.yaml", &file(&[other("a"), other("b")]));
    let said = seal(&["--sign", "k", "--proof", "proof.json"]).fails(5);
    assert!(said.contains("`proof.json` proves no changeset of the plan in this form"), "{said}");
}
