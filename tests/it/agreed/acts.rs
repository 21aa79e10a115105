//! Destructive changes: each destructive tool and each deletion of the API, on an object created for it. `%` stands for
//! a number that no other call uses.

use serde_json::{Value, json};

/// A call of a tool: its name, and its arguments in JSON.
type Made = (&'static str, &'static str);

/// One destructive change.
pub struct Act {
    /// What is lost, or the method that deletes it.
    pub name: &'static str,
    tool: Option<&'static str>,
    /// The calls that create what is to be lost.
    before: &'static [Made],
    arguments: &'static str,
    /// The cluster's error if it cannot carry out the change; the request is sent all the same.
    pub refused: Option<&'static str>,
}

const fn act(
    name: &'static str,
    tool: &'static str,
    before: &'static [Made],
    arguments: &'static str,
) -> Act {
    Act { name, tool: Some(tool), before, arguments, refused: None }
}

/// A method of the API, called with `proxmox_call_api`.
const fn deletion(name: &'static str, before: &'static [Made], arguments: &'static str) -> Act {
    Act { name, tool: None, before, arguments, refused: None }
}

impl Act {
    pub fn tool(&self) -> &'static str {
        self.tool.unwrap_or("proxmox_call_api")
    }

    /// The calls that create what is to be lost.
    pub fn before(&self, number: u32) -> impl Iterator<Item = (&'static str, Value)> {
        self.before.iter().map(move |(tool, arguments)| (*tool, filled(arguments, number)))
    }

    /// The arguments of the call itself.
    pub fn arguments(&self, number: u32) -> Value {
        let arguments = filled(self.arguments, number);
        match self.name.strip_prefix("DELETE ") {
            Some(path) => json!({"method": "DELETE", "path": path, "arguments": arguments, "wait": 0}),
            None => arguments,
        }
    }
}

fn filled(arguments: &str, number: u32) -> Value {
    serde_json::from_str(&arguments.replace('%', &number.to_string())).unwrap()
}

const VM: Made =
    ("proxmox_create_vm", r#"{"node":"pve1","vmid":%,"name":"t%","storage":"local-lvm","wait":0}"#);
const CONTAINER: Made = (
    "proxmox_create_container",
    r#"{"node":"pve1","vmid":%,"ostemplate":"shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst","storage":"local-lvm","wait":0}"#,
);
const FIRST: Made = ("proxmox_create_snapshot", r#"{"vmid":%,"snapname":"first","wait":0}"#);
const SECOND: Made = ("proxmox_create_snapshot", r#"{"vmid":%,"snapname":"second","wait":0}"#);
const THIRD: Made = ("proxmox_create_snapshot", r#"{"vmid":%,"snapname":"third","wait":0}"#);
const DETACH: Made = ("proxmox_update_vm_config", r#"{"vmid":%,"delete":"scsi0","wait":0}"#);
const JOB: Made =
    ("proxmox_create_backup_job", r#"{"schedule":"sun 01:00","storage":"shared","id":"job%","all":1}"#);
const IMAGE: Made = (
    "proxmox_download_to_storage",
    r#"{"storage":"shared","url":"https://example.com/%.iso","filename":"%.iso","content":"iso","wait":0}"#,
);
const STORAGE: Made = (
    "proxmox_create_storage",
    r#"{"storage":"s%","type":"dir","path":"/mnt/%","content":"iso,backup,images,snippets","nodes":"pve1,pve2"}"#,
);
const BRIDGE: Made = (
    "proxmox_create_network",
    r#"{"node":"pve1","iface":"vmbr%","type":"bridge","cidr":"192.0.2.1/24","comments":"x"}"#,
);
const RULE: Made = (
    "proxmox_create_firewall_rule",
    r#"{"type":"in","action":"ACCEPT","proto":"tcp","dport":"%","comment":"x"}"#,
);
const NODE_RULE: Made = (
    "proxmox_create_firewall_rule",
    r#"{"type":"in","action":"ACCEPT","proto":"tcp","dport":"%","comment":"x","node":"pve1"}"#,
);
const VM_RULE: Made = (
    "proxmox_create_firewall_rule",
    r#"{"type":"in","action":"ACCEPT","proto":"tcp","dport":"%","comment":"x","vmid":100}"#,
);
const CONTAINER_RULE: Made = (
    "proxmox_create_firewall_rule",
    r#"{"type":"in","action":"ACCEPT","proto":"tcp","dport":"%","comment":"x","vmid":200}"#,
);
const GROUP_RULE: Made = (
    "proxmox_create_firewall_rule",
    r#"{"type":"in","action":"ACCEPT","proto":"tcp","dport":"%","comment":"x","group":"o%"}"#,
);
const ALIAS: Made =
    ("proxmox_create_firewall_object", r#"{"what":"alias","name":"o%","cidr":"192.0.2.1","comment":"x"}"#);
const SET: Made = ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"o%"}"#);
const ENTRY: Made =
    ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"o%","cidr":"192.0.2.1","comment":"x"}"#);
const GROUP: Made = ("proxmox_create_firewall_object", r#"{"what":"group","name":"o%"}"#);
const VM_ALIAS: Made = (
    "proxmox_create_firewall_object",
    r#"{"what":"alias","name":"o%","cidr":"192.0.2.1","comment":"x","vmid":100}"#,
);
const VM_SET: Made = ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"o%","vmid":100}"#);
const VM_ENTRY: Made = (
    "proxmox_create_firewall_object",
    r#"{"what":"ipset","name":"o%","cidr":"192.0.2.1","comment":"x","vmid":100}"#,
);
const CONTAINER_ALIAS: Made = (
    "proxmox_create_firewall_object",
    r#"{"what":"alias","name":"o%","cidr":"192.0.2.1","comment":"x","vmid":200}"#,
);
const CONTAINER_SET: Made = ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"o%","vmid":200}"#);
const CONTAINER_ENTRY: Made = (
    "proxmox_create_firewall_object",
    r#"{"what":"ipset","name":"o%","cidr":"192.0.2.1","comment":"x","vmid":200}"#,
);
const USERS: Made = ("proxmox_create_access", r#"{"what":"group","id":"g%","comment":"x"}"#);
const OTHERS: Made = ("proxmox_create_access", r#"{"what":"group","id":"h%"}"#);
const USER: Made = (
    "proxmox_create_access",
    r#"{"what":"user","id":"u%@pve","groups":"g%,h%","email":"x@example.com","comment":"x","firstname":"X"}"#,
);
const TOKEN: Made =
    ("proxmox_create_access", r#"{"what":"token","id":"u%@pve!t","privsep":0,"comment":"x"}"#);
const ROLE: Made = (
    "proxmox_create_access",
    r#"{"what":"role","id":"r%","privs":"VM.Audit,VM.Config.Disk,VM.PowerMgmt,Sys.Audit"}"#,
);
const POOL: Made = ("proxmox_create_pool", r#"{"poolid":"p%","comment":"x"}"#);
const MANAGED: Made = (
    "proxmox_create_ha",
    r#"{"what":"resource","id":"vm:%","max_restart":2,"max_relocate":2,"comment":"x"}"#,
);
const HA_RULE: Made = (
    "proxmox_create_ha",
    r#"{"what":"rule","id":"r%","type":"node-affinity","resources":"vm:100","nodes":"pve1,pve2","comment":"x"}"#,
);
const REPLICATION: Made = (
    "proxmox_call_api",
    r#"{"method":"POST","path":"/cluster/replication","id":"105-0","target":"pve2","type":"local","schedule":"*/15","comment":"x"}"#,
);
const ZONE: Made = (
    "proxmox_call_api",
    r#"{"method":"POST","path":"/cluster/sdn/zones","zone":"z%","type":"simple","nodes":"pve1,pve2"}"#,
);
const VNET: Made = (
    "proxmox_call_api",
    r#"{"method":"POST","path":"/cluster/sdn/vnets","vnet":"v%","zone":"z%","alias":"x"}"#,
);
const SUBNET: Made = (
    "proxmox_call_api",
    r#"{"method":"POST","path":"/cluster/sdn/vnets/v%/subnets","subnet":"z%-192.0.2.0-24","type":"subnet","gateway":"192.0.2.1"}"#,
);

/// Every destructive change.
pub const ACTS: &[Act] = &[
    act("a VM", "proxmox_delete_vm", &[VM], r#"{"vmid":%,"wait":0}"#),
    act("a container", "proxmox_delete_container", &[CONTAINER], r#"{"vmid":%,"wait":0}"#),
    act(
        "a rollback",
        "proxmox_rollback_snapshot",
        &[VM, FIRST, SECOND, THIRD],
        r#"{"vmid":%,"snapname":"first","wait":0}"#,
    ),
    act(
        "a snapshot",
        "proxmox_delete_snapshot",
        &[CONTAINER, FIRST, SECOND, THIRD],
        r#"{"vmid":%,"snapname":"second","wait":0}"#,
    ),
    Act {
        refused: Some("does not exist"),
        ..act(
            "a guest under its backup",
            "proxmox_restore_backup",
            &[VM],
            r#"{"archive":"shared:backup/vzdump-qemu-105-2026_11_20-01_00_00.vma.zst","vmid":%,"storage":"local-lvm","force":true,"wait":0}"#,
        )
    },
    act(
        "an unused disk",
        "proxmox_update_vm_config",
        &[VM, DETACH],
        r#"{"vmid":%,"delete":"unused0","wait":0}"#,
    ),
    act("a backup job", "proxmox_delete_backup_job", &[JOB], r#"{"id":"job%"}"#),
    act("an image", "proxmox_delete_volume", &[IMAGE], r#"{"volume":"shared:iso/%.iso","wait":0}"#),
    act("a storage", "proxmox_delete_storage", &[STORAGE], r#"{"storage":"s%"}"#),
    act("a bridge", "proxmox_delete_network", &[BRIDGE], r#"{"node":"pve1","iface":"vmbr%"}"#),
    act("a rule", "proxmox_delete_firewall_rule", &[RULE, RULE], r#"{"pos":0}"#),
    act(
        "a node's rule",
        "proxmox_delete_firewall_rule",
        &[NODE_RULE, NODE_RULE],
        r#"{"pos":1,"node":"pve1"}"#,
    ),
    act("a VM's rule", "proxmox_delete_firewall_rule", &[VM_RULE, VM_RULE], r#"{"pos":0,"vmid":100}"#),
    act(
        "a security group's rule",
        "proxmox_delete_firewall_rule",
        &[GROUP, GROUP_RULE, GROUP_RULE],
        r#"{"pos":0,"group":"o%"}"#,
    ),
    act("an alias", "proxmox_delete_firewall_object", &[ALIAS], r#"{"what":"alias","name":"o%"}"#),
    act("an IP set", "proxmox_delete_firewall_object", &[SET], r#"{"what":"ipset","name":"o%"}"#),
    act(
        "an entry of an IP set",
        "proxmox_delete_firewall_object",
        &[SET, ENTRY],
        r#"{"what":"ipset","name":"o%","cidr":"192.0.2.1"}"#,
    ),
    act("a security group", "proxmox_delete_firewall_object", &[GROUP], r#"{"what":"group","name":"o%"}"#),
    act("a user", "proxmox_delete_access", &[USERS, OTHERS, USER], r#"{"what":"user","id":"u%@pve"}"#),
    act("a group", "proxmox_delete_access", &[USERS, OTHERS, USER], r#"{"what":"group","id":"g%"}"#),
    act("a role", "proxmox_delete_access", &[ROLE], r#"{"what":"role","id":"r%"}"#),
    act(
        "a token",
        "proxmox_delete_access",
        &[USERS, OTHERS, USER, TOKEN],
        r#"{"what":"token","id":"u%@pve!t"}"#,
    ),
    act("a pool", "proxmox_delete_pool", &[POOL], r#"{"poolid":"p%"}"#),
    act("an HA resource", "proxmox_delete_ha", &[VM, MANAGED], r#"{"what":"resource","id":"vm:%"}"#),
    act("an HA rule", "proxmox_delete_ha", &[HA_RULE], r#"{"what":"rule","id":"r%"}"#),
    deletion("DELETE /nodes/{node}/qemu/{vmid}", &[VM], r#"{"node":"pve1","vmid":%}"#),
    deletion("DELETE /nodes/{node}/lxc/{vmid}", &[CONTAINER], r#"{"vmid":%}"#),
    deletion(
        "DELETE /nodes/{node}/qemu/{vmid}/snapshot/{snapname}",
        &[VM, FIRST, SECOND, THIRD],
        r#"{"vmid":%,"snapname":"third"}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/lxc/{vmid}/snapshot/{snapname}",
        &[CONTAINER, FIRST, SECOND, THIRD],
        r#"{"vmid":%,"snapname":"first"}"#,
    ),
    deletion("DELETE /nodes/{node}/network/{iface}", &[BRIDGE], r#"{"node":"pve1","iface":"vmbr%"}"#),
    deletion("DELETE /nodes/{node}/network", &[BRIDGE], r#"{"node":"pve1"}"#),
    deletion(
        "DELETE /nodes/{node}/storage/{storage}/content/{volume}",
        &[IMAGE],
        r#"{"node":"pve1","storage":"shared","volume":"shared:iso/%.iso"}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/storage/{storage}/prunebackups",
        &[],
        r#"{"node":"pve1","storage":"shared","prune-backups":"keep-last=1","vmid":100}"#,
    ),
    Act {
        refused: Some("no such task"),
        ..deletion(
            "DELETE /nodes/{node}/tasks/{upid}",
            &[],
            r#"{"node":"pve1","upid":"UPID:pve1:00000001:00000001:69000000:qmstart:100:root@pam:"}"#,
        )
    },
    deletion("DELETE /cluster/ha/resources/{sid}", &[VM, MANAGED], r#"{"sid":"vm:%"}"#),
    deletion("DELETE /cluster/ha/rules/{rule}", &[HA_RULE], r#"{"rule":"r%"}"#),
    Act {
        refused: Some("migrated to rules"),
        ..deletion("DELETE /cluster/ha/groups/{group}", &[], r#"{"group":"g%"}"#)
    },
    deletion("DELETE /access/users/{userid}", &[USERS, OTHERS, USER], r#"{"userid":"u%@pve"}"#),
    deletion(
        "DELETE /access/users/{userid}/token/{tokenid}",
        &[USERS, OTHERS, USER, TOKEN],
        r#"{"userid":"u%@pve","tokenid":"t"}"#,
    ),
    deletion("DELETE /access/groups/{groupid}", &[USERS], r#"{"groupid":"g%"}"#),
    deletion("DELETE /access/roles/{roleid}", &[ROLE], r#"{"roleid":"r%"}"#),
    deletion("DELETE /cluster/replication/{id}", &[REPLICATION], r#"{"id":"105-0"}"#),
    deletion("DELETE /cluster/sdn/zones/{zone}", &[ZONE], r#"{"zone":"z%"}"#),
    deletion("DELETE /cluster/sdn/vnets/{vnet}", &[ZONE, VNET], r#"{"vnet":"v%"}"#),
    deletion(
        "DELETE /cluster/sdn/vnets/{vnet}/subnets/{subnet}",
        &[ZONE, VNET, SUBNET],
        r#"{"vnet":"v%","subnet":"z%-192.0.2.0-24"}"#,
    ),
    deletion("DELETE /pools/{poolid}", &[POOL], r#"{"poolid":"p%"}"#),
    deletion("DELETE /pools", &[POOL], r#"{"poolid":"p%"}"#),
    deletion("DELETE /cluster/firewall/aliases/{name}", &[ALIAS], r#"{"name":"o%"}"#),
    deletion("DELETE /cluster/firewall/ipset/{name}", &[SET], r#"{"name":"o%"}"#),
    deletion(
        "DELETE /cluster/firewall/ipset/{name}/{cidr}",
        &[SET, ENTRY],
        r#"{"name":"o%","cidr":"192.0.2.1"}"#,
    ),
    deletion("DELETE /cluster/firewall/groups/{group}", &[GROUP], r#"{"group":"o%"}"#),
    deletion(
        "DELETE /cluster/firewall/groups/{group}/{pos}",
        &[GROUP, GROUP_RULE, GROUP_RULE],
        r#"{"group":"o%","pos":1}"#,
    ),
    deletion("DELETE /cluster/firewall/rules/{pos}", &[RULE, RULE], r#"{"pos":1}"#),
    deletion(
        "DELETE /nodes/{node}/firewall/rules/{pos}",
        &[NODE_RULE, NODE_RULE],
        r#"{"node":"pve1","pos":0}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/qemu/{vmid}/firewall/rules/{pos}",
        &[VM_RULE, VM_RULE],
        r#"{"vmid":100,"pos":1}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/lxc/{vmid}/firewall/rules/{pos}",
        &[CONTAINER_RULE, CONTAINER_RULE],
        r#"{"vmid":200,"pos":1}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/qemu/{vmid}/firewall/aliases/{name}",
        &[VM_ALIAS],
        r#"{"vmid":100,"name":"o%"}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/lxc/{vmid}/firewall/aliases/{name}",
        &[CONTAINER_ALIAS],
        r#"{"vmid":200,"name":"o%"}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/qemu/{vmid}/firewall/ipset/{name}",
        &[VM_SET],
        r#"{"vmid":100,"name":"o%"}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/lxc/{vmid}/firewall/ipset/{name}",
        &[CONTAINER_SET],
        r#"{"vmid":200,"name":"o%"}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/qemu/{vmid}/firewall/ipset/{name}/{cidr}",
        &[VM_SET, VM_ENTRY],
        r#"{"vmid":100,"name":"o%","cidr":"192.0.2.1"}"#,
    ),
    deletion(
        "DELETE /nodes/{node}/lxc/{vmid}/firewall/ipset/{name}/{cidr}",
        &[CONTAINER_SET, CONTAINER_ENTRY],
        r#"{"vmid":200,"name":"o%","cidr":"192.0.2.1"}"#,
    ),
    deletion("DELETE /storage/{storage}", &[STORAGE], r#"{"storage":"s%"}"#),
    deletion("DELETE /cluster/backup/{id}", &[JOB], r#"{"id":"job%"}"#),
];
