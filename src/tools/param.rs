//! The definition of a tool's parameter, the parameters that many tools share, and the effect of a tool on the cluster.

/// The least effect that a tool has, from which its scheduling and its common parameters follow. A test compares it
/// with the requests that the tool sends; what is allowed is decided by those requests alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Only reads.
    Read,
    /// May change something.
    Change,
    /// Must always be confirmed first, whatever its arguments, unless the configuration says otherwise.
    Ask,
}

/// The two kinds of guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A virtual machine.
    Vm,
    /// A container.
    Container,
}

impl Kind {
    /// Returns Proxmox's word for it in paths and in `/cluster/resources`.
    #[must_use]
    pub fn api_type(self) -> &'static str {
        match self {
            Kind::Vm => "qemu",
            Kind::Container => "lxc",
        }
    }

    /// Returns the word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Vm => "VM",
            Kind::Container => "container",
        }
    }

    /// Returns the kind for Proxmox's word.
    #[must_use]
    pub fn from_api_type(word: &str) -> Option<Kind> {
        [Kind::Vm, Kind::Container].into_iter().find(|kind| kind.api_type() == word)
    }
}

/// One parameter of a tool, under Proxmox's own name where Proxmox has one.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its description, if the name does not explain it.
    pub about: &'static str,
    /// The shape of its value.
    pub shape: Shape,
    /// Common values of a free text, for shell completion.
    pub usual: &'static [&'static str],
    /// Whether a call must include it.
    pub required: bool,
    /// Not sent: it selects the rows of a list that have this value under that name.
    pub filter: bool,
    /// Accepted and documented in docs/tools.md, but not listed, because it is rarely used and would cost tokens.
    pub unlisted: bool,
    /// Whether an empty text is a value; otherwise it counts as not given.
    pub empty: bool,
    /// For an object of further parameters: names in it never mean the tool's own parameters.
    pub apart: bool,
    /// For a row that defines two tools: only the tool for this kind of guest has it.
    pub only: Option<Kind>,
}

/// The shape of a parameter's value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// An integer in an inclusive range.
    Int(i64, i64),
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of text.
    Texts,
    /// A list of words; in `tools/list` it is a comma-separated text, which costs fewer tokens.
    Words,
    /// An object of further parameters, each sent under its own name.
    More,
    /// A list of objects.
    Objects,
}

impl Param {
    const fn new(name: &'static str, shape: Shape) -> Param {
        Param {
            name,
            about: "",
            shape,
            usual: &[],
            required: true,
            filter: false,
            unlisted: false,
            empty: false,
            apart: false,
            only: None,
        }
    }

    /// An integer in a range.
    #[must_use]
    pub const fn int(name: &'static str, least: i64, most: i64) -> Param {
        Param::new(name, Shape::Int(least, most))
    }

    /// Text.
    #[must_use]
    pub const fn text(name: &'static str) -> Param {
        Param::new(name, Shape::Text)
    }

    /// True or false.
    #[must_use]
    pub const fn flag(name: &'static str) -> Param {
        Param::new(name, Shape::Flag)
    }

    /// One of these words.
    #[must_use]
    pub const fn one_of(name: &'static str, words: &'static [&'static str]) -> Param {
        Param::new(name, Shape::OneOf(words))
    }

    /// A list of text.
    #[must_use]
    pub const fn texts(name: &'static str) -> Param {
        Param::new(name, Shape::Texts)
    }

    /// Comma-separated words, or a list of words.
    #[must_use]
    pub const fn words(name: &'static str) -> Param {
        Param::new(name, Shape::Words)
    }

    /// An object of further parameters of the API.
    #[must_use]
    pub const fn more(name: &'static str) -> Param {
        Param { required: false, ..Param::new(name, Shape::More) }
    }

    /// A list of objects.
    #[must_use]
    pub const fn objects(name: &'static str) -> Param {
        Param::new(name, Shape::Objects)
    }

    /// Selects rows and is not sent; optional.
    #[must_use]
    pub const fn filter(self) -> Param {
        Param { filter: true, required: false, ..self }
    }

    /// Optional, and not listed.
    #[must_use]
    pub const fn unlisted(self) -> Param {
        Param { unlisted: true, required: false, ..self }
    }

    /// An empty text is a value: it removes the current one.
    #[must_use]
    pub const fn allow_empty(self) -> Param {
        Param { empty: true, ..self }
    }

    /// Names in it never mean the tool's own parameters.
    #[must_use]
    pub const fn apart(self) -> Param {
        Param { apart: true, ..self }
    }

    /// For a row that defines two tools: only the tool for that kind of guest has it; optional.
    #[must_use]
    pub const fn only(self, kind: Kind) -> Param {
        Param { only: Some(kind), required: false, ..self }
    }

    /// Sets its description.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Param {
        Param { about, ..self }
    }

    /// Sets its common values.
    #[must_use]
    pub const fn usual(self, usual: &'static [&'static str]) -> Param {
        Param { usual, ..self }
    }

    /// Optional.
    #[must_use]
    pub const fn optional(self) -> Param {
        Param { required: false, ..self }
    }
}

/// A guest's VMID.
pub const VMID: Param = Param::int("vmid", 100, 999_999_999);
/// The node that a guest is on; it is looked up if not given.
pub const NODE: Param = Param::text("node").unlisted();
/// The columns to show instead of the default ones.
pub const FIELDS: Param = Param::words("fields").optional();
/// The most rows to return.
pub const LIMIT: Param = Param::int("limit", 1, 100_000).unlisted();
/// The number of rows to skip: the `next` of the previous answer.
pub const OFFSET: Param = Param::int("offset", 0, 100_000_000).optional();

/// Conditions that rows must meet: `key=value`, `key!=value`, or `key~part`.
pub const WHERE: Param = Param::words("where").unlisted();

/// Whether to report only what would be sent.
pub const DRY_RUN: Param = Param::flag("dry_run").unlisted();

/// The token of a plan that the user agreed to.
pub const CONFIRM: Param = Param::text("confirm").optional();

/// How long a tool waits for its task, in seconds.
pub const WAIT: Param = Param::int("wait", 0, 600).optional();
