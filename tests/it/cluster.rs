//! The tools on a sample cluster of their own, called in memory.

use crate::testbox::parse_lines;
use proxmox_mcp::{
    cancel::Cancel,
    config::{Config, Confirm},
    demo,
    mcp::{
        About, Answer, Call, Client, Contents, Options, Order, Place, ResourceError, Revision, Task, Toolbox,
        serve,
    },
    pve::Trust,
    tools::Tools,
};
use serde_json::{Map, Value, value::RawValue};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// A sample cluster and the tools that are connected to it.
pub struct Sample {
    pub server: demo::Server,
    pub tools: Tools,
    /// The folder for pending requests and secrets.
    pub folder: PathBuf,
}

/// A new folder for a test.
fn folder() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("proxmox-mcp-sample-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Sample {
    /// The hand-made cluster, with a clock so fast that nothing has to wait.
    pub fn start() -> Sample {
        Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |_| {})
    }

    pub fn with(options: demo::Options, change: impl FnOnce(&mut Config)) -> Sample {
        let server = demo::Server::start(options).expect("loopback can be listened on");
        let (id, secret) = server.token();
        let mut config = Config::for_demo(server.address(), &id, secret.expose());
        // Confirmation by token is enough for tests that are not about the person.
        config.confirm = Confirm::Token;
        let folder = folder();
        config.approvals = Some(folder.join("approvals"));
        config.secrets = Some(folder.join("secrets"));
        config.upload_from = vec![std::env::temp_dir(), env!("CARGO_TARGET_TMPDIR").into()];
        change(&mut config);
        Sample { server, tools: Tools::new(config), folder }
    }

    /// The hand-made cluster under a configuration file with these keys.
    pub fn configured(keys: &Value) -> Sample {
        let options = demo::Options { clock_speed: 1e4, gzip: false, ..demo::Options::default() };
        Sample::with(options, |config| *config = under(keys, config))
    }

    /// The tools of another process on the same cluster, with other configuration keys.
    pub fn tools_under(&self, keys: &Value) -> Tools {
        let (id, secret) = self.server.token();
        tools_as(self, keys, &id, secret.expose())
    }

    /// The requests that reached the API and were not GET.
    pub fn changes(&self) -> Vec<String> {
        self.wire().into_iter().filter(|line| !line.starts_with("GET")).collect()
    }

    /// Calls a tool; returns its JSON, or its error.
    pub fn call(&self, name: &str, arguments: Value) -> Result<Value, String> {
        call(&self.tools, name, arguments)
    }

    /// Calls a tool that must succeed.
    #[track_caller]
    pub fn ok(&self, name: &str, arguments: Value) -> Value {
        self.call(name, arguments).unwrap_or_else(|sentences| panic!("{name} failed: {sentences}"))
    }

    /// Calls a tool, and confirms the call if needed; returns its JSON, or its error.
    pub fn agreed(&self, name: &str, arguments: Value) -> Result<Value, String> {
        let answer = self.call(name, arguments.clone())?;
        if answer.get("confirmation_needed").is_none() {
            return Ok(answer);
        }
        let mut again = arguments;
        again["confirm"] = answer["confirm"].clone();
        self.call(name, again)
    }

    /// Calls a tool that must succeed, and confirms the call if needed.
    #[track_caller]
    pub fn done(&self, name: &str, arguments: Value) -> Value {
        self.agreed(name, arguments).unwrap_or_else(|sentences| panic!("{name} failed: {sentences}"))
    }

    /// Calls a tool that must fail with all these words in its error.
    #[track_caller]
    pub fn fails(&self, name: &str, arguments: Value, words: &[&str]) {
        let sentences = self.call(name, arguments).expect_err("a failure");
        for word in words {
            assert!(sentences.contains(word), "`{sentences}` lacks `{word}`");
        }
    }

    /// The requests that reached the API so far (the last 1,000), without the ones that only poll tasks.
    pub fn wire(&self) -> Vec<String> {
        // How often a task is polled depends on the machine.
        let polls = |request: &demo::Seen| {
            let since = request.pairs.iter().any(|(name, _)| name == "since");
            request.path.contains("/tasks/UPID") || request.path.ends_with("/tasks") && since
        };
        let seen = self.server.requests();
        let line = |request: &demo::Seen| {
            let pairs: Vec<String> =
                request.pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!(
                "{} {} {}",
                request.method,
                request.path.trim_start_matches("/api2/extjs"),
                pairs.join("&")
            )
            .trim_end()
            .to_owned()
        };
        seen.iter().filter(|request| !polls(request)).map(line).collect()
    }
}

/// The tools of another process on the same cluster, with other configuration keys and another API token.
pub fn tools_as(sample: &Sample, keys: &Value, id: &str, secret: &str) -> Tools {
    let mut config = Config::for_demo(sample.server.address(), id, secret);
    config.approvals = Some(sample.folder.join("approvals"));
    config.secrets = Some(sample.folder.join("secrets"));
    Tools::new(under(keys, &config))
}

/// A configuration file with these keys, for the same cluster and folders as another one.
fn under(keys: &Value, other: &Config) -> Config {
    let folder = folder();
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.json");
    std::fs::write(&file, keys.to_string()).unwrap();
    let loaded = Config::load(Some(&file), &|_| None, None);
    std::fs::remove_dir_all(&folder).unwrap();
    let mut config = loaded.unwrap_or_else(|error| panic!("{keys}: {error}"));
    config.settings = std::sync::Arc::clone(&other.settings);
    config.settings_mut().trust = Trust::Anything;
    config.approvals.clone_from(&other.approvals);
    config.secrets.clone_from(&other.secrets);
    if keys.get("confirm").is_none() {
        config.confirm = Confirm::Token;
    }
    config
}

/// Calls a tool; returns its JSON, or its error.
pub fn call(tools: &Tools, name: &str, arguments: Value) -> Result<Value, String> {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    match tools.call(&Call::detached(Cancel::new()), name, arguments) {
        Answer::Data(data) | Answer::DataWithMeta(data, _) | Answer::DataWithPicture(data, _) => {
            Ok(serde_json::from_str(data.get()).expect("data is JSON"))
        }
        Answer::Failure(sentences) => Err(sentences),
        Answer::Ask { question, .. } => Err(question.message),
        Answer::Task(task) => Err(format!("a task, {}", task.id)),
    }
}

/// The sample's tools, for a server that runs on a thread of its own.
impl Toolbox for Sample {
    fn about(&self) -> About {
        self.tools.about()
    }

    fn instructions(&self) -> String {
        self.tools.instructions()
    }

    fn list(&self, revision: Revision) -> &RawValue {
        self.tools.list(revision)
    }

    fn list_for(&self, client: &Client) -> &RawValue {
        self.tools.list_for(client)
    }

    fn has_resources(&self) -> bool {
        self.tools.has_resources()
    }

    fn read(&self, call: &Call<'_>, uri: &str) -> Result<Contents, ResourceError> {
        self.tools.read(call, uri)
    }

    fn supports_subscriptions(&self) -> bool {
        self.tools.supports_subscriptions()
    }

    fn look(&self, call: &Call<'_>, uris: &[String]) -> Vec<Result<String, ResourceError>> {
        self.tools.look(call, uris)
    }

    /// So often that no test has to wait for it.
    fn poll_interval(&self) -> Duration {
        Duration::from_millis(20)
    }

    fn order_for(
        &self,
        client: &Client,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Order, String> {
        self.tools.order_for(client, name, arguments)
    }

    fn order(&self, name: &str, arguments: &Map<String, Value>) -> Result<Order, String> {
        self.tools.order(name, arguments)
    }

    fn queue(&self, arguments: &Map<String, Value>) -> usize {
        self.tools.queue(arguments)
    }

    fn call(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer {
        self.tools.call(call, name, arguments)
    }

    fn extensions(&self) -> &[&'static str] {
        self.tools.extensions()
    }

    fn task(&self, call: &Call<'_>, id: &str) -> Option<Task> {
        self.tools.task(call, id)
    }

    fn has_task(&self, id: &str) -> bool {
        self.tools.has_task(id)
    }

    fn cancel_task(&self, id: &str) -> bool {
        self.tools.cancel_task(id)
    }

    fn task_place(&self, id: &str) -> Place {
        self.tools.task_place(id)
    }
}

/// Sends all messages at once; returns everything that came back.
pub fn session(sample: &Sample, messages: &[Value]) -> Vec<Value> {
    let input: String = messages.iter().map(|message| format!("{message}\n")).collect();
    let mut output = Vec::new();
    let options = Options { workers: 6, lenient: false, on_output_closed: || {}, on_first_call: &|_| {} };
    serve(input.as_bytes(), &mut output, &sample.tools, options).unwrap();
    parse_lines(&output)
}

/// One column of a table.
#[track_caller]
pub fn column(table: &Value, name: &str) -> Vec<Value> {
    let columns = table["columns"].as_array().expect("a table");
    let index = columns
        .iter()
        .position(|column| column == name)
        .unwrap_or_else(|| panic!("no column {name} in {columns:?}"));
    table["rows"].as_array().unwrap().iter().map(|row| row[index].clone()).collect()
}

/// An audit log in that file, without a sealing key.
pub fn plain_log(path: &std::path::Path) -> proxmox_mcp::audit::Place {
    proxmox_mcp::audit::Place { path: path.to_owned(), seal: None, syslog: Vec::new() }
}
