//! What the configuration decides about one request: send it, ask first, or refuse it.

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it.
    Run,
    /// A person must confirm it first, for these reasons.
    Ask(Vec<&'static str>),
    /// It must not be sent: the setting that forbids it, as a sentence.
    Refuse(String),
}
