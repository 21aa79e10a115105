//! Reads lines of limited length from a byte stream.

use std::io::{self, BufRead, ErrorKind};

/// The longest line that is read, in bytes. Longer ones are skipped.
pub const MAX_LINE: usize = 16 * 1024 * 1024;

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A complete line; the buffer holds its bytes without the line break.
    Whole,
    /// A line longer than the limit; none of it was kept.
    TooLong,
    /// The end of the input.
    End,
}

/// Reads the next line into `line`, reusing its capacity. A last line without a line break counts as a line; `\r\n`
/// ends a line like `\n`.
///
/// # Errors
/// Reading fails, except with `ErrorKind::Interrupted`, which is retried.
pub fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, max: usize) -> io::Result<Line> {
    line.clear();
    let mut too_long = false;
    let mut anything = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() && !anything {
            return Ok(Line::End);
        }
        anything = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        if max < line.len() + part.len() {
            too_long = true;
            *line = Vec::new();
        } else if !too_long {
            line.extend_from_slice(part);
        }
        let used = end.map_or(chunk.len(), |end| end + 1);
        let finished = end.is_some() || chunk.is_empty();
        input.consume(used);
        if finished {
            break;
        }
    }
    if too_long {
        return Ok(Line::TooLong);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Line::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[track_caller]
    fn check(input: &[u8], expected: &[&str]) {
        for capacity in [1, 3, 64] {
            let mut reader = BufReader::with_capacity(capacity, input);
            let (mut line, mut seen) = (Vec::new(), Vec::new());
            loop {
                match read_line(&mut reader, &mut line, 5).unwrap() {
                    Line::Whole => seen.push(String::from_utf8(line.clone()).unwrap()),
                    Line::TooLong => seen.push("too long".into()),
                    Line::End => break,
                }
            }
            assert_eq!(seen, expected, "read {capacity} bytes at a time");
        }
    }

    #[test]
    fn lines_are_whole_bounded_and_forgiving() {
        check(b"", &[]);
        check(b"a\nb\n", &["a", "b"]);
        check(b"a\r\n\r\nb", &["a", "", "b"]);
        check(b"12345\n123456\nok\n", &["12345", "too long", "ok"]);
        check(b"1234567890123", &["too long"]);
    }
}
