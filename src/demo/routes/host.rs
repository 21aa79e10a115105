//! The components of a node: services, packages, network, disks, devices and certificates.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            nodes::{fingerprint, node},
            route::{Request, Route, route},
            rows::empty,
        },
        state::{
            clock::whole,
            cluster::Cluster,
            task_run::{Work, nothing},
        },
    },
    pve::Method::{Get, Post},
};
use serde_json::{Value, json};

const AUDIT: &str = "/nodes/{node}, Sys.Audit";

pub(crate) const ROUTES: [Route; 10] = [
    route(Get, "/nodes/{node}/services", AUDIT, services),
    route(Get, "/nodes/{node}/services/{service}/state", AUDIT, service),
    route(Post, "/nodes/{node}/services/{service}/reload", "/nodes/{node}, Sys.Modify", reload),
    route(Post, "/nodes/{node}/services/{service}/restart", "/nodes/{node}, Sys.Modify", restart),
    route(Get, "/nodes/{node}/certificates/info", "", certificates),
    route(Get, "/nodes/{node}/apt/update", "/nodes/{node}, Sys.Modify|Sys.Audit", updates),
    route(Get, "/nodes/{node}/apt/versions", AUDIT, versions),
    route(Get, "/nodes/{node}/disks/list", "/nodes/{node}, Sys.Audit|Datastore.Audit", disks),
    route(Get, "/nodes/{node}/hardware/pci", AUDIT, pci),
    route(Get, "/nodes/{node}/hardware/usb", AUDIT, empty),
];

/// Services: name, description, whether it runs.
const SERVICES: [(&str, &str, bool); 10] = [
    ("chrony", "chrony, an NTP client/server", true),
    ("corosync", "Corosync Cluster Engine", true),
    ("cron", "Regular background program processing daemon", true),
    ("ksmtuned", "Kernel Samepage Merging (KSM) Tuning Daemon", true),
    ("postfix", "Postfix Mail Transport Agent", false),
    ("pve-cluster", "The Proxmox VE cluster filesystem", true),
    ("pve-ha-crm", "PVE Cluster HA Resource Manager Daemon", true),
    ("pvedaemon", "PVE API Daemon", true),
    ("pveproxy", "PVE API Proxy Server", true),
    ("pvestatd", "PVE Status Daemon", true),
];

fn service_row((name, about, runs): (&str, &str, bool)) -> Value {
    json!({"service": name, "name": name, "desc": about, "state": if runs { "running" } else { "dead" },
        "active-state": if runs { "active" } else { "inactive" },
        "unit-state": if runs { "enabled" } else { "masked" }})
}

fn services(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!(SERVICES.map(service_row)).into())
}

/// The service in the path: its name, description, whether it runs.
pub(super) fn known_service(request: &Request) -> Result<(&'static str, &'static str, bool), ApiError> {
    let name = request.hole("service");
    let names: Vec<&str> = SERVICES.iter().map(|(name, ..)| *name).collect();
    SERVICES.into_iter().find(|(known, ..)| *known == name).ok_or_else(|| {
        let list = names.join(", ");
        ApiError::parameter(
            "service",
            format!("value '{name}' does not have a value in the enumeration '{list}'"),
        )
    })
}

fn service(_: &mut Cluster, request: &Request) -> Outcome {
    Ok(service_row(known_service(request)?).into())
}

fn reload(cluster: &mut Cluster, request: &Request) -> Outcome {
    service_task(cluster, request, "srvreload")
}

fn restart(cluster: &mut Cluster, request: &Request) -> Outcome {
    service_task(cluster, request, "srvrestart")
}

fn service_task(cluster: &mut Cluster, request: &Request, kind: &'static str) -> Outcome {
    let (name, ..) = known_service(request)?;
    let work = Work { kind, id: name.into(), lock: None, seconds: 0.2, begin: nothing(), finish: nothing() };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
}

fn certificates(cluster: &mut Cluster, request: &Request) -> Outcome {
    let ca = cluster.ca.clone();
    let node = node(cluster, request)?;
    let issuer = "/CN=Proxmox Virtual Environment/O=PVE Cluster Manager CA";
    let made = whole(node.booted);
    let row = |file: &str, subject: &str, san: Value, bits: u32, days: u64| {
        json!({"filename": file, "subject": subject, "issuer": issuer, "san": san, "public-key-bits": bits,
            "public-key-type": "rsaEncryption", "notbefore": made, "notafter": made + days * 86_400,
            "fingerprint": fingerprint(if bits == 2048 { &node.name } else { file }), "pem": if bits == 2048 { "<pem>" } else { &ca }})
    };
    let san = json!(["127.0.0.1", "localhost", node.ip, node.name, format!("{}.test", node.name)]);
    let subject = format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={}.test", node.name);
    Ok(json!([
        row("pve-root-ca.pem", issuer, json!([]), 4096, 3650),
        row("pve-ssl.pem", &subject, san, 2048, 730),
    ])
    .into())
}

fn updates(_: &mut Cluster, _: &Request) -> Outcome {
    let about = "time zone and daylight-saving time data";
    Ok(json!([{"Package": "tzdata", "Version": "2026f-0+deb13u1", "OldVersion": "2026c-0+deb13u1", "Arch": "all",
        "Section": "localization", "Priority": "required", "Origin": "Debian", "Title": about, "Description": about}])
    .into())
}

fn versions(_: &mut Cluster, _: &Request) -> Outcome {
    let row = |name: &str, version: &str, about: &str| {
        json!({"Package": name, "Version": version, "OldVersion": version, "CurrentState": "Installed",
            "Arch": "amd64", "Section": "admin", "Priority": "optional", "Origin": "Proxmox", "Title": about,
            "Description": about})
    };
    Ok(json!([
        row("pve-manager", "9.2.11", "Proxmox Virtual Environment Management Tools"),
        row("qemu-server", "9.2.6", "Qemu Server Tools"),
        row("pve-container", "6.1.10", "Proxmox VE Container management tool"),
    ])
    .into())
}

fn disks(cluster: &mut Cluster, request: &Request) -> Outcome {
    let size = node(cluster, request)?.disk;
    let row = |path: &str, used: &str, serial: &str| {
        json!({"devpath": path, "used": used, "type": "nvme", "model": "SAMSUNG MZQL2960HCJR", "serial": serial,
            "vendor": "unknown", "wwn": "unknown", "size": size, "rpm": 0, "gpt": 1, "health": "PASSED",
            "wearout": "99", "osdid": -1, "osdid-list": null, "mounted": u8::from(used == "mounted")})
    };
    Ok(json!([
        row("/dev/nvme0n1", "mounted", "S64FNE0R700001"),
        row("/dev/nvme1n1", "LVM", "S64FNE0R700002")
    ])
    .into())
}

fn pci(_: &mut Cluster, _: &Request) -> Outcome {
    let row = |id: &str, class: &str, vendor: &str, device: &str, words: [&str; 2], group: i32| {
        json!({"id": id, "class": class, "vendor": vendor, "device": device, "vendor_name": words[0],
            "device_name": words[1], "iommugroup": group, "subsystem_vendor": vendor, "subsystem_device": device,
            "subsystem_vendor_name": words[0]})
    };
    Ok(json!([
        row(
            "0000:01:00.0",
            "0x020000",
            "0x8086",
            "0x1563",
            ["Intel Corporation", "Ethernet Controller X550"],
            12
        ),
        row("0000:41:00.0", "0x030000", "0x10de", "0x2236", ["NVIDIA Corporation", "GA102GL [A10]"], 30),
    ])
    .into())
}
