//! One HTTP exchange: sends a request, reads the response, and maps failures to [`Error`].
//!
//! There is one agent (two if some hosts are behind a proxy) with one TLS configuration, so that sessions are resumed.
//! GET uses kept-alive connections. A connection that has been idle for seconds may just have been closed by the server
//! (after 5 s, when a worker has served its number of requests, or at a restart), which cannot be distinguished from a
//! server that received the request and then died. So a request that must not be sent twice uses a connection that was
//! used within the last second, usually for the look-up before the change, or a new one; if that breaks, the same is
//! known in both cases.
//!
//! Handles headers without knowing about tickets or tokens.

use super::{
    Host, Settings, bypass,
    error::{Asked, Error},
    identity,
    in_flight::{self, ConnectFailure, InFlight, Stage, Stop},
    order::{Body, Order},
    pool::{PendingConnection, Pool},
    reply::{Answer, http_date},
    tls,
    transport::ConnectorFactory,
    upgrade::{Upgrade, upgrade},
    upload,
};
use crate::{secret::Secret, websocket::Socket};
use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};
use ureq::{
    Agent, Proxy, ProxyProtocol, SendBody,
    http::{HeaderValue, Request, Uri, header},
    unversioned::transport::{Transport, TransportAdapter, time},
};

/// The `User-Agent` of every request.
const USER_AGENT: &str = concat!("proxmox-mcp/", env!("CARGO_PKG_VERSION"));

/// Why there is no response.
pub(super) enum Broken {
    /// The response exceeds the size limit.
    TooLarge,
    /// The request cannot be encoded.
    Unsendable(String),
    Http(ureq::Error),
}

impl From<ureq::Error> for Broken {
    fn from(error: ureq::Error) -> Broken {
        Broken::Http(error)
    }
}

/// The stream of a websocket connection.
pub(super) type Call = TransportAdapter<Box<dyn Transport>>;

/// The result of opening a websocket.
pub(super) enum Conversation<T> {
    /// It was opened; the result of `talk`.
    Held(io::Result<T>),
    /// The host sent another response.
    Refused(Box<Answer>),
}

/// An agent and its pool, direct or through the proxy.
struct Way {
    agent: Agent,
    pool: Arc<Pool>,
}

/// The HTTP connections to a cluster.
pub(super) struct HttpClient {
    direct: Way,
    /// Through the proxy, if there is one.
    proxied: Option<Way>,
    chains: ConnectorFactory,
    no_proxy: Vec<String>,
    /// The prefix of every path.
    base_path: String,
    limit: u64,
    /// How long an upload may make no progress.
    patience: Duration,
}

impl HttpClient {
    /// Reads the CA file or the certificate store; opens no connection.
    ///
    /// # Errors
    /// The CA file, the certificate store or the proxy's address cannot be used.
    pub(super) fn new(settings: &Settings) -> Result<HttpClient, String> {
        let mut tls = tls::client_config(&settings.trust)?;
        if let Some(identity) = &settings.client_identity {
            tls = identity::with_identity(&tls, identity)?;
        }
        let chains = ConnectorFactory::new(tls);
        let way = |proxy: Option<Proxy>| {
            let config = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(USER_AGENT)
                .accept("application/json")
                .proxy(proxy)
                // Our own pool keeps them.
                .max_idle_connections(0)
                .max_idle_connections_per_host(0)
                .build();
            let pool = Arc::new(Pool::new(settings.workers.max(1), settings.max_idle));
            Way { agent: chains.agent(config, Arc::clone(&pool)), pool }
        };
        Ok(HttpClient {
            direct: way(None),
            proxied: proxy(settings)?.map(|proxy| way(Some(proxy))),
            chains,
            no_proxy: settings.no_proxy.clone(),
            base_path: settings.base_path.clone(),
            limit: settings.max_response_bytes,
            patience: settings.timeout,
        })
    }

    /// Sends `order` to `host` once.
    pub(super) fn exchange(
        &self,
        host: &Host,
        order: &Order,
        flight: InFlight,
    ) -> (Result<Answer, Broken>, InFlight) {
        let agent = &self.way(host).agent;
        let (mut result, mut flight) = in_flight::run(flight, || self.ask(agent, host, order));
        if let Ok(answer) = &mut result {
            answer.reason = flight.reason.take().unwrap_or_default();
        }
        (result, flight)
    }

    /// Opens a websocket to `host` and runs `talk` over it, all within the limits of one request.
    pub(super) fn converse<T>(
        &self,
        host: &Host,
        target: &str,
        headers: &[(&'static str, Secret)],
        flight: InFlight,
        talk: impl FnOnce(&mut Socket<Call>) -> io::Result<T>,
    ) -> (Result<Conversation<T>, Broken>, InFlight) {
        let config = self.way(host).agent.config();
        in_flight::run(flight, || {
            let uri = self.uri(host, target)?;
            let mut head = format!(
                "GET {}{target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {USER_AGENT}\r\n",
                self.base_path,
                authority(host)
            );
            for (name, value) in headers {
                header_value(value)?;
                head.extend([name, ": ", value.expose(), "\r\n"]);
            }
            let transport = self.chains.open(config, &uri)?;
            let stream = TransportAdapter::new(transport, Arc::new(time::Instant::now));
            match upgrade(stream, &head).map_err(ureq::Error::Io)? {
                Upgrade::Open(mut socket) => Ok(Conversation::Held(talk(&mut socket))),
                Upgrade::Refused(answer) => Ok(Conversation::Refused(answer)),
            }
        })
    }

    fn way(&self, host: &Host) -> &Way {
        let direct = bypass::is_direct(&host.name, host.port, &self.no_proxy);
        self.proxied.as_ref().filter(|_| !direct).unwrap_or(&self.direct)
    }

    /// Returns one [`PendingConnection`] for each connection to open so that `wanted` requests can be sent to `host` at once.
    pub(super) fn lacking(&self, host: &Host, wanted: usize) -> Vec<PendingConnection> {
        self.uri(host, "/").map_or_else(|_| Vec::new(), |uri| self.way(host).pool.lacking(&uri, wanted))
    }

    /// How long the most recently used connection to `host` has been idle, if there is one.
    pub(super) fn idle_for(&self, host: &Host) -> Option<Duration> {
        self.way(host).pool.idle_for(&self.uri(host, "/").ok()?)
    }

    fn uri(&self, host: &Host, target: &str) -> Result<Uri, Broken> {
        let scheme = if host.plain { "http" } else { "https" };
        let url = format!("{scheme}://{}{}{target}", authority(host), self.base_path);
        url.parse().map_err(|error| {
            Broken::Unsendable(format!("`{}` is not a valid host ({error}); correct it.", authority(host)))
        })
    }

    fn ask(&self, agent: &Agent, host: &Host, order: &Order) -> Result<Answer, Broken> {
        let uri = self.uri(host, &order.target)?;
        let mut request = Request::builder().method(order.method.word()).uri(uri);
        for (name, value) in &order.headers {
            let mut value = header_value(value)?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let response = match &order.body {
            Body::Form(form) => {
                let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                agent.run(request.body(form.as_str()).map_err(ureq::Error::Http)?)?
            }
            Body::Multipart(multipart) => {
                let reader = multipart.reader(self.patience).map_err(|error| {
                    Broken::Unsendable(format!("The file to upload cannot be read ({error})."))
                })?;
                let request = request
                    .header(header::CONTENT_TYPE, upload::content_type())
                    .header(header::CONTENT_LENGTH, multipart.len());
                let body = SendBody::from_owned_reader(reader);
                agent.run(request.body(body).map_err(ureq::Error::Http)?)?
            }
            Body::None => agent.run(request.body(()).map_err(ureq::Error::Http)?)?,
        };
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let location = text(header::LOCATION).map(str::to_owned);
        let date = text(header::DATE).and_then(http_date);
        let retry_after = text(header::RETRY_AFTER).and_then(|when| match when.trim().parse() {
            Ok(seconds) => Some(seconds),
            Err(_) => Some(http_date(when)?.saturating_sub(date?)),
        });
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        reader.take(self.limit.saturating_add(1)).read_to_end(&mut body).map_err(ureq::Error::from)?;
        if self.limit < body.len() as u64 {
            return Err(Broken::TooLarge);
        }
        Ok(Answer { status, reason: String::new(), location, date, retry_after, body })
    }
}

fn header_value(value: &Secret) -> Result<HeaderValue, Broken> {
    HeaderValue::from_str(value.expose()).map_err(|_| {
        Broken::Unsendable("The token or ticket has characters that are not allowed in HTTP headers; correct the token's id and secret.".into())
    })
}

/// The proxy of the settings, with its address fetched from its source.
fn proxy(settings: &Settings) -> Result<Option<Proxy>, String> {
    let Some(source) = &settings.proxy else { return Ok(None) };
    let address = source.fetch()?;
    let proxy = Proxy::new(address.expose().trim()).ok();
    // Proxies of other kinds would silently be ignored.
    let proxy = proxy.filter(|proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https));
    proxy.map(Some).ok_or_else(|| {
        "The proxy's address is not valid; give it as `http://host:port`, with `user:password@` before the host if it requires them, in `proxy` of the configuration or in HTTPS_PROXY; `\"proxy\": \"none\"` uses no proxy.".into()
    })
}

/// `host:port` as in a URL, with brackets around an IPv6 address.
pub(super) fn authority(host: &Host) -> String {
    let Host { name, port, .. } = host;
    if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }
}

/// Turns a failure into an [`Error`] by what is known about the request.
pub(super) fn meaning(broken: Broken, flight: InFlight, asked: Asked, settings: &Settings) -> Error {
    let host = asked.host.clone();
    let error = match broken {
        Broken::TooLarge => {
            return Error::TooLarge { asked: Box::new(asked), limit: settings.max_response_bytes };
        }
        Broken::Unsendable(problem) => return Error::Setup { problem },
        Broken::Http(error) => error,
    };
    let sent = Stage::Sent <= flight.stage;
    let within = settings.timeout.as_secs_f64();
    match flight.stopped {
        Some(Stop::Cancelled) => {
            return Error::Cancelled { may_have_been_carried_out: sent && asked.changes() };
        }
        Some(Stop::ConnectTimeout) => {
            let limit = flight.connect_timeout.as_secs_f64();
            if flight.stage == Stage::Securing {
                let problem = format!(
                    "it accepts connections, but the TLS handshake did not finish within {limit} s (`connect_timeout`). Check that this port is the API's (8006), and that large packets get through (MTU)."
                );
                return Error::NotSent { host, problem };
            }
            let problem = format!(
                "no connection within {limit} s (`connect_timeout`). Check the address, that the node is up, and that no firewall drops packets to this port."
            );
            return Error::NotSent { host, problem };
        }
        Some(stop @ (Stop::Timeout | Stop::ReadTimeout)) => {
            let silence = flight.read_timeout.as_secs_f64();
            let (key, limit) = match stop {
                Stop::ReadTimeout => ("read_timeout", silence),
                _ => ("timeout", within),
            };
            if !sent {
                let problem = format!("the request could not be sent within {limit} s (`{key}`). Try again.");
                return Error::NotSent { host, problem };
            }
            let problem = match (flight.stage, stop) {
                (Stage::Answering, Stop::ReadTimeout) => {
                    format!("its answer stopped for {limit} s (`{key}`)")
                }
                (Stage::Answering, _) => format!("its answer was not complete within {limit} s (`{key}`)"),
                _ => format!("no answer came within {limit} s (`{key}`)"),
            };
            return Error::Unanswered { asked: Box::new(asked), problem, timed_out: true };
        }
        None => {}
    }
    match flight.obstacle {
        Some(ConnectFailure::Tls(problem, seen)) => return Error::Tls { host, problem, seen },
        Some(ConnectFailure::Network(problem)) => return Error::NotSent { host, problem },
        None => {}
    }
    // In TLS 1.3 the server checks the client certificate when the request may already have been sent.
    if !flight.reused
        && flight.stage < Stage::Answering
        && let Some(problem) = tls::turned_away(&error)
    {
        return Error::Tls { host, problem, seen: flight.shown };
    }
    match error {
        ureq::Error::ConnectProxyFailed(why) => {
            let problem = format!(
                "the HTTP proxy could not connect to it ({why}). Check `proxy` (or HTTPS_PROXY); if the host can be reached without it, list it in `no_proxy`."
            );
            Error::NotSent { host, problem }
        }
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..)
            if flight.stage == Stage::Answering =>
        {
            let problem =
                "it sent something that is not HTTP. Check that host and port are those of the API (8006).";
            Error::NotProxmox { asked: Box::new(asked), status: None, problem: problem.into() }
        }
        error if sent => {
            let problem = match flight.stage {
                Stage::Answering => format!("the answer broke off ({error})"),
                _ => format!("the connection broke before an answer came ({error})"),
            };
            Error::Unanswered { asked: Box::new(asked), problem, timed_out: false }
        }
        error => {
            let problem =
                format!("the connection broke before the whole request was sent ({error}). Try again.");
            Error::NotSent { host, problem }
        }
    }
}
