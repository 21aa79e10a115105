//! Users, roles and ACL entries, and the privileges that follow from them (pve.md section 2). Knows no tickets.

use crate::{demo::list::split_list, secret::Secret};
use std::collections::{BTreeMap, BTreeSet};

/// Every privilege of Proxmox VE 9.2, in the order in which the API lists them.
pub(crate) const PRIVILEGES: [&str; 47] = [
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Group.Allocate",
    "Mapping.Audit",
    "Mapping.Modify",
    "Mapping.Use",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "Realm.Allocate",
    "Realm.AllocateUser",
    "SDN.Allocate",
    "SDN.Audit",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Replicate",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];

/// Built-in roles, as far as they were recorded, and their privileges.
const ROLES: [(&str, &str); 7] = [
    ("Administrator", "*"),
    ("NoAccess", ""),
    (
        "PVEAuditor",
        "Datastore.Audit,Mapping.Audit,Pool.Audit,SDN.Audit,Sys.Audit,VM.Audit,VM.GuestAgent.Audit",
    ),
    (
        "PVEDatastoreAdmin",
        "Datastore.Allocate,Datastore.AllocateSpace,Datastore.AllocateTemplate,Datastore.Audit",
    ),
    ("PVEPoolUser", "Pool.Audit"),
    ("PVETemplateUser", "VM.Audit,VM.Clone"),
    (
        "PVEVMUser",
        "VM.Audit,VM.Backup,VM.Config.CDROM,VM.Config.Cloudinit,VM.Console,VM.GuestAgent.Audit,\
         VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,VM.PowerMgmt",
    ),
];

/// The sender of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `user@realm`.
    pub(crate) user: String,
    /// The token's name, if an API token is used.
    pub(crate) token: Option<String>,
}

impl Identity {
    /// `user@realm` or `user@realm!token`, as in tasks and ACL entries.
    pub(crate) fn owner(&self) -> String {
        match &self.token {
            Some(token) => format!("{}!{token}", self.user),
            None => self.user.clone(),
        }
    }
}

/// A user.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) password: Option<Secret>,
    pub(crate) enabled: bool,
    pub(crate) expire: u64,
    pub(crate) comment: Option<String>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// The TOTP key, as raw bytes.
    pub(crate) totp: Option<Vec<u8>>,
    /// The time step of the last code that was used; each code is accepted once.
    pub(crate) totp_used: u64,
}

impl User {
    /// An enabled user with this password.
    pub(crate) fn new(password: Option<Secret>) -> User {
        User {
            password,
            enabled: true,
            expire: 0,
            comment: None,
            groups: BTreeSet::new(),
            tokens: BTreeMap::new(),
            totp: None,
            totp_used: 0,
        }
    }
}

/// An API token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    /// Whether privilege separation is on: the token has only the privileges that were granted to itself.
    pub(crate) separated: bool,
    pub(crate) expire: u64,
    pub(crate) comment: Option<String>,
}

/// An ACL entry: who has which role on which path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) path: String,
    /// `user@realm`, `user@realm!token` or `@group`.
    pub(crate) who: String,
    pub(crate) role: String,
    pub(crate) propagate: bool,
}

/// Users, roles and ACL entries.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) roles: BTreeMap<String, (bool, u64)>,
    pub(crate) rules: Vec<Rule>,
}

impl Access {
    /// The built-in roles, without any user.
    pub(crate) fn new() -> Access {
        let mut roles = BTreeMap::new();
        roles.extend(ROLES.iter().map(|(name, list)| ((*name).to_owned(), (true, bits(list)))));
        Access { users: BTreeMap::new(), roles, rules: Vec::new() }
    }

    /// The privileges of a user or token on a path, as bits in the order of [`PRIVILEGES`].
    pub(crate) fn privileges(&self, who: &Identity, path: &str, pool: Option<&str>) -> u64 {
        let of_user = if who.user == "root@pam" { bits("*") } else { self.granted(&who.user, path, pool) };
        let Some(name) = &who.token else { return of_user };
        match self.users.get(&who.user).and_then(|user| user.tokens.get(name)) {
            Some(token) if !token.separated => of_user,
            Some(_) => of_user & self.granted(&who.owner(), path, pool),
            None => 0,
        }
    }

    /// Whether a user or token has at least one of the privileges (`A|B`) on a path.
    pub(crate) fn allows(&self, who: &Identity, path: &str, pool: Option<&str>, any: &str) -> bool {
        let wanted = bits(&any.replace('|', ","));
        self.privileges(who, path, pool) & wanted != 0
    }

    /// The entries on the most specific path decide; those further up count only if they propagate and there is no
    /// entry closer to the path.
    fn granted(&self, who: &str, path: &str, pool: Option<&str>) -> u64 {
        let mut found = 0;
        let mut at = path;
        loop {
            let here: Vec<&Rule> = self
                .rules
                .iter()
                .filter(|rule| self.is_for(rule, who) && rule.path == at && (rule.propagate || at == path))
                .collect();
            if !here.is_empty() {
                found = here.iter().map(|rule| self.role(&rule.role)).fold(0, |all, some| all | some);
                break;
            }
            if at == "/" {
                break;
            }
            at = match at.rfind('/') {
                Some(0) | None => "/",
                Some(end) => &at[..end],
            };
        }
        match pool {
            Some(pool) => found | self.granted(who, &format!("/pool/{pool}"), None),
            None => found,
        }
    }

    /// Whether an entry applies to a user or token, directly or through a group that the user is in.
    fn is_for(&self, rule: &Rule, who: &str) -> bool {
        match rule.who.strip_prefix('@') {
            Some(group) => self.users.get(who).is_some_and(|user| user.groups.contains(group)),
            None => rule.who == who,
        }
    }

    fn role(&self, name: &str) -> u64 {
        self.roles.get(name).map_or(0, |(_, bits)| *bits)
    }
}

/// The bits of a list of privileges; `*` means all of them. Unknown names have no bit.
pub(crate) fn bits(list: &str) -> u64 {
    let named = |name: &str| list == "*" || split_list(list).any(|one| one == name);
    PRIVILEGES.iter().enumerate().filter(|(_, name)| named(name)).fold(0, |all, (at, _)| all | 1 << at)
}

/// The names of privileges, in order.
pub(crate) fn names(bits: u64) -> impl Iterator<Item = &'static str> {
    PRIVILEGES.into_iter().enumerate().filter(move |(at, _)| bits & (1 << at) != 0).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &[(&str, &str, bool)], path: &str, pool: Option<&str>, privilege: &str, expected: bool) {
        let mut access = Access::new();
        access.rules.extend(rules.iter().map(|(path, role, propagate)| Rule {
            path: (*path).into(),
            who: "a@pve".into(),
            role: (*role).into(),
            propagate: *propagate,
        }));
        let who = Identity { user: "a@pve".into(), token: None };
        assert_eq!(access.allows(&who, path, pool, privilege), expected);
    }

    #[test]
    fn the_nearest_rule_decides() {
        check(&[("/", "PVEAuditor", true)], "/vms/100", None, "VM.Audit", true);
        check(&[("/", "PVEAuditor", false)], "/vms/100", None, "VM.Audit", false);
        check(&[("/", "PVEAuditor", true), ("/vms", "NoAccess", true)], "/vms/100", None, "VM.Audit", false);
        check(&[("/vms/100", "PVEVMUser", true)], "/vms/100", None, "VM.Allocate|VM.Backup", true);
        check(&[("/vms/100", "PVEVMUser", true)], "/vms/1001", None, "VM.Audit", false);
        check(&[("/pool/dev", "PVETemplateUser", true)], "/vms/102", Some("dev"), "VM.Clone", true);
    }

    #[test]
    fn the_superuser_may_do_everything() {
        let root = Identity { user: "root@pam".into(), token: None };
        assert_eq!(names(Access::new().privileges(&root, "/", None)).count(), 47);
    }
}
