//! Where each node of a YAML file stands. Built only for files that have something to say.

use crate::base::PathSeg;
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle};
use std::collections::HashMap;
use std::ops::Range;

/// A node of the document with the bytes it covers.
#[derive(Debug)]
struct Node {
    span: Range<usize>,
    /// How a scalar is written.
    style: Option<ScalarStyle>,
    children: Children,
}

impl Node {
    /// Where the last scalar in it ends.
    fn last_end(&self) -> usize {
        match &self.children {
            Children::None => self.span.end,
            Children::Seq(list) => list.last().map_or(self.span.end, Node::last_end),
            Children::Map(entries) => entries.list.last().map_or(self.span.end, |(_, _, node)| node.last_end()),
        }
    }
}

#[derive(Debug)]
enum Children {
    None,
    Map(Entries),
    Seq(Vec<Node>),
}

/// The entries of a mapping; of a key that stands twice the first.
#[derive(Debug, Default)]
struct Entries {
    list: Vec<(String, Range<usize>, Node)>,
    by_key: HashMap<String, usize>,
}

impl Entries {
    fn get(&self, key: &str) -> Option<(&Range<usize>, &Node)> {
        self.by_key.get(key).map(|at| (&self.list[*at].1, &self.list[*at].2))
    }

    fn push(&mut self, key: String, span: Range<usize>, node: Node) {
        self.by_key.entry(key.clone()).or_insert(self.list.len());
        self.list.push((key, span, node));
    }
}

/// The positions of a file's nodes.
#[derive(Debug, Default)]
pub struct Spans {
    root: Option<Node>,
    duplicates: Vec<(String, Range<usize>, Range<usize>)>,
    error: Option<(Range<usize>, String)>,
    second: Option<Range<usize>>,
}

/// What is nested deeper is no file of ours, and would take the parser quadratic time.
const DEEPEST: usize = 128;

/// Open brackets from which on a text is looked at more closely.
const MANY_OPEN: usize = 1000;

/// Why a text is not given to the parser that makes values of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is nested too deeply, at this byte if that is known.
    Deep(usize),
    /// At this alias it expands to more than is read.
    Expands(Range<usize>),
    /// It is wrong at this byte, and what comes behind may be any of the above: the parsers do not agree on every text.
    Unreadable(usize, String),
}

impl Refusal {
    fn unreadable(e: &granit_parser::ScanError, text: &str) -> (usize, Self) {
        let at = e.marker().byte_offset().unwrap_or(0).min(text.len());
        (at, Self::Unreadable(at, e.info().to_owned()))
    }
}

/// Whether a text is nested too deeply to be parsed at all: brackets inside of brackets take
/// the YAML parser quadratic time. Costs nothing for texts that have not that many.
#[must_use]
pub fn too_deep(text: &str) -> Option<Refusal> {
    if most_open(text) < MANY_OPEN {
        return None;
    }
    let mut depth = 0usize;
    for next in Parser::new_from_str(text) {
        let (event, span) = match next {
            Ok(next) => next,
            // its own limit, met by tokens that it reads ahead
            Err(e) if matches!(e.kind(), ErrorKind::RecursionLimitExceeded) => {
                return Some(Refusal::Deep(e.marker().byte_offset().unwrap_or(0)));
            }
            Err(e) => {
                let (at, refusal) = Refusal::unreadable(&e, text);
                return (most_open(text.get(at..).unwrap_or(text)) >= MANY_OPEN).then_some(refusal);
            }
        };
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth -= 1,
            _ => {}
        }
        if depth > DEEPEST {
            return Some(Refusal::Deep(span.byte_range().map_or(0, |bytes| bytes.start)));
        }
    }
    None
}

/// The most brackets that are open at once, quoted or not.
fn most_open(text: &str) -> usize {
    let (mut open, mut most) = (0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => {
                open += 1;
                most = most.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// The most that scalars may come to, aliases filled in, in bytes; several times what a file
/// may have.
const EXPANDED: usize = 64 * 1024 * 1024;

/// Whether a text expands to more than is read. Each alias is a copy of what it
/// stands for, so that a few of them can make gigabytes of a small file.
#[must_use]
pub fn expands_too_far(text: &str) -> Option<Refusal> {
    if !text.contains('*') || !text.contains('&') {
        return None;
    }
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut total = 0usize;
    for next in Parser::new_from_str(text) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(e) => {
                let (at, refusal) = Refusal::unreadable(&e, text);
                return has_alias(&text.as_bytes()[at..]).then_some(refusal);
            }
        };
        match event {
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => open.push((anchor, total)),
            Event::SequenceEnd | Event::MappingEnd => {
                let (anchor, before) = open.pop()?;
                sizes.insert(anchor, total - before);
            }
            Event::Scalar(value, _, anchor, _) => {
                total = total.saturating_add(value.len());
                sizes.insert(anchor, value.len());
            }
            Event::Alias(anchor) => {
                total = total.saturating_add(sizes.get(&anchor).copied().unwrap_or(0));
                if total > EXPANDED {
                    return Some(Refusal::Expands(span.byte_range().unwrap_or(0..0)));
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether something looks like an alias.
fn has_alias(bytes: &[u8]) -> bool {
    let is_name = |b: &u8| !b.is_ascii_whitespace() && !matches!(b, b'*' | b')' | b',' | b';' | b'/' | b'\'' | b'"');
    bytes.windows(2).any(|pair| pair[0] == b'*' && is_name(&pair[1]))
}

/// A collection that is being read.
struct Open {
    start: usize,
    children: Children,
    key: Option<(String, Range<usize>)>,
}

impl Spans {
    /// Reads the positions; a file that is not YAML has those up to its error.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut spans = Self::default();
        let mut stack: Vec<Open> = Vec::new();
        for next in Parser::new_from_str(text) {
            let (event, span) = match next {
                Ok(next) => next,
                Err(e) => {
                    let at = e.marker().byte_offset().unwrap_or(0).min(text.len());
                    spans.error = Some((at..at, e.info().to_owned()));
                    break;
                }
            };
            if stack.len() > DEEPEST {
                break;
            }
            let bytes = span.byte_range().unwrap_or(0..0);
            match event {
                Event::SequenceStart(..) => {
                    stack.push(Open { start: bytes.start, children: Children::Seq(Vec::new()), key: None });
                }
                Event::MappingStart(..) => {
                    stack.push(Open { start: bytes.start, children: Children::Map(Entries::default()), key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some(open) = stack.pop() {
                        let node = Node { span: open.start..bytes.start, style: None, children: open.children };
                        spans.place(&mut stack, node, None);
                    }
                }
                Event::Scalar(value, style, ..) => {
                    let node = Node { span: bytes, style: Some(style), children: Children::None };
                    spans.place(&mut stack, node, Some(&value));
                }
                Event::Alias(_) => {
                    spans.place(&mut stack, Node { span: bytes, style: None, children: Children::None }, None);
                }
                Event::DocumentStart(..) if spans.root.is_some() => {
                    spans.second = Some(bytes);
                    break;
                }
                _ => {}
            }
        }
        spans
    }

    /// Puts a finished node where it belongs: a key, a value or an element.
    fn place(&mut self, stack: &mut [Open], node: Node, text: Option<&str>) {
        let Some(open) = stack.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut open.children {
            Children::Seq(list) => list.push(node),
            Children::Map(entries) => match open.key.take() {
                None => open.key = Some((text.unwrap_or_default().to_owned(), node.span)),
                Some((key, span)) => {
                    if let Some((first, _)) = entries.get(&key) {
                        self.duplicates.push((key.clone(), span.clone(), first.clone()));
                    }
                    entries.push(key, span, node);
                }
            },
            Children::None => {}
        }
    }

    /// The bytes of the node at `path`, or of the nearest one around it.
    #[must_use]
    pub fn find(&self, path: &[PathSeg], key: bool) -> Option<Range<usize>> {
        let mut node = self.root.as_ref()?;
        let mut key_span = None;
        for seg in path {
            let next = match (seg, &node.children) {
                (PathSeg::Key(name), Children::Map(entries)) => {
                    entries.get(name).map(|(span, n)| (Some(span.clone()), n))
                }
                (PathSeg::Index(i), Children::Seq(list)) => list.get(*i).map(|n| (None, n)),
                _ => None,
            };
            let Some((span, next)) = next else { return Some(self.first_of(node, key_span)) };
            key_span = span;
            node = next;
        }
        match key_span {
            Some(span) if key => Some(span),
            _ => Some(self.first_of(node, key_span)),
        }
    }

    /// Scalars as they are; of a collection its key or its first entry: a whole block under
    /// carets helps nobody.
    fn first_of(&self, node: &Node, key: Option<Range<usize>>) -> Range<usize> {
        match (&node.children, key) {
            (Children::None, _) if !node.span.is_empty() => node.span.clone(),
            (_, Some(key)) => key,
            (Children::Map(map), _) => map.list.first().map_or(node.span.clone(), |(_, span, _)| span.clone()),
            (Children::Seq(list), _) => list.first().map_or(node.span.clone(), |n| self.first_of(n, None)),
            (Children::None, None) => node.span.clone(),
        }
    }

    /// The bytes of a collection at `path`, and where its last entry ends; `None`: it has none.
    #[must_use]
    pub fn collection(&self, path: &[PathSeg]) -> Option<(Range<usize>, Option<usize>)> {
        let mut node = self.root.as_ref()?;
        for seg in path {
            node = match (seg, &node.children) {
                (PathSeg::Key(name), Children::Map(entries)) => entries.get(name)?.1,
                (PathSeg::Index(i), Children::Seq(list)) => list.get(*i)?,
                _ => return None,
            };
        }
        let last = match &node.children {
            Children::None => return None,
            Children::Seq(list) => list.last().map(Node::last_end),
            Children::Map(entries) => entries.list.last().map(|(_, _, node)| node.last_end()),
        };
        Some((node.span.clone(), last))
    }

    /// The scalar at `path`, and how it is written.
    #[must_use]
    pub fn scalar(&self, path: &[PathSeg]) -> Option<(Range<usize>, ScalarStyle)> {
        let mut node = self.root.as_ref();
        for seg in path {
            node = node.and_then(|n| match (seg, &n.children) {
                (PathSeg::Key(name), Children::Map(entries)) => entries.get(name).map(|(_, n)| n),
                (PathSeg::Index(i), Children::Seq(list)) => list.get(*i),
                // one value may stand for a list of one
                (PathSeg::Index(0), Children::None) => Some(n),
                _ => None,
            });
        }
        node.and_then(|n| Some((n.span.clone(), n.style?)))
    }

    /// Whether the scalar at `path` is written without quotes.
    #[must_use]
    pub fn is_plain(&self, path: &[PathSeg]) -> bool {
        self.scalar(path).is_some_and(|(_, style)| matches!(style, ScalarStyle::Plain))
    }

    /// Keys that stand twice in one mapping: the key, the second place, the first.
    pub fn duplicates(&self) -> impl Iterator<Item = (&str, &Range<usize>, &Range<usize>)> {
        self.duplicates.iter().map(|(key, second, first)| (key.as_str(), second, first))
    }

    /// Where a second document begins.
    #[must_use]
    pub fn second_document(&self) -> Option<&Range<usize>> {
        self.second.as_ref()
    }

    /// Why the file is not YAML, and where.
    #[must_use]
    pub fn error(&self) -> Option<&(Range<usize>, String)> {
        self.error.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(k: &str) -> PathSeg {
        PathSeg::Key(k.to_owned())
    }

    #[test]
    fn finds_keys_and_values() {
        let text = "a:\n  - b: één\n    c: [1, 22]\nd: \"x\"\n";
        let spans = Spans::of(text);
        let show = |path: &[PathSeg], k| spans.find(path, k).map(|s| text[s].to_owned()).unwrap();
        assert_eq!(show(&[key("a"), PathSeg::Index(0), key("b")], false), "één");
        assert_eq!(show(&[key("a"), PathSeg::Index(0), key("b")], true), "b");
        assert_eq!(show(&[key("a"), PathSeg::Index(0), key("c"), PathSeg::Index(1)], false), "22");
        assert_eq!(show(&[key("d")], false), "\"x\"");
        // what is not there: the nearest around it
        assert_eq!(show(&[key("a"), PathSeg::Index(0), key("zz")], false), "b");
        assert!(spans.is_plain(&[key("a"), PathSeg::Index(0), key("b")]));
        assert!(!spans.is_plain(&[key("d")]));
    }

    #[test]
    fn duplicates_are_at_the_second() {
        let text = "a: 1\nb: {c: 1, c: 2}\na: 3\n";
        let spans = Spans::of(text);
        let found: Vec<_> = spans.duplicates().map(|(k, s, f)| (k.to_owned(), s.start, f.start)).collect();
        assert_eq!(found, [("c".to_owned(), 15, 9), ("a".to_owned(), 21, 0)]);
    }
}
