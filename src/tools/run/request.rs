//! One request as it would go to Proxmox. What it does and touches is told from it alone, so it matters not by which
//! tool, name or path of the API somebody asks for it.

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
    /// POST, PUT or DELETE; GET where reading does more than that.
    pub method: Method,
    /// The path below `/api2/extjs`, its parts percent-encoded.
    pub path: String,
    /// The parameters.
    pub params: Params,
}

impl Request {
    /// The path's parts, decoded.
    fn parts(&self) -> Vec<String> {
        self.path.trim_matches('/').split('/').map(decode).collect()
    }

    /// `DELETE /nodes/pve1/qemu/100`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.method, decode(&self.path))
    }

    /// The path decoded, for people.
    #[must_use]
    pub fn last_part(&self) -> String {
        let parts = self.parts();
        match parts.iter().position(|part| part == "content") {
            // A volume's own slashes belong to it.
            Some(place) if place + 1 < parts.len() => parts[place + 1..].join("/"),
            _ => parts.last().cloned().unwrap_or_default(),
        }
    }

    /// `{"method":…,"path":…,"params":{…}}`, secrets as `***`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let params = gather(self.params.iter().map(|(name, value)| {
            let shown = if is_secret(name) { "***" } else { value };
            (name, shown)
        }));
        json!({"method": self.method.word(), "path": self.path, "params": params})
    }

    /// The parameters as an object, secrets among them.
    #[must_use]
    pub fn pairs(&self) -> Map<String, Value> {
        gather(self.params.iter())
    }

    /// What it does and touches, by the table of effects.
    ///
    /// # Errors
    /// A sentence: a value has a control character in it.
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
            // Before 8.0 the words of a command came as one text with zero bytes between.
            let mut params = Params::new();
            for (name, value) in self.params.iter() {
                value.split('\0').for_each(|part| params.push(name, part));
            }
            return effect::read(self.method, &self.path, &params);
        }
        effect::read(self.method, &self.path, &self.params)
    }

    /// The guests that it names and that may be changed by it.
    #[must_use]
    pub fn guests(&self) -> Vec<i64> {
        let Ok(effect) = self.effect() else { return Vec::new() };
        let changed = effect.guests().filter(|(_, role)| *role != Role::Source);
        changed.map(|(vmid, _)| i64::from(vmid)).collect()
    }

    /// Whether its path names a thing by its position, so that another one may be there later.
    #[must_use]
    pub fn by_position(&self) -> bool {
        match api::find(self.method, &self.path) {
            Lookup::Found(found) => found.values.iter().any(|(hole, _)| *hole == "pos"),
            _ => false,
        }
    }

    /// The program that it has run in a guest, word by word; `None` if it is no such request.
    #[must_use]
    pub fn program(&self) -> Option<Vec<&str>> {
        if !(self.path.ends_with("/agent/exec") || self.path.ends_with(PCT_EXEC)) {
            return None;
        }
        let values = self.params.iter().filter(|(name, _)| *name == "command");
        Some(values.flat_map(|(_, value)| value.split('\0')).collect())
    }

    /// Of a program in a container, which goes over SSH and is no path of the API: where that is.
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

/// How the path of a program in a container ends.
pub const PCT_EXEC: &str = "/pct-exec";

/// Names and values as an object; a repeated name is a list.
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

/// Percent-decoding; what is no UTF-8 is shown as it came.
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
