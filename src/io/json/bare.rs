use std::borrow::Cow;

/// The words Stan's reader takes for numbers that JSON has no notation for.
const WORDS: [&str; 5] = ["-Infinity", "Infinity", "-Inf", "Inf", "NaN"];

/// A text whose bare words for special numbers stand in quotes, so that it is JSON.
pub(super) struct Quoted<'a> {
    text: Cow<'a, str>,
    marks: Vec<Mark>,
}

/// Line and columns (from 1, of the quoted text) of one pair of added quotes.
struct Mark {
    line: usize,
    open: usize,
    close: usize,
}

impl Quoted<'_> {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Maps a column of the quoted text to that of the original one; an added quote maps to the end of the word it is at.
    pub(super) fn original_column(&self, line: usize, column: usize) -> usize {
        let here = self.marks.iter().filter(|mark| mark.line == line);
        let added: usize = here.map(|m| usize::from(m.open < column) + usize::from(m.close <= column)).sum();
        column - added
    }
}

/// Quotes the bare words outside strings; keys and parts of longer words are left to the JSON reader to refuse.
pub(super) fn quote(text: &str) -> Quoted<'_> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut marks = Vec::new();
    let (mut line, mut line_start, mut copied) = (1, 0, 0);
    let mut added_in_line = 0;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'\n' => {
                line += 1;
                line_start = at + 1;
                added_in_line = 0;
            }
            b'-' | b'I' | b'N' => {
                if let Some(word) = word_at(bytes, at) {
                    out.push_str(&text[copied..at]);
                    out.push('"');
                    out.push_str(word);
                    out.push('"');
                    let open = at - line_start + added_in_line + 1;
                    marks.push(Mark { line, open, close: open + word.len() + 1 });
                    added_in_line += 2;
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if marks.is_empty() {
        return Quoted { text: Cow::Borrowed(text), marks };
    }
    out.push_str(&text[copied..]);
    Quoted { text: Cow::Owned(out), marks }
}

/// The index after the string that opens at `at`. A newline ends it too: JSON strings have none, so it is a broken one.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn word_at(bytes: &[u8], at: usize) -> Option<&'static str> {
    let part_of_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'+' | b'-') || !b.is_ascii();
    if at > 0 && part_of_word(&bytes[at - 1]) {
        return None;
    }
    let word = WORDS.into_iter().find(|word| bytes[at..].starts_with(word.as_bytes()))?;
    let rest = &bytes[at + word.len()..];
    let next = rest.iter().find(|b| !b.is_ascii_whitespace());
    (!rest.first().is_some_and(part_of_word) && next != Some(&b':')).then_some(word)
}
