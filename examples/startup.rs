//! Applies migrations that are compiled into the program, as a service does when it starts:
//! `cargo run --no-default-features --features pg --example startup -- URL`
//!
//! Any number of instances may start at the same time: one runs, the others wait and find nothing to do.

#![allow(clippy::print_stdout)] // a program may print

use dagmar::ops::{Actor, Options, Project, RunSource, TargetSpec, prepare};
use dagmar::pg::{ProcessEnv, Stop};
use include_dir::{Dir, include_dir};
use std::{env, error::Error, sync::Arc};

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/examples/startup");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("usage: startup URL")?;
    let files = MIGRATIONS.find("**/*")?.filter_map(|entry| entry.as_file());
    let project = Project::unpack(files.map(|file| (file.path(), file.contents())), ProcessEnv::of_process())?;
    let target = project.target(TargetSpec::url(&url), Actor::new("startup", "example"))?;

    let source = RunSource::files(&target, &[])?;
    let options = Options::default();
    let prepared = prepare(&target, &source, &options, &mut ()).await?;
    let digest = prepared.digest();
    let outcome = prepared.confirmed(&digest).await?.run(&mut (), &Arc::new(Stop::default())).await?;
    println!("applied {} changesets", outcome.done.len());
    outcome.close().await?;
    Ok(())
}
