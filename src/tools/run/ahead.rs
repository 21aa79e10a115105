//! The cluster as it will be after the earlier calls of a plan: the guests that these create are simulated, so that
//! later calls can be planned on them.

use crate::{
    pve::{Method, Params, Reply, api::effect::Role},
    tools::{param::Kind, run::request::Request},
};
use serde_json::{Map, Value, json};

/// The guests that the calls so far create.
#[derive(Clone, Debug, Default)]
pub struct PlannedState(Vec<New>);

/// A guest that a call creates.
#[derive(Clone, Debug)]
pub struct New {
    /// Its VMID.
    pub vmid: i64,
    /// The node it will be on.
    pub node: String,
    /// Virtual machine or container.
    pub kind: Kind,
    /// Its configuration.
    pub config: Map<String, Value>,
    pool: String,
    runs: bool,
}

/// Parameters for creating a guest that are not part of its configuration.
const STEERING: [&str; 12] = [
    "vmid",
    "newid",
    "target",
    "full",
    "storage",
    "pool",
    "snapname",
    "start",
    "archive",
    "ostemplate",
    "restore",
    "unique",
];

impl PlannedState {
    /// Returns the guest with that VMID, if one of the calls creates it.
    #[must_use]
    pub fn guest(&self, vmid: i64) -> Option<&New> {
        self.0.iter().find(|guest| guest.vmid == vmid)
    }

    /// Notes which guests a request creates, and what it changes in those. `source` is the configuration of the guest
    /// that is cloned.
    pub fn note(&mut self, request: &Request, source: Option<Map<String, Value>>) {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let ["nodes", node, kind, ref rest @ ..] = parts[..] else { return };
        let Some(kind) = Kind::from_api_type(kind) else { return };
        let config = || {
            let pairs = request.pairs();
            pairs.into_iter().filter(|(name, _)| !STEERING.contains(&name.as_str()))
        };
        let effect = request.effect().ok();
        let made = effect.iter().flat_map(|effect| effect.guests()).filter(|(_, role)| *role == Role::New);
        for (vmid, _) in made.collect::<Vec<_>>() {
            let mut all = source.clone().unwrap_or_default();
            for name in ["template", "digest", "lock", "parent"] {
                all.shift_remove(name);
            }
            all.extend(config());
            self.0.push(New {
                vmid: vmid.into(),
                node: request.params.get("target").unwrap_or(node).to_owned(),
                kind,
                config: all,
                pool: request.params.get("pool").unwrap_or_default().to_owned(),
                runs: request.params.get("start") == Some("1"),
            });
        }
        let [vmid, rest @ ..] = rest else { return };
        let Some(guest) = self.0.iter_mut().find(|guest| Ok(guest.vmid) == vmid.parse()) else { return };
        match (request.method, rest) {
            (_, ["config"]) => guest.config.extend(config()),
            (_, ["status", "start"]) => guest.runs = true,
            (_, ["status", "stop" | "shutdown"]) => guest.runs = false,
            (_, ["migrate"]) => request.params.get("target").unwrap_or(node).clone_into(&mut guest.node),
            (Method::Delete, []) => {
                let vmid = guest.vmid;
                self.0.retain(|guest| guest.vmid != vmid);
            }
            _ => {}
        }
    }

    /// Returns the answer of a path of one of these guests; `None` for any other path.
    #[must_use]
    pub fn answer(&self, path: &str, params: &Params) -> Option<Reply> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        if let (["cluster", "nextid"], Some(vmid)) = (&parts[..], params.get("vmid"))
            && self.guest(vmid.parse().ok()?).is_some()
        {
            return None;
        }
        let ["nodes", _, _, vmid, rest @ ..] = &parts[..] else { return None };
        let guest = self.guest(vmid.parse().ok()?)?;
        let value = match rest {
            ["config"] => guest.config.clone().into(),
            ["status", "current"] => json!({
                "vmid": guest.vmid, "name": guest.name(), "status": guest.status(), "qmpstatus": guest.status(),
            }),
            ["snapshot"] => json!([{"name": "current"}]),
            _ => return None,
        };
        Some(told(path, &value))
    }

    /// Adds these guests to an answer of the cluster: they are added to the inventory, and the next free VMID skips
    /// theirs.
    #[must_use]
    pub fn added(&self, path: &str, reply: Reply) -> Reply {
        match (path, reply.value()) {
            ("/cluster/resources", Value::Array(mut rows)) => {
                rows.extend(self.0.iter().map(New::row));
                with_data(reply, &rows.into())
            }
            ("/cluster/nextid", value) => {
                let next = value.as_i64().or_else(|| value.as_str()?.parse().ok());
                match next.and_then(|next| (next..).find(|vmid| self.guest(*vmid).is_none())) {
                    Some(free) => with_data(reply, &json!(free.to_string())),
                    None => reply,
                }
            }
            _ => reply,
        }
    }
}

impl New {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        let key = if self.kind == Kind::Vm { "name" } else { "hostname" };
        self.config.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn status(&self) -> &'static str {
        if self.runs { "running" } else { "stopped" }
    }

    /// Returns its row for the inventory.
    fn row(&self) -> Value {
        let tags = self.config.get("tags").cloned().unwrap_or_default();
        json!({
            "type": self.kind.api_type(), "id": format!("{}/{}", self.kind.api_type(), self.vmid),
            "vmid": self.vmid, "node": self.node, "name": self.name(), "status": self.status(),
            "tags": tags.as_str().unwrap_or_default(), "pool": self.pool,
        })
    }
}

fn with_data(mut reply: Reply, value: &Value) -> Reply {
    reply.data = value.to_string();
    reply
}

fn told(path: &str, value: &Value) -> Reply {
    with_data(Reply::pretended(Method::Get, path), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_is_made_answers_as_it_will() {
        let mut ahead = PlannedState::default();
        let send = |path: &str, params: Params| Request { method: Method::Post, path: path.into(), params };
        let params = Params::new().with("vmid", 900).with("name", "web").with("memory", 512);
        ahead.note(&send("/nodes/pve1/qemu", params), None);
        ahead.note(&send("/nodes/pve1/qemu/900/config", Params::new().with("cores", 4)), None);
        ahead.note(&send("/nodes/pve1/qemu/900/status/start", Params::new()), None);
        let read = |path: &str| ahead.answer(path, &Params::new()).map(|reply| reply.value());
        let config = read("/nodes/pve1/qemu/900/config").unwrap();
        assert_eq!(config, json!({"name": "web", "memory": "512", "cores": "4"}));
        assert_eq!(read("/nodes/pve1/qemu/900/status/current").unwrap()["status"], "running");
        assert_eq!(read("/nodes/pve1/qemu/901/config"), None);
        let read_from = |data: Value| with_data(Reply::pretended(Method::Get, ""), &data);
        assert_eq!(ahead.added("/cluster/nextid", read_from(json!("900"))).value(), "901");
        let copy = Params::new().with("newid", 901).with("name", "two");
        let source = json!({"cores": 2, "template": 1}).as_object().cloned();
        ahead.note(&send("/nodes/pve1/qemu/111/clone", copy), source);
        assert_eq!(
            ahead.guest(901).unwrap().config,
            *json!({"cores": 2, "name": "two"}).as_object().unwrap()
        );
        let rows = ahead.added("/cluster/resources", read_from(json!([])));
        assert_eq!(rows.value()[1]["vmid"], 901);
    }
}
