//! One row of a list as Proxmox sent it: names and JSON texts, borrowed from the answer.
//!
//! Values are kept as JSON text and are mostly copied to the tool's answer unchanged, so that a list of thousands of
//! guests is read without building a tree of values.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// One row: each name with its value as JSON text.
#[derive(Clone, Debug, Default)]
pub struct Record<'a> {
    fields: Vec<(&'a str, &'a str)>,
    /// Values that were set later, and names with escapes; these take precedence over `fields`.
    own: Vec<(String, String)>,
}

impl<'a> Record<'a> {
    /// Returns the value's JSON text.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<&str> {
        let own = self.own.iter().find(|(key, _)| key == name).map(|(_, json)| json.as_str());
        own.or_else(|| self.fields.iter().find(|(key, _)| *key == name).map(|(_, json)| *json))
    }

    /// Returns whether there is a value worth showing: not absent, null, zero, empty or false.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.json(name).is_some_and(|json| !matches!(json, "null" | "0" | "\"\"" | "\"0\"" | "false" | "[]"))
    }

    /// Returns the value as text, a number as its digits; empty if absent or null.
    #[must_use]
    pub fn text(&self, name: &str) -> Cow<'_, str> {
        match self.json(name) {
            None | Some("null") => Cow::Borrowed(""),
            Some(json) => unquote(json),
        }
    }

    /// Returns the value as a number, even if Proxmox sends it as text.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name).parse().ok()
    }

    /// Sets a value, given as JSON text.
    pub fn set(&mut self, name: &str, json: impl Into<String>) {
        match self.own.iter_mut().find(|(key, _)| key == name) {
            Some(entry) => entry.1 = json.into(),
            None => self.own.push((name.to_owned(), json.into())),
        }
    }

    /// Returns the names, in Proxmox's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.own.iter().map(|(name, _)| name.as_str());
        let new = own.filter(|name| !self.fields.iter().any(|(field, _)| field == name));
        self.fields.iter().map(|(name, _)| *name).chain(new)
    }
}

/// The capacity for fields: as many as a guest has in `/cluster/resources`, the longest list.
const USUAL: usize = 24;

/// Returns the text of a JSON string, without quotes and escapes; any other JSON text as it is.
fn unquote(json: &str) -> Cow<'_, str> {
    let Some(inner) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(json);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str::<String>(json).map_or(Cow::Borrowed(inner), Cow::Owned)
}

impl<'de: 'a, 'a> Deserialize<'de> for Record<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Record<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record<'de>, A::Error> {
                let mut record = Record { fields: Vec::with_capacity(USUAL), own: Vec::new() };
                while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    match name.0 {
                        Cow::Borrowed(name) => record.fields.push((name, value.get())),
                        Cow::Owned(name) => record.own.push((name, value.get().to_owned())),
                    }
                }
                Ok(record)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A key, borrowed if it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_what_proxmox_sends() {
        let record: Record<'_> =
            serde_json::from_str(r#"{"vmid":100,"name":"w\u00e9b","privsep":"0","cpu":0.5,"x":null}"#)
                .unwrap();
        assert_eq!(record.text("name"), "wéb");
        assert_eq!(record.number("vmid"), Some(100.0));
        assert_eq!(
            (record.has("privsep"), record.has("cpu"), record.has("x"), record.has("y")),
            (false, true, false, false)
        );
        assert_eq!(record.names().collect::<Vec<_>>(), ["vmid", "name", "privsep", "cpu", "x"]);
    }
}
