//! The server: a reader that answers inline, workers for tool calls, one locked writer.

use super::{
    Answer, Asking, Call, Order, Question, Reaction, Revision, Toolbox,
    ask::{self, Desk, Way},
    lines::{Line, MAX_LINE, read_line},
    lookup::Lookup,
    queue::{Place, Queue, Turn},
    rpc::{self, Fault, Id, Incoming, result_line, to_line},
    session::{Action, Session, ToolCall, frame, frame_as_is},
};
use crate::{cancel::Cancel, log, sync::lock, visible};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use std::{
    io::{self, BufRead, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Scope},
    time::{Duration, Instant},
};

/// How a server runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many tool calls run at once; those that only wait are not counted.
    pub workers: usize,
    /// Answer requests that come without a handshake.
    pub lenient: bool,
    /// Called when nobody reads the output any more; a program ends itself here, silently.
    pub on_output_closed: fn(),
    /// Called at the first tool call, with the means to end in order what is under way.
    pub on_first_call: fn(Stop),
}

/// The means to end a server from outside, as a signal does.
#[derive(Debug)]
pub struct Stop(Arc<Queue<Job>>);

impl Stop {
    /// Hurries every call and waits until each has its answer, at most for `time`. Nothing more is taken on.
    pub fn within(&self, time: Duration) {
        self.0.end();
        if !self.0.drained(Instant::now() + time) {
            log::warn(format_args!(
                "The server ends with calls under way: {time:?} were not enough for them."
            ));
        }
    }
}

/// Serves until `input` ends, then finishes the calls under way, their waits cut short.
///
/// # Errors
/// What reading the input says, after the calls under way were finished.
pub fn serve(
    mut input: impl BufRead,
    output: impl Write + Send,
    toolbox: &dyn Toolbox,
    options: Options,
) -> io::Result<()> {
    let output = Output { writer: Mutex::new(output), closed: options.on_output_closed };
    let queue = Arc::new(Queue::new(options.workers));
    let desk = Desk::default();
    let mut session = Session::new(options.lenient);
    // Clients wait for the first answers, and those need no thread.
    let alone = Server { scope: None, queue: &queue, output: &output, desk: &desk, toolbox };
    match alone.listen(&mut input, &mut session)? {
        0 => Ok(()),
        wanted => thread::scope(|scope| {
            (options.on_first_call)(Stop(Arc::clone(&queue)));
            let server = Server { scope: Some(scope), queue: &queue, output: &output, desk: &desk, toolbox };
            (0..wanted).for_each(|_| server.spawn(scope));
            let ended = server.listen(&mut input, &mut session);
            queue.end();
            ended.map(drop)
        }),
    }
}

/// A buffer that grew beyond this for one long line is given back, in bytes.
const MAX_KEPT: usize = 256 * 1024;

/// The one way out. Whole lines only, one at a time.
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

/// Where an answer goes.
#[derive(Clone, Debug)]
enum Outlet {
    Direct,
    Batch(Arc<Batch>),
}

/// The answers to a batch, sent as one array when the last has come.
#[derive(Debug)]
struct Batch {
    answers: Mutex<(usize, Vec<Vec<u8>>)>,
}

/// Work with the place its answer goes to.
#[derive(Debug)]
struct Job {
    work: Work,
    outlet: Outlet,
}

/// What a worker does.
#[derive(Debug)]
enum Work {
    Call(ToolCall),
    LookUp(Lookup),
}

struct Server<'scope, 'env, W> {
    /// Where workers run; `None` as long as there was nothing to do for one.
    scope: Option<&'scope Scope<'scope, 'env>>,
    queue: &'env Queue<Job>,
    output: &'env Output<W>,
    desk: &'env Desk,
    toolbox: &'env dyn Toolbox,
}

impl<W> Clone for Server<'_, '_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Server<'_, '_, W> {}

impl<'scope, 'env, W: Write + Send> Server<'scope, 'env, W> {
    /// Takes what comes until the input ends, or until there is work for threads and nowhere to start them: how many.
    fn listen(self, input: &mut impl BufRead, session: &mut Session) -> io::Result<usize> {
        let mut line = Vec::new();
        loop {
            match read_line(input, &mut line, MAX_LINE)? {
                Line::Whole if line.iter().all(u8::is_ascii_whitespace) => {}
                Line::Whole => {
                    let wanted = self.take(session, rpc::parse(&line));
                    if 0 < wanted {
                        return Ok(wanted);
                    }
                }
                Line::TooLong => {
                    let message = format!("Invalid request: a line is at most {MAX_LINE} bytes long.");
                    self.output.send(to_line(&Fault::new(None, rpc::INVALID_REQUEST, message).to_json()));
                }
                Line::End => return Ok(0),
            }
            if MAX_KEPT < line.capacity() {
                line = Vec::new();
            }
        }
    }

    /// Carries out what is asked for, or sees to it. How many threads it takes that cannot be started here.
    fn take(self, session: &mut Session, message: Incoming) -> usize {
        match message {
            Incoming::Batch(entries) if session.takes_batches() => self.take_batch(session, entries),
            message => self.act(session, message, &Outlet::Direct),
        }
    }

    /// A batch is answered by one array, in any order, with nothing for notifications (JSON-RPC 2.0 section 6).
    fn take_batch(self, session: &mut Session, entries: Vec<Value>) -> usize {
        if entries.is_empty() {
            let fault = Fault::new(None, rpc::INVALID_REQUEST, "Invalid request: the batch is empty.");
            self.output.send(to_line(&fault.to_json()));
            return 0;
        }
        let messages: Vec<Incoming> = entries.into_iter().map(rpc::classify).map(not_in_a_batch).collect();
        let due = messages
            .iter()
            .filter(|message| {
                matches!(
                    message,
                    Incoming::Request { .. } | Incoming::Initialize { .. } | Incoming::Invalid(_)
                )
            })
            .count();
        let outlet = Outlet::Batch(Arc::new(Batch { answers: Mutex::new((due, Vec::new())) }));
        messages.into_iter().map(|message| self.act(session, message, &outlet)).sum()
    }

    fn act(self, session: &mut Session, message: Incoming, outlet: &Outlet) -> usize {
        match session.judge(self.toolbox, message) {
            Action::Ignore => {}
            Action::Reply(line) => self.deliver(outlet, Some(line)),
            Action::Run(call) => {
                return self.enqueue(call.id.clone(), call.place, Work::Call(call), outlet.clone());
            }
            Action::LookUp(lookup) => {
                let place = Place { lane: lookup.lane(self.toolbox), order: Order::Read };
                return self.enqueue(lookup.id.clone(), place, Work::LookUp(lookup), outlet.clone());
            }
            Action::Answered(id, message) => self.desk.answered(&id, &message),
            Action::Cancel(id) => {
                if let Some(job) = self.queue.cancel(&id) {
                    self.deliver(&job.outlet, None);
                }
            }
        }
        0
    }

    fn enqueue(self, id: Id, place: Place, work: Work, outlet: Outlet) -> usize {
        if self.queue.is_open(&id) {
            let message = "Invalid request: another request with this id has no answer yet.";
            let fault = Fault::new(Some(id), rpc::INVALID_REQUEST, message);
            self.deliver(&outlet, Some(to_line(&fault.to_json())));
            return 0;
        }
        if !self.queue.push(id, place, Job { work, outlet }) {
            return 0;
        }
        let Some(scope) = self.scope else { return 1 };
        self.spawn(scope);
        0
    }

    fn spawn(self, scope: &'scope Scope<'scope, 'env>) {
        let started = thread::Builder::new().name("worker".into()).spawn_scoped(scope, move || {
            while let Some(turn) = self.queue.next() {
                if turn.wants_thread {
                    self.spawn(scope);
                }
                self.run(turn);
            }
        });
        if let Err(error) = started {
            // Whoever works already goes on, and the next call tries again.
            self.queue.not_started();
            log::error(format_args!("A worker thread could not be started: {error}."));
        }
    }

    fn run(self, turn: Turn<Job>) {
        let Turn { id, place, cancel, job: Job { work, outlet }, .. } = turn;
        let line = match work {
            Work::Call(call) => self.call(&id, place, &cancel, call),
            Work::LookUp(lookup) => {
                let call = Call::detached(cancel);
                let line = catch_unwind(AssertUnwindSafe(|| lookup.run(self.toolbox, &call)));
                let line = line.unwrap_or_else(|_| panicked(&id, "A look-up"));
                self.queue.finish(&id, place, false).then_some(line)
            }
        };
        self.deliver(&outlet, line);
        self.queue.delivered();
    }

    /// Runs a tool; the line that answers its call, if anybody still wants it.
    fn call(self, id: &Id, place: Place, cancel: &Cancel, call: ToolCall) -> Option<Vec<u8>> {
        let ToolCall { revision, name, arguments, progress_token, way, .. } = call;
        let released = AtomicBool::new(false);
        let gate = || self.release(place, &released);
        let progress = |done: f64, total: Option<f64>, message: &str| {
            if let Some(token) = &progress_token
                && !cancel.is_cancelled()
            {
                self.output.send(progress_line(revision, token, done, total, message));
            }
        };
        let ask_now = |question: &Question| {
            // A person may take minutes: the calls behind go ahead meanwhile.
            if !self.release(place, &released) {
                return Reaction::Cancel;
            }
            self.desk.ask(question, cancel, &|message| self.output.send(to_line(message)))
        };
        let asking = match &way {
            Way::No => Asking::No,
            Way::Now => Asking::Now(&ask_now),
            Way::Again(given) => Asking::Again(given.as_ref()),
        };
        let mut context = Call::detached(cancel.clone()).with_gate(&gate).with_asking(asking);
        if progress_token.is_some() {
            context = context.with_progress(&progress);
        }
        let answer = catch_unwind(AssertUnwindSafe(|| self.toolbox.call(&context, &name, arguments)));
        let wanted = self.queue.finish(id, place, released.load(Ordering::Acquire));
        wanted.then(|| match answer {
            Ok(answer) => answer_line(id, revision, self.toolbox, answer),
            Err(_) => panicked(id, &format!("The tool `{name}`")),
        })
    }

    /// Lets the calls behind go ahead, once; a second time it only says that the call may wait.
    fn release(self, place: Place, released: &AtomicBool) -> bool {
        if released.load(Ordering::Acquire) {
            return true;
        }
        let (may_wait, wants_thread) = self.queue.release(place);
        if may_wait {
            released.store(true, Ordering::Release);
        }
        if let Some(scope) = self.scope.filter(|_| wants_thread) {
            self.spawn(scope);
        }
        may_wait
    }

    fn deliver(self, outlet: &Outlet, line: Option<Vec<u8>>) {
        match outlet {
            Outlet::Direct => line.into_iter().for_each(|line| self.output.send(line)),
            Outlet::Batch(batch) => {
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

/// The answer to what ended in a panic, which is the server's fault.
fn panicked(id: &Id, what: &str) -> Vec<u8> {
    log::error(format_args!("{what} panicked; its request was answered with an error."));
    let message = "Internal error: the call failed inside the server; its log says more.";
    to_line(&Fault::new(Some(id.clone()), rpc::INTERNAL_ERROR, message).to_json())
}

/// `initialize` must not be part of a batch (2025-03-26, lifecycle), nor may a batch hold another.
fn not_in_a_batch(message: Incoming) -> Incoming {
    match message {
        Incoming::Initialize { id, .. } => {
            let message = "Invalid request: `initialize` must not be part of a batch.";
            Incoming::Invalid(Fault::new(Some(id), rpc::INVALID_REQUEST, message))
        }
        message => message,
    }
}

#[derive(Serialize)]
struct ToolResult<'a> {
    content: [Text<'a>; 1],
    #[serde(rename = "structuredContent", skip_serializing_if = "Option::is_none")]
    structured_content: Option<&'a RawValue>,
    #[serde(rename = "isError", skip_serializing_if = "Option::is_none")]
    is_error: Option<bool>,
}

#[derive(Serialize)]
struct Text<'a> {
    r#type: &'static str,
    text: &'a str,
}

fn answer_line(id: &Id, revision: Revision, toolbox: &dyn Toolbox, answer: Answer) -> Vec<u8> {
    if let Answer::Ask { question, state } = &answer {
        let result = ask::input_required(question, state);
        return result_line(id, frame_as_is(revision, toolbox.about(), result));
    }
    let (text, structured_content, is_error) = match &answer {
        Answer::Data(data) => (data.get(), revision.has_structured_content().then_some(&**data), None),
        Answer::Failure(text) => (text.as_str(), None, Some(true)),
        Answer::Ask { question, .. } => (question.message.as_str(), None, Some(true)),
    };
    let result = ToolResult { content: [Text { r#type: "text", text }], structured_content, is_error };
    result_line(id, frame(revision, toolbox.about(), result))
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
