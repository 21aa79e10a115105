//! What a tool is: one row of static data. Knows neither JSON-RPC nor HTTP.
//!
//! `tools/list`, hints, access filtering, argument checks, the wire tests and README's table all derive from
//! the row, so adding a tool touches one place.

use super::{
    Args, Context, Outcome,
    api::own::Own,
    table::{Column, FIELDS, LIMIT, OFFSET, WHERE},
};
use crate::pve::Method;

/// What a tool does to the cluster: the hints of `tools/list`, and what an access level forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Looks and changes nothing.
    Read,
    /// Changes something that can be changed back.
    Change,
    /// Interrupts what runs: marked destructive, but nothing stored is lost.
    Disrupt,
    /// Data is lost.
    Destroy,
}

/// One tool, or the two that differ only in the guest they are for.
#[derive(Debug)]
pub struct Tool {
    /// Its name, or its two names.
    pub name: Name,
    /// One sentence: what it does and when to use it. `{guest}` stands for `VM` or `container`.
    pub about: &'static str,
    /// What it does to the cluster.
    pub effect: Effect,
    /// Its parameters, in the order a reader wants them.
    pub params: &'static [Param],
    /// What it runs.
    pub run: Run,
    /// Whether it is listed by default.
    pub core: bool,
    /// Whether a client that loads tools on demand should have it from the start; for a few to begin with.
    pub entry: bool,
    /// Whether doing it twice is as good as once.
    pub idempotent: bool,
    /// Whether it starts a Proxmox task, which it then waits for.
    pub task: bool,
}

/// A tool's name on the wire.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// One tool.
    One(&'static str),
    /// Two: for virtual machines and for containers.
    Guest(&'static str, &'static str),
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

/// What a tool runs.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// One request. `{x}` in the path is argument `x`; `{node}` of a guest is found where it is not given, and
    /// `{type}` is its kind. Every other argument is sent along under its own name.
    Api(Method, &'static str),
    /// One request for a list, shown with these columns and sorted by the first.
    List(&'static str, &'static [Column]),
    /// Several requests, or a shaped answer.
    With(fn(&Context<'_>, &Args) -> Outcome),
    /// A method of the API under a name of the configuration.
    Own(&'static Own),
}

impl Tool {
    /// A tool that runs that.
    #[must_use]
    pub(super) const fn new(name: Name, effect: Effect, run: Run) -> Tool {
        Tool {
            name,
            about: "",
            effect,
            params: &[],
            run,
            core: false,
            entry: false,
            idempotent: false,
            task: false,
        }
    }

    /// A tool that reads one path.
    #[must_use]
    pub const fn get(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Read, Run::Api(Method::Get, path))
    }

    /// A tool that lists what one path answers; takes `fields`, `limit` and `offset`.
    #[must_use]
    pub const fn list(name: &'static str, path: &'static str, columns: &'static [Column]) -> Tool {
        Tool::new(Name::One(name), Effect::Read, Run::List(path, columns))
    }

    /// A tool that changes something by POST.
    #[must_use]
    pub const fn post(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Change, Run::Api(Method::Post, path))
    }

    /// A tool that changes something by PUT.
    #[must_use]
    pub const fn put(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Change, Run::Api(Method::Put, path)).idempotent()
    }

    /// A tool that deletes.
    #[must_use]
    pub const fn delete(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Destroy, Run::Api(Method::Delete, path)).idempotent()
    }

    /// A tool of its own.
    #[must_use]
    pub const fn with(name: &'static str, effect: Effect, run: fn(&Context<'_>, &Args) -> Outcome) -> Tool {
        Tool::new(Name::One(name), effect, Run::With(run))
    }

    /// The same tool for virtual machines and for containers.
    #[must_use]
    pub const fn guest(vm: &'static str, container: &'static str, effect: Effect, run: Run) -> Tool {
        Tool::new(Name::Guest(vm, container), effect, run)
    }

    /// Says what it does.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Tool {
        Tool { about, ..self }
    }

    /// Takes these parameters.
    #[must_use]
    pub const fn params(self, params: &'static [Param]) -> Tool {
        Tool { params, ..self }
    }

    /// Loses data.
    #[must_use]
    pub const fn destroys(self) -> Tool {
        Tool { effect: Effect::Destroy, ..self }
    }

    /// Interrupts what runs.
    #[must_use]
    pub const fn disrupts(self) -> Tool {
        Tool { effect: Effect::Disrupt, ..self }
    }

    /// Is listed by default.
    #[must_use]
    pub const fn core(self) -> Tool {
        Tool { core: true, ..self }
    }

    /// Is where a model begins: never loaded on demand only.
    #[must_use]
    pub const fn entry(self) -> Tool {
        Tool { entry: true, ..self }
    }

    /// May be repeated without harm.
    #[must_use]
    pub const fn idempotent(self) -> Tool {
        Tool { idempotent: true, ..self }
    }

    /// Starts a task and waits for it; takes `wait`.
    #[must_use]
    pub const fn task(self) -> Tool {
        Tool { task: true, ..self }
    }

    /// Every parameter, those included that come with what the tool is.
    pub fn all_params(&'static self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        let paging: &[Param] = match self.run {
            Run::List(..) => &PAGING,
            _ if self.params.iter().any(|param| param.name == OFFSET.name) => &PAGING[3..],
            _ => &[],
        };
        let confirm = (self.effect == Effect::Destroy).then_some(&CONFIRM);
        let common: &[Param] = match self.effect {
            Effect::Read => &[],
            Effect::Destroy => &COMMON[1..],
            Effect::Change | Effect::Disrupt => &COMMON,
        };
        self.params.iter().chain(paging).chain(self.task.then_some(&WAIT)).chain(confirm).chain(common)
    }
}

/// What every list takes.
static PAGING: [Param; 4] = [FIELDS, LIMIT, OFFSET, WHERE];

/// What everything that changes takes: some arguments can make it lose data, which must be confirmed then too.
static COMMON: [Param; 2] = [CONFIRM.unlisted(), DRY_RUN];

/// Whether only what would be sent is told.
pub const DRY_RUN: Param = Param::flag("dry_run").unlisted();

/// The token of a plan that was agreed to.
pub const CONFIRM: Param = Param::text("confirm").optional();

/// How long a tool waits for its task.
pub const WAIT: Param = Param::int("wait", 0, 600).optional();

/// One parameter of a tool, under Proxmox's own name where Proxmox has one.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it is, where the name does not say it.
    pub about: &'static str,
    /// What it may hold.
    pub shape: Shape,
    /// Whether a call must have it.
    pub required: bool,
    /// Not sent: it picks the rows of a list whose value of that name is this one.
    pub filter: bool,
    /// Accepted and documented in README, but not listed: it is seldom wanted and would cost tokens in every list.
    pub unlisted: bool,
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
}

impl Param {
    const fn new(name: &'static str, shape: Shape) -> Param {
        Param { name, about: "", shape, required: true, filter: false, unlisted: false, only: None }
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

    /// May be left out.
    #[must_use]
    pub const fn optional(self) -> Param {
        Param { required: false, ..self }
    }
}
