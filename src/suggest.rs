//! Suggests the known word that is most similar to a misspelt one.

/// Edit distance in which swapping two adjacent characters counts as one edit (optimal string alignment).
pub use strsim::osa_distance as distance;

/// The candidate most similar to `word`, if one is similar enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word_lower = word.to_lowercase();
    let length = word_lower.chars().count();
    let allowed = length / 3 + 1;
    candidates
        .into_iter()
        // Words whose lengths differ this much are never similar, and comparing a very long one would take minutes.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (distance(&word_lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ` Did you mean …?` to append to an error message, or an empty string.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!(" Did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_forgives_slips_and_ignores_strangers() {
        let names = ["proxmox_list_vms", "proxmox_list_nodes", "proxmox_stop_vm"];
        for (word, expected) in [
            ("proxmox_list_vm", Some("proxmox_list_vms")),
            ("proxmox_lsit_nodes", Some("proxmox_list_nodes")),
            ("PROXMOX_STOP_VM", Some("proxmox_stop_vm")),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), expected, "{word}");
        }
    }

    #[test]
    fn a_word_of_any_length_is_compared_with_none_of_other_lengths() {
        // Comparing them character by character would take hours.
        assert_eq!(nearest(&"proxmox_".repeat(1 << 19), ["proxmox_list_vms"; 100]), None);
    }
}
