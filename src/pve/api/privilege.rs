//! The permissions that a method requires, as an expression. Independent of users.

/// Who may call a method. root@pam may call any method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Only root@pam.
    Root,
    /// Everybody, even without a login.
    World,
    /// Everybody who is logged in; the method's own code may check more.
    AnyUser,
    /// Users and tokens with privileges on a path of the access tree.
    Perm {
        /// The path, with placeholders for parameters: `/vms/{vmid}`.
        path: &'static str,
        /// The privileges, such as `VM.Audit`.
        privileges: Vec<&'static str>,
        /// Whether one of them is sufficient.
        any: bool,
        /// If set, the check fails unless this parameter is given.
        only_with: Option<&'static str>,
    },
    /// One of these is sufficient.
    Or(Vec<Privilege>),
    /// All of these are required.
    And(Vec<Privilege>),
    /// Another kind of check, in Proxmox's JSON form: `["userid-param","self"]`.
    Other(&'static str),
}

impl Privilege {
    /// Parses the text after `may ` in the table.
    pub(super) fn parse(text: &'static str) -> Privilege {
        if let Some(parts) = inside(text, "or(") {
            return Privilege::Or(parts.into_iter().map(Privilege::parse).collect());
        }
        if let Some(parts) = inside(text, "and(") {
            return Privilege::And(parts.into_iter().map(Privilege::parse).collect());
        }
        match text {
            "root" => return Privilege::Root,
            "world" => return Privilege::World,
            "user" => return Privilege::AnyUser,
            _ => {}
        }
        if let Some(raw) = text.strip_prefix("other ") {
            return Privilege::Other(raw);
        }
        let (text, only_with) =
            text.split_once(" with ").map_or((text, None), |(text, name)| (text, Some(name)));
        let (path, names) = text.split_once(' ').unwrap_or((text, ""));
        let any = names.contains('|');
        Privilege::Perm { path, privileges: names.split(['|', '&']).collect(), any, only_with }
    }
}

/// The parts of `word(part;part;…)`; parts may contain parentheses themselves.
fn inside(text: &'static str, word: &str) -> Option<Vec<&'static str>> {
    let list = text.strip_prefix(word)?.strip_suffix(')')?;
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn perm(path: &'static str, privileges: &[&'static str], any: bool) -> Privilege {
        Privilege::Perm { path, privileges: privileges.to_vec(), any, only_with: None }
    }

    #[test]
    fn expressions_are_read_as_they_nest() {
        let pool = Privilege::Perm {
            path: "/pool/{pool}",
            privileges: vec!["A.B"],
            any: false,
            only_with: Some("pool"),
        };
        for (text, expected) in [
            ("root", Privilege::Root),
            ("world", Privilege::World),
            ("user", Privilege::AnyUser),
            ("/ Sys.Audit&Sys.Modify", perm("/", &["Sys.Audit", "Sys.Modify"], false)),
            ("/vms/{vmid} A.B|C.D", perm("/vms/{vmid}", &["A.B", "C.D"], true)),
            (
                "and(/ A.B;or(/x C.D;/pool/{pool} A.B with pool);other [\"x\",\"y\"])",
                Privilege::And(vec![
                    perm("/", &["A.B"], false),
                    Privilege::Or(vec![perm("/x", &["C.D"], false), pool]),
                    Privilege::Other("[\"x\",\"y\"]"),
                ]),
            ),
        ] {
            assert_eq!(Privilege::parse(text), expected, "{text}");
        }
    }
}
