//! The codes of problems in a project's files: one meaning each, for ever. docs/problems.md lists them.

/// Makes the enum, its codes and its meanings from one table.
macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        /// The code of a kind of problem; its meaning never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// `DG` and four digits.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Code::$name => $code,)*
                }
            }

            /// The meaning, in a sentence without its full stop.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Code::$name => $meaning,)*
                }
            }
        }
    };
}

codes! {
    UnreadableFile = "DG0100", "a file or folder of the project is missing, cannot be read, or is found twice";
    NothingInFile = "DG0101", "a file of changesets has nothing in it";
    NotYaml = "DG0102", "a file is not YAML, or nested or repeated beyond a limit";
    KeyTwice = "DG0103", "a mapping has a key twice";
    UnknownKey = "DG0104", "a key is not known at its place";
    MissingKey = "DG0105", "a key that is needed is missing";
    WrongValue = "DG0106", "a value is of another kind than is needed";
    UnknownChangeType = "DG0107", "a change is of a type that is not known";
    NoChanges = "DG0108", "a changeset has no changes";
    NotOneChange = "DG0109", "an entry of `changes` is not one change type with its parameters";
    UnknownEnvironment = "DG0110", "a changeset names an environment that dagmar.yaml does not have";
    UndefinedVariable = "DG0111", "a variable has no value";
    MalformedVariable = "DG0112", "`${` is not followed by a name and `}`";
    BadName = "DG0113", "a name of an environment or variable has characters that it cannot have";
    PromoteFrom = "DG0114", "`promoteFrom` names no environment that comes before";
    Hook = "DG0115", "a hook of `beforeApply` cannot be run as it is written";
    Connection = "DG0116", "the connection of an environment is given twice or not as a whole";
    ReservedPlaceholder = "DG0117", "a text has the form that is reserved for secret variables";
    LedgerSchema = "DG0118", "the name of the ledger's schema cannot be used";
    UnusedFile = "DG0119", "files look like migrations and are not read (warning)";
    Jobs = "DG0121", "the number of connections is out of range";
    UnknownValue = "DG0122", "a value is none of those that are known at its place";
    KeyNoText = "DG0123", "a key of a mapping is not a text";
    YamlTag = "DG0124", "a YAML tag stands where none is used";
    MergeKey = "DG0125", "YAML merge keys are not supported";
    Hole = "DG0126", "a placeholder of a skeleton was not replaced";
    LintIgnore = "DG0127", "a rule of the review is ignored in a form that cannot be read, or without a reason";
    Fixtures = "DG0128", "a file of fixtures is not found, or does not hold rows of tables";
    ProofIgnore = "DG0129", "findings of a proof are accepted without a reason, or of a changeset that is not there (warning: there are none)";
    Policy = "DG0130", "the policy of an environment cannot be kept";
    ServiceLimit = "DG0131", "a limit of the service is out of range";
    ServiceAccess = "DG0132", "who may use the service is said in a way that cannot be kept";
    ServiceWebhook = "DG0133", "a webhook of the service is said in a way that cannot be kept";
    TestStep = "DG0140", "a part of a test says nothing, or several things at once";
    NoExpectation = "DG0141", "a test expects nothing, or a file has no tests";
    TestTwice = "DG0142", "two tests of a file have the same name";
    UnknownInTest = "DG0143", "a test names a changeset or an environment that it cannot have";
    Expectation = "DG0144", "an expectation of a test cannot be compared with anything";
    IdTwice = "DG0201", "two changesets have the same id";
    BadId = "DG0202", "an id has characters that it cannot have";
    UnknownDependency = "DG0203", "a changeset depends on one that is not there";
    OwnDependency = "DG0204", "a changeset depends on itself";
    DependencyTwice = "DG0205", "a changeset names a dependency twice";
    Cycle = "DG0206", "dependencies form a cycle";
    EarlierId = "DG0207", "an earlier id (`aka`) cannot be one";
    DependencyElsewhere = "DG0208", "a changeset goes to an environment to which its dependency does not go (warning)";
    MissingDependency = "DG0209", "a changeset uses an object that another one makes, and does not come after it";
    ReversedDependency = "DG0210", "a changeset uses an object that is made by a changeset that comes after it";
    UnorderedChanges = "DG0211", "two changesets define the same object, or one drops what the other uses, and neither comes first";
    UnmadeObject = "DG0212", "objects are used that no changeset makes (warning; an error if the database does not have them)";
    Contradiction = "DG0301", "parameters of a change contradict each other";
    CallAsText = "DG0302", "a literal looks like a call and would be stored as a text";
    ElementTwice = "DG0303", "a list of a change has an element twice";
    SearchPath = "DG0304", "a function with its owner's rights has no safe search_path";
    NoWayBack = "DG0305", "a change cannot be taken back and the changeset has no rollback";
    Empty = "DG0306", "a change or a parameter of it has nothing in it";
    NeedsAnother = "DG0307", "a parameter of a change says nothing without another one";
    NotOfThisObject = "DG0308", "objects of this kind do not have this parameter or privilege";
    OutOfRange = "DG0309", "a number of a change is out of range";
    NotSql = "DG0310", "a text of SQL cannot be read: a quote, comment or bracket is not closed, or its end is missing";
    Forbidden = "DG0311", "a statement is not allowed in a changeset: it would end the transaction or the lock, or needs a client";
    NoVerify = "DG0312", "a statement that cannot run in a transaction has no `verify` check";
    MisplacedSecret = "DG0313", "a secret variable stands where its value cannot be quoted";
    ExposedPassword = "DG0314", "a password stands openly in SQL (warning)";
    Pace = "DG0315", "the pace of a backfill is out of range";
    BadObjectName = "DG0316", "a text is not a valid object name";
    BackfillSql = "DG0317", "the `sql` of a backfill cannot be walked in batches";
    OwnKey = "DG0318", "a backfill changes the key by which it walks";
    UnknownColumn = "DG0319", "a column is named that the change does not have";
    NotOnePiece = "DG0320", "a parameter of SQL is not one expression or query";
    UnreadableSqlFile = "DG0321", "a file of SQL is missing or cannot be read";
    NoKeyValue = "DG0322", "a row has no literal value for its key";
    DescribesAnother = "DG0323", "`was` describes another object than the one that is dropped";
    Parameter = "DG0324", "SQL has a parameter (`$1`) to which nobody gives a value";
    Syntax = "DG0325", "a statement is not in PostgreSQL's grammar";
    CapitalLetters = "DG0330", "a name contains uppercase letters (warning)";
    NoSchema = "DG0331", "a name has no schema (warning)";
    OwnLimits = "DG0332", "a statement changes settings for what follows it in the transaction (warning)";
    LedgerObject = "DG0333", "a change writes to the ledger";
    Template = "DG0400", "a template cannot be compiled";
    Manifest = "DG0401", "the parameters in the manifest of a change type are wrong";
    RollbackSection = "DG0402", "a template has no rollback section, or one that it must not have";
    TypeName = "DG0403", "a folder of `templates/` cannot be the name of a change type";
    Rendering = "DG0404", "a template cannot be rendered";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl schemars::JsonSchema for Code {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ProblemCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "The code of a kind of problem; its meaning never changes.",
            "pattern": "^DG[0-9]{4}$"
        })
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const PAGE: &str = "docs/problems.md";

    const HEAD: &str = "\
# The codes of problems

What `dagmar check`, `plan` and `apply` say of the project's files has a code: `error[DG0104]: unknown key`. In JSON it is
`code`. A code has one meaning and keeps it; a new problem gets a new one. Warnings refuse nothing.

| code | what is wrong |
| --- | --- |
";

    /// `BLESS=1 cargo test --lib code` writes the page.
    #[test]
    fn the_page_of_the_codes_is_up_to_date() {
        let rows: String = Code::ALL.iter().map(|code| format!("| {code} | {} |\n", code.meaning())).collect();
        let text = format!("{HEAD}{rows}");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(PAGE, &text).unwrap();
        }
        let there = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert!(there == text, "{PAGE} is old: BLESS=1 cargo test --lib code");
    }

    /// The source files, without this one and their tests.
    fn sources(folder: &Path, out: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, out);
            } else if !path.ends_with("base/code.rs") {
                out.push_str(std::fs::read_to_string(&path).unwrap().split("#[cfg(test)]").next().unwrap());
            }
        }
    }

    #[test]
    fn every_code_is_in_use() {
        let mut text = String::new();
        sources(Path::new("src"), &mut text);
        let is_used = |code: &&Code| {
            let name = format!("Code::{code:?}");
            text.match_indices(&name).any(|(at, _)| !text[at + name.len()..].starts_with(char::is_alphanumeric))
        };
        let unused: Vec<&Code> = Code::ALL.iter().filter(|code| !is_used(code)).collect();
        assert!(unused.is_empty(), "{unused:?}");
        // nobody writes one beside the table
        let digits = |rest: &str| rest.len() >= 4 && rest.bytes().take(4).all(|b| b.is_ascii_digit());
        assert!(!text.split("\"DG").skip(1).any(digits));
    }

    #[test]
    fn every_code_is_there_once_and_in_order() {
        assert!(Code::ALL.is_sorted_by(|a, b| a.word() < b.word()));
        for code in Code::ALL {
            let digits = code.word().strip_prefix("DG").unwrap_or_default();
            assert!(digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()), "{code}");
            assert_eq!(Code::ALL.iter().filter(|other| other.meaning() == code.meaning()).count(), 1, "{code}");
        }
    }
}
