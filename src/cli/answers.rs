//! What the commands answer with `--format json` that are no operation, and the table of what all answer.

use crate::ops::approval::Decided;
use crate::ops::attic::AtticAnswer;
use crate::ops::check::Checked;
use crate::ops::control::{Cancelled, Paused, Resumed};
use crate::ops::generate::{Baselined, DiffAnswer, DriftAnswer, GenerateAnswer};
use crate::ops::history::{Approvals, Audited, Events};
use crate::ops::lines::{ApplySummary, AtticSummary, End, GatesLine, RollbackSummary, RunEvent, Stamped};
use crate::ops::manual::{adopt::Adopted, clear::ClearedState, mark::Marked, policy::Policy};
use crate::ops::rehearsal::DryRunAnswer;
use crate::ops::run::Installed;
use crate::ops::seal::SealedAnswer;
use crate::ops::{status::StatusAnswer, test::TestList, why::WhyAnswer};
use crate::report::{FailureAnswer, GraphView, LintAnswer, MatrixAnswer, PlanAnswer, ProofAnswer, TestAnswer};
use crate::source::schema::answers::{Answer, Row, of};
use crate::source::schema::catalogue::Entry;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use std::path::Path;

/// A new project.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Initialised<'a> {
    /// The directory of the project.
    pub directory: &'a Path,
    /// The written files, relative to the directory.
    pub written: Vec<&'a str>,
}

/// A new changeset.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewChangeset<'a> {
    /// The id of the changeset.
    pub id: &'a str,
    /// The file of the changeset, relative to the project.
    pub path: &'a str,
}

/// A new key pair.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewKey<'a> {
    /// The file of the private key.
    pub private: &'a Path,
    /// The file of the public key.
    pub public: &'a Path,
}

/// The written schemas.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WrittenSchemas {
    /// The files, relative to the project.
    pub written: Vec<String>,
}

/// All change types.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeTypes {
    /// The change types, by name.
    pub change_types: Vec<Entry>,
}

/// A change type.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeType {
    /// The change type.
    pub change_type: Entry,
    /// The parts that its keys refer to, by name.
    pub parts: Vec<Entry>,
}

/// A running embedded server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DevStarted {
    /// True if dagmar started it; false if it was already running.
    pub started: bool,
    /// The URL of the server.
    pub url: String,
}

/// A stopped embedded server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DevStopped {
    /// True if dagmar stopped it; false if it was not running.
    pub stopped: bool,
}

/// The status of an embedded server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DevStatus<'a> {
    /// The environment.
    pub environment: &'a str,
    /// True if the server is running.
    pub running: bool,
    /// True if the server keeps running after its last user has ended.
    pub kept: bool,
    /// The major version of PostgreSQL of its data; null: there is no data.
    pub version: Option<String>,
    /// The data directory.
    pub directory: &'a Path,
    /// The URL of the server; null: it is not running.
    pub url: Option<String>,
}

/// The address of an embedded server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DevUrl {
    /// The URL of the server.
    pub url: String,
}

/// The result of a reset of an embedded server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DevReset {
    /// True if its data was removed; false if there was none.
    pub removed: bool,
}

/// A token of the service, without its text.
#[cfg(feature = "serve")]
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRow<'a> {
    /// The id of the token.
    pub id: &'a str,
    /// The name of the token.
    pub name: &'a str,
    /// `valid`, `expired` or `revoked`.
    pub state: &'static str,
    /// The roles: `read`, `plan`, `approve`, `run`, `admin`.
    pub roles: Vec<&'static str>,
    /// The environments that it sees; null: all.
    pub environments: Option<&'a [String]>,
    /// The groups of who uses it.
    pub groups: &'a [String],
    /// When it was made.
    pub created: &'a str,
    /// Who made it.
    pub created_by: &'a str,
    /// Until when it counts; null: without an end.
    pub expires: Option<&'a str>,
    /// When it was revoked; null: it was not.
    pub revoked: Option<&'a str>,
    /// Who revoked it.
    pub revoked_by: Option<&'a str>,
    /// Why it was revoked.
    pub reason: Option<&'a str>,
}

/// A new token of the service.
#[cfg(feature = "serve")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewToken<'a> {
    /// The file of tokens.
    pub file: &'a Path,
    /// The text of the token, which is shown only now.
    pub text: &'a str,
    /// The token.
    pub token: TokenRow<'a>,
}

/// The tokens of the service.
#[cfg(feature = "serve")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenList<'a> {
    /// The file of tokens.
    pub file: &'a Path,
    /// The tokens, in the order in which they were made.
    pub tokens: Vec<TokenRow<'a>>,
}

/// A revoked token of the service.
#[cfg(feature = "serve")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct RevokedToken<'a> {
    /// The file of tokens.
    pub file: &'a Path,
    /// The token.
    pub token: TokenRow<'a>,
}

/// Whose token was shown; it counts.
#[cfg(feature = "serve")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckedToken<'a> {
    /// The file of tokens.
    pub file: &'a Path,
    /// The token.
    pub token: TokenRow<'a>,
}

/// What several commands may answer.
const FAILURE: Answer = of::<FailureAnswer<'static>>;
const PLAN: Answer = of::<PlanAnswer<'static>>;
const DRY_RUN: Answer = of::<DryRunAnswer<'static>>;
const EVENT: Answer = of::<Stamped<RunEvent<'static>>>;

fn json_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "description": "A JSON Schema.", "type": "object" })
}

/// Every command that has `--format json`, with what it may answer.
pub const ANSWERS: &[Row] = &[
    ("init", &[of::<Initialised<'static>>, FAILURE]),
    ("new", &[of::<NewChangeset<'static>>, FAILURE]),
    ("check", &[of::<Checked>, FAILURE]),
    ("lint", &[of::<LintAnswer>, FAILURE]),
    ("prove", &[of::<ProofAnswer>, FAILURE]),
    ("test", &[of::<TestAnswer>, of::<TestList>, FAILURE]),
    ("drift", &[of::<DriftAnswer>, FAILURE]),
    ("diff", &[of::<DiffAnswer>, FAILURE]),
    ("generate", &[of::<GenerateAnswer>, FAILURE]),
    ("graph", &[of::<GraphView>, FAILURE]),
    ("plan", &[PLAN, DRY_RUN, of::<SealedAnswer<'static>>, FAILURE]),
    ("apply", &[EVENT, of::<Stamped<End<ApplySummary<'static>>>>, DRY_RUN, FAILURE]),
    (
        "promote",
        &[
            of::<Stamped<GatesLine<'static>>>,
            of::<GatesLine<'static>>,
            EVENT,
            of::<Stamped<End<ApplySummary<'static>>>>,
            DRY_RUN,
            FAILURE,
        ],
    ),
    ("rollback", &[EVENT, of::<Stamped<End<RollbackSummary<'static>>>>, PLAN, DRY_RUN, FAILURE]),
    ("approve", &[of::<Decided>, FAILURE]),
    ("reject", &[of::<Decided>, FAILURE]),
    ("approvals list", &[of::<Approvals>, FAILURE]),
    ("pause", &[of::<Paused>, FAILURE]),
    ("resume", &[of::<Resumed>, FAILURE]),
    ("cancel", &[of::<Cancelled>, FAILURE]),
    ("attic list", &[of::<AtticAnswer<'static>>, FAILURE]),
    ("attic restore", &[EVENT, of::<Stamped<End<AtticSummary<'static>>>>, PLAN, DRY_RUN, FAILURE]),
    ("attic purge", &[EVENT, of::<Stamped<End<AtticSummary<'static>>>>, PLAN, DRY_RUN, FAILURE]),
    ("status", &[of::<StatusAnswer<'static>>, of::<MatrixAnswer<'static>>, FAILURE]),
    ("why", &[of::<WhyAnswer<'static>>, FAILURE]),
    ("history", &[of::<Events>, of::<Audited>, FAILURE]),
    ("baseline", &[of::<Baselined>, FAILURE]),
    ("mark", &[of::<Marked>, FAILURE]),
    ("clear", &[of::<ClearedState>, FAILURE]),
    ("adopt", &[of::<Adopted>, FAILURE]),
    ("ledger install", &[of::<Installed>, FAILURE]),
    ("ledger policy", &[of::<Policy>, FAILURE]),
    ("key new", &[of::<NewKey<'static>>, FAILURE]),
    #[cfg(feature = "serve")]
    ("token new", &[of::<NewToken<'static>>, FAILURE]),
    #[cfg(feature = "serve")]
    ("token list", &[of::<TokenList<'static>>, FAILURE]),
    #[cfg(feature = "serve")]
    ("token revoke", &[of::<RevokedToken<'static>>, FAILURE]),
    #[cfg(feature = "serve")]
    ("token check", &[of::<CheckedToken<'static>>, FAILURE]),
    ("schema", &[json_schema, of::<WrittenSchemas>, of::<ChangeTypes>, of::<ChangeType>, FAILURE]),
    ("dev start", &[of::<DevStarted>, FAILURE]),
    ("dev stop", &[of::<DevStopped>, FAILURE]),
    ("dev status", &[of::<DevStatus<'static>>, FAILURE]),
    ("dev url", &[of::<DevUrl>, FAILURE]),
    ("dev reset", &[of::<DevReset>, FAILURE]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;
    use crate::source::schema::{answers, text};
    use serde_json::Value;

    /// Commands that refuse `--format json`; `tests/it/answers.rs` asks them.
    const WITHOUT: [&str; 6] = ["sql", "ledger grants", "serve", "dev psql", "completions", "man"];

    #[test]
    fn every_command_has_its_answers() {
        fn leaves(command: &clap::Command, name: &str, found: &mut Vec<String>) {
            let below: Vec<&clap::Command> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
            if below.is_empty() {
                found.push(name.trim_start().to_owned());
            }
            below.iter().for_each(|c| leaves(c, &format!("{name} {}", c.get_name()), found));
        }
        let mut commands = Vec::new();
        leaves(&command(), "", &mut commands);
        commands.sort();
        let mut known: Vec<&str> = ANSWERS.iter().map(|(name, _)| *name).chain(WITHOUT).collect();
        known.sort_unstable();
        assert_eq!(commands, known, "a command has a row in ANSWERS, or refuses `--format json` and is in WITHOUT");
    }

    /// `BLESS=1 cargo test --lib schema` writes the file.
    #[test]
    fn the_schema_of_the_answers_is_up_to_date() {
        let (path, schema) = ("schema/answers.schema.json", text(&answers::of_all(ANSWERS)));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == schema, "{path} is old: BLESS=1 cargo test --lib schema");
    }

    #[test]
    fn every_field_of_a_schema_is_explained() {
        fn look(schema: &Value, place: &str, wrong: &mut Vec<String>) {
            if let Value::Array(list) = schema {
                list.iter().for_each(|schema| look(schema, place, wrong));
            }
            let Value::Object(map) = schema else { return };
            for (key, field) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let text = field["description"].as_str().unwrap_or_default();
                // links and names of Rust say nothing to who reads a schema
                let is_plain = !text.is_empty() && !["[`", "`None`", "::"].iter().any(|sign| text.contains(sign));
                if field.get("const").is_none() && !is_plain {
                    wrong.push(format!("{place}.{key}: {text}"));
                }
            }
            map.iter().for_each(|(key, schema)| look(schema, &format!("{place}/{key}"), wrong));
        }
        let schema = answers::of_all(ANSWERS);
        let mut wrong = Vec::new();
        look(&schema["$defs"], "", &mut wrong);
        // a number at its end: two types have the same name
        let names = schema["$defs"].as_object().unwrap().keys();
        wrong.extend(names.filter(|name| name.ends_with(|c: char| c.is_ascii_digit())).cloned());
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
