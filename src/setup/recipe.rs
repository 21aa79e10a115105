//! The `pveum` commands that make a role, a user and an API token with the privileges that the listed tools need.

use crate::{
    config::Access,
    setup::required_privileges::wanted,
    tools::{
        catalog::{entry::Entry, index::entries},
        param::Effect,
    },
};
use std::{collections::BTreeSet, fmt::Write};

/// What the token is for.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// What may run.
    pub access: Access,
    /// Which toolsets, as in the configuration.
    pub toolsets: Vec<String>,
    /// `name` or `name@realm`; a bare name is of the realm `pve`.
    pub user: String,
    /// The token's name.
    pub token: String,
    /// Proxmox VE's major release, 8 or 9: they name some privileges differently.
    pub release: u8,
}

/// The words of the access levels, as in the configuration.
#[must_use]
pub fn access_word(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read-only",
        Access::Standard => "standard",
        Access::Full => "full",
    }
}

/// The access level of that word.
#[must_use]
pub fn access_of(word: &str) -> Option<Access> {
    [Access::ReadOnly, Access::Standard, Access::Full].into_iter().find(|one| access_word(*one) == word)
}

/// Every word that may stand in `toolsets`.
pub fn toolsets() -> BTreeSet<&'static str> {
    entries().map(|entry| entry.toolset).chain(["all", "core"]).collect()
}

/// The tools that an access level and toolsets list.
pub fn listed(access: Access, toolsets: &[String]) -> impl Iterator<Item = Entry> {
    entries().filter(move |entry| {
        let runs = access != Access::ReadOnly || entry.tool.effect == Effect::Read;
        let chosen = toolsets.iter().any(|name| match name.as_str() {
            "all" => true,
            "core" => entry.tool.core,
            name => name == entry.toolset,
        });
        runs && chosen
    })
}

/// Whether user and token can be named so; they stand in commands for a root shell.
///
/// # Errors
/// A sentence with what is wrong.
pub fn names(recipe: &Recipe) -> Result<(), String> {
    let plain = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(letter))
    };
    let (user, realm) = recipe.user.split_once('@').unwrap_or((&recipe.user, "pve"));
    if !plain(user) || !plain(realm) {
        return Err(format!(
            "`--user` is `{}`, but must be `name` or `name@realm` of letters, digits, dots, dashes and underscores.",
            recipe.user.escape_debug()
        ));
    }
    if !plain(&recipe.token) {
        return Err(format!(
            "`--token` is `{}`, but must be of letters, digits, dots, dashes and underscores.",
            recipe.token.escape_debug()
        ));
    }
    Ok(())
}

/// A privilege by the name that a release knows it by, if it knows it at all (pve.md section 9: `VM.Monitor` was
/// replaced by `VM.GuestAgent.…` in 9.0, which also added `VM.Replicate`).
fn named(privilege: &'static str, release: u8) -> Option<&'static str> {
    match privilege {
        name if 9 <= release => Some(name),
        name if name.starts_with("VM.GuestAgent.") => Some("VM.Monitor"),
        "VM.Replicate" => None,
        name => Some(name),
    }
}

/// The privileges that a role must hold, by name.
#[must_use]
pub fn privileges(recipe: &Recipe) -> BTreeSet<&'static str> {
    listed(recipe.access, &recipe.toolsets)
        .flat_map(|entry| wanted(&entry).needs)
        .filter_map(|(_, privilege)| named(privilege, recipe.release))
        .collect()
}

/// The commands, with comments, to be run as root on any node of the cluster.
#[must_use]
pub fn text(recipe: &Recipe) -> String {
    let tools: Vec<Entry> = listed(recipe.access, &recipe.toolsets).collect();
    let user = if recipe.user.contains('@') { recipe.user.clone() } else { format!("{}@pve", recipe.user) };
    let role = match recipe.access {
        Access::ReadOnly => "ProxmoxMCPRead",
        Access::Standard | Access::Full => "ProxmoxMCP",
    };
    let token = format!("{user}!{}", recipe.token);
    let list = privileges(recipe).into_iter().collect::<Vec<_>>().join(",");
    let mut text = format!(
        "# Run as root on any node of a Proxmox VE {} cluster: the token may do what the {} tools of {} need at\n\
         # access `{}`, and nothing else.\n",
        recipe.release,
        tools.len(),
        recipe.toolsets.join(", "),
        access_word(recipe.access),
    );
    if recipe.access != Access::ReadOnly {
        text += "# `standard` and `full` need the same privileges: they differ in whether a person confirms before data is lost.\n";
    }
    let _ = write!(
        text,
        "\npveum role add {role} --privs '{list}'\n\
         # If the role is there already: pveum role modify {role} --privs '…'\n"
    );
    let _ = write!(text, "pveum user add '{user}' --comment 'proxmox-mcp'\n\n");
    text += "# A token with privilege separation has what both its user and it itself were given: hence two rules.\n\
             # Instead of `/` a narrower path will do, such as /pool/NAME or /vms/100.\n";
    let _ = write!(
        text,
        "pveum acl modify / --users '{user}' --roles {role}\n\
         pveum user token add '{user}' '{}' --privsep 1\n\
         pveum acl modify / --tokens '{token}' --roles {role}\n\n\
         # The secret is shown once, by the second last command. Then, where proxmox-mcp runs:\n\
         #   proxmox-mcp init --token-id '{token}'\n",
        recipe.token
    );
    for (about, pick) in [
        ("Only root@pam itself may do what these tools do, so the token cannot", true),
        ("Proxmox refuses API tokens what these tools do; they need a user and a password", false),
    ] {
        let names: Vec<&str> = tools
            .iter()
            .filter(|entry| {
                let wanted = wanted(entry);
                if pick { wanted.root } else { wanted.no_token && !wanted.root }
            })
            .map(|entry| entry.name)
            .collect();
        if !names.is_empty() {
            let _ = write!(text, "\n# {about}: {}.\n", names.join(", "));
        }
    }
    text
}
