//! The routes: which function answers which method and path, and the privilege that is required.

use crate::{
    demo::{
        outcome::ApiError,
        routes::{
            access_admin, access_api, agent, backup, backup_jobs, clone, cluster, config, console, create,
            definitions, firewall, firewall_objects, groups, guests, ha, host, migrate, move_disk, network,
            nodes, pools, power, prune,
            route::{Holes, Request, Route},
            snapshots, storage, storage_admin, task_api, upkeep, volumes,
        },
        state::cluster::Cluster,
    },
    pve::Method,
};

/// The route tables of all areas.
pub(in crate::demo) fn areas() -> &'static [&'static [Route]] {
    &[
        &access_api::ROUTES,
        &access_admin::ROUTES,
        &groups::ROUTES,
        &definitions::ROUTES,
        &cluster::ROUTES,
        &guests::ROUTES,
        &config::ROUTES,
        &console::ROUTES,
        &power::ROUTES,
        &snapshots::ROUTES,
        &nodes::ROUTES,
        &host::ROUTES,
        &firewall::ROUTES,
        &firewall_objects::ROUTES,
        &network::ROUTES,
        &ha::ROUTES,
        &storage::ROUTES,
        &task_api::ROUTES,
        &create::ROUTES,
        &clone::ROUTES,
        &move_disk::ROUTES,
        &migrate::ROUTES,
        &backup::ROUTES,
        &backup_jobs::ROUTES,
        &prune::ROUTES,
        &pools::ROUTES,
        &volumes::ROUTES,
        &storage_admin::ROUTES,
        &upkeep::ROUTES,
        &agent::ROUTES,
    ]
}

/// The route for a method and path, with the values of its placeholders.
///
/// # Errors
/// 501 if there is none; whether the API has the path was checked before.
pub(crate) fn find(method: Method, segments: &[String]) -> Result<(&'static Route, Holes), ApiError> {
    for table in areas() {
        for route in *table {
            if route.method == method
                && let Some(holes) = fill(route.path, segments)
            {
                return Ok((route, holes));
            }
        }
    }
    let path = segments.join("/");
    Err(ApiError::with(501, format!("Method '{method} /{path}' not implemented by the sample cluster")))
}

/// The values of a template's placeholders, if the path matches it. `{kind}` matches only `qemu` and `lxc`.
fn fill(template: &'static str, segments: &[String]) -> Option<Holes> {
    let mut holes = Vec::new();
    let mut rest = segments;
    for part in template.split('/').filter(|part| !part.is_empty()) {
        let (segment, others) = rest.split_first()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None if part == segment => {}
            None => return None,
            Some("kind") if segment != "qemu" && segment != "lxc" => return None,
            Some(name) => match name.strip_suffix('*') {
                Some(name) => {
                    holes.push((name, rest.join("/")));
                    return Some(holes);
                }
                None => holes.push((name, segment.clone())),
            },
        }
        rest = others;
    }
    rest.is_empty().then_some(holes)
}

/// Refuses a request if the sender lacks the privilege that its route requires.
pub(crate) fn permit(cluster: &Cluster, route: &Route, request: &Request) -> Result<(), ApiError> {
    let Some((path, any)) = route.need.split_once(", ") else { return Ok(()) };
    let mut path = path.to_owned();
    for (name, value) in &request.holes {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    let pool = path.strip_prefix("/vms/").and_then(|vmid| vmid.parse().ok());
    let pool = pool.and_then(|vmid: u32| cluster.guests.get(&vmid)).and_then(|guest| guest.pool.as_deref());
    if cluster.access.allows(&request.who, &path, pool, any) {
        return Ok(());
    }
    Err(ApiError::forbidden(&format!("{path}, {any}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_what_fits_them() {
        let parts = |path: &str| {
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(fill("/nodes/{node}/{kind}/{vmid}", &parts("/nodes/a/qemu/1")).unwrap().len(), 3);
        assert!(fill("/nodes/{node}/{kind}/{vmid}", &parts("/nodes/a/tasks/1")).is_none());
        assert!(fill("/nodes/{node}", &parts("/nodes/a/b")).is_none());
        assert_eq!(fill("/c/{volume*}", &parts("/c/s:backup/x")).unwrap(), [("volume", "s:backup/x".into())]);
    }

    #[test]
    fn every_row_is_there_once_and_in_the_api() {
        let mut seen = Vec::new();
        for route in areas().iter().copied().flatten() {
            let line = (route.method, route.path);
            assert!(!seen.contains(&line), "{line:?} is there twice");
            seen.push(line);
            let path = route.path.replace("{kind}", "qemu").replace("*}", "}");
            let lxc = route.path.replace("{kind}", "lxc").replace("*}", "}");
            let known = |path: &str| crate::pve::api::find_template(route.method, path).is_some();
            assert!(known(&path) || known(&lxc), "the API has no {line:?}");
        }
    }
}
