//! `dagmar status --all`: all environments at the same time.

use super::global::Global;
use super::open;
use super::output::{Output, choose};
use super::wording::{with_todo, worded};
use crate::base::{Failure, FailureKind, HumanDuration};
use crate::cli::shell::task::{Outcome, block_on};
use crate::ops::matrix::matrix;
use crate::report::{MatrixFormat, MatrixOptions};
use crate::run::Event;

pub fn run(timeout: HumanDuration, global: &Global, out: &mut Output) -> Outcome {
    let known: Vec<(&str, MatrixFormat)> = MatrixFormat::ALL.iter().map(|f| (f.name(), *f)).collect();
    let format = choose(global, &known)?;
    if global.url.is_some() {
        return Err(Failure::new(FailureKind::Usage, "`--all` and `--url` name different databases")
            .help("pass only one of them"));
    }
    // which one a variable of the process names does not matter here
    let target = open::target(&Global { env: None, ..global.clone() })?;
    let (matrix, heard) = block_on(matrix(&target, None, timeout))?;
    for (name, event) in heard {
        match event {
            Event::Warning { message, todo_parts } => {
                out.say(format!("{name}: warning: {}", with_todo(&message, todo_parts.as_ref())));
            }
            Event::Waiting { message } => out.say(format!("{name}: {message}")),
            _ => {}
        }
    }
    out.report(format.render(&matrix, MatrixOptions { limit: out.limit(), wording: worded }));
    if matrix.has_answers() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Database, "no environment answered").help("the reasons are above; check the network"))
}
