//! Why each edge of a graph is there.

use crate::pipeline::{Comparison, View};
use crate::report::{EdgeOrigin, GraphEdge, GraphView};
use std::collections::{HashMap, HashSet};

/// Notes at each edge why it is there, and adds those that the SQL needs and nobody declared.
pub fn explain(view: &View<'_>, comparison: &Comparison, picture: &mut GraphView) {
    let id = |position: usize| view.changelog.changesets[position].id.as_str();
    let mut objects: HashMap<(&str, &str), Vec<String>> = HashMap::new();
    for reason in &comparison.reasons {
        let named = objects.entry((id(reason.from), id(reason.to))).or_default();
        let object = reason.object.to_string();
        if !named.contains(&object) {
            named.push(object);
        }
    }
    let follows: HashMap<(&str, &str), &str> =
        comparison.redundant.iter().map(|(from, to, through)| ((id(*from), id(*to)), id(*through))).collect();
    let shown: HashSet<String> = picture.nodes.iter().map(|node| node.id.clone()).collect();
    for edge in &mut picture.edges {
        let ends = (edge.from.as_str(), edge.to.as_str());
        let named = objects.get(&ends).cloned().unwrap_or_default();
        let origin = if named.is_empty() { EdgeOrigin::Declared } else { EdgeOrigin::Both };
        let follows_from = follows.get(&ends).map(|through| (*through).to_owned());
        (edge.origin, edge.objects, edge.follows_from) = (Some(origin), named, follows_from);
    }
    for (from, to) in comparison.missing().map(|(from, to)| (id(from), id(to))) {
        if shown.contains(from) && shown.contains(to) {
            let objects = objects.get(&(from, to)).cloned().unwrap_or_default();
            let (from, to) = (from.to_owned(), to.to_owned());
            let origin = Some(EdgeOrigin::Found);
            picture.edges.push(GraphEdge { from, to, origin, objects, ..GraphEdge::default() });
        }
    }
}
