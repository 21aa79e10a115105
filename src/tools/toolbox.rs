//! The toolbox: policy → find → check → run.

mod ran;
mod shown;

use crate::{
    audit::Audit,
    config::{Access, Config},
    mcp::{
        About, Answer, Call, Client, CompletionRequest, Contents, Order, Prompt, Resource, ResourceError,
        Revision, Template, Toolbox, UI_EXTENSION,
    },
    pve::{Method, path},
    suggest::did_you_mean,
    tools::{
        answer::{
            Failure, Outcome, answer, rows,
            table::{self, Column},
        },
        catalog::{aliases, entry::Entry, index::entries, own, views},
        offers::Toolset,
        offers::{complete, instructions, prompts, resources},
        param::{Effect, Kind},
        row::{Run, Tool},
        run::list,
        run::{
            args::Args,
            clusters::{self, CLUSTER, Chosen, Cluster, STATUS},
            confirm::{self, Decision},
            context::{Context, Grant},
            find,
            follow::follow,
            journal::Journal,
            request::Request,
            tokens::Tokens,
            undo,
        },
    },
    views::MEDIA_TYPE,
};
use ran::Ran;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use std::{
    sync::{Mutex, OnceLock},
    time::Instant,
};

/// Every tool, over one configuration.
#[derive(Debug)]
pub struct Tools {
    /// Never empty; the default first.
    clusters: Vec<Cluster>,
    tokens: Tokens,
    /// The tools of the configuration.
    own: &'static [Entry],
    audit: Option<Audit>,
    prompts: OnceLock<Vec<Prompt>>,
    /// `tools/list` as it is sent: bare, with annotations, with titles too.
    lists: [OnceLock<Box<RawValue>>; 3],
    /// The same for clients that show views.
    lists_with_views: [OnceLock<Box<RawValue>>; 3],
}

impl Tools {
    /// Tools over a configuration; touches no network.
    #[must_use]
    pub fn new(config: Config) -> Tools {
        Tools {
            own: own::entries(&config.tools),
            audit: config.audit_log.clone().map(Audit::new),
            clusters: clusters::of(config),
            tokens: Tokens::new(),
            prompts: OnceLock::new(),
            lists: Default::default(),
            lists_with_views: Default::default(),
        }
    }

    /// The configuration; of several clusters, that of the default one.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.clusters[0].config
    }

    /// The tools that are listed, in order.
    pub fn listed(&self) -> impl Iterator<Item = Entry> {
        self.entries().filter(|entry| self.lists(entry))
    }

    /// Every tool, those of the configuration last.
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

    fn run(&self, call: &Call<'_>, entry: Entry, mut arguments: Map<String, Value>) -> Result<Ran, Failure> {
        match clusters::take(&self.clusters, &mut arguments).map_err(Failure::new)? {
            Chosen::One(cluster) => self.run_in(cluster, call, entry, arguments),
            Chosen::All if entry.name == STATUS => {
                let outcome = clusters::in_each(&self.clusters, |cluster| {
                    self.run_in(cluster, call, entry, arguments.clone())?.unasked()
                });
                outcome.map(Ran::Data)
            }
            Chosen::All => Err(Failure::new(format!(
                "Only `{}` sums up all clusters; `{}` takes the name of one.",
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
        if let Some(sentence) = entry.forbidden_in(cluster) {
            return Err(Failure::new(format!("{sentence} Nothing was done.")));
        }
        let cluster_name = (1 < self.clusters.len()).then_some(cluster.name.as_str());
        let journal =
            self.audit.as_ref().map(|audit| Journal::new(audit, cluster_name, entry.name, &arguments));
        let args = match entry.tool.run {
            Run::Own(own) => own.check(arguments),
            _ => {
                let given = arguments.clone();
                Args::check(entry.params(), &|name| entry.takes(name, &given), arguments)
            }
        }
        .map_err(Failure::new)?;
        let dry = args.flag("dry_run") == Some(true);
        let context = |grant| Context {
            call,
            pve: &cluster.pve,
            config: &cluster.config,
            cluster: cluster_name,
            kind: entry.kind,
            effect: entry.tool.effect,
            started: Instant::now(),
            dry,
            grant,
            undo: &cluster.undo,
            fresh: &cluster.fresh,
            jobs: &cluster.jobs,
            journal: journal.as_ref(),
            record: Mutex::default(),
        };
        let all = cluster.config.access == Access::Full;
        let first = context(if all { Grant::All } else { Grant::None });
        let outcome = execute(&first, &entry, &args);
        if dry {
            return dry_run(&first, outcome).map(Ran::Data);
        }
        let Some(asked) = first.pending() else {
            return finish(&first, outcome).map(|data| match first.picture() {
                Some(png) => Ran::Picture(data, png),
                None => Ran::Data(data),
            });
        };
        let sent = first.requests();
        if !sent.is_empty() {
            let sent: Vec<String> = sent.iter().map(Request::title).collect();
            return Err(Failure::new(format!(
                "{} must be confirmed by itself and was not done; done before it: {}.",
                asked.title(),
                sent.join(", ")
            )));
        }
        match confirm::decide(&first, &self.tokens, entry.name, &args, &asked)? {
            Decision::Answer(outcome) => return outcome.map(Ran::Data),
            Decision::Ask(question, state) => return Ok(Ran::Ask(question, state)),
            Decision::Go => {}
        }
        let second = context(asked.granted());
        let outcome = execute(&second, &entry, &args);
        match second.pending() {
            None => finish(&second, outcome).map(Ran::Data),
            Some(other) => Err(Failure::new(format!(
                "The cluster changed meanwhile: what is to be done now is {}, which is not what was confirmed. It was not done.",
                other.title()
            ))),
        }
    }
}

fn execute(context: &Context<'_>, entry: &Entry, args: &Args) -> Outcome {
    match entry.tool.run {
        Run::Api(method, template) => request(context, entry, method, template, args),
        Run::List(template, columns) => list(context, entry, template, columns, args),
        Run::With(run) => run(context, args),
        Run::Own(own) => own.run(context, args),
    }
}

/// Keeps what a call changed, so that it can be taken back, and writes its outcome into the audit log.
fn finish(context: &Context<'_>, outcome: Outcome) -> Outcome {
    let ids = undo::keep(context, &context.drafts());
    let changed_in = context.cluster.filter(|_| context.effect != Effect::Read);
    let outcome = outcome.and_then(|data| match serde_json::from_str(data.get()) {
        Ok(Value::Object(mut facts)) if !ids.is_empty() || changed_in.is_some() => {
            if !ids.is_empty() {
                facts.insert("undo".into(), ids.into());
            }
            // Whoever waits for the task or takes the change back must name it again.
            if let Some(name) = changed_in {
                facts.insert(CLUSTER.into(), name.into());
            }
            answer(&facts)
        }
        _ => Ok(data),
    });
    if let Some(journal) = context.journal
        && !context.requests().is_empty()
    {
        journal.after(&outcome);
    }
    outcome
}

/// What would have been sent. Where nothing would have been, what the tool says.
fn dry_run(context: &Context<'_>, outcome: Outcome) -> Outcome {
    let requests: Vec<Value> = context.requests().iter().map(Request::to_json).collect();
    if requests.is_empty() {
        return outcome;
    }
    let mut facts =
        Map::from_iter([("dry_run".to_owned(), true.into()), ("requests".to_owned(), requests.into())]);
    if let Err(Failure(why)) = outcome {
        facts.insert("then".into(), why.into());
    }
    facts.insert("note".into(), "Nothing was sent.".into());
    context.fit(facts)
}

/// The path of a row with its holes filled, and the guest that was found for it.
fn locate(
    context: &Context<'_>,
    template: &str,
    args: &Args,
) -> Result<(String, Option<find::Guest>), Failure> {
    let guest = match args.int("vmid") {
        Some(vmid) if template.contains("{node}") && template.contains("{vmid}") => {
            // A path that names a kind of guest is for that kind only.
            let kind = context.kind.or_else(|| Kind::from_api_type(template.split('/').nth(3)?));
            Some(find::guest_of(context, vmid, args.text("node"), kind)?)
        }
        _ => None,
    };
    let value_of = |hole: &str| match (hole, &guest) {
        ("node", Some(guest)) => Some(guest.node.clone()),
        ("type", Some(guest)) => Some(guest.kind.api_type().to_owned()),
        _ => args.get(hole).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    };
    let path = path::fill(template, value_of).map_err(Failure::new)?;
    Ok((path, guest))
}

/// Which arguments are sent along: parameters of the row's own that fill no hole and are no filter.
fn sent(tool: &Tool, template: &str) -> Vec<&'static str> {
    let fills = |name: &str| template.contains(&format!("{{{name}}}"));
    tool.params.iter().filter(|param| !param.filter && !fills(param.name)).map(|param| param.name).collect()
}

/// One request: the path's holes filled, the other arguments sent along.
fn request(context: &Context<'_>, entry: &Entry, method: Method, template: &str, args: &Args) -> Outcome {
    let (path, guest) = locate(context, template, args)?;
    let params = args.params(&sent(entry.tool, template));
    let value = match method {
        Method::Get => context.get(&path, &params)?.value(),
        _ => context.change(method, &path, &params)?.value(),
    };
    let mut facts = Map::new();
    if let Some(guest) = guest {
        facts.insert("vmid".into(), guest.vmid.into());
        facts.insert("name".into(), guest.name.into());
        facts.insert("node".into(), guest.node.into());
    }
    match value.as_str() {
        _ if context.dry => context.wrap(value),
        Some(upid) if entry.tool.task && upid.starts_with("UPID:") => follow(context, args, upid, facts),
        _ if value.is_null() && !facts.is_empty() => context.wrap(facts.into()),
        _ => context.wrap(value),
    }
}

/// One request for a list, its rows filtered and shown with the row's columns.
fn list(context: &Context<'_>, entry: &Entry, template: &str, columns: &[Column], args: &Args) -> Outcome {
    let (path, _) = locate(context, template, args)?;
    let params = args.params(&sent(entry.tool, template));
    let reply = context.get(&path, &params)?;
    let mut records = rows(&reply)?;
    for param in entry.tool.params.iter().filter(|param| param.filter) {
        if let Some(wanted) = args.get(param.name) {
            let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
            find::among(param.name, &wanted, &records)?;
            records.retain(|record| record.text(param.name) == wanted);
        }
    }
    if let Some(first) = columns.first() {
        table::sort(&mut records, &[first.name]);
    }
    list::answer(context, args, &records, columns)
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
            return Err(Failure::new(format!("`{}` is no tool that only reads.", entry.name)));
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
        &[UI_EXTENSION]
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
        clusters::lane(&self.clusters, arguments)
    }

    fn call(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer {
        match self.find(name, &arguments) {
            Some(entry) => {
                let arguments = aliases::arguments(name, &entry, arguments);
                self.call_with_view(call, entry, arguments)
            }
            None if call.client().shows_views(MEDIA_TYPE) => self.call_for_view(call, name, arguments),
            None => Answer::Failure(format!("There is no tool `{}`.", name.escape_debug())),
        }
    }

    fn prompts(&self) -> &[Prompt] {
        self.prompts.get_or_init(|| prompts::offered(self))
    }

    fn has_prompts(&self) -> bool {
        prompts::any(self)
    }

    fn prompt(&self, prompt: &Prompt, arguments: &Map<String, Value>) -> Result<String, String> {
        prompts::text(self, prompt.name, arguments)
    }

    fn templates(&self) -> Vec<Template> {
        resources::templates(self)
    }

    fn has_resources(&self) -> bool {
        resources::any(self)
    }

    fn resources(&self, call: &Call<'_>) -> Result<Vec<Resource>, String> {
        resources::list(self, call).map_err(|Failure(sentences)| sentences)
    }

    fn resource_queue(&self, uri: &str) -> usize {
        resources::lane(self, uri)
    }

    fn read(&self, call: &Call<'_>, uri: &str) -> Result<Contents, ResourceError> {
        resources::read(self, call, uri)
    }

    fn complete(&self, call: &Call<'_>, request: &CompletionRequest) -> Result<Vec<String>, String> {
        complete::complete(self, call, request).map_err(|Failure(sentences)| sentences)
    }
}
