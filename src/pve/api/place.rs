//! A path as somebody wrote it: filled in, or a template with `{holes}`. Nothing in it can lead elsewhere.

use super::{Found, Lookup, find, rows};
use crate::{
    pve::{Method, params::encode_into},
    suggest::distance,
};

/// What is longer, in bytes, is no slip of any path there is; comparing it with all of them would take minutes.
const SLIP: usize = 1000;

/// The longest path that an error repeats, in characters.
const SHOWN: usize = 200;

/// A path in its decoded segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Vec<String>);

impl Place {
    /// Reads a path. `/api2/json` before it and a slash after it do not count.
    ///
    /// # Errors
    /// A sentence: an address, a query, dots, an encoded slash, an empty segment, a broken escape.
    pub fn read(text: &str) -> Result<Place, String> {
        let text = text.trim();
        let refuse = |why: &str| Err(format!("The path `{}` {why}", text.escape_debug()));
        if text.contains("://") || text.starts_with("//") {
            return refuse("is an address; write what follows `/api2/json`, such as `/nodes`.");
        }
        if text.contains(['?', '#']) {
            return refuse("has a query in it; give parameters in `arguments`.");
        }
        let path = text.strip_prefix('/').unwrap_or(text);
        let rest = ["api2/json", "api2/extjs"].iter().find_map(|prefix| path.strip_prefix(prefix));
        let path = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut segments = Vec::new();
        for segment in path.strip_suffix('/').unwrap_or(path).split('/') {
            let Some(segment) = decode(segment) else {
                return refuse("has a `%` in it that begins no escape; write it as `%25`.");
            };
            if segment.is_empty() {
                return refuse("has an empty part; write it without.");
            }
            if matches!(&*segment, "." | "..") {
                return refuse("leads through folders; write it without `.` and `..`.");
            }
            if segment.contains(['/', '\\']) || segment.chars().any(char::is_control) {
                return refuse(
                    "has an encoded slash, a backslash or a control character in it; write the template, such as \
                     `/storage/{storage}`, and give the value in `arguments`.",
                );
            }
            segments.push(segment);
        }
        Ok(Place(segments))
    }

    /// The path, each segment percent-encoded.
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

    /// The method at this path.
    ///
    /// # Errors
    /// A sentence: no such path, with the nearest; or the methods that it has.
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

    /// The path of the table that is most like this one, its holes filled as they are here.
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

    /// The letters to change, segment by segment; a hole may be filled by anything.
    fn distance(&self, template: &[&str]) -> usize {
        // The words that people know the two kinds of guest by.
        let known = |own: &str, part: &str| match part {
            "qemu" => matches!(own, "vm" | "vms" | "kvm"),
            "lxc" => matches!(own, "ct" | "cts" | "container" | "containers"),
            _ => false,
        };
        let change = |own: &str, part: &str| {
            if known(own, part) || part.starts_with('{') {
                return 1;
            }
            // A word that differs in more than half of its letters is another word, as is one of another length.
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

/// A path as an error shows it.
fn shortened(path: &str) -> String {
    match path.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    }
}

/// Undoes percent-encoding; `None` for a broken escape or bytes that are no UTF-8.
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
            ("https://pve:8006/api2/json/nodes", "address"),
            ("//pve/nodes", "address"),
            ("/nodes?type=vm", "query"),
            ("/nodes#x", "query"),
            ("/nodes/../access", "folders"),
            ("/nodes/%2e%2e/access", "folders"),
            ("/nodes/./x", "folders"),
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
