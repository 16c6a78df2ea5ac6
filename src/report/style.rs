//! Whether and how text is coloured.

use anstyle::{AnsiColor, Style as Ansi};

/// Whether text carries ANSI colours. The caller knows where it goes; plain by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    color: bool,
}

/// What a piece of text means; the colour follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading or a name.
    Strong,
    /// Less important.
    Muted,
    /// Done, harmless.
    Good,
    /// To come.
    Next,
    /// Look at it.
    Warn,
    /// Dangerous or failed.
    Bad,
}

impl Tone {
    /// The tone of a state or hazard, by its word. The word itself is always shown as
    /// well: colour never says anything alone.
    #[must_use]
    pub fn of_state(state: &str) -> Self {
        match state {
            "applied" | "done" | "succeeded" | "verified" | "baselined" => Tone::Good,
            "pending" | "running" | "resumed" | "next" => Tone::Next,
            "changed" | "waiting" | "held" | "skipped" | "drifted" | "partial" | "partly" | "edited"
            | "blocks writes" | "rewrites" | "may lock more" | "opaque SQL" => Tone::Warn,
            "failed" | "blocked" | "missing" | "loses data" | "cannot be undone" | "blocks reads and writes" => {
                Tone::Bad
            }
            _ => Tone::Plain,
        }
    }

    fn ansi(self) -> Ansi {
        match self {
            Tone::Plain => Ansi::new(),
            Tone::Strong => Ansi::new().bold(),
            Tone::Muted => Ansi::new().dimmed(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Next => AnsiColor::Cyan.on_default(),
            Tone::Warn => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
        }
    }
}

impl Style {
    /// Text without any escape sequence.
    pub const PLAIN: Style = Style { color: false };
    /// Text with ANSI colours.
    pub const COLOR: Style = Style { color: true };

    /// Coloured or not.
    #[must_use]
    pub const fn colored(on: bool) -> Self {
        Self { color: on }
    }

    /// Whether colours are on.
    #[must_use]
    pub const fn is_colored(self) -> bool {
        self.color
    }

    /// `text` in the colour of `tone`.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let ansi = tone.ansi();
        format!("{ansi}{text}{ansi:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_adds_nothing() {
        assert_eq!(Style::PLAIN.paint(Tone::Bad, "x"), "x");
        assert_eq!(Style::COLOR.paint(Tone::Bad, "x"), "\u{1b}[1m\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Style::COLOR.paint(Tone::Plain, "x"), "x");
    }
}
