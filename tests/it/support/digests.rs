//! The digest of a run, as its preview has it.

use dagmar::ops::gates::Overrides;
use dagmar::ops::{Actor, Options, Planned, Project, RunSource, TargetSpec, promotion};
use dagmar::pg::ProcessEnv;
use dagmar::plan::rollback::Target as Which;
use std::path::Path;

/// What is previewed.
pub enum Previewed<'a> {
    /// What is pending.
    Pending(&'a [&'a str]),
    /// A promotion.
    Promotion,
    /// A rollback, with dependents or without.
    Rollback(Which, bool),
}

/// The digest of a run in an environment, now. `variables` are those of the process.
pub fn digest(root: &Path, spec: TargetSpec, variables: &[(&str, &str)], what: &Previewed<'_>) -> String {
    let mut process = ProcessEnv::of_process();
    process.vars.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let project = Project::open(root, process).unwrap();
    let target = project.target(spec, Actor::new("anna", "laptop")).unwrap();
    let source = match what {
        Previewed::Pending(select) => {
            let select: Vec<String> = select.iter().map(|one| (*one).to_owned()).collect();
            RunSource::files(&target, &select).unwrap()
        }
        Previewed::Promotion => RunSource::files(&target, &[]).unwrap(),
        Previewed::Rollback(which, cascade) => RunSource::Rollback { which: which.clone(), cascade: *cascade },
    };
    let from = matches!(what, Previewed::Promotion).then(|| promotion::source(&target, None).unwrap());
    let (options, overrides) = (Options::default(), Overrides::default());
    let look = async {
        let planned = Planned::new(&target, &source, &overrides, from, &mut ()).await.unwrap();
        let prepared = planned.prepare(&options).await.unwrap();
        let digest = prepared.digest();
        prepared.close().await.unwrap();
        digest
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(look)
}
