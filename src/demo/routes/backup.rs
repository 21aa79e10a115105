//! Backups: creating them, and their content (pve.md section 7).

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::{
            prune::{self, Wanted},
            route::{Request, Route, route},
        },
        state::{
            clock::{civil, whole},
            cluster::{Cluster, Firewall, Volume},
            guest::{Guest, Kind},
            guest_disks::{config_size, disks, log_time, shown, storage},
            retention::Keep,
            task_run::{Step, Work},
        },
    },
    pve::Method::{Get, Post},
};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

pub(crate) const ROUTES: [Route; 2] = [
    route(Post, "/nodes/{node}/vzdump", "", vzdump),
    route(Get, "/nodes/{node}/vzdump/extractconfig", "", extract),
];

/// Where the configuration in a backup is kept: next to the guest's firewall configuration, which real archives contain
/// too.
fn shelf(volid: &str) -> String {
    format!("backups/{volid}")
}

/// The configuration in a backup. Backups of the sample contain the present configuration of their guest (`overwritten`
/// if the guest is just being overwritten); if the guest is gone, only its name.
pub(crate) fn stored(
    cluster: &Cluster,
    volid: &str,
    overwritten: Option<&Guest>,
) -> Result<Map<String, Value>, String> {
    let found = cluster.volumes.iter().find(|volume| volume.volid == volid && volume.content == "backup");
    let Some(volume) = found else { return Err(format!("volume '{volid}' does not exist")) };
    if let Some(kept) = cluster.firewalls.get(&shelf(volid)) {
        return Ok(kept.options.clone());
    }
    let own = volume.vmid.and_then(|vmid| cluster.guests.get(&vmid));
    let own = own.or_else(|| overwritten.filter(|guest| Some(guest.vmid) == volume.vmid));
    Ok(own.map_or_else(
        || {
            let key = if volid.contains("-lxc-") { "hostname" } else { "name" };
            Map::from_iter([(key.to_owned(), json!(volume.notes))])
        },
        |guest| guest.config.clone(),
    ))
}

fn extract(cluster: &mut Cluster, request: &Request) -> Outcome {
    let volid = request.param("volume").unwrap_or_default();
    let place = volid.split(':').next().unwrap_or_default();
    let path = format!("/storage/{place}");
    if !cluster.access.allows(&request.who, &path, None, "Datastore.AllocateSpace|Datastore.Allocate") {
        return Err(ApiError::forbidden(&format!("{path}, Datastore.AllocateSpace")));
    }
    let config = stored(cluster, volid, None)?;
    let mut text = String::new();
    for line in config.get("description").and_then(Value::as_str).unwrap_or_default().lines() {
        let _ = writeln!(text, "#{line}");
    }
    for (key, value) in config.iter().filter(|(key, _)| !["description", "lock"].contains(&key.as_str())) {
        match value {
            Value::String(value) => drop(writeln!(text, "{key}: {value}")),
            value => drop(writeln!(text, "{key}: {value}")),
        }
    }
    if !volid.contains("-lxc-") {
        let guest = Guest::new(0, Kind::Qemu, "", config);
        for disk in disks(&guest) {
            let _ =
                writeln!(text, "#qmdump#map:{0}:drive-{0}:{1}:{2}:", disk.key, disk.storage(), disk.format());
        }
    }
    Ok(json!(text).into())
}

/// One backup job.
#[derive(Clone)]
struct Job {
    node: String,
    storage: String,
    mode: String,
    /// The file name extension of the compression, with its dot.
    ending: &'static str,
    notes: String,
    protected: bool,
    /// The retention rules after a new backup was made; `None` if no backup is to be removed.
    keep: Option<(Keep, String)>,
}

/// The guests that a request selects, those on other nodes separately.
fn chosen(cluster: &Cluster, request: &Request) -> Result<(Vec<u32>, Vec<u32>), ApiError> {
    let here = |vmid: &u32| cluster.guests.get(vmid).is_none_or(|guest| guest.node == request.node());
    let list = |name: &str| -> Vec<u32> {
        let text = request.param(name).unwrap_or_default();
        split_list(text).filter_map(|vmid| vmid.parse().ok()).collect()
    };
    if request.param("vmid").is_some() {
        return Ok(list("vmid").into_iter().partition(here));
    }
    let pool = request.param("pool");
    if pool.is_none() && !request.flag("all") {
        return Err(ApiError::parameter("vmid", "property is missing and it is not optional"));
    }
    let exclude = list("exclude");
    let wanted = cluster.guests.values().filter(|guest| pool.is_none() || guest.pool.as_deref() == pool);
    let ids = wanted.map(|guest| guest.vmid).filter(|vmid| !exclude.contains(vmid) && here(vmid));
    Ok((ids.collect(), Vec::new()))
}

fn vzdump(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (ids, elsewhere) = chosen(cluster, request)?;
    for vmid in &ids {
        let pool = cluster.guests.get(vmid).and_then(|guest| guest.pool.as_deref());
        if !cluster.access.allows(&request.who, &format!("/vms/{vmid}"), pool, "VM.Backup") {
            return Err(ApiError::forbidden(&format!("/vms/{vmid}, VM.Backup")));
        }
    }
    let place = request.param("storage").unwrap_or("local");
    if !cluster.access.allows(&request.who, &format!("/storage/{place}"), None, "Datastore.AllocateSpace") {
        return Err(ApiError::forbidden(&format!("/storage/{place}, Datastore.AllocateSpace")));
    }
    if request.param("prune-backups").is_some()
        && !cluster.access.allows(&request.who, &format!("/storage/{place}"), None, "Datastore.Allocate")
    {
        return Err(ApiError::forbidden(&format!("/storage/{place}, Datastore.Allocate")));
    }
    // Old backups are removed unless the request, or else the storage, rules that out.
    let keep = prune::retention(cluster, place, request.param("prune-backups"))?;
    let removes = request.param("remove").is_none_or(|_| request.flag("remove"));
    let said = request.param("prune-backups").map(str::to_owned);
    let said = said.or_else(|| {
        let own = storage(cluster, place).ok()?.more.get("prune-backups")?;
        own.as_str().map(str::to_owned)
    });
    let keep = (removes && !keep.keeps_all()).then(|| (keep, said.unwrap_or_default()));
    let job = Job {
        node: request.node().to_owned(),
        storage: place.to_owned(),
        mode: request.param("mode").unwrap_or("snapshot").to_owned(),
        ending: match request.param("compress") {
            Some("zstd") => ".zst",
            Some("1" | "gzip") => ".gz",
            Some("lzo") => ".lzo",
            _ => "",
        },
        notes: request.param("notes-template").unwrap_or_default().to_owned(),
        protected: request.flag("protected"),
        keep,
    };
    let words: Vec<String> = request
        .params
        .iter()
        .filter(|(key, _)| key != "vmid")
        .map(|(key, value)| match value.contains(['{', ' ', '\'']) {
            true => format!(" --{key} '{value}'"),
            false => format!(" --{key} {value}"),
        })
        .collect();
    let names: Vec<String> = ids.iter().map(u32::to_string).collect();
    let header = format!(
        "INFO: starting new backup job: vzdump {}{} --node {}",
        names.join(" "),
        words.concat(),
        job.node
    );
    let id = if let [only] = &ids[..] { only.to_string() } else { String::new() };
    let guests = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let (first, again, members) = (job.clone(), job, ids.clone());
    let begin: Step = Box::new(move |cluster, log| {
        log.push(header);
        let place = storage(cluster, &first.storage)?;
        place.check(&first.node)?;
        if !place.takes("backup") {
            return Err(format!("can't use storage '{}' for backups - wrong content type", place.name));
        }
        if !elsewhere.is_empty() {
            let list: Vec<String> = elsewhere.iter().map(u32::to_string).collect();
            log.push(format!("INFO: skip external VMs: {}", list.join(", ")));
        }
        if let Some(guest) = members.first().and_then(|vmid| cluster.guests.get(vmid))
            && guest.check_lock().is_ok()
        {
            opening(guest, &first, cluster.clock.now(), log);
        }
        for guest in members.iter() {
            if let Some(guest) = cluster.guests.get_mut(guest)
                && guest.check_lock().is_ok()
            {
                guest.config.insert("lock".into(), json!("backup"));
            }
        }
        Ok(())
    });
    let seconds = 4.0 * f64::from(guests.max(1));
    let finish: Step = Box::new(move |cluster, log| {
        let mut failed = false;
        for (at, vmid) in ids.iter().enumerate() {
            if let Err(problem) = one(cluster, &again, *vmid, at == 0, log) {
                log.push(format!("ERROR: Backup of VM {vmid} failed - {problem}"));
                failed = true;
            }
        }
        let end = if failed { "with errors" } else { "successfully" };
        log.push(format!("INFO: Backup job finished {end}"));
        log.push(
            "WARN: 'root@pam' does not have a configured email address in the user configuration - not sending \
             an email to this user"
                .into(),
        );
        if failed { Err("job errors".into()) } else { Ok(()) }
    });
    let node = request.node().to_owned();
    // Only one backup job runs per node: the next one waits.
    let lock = Some(format!("/run/vzdump-{node}.lock"));
    let work = Work { kind: "vzdump", id, lock, seconds, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// The first log lines of a guest's backup.
fn opening(guest: &Guest, job: &Job, now: f64, log: &mut Vec<String>) {
    let running = guest.started.is_some();
    let mut say = |line: String| log.push(format!("INFO: {line}"));
    say(format!("Starting Backup of VM {} ({})", guest.vmid, guest.kind.word()));
    say(format!("Backup started at {}", log_time(now)));
    say(format!("status = {}", if running { "running" } else { "stopped" }));
    say(format!("backup mode: {}", if running { job.mode.as_str() } else { "stop" }));
    say("ionice priority: 7".into());
    say(format!("{} Name: {}", guest.kind.label(), guest.name()));
    for disk in disks(guest) {
        say(format!("include disk '{}' '{}' {}", disk.key, disk.volid, config_size(disk.size)));
    }
    if guest.kind == Kind::Qemu {
        say("starting backup via QMP command".into());
        say(format!("  1% ({} of {}) in 0s", shown(guest.disk() / 100), shown(guest.disk())));
    }
}

/// Finishes the backup of one guest.
fn one(
    cluster: &mut Cluster,
    job: &Job,
    vmid: u32,
    opened: bool,
    log: &mut Vec<String>,
) -> Result<(), String> {
    let now = cluster.clock.now();
    let Some(guest) = cluster.guests.get_mut(&vmid).filter(|guest| guest.node == job.node) else {
        return Err(format!("unable to find VM '{vmid}'"));
    };
    match guest.config.get("lock").and_then(Value::as_str) {
        Some("backup") => drop(guest.config.remove("lock")),
        _ => guest.check_lock()?,
    }
    if !opened {
        opening(guest, job, now, log);
    }
    let (kind, name, size) = (guest.kind, guest.name(), guest.disk());
    let archived = Firewall { options: guest.config.clone(), ..Firewall::default() };
    let (year, month, day, hour, minute, second) = civil(whole(now));
    let format = format!("{}{}", if kind == Kind::Qemu { "vma" } else { "tar" }, job.ending);
    let file = format!(
        "vzdump-{}-{vmid}-{year}_{month:02}_{day:02}-{hour:02}_{minute:02}_{second:02}.{format}",
        kind.word()
    );
    let mut say = |line: String| log.push(format!("INFO: {line}"));
    if kind == Kind::Qemu {
        say(format!("100% ({0} of {0}) in 1s, read: {0}/s, write: 0 B/s", shown(size)));
        say(format!("transferred {} in 1 seconds", shown(size)));
    }
    let place = storage(cluster, &job.storage)?;
    let (shared, volid) = (place.shared, format!("{}:backup/{file}", place.name));
    let packed = size / 3 + 1;
    say(format!("archive file size: {}", shown(packed)));
    let mut notes = None;
    if !job.notes.is_empty() {
        say("adding notes to backup".into());
        let text = job.notes.replace("{{guestname}}", &name).replace("{{vmid}}", &vmid.to_string());
        notes = Some(
            text.replace("{{node}}", &job.node).replace("{{cluster}}", "testcluster").replace("\\n", "\n"),
        );
    }
    cluster.firewalls.insert(shelf(&volid), archived);
    cluster.volumes.push(Volume {
        volid,
        node: (!shared).then(|| job.node.clone()),
        content: "backup",
        format,
        size: packed,
        used: packed,
        ctime: whole(now),
        vmid: Some(vmid),
        notes,
        protected: job.protected,
    });
    let mut say = |line: String| log.push(format!("INFO: {line}"));
    if let Some((keep, said)) = &job.keep {
        say(format!("prune older backups with retention: {}", said.replace(',', ", ")));
        let wanted = Wanted {
            node: job.node.clone(),
            storage: job.storage.clone(),
            vmid: Some(vmid),
            kind: Some(kind.word().into()),
        };
        let gone = prune::carry_out(cluster, &wanted, keep).len();
        let rest = if 0 < gone { " not covered by keep-retention policy" } else { "" };
        say(format!("pruned {gone} backup(s){rest}"));
    }
    say(format!("Finished Backup of VM {vmid} (00:00:04)"));
    say(format!("Backup finished at {}", log_time(now)));
    Ok(())
}
