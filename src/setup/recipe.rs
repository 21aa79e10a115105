//! The `pveum` commands that create a role, a user and an API token with the privileges that the listed tools need.

use crate::{
    config::Access,
    setup::required_privileges::wanted,
    tools::{
        catalog::{entry::Entry, index::entries},
        param::Effect,
    },
};
use std::{collections::BTreeSet, fmt::Write};

/// What the token will be used for.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The access level.
    pub access: Access,
    /// The toolsets, as in the configuration.
    pub toolsets: Vec<String>,
    /// `name` or `name@realm`; the default realm is `pve`.
    pub user: String,
    /// The token's name.
    pub token: String,
    /// The major release of Proxmox VE, 8 or 9; some privileges have different names in them.
    pub release: u8,
}

/// The name of an access level, as in the configuration.
#[must_use]
pub fn access_name(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read-only",
        Access::Standard => "standard",
        Access::Full => "full",
    }
}

/// The access level with that name.
#[must_use]
pub fn access_by_name(word: &str) -> Option<Access> {
    [Access::ReadOnly, Access::Standard, Access::Full].into_iter().find(|one| access_name(*one) == word)
}

/// Every value that `toolsets` may contain.
pub fn toolsets() -> BTreeSet<&'static str> {
    entries().map(|entry| entry.toolset).chain(["all", "core"]).collect()
}

/// The tools that are listed with an access level and toolsets.
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

/// Checks the names of the user and the token, because they are inserted into commands for a root shell.
///
/// # Errors
/// A name has characters that are not allowed: a sentence.
pub fn names(recipe: &Recipe) -> Result<(), String> {
    let plain = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(letter))
    };
    let (user, realm) = recipe.user.split_once('@').unwrap_or((&recipe.user, "pve"));
    if !plain(user) || !plain(realm) {
        return Err(format!(
            "`--user` is `{}`, but must be `name` or `name@realm` with only letters, digits, dots, dashes and underscores.",
            recipe.user.escape_debug()
        ));
    }
    if !plain(&recipe.token) {
        return Err(format!(
            "`--token` is `{}`, but must have only letters, digits, dots, dashes and underscores.",
            recipe.token.escape_debug()
        ));
    }
    Ok(())
}

/// The name of a privilege in a release; `None` if that release does not have it (pve.md section 9: `VM.Monitor` was
/// replaced by `VM.GuestAgent.…` in 9.0, which also added `VM.Replicate`).
fn named(privilege: &'static str, release: u8) -> Option<&'static str> {
    match privilege {
        name if 9 <= release => Some(name),
        name if name.starts_with("VM.GuestAgent.") => Some("VM.Monitor"),
        "VM.Replicate" => None,
        name => Some(name),
    }
}

/// The names of the privileges that the role must have.
#[must_use]
pub fn privileges(recipe: &Recipe) -> BTreeSet<&'static str> {
    listed(recipe.access, &recipe.toolsets)
        .flat_map(|entry| wanted(&entry).needs)
        .filter_map(|(_, privilege)| named(privilege, recipe.release))
        .collect()
}

/// The commands, with comments, to run as root on any node of the cluster.
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
        "# Run as root on any node of a Proxmox VE {} cluster. The token gets only the privileges that the {} tools of\n\
         # {} need with access `{}`.\n",
        recipe.release,
        tools.len(),
        recipe.toolsets.join(", "),
        access_name(recipe.access),
    );
    if recipe.access != Access::ReadOnly {
        text += "# `standard` and `full` need the same privileges: they differ only in whether losing data has to be confirmed.\n";
    }
    let _ = write!(
        text,
        "\npveum role add {role} --privs '{list}'\n\
         # If the role already exists: pveum role modify {role} --privs '…'\n"
    );
    let _ = write!(text, "pveum user add '{user}' --comment 'proxmox-mcp'\n\n");
    text += "# With privilege separation a token has only what is granted to both its user and itself: hence two ACL entries.\n\
             # Instead of `/`, a narrower path such as /pool/NAME or /vms/100 can be used.\n";
    let _ = write!(
        text,
        "pveum acl modify / --users '{user}' --roles {role}\n\
         pveum user token add '{user}' '{}' --privsep 1\n\
         pveum acl modify / --tokens '{token}' --roles {role}\n\n\
         # The secret is shown only once, by the second to last command. Then, where proxmox-mcp runs:\n\
         #   proxmox-mcp init --token-id '{token}'\n",
        recipe.token
    );
    for (about, pick) in [
        ("These tools work only for root@pam itself, not for this token", true),
        ("Proxmox does not allow API tokens for these tools; they need a user and a password", false),
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
