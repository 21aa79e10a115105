//! What a configuration says to one request: run it, ask first, or refuse it.

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it.
    Run,
    /// A person must agree first, for these reasons.
    Ask(Vec<&'static str>),
    /// It must not be sent: the setting that forbids it, as a sentence.
    Refuse(String),
}
