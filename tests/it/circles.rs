//! No two files import each other in a circle: each can be read with only those that it names.
//!
//! A file imports another one when it names something that is defined there, in a `use` or in a path
//! where it is needed. A name that its module only re-exports belongs to the file that defines it, so
//! that a `mod.rs` which declares and re-exports is part of no circle; `use super::*` of a parent is
//! looked up name by name. Code of tests is left out.

use crate::support::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};

type Module = Vec<String>;

/// What one file has to do with others.
#[derive(Default)]
struct File {
    path: String,
    /// The modules that it declares.
    children: BTreeSet<String>,
    /// What it defines.
    items: BTreeSet<String>,
    /// What it imports, by the name that it has here; `*` for all of a module.
    imports: Vec<(Module, String)>,
    /// Those of them that it exports again.
    exports: Vec<(Module, String)>,
    /// Paths outside of `use`.
    paths: BTreeSet<Module>,
}

fn module(path: &str) -> Module {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Module = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// `a::{b, c::{d, e as f}}` to `a::b`, `a::c::d`, `a::c::e as f`.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, inside)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inside = &inside[..inside.rfind('}').unwrap()];
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(expand).map(|part| format!("{before}{part}")).collect()
}

/// The identifiers and signs of a text; comments, strings and characters are left out.
fn tokens(code: &str) -> Vec<String> {
    let mut out = Vec::new();
    let chars: Vec<char> = code.chars().collect();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let rest = |n: usize| chars.get(at + n).copied().unwrap_or(' ');
        if c == '/' && rest(1) == '/' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c == 'r' && (rest(1) == '"' || rest(1) == '#' && matches!(rest(2), '#' | '"')) {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            at += hashes + 2;
            while at < chars.len()
                && !(chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes)
            {
                at += 1;
            }
            at += hashes + 1;
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' && (rest(1) == '\\' || rest(2) == '\'') {
            at += if rest(1) == '\\' { 3 } else { 2 };
            while at < chars.len() && chars[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else if word(c) {
            let start = at;
            while at < chars.len() && word(chars[at]) {
                at += 1;
            }
            out.push(chars[start..at].iter().collect());
        } else {
            at += 1;
            if c == ':' && chars.get(at) == Some(&':') {
                out.push("::".to_owned());
                at += 1;
            } else if !c.is_whitespace() {
                out.push(c.to_string());
            }
        }
    }
    out
}

const DEFINES: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules"];

fn read(source: &Source) -> File {
    let toks = tokens(&source.code);
    let mut file = File { path: source.path.clone(), ..File::default() };
    let (mut at, mut public) = (0, false);
    while at < toks.len() {
        let next = |n: usize| toks.get(at + n).map_or("", String::as_str);
        match next(0) {
            "pub" => {
                public = true;
                // pub(in crate::there): a path that imports nothing
                at += if next(1) == "(" { toks[at..].iter().position(|t| t == ")").unwrap() } else { 0 } + 1;
                continue;
            }
            "use" => {
                let end = at + toks[at..].iter().position(|t| t == ";").unwrap();
                let tree = toks[at + 1..end].iter().map(|t| if t == "as" { " as " } else { t }).collect::<String>();
                for import in expand(&tree) {
                    let (path, name) = import.split_once(" as ").map_or((import.as_str(), None), |(p, n)| (p, Some(n)));
                    let mut path: Module = path.split("::").map(str::to_owned).collect();
                    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                        path.pop();
                    }
                    let name = name.map_or_else(|| path.last().unwrap().clone(), str::to_owned);
                    if public {
                        file.exports.push((path.clone(), name.clone()));
                    } else {
                        file.imports.push((path, name));
                    }
                }
                at = end;
            }
            "mod" if next(2) == ";" => {
                file.children.insert(next(1).to_owned());
            }
            word if DEFINES.contains(&word) => {
                let name = if next(1) == "!" { next(2) } else { next(1) };
                file.items.insert(name.to_owned());
            }
            _ if next(1) == "::" && (at == 0 || toks[at - 1] != "::") => {
                let mut path = vec![next(0).to_owned()];
                while next(2 * path.len() - 1) == "::" && next(2 * path.len()).starts_with(|c: char| c.is_alphabetic())
                {
                    path.push(next(2 * path.len()).to_owned());
                }
                file.paths.insert(path);
            }
            _ => {}
        }
        public = false;
        at += 1;
    }
    file
}

struct Files(BTreeMap<Module, File>);

impl Files {
    /// A path from the root of the crate; `None`: it is of another crate, or of the file itself.
    fn absolute(&self, path: &[String], here: &Module) -> Option<Module> {
        let mut base = here.clone();
        let mut rest = path;
        match rest[0].as_str() {
            "crate" => return Some(rest[1..].to_vec()),
            "self" | "super" => {}
            first if self.0[here].children.contains(first) => {}
            _ => return None,
        }
        while let Some(word @ ("self" | "super")) = rest.first().map(String::as_str) {
            if word == "super" {
                base.pop();
            }
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The file that defines what stands at a path, through all that export it again.
    fn home(&self, path: &[String], seen: &mut BTreeSet<Module>) -> Option<Module> {
        let depth = (0..=path.len()).rev().find(|n| self.0.contains_key(&path[..*n]))?;
        let (module, rest) = (path[..depth].to_vec(), &path[depth..]);
        let file = &self.0[&module];
        let Some(name) = rest.first().filter(|name| !file.items.contains(*name)) else { return Some(module) };
        if !seen.insert(path.to_vec()) {
            return None;
        }
        let known = || file.exports.iter().chain(&file.imports);
        for (from, _) in known().filter(|(_, known)| known == name) {
            if let Some(mut there) = self.absolute(from, &module) {
                there.extend_from_slice(&rest[1..]);
                return self.home(&there, seen);
            }
        }
        for (from, _) in known().filter(|(_, known)| known == "*") {
            if let Some(mut there) = self.absolute(from, &module) {
                there.pop();
                there.extend_from_slice(rest);
                let home = self.home(&there, seen).filter(|home| self.0[home].items.contains(name));
                if home.is_some() {
                    return home;
                }
            }
        }
        Some(module)
    }

    /// The files that a file imports.
    fn imported(&self, module: &Module) -> BTreeSet<Module> {
        let file = &self.0[module];
        let mut named: Vec<Module> = Vec::new();
        let mut bound: BTreeMap<&str, Module> = BTreeMap::new();
        for (path, name) in &file.imports {
            let Some(path) = self.absolute(path, module) else { continue };
            // what is used of a module is in the paths
            if !self.0.contains_key(&path) && name != "*" {
                named.push(path.clone());
            }
            bound.insert(name, path);
        }
        for path in &file.paths {
            let there = self.absolute(path, module).or_else(|| {
                let mut there = bound.get(path[0].as_str())?.clone();
                there.extend_from_slice(&path[1..]);
                Some(there)
            });
            named.extend(there);
        }
        let homes = named.iter().filter_map(|path| self.home(path, &mut BTreeSet::new()));
        homes.filter(|home| home != module).collect()
    }
}

/// The files that can reach each other, of more than one file.
fn circles(graph: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<BTreeSet<Module>> {
    let reach = |from: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = open.pop() {
            open.extend(graph[&module].iter().filter(|next| seen.insert((*next).clone())).cloned());
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = graph.keys().map(|module| (module, reach(module))).collect();
    let mut found: Vec<BTreeSet<Module>> = Vec::new();
    for (module, there) in &reached {
        if there.contains(*module) && !found.iter().any(|circle| circle.contains(*module)) {
            found.push(there.iter().filter(|other| reached[other].contains(*module)).cloned().collect());
        }
    }
    found
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files = Files(sources().iter().map(|source| (module(&source.path), read(source))).collect());
    let graph = files.0.keys().map(|module| (module.clone(), files.imported(module))).collect();
    let mut wrong = Vec::new();
    for circle in circles(&graph) {
        for module in &circle {
            let (path, inside) = (&files.0[module].path, graph[module].intersection(&circle));
            let others: Vec<&str> = inside.map(|other| files.0[other].path.as_str()).collect();
            wrong.push(format!("{path} imports {}", others.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "files that import each other in a circle: {wrong:#?}");
}

#[test]
fn circles_are_seen_through_what_is_exported_again() {
    let source =
        |path: &str, code: &str| Source { path: path.to_owned(), part: String::new(), code: code.to_owned(), lines: 0 };
    let all = |list: &[(&str, &str)]| {
        let list: Vec<Source> = list.iter().map(|(path, code)| source(path, code)).collect();
        let files = Files(list.iter().map(|s| (module(&s.path), read(s))).collect());
        let graph = files.0.keys().map(|module| (module.clone(), files.imported(module))).collect();
        let names = |circle: BTreeSet<Module>| circle.iter().map(|m| m.join("::")).collect::<Vec<_>>().join(" ");
        circles(&graph).into_iter().map(names).collect::<Vec<_>>()
    };
    let lib = ("src/lib.rs", "mod a;");
    // declared and exported again only: the file that defines is what counts
    let plain = [
        lib,
        ("src/a/mod.rs", "mod b;\nmod c;\npub use b::{B, other as O};\npub use c::*;"),
        ("src/a/b.rs", "use super::C;\npub struct B(C);\npub fn other() {}"),
        ("src/a/c.rs", "pub struct C; // crate::a::b::B\nconst TEXT: &str = \"crate::a::b::B\";"),
    ];
    assert_eq!(all(&plain), Vec::<String>::new());
    let circle = [plain[0], plain[1], plain[2], ("src/a/c.rs", "pub struct C;\npub fn f() { super::O() }")];
    assert_eq!(all(&circle), ["a::b a::c"]);
    // a parent that uses what it declares, and whose own things its child uses
    let parent = [
        lib,
        ("src/a/mod.rs", "mod b;\npub struct A;\npub fn f() { b::go() }"),
        ("src/a/b.rs", "pub fn go(_: super::A) {}"),
    ];
    assert_eq!(all(&parent), ["a a::b"]);
    let module = [
        lib,
        ("src/a/mod.rs", "mod b;\nmod c;"),
        ("src/a/b.rs", "use crate::a::c;\npub fn f() { c::g() }"),
        ("src/a/c.rs", "use crate::a::b::f;\npub fn g() { f() }"),
    ];
    assert_eq!(all(&module), ["a::b a::c"]);
}
