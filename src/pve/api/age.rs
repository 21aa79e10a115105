//! Explains errors by the server's version: methods and parameters that were added in a later one.

use super::{Lookup, find};
use crate::pve::Method;

/// Part of Proxmox's message about a parameter that does not exist.
const UNDEFINED: &str = "not defined in schema";

/// Says which version introduced what a server rejected as unknown: a method (status 501), or parameters, whose names
/// and messages are in `errors`. `None` if the error has another reason, or if it is in every version since 6.4. `path`
/// is percent-encoded, as sent.
#[must_use]
pub fn version_hint(method: Method, path: &str, status: u16, errors: &[(String, String)]) -> Option<String> {
    let Lookup::Found(found) = find(method, path) else { return None };
    if status == 501 {
        let since = found.row.since();
        return (since != "6.4").then(|| {
            format!(
                "`{method} {}` needs Proxmox VE {since} or newer; `/version` shows this server's version.",
                found.row.path()
            )
        });
    }
    let later: Vec<String> = errors
        .iter()
        .filter(|(_, problem)| problem.contains(UNDEFINED))
        .filter_map(|(name, _)| {
            let since = found.row.param(name)?.since().unwrap_or_else(|| found.row.since());
            (since != "6.4").then(|| format!("`{name}` needs Proxmox VE {since} or newer"))
        })
        .collect();
    (!later.is_empty()).then(|| format!("{}; `/version` shows this server's version.", later.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, path: &str, status: u16, errors: &[(&str, &str)], expected: Option<&str>) {
        let errors: Vec<_> =
            errors.iter().map(|(name, problem)| ((*name).to_owned(), (*problem).to_owned())).collect();
        let said = version_hint(method, path, status, &errors);
        match expected {
            None => assert_eq!(said, None, "{path}"),
            Some(words) => {
                assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{path}: {said:?}");
            }
        }
    }

    #[test]
    fn what_came_later_is_told_and_nothing_else() {
        let undefined =
            "property is not defined in schema and the schema does not allow additional properties";
        check(Method::Get, "/access/openid", 501, &[], Some("needs Proxmox VE 7.4"));
        check(Method::Get, "/version", 501, &[], None);
        check(Method::Get, "/access/openid", 500, &[], None);
        check(Method::Get, "/no/such", 501, &[], None);
        let token = "/access/users/a%40pve/token/t";
        check(
            Method::Put,
            token,
            400,
            &[("regenerate", undefined)],
            Some("`regenerate` needs Proxmox VE 9.2"),
        );
        check(Method::Put, token, 400, &[("comment", undefined)], None);
        check(Method::Put, token, 400, &[("regenerate", "type check failed")], None);
        check(Method::Put, token, 400, &[("strange", undefined)], None);
    }
}
