//! What there is to call, read and pick: what a server needs to know of its tools, prompts and resources.

use super::{
    answer::{Answer, Task},
    call::Call,
    client::Client,
    offer::{CompletionRequest, Contents, Prompt, Resource, ResourceError, Template},
    queue::{Order, Place},
    revision::Revision,
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use std::time::Duration;

/// What a server offers to its clients.
pub trait Toolbox: Sync {
    /// Name, title and version of the server.
    fn about(&self) -> About;

    /// What a model should know before it calls anything; at most 2,048 characters, as clients cut there.
    fn instructions(&self) -> String;

    /// The names of the extensions that are served, such as [`UI_EXTENSION`](super::UI_EXTENSION). Each is announced
    /// only to clients that declare it too.
    fn extensions(&self) -> &[&'static str] {
        &[]
    }

    /// The JSON array of tools for a client of that revision, ready to be sent.
    fn list(&self, revision: Revision) -> &RawValue;

    /// The same for that client: one that shows views may be told more.
    fn list_for(&self, client: &Client) -> &RawValue {
        self.list(client.revision())
    }

    /// How a call of that name takes its turn; an error sentence when there is no such tool.
    ///
    /// # Errors
    /// A sentence with the nearest name.
    fn order(&self, name: &str, arguments: &Map<String, Value>) -> Result<Order, String>;

    /// The same for a call of that client: one that shows views may call more.
    ///
    /// # Errors
    /// As [`Toolbox::order`].
    fn order_for(
        &self,
        _client: &Client,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Order, String> {
        self.order(name, arguments)
    }

    /// The number of the queue in which a call takes its turn: calls in different queues never wait for each other.
    fn queue(&self, _arguments: &Map<String, Value>) -> usize {
        0
    }

    /// Runs a tool whose name [`Toolbox::order_for`] has accepted. Called from several threads at once.
    fn call(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer;

    /// How the task of that id stands now; `None` if there is none, or no longer. Called from several threads at once.
    fn task(&self, _call: &Call<'_>, _id: &str) -> Option<Task> {
        None
    }

    /// Whether there is a task of that id.
    fn has_task(&self, _id: &str) -> bool {
        false
    }

    /// Stops waiting for a task. Returns whether there is one of that id.
    fn cancel_task(&self, _id: &str) -> bool {
        false
    }

    /// How a request about that task takes its turn.
    fn task_place(&self, _id: &str) -> Place {
        Place { queue: 0, order: Order::Read }
    }

    /// The prompts for people to pick. Where there are none, prompts are not announced.
    fn prompts(&self) -> &[Prompt] {
        &[]
    }

    /// Whether there are any.
    fn has_prompts(&self) -> bool {
        !self.prompts().is_empty()
    }

    /// The text of a prompt of [`Toolbox::prompts`], its required arguments given and no other than its own.
    ///
    /// # Errors
    /// A sentence about an argument that is of no use.
    fn prompt(&self, prompt: &Prompt, _arguments: &Map<String, Value>) -> Result<String, String> {
        Err(format!("The prompt `{}` has no text.", prompt.name))
    }

    /// The families of resources. Where there are none, resources are not announced.
    fn templates(&self) -> Vec<Template> {
        Vec::new()
    }

    /// Whether there are any.
    fn has_resources(&self) -> bool {
        !self.templates().is_empty()
    }

    /// All resources to choose from, in an order that stays. Called from several threads at once, as are the two below.
    ///
    /// # Errors
    /// Sentences that say why they cannot be told.
    fn resources(&self, _call: &Call<'_>) -> Result<Vec<Resource>, String> {
        Ok(Vec::new())
    }

    /// The queue, as in [`Toolbox::queue`], in which that resource is read.
    fn resource_queue(&self, _uri: &str) -> usize {
        0
    }

    /// Reads one resource.
    ///
    /// # Errors
    /// That there is no such thing, or why it could not be read.
    fn read(&self, _call: &Call<'_>, uri: &str) -> Result<Contents, ResourceError> {
        Err(ResourceError::Unknown(format!("There is no resource `{}`.", uri.escape_debug())))
    }

    /// Whether resources can be subscribed to.
    fn tells_changes(&self) -> bool {
        false
    }

    /// What each of these resources is like now: a text that is another one once it has changed. All are looked at
    /// together, so that this costs a few requests however many there are.
    fn look(&self, _call: &Call<'_>, uris: &[String]) -> Vec<Result<String, ResourceError>> {
        let nothing = |uri: &String| format!("There is no resource `{}`.", uri.escape_debug());
        uris.iter().map(|uri| Err(ResourceError::Unknown(nothing(uri)))).collect()
    }

    /// How long after a look the next one follows, while anything is subscribed to.
    fn look_every(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Values for an argument that is half typed, the best first: all that fit, however many.
    ///
    /// # Errors
    /// Sentences that say why they cannot be told.
    fn complete(&self, _call: &Call<'_>, _request: &CompletionRequest) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}

/// Who the server is (schema, `Implementation`).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct About {
    /// The programmatic name.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
}
