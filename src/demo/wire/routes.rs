//! The routes: which method and path is answered by which function, and the privilege that must be had first.

use crate::{
    demo::{
        routes::areas,
        state::{
            access::Identity,
            cluster::{Cluster, Kind},
        },
        wire::{
            answer::{ApiError, Outcome},
            form::Pairs,
        },
    },
    pve::Method,
};

/// The values of a path's holes, by name.
pub(crate) type Holes = Vec<(&'static str, String)>;

/// A request that found its route.
pub(crate) struct Request {
    pub(crate) holes: Holes,
    pub(crate) params: Pairs,
    pub(crate) who: Identity,
    /// The size of the file that came along, in bytes.
    pub(crate) file_bytes: Option<u64>,
}

/// What answers a route.
pub(crate) type Handler = fn(&mut Cluster, &Request) -> Outcome;

/// One row: method, path template, what must be allowed (`/path, Privilege|Privilege`, or empty), handler.
/// A hole `{name*}` takes the rest of the path.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) need: &'static str,
    pub(crate) run: Handler,
}

/// A row of the table.
pub(crate) const fn route(method: Method, path: &'static str, need: &'static str, run: Handler) -> Route {
    Route { method, path, need, run }
}

impl Request {
    /// The value of a hole in the path; empty if the template has none of that name.
    pub(crate) fn hole(&self, name: &str) -> &str {
        self.holes.iter().find(|(hole, _)| *hole == name).map_or("", |(_, value)| value)
    }

    /// The node in the path.
    pub(crate) fn node(&self) -> &str {
        self.hole("node")
    }

    /// The VMID in the path; routes are only entered with one that is a number.
    pub(crate) fn vmid(&self) -> u32 {
        self.hole("vmid").parse().unwrap_or(0)
    }

    /// The kind of guest in the path.
    pub(crate) fn kind(&self) -> Kind {
        if self.hole("kind") == "lxc" { Kind::Lxc } else { Kind::Qemu }
    }

    /// A parameter; of several the first.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A boolean parameter, as the form `1`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), Some("1" | "true" | "yes" | "on"))
    }

    /// A number, if the parameter is there and is one.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.param(name)?.parse().ok()
    }
}

/// The route for a method and path, with the holes filled.
///
/// # Errors
/// 501 when there is none; that the API has the path is found before.
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

/// The values of a template's holes, if the path fits it. `{kind}` takes only `qemu` and `lxc`.
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

/// Refuses a request whose route needs a privilege that its sender lacks.
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
        let parts = |path: &str| crate::demo::wire::form::segments(path);
        assert_eq!(fill("/nodes/{node}/{kind}/{vmid}", &parts("/nodes/a/qemu/1")).unwrap().len(), 3);
        assert!(fill("/nodes/{node}/{kind}/{vmid}", &parts("/nodes/a/tasks/1")).is_none());
        assert!(fill("/nodes/{node}", &parts("/nodes/a/b")).is_none());
        assert_eq!(
            fill("/c/{volume*}", &parts("/c/s%3Abackup%2Fx")).unwrap(),
            [("volume", "s:backup/x".into())]
        );
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
