//! Comparing texts when this is compiled, which `==` and `<` cannot do yet.

/// Whether both are the same text.
#[must_use]
pub const fn is_same(left: &str, right: &str) -> bool {
    left.len() == right.len() && !is_before(left, right) && !is_before(right, left)
}

/// Whether `left` comes first, byte by byte.
#[must_use]
pub const fn is_before(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_compare_as_they_do_when_it_runs() {
        let texts = ["", "a", "ab", "b", "ü", "proxmox_start_vm", "proxmox_start_vmm"];
        for left in texts {
            for right in texts {
                assert_eq!(is_same(left, right), left == right, "{left} {right}");
                assert_eq!(is_before(left, right), left < right, "{left} {right}");
            }
        }
    }
}
