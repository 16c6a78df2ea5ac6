//! What the binary answers with `--format json`, by its fields.

use super::database::Database;
use super::process::Run;
use super::project::Project;
use serde_json::{Deserializer, Value};

impl Project {
    /// Runs the binary against a database, for a program to read.
    pub fn json(&self, database: &Database, args: &[&str]) -> Run {
        self.on(database, &[args, &["--format", "json"]].concat())
    }
}

impl Run {
    /// All values that it wrote, events and the last one that sums up.
    #[track_caller]
    pub fn values(&self) -> Vec<Value> {
        Deserializer::from_str(&self.out).into_iter().map(|v| v.unwrap_or_else(|e| panic!("{e}: {self:?}"))).collect()
    }

    /// Its events of this kind.
    #[track_caller]
    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.values().into_iter().filter(|value| value["event"] == kind).collect()
    }

    /// What sums it up: its last value.
    #[track_caller]
    pub fn last(&self) -> Value {
        self.values().pop().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// It ended with success; the changesets that it applied, sorted: `a b`.
    #[track_caller]
    pub fn applied(self) -> String {
        self.done("applied")
    }

    /// It ended with success; the changesets that it took back, sorted.
    #[track_caller]
    pub fn rolled_back(self) -> String {
        self.done("rolledBack")
    }

    #[track_caller]
    fn done(self, key: &str) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        let last = self.last();
        assert_eq!((&last["event"], &last["status"]), (&"summary".into(), &"done".into()), "{last}");
        let mut ids: Vec<&str> = last[key].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.join(" ")
    }

    /// It found that the ledger was changed by dagmar alone.
    #[track_caller]
    pub fn intact(self) {
        assert_eq!((self.code, &self.last()["intact"]), (0, &true.into()), "{self:?}");
    }

    /// It failed with this code; what it says of that, without what it had shown before.
    #[track_caller]
    pub fn refusal(self, code: i32) -> String {
        let said = self.fails(code);
        let at = if said.starts_with("error") { 0 } else { said.find("\nerror").map_or(0, |at| at + 1) };
        said[at..].to_owned()
    }

    /// It failed with this code; its error.
    #[track_caller]
    pub fn error(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{self:?}");
        let error = self.last()["error"].clone();
        assert_eq!(error["exitCode"], code, "{self:?}");
        error
    }
}
