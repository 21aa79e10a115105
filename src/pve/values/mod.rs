//! Values of parameters, read as Proxmox reads them: lists, and the many ways to name a guest, a node or a pool. Pure.
//! What cannot be read is said to be unreadable and never guessed, for guards rest on it.

mod volume;

pub use volume::{Disk, Volume};

/// A value that is not in the form that its place asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The items of a list as `PVE::Tools::split_list` cuts them: at commas, semicolons, white space and NUL. Empty items
/// do not count.
pub fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mark = |letter: char| matches!(letter, ',' | ';' | '\0') || letter.is_whitespace();
    text.split(mark).filter(|item| !item.is_empty())
}

/// A VMID: three to nine digits, the first of them not 0.
///
/// # Errors
/// It is anything else, a number with leading zeros among it.
pub fn vmid(text: &str) -> Result<u32, Unreadable> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if !digits || !(3..=9).contains(&text.len()) {
        return Err(Unreadable);
    }
    text.parse().map_err(|_| Unreadable)
}

/// A list of VMIDs.
///
/// # Errors
/// One of them is none.
pub fn vmids(text: &str) -> Result<Vec<u32>, Unreadable> {
    split_list(text).map(vmid).collect()
}

/// Whether it is a part of a host's name: letters, digits and, inside only, hyphens.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    letters && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

/// A node, which a request may name in a way that no list of nodes has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// By its name.
    Named(String),
    /// As `localhost`: whichever node the request arrives at.
    Localhost,
}

impl Node {
    /// Reads a node's name.
    ///
    /// # Errors
    /// It is anything else, such as an address or a name with a domain.
    pub fn read(text: &str) -> Result<Node, Unreadable> {
        if !is_label(text) {
            return Err(Unreadable);
        }
        let local = text.eq_ignore_ascii_case("localhost");
        Ok(if local { Node::Localhost } else { Node::Named(text.to_owned()) })
    }

    /// Whether it may be the node of that name. Names of hosts do not differ by their capitals, and `localhost` may be
    /// any node.
    #[must_use]
    pub fn may_be(&self, name: &str) -> bool {
        match self {
            Node::Named(own) => own.eq_ignore_ascii_case(name),
            Node::Localhost => true,
        }
    }
}

/// The nodes of a list. Groups of HA write a priority behind each, `pve1:2`.
///
/// # Errors
/// One of them is no name of a node.
pub fn nodes(text: &str) -> Result<Vec<Node>, Unreadable> {
    split_list(text).map(|item| Node::read(item.split(':').next().unwrap_or_default())).collect()
}

/// The guest of an HA resource: `vm:100`, `ct:100` or `100`.
///
/// # Errors
/// It is anything else.
pub fn ha_guest(sid: &str) -> Result<u32, Unreadable> {
    vmid(["vm:", "ct:"].iter().find_map(|kind| sid.strip_prefix(kind)).unwrap_or(sid))
}

/// The guest of a replication job, `100-0`.
///
/// # Errors
/// It is anything else.
pub fn replicated_guest(id: &str) -> Result<u32, Unreadable> {
    let (guest, job) = id.split_once('-').ok_or(Unreadable)?;
    if job.is_empty() || !job.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unreadable);
    }
    vmid(guest)
}

/// A task, as its UPID tells it: `UPID:node:pid:pstart:start:type:id:user:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The node that it runs on.
    pub node: Node,
    /// What it does, such as `qmstart`.
    pub kind: String,
    /// The guest that it is about, where its id is one, or a volume's owner (`105@local-lvm`).
    pub guest: Option<u32>,
}

impl Task {
    /// Reads a UPID.
    ///
    /// # Errors
    /// It is none.
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

    /// Whether it may be about guests that its UPID does not name, as a backup of several is.
    #[must_use]
    pub fn is_about_many(&self) -> bool {
        self.guest.is_none()
            && (self.kind.ends_with("all")
                || ["vzdump", "bulk"].iter().any(|word| self.kind.starts_with(word)))
    }
}

/// A pool's name: up to three parts of letters, digits, `.`, `-` and `_`, parted by slashes.
///
/// # Errors
/// It is anything else.
pub fn pool(text: &str) -> Result<&str, Unreadable> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    let fits = text.split('/').count() <= 3 && text.split('/').all(is_part);
    if fits { Ok(text) } else { Err(Unreadable) }
}

/// Whether a pool is another one or inside it: `dev/sub` is inside `dev`.
#[must_use]
pub fn pool_is_inside(pool: &str, outer: &str) -> bool {
    pool.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A storage's name: a letter first, a letter or digit last, and letters, digits, `-`, `_`, `.` between them.
///
/// # Errors
/// It is anything else.
pub fn storage(text: &str) -> Result<&str, Unreadable> {
    let fits = 1 < text.len()
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if fits { Ok(text) } else { Err(Unreadable) }
}

/// The storages that a list of pairs (`from:to`), or one name for all, leads to. `1` means that each stays what it is.
///
/// # Errors
/// One of them is no name of a storage.
pub fn storage_map(text: &str) -> Result<Vec<&str>, Unreadable> {
    let items = split_list(text).filter(|item| *item != "1");
    items.map(|item| storage(item.split_once(':').map_or(item, |(_, to)| to))).collect()
}

/// Whether a value is on, as far as Proxmox could take it so.
#[must_use]
pub fn may_be_on(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "off" | "no" | "false")
}

/// Whether a value is off, as far as Proxmox could take it so.
#[must_use]
pub fn may_be_off(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "on" | "yes" | "true")
}

/// The parts of a property string, `virtio,bridge=vmbr0`: keys and values, the key empty where there is none.
pub fn properties(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').map_or(("", part), |(key, value)| (key.trim(), value.trim())))
}

/// Whether a value has a control character that it must not have. Free text may have tabs and ends of lines.
#[must_use]
pub fn has_control(value: &str, free_text: bool) -> bool {
    value.chars().any(|letter| letter.is_control() && !(free_text && matches!(letter, '\n' | '\r' | '\t')))
}

#[cfg(test)]
mod tests;
