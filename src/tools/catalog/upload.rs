//! Uploading a file from the machine on which this server runs.

use crate::{
    pve::{Method, Params, upload::Upload},
    tools::{
        answer::{Failure, Outcome},
        catalog::upload_file,
        param::Param,
        run::{args::Args, context::Context, follow::follow, storages::path_on_a_node},
    },
};
use serde_json::{Map, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Parameters of uploading.
pub const PARAMS: &[Param] = &[
    Param::text("storage"),
    Param::text("file"),
    Param::one_of("content", &["iso", "vztmpl", "import"]),
    Param::text("filename").unlisted(),
    Param::text("checksum").unlisted(),
    Param::text("node").unlisted(),
];

/// The file extensions that each kind of content may have (PVE::Storage, upload). No other file leaves this machine: a
/// file with keys in it has none of them.
const ENDINGS: &[(&str, &[&str])] = &[
    ("iso", &[".iso", ".img"]),
    ("vztmpl", &[".tar.gz", ".tar.xz", ".tar.zst"]),
    ("import", &[".ova", ".ovf", ".qcow2", ".raw", ".vmdk"]),
];
/// The interval of progress reports.
const PAUSE: Duration = Duration::from_millis(200);

/// Streams the file, reports progress, and waits for the task that moves the file into place.
pub fn upload(context: &Context<'_>, args: &Args) -> Outcome {
    let file = args.text("file").unwrap_or_default();
    let content = args.text("content").unwrap_or_default();
    let own = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let filename = args.text("filename").unwrap_or(own);
    for name in [own, filename] {
        check_ending(name, content)?;
    }
    let unreadable = |why: String| {
        Failure::new(format!("`{}` cannot be uploaded: {why} Nothing was sent.", file.escape_debug()))
    };
    let leaving = upload_file::open(context.config, file).map_err(unreadable)?;
    let size = leaving.size;
    let mut params = Params::new().with("content", content).with("filename", filename);
    if let Some(checksum) = args.text("checksum") {
        params.push("checksum", checksum);
        params.push("checksum-algorithm", algorithm(checksum)?);
    }
    let sent = Arc::new(AtomicU64::new(0));
    let file = Arc::new(leaving.file);
    let params = params.with_file(Upload { path: leaving.path, file, size, sent: Arc::clone(&sent) });
    let path =
        path_on_a_node(context, args.text("storage").unwrap_or_default(), args.text("node"))? + "/upload";
    let reply = told(context, &sent, size, || context.change(Method::Post, &path, &params))?;
    let answer = Map::from_iter([("filename".to_owned(), json!(filename)), ("size".to_owned(), json!(size))]);
    follow(context, args, reply.value().as_str().unwrap_or_default(), answer)
}

/// The algorithm of a checksum, which follows from its length in hexadecimal digits.
pub(in crate::tools) fn algorithm(checksum: &str) -> Result<&'static str, Failure> {
    Ok(match checksum.len() {
        32 => "md5",
        40 => "sha1",
        56 => "sha224",
        64 => "sha256",
        96 => "sha384",
        128 => "sha512",
        length => {
            return Err(Failure::new(format!(
                "`checksum` has {length} characters, which is not an MD5, SHA-1 or SHA-2 checksum in hexadecimal. Nothing was done."
            )));
        }
    })
}

fn check_ending(name: &str, content: &str) -> Result<(), Failure> {
    let endings = ENDINGS.iter().find(|(kind, _)| *kind == content).map_or(&[][..], |(_, endings)| *endings);
    if endings.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending) && ending.len() < name.len()) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` is not a name for content {content}: it must end in {}. Nothing was sent.",
        name.escape_debug(),
        endings.join(", ")
    )))
}

/// Reports progress in bytes while `work` runs.
fn told<T>(context: &Context<'_>, sent: &AtomicU64, size: u64, work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        if context.call.wants_progress() {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    thread::park_timeout(PAUSE);
                    let done = sent.load(Ordering::Relaxed).min(size);
                    #[allow(clippy::cast_precision_loss, reason = "sizes of files are far below 2^53")]
                    context.call.progress(done as f64, Some(size as f64), "Uploading.");
                }
            });
        }
        let result = work();
        over.store(true, Ordering::Release);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_images_leave_this_machine() {
        for (name, content, expected) in [
            ("debian.iso", "iso", true),
            ("Debian.ISO", "iso", true),
            ("a.tar.zst", "vztmpl", true),
            ("disk.qcow2", "import", true),
            (".iso", "iso", false),
            ("id_ed25519", "iso", false),
            ("config.json", "import", false),
            ("debian.iso", "vztmpl", false),
            ("", "iso", false),
        ] {
            assert_eq!(check_ending(name, content).is_ok(), expected, "{name} as {content}");
        }
    }
}
