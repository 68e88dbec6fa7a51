//! Text from outside, made harmless before it reaches a terminal or a report.

/// The text without control characters: a subject's strings must not move a reader's cursor.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn escape_codes_lose_their_escape() {
        assert_eq!(harmless("a\u{1b}[31mb"), "a\u{FFFD}[31mb");
    }
}
