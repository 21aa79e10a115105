//! One method of the API: its line in the table and the parameter lines under it. Does not check values.

use super::{Param, Privilege, blocks, hole, placeholder_name, shared};
use crate::pve::Method;

/// One method of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    path: &'static str,
    head: &'static str,
    body: &'static str,
}

/// The methods in the block of a path.
pub(super) fn rows_of(path: &'static str, block: &'static str) -> impl Iterator<Item = Row> {
    blocks(block, |first| first.is_ascii_uppercase()).map(move |(head, body)| Row { path, head, body })
}

impl Row {
    /// The path template, such as `/nodes/{node}/qemu/{vmid}/config`.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The HTTP method.
    #[must_use]
    pub fn method(&self) -> Method {
        match self.head.as_bytes().get(..2) {
            Some(b"GE") => Method::Get,
            Some(b"PO") => Method::Post,
            Some(b"PU") => Method::Put,
            _ => Method::Delete,
        }
    }

    /// Proxmox's name for the method, such as `update_vm`. Not unique; `-` if it has none.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.head.split('\t').nth(1).unwrap_or("-")
    }

    /// The first of 6.4, 7.4, 8.4 and 9.2 that has the method.
    #[must_use]
    pub fn since(&self) -> &'static str {
        self.field("from ").unwrap_or("6.4")
    }

    /// Whether an API token may call it at all.
    #[must_use]
    pub fn allow_token(&self) -> bool {
        !self.head.split('\t').any(|field| field == "notoken")
    }

    /// Whether parameters that are not listed are allowed.
    #[must_use]
    pub fn open(&self) -> bool {
        self.head.split('\t').any(|field| field == "open")
    }

    /// Who may call it.
    #[must_use]
    pub fn privileges(&self) -> Privilege {
        Privilege::parse(self.privilege_text())
    }

    /// Who may call it, in the form of the table.
    #[must_use]
    pub fn privilege_text(&self) -> &'static str {
        self.field("may ").unwrap_or("root")
    }

    /// Whether it is carried out by the node that the parameter `node` names.
    #[must_use]
    pub fn proxied_by_node(&self) -> bool {
        self.field("at ") == Some("node")
    }

    /// The type that it returns: `array`, `object`, `string`, `integer`, `boolean`, `null` or `any`.
    #[must_use]
    pub fn returns(&self) -> &'static str {
        self.field("-> ").unwrap_or("any")
    }

    /// Its parameters: those of the path first, in the path's order, then the others, shared ones before its own.
    #[must_use]
    pub fn params(&self) -> Vec<Param> {
        let own = self.body.lines().filter_map(|line| line.strip_prefix('\t'));
        let mut rest: Vec<Param> = own
            .flat_map(|line| {
                let set = line.starts_with('&').then(|| shared(line).map(Param::of));
                let single = (!line.starts_with('&')).then(|| Param::of(line));
                set.into_iter().flatten().chain(single)
            })
            .collect();
        let mut params = Vec::with_capacity(rest.len() + 4);
        for name in self.path.split('/').filter_map(placeholder_name) {
            let special = rest.iter().position(|param| param.name() == name).map(|at| rest.remove(at));
            params.extend(special.or_else(|| hole(name).map(Param::from_placeholder)));
        }
        params.append(&mut rest);
        params
    }

    /// The parameter for a name in a request; `net0` belongs to the family `net[n]`. If there are several alternatives,
    /// the first one.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Param> {
        self.params().into_iter().find(|param| param.answers_to(name))
    }

    fn field(&self, word: &str) -> Option<&'static str> {
        self.head.split('\t').skip(2).find_map(|field| field.strip_prefix(word))
    }
}
