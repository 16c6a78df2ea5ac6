//! The first line of a changelog, which tells editors its schema.

use crate::source::load::Loaded;
use std::path::{Component, Path};

/// The folder of the schemas, in a project.
pub const FOLDER: &str = "schema";

/// The file that a changelog's first line names.
pub const CHANGELOG: &str = "changelog.schema.json";

/// The line for a file in this folder of the project, with an empty one below; empty if the project has no schemas.
pub fn schema_line(loaded: &Loaded, folder: &str) -> String {
    if !loaded.root.join(FOLDER).join(CHANGELOG).is_file() {
        return String::new();
    }
    let depth = Path::new(folder).components().filter(|c| matches!(c, Component::Normal(_))).count();
    let up = "../".repeat(depth);
    format!("# yaml-language-server: $schema={up}{FOLDER}/{CHANGELOG}\n\n")
}
