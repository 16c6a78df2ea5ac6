//! One pass over a syntax tree that notes every name of an object.

use super::name::{child, ident, is_under, qualified_name};
use super::object::{Lookup, Mention, Object, Objects, Unknown};
use super::scope::{Item, Scope};
use crate::base::{Ident, QualifiedName};
use crate::effects::{Access, ObjectClass};
use rowan::TextRange;
use squawk_syntax::{
    SyntaxKind::{self, *},
    SyntaxNode,
};
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

/// What holds for all statements of a text, or of a body.
#[derive(Clone)]
pub(super) struct Context {
    pub lookup: Lookup,
    pub guarded: bool,
    /// Variables and parameters, which are no columns.
    pub hidden: BTreeSet<Ident>,
    /// The schema of names without one, where the function itself says it.
    pub schema: Option<Ident>,
    /// The bytes of the whole text that a node stands for.
    pub bytes: Rc<dyn Fn(TextRange) -> Range<usize>>,
}

impl Context {
    /// That of a text by itself.
    pub fn of_text() -> Self {
        let bytes = |range: TextRange| usize::from(range.start())..usize::from(range.end());
        Self { lookup: Lookup::Statement, guarded: false, hidden: BTreeSet::new(), schema: None, bytes: Rc::new(bytes) }
    }
}

pub(super) struct Walk<'o> {
    pub statement: SyntaxNode,
    pub objects: &'o mut Objects,
    pub context: Context,
    /// Names of `WITH` queries.
    pub ctes: BTreeSet<Ident>,
    /// The object that the statement is about: renamed names, indexes and columns belong to it.
    pub subject: Option<QualifiedName>,
    /// What INSERT, UPDATE or MERGE changes.
    pub target: Option<QualifiedName>,
    /// Whether it runs the functions that it calls.
    pub runs: bool,
    pub scope: Scope,
    /// Whether it begins with CREATE.
    pub is_create: bool,
    if_exists: bool,
    if_not_exists: bool,
    is_remark: bool,
}

/// Notes what the statements below a node say.
pub(super) fn statements(root: &SyntaxNode, objects: &mut Objects, context: &Context) {
    for statement in root.children() {
        Walk::new(&statement, objects, context.clone()).all();
    }
}

/// Statements that describe an object; what they call is called later.
fn is_definition(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        CREATE_TABLE
            | CREATE_FOREIGN_TABLE
            | CREATE_VIEW
            | CREATE_INDEX
            | CREATE_DOMAIN
            | CREATE_TRIGGER
            | CREATE_EVENT_TRIGGER
            | CREATE_POLICY
            | CREATE_RULE
            | CREATE_FUNCTION
            | CREATE_PROCEDURE
            | CREATE_STATISTICS
            | ALTER_TABLE
            | ALTER_FOREIGN_TABLE
            | ALTER_DOMAIN
            | ALTER_POLICY
    )
}

/// Statements that leave all definitions as they are.
fn is_remark(statement: &SyntaxNode) -> bool {
    matches!(statement.kind(), COMMENT_ON | GRANT | REVOKE | SECURITY_LABEL | ALTER_DEFAULT_PRIVILEGES)
        || child(statement, &[OWNER_TO]).is_some()
}

impl<'o> Walk<'o> {
    pub fn new(statement: &SyntaxNode, objects: &'o mut Objects, context: Context) -> Self {
        let ctes = statement.descendants().filter(|n| n.kind() == CTE_NAME).filter_map(|n| ident(&n)).collect();
        let mut walk = Self {
            statement: statement.clone(),
            objects,
            context,
            ctes,
            subject: None,
            target: None,
            runs: !is_definition(statement.kind()),
            scope: Scope::default(),
            is_create: statement.first_token().is_some_and(|first| first.kind() == CREATE_KW),
            if_exists: child(statement, &[IF_EXISTS]).is_some(),
            if_not_exists: child(statement, &[IF_NOT_EXISTS]).is_some(),
            is_remark: is_remark(statement),
        };
        walk.subject = walk.find_subject();
        if let Some(subject) = &walk.subject {
            match statement.kind() {
                CREATE_TABLE | ALTER_TABLE | CREATE_INDEX | CREATE_POLICY | ALTER_POLICY => {
                    walk.scope.push(vec![Item::of(subject)]);
                }
                CREATE_TRIGGER | CREATE_RULE => {
                    walk.scope.push(vec![Item::named("new", subject), Item::named("old", subject)]);
                }
                _ => {}
            }
        }
        walk
    }

    fn find_subject(&self) -> Option<QualifiedName> {
        let made = match self.statement.kind() {
            CREATE_TABLE | CREATE_FOREIGN_TABLE => Some(TABLE_NAME),
            CREATE_TYPE => Some(TYPE_NAME),
            CREATE_DOMAIN => Some(DOMAIN),
            _ => None,
        };
        let found = self.statement.descendants().find(|n| match made {
            Some(kind) => n.kind() == kind,
            None => {
                matches!(n.kind(), TABLE_NAME_REF | VIEW_REF | INDEX_REF | SEQUENCE_REF)
                    || matches!(n.kind(), TYPE_NAME_REF | DOMAIN_REF | FUNCTION_NAME_REF | RELATION_NAME_REF)
            }
        })?;
        Some(self.in_schema(qualified_name(&found)?))
    }

    /// A name with the schema that the function around it looks into.
    pub(super) fn in_schema(&self, name: QualifiedName) -> QualifiedName {
        QualifiedName { schema: name.schema.or_else(|| self.context.schema.clone()), name: name.name }
    }

    pub fn qualified(&self, node: &SyntaxNode) -> Option<QualifiedName> {
        qualified_name(node).map(|name| self.in_schema(name))
    }

    /// Notes all names.
    pub fn all(&mut self) {
        let kind = self.statement.kind();
        let is_schema_with_all = kind == DROP_SCHEMA && child(&self.statement, &[CASCADE]).is_some();
        if is_schema_with_all
            || matches!(kind, DO | CALL | EXECUTE | IMPORT_FOREIGN_SCHEMA | REASSIGN | DROP_OWNED | ERROR)
        {
            self.runs_code();
        }
        self.visit(&self.statement.clone());
        if matches!(kind, GRANT | REVOKE) {
            self.privileges();
        }
        if matches!(kind, CREATE_FUNCTION | CREATE_PROCEDURE | DO) {
            self.bodies();
        }
        if kind == SET || kind == RESET {
            self.settings();
        }
    }

    /// Notes all names of a body, which is no statement itself.
    pub fn visit_all(&mut self) {
        self.visit(&self.statement.clone());
    }

    pub fn runs_code(&mut self) {
        self.objects.runs_code |= self.context.lookup == Lookup::Statement;
    }

    pub fn unknown(&mut self, what: &'static str, node: &SyntaxNode) {
        let at = (self.context.bytes)(node.text_range());
        self.objects.unknown.push(Unknown { what, lookup: self.context.lookup, at });
    }

    pub fn note(&mut self, object: Object, class: ObjectClass, how: Access, node: &SyntaxNode) {
        let guarded = self.context.guarded
            || !self.is_create && self.if_exists
            || how == Access::Create && self.is_create && self.if_not_exists
            || node.parent().is_some_and(|parent| {
                matches!(parent.kind(), ADD_COLUMN | DROP_COLUMN | DROP_CONSTRAINT | ADD_VALUE)
                    && child(&parent, &[IF_EXISTS, IF_NOT_EXISTS]).is_some()
            });
        let mention = Mention {
            object,
            class,
            how,
            lookup: self.context.lookup,
            guarded,
            defines: !self.is_remark,
            calls: false,
            adds: node.parent().is_some_and(|parent| parent.kind() == ADD_COLUMN),
            at: (self.context.bytes)(node.text_range()),
        };
        self.objects.mentions.push(mention);
    }

    pub(super) fn relation_noted(&mut self, class: ObjectClass, name: QualifiedName, how: Access, node: &SyntaxNode) {
        self.note(Object::Relation(name), class, how, node);
    }

    /// Visits what is below a node.
    pub fn below(&mut self, node: &SyntaxNode) {
        for child in node.children() {
            self.visit(&child);
        }
    }

    pub fn visit(&mut self, node: &SyntaxNode) {
        match node.kind() {
            SELECT | SELECT_INTO | PLPGSQL_EXPR => self.query(node),
            INSERT => self.insert(node),
            UPDATE | DELETE | MERGE => self.change(node),
            EXECUTE => {
                self.unknown("EXECUTE of a prepared statement", node);
                self.runs_code();
            }
            CALL => {
                self.runs_code();
                self.below(node);
            }
            IMPORT_FOREIGN_SCHEMA => self.unknown("IMPORT FOREIGN SCHEMA", node),
            CALL_EXPR => self.call(node),
            CAST_EXPR => self.cast(node),
            NAMED_ARG => node.children().filter(|n| n.kind() != PARAM_NAME_REF).for_each(|n| self.visit(&n)),
            NAME_REF => self.loose_column(node),
            FIELD_EXPR => self.field(node),
            PERCENT_TYPE => self.percent_type(node),
            PLPGSQL_PERCENT_ROWTYPE => {
                if let Some(name) = child(node, &[PATH_REF]).and_then(|path| self.qualified(&path)) {
                    self.relation_noted(ObjectClass::Table, name, Access::Read, node);
                }
            }
            PLPGSQL_DYN_EXECUTE_STMT
            | PLPGSQL_RETURN_QUERY_EXECUTE_STMT
            | PLPGSQL_FOR_DYN_STMT
            | PLPGSQL_OPEN_EXECUTE => {
                self.dynamic(node);
            }
            PLPGSQL_IF_STMT
            | PLPGSQL_CASE_STMT
            | PLPGSQL_LOOP_STMT
            | PLPGSQL_WHILE_STMT
            | PLPGSQL_FOR_I_STMT
            | PLPGSQL_FOR_QUERY_STMT
            | PLPGSQL_FOR_CURSOR_STMT
            | PLPGSQL_FOR_EACH_STMT => self.branch(node),
            PLPGSQL_BODY => self.body(node),
            PLPGSQL_VAR_DECL => self.variable(node),
            PLPGSQL_BLOCK if child(node, &[PLPGSQL_EXCEPTION_SECTION]).is_some() => self.branch(node),
            PLPGSQL_VAR_NAME_REF | PLPGSQL_INTO_CLAUSE => {}
            PATH_TYPE => {
                self.path_type(node);
                self.below(node);
            }
            OBJECT_COLUMN | QUALIFIED_COLUMN_NAME_REF => self.qualified_column(node),
            COLUMN | ADD_COLUMN => self.column(node),
            COMPOSITE_FIELD | COMPOSITE_FIELD_REF => self.attribute(node),
            COLUMN_NAME_REF => self.column_ref(node),
            COLUMN_NAME if node.parent().is_some_and(|p| p.kind() == RENAME_COLUMN) => {
                self.of_subject(node, Object::Column, Access::Create);
            }
            CONSTRAINT_NAME => {
                self.of_subject(node, Object::Constraint, Access::Create);
                self.index_of(node);
            }
            CONSTRAINT_NAME_REF => {
                let how =
                    if is_under(node, &[DROP_CONSTRAINT, RENAME_CONSTRAINT]) { Access::Drop } else { Access::Read };
                self.of_subject(node, Object::Constraint, how);
            }
            TRIGGER => self.of_subject(node, Object::Trigger, Access::Create),
            TRIGGER_REF => self.of_subject(node, Object::Trigger, self.drop_or_read(DROP_TRIGGER)),
            POLICY => self.of_subject(node, Object::Policy, Access::Create),
            POLICY_REF => self.of_subject(node, Object::Policy, self.drop_or_read(DROP_POLICY)),
            RULE => self.of_subject(node, Object::Rule, Access::Create),
            RULE_REF => self.of_subject(node, Object::Rule, self.drop_or_read(DROP_RULE)),
            ENUM_TYPE | ADD_VALUE | RENAME_VALUE => self.enum_values(node),
            TABLE_NAME => self.made(ObjectClass::Table, node),
            VIEW => self.made(ObjectClass::View, node),
            INDEX => self.index(node),
            SEQUENCE => self.made(ObjectClass::Sequence, node),
            FUNCTION_NAME | PROCEDURE_NAME | AGGREGATE_NAME | ROUTINE_NAME => self.made(ObjectClass::Function, node),
            TYPE_NAME | DOMAIN => self.made(ObjectClass::Type, node),
            SCHEMA => self.made(ObjectClass::Schema, node),
            EXTENSION => self.made(ObjectClass::Extension, node),
            STATISTICS | STATISTICS_REF => self.statistics(node),
            ROLE => self.made(ObjectClass::Role, node),
            TABLE_NAME_REF | RELATION_NAME_REF => self.relation(node),
            VIEW_REF => self.used(ObjectClass::View, node),
            INDEX_REF => self.used(ObjectClass::Index, node),
            SEQUENCE_REF => self.used(ObjectClass::Sequence, node),
            FUNCTION_NAME_REF | PROCEDURE_NAME_REF | ROUTINE_NAME_REF => self.used(ObjectClass::Function, node),
            TYPE_NAME_REF | DOMAIN_REF => self.used(ObjectClass::Type, node),
            SCHEMA_REF => self.used(ObjectClass::Schema, node),
            EXTENSION_REF => self.used(ObjectClass::Extension, node),
            ROLE_REF => self.role(node),
            SET_SCHEMA => {
                self.moved(node);
                self.below(node);
            }
            INHERITS | PARTITION_OF | LIKE_CLAUSE => {
                self.open();
                self.below(node);
            }
            CREATE_TABLE_AS | CREATE_VIEW | CREATE_MATERIALIZED_VIEW => {
                self.open();
                self.below(node);
            }
            ERROR => self.unknown("SQL that cannot be read", node),
            _ => self.below(node),
        }
    }

    /// A part that may not run, or whose failure is caught.
    fn branch(&mut self, node: &SyntaxNode) {
        let before = std::mem::replace(&mut self.context.guarded, true);
        self.below(node);
        self.context.guarded = before;
    }

    /// A variable: its type is looked up when the function is created, its first value when it is called.
    fn variable(&mut self, node: &SyntaxNode) {
        for part in node.children() {
            let before = self.context.lookup;
            if part.kind() != PLPGSQL_VAR_INIT && before == Lookup::Call {
                self.context.lookup = Lookup::Creation;
            }
            self.visit(&part);
            self.context.lookup = before;
        }
    }

    /// Statements of PL/pgSQL: behind one that may return, the others may not run.
    fn body(&mut self, node: &SyntaxNode) {
        let before = self.context.guarded;
        for statement in node.children() {
            self.visit(&statement);
            let may_return = matches!(statement.kind(), PLPGSQL_IF_STMT | PLPGSQL_CASE_STMT)
                && statement.descendants().any(|n| n.kind() == PLPGSQL_RETURN_STMT);
            self.context.guarded |= may_return;
        }
        self.context.guarded = before;
    }

    fn drop_or_read(&self, drop: SyntaxKind) -> Access {
        if self.statement.kind() == drop { Access::Drop } else { Access::Read }
    }

    /// An object that belongs to the subject: a column, constraint, trigger …
    pub fn of_subject(&mut self, node: &SyntaxNode, make: fn(QualifiedName, Ident) -> Object, how: Access) {
        if let (Some(subject), Some(name)) = (self.subject.clone(), ident(node)) {
            self.note(make(subject, name), ObjectClass::Table, how, node);
        }
    }

    /// The columns of what is created are not all in the text.
    fn open(&mut self) {
        let made = child(&self.statement, &[TABLE_NAME, VIEW]).and_then(|node| self.qualified(&node));
        self.objects.open.extend(made);
    }
}
