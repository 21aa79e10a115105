//! Edits JSON files that users write by hand, with comments and trailing commas: sets or removes one value, and leaves
//! every other byte as it is. Knows no client.

use serde_json::{Map, Value, value::RawValue};
use std::{collections::BTreeMap, ops::Range};

/// The text with `value` under `name` in the object under `key`; both are added if they are missing.
///
/// # Errors
/// The text is not a JSON object (comments are allowed), or `key` is not an object: a sentence.
pub fn set(text: &str, key: &str, name: &str, value: &Value) -> Result<String, String> {
    let bom = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let text = &text[bom.len()..];
    let plain = plain(text);
    if plain.trim().is_empty() && text.trim().is_empty() {
        return Ok(format!("{}\n", pretty(&serde_json::json!({key: {name: value}}), 0)));
    }
    let root = object(&plain, 0..plain.len()).ok_or_else(|| {
        let why = serde_json::from_str::<Map<String, Value>>(&plain)
            .err()
            .map_or_else(String::new, |error| format!(" ({error})"));
        format!("It is not a JSON object{why}; correct it first, or paste the lines above.")
    })?;
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let new = match root.get(key) {
        None => insert(text, &plain, 0..plain.len(), key, &serde_json::json!({name: value}), 1),
        Some(place) => {
            let servers = object(&plain, place.clone()).ok_or_else(|| {
                format!("`{key}` in it is not an object; correct it first, or paste the lines above.")
            })?;
            match servers.get(name) {
                None => insert(text, &plain, place.clone(), name, value, 2),
                Some(old) => format!("{}{}{}", &text[..old.start], pretty(value, 2), &text[old.end..]),
            }
        }
    };
    let new = if line_break == "\n" { new } else { new.replace("\r\n", "\n").replace('\n', line_break) };
    proven(text, &new, key, name, Some(value))?;
    Ok(format!("{bom}{new}"))
}

/// The text without the value under `name` in the object under `key`; `None` if there is no such value.
///
/// # Errors
/// Like [`set`].
pub fn remove(text: &str, key: &str, name: &str) -> Result<Option<String>, String> {
    let bom = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let text = &text[bom.len()..];
    let plain = plain(text);
    let there = serde_json::from_str::<Map<String, Value>>(&plain).map_err(|error| {
        format!("It is not a JSON object ({error}); correct it first, or remove the server by hand.")
    });
    let has = |root: &Map<String, Value>| root.get(key).is_some_and(|servers| servers.get(name).is_some());
    if plain.trim().is_empty() || !has(&there?) {
        return Ok(None);
    }
    let by_hand = || format!("`{name}` in it cannot be removed safely; remove it by hand.");
    let place = object(&plain, 0..plain.len())
        .and_then(|root| root.get(key).cloned())
        .and_then(|servers| member(text, &plain, servers, name))
        .ok_or_else(by_hand)?;
    let new = format!("{}{}", &text[..place.start], &text[place.end..]);
    proven(text, &new, key, name, None).map_err(|_| by_hand())?;
    Ok(Some(format!("{bom}{new}")))
}

/// The byte range of a member of the object at `place`, with its comma, and with its whole lines if nothing else is on
/// them.
fn member(text: &str, plain: &str, place: Range<usize>, name: &str) -> Option<Range<usize>> {
    let value = object(plain, place.clone())?.get(name)?.clone();
    let start = place.start + plain[place.start..value.start].rfind(&Value::from(name).to_string())?;
    let after = plain[value.end..].trim_start();
    let (start, end) = if after.starts_with(',') {
        (start, plain.len() - after.len() + 1)
    } else {
        // For the last member, the comma before it is included.
        let before = plain[..start].trim_end();
        (if before.ends_with(',') { before.len() - 1 } else { start }, value.end)
    };
    let line = plain[..start].rfind('\n').map_or(0, |at| at + 1);
    let rest = plain[end..].find('\n').map(|at| end + at + 1);
    match rest {
        Some(rest) if text[line..start].trim().is_empty() && text[end..rest].trim().is_empty() => {
            Some(line..rest)
        }
        _ => Some(start..end),
    }
}

/// A final check: the new text has the new value, and everything else has the same value as before.
fn proven(before: &str, after: &str, key: &str, name: &str, value: Option<&Value>) -> Result<(), String> {
    let read = |text: &str| serde_json::from_str::<Value>(&plain(text)).ok();
    let expected = read(before).map(|mut expected| {
        match (value, expected[key].as_object_mut()) {
            (None, Some(servers)) => drop(servers.shift_remove(name)),
            (None, None) => {}
            (Some(value), _) => expected[key][name] = value.clone(),
        }
        expected
    });
    match (read(after), expected) {
        (Some(after), Some(expected)) if after == expected => Ok(()),
        _ => Err("It is written in a way that cannot be changed safely; paste the lines above.".into()),
    }
}

/// The text with comments and trailing commas replaced by blanks: strict JSON in which every byte offset stays the
/// same.
fn plain(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut comma) = (0, None);
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => {
                let mut end = at + 1;
                while end < bytes.len() && bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                comma = None;
                at = end + 1;
                continue;
            }
            (b'/', Some(b'/')) => {
                bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
            }
            (b'/', Some(b'*')) => bytes[at + 2..]
                .windows(2)
                .position(|two| two == b"*/")
                .map_or(bytes.len(), |length| at + 2 + length + 2),
            (byte, _) => {
                match byte {
                    b',' => comma = Some(at),
                    b'}' | b']' => {
                        if let Some(comma) = comma.take() {
                            bytes[comma] = b' ';
                        }
                    }
                    byte if !byte.is_ascii_whitespace() => comma = None,
                    _ => {}
                }
                at += 1;
                continue;
            }
        };
        for byte in &mut bytes[at..end] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Only whole comments were blanked, so no character was split. Otherwise the text is empty and nothing is changed.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The byte ranges of the values of an object; `None` if there is no object.
fn object(plain: &str, place: Range<usize>) -> Option<BTreeMap<String, Range<usize>>> {
    let text = plain.get(place)?;
    let values: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let start = plain.as_ptr() as usize;
    let range = |value: &RawValue| {
        let from = value.get().as_ptr() as usize - start;
        from..from + value.get().len()
    };
    let mut ranges = BTreeMap::new();
    ranges.extend(values.into_iter().map(|(name, value)| (name, range(value))));
    Some(ranges)
}

/// The text with a member added at the beginning of the object at `place`.
fn insert(text: &str, plain: &str, place: Range<usize>, name: &str, value: &Value, depth: usize) -> String {
    let open = place.start + plain[place.clone()].find('{').unwrap_or(0) + 1;
    let empty = plain[open..place.end].trim_start().starts_with('}');
    let (indent, outer) = ("  ".repeat(depth), "  ".repeat(depth - 1));
    let member = format!("\n{indent}{}: {}", Value::from(name), pretty(value, depth));
    let rest = &text[open..];
    let joint = match (empty, rest.trim_start_matches([' ', '\t']).starts_with(['\n', '\r'])) {
        (true, true) => String::new(),
        (true, false) => format!("\n{outer}"),
        (false, true) => ",".into(),
        (false, false) => format!(",\n{indent}"),
    };
    format!("{}{member}{joint}{rest}", &text[..open])
}

/// JSON on several lines, indented by two blanks per level, starting at `depth`; lists stay on one line.
#[must_use]
pub fn pretty(value: &Value, depth: usize) -> String {
    let Value::Object(members) = value else { return value.to_string().replace("\",\"", "\", \"") };
    if members.is_empty() {
        return "{}".into();
    }
    let (indent, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    let lines: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{indent}{}: {}", Value::from(name.as_str()), pretty(value, depth + 1)))
        .collect();
    format!("{{\n{}\n{outer}}}", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(set(text, "servers", "p", &json!({"command": "x"})).unwrap(), expected);
    }

    #[test]
    fn one_value_is_set_and_every_other_byte_stays() {
        let entry = "\"p\": {\n      \"command\": \"x\"\n    }";
        check("", &format!("{{\n  \"servers\": {{\n    {entry}\n  }}\n}}\n"));
        check("{}", &format!("{{\n  \"servers\": {{\n    {entry}\n  }}\n}}"));
        check("{\n}\n", &format!("{{\n  \"servers\": {{\n    {entry}\n  }}\n}}\n"));
        check(
            "// mine\n{\n  \"a\": 1, // one\n  /* { \"servers\": */ \"b\": [\"//\", \"\\\"\"],\n}\n",
            &format!(
                "// mine\n{{\n  \"servers\": {{\n    {entry}\n  }},\n  \"a\": 1, // one\n  /* {{ \"servers\": */ \"b\": [\"//\", \"\\\"\"],\n}}\n"
            ),
        );
        check(
            "{\"servers\": {\"other\":{\"command\":\"y\"}}, \"é\": 1}",
            &format!("{{\"servers\": {{\n    {entry},\n    \"other\":{{\"command\":\"y\"}}}}, \"é\": 1}}"),
        );
        check(
            "{\"servers\": {\"other\": 1, \"p\" : { \"command\":\"old\" /* ! */ }, }}",
            "{\"servers\": {\"other\": 1, \"p\" : {\n      \"command\": \"x\"\n    }, }}",
        );
        check(
            "\u{feff}{}\r\n",
            "\u{feff}{\r\n  \"servers\": {\r\n    \"p\": {\r\n      \"command\": \"x\"\r\n    }\r\n  }\r\n}\r\n",
        );
    }

    #[test]
    fn one_value_is_removed_and_every_other_byte_stays() {
        for (text, expected) in [
            ("{\"servers\": {\"p\": {}}}", "{\"servers\": {}}"),
            ("{\"servers\": {\"p\": {}, \"o\": 1}}", "{\"servers\": { \"o\": 1}}"),
            ("{\"servers\": {\"o\": 1, \"p\": {\"a\": [1]}}}", "{\"servers\": {\"o\": 1}}"),
            (
                "{\n  // mine\n  \"servers\": {\n    \"p\": {\n      \"p\": 1\n    }, // last\n    \"o\": 1, /* \"p\": */\n  },\n}\n",
                "{\n  // mine\n  \"servers\": {\n     // last\n    \"o\": 1, /* \"p\": */\n  },\n}\n",
            ),
            (
                "{\r\n  \"servers\": {\r\n    \"o\": 1,\r\n    \"p\": 2,\r\n  }\r\n}",
                "{\r\n  \"servers\": {\r\n    \"o\": 1,\r\n  }\r\n}",
            ),
        ] {
            let after = remove(text, "servers", "p").unwrap();
            assert_eq!(after.as_deref(), Some(expected), "{text}");
            assert_eq!(remove(expected, "servers", "p"), Ok(None), "{expected}");
        }
        for text in ["", "{}\n", "{\"servers\": 1}", "{\"servers\": {\"o\": {\"p\": 1}}}"] {
            assert_eq!(remove(text, "servers", "p"), Ok(None), "{text}");
        }
        let before = "{\n  \"servers\": {\n    \"o\": 1\n  }\n}\n";
        let with = set(before, "servers", "p", &json!({"command": "x"})).unwrap();
        assert_eq!(remove(&with, "servers", "p").unwrap().as_deref(), Some(before));
        for text in ["[]", "{", "x"] {
            assert!(remove(text, "servers", "p").unwrap_err().contains("by hand"), "{text}");
        }
        // A name in escapes is understood but not touched.
        let escaped = "{\"servers\": {\"\\u0070\": 1}}";
        assert!(remove(escaped, "servers", "p").unwrap_err().contains("by hand"));
    }

    #[test]
    fn what_cannot_be_changed_safely_is_left_alone() {
        for text in
            ["[]", "{", "{\"a\": 1 \"b\"}", "{\"servers\": []}", "x", "/* only", "{\"a\": \"\\", "\"", "//"]
        {
            let problem = set(text, "servers", "p", &json!({})).unwrap_err();
            assert!(problem.contains("paste the lines above"), "{text}: {problem}");
        }
    }
}
