//! The hosts of a cluster: the order in which they are tried, and those learnt from the cluster itself. Sends no
//! requests.

use super::Host;
use crate::sync::lock;
use serde::Deserialize;
use std::{
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long a host that failed is tried last.
const ASIDE: Duration = Duration::from_secs(30);
/// How long the node addresses reported by the cluster are considered current.
const LEARNT: Duration = Duration::from_secs(300);

/// The hosts of one cluster.
pub(super) struct Hosts {
    known: Mutex<Vec<Known>>,
    /// When the list of nodes was last requested from the cluster.
    asked: Mutex<Option<Instant>>,
}

struct Known {
    host: Host,
    /// The node's name, if the cluster has reported it.
    node: Option<String>,
    /// Whether its address was reported by the cluster; otherwise it comes from the settings.
    found: bool,
    /// Until when it is tried last.
    aside: Option<Instant>,
}

/// A row of `/cluster/status`.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    ip: Option<String>,
}

impl Hosts {
    pub(super) fn new(configured: &[Host]) -> Hosts {
        let known = |host: &Host| Known { host: host.clone(), node: None, found: false, aside: None };
        Hosts { known: Mutex::new(configured.iter().map(known).collect()), asked: Mutex::new(None) }
    }

    /// The configured hosts, then those learnt from the cluster; those that failed recently come last.
    pub(super) fn in_order(&self) -> Vec<Host> {
        let now = Instant::now();
        let known = lock(&self.known);
        let mut order: Vec<&Known> = known.iter().collect();
        let late = |known: &Known| known.aside.is_some_and(|until| now < until);
        order.sort_by_key(|known| late(known));
        order.into_iter().map(|known| known.host.clone()).collect()
    }

    /// Moves a host to the end of the order for a while, or back to its place.
    pub(super) fn set_aside(&self, host: &Host, aside: bool) {
        let until = aside.then(|| Instant::now() + ASIDE);
        lock(&self.known)
            .iter_mut()
            .filter(|known| known.host == *host)
            .for_each(|known| known.aside = until);
    }

    /// Whether the host's address was reported by the cluster and is not in the settings.
    pub(super) fn is_found(&self, host: &Host) -> bool {
        lock(&self.known).iter().any(|known| known.host == *host && known.found)
    }

    /// Whether, as far as is known, the host serves that path itself and does not forward it to another node.
    pub(super) fn serves_path(&self, host: &Host, path: &str) -> bool {
        let Some(node) = path.strip_prefix("/nodes/").and_then(|rest| rest.split('/').next()) else {
            return true;
        };
        let named =
            lock(&self.known).iter().any(|known| known.host == *host && known.node.as_deref() == Some(node));
        named || node == "localhost" || is_called(host, node)
    }

    /// Whether the list of nodes is due to be requested. Returns `true` to only one thread at a time.
    pub(super) fn members_due(&self) -> bool {
        let mut asked = lock(&self.asked);
        let due = asked.is_none_or(|asked| LEARNT <= asked.elapsed());
        if due {
            *asked = Some(Instant::now());
        }
        due
    }

    /// Takes over the cluster's list of nodes: the names of the configured hosts, and the addresses of other nodes,
    /// which otherwise get the settings of the first host.
    pub(super) fn learn(&self, members: Vec<Member>) {
        let mut known = lock(&self.known);
        let Some(first) = known.first().map(|known| known.host.clone()) else { return };
        for Member { kind, name, ip } in members {
            let Some(ip) = ip.filter(|ip| kind == "node" && ip.parse::<IpAddr>().is_ok()) else { continue };
            let same = |known: &&mut Known| known.host.name == ip || is_called(&known.host, &name);
            if let Some(same) = known.iter_mut().find(same) {
                same.node = Some(name);
                continue;
            }
            let host = Host { name: ip, ..first.clone() };
            known.push(Known { host, node: Some(name), found: true, aside: None });
        }
    }
}

/// Whether the host's name is the node's name, with or without a domain.
fn is_called(host: &Host, node: &str) -> bool {
    host.name.parse::<IpAddr>().is_err()
        && host.name.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host { name: name.into(), port: 8006, plain: false }
    }

    fn names(hosts: &Hosts) -> Vec<String> {
        hosts.in_order().into_iter().map(|host| host.name).collect()
    }

    #[test]
    fn a_host_that_failed_is_asked_last_until_it_answers() {
        let hosts = Hosts::new(&[host("a"), host("b"), host("c")]);
        hosts.set_aside(&host("a"), true);
        assert_eq!(names(&hosts), ["b", "c", "a"]);
        hosts.set_aside(&host("b"), true);
        hosts.set_aside(&host("a"), false);
        assert_eq!(names(&hosts), ["a", "c", "b"]);
        // The time aside is over.
        lock(&hosts.known)[1].aside = Some(Instant::now());
        assert_eq!(names(&hosts), ["a", "b", "c"]);
    }

    #[test]
    fn the_cluster_names_configured_hosts_and_adds_the_others() {
        let hosts = Hosts::new(&[host("pve1.example"), host("192.0.2.2")]);
        let members = r#"[{"type":"cluster","name":"lab","quorate":1},
            {"type":"node","name":"pve1","ip":"192.0.2.1"},{"type":"node","name":"pve2","ip":"192.0.2.2"},
            {"type":"node","name":"pve3","ip":"2001:db8::3"},{"type":"node","name":"pve4"},
            {"type":"node","name":"pve5","ip":"evil.example/"}]"#;
        for _ in 0..2 {
            hosts.learn(serde_json::from_str(members).unwrap());
            assert_eq!(names(&hosts), ["pve1.example", "192.0.2.2", "2001:db8::3"]);
        }
        assert!(hosts.is_found(&host("2001:db8::3")) && !hosts.is_found(&host("192.0.2.2")));
        for (name, path, expected) in [
            ("pve1.example", "/cluster/resources", true),
            ("pve1.example", "/nodes", true),
            ("pve1.example", "/nodes/pve1/qemu", true),
            ("pve1.example", "/nodes/pve2/qemu", false),
            ("192.0.2.2", "/nodes/pve2/qemu", true),
            ("192.0.2.2", "/nodes/192/qemu", false),
            ("192.0.2.2", "/nodes/localhost/status", true),
        ] {
            assert_eq!(hosts.serves_path(&host(name), path), expected, "{name} {path}");
        }
        assert!(hosts.members_due() && !hosts.members_due());
    }
}
