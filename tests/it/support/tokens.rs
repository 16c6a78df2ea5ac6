//! Files of tokens, made as `dagmar token` makes them.

use super::project::Project;
use dagmar::base::Role;
use dagmar::serve::who::tokens::{TokenEntry, TokenFile};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A point in time in 2026.
pub const NOW: i64 = 1_790_000_000_000;

/// The tokens of a project.
#[derive(Default)]
pub struct Tokens {
    pub file: TokenFile,
}

impl Tokens {
    /// Adds a token of one role; the header that shows it.
    pub fn add(&mut self, name: &str, roles: &[Role], change: impl Fn(&mut TokenEntry)) -> String {
        let text = self.file.add(NOW, |token| {
            let mut entry = TokenEntry::new(token, name, roles.to_vec(), NOW, "test@test".to_owned());
            change(&mut entry);
            entry
        });
        format!("Authorization: Bearer {}\r\n", text.unwrap().expose())
    }

    /// Writes the file, as another one in the place of the one before.
    pub fn write(&self, project: &Project) {
        let path = project.path().join("tokens.json");
        let new = project.path().join("tokens.new");
        fs::write(&new, self.file.text()).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, path).unwrap();
    }
}
