//! The server: a reader that answers simple requests itself, workers for the others, a watcher for subscriptions, and
//! one locked writer.

mod watcher;

use super::{
    answer::Answer,
    call::Call,
    completion,
    elicitation::{Asking, ElicitationMode, PendingElicitations, Question, Reaction},
    lines::{Line, MAX_LINE, read_line},
    queue::Place,
    request::{Request, ToolCall, Work},
    resources,
    result::Responder,
    revision::Revision,
    rpc::{self, Fault, Id, Incoming, to_line},
    scheduler::{Dispatched, Scheduler},
    session::{Action, Session},
    subscriptions::Subscriptions,
    tasks,
    toolbox::Toolbox,
};
use crate::{cancel::Cancel, log, sync::lock, visible};
use serde_json::{Value, json};
use std::{
    fmt,
    io::{self, BufRead, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Scope},
    time::{Duration, Instant},
};

/// The options of a server.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// How many calls run at once in each queue; those that only wait are not counted.
    pub workers: usize,
    /// Whether to answer requests without a handshake.
    pub lenient: bool,
    /// Called when the output has been closed; a program should exit silently here.
    pub on_output_closed: fn(),
    /// Called before the first request for a worker or a subscription, with a handle to stop the server in an orderly
    /// way.
    pub on_first_call: &'a (dyn Fn(Stop) + Sync),
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("workers", &self.workers)
            .field("lenient", &self.lenient)
            .finish_non_exhaustive()
    }
}

/// A handle to stop the server from outside, for example on a signal.
#[derive(Debug)]
pub struct Stop {
    scheduler: Arc<Scheduler<Job>>,
    subscriptions: Arc<Subscriptions<ReplyTo>>,
}

impl Stop {
    /// Ends the waiting of every call and waits until each has its response, for at most `time`. Queued calls are
    /// answered without being started.
    pub fn within(&self, time: Duration) {
        self.scheduler.stop();
        self.subscriptions.stop();
        let until = Instant::now() + time;
        if !self.scheduler.drained(until) || !self.subscriptions.drained(until) {
            log::warn(format_args!(
                "The server stops with calls still running: they did not end within {time:?}."
            ));
        }
    }
}

/// Serves until `input` ends, then finishes the calls that have arrived.
///
/// # Errors
/// Reading the input fails. Returned after the running calls have finished.
pub fn serve(
    mut input: impl BufRead,
    output: impl Write + Send,
    toolbox: &dyn Toolbox,
    options: Options<'_>,
) -> io::Result<()> {
    let output = Output { writer: Mutex::new(output), closed: options.on_output_closed };
    let scheduler = Arc::new(Scheduler::new(options.workers));
    let subscriptions = Arc::new(Subscriptions::new());
    let elicitations = PendingElicitations::default();
    let first_call = Once::new();
    let stop = || Stop { scheduler: Arc::clone(&scheduler), subscriptions: Arc::clone(&subscriptions) };
    let on_call = || first_call.call_once(|| (options.on_first_call)(stop()));
    thread::scope(|scope| {
        let server = Server {
            scope,
            scheduler: &scheduler,
            subscriptions: &subscriptions,
            output: &output,
            elicitations: &elicitations,
            on_call: &on_call,
            toolbox,
        };
        let ended = server.listen(&mut input, Session::new(options.lenient));
        elicitations.close();
        subscriptions.close();
        scheduler.end();
        ended
    })
}

/// The byte order mark that some editors write at the beginning of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The line buffer is freed after a line that made it larger than this, in bytes.
const MAX_KEPT: usize = 256 * 1024;

/// The output. Writes whole lines, one at a time.
struct Output<W> {
    writer: Mutex<W>,
    closed: fn(),
}

impl<W: Write> Output<W> {
    fn send(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        let mut writer = lock(&self.writer);
        if writer.write_all(&line).and_then(|()| writer.flush()).is_err() {
            (self.closed)();
        }
    }
}

/// The destination of a response.
#[derive(Clone, Debug)]
enum ReplyTo {
    /// To the client.
    Client,
    /// Into the response to a batch.
    Batch(Arc<Batch>),
}

/// The number of responses a batch still waits for, and those it has; sent as one array when the last one is there.
#[derive(Debug)]
struct Batch {
    answers: Mutex<(usize, Vec<Vec<u8>>)>,
}

/// A request for a worker, with the destination of its response.
#[derive(Debug)]
struct Job {
    request: Request,
    reply_to: ReplyTo,
}

struct Server<'scope, 'env, W> {
    /// The scope of the worker threads.
    scope: &'scope Scope<'scope, 'env>,
    scheduler: &'env Scheduler<Job>,
    subscriptions: &'env Subscriptions<ReplyTo>,
    output: &'env Output<W>,
    elicitations: &'env PendingElicitations,
    /// Called before a request is given to a worker.
    on_call: &'env (dyn Fn() + Sync),
    toolbox: &'env dyn Toolbox,
}

impl<W> Clone for Server<'_, '_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Server<'_, '_, W> {}

impl<'scope, 'env, W: Write + Send> Server<'scope, 'env, W> {
    /// Reads and handles lines until the input ends.
    fn listen(self, input: &mut impl BufRead, mut session: Session) -> io::Result<()> {
        let mut line = Vec::new();
        let mut first_line = true;
        loop {
            let read = read_line(input, &mut line, MAX_LINE)?;
            let mark = if std::mem::take(&mut first_line) { BYTE_ORDER_MARK } else { b"" };
            let text = line.strip_prefix(mark).unwrap_or(&line);
            match read {
                Line::Whole if text.iter().all(u8::is_ascii_whitespace) => {}
                Line::Whole => self.take(&mut session, rpc::parse(text)),
                Line::TooLong => {
                    let message = format!("Invalid request: a line must be at most {MAX_LINE} bytes long.");
                    self.output.send(Fault::new(None, rpc::INVALID_REQUEST, message).to_line());
                }
                Line::End => return Ok(()),
            }
            if MAX_KEPT < line.capacity() {
                line = Vec::new();
            }
        }
    }

    /// Handles one message or batch.
    fn take(self, session: &mut Session, message: Incoming) {
        match message {
            Incoming::Batch(entries) if session.takes_batches() => self.take_batch(session, entries),
            message => self.act(session, message, &ReplyTo::Client),
        }
    }

    /// Handles a batch. The response is one array, in any order, without entries for notifications (JSON-RPC 2.0
    /// section 6).
    fn take_batch(self, session: &mut Session, entries: Vec<Value>) {
        if entries.is_empty() {
            let message = "Invalid request: the batch is empty.";
            self.output.send(Fault::new(None, rpc::INVALID_REQUEST, message).to_line());
            return;
        }
        let messages: Vec<Incoming> = entries.into_iter().map(rpc::classify).map(not_in_a_batch).collect();
        let is_answered =
            |message: &&Incoming| matches!(message, Incoming::Request { .. } | Incoming::Invalid(_));
        let due = messages.iter().filter(is_answered).count();
        let reply_to = ReplyTo::Batch(Arc::new(Batch { answers: Mutex::new((due, Vec::new())) }));
        messages.into_iter().for_each(|message| self.act(session, message, &reply_to));
    }

    fn act(self, session: &mut Session, message: Incoming, reply_to: &ReplyTo) {
        match session.judge(self.toolbox, message) {
            Action::Ignore => {}
            Action::Reply(line) => self.deliver(reply_to, Some(line)),
            Action::Run(request) => self.enqueue(Job { request, reply_to: reply_to.clone() }),
            Action::Subscribe(request) => self.subscribe(request, reply_to),
            Action::Answered(id, message) => self.elicitations.answered(&id, &message),
            Action::Cancel(id) => {
                let queued = self.scheduler.cancel(&id).map(|job| job.reply_to);
                if let Some(reply_to) = queued.or_else(|| self.subscriptions.cancel(&id)) {
                    self.deliver(&reply_to, None);
                }
            }
        }
    }

    /// Rejects a request whose id is in use by a request that has no response yet. Returns whether it did.
    fn is_taken(self, id: &Id, reply_to: &ReplyTo) -> bool {
        let taken = self.scheduler.is_open(id) || self.subscriptions.has(id);
        if taken {
            let message = "Invalid request: another request with this id has no answer yet.";
            self.refuse(reply_to, Fault::new(None, rpc::INVALID_REQUEST, message), id);
        }
        taken
    }

    fn refuse(self, reply_to: &ReplyTo, fault: Fault, id: &Id) {
        self.deliver(reply_to, Some(Fault { id: Some(id.clone()), ..fault }.to_line()));
    }

    fn enqueue(self, job: Job) {
        (self.on_call)();
        let (id, place) = (job.request.id.clone(), job.request.place);
        if self.is_taken(&id, &job.reply_to) {
            // It has been answered.
        } else if self.scheduler.push(id, place, job) {
            self.spawn();
        }
    }

    fn spawn(self) {
        let work = move || {
            while let Some(call) = self.scheduler.next() {
                if call.wants_thread {
                    self.spawn();
                }
                self.run(call);
            }
        };
        if let Err(error) = thread::Builder::new().name("worker".into()).spawn_scoped(self.scope, work) {
            // The existing workers continue, and the next call tries to start another one.
            self.scheduler.not_started();
            log::error(format_args!("A worker thread could not be started: {error}."));
        }
    }

    fn run(self, dispatched: Dispatched<Job>) {
        let Dispatched { id, place, cancel, job: Job { request, reply_to }, too_late, .. } = dispatched;
        let released = AtomicBool::new(false);
        let line = if too_late {
            Fault::new(Some(id.clone()), rpc::INTERNAL_ERROR, NOT_BEGUN).to_line()
        } else {
            let title = request.work.title();
            let line = catch_unwind(AssertUnwindSafe(|| self.carry_out(request, place, &cancel, &released)));
            line.unwrap_or_else(|_| panicked(&id, &title))
        };
        let wanted = self.scheduler.finish(&id);
        self.deliver(&reply_to, wanted.then_some(line));
        self.scheduler.delivered(place, released.load(Ordering::Acquire));
    }

    /// Carries out a request and returns the response line.
    fn carry_out(self, request: Request, place: Place, cancel: &Cancel, released: &AtomicBool) -> Vec<u8> {
        let Request { id, client, work, .. } = request;
        let responder = Responder { id: &id, revision: client.revision(), about: self.toolbox.about() };
        let call = Call::detached(cancel.clone()).with_client(client);
        let line = match work {
            Work::CallTool(tool) => {
                return responder.call(self.call_tool(call, tool, place, cancel, released));
            }
            Work::ListResources(start) => {
                resources::run_list(self.toolbox, &call, start).map(|page| responder.complete(page))
            }
            Work::ReadResource(uri) => {
                resources::run_read(self.toolbox, &call, &uri).map(|found| responder.complete(found))
            }
            Work::Complete(wanted) => {
                completion::run(self.toolbox, &call, &wanted).map(|values| responder.complete(values))
            }
            Work::Task(method, task) => {
                tasks::run(self.toolbox, &call, method, &task).map(|found| responder.complete(found))
            }
        };
        line.unwrap_or_else(|fault| Fault { id: Some(id.clone()), ..fault }.to_line())
    }

    fn call_tool(
        self,
        call: Call<'_>,
        tool: ToolCall,
        place: Place,
        cancel: &Cancel,
        released: &AtomicBool,
    ) -> Answer {
        let ToolCall { name, arguments, progress_token, elicitation } = tool;
        let revision = call.client().revision();
        let gate = || self.release(place, released);
        let progress = |done: f64, total: Option<f64>, message: &str| {
            if let Some(token) = &progress_token
                && !cancel.is_cancelled()
            {
                self.output.send(progress_line(revision, token, done, total, message));
            }
        };
        let ask_now = |question: &Question| {
            // A user may take minutes: the calls behind it start in the meantime.
            if !self.release(place, released) {
                return Reaction::Cancel;
            }
            self.elicitations.ask(question, cancel, &|line| self.output.send(line))
        };
        let asking = match &elicitation {
            ElicitationMode::Unsupported => Asking::No,
            ElicitationMode::Request => Asking::Now(&ask_now),
            ElicitationMode::InputRequired(retry) => Asking::Again(retry.as_ref()),
        };
        let mut call = call.with_gate(&gate).with_asking(asking);
        if progress_token.is_some() {
            call = call.with_progress(&progress);
        }
        self.toolbox.call(&call, &name, arguments)
    }

    /// Lets the calls behind this one start. Returns whether the call may wait; later calls only return `true`.
    fn release(self, place: Place, released: &AtomicBool) -> bool {
        if released.load(Ordering::Acquire) {
            return true;
        }
        let (may_wait, wants_thread) = self.scheduler.release(place);
        if may_wait {
            released.store(true, Ordering::Release);
        }
        if wants_thread {
            self.spawn();
        }
        may_wait
    }

    fn deliver(self, reply_to: &ReplyTo, line: Option<Vec<u8>>) {
        match reply_to {
            ReplyTo::Client => line.into_iter().for_each(|line| self.output.send(line)),
            ReplyTo::Batch(batch) => {
                let mut answers = lock(&batch.answers);
                answers.0 -= 1;
                answers.1.extend(line);
                if answers.0 == 0 && !answers.1.is_empty() {
                    let lines = std::mem::take(&mut answers.1);
                    self.output.send([b"[", lines.join(&b","[..]).as_slice(), b"]"].concat());
                }
            }
        }
    }
}

/// The error for a request that had not started when the server was told to stop.
const NOT_BEGUN: &str = "The server was told to stop before this request began, so nothing was done; send it again to a new server.";

/// The error response to a request that caused a panic.
fn panicked(id: &Id, what: &str) -> Vec<u8> {
    log::error(format_args!("{what} panicked; its request was answered with an error."));
    let message = "Internal error: the call failed inside the server; see its log.";
    Fault::new(Some(id.clone()), rpc::INTERNAL_ERROR, message).to_line()
}

/// `initialize` must not be part of a batch (2025-03-26, lifecycle).
fn not_in_a_batch(message: Incoming) -> Incoming {
    match message {
        Incoming::Request { id, method, .. } if method == "initialize" => {
            let message = "Invalid request: `initialize` must not be part of a batch.";
            Incoming::Invalid(Fault::new(Some(id), rpc::INVALID_REQUEST, message))
        }
        message => message,
    }
}

fn progress_line(revision: Revision, token: &Id, done: f64, total: Option<f64>, message: &str) -> Vec<u8> {
    let mut params = json!({"progressToken": token, "progress": done});
    if let Some(total) = total {
        params["total"] = json!(total);
    }
    if revision.has_annotations() && !message.is_empty() {
        params["message"] = json!(visible::text(message));
    }
    to_line(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))
}
