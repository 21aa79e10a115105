//! Parses values of parameters like Proxmox: lists, and the various ways to name a guest, a node or a pool. Pure
//! functions. A value that cannot be parsed is reported as [`Unreadable`] and never guessed, as guards depend on it.

mod volume;

pub use volume::{Disk, Volume};

/// The error for a value that does not have the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Splits a list like `PVE::Tools::split_list`: at commas, semicolons, white space and NUL. Empty items are skipped.
pub fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mark = |letter: char| matches!(letter, ',' | ';' | '\0') || letter.is_whitespace();
    text.split(mark).filter(|item| !item.is_empty())
}

/// Parses a VMID: three to nine digits, the first of them not 0.
///
/// # Errors
/// The text is anything else, such as a number with leading zeros.
pub fn vmid(text: &str) -> Result<u32, Unreadable> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if !digits || !(3..=9).contains(&text.len()) {
        return Err(Unreadable);
    }
    text.parse().map_err(|_| Unreadable)
}

/// Parses a list of VMIDs.
///
/// # Errors
/// One of the items is not a VMID.
pub fn vmids(text: &str) -> Result<Vec<u32>, Unreadable> {
    split_list(text).map(vmid).collect()
}

/// Whether it is a label of a host name: letters, digits and, except at the ends, hyphens.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    letters && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

/// A node as named in a request, which may not be as in the list of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// By its name.
    Named(String),
    /// As `localhost`: the node that the request is sent to.
    Localhost,
}

impl Node {
    /// Parses a node's name.
    ///
    /// # Errors
    /// The text is anything else, such as an address or a name with a domain.
    pub fn read(text: &str) -> Result<Node, Unreadable> {
        if !is_label(text) {
            return Err(Unreadable);
        }
        let local = text.eq_ignore_ascii_case("localhost");
        Ok(if local { Node::Localhost } else { Node::Named(text.to_owned()) })
    }

    /// Whether it may be the node with that name. Host names are case-insensitive, and `localhost` may be any node.
    #[must_use]
    pub fn may_be(&self, name: &str) -> bool {
        match self {
            Node::Named(own) => own.eq_ignore_ascii_case(name),
            Node::Localhost => true,
        }
    }
}

/// Parses a list of nodes. In HA groups, each may be followed by a priority, `pve1:2`.
///
/// # Errors
/// One of the items is not a node's name.
pub fn nodes(text: &str) -> Result<Vec<Node>, Unreadable> {
    split_list(text).map(|item| Node::read(item.split(':').next().unwrap_or_default())).collect()
}

/// Parses the guest of an HA resource: `vm:100`, `ct:100` or `100`.
///
/// # Errors
/// The text is anything else.
pub fn ha_guest(sid: &str) -> Result<u32, Unreadable> {
    vmid(["vm:", "ct:"].iter().find_map(|kind| sid.strip_prefix(kind)).unwrap_or(sid))
}

/// Parses the guest of a replication job, `100-0`.
///
/// # Errors
/// The text is anything else.
pub fn replicated_guest(id: &str) -> Result<u32, Unreadable> {
    let (guest, job) = id.split_once('-').ok_or(Unreadable)?;
    if job.is_empty() || !job.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unreadable);
    }
    vmid(guest)
}

/// A task as described by its UPID: `UPID:node:pid:pstart:start:type:id:user:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The node that it runs on.
    pub node: Node,
    /// Its type, such as `qmstart`.
    pub kind: String,
    /// The guest in its id, which may be a VMID or a volume's owner (`105@local-lvm`).
    pub guest: Option<u32>,
}

impl Task {
    /// Parses a UPID.
    ///
    /// # Errors
    /// The text is not a UPID.
    pub fn read(upid: &str) -> Result<Task, Unreadable> {
        let parts: Vec<&str> = upid.split(':').collect();
        let [prefix, node, pid, pstart, start, kind, id, user, rest @ ..] = parts.as_slice() else {
            return Err(Unreadable);
        };
        let hex = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let numbers = [pid, pstart, start].into_iter().all(hex);
        if *prefix != "UPID" || !numbers || kind.is_empty() || user.is_empty() || !matches!(rest, [] | [""]) {
            return Err(Unreadable);
        }
        let guest = vmid(id.split('@').next().unwrap_or_default()).ok();
        Ok(Task { node: Node::read(node)?, kind: (*kind).to_owned(), guest })
    }

    /// Whether it may be about guests that its UPID does not name, such as a backup of several guests.
    #[must_use]
    pub fn may_concern_many(&self) -> bool {
        self.guest.is_none()
            && (self.kind.ends_with("all")
                || ["vzdump", "bulk"].iter().any(|word| self.kind.starts_with(word)))
    }
}

/// Checks a pool's name: up to three parts of letters, digits, `.`, `-` and `_`, separated by slashes.
///
/// # Errors
/// The text is anything else.
pub fn pool(text: &str) -> Result<&str, Unreadable> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    let fits = text.split('/').count() <= 3 && text.split('/').all(is_part);
    if fits { Ok(text) } else { Err(Unreadable) }
}

/// Whether a pool is the same as another or nested in it: `dev/sub` is nested in `dev`.
#[must_use]
pub fn pool_is_inside(pool: &str, outer: &str) -> bool {
    pool.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Checks a storage's name: a letter first, a letter or digit last, and letters, digits, `-`, `_`, `.` between them.
///
/// # Errors
/// The text is anything else.
pub fn storage(text: &str) -> Result<&str, Unreadable> {
    let fits = 1 < text.len()
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if fits { Ok(text) } else { Err(Unreadable) }
}

/// Parses a storage map: a list of pairs (`from:to`), or one storage for all. Returns the targets; `1`, which keeps
/// each storage, is skipped.
///
/// # Errors
/// One of the targets is not a storage's name.
pub fn storage_map(text: &str) -> Result<Vec<&str>, Unreadable> {
    let items = split_list(text).filter(|item| *item != "1");
    items.map(|item| storage(item.split_once(':').map_or(item, |(_, to)| to))).collect()
}

/// Whether Proxmox could take a value as on.
#[must_use]
pub fn may_be_on(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "off" | "no" | "false")
}

/// Whether Proxmox could take a value as off.
#[must_use]
pub fn may_be_off(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "on" | "yes" | "true")
}

/// The parts of a property string such as `virtio,bridge=vmbr0`: keys and values, with an empty key if it is left out.
pub fn properties(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').map_or(("", part), |(key, value)| (key.trim(), value.trim())))
}

/// Whether a value contains a forbidden control character. Free text may contain tabs and line breaks.
#[must_use]
pub fn has_control(value: &str, free_text: bool) -> bool {
    value.chars().any(|letter| letter.is_control() && !(free_text && matches!(letter, '\n' | '\r' | '\t')))
}

#[cfg(test)]
mod tests;
