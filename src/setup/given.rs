//! The command-line options of `init`, and why it may end without a configuration.

/// The options of the command line.
pub trait Given {
    /// The value of an option.
    fn value(&self, name: &str) -> Option<&str>;
    /// Whether an option was given.
    fn has(&self, name: &str) -> bool;
}

/// Why no configuration was written.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// An option is missing or wrong.
    Usage(String),
    /// Something does not work.
    Failed(String),
}
