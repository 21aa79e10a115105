//! A request as it would be sent to Proxmox. What it does and affects is derived from the request alone, so it does not
//! matter which tool it comes from.

use crate::pve::{
    Method, Params,
    api::{
        self, Lookup,
        effect::{self, Class, Effect, Reason, Role, Touch, Touched},
        words::is_secret,
    },
    values::{self, Node},
};
use serde_json::{Map, Value, json};

/// A request that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// POST, PUT or DELETE; GET only for paths where it does more than read.
    pub method: Method,
    /// The path below `/api2/extjs`, with percent-encoded segments.
    pub path: String,
    /// The parameters.
    pub params: Params,
}

impl Request {
    /// Returns the decoded segments of the path.
    fn parts(&self) -> Vec<String> {
        self.path.trim_matches('/').split('/').map(decode).collect()
    }

    /// Returns the request as people write it, such as `DELETE /nodes/pve1/qemu/100`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.method, decode(&self.path))
    }

    /// Returns the decoded last segment of the path, for people.
    #[must_use]
    pub fn last_part(&self) -> String {
        let parts = self.parts();
        match parts.iter().position(|part| part == "content") {
            // Slashes in a volume id are part of it.
            Some(place) if place + 1 < parts.len() => parts[place + 1..].join("/"),
            _ => parts.last().cloned().unwrap_or_default(),
        }
    }

    /// Returns `{"method":…,"path":…,"params":{…}}`, with secrets as `***`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let params = gather(self.params.iter().map(|(name, value)| {
            let shown = if is_secret(name) { "***" } else { value };
            (name, shown)
        }));
        json!({"method": self.method.word(), "path": self.path, "params": params})
    }

    /// Returns the parameters as an object, including secrets.
    #[must_use]
    pub fn pairs(&self) -> Map<String, Value> {
        gather(self.params.iter())
    }

    /// Returns what it does and affects, according to the table of effects.
    ///
    /// # Errors
    /// Fails if a value contains a control character.
    pub fn effect(&self) -> Result<Effect, String> {
        if let Some((node, vmid)) = self.container_of_program() {
            return Ok(Effect {
                reasons: vec![Reason {
                    class: Class::Execute,
                    why: "A program runs in the container.",
                    by: vec!["command".to_owned()],
                    if_present: false,
                }],
                touches: vec![
                    Touched { what: Touch::Node(node), role: Role::At },
                    Touched { what: Touch::Guest(vmid), role: Role::Target },
                ],
            });
        }
        if self.path.ends_with("/agent/exec") {
            // Before Proxmox VE 8.0, a command was one text, with zero bytes between its words.
            let mut params = Params::new();
            for (name, value) in self.params.iter() {
                value.split('\0').for_each(|part| params.push(name, part));
            }
            return effect::read(self.method, &self.path, &params);
        }
        effect::read(self.method, &self.path, &self.params)
    }

    /// Returns the guests that it names and may change.
    #[must_use]
    pub fn guests(&self) -> Vec<i64> {
        let Ok(effect) = self.effect() else { return Vec::new() };
        let changed = effect.guests().filter(|(_, role)| *role != Role::Source);
        changed.map(|(vmid, _)| i64::from(vmid)).collect()
    }

    /// Returns whether its path names an object by its position, where another one may be later.
    #[must_use]
    pub fn by_position(&self) -> bool {
        match api::find(self.method, &self.path) {
            Lookup::Found(found) => found.values.iter().any(|(hole, _)| *hole == "pos"),
            _ => false,
        }
    }

    /// Returns the program that it runs in a guest, word by word; `None` if it runs none.
    #[must_use]
    pub fn program(&self) -> Option<Vec<&str>> {
        if !(self.path.ends_with("/agent/exec") || self.path.ends_with(PCT_EXEC)) {
            return None;
        }
        let values = self.params.iter().filter(|(name, _)| *name == "command");
        Some(values.flat_map(|(_, value)| value.split('\0')).collect())
    }

    /// Returns the node and VMID of a request that runs a program in a container. That is done over SSH, so its path is
    /// not one of the API.
    fn container_of_program(&self) -> Option<(Node, u32)> {
        let parts = self.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["nodes", node, "lxc", vmid, end] = parts[..] else { return None };
        if self.method != Method::Post || format!("/{end}") != PCT_EXEC {
            return None;
        }
        Some((Node::read(node).ok()?, values::vmid(vmid).ok()?))
    }
}

/// The end of the path of a request that runs a program in a container.
pub const PCT_EXEC: &str = "/pct-exec";

/// Collects names and values in an object; the values of a repeated name become a list.
fn gather<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in pairs {
        match object.get_mut(name) {
            None => {
                object.insert(name.into(), value.into());
            }
            Some(Value::Array(list)) => list.push(value.into()),
            Some(first) => *first = json!([first.clone(), value]),
        }
    }
    object
}

/// Percent-decodes a text; what is not UTF-8 then is returned as it came.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = (byte == b'%').then(|| after.get(..2)).flatten();
        let value = hex.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        match value {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Request {
        let mut words = line.split(' ');
        let method = match words.next().unwrap() {
            "POST" => Method::Post,
            "PUT" => Method::Put,
            _ => Method::Delete,
        };
        let path = words.next().unwrap().to_owned();
        let mut params = Params::new();
        for pair in words {
            let (name, value) = pair.split_once('=').unwrap();
            params.push(name, value);
        }
        Request { method, path, params }
    }

    #[test]
    fn a_program_in_a_guest_is_told_by_every_spelling() {
        for (line, program, vmid) in [
            ("POST /nodes/pve1/qemu/100/agent/exec command=df command=-h", &["df", "-h"][..], 100),
            ("POST /nodes/pve1/qemu/100/agent/exec command=df\0-h", &["df", "-h"], 100),
            ("POST /nodes/pve1/lxc/200/pct-exec command=id", &["id"], 200),
        ] {
            let request = request(line);
            assert_eq!(request.program().as_deref(), Some(program), "{line}");
            assert_eq!(request.guests(), [vmid], "{line}");
            assert_eq!(request.effect().unwrap().classes(), [Class::Execute], "{line}");
        }
        assert_eq!(request("POST /nodes/pve1/qemu/100/status/stop").program(), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = request("POST /x password=a cipassword=b name=c name=d").to_json();
        assert_eq!(shown["params"], json!({"password": "***", "cipassword": "***", "name": ["c", "d"]}));
    }
}
