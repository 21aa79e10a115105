//! What this configuration lets happen to whom: `access`, `only`, `protected`. Every change passes here, whatever
//! tool, old name or path of the API it comes from.

use crate::{
    config::Access,
    pve::Params,
    tools::{
        answer::{Failure, rows},
        param::Effect,
        run::{
            context::Context,
            find,
            request::{Request, Touched},
        },
    },
};

/// Lets a change through.
///
/// # Errors
/// A sentence with the setting that forbids it.
pub fn check(context: &Context<'_>, request: &Request) -> Result<(), Failure> {
    let config = context.config;
    let refuse = |why: String| Err(Failure::new(format!("{why} Nothing was done.")));
    if config.access == Access::ReadOnly {
        return refuse(format!(
            "{} changes the cluster, and the setting `access` is `read-only`.",
            request.title()
        ));
    }
    if config.only.is_empty() && config.protected.is_empty() {
        return Ok(());
    }
    let touched = request.touched();
    let guests = if touched.every_guest || config.only.needs_inventory() || config.protected.needs_inventory()
    {
        guests(context, &touched)?
    } else {
        Vec::new()
    };
    if !config.only.is_empty() {
        let only = &config.only;
        // What names no guest at all is inside only where whole nodes or pools are.
        let about_guests = !touched.vmids.is_empty() || touched.creates;
        if !only.vmids.is_empty()
            && (touched.vmids.is_empty() || !touched.vmids.iter().all(|vmid| only.has_vmid(*vmid)))
        {
            return refuse(outside(request, "VMIDs"));
        }
        if !only.nodes.is_empty()
            && (touched.nodes.is_empty() || !touched.nodes.iter().all(|node| only.nodes.contains(node)))
        {
            return refuse(outside(request, "nodes"));
        }
        // A guest that is only now made has the pool and the tags of its request.
        let inside = |holds: &dyn Fn(&Known) -> bool, made: bool| {
            about_guests && (!touched.creates || made) && guests.iter().all(holds)
        };
        let into_pools = touched.pools.iter().any(|pool| only.pools.contains(pool));
        let pool_itself = touched.vmids.is_empty() && into_pools;
        let in_pools = pool_itself || inside(&|guest| only.pools.contains(&guest.pool), into_pools);
        if !only.pools.is_empty() && !in_pools {
            return refuse(outside(request, "pools"));
        }
        if !only.tags.is_empty() && !inside(&|guest| only.has_tag(&guest.tags), only.has_tag(&touched.tags)) {
            return refuse(outside(request, "tags"));
        }
    }
    if matches!(context.effect, Effect::Disrupt | Effect::Destroy) || request.destroys() {
        let protected = &config.protected;
        if let Some(vmid) = touched.vmids.iter().find(|vmid| protected.has_vmid(**vmid)) {
            return refuse(format!(
                "Guest {vmid} is named in the setting `protected`, so {} is refused.",
                request.title()
            ));
        }
        for guest in &guests {
            if protected.has_vmid(guest.vmid) {
                return refuse(format!(
                    "Guest {} is named in the setting `protected`, so {} is refused.",
                    guest.vmid,
                    request.title()
                ));
            }
            if protected.has_tag(&guest.tags) || protected.pools.contains(&guest.pool) {
                return refuse(format!(
                    "Guest {} has a tag or pool that the setting `protected` names, so {} is refused.",
                    guest.vmid,
                    request.title()
                ));
            }
        }
        let named = |list: &[String], protected: &[String]| {
            list.iter().find(|name| protected.contains(name)).cloned()
        };
        let pool = named(&touched.pools, &protected.pools);
        let node = if touched.vmids.is_empty() { named(&touched.nodes, &protected.nodes) } else { None };
        if let Some(name) = pool.or(node) {
            return refuse(format!(
                "`{name}` is named in the setting `protected`, so {} is refused.",
                request.title()
            ));
        }
    }
    Ok(())
}

fn outside(request: &Request, what: &str) -> String {
    format!("{} is outside of the {what} that the setting `only` names.", request.title())
}

/// A guest as far as the rules ask.
struct Known {
    vmid: i64,
    tags: String,
    pool: String,
}

/// Those of the touched guests that exist, by one request for the inventory.
fn guests(context: &Context<'_>, touched: &Touched) -> Result<Vec<Known>, Failure> {
    if touched.vmids.is_empty() && !touched.every_guest {
        return Ok(Vec::new());
    }
    let reply = context.get("/cluster/resources", &Params::new().with("type", "vm"))?;
    let mut known = Vec::new();
    for record in rows(&reply)?.iter().filter(|record| find::is_guest(record)) {
        let Ok(vmid) = record.text("vmid").parse::<i64>() else { continue };
        let here = touched.nodes.is_empty() || touched.nodes.iter().any(|node| *node == record.text("node"));
        if touched.vmids.contains(&vmid) || (touched.every_guest && here) {
            known.push(Known {
                vmid,
                tags: record.text("tags").into_owned(),
                pool: record.text("pool").into_owned(),
            });
        }
    }
    Ok(known)
}
