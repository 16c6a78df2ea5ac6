//! Sample graphs, and what holds for all formats.

use super::*;

fn node(id: &str, label: &str, phase: &str, state: &str, wave: u32) -> GraphNode {
    GraphNode {
        id: id.to_owned(),
        label: Some(label.to_owned()),
        labels: vec!["core".to_owned()],
        phase: (!phase.is_empty()).then(|| phase.to_owned()),
        state: Some(state.to_owned()),
        wave: Some(wave),
    }
}

fn edge(from: &str, to: &str) -> GraphEdge {
    GraphEdge { from: from.to_owned(), to: to.to_owned(), ..GraphEdge::default() }
}

/// The history of the sample project, half applied.
pub(in crate::report) fn sample_graph() -> GraphView {
    let nodes = vec![
        node("001-platform-schema", "Organizations, projects, credentials", "", "applied", 1),
        node("002-billing", "Billing columns, subscriptions, invoices", "", "applied", 2),
        node("003-users-and-permissions", "Users, roles, members, permissions", "migrate", "applied", 3),
        node("004-first-organization", "The first organization with its projects", "", "excluded", 4),
        node("005-audit-logs", "Audit logs", "", "applied", 4),
        node("006-platform-databases", "A table of databases per project", "", "failed", 2),
        node("007-row-level-security", "Restrictive policies on the tenant tables", "", "blocked", 5),
        node("008-active-organization", "Remember which organization each user works in", "expand", "pending", 4),
        node("009-project-limits", "Limits of projects", "", "pending", 4),
        node("010-preferences-expand", "A table of user preferences", "expand", "applied", 4),
        node("010-preferences-copy", "Copy users.preferences_json in batches", "migrate", "pending", 5),
        node("010-preferences-contract", "Drop users.preferences_json", "contract", "waiting", 6),
    ];
    let mut edges = vec![
        edge("002-billing", "001-platform-schema"),
        edge("003-users-and-permissions", "001-platform-schema"),
        edge("003-users-and-permissions", "002-billing"),
        edge("004-first-organization", "003-users-and-permissions"),
        edge("005-audit-logs", "001-platform-schema"),
        edge("005-audit-logs", "003-users-and-permissions"),
        edge("006-platform-databases", "001-platform-schema"),
        edge("007-row-level-security", "003-users-and-permissions"),
        edge("007-row-level-security", "006-platform-databases"),
        edge("008-active-organization", "003-users-and-permissions"),
        edge("009-project-limits", "001-platform-schema"),
        edge("009-project-limits", "003-users-and-permissions"),
        edge("010-preferences-expand", "003-users-and-permissions"),
        edge("010-preferences-copy", "010-preferences-expand"),
    ];
    edges.push(GraphEdge { soak: Some("30d".to_owned()), ..edge("010-preferences-contract", "010-preferences-copy") });
    GraphView { nodes, edges }
}

/// Ids and descriptions that would break out of every format.
pub(in crate::report) fn hostile_graph() -> GraphView {
    let bad = "\"]; x --> y </title><script>alert('1')</script> | `b` #35; \\N \u{1b}[31m\n\n# 日本語 & ]]> \u{202e}";
    let nodes = vec![
        GraphNode {
            id: bad.to_owned(),
            label: Some(bad.to_owned()),
            state: Some(bad.to_owned()),
            ..GraphNode::default()
        },
        GraphNode { id: "x".repeat(300), label: Some("y".repeat(300)), ..GraphNode::default() },
        GraphNode { id: "same".to_owned(), ..GraphNode::default() },
        GraphNode { id: "same".to_owned(), ..GraphNode::default() },
        GraphNode {
            id: String::new(),
            labels: vec![bad.to_owned()],
            phase: Some(bad.to_owned()),
            ..GraphNode::default()
        },
    ];
    let edges = vec![
        GraphEdge { soak: Some(bad.to_owned()), ..edge("same", bad) },
        edge("same", "same"),
        edge("same", "not among the nodes"),
        edge(&"x".repeat(300), bad),
        edge(&"x".repeat(300), bad),
    ];
    GraphView { nodes, edges }
}

#[test]
fn every_file_is_a_format() {
    let mut files: Vec<String> = std::fs::read_dir("src/report/graph")
        .expect("runs in the crate's folder")
        .map(|e| e.expect("readable").path().file_stem().expect("a file").to_string_lossy().into_owned())
        .filter(|stem| !["mod", "tests", "layout", "view"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let mut names: Vec<&str> = GraphFormat::ALL.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    assert_eq!(files, names);
    assert!(GraphFormat::ALL.iter().all(|format| GraphFormat::find(format.name()) == Some(*format)));
}

#[test]
fn nothing_breaks_out() {
    let graph = hostile_graph();
    for format in GraphFormat::ALL {
        let text = format.render(&graph, GraphOptions::default()).plain();
        assert!(!text.contains(['\u{1b}', '\r']), "{format:?}");
        assert!(!text.contains('\u{202e}'), "{format:?}");
    }
    let svg = GraphFormat::Svg.render(&graph, GraphOptions::default()).plain();
    assert!(!svg.contains("<script") && !svg.contains("]]>"));
    let mermaid = GraphFormat::Mermaid.render(&graph, GraphOptions::default()).plain();
    // two quotes per label, and nothing in a label ends it
    assert!(mermaid.lines().all(|line| line.matches('"').count() % 2 == 0 && line.matches('"').count() <= 2));
    assert!(!mermaid.contains("<script") && !mermaid.contains('`'));
    let dot = GraphFormat::Dot.render(&graph, GraphOptions::default()).plain();
    assert!(dot.lines().all(|line| line.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2 == 0));
}

#[test]
fn nothing_is_drawn_as_nothing() {
    for format in GraphFormat::ALL {
        let text = format.render(&GraphView::default(), GraphOptions::default()).plain();
        assert_eq!(text.is_empty(), *format == GraphFormat::Tree, "{format:?}");
    }
}

#[test]
fn a_tree_shows_everything_once() {
    let graph = sample_graph();
    let text = GraphFormat::Tree.render(&graph, GraphOptions::default()).plain();
    for node in &graph.nodes {
        let label = node.label.as_deref().expect("has one");
        assert_eq!(text.matches(label).count(), 1, "{label}");
    }
    let ascii = GraphFormat::Tree.render(&graph, GraphOptions { ascii: true, ..GraphOptions::default() }).plain();
    assert!(ascii.is_ascii());
}

#[test]
fn a_tree_of_a_cycle_ends() {
    let nodes = ["a", "b"].map(|id| GraphNode { id: id.to_owned(), ..GraphNode::default() }).to_vec();
    let graph = GraphView { nodes, edges: vec![edge("a", "b"), edge("b", "a")] };
    assert_eq!(
        GraphFormat::Tree.render(&graph, GraphOptions::default()).plain(),
        "a\n↓ b\n└── a (*)\n\n\
         ↓ depends on the entry above it, at the same indentation\n\
         (*) already listed above, with its dependents\n"
    );
}

#[test]
fn long_chains_stay_narrow() {
    let nodes: Vec<GraphNode> =
        (0..5000).map(|i| GraphNode { id: format!("{i:04}"), ..GraphNode::default() }).collect();
    let edges = (1..5000).map(|i| edge(&format!("{i:04}"), &format!("{:04}", i - 1))).collect();
    let text = GraphFormat::Tree.render(&GraphView { nodes, edges }, GraphOptions::default()).plain();
    let tree: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(tree.iter().map(|line| crate::report::width(line)).max(), Some(6));
    assert_eq!(tree.len(), 5000);
}

#[test]
fn descriptions_do_not_leave_the_terminal() {
    let graph = sample_graph();
    for limit in [30, 60, 80] {
        let options = GraphOptions { limit: Some(limit), ..GraphOptions::default() };
        let text = GraphFormat::Tree.render(&graph, options).plain();
        let tree = text.lines().take_while(|line| !line.is_empty());
        for line in tree.filter(|line| line.contains("  ") && line.ends_with('…')) {
            assert!(crate::report::width(line) <= limit, "{limit}: {line}");
        }
        assert!(text.contains('…') || limit == 30, "{limit}: {text}");
    }
}
