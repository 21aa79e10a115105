//! The PUTs of the API that write a whole object: what is not given is gone afterwards. Here it is read first and sent
//! along, so that a change changes what it names and nothing else.
//!
//! Every other PUT of the table merges what it is given into what there is (looked up in the sources of Proxmox VE 9.2).
//! Within one value all of them replace: a list of groups, a disk's `key=value,…`.
//!
//! What is to go is named in `delete`, also where the method has no such parameter.

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

/// One family of them.
struct Replaced {
    /// Their paths.
    paths: &'static [&'static str],
    /// What they lose where it is not given, and is therefore read and sent along.
    keeps: &'static [&'static str],
}

const REPLACED: &[Replaced] = &[
    // resolv.conf is written anew.
    Replaced { paths: &["/nodes/{node}/dns"], keeps: &["search", "dns1", "dns2", "dns3"] },
    // Without an address the interface becomes one without any.
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
    // A role that is not told its privileges has none.
    Replaced { paths: &["/access/roles/{roleid}"], keeps: &["privs"] },
    // Up to 8.4; later versions merge.
    Replaced {
        paths: &["/cluster/sdn/vnets/{vnet}"],
        keeps: &["zone", "alias", "tag", "vlanaware", "isolate-ports"],
    },
    Replaced {
        paths: &["/cluster/sdn/vnets/{vnet}/subnets/{subnet}"],
        keeps: &["gateway", "snat", "dnszoneprefix", "dhcp-range", "dhcp-dns-server"],
    },
];

/// Parameters that say the same as another one.
const IMPLIED: [(&str, &str); 4] =
    [("address", "cidr"), ("netmask", "cidr"), ("address6", "cidr6"), ("netmask6", "cidr6")];

/// The parameter that says the same as this one.
#[must_use]
pub fn implied_by(name: &str) -> Option<&'static str> {
    IMPLIED.iter().find(|(part, _)| *part == name).map(|(_, whole)| *whole)
}

fn entry(row: &Row) -> Option<&'static Replaced> {
    REPLACED.iter().find(|entry| row.method() == Method::Put && entry.paths.contains(&row.path()))
}

/// What a PUT would lose where it is not given; nothing for one that merges.
#[must_use]
pub fn kept_by(row: &Row) -> &'static [&'static str] {
    entry(row).map_or(&[], |entry| entry.keeps)
}

/// Whether a method takes `delete` with the names of what is to go, or is written here as if it did.
#[must_use]
pub fn takes_delete(row: &Row) -> bool {
    entry(row).is_some() || has_delete(row)
}

/// Some methods have a flag of that name.
fn has_delete(row: &Row) -> bool {
    row.param("delete").is_some_and(|param| param.kind() == "string")
}

/// The request as it is sent: encoded, and with what it would lose; and what its path answered, if that had to be read.
///
/// # Errors
/// What is there cannot be read.
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

/// The names in a list of them.
#[must_use]
pub fn names(list: &str) -> Vec<&str> {
    list.split(|mark: char| matches!(mark, ',' | ';' | '\0') || mark.is_whitespace())
        .filter(|name| !name.is_empty())
        .collect()
}

/// What a path answers, as the parameters that set it: a role answers with an object of privileges.
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
