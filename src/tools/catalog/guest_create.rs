//! Creating guests.

use crate::{
    pve::{self, Method, Params, path},
    tools::{
        answer::{Failure, Outcome},
        param::{Kind, Param},
        run::{args::Args, context::Context, find, follow::follow},
    },
};
use serde_json::{Map, json};

/// Parameters of creating a guest. Any other key goes into `config`.
pub const PARAMS: &[Param] = &[
    Param::text("node"),
    Param::int("vmid", 100, 999_999_999).optional(),
    Param::text("name").optional(),
    Param::int("cores", 1, 8192).optional(),
    Param::int("memory", 16, 67_108_864).about("MiB.").optional(),
    Param::text("storage").optional(),
    Param::int("disk_size", 1, 1_048_576).about("GiB.").optional(),
    Param::text("bridge").unlisted(),
    Param::text("iso").about("Volume.").only(Kind::Vm),
    Param::text("ostemplate").about("Volume.").only(Kind::Container),
    Param::flag("start").optional(),
    Param::more("config").about("net0, tags, …"),
];

/// The API method that it calls.
pub const BEHIND: &[(Method, &str)] = &[(Method::Post, "/nodes/{node}/{type}")];

/// How many free VMIDs are tried: Proxmox does not reserve the one it returns (pve.md section 4).
const TRIES: usize = 3;

/// Creates a guest with the usual defaults: virtio, one disk, one network interface.
pub fn create(context: &Context<'_>, args: &Args) -> Outcome {
    let node = args.text("node").unwrap_or_default();
    find::node_exists(context, node)?;
    let kind = context.kind.unwrap_or(Kind::Vm);
    let value_of =
        |hole: &str| Some(if hole == "node" { node.to_owned() } else { kind.api_type().to_owned() });
    let path = path::fill("/nodes/{node}/{type}", value_of).map_err(Failure::new)?;
    let mut params = args.params(&["cores", "memory", "config"]);
    match kind {
        Kind::Vm => vm_defaults(args, &mut params),
        Kind::Container => container_defaults(args, &mut params)?,
    }
    let send = |vmid: i64| {
        let params = params.clone().with("vmid", vmid);
        context.change(Method::Post, &path, &params)
    };
    let (vmid, reply) = with_free_id(context, args.int("vmid"), send)?;
    let mut facts = Map::from_iter([("vmid".to_owned(), json!(vmid)), ("node".to_owned(), json!(node))]);
    if let Some(name) = args.text("name") {
        facts.insert("name".into(), name.into());
    }
    follow(context, args, reply.value().as_str().unwrap_or_default(), facts)
}

fn set(params: &mut Params, name: &str, value: impl ToString) {
    if params.get(name).is_none() {
        params.push(name, value);
    }
}

fn vm_defaults(args: &Args, params: &mut Params) {
    if let Some(name) = args.text("name") {
        set(params, "name", name);
    }
    set(params, "ostype", "l26");
    set(params, "scsihw", "virtio-scsi-single");
    set(params, "agent", 1);
    set(params, "net0", format!("virtio,bridge={}", args.text("bridge").unwrap_or("vmbr0")));
    if let Some(storage) = args.text("storage") {
        set(params, "scsi0", format!("{storage}:{}", args.int("disk_size").unwrap_or(32)));
    }
    if let Some(iso) = args.text("iso") {
        set(params, "ide2", format!("{iso},media=cdrom"));
    }
    if args.flag("start") == Some(true) {
        set(params, "start", 1);
    }
}

fn container_defaults(args: &Args, params: &mut Params) -> Result<(), Failure> {
    let Some(template) = args.text("ostemplate") else {
        return Err(Failure::new(
            "`ostemplate` is missing: the volume of a container template, as listed by proxmox_list_storage_content with content vztmpl.",
        ));
    };
    set(params, "ostemplate", template);
    if let Some(name) = args.text("name") {
        set(params, "hostname", name);
    }
    set(params, "unprivileged", 1);
    set(params, "net0", format!("name=eth0,bridge={},ip=dhcp", args.text("bridge").unwrap_or("vmbr0")));
    if let Some(storage) = args.text("storage") {
        set(params, "rootfs", format!("{storage}:{}", args.int("disk_size").unwrap_or(8)));
    }
    if args.flag("start") == Some(true) {
        set(params, "start", 1);
    }
    Ok(())
}

/// Sends the request with the given VMID or the next free one; if that has been taken meanwhile, tries the one after
/// it.
pub(in crate::tools) fn with_free_id(
    context: &Context<'_>,
    wanted: Option<i64>,
    send: impl Fn(i64) -> Result<pve::Reply, Failure>,
) -> Result<(i64, pve::Reply), Failure> {
    if let Some(vmid) = wanted {
        return Ok((vmid, send(vmid)?));
    }
    let mut tries = 0;
    loop {
        let next = context.get("/cluster/nextid", &Params::new())?.value();
        let vmid = next.as_i64().or_else(|| next.as_str()?.parse().ok());
        let vmid = vmid.ok_or_else(|| Failure::new("Proxmox returned no free VMID; give one."))?;
        tries += 1;
        match send(vmid) {
            Ok(reply) => return Ok((vmid, reply)),
            // Refused, so certainly not carried out.
            Err(Failure(words)) if tries < TRIES && words.contains("already exists") => {}
            Err(failure) => return Err(failure),
        }
    }
}
