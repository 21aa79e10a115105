//! The five released revisions of the protocol and the differences between them.

/// A protocol revision, oldest first, so that "from 2025-06-18 on" is `Revision::V2025_06_18 <= revision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// `2024-11-05`.
    V2024_11_05,
    /// `2025-03-26`: batches, annotations, progress messages.
    V2025_03_26,
    /// `2025-06-18`: titles, structured content, elicitation; no batches.
    V2025_06_18,
    /// `2025-11-25`: the newest one with a handshake.
    V2025_11_25,
    /// `2026-07-28`: no handshake; version and capabilities are in each request's `_meta`.
    V2026_07_28,
}

impl Revision {
    /// All of them, oldest first.
    pub const ALL: [Revision; 5] = [
        Revision::V2024_11_05,
        Revision::V2025_03_26,
        Revision::V2025_06_18,
        Revision::V2025_11_25,
        Revision::V2026_07_28,
    ];

    /// The newest revision that begins with `initialize`.
    pub const NEWEST_HANDSHAKE: Revision = Revision::V2025_11_25;

    /// Its name in the protocol, a date.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Revision::V2024_11_05 => "2024-11-05",
            Revision::V2025_03_26 => "2025-03-26",
            Revision::V2025_06_18 => "2025-06-18",
            Revision::V2025_11_25 => "2025-11-25",
            Revision::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision to answer an `initialize` with that requests `name`: that revision if it has a handshake, otherwise
    /// the newest one that has (specification: lifecycle, version negotiation).
    #[must_use]
    pub fn negotiate(name: &str) -> Revision {
        Revision::ALL
            .into_iter()
            .find(|revision| revision.name() == name && !revision.is_modern())
            .unwrap_or(Revision::NEWEST_HANDSHAKE)
    }

    /// Whether there is no handshake: version and capabilities come with each request, and results have `resultType`.
    #[must_use]
    pub fn is_modern(self) -> bool {
        self == Revision::V2026_07_28
    }

    /// Whether an array of messages is a batch. Only one revision requires servers to accept batches.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Revision::V2025_03_26
    }

    /// Whether tools have `annotations` and progress notifications a `message`.
    #[must_use]
    pub fn has_annotations(self) -> bool {
        Revision::V2025_03_26 <= self
    }

    /// Whether the user at the client can be asked (elicitation).
    #[must_use]
    pub fn has_elicitation(self) -> bool {
        Revision::V2025_06_18 <= self
    }

    /// Whether tools have a `title` and results `structuredContent`.
    #[must_use]
    pub fn has_structured_content(self) -> bool {
        Revision::V2025_06_18 <= self
    }
}
