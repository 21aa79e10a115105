//! What the account may do: for each listed toolset, which tools it may run and which privileges the others lack.

use crate::{
    cancel::Cancel,
    pve::{Auth, Params, Pve},
    setup::{
        finding::{Finding, Tell, Verdict},
        permissions::{Permissions, Reach},
        recipe,
    },
    tools::{catalog::entry::Entry, param::Effect, toolbox::Tools},
};
use std::collections::{BTreeMap, BTreeSet};

/// How many tools or privileges a sentence names at most.
const NAMED: usize = 6;

/// Reads the account's privileges and compares them with those that the listed tools need.
pub fn check(tools: &Tools, pve: &Pve, cancel: &Cancel, tell: Tell<'_>) {
    let granted = match permissions(pve, cancel, None) {
        Ok(granted) => granted,
        Err(problem) => return tell(Finding::failure("permissions", problem)),
    };
    let config = tools.config();
    let remedy = format!(
        "proxmox-mcp token-recipe --access {} --toolsets {}",
        recipe::access_name(config.access),
        config.toolsets.join(",")
    );
    if granted.is_empty() {
        return tell(empty(&config.settings.auth, pve, cancel, &remedy));
    }
    tell(Finding::ok("permissions", places(&granted)));
    let mut toolsets: Vec<(&str, Vec<Entry>)> = Vec::new();
    for entry in tools.listed() {
        match toolsets.iter_mut().find(|(name, _)| *name == entry.toolset) {
            Some((_, entries)) => entries.push(entry),
            None => toolsets.push((entry.toolset, vec![entry])),
        }
    }
    let mut lacks = false;
    for (name, entries) in toolsets {
        let finding = toolset(name, &entries, &granted);
        lacks |= finding.verdict != Verdict::Ok;
        tell(finding);
    }
    if lacks {
        if let Auth::Token { id, .. } = &config.settings.auth
            && let Some(more) = more_of_the_user(id, &granted, pve, cancel)
        {
            tell(more);
        }
        let detail = "Some listed tools will be refused. The command below prints the commands that create a token with all needed privileges.";
        tell(Finding::warning("permissions", detail).mend(remedy));
    }
}

fn permissions(pve: &Pve, cancel: &Cancel, user: Option<&str>) -> Result<Permissions, String> {
    let params = user.map_or_else(Params::new, |user| Params::new().with("userid", user));
    let reply = pve.get(cancel, "/access/permissions", &params).map_err(|error| error.to_string())?;
    reply.parse().map(Permissions).map_err(|error| error.to_string())
}

/// The paths on which there are privileges, and how many.
fn places(granted: &Permissions) -> String {
    let mut paths: Vec<(usize, &str)> = granted
        .0
        .iter()
        .map(|(path, names)| (names.as_object().map_or(0, serde_json::Map::len), path.as_str()))
        .filter(|(count, _)| 0 < *count)
        .collect();
    paths.sort_by(|one, other| one.1.cmp(other.1));
    let shown: Vec<String> =
        paths.iter().take(NAMED).map(|(count, path)| format!("{count} on `{path}`")).collect();
    let more = paths.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and on {more} more paths") };
    format!("Privileges: {}{more}.", shown.join(", "))
}

fn toolset(name: &str, entries: &[Entry], granted: &Permissions) -> Finding {
    let mut refused: Vec<&str> = Vec::new();
    let mut partly: Vec<&str> = Vec::new();
    let mut lacking: BTreeSet<String> = BTreeSet::new();
    let mut counts: BTreeMap<bool, (usize, usize)> = BTreeMap::new();
    for entry in entries {
        let may = granted.may(entry);
        let (allowed, all) = counts.entry(entry.tool.effect != Effect::Read).or_default();
        *all += 1;
        match may.reach {
            Reach::Nowhere => refused.push(entry.name),
            Reach::Somewhere => {
                *allowed += 1;
                partly.push(entry.name);
            }
            Reach::Everywhere => *allowed += 1,
        }
        lacking.extend(may.lacking);
    }
    let words: Vec<String> = counts
        .iter()
        .map(|(changes, (allowed, all))| {
            format!("{allowed} of {all} tools that {}", if *changes { "change" } else { "read" })
        })
        .collect();
    let mut detail = format!("May run {}.", words.join(" and "));
    if !partly.is_empty() {
        detail += &format!(" On some objects only: {}.", some(&partly));
    }
    let step = format!("permissions:{name}");
    if refused.is_empty() {
        return Finding::ok(&step, detail);
    }
    let lacking: Vec<&str> = lacking.iter().map(String::as_str).collect();
    detail += &format!(" Will be refused: {}. Missing: {}.", some(&refused), some(&lacking));
    Finding::warning(&step, detail)
}

fn some(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The finding for an account without any privileges: whether the user or privilege separation is the cause.
fn empty(auth: &Auth, pve: &Pve, cancel: &Cancel, remedy: &str) -> Finding {
    let Auth::Token { id, .. } = auth else {
        let user = if let Auth::Password { user, .. } = auth { user } else { "" };
        return Finding::failure(
            "permissions",
            format!("The user `{user}` has no privileges, so every list comes back empty."),
        )
        .mend(format!(
            "On a node: pveum acl modify / --users '{user}' --roles PVEAuditor; for more: {remedy}"
        ));
    };
    let user = id.split('!').next().unwrap_or(id);
    let rule = "With privilege separation (the default) a token has only the privileges granted to both its user and itself.";
    let for_token = format!("pveum acl modify / --tokens '{id}' --roles PVEAuditor");
    // A token that may not read its user's permissions gets an error here; then both commands are shown.
    let (detail, mend) = match permissions(pve, cancel, Some(user)) {
        Ok(of_user) if !of_user.is_empty() => (
            format!("The API token `{id}` has no privileges, although its user `{user}` has some. {rule}"),
            format!(
                "On a node: {for_token}, or without privilege separation: pveum user token modify '{user}' '{}' --privsep 0; for exactly what the tools need: {remedy}",
                id.rsplit('!').next().unwrap_or_default()
            ),
        ),
        _ => (
            format!("The API token `{id}` has no privileges, so every list comes back empty. {rule}"),
            format!(
                "On a node: {for_token}, and if the user has none either: pveum acl modify / --users '{user}' --roles PVEAuditor; for exactly what the tools need: {remedy}"
            ),
        ),
    };
    Finding::failure("permissions", detail).mend(mend)
}

/// A warning if a token's user has more privileges than the token.
fn more_of_the_user(id: &str, granted: &Permissions, pve: &Pve, cancel: &Cancel) -> Option<Finding> {
    let user = id.split('!').next().unwrap_or(id);
    let of_user = permissions(pve, cancel, Some(user)).ok()?;
    let has = |granted: &Permissions| -> BTreeSet<(String, String)> {
        let pairs = granted.0.iter().filter_map(|(path, names)| Some((path, names.as_object()?)));
        pairs.flat_map(|(path, names)| names.keys().map(|name| (path.clone(), name.clone()))).collect()
    };
    let more = has(&of_user).difference(&has(granted)).count();
    (0 < more).then(|| {
        Finding::warning(
            "permissions",
            format!("The user `{user}` has more privileges than the API token `{id}`. With privilege separation (the default) a token has only the privileges granted to both its user and itself."),
        )
        .mend(format!("Give the token the user's role too: pveum acl modify / --tokens '{id}' --roles ROLE"))
    })
}
