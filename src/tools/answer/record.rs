//! One row of a list as Proxmox sent it: names and JSON texts, borrowed from the answer.
//!
//! Values are kept as JSON text and are mostly copied to the tool's answer unchanged, so that a list of thousands of
//! guests is read without building a tree of values.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// One row: each name with its value as JSON text.
#[derive(Clone, Debug, Default)]
pub struct Record<'a> {
    /// The values of [`GUEST`], in its order.
    guest: [Option<&'a str>; GUEST.len()],
    fields: Vec<(&'a str, &'a str)>,
    /// Values that were set later, and names with escapes; these take precedence over the others.
    own: Vec<(String, String)>,
}

/// Defines [`GUEST`], and `place`, which returns the index of a name in it.
macro_rules! places {
    ($($index:literal $name:literal,)*) => {
        /// What a guest has in `/cluster/resources`, the longest list. These values have a place of their own in every
        /// record, so that reading that list allocates nothing for a row, and finding a value does not search.
        const GUEST: &[&str] = &[$($name),*];

        fn place(name: &str) -> Option<usize> {
            match name {
                $($name => Some($index),)*
                _ => None,
            }
        }
    };
}

places! {
    0 "cpu",
    1 "disk",
    2 "diskread",
    3 "diskwrite",
    4 "hastate",
    5 "id",
    6 "lock",
    7 "maxcpu",
    8 "maxdisk",
    9 "maxmem",
    10 "mem",
    11 "memhost",
    12 "name",
    13 "netin",
    14 "netout",
    15 "node",
    16 "pool",
    17 "status",
    18 "tags",
    19 "template",
    20 "type",
    21 "uptime",
    22 "vmid",
}

impl<'a> Record<'a> {
    /// Returns the value's JSON text.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<&str> {
        let own = self.own.iter().find(|(key, _)| key == name).map(|(_, json)| json.as_str());
        own.or_else(|| match place(name) {
            Some(place) => self.guest[place],
            None => self.fields.iter().find(|(key, _)| *key == name).map(|(_, json)| *json),
        })
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

    /// Returns the names, in no particular order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let guest = GUEST.iter().zip(&self.guest).filter_map(|(name, json)| json.map(|_| *name));
        let sent = guest.chain(self.fields.iter().map(|(name, _)| *name));
        let own = self.own.iter().map(|(name, _)| name.as_str());
        sent.clone().chain(own.filter(move |own| !sent.clone().any(|name| name == *own)))
    }
}

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
                let mut record = Record::default();
                while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    match (place(&name.0), name.0) {
                        (Some(place), _) => record.guest[place] = Some(value.get()),
                        (None, Cow::Borrowed(name)) => record.fields.push((name, value.get())),
                        (None, Cow::Owned(name)) => record.own.push((name, value.get().to_owned())),
                    }
                }
                Ok(record)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The usual size of a row in bytes; how many rows a list may have is estimated with it.
const USUAL: usize = 300;

/// Reads a list of rows from JSON text.
///
/// # Errors
/// Fails if the text is not a list of objects.
pub(super) fn read(json: &str) -> serde_json::Result<Vec<Record<'_>>> {
    struct Rows(usize);
    impl<'de> Visitor<'de> for Rows {
        type Value = Vec<Record<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut rows = Vec::with_capacity(self.0 / USUAL + 1);
            while let Some(row) = items.next_element()? {
                rows.push(row);
            }
            Ok(rows)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let rows = deserializer.deserialize_seq(Rows(json.len()))?;
    deserializer.end()?;
    Ok(rows)
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
        assert_eq!(record.names().collect::<Vec<_>>(), ["cpu", "name", "vmid", "privsep", "x"]);
    }

    #[test]
    fn every_value_of_a_guest_has_its_own_place() {
        for (index, name) in GUEST.iter().enumerate() {
            assert_eq!(place(name), Some(index), "{name}");
        }
    }

    #[test]
    fn what_is_set_takes_precedence_over_what_was_sent() {
        let mut record: Record<'_> = serde_json::from_str(r#"{"status":"stopped","level":""}"#).unwrap();
        for name in ["status", "level", "lock"] {
            record.set(name, r#""new""#);
            assert_eq!(record.text(name), "new");
        }
        assert_eq!(record.names().collect::<Vec<_>>(), ["status", "level", "lock"]);
    }
}
