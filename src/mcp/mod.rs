//! The Model Context Protocol over stdio: JSON-RPC, versions, workers. What there is to call comes through [`Toolbox`];
//! nothing here knows what it is.
//!
//! In reading order: [`rpc`] (one line in, one line out), [`revision`] (what the five revisions differ in), [`client`]
//! (what a client says of itself), [`session`] (one message in, what to do about it), `calls`, `tasks`, `prompts`,
//! `resources` and `completion` (the methods), [`subscriptions`] (what tells that it changed), `result` (what every result has
//! around it), [`queue`] and [`scheduler`] (which call may run when),
//! [`elicitation`] (questions to the person), [`serve`](serve()) (reader, workers, writer).
//!
//! # Order
//!
//! While the input is open, a call that changes something is submitted after the calls before it, and later calls start
//! once it has been submitted: nobody waits for its task. A script that is piped in cannot look at an answer before it
//! writes the next line, so there each call waits for those before it to *end*, tasks included. A server cannot see
//! which of the two it has until the input ends. So a call that arrives within [`queue::GRACE`] of the submission of a
//! change is held for as long; if the input ends meanwhile, it waits for the end of the change. Clients that stay feel
//! that only where they send a call beside a change in one go, and no call is ever held longer than that.

mod answer;
mod call;
mod calls;
pub mod client;
mod completion;
pub mod elicitation;
pub mod lines;
pub mod offer;
mod params;
mod prompts;
pub mod queue;

pub mod request;
mod resources;
mod result;
pub mod revision;
pub mod rpc;
pub mod scheduler;
mod serve;
pub mod session;
pub mod subscribe;
pub mod subscriptions;
mod tasks;
mod toolbox;

pub use answer::{Answer, Task, TaskStatus};
pub use call::{Call, ProgressSink};
pub use client::{Client, TASKS_EXTENSION, UI_EXTENSION};
pub use elicitation::{Asking, Question, Reaction, Retry};
pub use offer::{
    CompletionReference, CompletionRequest, Contents, Prompt, PromptArgument, Resource, ResourceError,
    Template,
};
pub use queue::{Order, Place};
pub use request::TaskMethod;
pub use revision::Revision;
pub use serve::{Options, Stop, serve};
pub use toolbox::{About, Toolbox};
