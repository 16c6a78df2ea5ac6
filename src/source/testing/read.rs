//! Test files to tests, with every mistake.

use super::context::{Context, Node};
use super::form::{SetupForm, StepForm, TestFileForm, TestForm};
use super::model::{Action, Chosen, Session, SqlText, Step, Test};
use super::parts::{chosen, given, one_sql, session};
use super::results::{expectation, failure};
use crate::base::diag::nearest;
use crate::base::typed::typed;
use crate::base::{Code, Diagnostic, Diagnostics, FileId, Place};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Reads the tests of a file.
pub fn tests(file: FileId, value: &Value, context: Context<'_>, out: &mut Diagnostics) -> Vec<Test> {
    let whole = Place::value(file, Vec::new());
    if value.is_null() {
        out.push(
            Diagnostic::error(Code::MissingKey, "missing key `tests`")
                .at(Place::bytes(file, 0..0))
                .help("a file of tests has the key `tests`: see docs/testing.md"),
        );
        return Vec::new();
    }
    let Some(form) = typed::<TestFileForm>(value, &whole, out) else { return Vec::new() };
    let setup = Arc::new(setup(&form, value, &whole, context, out));
    let place = whole.child("tests");
    if form.tests.is_empty() {
        out.push(Diagnostic::error(Code::NoExpectation, "`tests` is empty").at(place.clone()).help("write a test"));
    }
    let mut tests: Vec<Test> = Vec::with_capacity(form.tests.len());
    let mut names: HashMap<String, Place> = HashMap::new();
    for (i, written) in form.tests.iter().enumerate() {
        let here = place.at(i);
        let Some(test) = test(file, written, &here, &setup, context, out) else { continue };
        match names.get(&test.name) {
            Some(first) => out.push(
                Diagnostic::error(Code::TestTwice, format!("two tests have the name `{}`", test.name))
                    .at(test.place.clone())
                    .related(first.clone(), "first here")
                    .help("give each test of a file a name of its own"),
            ),
            None => drop(names.insert(test.name.clone(), test.place.clone())),
        }
        tests.push(test);
    }
    tests
}

fn setup(
    form: &TestFileForm,
    written: &Value,
    whole: &Place,
    context: Context<'_>,
    out: &mut Diagnostics,
) -> Vec<SqlText> {
    let (mut list, place) = (Vec::new(), whole.child("setup"));
    for (i, entry) in form.setup.iter().enumerate() {
        let here = place.at(i);
        let node = Node { written: &written["setup"][i], place: &here };
        let value = filled(entry, &here, context, out);
        if let Some(SetupForm { sql, sql_file }) = typed(&value, &here, out) {
            list.extend(one_sql(sql.as_deref(), sql_file.as_deref(), node, context, out));
        }
    }
    list
}

/// A value with the values of variables.
fn filled(value: &Value, place: &Place, context: Context<'_>, out: &mut Diagnostics) -> Value {
    let mut value = value.clone();
    context.variables.fill_value(&mut value, place, context.sources.get(place.file), out);
    value
}

fn test(
    file: FileId,
    written: &Value,
    place: &Place,
    setup: &Arc<Vec<SqlText>>,
    context: Context<'_>,
    out: &mut Diagnostics,
) -> Option<Test> {
    let form: TestForm = typed(written, place, out)?;
    for (i, name) in form.environments.iter().enumerate() {
        if !context.environments.contains(name) {
            let near = nearest(name, context.environments.iter().map(String::as_str));
            let problem =
                Diagnostic::error(Code::UnknownInTest, format!("the environment `{name}` does not exist")).meant(near);
            out.push(problem.at(place.child("environments").at(i)));
        }
    }
    let is_for_here = form.environments.is_empty() || form.environments.iter().any(|e| e == context.environment);
    let mut test = Test {
        name: form.name.trim().to_owned(),
        file,
        place: place.child("name"),
        elsewhere: if is_for_here { Vec::new() } else { form.environments },
        setup: Arc::clone(setup),
        apply_to: Chosen::All,
        steps: Vec::new(),
    };
    if test.name.is_empty() {
        let problem = Diagnostic::error(Code::TestStep, "the name of a test is empty").at(test.place.clone());
        out.push(problem.help("say in a few words what must hold"));
    }
    if !is_for_here {
        // its variables need not have values here
        return Some(test);
    }
    let value = filled(written, place, context, out);
    if let Some(ids) = form.apply_to {
        test.apply_to = match ids.0.as_slice() {
            [word] if word == "none" => Chosen::None,
            _ => chosen(&ids, &value["applyTo"], &place.child("applyTo"), context, out),
        };
    }
    if form.given.is_some() {
        let here = place.child("given");
        let node = Node { written: &written["given"], place: &here };
        let action = Action::Given(given(&value["given"], node, context, out));
        test.steps.push(Step { place: here.as_key(), session: Session::default(), action });
    }
    let steps = place.child("steps");
    let mut is_whole = true;
    for (i, step) in form.steps.iter().enumerate() {
        let here = steps.at(i);
        let node = Node { written: step, place: &here };
        match self::step(&value["steps"][i], node, context, out) {
            Some(step) => test.steps.push(step),
            None => is_whole = false,
        }
    }
    if is_whole && !test.steps.iter().any(|s| matches!(s.action, Action::Expect(..) | Action::Fails(..))) {
        let problem = Diagnostic::error(Code::NoExpectation, format!("the test `{}` expects nothing", test.name));
        out.push(problem.at(test.place.clone()).help("add a step `expect` or `fails`"));
    }
    Some(test)
}

fn step(value: &Value, node: Node<'_>, context: Context<'_>, out: &mut Diagnostics) -> Option<Step> {
    const STEPS: [&str; 7] = ["given", "apply", "rollback", "sql", "sqlFile", "expect", "fails"];
    let form: StepForm = typed(value, node.place, out)?;
    let StepForm { given, apply, rollback, sql, sql_file, expect, fails, role, settings } = &form;
    let there = |key: &&&str| !value[**key].is_null();
    let present: Vec<&str> = STEPS.iter().filter(there).copied().collect();
    let [kind] = present[..] else {
        let message = match present.as_slice() {
            [] => "the step does nothing".to_owned(),
            several => format!("the step does several things: `{}`", several.join("`, `")),
        };
        let names = STEPS.map(|name| format!("`{name}`")).join(", ");
        let problem = Diagnostic::error(Code::TestStep, message).at(node.place.clone());
        out.push(problem.help(format!("a step is one of {names}")));
        return None;
    };
    let place = node.place.child(kind);
    let below = Node { written: &node.written[kind], place: &place };
    let before = out.counts();
    let action = if let Some(value) = given {
        Action::Given(self::given(value, below, context, out))
    } else if let Some(ids) = apply {
        Action::Apply(chosen(ids, &value[kind], &place, context, out))
    } else if let Some(ids) = rollback {
        Action::Rollback(chosen(ids, &value[kind], &place, context, out))
    } else if let Some(value) = expect {
        let (sql, expected) = expectation(value, below, context, out)?;
        Action::Expect(sql, expected)
    } else if let Some(value) = fails {
        failure(value, below, context, out)?
    } else {
        Action::Sql(one_sql(sql.as_deref(), sql_file.as_deref(), node, context, out)?)
    };
    let runs_sql = match &action {
        Action::Fails(inner, _) => matches!(**inner, Action::Sql(_)),
        Action::Apply(_) | Action::Rollback(_) => false,
        Action::Given(_) | Action::Sql(_) | Action::Expect(..) => true,
    };
    if !runs_sql && (role.is_some() || !settings.is_empty()) {
        let key = if role.is_some() { "role" } else { "settings" };
        let problem = Diagnostic::error(Code::TestStep, format!("`{key}` has no effect on `{kind}`"));
        out.push(
            problem
                .at(node.place.child(key).as_key())
                .help("it is for steps with SQL; changesets set their role themselves"),
        );
    }
    let session = session(role.as_deref(), settings, node.place, out);
    (out.counts() == before).then_some(Step { place: place.as_key(), session, action })
}
