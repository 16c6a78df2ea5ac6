//! Where rendered SQL comes from: the same templates once more, with marks around everything
//! that was put in. Only for what is looked at: problems, and the statements of a plan.

use super::Renderer;
use super::helpers;
use super::mark::MARK;
use crate::base::PathSeg;
use handlebars::Handlebars;
use handlebars::template::{Template, TemplateElement};
use serde_json::Value;

/// SQL with the parts whose source is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The SQL.
    pub sql: String,
    /// The parts, in order.
    pub pieces: Vec<Piece>,
}

/// A part of rendered SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its first byte in the SQL.
    pub at: usize,
    /// How many bytes it has.
    pub len: usize,
    /// What it comes from.
    pub from: PieceSource,
}

/// What a part of rendered SQL comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PieceSource {
    /// A text of the context.
    Value {
        /// The way to it.
        path: Vec<PathSeg>,
        /// The text.
        text: String,
        /// The byte of the text at which the part begins, where it is a part of it as it stands.
        same: Option<usize>,
    },
    /// The text of a project's template.
    Template {
        /// Its path.
        template: String,
        /// The line that the section follows on, from 1.
        first: usize,
        /// What stands in the section before it.
        before: String,
    },
}

impl Renderer {
    /// Renders a section with its sources. `None` where marks would make a difference.
    #[must_use]
    pub fn trace(&self, kind: &str, section: super::Section, context: &Value) -> Option<Trace> {
        let mut paths = Vec::new();
        let marked = mark(context, &mut Vec::new(), &mut paths)?;
        let registry = self.traced.get_or_init(|| self.traced());
        helpers::begin_steps();
        let text = registry.render(&super::section_name(kind, section), &marked).ok()?;
        self.read(&text, &paths)
    }

    /// The templates with marks in those of the project.
    fn traced(&self) -> Handlebars<'static> {
        let mut registry = helpers::traced();
        for (name, template) in self.templates().registry.get_templates() {
            let mut template = template.clone();
            if let Some((number, origin)) = self.templates().origins.iter().enumerate().find(|(_, o)| o.name == *name)
                && let Some(body) = &origin.body
            {
                instrument(&mut template, number, body);
            }
            registry.register_template(name, template);
        }
        registry
    }

    /// Takes the marks out.
    fn read(&self, text: &str, paths: &[(Vec<PathSeg>, String)]) -> Option<Trace> {
        let mut trace = Trace::default();
        let mut parts = text.split(MARK);
        trace.sql.push_str(parts.next()?);
        while let Some(mark) = parts.next() {
            let part = parts.next()?;
            let at = trace.sql.len();
            trace.sql.push_str(part);
            if let Some(number) = mark.strip_prefix('v') {
                let (path, value) = paths.get(number.parse::<usize>().ok()?)?;
                let piece = |start: usize, len: usize, same| Piece {
                    at: at + start,
                    len,
                    from: PieceSource::Value { path: path.clone(), text: value.clone(), same },
                };
                if let Some(offset) = value.find(part) {
                    trace.pieces.push(piece(0, part.len(), Some(offset)));
                } else if let Some(start) = part.find(value.as_str()) {
                    let end = start + value.len();
                    trace.pieces.push(piece(0, start, None));
                    trace.pieces.push(piece(start, value.len(), Some(0)));
                    trace.pieces.push(piece(end, part.len() - end, None));
                } else {
                    trace.pieces.push(piece(0, part.len(), None));
                }
            } else if let Some((number, offset)) = mark.strip_prefix('t').and_then(|mark| mark.split_once(':')) {
                let origin = self.templates().origins.get(number.parse::<usize>().ok()?)?;
                let before = origin.body.as_deref()?.get(..offset.parse().ok()?)?.to_owned();
                let from = PieceSource::Template { template: origin.path.clone(), first: origin.first, before };
                trace.pieces.push(Piece { at, len: part.len(), from });
            }
        }
        trace.pieces.retain(|piece| piece.len > 0);
        Some(trace)
    }
}

/// The context with its number before every text.
fn mark(value: &Value, path: &mut Vec<PathSeg>, paths: &mut Vec<(Vec<PathSeg>, String)>) -> Option<Value> {
    Some(match value {
        Value::String(text) if text.contains(MARK) => return None,
        // an empty text is as good as none to a template
        Value::String(text) if !text.is_empty() => {
            paths.push((path.clone(), text.clone()));
            Value::String(format!("{MARK}{}{MARK}{text}", paths.len() - 1))
        }
        Value::Array(list) => {
            let mut marked = Vec::with_capacity(list.len());
            for (i, item) in list.iter().enumerate() {
                path.push(PathSeg::Index(i));
                marked.push(mark(item, path, paths)?);
                path.pop();
            }
            Value::Array(marked)
        }
        Value::Object(map) => {
            let mut marked = serde_json::Map::with_capacity(map.len());
            for (key, item) in map {
                path.push(PathSeg::Key(key.clone()));
                marked.insert(key.clone(), mark(item, path, paths)?);
                path.pop();
            }
            Value::Object(marked)
        }
        other => other.clone(),
    })
}

/// Puts marks around the texts of a template.
fn instrument(template: &mut Template, number: usize, body: &str) {
    for (element, at) in template.elements.iter_mut().zip(&template.mapping) {
        match element {
            TemplateElement::RawString(text) => {
                if let Some(offset) = find(body, at.0, at.1, text) {
                    *text = format!("{MARK}t{number}:{offset}{MARK}{text}{MARK}e{MARK}");
                }
            }
            TemplateElement::HelperBlock(tag) => {
                for inner in [&mut tag.template, &mut tag.inverse].into_iter().flatten() {
                    instrument(inner, number, body);
                }
            }
            TemplateElement::DecoratorBlock(tag) | TemplateElement::PartialBlock(tag) => {
                if let Some(inner) = &mut tag.template {
                    instrument(inner, number, body);
                }
            }
            _ => {}
        }
    }
}

/// Where a text of a template begins. The parser names the place behind the white space with
/// which it begins.
fn find(body: &str, line: usize, column: usize, text: &str) -> Option<usize> {
    let start: usize = body.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let line = body.get(start..)?;
    let here = start + line.char_indices().nth(column.checked_sub(1)?).map_or(line.len(), |(at, _)| at);
    let blank = text.len() - text.trim_start().len();
    here.checked_sub(blank).filter(|start| body.get(*start..).is_some_and(|rest| rest.starts_with(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{ProjectTemplate, Section};
    use serde_json::json;

    fn renderer(text: &str) -> Renderer {
        let template = ProjectTemplate { kind: "mine".into(), path: "templates/mine.hbs".into(), text: text.into() };
        Renderer::new(&[template]).unwrap()
    }

    /// The parts as text, path or line, and whether they stand there as they are.
    fn parts(renderer: &Renderer, kind: &str, context: &Value) -> Vec<(String, String, bool)> {
        let trace = renderer.trace(kind, Section::Forward, context).unwrap();
        assert_eq!(trace.sql, renderer.render(kind, Section::Forward, &context.clone().into()).unwrap());
        let show = |piece: &Piece| {
            let text = trace.sql[piece.at..piece.at + piece.len].to_owned();
            match &piece.from {
                PieceSource::Value { path, same, .. } => {
                    let path: Vec<String> = path
                        .iter()
                        .map(|seg| match seg {
                            PathSeg::Key(key) => key.clone(),
                            PathSeg::Index(i) => i.to_string(),
                        })
                        .collect();
                    (text, path.join("."), same.is_some())
                }
                PieceSource::Template { first, before, .. } => {
                    (text, (first + before.matches('\n').count() + 1).to_string(), true)
                }
            }
        };
        trace.pieces.iter().map(show).collect()
    }

    #[test]
    fn values_and_texts_are_told_apart() {
        let text = "{{! why }}\n-- forward\nSELECT {{raw a}} -- é\n{{#each l}}\n  , {{literal this}}\n{{/each}}\n;\n";
        let context = json!({"a": " f(x)\n", "l": ["u", "v'w"], "n": 1});
        let found = parts(&renderer(text), "mine", &context);
        let expected = [
            ("SELECT ", "3", true),
            ("f(x)", "a", true),
            (" -- é\n", "3", true),
            ("  , ", "5", true),
            ("'", "l.0", false),
            ("u", "l.0", true),
            ("'", "l.0", false),
            ("\n", "5", true),
            ("  , ", "5", true),
            ("'v''w'", "l.1", false),
            ("\n", "5", true),
            (";\n", "7", true),
        ];
        let expected: Vec<_> = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c)).into();
        assert_eq!(found, expected);
    }

    #[test]
    fn partials_keep_the_way_to_their_values() {
        let context = json!({
            "table": "app.t", "columns": [{"name": "a", "type": "integr", "check": "a >\n 0"}],
            "unique": [], "checks": [], "foreignKeys": [], "with": [],
            "ledgerSchema": "dagmar", "changesetId": "x", "repeatable": false
        });
        let renderer = Renderer::new(&[]).unwrap();
        let found = parts(&renderer, "createTable", &context);
        for part in [("integr", "columns.0.type"), ("a >\n 0", "columns.0.check"), ("app.t", "table")] {
            assert!(found.contains(&(part.0.to_owned(), part.1.to_owned(), true)), "{part:?}: {found:?}");
        }
    }

    #[test]
    fn comparisons_see_the_values() {
        let text = "-- forward\n{{#if (eq a \"x\")}}A{{else}}B{{/if}}{{#if (ne b a)}}C{{/if}}{{#if e}}D{{/if}};\n";
        let context = json!({"a": "x", "b": "y", "e": ""});
        assert_eq!(renderer(text).trace("mine", Section::Forward, &context).unwrap().sql, "AC;\n");
        assert_eq!(renderer(text).trace("mine", Section::Forward, &json!({"a": "\0", "b": 1, "e": ""})), None);
    }
}
