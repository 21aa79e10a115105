//! What `init` is given on the command line, and how it ends without a configuration.

/// The options of the command line.
pub trait Given {
    /// The value of an option.
    fn value(&self, name: &str) -> Option<&str>;
    /// Whether an option was given.
    fn has(&self, name: &str) -> bool;
}

/// Why there is no configuration.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// An option is missing or wrong.
    Usage(String),
    /// Something does not work.
    Failed(String),
}
