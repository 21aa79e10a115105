//! The real binary in a process of its own: start, streams, CPU and memory.

use crate::{
    child::{INITIALIZE, LIST, ServerProcess, call},
    cluster::Cluster,
    stats::{Times, heading, mib, row, shown},
};
use std::{fs, io, path::Path, process::Command};

/// The command line of the real binary over a configuration file.
fn serving(binary: &str, file: &Path) -> Vec<String> {
    vec![binary.to_owned(), "--config".to_owned(), file.display().to_string()]
}

/// Copies a program, because users run a copy. A file that a linker has just written is cached in single pages until it
/// is read from the disk again; mapping it takes half as long again.
fn installed(folder: &Path, program: &str) -> io::Result<String> {
    let name = Path::new(program).file_name().ok_or_else(|| io::Error::other("no program"))?;
    let copy = folder.join(name);
    fs::write(&copy, fs::read(program)?)?;
    fs::set_permissions(&copy, fs::metadata(program)?.permissions())?;
    Ok(copy.display().to_string())
}

/// The time from spawning to the answer to `initialize`.
pub(crate) fn start(folder: &Path, binary: &str, hello: &str, other: &[String]) -> io::Result<()> {
    heading(
        "Start, from spawning to the answer to `initialize`, with a configuration file that holds a token",
    );
    let cluster = Cluster::start(0, true, true)?;
    let file = cluster.configuration(folder, "start", "core")?;
    let ours = serving(&installed(folder, binary)?, &file);
    let hello = [installed(folder, hello)?];
    let mut all = [const { Times::new() }; 4];
    for round in 0..330 {
        let mut times = [const { Times::new() }; 4];
        let candidates = [&hello[..], &ours[..], other];
        // Each program runs first as often as the others and follows each of them equally often, because a process
        // benefits from the caches that the previous one filled.
        for turn in 0..candidates.len() {
            let turn = if round % 2 == 0 { turn } else { candidates.len() - 1 - turn };
            let place = (round / 2 + turn) % candidates.len();
            let words = candidates[place];
            // Another server may need seconds to start: a few rounds are enough for it.
            if words.is_empty() || (place == 2 && 12 <= round) {
                continue;
            }
            let mut served = None;
            times[place].time(|| {
                let mut one = ServerProcess::spawn(words)?;
                one.ask(INITIALIZE)?;
                served = Some(one);
                Ok(())
            })?;
            drop(served);
        }
        times[3].time(|| Command::new("/bin/true").status())?;
        for (place, (all, times)) in all.iter_mut().zip(&times).enumerate() {
            if 30 <= round || (place == 2 && is_rare(round)) {
                all.append(times);
            }
        }
    }
    let [hello, us, them, nothing] = &all;
    let ratio = us.median() / hello.median();
    row("proxmox-mcp", &shown(us.median()), &format!("{ratio:.2} × hello-world"), Some((ratio, 3.0)));
    row("a minimal static hello-world server", &shown(hello.median()), "", None);
    row(
        "/bin/true (until it exits)",
        &shown(nothing.median()),
        &format!("{:.2} × it", us.median() / nothing.median()),
        None,
    );
    if !other.is_empty() {
        row(
            "the other server",
            &shown(them.median()),
            &format!("{:.1} × ours", them.median() / us.median()),
            None,
        );
    }
    Ok(())
}

/// The first start of another server fills the disk cache and is not counted.
fn is_rare(round: usize) -> bool {
    (1..12).contains(&round)
}

/// Lists from the real binary, over TLS: CPU time per call, and peak memory.
pub(crate) fn lists(folder: &Path, binary: &str) -> io::Result<()> {
    heading("A list of guests from the binary, over TLS with gzip: CPU time and peak memory");
    for guests in [40, 500, 5000] {
        let cluster = Cluster::start(guests, true, true)?;
        let mut served =
            ServerProcess::start(&serving(binary, &cluster.configuration(folder, "lists", "core")?))?;
        served.ask(&call(1, "proxmox_list_vms", "{}"))?;
        let before = served.cpu()?;
        let mut times = Times::default();
        for id in 2..22 {
            let answer = times.time(|| served.ask(&call(id, "proxmox_list_vms", "{}")))?;
            if answer.contains("\"isError\"") {
                return Err(io::Error::other(answer));
            }
        }
        let cpu = (served.cpu()? - before) / 20.0;
        let peak = served.memory("VmHWM")?;
        let bound = (guests == 5000).then_some((peak / 1024.0, 16.0));
        let ratio = format!("{} CPU, peak in MiB:", shown(cpu));
        row(
            &format!("{guests} guests"),
            &shown(times.median()),
            &format!("{ratio} {:.2}", peak / 1024.0),
            bound,
        );
    }
    Ok(())
}

/// Batches of requests that need no cluster.
pub(crate) fn streams(folder: &Path, binary: &str, other: &[String]) -> io::Result<()> {
    heading("Pipelined requests");
    let cluster = Cluster::start(0, true, true)?;
    let ours = serving(binary, &cluster.configuration(folder, "streams", "core")?);
    for (what, method, count) in
        [("10,000 pings, pipelined", "ping", 10_000), ("1,000 tools/list, pipelined", "tools/list", 1000)]
    {
        let lines: String = (1..=count)
            .map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#) + "\n")
            .collect();
        for (who, words) in [("", &ours[..]), (" (the other server)", other)] {
            if words.is_empty() {
                continue;
            }
            let mut served = ServerProcess::start(words)?;
            let mut times = Times::default();
            for _ in 0..7 {
                times.time(|| served.pipeline(&lines))?;
            }
            let each = times.median() / f64::from(count);
            row(&format!("{what}{who}"), &shown(times.median()), &format!("{} each", shown(each)), None);
        }
    }
    Ok(())
}

/// Memory when idle.
pub(crate) fn memory(folder: &Path, binary: &str, other: &[String]) -> io::Result<()> {
    heading("Memory in use");
    let cluster = Cluster::start(60, true, true)?;
    let mut served =
        ServerProcess::start(&serving(binary, &cluster.configuration(folder, "memory", "core")?))?;
    served.ask(LIST)?;
    let idle = served.memory("VmRSS")?;
    row("after tools/list", &mib(idle), "", Some((idle / 1024.0, 5.0)));
    let mut early = f64::NAN;
    for id in 0..10_000 {
        let tool = ["proxmox_get_version", "proxmox_list_vms", "proxmox_list_nodes"][id % 3];
        served.ask(&call(id + 2, tool, "{}"))?;
        if id == 99 {
            early = served.memory("VmRSS")?;
        }
    }
    let late = served.memory("VmRSS")?;
    row("after 100 calls", &mib(early), "", None);
    let more = (late - early) / 1024.0;
    row("after 10,000 calls", &mib(late), &format!("{more:+.2} MiB since"), Some((more, 1.0)));
    if !other.is_empty() {
        let mut served = ServerProcess::start(other)?;
        served.ask(LIST)?;
        row("the other server after tools/list", &mib(served.memory("VmRSS")?), "", None);
    }
    Ok(())
}
