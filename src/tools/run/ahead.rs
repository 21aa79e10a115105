//! The cluster as it will be once the earlier calls of a plan are carried out: guests that they make answer as they will by
//! then, so that later calls can be planned on them.

use crate::{
    pve::{Method, Params, Reply, api::effect::Role},
    tools::{param::Kind, run::request::Request},
};
use serde_json::{Map, Value, json};

/// The guests that are made by the calls so far.
#[derive(Clone, Debug, Default)]
pub struct Ahead(Vec<New>);

/// A guest that is made by a call.
#[derive(Clone, Debug)]
pub struct New {
    /// Its id.
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

/// Parameters of a creation that are none of the configuration.
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

impl Ahead {
    /// The guest of that id, if it is made by one of the calls.
    #[must_use]
    pub fn guest(&self, vmid: i64) -> Option<&New> {
        self.0.iter().find(|guest| guest.vmid == vmid)
    }

    /// Notes what a request makes or changes of what will be there. `source` is the configuration of what is copied.
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

    /// What a path of one of the guests answers by then; `None` of any other.
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

    /// An answer of the cluster with what will be there beside it: in its inventory the guests, and of the next free VMID
    /// the one after those that will be taken.
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
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        let key = if self.kind == Kind::Vm { "name" } else { "hostname" };
        self.config.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn status(&self) -> &'static str {
        if self.runs { "running" } else { "stopped" }
    }

    /// Its row in the inventory.
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
        let mut ahead = Ahead::default();
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
