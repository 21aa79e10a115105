//! The names of tools of six earlier servers: each can still be called, with the arguments it took there.
//!
//! They are not listed, so they cost no tokens, but existing notes and prompts continue to work.

use crate::tools::catalog::{entry::Entry, index::named};
use serde_json::{Map, Value, json};

/// Old names and the tools that replace them.
const NAMES: &[(&str, &str)] = &[
    ("check_connection", "proxmox_test_connection"),
    ("clone_lxc", "proxmox_clone_container"),
    ("clone_vm", "proxmox_clone_vm"),
    ("convert_lxc_to_template", "proxmox_convert_to_template"),
    ("convert_vm_to_template", "proxmox_convert_to_template"),
    ("create_backup", "proxmox_create_backup"),
    ("create_container_snapshot", "proxmox_create_snapshot"),
    ("create_lxc", "proxmox_create_container"),
    ("create_lxc_snapshot", "proxmox_create_snapshot"),
    ("create_vm", "proxmox_create_vm"),
    ("create_vm_snapshot", "proxmox_create_snapshot"),
    ("delete_backup", "proxmox_delete_volume"),
    ("delete_lxc", "proxmox_delete_container"),
    ("delete_lxc_snapshot", "proxmox_delete_snapshot"),
    ("delete_vm", "proxmox_delete_vm"),
    ("delete_vm_snapshot", "proxmox_delete_snapshot"),
    ("execute_container_command", "proxmox_execute_container_command"),
    ("execute_vm_command", "proxmox_execute_vm_command"),
    ("get_backup_status", "proxmox_wait_task"),
    ("get_backup_storage_locations", "proxmox_list_storage"),
    ("get_backups", "proxmox_list_backups"),
    ("get_cluster_firewall_rules", "proxmox_list_firewall_rules"),
    ("get_cluster_ha_status", "proxmox_get_ha_status"),
    ("get_cluster_log", "proxmox_get_cluster_log"),
    ("get_cluster_status", "proxmox_get_cluster_status"),
    ("get_cluster_tasks", "proxmox_list_tasks"),
    ("get_container_details", "proxmox_get_container_info"),
    ("get_container_status", "proxmox_get_guest_state"),
    ("get_containers", "proxmox_list_containers"),
    ("get_firewall_status", "proxmox_get_firewall"),
    ("get_groups", "proxmox_list_access"),
    ("get_lxc_container_info", "proxmox_get_container_info"),
    ("get_lxc_containers", "proxmox_list_containers"),
    ("get_lxc_firewall_rules", "proxmox_list_firewall_rules"),
    ("get_lxc_info", "proxmox_get_container_info"),
    ("get_lxc_snapshot_config", "proxmox_get_snapshot_config"),
    ("get_lxc_status", "proxmox_get_guest_state"),
    ("get_lxcs", "proxmox_list_containers"),
    ("get_nfs_storages", "proxmox_list_storage"),
    ("get_node_firewall_rules", "proxmox_list_firewall_rules"),
    ("get_node_services", "proxmox_list_node_items"),
    ("get_node_status", "proxmox_get_node_info"),
    ("get_node_storage", "proxmox_list_storage"),
    ("get_node_time", "proxmox_get_node_time"),
    ("get_nodes", "proxmox_list_nodes"),
    ("get_recent_tasks", "proxmox_list_tasks"),
    ("get_roles", "proxmox_list_access"),
    ("get_storage", "proxmox_list_storage"),
    ("get_storage_content", "proxmox_list_storage_content"),
    ("get_storage_details", "proxmox_get_storage"),
    ("get_storage_list", "proxmox_list_storage"),
    ("get_task_log", "proxmox_get_task_log"),
    ("get_task_status", "proxmox_wait_task"),
    ("get_users", "proxmox_list_access"),
    ("get_vm_details", "proxmox_get_vm_info"),
    ("get_vm_firewall_rules", "proxmox_list_firewall_rules"),
    ("get_vm_info", "proxmox_get_vm_info"),
    ("get_vm_network", "proxmox_get_guest_state"),
    ("get_vm_snapshot_config", "proxmox_get_snapshot_config"),
    ("get_vm_status", "proxmox_get_guest_state"),
    ("get_vms", "proxmox_list_vms"),
    ("help", "proxmox_get_server_info"),
    ("is_dangerous_mode_enabled", "proxmox_get_server_info"),
    ("list_all_containers", "proxmox_list_containers"),
    ("list_all_vms", "proxmox_list_vms"),
    ("list_backups", "proxmox_list_backups"),
    ("list_container_snapshots", "proxmox_list_snapshots"),
    ("list_containers", "proxmox_list_containers"),
    ("list_groups", "proxmox_list_access"),
    ("list_lxc_snapshots", "proxmox_list_snapshots"),
    ("list_nodes", "proxmox_list_nodes"),
    ("list_recent_tasks", "proxmox_list_tasks"),
    ("list_roles", "proxmox_list_access"),
    ("list_snapshots", "proxmox_list_snapshots"),
    ("list_storage_pools", "proxmox_list_storage"),
    ("list_templates", "proxmox_list_templates"),
    ("list_users", "proxmox_list_access"),
    ("list_vm_snapshots", "proxmox_list_snapshots"),
    ("list_vms", "proxmox_list_vms"),
    ("migrate_lxc", "proxmox_migrate_container"),
    ("migrate_vm", "proxmox_migrate_vm"),
    ("proxmox_cluster_get_node_info", "proxmox_get_node_info"),
    ("proxmox_cluster_nodes", "proxmox_list_nodes"),
    ("proxmox_cluster_status", "proxmox_get_cluster_status"),
    ("proxmox_ct_create", "proxmox_create_container"),
    ("proxmox_ct_get_info", "proxmox_get_container_info"),
    ("proxmox_ct_list", "proxmox_list_containers"),
    ("proxmox_get_node_status", "proxmox_get_node_info"),
    ("proxmox_get_storage_usage", "proxmox_list_storage"),
    ("proxmox_get_vm_status", "proxmox_get_guest_state"),
    ("proxmox_network_list", "proxmox_list_network"),
    ("proxmox_resume_vm", "proxmox_resume_guest"),
    ("proxmox_storage_list", "proxmox_list_storage"),
    ("proxmox_suspend_vm", "proxmox_suspend_guest"),
    ("proxmox_system_version", "proxmox_get_version"),
    ("proxmox_users_list", "proxmox_list_access"),
    ("proxmox_vm_create", "proxmox_create_vm"),
    ("proxmox_vm_delete", "proxmox_delete_vm"),
    ("proxmox_vm_get_info", "proxmox_get_vm_info"),
    ("proxmox_vm_list", "proxmox_list_vms"),
    ("proxmox_vm_shutdown", "proxmox_shutdown_vm"),
    ("proxmox_vm_start", "proxmox_start_vm"),
    ("proxmox_vm_stop", "proxmox_stop_vm"),
    ("reboot_container", "proxmox_reboot_container"),
    ("reboot_vm", "proxmox_reboot_vm"),
    ("restore_backup", "proxmox_restore_backup"),
    ("rollback_lxc_snapshot", "proxmox_rollback_snapshot"),
    ("rollback_vm_snapshot", "proxmox_rollback_snapshot"),
    ("start_container", "proxmox_start_container"),
    ("start_vm", "proxmox_start_vm"),
    ("stop_container", "proxmox_stop_container"),
    ("stop_vm", "proxmox_stop_vm"),
    ("update_lxc_config", "proxmox_update_container_config"),
    ("update_vm_config", "proxmox_update_vm_config"),
    ("vm_agent_exec", "proxmox_execute_vm_command"),
    ("vm_agent_exec_status", "proxmox_get_agent_exec_status"),
    ("vm_agent_get_hostname", "proxmox_get_agent_info"),
    ("vm_agent_get_network", "proxmox_get_agent_info"),
    ("vm_agent_get_osinfo", "proxmox_get_agent_info"),
    ("vm_agent_get_users", "proxmox_get_agent_info"),
    ("vm_agent_ping", "proxmox_ping_agent"),
];

/// Old tools that did what their argument `action` said.
const BY_ACTION: &[(&str, &str)] =
    &[("manage_vm", "vm"), ("manage_lxc", "container"), ("manage_lxc_container", "container")];

/// Arguments that an old name implies for the tool that replaces it.
const MEANT: &[(&str, &str, &str)] = &[
    ("get_vm_network", "what", "network"),
    ("get_node_services", "what", "services"),
    ("get_groups", "what", "groups"),
    ("list_groups", "what", "groups"),
    ("get_roles", "what", "roles"),
    ("list_roles", "what", "roles"),
    ("get_users", "what", "users"),
    ("list_users", "what", "users"),
    ("proxmox_users_list", "what", "users"),
    ("get_backup_storage_locations", "content", "backup"),
    ("get_nfs_storages", "type", "nfs"),
    ("vm_agent_get_hostname", "command", "get-host-name"),
    ("vm_agent_get_network", "command", "network-get-interfaces"),
    ("vm_agent_get_osinfo", "command", "get-osinfo"),
    ("vm_agent_get_users", "command", "get-users"),
];

/// Old names of arguments. A tool's own parameter takes precedence: `name` means `snapname` only if it takes no `name`.
const ARGUMENTS: &[(&str, &str)] = &[
    ("node_name", "node"),
    ("storage_id", "storage"),
    ("source_vmid", "vmid"),
    ("new_vmid", "newid"),
    ("new_name", "name"),
    ("target_storage", "storage"),
    ("full_clone", "full"),
    ("target_node", "target"),
    ("resource_pool", "pool"),
    ("config_changes", "config"),
    ("max_lines", "max"),
    ("limit", "max"),
    ("name", "snapname"),
];

/// Old arguments that are no longer needed, and are dropped if the tool does not take them.
const NEEDLESS: &[&str] = &["node", "vm_type", "username", "online", "force", "remove", "storage"];

/// The tool of that name, old or new; for some old names, the argument `action` selects it.
#[must_use]
pub fn find(name: &str, arguments: &Map<String, Value>) -> Option<Entry> {
    if let Some(entry) = named(name) {
        return Some(entry);
    }
    if let Some((_, guest)) = BY_ACTION.iter().find(|(old, _)| *old == name) {
        let action = arguments.get("action").and_then(Value::as_str).unwrap_or("status").to_lowercase();
        return named(&format!("proxmox_{action}_{guest}"))
            .or_else(|| named(&format!("proxmox_{action}_guest")))
            .or_else(|| named("proxmox_get_guest_state"));
    }
    let (_, tool) = NAMES.iter().find(|(old, _)| *old == name)?;
    named(tool)
}

/// Translates the arguments of a call by an old name to those that the tool takes now.
#[must_use]
pub fn arguments(name: &str, entry: &Entry, mut arguments: Map<String, Value>) -> Map<String, Value> {
    if entry.name == name {
        return arguments;
    }
    if BY_ACTION.iter().any(|(old, _)| *old == name) {
        arguments.shift_remove("action");
    }
    translate(name, entry, arguments)
}

fn translate(name: &str, entry: &Entry, arguments: Map<String, Value>) -> Map<String, Value> {
    let takes = |name: &str| entry.params().any(|param| param.name == name);
    let mut translated = Map::new();
    let (mut storage, mut file) = (None, None);
    for (old, value) in arguments {
        match old.as_str() {
            "storage_id" if takes("volume") || takes("archive") => {
                storage = value.as_str().map(str::to_owned);
            }
            "backup_file" => file = value.as_str().map(str::to_owned),
            "disk_size" => {
                // Earlier servers took text such as `32G`.
                let digits = value
                    .as_str()
                    .map(|text| text.trim_end_matches(|c: char| !c.is_ascii_digit()).to_owned());
                translated.insert(old, digits.map_or(value, Value::from));
            }
            "password" | "ssh_keys" if !takes(&old) && takes("config") => {
                let key = if old == "ssh_keys" { "ssh-public-keys" } else { "password" };
                let config = translated.entry("config").or_insert_with(|| json!({}));
                config[key] = value;
            }
            "since" if !value.is_number() && !takes("until") => {
                // A time in words is dropped: the newest entries come first in any case.
                if let Some(seconds) = value.as_str().and_then(|text| text.parse::<i64>().ok()) {
                    translated.insert(old, seconds.into());
                }
            }
            _ => {
                let renamed = ARGUMENTS.iter().find(|(from, to)| *from == old && !takes(&old) && takes(to));
                match renamed {
                    Some((_, new)) => translated.insert((*new).into(), value),
                    None if NEEDLESS.contains(&old.as_str()) && !takes(&old) => None,
                    None if old == "node_name" => None,
                    None => translated.insert(old, value),
                };
            }
        }
    }
    if let Some(file) = file {
        let volume = match storage {
            Some(storage) if !file.contains(':') => {
                format!("{storage}:backup/{}", file.trim_start_matches("backup/"))
            }
            _ => file,
        };
        translated.insert(if takes("archive") { "archive" } else { "volume" }.into(), volume.into());
    }
    for (_, argument, value) in MEANT.iter().filter(|(old, _, _)| *old == name) {
        translated.insert((*argument).into(), (*value).into());
    }
    if name == "list_backups" || name == "get_storage_details" {
        translated.shift_remove("node");
    }
    translated
}
