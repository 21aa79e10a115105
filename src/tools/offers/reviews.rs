//! The prompts as a table: what each should find out, what to look at, and what to report. Text only.

use crate::{
    mcp::{Prompt, PromptArgument},
    tools::run::clusters,
};
use std::borrow::Cow;

/// A prompt and the parts of its text.
#[derive(Debug)]
pub struct Review {
    /// The prompt as clients show it.
    pub prompt: Prompt,
    /// What should be found out.
    pub(in crate::tools) aim: &'static str,
    /// What to look at, in order.
    pub steps: &'static [Step],
    /// What the report should contain.
    pub(in crate::tools) report: &'static str,
}

/// One thing to look at.
#[derive(Debug)]
pub struct Step {
    /// The tool that shows it.
    pub tool: &'static str,
    /// The tool's arguments, JSON; `<vmid>` and `<node>` stand for those of the prompt.
    pub arguments: &'static str,
    /// The API path for it, if that tool is not listed.
    pub path: &'static str,
    /// What to look for.
    pub(in crate::tools) look: &'static str,
}

const fn step(tool: &'static str, arguments: &'static str, path: &'static str, look: &'static str) -> Step {
    Step { tool, arguments, path, look }
}

const NODE: PromptArgument =
    PromptArgument { name: "node", about: "The node to check; all nodes if not given.", required: false };
const VMID: PromptArgument =
    PromptArgument { name: "vmid", about: "The guest's VMID; its name completes to it.", required: true };

/// A further argument of every prompt if there are several clusters.
pub(in crate::tools) const CLUSTER: PromptArgument = PromptArgument {
    name: clusters::CLUSTER,
    about: "The cluster to check; the default if not given.",
    required: false,
};

const STATUS: Step = step(
    "proxmox_get_cluster_status",
    "{}",
    "/cluster/resources",
    "quorum, nodes that are offline, and what it says needs attention",
);

/// The prompts, in the order in which they are listed.
pub const REVIEWS: &[Review] = &[
    Review {
        prompt: Prompt {
            name: "cluster_health",
            title: "Cluster health review",
            about: "Review the health of the cluster: quorum, nodes, storage, failed tasks, high availability.",
            arguments: Cow::Borrowed(&[]),
        },
        aim: "Review the health of this Proxmox VE cluster.",
        steps: &[
            STATUS,
            step(
                "proxmox_list_nodes",
                "{}",
                "/nodes",
                "nodes far busier, or up for a far shorter time, than the others",
            ),
            step(
                "proxmox_list_storage",
                "{}",
                "/cluster/resources",
                "storages over 80 % full, and inactive ones",
            ),
            step(
                "proxmox_list_tasks",
                r#"{"status":"failed","limit":20}"#,
                "/cluster/tasks",
                "what fails again and again, and whether it is backups",
            ),
            step(
                "proxmox_get_ha_status",
                "{}",
                "/cluster/ha/status/current",
                "services in an error state, or away from the node they should be on",
            ),
            step(
                "proxmox_list_replication",
                "{}",
                "/cluster/replication",
                "jobs that fail, or have not run for a long time",
            ),
        ],
        report: "Begin with one sentence: healthy, needs attention, or in danger. Then a table of findings, most serious first: what, where, the figure seen, what to do.",
    },
    Review {
        prompt: Prompt {
            name: "guest_slow",
            title: "Why is this guest slow?",
            about: "Find out what slows a guest down: its own load, its limits, its node or its storage.",
            arguments: Cow::Borrowed(&[VMID]),
        },
        aim: "Find out why guest <vmid> is slow.",
        steps: &[
            step(
                "proxmox_list_vms",
                r#"{"fields":"vmid,name,node,status,cpu,maxcpu,mem,maxmem","limit":200}"#,
                "/cluster/resources",
                "which node guest <vmid> is on, its CPU and memory now, and who else is busy on that node",
            ),
            step(
                "proxmox_list_containers",
                r#"{"fields":"vmid,name,node,status,cpu,maxcpu,mem,maxmem","limit":200}"#,
                "/cluster/resources",
                "the same for containers",
            ),
            step(
                "proxmox_get_vm_info",
                r#"{"vmid":<vmid>}"#,
                "/nodes/{node}/qemu/<vmid>/config",
                "if it is a VM: cores, CPU type, memory and ballooning, disk bus, cache and limits, a lock, old snapshots",
            ),
            step(
                "proxmox_get_container_info",
                r#"{"vmid":<vmid>}"#,
                "/nodes/{node}/lxc/<vmid>/config",
                "if it is a container: cores, memory and swap, limits, a lock, old snapshots",
            ),
            step(
                "proxmox_get_metrics",
                r#"{"vmid":<vmid>,"timeframe":"day"}"#,
                "/nodes/{node}/qemu/<vmid>/rrddata?timeframe=day",
                "since when, and which of CPU, memory, disk and network changed at the same time (use `lxc` instead of `qemu` in the path of a container)",
            ),
            step("proxmox_list_nodes", "{}", "/nodes", "whether its node has CPU and memory left"),
            step(
                "proxmox_list_storage",
                "{}",
                "/cluster/resources",
                "whether the storage of its disks is nearly full",
            ),
            step(
                "proxmox_list_tasks",
                r#"{"limit":30}"#,
                "/cluster/tasks",
                "backups, migrations or clones that ran at the same time on that node",
            ),
        ],
        report: "Name the most likely cause first with the figures that support it, then the others in order of likelihood. Say what you would change, and ask before you change anything.",
    },
    Review {
        prompt: Prompt {
            name: "capacity_plan",
            title: "Capacity planning",
            about: "How much room is left, how fast it shrinks, and what happens when a node fails.",
            arguments: Cow::Borrowed(&[]),
        },
        aim: "Report how much room this cluster has left and how long it will last.",
        steps: &[
            STATUS,
            step("proxmox_list_nodes", "{}", "/nodes", "memory and CPU in use on each node"),
            step(
                "proxmox_list_vms",
                r#"{"fields":"vmid,name,node,status,maxcpu,maxmem,mem","limit":200}"#,
                "/cluster/resources",
                "what is allocated to guests compared with what the nodes have, and guests that use little of it",
            ),
            step(
                "proxmox_list_containers",
                r#"{"fields":"vmid,name,node,status,maxcpu,maxmem,mem","limit":200}"#,
                "/cluster/resources",
                "the same for containers",
            ),
            step("proxmox_list_storage", "{}", "/cluster/resources", "space used and left on each"),
            step(
                "proxmox_get_metrics",
                r#"{"node":"<node>","timeframe":"month"}"#,
                "/nodes/{node}/rrddata?timeframe=month",
                "growth of memory and CPU on each node over the month",
            ),
        ],
        report: "A table for CPU, memory and each storage: size, used, allocated, monthly growth, when it will be full. Then: can the cluster still run all running guests without its largest node? Which guests could be given less? Mark which figures are measured and which are estimates.",
    },
    Review {
        prompt: Prompt {
            name: "backup_audit",
            title: "Backup audit",
            about: "Which guests have no backup, an old one or one that failed; whether restores are likely to work.",
            arguments: Cow::Borrowed(&[]),
        },
        aim: "Audit the backups of this cluster.",
        steps: &[
            step(
                "proxmox_list_backup_jobs",
                "{}",
                "/cluster/backup",
                "jobs that are disabled, what they exclude, where they write, what they keep",
            ),
            step(
                "proxmox_list_not_backed_up",
                "{}",
                "/cluster/backup-info/not-backed-up",
                "guests that no job covers",
            ),
            step(
                "proxmox_list_backups",
                r#"{"limit":200}"#,
                "/nodes/{node}/storage/{storage}/content",
                "the newest backup of each guest and its age; backups that failed verification; sizes that jump",
            ),
            step(
                "proxmox_list_tasks",
                r#"{"status":"failed","limit":50}"#,
                "/cluster/tasks",
                "failed tasks of type vzdump, and why they failed",
            ),
            step(
                "proxmox_list_storage",
                r#"{"content":"backup"}"#,
                "/cluster/resources",
                "space for the next backups; backups on the same storage as the guests' disks",
            ),
        ],
        report: "A table of every guest at risk: no job, no backup, older than its schedule, failed, unverified. Then what to change, most serious first, and one guest to try a restore with, to a new VMID.",
    },
    Review {
        prompt: Prompt {
            name: "upgrade_readiness",
            title: "Upgrade readiness",
            about: "Whether the nodes can be upgraded: versions, updates, quorum, backups, what must move first.",
            arguments: Cow::Borrowed(&[NODE]),
        },
        aim: "Report whether the nodes can be upgraded safely now, and in which order.",
        steps: &[
            step("proxmox_get_version", "{}", "/version", "the running version"),
            STATUS,
            step(
                "proxmox_get_node_info",
                r#"{"node":"<node>"}"#,
                "/nodes/{node}/status",
                "kernel, version and subscription of each node; different versions within the cluster; free space on the root disk",
            ),
            step(
                "proxmox_list_node_items",
                r#"{"node":"<node>","what":"updates"}"#,
                "/nodes/{node}/apt/update",
                "pending updates on each node, especially of the kernel and qemu-server",
            ),
            step(
                "proxmox_get_ha_status",
                "{}",
                "/cluster/ha/status/current",
                "services that the HA manager would move",
            ),
            step(
                "proxmox_list_not_backed_up",
                "{}",
                "/cluster/backup-info/not-backed-up",
                "guests without a backup to go back to",
            ),
            step("proxmox_list_tasks", r#"{"status":"running"}"#, "/cluster/tasks", "what must end first"),
        ],
        report: "Ready or not, with what stands in the way. Then the order of the nodes, which guests to move before each and which cannot be moved (local disks, passed-through devices), and how to roll back. Change nothing.",
    },
    Review {
        prompt: Prompt {
            name: "security_review",
            title: "Security review",
            about: "Who may do what, firewall, certificates, missing updates.",
            arguments: Cow::Borrowed(&[]),
        },
        aim: "Review the security of this Proxmox VE cluster.",
        steps: &[
            step(
                "proxmox_list_access",
                r#"{"what":"users"}"#,
                "/access/users",
                "accounts that are enabled but not needed, without an expiry date, or without a second factor",
            ),
            step(
                "proxmox_list_access",
                r#"{"what":"acl"}"#,
                "/access/acl",
                "Administrator or other broad roles on /, and tokens with more privileges than their task needs",
            ),
            step(
                "proxmox_get_permissions",
                "{}",
                "/access/permissions",
                "what the account of this server may do, and what of it is not needed",
            ),
            step(
                "proxmox_get_firewall",
                "{}",
                "/cluster/firewall/options",
                "whether the firewall is on and what its default policies are",
            ),
            step(
                "proxmox_list_firewall_rules",
                "{}",
                "/cluster/firewall/rules",
                "rules that let everybody in, especially to ports 8006 and 22",
            ),
            step(
                "proxmox_list_node_items",
                r#"{"node":"<node>","what":"certificates"}"#,
                "/nodes/{node}/certificates/info",
                "certificates of each node that expire within 30 days",
            ),
            step(
                "proxmox_list_node_items",
                r#"{"node":"<node>","what":"updates"}"#,
                "/nodes/{node}/apt/update",
                "pending security updates on each node",
            ),
        ],
        report: "A table of findings, most serious first: what, where, why it matters, the smallest change that fixes it. Say what could not be checked for lack of rights. Change nothing.",
    },
];
