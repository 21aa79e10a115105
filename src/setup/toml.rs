//! Edits TOML files that users write by hand: sets or removes one table, and leaves every other byte as it is. Parses
//! only as much of TOML as is needed to find each table.

use serde_json::{Map, Value};
use std::ops::Range;

/// The end of the message for a text that cannot be changed safely.
const BY_HAND: &str = "correct it first, or edit it by hand.";

/// One statement of the file: a table's header, or a key with its value.
struct Statement {
    /// Its byte range, without the line break after it.
    place: Range<usize>,
    /// The key names, starting at the root.
    path: Vec<String>,
    /// Whether it is the header of a table.
    is_header: bool,
}

/// The text with the table `[key.name]` set to `value`. An existing table is replaced together with its subtables.
///
/// # Errors
/// The text is not valid TOML, or the table is written in a way that cannot be changed safely: a sentence.
pub fn set(text: &str, key: &str, name: &str, value: &Map<String, Value>) -> Result<String, String> {
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let table = table(key, name, value).replace('\n', line_break);
    match find(text, key, name)? {
        Some(old) => Ok(format!("{}{}{}", &text[..old.start], table.trim_end(), &text[old.end..])),
        None if text.trim().is_empty() => Ok(format!("{text}{table}")),
        None => Ok(format!("{}{line_break}{line_break}{table}", text.trim_end())),
    }
}

/// The text without that table and its subtables; `None` if there is no such table.
///
/// # Errors
/// Like [`set`].
pub fn remove(text: &str, key: &str, name: &str) -> Result<Option<String>, String> {
    Ok(find(text, key, name)?.map(|old| {
        let before = text[..old.start].trim_end();
        let after = text[old.end..].trim_start();
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        match (before.is_empty(), after.is_empty()) {
            (true, _) => after.to_owned(),
            (false, true) => format!("{before}{line_break}"),
            (false, false) => format!("{before}{line_break}{line_break}{after}"),
        }
    }))
}

/// A table as text: its header, and a line for each value.
#[must_use]
pub fn table(key: &str, name: &str, value: &Map<String, Value>) -> String {
    let mut text = format!("[{key}.{name}]\n");
    for (name, value) in value {
        // TOML uses the same escapes in strings as JSON.
        text += &format!("{name} = {value}\n");
    }
    text
}

/// The byte range of the table: from its header to the end of its last statement, subtables included.
fn find(text: &str, key: &str, name: &str) -> Result<Option<Range<usize>>, String> {
    let statements = statements(text).ok_or_else(|| format!("It is not valid TOML; {BY_HAND}"))?;
    let wanted = [key.to_owned(), name.to_owned()];
    let below = |statement: &&Statement| statement.path.starts_with(&wanted);
    if statements.iter().any(|one| !one.is_header && one.path == wanted[..1]) {
        return Err(format!("`{key}` in it is not a separate table; {BY_HAND}"));
    }
    let Some(first) = statements.iter().position(|one| below(&one)) else { return Ok(None) };
    let block: Vec<&Statement> = statements[first..].iter().take_while(below).collect();
    let all = statements.iter().filter(below).count();
    match block.last() {
        Some(last) if statements[first].is_header && all == block.len() => {
            Ok(Some(statements[first].place.start..last.place.end))
        }
        _ => Err(format!("`{key}.{name}` in it is defined in several places or without a header; {BY_HAND}")),
    }
}

/// The statements of a text in their order; `None` if it is not valid TOML.
fn statements(text: &str) -> Option<Vec<Statement>> {
    let mut reader = Reader { text, at: 0 };
    let (mut table, mut found) = (Vec::new(), Vec::new());
    if text.starts_with('\u{feff}') {
        reader.at = 3;
    }
    loop {
        reader.skip_blank(true);
        let start = reader.at;
        let Some(first) = reader.next() else { return Some(found) };
        let is_header = first == b'[';
        let path = if is_header {
            let brackets = if reader.text[start..].starts_with("[[") { 2 } else { 1 };
            reader.at += brackets;
            table = reader.key()?;
            let close = &"]]"[..brackets];
            reader.text[reader.at..].starts_with(close).then_some(())?;
            reader.at += brackets;
            table.clone()
        } else {
            let key = reader.key()?;
            (reader.next()? == b'=').then_some(())?;
            reader.at += 1;
            reader.value()?;
            [&table[..], &key].concat()
        };
        found.push(Statement { place: start..reader.at, path, is_header });
        reader.skip_blank(false);
        (matches!(reader.next(), None | Some(b'\n'))).then_some(())?;
    }
}

/// A position in a text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips blanks and comments, and if `breaks` is set also line breaks.
    fn skip_blank(&mut self, breaks: bool) {
        while let Some(byte) = self.next() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' if breaks => self.at += 1,
                b'#' => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Reads a key, which may be dotted and have quoted names.
    fn key(&mut self) -> Option<Vec<String>> {
        let mut names = Vec::new();
        loop {
            self.skip_blank(false);
            let start = self.at;
            let quote = self.next().filter(|byte| matches!(byte, b'"' | b'\''));
            let name = if quote.is_some() {
                self.string()?;
                &self.text[start + 1..self.at - 1]
            } else {
                let rest = &self.text[start..];
                let bare = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
                self.at += rest.find(|letter| !bare(letter)).unwrap_or(rest.len());
                &self.text[start..self.at]
            };
            // Names with escapes are not supported.
            if (name.is_empty() && quote.is_none()) || (quote == Some(b'"') && name.contains('\\')) {
                return None;
            }
            names.push(name.to_owned());
            self.skip_blank(false);
            if self.next() != Some(b'.') {
                return Some(names);
            }
            self.at += 1;
        }
    }

    /// Skips a value: up to the end of the line, unless an array or inline table is still open there.
    fn value(&mut self) -> Option<()> {
        let (mut depth, mut end) = (0_usize, None);
        loop {
            self.skip_blank(0 < depth);
            match self.next() {
                None | Some(b'\n') => {
                    self.at = end.filter(|_| depth == 0)?;
                    return Some(());
                }
                Some(b'"' | b'\'') => self.string()?,
                Some(byte) => {
                    match byte {
                        b'[' | b'{' => depth += 1,
                        b']' | b'}' => depth = depth.checked_sub(1)?,
                        _ => {}
                    }
                    self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
                }
            }
            end = Some(self.at);
        }
    }

    /// Skips a string of any of the four kinds.
    fn string(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote))?;
        let mut at = self.at + quote.len();
        loop {
            let rest = self.text.get(at..)?;
            let letter = rest.chars().next()?;
            if rest.starts_with(quote) {
                at += quote.len();
                // A multi-line string may end with up to two quotes before the closing three.
                let more = self.text[at..].bytes().take_while(|byte| quote.as_bytes()[0] == *byte).count();
                self.at = at + if quote.len() == 3 { more.min(2) } else { 0 };
                return Some(());
            }
            if letter == '\n' && quote.len() == 1 {
                return None;
            }
            at += letter.len_utf8();
            if letter == '\\' && quote.starts_with('"') {
                at += self.text.get(at..)?.chars().next()?.len_utf8();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn put(text: &str) -> Result<String, String> {
        let value = json!({"command": "C:\\a \"b\"", "args": ["x"]});
        set(text, "servers", "p", value.as_object().unwrap())
    }

    const ENTRY: &str = "[servers.p]\ncommand = \"C:\\\\a \\\"b\\\"\"\nargs = [\"x\"]\n";

    #[test]
    fn a_table_is_added_or_replaced_and_every_other_byte_stays() {
        let other = "# mine\na = 1 # one\nb = [\n  [1, 2], # [servers.p]\n  [\"]\"],\n]\ns = \"\"\"\n[servers.p]\n\\\"\"\"\"\"\n[servers.\"o.o\"]\nc = 'x\\'\n";
        for (text, expected) in [
            ("", ENTRY.to_owned()),
            (other, format!("{other}\n{ENTRY}")),
            ("a = 1", format!("a = 1\n\n{ENTRY}")),
            (
                "[servers.p]\ncommand = \"old\"\n\n[servers.p.env]\nX = '''\n[y]'''\n\n# next\n[z]\n",
                format!("{ENTRY}\n# next\n[z]\n"),
            ),
            ("[ servers . 'p' ] # ours\nx = { a = [1,\n2] }", ENTRY.trim_end().to_owned()),
            (
                "[z]\r\ny = 2\r\n",
                format!("[z]\n y = 2\n\n{ENTRY}").replace("\n ", "\n").replace('\n', "\r\n"),
            ),
            ("[[servers.q]]\na = 1\n", format!("[[servers.q]]\na = 1\n\n{ENTRY}")),
        ] {
            let after = put(text).unwrap();
            assert_eq!(after, expected, "{text}");
            assert_eq!(put(&after).unwrap(), after, "a second time changes nothing");
        }
    }

    #[test]
    fn a_table_is_removed_with_what_is_below_it() {
        for (text, expected) in [
            ("[servers.p]\na = 1\n", Some("")),
            ("x = 1\n\n[servers.p]\na = 1\n[servers.p.env]\nb = 2\n", Some("x = 1\n")),
            ("x = 1\n[servers.p]\na = 1\n\n# of q\n[servers.q]\n", Some("x = 1\n\n# of q\n[servers.q]\n")),
            ("[servers.pp]\na = 1\n", None),
        ] {
            assert_eq!(remove(text, "servers", "p").unwrap().as_deref(), expected, "{text}");
        }
        for text in ["x = 1\n", "# only\n\n[a]\nb = \"c\"\n"] {
            assert_eq!(remove(&put(text).unwrap(), "servers", "p").unwrap().as_deref(), Some(text));
        }
    }

    #[test]
    fn what_cannot_be_changed_safely_is_left_alone() {
        for text in [
            "servers = {}",
            "servers = { p = { command = 'x' } }",
            "servers.p.command = 'x'",
            "[servers]\np.command = 'x'",
            "[servers.p]\na = 1\n[z]\n[servers.p.env]\n",
            "[servers.p",
            "a",
            "a = ",
            "a = \"x",
            "a = [1\n",
            "{\"a\": 1}",
            "a = 1 ]",
            "[\"\\u0073ervers\".p]",
            "é = 1",
        ] {
            let problem = put(text).unwrap_err();
            assert!(problem.contains("by hand"), "{text}: {problem}");
        }
    }
}
