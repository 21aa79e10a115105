//! Which guests a job is for: one by its VMID, or those of a pool or with a tag, up to a limit.

use crate::tools::{
    answer::Failure,
    jobs::read::{Cluster, ClusterGuest},
    param::Param,
    run::Args,
};

/// One guest, if it is only one.
pub const VMID: Param = Param::int("vmid", 100, 999_999_999).optional();
/// All of a pool.
pub const POOL: Param = Param::text("pool").optional();
/// All with a tag.
pub const TAG: Param = Param::text("tag").optional();

/// How many guests a job is for by default, at most.
const LIMIT: usize = 10;

/// The guests that a call names, without templates, in the order of their VMIDs; with a sentence about those that are
/// left out because there are more than `limit`.
///
/// # Errors
/// Fails unless exactly one of the parameters names them, or if there is no such guest.
pub fn guests<'a>(
    args: &Args,
    cluster: &'a Cluster,
) -> Result<(Vec<&'a ClusterGuest>, Option<String>), Failure> {
    let given: Vec<&str> =
        ["vmid", "pool", "tag"].into_iter().filter(|name| args.get(name).is_some()).collect();
    let &[name] = given.as_slice() else {
        return Err(Failure::new(format!(
            "Give one of `vmid`, `pool` and `tag`; {}. Nothing was done.",
            if given.is_empty() {
                "none is given".to_owned()
            } else {
                format!("{} are given", given.join(" and "))
            }
        )));
    };
    let text = args.text(name).unwrap_or_default();
    let fits = |one: &&ClusterGuest| match name {
        "vmid" => Some(one.guest.vmid) == args.int("vmid"),
        "pool" => one.pool == text,
        _ => one.tags.split([';', ',', ' ']).any(|tag| tag.eq_ignore_ascii_case(text)),
    };
    let mut all: Vec<&ClusterGuest> =
        cluster.guests.iter().filter(|one| !one.template).filter(fits).collect();
    if all.is_empty() {
        let what = args.int("vmid").map_or_else(|| text.escape_debug().to_string(), |vmid| vmid.to_string());
        return Err(Failure::new(format!(
            "No guest matches `{name}` {what} (templates do not count). Nothing was done."
        )));
    }
    let limit = args.count("limit").unwrap_or(LIMIT);
    let left = all.split_off(limit.min(all.len()));
    let told = left.first().map(|first| {
        format!(
            "{} more guests are left out, from {} on; `limit` allows up to 20 at once.",
            left.len(),
            first.guest.title()
        )
    });
    Ok((all, told))
}
