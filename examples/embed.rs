//! Previews and applies a project from within a program, and shows what there is then:
//! `cargo run --no-default-features --features pg --example embed -- FOLDER URL`

#![allow(clippy::print_stdout)] // a program may print

use dagmar::ops::{Actor, Options, Project, RunSource, TargetSpec, prepare, status::status};
use dagmar::pg::{ProcessEnv, Stop};
use dagmar::run::{Event, Listener};
use std::{env, error::Error, path::Path, sync::Arc};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, url] = arguments.as_slice() else { return Err("usage: embed FOLDER URL".into()) };
    let mut events = Listener(|event: &Event| println!("event: {event:?}"));

    let project = Project::open(Path::new(folder), ProcessEnv::of_process())?;
    let target = project.target(TargetSpec::url(url), Actor::new("embed", "example"))?;
    let files = RunSource::files(&target, &[])?;

    let options = Options::default();
    let prepared = prepare(&target, &files, &options, &mut events).await?;
    for step in &prepared.plan().steps {
        println!("to do: {}", step.changeset);
    }
    // whoever confirms says which plan he has seen
    let seen = prepared.digest();
    let stop = Arc::new(Stop::default());
    prepared.confirmed(&seen).await?.run(&mut events, &stop).await?.close().await?;

    for changeset in status(&target, &mut events).await?.changesets {
        println!("state: {} is {}", changeset.id, changeset.state.word());
    }
    Ok(())
}
