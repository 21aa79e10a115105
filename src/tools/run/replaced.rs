//! The PUT methods of the API that replace a whole object, so that values which are not given are lost. Those values
//! are read first and sent along here, so that a change only changes what it names.
//!
//! Every other PUT of the API merges the given values into the existing ones (according to the sources of Proxmox VE
//! 9.2). A single value, such as a list of groups or a disk's `key=value,…`, is always replaced as a whole.
//!
//! Values to remove are named in `delete`, even if the method has no such parameter.

use crate::{
    pve::{
        Method, Params,
        api::{self, Lookup, Row},
    },
    tools::{
        answer::Failure,
        run::{context::Context, encoded, request::Request},
    },
};
use serde_json::{Map, Value};

/// PUT methods that lose the same values.
struct Replaced {
    /// Their paths.
    paths: &'static [&'static str],
    /// The values that they lose if not given, which are therefore read and sent along.
    keeps: &'static [&'static str],
}

const REPLACED: &[Replaced] = &[
    // resolv.conf is rewritten.
    Replaced { paths: &["/nodes/{node}/dns"], keeps: &["search", "dns1", "dns2", "dns3"] },
    // If no address is given, the interface loses its address.
    Replaced { paths: &["/nodes/{node}/network/{iface}"], keeps: &["cidr", "cidr6"] },
    Replaced {
        paths: &[
            "/cluster/firewall/aliases/{name}",
            "/nodes/{node}/qemu/{vmid}/firewall/aliases/{name}",
            "/nodes/{node}/lxc/{vmid}/firewall/aliases/{name}",
        ],
        keeps: &["cidr", "comment"],
    },
    Replaced {
        paths: &[
            "/cluster/firewall/ipset/{name}/{cidr}",
            "/nodes/{node}/qemu/{vmid}/firewall/ipset/{name}/{cidr}",
            "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}/{cidr}",
        ],
        keeps: &["comment", "nomatch"],
    },
    // If no privileges are given, the role loses all of them.
    Replaced { paths: &["/access/roles/{roleid}"], keeps: &["privs"] },
    // Up to Proxmox VE 8.4; later versions merge.
    Replaced {
        paths: &["/cluster/sdn/vnets/{vnet}"],
        keeps: &["zone", "alias", "tag", "vlanaware", "isolate-ports"],
    },
    Replaced {
        paths: &["/cluster/sdn/vnets/{vnet}/subnets/{subnet}"],
        keeps: &["gateway", "snat", "dnszoneprefix", "dhcp-range", "dhcp-dns-server"],
    },
];

/// Parameters that are part of another one.
const IMPLIED: [(&str, &str); 4] =
    [("address", "cidr"), ("netmask", "cidr"), ("address6", "cidr6"), ("netmask6", "cidr6")];

/// Returns the parameter that includes this one.
#[must_use]
pub fn implied_by(name: &str) -> Option<&'static str> {
    IMPLIED.iter().find(|(part, _)| *part == name).map(|(_, whole)| *whole)
}

fn entry(row: &Row) -> Option<&'static Replaced> {
    REPLACED.iter().find(|entry| row.method() == Method::Put && entry.paths.contains(&row.path()))
}

/// Returns the values that a PUT would lose if not given; none for one that merges.
#[must_use]
pub fn lost_unless_sent(row: &Row) -> &'static [&'static str] {
    entry(row).map_or(&[], |entry| entry.keeps)
}

/// Returns whether a method takes `delete` with the names of values to remove, or is treated here as if it did.
#[must_use]
pub fn takes_delete(row: &Row) -> bool {
    entry(row).is_some() || has_delete(row)
}

/// Some methods have a flag named `delete`, which is something else.
fn has_delete(row: &Row) -> bool {
    row.param("delete").is_some_and(|param| param.kind() == "string")
}

/// Returns the request as it is sent, encoded and with the values that it would lose, and the answer of its path if
/// that had to be read.
///
/// # Errors
/// Fails if the current values cannot be read.
pub fn complete(
    context: &Context<'_>,
    request: Request,
) -> Result<(Request, Option<Map<String, Value>>), Failure> {
    let request = encoded::encode(request);
    let Lookup::Found(found) = api::find(request.method, &request.path) else { return Ok((request, None)) };
    let row = found.row;
    let Some(entry) = entry(&row) else { return Ok((request, None)) };
    let delete: Vec<&str> = request
        .params
        .iter()
        .filter(|(name, _)| *name == "delete")
        .flat_map(|(_, list)| names(list))
        .collect();
    let given = |name: &str| {
        let said = |key: &str| key == name || implied_by(key) == Some(name);
        request.params.iter().any(|(key, _)| said(key)) || delete.iter().any(|key| said(key))
    };
    let missing: Vec<&str> = entry.keeps.iter().copied().filter(|name| !given(name)).collect();
    let mut params = Params::new();
    for (name, value) in request.params.iter().filter(|(name, _)| *name != "delete" || has_delete(&row)) {
        params.push(name, value);
    }
    let mut before = None;
    if !missing.is_empty() {
        let value = context.get(&request.path, &Params::new()).map_err(|Failure(why)| {
            Failure::new(format!(
                "Nothing was done: {} removes whatever it does not name, and the current values could not be read to keep them ({}). \
                 Give these too, or name them in `delete`: {}.",
                request.title(),
                why.trim_end_matches('.'),
                missing.join(", ")
            ))
        })?;
        if let Value::Object(answer) = value.value() {
            let answer = settings(&row, answer);
            for name in missing {
                if let (Some(value), Some(param)) = (answer.get(name), row.param(name)) {
                    api::push(&mut params, Some(&param), name, value);
                }
            }
            before = Some(answer);
        }
    }
    Ok((Request { params, ..request }, before))
}

/// Splits a list of names.
#[must_use]
pub fn names(list: &str) -> Vec<&str> {
    list.split(|mark: char| matches!(mark, ',' | ';' | '\0') || mark.is_whitespace())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Converts the answer of a path to the parameters that set it: a role answers with an object of privileges.
#[must_use]
pub fn settings(row: &Row, answer: Map<String, Value>) -> Map<String, Value> {
    if row.path() != "/access/roles/{roleid}" {
        return answer;
    }
    let on = |value: &Value| *value == 1 || *value == true || *value == "1";
    let privileges: Vec<&str> =
        answer.iter().filter(|(_, value)| on(value)).map(|(name, _)| name.as_str()).collect();
    Map::from_iter([("privs".to_owned(), privileges.join(",").into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_method_of_the_table_with_these_parameters() {
        for entry in REPLACED {
            for path in entry.paths {
                let row = api::find_template(Method::Put, path).unwrap_or_else(|| panic!("{path}"));
                assert!(api::find_template(Method::Get, path).is_some(), "{path} cannot be read");
                for name in entry.keeps {
                    assert!(row.param(name).is_some(), "{path}: {name}");
                }
            }
        }
    }
}
