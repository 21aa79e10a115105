//! Guests' screens and consoles: a POST opens a proxy, and a websocket connects to it.
//!
//! Both requests go to the same node (pve.md section 7), with the same authentication and TLS settings as every other
//! request, and the websocket has a connection of its own. Nothing is typed. A session ends when its time is over, when
//! it is cancelled, or when it reaches its size limit.

use super::{
    Auth, Host, Method, Params, Pve,
    auth::token_header,
    client::{Limits, check_path},
    error::{Asked, Error, Identity, Result},
    exchange::{Call, Conversation, authority, meaning},
    in_flight::{self, InFlight, Stop, Wants},
    reply::{self, Reply},
    rfb::{self, Picture},
};
use crate::{
    cancel::Cancel,
    secret::Secret,
    websocket::{Socket, wrong},
};
use serde_json::Value;
use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};

/// Time limit for a screenshot. A display sends a whole picture within a second; one this late does not send any.
const PICTURE_TIME: Duration = Duration::from_secs(15);

/// The output of a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleOutput {
    /// The bytes, including control sequences.
    pub bytes: Vec<u8>,
    /// Whether the limit was reached and more output was cut off.
    pub cut: bool,
    /// Whether the server closed the connection before the time was over.
    pub ended: bool,
}

/// The response of `vncproxy` or `termproxy`; numbers may be strings.
struct Proxy {
    port: String,
    ticket: Secret,
    user: String,
    password: Option<Secret>,
    task: String,
}

impl Pve {
    /// Takes a screenshot of a VM. `guest` is its path: `/nodes/{node}/qemu/{vmid}`.
    ///
    /// # Errors
    /// See [`Error`]; faults of the display are reported as [`Error::Unanswered`].
    pub fn screen(&self, cancel: &Cancel, guest: &str) -> Result<Picture> {
        let params = Params::new().with("websocket", 1).with("generate-password", 1);
        let path = format!("{guest}/vncproxy");
        let reply = self.send(cancel, Method::Post, &path, &params)?;
        let proxy = Proxy::read(&reply)?;
        let time = self.settings().timeout.min(PICTURE_TIME);
        let password = proxy.password.as_ref().unwrap_or(&proxy.ticket).expose().as_bytes().to_vec();
        self.converse(cancel, guest, &reply, &proxy, time, |socket| {
            let picture = rfb::picture(&mut *socket, &password);
            socket.close();
            picture
        })
    }

    /// Reads the output of a console for `time`, or until there are `most` bytes. `guest` is its path,
    /// `/nodes/{node}/{type}/{vmid}`; `serial` names a VM's serial port, such as `serial0`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn listen(
        &self,
        cancel: &Cancel,
        guest: &str,
        serial: Option<&str>,
        time: Duration,
        most: usize,
    ) -> Result<ConsoleOutput> {
        let mut params = Params::new();
        if let Some(serial) = serial {
            params.push("serial", serial);
        }
        let reply = self.send(cancel, Method::Post, &format!("{guest}/termproxy"), &params)?;
        let proxy = Proxy::read(&reply)?;
        let entry = format!("{}:{}\n", proxy.user, proxy.ticket.expose());
        let settings = self.settings();
        self.converse(cancel, guest, &reply, &proxy, settings.timeout, |socket| {
            socket.write_all(entry.as_bytes())?;
            let mut word = [0; 2];
            let entered = socket.read_exact(&mut word);
            if in_flight::with(|flight| flight.stopped).flatten().is_some() {
                entered?;
            } else if entered.is_err() || word != *b"OK" {
                return Err(wrong(&self.no_entry()));
            }
            let heard = hear(socket, time, most);
            socket.close();
            heard
        })
    }

    fn no_entry(&self) -> String {
        let advice = match &self.settings().auth {
            Auth::Token { .. } => {
                " Some Proxmox versions do not accept API tokens for consoles: use a user and password"
            }
            _ => " Check that the guest is running and that the user has VM.Console on it",
        };
        format!("the console rejected this login.{advice}")
    }

    /// Opens the websocket to a proxy and runs `talk` over it.
    fn converse<T>(
        &self,
        cancel: &Cancel,
        guest: &str,
        opened: &Reply,
        proxy: &Proxy,
        time: Duration,
        talk: impl FnOnce(&mut Socket<Call>) -> io::Result<T>,
    ) -> Result<T> {
        let limits = Limits { cancel, deadline: Instant::now() + time };
        let _slot = self.slot(limits)?;
        let path = format!("{guest}/vncwebsocket");
        let prepared = check_path(&path).and_then(|()| self.wire());
        let wire = prepared.map_err(|problem| Error::Setup { problem })?;
        let host = self.host_of(opened)?;
        let asked = Asked { method: Method::Get, path, host: authority(&host) };
        let (headers, identity) = self.proof(limits)?;
        let query = Params::new().with("port", &proxy.port).with("vncticket", proxy.ticket.expose());
        let target = format!("/api2/json{}?{}", asked.path, query.encode());
        let times = (self.settings().connect_timeout, time);
        let flight = InFlight::new(cancel, limits.deadline, times, asked.host.clone(), Wants::New);
        let (result, flown) = wire.converse(&host, &target, &headers, flight, talk);
        match result {
            Ok(Conversation::Held(Ok(result))) => Ok(result),
            Ok(Conversation::Refused(answer)) => {
                let problem = "it reported success but opened no websocket";
                match reply::read(*answer, asked.clone(), &identity) {
                    Err(error) => Err(error),
                    Ok(_) => Err(unanswered(asked, problem.into())),
                }
            }
            Ok(Conversation::Held(Err(error))) if flown.stopped.is_none() => {
                let why = self.fate(cancel, guest, &proxy.task);
                let problem = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
                    _ => error.to_string(),
                };
                let told = why.map_or(String::new(), |why| format!("; its task ended with `{why}`"));
                Err(unanswered(asked, problem + &told))
            }
            Ok(Conversation::Held(Err(_))) if flown.stopped == Some(Stop::Cancelled) => {
                Err(Error::Cancelled { may_have_been_carried_out: false })
            }
            Ok(Conversation::Held(Err(_))) => {
                let problem = format!("no complete answer came within {} s", time.as_secs_f64());
                Err(Error::Unanswered { asked: Box::new(asked), problem, timed_out: true })
            }
            Err(broken) => Err(meaning(broken, flown, asked, self.settings())),
        }
    }

    /// The authentication headers, and the identity they stand for.
    fn proof(&self, limits: Limits<'_>) -> Result<(Vec<(&'static str, Secret)>, Identity)> {
        match &self.settings().auth {
            Auth::Missing(problem) => Err(Error::Setup { problem: problem.clone() }),
            Auth::Token { id, .. } => {
                Ok((vec![token_header(id, &self.token()?)], Identity::Token(id.clone())))
            }
            Auth::Password { user, .. } => {
                Ok((self.pass(limits, None)?.ticket.headers(false), Identity::User(user.clone())))
            }
        }
    }

    /// The host that opened the proxy; the websocket must go to the same one.
    fn host_of(&self, opened: &Reply) -> Result<Host> {
        let asked = opened.asked();
        self.hosts.in_order().into_iter().find(|host| authority(host) == asked.host).ok_or_else(|| {
            Error::Setup {
                problem: format!(
                    "The host `{}`, which has just answered, is not one of the configured hosts.",
                    asked.host
                ),
            }
        })
    }

    /// The exit status of the proxy's task if it failed: the reason why the connection broke off.
    fn fate(&self, cancel: &Cancel, guest: &str, task: &str) -> Option<String> {
        let node = guest.strip_prefix("/nodes/")?.split('/').next()?;
        let path = super::path::fill("{task}", |_| Some(task.to_owned())).ok()?;
        let reply = self.get(cancel, &format!("/nodes/{node}/tasks/{path}/status"), &Params::new()).ok()?;
        let status = reply.value();
        let words = status.get("exitstatus")?.as_str()?;
        (words != "OK").then(|| words.trim().escape_debug().to_string())
    }
}

impl Proxy {
    fn read(reply: &Reply) -> Result<Proxy> {
        let data = reply.value();
        let text = |name: &str| match data.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let (Some(port), Some(ticket)) = (text("port"), text("ticket")) else {
            return Err(Error::NotProxmox {
                asked: Box::new(reply.asked().clone()),
                status: Some(200),
                problem: "the answer lacks a port or ticket. Is this version of Proxmox supported?".into(),
            });
        };
        Ok(Proxy {
            port,
            ticket: Secret::new(ticket),
            user: text("user").unwrap_or_default(),
            password: text("password").map(Secret::new),
            task: text("upid").unwrap_or_default(),
        })
    }
}

/// Reads output until the time is over, which is not an error here.
fn hear(socket: &mut Socket<Call>, time: Duration, most: usize) -> io::Result<ConsoleOutput> {
    let until = Instant::now() + time;
    in_flight::with(|flight| {
        flight.deadline = until;
        flight.read_timeout = time + Duration::from_secs(1);
    });
    // The size of the window, which every terminal sends; not a key press.
    socket.write_all(b"1:80:24:")?;
    let (mut bytes, mut place) = (Vec::new(), [0; 4096]);
    let mut ended = false;
    while bytes.len() <= most && Instant::now() < until {
        match socket.read(&mut place) {
            Ok(0) => {
                ended = true;
                break;
            }
            Ok(amount) => bytes.extend(&place[..amount]),
            Err(error) => match in_flight::with(|flight| flight.stopped).flatten() {
                Some(Stop::Cancelled) => return Err(error),
                Some(_) => break,
                None => {
                    ended = true;
                    break;
                }
            },
        }
    }
    let cut = most < bytes.len();
    bytes.truncate(most);
    Ok(ConsoleOutput { bytes, cut, ended })
}

fn unanswered(asked: Asked, problem: String) -> Error {
    Error::Unanswered { asked: Box::new(asked), problem, timed_out: false }
}
