//! Chains the stages from files to a plan, for the operations, the command line and tests. It imports neither `pg` nor
//! `ops` nor `cli`.

mod edges;
mod other;
mod testing;

pub use edges::{Comparison, Looked};
pub use testing::TestSet;

use crate::base::{Code, Diagnostic, Diagnostics, Failure, FailureKind, FileId, Place, Severity};
use crate::graph::{self, Graph, select};
use crate::history::History;
use crate::lint;
use crate::plan::step::{Examined, RenderContext};
use crate::plan::writing::{Origins, Writing};
use crate::plan::{self, CompileError, Compiled, Edited, Plan, Request};
use crate::render::Renderer;
use crate::rows::Fixture;
use crate::source::lint::LintPolicy;
use crate::source::load::{self, Loaded};
use crate::source::parse::{self, Context};
use crate::source::project::LimitsSpec;
use crate::source::{Changelog, ProjectFiles, SourceSet, Variables, advice, fixtures};
use crate::sql::Object;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A project with its files and compiled templates.
#[derive(Debug)]
pub struct Workspace {
    /// The files.
    pub loaded: Loaded,
    /// The templates without mistakes.
    pub renderer: Renderer,
}

/// What a check of a project's files found.
#[derive(Debug)]
pub struct Checked {
    /// What the changesets come to.
    pub compiled: Compiled,
    /// The problems without those of dependencies: [`View::problems`] has all.
    problems: Diagnostics,
    /// The dependencies, compared with the SQL.
    pub comparison: Comparison,
}

/// The view of a project for one environment.
#[derive(Debug)]
pub struct View<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// The environment.
    pub environment: String,
    /// The changesets for the environment.
    pub changelog: Changelog,
    /// The dependency graph of the changesets.
    pub graph: Graph,
    /// The source texts, including files that changes refer to.
    pub sources: SourceSet,
    /// The warnings.
    pub warnings: Diagnostics,
    variables: Variables,
}

impl Workspace {
    /// Reads a project. [`Workspace::view`] reports the problems of its files, all together.
    ///
    /// # Errors
    /// If the directory is not a project.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        let mut loaded = load::load(root)?;
        let (renderer, errors) = Renderer::without_broken(&loaded.templates);
        for error in errors {
            loaded.problems.push(template_problem(&loaded.sources, &error));
        }
        Ok(Self { loaded, renderer })
    }

    /// Parses the changesets for an environment and builds the graph.
    ///
    /// # Errors
    /// All problems of all files.
    pub fn view(&self, environment: &str, variables: &Variables) -> Result<View<'_>, Failure> {
        let loaded = &self.loaded;
        let mut problems = loaded.problems.clone();
        let files = ProjectFiles::new(&loaded.root, variables, &loaded.sources);
        let names: Vec<String> = loaded.config.environment_list.iter().map(|(n, _)| n.clone()).collect();
        let context = self.context(&files, &names, variables);
        let changelog = parse::changelog(&loaded.documents, &context, &mut problems);
        let sources = files.with(&loaded.sources);
        let graph = graph::build(&changelog, &mut problems);
        advice::accepted(&loaded.config.prove, &changelog, &mut problems);
        advice::edges(&changelog, &names, environment, &mut problems);
        let used = sources.iter().skip(loaded.sources.next().0 as usize).map(|(_, file)| file.path.as_str()).collect();
        advice::ignored(&loaded.ignored, &used, &loaded.config.plans)
            .into_iter()
            .for_each(|warning| problems.push(warning));
        let writing = Writing { sources: &sources, variables, origins: Origins::None };
        if problems.has_errors() {
            // what can be found in the rest is said in the same go
            for changeset in &changelog.changesets {
                let file = &sources.get(changeset.file).path;
                let setting = self.setting(environment, changeset.limits, writing);
                plan::step::compile(changeset, file, setting, &mut problems);
            }
            return Err(Failure::source(sources.locate(problems)));
        }
        let graph =
            graph.ok_or_else(|| Failure::new(FailureKind::Internal, "a graph without problems has an order"))?;
        let warnings = sources.locate(problems);
        let environment = environment.to_owned();
        Ok(View { workspace: self, environment, changelog, graph, warnings, sources, variables: variables.clone() })
    }

    /// What the project says about the review in an environment.
    #[must_use]
    pub fn lint_policy(&self, environment: &str) -> LintPolicy {
        let config = &self.loaded.config;
        config.environment(environment).map_or_else(|| config.lint.clone(), |e| e.lint.over(&config.lint))
    }

    /// The checksums of all changesets that can be read, by id, whatever is wrong with the rest.
    #[must_use]
    pub fn checksums(&self, variables: &Variables) -> BTreeMap<String, String> {
        let files = ProjectFiles::new(&self.loaded.root, variables, &self.loaded.sources);
        let changelog = parse::changelog(
            &self.loaded.documents,
            &self.context(&files, &[], variables),
            &mut Diagnostics::default(),
        );
        let whole = changelog.changesets.into_iter().filter(|changeset| !changeset.gaps && changeset.header_is_read);
        whole.map(|changeset| (changeset.id, changeset.checksum)).collect()
    }

    fn context<'a>(
        &'a self,
        files: &'a ProjectFiles<'_>,
        environments: &'a [String],
        variables: &'a Variables,
    ) -> Context<'a> {
        let loaded = &self.loaded;
        Context {
            custom: &loaded.custom,
            broken: &loaded.broken,
            files,
            environments,
            variables,
            hides_variables: loaded.hides_variables,
            unread: &loaded.unread,
            sources: &loaded.sources,
        }
    }

    /// Refuses a `dagmar.yaml` with mistakes: the ignored part could be a policy.
    ///
    /// # Errors
    /// The problems of the file.
    pub fn check_project(&self) -> Result<(), Failure> {
        let mut problems = self.loaded.problems.clone();
        problems.retain(|problem| problem.place.as_ref().is_some_and(|place| place.file == FileId(0)));
        if problems.has_errors() { Err(Failure::source(self.loaded.sources.locate(problems))) } else { Ok(()) }
    }

    /// The setting in which a changeset with these limits is rendered.
    fn setting<'a>(&'a self, environment: &str, limits: LimitsSpec, writing: Writing<'a>) -> RenderContext<'a> {
        let config = &self.loaded.config;
        let above = config.limits(environment);
        RenderContext {
            renderer: &self.renderer,
            ledger: &config.ledger.schema,
            limits: limits.over(above.resolve()),
            pace: limits.backfill.or(above.backfill),
            accepts_missing_rollback: false,
            writing,
        }
    }
}

impl View<'_> {
    /// Compiles the pending changesets.
    ///
    /// # Errors
    /// Problems in the sources, a selector that matches nothing, or applied changesets that were edited.
    pub fn plan(&self, history: &History, selectors: &[String]) -> Result<Result<Plan, Vec<Edited>>, Failure> {
        self.plan_of(history, self.select(selectors)?.as_ref())
    }

    /// The positions of the changesets that the selectors match; `None`: all.
    ///
    /// # Errors
    /// A selector that matches nothing.
    pub fn select(&self, selectors: &[String]) -> Result<Option<BTreeSet<usize>>, Failure> {
        if selectors.is_empty() {
            return Ok(None);
        }
        let chosen = select::select(selectors, &self.changelog, &self.graph);
        chosen.map(Some).map_err(|why| Failure::new(FailureKind::Usage, why))
    }

    /// Compiles the pending ones of these changesets.
    ///
    /// # Errors
    /// Problems in the sources, or applied changesets that were edited.
    pub fn plan_of(
        &self,
        history: &History,
        selected: Option<&BTreeSet<usize>>,
    ) -> Result<Result<Plan, Vec<Edited>>, Failure> {
        self.compile(history, selected, Origins::Parts).map(|(plan, _)| plan)
    }

    /// Compiles with or without the places of statements; what is odd in them.
    fn compile(
        &self,
        history: &History,
        selected: Option<&BTreeSet<usize>>,
        origins: Origins,
    ) -> Result<(Result<Plan, Vec<Edited>>, Diagnostics), Failure> {
        let request = self.request(selected, origins);
        let look = |position, examined: &Examined| self.look(position, examined);
        match plan::forward(&self.changelog, &self.graph, &self.sources, history, &request, look) {
            Ok((plan, mut looked, warnings)) => {
                let planned: BTreeSet<usize> = looked.iter().map(|looked| looked.position).collect();
                // what is pending and not selected is not there yet either
                looked.extend(plan::compile::others(
                    &self.changelog,
                    &self.graph,
                    &self.sources,
                    history,
                    &request,
                    look,
                ));
                let mut comparison = self.compare(looked, false);
                comparison.findings.retain(|finding| finding.is_of(&planned));
                let mut problems = self.edge_problems(&comparison, None);
                if problems.has_errors() {
                    problems.retain(|problem| problem.severity == Severity::Error);
                    return Err(Failure::source(self.sources.locate(problems)));
                }
                Ok((Ok(plan), warnings))
            }
            Err(CompileError::Edited(edited)) => Ok((Err(edited), Diagnostics::default())),
            Err(CompileError::Source(problems)) => Err(Failure::source(self.sources.locate(problems))),
        }
    }

    /// Every changeset of the environment as a step, in order, with its position, whatever is applied. Its dependencies
    /// are not compared with its SQL.
    ///
    /// # Errors
    /// Problems in the sources.
    pub fn steps(&self) -> Result<Vec<(usize, plan::Step)>, Failure> {
        let request = self.request(None, Origins::Parts);
        plan::compile::all(&self.changelog, &self.graph, &self.sources, &request)
            .map_err(|problems| Failure::source(self.sources.locate(problems)))
    }

    fn request<'r>(&'r self, selected: Option<&'r BTreeSet<usize>>, origins: Origins) -> Request<'r> {
        Request {
            environment: &self.environment,
            setting: self.workspace.setting(&self.environment, LimitsSpec::default(), self.writing(origins)),
            selected,
        }
    }

    fn writing(&self, origins: Origins) -> Writing<'_> {
        Writing { sources: &self.sources, variables: &self.variables, origins }
    }

    /// Warnings about passwords in the SQL of a plan.
    #[must_use]
    pub fn exposed_passwords(&self, plan: &Plan) -> Diagnostics {
        self.exposed(plan::secrets::exposed(plan))
    }

    fn exposed<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Diagnostics {
        let mut warnings = Diagnostics::default();
        for id in ids {
            let known = self.graph.position(id).map(|at| &self.changelog.changesets[at]);
            let message = format!("the SQL of `{id}` contains a password");
            let warning = Diagnostic::warning(Code::ExposedPassword, message).help(
                "it is displayed, and stored in the ledger and in sealed plans: make it a variable with `secret: true` in \
                 dagmar.yaml",
            );
            // the file and no line of it: a picture would show the password once more
            warnings.push(match known {
                Some(changeset) => warning.at(Place::value(changeset.file, Vec::new())),
                None => warning,
            });
        }
        self.sources.locate(warnings)
    }

    /// Reviews the changesets at these positions; `None`: all. The others are known, and not reviewed.
    ///
    /// # Errors
    /// Problems in the sources, and rules that are ignored without a reason.
    pub fn lint(&self, selected: Option<&BTreeSet<usize>>) -> Result<lint::Review, Failure> {
        let request = self.request(None, Origins::None);
        let environment = self.workspace.loaded.config.environment(&self.environment);
        let request = lint::Request {
            environment: &self.environment,
            setting: request.setting,
            selected,
            levels: &self.workspace.lint_policy(&self.environment).rules,
            allow: environment.and_then(|environment| environment.allow.as_deref()),
        };
        lint::review(&self.changelog, &self.graph, &self.sources, &request)
            .map_err(|problems| Failure::source(self.sources.locate(problems)))
    }

    /// The fixtures of the project: the rows that are there when changesets are proven.
    ///
    /// # Errors
    /// All problems of their files.
    pub fn fixtures(&self) -> Result<Vec<Fixture>, Failure> {
        let loaded = &self.workspace.loaded;
        fixtures::load(&loaded.root, &loaded.config.prove, &self.sources)
    }

    /// Renders one changeset, also if it could not run now.
    ///
    /// # Errors
    /// Problems in the sources, or an unknown changeset.
    pub fn render_one(&self, id: &str) -> Result<plan::Step, Failure> {
        let position = self
            .graph
            .position(id)
            .ok_or_else(|| Failure::new(FailureKind::Usage, format!("the changeset `{id}` does not exist")))?;
        let changeset = &self.changelog.changesets[position];
        let setting = self.workspace.setting(&self.environment, changeset.limits, self.writing(Origins::Parts));
        let file = &self.sources.get(changeset.file).path;
        let mut problems = Diagnostics::default();
        plan::step::compile(changeset, file, setting, &mut problems)
            .ok_or_else(|| Failure::source(self.sources.locate(problems)))
    }

    /// Compiles all changesets as if none was applied, for `check`. The result contains the warnings.
    ///
    /// # Errors
    /// All problems.
    pub fn check(&self) -> Result<Checked, Failure> {
        let request = self.request(None, Origins::None);
        let look = |position, examined: &Examined| self.look(position, examined);
        let (compiled, looked, found) =
            plan::compile::check(&self.changelog, &self.graph, &self.sources, &request, look)
                .map_err(|problems| Failure::source(self.sources.locate(problems)))?;
        let mut warnings = self.warnings.clone();
        warnings.append(found);
        warnings.append(self.mistakes(&looked));
        let comparison = self.compare(looked, true);
        warnings.append(self.exposed(compiled.exposed.iter().map(String::as_str)));
        // each changeset that is excluded has its say too
        let mut others = Diagnostics::default();
        for id in &compiled.excluded {
            if let Some(position) = self.graph.position(id) {
                let changeset = &self.changelog.changesets[position];
                let setting = self.workspace.setting(&self.environment, changeset.limits, self.writing(Origins::None));
                plan::step::compile(changeset, &self.sources.get(changeset.file).path, setting, &mut others);
            }
        }
        if others.has_errors() {
            others.append(warnings);
            return Err(Failure::source(self.sources.locate(others)));
        }
        warnings.append(others);
        Ok(Checked { compiled, problems: warnings, comparison })
    }

    /// All problems of a check, as they are shown, with those of test files. `there`: the objects that a database has of those that no changeset
    /// makes; then the others are errors.
    #[must_use]
    pub fn problems(&self, checked: &Checked, there: Option<&BTreeSet<Object>>) -> Diagnostics {
        let mut all = checked.problems.clone();
        all.append(self.edge_problems(&checked.comparison, there));
        self.tests().located(all)
    }
}

fn template_problem(sources: &SourceSet, error: &crate::render::TemplateError) -> Diagnostic {
    let problem = Diagnostic::error(Code::Template, error.message.clone());
    let Some((id, file)) = sources.named(&error.template) else {
        return problem.help(format!("in the template `{}`", error.template));
    };
    let start = file.lines().start(error.line.unwrap_or(1).max(1));
    let text = file.text[start..].lines().next().unwrap_or_default();
    let column = error.column.map_or(0, |c| text.char_indices().nth(c.saturating_sub(1)).map_or(0, |(i, _)| i));
    let end = (start + text.trim_end().len()).max(start + column);
    problem.at(Place::bytes(id, start + column..end))
}
