//! Advice on what to do after Proxmox refused a request, derived from its message (pve.md sections 2 and 3). Pure
//! functions.

use super::caller::Identity;

/// Part of the messages for requests that only root@pam may send, logged in with its password.
const ROOT_ONLY: &str = "only root";
/// Parts of the three messages with which a cluster without quorum refuses a change.
const NO_QUORUM: [&str; 3] = ["no quorum", "unable to open file '/etc/pve/", "cluster not ready"];

/// The advice to append to a refusal, if there is any to add to Proxmox's own message.
pub(super) fn after_refusal(status: u16, message: &str, identity: &Identity) -> Option<String> {
    if let (Identity::Token(_), true) = (identity, message.contains("not available with API token")) {
        return Some("API tokens cannot do this: it needs a login with user and password.".into());
    }
    if status == 403 {
        return Some(after_403(message, identity));
    }
    if message.contains(ROOT_ONLY) {
        return Some(
            "Only `root@pam` logged in with its password may do this, not an API token of root@pam.".into(),
        );
    }
    if NO_QUORUM.iter().any(|words| message.contains(words)) {
        return Some(
            "The cluster has most likely lost its quorum: it can be read but not changed until enough nodes are back (`quorate` in `/cluster/status`).".into(),
        );
    }
    None
}

/// How to grant the privilege that a 403 names.
fn after_403(message: &str, identity: &Identity) -> String {
    let (path, privileges) = named(message).unwrap_or(("PATH", "the privileges needed"));
    let role = role_for(privileges);
    let command = match identity {
        Identity::Token(id) => {
            let user = id.split('!').next().unwrap_or(id);
            format!(
                "A token made with privilege separation (the default) has only what is granted both to itself and to its user. To grant it, on a node: `pveum acl modify {path} --tokens '{id}' --roles {role}`, and if the user lacks it too: `pveum acl modify {path} --users '{user}' --roles {role}`."
            )
        }
        Identity::User(user) => {
            format!("To grant it, on a node: `pveum acl modify {path} --users '{user}' --roles {role}`.")
        }
        Identity::Nobody => return "Configure a token or a user that may do this.".into(),
    };
    if role == "ROLE" {
        return format!("{command} ROLE stands for a role with {privileges} (`pveum role list`).");
    }
    command
}

/// Extracts path and privileges from `Permission check failed (/vms/100, VM.Audit|VM.Config)`.
fn named(message: &str) -> Option<(&str, &str)> {
    let inside = message.split_once('(')?.1.rsplit_once(')')?.0;
    let (path, privileges) = inside.split_once(", ")?;
    // They go into a command that somebody may paste: allow only characters of ACL paths and privileges.
    let plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    (path.starts_with('/') && plain(path, "/._-") && plain(privileges, ".|")).then_some((path, privileges))
}

/// The smallest built-in role with one of the privileges, or `ROLE` as a placeholder for a custom role.
fn role_for(privileges: &str) -> &'static str {
    let roles = privileges.split('|').map(|privilege| match privilege {
        "VM.Audit" | "Sys.Audit" | "Datastore.Audit" => (0, "PVEAuditor"),
        "VM.PowerMgmt" | "VM.Console" | "VM.Backup" => (1, "PVEVMUser"),
        "Datastore.AllocateSpace" => (1, "PVEDatastoreUser"),
        _ if privilege.starts_with("VM.") => (2, "PVEVMAdmin"),
        _ if privilege.starts_with("Datastore.") => (2, "PVEDatastoreAdmin"),
        _ => (3, "ROLE"),
    });
    roles.min_by_key(|(size, _)| *size).map_or("ROLE", |(_, role)| role)
}

/// What to check after a 401; `reason` is Proxmox's message, which often says little.
pub(super) fn after_401(identity: &Identity, reason: &str) -> String {
    match identity {
        Identity::Token(id) => {
            let (user, name) = id.split_once('!').unwrap_or((id, "NAME"));
            if reason.contains("token expired") {
                return format!(
                    "It has expired. To extend it, on a node: `pveum user token modify '{user}' '{name}' --expire 0` (0 is never, otherwise seconds since 1970)."
                );
            }
            if reason.contains("no such token") {
                return format!(
                    "It was revoked or never created. See `pveum user token list '{user}'`; to create it again, on a node: `pveum user token add '{user}' '{name}'`, and put the new secret into `token_secret`."
                );
            }
            if reason.contains("is disabled")
                || reason.contains("access expired")
                || reason.contains("no such user")
            {
                return format!(
                    "Its user is disabled, expired or deleted. To enable the user again, on a node: `pveum user modify '{user}' --enable 1 --expire 0`."
                );
            }
            format!(
                "Its id or secret is wrong, or it was revoked, has expired, or its user is disabled. See `pveum user token list '{user}'` on a node; the secret is shown only when a token is created."
            )
        }
        Identity::User(user) => format!(
            "Its ticket was refused even after a new login. Check that the user is enabled (`pveum user list`; `pveum user modify '{user}' --enable 1`) and that the nodes' clocks agree."
        ),
        Identity::Nobody => "Configure a token, or a user and a password.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, message: &str, identity: &Identity, expected: &[&str]) {
        let advice = after_refusal(status, message, identity).unwrap_or_default();
        for words in expected {
            assert!(advice.contains(words), "{message}: {advice:?} lacks {words:?}");
        }
        assert_eq!(advice.is_empty(), expected.is_empty(), "{advice}");
    }

    #[test]
    fn refusals_are_followed_by_what_to_do() {
        let token = Identity::Token("ops@pve!ai".into());
        let user = Identity::User("ops@pve".into());
        let vms = "Permission check failed (/vms/100, VM.Audit)";
        check(403, vms, &user, &["`pveum acl modify /vms/100 --users 'ops@pve' --roles PVEAuditor`"]);
        check(403, vms, &token, &["/vms/100 --tokens 'ops@pve!ai' --roles PVEAuditor", "--users 'ops@pve'"]);
        check(403, "Permission check failed (/, Sys.Modify|VM.Console)", &user, &["modify / ", "PVEVMUser"]);
        check(403, "Permission check failed (/a b`;rm, X)", &user, &["modify PATH "]);
        check(403, "Permission check failed", &user, &["modify PATH ", "--roles ROLE"]);
        check(403, "needs proper ticket, not available with API token", &token, &["user and password"]);
        check(500, "only root can set 'args' config", &token, &["root@pam"]);
        check(500, "cluster not ready - no quorum?", &user, &["quorum"]);
        check(500, "unable to open file '/etc/pve/x.tmp.1': Permission denied", &user, &["quorum"]);
        check(500, "storage 'nope' does not exist", &user, &[]);
    }

    #[test]
    fn a_token_that_is_turned_away_is_told_why_as_far_as_proxmox_says() {
        let token = Identity::Token("ops@pve!ai".into());
        for (reason, words) in [
            ("token expired", "`pveum user token modify 'ops@pve' 'ai' --expire 0`"),
            ("no such token 'ai' for user 'ops@pve'", "`pveum user token add 'ops@pve' 'ai'`"),
            ("user 'ops@pve' is disabled", "`pveum user modify 'ops@pve' --enable 1"),
            ("Authentication failed!", "`pveum user token list 'ops@pve'`"),
            ("", "revoked, has expired"),
        ] {
            let advice = after_401(&token, reason);
            assert!(advice.contains(words), "{reason}: {advice}");
        }
    }
}
