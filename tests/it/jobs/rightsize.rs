//! Guests that have more or less than they use: reported in a table, changed with one plan.

use super::{ANSWER, changes, guests, quick};
use proxmox_mcp::demo::Fault;
use serde_json::{Value, json};

/// The history of a guest: its CPU usage as a share and its memory in MiB, at every point.
pub fn history(cpu: f64, memory: u64, points: usize) -> Fault {
    let row = |at: usize| json!({"time": at, "cpu": cpu, "mem": memory << 20, "maxmem": 1_u64 << 40});
    let rows: Vec<Value> = (0..points).map(row).collect();
    super::update::raw(&json!({"success": 1, "data": rows}))
}

#[test]
fn what_is_too_large_or_too_small_is_told_and_what_fits_is_not() {
    for (vmid, cpu, memory, points, change) in [
        // It has 2 cores and 4096 MiB.
        (105, 0.9, 4000, 100, "cores 2 to 3, memory 4096 to 6912"),
        (105, 0.5, 2500, 100, ""),
        (105, 0.05, 300, 100, "cores 2 to 1, memory 4096 to 512"),
        (105, 0.05, 300, 5, "Too few metrics for: VM 105 (mail01)."),
    ] {
        let sample = quick(|_| {});
        sample.server.faults().add(&format!("/{vmid}/rrddata"), 1, history(cpu, memory, points));
        let told = sample.ok("proxmox_rightsize", json!({"vmid": vmid}));
        match change {
            "" => assert_eq!(told["total"], 0, "{told}"),
            words if points < 24 => assert!(told["notes"].to_string().contains(words), "{told}"),
            change => assert_eq!(told["rows"][0][7], change, "{told}"),
        }
        assert!(changes(&sample).is_empty());
    }
    let sample = quick(|_| {});
    let all = sample.ok("proxmox_rightsize", json!({}));
    assert_eq!(all["looked_at"], sample.wire().iter().filter(|line| line.contains("/rrddata")).count());
    sample.fails("proxmox_rightsize", json!({"tag": "nope"}), &["No guest matches", "Nothing was done"]);
}

#[test]
fn the_changes_are_made_as_one_plan() {
    let sample = quick(|_| {});
    let history = || history(0.05, 300, 100);
    sample.server.faults().add("/105/rrddata", 2, history());
    let call = json!({"vmid": 105, "apply": true, "wait": 600});
    let plan = sample.ok("proxmox_rightsize", json!({"vmid": 105, "apply": true, "dry_run": true}));
    let step = plan["steps"][0].as_str().unwrap();
    assert!(step.contains("PUT /nodes/pve1/qemu/105/config cores=1 memory=512"), "{plan}");
    assert!(changes(&sample).is_empty());
    let done = sample.ok("proxmox_rightsize", call);
    assert_eq!(done["state"], "done", "{done}");
    assert!(done.to_string().len() <= ANSWER, "{done}");
    assert!(done["then"].as_str().unwrap().contains("next start"), "{done}");
    let after = &guests(&sample)[&105];
    assert!(after.contains(r#""cores":1"#) && after.contains(r#""memory":"512""#), "{after}");
}
