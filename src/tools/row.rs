//! The definition of a tool: one row of static data. Knows neither JSON-RPC nor HTTP.
//!
//! `tools/list`, its annotations, access filtering, argument checks, the wire tests and the table in docs/tools.md are
//! all derived from the row, so that a tool is added in one place.

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

/// One tool, or two that only differ in the kind of guest.
#[derive(Debug)]
pub struct Tool {
    /// Its name, or its two names.
    pub name: Name,
    /// One sentence: what it does and when to use it. `{guest}` stands for `VM` or `container`.
    pub about: &'static str,
    /// Its least effect.
    pub effect: Effect,
    /// Its parameters, in the order a reader wants them.
    pub params: &'static [Param],
    /// What a call runs.
    pub run: Run,
    /// Whether it is listed by default.
    pub core: bool,
    /// Whether a client that loads tools on demand should load it from the start; only for very few tools.
    pub entry: bool,
    /// Whether calling it twice has the same effect as once.
    pub idempotent: bool,
    /// Whether it starts a Proxmox task, and then waits for it.
    pub task: bool,
    /// For a [`Run::With`] tool: the API methods whose parameters its object of further parameters accepts. `{type}` is
    /// a kind of guest.
    pub behind: &'static [(Method, &'static str)],
}

/// A tool's name on the wire.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// One tool.
    One(&'static str),
    /// Two tools: for virtual machines and for containers.
    Guest(&'static str, &'static str),
}

/// Runs a tool that is defined in the configuration.
pub trait Handler: fmt::Debug + Sync {
    /// Returns the API method that it calls.
    fn method(&self) -> Row;

    /// Checks the arguments of a call.
    ///
    /// # Errors
    /// Fails with a sentence for each wrong argument.
    fn check(&self, given: Map<String, Value>) -> Result<Args, String>;

    /// Runs the tool.
    ///
    /// # Errors
    /// Fails with what happened and what to do.
    fn run(&self, context: &Context<'_>, args: &Args) -> Outcome;
}

/// What a call of a tool runs.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// One request. `{x}` in the path is argument `x`; the `{node}` of a guest is looked up if not given, and `{type}`
    /// is its kind. Every other argument is sent as a parameter with its own name.
    Api(Method, &'static str),
    /// One request for a list, shown with these columns and sorted by the first.
    List(&'static str, &'static [Column]),
    /// A function, for several requests or a special answer.
    With(fn(&Context<'_>, &Args) -> Outcome),
    /// An API method, as a tool that the configuration defines.
    Own(&'static dyn Handler),
}

impl Tool {
    /// Creates a tool.
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

    /// Creates a tool that reads one path.
    #[must_use]
    pub const fn get(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Read, Run::Api(Method::Get, path))
    }

    /// Creates a tool that lists the answer of one path; takes `fields`, `limit`, `offset` and `where`.
    #[must_use]
    pub const fn list(name: &'static str, path: &'static str, columns: &'static [Column]) -> Tool {
        Tool::new(Name::One(name), Effect::Read, Run::List(path, columns))
    }

    /// Creates a tool that changes something by POST.
    #[must_use]
    pub const fn post(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Change, Run::Api(Method::Post, path))
    }

    /// Creates a tool that changes something by PUT.
    #[must_use]
    pub const fn put(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Change, Run::Api(Method::Put, path)).idempotent()
    }

    /// Creates a tool that deletes something.
    #[must_use]
    pub const fn delete(name: &'static str, path: &'static str) -> Tool {
        Tool::new(Name::One(name), Effect::Ask, Run::Api(Method::Delete, path)).idempotent()
    }

    /// Creates a tool that runs a function.
    #[must_use]
    pub const fn with(name: &'static str, effect: Effect, run: fn(&Context<'_>, &Args) -> Outcome) -> Tool {
        Tool::new(Name::One(name), effect, Run::With(run))
    }

    /// Creates two tools that differ only in the kind of guest.
    #[must_use]
    pub const fn guest(vm: &'static str, container: &'static str, effect: Effect, run: Run) -> Tool {
        Tool::new(Name::Guest(vm, container), effect, run)
    }

    /// Sets its description.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Tool {
        Tool { about, ..self }
    }

    /// Sets its parameters.
    #[must_use]
    pub const fn params(self, params: &'static [Param]) -> Tool {
        Tool { params, ..self }
    }

    /// Must be confirmed first, whatever its arguments.
    #[must_use]
    pub const fn asks(self) -> Tool {
        Tool { effect: Effect::Ask, ..self }
    }

    /// Is listed by default.
    #[must_use]
    pub const fn core(self) -> Tool {
        Tool { core: true, ..self }
    }

    /// Is a starting point for the model: always loaded, never only on demand.
    #[must_use]
    pub const fn entry(self) -> Tool {
        Tool { entry: true, ..self }
    }

    /// Has the same effect if repeated.
    #[must_use]
    pub const fn idempotent(self) -> Tool {
        Tool { idempotent: true, ..self }
    }

    /// Starts a task and waits for it; takes `wait`.
    #[must_use]
    pub const fn task(self) -> Tool {
        Tool { task: true, ..self }
    }

    /// Its object of further parameters accepts the parameters of these methods.
    #[must_use]
    pub const fn behind(self, behind: &'static [(Method, &'static str)]) -> Tool {
        Tool { behind, ..self }
    }

    /// Returns every parameter, including the common ones for a tool of this kind.
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

/// The parameters of every list.
static PAGING: [Param; 4] = [FIELDS, LIMIT, OFFSET, WHERE];

/// The parameters of every tool that changes something. It takes `confirm` because some arguments can make it lose
/// data, which must be confirmed.
static COMMON: [Param; 2] = [CONFIRM.unlisted(), DRY_RUN];

/// A toolset: rows under the name that the configuration uses for them.
#[derive(Debug)]
pub struct Group {
    /// The toolset's name; for rows that define two tools, the toolset of the virtual machines' tool.
    pub name: &'static str,
    /// The toolset of the containers' tool of such rows.
    pub containers: &'static str,
    /// Its rows.
    pub tools: &'static [Tool],
}

impl Group {
    /// Creates a toolset for both kinds of guest.
    #[must_use]
    pub const fn new(name: &'static str, tools: &'static [Tool]) -> Group {
        Group { name, containers: name, tools }
    }
}
