//! Single volumes on storages: reading, setting attributes, deleting, and downloading new ones.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            clock::whole,
            cluster::{Cluster, Volume},
            guest_disks::{free, storage},
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Value, json};

pub(crate) const ROUTES: [Route; 6] = [
    route(Get, "/nodes/{node}/storage/{storage}/content/{volume*}", "", volume),
    route(Put, "/nodes/{node}/storage/{storage}/content/{volume*}", "", mark),
    route(Delete, "/nodes/{node}/storage/{storage}/content/{volume*}", "", delete),
    route(
        Post,
        "/nodes/{node}/storage/{storage}/download-url",
        "/storage/{storage}, Datastore.AllocateTemplate",
        download,
    ),
    route(
        Post,
        "/nodes/{node}/storage/{storage}/upload",
        "/storage/{storage}, Datastore.AllocateTemplate",
        upload,
    ),
    route(Post, "/nodes/{node}/aplinfo", "", appliance),
];

/// Templates that can be downloaded, with their size in bytes.
const APPLIANCES: [(&str, u64); 3] = [
    ("alpine-3.22-default_20250617_amd64.tar.xz", 3_389_116),
    ("debian-13-standard_13.1-2_amd64.tar.zst", 129_853_440),
    ("ubuntu-24.04-standard_24.04-2_amd64.tar.zst", 141_589_318),
];

/// The index of the volume in the path, with or without its storage's name.
fn find(cluster: &Cluster, request: &Request, need: &str) -> Result<usize, ApiError> {
    let (place, name) = (request.hole("storage"), request.hole("volume"));
    storage(cluster, place)?;
    let volid = if name.contains(':') { name.to_owned() } else { format!("{place}:{name}") };
    let path = format!("/storage/{place}");
    let found = cluster.volumes.iter().position(|volume| {
        volume.volid == volid && volume.node.as_deref().is_none_or(|node| node == request.node())
    });
    let owner = found.and_then(|at| cluster.volumes[at].vmid);
    let own = owner.is_some_and(|vmid| {
        cluster.access.allows(&request.who, &format!("/vms/{vmid}"), None, "VM.Config.Disk|VM.Backup")
    });
    if !own && !cluster.access.allows(&request.who, &path, None, need) {
        return Err(ApiError::forbidden(&format!("{path}, {need}")));
    }
    found.ok_or_else(|| ApiError::failed(format!("volume '{volid}' does not exist")))
}

fn volume(cluster: &mut Cluster, request: &Request) -> Outcome {
    let volume = &cluster.volumes[find(cluster, request, "Datastore.AllocateSpace")?];
    let place = storage(cluster, volume.storage())?;
    let root = place.more.get("path").and_then(Value::as_str);
    let (_, name) = volume.volid.split_once(':').unwrap_or_default();
    let path = match root {
        Some(root) if volume.content == "images" || volume.content == "rootdir" => {
            format!("{root}/images/{name}")
        }
        Some(root) if volume.content == "backup" => {
            format!("{root}/{}", name.replacen("backup/", "dump/", 1))
        }
        Some(root) => format!("{root}/template/{}", name.replacen("vztmpl/", "cache/", 1)),
        None => format!("/dev/pve/{name}"),
    };
    let mut data = json!({"path": path, "format": volume.format, "size": volume.size, "used": volume.used});
    if let Some(notes) = &volume.notes {
        data["notes"] = json!(notes);
    }
    if volume.protected {
        data["protected"] = json!(1);
    }
    Ok(data.into())
}

fn mark(cluster: &mut Cluster, request: &Request) -> Outcome {
    let at = find(cluster, request, "Datastore.Allocate")?;
    let volume = &mut cluster.volumes[at];
    if volume.content != "backup" {
        return Err(ApiError::failed("volume attributes can only be changed for backups"));
    }
    if let Some(notes) = request.param("notes") {
        volume.notes = (!notes.is_empty()).then(|| notes.to_owned());
    }
    if request.param("protected").is_some() {
        volume.protected = request.flag("protected");
    }
    Ok(Value::Null.into())
}

fn delete(cluster: &mut Cluster, request: &Request) -> Outcome {
    let volume = &cluster.volumes[find(cluster, request, "Datastore.Allocate")?];
    let (volid, place, owner) = (volume.volid.clone(), volume.storage().to_owned(), volume.vmid);
    if let Some(vmid) = owner
        && volume.content != "backup"
        && cluster.guests.contains_key(&vmid)
    {
        let problem = format!("Cannot remove image, a guest with VMID '{vmid}' exists!");
        return Err(ApiError::failed(problem));
    }
    let id = owner.map_or_else(|| place.clone(), |vmid| format!("{vmid}@{place}"));
    let finish: Step = Box::new(move |cluster, log| {
        let Some(volume) = cluster.volumes.iter().find(|volume| volume.volid == volid) else {
            return Err(format!("volume '{volid}' does not exist"));
        };
        if volume.protected {
            let (_, name) = volid.split_once(':').unwrap_or_default();
            return Err(format!("cannot remove protected volume '{name}' on '{place}'"));
        }
        free(cluster, &volid);
        cluster.firewalls.remove(&format!("backups/{volid}"));
        log.push(format!("Removed volume '{volid}'"));
        Ok(())
    });
    let work = Work { kind: "imgdel", id, lock: None, seconds: 0.3, begin: nothing(), finish };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
}

/// A file that is downloaded or uploaded.
struct Fetched {
    place: String,
    content: &'static str,
    name: String,
    size: u64,
    url: String,
    /// The error with which the task fails.
    problem: Option<String>,
}

fn fetch(cluster: &mut Cluster, request: &Request, file: Fetched) -> Outcome {
    let known = storage(cluster, &file.place)?;
    if !known.takes(file.content) {
        let problem =
            format!("storage '{}' is not configured for content-type '{}'", file.place, file.content);
        return Err(ApiError::parameter("storage", problem));
    }
    known.check(request.node())?;
    let shared = known.shared;
    let volid = format!("{}:{}/{}", file.place, file.content, file.name);
    let uploaded = file.url == "the client";
    let (url, problem) = (file.url, file.problem);
    let begin: Step = Box::new(move |_, log| {
        log.push(format!("downloading {url}"));
        match problem {
            Some(problem) => Err(problem),
            None => {
                log.push(format!("{:>6}K .......... ..........  1% 9.81M 0s", 32));
                Ok(())
            }
        }
    });
    let (node, size) = (request.node().to_owned(), file.size);
    let finish: Step = Box::new(move |cluster, log| {
        log.push(format!("{:>6}K .......... ..........100% 48.2M=1s", size >> 10));
        log.push("download finished".into());
        free(cluster, &volid);
        let format = match volid.rsplit('.').next().unwrap_or_default() {
            "zst" => "tzst",
            "xz" => "txz",
            "gz" => "tgz",
            end => end,
        };
        let format = format.to_owned();
        let ctime = whole(cluster.clock.now());
        cluster.volumes.push(Volume {
            volid,
            node: (!shared).then_some(node),
            content: file.content,
            format,
            size,
            used: size,
            ctime,
            vmid: None,
            notes: None,
            protected: false,
        });
        Ok(())
    });
    let kind = if uploaded { "imgcopy" } else { "download" };
    let work = Work { kind, id: file.name, lock: None, seconds: 3.0, begin, finish };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
}

fn download(cluster: &mut Cluster, request: &Request) -> Outcome {
    let content = match request.param("content") {
        Some("vztmpl") => "vztmpl",
        Some("import") => "import",
        _ => "iso",
    };
    let node = format!("/nodes/{}", request.node());
    let modify = cluster.access.allows(&request.who, "/", None, "Sys.Modify");
    if !modify && !cluster.access.allows(&request.who, &node, None, "Sys.AccessNetwork") {
        return Err(ApiError::forbidden(&format!("{node}, Sys.AccessNetwork")));
    }
    let url = request.param("url").unwrap_or_default().to_owned();
    // Nothing is really downloaded: names under `.invalid` stand for unreachable hosts.
    let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    let problem = host.ends_with(".invalid").then(|| "download failed: exit code 4".to_owned());
    let name = request.param("filename").unwrap_or_default().to_owned();
    let place = request.hole("storage").to_owned();
    fetch(cluster, request, Fetched { place, content, name, size: 512 << 20, url, problem })
}

/// The file came with the request; the task only moves it to its place.
fn upload(cluster: &mut Cluster, request: &Request) -> Outcome {
    let Some(size) = request.file_bytes else {
        return Err(ApiError::parameter("filename", "no file was sent along"));
    };
    let content = match request.param("content") {
        Some("vztmpl") => "vztmpl",
        Some("import") => "import",
        _ => "iso",
    };
    let name = request.param("filename").unwrap_or_default().to_owned();
    let place = request.hole("storage").to_owned();
    fetch(cluster, request, Fetched { place, content, name, size, url: "the client".into(), problem: None })
}

fn appliance(cluster: &mut Cluster, request: &Request) -> Outcome {
    let place = request.param("storage").unwrap_or_default().to_owned();
    let path = format!("/storage/{place}");
    if !cluster.access.allows(&request.who, &path, None, "Datastore.AllocateTemplate") {
        return Err(ApiError::forbidden(&format!("{path}, Datastore.AllocateTemplate")));
    }
    let name = request.param("template").unwrap_or_default();
    let Some((name, size)) = APPLIANCES.into_iter().find(|(known, _)| *known == name) else {
        return Err(ApiError::parameter("template", "no such template"));
    };
    let url = format!("http://download.proxmox.com/images/system/{name}");
    let (name, content) = (name.to_owned(), "vztmpl");
    fetch(cluster, request, Fetched { place, content, name, size, url, problem: None })
}
