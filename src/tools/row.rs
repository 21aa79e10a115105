//! What a tool is: one row of static data. Knows neither JSON-RPC nor HTTP.
//!
//! `tools/list`, hints, access filtering, argument checks, the wire tests and the table in docs/tools.md all derive from
//! the row, so adding a tool touches one place.

use crate::{
    pve::{Method, api::Row},
    tools::{
        answer::{Outcome, table::Column},
        param::{CONFIRM, DRY_RUN, Effect, FIELDS, LIMIT, OFFSET, Param, WAIT, WHERE},
        run::{args::Args, context::Context},
    },
};
use serde_json::{Map, Value};
use std::fmt;

/// One tool, or the two that differ only in the guest they are for.
#[derive(Debug)]
pub struct Tool {
    /// Its name, or its two names.
    pub name: Name,
    /// One sentence: what it does and when to use it. `{guest}` stands for `VM` or `container`.
    pub about: &'static str,
    /// What it is at its least.
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
    /// For a tool of its own: the methods whose parameters its object of further parameters takes. `{type}` is a kind of
    /// guest.
    pub behind: &'static [(Method, &'static str)],
}

/// A tool's name on the wire.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// One tool.
    One(&'static str),
    /// Two: for virtual machines and for containers.
    Guest(&'static str, &'static str),
}

/// What runs a tool that is no row of this program.
pub trait Handler: fmt::Debug + Sync {
    /// The method of the API that it calls.
    fn method(&self) -> Row;

    /// Checks the arguments of a call.
    ///
    /// # Errors
    /// A sentence for each argument that is wrong.
    fn check(&self, given: Map<String, Value>) -> Result<Args, String>;

    /// Runs the tool.
    ///
    /// # Errors
    /// What happened, and what to do.
    fn run(&self, context: &Context<'_>, args: &Args) -> Outcome;
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
    Own(&'static dyn Handler),
}

impl Tool {
    /// A tool that runs that.
    #[must_use]
    pub(in crate::tools) const fn new(name: Name, effect: Effect, run: Run) -> Tool {
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
            behind: &[],
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
        Tool::new(Name::One(name), Effect::Ask, Run::Api(Method::Delete, path)).idempotent()
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

    /// Must be agreed to first, whatever its arguments.
    #[must_use]
    pub const fn asks(self) -> Tool {
        Tool { effect: Effect::Ask, ..self }
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

    /// Its object of further parameters takes those of these methods.
    #[must_use]
    pub const fn behind(self, behind: &'static [(Method, &'static str)]) -> Tool {
        Tool { behind, ..self }
    }

    /// Every parameter, those included that come with what the tool is.
    pub fn all_params(&'static self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        let paging: &[Param] = match self.run {
            Run::List(..) => &PAGING,
            _ if self.params.iter().any(|param| param.name == OFFSET.name) => &PAGING[3..],
            _ => &[],
        };
        let confirm = (self.effect == Effect::Ask).then_some(&CONFIRM);
        let common: &[Param] = match self.effect {
            Effect::Read => &[],
            Effect::Ask => &COMMON[1..],
            Effect::Change => &COMMON,
        };
        self.params.iter().chain(paging).chain(self.task.then_some(&WAIT)).chain(confirm).chain(common)
    }
}

/// What every list takes.
static PAGING: [Param; 4] = [FIELDS, LIMIT, OFFSET, WHERE];

/// What everything that changes takes: some arguments can make it lose data, which must be confirmed then too.
static COMMON: [Param; 2] = [CONFIRM.unlisted(), DRY_RUN];

/// A toolset: rows under the name that the configuration lists them by.
#[derive(Debug)]
pub struct Group {
    /// The toolset's name; for rows that are two tools, the virtual machines' one.
    pub name: &'static str,
    /// The toolset of the containers' half of such rows.
    pub containers: &'static str,
    /// Its rows.
    pub tools: &'static [Tool],
}

impl Group {
    /// Rows that are listed as one toolset.
    #[must_use]
    pub const fn new(name: &'static str, tools: &'static [Tool]) -> Group {
        Group { name, containers: name, tools }
    }
}
