//! What a template must not do: print a bare value, or take the process down.

use super::helpers;
use handlebars::Handlebars;
use handlebars::template::{HelperTemplate, Parameter, Template, TemplateElement};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Blocks inside of blocks; thousands overflow the stack.
const MOST_NESTED: usize = 50;

/// Refuses a text whose blocks are nested too deeply, before it is parsed.
///
/// # Errors
/// The line, from 1, and what is wrong.
pub fn check_nesting(text: &str) -> Result<(), (usize, String)> {
    let mut depth = 0usize;
    for (i, line) in text.lines().enumerate() {
        for piece in line.split("{{").skip(1) {
            let tag = piece.trim_start_matches(['~', '{', ' ']);
            if tag.starts_with('#') {
                depth += 1;
            } else if tag.starts_with('/') {
                depth = depth.saturating_sub(1);
            }
            if depth > MOST_NESTED {
                return Err((i + 1, format!("blocks are nested more than {MOST_NESTED} deep")));
            }
        }
    }
    Ok(())
}

/// Every place where a value is printed without a helper: line, column, message.
pub fn bare_values(template: &Template) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    walk(template, &mut |element, line, column| {
        let (TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag)) = element else { return };
        let name = tag.name.as_name().unwrap_or("…");
        if tag.params.is_empty() || !helpers::writers().any(|w| w == name) {
            let message = format!(
                "`{{{{{name}}}}}` prints a bare value; write it through a helper, such as `{{{{ident {name}}}}}`, \
                 `{{{{literal {name}}}}}` or, for SQL as it stands, `{{{{raw {name}}}}}`"
            );
            found.push((line, column, message));
        }
    });
    found
}

/// Every place that could take memory or stack without end: a partial whose name is computed
/// may reach itself, and a partial block is rendered into memory.
pub fn unbounded(template: &Template) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    walk(template, &mut |element, line, column| {
        let message = match element {
            TemplateElement::PartialBlock(_) => {
                "a partial with a block (`{{#> name}}`) is not taken; call `{{> name}}`"
            }
            TemplateElement::PartialExpression(tag) if tag.name.as_name().is_none() => {
                "the name of a partial must be written out, not computed"
            }
            _ => return,
        };
        found.push((line, column, message.to_owned()));
    });
    found
}

/// Puts a step that is counted at the beginning of everything that may run several times:
/// blocks, partials, templates.
pub fn count_steps(template: &mut Template, step: &Template) {
    for element in &mut template.elements {
        match element {
            TemplateElement::HelperBlock(tag) => {
                [&mut tag.template, &mut tag.inverse].into_iter().flatten().for_each(|inner| count_steps(inner, step));
            }
            TemplateElement::DecoratorBlock(tag) | TemplateElement::PartialBlock(tag) => {
                tag.template.iter_mut().for_each(|inner| count_steps(inner, step));
            }
            _ => {}
        }
    }
    template.elements.splice(0..0, step.elements.iter().cloned());
    template.mapping.splice(0..0, step.mapping.iter().cloned());
}

/// The partials that reach themselves, each with the template that it is in: rendering would never
/// end. Of several of one name, inline ones among them, any may be the one that is called.
pub fn partial_cycles(registry: &Handlebars<'_>) -> Vec<(String, String)> {
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut owners: BTreeSet<(String, String)> = BTreeSet::new();
    for (owner, template) in registry.get_templates() {
        let mut names = BTreeSet::new();
        note_calls(owner, template, &mut calls, &mut names);
        owners.extend(names.into_iter().map(|name| (name, owner.clone())));
    }
    // few templates call few partials: repeated search is cheap
    owners.into_iter().filter(|(name, _)| reaches(&calls, name)).collect()
}

/// Notes what the text `name` calls, and the inline partials in it; the `names` of all of them.
fn note_calls(
    name: &str,
    template: &Template,
    calls: &mut BTreeMap<String, BTreeSet<String>>,
    names: &mut BTreeSet<String>,
) {
    let mut open = vec![(name.to_owned(), template)];
    while let Some((name, template)) = open.pop() {
        let mut called = BTreeSet::new();
        let mut inner = vec![template];
        while let Some(template) = inner.pop() {
            for element in &template.elements {
                match element {
                    TemplateElement::PartialExpression(tag) | TemplateElement::PartialBlock(tag) => {
                        called.extend(tag.name.as_name().map(str::to_owned));
                        inner.extend(&tag.template);
                    }
                    // `{{#*inline "name"}}`
                    TemplateElement::DecoratorBlock(tag) => {
                        let own = tag.params.first().map_or("", |param| match param {
                            Parameter::Literal(Value::String(text)) => text,
                            other => other.as_name().unwrap_or_default(),
                        });
                        open.extend(tag.template.iter().map(|body| (own.to_owned(), body)));
                    }
                    TemplateElement::HelperBlock(tag) => inner.extend(tag.template.iter().chain(&tag.inverse)),
                    _ => {}
                }
            }
        }
        names.insert(name.clone());
        calls.entry(name).or_default().extend(called);
    }
}

fn reaches(calls: &BTreeMap<String, BTreeSet<String>>, start: &str) -> bool {
    let mut open: Vec<&str> = vec![start];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        for next in calls.get(name).into_iter().flatten() {
            if next == start {
                return true;
            }
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    false
}

fn walk(template: &Template, see: &mut dyn FnMut(&TemplateElement, usize, usize)) {
    for (element, at) in template.elements.iter().zip(&template.mapping) {
        see(element, at.0, at.1);
        match element {
            TemplateElement::HelperBlock(tag) => walk_block(tag, see),
            TemplateElement::DecoratorBlock(tag) | TemplateElement::PartialBlock(tag) => {
                if let Some(inner) = &tag.template {
                    walk(inner, see);
                }
            }
            _ => {}
        }
    }
}

fn walk_block(tag: &HelperTemplate, see: &mut dyn FnMut(&TemplateElement, usize, usize)) {
    for inner in [&tag.template, &tag.inverse].into_iter().flatten() {
        walk(inner, see);
    }
}

#[cfg(test)]
mod tests {
    use crate::render::{ProjectTemplate, Renderer, Section};
    use serde_json::json;

    fn errors(text: &str) -> Vec<String> {
        let template =
            ProjectTemplate { kind: "mine".into(), path: "templates/mine.sql.hbs".into(), text: text.into() };
        match Renderer::new(&[template]) {
            Ok(_) => Vec::new(),
            Err(errors) => {
                errors.into_iter().map(|e| format!("{}:{} {}", e.template, e.line.unwrap_or(0), e.message)).collect()
            }
        }
    }

    #[test]
    fn bare_values_are_refused_everywhere() {
        for bad in [
            "x {{name}};",
            "{{{name}}}",
            "{{#if a}}\n{{name}}{{/if}}",
            "{{#each a}}{{this}}{{/each}}",
            "{{&name}}",
            "{{ident}}",
        ] {
            let found = errors(&format!("-- forward\n{bad}\n"));
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert!(found[0].contains("bare value"), "{found:?}");
        }
        assert!(errors("-- forward\n{{#if a}}\n{{name}}{{/if}}\n")[0].starts_with("templates/mine.sql.hbs:3 "));
        assert!(errors("-- forward\n{{ident name}} {{#each l}}{{literal this}}{{/each}}\n").is_empty());
    }

    #[test]
    fn what_would_overflow_the_stack_is_refused() {
        let deep = format!("-- forward\n{}x{}\n", "{{#if a}}".repeat(6000), "{{/if}}".repeat(6000));
        assert!(errors(&deep)[0].contains("nested"));
        let own = "-- forward\n{{> mine/forward}}\n";
        assert!(errors(own)[0].contains("calls itself"), "{:?}", errors(own));
        for (own, why) in [
            ("{{#*inline \"p\"}}{{> p}}{{/inline}}{{> p}}", "the partial `p` calls itself"),
            (
                "{{#*inline \"p\"}}{{> q}}{{/inline}}{{#*inline \"q\"}}{{#if a}}{{> p}}{{/if}}{{/inline}}{{> p}}",
                "the partial `p` calls itself",
            ),
            // an inline partial in the place of a built-in one
            ("{{#*inline \"foreignKeyActions\"}}{{> column}}{{/inline}}{{> column}}", "calls itself"),
            ("{{#*inline \"p\"}}{{> mine/forward}}{{/inline}}{{> p}}", "calls itself"),
            ("{{> (lookup this \"name\")}}", "the name of a partial must be written out"),
            ("{{#> p}}x{{/p}}", "a partial with a block"),
        ] {
            let found = errors(&format!("-- forward\n{own}\n"));
            assert!(found.iter().any(|message| message.contains(why)), "{own}: {found:?}");
        }
        // one that ends is none
        assert_eq!(errors("-- forward\n{{#*inline \"p\"}}{{ident a}}{{/inline}}{{> p}} {{> p}}\n"), [""; 0]);
    }

    #[test]
    fn loops_come_to_an_end() {
        let list: Vec<u32> = (0..100).collect();
        let render = |text: &str, context: &serde_json::Value| {
            let text = format!("-- forward\n{text}\n");
            let template = ProjectTemplate { kind: "mine".into(), path: "m".into(), text };
            Renderer::new(&[template]).unwrap().render("mine", Section::Forward, &context.clone().into())
        };
        let each = |depth: usize, inner: &str| {
            format!("{}{inner}{}", "{{#each @root.l}}".repeat(depth), "{{/each}}".repeat(depth))
        };
        let context = json!({ "l": list, "long": "x".repeat(1_000_000) });
        assert_eq!(render(&each(2, "{{literal this}}"), &context).unwrap().len(), 19_001);
        for text in [each(4, "{{literal this}}"), each(4, ""), each(4, "{{#if false}}{{/if}}")] {
            let error = render(&text, &context).unwrap_err();
            assert!(error.message.contains("takes more than"), "{text}: {error:?}");
        }
        let error = render(&each(1, "{{literal @root.long}}"), &context).unwrap_err();
        assert!(error.message.contains("more than 64 MB of SQL"), "{error:?}");
    }

    #[test]
    fn a_parameter_may_be_called_like_a_helper() {
        let text = "-- forward\n{{type type}} {{raw raw}} {{literal literal}} {{value value}} {{list list}}\n";
        let template = ProjectTemplate { kind: "mine".into(), path: "m".into(), text: text.into() };
        let context = json!({"type": "int", "raw": "r", "literal": "l", "value": 1, "list": ["a"]});
        let sql = Renderer::new(&[template]).unwrap().render("mine", Section::Forward, &context.into()).unwrap();
        assert_eq!(sql, "int r 'l' 1 a\n");
    }
}
