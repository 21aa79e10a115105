//! Lists written as one string. Knows no API.

/// The parts of a list, split as Proxmox does it: at NUL if there is one, otherwise at commas, semicolons and white
/// space. Empty parts are skipped.
pub(crate) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let nul = text.contains('\0');
    text.split(move |mark: char| match nul {
        true => mark == '\0',
        false => mark == ',' || mark == ';' || mark.is_whitespace(),
    })
    .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::split_list;

    #[test]
    fn lists_are_parted_at_each_mark_that_proxmox_knows() {
        for (text, parts) in [
            ("a,b;c d\te\nf", &["a", "b", "c", "d", "e", "f"][..]),
            (" ,a,, b; ", &["a", "b"]),
            ("a b\0c,d", &["a b", "c,d"]),
            ("", &[]),
        ] {
            assert_eq!(split_list(text).collect::<Vec<_>>(), parts, "{text:?}");
        }
    }
}
