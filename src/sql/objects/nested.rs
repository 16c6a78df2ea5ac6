//! SQL inside of SQL: bodies of functions, `DO` blocks, constant texts that are executed; and settings that change
//! how names are looked up.

use super::name::{child, has_word, ident, parts, text_of};
use super::object::{Lookup, Mistake, Objects};
use super::parse::with_tree;
use super::settings::{checks_bodies, own_path, path};
use super::walk::{Context, Walk, statements};
use crate::base::Ident;
use rowan::TextRange;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind::*, SyntaxNode};
use std::collections::BTreeSet;
use std::rc::Rc;

impl Walk<'_> {
    /// Looks into the body of a function, procedure or `DO` block.
    pub(super) fn bodies(&mut self) {
        let statement = self.statement.clone();
        let function = ast::CreateFunction::cast(statement.clone());
        let procedure = ast::CreateProcedure::cast(statement.clone());
        let block = ast::Do::cast(statement.clone());
        let hidden = parameters(&statement);
        let schema = own_path(&statement);
        if block.is_none()
            && let Some(body) =
                function.as_ref().map_or_else(|| procedure.as_ref()?.sql_body(), ast::CreateFunction::sql_body)
        {
            // its mistakes are among those of the text
            let context = inner(self, Lookup::Creation, hidden, schema, {
                let body = body.clone();
                move |range| body.source_range(range)
            });
            return statements(&body.syntax(), self.objects, &context);
        }
        let lookup = if block.is_some() { self.context.lookup } else { Lookup::Call };
        let body = match (&function, &procedure, &block) {
            (Some(function), ..) => function.plpgsql(),
            (_, Some(procedure), _) => procedure.plpgsql(),
            (.., Some(block)) => block.plpgsql(),
            _ => None,
        };
        let Some(body) = body else {
            let is_atomic = statement.descendants().any(|n| matches!(n.kind(), ATOMIC_BODY | RETURN_STMT));
            let is_c = statement.descendants().any(|n| n.kind() == LANGUAGE_REF && is_linked(&n));
            if !is_atomic && !is_c {
                let before = std::mem::replace(&mut self.context.lookup, lookup);
                self.unknown("code in another language than SQL and PL/pgSQL", &statement);
                self.context.lookup = before;
            }
            return;
        };
        for error in body.errors() {
            let at = (self.context.bytes)(error.range());
            self.objects.mistakes.push(Mistake::new(error.message(), at, true));
        }
        let root = body.syntax();
        let names = root.descendants().filter(|n| matches!(n.kind(), PLPGSQL_VAR_NAME | PLPGSQL_FOR_VARIABLE));
        let mut hidden = hidden;
        hidden.extend(names.flat_map(|n| parts(&n)));
        let context = inner(self, lookup, hidden, schema, move |range| body.source_range(range));
        Walk::new(&root, self.objects, context).visit_all();
    }

    /// `EXECUTE`: a constant text is SQL like any other; one that is built at run time is not known.
    pub(super) fn dynamic(&mut self, node: &SyntaxNode) {
        let query = child(node, &[PLPGSQL_EXPR]);
        let constant = query.as_ref().and_then(|query| {
            let target = child(&child(query, &[TARGET_LIST])?, &[TARGET])?;
            text_of(&child(&target, &[LITERAL])?)
        });
        let found = constant.and_then(|sql| {
            with_tree(&sql, |parsed| {
                let mut objects = Objects::default();
                statements(&parsed.syntax_node(), &mut objects, &Context::of_text());
                (objects, !parsed.errors().is_empty())
            })
        });
        match found {
            Some((found, false)) => {
                let at = (self.context.bytes)(query.as_ref().unwrap_or(node).text_range());
                let (lookup, guarded) = (self.context.lookup, self.context.guarded);
                for mut mention in found.mentions {
                    (mention.lookup, mention.at) = (lookup.max(mention.lookup), at.clone());
                    mention.guarded |= guarded;
                    self.objects.mentions.push(mention);
                }
                for mut column in found.columns {
                    (column.lookup, column.at) = (lookup.max(column.lookup), at.clone());
                    column.guarded |= guarded;
                    self.objects.columns.push(column);
                }
                for mut unknown in found.unknown {
                    (unknown.lookup, unknown.at) = (lookup.max(unknown.lookup), at.clone());
                    self.objects.unknown.push(unknown);
                }
            }
            _ => self.unknown("EXECUTE of a text that is built at run time", query.as_ref().unwrap_or(node)),
        }
        // what is in the expression, and the rest of a loop
        let is_loop = has_word(node, LOOP_KW);
        let before = self.context.guarded;
        self.context.guarded |= is_loop;
        self.below(node);
        self.context.guarded = before;
    }

    /// Notes the `search_path` of the statements after this one.
    pub(super) fn sets_path(&mut self, path: Vec<Ident>) {
        let end = (self.context.bytes)(self.statement.text_range()).end;
        self.objects.search_paths.push((end, path));
    }

    /// `SET search_path`, `RESET search_path`: how the statements after it look up names.
    pub(super) fn settings(&mut self) {
        if self.context.lookup == Lookup::Statement
            && let Some(path) = path(&self.statement)
        {
            self.sets_path(path);
        }
        if let Some(checks) = checks_bodies(&self.statement) {
            self.objects.check_function_bodies = Some(checks);
        }
    }
}

fn is_linked(language: &SyntaxNode) -> bool {
    ident(language).is_some_and(|name| matches!(name.as_str(), "c" | "internal"))
}

fn inner(
    walk: &Walk<'_>,
    lookup: Lookup,
    hidden: BTreeSet<Ident>,
    schema: Option<Ident>,
    source: impl Fn(TextRange) -> TextRange + 'static,
) -> Context {
    let outer = walk.context.bytes.clone();
    Context {
        lookup: lookup.max(walk.context.lookup),
        guarded: walk.context.guarded,
        hidden,
        schema: schema.or_else(|| walk.context.schema.clone()),
        bytes: Rc::new(move |range| outer(source(range))),
    }
}

/// Names of parameters and of the columns of a result.
fn parameters(statement: &SyntaxNode) -> BTreeSet<Ident> {
    let lists = statement.children().filter(|n| matches!(n.kind(), PARAM_LIST | RET_TYPE));
    let names = lists.flat_map(|list| list.descendants().collect::<Vec<_>>());
    names.filter(|n| matches!(n.kind(), PARAM_NAME | COLUMN_NAME)).filter_map(|n| ident(&n)).collect()
}
