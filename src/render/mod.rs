//! Renders the template of a change to the SQL of one direction. It never escapes for HTML, is strict about missing
//! values, and passes every value through a typed helper. Only this room names handlebars.
//!
//! To add a helper: a function and a row in `helpers.rs`.

mod guard;
mod helpers;
mod library;
mod mark;
pub mod pages;
#[cfg(test)]
mod tables_test;
mod trace;

use handlebars::{Context, Handlebars, TemplateErrorReason};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::OnceLock;

pub use crate::sql::SEGMENT_MARK;
pub use library::Sections;
pub use trace::{Piece, PieceSource, Trace};

/// Which section of a template is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What the change does.
    Forward,
    /// What rolls it back.
    Rollback,
}

impl Section {
    /// The word of the marker line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Section::Forward => "forward",
            Section::Rollback => "rollback",
        }
    }
}

/// A template of the project: an override of a built-in one, or one of its own change types.
#[derive(Debug, Clone)]
pub struct ProjectTemplate {
    /// The change type's YAML key.
    pub kind: String,
    /// The path, for messages.
    pub path: String,
    /// The text.
    pub text: String,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// The template: its path or its change type.
    pub template: String,
    /// Line in it, from 1, where known.
    pub line: Option<usize>,
    /// Column in it, from 1, where known.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// The values that a template may use; both sections are rendered with the same.
#[derive(Debug)]
pub struct Values(Context);

impl From<Value> for Values {
    fn from(values: Value) -> Self {
        Self(values.into())
    }
}

impl Values {
    /// The values as they were given.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        self.0.data()
    }
}

/// All templates, compiled and checked.
pub struct Renderer {
    /// Without templates of the project they are compiled at the first rendering: a project with
    /// nothing to run renders none.
    templates: OnceLock<Templates>,
    /// The templates with marks around what they put in.
    traced: OnceLock<Handlebars<'static>>,
}

/// The compiled templates.
struct Templates {
    registry: Handlebars<'static>,
    /// Change types whose template is the project's.
    overridden: BTreeSet<String>,
    /// Change types whose template has mistakes and is left out.
    broken: BTreeSet<String>,
    /// Where each template comes from.
    origins: Vec<Origin>,
}

/// Where a registered template comes from.
struct Origin {
    name: String,
    /// The path to show.
    path: String,
    /// The line that its text follows on.
    first: usize,
    /// The text, of a project's template.
    body: Option<String>,
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renderer").field("overridden", &self.templates().overridden).finish_non_exhaustive()
    }
}

impl Renderer {
    /// Compiles the built-in templates and the project's.
    ///
    /// # Errors
    /// Every template that is malformed, holds a bare value, calls itself through partials
    /// or is nested too deeply.
    pub fn new(project: &[ProjectTemplate]) -> Result<Self, Vec<TemplateError>> {
        let (templates, errors) = Templates::compile(project);
        if errors.is_empty() { Ok(Self::of(OnceLock::from(templates))) } else { Err(errors) }
    }

    /// The same, without the templates that have mistakes.
    #[must_use]
    pub fn without_broken(project: &[ProjectTemplate]) -> (Self, Vec<TemplateError>) {
        if project.is_empty() {
            return (Self::of(OnceLock::new()), Vec::new());
        }
        let (templates, errors) = Templates::compile(project);
        (Self::of(OnceLock::from(templates)), errors)
    }

    fn of(templates: OnceLock<Templates>) -> Self {
        Self { templates, traced: OnceLock::new() }
    }

    fn templates(&self) -> &Templates {
        // built-in templates have no mistakes: a test compiles them
        self.templates.get_or_init(|| Templates::compile(&[]).0)
    }

    /// Whether this change type's template has mistakes and is left out.
    #[must_use]
    pub fn is_broken(&self, kind: &str) -> bool {
        self.templates().broken.contains(kind)
    }

    /// Whether this change type's template has this section.
    #[must_use]
    pub fn has(&self, kind: &str, section: Section) -> bool {
        self.templates().registry.has_template(&section_name(kind, section))
    }

    /// Whether the project replaces the built-in template of this change type.
    #[must_use]
    pub fn is_overridden(&self, kind: &str) -> bool {
        self.templates().overridden.contains(kind)
    }

    /// The SQL of one section.
    ///
    /// # Errors
    /// A value that is missing or of the wrong kind, with the template's line.
    pub fn render(&self, kind: &str, section: Section, values: &Values) -> Result<String, TemplateError> {
        let name = section_name(kind, section);
        helpers::begin_steps();
        let mut sql = helpers::Limited::default();
        let templates = self.templates();
        let rendered = templates.registry.render_with_context_to_write(&name, &values.0, &mut sql).map(|()| sql.text());
        rendered.map_err(|e| {
            let template = e.template_name.clone().unwrap_or_else(|| name.clone());
            let origin = templates.origins.iter().find(|o| o.name == template);
            let first = origin.map_or(0, |o| o.first);
            TemplateError {
                template: origin.map_or(template, |o| o.path.clone()),
                line: e.line_no.map(|l| l + first),
                column: e.column_no,
                message: helpers::message(&e),
            }
        })
    }
}

impl Templates {
    /// Compiles the built-in templates and the project's, and leaves out those with mistakes.
    fn compile(project: &[ProjectTemplate]) -> (Self, Vec<TemplateError>) {
        let mut templates = Self {
            registry: helpers::registry(),
            overridden: BTreeSet::new(),
            broken: BTreeSet::new(),
            origins: Vec::new(),
        };
        let mut errors = Vec::new();
        for (name, text) in library::PARTIALS {
            // a partial's last line break is the file's, not the SQL's
            let origin = Origin { name: (*name).to_owned(), path: "built in".to_owned(), first: 0, body: None };
            templates.add_template(origin, text.trim_end_matches('\n'), &mut errors);
        }
        let own: BTreeSet<&str> = project.iter().map(|t| t.kind.as_str()).collect();
        for kind in crate::change::KINDS {
            if own.contains(kind.name) {
                templates.overridden.insert(kind.name.to_owned());
            } else {
                let path = format!("templates/sql/{}.sql.hbs", kind.stem);
                templates.add_sections(kind.name, &path, kind.template, false, &mut errors);
            }
        }
        for template in project {
            let before = errors.len();
            templates.add_sections(&template.kind, &template.path, &template.text, true, &mut errors);
            if errors.len() > before {
                templates.leave_out(&template.kind);
            }
        }
        while let Some((partial, name)) = templates.cycle() {
            let origin = templates.origins.iter().find(|o| o.name == name);
            errors.push(TemplateError {
                template: origin.map_or_else(|| name.clone(), |o| o.path.clone()),
                line: origin.map(|o| o.first),
                column: None,
                message: format!("the partial `{partial}` calls itself"),
            });
            templates.registry.unregister_template(&name);
            let kind = name.split('/').next().unwrap_or_default().to_owned();
            templates.leave_out(&kind);
        }
        (templates, errors)
    }

    /// A partial that reaches itself with its template, one of the project's where there is one.
    fn cycle(&self) -> Option<(String, String)> {
        let mut cycles = guard::partial_cycles(&self.registry);
        let own = |name: &str| self.origins.iter().any(|o| o.name == name && o.body.is_some());
        let at = cycles.iter().position(|(_, name)| own(name)).unwrap_or_default();
        if cycles.is_empty() { None } else { Some(cycles.swap_remove(at)) }
    }

    fn leave_out(&mut self, kind: &str) {
        for section in [Section::Forward, Section::Rollback] {
            self.registry.unregister_template(&section_name(kind, section));
        }
        self.broken.insert(kind.to_owned());
    }

    fn add_sections(&mut self, kind: &str, path: &str, text: &str, own: bool, errors: &mut Vec<TemplateError>) {
        let sections = match Sections::split(text) {
            Ok(sections) => sections,
            Err((line, message)) => {
                errors.push(TemplateError { template: path.to_owned(), line: Some(line), column: None, message });
                return;
            }
        };
        for (section, found) in [(Section::Forward, sections.forward), (Section::Rollback, sections.rollback)] {
            if let Some((line, body)) = found {
                let name = section_name(kind, section);
                let origin = Origin { name, path: path.to_owned(), first: line, body: own.then(|| body.clone()) };
                self.add_template(origin, &body, errors);
            }
        }
    }

    fn add_template(&mut self, origin: Origin, text: &str, errors: &mut Vec<TemplateError>) {
        let Origin { name, path, first, .. } = &origin;
        let error = |line: Option<usize>, column: Option<usize>, message: String| TemplateError {
            template: path.clone(),
            line: line.map(|l| l + first),
            column,
            message,
        };
        if let Err((line, message)) = guard::check_nesting(text) {
            errors.push(error(Some(line), None, message));
            return;
        }
        if let Err(e) = self.registry.register_template_string(name, text) {
            let at = e.pos();
            let message = match e.reason() {
                // the parser lists its grammar's rules, which helps nobody
                TemplateErrorReason::InvalidSyntax(_) => {
                    "no Handlebars from here on: a tag has no `}}`, or a block such as `{{#if}}` has no end".to_owned()
                }
                other => other.to_string(),
            };
            errors.push(error(at.map(|p| p.0), at.map(|p| p.1), message));
        } else if let Some(mut template) = self.registry.get_template(name).cloned() {
            for (line, column, message) in guard::bare_values(&template).into_iter().chain(guard::unbounded(&template))
            {
                errors.push(error(Some(line), Some(column), message));
            }
            guard::count_steps(&mut template, &helpers::step());
            self.registry.register_template(name, template);
        }
        self.origins.push(origin);
    }
}

fn section_name(kind: &str, section: Section) -> String {
    format!("{kind}/{}", section.word())
}
