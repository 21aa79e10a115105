//! Sizes: of the tool list and common answers in bytes and tokens, and of the binary.

use crate::{
    child::{LIST, ServerProcess, call},
    cluster::Cluster,
    stats::{heading, row},
};
use serde_json::Value;
use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

/// The answers that users see most often, on a cluster of 60 guests; with a limit in tokens for some of them.
const ANSWERS: [(&str, &str, &str, Option<f64>); 10] = [
    ("status overview", "proxmox_get_cluster_status", "{}", Some(400.0)),
    ("40 VMs", "proxmox_list_vms", r#"{"limit":40}"#, Some(1300.0)),
    ("VM info", "proxmox_get_vm_info", r#"{"vmid":100}"#, Some(500.0)),
    ("a failed task with its log's tail", "proxmox_wait_task", "", Some(400.0)),
    ("storage list", "proxmox_list_storage", "{}", Some(300.0)),
    ("nodes", "proxmox_list_nodes", "{}", None),
    ("containers", "proxmox_list_containers", "{}", None),
    ("10 tasks", "proxmox_list_tasks", r#"{"limit":10}"#, None),
    ("snapshots", "proxmox_list_snapshots", r#"{"vmid":100}"#, None),
    ("node info", "proxmox_get_node_info", r#"{"node":"pve1"}"#, None),
];

/// The size of what models read, in bytes, and also in tokens if node and gpt-tokenizer are installed.
pub(crate) fn tokens(folder: &Path, binary: &str) -> io::Result<()> {
    heading("Texts that a model reads (o200k tokens)");
    let cluster = Cluster::start(60, true, true)?;
    let mut texts = Vec::new();
    for toolsets in ["core", "all"] {
        let file = cluster.configuration(folder, toolsets, toolsets)?;
        let words = [binary.to_owned(), "--config".to_owned(), file.display().to_string()];
        let mut served = ServerProcess::start(&words)?;
        let line = served.ask(LIST)?;
        let list: Value = serde_json::from_str(&line)?;
        let tools = list["result"]["tools"].as_array().cloned().unwrap_or_default();
        texts.push((format!("tools/list, {toolsets}: {} tools", tools.len()), tools_text(&tools), None));
        if toolsets == "core" {
            continue;
        }
        for (what, tool, arguments, bound) in ANSWERS {
            let arguments =
                if arguments.is_empty() { failed_task(&mut served)? } else { arguments.to_owned() };
            let line = served.ask(&call(2, tool, &arguments))?;
            let answer: Value = serde_json::from_str(&line)?;
            let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
            if text.is_empty() || (answer["result"]["isError"] == true && tool != "proxmox_wait_task") {
                return Err(io::Error::other(format!("{tool}: {line}")));
            }
            texts.push((what.to_owned(), text, bound));
        }
    }
    let counts = count(&texts.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>());
    if counts.is_none() {
        println!(
            "(Tokens are not counted: node with gpt-tokenizer was not found; set TOKENIZER to its folder.)"
        );
    }
    for (place, (what, text, bound)) in texts.iter().enumerate() {
        let tokens = counts.as_ref().and_then(|counts| counts.get(place)).copied();
        let shown = tokens.map_or_else(String::new, |tokens| format!("{tokens} tokens"));
        row(what, &format!("{} bytes", text.len()), &shown, bound.and_then(|most| Some((tokens?, most))));
    }
    Ok(())
}

/// The part of each tool's definition that a client passes to its model.
fn tools_text(tools: &[Value]) -> String {
    let part = |tool: &Value, key: &str| tool[key].as_str().unwrap_or_default().to_owned();
    let lines = tools.iter().map(|tool| {
        format!("{} {} {}\n", part(tool, "name"), part(tool, "description"), tool["inputSchema"])
    });
    lines.collect()
}

/// The arguments to look up a failed task.
fn failed_task(served: &mut ServerProcess) -> io::Result<String> {
    let line = served.ask(&call(3, "proxmox_list_tasks", r#"{"fields":"upid,status","limit":500}"#))?;
    let answer: Value = serde_json::from_str(&line)?;
    let rows = answer["result"]["structuredContent"]["rows"].as_array().cloned().unwrap_or_default();
    let failed = rows.iter().find(|row| !matches!(row[1].as_str(), None | Some("OK" | "running" | "")));
    let upid = failed
        .map(|row| row[0].clone())
        .ok_or_else(|| io::Error::other(format!("no failed task: {line}")))?;
    Ok(serde_json::json!({ "upid": upid }).to_string())
}

/// The number of o200k tokens in each text.
fn count(texts: &[&str]) -> Option<Vec<f64>> {
    let script = "const require=require('node:module').createRequire(process.argv[1]+'/');";
    let script = format!(
        "{}const {{encode}}=r('gpt-tokenizer/encoding/o200k_base');\
         console.log(JSON.stringify(JSON.parse(require('node:fs').readFileSync(0,'utf8')).map(text=>encode(text).length)))",
        script.replace("const require=require", "const r=require")
    );
    let folder = std::env::var("TOKENIZER").unwrap_or_else(|_| "target/tools/npm".into());
    let folder = fs::canonicalize(folder).ok()?;
    let mut node = Command::new("node")
        .args(["-e", &script])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    node.stdin.take()?.write_all(serde_json::to_string(texts).ok()?.as_bytes()).ok()?;
    serde_json::from_slice(&node.wait_with_output().ok()?.stdout).ok()
}

pub(crate) fn binary(binary: &str) -> io::Result<()> {
    heading("The binary");
    let bytes = fs::metadata(binary)?.len() as f64;
    let mib = bytes / 1048576.0;
    row("size", &format!("{bytes} bytes"), &format!("{mib:.2} MiB"), Some((mib, 8.0)));
    Ok(())
}
