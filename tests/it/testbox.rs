//! A toolbox for tests of the protocol, and a way to talk to a server in memory.

use proxmox_mcp::mcp::{About, Answer, Call, Options, Order, Revision, Stop, Toolbox, UI_EXTENSION, serve};
use serde_json::{Map, Value, json, value::RawValue, value::to_raw_value};
use std::{
    io::{self, BufRead, Read, Write},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

/// No operation in a test takes this long; if one does, it hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How long the tool `task` runs after it was submitted.
const TASK: Duration = Duration::from_millis(20);

/// Tools that echo, fail, panic and wait. Calls are recorded as they start.
pub struct TestBox {
    list: Box<RawValue>,
    pub log: Mutex<Vec<String>>,
}

impl TestBox {
    pub fn new() -> TestBox {
        let list = json!([{
            "name": "echo",
            "description": "Echoes.",
            "inputSchema": {"type": "object", "additionalProperties": false},
        }]);
        TestBox { list: to_raw_value(&list).unwrap(), log: Mutex::default() }
    }

    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }
}

impl Toolbox for TestBox {
    fn about(&self) -> About {
        About { name: "test", title: "Test", version: "1" }
    }

    fn instructions(&self) -> String {
        "Call echo.".into()
    }

    fn extensions(&self) -> &[&'static str] {
        &[UI_EXTENSION]
    }

    fn list(&self, _: Revision) -> &RawValue {
        &self.list
    }

    fn order(&self, name: &str, _: &Map<String, Value>) -> Result<Order, String> {
        match name {
            "echo" | "fail" | "panic" | "wait" | "hold" | "progress" | "client" => Ok(Order::Read),
            "change" | "change_and_wait" | "task" => Ok(Order::Change),
            _ => Err(format!("Unknown tool: {name}")),
        }
    }

    fn call(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer {
        self.note(format!("{name} {}", arguments.get("n").unwrap_or(&Value::Null)));
        match name {
            "fail" => return Answer::Failure("It failed.".into()),
            "panic" => panic!("as asked"),
            "hold" => assert!(call.cancel.sleep(PATIENCE), "nobody ended the call"),
            "wait" | "change_and_wait" => {
                assert!(call.submitted(), "may wait");
                assert!(call.submitted(), "asking twice is harmless");
                assert!(call.cancel.sleep(PATIENCE), "nobody ended the wait");
            }
            "task" => {
                assert!(call.submitted(), "may wait");
                let woken = call.cancel.sleep(TASK);
                self.note(format!("end {}", arguments.get("n").unwrap_or(&Value::Null)));
                assert!(!woken, "the wait was cut short");
            }
            "client" => {
                let views = call.client().shows_views("text/html;profile=mcp-app");
                let data = json!({"views": views, "tasks": call.client().accepts_tasks()});
                let meta = Map::from_iter([("test/view".to_owned(), views.into())]);
                return Answer::DataWithMeta(to_raw_value(&data).unwrap(), meta);
            }
            "progress" => {
                for (done, message) in [(1.0, "one"), (1.0, "not more"), (2.0, "too soon")] {
                    call.progress(done, Some(3.0), message);
                }
            }
            _ => {}
        }
        Answer::Data(to_raw_value(&json!({"echo": arguments})).unwrap())
    }
}

/// Sends all lines at once, ends the input, and returns the lines that came back, parsed.
pub fn talk(lines: &[&str]) -> Vec<Value> {
    talk_bytes(lines.iter().flat_map(|line| [line.as_bytes(), b"\n"]).collect::<Vec<_>>().concat().as_slice())
}

pub fn talk_bytes(input: &[u8]) -> Vec<Value> {
    let mut output = Vec::new();
    serve(input, &mut output, &TestBox::new(), options(false)).unwrap();
    parse_lines(&output)
}

pub fn options(lenient: bool) -> Options<'static> {
    Options { workers: 2, lenient, on_output_closed: || {}, on_first_call: &|_| {} }
}

pub fn parse_lines(output: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(output).expect("the output is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
    text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

/// A server on its own threads, to talk to line by line.
pub struct Live {
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<Vec<u8>>,
    pub toolbox: Arc<TestBox>,
    stop: Arc<Mutex<Option<Stop>>>,
    server: Option<thread::JoinHandle<io::Result<()>>>,
}

impl Live {
    pub fn start() -> Live {
        let toolbox = Arc::new(TestBox::new());
        Live { toolbox: Arc::clone(&toolbox), ..Live::over(toolbox) }
    }

    /// A server with any toolbox.
    pub fn over(toolbox: Arc<impl Toolbox + Send + 'static>) -> Live {
        let (input, from_client) = channel();
        let (to_client, output) = channel();
        let reader = io::BufReader::new(ChannelReader { from: from_client, rest: Vec::new() });
        let stop = Arc::new(Mutex::new(None));
        let server = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let keep = |handle| *stop.lock().unwrap() = Some(handle);
                let options = Options { on_first_call: &keep, ..options(true) };
                serve(reader, ChannelWriter(to_client), &*toolbox, options)
            }
        });
        Live { input: Some(input), output, toolbox: Arc::new(TestBox::new()), stop, server: Some(server) }
    }

    pub fn send(&self, message: &Value) {
        self.input.as_ref().unwrap().send(format!("{message}\n").into_bytes()).unwrap();
    }

    pub fn call(&self, id: u64, name: &str) {
        let params = json!({"name": name, "arguments": {"n": id}});
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
    }

    pub fn cancel(&self, id: u64) {
        self.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}),
        );
    }

    /// Sends a ping and waits for the answer: everything sent before has been read by then.
    pub fn ping(&self) {
        self.send(&json!({"jsonrpc": "2.0", "id": "ping", "method": "ping"}));
        assert_eq!(self.receive()["id"], "ping");
    }

    /// Waits for that many answers, in any order.
    pub fn receive_all(&self, count: usize) {
        for _ in 0..count {
            self.receive();
        }
    }

    pub fn receive(&self) -> Value {
        serde_json::from_slice(&self.output.recv_timeout(PATIENCE).expect("an answer in time")).unwrap()
    }

    /// Stops the server as a signal does, and returns the ids of the remaining answers, in order.
    pub fn stop(self) -> Vec<Value> {
        if let Some(stop) = &*self.stop.lock().unwrap() {
            stop.within(PATIENCE);
        }
        self.end()
    }

    /// Ends the input and returns the ids of the remaining answers, in order.
    pub fn end(mut self) -> Vec<Value> {
        drop(self.input.take());
        self.server.take().unwrap().join().unwrap().unwrap();
        self.output.iter().map(|line| serde_json::from_slice::<Value>(&line).unwrap()["id"].clone()).collect()
    }
}

struct ChannelReader {
    from: Receiver<Vec<u8>>,
    rest: Vec<u8>,
}

impl Read for ChannelReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.from.recv().unwrap_or_default();
        }
        let count = self.rest.as_slice().read(buffer)?;
        self.rest.drain(..count);
        Ok(count)
    }
}

struct ChannelWriter(Sender<Vec<u8>>);

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Exists only so that a test can pass any reader to a server.
pub fn serve_into(input: impl BufRead, toolbox: &TestBox, lenient: bool) -> Vec<Value> {
    let mut output = Vec::new();
    serve(input, &mut output, toolbox, options(lenient)).unwrap();
    parse_lines(&output)
}
