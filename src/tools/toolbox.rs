//! The toolbox: finds a tool, checks whether it is allowed and its arguments are valid, and runs it.

mod agree;
mod approve;
mod execute;
mod handed;
mod planned;
mod ran;
mod shown;

use crate::{
    audit::Audit,
    config::Config,
    mcp::{
        About, Answer, Call, Client, CompletionRequest, Contents, Order, Place, Prompt, Resource,
        ResourceError, Revision, TASKS_EXTENSION, Task, Template, Toolbox, UI_EXTENSION,
    },
    pve::api::Row,
    suggest::did_you_mean,
    tools::{
        answer::{Failure, Outcome},
        catalog::{aliases, deny, entry::Entry, index::entries, own, view_confirm::AGREE, views},
        offers::Toolset,
        offers::{complete, instructions, prompts, resources, watched},
        param::Effect,
        row::Run,
        run::{
            args::Args,
            clusters::{self, Chosen, Cluster, STATUS},
            confirm,
            context::{Context, Grant},
            journal::Journal,
            matter::{Decision, UnconfirmedCall},
            request::Request,
            tokens::Tokens,
        },
    },
    views::MEDIA_TYPE,
    visible,
};
use agree::Plans;
use handed::Looks;
use ran::Ran;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use std::{
    sync::{Mutex, OnceLock},
    time::Instant,
};

pub use crate::tools::run::journal::Word;
pub use approve::Shown;

/// All tools, for one configuration.
#[derive(Debug)]
pub struct Tools {
    /// Never empty; the default cluster first.
    clusters: Vec<Cluster>,
    tokens: Tokens,
    /// The plans that views show.
    plans: Plans,
    /// The tools that the configuration defines.
    own: &'static [Entry],
    audit: Option<Audit>,
    /// For each cluster, the API methods that are denied because their tools are.
    denied: OnceLock<Vec<Vec<Row>>>,
    prompts: OnceLock<Vec<Prompt>>,
    /// The states of MCP tasks, as last read.
    looks: Looks,
    /// `tools/list` as it is sent: plain, with annotations, and with titles too.
    lists: [OnceLock<Box<RawValue>>; 3],
    /// The same for clients that show views.
    lists_with_views: [OnceLock<Box<RawValue>>; 3],
}

impl Tools {
    /// Creates the tools for a configuration; sends no requests.
    #[must_use]
    pub fn new(config: Config) -> Tools {
        Tools {
            own: own::entries(&config.tools),
            audit: config.audit.clone().map(Audit::new),
            clusters: clusters::of(config),
            tokens: Tokens::new(),
            looks: Looks::default(),
            plans: Plans::default(),
            denied: OnceLock::new(),
            prompts: OnceLock::new(),
            lists: Default::default(),
            lists_with_views: Default::default(),
        }
    }

    /// Returns the configuration; with several clusters, that of the default one.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.clusters[0].config
    }

    /// Returns the tools that are listed, in order.
    pub fn listed(&self) -> impl Iterator<Item = Entry> {
        self.entries().filter(|entry| self.lists(entry))
    }

    /// Returns every tool; those that the configuration defines come last.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        entries().chain(self.own.iter().copied())
    }

    fn find(&self, name: &str, arguments: &Map<String, Value>) -> Option<Entry> {
        aliases::find(name, arguments).or_else(|| self.own.iter().find(|entry| entry.name == name).copied())
    }

    fn in_toolsets(&self, entry: &Entry) -> bool {
        self.config().toolsets.iter().any(|name| match name.as_str() {
            "all" => true,
            "core" => entry.tool.core,
            name => name == entry.toolset,
        }) || entry.toolset == own::TOOLSET
    }

    /// Returns the API methods that must not be called in a cluster, because every tool that sends them is denied
    /// there.
    fn denied_in(&self, cluster: &Cluster) -> &[Row] {
        let all = self.denied.get_or_init(|| {
            self.clusters.iter().map(|cluster| deny::methods(&cluster.config.deny_tools)).collect()
        });
        let at = self.clusters.iter().position(|one| std::ptr::eq(one, cluster));
        at.map_or(&[], |at| &all[at])
    }

    fn run(&self, call: &Call<'_>, entry: Entry, mut arguments: Map<String, Value>) -> Result<Ran, Failure> {
        match clusters::take(&self.clusters, &mut arguments).map_err(Failure::new)? {
            Chosen::One(cluster) => self.run_in(cluster, call, entry, arguments),
            Chosen::All if entry.name == STATUS => {
                let outcome = clusters::in_every_cluster(&self.clusters, |cluster| {
                    self.run_in(cluster, call, entry, arguments.clone())?.unasked()
                });
                outcome.map(Ran::Data)
            }
            Chosen::All => Err(Failure::new(format!(
                "Only `{}` covers all clusters; `{}` takes the name of one.",
                STATUS, entry.name
            ))),
        }
    }

    fn run_in(
        &self,
        cluster: &Cluster,
        call: &Call<'_>,
        entry: Entry,
        arguments: Map<String, Value>,
    ) -> Result<Ran, Failure> {
        let cluster_name = (1 < self.clusters.len()).then_some(cluster.name.as_str());
        let journal =
            self.audit.as_ref().map(|audit| Journal::new(audit, cluster_name, entry.name, &arguments));
        if let Some(sentence) = entry.forbidden_in(cluster) {
            if let Some(journal) = &journal {
                journal.refused(None, &sentence);
            }
            if arguments.get("dry_run").is_some_and(|dry| *dry == true || *dry == "true") {
                return execute::would_refuse(&sentence).map(Ran::Data);
            }
            return Err(Failure::new(format!("{sentence} Nothing was done.")));
        }
        let args = match entry.tool.run {
            Run::Own(own) => own.check(arguments),
            _ => {
                let given = arguments.clone();
                Args::check(entry.params(), &|name| entry.takes(name, &given), arguments)
            }
        }
        .map_err(Failure::new)?;
        let dry = args.flag("dry_run") == Some(true);
        let names_its_path = matches!(entry.toolset, "api" | "jobs" | own::TOOLSET);
        let context = |grant| Context {
            call,
            pve: &cluster.pve,
            config: &cluster.config,
            cluster: cluster_name,
            kind: entry.kind,
            effect: entry.tool.effect,
            // Tools of these toolsets can send any method; all others are denied by their own names.
            denied: if names_its_path { self.denied_in(cluster) } else { &[] },
            started: Instant::now(),
            dry,
            grant,
            undo: &cluster.undo,
            fresh: &cluster.fresh,
            jobs: &cluster.jobs,
            places: &cluster.places,
            planner: self,
            ahead: None,
            journal: journal.as_ref(),
            record: Mutex::default(),
            seen: Mutex::default(),
        };
        let first = context(Grant::None);
        let outcome = execute::run(&first, &entry, &args);
        if dry {
            return execute::dry_run(&first, outcome).map(Ran::Data);
        }
        let Some(asked) = first.pending() else {
            return execute::finish(&first, outcome).map(|data| match first.picture() {
                Some(png) => Ran::Picture(data, png),
                None => Ran::Data(data),
            });
        };
        let sent = first.requests();
        if !sent.is_empty() {
            let sent: Vec<String> = sent.iter().map(Request::title).collect();
            return Err(Failure::new(format!(
                "{} must be confirmed separately and was not done; done before it: {}.",
                asked.title(),
                sent.join(", ")
            )));
        }
        let matter = UnconfirmedCall { tool: entry.name, args: &args, asked: &asked };
        match confirm::decide(&first, &self.tokens, matter)? {
            Decision::Wait(wait) => return Ok(Ran::Wait(wait)),
            Decision::Ask(question, state) => return Ok(Ran::Ask(question, state)),
            Decision::Go => {}
        }
        let second = context(Grant::of(asked));
        let outcome = execute::run(&second, &entry, &args);
        match second.pending() {
            None => execute::finish(&second, outcome).map(Ran::Data),
            Some(other) => Err(Failure::new(format!(
                "The cluster changed in the meantime: the call would now send {}, which is not what was confirmed. It was not done.",
                other.title()
            ))),
        }
    }
}

impl Toolset for Tools {
    fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    fn cluster_names(&self) -> Vec<&str> {
        let several = 1 < self.clusters.len();
        self.clusters.iter().filter(|_| several).map(|cluster| cluster.name.as_str()).collect()
    }

    fn lists(&self, entry: &Entry) -> bool {
        self.in_toolsets(entry) && self.clusters.iter().any(|cluster| entry.forbidden_in(cluster).is_none())
    }

    fn read_by(
        &self,
        cluster: &Cluster,
        call: &Call<'_>,
        entry: Entry,
        arguments: Map<String, Value>,
    ) -> Outcome {
        if entry.tool.effect != Effect::Read {
            return Err(Failure::new(format!("`{}` is not a read-only tool.", entry.name)));
        }
        self.run_in(cluster, call, entry, arguments)?.unasked()
    }
}

impl Toolbox for Tools {
    fn about(&self) -> About {
        About { name: "proxmox-mcp", title: "Proxmox VE", version: env!("CARGO_PKG_VERSION") }
    }

    fn instructions(&self) -> String {
        instructions::text(self)
    }

    fn extensions(&self) -> &[&'static str] {
        &[UI_EXTENSION, TASKS_EXTENSION]
    }

    fn list_for(&self, client: &Client) -> &RawValue {
        self.list_with_views(client)
    }

    fn order_for(
        &self,
        client: &Client,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Order, String> {
        match views::named(name) {
            Some(_) if client.shows_views(MEDIA_TYPE) => Ok(Order::Read),
            _ if name == AGREE && client.shows_views(MEDIA_TYPE) => Ok(Order::Change),
            _ => self.order(name, arguments),
        }
    }

    fn list(&self, revision: Revision) -> &RawValue {
        self.lists[shown::variant(revision)].get_or_init(|| {
            let specs: Vec<Value> =
                self.listed().map(|entry| entry.spec(revision, &self.cluster_names())).collect();
            to_raw_value(&specs).expect("specifications have text keys")
        })
    }

    fn order(&self, name: &str, arguments: &Map<String, Value>) -> Result<Order, String> {
        let Some(entry) = self.find(name, arguments) else {
            let names: Vec<&str> = self.entries().map(|entry| entry.name).collect();
            let hint = did_you_mean(name, names);
            return Err(format!("Unknown tool: {}.{hint}", name.escape_debug()));
        };
        Ok(if entry.tool.effect == Effect::Read { Order::Read } else { Order::Change })
    }

    fn queue(&self, arguments: &Map<String, Value>) -> usize {
        self.plans.lane(arguments, |arguments| clusters::lane(&self.clusters, arguments))
    }

    fn call(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer {
        match self.find(name, &arguments) {
            Some(entry) => {
                let arguments = aliases::arguments(name, &entry, arguments);
                let answer = self.call_with_view(call, entry, arguments.clone());
                self.as_task(call, arguments, answer)
            }
            None if call.client().shows_views(MEDIA_TYPE) => self.call_for_view(call, name, arguments),
            None => Answer::Failure(format!("There is no tool `{}`.", name.escape_debug())),
        }
    }

    fn task(&self, call: &Call<'_>, id: &str) -> Option<Task> {
        self.stands(call, id)
    }

    fn has_task(&self, id: &str) -> bool {
        self.has_stored_task(id)
    }

    fn cancel_task(&self, id: &str) -> bool {
        self.drop_task(id)
    }

    fn task_place(&self, id: &str) -> Place {
        self.place_of_task(id)
    }

    fn prompts(&self) -> &[Prompt] {
        self.prompts.get_or_init(|| prompts::offered(self))
    }

    fn has_prompts(&self) -> bool {
        prompts::any(self)
    }

    fn prompt(&self, prompt: &Prompt, arguments: &Map<String, Value>) -> Result<String, String> {
        prompts::text(self, prompt.name, arguments).map(|text| visible::text(&text).into_owned())
    }

    fn templates(&self) -> Vec<Template> {
        resources::templates(self)
    }

    fn has_resources(&self) -> bool {
        resources::any(self)
    }

    fn resources(&self, call: &Call<'_>) -> Result<Vec<Resource>, String> {
        let mut all = resources::list(self, call)
            .map_err(|Failure(sentences)| visible::text(&sentences).into_owned())?;
        for resource in &mut all {
            resource.title = visible::text(&resource.title).into_owned();
            resource.name = visible::text(&resource.name).into_owned();
            resource.uri = visible::text(&resource.uri).into_owned();
        }
        Ok(all)
    }

    fn resource_queue(&self, uri: &str) -> usize {
        resources::lane(self, uri)
    }

    fn read(&self, call: &Call<'_>, uri: &str) -> Result<Contents, ResourceError> {
        let read = resources::read(self, call, uri).map_err(|error| match error {
            ResourceError::Unknown(why) => ResourceError::Unknown(visible::text(&why).into_owned()),
            ResourceError::Failed(why) => ResourceError::Failed(visible::text(&why).into_owned()),
        });
        read.map(|contents| {
            let shown = match contents.media_type {
                resources::JSON => visible::json(&contents.text).into_owned(),
                _ => visible::text(&contents.text).into_owned(),
            };
            Contents { text: shown, ..contents }
        })
    }

    fn supports_subscriptions(&self) -> bool {
        resources::any(self)
    }

    fn look(&self, call: &Call<'_>, uris: &[String]) -> Vec<Result<String, ResourceError>> {
        watched::look(self, call, uris)
    }

    fn complete(&self, call: &Call<'_>, request: &CompletionRequest) -> Result<Vec<String>, String> {
        let found = complete::complete(self, call, request);
        found
            .map(|values| values.iter().map(|value| visible::text(value).into_owned()).collect())
            .map_err(|Failure(sentences)| visible::text(&sentences).into_owned())
    }
}
