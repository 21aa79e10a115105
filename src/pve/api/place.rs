//! A path as given by a caller: filled in, or a template with placeholders. Rejects anything that could change which
//! path is meant.

use super::{Found, Lookup, find, rows};
use crate::{
    pve::{Method, params::encode_into},
    suggest::distance,
};

/// The longest path, in bytes, to search a similar path for: a longer one is not a misspelling, and comparing it with
/// all paths would take minutes.
const SLIP: usize = 1000;

/// How much of a path an error message shows, in characters.
const SHOWN: usize = 200;

/// A path as its decoded segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Vec<String>);

impl Place {
    /// Parses a path. A leading `/api2/json` and a trailing slash are ignored.
    ///
    /// # Errors
    /// The text is a URL, or contains a query, `.` or `..`, an encoded slash, an empty segment or an invalid escape.
    pub fn read(text: &str) -> Result<Place, String> {
        let text = text.trim();
        let refuse = |why: &str| Err(format!("The path `{}` {why}", text.escape_debug()));
        if text.contains("://") || text.starts_with("//") {
            return refuse("is a URL; give only what follows `/api2/json`, such as `/nodes`.");
        }
        if text.contains(['?', '#']) {
            return refuse("contains a query; give parameters in `arguments`.");
        }
        let path = text.strip_prefix('/').unwrap_or(text);
        let rest = ["api2/json", "api2/extjs"].iter().find_map(|prefix| path.strip_prefix(prefix));
        let path = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut segments = Vec::new();
        for segment in path.strip_suffix('/').unwrap_or(path).split('/') {
            let Some(segment) = decode(segment) else {
                return refuse("contains a `%` that begins no escape; write it as `%25`.");
            };
            if segment.is_empty() {
                return refuse("has an empty part; remove it.");
            }
            if matches!(&*segment, "." | "..") {
                return refuse("contains `.` or `..`; write it without.");
            }
            if segment.contains(['/', '\\']) || segment.chars().any(char::is_control) {
                return refuse(
                    "contains an encoded slash, a backslash or a control character; use the template, such as \
                     `/storage/{storage}`, and give the value in `arguments`.",
                );
            }
            segments.push(segment);
        }
        Ok(Place(segments))
    }

    /// The path with percent-encoded segments.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut path = String::new();
        for segment in &self.0 {
            path.push('/');
            encode_into(&mut path, segment);
        }
        path
    }

    /// The segments, decoded.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Finds the method of this path.
    ///
    /// # Errors
    /// The path does not exist (the message suggests the nearest one), or does not have the method (the message lists
    /// those that it has).
    pub fn find(&self, method: Method) -> Result<Found, String> {
        let shown = shortened(&format!("/{}", self.0.join("/")));
        match find(method, &self.encoded()) {
            Lookup::Found(found) => Ok(found),
            Lookup::WrongMethod(methods) => {
                let words: Vec<&str> = methods.iter().map(|method| method.word()).collect();
                Err(format!("`{shown}` has no {method}; it has {}.", words.join(", ")))
            }
            Lookup::NoSuchPath => {
                let near = match self.nearest(method) {
                    Some(near) => format!(" Did you mean `{near}`?"),
                    None => String::new(),
                };
                Err(format!("The API of Proxmox VE 9.2 has no path `{}`.{near}", shown.escape_debug()))
            }
        }
    }

    /// The most similar path in the table, with its placeholders filled with the segments of this one.
    #[must_use]
    pub fn nearest(&self, method: Method) -> Option<String> {
        let length: usize = self.0.iter().map(String::len).sum();
        if SLIP < length {
            return None;
        }
        let rows = rows().filter(|row| row.method() == method);
        let measured = rows.map(|row| {
            let template: Vec<&str> = row.path().split('/').skip(1).collect();
            (self.distance(&template), template)
        });
        let (cost, template) = measured.min_by_key(|(cost, _)| *cost)?;
        let same_length = template.len() == self.0.len();
        let filled = template.iter().enumerate().map(|(at, part)| match self.0.get(at) {
            Some(own) if same_length && part.starts_with('{') => own.clone(),
            _ => (*part).to_owned(),
        });
        (cost <= length / 2 + 2).then(|| format!("/{}", filled.collect::<Vec<_>>().join("/")))
    }

    /// The edit distance to a template, segment by segment; a placeholder matches any segment.
    fn distance(&self, template: &[&str]) -> usize {
        // Common names of the two types of guest.
        let known = |own: &str, part: &str| match part {
            "qemu" => matches!(own, "vm" | "vms" | "kvm"),
            "lxc" => matches!(own, "ct" | "cts" | "container" | "containers"),
            _ => false,
        };
        let change = |own: &str, part: &str| {
            if known(own, part) || part.starts_with('{') {
                return 1;
            }
            // A segment that differs in more than half of its letters, or greatly in length, counts as a different
            // word.
            let letters = if part.len() < own.len() / 2 { own.len() } else { distance(own, part) };
            if letters <= own.len() / 2 { letters } else { own.len() + part.len() }
        };
        let add = |part: &str| if part.starts_with('{') { 2 } else { part.len() };
        let mut above: Vec<usize> = vec![0];
        for part in template {
            above.push(above[above.len() - 1] + add(part));
        }
        for own in &self.0 {
            let mut row = vec![above[0] + own.len()];
            for (at, part) in template.iter().enumerate() {
                let least =
                    (above[at] + change(own, part)).min(above[at + 1] + own.len()).min(row[at] + add(part));
                row.push(least);
            }
            above = row;
        }
        above[template.len()]
    }
}

/// A path, shortened for an error message.
fn shortened(path: &str) -> String {
    match path.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    }
}

/// Percent-decodes; `None` for an invalid escape or invalid UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_meant() {
        for (text, expected) in [
            ("/version", "/version"),
            ("version/", "/version"),
            (" /api2/json/nodes ", "/nodes"),
            ("api2/json/nodes", "/nodes"),
            ("/api2/extjs/nodes/pve1", "/nodes/pve1"),
            ("/access/users/a@pve", "/access/users/a%40pve"),
            ("/access/users/a%40pve", "/access/users/a%40pve"),
            ("/nodes/n/storage/s/content/s:iso/a.iso", "/nodes/n/storage/s/content/s%3Aiso/a.iso"),
            ("/a/%2525", "/a/%2525"),
        ] {
            assert_eq!(Place::read(text).map(|place| place.encoded()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for (text, words) in [
            ("https://pve:8006/api2/json/nodes", "URL"),
            ("//pve/nodes", "URL"),
            ("/nodes?type=vm", "query"),
            ("/nodes#x", "query"),
            ("/nodes/../access", "`..`"),
            ("/nodes/%2e%2e/access", "`..`"),
            ("/nodes/./x", "`.` or"),
            ("/nodes/a%2Fb", "slash"),
            ("/nodes/a%5cb", "backslash"),
            ("/nodes/a\\b", "backslash"),
            ("/nodes/a%0d%0aHost", "control"),
            ("/nodes//x", "empty"),
            ("", "empty"),
            ("/", "empty"),
            ("/nodes/%zz", "`%`"),
            ("/nodes/%", "`%`"),
            ("/nodes/%ff", "`%`"),
        ] {
            let said = Place::read(text).expect_err(text);
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    #[test]
    fn a_wrong_path_is_answered_with_the_nearest() {
        for (text, expected) in [
            ("/node/pve1/qemu/100/config", Some("/nodes/pve1/qemu/100/config")),
            ("/nodes/pve1/qemu/100/conf", Some("/nodes/pve1/qemu/100/config")),
            ("/nodes/pve1/vm/100/config", Some("/nodes/pve1/qemu/100/config")),
            ("/cluster/resource", Some("/cluster/resources")),
            ("/cluster/cephs/status", Some("/cluster/ceph/status")),
            ("/qemu/100/config", Some("/nodes/{node}/qemu/{vmid}/config")),
            ("/weather", None),
        ] {
            let near = Place::read(text).unwrap().nearest(Method::Get);
            assert_eq!(near.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_path_of_any_length_is_compared_with_none_and_answered_briefly() {
        let place = Place::read(&format!("/nodes/pve1/{}", "qemu".repeat(1 << 16))).unwrap();
        assert_eq!(place.nearest(Method::Get), None);
        let error = place.find(Method::Get).unwrap_err();
        assert!(error.starts_with("The API of Proxmox VE 9.2 has no path"), "{error}");
        assert!(error.len() < 300, "{error}");
    }
}
