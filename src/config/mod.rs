//! The configuration: a file, overridden by the environment, as one checked value. Fetches no secret and does not use
//! the network; knows nothing of what the values are used for.

mod check;
mod clusters;
mod connection;
mod host;
mod keys;
mod own;
mod place;
mod search;
mod selection;
mod ssh;
mod trust;
mod values;

pub use connection::is_example;
pub use keys::{KEYS, Key, Kind, markdown_table};
pub use own::UserTool;
pub use selection::Selection;

use crate::{
    approvals, audit, log,
    pve::{Auth, Host, Settings, Trust},
    secret::{Secret, SecretSource},
    ssh::Ssh,
};
use connection::Origins;
use place::Env;
use search::Found;
use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use trust::FileRisk;
use values::Values;

/// Everything that can be configured, checked and with its defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to connect and log in. If anything needed for that is missing, `Auth::Missing` says what.
    pub settings: Arc<Settings>,
    /// The access level.
    pub access: Access,
    /// Which toolsets are listed; `all` stands for every one. The names are not checked here.
    pub toolsets: Vec<String>,
    /// Tools that never run: names, or patterns in which `*` matches anything.
    pub deny_tools: Vec<String>,
    /// Guests, tags, pools and nodes that must not be interrupted, destroyed or lose their protection.
    pub protected: Selection,
    /// Nothing outside of this may be changed, unless it is empty.
    pub only: Selection,
    /// The folder for state that outlives the server process; `None` if the environment names none, and then no state
    /// is kept.
    pub state: Option<PathBuf>,
    /// The classes of requests, as in `ask`, that must be confirmed with [`Access::Standard`].
    pub ask: Vec<String>,
    /// How a request is confirmed if the client cannot ask the user.
    pub confirm: Confirm,
    /// Whether a desktop notification is shown when a request waits for approval.
    pub notify: bool,
    /// Whether a new token's secret is returned to the model.
    pub show_secrets: bool,
    /// Folders from which files may be uploaded.
    pub upload_from: Vec<PathBuf>,
    /// The audit log, if there is one.
    pub audit: Option<audit::Place>,
    /// User-defined tools.
    pub tools: Vec<UserTool>,
    /// How nodes are reached for commands in containers; `None` if such commands are off.
    pub ssh: Option<Ssh>,
    /// Patterns of the commands that may run in guests; empty if any may.
    pub exec_allow: Vec<String>,
    /// The format of lists in answers.
    pub list_format: ListFormat,
    /// The largest answer to a client, in bytes.
    pub max_answer_bytes: usize,
    /// How long a tool waits for the task it started, unless its call says otherwise.
    pub wait: Duration,
    /// How much is logged, if it is configured.
    pub log: Option<log::Level>,
    /// Every cluster with its own configuration, the default first; empty if there is only one.
    pub clusters: Vec<(String, Config)>,
    /// Whether it is for the sample cluster, which exists only inside this process.
    pub sample: bool,
    /// The folder in which requests wait for approval; `None` for the default folder of the user.
    pub approvals: Option<PathBuf>,
    /// The folder for secrets that are not returned to the model; `None` for the default folder of the user.
    pub secrets: Option<PathBuf>,
    /// Where the values came from.
    pub source: Source,
    /// Sentences about settings that are allowed but unwise, to be logged to stderr at startup.
    pub warnings: Vec<String>,
}

/// The access level: what may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Only reading.
    ReadOnly,
    /// Everything; the classes of requests in `ask` must be confirmed.
    Standard,
    /// Everything, without confirmation.
    Full,
}

/// How a request is confirmed if the client cannot ask the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// By a person in a terminal of the same user.
    Person,
    /// By a token that the model itself sends back: it shows that a plan was made, but not that anybody agreed.
    Token,
    /// It cannot be confirmed and is refused.
    Strict,
}

/// The format of lists in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// `columns` with the names, and `rows` of values.
    Table,
    /// `items`, a list of objects.
    Objects,
}

/// Where the configuration came from, for messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// The environment variables that were used.
    pub env: Vec<&'static str>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.env.is_empty()) {
            (None, true) => f.write_str("nothing but defaults"),
            (None, false) => write!(f, "the environment ({})", self.env.join(", ")),
            (Some(file), true) => write!(f, "`{}`", file.display()),
            (Some(file), false) => {
                write!(f, "`{}` and the environment ({})", file.display(), self.env.join(", "))
            }
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// One sentence for each problem. Never contains a secret.
    pub problems: Vec<String>,
}

/// The warning about the file that was found, if there is one.
fn warning(found: &Found, holds_secret: bool) -> Option<String> {
    match search::file_danger(found, holds_secret) {
        Some(FileRisk::Warn(warning) | FileRisk::Refuse(warning)) => Some(warning),
        None => None,
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Finds the file, reads it and the environment, and checks all of it. `explicit` is the file given on the command
    /// line, `env` looks up an environment variable, `exe_dir` is the folder of the binary.
    ///
    /// An absent or incomplete configuration is not an error: the server starts, and `settings.auth` says what to
    /// set.
    ///
    /// # Errors
    /// The file or the environment is wrong; all problems are reported together.
    pub fn load(
        explicit: Option<&Path>,
        env: Env<'_>,
        exe_dir: Option<&Path>,
    ) -> Result<Config, ConfigError> {
        let search = search::search(explicit, env, exe_dir)
            .map_err(|(file, problem)| ConfigError { file: Some(file), problems: vec![problem] })?;
        let mut values = Values::default();
        let mut source = Source::default();
        if search.by_variable {
            source.env.push("PROXMOX_MCP_CONFIG");
        }
        if let Some(found) = &search.found {
            source.file = Some(found.path.clone());
            if let Some(FileRisk::Refuse(problem)) = search::file_danger(found, false) {
                return Err(ConfigError { file: source.file, problems: vec![problem] });
            }
            let clusters = clusters::split(&found.pairs).map_err(|problems| ConfigError {
                file: source.file.clone(),
                problems: problems
                    .iter()
                    .map(|problem| format!("In `{}`, {problem}", found.path.display()))
                    .collect(),
            })?;
            if let Some(clusters) = clusters {
                return Config::of_clusters(found, &clusters, env, &source);
            }
            values.read_file(&found.path, &found.pairs, env);
            values.warnings.extend(warning(found, values.file_holds_secret()));
        }
        source.env.extend(values.read_environment(env, |_| true));
        values.check_secret_files();
        if !values.problems.is_empty() {
            return Err(ConfigError { file: source.file, problems: values.problems });
        }
        let config = Config::from_values(values, source, &search.looked);
        Ok(Config { state: approvals::state_folder(env).ok(), ..config })
    }

    /// One configuration for each cluster. Only environment variables for the whole server are used: a host or a token
    /// could be meant for any of the clusters.
    fn of_clusters(
        found: &Found,
        clusters: &[(String, clusters::Pairs)],
        env: Env<'_>,
        source: &Source,
    ) -> Result<Config, ConfigError> {
        let (mut problems, mut permissions) = (Vec::new(), None);
        let mut configs: Vec<(String, Config)> = Vec::new();
        for (name, object) in clusters {
            let (mut values, mut source) = (Values::default(), source.clone());
            values.read_file(&found.path, object, env);
            permissions = permissions.or(warning(found, values.file_holds_secret()));
            source.env.extend(values.read_environment(env, |key| !key.per_cluster));
            values.check_secret_files();
            problems.extend(values.problems.iter().map(|problem| format!("{problem} (Cluster `{name}`.)")));
            if problems.is_empty() {
                let mut config = Config::from_values(values, source, &[]);
                config.state = approvals::state_folder(env).ok();
                config.warnings.iter_mut().for_each(|warning| *warning += &format!(" (Cluster `{name}`.)"));
                configs.push((name.clone(), config));
            }
        }
        let Some((_, first)) = configs.first().filter(|_| problems.is_empty()) else {
            problems.dedup();
            return Err(ConfigError { file: source.file.clone(), problems });
        };
        let mut config = first.clone();
        let theirs = configs.iter().flat_map(|(_, config)| config.warnings.clone());
        config.warnings = permissions.into_iter().chain(theirs).collect();
        config.clusters = configs;
        Ok(config)
    }

    /// A substitute for a configuration that has errors: the server starts and lists its tools, and every call
    /// returns the errors.
    #[must_use]
    pub fn broken(error: &ConfigError) -> Config {
        let mut config = Config::from_values(Values::default(), Source::default(), &[]);
        config.settings_mut().auth = Auth::Missing(format!(
            "The configuration is wrong. {error}\nCorrect it, then restart the server."
        ));
        config.source.file.clone_from(&error.file);
        config
    }

    /// The configuration for the built-in sample cluster, which listens on `address` without TLS.
    #[must_use]
    pub fn for_demo(address: SocketAddr, token_id: &str, token_secret: &str) -> Config {
        let config = Config::from_values(Values::default(), Source::default(), &[]);
        config.with_sample_cluster(address, token_id, token_secret)
    }

    /// The same configuration for the built-in sample cluster: address and login are replaced, everything else stays. If
    /// there are several clusters, the settings of the default one are used.
    #[must_use]
    pub fn with_sample_cluster(self, address: SocketAddr, token_id: &str, token_secret: &str) -> Config {
        let mut config = self;
        config.sample = true;
        config.clusters = Vec::new();
        let defaults = connection::settings(&mut Values::default(), &Origins { file: None, looked: &[] });
        config.settings = Arc::new(defaults);
        let settings = config.settings_mut();
        settings.hosts = vec![Host { name: address.ip().to_string(), port: address.port(), plain: true }];
        settings.auth =
            Auth::Token { id: token_id.into(), secret: SecretSource::Value(Secret::new(token_secret)) };
        settings.trust = Trust::System;
        config
    }

    /// The connection settings, to be changed; API clients that are created later use them.
    pub fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    fn from_values(mut values: Values, source: Source, looked: &[PathBuf]) -> Config {
        let settings = connection::settings(&mut values, &Origins { file: source.file.as_deref(), looked });
        Config {
            settings: Arc::new(settings),
            access: match values.word("access") {
                "read-only" => Access::ReadOnly,
                "full" => Access::Full,
                _ => Access::Standard,
            },
            toolsets: values.names("toolsets"),
            deny_tools: values.names("deny_tools"),
            protected: values.selection("protected"),
            only: values.selection("only"),
            state: None,
            ask: values.names("ask"),
            confirm: match values.word("confirm") {
                "token" => Confirm::Token,
                "strict" => Confirm::Strict,
                _ => Confirm::Person,
            },
            notify: values.bool("notify"),
            show_secrets: values.bool("show_secrets"),
            upload_from: values.paths("upload_from"),
            audit: values.path_of("audit_log").map(|path| audit::Place {
                path: path.to_path_buf(),
                seal: values.secret_of("audit_key").map(|key| audit::SealSource::beside(key.clone(), path)),
                syslog: match values.bool("audit_syslog") {
                    true => audit::SYSLOG_SOCKETS.map(PathBuf::from).to_vec(),
                    false => Vec::new(),
                },
            }),
            tools: values.tools().to_vec(),
            ssh: values.ssh(),
            exec_allow: values.list("exec_allow").to_vec(),
            list_format: match values.word("list_format") {
                "objects" => ListFormat::Objects,
                _ => ListFormat::Table,
            },
            max_answer_bytes: usize::try_from(values.integer("max_answer_bytes")).unwrap_or(usize::MAX),
            wait: Duration::from_secs(values.integer("wait")),
            log: values.text("log").and_then(log::level),
            clusters: Vec::new(),
            sample: false,
            approvals: None,
            secrets: None,
            source,
            warnings: values.warnings,
        }
    }
}
