//! What a parameter of a tool is, those that many tools share, and what a tool does to the cluster.

/// What a tool is at its least, so that its turn and its parameters are known without a look at the table of effects. A
/// test holds it against the requests that the tool sends; what is allowed is decided on those alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Reads, and nothing else.
    Read,
    /// May change something.
    Change,
    /// Whatever its arguments, it must be agreed to first, unless the configuration says otherwise.
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
    /// Proxmox's word for it in paths and in `/cluster/resources`.
    #[must_use]
    pub fn api_type(self) -> &'static str {
        match self {
            Kind::Vm => "qemu",
            Kind::Container => "lxc",
        }
    }

    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Vm => "VM",
            Kind::Container => "container",
        }
    }

    /// The kind that Proxmox calls so.
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
    /// What it is, where the name does not say it.
    pub about: &'static str,
    /// What it may hold.
    pub shape: Shape,
    /// Usual values of a text that may be another, for whoever writes one in a shell.
    pub usual: &'static [&'static str],
    /// Whether a call must have it.
    pub required: bool,
    /// Not sent: it picks the rows of a list whose value of that name is this one.
    pub filter: bool,
    /// Accepted and documented in docs/tools.md, but not listed, because it is rarely used and would cost tokens.
    pub unlisted: bool,
    /// Whether an empty text is a value; else it is as good as not given.
    pub empty: bool,
    /// For an object of further parameters: its names are not those of the tool's own parameters.
    pub apart: bool,
    /// Only one half of a row that is two tools has it.
    pub only: Option<Kind>,
}

/// What a parameter may hold.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// An integer from the first to the second, both included.
    Int(i64, i64),
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of text.
    Texts,
    /// A list of words, listed as one text with commas between them, which costs less.
    Words,
    /// An object of further parameters, sent along each under its own name.
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

    /// Words with commas between them, or a list of them.
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

    /// Picks rows and is not sent; may be left out.
    #[must_use]
    pub const fn filter(self) -> Param {
        Param { filter: true, required: false, ..self }
    }

    /// May be left out, and is not listed.
    #[must_use]
    pub const fn unlisted(self) -> Param {
        Param { unlisted: true, required: false, ..self }
    }

    /// An empty text is a value: it takes away what was there.
    #[must_use]
    pub const fn or_empty(self) -> Param {
        Param { empty: true, ..self }
    }

    /// The names in it have nothing to do with the tool's own parameters.
    #[must_use]
    pub const fn apart(self) -> Param {
        Param { apart: true, ..self }
    }

    /// Only that half of a row that is two tools has it; may be left out.
    #[must_use]
    pub const fn only(self, kind: Kind) -> Param {
        Param { only: Some(kind), required: false, ..self }
    }

    /// Says what it is.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Param {
        Param { about, ..self }
    }

    /// Has these usual values.
    #[must_use]
    pub const fn usual(self, usual: &'static [&'static str]) -> Param {
        Param { usual, ..self }
    }

    /// May be left out.
    #[must_use]
    pub const fn optional(self) -> Param {
        Param { required: false, ..self }
    }
}

/// A guest's id.
pub const VMID: Param = Param::int("vmid", 100, 999_999_999);
/// The node a guest is on; found when it is not given.
pub const NODE: Param = Param::text("node").unlisted();
/// Other columns than the usual ones.
pub const FIELDS: Param = Param::words("fields").optional();
/// At most this many rows.
pub const LIMIT: Param = Param::int("limit", 1, 100_000).unlisted();
/// Rows to pass over: the `next` of the answer before.
pub const OFFSET: Param = Param::int("offset", 0, 100_000_000).optional();

/// Only the rows whose values are so: `key=value`, `key!=value`, or `key~part`.
pub const WHERE: Param = Param::words("where").unlisted();

/// Whether only what would be sent is told.
pub const DRY_RUN: Param = Param::flag("dry_run").unlisted();

/// The token of a plan that was agreed to.
pub const CONFIRM: Param = Param::text("confirm").optional();

/// How long a tool waits for its task.
pub const WAIT: Param = Param::int("wait", 0, 600).optional();
