use super::*;

#[test]
fn dump() {
    std::fs::write("/tmp/yls/changelog.schema.json", text(&changelog_schema(&Custom::new()))).unwrap();
    std::fs::write("/tmp/yls/project.schema.json", text(&project_schema())).unwrap();
    std::fs::write("/tmp/yls/manifest.schema.json", text(&manifest_schema())).unwrap();
    let c = catalogue::Catalogue::new(&Custom::new());
    let mut s = String::new();
    for n in c.names() { s.push_str(&c.skeleton(n, 6).unwrap()); }
    std::fs::write("/tmp/yls/skel.yaml", s).unwrap();
}
