//! The interface between the MCP server and its tools, prompts and resources.

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
    /// The server's name, title and version.
    fn about(&self) -> About;

    /// The instructions for the model; at most 2,048 characters, as clients cut them off there.
    fn instructions(&self) -> String;

    /// The names of the supported extensions, such as [`UI_EXTENSION`](super::UI_EXTENSION). Each is announced only to
    /// clients that declare it too.
    fn extensions(&self) -> &[&'static str] {
        &[]
    }

    /// The JSON array of tools for clients of that revision, ready to be sent.
    fn list(&self, revision: Revision) -> &RawValue;

    /// Like [`Toolbox::list`], but for one client: a client that shows views may get more.
    fn list_for(&self, client: &Client) -> &RawValue {
        self.list(client.revision())
    }

    /// How a call of that tool is ordered among others.
    ///
    /// # Errors
    /// There is no such tool; the message suggests the nearest name.
    fn order(&self, name: &str, arguments: &Map<String, Value>) -> Result<Order, String>;

    /// Like [`Toolbox::order`], but for one client: a client that shows views may call more tools.
    ///
    /// # Errors
    /// The same as those of [`Toolbox::order`].
    fn order_for(
        &self,
        _client: &Client,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Order, String> {
        self.order(name, arguments)
    }

    /// The number of the queue for a call. Calls in different queues never wait for each other.
    fn queue(&self, _arguments: &Map<String, Value>) -> usize {
        0
    }

    /// Runs a tool whose name [`Toolbox::order_for`] has accepted. May be called from several threads at once.
    fn call(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer;

    /// The current state of the task with that id; `None` if there is none or it is no longer kept. May be called from
    /// several threads at once.
    fn task(&self, _call: &Call<'_>, _id: &str) -> Option<Task> {
        None
    }

    /// Whether there is a task with that id.
    fn has_task(&self, _id: &str) -> bool {
        false
    }

    /// Stops waiting for a task. Returns whether there is one with that id.
    fn cancel_task(&self, _id: &str) -> bool {
        false
    }

    /// The queue and order of a request about that task.
    fn task_place(&self, _id: &str) -> Place {
        Place { queue: 0, order: Order::Read }
    }

    /// The prompts. If there are none, the capability is not announced.
    fn prompts(&self) -> &[Prompt] {
        &[]
    }

    /// Whether there are any prompts.
    fn has_prompts(&self) -> bool {
        !self.prompts().is_empty()
    }

    /// The text of one of [`Toolbox::prompts`]. The caller has checked that the required arguments are given and that
    /// there are no unknown ones.
    ///
    /// # Errors
    /// An argument has an invalid value.
    fn prompt(&self, prompt: &Prompt, _arguments: &Map<String, Value>) -> Result<String, String> {
        Err(format!("The prompt `{}` has no text.", prompt.name))
    }

    /// The resource templates. If there are none, the resources capability is not announced.
    fn templates(&self) -> Vec<Template> {
        Vec::new()
    }

    /// Whether there are any resources.
    fn has_resources(&self) -> bool {
        !self.templates().is_empty()
    }

    /// All resources to list, in a stable order. This and the methods below may be called from several threads at once.
    ///
    /// # Errors
    /// The resources cannot be listed; the message says why.
    fn resources(&self, _call: &Call<'_>) -> Result<Vec<Resource>, String> {
        Ok(Vec::new())
    }

    /// The queue in which that resource is read, as in [`Toolbox::queue`].
    fn resource_queue(&self, _uri: &str) -> usize {
        0
    }

    /// Reads one resource.
    ///
    /// # Errors
    /// The resource does not exist or could not be read.
    fn read(&self, _call: &Call<'_>, uri: &str) -> Result<Contents, ResourceError> {
        Err(ResourceError::Unknown(format!("There is no resource `{}`.", uri.escape_debug())))
    }

    /// Whether clients can subscribe to resources.
    fn supports_subscriptions(&self) -> bool {
        false
    }

    /// The current state of each of these resources, as a string that differs once the resource has changed. All are
    /// polled together, so that this takes only a few requests however many there are.
    fn look(&self, _call: &Call<'_>, uris: &[String]) -> Vec<Result<String, ResourceError>> {
        let nothing = |uri: &String| format!("There is no resource `{}`.", uri.escape_debug());
        uris.iter().map(|uri| Err(ResourceError::Unknown(nothing(uri)))).collect()
    }

    /// The interval between polls while there are subscriptions.
    fn poll_interval(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// All values that complete an argument, the best ones first.
    ///
    /// # Errors
    /// The values cannot be determined; the message says why.
    fn complete(&self, _call: &Call<'_>, _request: &CompletionRequest) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}

/// The server's name and version (`Implementation` in the schema).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct About {
    /// The programmatic name.
    pub name: &'static str,
    /// The display name.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
}
