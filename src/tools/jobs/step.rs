//! What a step of a job is, what takes it back, and how it stands. All of it can be written down and read again.

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
    /// Steps of the same wave go side by side; the waves go one after another.
    pub wave: usize,
    /// What it does.
    pub act: Act,
    /// What it loses or interrupts; empty where nothing.
    pub costs: String,
    /// How long it may take, in seconds.
    pub seconds: u64,
    /// What takes it back; `None` where nothing has to or can.
    pub back: Option<Back>,
    /// Once it is done, nothing before it is taken back: the job then only stops.
    pub firm: bool,
    /// In a job whose parts stand each for itself: the number of its part.
    pub part: usize,
    /// It puts away what an earlier step of the job made, so nothing of anybody else's is lost.
    pub own: bool,
    /// What its target looked like when it was planned, where nothing else of the job touches that before.
    pub seen: Option<String>,
    /// How it stands.
    pub stand: Stand,
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
    /// Runs a program in a guest through its agent, until it has ended.
    Exec(Order, Place),
    /// Waits until the agent of a guest answers, for so many seconds.
    Answer(Place, u64),
    /// Looks for so many seconds whether a guest without an agent has come up: a VM shows something, a container runs.
    Look(Place, u64),
}

/// What takes a step back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Back {
    /// The guest that was made is deleted.
    Remove(Place),
    /// The guest that was moved goes from where it is now (`Place`) to that node.
    Home(Place, String),
    /// A request that puts things as they were.
    Send(Order),
    /// The guest goes back to the snapshot of that name, which is then deleted; it is started where it ran.
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

/// Where or how a guest should be in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The guest, where it should be.
    pub place: Place,
    /// Whether it should run; `None`: it does not matter.
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

/// How a step stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stand {
    /// Not begun.
    Waiting,
    /// Its task runs: a UPID; empty where it is no task.
    Running(String),
    /// Done, with what there is to tell of it.
    Done(String),
    /// It was refused, and why: nothing of it was done.
    Failed(String),
    /// It was accepted and failed later, and why: something of it may be there.
    Broken(String),
    /// Nobody knows whether it was carried out, and why.
    Unknown(String),
    /// It is being taken back by this task.
    Returning(String),
    /// It was taken back.
    Returned,
    /// It could not be taken back, and why.
    Left(String),
    /// It is not done, because an earlier step of its part failed.
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
            stand: Stand::Waiting,
        }
    }

    /// A step that only waits.
    #[must_use]
    pub fn wait(wave: usize, what: impl Into<String>, act: Act, seconds: u64) -> Step {
        let nothing = Order { method: String::new(), path: String::new(), params: Vec::new() };
        Step { act, ..Step::send(wave, what, nothing, seconds) }
    }

    /// Taken back by this.
    #[must_use]
    pub fn back(self, back: Back) -> Step {
        Step { back: Some(back), ..self }
    }

    /// Costs this.
    #[must_use]
    pub fn costs(self, costs: impl Into<String>) -> Step {
        Step { costs: costs.into(), ..self }
    }

    /// Whether something of it may be there to be taken back.
    #[must_use]
    pub fn is_there(&self) -> bool {
        matches!(self.stand, Stand::Done(_) | Stand::Broken(_) | Stand::Returning(_))
    }

    /// Belongs to that part.
    #[must_use]
    pub fn part(self, part: usize) -> Step {
        Step { part, ..self }
    }

    /// Puts away what the job made.
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

    /// What it is going to send, or may open.
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
    /// A request; its path is filled in already.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>, params: &Params) -> Order {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Order {
            method: method.word().to_owned(),
            path: path.into(),
            params: params.iter().map(pair).collect(),
        }
    }

    /// What is sent.
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

    /// `POST /nodes/pve1/qemu/104/clone newid=900`, secrets as `***`.
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

    /// What takes the guest back to a snapshot.
    ///
    /// # Errors
    /// A node name that cannot be part of a path.
    pub fn rollback(&self, name: &str, starts: bool) -> Result<Order, Failure> {
        let mut params = Params::new();
        if starts {
            params.push("start", 1);
        }
        Ok(Order::new(Method::Post, self.path(&format!("/snapshot/{name}/rollback"))?, &params))
    }

    /// What opens the screen of a VM.
    ///
    /// # Errors
    /// A node name that cannot be part of a path.
    pub fn screen(&self) -> Result<Request, Failure> {
        Ok(Request { method: Method::Post, path: self.path("/vncproxy")?, params: Params::new() })
    }

    /// `VM 900`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.kind().word(), self.vmid)
    }

    /// `/nodes/pve1/qemu/900` and what follows.
    ///
    /// # Errors
    /// A node name that cannot be part of a path.
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
