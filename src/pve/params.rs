//! The parameters of one request and their form encoding.

use super::upload::Upload;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::fmt;

/// Parameters in the order in which they are sent. A repeated name forms an array (a rule of RESTHandler).
///
/// `Debug` shows only the names, as a value may be a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
    file: Option<Upload>,
}

impl Params {
    /// No parameters.
    #[must_use]
    pub fn new() -> Params {
        Params::default()
    }

    /// Adds a parameter and returns the parameters (builder style).
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Params {
        self.push(name, value);
        self
    }

    /// Adds a parameter.
    pub fn push(&mut self, name: impl Into<String>, value: impl ToString) {
        self.pairs.push((name.into(), value.to_string()));
    }

    /// Adds a JSON value in the form that Proxmox expects: a boolean as 1 or 0, an array as one parameter per item,
    /// an object as a property string (`k=v,k2=v2`). `null` adds nothing.
    pub fn push_json(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Array(items) => items.iter().for_each(|item| self.push(name, scalar(item))),
            other => self.push(name, scalar(other)),
        }
    }

    /// Attaches a file, which is sent under the name in the parameter `filename`.
    #[must_use]
    pub fn with_file(self, file: Upload) -> Params {
        Params { file: Some(file), ..self }
    }

    /// The attached file, if any.
    #[must_use]
    pub fn file(&self) -> Option<&Upload> {
        self.file.as_ref()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value with that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether there are no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Encodes as `application/x-www-form-urlencoded`, for a body or a query. Proxmox also splits pairs at `;` and
    /// cuts a value off at a raw `=`, so everything except letters, digits and `-_.~` is percent-encoded.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut form = String::new();
        for (name, value) in self.iter() {
            if !form.is_empty() {
                form.push('&');
            }
            encode_into(&mut form, name);
            form.push('=');
            encode_into(&mut form, value);
        }
        form
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::String(text) => text.clone(),
        Value::Object(keys) => {
            keys.iter().map(|(key, value)| format!("{key}={}", scalar(value))).collect::<Vec<_>>().join(",")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Everything except letters, digits and `-_.~`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Appends `text`, percent-encoding everything except letters, digits and `-_.~`.
pub fn encode_into(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, ENCODED));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_survive_the_splitting_that_proxmox_does() {
        let mut params = Params::new().with("size", "+1G").with("d", "a;b=c&d%e f\u{e9}");
        params.push_json("online", &json!(true));
        params.push_json("command", &json!(["ls", "-l"]));
        params.push_json("none", &json!(null));
        params.push_json("net0", &json!({"model": "virtio", "firewall": false}));
        assert_eq!(
            params.encode(),
            "size=%2B1G&d=a%3Bb%3Dc%26d%25e%20f%C3%A9&online=1&command=ls&command=-l&net0=model%3Dvirtio%2Cfirewall%3D0"
        );
    }
}
