//! What a plan shows about a guest. Everything that does not depend on another answer is read at the same time.

use crate::{
    pve::{self, Params, Reply},
    sync::at_once,
    tools::{
        answer::Failure,
        run::{context::Context, guest, request::Request, storages},
    },
};
use serde_json::{Value, json};

/// What is read about a guest before it is known to exist; `None` for what was not read.
pub(super) struct Facts {
    pub(super) reply: Reply,
    pub(super) config: Option<Answer>,
    pub(super) snapshots: Option<Answer>,
    pub(super) replication: Option<Answer>,
    pub(super) storages: Option<Answer>,
}

pub(super) type Answer = Result<Reply, pve::Error>;

/// The path of the replication jobs.
pub(super) const REPLICATION: &str = "/cluster/replication";

/// Reads all facts at the same time, as far as the request itself says which node the guest is on.
pub(super) fn read(context: &Context<'_>, request: &Request, rest: &[&str]) -> Result<Facts, Failure> {
    let parts: Vec<&str> = request.path.split('/').collect();
    let path = (4 < parts.len()).then(|| parts[..5].join("/"));
    let plain = |path: String| (path, Params::new());
    let mut wanted = vec![(guest::PATH.to_owned(), guest::guests_only())];
    if let Some(path) = path {
        wanted.extend([plain(format!("{path}/config")), plain(format!("{path}/snapshot"))]);
        if !matches!(rest, ["snapshot" | "config" | "unlink", ..]) {
            wanted.push(plain(REPLICATION.into()));
            wanted.push((guest::PATH.into(), Params::new().with("type", "storage")));
        }
    }
    let mut replies = at_once(&wanted, |(path, params)| context.read(path, params)).into_iter();
    let reply = replies.next().unwrap_or_else(|| unreachable!("each path has its answer"))?;
    let mut next = || replies.next();
    Ok(Facts { reply, config: next(), snapshots: next(), replication: next(), storages: next() })
}

/// Returns a guest's newest backup on any storage and its age, or that there is none.
pub(super) fn newest_backup(context: &Context<'_>, vmid: i64, storages: Option<Answer>) -> Value {
    let found = (|| {
        let ask = || context.read(guest::PATH, &Params::new().with("type", "storage"));
        let reply = storages.unwrap_or_else(ask)?;
        let found = storages::with_content(context, &storages::sorted(&reply)?, "backup", None, None)?;
        let paths = storages::content_paths(&found)?;
        let params = Params::new().with("content", "backup").with("vmid", vmid);
        let replies = context.get_each(&paths, &params);
        let unread = replies.iter().filter(|reply| reply.is_err()).count();
        let newest = replies
            .into_iter()
            .flatten()
            .filter_map(|reply| reply.value().as_array().cloned())
            .flatten()
            .max_by_key(|volume| (volume["ctime"].as_i64(), volume["volid"].as_str().map(str::to_owned)));
        Ok::<_, Failure>((newest, unread))
    })();
    match found {
        Ok((Some(volume), _)) => {
            json!({"volid": volume["volid"], "ctime": volume["ctime"], "age": age(&volume["ctime"])})
        }
        Ok((None, 0)) => "none".into(),
        Ok((None, unread)) => format!("none found; {unread} storages could not be read").into(),
        Err(Failure(why)) => format!("unknown: {why}").into(),
    }
}

/// Returns the seconds since `ctime`.
fn age(ctime: &Value) -> Value {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    ctime.as_u64().map_or(Value::Null, |then| now.saturating_sub(then).into())
}
