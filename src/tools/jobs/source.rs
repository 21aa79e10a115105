//! What new guests are created from: a template, a cloud image, an installation ISO or a container template; and the
//! node and storage for them.

use crate::{
    pve::{Method, Params, path},
    tools::{
        answer::{Failure, object},
        jobs::{
            read::{Cluster, Store, Volume, volumes},
            step::Order,
        },
        param::Kind,
        run::{Args, Context, find::Guest},
    },
};
use serde_json::{Map, Value};

/// What new guests are created from.
#[derive(Debug)]
pub enum Source {
    /// A template, with its configuration.
    Template(Guest, Map<String, Value>),
    /// The volume of a disk image.
    Image(String),
    /// The volume of an ISO.
    Iso(String),
    /// The volume of a container template.
    Container(String),
}

/// A file that must be downloaded first.
#[derive(Debug)]
pub struct Load {
    /// The request that downloads it.
    pub order: Order,
    /// The request that deletes it again.
    pub back: Order,
    /// Its volume, once it has been downloaded.
    pub volume: String,
    /// Its URL.
    pub url: String,
}

/// Where new guests go.
#[derive(Debug)]
pub struct Ground {
    /// The node.
    pub node: String,
    /// The storage for disks; `None` for that of the template's disks.
    pub storage: Option<String>,
}

impl Source {
    /// The kind of guest that is created from it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Source::Template(guest, _) => guest.kind,
            Source::Image(_) | Source::Iso(_) => Kind::Vm,
            Source::Container(_) => Kind::Container,
        }
    }
}

/// Reads the source that a call names, the place for its guests, and the file that must be downloaded first, if any.
///
/// # Errors
/// Fails unless exactly one source is named and it exists.
pub fn read(
    context: &Context<'_>,
    args: &Args,
    cluster: &Cluster,
) -> Result<(Source, Ground, Option<Load>), Failure> {
    let names = ["template", "image", "iso", "ostemplate"];
    let given: Vec<&str> = names.into_iter().filter(|name| args.get(name).is_some()).collect();
    let &[name] = given.as_slice() else {
        return Err(Failure::new(format!(
            "Give one of `template` (VMID of a template), `image` (URL or volume of a cloud image), `iso` (URL or volume) and `ostemplate` (URL or volume of a container template); {}. Nothing was done.",
            if given.is_empty() {
                "none is given".to_owned()
            } else {
                format!("{} are given", given.join(" and "))
            }
        )));
    };
    if name == "template" {
        return template(context, args, cluster).map(|(source, ground)| (source, ground, None));
    }
    let text = args.text(name).unwrap_or_default();
    let (content, disks) = match name {
        "image" => ("import", "images"),
        "iso" => ("iso", "images"),
        _ => ("vztmpl", "rootdir"),
    };
    let ground = ground(args, cluster, text, disks)?;
    let (volume, load) = match text.starts_with("http://") || text.starts_with("https://") {
        true => download(context, args, cluster, &ground.node, text, content)?,
        false => (there(cluster, &ground.node, text)?, None),
    };
    let source = match name {
        "image" => Source::Image(volume),
        "iso" => Source::Iso(volume),
        _ => Source::Container(volume),
    };
    Ok((source, ground, load))
}

fn template(context: &Context<'_>, args: &Args, cluster: &Cluster) -> Result<(Source, Ground), Failure> {
    let vmid = args.int("template").unwrap_or_default();
    let Some(resident) = cluster.guests.iter().find(|one| one.guest.vmid == vmid) else {
        return Err(Failure::new(format!(
            "There is no guest {vmid}; proxmox_list_templates lists the templates. Nothing was done."
        )));
    };
    if !resident.template {
        return Err(Failure::new(format!(
            "{} is not a template. proxmox_clone_vm clones any guest; proxmox_list_templates lists the templates. Nothing was done.",
            resident.guest.title()
        )));
    }
    let config = context.get(&format!("{}/config", resident.guest.path()?), &Params::new())?.value();
    let config = object::object(config)?;
    let node = args.text("node").unwrap_or(&resident.guest.node).to_owned();
    cluster.node(&node)?;
    if node != resident.guest.node {
        let local = |volume: &Volume| {
            !cluster.store(&volume.storage, &resident.guest.node).is_some_and(|store| store.shared)
        };
        if let Some(volume) = volumes(&config).iter().find(|volume| local(volume)) {
            return Err(Failure::new(format!(
                "{} cannot be cloned to {node}: its {} is on a local storage of {}. Leave `node` out, and move the new guest afterwards. Nothing was done.",
                resident.guest.title(),
                volume.key,
                resident.guest.node
            )));
        }
    }
    let storage = args.text("storage").map(str::to_owned);
    if let Some(storage) = &storage {
        known(cluster, storage, &node)?;
    }
    Ok((Source::Template(resident.guest.clone(), config), Ground { node, storage }))
}

/// The given node or, of those that have the required storages, the one with the most free memory.
fn ground(args: &Args, cluster: &Cluster, text: &str, disks: &str) -> Result<Ground, Failure> {
    let needs = text.split_once(':').map(|(storage, _)| storage).filter(|_| !text.contains("://"));
    let has = |node: &str, name: &str| cluster.store(name, node).is_some_and(|store| store.available);
    let node = match args.text("node") {
        Some(name) => cluster.node(name)?,
        None => {
            let fits = cluster.nodes.iter().filter(|node| {
                node.online
                    && needs.is_none_or(|storage| has(&node.name, storage))
                    && args.text("storage").is_none_or(|storage| has(&node.name, storage))
            });
            fits.max_by_key(|node| (cluster.free(node), std::cmp::Reverse(&node.name)))
                .ok_or_else(|| Failure::new("No online node has these storages. Nothing was done."))?
        }
    };
    let storage = match args.text("storage") {
        Some(name) => known(cluster, name, &node.name)?,
        None => cluster.storage_with_most_space(&node.name, disks).ok_or_else(|| {
            Failure::new(format!(
                "{} has no storage that holds {disks}; give `storage`. Nothing was done.",
                node.name
            ))
        })?,
    };
    Ok(Ground { node: node.name.clone(), storage: Some(storage.name.clone()) })
}

/// The named storage, if it is available on the node.
fn known<'a>(cluster: &'a Cluster, name: &str, node: &str) -> Result<&'a Store, Failure> {
    cluster.store(name, node).filter(|store| store.available).ok_or_else(|| {
        let here = cluster.storages.iter().filter(|store| store.node == node && store.available);
        let names: Vec<&str> = here.map(|store| store.name.as_str()).collect();
        Failure::new(format!(
            "There is no storage `{}` that can be used on {node}. It has: {}. Nothing was done.",
            name.escape_debug(),
            names.join(", ")
        ))
    })
}

/// Checks a volume that should already exist.
fn there(cluster: &Cluster, node: &str, volume: &str) -> Result<String, Failure> {
    match volume.split_once(':') {
        Some((storage, rest)) if !rest.is_empty() => known(cluster, storage, node).map(|_| volume.to_owned()),
        _ => Err(Failure::new(format!(
            "`{}` is neither a URL nor a volume such as `local:iso/debian.iso`; proxmox_list_storage_content lists the volumes. Nothing was done.",
            volume.escape_debug()
        ))),
    }
}

/// The download from a URL, unless the file already exists.
fn download(
    context: &Context<'_>,
    args: &Args,
    cluster: &Cluster,
    node: &str,
    url: &str,
    content: &str,
) -> Result<(String, Option<Load>), Failure> {
    let Some(store) = cluster.storage_with_most_space(node, content) else {
        return Err(Failure::new(format!(
            "No storage of {node} accepts content of the kind `{content}`, so nothing can be downloaded; proxmox_update_storage adds a kind. Nothing was done."
        )));
    };
    let file = file_of(url, content)?;
    let volume = format!("{}:{content}/{file}", store.name);
    let value = |hole: &str| match hole {
        "node" => Some(node.to_owned()),
        "storage" => Some(store.name.clone()),
        _ => Some(volume.clone()),
    };
    let fill = |template: &str| path::fill(template, value).map_err(Failure::new);
    let place = fill("/nodes/{node}/storage/{storage}/content/{volume}")?;
    if context.get(&place, &Params::new()).is_ok() {
        return Ok((volume, None));
    }
    let mut params = Params::new().with("content", content).with("filename", &file).with("url", url);
    if let Some(sum) = args.text("checksum") {
        params.push("checksum", sum);
        params.push("checksum-algorithm", algorithm(sum)?);
    }
    let order = Order::new(Method::Post, fill("/nodes/{node}/storage/{storage}/download-url")?, &params);
    let back = Order::new(Method::Delete, place, &Params::new());
    Ok((volume.clone(), Some(Load { order, back, volume, url: url.to_owned() })))
}

/// The file name: the last part of the URL, with an extension that Proxmox accepts.
fn file_of(url: &str, content: &str) -> Result<String, Failure> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-+".contains(letter);
    if name.is_empty() || !name.chars().all(plain) || !path.contains("://") || path.matches('/').count() < 3 {
        return Err(Failure::new(format!(
            "`{}` does not end in a file name, under which it could be stored. Nothing was done.",
            url.escape_debug()
        )));
    }
    // Ubuntu's .img files are qcow2, and Proxmox decides by the extension.
    match name.strip_suffix(".img").filter(|_| content == "import") {
        Some(stem) => Ok(format!("{stem}.qcow2")),
        None => Ok(name.to_owned()),
    }
}

/// The algorithm of a checksum, by its length.
fn algorithm(sum: &str) -> Result<&'static str, Failure> {
    let hex = sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    match sum.len() {
        32 if hex => Ok("md5"),
        40 if hex => Ok("sha1"),
        56 if hex => Ok("sha224"),
        64 if hex => Ok("sha256"),
        96 if hex => Ok("sha384"),
        128 if hex => Ok("sha512"),
        length => Err(Failure::new(format!(
            "`checksum` has {length} characters, but it must be the hexadecimal digits of an MD5, SHA-1 or SHA-2 sum. Nothing was done."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_url() {
        for (url, content, expected) in [
            ("https://x.test/a/noble.img", "import", Some("noble.qcow2")),
            ("https://x.test/a/debian-13.qcow2?token=1", "import", Some("debian-13.qcow2")),
            ("https://x.test/d.img", "iso", Some("d.img")),
            ("https://x.test/", "iso", None),
            ("https://x.test", "iso", None),
            ("https://x.test/a b", "iso", None),
        ] {
            assert_eq!(file_of(url, content).ok().as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_checksum_is_known_by_its_length() {
        assert_eq!(algorithm(&"a".repeat(64)).ok(), Some("sha256"));
        assert_eq!(algorithm(&"a".repeat(128)).ok(), Some("sha512"));
        assert!(algorithm(&"g".repeat(64)).is_err() && algorithm("").is_err());
    }
}
