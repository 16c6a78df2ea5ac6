//! Lines of comma-separated values, by RFC 4180, for programs and spreadsheets.

use crate::base::text::printable;

/// What a spreadsheet takes for the beginning of a formula, also in East Asian width.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// One line with its end. What a terminal would act on is harmless; a field that a spreadsheet would
/// calculate gets an apostrophe in front, by which spreadsheets know text.
#[must_use]
pub fn line(fields: &[&str]) -> String {
    format!("{}\r\n", fields.iter().map(|text| field(text)).collect::<Vec<_>>().join(","))
}

fn field(text: &str) -> String {
    let text = match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    let text = printable(&text);
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(line(&["a b", "", "c,d", "e\"f", "g\nh"]), "a b,,\"c,d\",\"e\"\"f\",\"g\nh\"\r\n");
    }

    #[test]
    fn a_spreadsheet_calculates_nothing() {
        for begin in ["=", "+", "-", "@", "\t", "＝"] {
            assert_eq!(line(&[&format!("{begin}A1")]), format!("'{begin}A1\r\n"), "{begin:?}");
        }
        assert_eq!(line(&["=HYPERLINK(\"x\",\"y\")"]), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n");
        assert_eq!(line(&["\r=1", "\n=1"]), "'␍=1,\"'\n=1\"\r\n");
        // within a text they are nothing
        assert_eq!(line(&["a=1", "2026-03-01"]), "a=1,2026-03-01\r\n");
    }

    #[test]
    fn a_terminal_that_shows_it_does_nothing() {
        assert_eq!(line(&["\u{1b}[2J\u{202e}"]), "␛[2J�\r\n");
    }
}
