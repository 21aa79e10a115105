//! A step of a job: what it does, what undoes it, and its state. All of it can be stored and loaded again.

use crate::{
    pve::{Method, Params, api::words::is_secret, path},
    tools::{answer::Failure, param::Kind, run::request::Request},
};
use serde::{Deserialize, Serialize};

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it does, for people: `clone VM 104 to 900`.
    pub what: String,
    /// Steps of the same wave run in parallel; the waves run one after another.
    pub wave: usize,
    /// What it does.
    pub act: Act,
    /// What it destroys or interrupts; empty if nothing.
    pub costs: String,
    /// How long it may take, in seconds.
    pub seconds: u64,
    /// What undoes it; `None` if nothing has to or can.
    pub back: Option<Back>,
    /// Once it is done, nothing before it is undone: on a failure, the job only stops.
    pub firm: bool,
    /// In a job with independent parts: the number of its part.
    pub part: usize,
    /// It cleans up what an earlier step of the job created, so nothing else is lost.
    pub own: bool,
    /// The identity of its target when it was planned, unless an earlier step of the job affects the target.
    pub seen: Option<String>,
    /// Its state.
    pub stand: StepState,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// Sends a request and follows its task; a guest under high availability is then waited for.
    Send(Order, Option<Wanted>),
    /// Waits for the address of a guest.
    Reach(Place),
    /// Waits until a node is back from a reboot: until its uptime is shorter than it was, in seconds.
    Return(String, u64),
    /// Runs a program in a guest through its agent, and waits until it ends.
    Exec(Order, Place),
    /// Waits until the agent of a guest answers, for at most so many seconds.
    Answer(Place, u64),
    /// Waits at most so many seconds until a guest without an agent has come up: a VM's screen shows something, or a
    /// container runs.
    Look(Place, u64),
}

/// What undoes a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Back {
    /// The guest that was created is deleted.
    Remove(Place),
    /// The guest that was moved is migrated from where it is now (`Place`) to that node.
    Home(Place, String),
    /// A request that restores the previous state.
    Send(Order),
    /// The guest is rolled back to the snapshot of that name, which is then deleted; it is started if the flag is set.
    Rollback(Place, String, bool),
}

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The node it is on.
    pub node: String,
    /// `qemu` or `lxc`.
    pub kind: String,
    /// Its id.
    pub vmid: i64,
}

/// The node and state that a guest should end up with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The guest, where it should be.
    pub place: Place,
    /// Whether it should run; `None` if it does not matter.
    pub running: Option<bool>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// POST, PUT or DELETE.
    pub method: String,
    /// The path, its parts percent-encoded.
    pub path: String,
    /// The parameters, in order.
    pub params: Vec<(String, String)>,
}

/// The state of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StepState {
    /// Not started.
    Waiting,
    /// Running: the UPID of its task; otherwise since when it waits, or which program runs.
    Running(String),
    /// Done, with a note on the result, if there is one.
    Done(String),
    /// It was refused, with the reason: nothing was done.
    Failed(String),
    /// It was accepted and failed later, with the reason: it may be partly done.
    Broken(String),
    /// It is not known whether it was carried out, with the reason.
    Unknown(String),
    /// It is being undone by this task.
    Returning(String),
    /// It was undone.
    Returned,
    /// It could not be undone, with the reason.
    Left(String),
    /// It is skipped, because an earlier step of its part failed.
    Skipped,
}

impl Step {
    /// A step that sends a request.
    #[must_use]
    pub fn send(wave: usize, what: impl Into<String>, order: Order, seconds: u64) -> Step {
        Step {
            what: what.into(),
            wave,
            act: Act::Send(order, None),
            costs: String::new(),
            seconds,
            back: None,
            firm: false,
            part: 0,
            own: false,
            seen: None,
            stand: StepState::Waiting,
        }
    }

    /// A step that only waits.
    #[must_use]
    pub fn wait(wave: usize, what: impl Into<String>, act: Act, seconds: u64) -> Step {
        let nothing = Order { method: String::new(), path: String::new(), params: Vec::new() };
        Step { act, ..Step::send(wave, what, nothing, seconds) }
    }

    /// Sets what undoes it.
    #[must_use]
    pub fn back(self, back: Back) -> Step {
        Step { back: Some(back), ..self }
    }

    /// Sets what it destroys or interrupts.
    #[must_use]
    pub fn costs(self, costs: impl Into<String>) -> Step {
        Step { costs: costs.into(), ..self }
    }

    /// Whether something of it may exist that can be undone.
    #[must_use]
    pub fn is_there(&self) -> bool {
        matches!(self.stand, StepState::Done(_) | StepState::Broken(_) | StepState::Returning(_))
    }

    /// Sets the part it belongs to.
    #[must_use]
    pub fn part(self, part: usize) -> Step {
        Step { part, ..self }
    }

    /// Marks it as cleaning up what the job created.
    #[must_use]
    pub fn own(self) -> Step {
        Step { own: true, ..self }
    }

    /// The request that it sends, if it sends one.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        match &self.act {
            Act::Send(order, _) | Act::Exec(order, _) => Some(order),
            _ => None,
        }
    }

    /// The request that it will send, or the console that it may open.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        match &self.act {
            Act::Send(order, _) | Act::Exec(order, _) => Some(order.request()),
            Act::Look(place, _) if place.kind() == Kind::Vm => place.screen().ok(),
            _ => None,
        }
    }
}

impl Order {
    /// A request whose path is already filled in.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>, params: &Params) -> Order {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Order {
            method: method.word().to_owned(),
            path: path.into(),
            params: params.iter().map(pair).collect(),
        }
    }

    /// The request as it is sent.
    #[must_use]
    pub fn request(&self) -> Request {
        let method = [Method::Post, Method::Put, Method::Delete];
        let method = method.into_iter().find(|method| method.word() == self.method);
        let params = self.params.iter().fold(Params::new(), |params, (name, value)| params.with(name, value));
        Request { method: method.unwrap_or(Method::Post), path: self.path.clone(), params }
    }

    /// Whether one of its parameters is secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.params.iter().any(|(name, _)| is_secret(name))
    }

    /// The request as a line, `POST /nodes/pve1/qemu/104/clone newid=900`, with secrets as `***`.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.request().title();
        for (name, value) in &self.params {
            let value = if is_secret(name) { "***" } else { value };
            let shown: String = value.chars().take(60).collect();
            let cut = if shown.len() < value.len() { "…" } else { "" };
            line.push_str(&format!(" {name}={}{cut}", shown.escape_debug()));
        }
        line
    }
}

impl Place {
    /// A guest.
    #[must_use]
    pub fn new(node: &str, kind: Kind, vmid: i64) -> Place {
        Place { node: node.to_owned(), kind: kind.api_type().to_owned(), vmid }
    }

    /// The same guest on another node.
    #[must_use]
    pub fn at(&self, node: &str) -> Place {
        Place { node: node.to_owned(), ..self.clone() }
    }

    /// Virtual machine or container.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::from_api_type(&self.kind).unwrap_or(Kind::Vm)
    }

    /// The request that rolls the guest back to a snapshot.
    ///
    /// # Errors
    /// Fails if the node's name cannot be part of a path.
    pub fn rollback(&self, name: &str, starts: bool) -> Result<Order, Failure> {
        let mut params = Params::new();
        if starts {
            params.push("start", 1);
        }
        Ok(Order::new(Method::Post, self.path(&format!("/snapshot/{name}/rollback"))?, &params))
    }

    /// The request that opens the screen of a VM.
    ///
    /// # Errors
    /// Fails if the node's name cannot be part of a path.
    pub fn screen(&self) -> Result<Request, Failure> {
        Ok(Request { method: Method::Post, path: self.path("/vncproxy")?, params: Params::new() })
    }

    /// The kind and VMID, such as `VM 900`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.kind().word(), self.vmid)
    }

    /// The API path of the guest, `/nodes/pve1/qemu/900`, followed by `rest`.
    ///
    /// # Errors
    /// Fails if the node's name cannot be part of a path.
    pub fn path(&self, rest: &str) -> Result<String, Failure> {
        let value = |hole: &str| match hole {
            "node" => Some(self.node.clone()),
            "type" => Some(self.kind.clone()),
            _ => Some(self.vmid.to_string()),
        };
        let path = path::fill("/nodes/{node}/{type}/{vmid}", value).map_err(Failure::new)?;
        Ok(path + rest)
    }
}
