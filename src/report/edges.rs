//! The edges of a graph with their reasons, for people.

use super::graph::{EdgeOrigin, GraphEdge, GraphView};
use super::lines::Text;
use super::style::Tone;
use super::table::{Cell, Table};

/// Objects that are named of an edge.
const MOST_OBJECTS: usize = 3;

/// A table of the edges: why each is there, and which objects it is for.
#[must_use]
pub fn edges(graph: &GraphView, limit: Option<usize>) -> Text {
    let mut table = Table::new(&["CHANGESET", "DEPENDS ON", "WHY", "OBJECTS"]);
    for edge in &graph.edges {
        let origin = edge.origin.unwrap_or(EdgeOrigin::Declared);
        let tone = if origin == EdgeOrigin::Found { Tone::Bad } else { Tone::Plain };
        let mut why = origin.words().to_owned();
        why.extend(edge.follows_from.as_ref().map(|other| format!("; follows from {other}")));
        why.extend(edge.soak.as_ref().map(|soak| format!("; after {soak}")));
        table.row([Cell::from(&edge.from), Cell::from(&edge.to), Cell::new(why, tone), Cell::from(objects(edge))]);
    }
    table.text(limit)
}

fn objects(edge: &GraphEdge) -> String {
    let named: Vec<&str> = edge.objects.iter().take(MOST_OBJECTS).map(String::as_str).collect();
    match edge.objects.len().saturating_sub(MOST_OBJECTS) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
