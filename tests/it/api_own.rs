//! User-defined tools: listed, checked and confirmed like the built-in ones; an invalid definition is a configuration
//! error.

use crate::cluster::{Sample, column};
use proxmox_mcp::{
    config::{Config, UserTool},
    demo,
    mcp::{Revision, Toolbox},
    tools::catalog::own::duplicate_names,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Loads a configuration that contains these tools.
fn load(tools: &Value) -> Result<Vec<UserTool>, String> {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let file: PathBuf = std::env::temp_dir().join(format!("pmcp-own-{}-{number}.json", std::process::id()));
    fs::write(&file, json!({"host": "a", "tools": tools}).to_string()).unwrap();
    let loaded = Config::load(Some(&file), &|_| None, None);
    fs::remove_file(&file).unwrap();
    loaded.map(|config| config.tools).map_err(|error| error.to_string())
}

fn sample(tools: Value) -> Sample {
    let tools = load(&tools).unwrap_or_else(|error| panic!("{error}"));
    Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
        config.tools = tools;
    })
}

#[test]
fn own_tools_are_listed_with_the_parameters_of_their_method() {
    let sample = sample(json!([
        {"name": "proxmox_list_gpus", "about": "PCI devices of a node.", "get": "/nodes/{node}/hardware/pci"},
        {"name": "resize", "about": "Grow a disk.", "put": "/nodes/{node}/qemu/{vmid}/resize", "arguments": {"disk": "scsi0"}},
        {"name": "drop_rule", "about": "Delete a rule.", "delete": "/cluster/firewall/rules/{pos}"},
    ]));
    let list: Value = serde_json::from_str(sample.tools.list(Revision::NEWEST_HANDSHAKE).get()).unwrap();
    let tool =
        |name: &str| list.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap().clone();
    let gpus = tool("proxmox_list_gpus");
    assert_eq!(gpus["description"], "PCI devices of a node.");
    assert_eq!(gpus["inputSchema"]["required"], json!(["node"]));
    assert_eq!(gpus["annotations"]["readOnlyHint"], true);
    let resize = tool("resize");
    let properties = resize["inputSchema"]["properties"].as_object().unwrap();
    // `wait`, which every tool that starts a task takes, is described only once, in the instructions.
    assert!(properties.contains_key("size") && !properties.contains_key("disk"));
    assert!(sample.tools.instructions().contains("`wait`"));
    assert_eq!(resize["annotations"]["destructiveHint"], false);
    assert_eq!(tool("drop_rule")["annotations"]["destructiveHint"], true);
    assert!(tool("drop_rule")["inputSchema"]["properties"]["confirm"].is_object());
}

#[test]
fn own_tools_are_checked_confirmed_and_run_like_others() {
    let sample = sample(json!([
        {"name": "memory", "about": "Guests by memory.", "get": "/cluster/resources", "arguments": {"type": "vm"}, "columns": ["vmid", "maxmem", "nmae"]},
        {"name": "config", "about": "Change a VM.", "put": "/nodes/{node}/qemu/{vmid}/config"},
        {"name": "delete_web", "about": "Delete a VM of pve1.", "delete": "/nodes/pve1/qemu/{vmid}", "arguments": {"purge": true}},
        {"name": "start_db", "about": "Start the database.", "post": "/nodes/{node}/qemu/{vmid}/status/start", "arguments": {"vmid": 101}},
    ]));
    let answer = sample.ok("memory", json!({"limit": 2}));
    assert_eq!(answer["columns"], json!(["vmid", "maxmem", "nmae"]));
    assert!(answer["missing"].as_str().unwrap().contains("Did you mean `name`?"), "{answer}");
    assert_eq!(column(&answer, "vmid").len(), 2);
    assert_eq!(sample.wire(), ["GET /cluster/resources type=vm"]);
    sample.fails("memory", json!({"type": "node"}), &["`type` is fixed by the configuration"]);
    sample.fails("memory", json!({"tpye": "node"}), &["no parameter `tpye`"]);
    sample.fails("config", json!({"vmid": 100, "memroy": 1}), &["Did you mean `memory`?"]);
    sample.fails("config", json!({"cores": 1}), &["`vmid` is missing"]);
    assert_eq!(sample.wire().len(), 1, "nothing wrong is sent");
    sample.ok("config", json!({"vmid": 100, "net5": {"model": "virtio", "bridge": "vmbr0"}}));
    let wire = sample.wire();
    assert_eq!(wire[1], "GET /cluster/resources type=vm");
    assert!(
        wire.contains(&"PUT /nodes/pve1/qemu/100/config net5=model=virtio,bridge=vmbr0".into()),
        "{wire:?}"
    );
    assert!(sample.ok("config", json!({"vmid": 100, "delete": "scsi0"}))["confirm"].is_string());
    let plan = sample.ok("delete_web", json!({"vmid": 100}));
    assert_eq!(plan["confirmation_needed"]["request"], "DELETE /nodes/pve1/qemu/100");
    assert!(!sample.wire().iter().any(|line| line.starts_with("DELETE")));
    let done = sample.ok("delete_web", json!({"vmid": 100, "confirm": plan["confirm"]}));
    assert_eq!(done["exitstatus"], "OK");
    assert_eq!(sample.ok("start_db", json!({"wait": 20}))["exitstatus"], "OK");
}

#[test]
fn what_may_run_holds_for_own_tools_too() {
    let tools = load(&json!([
        {"name": "version", "about": "The version.", "get": "/version"},
        {"name": "start", "about": "Start a VM.", "post": "/nodes/{node}/qemu/{vmid}/status/start"},
    ]))
    .unwrap();
    let sample = Sample::with(demo::Options::default(), |config| {
        config.tools = tools;
        config.access = proxmox_mcp::config::Access::ReadOnly;
        config.deny_tools = vec!["vers*".into()];
    });
    sample.fails("start", json!({"vmid": 101}), &["`access` is `read-only`"]);
    sample.fails("version", json!({}), &["`deny_tools`"]);
    assert!(sample.wire().is_empty());
}

#[test]
fn a_wrong_row_is_told_with_what_is_right() {
    let gpus = |key: &str, value: Value| {
        let mut row = json!({"name": "gpus", "about": "PCI devices.", "get": "/nodes/{node}/hardware/pci"});
        row[key] = value;
        json!([row])
    };
    for (tools, words) in [
        (json!({}), &["`tools` is an object", "a list of tools"][..]),
        (json!(["x"]), &["`tools.0` is a string"]),
        (gpus("gett", json!("/version")), &["`tools.0.gett` is not a known key", "Did you mean `get`?"]),
        (
            gpus("get", json!("/nodes/{node}/hardwear/pci")),
            &["`tools.0.get`", "Did you mean `/nodes/{node}/hardware/pci`?"],
        ),
        (gpus("get", json!("/nodes/{node}/hardware/pci?x=1")), &["`tools.0.get`", "query"]),
        (gpus("post", json!("/version")), &["has 2 methods"]),
        (gpus("name", json!("GPU list")), &["`tools.0.name` is `\"GPU list\"`", "lower-case letters"]),
        (gpus("name", json!("")), &["`tools.0.name` is a string", "not empty"]),
        (gpus("about", json!(7)), &["`tools.0.about` is a number"]),
        (gpus("columns", json!("id")), &["`tools.0.columns` must be a list of names"]),
        (gpus("arguments", json!([])), &["`tools.0.arguments` is a list"]),
        (
            gpus("arguments", json!({"pci-class-blaklist": "01"})),
            &["`tools.0.arguments`", "Did you mean `pci-class-blacklist`?"],
        ),
        (gpus("arguments", json!({"verbose": "loud"})), &["`verbose` is \"loud\"", "true or false"]),
        (json!([{"about": "x.", "get": "/version"}]), &["`tools.0` has no `name`"]),
        (json!([{"name": "x", "about": "x."}]), &["has 0 methods"]),
        (json!([{"name": "x", "about": "x.", "get": "/version", "columns": ["a"]}]), &["returns a list"]),
        (json!([{"name": "x", "about": "x.", "put": "/version"}]), &["`/version` has no PUT; it has GET"]),
        (
            json!([{"name": "x", "about": "x.", "get": "/version"}, {"name": "x", "about": "y.", "get": "/version"}]),
            &["`tools.1.name`", "earlier"],
        ),
    ] {
        let said = load(&tools).expect_err(&tools.to_string());
        for word in words {
            assert!(said.contains(word), "{tools}: `{said}` lacks `{word}`");
        }
    }
    let clash = load(&json!([{"name": "proxmox_list_vms", "about": "x.", "get": "/version"}])).unwrap();
    assert!(duplicate_names(&clash)[0].contains("built-in"));
    assert!(
        duplicate_names(&load(&json!([{"name": "mine", "about": "x.", "get": "/version"}])).unwrap())
            .is_empty()
    );
}
