//! The tests of a project, on a private server that is thrown away.

mod answered;
mod case;
mod change;
mod failed;
mod query;
mod server;

use super::Target;
use crate::base::{Failure, FailureKind, Location, Wording, count, diag::nearest};
use crate::pg::Stop;
use crate::pipeline::{TestSet, View};
use crate::report::TestAnswer;
use crate::source::testing::Test;
use crate::testing::{Counts, TestResult, TestStatus};
use case::Case;
use failed::{ActionError, Wrong};
use schemars::JsonSchema;
use serde::Serialize;
use server::Servers;
use std::sync::Arc;
use std::time::Instant;

/// Which tests are run, and how.
#[derive(Debug, Clone)]
pub struct TestOptions {
    /// Only tests whose names contain one of these texts; empty: all.
    pub names: Vec<String>,
    /// Only tests of these files, relative to the project; empty: all.
    pub files: Vec<String>,
    /// Ends with the first test that does not pass.
    pub fail_fast: bool,
    /// How remedies are worded.
    pub wording: Wording,
}

/// The tests of a project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TestList {
    /// The tests, by file and position.
    pub tests: Vec<ListedTest>,
}

/// A test of a project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedTest {
    /// The name of the test.
    pub name: String,
    /// The file, relative to the project.
    pub file: String,
    /// The line of the name, from 1.
    pub line: u32,
}

/// The progress of the tests.
#[derive(Debug)]
pub enum TestEvent<'a> {
    /// The private server is being started.
    Starts,
    /// A test began: its number from 1, the number of tests, its name.
    Began(usize, usize, &'a str),
    /// A test ended.
    Ended(&'a TestResult),
}

/// What hears of the progress.
pub type Listener<'a> = dyn FnMut(&TestEvent<'_>) + 'a;

/// The tests of a project, chosen and without mistakes.
pub struct Tests<'a> {
    target: &'a Target,
    view: &'a View<'a>,
    set: TestSet,
    chosen: Vec<usize>,
    options: TestOptions,
}

impl<'a> Tests<'a> {
    /// Reads the tests.
    ///
    /// # Errors
    /// All problems of the test files; a name or file without a test.
    pub fn read(target: &'a Target, view: &'a View<'a>, options: TestOptions) -> Result<Self, Failure> {
        let set = view.tests();
        set.check()?;
        let chosen = choose(target, &set, &options)?;
        Ok(Self { target, view, set, chosen, options })
    }

    /// The chosen tests.
    #[must_use]
    pub fn list(&self) -> TestList {
        let listed = |at: &usize| {
            let test = &self.set.tests[*at];
            let Location { file, line, .. } = self.set.location(&test.place);
            ListedTest { name: test.name.clone(), file, line }
        };
        TestList { tests: self.chosen.iter().map(listed).collect() }
    }

    /// Runs the tests. Nothing is left of the server afterwards.
    ///
    /// # Errors
    /// If no server can be started, or a signal ends it. Tests that do not pass are in the result.
    pub async fn run(&self, listener: &mut Listener<'_>, stop: &Arc<Stop>) -> Result<TestAnswer, Failure> {
        let began = Instant::now();
        self.target.secrets.values().for_each(crate::pg::remember);
        let mut servers = Servers::new(self.target, self.view, &self.set, self.options.wording, stop);
        let mut results: Vec<(usize, TestResult)> = Vec::with_capacity(self.chosen.len());
        let order = servers.ordered(&self.chosen);
        for (number, at) in order.into_iter().enumerate() {
            let test = &self.set.tests[at];
            listener(&TestEvent::Began(number + 1, self.chosen.len(), &test.name));
            let result = self.one(test, &mut servers, listener).await?;
            listener(&TestEvent::Ended(&result));
            let is_wrong = matches!(result.status, TestStatus::Failed | TestStatus::Error);
            results.push((at, result));
            if is_wrong && self.options.fail_fast {
                break;
            }
        }
        let version = servers.version();
        servers.close().await?;
        results.sort_by_key(|(at, _)| *at);
        let tests: Vec<TestResult> = results.into_iter().map(|(_, result)| result).collect();
        Ok(TestAnswer {
            environment: self.target.environment.clone(),
            version,
            counts: Counts::of(&tests, self.chosen.len()),
            took_ms: millis(began),
            tests,
        })
    }

    async fn one(
        &self,
        test: &Test,
        servers: &mut Servers<'_>,
        listener: &mut Listener<'_>,
    ) -> Result<TestResult, Failure> {
        let location = self.set.location(&test.place);
        let mut result = TestResult {
            name: test.name.clone(),
            file: location.file,
            line: location.line,
            status: TestStatus::Skipped,
            took_ms: 0,
            environments: test.elsewhere.clone(),
            failure: None,
        };
        if !test.elsewhere.is_empty() {
            return Ok(result);
        }
        if !servers.is_running() {
            listener(&TestEvent::Starts);
            servers.start().await?;
        }
        let began = Instant::now();
        let ended = match servers.database(test).await {
            Ok(db) => Case { servers, test, db }.run().await,
            Err(wrong) => Err(wrong),
        };
        result.took_ms = millis(began);
        let failure = match ended {
            Ok(()) => {
                result.status = TestStatus::Passed;
                return Ok(result);
            }
            Err(Wrong::Ends(failure)) => return Err(failure),
            Err(Wrong::Test(status, failure)) => {
                result.status = status;
                *failure
            }
            Err(Wrong::Server(failure)) => {
                result.status = TestStatus::Error;
                let error = ActionError::of_failure(&failure, self.options.wording);
                error.into_failure("applyTo", &test.place, &self.set)
            }
        };
        result.failure = Some(failure);
        servers.explain_end(&mut result).await?;
        Ok(result)
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The failure of the command, if tests did not pass.
#[must_use]
pub fn failure(answer: &TestAnswer) -> Option<Failure> {
    let (wrong, all) = (answer.counts.wrong(), answer.tests.len() + answer.counts.not_run);
    let message = format!("{wrong} of {} did not pass", count(all, "test"));
    (wrong > 0).then(|| Failure::new(FailureKind::Findings, message))
}

/// The positions of the tests that are to be run.
fn choose(target: &Target, set: &TestSet, options: &TestOptions) -> Result<Vec<usize>, Failure> {
    let folder = &target.workspace().loaded.config.tests;
    if set.tests.is_empty() {
        return Err(Failure::new(FailureKind::Usage, format!("the project has no tests: `{folder}` has no YAML file"))
            .help("docs/testing.md shows how to write them; `tests:` in dagmar.yaml names another directory"));
    }
    let path = |test: &Test| set.sources.get(test.file).path.as_str();
    for file in &options.files {
        if !set.tests.iter().any(|test| path(test) == tidy(file)) {
            let failure = Failure::new(FailureKind::Usage, format!("`{file}` is no file of tests"));
            return Err(match nearest(tidy(file), set.tests.iter().map(path)) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help(format!("files of tests are below `{folder}`")),
            });
        }
    }
    let of_files = |test: &Test| options.files.is_empty() || options.files.iter().any(|file| tidy(file) == path(test));
    for name in &options.names {
        if !set.tests.iter().any(|test| of_files(test) && has_name(test, name)) {
            let failure = Failure::new(FailureKind::Usage, format!("no test has `{name}` in its name"));
            let names = set.tests.iter().filter(|test| of_files(test)).map(|test| test.name.as_str());
            return Err(match nearest(name, names) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure,
            });
        }
    }
    let of_names = |test: &Test| options.names.is_empty() || options.names.iter().any(|name| has_name(test, name));
    let tests = set.tests.iter().enumerate();
    let chosen: Vec<usize> = tests.filter(|(_, test)| of_files(test) && of_names(test)).map(|(at, _)| at).collect();
    Ok(chosen)
}

fn tidy(path: &str) -> &str {
    path.trim_start_matches("./")
}

fn has_name(test: &Test, part: &str) -> bool {
    test.name.to_lowercase().contains(&part.to_lowercase())
}
