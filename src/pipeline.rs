//! The stages chained, for those at the edge: command line, service, tests.

use crate::base::{Diagnostic, Diagnostics, Failure, Kind, Place};
use crate::graph::{self, Graph, select};
use crate::ledger::History;
use crate::plan::step::Setting;
use crate::plan::{self, Edited, Plan, Request, Unfit};
use crate::render::Renderer;
use crate::source::load::{self, Loaded, ProjectFiles};
use crate::source::parse::{self, Context};
use crate::source::project::LimitsSpec;
use crate::source::{Changelog, SourceSet, Variables};
use std::collections::BTreeSet;
use std::path::Path;

/// A project that was read, with its templates compiled.
#[derive(Debug)]
pub struct Workspace {
    /// What is on disk.
    pub loaded: Loaded,
    /// The templates.
    pub renderer: Renderer,
    /// Whether the project's own were left out because of mistakes.
    templates_left_out: bool,
}

/// A project seen from one environment.
#[derive(Debug)]
pub struct View<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// The environment.
    pub environment: String,
    /// Its changesets.
    pub changelog: Changelog,
    /// Their order.
    pub graph: Graph,
}

impl Workspace {
    /// Reads a project. Problems of its files come with [`Workspace::view`], all at once.
    ///
    /// # Errors
    /// When the folder is no project.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        let mut loaded = load::load(root)?;
        let mut templates_left_out = false;
        let renderer = match Renderer::new(&loaded.templates) {
            Ok(renderer) => renderer,
            Err(errors) => {
                templates_left_out = true;
                for error in errors {
                    loaded.problems.push(template_problem(&loaded.sources, &error));
                }
                Renderer::new(&[]).map_err(|e| Failure::new(Kind::Internal, format!("built-in templates: {e:?}")))?
            }
        };
        Ok(Self { loaded, renderer, templates_left_out })
    }

    /// Parses the changesets for an environment and builds the graph.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn view(&self, environment: &str, variables: &Variables) -> Result<View<'_>, Failure> {
        let mut problems = self.loaded.problems.clone();
        let files = ProjectFiles { root: &self.loaded.root, variables };
        let names: Vec<String> = self.loaded.config.environment_list.iter().map(|(n, _)| n.clone()).collect();
        let context = Context {
            custom: &self.loaded.custom,
            broken: &self.loaded.broken,
            files: &files,
            environments: &names,
            variables,
            sources: &self.loaded.sources,
            positions: Default::default(),
        };
        let changelog = parse::changelog(&self.loaded.documents, &context, &mut problems);
        let graph = graph::build(&changelog, &mut problems);
        if problems.has_errors() {
            // what can be found in the rest is said in the same go
            for changeset in changelog.changesets.iter().filter(|c| c.complete && !self.templates_left_out) {
                let file = &self.loaded.sources.get(changeset.file).path;
                plan::step::compile(changeset, file, self.setting(environment, changeset.limits), &mut problems);
            }
            return Err(self.refuse(problems));
        }
        let graph = graph.ok_or_else(|| Failure::new(Kind::Internal, "a graph without problems has an order"))?;
        Ok(View { workspace: self, environment: environment.to_owned(), changelog, graph })
    }

    /// What a changeset with these limits is rendered with.
    fn setting(&self, environment: &str, limits: LimitsSpec) -> Setting<'_> {
        let config = &self.loaded.config;
        let above = config.limits(environment);
        Setting {
            renderer: &self.renderer,
            ledger: &config.ledger.schema,
            limits: limits.over(above.resolve()),
            pace: limits.backfill.or(above.backfill),
        }
    }

    /// Problems with their places filled in.
    fn refuse(&self, mut problems: Diagnostics) -> Failure {
        self.loaded.sources.locate(&mut problems);
        Failure::source(problems)
    }
}

impl View<'_> {
    /// Compiles what is pending.
    ///
    /// # Errors
    /// Wrong sources, a selector that names nothing, or applied changesets that were edited.
    pub fn plan(&self, history: &History, selectors: &[String]) -> Result<Result<Plan, Vec<Edited>>, Failure> {
        self.plan_of(history, self.select(selectors)?.as_ref())
    }

    /// The changesets that selectors name, by position; `None`: all.
    ///
    /// # Errors
    /// A selector that names nothing.
    pub fn select(&self, selectors: &[String]) -> Result<Option<BTreeSet<usize>>, Failure> {
        if selectors.is_empty() {
            return Ok(None);
        }
        let chosen = select::select(selectors, &self.changelog, &self.graph);
        chosen.map(Some).map_err(|why| Failure::new(Kind::Usage, why))
    }

    /// Compiles what is pending of these changesets.
    ///
    /// # Errors
    /// Wrong sources, or applied changesets that were edited.
    pub fn plan_of(
        &self,
        history: &History,
        selected: Option<&BTreeSet<usize>>,
    ) -> Result<Result<Plan, Vec<Edited>>, Failure> {
        let request = Request {
            environment: &self.environment,
            setting: self.workspace.setting(&self.environment, LimitsSpec::default()),
            selected,
        };
        match plan::forward(&self.changelog, &self.graph, &self.workspace.loaded.sources, history, &request) {
            Ok(plan) => Ok(Ok(plan)),
            Err(Unfit::Edited(edited)) => Ok(Err(edited)),
            Err(Unfit::Source(problems)) => Err(self.workspace.refuse(problems)),
        }
    }

    /// What is worth knowing of a plan of these files, and refuses nothing.
    #[must_use]
    pub fn warnings(&self, plan: &Plan) -> Diagnostics {
        let mut warnings = Diagnostics::default();
        for step in plan::secrets::exposed(plan) {
            let known = self.graph.position(&step.changeset).map(|at| &self.changelog.changesets[at]);
            let message = format!("there is a password in the SQL of `{}`", step.changeset);
            let warning = Diagnostic::warning("DG0314", message).help(
                "it is shown, and stored in the ledger and in sealed plans: make it a variable with `secret: true` in \
                 dagmar.yaml",
            );
            // the file and no line of it: a picture would show the password once more
            warnings.push(match known {
                Some(changeset) => warning.at(Place::value(changeset.file, Vec::new())),
                None => warning,
            });
        }
        warnings
    }

    /// Renders one changeset, whether it could run now or not.
    ///
    /// # Errors
    /// Wrong sources, or no such changeset.
    pub fn render_one(&self, id: &str) -> Result<plan::Step, Failure> {
        let position = self
            .graph
            .position(id)
            .ok_or_else(|| Failure::new(Kind::Usage, format!("there is no changeset `{id}`")))?;
        let changeset = &self.changelog.changesets[position];
        let setting = self.workspace.setting(&self.environment, changeset.limits);
        let file = &self.workspace.loaded.sources.get(changeset.file).path;
        let mut problems = Diagnostics::default();
        plan::step::compile(changeset, file, setting, &mut problems).ok_or_else(|| self.workspace.refuse(problems))
    }

    /// Compiles every changeset as if none was applied and all were for here: what `check`
    /// does.
    ///
    /// # Errors
    /// Every problem.
    pub fn check(&self) -> Result<Plan, Failure> {
        match self.plan(&History::default(), &[])? {
            Ok(plan) => Ok(plan),
            Err(_) => Err(Failure::new(Kind::Internal, "an empty history cannot differ")),
        }
    }
}

fn template_problem(sources: &SourceSet, error: &crate::render::TemplateError) -> Diagnostic {
    let problem = Diagnostic::error("DG0400", error.message.clone());
    let Some((id, file)) = sources.iter().find(|(_, f)| f.path == error.template) else {
        return problem.help(format!("in the template `{}`", error.template));
    };
    let line = error.line.unwrap_or(1).max(1);
    let start: usize = file.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let text = file.text[start..].lines().next().unwrap_or_default();
    let column = error.column.map_or(0, |c| text.char_indices().nth(c.saturating_sub(1)).map_or(0, |(i, _)| i));
    let end = (start + text.trim_end().len()).max(start + column);
    problem.at(Place::bytes(id, start + column..end))
}
