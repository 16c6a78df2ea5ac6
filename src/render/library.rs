//! The templates that are built in, and how a template's text is divided into sections.

/// Pieces that several templates share: name and text.
pub const PARTIALS: &[(&str, &str)] = &[
    ("column", include_str!("../../templates/partials/column.hbs")),
    ("columnOnline", include_str!("../../templates/partials/column_online.hbs")),
    ("constraintName", include_str!("../../templates/partials/constraint_name.hbs")),
    ("createIndex", include_str!("../../templates/partials/create_index.hbs")),
    ("deferrable", include_str!("../../templates/partials/deferrable.hbs")),
    ("foreignKeyActions", include_str!("../../templates/partials/foreign_key_actions.hbs")),
    ("insertValues", include_str!("../../templates/partials/insert_values.hbs")),
    ("afterCursor", include_str!("../../templates/partials/after_cursor.hbs")),
    ("keyColumns", include_str!("../../templates/partials/key_columns.hbs")),
];

/// The text of a template by its marker lines, each with the line it starts after.
#[derive(Debug, Default)]
pub struct Sections {
    /// After `-- forward`.
    pub forward: Option<(usize, String)>,
    /// After `-- rollback`.
    pub rollback: Option<(usize, String)>,
}

impl Sections {
    /// Divides a template.
    ///
    /// # Errors
    /// The line and what is wrong: text before the first marker, a marker that is there
    /// twice, no `-- forward`.
    pub fn split(text: &str) -> Result<Self, (usize, String)> {
        let mut sections = Self::default();
        let mut open: Option<&str> = None;
        for (i, line) in text.lines().enumerate() {
            let slot = match line.trim_end() {
                "-- forward" => &mut sections.forward,
                "-- rollback" => &mut sections.rollback,
                other => {
                    let body = match open {
                        Some("forward") => sections.forward.as_mut(),
                        Some(_) => sections.rollback.as_mut(),
                        None => None,
                    };
                    match body {
                        Some((_, body)) => {
                            body.push_str(line);
                            body.push('\n');
                        }
                        None if other.is_empty() || is_comment(other) => {}
                        None => {
                            return Err((i + 1, "text before the line `-- forward`".to_owned()));
                        }
                    }
                    continue;
                }
            };
            if slot.is_some() {
                return Err((i + 1, format!("the line `{}` occurs twice", line.trim_end())));
            }
            *slot = Some((i + 1, String::new()));
            open = Some(if line.trim_end() == "-- forward" { "forward" } else { "rollback" });
        }
        if sections.forward.is_none() {
            return Err((1, "the line `-- forward` is missing".to_owned()));
        }
        Ok(sections)
    }
}

/// A handlebars comment on a line of its own may explain the template before its sections.
fn is_comment(line: &str) -> bool {
    line.starts_with("{{!") && line.ends_with("}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_know_their_lines() {
        let s = Sections::split("{{! why }}\n-- forward\na\nb\n-- rollback\nc\n").unwrap();
        assert_eq!(s.forward, Some((2, "a\nb\n".to_owned())));
        assert_eq!(s.rollback, Some((5, "c\n".to_owned())));
    }

    #[test]
    fn malformed_markers_are_named() {
        assert_eq!(Sections::split("x\n-- forward\n").unwrap_err().0, 1);
        assert_eq!(Sections::split("-- forward\n-- forward\n").unwrap_err().0, 2);
        assert!(Sections::split("").unwrap_err().1.contains("missing"));
    }

    #[test]
    fn every_partial_is_registered() {
        let files = std::fs::read_dir("templates/partials").unwrap().count();
        assert_eq!(files, PARTIALS.len());
    }
}
