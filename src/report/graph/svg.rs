//! The graph as a picture: SVG 1.1 without scripts or outside fonts, for light and dark
//! surroundings.

use super::layout::{Layout, Point, layout};
use super::{GraphNode, GraphView, Link};
use crate::base::text::{clip, line, width};
use crate::base::{Markup, count};
use crate::report::escape::markup;
use crate::report::plan::mark;
use crate::report::style::Tone;
use std::fmt::Write;

/// Pixels per column of the id's font (monospace, 13 px) and of the smaller ones.
const ID_COLUMN: f64 = 7.9;
const SMALL_COLUMN: f64 = 6.1;
/// Longer ids and descriptions are cut; the tooltip has the whole text.
const ID_COLUMNS: usize = 72;
const TEXT_COLUMNS: usize = 44;
const PADDING: f64 = 12.0;
const MARGIN: f64 = 16.0;
const LEGEND: f64 = 28.0;

/// Class names begin with `dg-`: inside of an HTML page the rules hold for the whole page.
pub const CSS: &str = "\
.dg-graph text{font-family:ui-sans-serif,system-ui,'Segoe UI','DejaVu Sans',Arial,sans-serif;font-size:11px;fill:#59636e}
.dg-graph .dg-id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px;font-weight:600;fill:#1f2328}
.dg-graph .dg-way{fill:none;stroke:#9aa4af;stroke-width:1.4}
.dg-graph .dg-soak{stroke-dasharray:5 4}
.dg-graph .dg-tip{fill:#9aa4af}
.dg-graph .dg-box{fill:#f6f8fa;stroke:#8c959f;stroke-width:1}
.dg-graph .dg-mark{fill:#8c959f}
.dg-graph .dg-lbl{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
.dg-good .dg-box{fill:#eefbf1;stroke:#4ac26b}.dg-good .dg-mark{fill:#2da44e}.dg-graph .dg-good .dg-state{fill:#1a7f37}
.dg-next .dg-box{fill:#eff7ff;stroke:#54aeff}.dg-next .dg-mark{fill:#0969da}.dg-graph .dg-next .dg-state{fill:#0969da}
.dg-warn .dg-box{fill:#fffbe6;stroke:#d4a72c}.dg-warn .dg-mark{fill:#bf8700}.dg-graph .dg-warn .dg-state{fill:#7d4e00}
.dg-bad .dg-box{fill:#fff1f0;stroke:#ff8182}.dg-bad .dg-mark{fill:#cf222e}.dg-graph .dg-bad .dg-state{fill:#cf222e}
@media (prefers-color-scheme:dark){
.dg-graph text{fill:#9198a1}
.dg-graph .dg-id{fill:#f0f6fc}
.dg-graph .dg-way{stroke:#656c76}
.dg-graph .dg-tip{fill:#656c76}
.dg-graph .dg-box{fill:#161b22;stroke:#57606a}
.dg-graph .dg-lbl{stroke:#0d1117}
.dg-good .dg-box{fill:#0f2417;stroke:#2ea043}.dg-graph .dg-good .dg-state{fill:#3fb950}
.dg-next .dg-box{fill:#0c2340;stroke:#388bfd}.dg-graph .dg-next .dg-state{fill:#58a6ff}
.dg-warn .dg-box{fill:#2b2107;stroke:#bb8009}.dg-graph .dg-warn .dg-state{fill:#d29922}
.dg-bad .dg-box{fill:#2d1214;stroke:#f85149}.dg-graph .dg-bad .dg-state{fill:#ff7b72}
}";

/// Which way a picture runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    Down,
}

/// A document that is wider than this runs from the top to the bottom, if it is narrower then.
const WIDE: f64 = 1600.0;

/// A complete document.
pub(super) fn render(graph: &GraphView) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", fragment(graph, WIDE))
}

/// The `svg` element alone, for an HTML page. It runs from left to right, and from top to bottom where it
/// would be wider than `fit` pixels and is narrower so.
pub(in crate::report) fn fragment(graph: &GraphView, fit: f64) -> String {
    drawn(graph, fit, None)
}

/// Where a changeset of a picture leads, by its id.
pub type Leads<'a> = Option<&'a dyn Fn(&str) -> String>;

/// The same for a page that has the style ([`CSS`]) already, with a link at every changeset.
#[must_use]
pub fn picture(graph: &GraphView, fit: f64, leads: &dyn Fn(&str) -> String) -> Markup {
    Markup::made(drawn(graph, fit, Some(leads)))
}

pub(in crate::report) fn drawn(graph: &GraphView, fit: f64, leads: Leads<'_>) -> String {
    let links = graph.links();
    let faces: Vec<Face> = graph.nodes.iter().map(Face::new).collect();
    let edges: Vec<(usize, usize)> = links.iter().map(|link| (link.needed, link.dependent)).collect();
    let (drawn, turn) = fitting(graph, &faces, &edges, fit);
    let legend = legend(&faces);
    let legend_width = legend.iter().map(|(.., state)| legend_item(state)).sum();
    let foot = if legend.is_empty() { 0.0 } else { LEGEND };
    let (wide, high) = (drawn.size.0.max(legend_width) + 2.0 * MARGIN, drawn.size.1 + foot + 2.0 * MARGIN);
    let mut out = String::new();
    // links inside of an image would not be reached by screen readers
    let (role, style) = match leads {
        None => ("img", format!("<style>\n{CSS}\n</style>\n")),
        Some(_) => ("group", String::new()),
    };
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"dg-graph\" role=\"{role}\" \
         aria-label=\"Graph of {}\" width=\"{wide:.0}\" height=\"{high:.0}\" \
         viewBox=\"0 0 {wide:.0} {high:.0}\">\n{style}\
         <g transform=\"translate({MARGIN:.0} {MARGIN:.0})\">\n",
        count(graph.nodes.len(), "changeset")
    );
    for trunk in &drawn.trunks {
        let _ = writeln!(out, "<path class=\"dg-way\" d=\"{}\"/>", path(trunk, turn));
    }
    for (link, way) in links.iter().zip(&drawn.ways) {
        write_link(&mut out, graph, link, way, turn);
    }
    for (i, face) in faces.iter().enumerate() {
        let node = &graph.nodes[i];
        if let Some(leads) = leads {
            let _ = write!(out, "<a href=\"{}\">", markup(&leads(&node.id)));
        }
        face.write(&mut out, drawn.boxes[i], node);
        if leads.is_some() {
            out.push_str("</a>\n");
        }
    }
    let mut x = 0.0;
    for (class, mark, state) in &legend {
        let y = drawn.size.1 + LEGEND - 6.0;
        let sign = match mark {
            Some(mark) => format!("<text class=\"dg-state\" x=\"{x:.1}\" y=\"{y:.1}\">{mark}</text>"),
            None => format!(
                "<rect class=\"dg-mark\" x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" rx=\"2\"/>",
                y - 9.0
            ),
        };
        let text = format!("<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>", x + 15.0, markup(state));
        let _ = writeln!(out, "<g class=\"{class}\">{sign}{text}</g>");
        x += legend_item(state);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn legend_item(state: &str) -> f64 {
    30.0 + width(state) as f64 * SMALL_COLUMN
}

/// The picture, in the direction in which it fits better.
fn fitting(graph: &GraphView, faces: &[Face], edges: &[(usize, usize)], fit: f64) -> (Layout, Way) {
    // steps of a plan stand where their waves are, as in its table
    let waves: Option<Vec<usize>> =
        graph.nodes.iter().map(|node| node.wave.and_then(|wave| usize::try_from(wave).ok()?.checked_sub(1))).collect();
    let waves = waves.filter(|waves| edges.iter().all(|(needed, dependent)| waves[*needed] < waves[*dependent]));
    let sizes: Vec<Point> = faces.iter().map(|face| face.size).collect();
    let right = layout(&sizes, edges, waves.clone());
    if right.size.0 <= fit {
        return (right, Way::Right);
    }
    let turned: Vec<Point> = sizes.iter().map(|(wide, high)| (*high, *wide)).collect();
    let down = layout(&turned, edges, waves).turned();
    if down.size.0 < right.size.0 { (down, Way::Down) } else { (right, Way::Right) }
}

fn write_link(out: &mut String, graph: &GraphView, link: &Link<'_>, way: &[Point], turn: Way) {
    let title = markup(&format!(
        "{} needs {}{}",
        graph.nodes[link.dependent].id,
        graph.nodes[link.needed].id,
        link.soak.map(|soak| format!(", applied for {soak}")).unwrap_or_default()
    ));
    let class = if link.soak.is_some() { "dg-way dg-soak" } else { "dg-way" };
    let _ = writeln!(out, "<path class=\"{class}\" d=\"{}\"><title>{title}</title></path>", path(way, turn));
    let Some(&(x, y)) = way.last() else { return };
    let (tip, anchor, at) = match turn {
        Way::Right => ("l-7 -3.5v7z", "end", (x - 10.0, y - 6.0)),
        Way::Down => ("l-3.5 -7h7z", "start", (x + 6.0, y - 10.0)),
    };
    let _ = writeln!(out, "<path class=\"dg-tip\" d=\"M{x:.1} {y:.1}{tip}\"/>");
    if let Some(soak) = link.soak {
        let _ = writeln!(
            out,
            "<text class=\"dg-lbl\" text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            at.0,
            at.1,
            markup(&clip(&line(soak), 12))
        );
    }
}

/// What stands in a box, and how large that makes it.
struct Face {
    id: String,
    text: Option<String>,
    state: Option<String>,
    /// The sign of a hazard, so that colour does not tell it alone.
    mark: Option<&'static str>,
    class: &'static str,
    size: Point,
}

impl Face {
    fn new(node: &GraphNode) -> Self {
        let id = clip(&line(&node.id), ID_COLUMNS).into_owned();
        let text = node.label.as_ref().map(|label| clip(&line(label), TEXT_COLUMNS).into_owned());
        let state = node.state.as_ref().map(|state| clip(&line(state), 30).into_owned());
        let mark = node.state.as_deref().and_then(mark);
        let beside = state
            .as_ref()
            .map_or(0.0, |state| 14.0 + (width(state) + mark.map_or(0, |mark| width(mark) + 1)) as f64 * SMALL_COLUMN);
        let first = width(&id) as f64 * ID_COLUMN + beside;
        let second = text.as_ref().map_or(0.0, |text| width(text) as f64 * SMALL_COLUMN);
        let size = (first.max(second) + 2.0 * PADDING + 4.0, if text.is_some() { 46.0 } else { 30.0 });
        Self { id, text, class: class(state.as_deref()), state, mark, size }
    }

    fn write(&self, out: &mut String, (x, y): Point, node: &GraphNode) {
        let (wide, high) = self.size;
        let _ = write!(
            out,
            "<g class=\"{}\" transform=\"translate({x:.1} {y:.1})\"><title>{}</title>\
             <rect class=\"dg-box\" width=\"{wide:.1}\" height=\"{high:.1}\" rx=\"6\"/>\
             <path class=\"dg-mark\" d=\"M6 .5H7V{:.1}H6A5.5 5.5 0 0 1 .5 {:.1}V6A5.5 5.5 0 0 1 6 .5z\"/>\
             <text class=\"dg-id\" x=\"{:.1}\" y=\"19.5\">{}</text>",
            self.class,
            markup(&node.tooltip()),
            high - 0.5,
            high - 6.0,
            PADDING + 4.0,
            markup(&self.id)
        );
        if let Some(state) = &self.state {
            let _ = write!(
                out,
                "<text class=\"dg-state\" text-anchor=\"end\" x=\"{:.1}\" y=\"19\">{}{}</text>",
                wide - PADDING,
                self.mark.map_or_else(String::new, |mark| format!("{mark} ")),
                markup(state)
            );
        }
        if let Some(text) = &self.text {
            let _ = write!(out, "<text x=\"{:.1}\" y=\"36\">{}</text>", PADDING + 4.0, markup(text));
        }
        out.push_str("</g>\n");
    }
}

fn class(state: Option<&str>) -> &'static str {
    match Tone::of_state(state.unwrap_or_default()) {
        Tone::Good => "dg-good",
        Tone::Next => "dg-next",
        Tone::Warn => "dg-warn",
        Tone::Bad => "dg-bad",
        Tone::Plain | Tone::Strong | Tone::Muted => "dg-plain",
    }
}

/// The states that occur, in the order of their first box.
fn legend(faces: &[Face]) -> Vec<(&'static str, Option<&'static str>, &str)> {
    let mut found: Vec<(&'static str, Option<&'static str>, &str)> = Vec::new();
    for face in faces {
        if let Some(state) = face.state.as_deref()
            && !found.iter().any(|(.., known)| *known == state)
        {
            found.push((face.class, face.mark, state));
        }
    }
    found
}

/// Straight within a pair of points, an S between pairs.
fn path(points: &[Point], turn: Way) -> String {
    if turn == Way::Down {
        return path_down(points);
    }
    let mut out = String::new();
    let mut last: Option<Point> = None;
    for &(x, y) in points {
        match last {
            None => {
                let _ = write!(out, "M{x:.1} {y:.1}");
            }
            Some((a, b)) if (b - y).abs() < 0.05 => {
                if (a - x).abs() >= 0.05 {
                    let _ = write!(out, "H{x:.1}");
                }
            }
            Some((a, b)) => {
                let bend = a + (x - a) / 2.0;
                let _ = write!(out, "C{bend:.1} {b:.1} {bend:.1} {y:.1} {x:.1} {y:.1}");
            }
        }
        last = Some((x, y));
    }
    out
}

fn path_down(points: &[Point]) -> String {
    let mut out = String::new();
    let mut last: Option<Point> = None;
    for &(x, y) in points {
        match last {
            None => {
                let _ = write!(out, "M{x:.1} {y:.1}");
            }
            Some((a, b)) if (a - x).abs() < 0.05 => {
                if (b - y).abs() >= 0.05 {
                    let _ = write!(out, "V{y:.1}");
                }
            }
            Some((a, b)) => {
                let bend = b + (y - b) / 2.0;
                let _ = write!(out, "C{a:.1} {bend:.1} {x:.1} {bend:.1} {x:.1} {y:.1}");
            }
        }
        last = Some((x, y));
    }
    out
}
