//! The five released revisions of the protocol, and what differs between them.

/// A protocol revision, oldest first, so that "from 2025-06-18 on" is `Revision::V2025_06_18 <= revision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// `2024-11-05`.
    V2024_11_05,
    /// `2025-03-26`: batches, annotations, a message with progress.
    V2025_03_26,
    /// `2025-06-18`: titles, structured content, elicitation; no batches.
    V2025_06_18,
    /// `2025-11-25`: the newest with a handshake.
    V2025_11_25,
    /// `2026-07-28`: no handshake, everything in each request's `_meta`.
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

    /// The date that names it on the wire.
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

    /// The revision that an `initialize` asking for `name` gets: that one where it has a handshake, the newest
    /// with one otherwise (lifecycle, version negotiation).
    #[must_use]
    pub fn negotiate(name: &str) -> Revision {
        Revision::ALL
            .into_iter()
            .find(|revision| revision.name() == name && !revision.is_modern())
            .unwrap_or(Revision::NEWEST_HANDSHAKE)
    }

    /// No handshake: capabilities and version come with each request, and results carry `resultType`.
    #[must_use]
    pub fn is_modern(self) -> bool {
        self == Revision::V2026_07_28
    }

    /// An array of messages is a batch. Only this one revision demands that batches are received.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Revision::V2025_03_26
    }

    /// Tools carry `annotations`, and progress a `message`.
    #[must_use]
    pub fn has_annotations(self) -> bool {
        Revision::V2025_03_26 <= self
    }

    /// The person at the client can be asked.
    #[must_use]
    pub fn has_elicitation(self) -> bool {
        Revision::V2025_06_18 <= self
    }

    /// Tools carry a `title`, and results `structuredContent`.
    #[must_use]
    pub fn has_structured_content(self) -> bool {
        Revision::V2025_06_18 <= self
    }
}
