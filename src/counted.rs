//! Numbers in sentences: "1 guest", "2 guests".

/// The number with its noun, to which an s is added unless there is exactly one.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "guest")), ["0 guests", "1 guest", "2 guests"]);
    }
}
