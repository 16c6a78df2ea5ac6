//! Sealed plans that somebody edits.

use dagmar::base::checksum::sha256_hex;

/// A plan file edited by somebody who computes its digest anew, as anybody can.
pub fn resealed(text: &str, from: &str, to: &str) -> String {
    let edited = text.replace(from, to);
    assert_ne!(edited, text, "{from}");
    let begin = "{\"content\":".len();
    let end = edited.rfind(",\"digest\":\"p1:").unwrap();
    let digest = sha256_hex(&edited.as_bytes()[begin..end]);
    let rest = end + ",\"digest\":\"p1:".len();
    format!("{}{digest}{}", &edited[..rest], &edited[rest + digest.len()..])
}
