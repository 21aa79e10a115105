//! New guests from each source: the plan, the requests, and the result.

use super::{ANSWER, PLAN, changes, guests, quick, requests, volumes, with};
use serde_json::{Value, json};

fn two() -> Value {
    json!({"template": 111, "name": "web{n}", "count": 2, "cores": 4, "memory": 4096, "disk_size": 20,
        "user": "anna", "sshkeys": "ssh-ed25519 AAAAC3Nz anna@x", "address": "192.0.2.10/24",
        "gateway": "192.0.2.1", "password": "planted-password", "vmid": 900})
}

#[test]
fn two_guests_from_a_template_are_planned_and_made() {
    let sample = quick(|_| {});
    let plan = sample.ok("proxmox_provision_vm", with(&two(), json!({"dry_run": true})));
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 10, "{plan}");
    assert!(plan.to_string().len() <= PLAN, "{} bytes: {plan}", plan.to_string().len());
    assert!(!plan.to_string().contains("planted-password"), "{plan}");
    assert_eq!(plan["would"], "run", "{plan}");
    assert!(changes(&sample).is_empty(), "a plan sends nothing");
    let done = sample.done("proxmox_provision_vm", two());
    assert!(done.to_string().len() <= ANSWER, "{} bytes: {done}", done.to_string().len());
    assert_eq!(done["state"], "done", "{done}");
    assert!(done["results"][0].as_str().unwrap().starts_with("VM 900: "), "{done}");
    assert!(done["then"].as_str().unwrap().contains("ssh anna@ADDRESS"), "{done}");
    let told: Vec<String> = requests(&plan).into_iter().flatten().collect();
    let sent: Vec<String> =
        changes(&sample).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(sent, told, "what was shown is what was sent");
    let all = guests(&sample);
    for (vmid, words) in [
        (900, ["web1", "running", r#""cores":4"#, "ip=192.0.2.10/24,gw=192.0.2.1", "size=20G"]),
        (901, ["web2", "running", r#""ciuser":"anna""#, "ip=192.0.2.11/24,gw=192.0.2.1", "cloudinit"]),
    ] {
        for word in words {
            assert!(all[&vmid].contains(word), "{vmid} lacks {word}: {}", all[&vmid]);
        }
    }
}

#[test]
fn guests_are_made_from_every_source() {
    let url = "https://images.example/noble.img";
    let sum = "0".repeat(64);
    for (arguments, expected) in [
        (
            json!({"image": url, "checksum": sum, "disk_size": 10, "user": "anna"}),
            &["download-url", "qemu", "resize", "start"][..],
        ),
        (json!({"iso": "shared:iso/debian-13-netinst.iso", "disk_size": 10}), &["qemu", "start"]),
        (
            json!({"ostemplate": "shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst", "sshkeys": "ssh-rsa A",
                "address": "192.0.2.10/24"}),
            &["lxc", "start"],
        ),
        (
            json!({"template": 207, "full": true, "memory": 300, "address": "192.0.2.10/24"}),
            &["clone", "config", "start"],
        ),
        (json!({"template": 111, "start": false}), &["clone"]),
    ] {
        let sample = quick(|_| {});
        let before = guests(&sample).len();
        let done =
            sample.agreed("proxmox_provision_vm", with(&arguments, json!({"name": "new", "vmid": 900})));
        let done = done.unwrap_or_else(|why| panic!("{arguments}: {why}"));
        assert_eq!(done["state"], "done", "{arguments}: {done}");
        let ends: Vec<String> = changes(&sample)
            .iter()
            .map(|line| line.split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned())
            .collect();
        assert_eq!(ends, expected, "{arguments}");
        assert_eq!(guests(&sample).len(), before + 1, "{arguments}");
    }
}

#[test]
fn an_image_is_loaded_once() {
    let sample = quick(|_| {});
    let image =
        json!({"image": "https://images.example/noble.img", "name": "a", "node": "pve1", "vmid": 900});
    sample.done("proxmox_provision_vm", image.clone());
    let all = volumes(&sample);
    assert!(all.iter().any(|volume| volume == "shared:import/noble.qcow2"), "{all:?}");
    sample.server.skip(600.0);
    let again = with(&image, json!({"name": "b", "vmid": 901, "dry_run": true}));
    assert!(!sample.ok("proxmox_provision_vm", again).to_string().contains("download-url"));
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    let sample = quick(|_| {});
    for (arguments, words) in [
        (json!({}), "none is given"),
        (json!({"template": 111, "iso": "shared:iso/x.iso"}), "template and iso are given"),
        (json!({"template": 105}), "is not a template"),
        (json!({"template": 999}), "no guest 999"),
        (json!({"template": 111, "disk_size": 1}), "cannot shrink"),
        (json!({"template": 111, "name": "a b"}), "must be a host name"),
        (json!({"template": 111, "address": "192.0.2.1"}), "prefix length"),
        (json!({"template": 111, "vmid": 100}), "is taken"),
        (json!({"template": 207, "node": "pve2"}), "local storage"),
        (json!({"template": 111, "node": "pve9"}), "no node `pve9`"),
        (json!({"template": 111, "storage": "nope"}), "no storage `nope`"),
        (json!({"image": "nope"}), "neither a URL nor a volume"),
        (json!({"image": "https://x.test/a.img", "checksum": "12"}), "checksum"),
    ] {
        let arguments = with(&json!({"name": "new"}), arguments);
        sample.fails("proxmox_provision_vm", arguments, &[words, "Nothing was done"]);
    }
    assert!(changes(&sample).is_empty());
}
