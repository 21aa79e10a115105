//! The Model Context Protocol over stdio: JSON-RPC, protocol revisions, workers. The tools, prompts and resources come
//! from a [`Toolbox`]; nothing here depends on what they are.
//!
//! In reading order: [`rpc`] (JSON-RPC messages), [`revision`] (differences between the five revisions), [`client`]
//! (the client's revision and capabilities), [`session`] (what to do about a message), `calls`, `tasks`, `prompts`,
//! `resources` and `completion` (the methods), [`subscriptions`] (notifications about changed resources), `result` (the
//! form of results in each revision), [`queue`] and [`scheduler`] (which call may run when), [`elicitation`] (questions
//! to the user), [`serve`](serve()) (reader, workers, writer).
//!
//! # Order
//!
//! While the input is open, a call that changes something is submitted after the calls before it, and later calls
//! start once it has been submitted: they do not wait for its task. A script that is piped in cannot read a response
//! before it writes the next line, so there each call waits for the calls before it to *end*, including their tasks.
//! The server cannot tell these two cases apart until the input ends. So a call that arrives within [`queue::GRACE`] of
//! the submission of a change is held for that long; if the input ends meanwhile, the call waits for the end of the
//! change. Interactive clients notice this only if they send a call together with a change, and no call is held longer.

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
