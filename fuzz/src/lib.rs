//! What must hold for any input, one function for each fuzz target. The tests of the crate run them on `fuzz/seeds`.

use dagmar::base::{Diagnostics, FileId, PathSeg, Place};
use dagmar::plan::{sealed::Sealed, stored};
use dagmar::serve::exchange::{Head, Peer};
use dagmar::serve::who::address;
use dagmar::serve::who::oidc::{jwt::Jwt, verify::Key};
use dagmar::serve::who::token::Token;
use dagmar::serve::who::tokens::TokenFile;
use dagmar::source::edit::{NewDependencies, with_dependencies};
use dagmar::source::{Document, SourceFile, SourceSet, Variables, yaml as source_yaml};
use dagmar::sql::{self, Objects};
use serde_json::Value;
use std::ops::Range;

/// The splitter: nothing of the text is lost, and what is split is split in the same way again.
pub fn split(text: &str) {
    let pieces = match sql::split(text) {
        Ok(pieces) => pieces,
        Err(error) => {
            assert!(text.is_char_boundary(error.offset) && !error.message.is_empty() && !error.help.is_empty());
            return;
        }
    };
    let of_segments: Vec<_> = sql::split_segments(text).into_iter().flatten().flatten().collect();
    assert_eq!(of_segments, pieces);
    let mut at = 0;
    for piece in &pieces {
        assert_eq!(&text[piece.start..piece.end], piece.text);
        assert_nothing_between(&text[at..piece.start]);
        at = piece.end;
        let again = sql::split(piece.text).unwrap_or_else(|error| panic!("{:?}: {}", piece.text, error.message));
        assert_eq!(again.iter().map(|p| p.text).collect::<Vec<_>>(), [piece.text]);
        assert!(!sql::ends_in_comment(piece.text), "{:?}", piece.text);
    }
    assert_nothing_between(&text[at..]);
    let joined = pieces.iter().map(|piece| piece.text).collect::<Vec<_>>().join(";\n");
    let again = sql::split(&joined).unwrap_or_else(|error| panic!("{joined:?}: {}", error.message));
    assert_eq!(again.iter().map(|p| p.text).collect::<Vec<_>>(), pieces.iter().map(|p| p.text).collect::<Vec<_>>());
    let coloured: String = sql::highlight::pieces(text).into_iter().map(|(_, part)| part).collect();
    assert_eq!(coloured, text);
}

/// Between statements there are comments, semicolons and white space.
fn assert_nothing_between(text: &str) {
    assert!(sql::split(text).is_ok_and(|pieces| pieces.is_empty()), "{text:?}");
}

/// The knowledge of statements: white space and comments around them change nothing, and places are in the text.
pub fn knowledge(text: &str) {
    let Ok(pieces) = sql::split(text) else { return };
    // a segment ends a statement for the splitter, and is a comment for the parser
    let whole = sql::objects(text).filter(|_| !text.contains(sql::SEGMENT_MARK));
    whole.iter().for_each(|objects| assert_in_text(objects, text));
    for piece in &pieces {
        statement(piece.text);
        // a part says no more than the whole, except about temporary tables and settings before it
        if let (Some(whole), Some(part)) = (&whole, sql::objects(piece.text))
            && whole.mistakes.is_empty()
            && part.mistakes.is_empty()
        {
            for mention in &part.mentions {
                let is_same = |other: &&sql::Mention| {
                    (&other.object, other.how, other.lookup) == (&mention.object, mention.how, mention.lookup)
                };
                assert!(whole.mentions.iter().any(|other| is_same(&other)), "{:?} of {:?}", mention, piece.text);
            }
        }
    }
}

fn statement(text: &str) {
    let surrounded = format!("\n /* a; 'b */ -- c\n\t{text} \n-- d\n");
    let facts = sql::facts(text);
    assert_eq!(facts, sql::facts(&surrounded), "{text:?}");
    let json = serde_json::to_string(&facts).expect("facts are JSON");
    assert_eq!(facts, serde_json::from_str(&json).expect("facts are read again"));
    if !text.contains(['\'', '"', '$', '\\']) && text.is_ascii() {
        assert_eq!(facts, sql::facts(&text.to_ascii_uppercase()), "{text:?}");
    }
    assert_eq!(sql::touches(text), sql::touches(&surrounded), "{text:?}");
    assert_eq!(sql::is_opaque(text), sql::is_opaque(&surrounded), "{text:?}");
    assert_eq!(sql::since(text), sql::since(&surrounded), "{text:?}");
    assert_eq!(sql::has_password(text), sql::has_password(&surrounded), "{text:?}");
    for found in [sql::forbidden(text), sql::doubtful(text)].into_iter().flatten() {
        assert_range(&found.at, text);
    }
    assert_eq!(sql::forbidden(text).is_some(), sql::forbidden(&surrounded).is_some(), "{text:?}");
    let (actions, violations) = sql::review(text);
    actions.iter().for_each(|action| assert_range(&action.at, text));
    violations.iter().for_each(|violation| assert_range(&violation.at, text));
    let bound = sql::parameters(text);
    assert_eq!(bound.is_empty(), sql::first_parameter(text).is_none(), "{text:?}");
    let _ = (sql::batch_fault(text), sql::command(text), sql::shape(text, 100), sql::gist(text), sql::brackets(text));
    if let Ok(parts) = sql::secret::parts(text) {
        let _ = (parts, sql::secret::fill(text, &|_| Ok("'")));
    }
    if let Some(plain) = sql::without_concurrently(text) {
        assert!(sql::facts(&plain).outside.is_none() || sql::without_concurrently(&plain).is_none(), "{text:?}");
    }
}

fn assert_in_text(objects: &Objects, text: &str) {
    let mentions = objects.mentions.iter().map(|mention| &mention.at);
    let columns = objects.columns.iter().map(|column| &column.at);
    let unknown = objects.unknown.iter().map(|unknown| &unknown.at);
    let mistakes = objects.mistakes.iter().map(|mistake| &mistake.at);
    mentions.chain(columns).chain(unknown).chain(mistakes).for_each(|at| assert_range(at, text));
}

fn assert_range(at: &Range<usize>, text: &str) {
    assert!(text.get(at.clone()).is_some(), "{at:?} of {text:?}");
}

/// Reading YAML: both readers say the same, each text is found in the file, and an added dependency changes nothing
/// else.
pub fn yaml(text: &str) {
    let file = FileId(0);
    let (mut problems, mut of_tree) = (Diagnostics::default(), Diagnostics::default());
    let document = source_yaml::document(file, text, &mut problems);
    let tree = source_yaml::parse(file, text, &mut of_tree);
    let messages = |problems: &Diagnostics| problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>();
    assert_eq!(messages(&problems), messages(&of_tree));
    assert_eq!(document, tree.clone().map(Document::from));
    let mut sources = SourceSet::default();
    sources.add(SourceFile::new("plans/a.yaml".to_owned(), text.to_owned()));
    let _ = sources.locate(problems);
    let Some(tree) = tree else { return };
    let source = sources.get(file);
    // an alias stands for a text that is somewhere else; the parsers do not agree on every text (`{?a: b}` has the key `a`
    // or `?a`), nor on the line breaks of YAML 1.1
    if !text.contains(['*', '&', '!', '?', '\u{85}', '\u{2028}', '\u{2029}']) && source.spans().error().is_none() {
        assert_found(&tree, &mut Vec::new(), source);
    }
    let entries = tree.get("changesets").and_then(Value::as_array).map_or(0, Vec::len);
    for n in 0..entries.min(3) {
        let path = vec![PathSeg::Key("changesets".to_owned()), PathSeg::Index(n)];
        let new = [NewDependencies { path, ids: vec!["new/1".to_owned(), "010".to_owned()] }];
        let Some(edited) = with_dependencies(source, &new) else { continue };
        let same = text.bytes().zip(edited.bytes()).take_while(|(a, b)| a == b).count();
        let behind = text.bytes().rev().zip(edited.bytes().rev()).take_while(|(a, b)| a == b).count();
        assert!(same + behind >= text.len(), "{edited:?}");
        let mut problems = Diagnostics::default();
        assert!(source_yaml::parse(file, &edited, &mut problems).is_some(), "{edited:?}");
    }
}

fn assert_found(value: &Value, path: &mut Vec<PathSeg>, source: &SourceFile) {
    match value {
        Value::String(value) => {
            let place = Place::value(FileId(0), path.clone());
            let whole = source.find(&place).unwrap_or_else(|| panic!("{path:?} of {:?}", source.text));
            assert_range(&whole, &source.text);
            for (at, c) in value.char_indices().filter(|(_, c)| c.is_alphanumeric()).take(50) {
                let bytes = source.find(&place.clone().within(at..at + c.len_utf8())).expect("a part of it");
                let written = source.text[bytes].chars().next();
                assert!(written == Some(c) || written == Some('\\'), "{c} of {value:?} in {:?}", source.text);
            }
        }
        Value::Array(list) => {
            for (n, item) in list.iter().enumerate() {
                path.push(PathSeg::Index(n));
                assert_found(item, path, source);
                path.pop();
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                path.push(PathSeg::Key(key.clone()));
                assert_found(item, path, source);
                path.pop();
            }
        }
        _ => {}
    }
}

/// A file of changesets through all stages without a database: errors, or a plan in every format.
pub fn project(text: &str) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).expect("a file can be written");
    std::fs::create_dir(folder.path().join("plans")).expect("a folder can be made");
    write("dagmar.yaml", "variables: { schema: app, soak: 0s }\n");
    write("plans/a.yaml", text);
    write("a.sql", "CREATE TABLE app.t (id bigint PRIMARY KEY)");
    let workspace = dagmar::pipeline::Workspace::open(folder.path()).expect("the folder is a project");
    let variables = Variables::default();
    let environment = workspace.loaded.config.environment_list.first().map_or("", |(name, _)| name.as_str());
    let Ok(view) = workspace.view(environment, &variables) else { return };
    if let Ok(checked) = view.check() {
        let _ = view.problems(&checked, None);
    }
    let _ = view.lint(None);
    let _ = view.plan(&dagmar::history::History::default(), &[]);
}

/// What ledgers and files hold: what can be read is written in the same way again.
pub fn stored(text: &str) {
    if let Ok(rollback) = stored::read_rollback(text) {
        let written = stored::rollback(&rollback).expect("it is JSON");
        assert_eq!(stored::read_rollback(&written).as_ref(), Ok(&rollback), "{written}");
    }
    let _ = stored::read_forward(text);
    if let Ok(plan) = Sealed::read(text) {
        assert_eq!(plan.text(), text);
    }
}

/// A token or a file of tokens: a text has one meaning, and a file that is read is written as one that reads the same.
pub fn token(text: &str) {
    if let Some(token) = Token::read(text) {
        assert_eq!(token.text.expose(), text);
        assert!(text.starts_with(&format!("dgm_{}_", token.id)) && text.len() == 77, "{text}");
    }
    if let Ok(file) = TokenFile::read(text.as_bytes(), 0) {
        let written = file.text();
        let again = TokenFile::read(written.as_bytes(), 0).unwrap_or_else(|why| panic!("{why}: {written}"));
        assert_eq!(again.text(), written);
        assert!(Token::new().is_none_or(|token| file.find(&token).is_none()));
    }
}

/// A token of an issuer on the first line, a set of keys behind it: what is signed is what was sent, and no key that
/// nobody has signed anything with accepts it.
pub fn jwt(text: &str) {
    let (token, keys) = text.split_once('\n').unwrap_or((text, ""));
    let (jwt, keys) = (Jwt::read(token), Key::all(keys.as_bytes()).unwrap_or_default());
    let Some(jwt) = jwt else { return };
    assert!(token.as_bytes().starts_with(jwt.signed) && token.matches('.').count() == 2, "{token}");
    for key in &keys {
        assert!(key.fits(&jwt) || !key.has_signed(&jwt), "{token}");
    }
}

/// The addresses that proxies name, one header on each line: strangers name none, and a proxy only one that is there.
pub fn forwarded(text: &str) {
    let head = Head::of(text.lines().map(|line| ("x-forwarded-for", line.as_bytes())));
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
    let (proxy, stranger) = (Peer::at("10.0.0.1".parse().ok()), Peer::at("203.0.113.9".parse().ok()));
    assert_eq!(address::client(&head, stranger, &trusted), stranger);
    let client = address::client(&head, proxy, &trusted);
    assert!(client.is_proxied && client.address.is_some());
    if client.address != proxy.address {
        let last = text.lines().flat_map(|line| line.split(',')).next_back().map(|hop| hop.trim_matches([' ', '\t']));
        let is_address = |hop: &str| hop.contains(['.', ':']);
        assert!(last.is_some_and(is_address), "{text}");
    }
}
